"""The figures that sum up a run, for the command line and the app. Torch-free; nothing here trains."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from engine.config import Config, DQNConfig, ImitationConfig
from engine.metrics import MetricLog
from engine.presets import PRESETS
from engine.store import EvaluationRecord, RunRecord

CARTPOLE_STATE, CARTPOLE_ACTIONS = 4, 2


def run_config(record: RunRecord) -> Config:
    """The config that a run was started with."""
    config_type = DQNConfig if record.kind == "dqn" else ImitationConfig
    return config_type.from_dict(record.spec["config"])


def changed_settings(record: RunRecord) -> dict[str, Any]:
    """Settings in which a run differs from its preset, the seed left out; empty for a run without a preset."""
    if record.preset not in PRESETS:
        return {}
    usual = PRESETS[record.preset].config.to_dict()
    given: dict[str, Any] = run_config(record).to_dict()
    return {key: value for key, value in given.items() if key != "seed" and usual.get(key) != value}


def imitation_figures(config: ImitationConfig, log: MetricLog) -> dict[str, float | int | None]:
    """Parameters, the last epoch's accuracies and losses, and the best test accuracy with its first epoch, from 1 on.

    Figures of epochs are None before the first one is over.
    """
    sizes = (CARTPOLE_STATE, *config.nn_hidden_layers, CARTPOLE_ACTIONS)
    epochs, accuracy = log.read("test_accuracy")
    best = int(accuracy.argmax()) if len(accuracy) else None
    names = ("train_accuracy", "test_accuracy", "train_loss", "test_loss")
    return {
        "parameters": sum(inputs * outputs + outputs for inputs, outputs in pairwise(sizes)),
        **{name: log.last(name) for name in names},
        "best_test_accuracy": None if best is None else float(accuracy[best]),
        "best_epoch": None if best is None else int(epochs[best]),
    }


def evaluation_figures(kept: EvaluationRecord) -> dict[str, float | int]:
    """mean, std, min, max, perfect, episodes of a kept evaluation; `std` is over the episodes (population form)."""
    returns = kept.returns
    return {
        "mean": float(returns.mean()),
        "std": float(returns.std()),
        "min": float(returns.min()),
        "max": float(returns.max()),
        "perfect": kept.perfect,
        "episodes": len(returns),
    }
