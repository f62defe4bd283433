"""The bench that trains: what each key does in each state of a run, and what the bench says of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.laboratory import Laboratory
from engine.learners.kinds import preset_spec
from engine.learners.metrics import MetricLog
from engine.runs.run import Run
from engine.storage.records import Status
from tests.tui_lab.fakes import fakes, screen_text, use_fake_learners
from tests.tui_lab.pilot import (
    LabPilot,
    Open,
    bench,
    block,
    finish_all,
    has_points,
    lesson_screen,
    make_lesson,
    rows,
    said,
    trained,
    until,
    until_run,
    words,
)
from tui_lab.app import LabApp
from tui_lab.lesson import Lesson
from tui_lab.plotting import Picture
from tui_lab.screens.course_map import CourseMap
from tui_lab.themes import series_color
from tui_lab.widgets.chart import Chart
from tui_lab.widgets.rows import RowList
from tui_lab.widgets.run_bench import ELSEWHERE, NOTHING_RUNS, RunBench

ONE = block("run", title="One", presets=["bad"], charts=["return"])
TWO = block("run", title="Two", presets=["bad", "good-1"], charts=["return", "loss", "q"], hint="Press [r] or [/b].")
WIDE = (160, 48)


@pytest.fixture
def two(tmp_path: Path) -> Lesson:
    return make_lesson(tmp_path, TWO)


def picture(app: LabApp, which: str = "#chart") -> Picture:
    return bench(app, RunBench).query_one(which, Chart).picture


async def start(app: LabApp, pilot: LabPilot, key: str = "r", at: float = 0.25) -> Run:
    """The run that a key starts, once it has come so far."""
    await pilot.press(key)
    return await until_run(app, pilot, lambda run: run.progress >= at and run.status == Status.RUNNING)


# --- never trained


async def test_a_preset_that_was_never_trained_says_so_and_what_starts_it(open_lab: Open, two: Lesson) -> None:
    async with open_lab(lesson=two) as (app, pilot):
        await pilot.press("1")
        assert rows(app) == [
            "○ bad        not trained yet, 67,586 parameters",
            "○ good-1     not trained yet, 67,586 parameters",
        ]
        assert words(app, "#details") == "r starts this run; it goes on while you read"
        assert words(app, "#legend") == "return by episode"
        assert words(app, "#findings") == ""
        assert picture(app) == Picture()
        assert "Press [r] or [/b]." in screen_text(app)


@pytest.mark.parametrize("key", ["space", "x"])
async def test_there_is_nothing_to_pause_or_stop_before_a_run(open_lab: Open, two: Lesson, key: str) -> None:
    async with open_lab(lesson=two) as (app, pilot):
        await pilot.press("1", key)
        assert said(app) == [NOTHING_RUNS]
        assert app.lab.store.count_runs() == 0


async def test_r_starts_the_chosen_row_alone(open_lab: Open, two: Lesson) -> None:
    async with open_lab(hold_at=50, lesson=two) as (app, pilot):
        await pilot.press("1", "down")
        run = await start(app, pilot)
        assert run.record.preset == "good-1"
        assert run.spec == preset_spec("good-1")
        bench(app, RunBench).update_view()
        assert rows(app)[0] == "○ bad        not trained yet, 67,586 parameters"
        assert rows(app)[1] == "● good-1     ━━────────  25 %  episode 50, mean return 101"


async def test_the_first_run_has_the_presets_own_seed_however_it_is_started(open_lab: Open, two: Lesson) -> None:
    async with open_lab(lesson=two) as (app, pilot):
        await pilot.press("1", "down", "n")
        await finish_all(app, pilot)
        assert [run.seed for run in app.lab.store.runs()] == [preset_spec("good-1").config.seed]


async def test_a_starts_every_row(open_lab: Open, two: Lesson) -> None:
    async with open_lab(lesson=two) as (app, pilot):
        await pilot.press("1", "a")
        await finish_all(app, pilot)
        assert {run.preset for run in app.lab.store.runs()} == {"bad", "good-1"}
        assert all(row.startswith("✓") for row in rows(app))


async def test_a_bench_of_one_preset_and_one_chart_offers_neither_all_nor_the_next_chart(
    open_lab: Open, tmp_path: Path
) -> None:
    async with open_lab(lesson=make_lesson(tmp_path, ONE)) as (app, pilot):
        await pilot.press("1")
        keys = {key for key, active in app.screen.active_bindings.items() if active.enabled}
        assert {"r", "n", "space", "x", "s"} <= keys
        assert not {"a", "c"} & keys
        await pilot.press("a")
        assert app.lab.store.count_runs() == 0


# --- live


async def test_a_run_under_way_is_told_in_full(open_lab: Open, two: Lesson) -> None:
    async with open_lab(hold_at=50, lesson=two) as (app, pilot):
        await pilot.press("1")
        run = await start(app, pilot)
        await until(pilot, lambda: "2,500 environment steps" in words(app, "#details"))
        pieces = words(app, "#details").split(" · ")
        assert pieces[:5] == [
            f"run {run.id}", "running", "seed 0", "2,500 environment steps", "500 gradient steps"
        ]  # fmt: skip
        assert pieces[5].endswith(" s")
        assert len(pieces) == 6


async def test_a_run_that_goes_on_is_not_started_twice(open_lab: Open, two: Lesson) -> None:
    async with open_lab(hold_at=50, lesson=two) as (app, pilot):
        await pilot.press("1")
        await start(app, pilot)
        await pilot.press("r")
        assert said(app) == ["Already training; n starts another run once this one is over."]
        await pilot.press("n")
        assert said(app)[1:] == ["This run is still going; x stops it."]
        assert app.lab.store.count_runs() == 1


async def test_a_beside_a_run_that_goes_on_starts_only_the_others(open_lab: Open, two: Lesson) -> None:
    async with open_lab(hold_at=50, lesson=two) as (app, pilot):
        await pilot.press("1")
        first = await start(app, pilot)
        await pilot.press("a")
        await until(pilot, lambda: len(app.lab.live_runs) == 2)
        assert [run.preset for run in app.lab.store.runs()] == ["good-1", "bad"]
        assert first.status == Status.RUNNING
        await pilot.press("a")
        assert said(app) == ["All of these are trained or training; n starts another run of the chosen one."]
        assert app.lab.store.count_runs() == 2


async def test_the_chart_follows_a_run(open_lab: Open, two: Lesson) -> None:
    async with open_lab(hold_at=50, lesson=two) as (app, pilot):
        await pilot.press("1")
        await start(app, pilot)
        await until(pilot, lambda: picture(app).series and picture(app).series[1].x[-1:] == (49.0,))
        singles = picture(app).series[0]
        assert singles.y == pytest.approx([20 + 2 * (unit + 1) for unit in singles.x])
        fakes(app).hold_at = 120
        await until(pilot, lambda: picture(app).series[1].x[-1] == 119.0)


async def test_space_pauses_and_resumes(open_lab: Open, two: Lesson) -> None:
    async with open_lab(hold_at=50, lesson=two) as (app, pilot):
        await pilot.press("1")
        run = await start(app, pilot)
        await pilot.press("space")
        assert rows(app)[0].startswith("‖ bad")
        await until(pilot, lambda: run.status == Status.PAUSED)
        await until(pilot, lambda: " · paused · " in words(app, "#details"))
        await pilot.press("space")
        await until(pilot, lambda: run.status == Status.RUNNING)
        assert rows(app)[0].startswith("● bad")


async def test_r_resumes_a_paused_run_and_a_leaves_it_paused(open_lab: Open, two: Lesson) -> None:
    async with open_lab(hold_at=50, lesson=two) as (app, pilot):
        await pilot.press("1")
        run = await start(app, pilot)
        await pilot.press("space")
        await until(pilot, lambda: run.status == Status.PAUSED)
        await pilot.press("a")
        await until(pilot, lambda: len(app.lab.live_runs) == 2)
        assert run.status == Status.PAUSED
        await pilot.press("r")
        await until(pilot, lambda: run.status == Status.RUNNING)
        assert said(app) == []


async def test_space_pauses_the_chosen_run_alone(open_lab: Open, two: Lesson) -> None:
    async with open_lab(hold_at=50, lesson=two) as (app, pilot):
        await pilot.press("1", "a")
        await until(pilot, lambda: len(app.lab.live_runs) == 2)
        bad, good = sorted(app.lab.live_runs, key=lambda run: run.title)
        await pilot.press("down", "space")
        await until(pilot, lambda: good.status == Status.PAUSED)
        assert bad.status == Status.RUNNING


# --- stopped


async def test_x_stops_the_chosen_run_alone_with_a_checkpoint(open_lab: Open, two: Lesson) -> None:
    async with open_lab(hold_at=50, lesson=two) as (app, pilot):
        await pilot.press("1", "a")
        await until(pilot, lambda: len(app.lab.live_runs) == 2 and all(r.progress >= 0.25 for r in app.lab.live_runs))
        bad, good = sorted(app.lab.live_runs, key=lambda run: run.title)
        await pilot.press("down", "x")
        assert said(app) == ["Stopping good-1 with a checkpoint; r goes on with it."]
        await until(pilot, lambda: good.status == Status.STOPPED)
        await until(pilot, lambda: rows(app)[1] == "■ good-1     ━━────────  25 %  episode 50, mean return 101")
        assert (app.lab.store.run_folder(good.id) / "checkpoint").is_dir()
        assert bad.status == Status.RUNNING
        pieces = words(app, "#details").split(" · ")
        assert pieces[1] == "stopped"
        assert pieces[-2] == f"state {good.state_hash[:8]}"  # type: ignore[index]
        assert pieces[-1] == "r goes on with it"


async def test_r_goes_on_with_a_stopped_run_where_it_was(open_lab: Open, two: Lesson) -> None:
    async with open_lab(hold_at=50, lesson=two) as (app, pilot):
        await pilot.press("1")
        first = await start(app, pilot)
        await pilot.press("x")
        await until(pilot, lambda: not app.lab.live_runs)
        fakes(app).hold_at = 60
        again = await start(app, pilot, at=0.3)
        assert again.id == first.id
        assert again.log.episode_count == 60
        assert app.lab.store.count_runs() == 1


async def test_n_beside_a_stopped_run_begins_another_with_the_next_seed(open_lab: Open, two: Lesson) -> None:
    async with open_lab(hold_at=50, lesson=two) as (app, pilot):
        await pilot.press("1")
        first = await start(app, pilot)
        await pilot.press("x")
        await until(pilot, lambda: not app.lab.live_runs)
        second = await start(app, pilot, "n")
        assert second.id != first.id
        assert (first.record.seed, second.record.seed) == (0, 1)


async def test_a_goes_on_with_what_was_stopped_and_leaves_what_is_finished(open_lab: Open, two: Lesson) -> None:
    async with open_lab(hold_at=50, lesson=two, before=trained("good-1")) as (app, pilot):
        pass
    async with open_lab(hold_at=50, lesson=two) as (app, pilot):
        await pilot.press("1")
        stopped = await start(app, pilot)
        await pilot.press("x")
        await until(pilot, lambda: not app.lab.live_runs)
        await pilot.press("a")
        assert (await until_run(app, pilot)).id == stopped.id
        assert app.lab.store.count_runs() == 2


async def test_a_run_whose_process_died_is_found_and_goes_on(open_lab: Open, two: Lesson) -> None:
    def leave_behind(lab: Laboratory) -> None:
        dead = lab.store.add_run(preset_spec("bad"), "bad")
        lab.store.update_run(dead.id, status="running", progress=0.4)
        lab.look_again(lab.store.run(dead.id))

    async with open_lab(hold_at=50, lesson=two, before=leave_behind) as (app, pilot):
        (dead,) = app.lab.store.runs()
        await pilot.press("1")
        assert rows(app)[0] == "■ bad        ━━━━──────  40 %  at its start"
        assert words(app, "#details").startswith(f"run {dead.id} · interrupted · seed 0")
        assert words(app, "#details").endswith("r goes on with it")
        assert (await start(app, pilot)).id == dead.id


# --- finished


async def test_a_finished_run_is_told_with_its_figures(open_lab: Open, two: Lesson) -> None:
    async with open_lab(lesson=two) as (app, pilot):
        await pilot.press("1", "r")
        await finish_all(app, pilot)
        (record,) = app.lab.store.runs()
        assert rows(app)[0] == "✓ bad        ━━━━━━━━━━ 100 %  episode 200, mean return 401"
        assert f"finished · seed 0 · 10,000 environment steps · 2,000 gradient steps · {record.seconds:.1f} s" in words(
            app, "#details"
        )
        assert words(app, "#details").endswith(f"state {record.state_hash[:8]}")  # type: ignore[index]
        assert said(app) == ["bad has finished."]


async def test_r_does_not_repeat_a_finished_run_and_n_takes_the_next_seed(open_lab: Open, two: Lesson) -> None:
    async with open_lab(lesson=two) as (app, pilot):
        await pilot.press("1", "r")
        await finish_all(app, pilot)
        await pilot.press("r")
        assert said(app)[-1].startswith("Finished. On this machine the same seed gives the same run again")
        assert app.lab.store.count_runs() == 1
        await pilot.press("n")
        await until(pilot, lambda: app.lab.store.count_runs() == 2)
        await finish_all(app, pilot)
        assert [record.seed for record in app.lab.store.runs()] == [1, 0]
        assert "seed 1" in words(app, "#details")


@pytest.mark.parametrize("key", ["space", "x"])
async def test_there_is_nothing_to_pause_or_stop_after_a_run(open_lab: Open, two: Lesson, key: str) -> None:
    async with open_lab(lesson=two) as (app, pilot):
        await pilot.press("1", "r")
        await finish_all(app, pilot)
        app.clear_notifications()
        await pilot.press(key)
        assert said(app) == [NOTHING_RUNS]


async def test_results_are_there_the_next_day_with_their_curves(open_lab: Open, two: Lesson) -> None:
    async with open_lab(lesson=two, before=trained("bad")) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: rows(app)[0] == "✓ bad        ━━━━━━━━━━ 100 %  episode 200, mean return 401")
        await until(pilot, lambda: has_points(picture(app)))
        assert picture(app).series[0].y[-1] == 420
        assert "━━ bad" in words(app, "#legend")
        assert "good-1" not in words(app, "#legend")


async def test_the_findings_are_those_of_the_chosen_run(open_lab: Open, two: Lesson) -> None:
    async with open_lab(lesson=two, before=trained("bad")) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: "overestimation" in words(app, "#findings"))  # Until then the log is being read.
        assert words(app, "#findings").split("\n") == [
            "overestimation: mean Q-value 60 is above the ceiling 1/(1 - discount) = 20.",
            "no exploration while learning: epsilon is at its floor 0.20 when the first gradient step is taken, "
            "at step 1000.",
        ]
        await pilot.press("down")
        assert words(app, "#findings") == ""


async def test_imitation_is_told_in_accuracies(open_lab: Open, tmp_path: Path) -> None:
    body = block("run", title="Clones", presets=["linear", "mlp-1"], charts=["accuracy", "loss"])
    async with open_lab(hold_at=75, lesson=make_lesson(tmp_path, body)) as (app, pilot):
        await pilot.press("1")
        await start(app, pilot, at=0.5)
        await until(pilot, lambda: rows(app)[0] == "● linear     ━━━━━─────  50 %  epoch 75, test .750")
        assert rows(app)[1] == "○ mlp-1      not trained yet, 1,794 parameters"
        fakes(app).hold_at = None
        await finish_all(app, pilot)
        assert rows(app)[0] == "✓ linear     ━━━━━━━━━━ 100 %  train .920, test .900"
        assert "best test .900, at epoch 150" in words(app, "#details")
        assert words(app, "#findings").startswith("fitting: ")


# --- failed


async def test_a_failed_run_says_why_in_plain_text(open_lab: Open, two: Lesson) -> None:
    async with open_lab(lesson=two, toasts=True) as (app, pilot):
        fakes(app).failure = ValueError("the data [/b] are [red]gone[/red].")
        await pilot.press("1", "r")
        await until(pilot, lambda: words(app, "#details").endswith("\nthe data [/b] are [red]gone[/red]."))
        await until(pilot, lambda: said(app) == ["the data [/b] are [red]gone[/red]."])
        await until(pilot, lambda: "bad failed" in screen_text(app))
        assert rows(app)[0].startswith("✗ bad")
        assert screen_text(app).count("the data [/b] are [red]gone[/red].") == 2


async def test_r_begins_anew_after_a_failure(open_lab: Open, two: Lesson) -> None:
    async with open_lab(lesson=two) as (app, pilot):
        fakes(app).failure = ValueError("no.")
        await pilot.press("1", "r")
        await until(pilot, lambda: rows(app)[0].startswith("✗"))
        fakes(app).failure = None
        await pilot.press("r")
        await until(pilot, lambda: app.lab.store.count_runs() == 2)
        await finish_all(app, pilot)
        assert rows(app)[0].startswith("✓")
        assert words(app, "#details").count("\n") == 0


# --- of another process


async def test_a_run_of_another_process_is_followed_and_left_alone(
    open_lab: Open, two: Lesson, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui_lab.app.FOLLOW_SECONDS", 0.05)
    other = Laboratory(tmp_path / "home")
    theirs = use_fake_learners(other, hold_at=50)
    run = other.start(preset_spec("bad"), preset="bad")
    async with open_lab(lesson=two) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: words(app, "#details").endswith("in another dqn-lab"))
        await until(pilot, lambda: run.progress >= 0.25)
        run.pause()
        await until(pilot, lambda: rows(app)[0] == "‖ bad        ━━────────  25 %  episode 50, mean return 101")
        await until(pilot, lambda: picture(app).series and picture(app).series[0].x[-1:] == (49.0,))
        await pilot.press("r", "space", "x")
        assert said(app) == [ELSEWHERE] * 3
        await pilot.press("n")
        assert said(app)[3:] == ["This run is still going; x stops it."]
        assert not app.lab.runs
        theirs.hold_at = 60
        other.close()
        await until(pilot, lambda: rows(app)[0].startswith("■ bad"))
        assert "another dqn-lab" not in words(app, "#details")
    assert run.status == Status.STOPPED


async def test_a_beside_a_run_of_another_process_starts_only_the_others(
    open_lab: Open, two: Lesson, tmp_path: Path
) -> None:
    other = Laboratory(tmp_path / "home")
    use_fake_learners(other, hold_at=50)
    other.start(preset_spec("bad"), preset="bad")
    try:
        async with open_lab(lesson=two) as (app, pilot):
            await pilot.press("1", "a")
            await until(pilot, lambda: rows(app)[1].startswith("✓ good-1"))
            assert app.lab.store.count_runs() == 2
    finally:
        other.close()


# --- slow motion


async def test_s_goes_from_full_speed_to_slow_to_slower_and_back(open_lab: Open, two: Lesson) -> None:
    async with open_lab(hold_at=50, lesson=two) as (app, pilot):
        await pilot.press("1", "a")
        await until(pilot, lambda: len(app.lab.live_runs) == 2)
        for pace, said_of_it in ((200.0, "slowed to 200 steps a second"), (40.0, "slowed to 40 steps a second")):
            await pilot.press("s")
            assert [run.steps_per_second for run in app.lab.live_runs] == [pace, pace]
            assert words(app, "#details").endswith(said_of_it)
        await pilot.press("s")
        assert [run.steps_per_second for run in app.lab.live_runs] == [None, None]
        assert "slowed" not in words(app, "#details")


@pytest.mark.parametrize("key", ["r", "n", "a"])
async def test_what_is_started_slowed_runs_slowly(open_lab: Open, two: Lesson, key: str) -> None:
    async with open_lab(hold_at=5, lesson=two) as (app, pilot):
        await pilot.press("1", "s")
        assert words(app, "#details") == ("r starts this run; it goes on while you read · slowed to 200 steps a second")
        await pilot.press(key)
        await until(pilot, lambda: app.lab.live_runs)
        assert {run.steps_per_second for run in app.lab.live_runs} == {200.0}


async def test_what_goes_on_slowed_runs_slowly(open_lab: Open, two: Lesson) -> None:
    async with open_lab(hold_at=50, lesson=two) as (app, pilot):
        await pilot.press("1")
        await start(app, pilot)
        await pilot.press("x")
        await until(pilot, lambda: not app.lab.live_runs)
        await pilot.press("s", "r")
        assert (await until_run(app, pilot)).steps_per_second == 200.0


async def test_a_lesson_opened_again_knows_how_slow_its_runs_are(open_lab: Open, two: Lesson) -> None:
    async with open_lab(hold_at=50, lesson=two) as (app, pilot):
        await pilot.press("1")
        run = await start(app, pilot)
        await pilot.press("s", "escape")
        await until(pilot, lambda: isinstance(app.screen, CourseMap))
        app.open_lesson(two)
        await pilot.pause()
        await pilot.press("1")
        await until(pilot, lambda: words(app, "#details").endswith("slowed to 200 steps a second"))
        await pilot.press("s")
        assert run.steps_per_second == 40.0


# --- charts


async def test_c_goes_round_the_charts(open_lab: Open, two: Lesson) -> None:
    async with open_lab(lesson=two, before=trained("bad")) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: has_points(picture(app)))
        titles, heights = [], []
        for _ in range(4):
            titles.append(words(app, "#legend").split("  ")[0])
            heights.append(picture(app).y_limits)
            await pilot.press("c")
        assert titles == [
            "return by episode",
            "loss (mean squared TD error) by step",
            "mean largest Q-value by step",
            "return by episode",
        ]
        assert heights == [(0, 500), (0, 2), (0, 75), (0, 500)]


async def test_a_tall_terminal_shows_the_next_chart_too(open_lab: Open, two: Lesson) -> None:
    async with open_lab(WIDE, lesson=two, before=trained("bad")) as (app, pilot):
        await until(pilot, lambda: has_points(picture(app, "#chart-2")))
        assert words(app, "#legend-2").startswith("loss (mean squared TD error) by step")
        assert picture(app, "#chart-2").y_limits == (0, 2)
        await pilot.press("c")
        assert words(app, "#legend").startswith("loss")
        assert words(app, "#legend-2").startswith("mean largest Q-value by step")
        await pilot.press("c")
        assert words(app, "#legend-2").startswith("return by episode")


async def test_every_run_has_the_colour_of_its_row(open_lab: Open, two: Lesson) -> None:
    async with open_lab(lesson=two) as (app, pilot):
        await pilot.press("1", "down", "r")
        await finish_all(app, pilot)
        await until(pilot, lambda: has_points(picture(app)))
        assert {series.color for series in picture(app).series} == {1}
        await pilot.press("up", "r")
        await finish_all(app, pilot)
        await until(pilot, lambda: {series.color for series in picture(app).series} == {0, 1})
        assert words(app, "#legend").split("  ")[1:] == ["A bad", "B good-1", "mean of 20"]


async def test_the_theme_colours_chart_and_legend(open_lab: Open, two: Lesson) -> None:
    async with open_lab(lesson=two, before=trained("bad")) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: has_points(picture(app)))

        def drawn() -> tuple[set[tuple[int, int, int]], str]:
            chart = bench(app, RunBench).query_one("#chart", Chart)
            styles = [segment.style for y in range(chart.size.height) for segment in chart.render_line(y)]
            colors = {tuple(style.color.triplet) for style in styles if style and style.color and style.color.triplet}
            return colors, screen_text(app)  # type: ignore[return-value]

        dark, text = drawn()
        assert series_color(0, dark=True) in dark
        await pilot.press("t")
        await until(pilot, lambda: series_color(0, dark=False) in drawn()[0])
        light, same = drawn()
        assert series_color(0, dark=True) not in light
        assert same == text


async def test_the_bench_follows_the_size_of_the_terminal(open_lab: Open, two: Lesson) -> None:
    async with open_lab(WIDE, lesson=two, before=trained("bad")) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: has_points(picture(app)))
        chart = bench(app, RunBench).query_one("#chart", Chart)
        for size, widths in (((80, 24), range(70, 81)), (WIDE, range(60, 81))):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda widths=widths: chart.size.width in widths)
            await until(pilot, lambda: all(chart.render_line(y).cell_length == chart.size.width for y in range(3)))
            assert bench(app, RunBench).query_one("#chart-2").display == (size == WIDE)


async def test_saved_metrics_that_arrive_late_are_drawn(
    open_lab: Open, two: Lesson, monkeypatch: pytest.MonkeyPatch
) -> None:
    late: list[tuple[str, MetricLog]] = []
    read = Laboratory._fill
    monkeypatch.setattr(Laboratory, "_fill", lambda self, run_id, log: late.append((run_id, log)))
    async with open_lab(lesson=two, before=trained("bad")) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: late)
        assert rows(app)[0] == "✓ bad        ━━━━━━━━━━ 100 %  at its start"
        assert not any(series.x for series in picture(app).series)
        read(app.lab, *late[0])
        app.lab.store.be_patient(1)
        await until(pilot, lambda: has_points(picture(app)))
        await until(pilot, lambda: rows(app)[0].endswith("episode 200, mean return 401"))


# --- budgets and names


async def test_a_run_of_the_benchs_own_budget_is_its_newest_run(open_lab: Open, tmp_path: Path) -> None:
    body = block("run", title="Short", presets=["bad"], charts=["return"], episodes=5)
    lesson = make_lesson(tmp_path, body)
    async with open_lab(hold_at=3, lesson=lesson, before=trained("good-1")) as (app, pilot):
        await pilot.press("1")
        run = await start(app, pilot, at=0.5)
        assert run.spec == preset_spec("bad", episodes=5)
        await pilot.press("r")
        assert app.lab.store.count_runs() == 2
        await pilot.press("x")
        await until(pilot, lambda: run.status == Status.STOPPED)
        await until(pilot, lambda: rows(app)[0].startswith("■ bad"))
        fakes(app).hold_at = None
        await pilot.press("r")
        await finish_all(app, pilot)
        assert picture(app).x_limits == (0, 5)
    async with open_lab(lesson=lesson) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: rows(app)[0] == "✓ bad        ━━━━━━━━━━ 100 %  episode 5, mean return 260")
        await pilot.press("r")
        assert app.lab.store.count_runs() == 2


async def test_a_run_of_another_budget_is_not_the_benchs(open_lab: Open, tmp_path: Path) -> None:
    lesson = make_lesson(tmp_path, ONE)
    async with open_lab(lesson=lesson, before=trained("bad", episodes=5)) as (app, pilot):
        await pilot.press("1")
        assert "not trained yet" in rows(app)[0]


async def test_a_bench_may_say_how_many_rows_to_learn_from(open_lab: Open, tmp_path: Path) -> None:
    body = block("run", title="Few rows", presets=["linear"], charts=["accuracy"], samples=100)
    async with open_lab(lesson=make_lesson(tmp_path, body)) as (app, pilot):
        await pilot.press("1", "r")
        await finish_all(app, pilot)
        assert app.lab.store.runs()[0].spec["train"]["samples"] == 100


async def test_names_and_titles_with_brackets_are_text(open_lab: Open, tmp_path: Path) -> None:
    lesson = make_lesson(tmp_path, block("run", title="[/b] and [red]x[/red]", presets=["bad"], charts=["return"]))

    def name_it(lab: Laboratory) -> None:
        lab.store.add_run(preset_spec("bad"), "bad", "[/b] [red]n[/red]")
        lab.look_again(lab.store.runs()[0])

    async with open_lab(hold_at=50, lesson=lesson, before=name_it, toasts=True) as (app, pilot):
        await pilot.press("1")
        await start(app, pilot)
        await until(pilot, lambda: "● [/b] [red]n[/red] 25 %" in screen_text(app))
        assert "1   [/b] and [red]x[/red]" in screen_text(app)
        await pilot.press("x")
        assert said(app) == ["Stopping [/b] [red]n[/red] with a checkpoint; r goes on with it."]
        await until(pilot, lambda: "Stopping [/b] [red]n[/red]" in screen_text(app))


async def test_the_help_of_the_bench_speaks_of_its_keys(open_lab: Open, two: Lesson) -> None:
    async with open_lab(lesson=two) as (app, pilot):
        await pilot.press("1")
        assert app.focused is bench(app, RunBench).query_one(RowList)
        assert lesson_screen(app).bench is bench(app, RunBench)
        for word in ("r starts", "n starts", "a starts", "space pauses", "x stops", "c changes", "s slows"):
            assert word in RunBench.HELP


# --- more runs than places


async def test_a_run_beyond_the_places_is_shown_as_queued_and_begins_when_another_is_paused(
    open_lab: Open, two: Lesson
) -> None:
    async with open_lab(hold_at=50, lesson=two, places=1) as (app, pilot):
        await pilot.press("1", "a", "down")
        await until(pilot, lambda: rows(app)[1].startswith("◌ good-1"))
        assert rows(app)[1].endswith("  0 %  queued")
        assert "· queued · " in words(app, "#details")
        assert "begins when another run ends or is paused" in words(app, "#details")
        await pilot.press("r")
        assert said(app) == ["Queued: it begins when another run ends or is paused; x takes it out of the queue."]
        await pilot.press("up", "space")
        await until(pilot, lambda: rows(app)[1].startswith("● good-1"))


async def test_x_takes_a_queued_run_out_and_r_puts_it_back(open_lab: Open, two: Lesson) -> None:
    async with open_lab(hold_at=50, lesson=two, places=1) as (app, pilot):
        await pilot.press("1", "a", "down")
        await until(pilot, lambda: rows(app)[1].startswith("◌ good-1"))
        await pilot.press("x")
        await until(pilot, lambda: rows(app)[1].startswith("■ good-1"))
        assert said(app) == ["Taking it out of the queue; r goes on with it."]
        await pilot.press("r")
        await until(pilot, lambda: rows(app)[1].startswith("◌ good-1"))
        assert app.lab.store.count_runs() == 2
