"""The lab as a whole: its screens at two sizes, what it says of runs, its own keys, every bench of the course."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from textual.css.query import NoMatches

from engine.laboratory import Laboratory
from engine.learners.kinds import preset_spec
from engine.storage.records import Status
from tests.tui_lab.fakes import drawn_text, fakes, screen_text, use_fake_learners
from tests.tui_lab.pilot import (
    LabPilot,
    Open,
    bench,
    block,
    finish_all,
    has_points,
    lesson_screen,
    make_lesson,
    said,
    until,
    until_run,
)
from tui_lab.app import LabApp
from tui_lab.glyphs import choose_pace
from tui_lab.lesson import Lesson
from tui_lab.screens.course_map import CourseMap
from tui_lab.screens.lesson_screen import LessonScreen
from tui_lab.screens.quit_screen import QuitScreen
from tui_lab.widgets.bench import Bench
from tui_lab.widgets.chart import Chart
from tui_lab.widgets.run_bench import RunBench

EXPECTED = Path(__file__).parent / "expected"
MODELS = 2
"""Position of a lesson in the course."""
SEVERAL = block("run", title="Several", presets=["bad", "good-1", "good-2", "as-written"], charts=["return", "loss"])


@pytest.fixture
def several(tmp_path: Path) -> Lesson:
    return make_lesson(tmp_path, SEVERAL)


def compare(name: str, app: LabApp) -> None:
    """The screen is as kept in `expected/`; UPDATE_SCREENS=1 keeps what is there now."""
    path = EXPECTED / f"{name}.txt"
    shown = screen_text(app) + "\n"
    if os.environ.get("UPDATE_SCREENS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")


def top_line(app: LabApp) -> str:
    return screen_text(app).split("\n")[0]


async def started(app: LabApp, pilot: LabPilot) -> None:
    """Four runs, as far as they go."""
    await pilot.press("1", "a")
    await until(pilot, lambda: len(app.lab.live_runs) == 4 and all(r.progress >= 0.25 for r in app.lab.live_runs))


# --- screens as a whole


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_the_map_lists_the_course(open_lab: Open, size: tuple[int, int]) -> None:
    async with open_lab(size) as (app, _):
        compare(f"map-{size[0]}x{size[1]}", app)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_four_models_trained_with_one_key(open_lab: Open, size: tuple[int, int]) -> None:
    async with open_lab(size, lesson=MODELS) as (app, pilot):
        await pilot.press("1", "a")
        await finish_all(app, pilot)
        charts = list(bench(app, RunBench).query(Chart))
        await until(
            pilot,
            lambda: all(len(one.picture.series) == 8 and has_points(one.picture) for one in charts if one.size.height),
        )
        await until(pilot, lambda: "●" not in top_line(app))
        compare(f"models-{size[0]}x{size[1]}", app)


async def test_quitting_asks_over_the_lesson_that_is_open(open_lab: Open) -> None:
    async with open_lab(hold_at=50, lesson=3) as (app, pilot):
        await pilot.press("r")
        await until_run(app, pilot, lambda run: run.progress >= 0.25)
        await until(pilot, lambda: top_line(app).endswith("bad 25 %"))
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, QuitScreen))
        compare("quit-80x24", app)


async def test_every_bench_of_every_lesson_opens(open_lab: Open) -> None:
    async with open_lab((100, 30)) as (app, pilot):
        for lesson in app.course:
            app.open_lesson(lesson)
            await until(
                pilot, lambda lesson=lesson: isinstance(app.screen, LessonScreen) and app.screen.lesson is lesson
            )
            for number in range(1, len(lesson.benches) + 1):
                await pilot.press(str(number))
                shown = lesson_screen(app).bench
                assert isinstance(shown, Bench)
                assert shown.id == f"bench-{number}"
                assert lesson.benches[number - 1].title[:20] in screen_text(app)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_without_unicode_everything_is_ascii(tmp_path: Path, size: tuple[int, int]) -> None:
    lab = Laboratory(tmp_path / "home")
    use_fake_learners(lab)
    app = LabApp(tmp_path / "home", glyphs="ascii", lab=lab)
    try:
        async with app.run_test(size=size) as pilot:
            assert drawn_text(app).isascii()
            app.open_lesson(app.course[MODELS])
            await pilot.pause()
            assert "2.2 Imitation: the models" in drawn_text(app)
            assert drawn_text(app).isascii()
            await pilot.press("1", "r")
            await finish_all(app, pilot)
            await until(pilot, lambda: has_points(bench(app, RunBench).query(Chart).first().picture))
            assert "+ linear     ========== 100 %" in drawn_text(app)
            assert drawn_text(app).isascii()
    finally:
        lab.close()


# --- the line at the top


async def test_the_top_line_says_where_one_is_and_what_trains(open_lab: Open, several: Lesson) -> None:
    async with open_lab(hold_at=50, lesson=several) as (app, pilot):
        assert top_line(app) == " dqn-lab  9.1 A lesson"
        await pilot.press("1", "r")
        await until(pilot, lambda: top_line(app).endswith("● bad 25 %"))
        await pilot.press("s")
        await until(pilot, lambda: top_line(app).endswith("● bad 25 % slowed"))
        await pilot.press("s", "s", "space")
        await until(pilot, lambda: top_line(app).endswith("‖ bad paused"))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, CourseMap))
        await until(pilot, lambda: top_line(app).endswith("‖ bad paused"))
        assert top_line(app).startswith(" dqn-lab  deep Q-learning, hands on")
        app.lab.live_runs[0].stop()
        await until(pilot, lambda: "bad" not in top_line(app))


async def test_the_top_line_names_three_runs_and_counts_the_others(open_lab: Open, several: Lesson) -> None:
    async with open_lab((160, 30), hold_at=50, lesson=several) as (app, pilot):
        await started(app, pilot)
        await until(pilot, lambda: top_line(app).endswith("● bad 25 %  ● good-1 25 %  ● good-2 25 %  +1"))


# --- what it says of runs


async def test_a_run_that_has_finished_is_announced_wherever_one_is(open_lab: Open, several: Lesson) -> None:
    async with open_lab(hold_at=50, lesson=several) as (app, pilot):
        await pilot.press("1", "r")
        await until_run(app, pilot, lambda run: run.progress >= 0.25)
        await pilot.press("escape")
        fakes(app).hold_at = None
        await until(pilot, lambda: said(app) == ["bad has finished."])
        await until(pilot, lambda: "mean return 401" in screen_text(app))


async def test_a_failure_is_announced_as_an_error_with_its_reason(open_lab: Open, several: Lesson) -> None:
    async with open_lab(lesson=several) as (app, pilot):
        fakes(app).failure = ValueError("the data [/b] are gone.")
        await pilot.press("1", "r")
        await until(pilot, lambda: said(app))
        (notice,) = app._notifications
        assert (notice.title, notice.message, notice.severity, notice.markup) == (
            "bad failed",
            "the data [/b] are gone.",
            "error",
            False,
        )
        assert app.lab.store.runs()[0].status == Status.FAILED


async def test_a_stopped_run_is_not_announced_as_finished(open_lab: Open, several: Lesson) -> None:
    async with open_lab(hold_at=50, lesson=several) as (app, pilot):
        await pilot.press("1", "r")
        run = await until_run(app, pilot, lambda run: run.progress >= 0.25)
        run.stop()
        await until(pilot, lambda: "· stopped ·" in screen_text(app))
        assert said(app) == []


async def test_notifications_are_text_whoever_asks_for_what(open_lab: Open) -> None:
    async with open_lab((160, 30), toasts=True) as (app, pilot):
        app.notify("[/b] and [red]x[/red]", title="[bold]t[/bold]", markup=True)
        app.screen.notify("[/i]", markup=True)
        await until(pilot, lambda: "[/b] and [red]x[/red]" in screen_text(app))
        assert "[bold]t[/bold]" in screen_text(app)
        assert "[/i]" in screen_text(app)


async def test_a_diverging_run_does_not_take_the_chart_down(open_lab: Open, several: Lesson) -> None:
    async with open_lab((160, 48), hold_at=50, lesson=several) as (app, pilot):
        await pilot.press("1", "r")
        run = await until_run(app, pilot, lambda run: run.progress >= 0.25)
        run.log.append("loss", 99_999, float("nan"))
        run.log.append("return", 201, float("inf"))
        shown = bench(app, RunBench)
        shown.next_chart()
        await until(pilot, lambda: "loss (mean squared TD error)" in screen_text(app))
        assert 99_999 not in shown.query(Chart).first().picture.series[0].x


async def test_an_unchanged_picture_is_not_drawn_again(
    open_lab: Open, several: Lesson, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_lab(lesson=several) as (app, pilot):
        await pilot.press("1", "r")
        await finish_all(app, pilot)
        await until(pilot, lambda: has_points(bench(app, RunBench).query(Chart).first().picture))
        drawn: list[int] = []
        monkeypatch.setattr(Chart, "_redraw", lambda self: drawn.append(1))
        for _ in range(3):
            lesson_screen(app).beat()
        assert drawn == []


# --- its own keys


async def test_t_changes_between_dark_and_light_on_every_screen(open_lab: Open, several: Lesson) -> None:
    async with open_lab(course=[several]) as (app, pilot):
        assert app.theme == "lab-dark"
        await pilot.press("t")
        assert app.theme == "lab-light"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, LessonScreen))
        await pilot.press("t")
        assert app.theme == "lab-dark"


@pytest.mark.parametrize("key", ["q", "ctrl+q", "ctrl+c"])
async def test_with_nothing_running_each_quit_key_leaves(open_lab: Open, key: str) -> None:
    async with open_lab() as (app, pilot):
        await pilot.press(key)
        await until(pilot, lambda: not app.is_running)


async def test_another_lesson_takes_the_place_of_the_one_that_is_open(open_lab: Open, tmp_path: Path) -> None:
    lessons = [make_lesson(tmp_path, SEVERAL, number=number) for number in (1, 2)]
    async with open_lab(course=lessons, lesson=0) as (app, pilot):
        app.open_lesson(lessons[1])
        await until(pilot, lambda: lesson_screen(app).lesson is lessons[1])
        app.open_neighbour(lessons[1], 1)
        assert lesson_screen(app).lesson is lessons[1]
        app.action_map()
        await until(pilot, lambda: isinstance(app.screen, CourseMap))
        with pytest.raises(NoMatches):
            app.screen.query_one(RunBench)
        app.action_map()
        assert isinstance(app.screen, CourseMap)


# --- terminals at the end of a slow line


async def test_over_a_slow_line_little_is_sent_and_nothing_glides(tmp_path: Path) -> None:
    lab = Laboratory(tmp_path / "home")
    app = LabApp(tmp_path / "home", low_bandwidth="on", lab=lab)
    try:
        async with app.run_test():
            assert app.pace == choose_pace("on")
            assert app.animation_level == "none"
    finally:
        lab.close()


def test_a_session_over_ssh_is_taken_for_a_slow_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    near = choose_pace("auto")
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 50000 10.0.0.2 22")
    far = choose_pace("auto")
    off = choose_pace("off")
    assert (off.charts, off.frames) == (near.charts, near.frames)
    assert "SSH" in far.reason
    assert choose_pace("on").charts < far.charts < near.charts
    assert choose_pace("on").frames < far.frames < near.frames


async def test_a_run_started_elsewhere_in_the_lab_shows_on_the_open_bench(open_lab: Open, several: Lesson) -> None:
    async with open_lab(hold_at=50, lesson=several) as (app, pilot):
        await pilot.press("1")
        run = app.lab.start(preset_spec("good-2"), preset="good-2")
        await until(pilot, lambda: "● good-2     ━━────────  25 %" in screen_text(app))
        run.stop()
        await until(pilot, lambda: "■ good-2" in screen_text(app))


async def test_a_terminal_that_is_too_small_is_told_and_the_lab_comes_back_where_it_was(
    open_lab: Open, several: Lesson
) -> None:
    async with open_lab(lesson=several) as (app, pilot):
        await pilot.resize_terminal(59, 24)
        await until(pilot, lambda: "dqn-lab needs 60 x 16; this terminal has 59 x 24." in screen_text(app))
        await pilot.resize_terminal(50, 10)
        await until(pilot, lambda: "this terminal has 50 x 10" in " ".join(screen_text(app).split()))
        await pilot.resize_terminal(60, 16)
        await until(pilot, lambda: isinstance(app.screen, LessonScreen))
        await pilot.resize_terminal(80, 15)
        await until(pilot, lambda: "80 x 15" in screen_text(app))
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)
