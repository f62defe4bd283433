"""Four processes of four threads read and write the same things at once: no error, no mixture, nothing left over."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.engine.storage.stress import AGENT, CHECKPOINT, DATA, SIZES, stress


def check(counted: dict[str, Any]) -> None:
    assert (counted["errors"], counted["mixtures"]) == (0, 0), counted["said"]
    assert min(counted["done"].values()) > 0
    kept = [name for name in counted["left"] if re.fullmatch(rf"{CHECKPOINT}/\d{{6}}\.safetensors", name)]
    assert len(kept) == 2
    folders = {"agents", AGENT, CHECKPOINT, "agents/.lock", f"{CHECKPOINT}/.lock"}
    assert set(counted["left"]) == {*folders, *(f"{AGENT}/{name}" for name in SIZES), DATA, *kept}


def test_no_error_and_no_mixture_in_three_seconds(tmp_path: Path) -> None:
    check(stress(tmp_path / "s", 3))


@pytest.mark.slow
def test_no_error_and_no_mixture_in_a_minute(tmp_path: Path) -> None:
    check(stress(tmp_path / "s", 60))
