"""The course map: where the reader left off, what runs, the last results, and how a lesson is opened from it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from textual.widgets import Static

from engine.laboratory import Laboratory
from engine.learners.kinds import preset_spec
from engine.storage.records import RunRecord
from tests.tui_lab.fakes import screen_text, use_fake_learners
from tests.tui_lab.pilot import Open, block, lesson_screen, make_lesson, until
from tui_lab.app import LabApp
from tui_lab.lesson import Lesson
from tui_lab.screens.course_map import MOST_RESULTS, MOST_RUNS, CourseMap, Lessons

RUN = block("run", title="One", presets=["bad"], charts=["return"])
ENVIRONMENT = "CartPole-v1"


@pytest.fixture
def course(tmp_path: Path) -> list[Lesson]:
    return [
        make_lesson(tmp_path, RUN, number=number, title=title, summary=f"About {title.lower()}.")
        for number, title in enumerate(("First", "Second", "Third"), 1)
    ]


def lessons(app: LabApp) -> list[str]:
    return [str(option.prompt) for option in app.screen.query_one(Lessons).options]


def lines(app: LabApp, which: str) -> list[str]:
    return str(app.screen.query_one(which, Static).render()).split("\n")


def chosen(app: LabApp) -> Lesson:
    return app.course[app.screen.query_one(Lessons).chosen]


def kept_run(lab: Laboratory, preset: str, status: str, progress: float = 1.0, name: str | None = None) -> RunRecord:
    """A run of an earlier day."""
    record = lab.store.add_run(preset_spec(preset), preset, name)
    lab.store.update_run(record.id, status=status, progress=progress)
    return lab.store.run(record.id)


def read_at(lab: Laboratory, lesson: Lesson, state: str, when: str) -> None:
    lab.store.set_lesson_progress(lesson.slug, state, 0.5)
    with sqlite3.connect(lab.store.home / "lab.db") as db:
        db.execute("UPDATE progress SET updated = ? WHERE lesson = ?", (when, lesson.slug))
    db.close()


# --- the lessons


async def test_a_row_tells_section_title_minutes_and_whether_a_lesson_is_new_begun_or_done(
    open_lab: Open, course: Sequence[Lesson]
) -> None:
    def before(lab: Laboratory) -> None:
        lab.store.set_lesson_progress(course[0].slug, "done", 1.0)
        lab.store.set_lesson_progress(course[1].slug, "open", 0.0)

    async with open_lab(course=course, before=before) as (app, _):
        assert [row.split() for row in lessons(app)] == [
            ["✓", "9.1", "First", "10", "min"],
            ["◐", "9.2", "Second", "20", "min"],
            ["○", "9.3", "Third", "30", "min"],
        ]
        assert len({len(row) for row in lessons(app)}) == 1


async def test_a_lesson_that_is_no_longer_in_the_course_is_no_matter(open_lab: Open, course: Sequence[Lesson]) -> None:
    def before(lab: Laboratory) -> None:
        lab.store.set_lesson_progress("gone", "open", 0.5)

    async with open_lab(course=course, before=before) as (app, _):
        assert chosen(app) is course[0]
        assert all(row.startswith("○") for row in lessons(app))


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        ([], 0),
        ([(1, "open", "2020-01-02"), (2, "open", "2020-01-01")], 1),
        ([(0, "open", "2020-01-01"), (1, "done", "2020-01-02")], 2),
        ([(0, "done", "2020-01-02"), (1, "done", "2020-01-01")], 1),
        ([(2, "done", "2020-01-01")], 2),
    ],
)
async def test_the_map_opens_where_the_reader_left_off(
    open_lab: Open, course: Sequence[Lesson], read: list[tuple[int, str, str]], expected: int
) -> None:
    def before(lab: Laboratory) -> None:
        for index, state, when in read:
            read_at(lab, course[index], state, when)

    async with open_lab(course=course, before=before) as (app, _):
        assert chosen(app) is course[expected]
        assert app.focused is app.screen.query_one(Lessons)


async def test_the_line_below_is_the_summary_of_the_chosen_lesson(open_lab: Open, course: Sequence[Lesson]) -> None:
    async with open_lab(course=course) as (app, pilot):
        assert lines(app, "#summary") == ["About first."]
        await pilot.press("down")
        assert lines(app, "#summary") == ["About second."]


async def test_enter_opens_the_chosen_lesson_and_escape_comes_back_to_it(
    open_lab: Open, course: Sequence[Lesson]
) -> None:
    async with open_lab(course=course) as (app, pilot):
        await pilot.press("down", "enter")
        assert lesson_screen(app).lesson is course[1]
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, CourseMap))
        assert chosen(app) is course[1]
        # A lesson of one screen is read by looking at it.
        await until(pilot, lambda: [row[0] for row in lessons(app)] == ["○", "✓", "○"])


async def test_coming_back_to_the_map_shows_what_was_begun(open_lab: Open, tmp_path: Path) -> None:
    long = make_lesson(tmp_path, "\n\n".join(f"Paragraph {n}." for n in range(60)) + f"\n\n{RUN}")
    async with open_lab(course=[long]) as (app, pilot):
        assert lessons(app)[0].startswith("○")
        await pilot.press("enter", "escape")
        await until(pilot, lambda: isinstance(app.screen, CourseMap) and lessons(app)[0].startswith("◐"))


async def test_titles_and_summaries_with_brackets_are_text(open_lab: Open, tmp_path: Path) -> None:
    lesson = make_lesson(tmp_path, RUN, title="[/b] and [red]x", summary="Of [/i] and [@click=app.quit]more[/].")
    async with open_lab(course=[lesson], size=(120, 40)) as (app, pilot):
        assert "[/b] and [red]x " in lessons(app)[0]
        assert lines(app, "#summary") == ["Of [/i] and [@click=app.quit]more[/]."]
        assert "Of [/i] and [@click=app.quit]more[/]." in " ".join(screen_text(app).split())
        await pilot.press("enter")
        assert "9.1 [/b] and [red]x" in screen_text(app)


# --- runs


async def test_without_runs_and_results_the_map_says_where_they_come_from(open_lab: Open) -> None:
    async with open_lab() as (app, _):
        assert lines(app, "#runs") == ["None yet. Lesson 2.2 trains the first ones."]
        assert lines(app, "#results") == ["Evaluations appear here."]


async def test_runs_of_earlier_days_are_listed_newest_first(open_lab: Open) -> None:
    found: list[RunRecord] = []

    def before(lab: Laboratory) -> None:
        found.append(kept_run(lab, "bad", "stopped", 0.5))
        found.append(kept_run(lab, "good-1", "failed", 0.25))

    async with open_lab(before=before) as (app, _):
        old, new = found
        assert lines(app, "#runs") == [
            f"✗ good-1      {new.id} ━━──────  25 % failed",
            f"■ bad         {old.id} ━━━━────  50 % stopped",
        ]


async def test_a_finished_run_is_listed_with_its_headline_and_once_evaluated_with_its_score(open_lab: Open) -> None:
    def before(lab: Laboratory) -> None:
        assert lab.start(preset_spec("bad"), preset="bad").wait(10)

    async with open_lab(before=before) as (app, _):
        (record,) = app.lab.store.runs()
        assert lines(app, "#runs") == [f"✓ bad         {record.id} mean return 401"]
        app.lab.store.add_evaluation("latest:bad", record.id, ENVIRONMENT, 0, None, 1.0, np.array([100.0, 300.0]))
        assert isinstance(app.screen, CourseMap)
        app.screen.runs_changed()
        assert lines(app, "#runs") == [f"✓ bad         {record.id} greedy 200"]


async def test_live_runs_come_first_and_no_more_are_listed_than_fit(open_lab: Open) -> None:
    async with open_lab(hold_at=50) as (app, pilot):
        live = app.lab.start(preset_spec("bad"), preset="bad")
        await until(pilot, lambda: live.progress >= 0.25)
        for _ in range(MOST_RUNS + 2):
            newest = kept_run(app.lab, "good-1", "stopped", 0.5)
        assert isinstance(app.screen, CourseMap)
        app.screen.runs_changed()
        shown = lines(app, "#runs")
        assert len(shown) == MOST_RUNS
        assert shown[0] == f"● bad         {live.id} ━━──────  25 % running"
        assert shown[1] == f"■ good-1      {newest.id} ━━━━────  50 % stopped"


async def test_a_run_is_followed_until_it_has_ended(open_lab: Open) -> None:
    async with open_lab(hold_at=50) as (app, pilot):
        run = app.lab.start(preset_spec("bad"), preset="bad")
        await until(pilot, lambda: lines(app, "#runs") == [f"● bad         {run.id} ━━──────  25 % running"])
        run.pause()
        await until(pilot, lambda: lines(app, "#runs") == [f"‖ bad         {run.id} ━━──────  25 % paused"])
        run.stop()
        await until(pilot, lambda: lines(app, "#runs") == [f"■ bad         {run.id} ━━──────  25 % stopped"])


async def test_a_run_of_another_lab_on_the_same_home_is_followed(
    open_lab: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui_lab.app.FOLLOW_SECONDS", 0.05)
    other = Laboratory(tmp_path / "home")
    theirs = use_fake_learners(other, hold_at=50)
    run = other.start(preset_spec("bad"), preset="bad")
    async with open_lab() as (app, pilot):
        await until(pilot, lambda: lines(app, "#runs")[0].startswith(f"● bad         {run.id}"))
        await until(pilot, lambda: run.progress >= 0.25)
        run.pause()
        await until(pilot, lambda: lines(app, "#runs") == [f"‖ bad         {run.id} ━━──────  25 % paused"])
        theirs.hold_at = None
        run.resume()
        await until(pilot, lambda: lines(app, "#runs") == [f"✓ bad         {run.id} mean return 401"])
        assert not app.lab.runs
    other.close()


async def test_a_run_whose_process_died_while_the_map_was_open_is_found(
    open_lab: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui_lab.app.FOLLOW_SECONDS", 0.05)
    async with open_lab() as (app, pilot):
        dead = kept_run(app.lab, "bad", "running", 0.5)
        assert isinstance(app.screen, CourseMap)
        app.screen.runs_changed()
        await until(pilot, lambda: lines(app, "#runs") == [f"■ bad         {dead.id} ━━━━────  50 % interrupted"])


async def test_a_name_of_a_run_with_brackets_is_text(open_lab: Open) -> None:
    def before(lab: Laboratory) -> None:
        kept_run(lab, "bad", "stopped", 0.5, "[/b][red]n")

    async with open_lab(before=before) as (app, _):
        assert lines(app, "#runs")[0].startswith("■ [/b][red]n ")
        assert "[/b][red]n" in screen_text(app)


# --- results


async def test_results_are_told_in_a_line_each_newest_first(open_lab: Open) -> None:
    def before(lab: Laboratory) -> None:
        run = kept_run(lab, "bad", "finished")
        add = lab.store.add_evaluation
        add("left", None, ENVIRONMENT, 0, None, 1.0, np.array([9.0, 11.0]))
        add("latest:bad", run.id, ENVIRONMENT, 0, 1, 1.0, np.array([500.0, 400.0]))
        add("[/b]", None, ENVIRONMENT, 0, 2, 1.0, np.array([500.0, 500.0]))

    async with open_lab(before=before) as (app, _):
        assert lines(app, "#results") == [
            "[/b]           500.0 ± 0.0, lowest 500, all 2 perfect",
            "your bad       450.0 ± 50.0, lowest 400, 1 of 2 perfect",
            "left           10.0 ± 1.0, lowest 9, not solved (threshold 475)",
        ]


async def test_no_more_results_are_listed_than_fit(open_lab: Open) -> None:
    def before(lab: Laboratory) -> None:
        for seed in range(MOST_RESULTS + 2):
            lab.store.add_evaluation("left", None, ENVIRONMENT, seed, None, 1.0, np.array([float(seed)]))

    async with open_lab(before=before) as (app, _):
        shown = lines(app, "#results")
        assert [line.split()[1] for line in shown] == ["5.0", "4.0", "3.0", "2.0"]


# --- on a large terminal


WIDE = (160, 48)
QUESTION = block(
    "predict", id="first-guess", question="What will it score?", options=["9", "500"], reveal="It depends."
)


async def test_where_to_go_on_names_the_lesson_how_far_it_is_read_and_what_is_asked_there(
    open_lab: Open, tmp_path: Path
) -> None:
    lesson = make_lesson(tmp_path, f"{QUESTION}\n{RUN}", title="Asking")
    async with open_lab(WIDE, course=[lesson]) as (app, _):
        assert lines(app, "#next") == ["9.1 Asking, not begun", "asked there: What will it score?"]
        app.lab.store.set_lesson_progress(lesson.slug, "open", 0.43)
        app.lab.store.add_prediction("first-guess", 0)
        app._follow()
        assert lines(app, "#next") == ["9.1 Asking, 43 % read"]


async def test_a_run_is_shown_with_its_curve_and_what_it_showed(open_lab: Open) -> None:
    def before(lab: Laboratory) -> None:
        assert lab.start(preset_spec("bad"), preset="bad").wait(10)

    async with open_lab(WIDE, before=before) as (app, pilot):
        await until(pilot, lambda: "█" in lines(app, "#runs")[0])
        await until(pilot, lambda: "Findings of your runs" not in lines(app, "#found")[0])
        assert lines(app, "#found")[0].startswith("bad ")


async def test_a_small_terminal_has_no_room_for_more(open_lab: Open) -> None:
    async with open_lab() as (app, _):
        assert "Where to go on" not in screen_text(app)
        assert "What they showed" not in screen_text(app)
