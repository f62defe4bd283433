"""Runs `dqn-lab` inside this process, for the tests of the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from tui_lab.cli import cli

SMALL = ["--set", "nn_hidden_layers=[8]", "--episodes", "3"]
TRAIN_KEYS = [
    "run",
    "preset",
    "seed",
    "status",
    "episodes",
    "env_steps",
    "gradient_steps",
    "seconds",
    "last",
    "best",
    "agent",
    "state_hash",
]
FIT_KEYS = [
    "run",
    "parameters",
    "train_accuracy",
    "test_accuracy",
    "train_loss",
    "test_loss",
    "best_test_accuracy",
    "best_epoch",
    "seconds",
    "agent",
    "state_hash",
]
FIGURES = ["mean", "std", "min", "max", "perfect", "episodes"]


def lab(*args: str | Path, code: int = 0, answer: str | None = None) -> Result:
    """The result of `dqn-lab ARGS`, whose exit code must be `code`."""
    result = CliRunner().invoke(cli, [str(arg) for arg in args], input=answer, prog_name="dqn-lab")
    assert result.exit_code == code, (result.exit_code, result.output, result.exception)
    return result


def lab_json(*args: str | Path, code: int = 0) -> dict[str, Any]:
    """What `dqn-lab ARGS --json` printed, which must be one JSON object and nothing else."""
    value = json.loads(lab(*args, "--json", code=code).stdout)
    assert isinstance(value, dict)
    return value


def refusal(*args: str | Path, code: int = 2) -> str:
    """The one line that `dqn-lab ARGS` says on standard error, with nothing on standard output."""
    result = lab(*args, code=code)
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("dqn-lab: ")
    return result.stderr


def rows(path: Path, seed: int, samples: int = 300) -> Path:
    """A file of the perfect agent's rows."""
    lab("generate", "perfect", "--samples", str(samples), "--seed", str(seed), "--output", path)
    return path
