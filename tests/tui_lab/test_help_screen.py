"""The help page: what it says where, which keys it names, and how it is put away."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui_lab.fakes import drawn_text
from tests.tui_lab.pilot import LabPilot, Open, block, flat, make_lesson, only, until
from tui_lab.app import LabApp
from tui_lab.lesson import Lesson
from tui_lab.screens.course_map import CourseMap, Lessons
from tui_lab.screens.help_screen import HelpScreen
from tui_lab.screens.lesson_screen import LessonScreen
from tui_lab.widgets.questions import Choices
from tui_lab.widgets.reading import Reading
from tui_lab.widgets.rows import RowList
from tui_lab.widgets.run_bench import RunBench

RUN = block("run", title="One", presets=["bad"], charts=["return"])
QUIZ = block(
    "quiz", id="q", question="Which?", options=["a", "b"], answer=0, explanations=["Yes.", "No."], hint="The first."
)
TALL = (100, 60)


@pytest.fixture
def lesson(tmp_path: Path) -> Lesson:
    return make_lesson(tmp_path, f"Text.\n\n{RUN}\n\n{QUIZ}")


async def help_page(app: LabApp, pilot: LabPilot) -> str:
    """What the help page says, on one line."""
    await pilot.press("question_mark")
    await until(pilot, lambda: isinstance(app.screen, HelpScreen) and "Help" in flat(app))
    return " ".join(" ".join(str(widget.render()).split()) for widget in app.screen.query("#help Static"))


async def test_on_the_map_it_speaks_of_the_lessons(open_lab: Open) -> None:
    async with open_lab(size=TALL) as (app, pilot):
        text = await help_page(app, pilot)
        assert Lessons.HELP in text
        assert RowList.HELP not in text
        for meaning in ("enter Open the chosen lesson", "Quit; asks while something trains", "t Change between dark"):
            assert meaning in text.replace("⏎", "enter")
        assert "bench" not in text


async def test_in_a_lessons_text_it_speaks_of_its_bench_too(open_lab: Open, lesson: Lesson) -> None:
    async with open_lab(size=TALL, lesson=lesson) as (app, pilot):
        only(app, Reading).focus()
        text = await help_page(app, pilot)
        assert RunBench.HELP in text
        for meaning in ("Stop, keeping a checkpoint", "Back to the course map; runs go on", "] Next lesson"):
            assert meaning in text


async def test_on_a_bench_it_speaks_of_rows_and_of_the_bench_once(open_lab: Open, lesson: Lesson) -> None:
    async with open_lab(size=TALL, lesson=lesson) as (app, pilot):
        await pilot.press("1")
        text = await help_page(app, pilot)
        assert text.index(RowList.HELP) < text.index(RunBench.HELP)
        assert text.count(RunBench.HELP) == 1


async def test_on_a_question_it_speaks_of_its_answers_and_its_hint(open_lab: Open, lesson: Lesson) -> None:
    async with open_lab(size=TALL, lesson=lesson) as (app, pilot):
        only(app, Choices).focus()
        text = await help_page(app, pilot)
        assert Choices.HELP in text
        assert "h Show this question's hint" in text


async def test_it_names_only_keys_that_do_something_here(open_lab: Open, lesson: Lesson) -> None:
    async with open_lab(size=TALL, lesson=lesson) as (app, pilot):
        await pilot.press("1")
        text = await help_page(app, pilot)
        assert "r Start what is chosen on the bench" in text
        assert "Start everything on the bench" not in text
        assert "Show the next chart" not in text
        assert "Open bench 1" in text
        assert "Open bench 2" not in text
        lines = [line.strip(" │┃█▌▐▎|") for line in drawn_text(app).splitlines()]
        assert "r  Start what is chosen on the bench" in lines, "each key has a line of its own"


@pytest.mark.parametrize("key", ["escape", "question_mark", "q", "enter"])
async def test_any_of_its_keys_puts_it_away_and_nothing_more(open_lab: Open, lesson: Lesson, key: str) -> None:
    async with open_lab(lesson=lesson) as (app, pilot):
        await pilot.press("1")
        focused = app.focused
        await help_page(app, pilot)
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, LessonScreen))
        assert app.focused is focused
        assert app.is_running


async def test_a_page_longer_than_the_terminal_scrolls(open_lab: Open, lesson: Lesson) -> None:
    async with open_lab(size=(80, 12), lesson=lesson) as (app, pilot):
        await pilot.press("1")
        await help_page(app, pilot)
        page = app.screen.query_one("#help")
        assert page.max_scroll_y > 0
        await pilot.press("pagedown")
        await until(pilot, lambda: page.scroll_y > 0)


async def test_the_lessons_keys_do_nothing_behind_it(open_lab: Open, lesson: Lesson) -> None:
    async with open_lab(lesson=lesson) as (app, pilot):
        await pilot.press("1")
        await help_page(app, pilot)
        await pilot.press("r", "right_square_bracket")
        assert isinstance(app.screen, HelpScreen)
        assert app.lab.store.count_runs() == 0
        await pilot.press("escape", "escape")
        await until(pilot, lambda: isinstance(app.screen, CourseMap))
