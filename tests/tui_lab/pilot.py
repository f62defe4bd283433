"""The lab through Textual's pilot: opened over a private home, with what its tests ask of the screen."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from textual.css.query import QueryType
from textual.pilot import Pilot
from textual.widgets import Static

from engine.laboratory import Laboratory
from engine.learners.kinds import preset_spec
from engine.runs.run import Run
from engine.storage.records import Status
from tests.tui_lab.fakes import screen_text, use_fake_learners
from tui_lab.app import LabApp
from tui_lab.lesson import Lesson, load_lesson
from tui_lab.plotting import Picture
from tui_lab.screens.lesson_screen import LessonScreen
from tui_lab.widgets.bench import Bench
from tui_lab.widgets.rows import RowList

LabPilot = Pilot[None]
Open = Callable[..., AbstractAsyncContextManager[tuple[LabApp, LabPilot]]]
B = TypeVar("B", bound=Bench)


@pytest.fixture
def open_lab(tmp_path: Path) -> Open:
    """Opens the lab over a temporary home with fake learners; stops its runs at the end."""

    @asynccontextmanager
    async def opener(
        size: tuple[int, int] = (80, 24),
        hold_at: int | None = None,
        lesson: int | Lesson | None = None,
        course: Sequence[Lesson] | None = None,
        before: Callable[[Laboratory], object] = lambda lab: None,
        toasts: bool = False,
        places: int = 8,
    ) -> AsyncIterator[tuple[LabApp, LabPilot]]:
        """
        Args:
            hold_at: the unit at which a fake run stays.
            lesson: the lesson to open: its place in the course, or one of the test's own.
            course: the lessons of the lab; `lesson` alone where that is the test's own.
            before: what happens in the home folder before the lab opens.
            toasts: whether notifications are drawn.
            places: how many runs train at a time, whatever this machine has.
        """
        lab = Laboratory(tmp_path / "home")
        lab.places = places
        told = use_fake_learners(lab)
        before(lab)
        told.hold_at = hold_at
        app = LabApp(tmp_path / "home", glyphs="braille", low_bandwidth="off", lab=lab)
        if course is not None or isinstance(lesson, Lesson):
            app.course = tuple(course or [lesson])  # type: ignore[list-item]
        try:
            async with app.run_test(size=size, notifications=toasts) as pilot:
                if lesson is not None:
                    app.open_lesson(lesson if isinstance(lesson, Lesson) else app.course[lesson])
                await pilot.pause()
                yield app, pilot
        finally:
            lab.close()

    return opener


def make_lesson(
    folder: Path, body: str, *, number: int = 1, title: str = "A lesson", summary: str = "What it is about."
) -> Lesson:
    """A lesson of the test's own, as its file would be read."""
    head = f"title = {title!r}\nsection = '9.{number}'\nsummary = {summary!r}\nminutes = {10 * number}"
    path = folder / f"{number:02}-lesson-{number}.md"
    path.write_text(f"+++\n{head}\n+++\n\n{body}\n", encoding="utf-8")
    return load_lesson(path)


def block(kind: str, /, **keys: Any) -> str:
    """A block of a lesson; every value is written as TOML would have it."""
    lines = [f"{key} = {_toml(value)}" for key, value in keys.items()]
    return "\n".join([f"```{kind}", *lines, "```", ""])


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return f"'''{value}'''" if isinstance(value, str) else str(value).lower()


def train(preset: str, **changes: Any) -> Callable[[Laboratory], None]:
    """For `before`: a run of an earlier day that has come to its end; `changes` are its seed, samples or episodes."""

    def before(lab: Laboratory) -> None:
        assert lab.start(preset_spec(preset, **changes), preset=preset).wait(10)

    return before


# --- waiting


async def until(pilot: LabPilot, condition: Callable[[], Any]) -> None:
    """Let the app work until something is so."""
    for _ in range(600):
        if condition():
            await pilot.pause()
            return
        await pilot.pause(0.02)
    raise AssertionError(f"waited in vain; the screen shows\n{screen_text(pilot.app)}")


async def until_run(app: LabApp, pilot: LabPilot, condition: Callable[[Run], Any] = lambda run: True) -> Run:
    """The one run that this process works on, once something is so of it."""
    await until(pilot, lambda: len(app.lab.live_runs) == 1 and condition(app.lab.live_runs[0]))
    return app.lab.live_runs[0]


async def finish_all(app: LabApp, pilot: LabPilot) -> None:
    """Let every run come to its end, and the screen show that."""
    await until(pilot, lambda: app.lab.store.count_runs() and not app.lab.live_runs)
    await until(pilot, lambda: not app._message_queue.qsize())
    if isinstance(app.screen, LessonScreen) and app.screen.bench is not None:
        app.screen.bench.update_view()
    await pilot.pause()


# --- what is on the screen


def lesson_screen(app: LabApp) -> LessonScreen:
    assert isinstance(app.screen, LessonScreen)
    return app.screen


def bench(app: LabApp, kind: type[B]) -> B:
    """The bench that is open."""
    shown = lesson_screen(app).bench
    assert isinstance(shown, kind)
    return shown


def rows(app: LabApp) -> list[str]:
    """The rows of the open bench, in words."""
    return [str(option.prompt) for option in bench(app, Bench).query_one(RowList).options]


def words(app: LabApp, selector: str) -> str:
    """What a line of the open bench says."""
    return str(bench(app, Bench).query_one(selector, Static).render())


def only(app: LabApp, kind: type[QueryType]) -> QueryType:
    """The one widget of its kind on the screen."""
    (widget,) = app.screen.query(kind)
    return widget


def flat(app: LabApp) -> str:
    """The screen's text without its line breaks, so that a sentence is found wherever it was wrapped."""
    return " ".join(screen_text(app).split())


def said(app: LabApp) -> list[str]:
    """The notifications on the screen."""
    return [notification.message for notification in app._notifications]


# --- the home folder in other hands


@contextmanager
def locked(app: LabApp, *, reading: bool = False) -> Iterator[None]:
    """Another program writes to the home folder's database for as long as this lasts.

    Args:
        reading: let nobody read either, as on a disk where SQLite can keep no log beside the database.
    """
    if reading:
        with app.lab.store._read() as db:
            assert db.execute("PRAGMA journal_mode = DELETE").fetchone()[0] == "delete"
    other = sqlite3.connect(app.lab.store.home / "lab.db", timeout=5, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


def has_points(picture: Picture) -> bool:
    """Whether a chart has its data; metrics of earlier days are read in a thread, and arrive after the bench."""
    return bool(picture.series) and all(series.x for series in picture.series)


def trained(*presets: str, seed: int | None = None, episodes: int | None = None) -> Callable[[Laboratory], None]:
    """Runs of an earlier day, finished one after the other, by fake learners in a laboratory that is closed again."""

    def before(lab: Laboratory) -> None:
        earlier = Laboratory(lab.store.home)
        use_fake_learners(earlier)
        for preset in presets:
            run = earlier.start(preset_spec(preset, seed=seed, episodes=episodes), preset=preset)
            assert run.wait(10)
            assert run.status == Status.FINISHED
        earlier.close()

    return before
