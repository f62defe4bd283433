"""The command palette: what it offers, what each command does, and that names in it are text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from textual.command import CommandList, CommandPalette
from textual.widgets import Input

from engine.learners.kinds import preset_spec
from engine.runs.run import Run
from engine.storage.records import Status
from tests.tui_lab.fakes import screen_text
from tests.tui_lab.pilot import LabPilot, Open, block, lesson_screen, make_lesson, until
from tui_lab.app import LabApp
from tui_lab.lesson import Lesson
from tui_lab.screens.course_map import CourseMap
from tui_lab.screens.help_screen import HelpScreen
from tui_lab.screens.lesson_screen import LessonScreen
from tui_lab.screens.quit_screen import QuitScreen

RUN = block("run", title="One", presets=["bad"], charts=["return"])


@pytest.fixture
def course(tmp_path: Path) -> list[Lesson]:
    return [
        make_lesson(tmp_path, RUN, number=number, title=title, summary=f"About {title.lower()}.")
        for number, title in enumerate(("Imitation", "Bootstrapping"), 1)
    ]


def offered(app: LabApp) -> dict[str, str]:
    """The commands on the screen, each with what it is about."""
    pairs = (str(option.prompt).partition("\n") for option in app.screen.query_one(CommandList).options)
    return {title: about for title, _, about in pairs}


async def open_palette(app: LabApp, pilot: LabPilot, search: str = "") -> None:
    await pilot.press("ctrl+p")
    await until(pilot, lambda: isinstance(app.screen, CommandPalette))
    if search:
        app.screen.query_one(Input).value = search
        await until(pilot, lambda: len(offered(app)) == 1)
    await until(pilot, lambda: offered(app))


async def choose(app: LabApp, pilot: LabPilot, command: str) -> None:
    """Open the palette, search for a command and take it."""
    await open_palette(app, pilot, command)
    await until(pilot, lambda: next(iter(offered(app))) == command)
    await pilot.press("down", "up", "enter")
    await until(pilot, lambda: not isinstance(app.screen, CommandPalette))


async def running(app: LabApp, pilot: LabPilot, preset: str = "bad", name: str | None = None) -> Run:
    run = app.lab._launch(app.lab.store.add_run(preset_spec(preset), preset, name))
    await until(pilot, lambda: run.progress >= 0.25 and run.status == Status.RUNNING)
    return run


# --- what is on offer


async def test_it_offers_every_lesson_the_map_and_the_labs_own_commands(
    open_lab: Open, course: Sequence[Lesson]
) -> None:
    async with open_lab(size=(100, 40), course=course) as (app, pilot):
        await open_palette(app, pilot)
        await until(pilot, lambda: "Course map" in offered(app))
        found = offered(app)
        assert found.pop("Theme")
        assert found.pop("Screenshot")
        assert found == {
            "Help": "Help on what has the focus",
            "Quit": "Quit the lab",
            "Lesson 9.1: Imitation": "About imitation.",
            "Lesson 9.2: Bootstrapping": "About bootstrapping.",
            "Course map": "All lessons, runs and results",
            "Runs": "All runs: compare, fork, go on, export",
            "Settings": "Settings to play with, and experiments",
            "Play": "Drive the cart yourself",
        }


async def test_it_offers_to_pause_and_stop_a_run_and_to_resume_a_paused_one(
    open_lab: Open, course: Sequence[Lesson]
) -> None:
    async with open_lab(size=(100, 40), course=course, hold_at=50) as (app, pilot):
        bad, good = await running(app, pilot), await running(app, pilot, "good-1")
        good.pause()
        await open_palette(app, pilot)
        await until(pilot, lambda: "Course map" in offered(app))
        assert {title for title in offered(app) if "(" in title} == {
            f"Pause bad ({bad.id})",
            f"Stop bad ({bad.id})",
            f"Resume good-1 ({good.id})",
            f"Stop good-1 ({good.id})",
        }


async def test_a_search_finds_what_it_is_about_and_shows_what_matched(open_lab: Open, course: Sequence[Lesson]) -> None:
    async with open_lab(course=course) as (app, pilot):
        await open_palette(app, pilot, "bootstr")
        assert offered(app) == {"Lesson 9.2: Bootstrapping": "About bootstrapping."}
        prompt = app.screen.query_one(CommandList).options[0].prompt
        start = str(prompt).index("Bootstr")
        title = str(prompt).partition("\n")[0]
        styled = {index for span in prompt.spans for index in range(span.start, span.end)}  # type: ignore[union-attr]
        assert styled & set(range(len(title))) == set(range(start, start + len("Bootstr")))


# --- what the commands do


async def test_a_lesson_is_opened_from_the_map(open_lab: Open, course: Sequence[Lesson]) -> None:
    async with open_lab(course=course) as (app, pilot):
        await choose(app, pilot, "Lesson 9.2: Bootstrapping")
        await until(pilot, lambda: isinstance(app.screen, LessonScreen))
        assert lesson_screen(app).lesson is course[1]


async def test_a_lesson_is_opened_in_place_of_the_one_that_is_open(open_lab: Open, course: Sequence[Lesson]) -> None:
    async with open_lab(course=course, lesson=0) as (app, pilot):
        await choose(app, pilot, "Lesson 9.2: Bootstrapping")
        await until(pilot, lambda: lesson_screen(app).lesson is course[1])
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, CourseMap))


async def test_pause_resume_and_stop_act_on_their_run_alone(open_lab: Open, course: Sequence[Lesson]) -> None:
    async with open_lab(course=course, hold_at=50) as (app, pilot):
        bad, good = await running(app, pilot), await running(app, pilot, "good-1")
        await choose(app, pilot, f"Pause bad ({bad.id})")
        await until(pilot, lambda: bad.status == Status.PAUSED)
        assert good.status == Status.RUNNING
        await choose(app, pilot, f"Resume bad ({bad.id})")
        await until(pilot, lambda: bad.status == Status.RUNNING)
        await choose(app, pilot, f"Stop good-1 ({good.id})")
        await until(pilot, lambda: good.status == Status.STOPPED)
        assert (app.lab.store.run_folder(good.id) / "checkpoint").is_dir()
        assert bad.status == Status.RUNNING


async def test_the_map_is_reached_from_a_lesson(open_lab: Open, course: Sequence[Lesson]) -> None:
    async with open_lab(course=course, lesson=1) as (app, pilot):
        await choose(app, pilot, "Course map")
        await until(pilot, lambda: isinstance(app.screen, CourseMap))
        assert len(app.screen_stack) == 2


async def test_help_is_on_what_had_the_focus(open_lab: Open, course: Sequence[Lesson]) -> None:
    async with open_lab(course=course) as (app, pilot):
        await choose(app, pilot, "Help")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        assert "Up and down choose a lesson" in " ".join(screen_text(app).split())


async def test_quit_asks_while_something_trains_and_else_leaves(open_lab: Open, course: Sequence[Lesson]) -> None:
    async with open_lab(course=course, hold_at=50) as (app, pilot):
        run = await running(app, pilot)
        await choose(app, pilot, "Quit")
        await until(pilot, lambda: isinstance(app.screen, QuitScreen))
        await pilot.press("s")
        run.stop()
        await until(pilot, lambda: not app.lab.live_runs and isinstance(app.screen, CourseMap))
        await choose(app, pilot, "Quit")
        await until(pilot, lambda: not app.is_running)


async def test_a_lesson_opened_over_a_page_puts_that_page_away(open_lab: Open, course: Sequence[Lesson]) -> None:
    async with open_lab(course=course, lesson=0) as (app, pilot):
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        await choose(app, pilot, "Lesson 9.2: Bootstrapping")
        await until(pilot, lambda: isinstance(app.screen, LessonScreen))
        assert lesson_screen(app).lesson is course[1]
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, CourseMap))


# --- names are text


async def test_titles_and_names_with_brackets_are_text(open_lab: Open, tmp_path: Path) -> None:
    lesson = make_lesson(tmp_path, RUN, title="[/b] and [red]x[ b]", summary="Of [/i] and [$more].")
    async with open_lab(size=(100, 40), course=[lesson], hold_at=50) as (app, pilot):
        run = await running(app, pilot, name="[/n][red]o")
        await open_palette(app, pilot)
        await until(pilot, lambda: "Course map" in offered(app))
        assert offered(app)["Lesson 9.1: [/b] and [red]x[ b]"] == "Of [/i] and [$more]."
        assert f"Stop [/n][red]o ({run.id})" in offered(app)
        assert "Lesson 9.1: [/b] and [red]x[ b]" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, CourseMap))
        await choose(app, pilot, f"Pause [/n][red]o ({run.id})")
        await until(pilot, lambda: run.status == Status.PAUSED)
        await choose(app, pilot, "Lesson 9.1: [/b] and [red]x[ b]")
        await until(pilot, lambda: isinstance(app.screen, LessonScreen))
