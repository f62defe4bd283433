"""A lesson's screen: its keys, its benches beside the text or in its place, and how far the reader has come."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.css.query import NoMatches
from textual.widgets import ContentSwitcher, Static

from engine.storage.records import Status
from tests.tui_lab.fakes import screen_text
from tests.tui_lab.pilot import (
    LabPilot,
    Open,
    block,
    has_points,
    lesson_screen,
    locked,
    make_lesson,
    only,
    said,
    train,
    until,
    until_run,
    words,
)
from tui_lab.app import LabApp
from tui_lab.lesson import Lesson
from tui_lab.screens.course_map import CourseMap
from tui_lab.widgets.chart import Chart
from tui_lab.widgets.questions import Choices, PredictCard
from tui_lab.widgets.reading import BenchPointer, Reading
from tui_lab.widgets.rows import RowList

RUN = block("run", title="Train it", presets=["bad"], charts=["return"])
CHART = block("chart", title="See it", presets=["bad"], chart="return")
EVALUATE = block("evaluate", title="Judge it", agents=["left", "angle"], episodes=5, seed=1)
WATCH = block("watch", title="Watch it", agents=["left"])
DATA = block("data", title="Collect it", agent="angle", train_samples=50, train_seed=0, test_samples=50, test_seed=1)
PREDICT = block("predict", id="p", question="Which?", options=["this", "that"], reveal="See.")
LONG = "\n\n".join(f"Paragraph {i} of a text that is longer than any screen." for i in range(60))


@pytest.fixture
def all_benches(tmp_path: Path) -> Lesson:
    """One bench of each kind, in the order of their numbers."""
    return make_lesson(tmp_path, "\n".join(["Text.", RUN, CHART, EVALUATE, WATCH, DATA]))


def enabled(app: LabApp) -> set[str]:
    """Keys that do something here."""
    return {key for key, active in app.screen.active_bindings.items() if active.enabled}


def in_footer(app: LabApp) -> str:
    return screen_text(app).split("\n")[-1]


def current(app: LabApp) -> str | None:
    return only(app, ContentSwitcher).current


def progress(app: LabApp, slug: str = "lesson-1") -> tuple[str, float]:
    kept = app.lab.store.lesson_progress()[slug]
    return kept.state, kept.position


# --- benches


async def test_a_number_opens_the_bench_of_that_number(open_lab: Open, all_benches: Lesson) -> None:
    async with open_lab(lesson=all_benches) as (app, pilot):
        for number, title in enumerate(("Train it", "See it", "Judge it", "Watch it", "Collect it"), 1):
            await pilot.press(str(number))
            assert current(app) == f"bench-{number}"
            assert lesson_screen(app).bench is lesson_screen(app).query_one(f"#bench-{number}")
            assert screen_text(app).split("\n")[1] == f" 1  2  3  4  5   {title}"
            lists = list(lesson_screen(app).query_one(f"#bench-{number}").query(RowList))
            assert app.focused in lists if lists else True
        await pilot.press("6", "9")
        assert current(app) == "bench-5"


async def test_the_tab_of_the_open_bench_stands_out(open_lab: Open, all_benches: Lesson) -> None:
    async with open_lab(lesson=all_benches) as (app, pilot):
        await pilot.press("3")
        title = app.screen.query_one("#bench-title", Static).render()
        marked = [title.plain[s.start : s.end] for s in title.spans if "reverse" in str(s.style)]  # type: ignore[union-attr]
        assert marked == [" 3 "]


async def test_the_keys_on_offer_are_those_of_the_open_bench(open_lab: Open, all_benches: Lesson) -> None:
    async with open_lab(lesson=all_benches) as (app, pilot):
        offered = {}
        for number in range(1, 6):
            await pilot.press(str(number))
            offered[number] = "".join(sorted(enabled(app) & {"r", "a", "n", "space", "x", "s", "c"}, key=len))
        assert {number: set(keys.replace("space", "_")) for number, keys in offered.items()} == {
            1: set("rnxs_"),
            2: set(),
            3: set("rax"),
            4: set("r_"),
            5: set("rc"),
        }
        assert "r Start" in in_footer(app)
        assert "x Stop" not in in_footer(app)


async def test_a_key_that_the_bench_does_not_know_does_nothing(open_lab: Open, all_benches: Lesson) -> None:
    async with open_lab(lesson=all_benches) as (app, pilot):
        await pilot.press("2", "r", "a", "n", "x", "s", "c", "space")
        assert said(app) == []
        assert app.lab.store.count_runs() == 0


async def test_a_lesson_without_benches_is_text_alone(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab((120, 40), lesson=make_lesson(tmp_path, "Only text.")) as (app, pilot):
        await pilot.press("r", "1", "b", "space", "x")
        assert not {"r", "1", "b"} & enabled(app)
        assert lesson_screen(app).bench is None
        with pytest.raises(NoMatches):
            app.screen.query_one("#bench-pane")
        assert "Only text." in screen_text(app)


async def test_an_ended_run_shows_on_every_bench_of_the_lesson(open_lab: Open, all_benches: Lesson) -> None:
    async with open_lab(hold_at=50, lesson=all_benches) as (app, pilot):
        await pilot.press("1", "r")
        run = await until_run(app, pilot, lambda run: run.progress >= 0.25)
        await pilot.press("2")
        await until(pilot, lambda: "  ━━ bad  " in words(app, "#legend"))
        assert words(app, "#missing") == ""
        await until(pilot, lambda: has_points(only_visible(app).picture))
        run.stop()
        await until(pilot, lambda: run.status == Status.STOPPED)


def only_visible(app: LabApp) -> Chart:
    bench = lesson_screen(app).bench
    assert bench is not None
    return bench.query_one(Chart)


async def test_a_narrow_terminal_shows_text_or_bench_and_b_changes_over(open_lab: Open, all_benches: Lesson) -> None:
    async with open_lab((80, 24), lesson=all_benches) as (app, pilot):
        reading, pane = only(app, Reading), app.screen.query_one("#bench-pane")
        assert (reading.display, pane.display) == (True, False)
        assert app.focused is reading
        await pilot.press("b")
        assert (reading.display, pane.display) == (False, True)
        assert isinstance(app.focused, RowList)
        assert current(app) == "bench-1"
        await pilot.press("3", "b")
        assert (reading.display, pane.display) == (True, False)
        assert app.focused is reading
        await pilot.press("b")
        assert current(app) == "bench-3"


async def test_a_wide_terminal_shows_text_beside_bench(open_lab: Open, all_benches: Lesson) -> None:
    async with open_lab((120, 40), lesson=all_benches) as (app, pilot):
        reading, pane = only(app, Reading), app.screen.query_one("#bench-pane")
        assert (reading.display, pane.display) == (True, True)
        assert reading.region.right <= pane.region.x
        assert "b" not in enabled(app)
        await pilot.press("b")
        assert (reading.display, pane.display) == (True, True)


async def test_a_terminal_made_narrow_shows_what_was_in_use(open_lab: Open, all_benches: Lesson) -> None:
    async with open_lab((160, 48), lesson=all_benches) as (app, pilot):
        reading, pane = only(app, Reading), app.screen.query_one("#bench-pane")
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: (reading.display, pane.display) == (True, False))
        await pilot.resize_terminal(160, 48)
        await until(pilot, lambda: (reading.display, pane.display) == (True, True))
        await pilot.press("3")
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: (reading.display, pane.display) == (False, True))
        assert "Judge it" in screen_text(app)


async def test_a_click_on_a_pointer_opens_its_bench(open_lab: Open, all_benches: Lesson) -> None:
    async with open_lab((160, 48), lesson=all_benches) as (app, pilot):
        pointer = app.screen.query(BenchPointer)[2]
        assert str(pointer.render()) == "▸ Bench 3  Judge it   press 3"
        await pilot.click(pointer)
        assert current(app) == "bench-3"
        assert isinstance(app.focused, RowList)


async def test_beside_the_text_the_bench_is_the_one_that_the_reader_has_come_to(open_lab: Open, tmp_path: Path) -> None:
    lesson = make_lesson(tmp_path, "\n\n".join([RUN, LONG, EVALUATE, LONG]))
    async with open_lab((120, 30), lesson=lesson) as (app, pilot):
        reading = only(app, Reading)
        assert current(app) == "bench-1"
        reading.scroll_end(animate=False)
        await until(pilot, lambda: current(app) == "bench-2")
        reading.scroll_home(animate=False)
        await until(pilot, lambda: current(app) == "bench-1")


async def test_a_bench_in_use_stays_when_the_text_moves(open_lab: Open, tmp_path: Path) -> None:
    lesson = make_lesson(tmp_path, "\n\n".join([RUN, LONG, EVALUATE, LONG]))
    async with open_lab((120, 30), lesson=lesson) as (app, pilot):
        await pilot.press("1")
        only(app, Reading).scroll_end(animate=False)
        await until(pilot, lambda: lesson_screen(app)._passed == 2)
        assert current(app) == "bench-1"


# --- the space bar


async def test_space_turns_the_page_while_nothing_runs(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=make_lesson(tmp_path, f"{RUN}\n\n{LONG}")) as (app, pilot):
        await pilot.press("space")
        await until(pilot, lambda: only(app, Reading).scroll_y >= 15)
        assert said(app) == []


async def test_space_in_the_text_holds_a_run_while_there_is_one(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(hold_at=50, lesson=make_lesson(tmp_path, f"{RUN}\n\n{LONG}")) as (app, pilot):
        await pilot.press("r")
        run = await until_run(app, pilot, lambda run: run.progress >= 0.25)
        assert app.focused is only(app, Reading)
        await pilot.press("space")
        await until(pilot, lambda: run.status == Status.PAUSED)
        assert only(app, Reading).scroll_y == 0


# --- leaving and going on


async def test_escape_goes_to_the_map_and_runs_go_on(open_lab: Open, all_benches: Lesson) -> None:
    async with open_lab(hold_at=50, lesson=all_benches) as (app, pilot):
        await pilot.press("r")
        run = await until_run(app, pilot, lambda run: run.progress >= 0.25)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, CourseMap))
        await until(pilot, lambda: "bad 25 %" in screen_text(app))
        assert run.status == Status.RUNNING


async def test_brackets_go_to_the_next_and_the_earlier_lesson(open_lab: Open, tmp_path: Path) -> None:
    lessons = [make_lesson(tmp_path, RUN, number=number, title=f"Lesson {number}") for number in (1, 2, 3)]
    async with open_lab(course=lessons, lesson=0) as (app, pilot):
        await pilot.press("left_square_bracket")
        assert said(app) == ["This is the first lesson."]
        for expected in (2, 3):
            await pilot.press("right_square_bracket")
            await until(pilot, lambda expected=expected: lesson_screen(app).lesson is lessons[expected - 1])
        await pilot.press("right_square_bracket")
        assert said(app)[1:] == ["This is the last lesson."]
        assert lesson_screen(app).lesson is lessons[2]
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: lesson_screen(app).lesson is lessons[1])
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, CourseMap))
        assert len(app.screen_stack) == 2


# --- how far the reader is


async def scroll(app: LabApp, pilot: LabPilot, share: float) -> None:
    reading = only(app, Reading)
    reading.scroll_to(y=round(share * reading.max_scroll_y), animate=False)
    await until(pilot, lambda: lesson_screen(app)._share == pytest.approx(share, abs=0.02))


async def leave(app: LabApp, pilot: LabPilot) -> None:
    await pilot.press("escape")
    await until(pilot, lambda: isinstance(app.screen, CourseMap))


async def test_a_lesson_is_opened_where_it_was_left(open_lab: Open, tmp_path: Path) -> None:
    lesson = make_lesson(tmp_path, LONG)
    async with open_lab(lesson=lesson) as (app, pilot):
        assert progress(app) == ("open", 0.0)
        await scroll(app, pilot, 0.5)
        left_at = only(app, Reading).scroll_y
        await leave(app, pilot)
        await until(pilot, lambda: progress(app) == ("open", pytest.approx(0.5, abs=0.02)))
        app.open_lesson(lesson)
        await until(pilot, lambda: [reading.scroll_y for reading in app.screen.query(Reading)] == [left_at])


async def test_a_lesson_read_to_its_end_is_done_at_once_and_stays_done(open_lab: Open, tmp_path: Path) -> None:
    lesson = make_lesson(tmp_path, LONG)
    async with open_lab(lesson=lesson) as (app, pilot):
        await scroll(app, pilot, 0.97)
        assert progress(app)[0] == "open"
        await scroll(app, pilot, 1.0)
        assert progress(app) == ("done", 1.0)
        await scroll(app, pilot, 0.2)
        await leave(app, pilot)
        await until(pilot, lambda: progress(app) == ("done", pytest.approx(0.2, abs=0.02)))
        app.open_lesson(lesson)
        await until(pilot, lambda: app.screen.query(Reading))
        await leave(app, pilot)
        assert progress(app)[0] == "done"


async def test_a_lesson_once_read_opens_at_its_beginning(open_lab: Open, tmp_path: Path) -> None:
    lesson = make_lesson(tmp_path, LONG)

    async with open_lab(lesson=lesson, before=lambda lab: lab.store.set_lesson_progress("lesson-1", "done", 1.0)) as (
        app,
        pilot,
    ):
        await until(pilot, lambda: only(app, Reading).max_scroll_y > 0)
        assert only(app, Reading).scroll_y == 0


async def test_a_lesson_that_fits_the_screen_is_read_without_scrolling(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=make_lesson(tmp_path, "Short.")) as (app, pilot):
        await until(pilot, lambda: progress(app)[0] == "done")


async def test_progress_is_kept_from_time_to_time(
    open_lab: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui_lab.screens.lesson_screen.SAVE_SECONDS", 0.05)
    async with open_lab(lesson=make_lesson(tmp_path, LONG)) as (app, pilot):
        await scroll(app, pilot, 0.5)
        await until(pilot, lambda: progress(app) == ("open", pytest.approx(0.5, abs=0.02)))


async def test_the_same_progress_is_not_written_twice(
    open_lab: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_lab(lesson=make_lesson(tmp_path, LONG)) as (app, _):
        kept: list[object] = []
        monkeypatch.setattr(app, "keep", kept.append)
        lesson_screen(app).save_progress()
        assert kept == []
        lesson_screen(app)._note_position(0.3)
        lesson_screen(app).save_progress()
        lesson_screen(app).save_progress()
        assert len(kept) == 1


# --- the home folder in other hands


async def test_progress_that_cannot_be_kept_is_kept_later(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=make_lesson(tmp_path, LONG)) as (app, pilot):
        with locked(app):
            await scroll(app, pilot, 0.5)
            await leave(app, pilot)
            await until(pilot, lambda: len(said(app)) == 1)
            assert "is locked by another program" in said(app)[0]
            assert progress(app) == ("open", 0.0)
            app._follow()
            await pilot.press("down")
            assert len(said(app)) == 1
        app._follow()
        assert progress(app) == ("open", pytest.approx(0.5, abs=0.02))


@pytest.mark.parametrize("reading", [False, True])
async def test_a_lesson_opened_while_the_home_is_locked_shows_and_catches_up(
    open_lab: Open, tmp_path: Path, reading: bool
) -> None:
    lesson = make_lesson(tmp_path, "\n\n".join([PREDICT, RUN, LONG]))
    async with open_lab(course=[lesson], before=train("bad")) as (app, pilot):
        app.lab.store.set_lesson_progress("lesson-1", "done", 0.4)
        app.lab.store.add_prediction("p", 1)
        with locked(app, reading=reading):
            await pilot.press("enter", "1")
            assert "100 %" in screen_text(app) if not reading else "not trained yet" in screen_text(app)
            await pilot.press("down", "b", "b")
            await until(pilot, lambda: said(app))
            assert len(said(app)) == 1
        app._follow()
        await until(pilot, lambda: "100 %" in screen_text(app))
        await until(pilot, lambda: only(app, PredictCard).query("Markdown"))
        await leave(app, pilot)
        app._follow()
        assert progress(app)[0] == "done"
        assert app.lab.store.predictions() == {"p": 1}


async def test_r_while_the_home_is_locked_starts_nothing_and_says_why(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=make_lesson(tmp_path, RUN)) as (app, pilot):
        with locked(app):
            await pilot.press("1", "r", "r", "n")
            assert len(said(app)) == 1
            assert "is locked by another program" in said(app)[0]
            assert not app.lab.runs
        app._follow()
        await pilot.press("r")
        await until(pilot, lambda: [run.status for run in app.lab.store.runs()] == [Status.FINISHED])


async def test_a_prediction_made_while_the_home_is_locked_is_kept_later(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=make_lesson(tmp_path, f"{PREDICT}\n\n{LONG}")) as (app, pilot):
        only(app, Choices).focus()
        with locked(app):
            await pilot.press("down", "enter")
            await until(pilot, lambda: only(app, PredictCard).query("Markdown"))
            assert app.lab.store.predictions() == {}
        app._follow()
        assert app.lab.store.predictions() == {"p": 1}


async def test_what_waits_is_tried_again_by_itself(
    open_lab: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui_lab.app.FOLLOW_SECONDS", 0.05)
    async with open_lab(lesson=make_lesson(tmp_path, LONG)) as (app, pilot):
        with locked(app):
            await scroll(app, pilot, 1.0)
            await until(pilot, lambda: said(app))
        await until(pilot, lambda: progress(app) == ("done", 1.0))
