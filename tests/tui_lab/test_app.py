"""The app through Textual's pilot, with a fast fake learner: keys in, plain text out."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from engine.laboratory import Laboratory
from engine.learners.kinds import preset_spec
from engine.storage.records import Status
from tests.tui_lab.fakes import drawn_text, screen_text, use_fake_learners
from tui_lab.app import LabApp
from tui_lab.screens.course_map import CourseMap
from tui_lab.screens.lesson_screen import LessonScreen
from tui_lab.screens.quit_screen import QuitScreen
from tui_lab.widgets.bench import Bench
from tui_lab.widgets.chart import Chart
from tui_lab.widgets.questions import PredictCard, QuizCard
from tui_lab.widgets.reading import Reading
from tui_lab.widgets.run_bench import RunBench

EXPECTED = Path(__file__).parent / "expected"
MODELS, BAD = 2, 3
"""Positions of lessons in the course."""

LabPilot = Pilot[None]
Open = Callable[..., AbstractAsyncContextManager[tuple[LabApp, LabPilot]]]


@pytest.fixture
def open_lab(tmp_path: Path) -> Open:
    """Opens the lab over a temporary home with fake learners; stops its runs at the end."""

    @asynccontextmanager
    async def opener(
        size: tuple[int, int] = (80, 24), hold_at: int | None = None, lesson: int | None = None
    ) -> AsyncIterator[tuple[LabApp, LabPilot]]:
        lab = Laboratory(tmp_path / "home")
        use_fake_learners(lab, hold_at=hold_at)
        app = LabApp(tmp_path / "home", glyphs="braille", low_bandwidth="off", lab=lab)
        try:
            async with app.run_test(size=size) as pilot:
                if lesson is not None:
                    app.open_lesson(app.course[lesson])
                await pilot.pause()
                yield app, pilot
        finally:
            lab.close()

    return opener


async def until(pilot: LabPilot, condition: Callable[[], Any]) -> None:
    """Let the app work until something is so."""
    for _ in range(400):
        if condition():
            await pilot.pause()
            return
        await pilot.pause(0.02)
    raise AssertionError(f"waited in vain; the screen shows\n{screen_text(pilot.app)}")


def lesson_screen(app: LabApp) -> LessonScreen:
    assert isinstance(app.screen, LessonScreen)
    return app.screen


def compare(name: str, app: LabApp) -> None:
    """The screen is as kept in `expected/`; UPDATE_SCREENS=1 keeps what is there now."""
    path = EXPECTED / f"{name}.txt"
    shown = screen_text(app) + "\n"
    if os.environ.get("UPDATE_SCREENS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")


async def finish_all(app: LabApp, pilot: LabPilot) -> None:
    await until(pilot, lambda: app.lab.store.count_runs() and not app.lab.live_runs)
    await pilot.pause(0.5)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_the_map_lists_the_course(open_lab: Open, size: tuple[int, int]) -> None:
    async with open_lab(size) as (app, _):
        compare(f"map-{size[0]}x{size[1]}", app)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_four_models_trained_with_one_key(open_lab: Open, size: tuple[int, int]) -> None:
    async with open_lab(size, lesson=MODELS) as (app, pilot):
        await pilot.press("1", "a")
        await finish_all(app, pilot)
        app.clear_notifications()
        await pilot.pause(0.5)
        compare(f"models-{size[0]}x{size[1]}", app)


async def test_a_narrow_terminal_shows_text_or_bench_and_b_changes_over(open_lab: Open) -> None:
    async with open_lab((80, 24), lesson=MODELS) as (app, pilot):
        reading, bench = app.screen.query_one(Reading), app.screen.query_one("#bench-pane")
        assert reading.display
        assert not bench.display
        await pilot.press("b")
        assert not reading.display
        assert bench.display
        await pilot.press("b")
        assert reading.display


async def test_a_wide_terminal_shows_text_beside_bench(open_lab: Open) -> None:
    async with open_lab((120, 40), lesson=MODELS) as (app, _):
        reading, bench = app.screen.query_one(Reading), app.screen.query_one("#bench-pane")
        assert reading.display
        assert bench.display
        assert reading.region.right <= bench.region.x
        assert "b" not in app.screen.active_bindings or not app.screen.active_bindings["b"].enabled


async def test_leaving_a_lesson_does_not_stop_its_run_and_every_screen_shows_it(open_lab: Open) -> None:
    async with open_lab(hold_at=50, lesson=BAD) as (app, pilot):
        await pilot.press("r")
        await until(pilot, lambda: app.lab.live_runs and app.lab.live_runs[0].progress >= 0.25)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, CourseMap))
        await until(pilot, lambda: "bad 25 %" in screen_text(app))
        assert app.lab.live_runs[0].status == Status.RUNNING


async def test_space_pauses_and_resumes_and_x_stops_with_a_checkpoint(open_lab: Open) -> None:
    async with open_lab(hold_at=50, lesson=BAD) as (app, pilot):
        await pilot.press("1", "r")
        await until(pilot, lambda: app.lab.live_runs and app.lab.live_runs[0].status == Status.RUNNING)
        run = app.lab.live_runs[0]
        await pilot.press("space")
        await until(pilot, lambda: run.status == Status.PAUSED)
        await pilot.press("space")
        await until(pilot, lambda: run.status == Status.RUNNING)
        await pilot.press("x")
        await until(pilot, lambda: run.status == Status.STOPPED)
        assert (app.lab.store.run_folder(run.id) / "checkpoint").is_dir()
        await until(pilot, lambda: "· stopped ·" in screen_text(app))


async def test_r_goes_on_with_a_stopped_run_and_n_begins_another(open_lab: Open) -> None:
    async with open_lab(hold_at=50, lesson=BAD) as (app, pilot):
        await pilot.press("1", "r")
        await until(pilot, lambda: app.lab.live_runs and app.lab.live_runs[0].progress >= 0.25)
        first = app.lab.live_runs[0].id
        await pilot.press("x")
        await until(pilot, lambda: not app.lab.live_runs)
        await pilot.press("r")
        await until(pilot, lambda: [run.id for run in app.lab.live_runs] == [first])
        assert app.lab.live_runs[0].log.episode_count == 50
        await pilot.press("x")
        await until(pilot, lambda: not app.lab.live_runs)
        await pilot.press("n")
        await until(pilot, lambda: app.lab.live_runs and app.lab.live_runs[0].id != first)


async def test_quitting_asks_while_something_trains_and_keeps_a_checkpoint(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(hold_at=50, lesson=BAD) as (app, pilot):
        await pilot.press("r")
        await until(pilot, lambda: app.lab.live_runs and app.lab.live_runs[0].progress >= 0.25)
        run = app.lab.live_runs[0]
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, QuitScreen))
        compare("quit-80x24", app)
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, LessonScreen))
        assert run.status == Status.RUNNING
        await pilot.press("q", "k")
        await until(pilot, lambda: not app.is_running)
        assert run.status == Status.STOPPED
    again = Laboratory(tmp_path / "home")
    assert again.store.run(run.id).counters["episodes"] == 50
    again.close()


async def test_quitting_with_nothing_running_does_not_ask(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)


async def test_results_are_there_the_next_day(open_lab: Open) -> None:
    async with open_lab(lesson=MODELS) as (app, pilot):
        await pilot.press("1", "a")
        await finish_all(app, pilot)
    async with open_lab(lesson=MODELS) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: screen_text(app).count("train .920, test .900") == 4)
        await until(pilot, lambda: app.screen.query(Chart).first().picture.series)


async def test_the_reading_position_and_the_state_of_a_lesson_are_kept(open_lab: Open) -> None:
    async with open_lab(lesson=MODELS) as (app, pilot):
        reading = app.screen.query_one(Reading)
        reading.scroll_to(y=40, animate=False)
        await pilot.pause()
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, CourseMap))
        await until(pilot, lambda: app.lab.store.lesson_progress()["imitation-models"].position > 0)
        assert app.lab.store.lesson_progress()["imitation-models"].state == "open"
        app.open_lesson(app.course[MODELS])
        await until(pilot, lambda: [reading.scroll_y for reading in app.screen.query(Reading)] == [40])
        app.screen.query_one(Reading).scroll_end(animate=False)
        await pilot.pause()
        await pilot.press("escape")
        await until(pilot, lambda: app.lab.store.lesson_progress()["imitation-models"].state == "done")


async def test_a_prediction_is_kept_and_stays(open_lab: Open) -> None:
    async with open_lab(lesson=MODELS) as (app, pilot):
        card = app.screen.query(PredictCard).first()
        choices = card.query_one(OptionList)
        choices.focus()
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.lab.store.predictions() == {"best-imitation-model": 1})
        await until(pilot, lambda: len(card.query("Markdown")) == 1)
        await pilot.press("down", "enter")
        await pilot.pause()
        assert app.lab.store.predictions() == {"best-imitation-model": 1}


async def test_a_quiz_explains_each_answer_and_lets_one_try_again(open_lab: Open) -> None:
    async with open_lab(lesson=MODELS) as (app, pilot):
        card = app.screen.query(QuizCard).first()
        card.query_one(OptionList).focus()
        await pilot.press("enter")
        after = card.query_one(".after")
        await until(pilot, lambda: "Not this one" in str(after.render()))
        await pilot.press("down", "down", "down", "enter")
        await until(pilot, lambda: "Right" in str(after.render()))
        assert app.lab.store.answers()["spot-underfitting"] == [0, 3]


async def test_h_gives_a_hint_on_request(open_lab: Open) -> None:
    async with open_lab(lesson=MODELS) as (app, pilot):
        card = app.screen.query(QuizCard).first()
        card.query_one(OptionList).focus()
        assert "gap between train and test" not in str(card.query_one(".after").render())
        await pilot.press("h")
        assert "gap between train and test" in str(card.query_one(".after").render())


async def test_help_names_the_keys_that_work_here(open_lab: Open) -> None:
    async with open_lab((80, 40), lesson=MODELS) as (app, pilot):
        await pilot.press("1", "question_mark")
        await pilot.pause()
        text = screen_text(app)
        assert "Each row is a preset" in text
        assert "Stop, keeping a checkpoint" in text
        await pilot.press("escape")
        assert isinstance(app.screen, LessonScreen)


async def test_c_changes_the_chart(open_lab: Open) -> None:
    async with open_lab(lesson=MODELS) as (app, pilot):
        await pilot.press("1", "a")
        await finish_all(app, pilot)
        assert "accuracy by epoch" in screen_text(app)
        await pilot.press("c")
        assert "loss by epoch" in screen_text(app)


async def test_s_slows_every_run_of_the_bench_and_lets_them_run_again(open_lab: Open) -> None:
    async with open_lab(hold_at=50, lesson=BAD) as (app, pilot):
        await pilot.press("1", "s", "r")
        await until(pilot, lambda: app.lab.live_runs)
        run = app.lab.live_runs[0]
        assert run.steps_per_second == 200
        await until(pilot, lambda: "slowed to 200 steps a second" in " ".join(screen_text(app).split()))
        await pilot.press("s", "s")
        assert run.steps_per_second is None


async def test_another_run_of_a_preset_takes_the_next_seed(open_lab: Open) -> None:
    async with open_lab(lesson=BAD) as (app, pilot):
        await pilot.press("1", "r")
        await finish_all(app, pilot)
        await pilot.press("r")
        await pilot.pause()
        assert len(app.lab.store.runs()) == 1
        await pilot.press("n")
        await until(pilot, lambda: len(app.lab.store.runs()) == 2)
        assert [record.seed for record in app.lab.store.runs()] == [1, 0]


async def test_a_run_of_another_process_is_shown_and_left_alone(open_lab: Open, tmp_path: Path) -> None:
    other = Laboratory(tmp_path / "home")
    use_fake_learners(other, hold_at=50)
    run = other.start(preset_spec("bad"), preset="bad")
    async with open_lab(lesson=BAD) as (app, pilot):
        await until(pilot, lambda: "bad" in screen_text(app))
        await pilot.press("1")
        await until(pilot, lambda: "in another dqn-lab" in " ".join(screen_text(app).split()))
        await pilot.press("r", "space", "n")
        await pilot.pause()
        assert not app.lab.runs
        other.close()
        await until(pilot, lambda: "· stopped ·" in screen_text(app))
    assert run.status == Status.STOPPED


async def test_without_unicode_everything_is_ascii(tmp_path: Path) -> None:
    app = LabApp(tmp_path / "home", glyphs="ascii")
    async with app.run_test(size=(80, 24)) as pilot:
        app.open_lesson(app.course[MODELS])
        await pilot.pause(0.3)
        assert drawn_text(app).isascii()
        assert "2.2 Imitation: the models" in drawn_text(app)
    app.lab.close()


async def test_a_failed_run_says_why_and_the_screen_goes_on(open_lab: Open) -> None:
    async with open_lab(lesson=BAD) as (app, pilot):
        run_type = app.lab.run_type

        class Failing(run_type):  # type: ignore[misc, valid-type]
            def _learner(self) -> Any:
                raise ValueError("the data are gone.")

        app.lab.run_type = Failing
        await pilot.press("1", "r")
        await until(pilot, lambda: "the data are gone." in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, CourseMap))


async def test_a_diverging_run_does_not_take_the_chart_down(open_lab: Open) -> None:
    async with open_lab((160, 48), lesson=BAD) as (app, pilot):
        run = app.lab.start(preset_spec("bad"), preset="bad")
        await finish_all(app, pilot)
        run.log.append("loss", 99_999, float("nan"))
        run.log.append("return", 201, float("inf"))
        bench = app.screen.query_one(RunBench)
        bench.find_runs()
        bench.next_chart()
        await pilot.pause(0.5)
        assert "loss (mean squared TD error)" in screen_text(app)


async def test_an_unchanged_picture_is_not_drawn_again(open_lab: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_lab(lesson=MODELS) as (app, pilot):
        await pilot.press("1", "a")
        await finish_all(app, pilot)
        drawn: list[int] = []
        monkeypatch.setattr(Chart, "_redraw", lambda self: drawn.append(1))
        await pilot.pause(1.0)
        assert drawn == []


async def test_every_bench_of_every_lesson_opens(open_lab: Open) -> None:
    async with open_lab((100, 30)) as (app, pilot):
        for lesson in app.course:
            app.open_lesson(lesson)
            await until(
                pilot, lambda lesson=lesson: isinstance(app.screen, LessonScreen) and app.screen.lesson is lesson
            )
            for number in range(1, len(lesson.benches) + 1):
                await pilot.press(str(number))
                await until(pilot, lambda: lesson_screen(app).bench is not None)
                bench = lesson_screen(app).bench
                assert isinstance(bench, Bench)
                assert bench.id == f"bench-{number}"
                assert lesson.benches[number - 1].title[:20] in screen_text(app)


async def test_the_theme_key_changes_between_dark_and_light(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        assert app.current_theme.dark
        await pilot.press("t")
        assert not app.current_theme.dark
