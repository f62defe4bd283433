"""Quitting: at once where nothing trains; else a question, whose answers keep a checkpoint or stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.laboratory import Laboratory
from engine.learners.kinds import preset_spec
from engine.runs.run import Run
from engine.storage.records import Status
from tests.tui_lab.pilot import LabPilot, Open, flat, until
from tui_lab.app import LabApp
from tui_lab.screens.course_map import CourseMap
from tui_lab.screens.quit_screen import QuitScreen

ASKED = "A checkpoint lets you go on tomorrow where it stopped."


async def running(app: LabApp, pilot: LabPilot, preset: str = "bad", name: str | None = None) -> Run:
    run = app.lab._launch(app.lab.store.add_run(preset_spec(preset), preset, name))
    await until(pilot, lambda: run.progress >= 0.25 and run.status == Status.RUNNING)
    return run


async def asked(app: LabApp, pilot: LabPilot, key: str = "q") -> None:
    await pilot.press(key)
    await until(pilot, lambda: isinstance(app.screen, QuitScreen))


async def test_with_nothing_running_q_leaves_without_asking(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)
        assert app.return_code == 0


@pytest.mark.parametrize("key", ["q", "ctrl+q", "ctrl+c"])
async def test_while_something_trains_it_asks_and_names_it(open_lab: Open, key: str) -> None:
    async with open_lab(hold_at=50) as (app, pilot):
        run = await running(app, pilot)
        await asked(app, pilot, key)
        assert "bad is still training." in flat(app)
        assert ASKED in flat(app)
        assert run.status == Status.RUNNING


async def test_several_runs_are_all_named_a_paused_one_too(open_lab: Open) -> None:
    async with open_lab(hold_at=50) as (app, pilot):
        await running(app, pilot)
        paused = await running(app, pilot, "good-1")
        paused.pause()
        await until(pilot, lambda: paused.status == Status.PAUSED)
        await asked(app, pilot)
        assert "bad, good-1 are still training." in flat(app)


@pytest.mark.parametrize("keys", [["k"], ["enter"], ["right", "right", "enter"]])
async def test_keeping_a_checkpoint_leaves_and_the_run_can_go_on(
    open_lab: Open, tmp_path: Path, keys: list[str]
) -> None:
    async with open_lab(hold_at=50) as (app, pilot):
        run = await running(app, pilot)
        await asked(app, pilot)
        await pilot.press(*keys)
        await until(pilot, lambda: not app.is_running)
        assert run.status == Status.STOPPED
    again = Laboratory(tmp_path / "home")
    assert again.store.run(run.id).counters["episodes"] == 50
    assert (again.store.run_folder(run.id) / "checkpoint").is_dir()
    again.close()


@pytest.mark.parametrize("keys", [["s"], ["escape"], ["right", "enter"], ["left", "enter"], ["tab", "enter"]])
async def test_staying_lets_everything_go_on(open_lab: Open, keys: list[str]) -> None:
    async with open_lab(hold_at=50) as (app, pilot):
        run = await running(app, pilot)
        await asked(app, pilot)
        await pilot.press(*keys)
        await until(pilot, lambda: isinstance(app.screen, CourseMap))
        assert app.is_running
        assert run.status == Status.RUNNING


@pytest.mark.parametrize(("button", "stays"), [("#keep", False), ("#stay", True)])
async def test_the_buttons_can_be_clicked(open_lab: Open, button: str, stays: bool) -> None:
    async with open_lab(hold_at=50) as (app, pilot):
        run = await running(app, pilot)
        await asked(app, pilot)
        await pilot.click(button)
        if stays:
            await until(pilot, lambda: isinstance(app.screen, CourseMap))
        else:
            await until(pilot, lambda: not app.is_running)
        assert (run.status == Status.RUNNING) == stays


async def test_it_asks_once_however_often_the_key_is_pressed(open_lab: Open) -> None:
    async with open_lab(hold_at=50) as (app, pilot):
        await running(app, pilot)
        await asked(app, pilot)
        await pilot.press("ctrl+q", "q", "ctrl+c")
        assert [isinstance(screen, QuitScreen) for screen in app.screen_stack].count(True) == 1
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, CourseMap))


async def test_names_with_brackets_are_text(open_lab: Open) -> None:
    async with open_lab(hold_at=50) as (app, pilot):
        await running(app, pilot, name="[/b][red]n")
        await asked(app, pilot)
        assert "[/b][red]n is still training." in flat(app)
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, CourseMap))


async def test_the_question_follows_runs_that_end_while_it_is_open(open_lab: Open) -> None:
    async with open_lab(hold_at=50) as (app, pilot):
        first, second = await running(app, pilot), await running(app, pilot, "good-1")
        await asked(app, pilot)
        assert "bad, good-1 are still training." in flat(app)
        first.stop()
        await until(pilot, lambda: "good-1 is still training." in flat(app))
        second.stop()
        await until(pilot, lambda: "All training has ended." in flat(app))
        assert ASKED not in flat(app)
        await pilot.press("k")
        await until(pilot, lambda: not app.is_running)
