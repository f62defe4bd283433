"""What lessons and pages say of twenty seeds is what was measured: `lessons/outcomes.json` is the source."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from engine.learners.kinds import presets

ROOT = Path(__file__).parent.parent
MEASURED = json.loads((ROOT / "lessons" / "outcomes.json").read_text())["presets"]


def page(name: str) -> str:
    return " ".join((ROOT / name).read_text().split())


def perfect(preset: str, which: str) -> int:
    return int(MEASURED[preset][which]["perfect"])


def test_every_preset_of_deep_q_learning_was_measured_over_20_seeds_none_of_them_chosen() -> None:
    assert set(MEASURED) == {name for name, preset in presets().items() if preset.episodes is not None}
    for name, found in MEASURED.items():
        assert [seed["seed"] for seed in found["by_seed"]] == list(range(1, 21))
        assert f"--preset {name} --seed 1 --seeds 20 --episodes {presets()[name].episodes}" in found["command"]


def test_the_lesson_on_seeds_says_what_was_measured() -> None:
    words = (
        f"`good-2` ends perfect on {perfect('good-2', 'last')}, `good-1` on {perfect('good-1', 'last')}. "
        f"The kept best of `robust` is perfect on {perfect('robust', 'best')}."
    )
    assert words in page("lessons/05-deep-q-learning-good.md")


@pytest.mark.parametrize("preset", ["one-hidden", "smallest"])
def test_the_homework_says_what_was_measured(preset: str) -> None:
    told = re.search(rf"preset `{preset}`.*?kept best was perfect on (\d+) of 20 seeds", page("lessons/07-homework.md"))
    assert told
    assert int(told[1]) == perfect(preset, "best")


@pytest.mark.parametrize("preset", MEASURED)
def test_the_engines_page_says_what_was_measured(preset: str) -> None:
    found = MEASURED[preset]
    cells = [preset]
    for which in ("last", "best"):
        if found[which] is None:
            cells.append("")
            continue
        low, high = (round(100 * share) for share in found[which]["success_interval"])
        cells.append(f"{found[which]['perfect']} of 20 ({low} to {high} %)")
    steps, seconds = found["first_perfect_env_steps"], found["first_perfect_seconds"]
    cells += ["", ""] if steps is None else [f"{steps:,.0f}", f"{seconds:.0f} s"]
    row = "|".join(f" {cell} " if cell else " " for cell in cells)
    assert f"|{row}|" in (ROOT / "engine" / "README.md").read_text()
