"""The home folder locked by another program, or on a full disk: the lab stays up, says so once, and loses nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
from textual.widgets import Static

from engine.laboratory import Laboratory
from engine.learners.kinds import preset_spec
from engine.storage.records import Status, StoreError
from engine.storage.store import Store
from tests.tui_lab.fakes import screen_text
from tests.tui_lab.pilot import LabPilot, Open, block, lesson_screen, locked, make_lesson, only, rows, said, until
from tui_lab.app import LabApp
from tui_lab.lesson import Lesson
from tui_lab.screens.course_map import CourseMap, Lessons
from tui_lab.screens.lesson_screen import LessonScreen
from tui_lab.widgets.questions import Choices, PredictCard, QuizCard
from tui_lab.widgets.reading import Reading

RUN = block("run", title="One", presets=["bad"], charts=["return"])
TWO = block("run", title="Two", presets=["bad", "good-1"], charts=["return"])
PREDICT = block("predict", id="p", question="Which?", options=["this", "that"], reveal="See.")
QUIZ = block("quiz", id="q", question="Why?", options=["a", "b"], answer=1, explanations=["No.", "Yes."])
LONG = "\n\n".join(f"Paragraph {n}." for n in range(60))


@contextmanager
def full(app: LabApp) -> Iterator[None]:
    """No page can be added to the database for as long as this lasts."""
    with app.lab.store._read() as db:
        db.execute("PRAGMA max_page_count = 1")  # SQLite makes it as many as there are.
        try:
            yield
        finally:
            db.execute("PRAGMA max_page_count = 1000000")


Trouble = Callable[[LabApp], AbstractContextManager[None]]


def no_reading(app: LabApp) -> AbstractContextManager[None]:
    return locked(app, reading=True)


WORDS = {locked: "is locked by another program", no_reading: "is locked by another program"}
WRITING = pytest.mark.parametrize("trouble", [locked, no_reading])
READING = pytest.mark.parametrize("trouble", [no_reading])


@pytest.fixture
def course(tmp_path: Path) -> list[Lesson]:
    return [
        make_lesson(tmp_path, f"{PREDICT}\n\n{QUIZ}\n\n{TWO}\n\n{LONG}", number=1),
        make_lesson(tmp_path, f"{RUN}\n\n{LONG}", number=2),
    ]


async def is_said_once(app: LabApp, pilot: LabPilot, trouble: Trouble) -> None:
    """One sentence, and the right one."""
    await until(pilot, lambda: said(app))
    (sentence,) = said(app)
    assert WORDS[trouble] in sentence


def marks(app: LabApp) -> list[str]:
    return [str(option.prompt)[0] for option in app.screen.query_one(Lessons).options]


def lines(app: LabApp, which: str) -> list[str]:
    return str(app.screen.query_one(which, Static).render()).split("\n")


def progress(app: LabApp, lesson: Lesson) -> tuple[str, float]:
    kept = app.lab.store.lesson_progress()[lesson.slug]
    return kept.state, kept.position


async def read_to(app: LabApp, pilot: LabPilot, share: float) -> None:
    reading = only(app, Reading)
    reading.scroll_to(y=round(share * reading.max_scroll_y), animate=False)
    await until(pilot, lambda: lesson_screen(app)._share == pytest.approx(share, abs=0.02))


# --- the map


@READING
async def test_the_map_keeps_what_it_shows_and_catches_up(
    open_lab: Open, course: list[Lesson], trouble: Trouble
) -> None:
    def before(lab: Laboratory) -> None:
        lab.store.set_lesson_progress("lesson-1", "open", 0.5)
        lab.store.add_evaluation("left", None, "CartPole-v1", 0, None, 1.0, np.array([9.0]))

    async with open_lab(course=course, before=before) as (app, pilot):
        assert isinstance(app.screen, CourseMap)
        shown = lines(app, "#results")
        app.lab.store.set_lesson_progress("lesson-2", "done", 1.0)
        app.lab.store.add_evaluation("right", None, "CartPole-v1", 0, None, 1.0, np.array([8.0]))
        with trouble(app):
            app.screen.runs_changed()
            app._follow()
            await is_said_once(app, pilot, trouble)
            assert marks(app) == ["◐", "○"]
            assert lines(app, "#results") == shown
            await pilot.press("down", "t")
            assert app.screen.query_one(Lessons).chosen == 1
            assert not app.current_theme.dark
        app._follow()
        assert marks(app) == ["◐", "✓"]
        assert len(lines(app, "#results")) == 2
        assert len(said(app)) == 1


async def test_a_lock_from_the_first_moment_on_leaves_the_map_empty_until_it_is_gone(
    open_lab: Open, course: list[Lesson], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui_lab.app.FOLLOW_SECONDS", 0.05)
    async with open_lab(course=course) as (app, pilot):
        app.lab.store.set_lesson_progress("lesson-1", "done", 1.0)
        with locked(app, reading=True):
            await app.push_screen(CourseMap())
            assert marks(app) == [] or marks(app) == ["○", "○"]
            await pilot.press("down", "up")
            assert len(said(app)) == 1
        await until(pilot, lambda: marks(app) == ["✓", "○"])


@READING
async def test_a_run_elsewhere_is_followed_again_after_a_lock(
    open_lab: Open, course: list[Lesson], trouble: Trouble
) -> None:
    async with open_lab(course=course) as (app, pilot):
        dead = app.lab.store.add_run(preset_spec("bad"), "bad")
        app.lab.store.update_run(dead.id, status="running", progress=0.5)
        assert isinstance(app.screen, CourseMap)
        app.screen.runs_changed()
        with trouble(app):
            app._follow()
            await is_said_once(app, pilot, trouble)
            assert lines(app, "#runs")[0].endswith("running")
        app._follow()
        assert lines(app, "#runs")[0].endswith("interrupted")


# --- a lesson


@WRITING
async def test_a_lesson_can_be_opened_and_left(open_lab: Open, course: list[Lesson], trouble: Trouble) -> None:
    async with open_lab(course=course) as (app, pilot):
        with trouble(app):
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, LessonScreen))
            await pilot.press("1", "b", "down", "right_square_bracket")
            await until(pilot, lambda: lesson_screen(app).lesson is course[1])
            await pilot.press("1")
            await until(pilot, lambda: rows(app) and "not trained yet" in rows(app)[0])
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, CourseMap))
            await is_said_once(app, pilot, trouble)
        app._follow()
        assert [progress(app, lesson)[0] for lesson in course] == ["open", "open"]


@WRITING
async def test_how_far_the_reader_came_is_kept_when_it_can_be(
    open_lab: Open, course: list[Lesson], trouble: Trouble
) -> None:
    async with open_lab(course=course, lesson=0) as (app, pilot):
        with trouble(app):
            await read_to(app, pilot, 1.0)
            await is_said_once(app, pilot, trouble)
            await read_to(app, pilot, 0.5)
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, CourseMap))
            app._follow()
            await is_said_once(app, pilot, trouble)
        app._follow()
        assert progress(app, course[0]) == ("done", pytest.approx(0.5, abs=0.02))
        assert not app._pending


@WRITING
async def test_a_lesson_opened_again_before_its_progress_was_written_stays_done(
    open_lab: Open, course: list[Lesson], trouble: Trouble
) -> None:
    async with open_lab(course=course, lesson=0) as (app, pilot):
        with trouble(app):
            await read_to(app, pilot, 1.0)
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, CourseMap))
            app.open_lesson(course[0])
            await until(pilot, lambda: isinstance(app.screen, LessonScreen) and app.screen.query(Reading))
        app._follow()
        assert progress(app, course[0]) == ("done", 1.0)


@READING
async def test_a_done_lesson_opened_unread_stays_where_and_what_it_was(
    open_lab: Open, course: list[Lesson], trouble: Trouble
) -> None:
    def before(lab: Laboratory) -> None:
        lab.store.set_lesson_progress("lesson-1", "done", 0.4)

    async with open_lab(course=course, before=before) as (app, pilot):
        with trouble(app):
            app.open_lesson(course[0])
            await until(pilot, lambda: isinstance(app.screen, LessonScreen) and app.screen.query(Reading))
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, CourseMap))
        app._follow()
        assert progress(app, course[0]) == ("done", 0.4)


@WRITING
async def test_choices_are_shown_at_once_and_kept_later_in_their_order(
    open_lab: Open, course: list[Lesson], trouble: Trouble
) -> None:
    async with open_lab(course=course, lesson=0) as (app, pilot):
        predict, quiz = only(app, PredictCard), only(app, QuizCard)
        with trouble(app):
            predict.query_one(Choices).focus()
            await pilot.press("down", "enter")
            quiz.query_one(Choices).focus()
            await pilot.press("enter", "down", "enter")
            await until(pilot, lambda: predict.query("Markdown"))
            assert str(quiz.query_one(".after", Static).render()) == "Right. Yes."
            await until(pilot, lambda: len(app._pending) >= 3)
            await is_said_once(app, pilot, trouble)
        app._follow()
        assert app.lab.store.predictions() == {"p": 1}
        assert app.lab.store.answers()["q"] == [0, 1]


@READING
async def test_choices_of_another_day_are_shown_once_they_can_be_read(
    open_lab: Open, course: list[Lesson], trouble: Trouble
) -> None:
    def before(lab: Laboratory) -> None:
        lab.store.add_prediction("p", 0)
        lab.store.add_answer("q", 0, False)

    async with open_lab(course=course, before=before) as (app, pilot):
        with trouble(app):
            app.open_lesson(course[0])
            await until(pilot, lambda: isinstance(app.screen, LessonScreen) and app.screen.query(QuizCard))
            predict, quiz = only(app, PredictCard), only(app, QuizCard)
            # A second prediction, made while the first one cannot be seen.
            predict.query_one(Choices).focus()
            await pilot.press("down", "enter")
        app._follow()
        await until(pilot, lambda: str(predict.query_one(Choices).options[0].prompt) == "▸ this")
        assert str(predict.query_one(Choices).options[1].prompt) == "  that"
        assert len(predict.query("Markdown")) == 1
        assert str(quiz.query_one(".after", Static).render()) == "Not this one. No."
        assert app.lab.store.predictions() == {"p": 0}


# --- the keys of a bench


@WRITING
@pytest.mark.parametrize("key", ["r", "n", "a"])
async def test_a_key_that_starts_says_why_it_cannot_and_works_when_it_can(
    open_lab: Open, course: list[Lesson], trouble: Trouble, key: str
) -> None:
    async with open_lab(course=course, lesson=0) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: rows(app))
        with trouble(app):
            await pilot.press(key, key, "down", "up")
            await is_said_once(app, pilot, trouble)
            assert not app.lab.runs
        app._follow()
        await pilot.press(key)
        await until(pilot, lambda: rows(app)[0].startswith("✓"))
        assert {run.status for run in app.lab.store.runs()} == {Status.FINISHED}


# --- a full disk


async def test_what_finds_no_room_is_written_once_there_is_some(
    open_lab: Open, course: list[Lesson], tmp_path: Path
) -> None:
    long = "x" * 20_000
    async with open_lab(course=course, lesson=0) as (app, pilot):
        with full(app):
            app.keep(lambda store: store.add_answer(long, 0, True))
            app.keep(lambda store: store.add_prediction("p", 1))
            await pilot.press("1", "b", "tab", "escape")
            await until(pilot, lambda: isinstance(app.screen, CourseMap))
            app._follow()
            await until(pilot, lambda: said(app))
            assert said(app) == [f"the disk that holds {tmp_path / 'home' / 'lab.db'} is full; make room there."]
            assert (app.lab.store.answers(), app.lab.store.predictions()) == ({}, {})
        app._follow()
        assert (app.lab.store.answers(), app.lab.store.predictions()) == ({long: [0]}, {"p": 1})


# --- what is said, and the end


async def test_the_sentence_is_said_again_once_it_is_gone_from_the_screen(
    open_lab: Open, course: list[Lesson], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui_lab.app.PROBLEM_SECONDS", 0.3)
    async with open_lab(course=course, toasts=True) as (app, pilot):
        with locked(app):
            app.keep(lambda store: store.add_answer("x", 0, True))
            app._follow()
            await until(pilot, lambda: "is locked by another" in screen_text(app))
            assert len(said(app)) == 1
            app.clear_notifications()

            def again() -> bool:
                app._follow()
                return len(said(app)) == 1

            await until(pilot, again)
        app._follow()
        assert app.lab.store.answers() == {"x": [0]}


async def test_a_write_that_can_never_succeed_does_not_hold_up_the_others(open_lab: Open) -> None:
    def never(store: Store) -> None:
        raise StoreError("it is [/b] broken.")

    async with open_lab(toasts=True) as (app, pilot):
        with locked(app):
            for write in (never, lambda store: store.add_answer("x", 0, True)):
                app.keep(write)
        app._follow()
        assert app.lab.store.answers() == {"x": [0]}
        await until(pilot, lambda: "it is [/b] broken." in screen_text(app))


async def test_a_retry_comes_by_itself(open_lab: Open, course: list[Lesson], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui_lab.app.FOLLOW_SECONDS", 0.05)
    async with open_lab(course=course) as (app, pilot):
        with locked(app):
            app.keep(lambda store: store.add_answer("x", 0, True))
        await until(pilot, lambda: app.lab.store.answers() == {"x": [0]})


async def test_winding_up_writes_what_was_pending_and_stops_every_run(
    open_lab: Open, course: list[Lesson], tmp_path: Path
) -> None:
    async with open_lab(course=course, lesson=0, hold_at=50) as (app, pilot):
        run = app.lab.start(preset_spec("bad"), preset="bad")
        await until(pilot, lambda: run.progress >= 0.25)
        with locked(app):
            app.keep(lambda store: store.add_prediction("p", 1))
            await read_to(app, pilot, 1.0)
    app.wind_up()
    assert run.status == Status.STOPPED
    again = Laboratory(tmp_path / "home")
    assert again.store.predictions() == {"p": 1}
    assert again.store.lesson_progress()["lesson-1"].state == "done"
    again.close()


async def test_winding_up_under_a_lock_ends_all_the_same(open_lab: Open, course: list[Lesson]) -> None:
    async with open_lab(course=course, lesson=0) as (app, pilot):
        with locked(app):
            app.keep(lambda store: store.add_prediction("p", 1))
            await pilot.press("q")
            await until(pilot, lambda: not app.is_running)
            app.wind_up()
            assert not app._pending
