"""The bench that searches: rows while it goes, charts, the winner on fresh seeds, and what each key does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.runs.study_records import TrialRecord
from engine.storage.records import Status
from tests.engine.runs.made_crew import MadeCrew
from tests.tui_lab.pilot import Open, bench, block, flat, has_points, make_lesson, rows, said, until, words
from tui_lab.app import LabApp
from tui_lab.lesson import Lesson
from tui_lab.screens.quit_screen import QuitScreen
from tui_lab.widgets.chart import Chart
from tui_lab.widgets.tune_bench import TuneBench, trials_picture

BLOCK = block("tune", title="A search", preset="one-hidden", minutes=1, seeds=2, check_seeds=3, hint="Look.")
BEGUN = ["○ search  1 minute, 2 seeds a trial", "○ winner  to be trained from 3 fresh seeds"]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> MadeCrew:
    crew = MadeCrew(allowed=0)
    monkeypatch.setattr("engine.runs.search_job.LocalCrew", lambda *_args, **_extra: crew)
    return crew


@pytest.fixture
def lesson(tmp_path: Path) -> Lesson:
    return make_lesson(tmp_path, BLOCK)


def search_row(app: LabApp) -> str:
    bench(app, TuneBench).update_view()
    return rows(app)[0]


def winner_row(app: LabApp) -> str:
    bench(app, TuneBench).update_view()
    return rows(app)[1]


async def test_a_search_from_its_first_trial_to_the_winner_on_fresh_seeds(
    open_lab: Open, lesson: Lesson, made: MadeCrew
) -> None:
    async with open_lab(lesson=lesson, size=(100, 40)) as (app, pilot):
        await pilot.press("1")
        assert rows(app) == BEGUN
        assert "r begins" in words(app, "#details")
        made.allowed = 40
        await pilot.press("r")
        await until(pilot, lambda: made.allowed == 0 and "best" in search_row(app))
        assert search_row(app).startswith("● search  ")
        assert " trials, " in search_row(app)
        assert " pruned, best 4" in search_row(app)
        assert has_points(bench(app, TuneBench).query_one(Chart).picture)
        await pilot.press("r")
        assert said(app) == ["The search is under way; x stops it."]

        await pilot.press("x")
        await until(pilot, lambda: search_row(app).startswith("■ search  "))
        found = bench(app, TuneBench)._findings
        ended = [trial for trial in found.trials if trial.state in ("complete", "pruned")]
        pruned = sum(trial.state == "pruned" for trial in ended)
        assert found.best is not None
        assert found.best.score is not None
        best = f"{found.best.score:.1f}"
        assert search_row(app) == f"■ search  {len(ended)} trials, {pruned} pruned, best {best}"
        assert words(app, "#details").startswith(f"best, trial {found.best.number}: learning_rate=")
        assert words(app, "#importance").startswith("what mattered\nlearning_rate ")
        await pilot.press("c")
        assert words(app, "#legend") == "mean return by learning_rate, complete trials"
        await pilot.press("c", "c", "c")
        assert words(app, "#legend").startswith("mean return by trial")

        made.allowed = None
        await pilot.press("down", "r")
        await until(pilot, lambda: winner_row(app).startswith("✓ winner  3 of 3 fresh seeds: "))
        assert winner_row(app).endswith(", 0 perfect")
        assert f"{best} in the search, the highest of " in words(app, "#details")
        assert "; expect what fresh seeds show, " in words(app, "#details")
        await pilot.press("r")
        assert said(app)[-1] == "The winner was trained from all its fresh seeds."


async def test_a_search_is_there_another_day_and_goes_on(open_lab: Open, lesson: Lesson, made: MadeCrew) -> None:
    made.allowed = 20
    async with open_lab(lesson=lesson) as (app, pilot):
        await pilot.press("1", "r")
        await until(pilot, lambda: made.allowed == 0 and "best" in search_row(app))
        await pilot.press("x")
        await until(pilot, lambda: search_row(app).startswith("■"))
        before = search_row(app)
    async with open_lab(lesson=lesson) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: search_row(app) == before)
        made.allowed = 10
        await pilot.press("r")
        await until(pilot, lambda: search_row(app).startswith("●") and made.allowed == 0)
        await pilot.press("x")
        await until(pilot, lambda: search_row(app).startswith("■"))
        assert search_row(app) != before


async def test_a_winner_is_wanted_first_and_a_search_ends_with_its_time(
    open_lab: Open, lesson: Lesson, made: MadeCrew
) -> None:
    async with open_lab(lesson=lesson) as (app, pilot):
        await pilot.press("1", "down", "r")
        assert said(app) == ["There is no winner yet; search first."]
        made.allowed = 20
        await pilot.press("up", "r")
        await until(pilot, lambda: made.allowed == 0 and "best" in search_row(app))
        await pilot.press("x")
        await until(pilot, lambda: search_row(app).startswith("■"))
        job = bench(app, TuneBench)._job
        assert job is not None
        job.findings = replace(job.findings, spent=60.0)
        job._status = Status.FINISHED
        assert search_row(app).startswith("✓")
        await pilot.press("r")
        assert said(app)[-1] == "The search has used its 1 minute; the next row trains its winner."


async def test_leaving_the_lesson_leaves_the_search_and_quitting_asks(
    open_lab: Open, lesson: Lesson, made: MadeCrew
) -> None:
    async with open_lab(lesson=lesson) as (app, pilot):
        await pilot.press("1", "r")
        await until(pilot, lambda: len(made.sent) == 2)
        await pilot.press("escape")
        assert app.lab.at_work == ["search around one-hidden"]
        await pilot.press("q")
        assert isinstance(app.screen, QuitScreen)
        assert "search around one-hidden is still training." in flat(app)
        await pilot.press("s")
        app.open_lesson(lesson)
        await pilot.press("1")
        await until(pilot, lambda: search_row(app).startswith("●"))


async def test_a_search_that_fails_says_why(open_lab: Open, lesson: Lesson, made: MadeCrew) -> None:
    def listen(seconds: float) -> list[tuple[object, object]]:
        raise OSError("the disk is gone")

    made.listen = listen  # type: ignore[method-assign,assignment]
    async with open_lab(lesson=lesson) as (app, pilot):
        await pilot.press("1", "r")
        await until(pilot, lambda: search_row(app).startswith("✗ search"))
        assert "the disk is gone" in words(app, "#details")


def test_trials_are_points_and_the_best_until_then_is_a_line() -> None:
    def trial(number: int, state: str, score: float | None) -> TrialRecord:
        return TrialRecord(number, state, score, {}, (), None, False, None)

    assert not trials_picture([trial(0, "running", None)]).series
    picture = trials_picture(
        [
            trial(0, "complete", 100.0),
            trial(1, "pruned", 20.0),
            trial(2, "complete", 300.0),
            trial(3, "complete", 200.0),
            trial(4, "running", 450.0),
        ]
    )
    pruned, line, complete = picture.series
    assert (pruned.x, pruned.y, pruned.color, pruned.kind) == ((1.0,), (20.0,), -1, "points")
    assert (complete.x, complete.y, complete.kind) == ((0.0, 2.0, 3.0), (100.0, 300.0, 200.0), "points")
    assert list(zip(line.x, line.y, strict=True)) == [(0, 100), (2, 100), (2, 300), (3, 300), (3, 300)]
    assert (picture.x_limits, picture.y_limits) == ((0, 10), (0, 300))
