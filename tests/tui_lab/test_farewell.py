"""What the shell is told after the lab was left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from engine.laboratory import Laboratory
from engine.learners.environment_facts import CARTPOLE as ENVIRONMENT
from engine.learners.kinds import preset_spec
from tests.tui_lab.fakes import use_fake_learners
from tests.tui_lab.pilot import Open, until
from tui_lab.farewell import MOST, farewell

NOW = datetime.now(UTC)


@pytest.fixture
def lab(tmp_path: Path) -> Laboratory:
    lab = Laboratory(tmp_path)
    use_fake_learners(lab)
    return lab


def trained(lab: Laboratory, preset: str) -> str:
    run = lab.start(preset_spec(preset), preset=preset)
    assert run.wait(10)
    return run.id


def test_after_nothing_nothing_is_told(lab: Laboratory) -> None:
    trained(lab, "bad")
    assert farewell(lab, [], NOW + timedelta(days=1)) == []


def test_finished_runs_are_told_with_what_they_came_to(lab: Laboratory) -> None:
    runs = [trained(lab, "bad"), trained(lab, "good-1")]
    assert farewell(lab, runs, NOW) == [
        "You trained 2 runs:",
        f"  bad {runs[0]}: mean return 401",
        f"  good-1 {runs[1]}: mean return 401",
    ]


def test_a_stopped_run_is_told_with_how_it_goes_on(lab: Laboratory) -> None:
    use_fake_learners(lab).hold_at = 50
    run = lab.start(preset_spec("bad"), preset="bad")
    while run.progress < 0.25:
        run.wait(0.01)
    run.stop()
    assert run.wait(10)
    told = farewell(lab, [run.id], NOW)
    assert told[1] == f"  bad {run.id}: stopped at 25 %"
    assert "dqn-lab resume" in told[-1]


def test_evaluations_of_this_sitting_alone_are_told(lab: Laboratory) -> None:
    lab.store.add_evaluation("perfect", None, ENVIRONMENT, 0, 2, 1.0, np.array([500.0, 500.0]))
    assert farewell(lab, [], NOW - timedelta(days=1)) == [
        "You evaluated 1 agent:",
        "  perfect: mean return 500.0",
    ]
    assert farewell(lab, [], NOW + timedelta(days=1)) == []


def test_of_many_the_first_are_named(lab: Laboratory) -> None:
    runs = [trained(lab, "bad") for _ in range(MOST + 2)]
    told = farewell(lab, runs, NOW)
    assert len(told) == 1 + MOST + 1
    assert told[-1] == "  and 2 more"


def test_a_run_deleted_meanwhile_is_not_told(lab: Laboratory) -> None:
    run = trained(lab, "bad")
    lab.delete_run(run)
    assert farewell(lab, [run], NOW) == []


async def test_the_lab_tells_the_runs_that_it_worked_on(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        run = app.lab.start(preset_spec("bad"), preset="bad")
        await until(pilot, lambda: run.id in app._worked_on and not app.lab.live_runs)
    assert any(run.id in line for line in app.wind_up())
