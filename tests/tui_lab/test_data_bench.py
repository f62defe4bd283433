"""The bench that generates data: what its key writes, which figures it tells, and where its points lie."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.laboratory import Laboratory
from engine.runs.tasks import DataSetJob
from engine.storage.data_sets import read_csv
from engine.storage.records import Status
from tests.tui_lab.fakes import screen_text
from tests.tui_lab.pilot import Open, bench, block, make_lesson, rows, said, until, words
from tui_lab.app import LabApp
from tui_lab.lesson import Lesson
from tui_lab.plotting import Picture, Series
from tui_lab.themes import css_color, series_color
from tui_lab.widgets.chart import Chart
from tui_lab.widgets.data_bench import POINTS, DataBench, _scatter
from tui_lab.widgets.rows import RowList

NOT_YET = [
    "○ train  20 rows from seed 0, not generated yet",
    "○ test   10 rows from seed 1, not generated yet",
]
DONE = [
    "✓ train  20 rows, 1 episode, seed 0: 8 left, 12 right",
    "✓ test   10 rows, 1 episode, seed 1: 4 left, 6 right",
]
START = "r lets the agent act until the rows are collected."
TRAIN_TABLE = """\
     s1       s2       s3       s4   action
+0.0137  -0.0230  -0.0459  -0.0483      0
+0.0132  -0.2175  -0.0469  +0.2295      0
+0.0089  -0.4119  -0.0423  +0.5070      0
-0.0886  -0.9959  -0.1055  -1.9520   lowest
+0.0395  +1.3362  +0.0839  +1.3560   highest
... 20 rows in data/angle-20-seed0.csv"""
TEST_TABLE = """\
     s1       s2       s3       s4   action
+0.0012  +0.0450  -0.0356  +0.0449      0
+0.0021  -0.1495  -0.0347  +0.3261      0
-0.0009  -0.3442  -0.0282  +0.6077      0
-0.0539  -0.7338  -0.0356  -0.2240   lowest
+0.0021  +0.2391  +0.0626  +1.1789   highest
... 10 rows in data/angle-10-seed1.csv"""

Hold = Callable[[LabApp], list[DataSetJob]]


def data(folder: Path, agent: str = "angle", train: int = 20, test: int = 10, **keys: str) -> Lesson:
    sizes = {"train_samples": train, "train_seed": 0, "test_samples": test, "test_seed": 1}
    return make_lesson(folder, block("data", title="Rows", agent=agent, **sizes, **keys))


@pytest.fixture
def angle(tmp_path: Path) -> Lesson:
    return data(tmp_path, hint="Press [r] or [/b].")


@pytest.fixture
def hold(monkeypatch: pytest.MonkeyPatch) -> Hold:
    """From then on every data set waits before its first row; returns the list that their jobs come to stand in."""

    def holder(app: LabApp) -> list[DataSetJob]:
        jobs: list[DataSetJob] = []
        make = app.lab.data_set

        def held(agent: str, samples: int, seed: int) -> DataSetJob:
            job = make(agent, samples, seed)
            job.pause()
            jobs.append(job)
            return job

        monkeypatch.setattr(app.lab, "data_set", held)
        return jobs

    return holder


def picture(app: LabApp) -> Picture:
    return bench(app, DataBench).query_one(Chart).picture


def shown_again(app: LabApp) -> list[str]:
    bench(app, DataBench).update_view()
    return rows(app)


def generate(agent: str = "angle", *sets: tuple[int, int]) -> Callable[[Laboratory], None]:
    """Data sets of an earlier day: how many rows, and from which seed."""

    def before(lab: Laboratory) -> None:
        for samples, seed in sets:
            job = lab.data_set(agent, samples, seed)
            job.start()
            assert job.wait(10)
            assert job.status == Status.FINISHED

    return before


def styles(app: LabApp, selector: str) -> set[str]:
    return {str(span.style) for span in bench(app, DataBench).query_one(selector).render().spans}  # type: ignore[union-attr]


# --- generating


async def test_before_the_first_rows_the_bench_says_what_it_would_collect(open_lab: Open, angle: Lesson) -> None:
    async with open_lab(lesson=angle) as (app, pilot):
        await pilot.press("1")
        assert rows(app) == NOT_YET
        assert words(app, "#table") == START
        assert styles(app, "#table") == {"$muted"}
        assert words(app, "#legend") == ""
        assert picture(app) == Picture()
        assert "Press [r] or [/b]." in screen_text(app)
        assert not (app.lab.store.home / "data").exists()


async def test_r_writes_both_sets_as_csv_into_the_home_folder(open_lab: Open, angle: Lesson) -> None:
    async with open_lab(lesson=angle) as (app, pilot):
        await pilot.press("1", "r")
        await until(pilot, lambda: rows(app) == DONE)
        folder = app.lab.store.home / "data"
        assert sorted(path.name for path in folder.iterdir()) == ["angle-10-seed1.csv", "angle-20-seed0.csv"]
        train, test = read_csv(folder / "angle-20-seed0.csv"), read_csv(folder / "angle-10-seed1.csv")
        assert (len(train), len(test)) == (20, 10)
        assert train.actions.tolist() == [0] * 5 + [1] * 12 + [0] * 3
        assert test.actions.tolist() == [0] * 4 + [1] * 6
        assert ((train.states[:, 2] > 0) == (train.actions == 1)).all()


async def test_the_table_tells_the_first_rows_and_the_span_of_each_column(open_lab: Open, angle: Lesson) -> None:
    async with open_lab(lesson=angle) as (app, pilot):
        await pilot.press("1", "r")
        await until(pilot, lambda: rows(app) == DONE and words(app, "#table") != START)
        assert words(app, "#table") == TRAIN_TABLE
        assert words(app, "#legend") == "angle s3 across, angular velocity s4 up  • left  × right"


async def test_c_shows_how_many_rows_lie_where_and_the_points_again(open_lab: Open, angle: Lesson) -> None:
    async with open_lab(lesson=angle) as (app, pilot):
        await pilot.press("1", "r")
        await until(pilot, lambda: rows(app) == DONE and words(app, "#table") == TRAIN_TABLE)
        await pilot.press("c")
        await until(pilot, lambda: picture(app).heat is not None)
        assert words(app, "#legend").startswith(
            "angle s3 across, angular velocity s4 up: how many rows  ░ few  █ most: "
        )
        await pilot.press("c")
        await until(pilot, lambda: len(picture(app).series) == 2)


async def test_up_and_down_choose_the_set_that_is_shown(open_lab: Open, angle: Lesson) -> None:
    async with open_lab(lesson=angle) as (app, pilot):
        await pilot.press("1", "r")
        await until(pilot, lambda: rows(app) == DONE and words(app, "#table") == TRAIN_TABLE)
        assert [len(series.x) for series in picture(app).series] == [8, 12]
        await pilot.press("down")
        await until(pilot, lambda: words(app, "#table") == TEST_TABLE)
        assert [len(series.x) for series in picture(app).series] == [4, 6]
        assert (picture(app).x_limits, picture(app).y_limits) == ((-0.075, 0.075), (-1.5, 1.5))
        await pilot.press("up")
        await until(pilot, lambda: words(app, "#table") == TRAIN_TABLE)
        assert picture(app).x_limits == pytest.approx((-0.15, 0.15))
        assert picture(app).y_limits == (-2, 2)


async def test_episodes_and_actions_are_counted(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=data(tmp_path, "left", train=12)) as (app, pilot):
        await pilot.press("1", "r")
        await until(pilot, lambda: rows(app)[0] == "✓ train  12 rows, 2 episodes, seed 0: 12 left, 0 right")
        assert [len(series.x) for series in picture(app).series] == [12, 0]


async def test_thousands_are_separated(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=data(tmp_path, train=1_200)) as (app, pilot):
        await pilot.press("1")
        assert rows(app)[0] == "○ train  1,200 rows from seed 0, not generated yet"
        await pilot.press("r")
        await until(pilot, lambda: rows(app)[0].startswith("✓ train  1,200 rows, "))
        await until(pilot, lambda: words(app, "#table").endswith("... 1,200 rows in data/angle-1200-seed0.csv"))
        assert sum(len(series.x) for series in picture(app).series) == POINTS


async def test_progress_is_a_bar(open_lab: Open, angle: Lesson, hold: Hold) -> None:
    async with open_lab(lesson=angle) as (app, pilot):
        jobs = hold(app)
        await pilot.press("1", "r")
        await until(pilot, lambda: len(jobs) == 2 and all(job.status == Status.PAUSED for job in jobs))
        for _ in range(5):
            assert jobs[0].work is not None
            jobs[0].work.advance()
        assert shown_again(app) == ["‖ train  ━━────────  25 %", "‖ test   ──────────   0 %"]
        assert words(app, "#table") == START
        assert picture(app) == Picture()
        jobs[0].resume()
        await until(pilot, lambda: shown_again(app)[0] == DONE[0])
        assert rows(app)[1] == "‖ test   ──────────   0 %"
        await until(pilot, lambda: words(app, "#table") == TRAIN_TABLE)
        jobs[1].resume()
        await until(pilot, lambda: shown_again(app) == DONE)


async def test_r_does_nothing_while_rows_are_being_collected(open_lab: Open, angle: Lesson, hold: Hold) -> None:
    async with open_lab(lesson=angle) as (app, pilot):
        jobs = hold(app)
        await pilot.press("1", "r")
        await until(pilot, lambda: len(jobs) == 2 and all(job.status == Status.PAUSED for job in jobs))
        jobs[0].resume()
        await until(pilot, lambda: shown_again(app)[0] == DONE[0])
        await pilot.press("r")
        assert len(jobs) == 2
        assert rows(app)[0] == DONE[0]
        jobs[1].resume()
        await until(pilot, lambda: shown_again(app) == DONE)


async def test_r_once_more_writes_the_same_files_again(open_lab: Open, angle: Lesson) -> None:
    async with open_lab(lesson=angle) as (app, pilot):
        await pilot.press("1", "r")
        await until(pilot, lambda: rows(app) == DONE)
        file = app.lab.store.home / "data" / "angle-20-seed0.csv"
        kept = file.read_bytes()
        file.unlink()
        await pilot.press("r")
        await until(pilot, lambda: file.exists() and rows(app) == DONE)
        assert file.read_bytes() == kept
        await until(pilot, lambda: words(app, "#table") == TRAIN_TABLE)


# --- an earlier day


async def test_sets_of_an_earlier_day_are_shown_at_once(open_lab: Open, angle: Lesson) -> None:
    async with open_lab(lesson=angle, before=generate("angle", (20, 0), (10, 1))) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: rows(app) == DONE)
        await until(pilot, lambda: words(app, "#table") == TRAIN_TABLE)
        assert picture(app).series


@pytest.mark.parametrize("kept", [(20, 0), (10, 1)])
async def test_one_of_the_two_sets_is_not_enough_to_begin_with(
    open_lab: Open, angle: Lesson, kept: tuple[int, int]
) -> None:
    async with open_lab(lesson=angle, before=generate("angle", kept)) as (app, pilot):
        await pilot.press("1")
        assert rows(app) == NOT_YET
        assert len(list((app.lab.store.home / "data").iterdir())) == 1


@pytest.mark.parametrize(("agent", "sets"), [("left", ((20, 0), (10, 1))), ("angle", ((20, 5), (10, 1)))])
async def test_sets_of_another_agent_or_seed_are_not_the_benchs(
    open_lab: Open, angle: Lesson, agent: str, sets: tuple[tuple[int, int], ...]
) -> None:
    async with open_lab(lesson=angle, before=generate(agent, *sets)) as (app, pilot):
        await pilot.press("1")
        assert rows(app) == NOT_YET


# --- failures


async def test_a_failure_is_told_as_text_and_r_tries_again(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=data(tmp_path, "[red]no[/b]")) as (app, pilot):
        await pilot.press("1", "r")
        await until(pilot, lambda: words(app, "#table").startswith("there is no agent '[red]no[/b]'; it should be"))
        await until(pilot, lambda: shown_again(app)[1].startswith("✗"))
        assert rows(app) == [row.replace("○", "✗") for row in NOT_YET]
        assert styles(app, "#table") == {"$error"}
        assert words(app, "#legend") == ""
        assert picture(app) == Picture()
        assert "'[red]no[/b]'" in screen_text(app)
        await pilot.press("r")
        await until(pilot, lambda: words(app, "#table").startswith("there is no agent '[red]no[/b]'"))
        assert said(app) == []
        assert not (app.lab.store.home / "data").exists()


async def test_a_file_that_cannot_be_written_is_told_and_written_later(open_lab: Open, angle: Lesson) -> None:
    async with open_lab(lesson=angle) as (app, pilot):
        folder = app.lab.store.home / "data"
        folder.write_text("in the way")
        await pilot.press("1", "r")
        await until(pilot, lambda: all(row.startswith("✗") for row in shown_again(app)))
        await until(pilot, lambda: str(folder) in words(app, "#table"))
        folder.unlink()
        await pilot.press("r")
        await until(pilot, lambda: shown_again(app) == DONE and words(app, "#table") == TRAIN_TABLE)


# --- keys, colours, size


async def test_the_bench_offers_its_keys_and_its_help_names_them(open_lab: Open, angle: Lesson) -> None:
    async with open_lab(lesson=angle) as (app, pilot):
        await pilot.press("1")
        assert app.focused is bench(app, DataBench).query_one(RowList)
        assert bench(app, DataBench).can("start")
        assert bench(app, DataBench).can("next_chart")
        for other in ("start_all", "start_new", "toggle_pause", "stop", "change_pace"):
            assert not bench(app, DataBench).can(other)
        assert DataBench.HELP.startswith("r lets the agent act until both sets are collected")


async def test_the_theme_colours_points_and_legend(open_lab: Open, angle: Lesson) -> None:
    async with open_lab(lesson=angle) as (app, pilot):
        await pilot.press("1", "r")
        await until(pilot, lambda: rows(app) == DONE and words(app, "#table") == TRAIN_TABLE)

        def drawn() -> set[object]:
            chart = bench(app, DataBench).query_one(Chart)
            pieces = [segment.style for y in range(chart.size.height) for segment in chart.render_line(y)]
            return {tuple(style.color.triplet) for style in pieces if style and style.color and style.color.triplet}

        for key, dark in (("", True), ("t", False)):
            if key:
                await pilot.press(key)
            colors = [series_color(index, dark=dark) for index in (0, 1)]
            await until(pilot, lambda colors=colors: drawn() >= set(colors))
            legend = bench(app, DataBench).query_one("#legend")
            await until(
                pilot,
                lambda colors=colors, legend=legend: (
                    [str(span.style) for span in legend.render().spans] == ["bold", *map(css_color, colors)]
                ),
            )


async def test_the_bench_follows_the_size_of_the_terminal(open_lab: Open, angle: Lesson) -> None:
    async with open_lab(lesson=angle) as (app, pilot):
        await pilot.press("1", "r")
        await until(pilot, lambda: rows(app) == DONE and words(app, "#table") == TRAIN_TABLE)
        chart = bench(app, DataBench).query_one(Chart)
        for size, least in (((120, 50), 20), ((80, 24), 5)):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda least=least: chart.size.height >= least)
            await until(
                pilot,
                lambda: all(chart.render_line(y).cell_length == chart.size.width for y in range(chart.size.height)),
            )
        assert words(app, "#table") == TRAIN_TABLE


# --- the points


def test_points_lie_at_angle_and_angular_velocity_one_series_an_action() -> None:
    states = np.array([[9, 9, 0.5, -1], [9, 9, -0.25, 2], [9, 9, 0.125, 4]], np.float32)
    assert _scatter(states, np.array([1, 0, 1])) == Picture(
        (
            Series((-0.25,), (2.0,), 0, "points", name="left"),
            Series((0.5, 0.125), (-1.0, 4.0), 1, "points", name="right"),
        ),
        (-0.5, 0.5),
        (-5.0, 5.0),
    )


@pytest.mark.parametrize(("rows", "step"), [(1, 1), (399, 1), (400, 1), (799, 1), (800, 2), (1_000, 2), (10_000, 25)])
def test_every_so_many_th_row_becomes_a_point(rows: int, step: int) -> None:
    states = np.zeros((rows, 4), np.float32)
    states[:, 2] = states[:, 3] = np.arange(rows)
    left, right = _scatter(states, np.arange(rows) % 2).series
    assert sorted(left.x + right.x) == list(range(0, rows, step))
    assert left.y == left.x
    assert right.y == right.x
    assert {value % 2 for value in left.x} <= {0.0}
    assert {value % 2 for value in right.x} <= {1.0}


def test_the_axes_reach_as_far_on_both_sides_of_zero() -> None:
    drawn = _scatter(np.array([[0, 0, -0.19, 0.3], [0, 0, 0.01, -2.4]], np.float32), np.array([0, 0]))
    assert (drawn.x_limits, drawn.y_limits) == ((-0.2, 0.2), (-3.0, 3.0))
    assert drawn.series[1] == Series((), (), 1, "points", name="right")
