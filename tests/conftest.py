"""Shared by all tests: a private home folder, hypothesis without clocks, snapshots of the global generators."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "lab", deadline=None, database=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.load_profile("lab")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of this test's own; no test can reach the real one."""
    folder = tmp_path / "home"
    monkeypatch.setenv("DQN_LAB_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def plain_floats() -> Iterator[None]:
    """A learner that a test makes sets its thread to take tiny floats as zero, which other tests should not meet."""
    yield
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_flush_denormal(False)


@pytest.fixture
def global_generators() -> Callable[[], list[Any]]:
    """A function that gives the state of every process-wide random generator, comparable with ==."""
    import torch

    def snapshot() -> list[Any]:
        name, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002 (that is what must not move)
        return [torch.get_rng_state().tolist(), name, keys.tolist(), rest, random.getstate()]  # type: ignore[union-attr]

    return snapshot
