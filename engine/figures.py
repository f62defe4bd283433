"""The figures that sum up a run, for the command line and the app. Torch-free; nothing here trains."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.config import Config, DQNConfig, ImitationConfig, parameter_count
from engine.metrics import MetricLog
from engine.store import RunRecord

CARTPOLE_STATE, CARTPOLE_ACTIONS = 4, 2


def run_config(record: RunRecord) -> Config:
    """The config that a run was started with."""
    config_type = DQNConfig if record.kind == "dqn" else ImitationConfig
    return config_type.from_dict(record.spec["config"])


def cartpole_parameters(config: Config) -> int:
    """Number of parameters of a CartPole network with a config's hidden layers."""
    return parameter_count((CARTPOLE_STATE, *config.nn_hidden_layers, CARTPOLE_ACTIONS))


def imitation_figures(config: ImitationConfig, log: MetricLog) -> dict[str, float | int | None]:
    """Parameters, the last epoch's accuracies and losses, and the best test accuracy with its first epoch, from 1 on.

    Figures of epochs are None before the first one is over.
    """
    epochs, accuracy = log.read("test_accuracy")
    best = int(accuracy.argmax()) if len(accuracy) else None
    names = ("train_accuracy", "test_accuracy", "train_loss", "test_loss")
    return {
        "parameters": cartpole_parameters(config),
        **{name: log.last(name) for name in names},
        "best_test_accuracy": None if best is None else float(accuracy[best]),
        "best_epoch": None if best is None else int(epochs[best]),
    }


def return_figures(returns: npt.NDArray[np.float64], perfect: int) -> dict[str, float | int]:
    """mean, std, min, max, perfect, episodes of an evaluation; `std` is over the episodes (population form)."""
    return {
        "mean": float(returns.mean()),
        "std": float(returns.std()),
        "min": float(returns.min()),
        "max": float(returns.max()),
        "perfect": perfect,
        "episodes": len(returns),
    }
