"""The bench that compares: whose newest runs it lays over one another, in which colours, and what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.laboratory import Laboratory
from engine.learners.kinds import preset_spec
from engine.learners.metrics import MetricLog
from engine.storage.records import Status
from tests.tui_lab.fakes import fakes, screen_text
from tests.tui_lab.pilot import Open, bench, block, has_points, locked, make_lesson, said, trained, until, words
from tui_lab.app import LabApp
from tui_lab.lesson import Lesson
from tui_lab.plotting import Picture
from tui_lab.themes import css_color, series_color
from tui_lab.views import Curve
from tui_lab.widgets.chart import Chart
from tui_lab.widgets.chart_bench import ChartBench

RETURN = "return by episode"
MEAN = "mean of 20"


def compare(folder: Path, *presets: str, chart: str = "return") -> Lesson:
    return make_lesson(folder, block("chart", title="Side by side", presets=list(presets), chart=chart))


@pytest.fixture
def three(tmp_path: Path) -> Lesson:
    return compare(tmp_path, "bad", "good-1", "good-2")


def picture(app: LabApp) -> Picture:
    return bench(app, ChartBench).query_one(Chart).picture


def shown_again(app: LabApp) -> Picture:
    bench(app, ChartBench).update_view()
    return picture(app)


def colors(app: LabApp) -> list[int]:
    return [series.color for series in picture(app).series]


def named(app: LabApp) -> list[str]:
    """The legend: the chart's title, then the curves, then what there is to know."""
    return words(app, "#legend").split("  ")


def curves(app: LabApp) -> list[str]:
    """The legend without its title and its notes."""
    notes = (MEAN, "thin:", "thick:", "axis from", "1 ", "2 ", "3 ", "4 ", "5 ")
    return [part for part in named(app)[1:] if not part.startswith(notes)]


def curve(app: LabApp, label: str) -> Curve:
    """The run of that label, as the bench knows it."""
    (found,) = [one for one in bench(app, ChartBench)._curves if one.label == label]
    return found


def legend_styles(app: LabApp) -> list[str]:
    return [str(span.style) for span in bench(app, ChartBench).query_one("#legend").render().spans]  # type: ignore[union-attr]


# --- whose runs


async def test_before_any_run_every_preset_is_missing(open_lab: Open, three: Lesson) -> None:
    async with open_lab(lesson=three) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: words(app, "#missing") == "Not trained yet: bad, good-1, good-2.")
        assert named(app) == [RETURN]
        assert picture(app) == Picture()
        assert "Side by side" in screen_text(app)


async def test_the_runs_of_all_presets_share_one_chart(open_lab: Open, three: Lesson) -> None:
    async with open_lab(lesson=three, before=trained("good-2", "bad", "good-1")) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: len(picture(app).series) == 3 and has_points(picture(app)))
        assert colors(app) == [0, 1, 2]
        assert named(app) == [RETURN, "A bad", "B good-1", "C good-2", MEAN]
        assert words(app, "#missing") == ""
        assert (picture(app).x_limits, picture(app).y_limits) == ((0, 200), (0, 500))
        # The mean of the last 20 of 200 returns that rise by 2 each from 22 to 420.
        assert [series.y[-1] for series in picture(app).series] == pytest.approx([401, 401, 401])
        assert not any(series.dim for series in picture(app).series)


async def test_what_is_missing_is_named_and_colours_follow_the_order_of_presets(open_lab: Open, three: Lesson) -> None:
    async with open_lab(lesson=three, before=trained("good-2")) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: words(app, "#missing") == "Not trained yet: bad, good-1.")
        await until(pilot, lambda: has_points(picture(app)))
        assert set(colors(app)) == {2}
        assert curves(app) == ["━━ good-2"]
        assert legend_styles(app)[:2] == ["bold", f"bold {css_color(series_color(2, dark=True))}"]


async def test_other_seeds_of_a_preset_are_shown_behind_its_newest_run(open_lab: Open, tmp_path: Path) -> None:
    def before(lab: Laboratory) -> None:
        for seed in (3, 5, 3):
            trained("bad", seed=seed)(lab)

    async with open_lab(lesson=compare(tmp_path, "bad", "good-1"), before=before) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: len(picture(app).series) == 2 and has_points(picture(app)))
        assert named(app)[:2] == [RETURN, "A bad (B seed 5)"]
        assert [(series.letter, series.dim) for series in picture(app).series] == [("A", False), ("B", True)]
        assert curve(app, "bad").spec == preset_spec("bad", seed=3)
        assert curve(app, "bad seed 5").spec == preset_spec("bad", seed=5)


async def test_of_many_seeds_the_newest_are_shown(open_lab: Open, tmp_path: Path) -> None:
    def before(lab: Laboratory) -> None:
        for seed in range(7):
            lab.store.add_run(preset_spec("bad", seed=seed), "bad")

    async with open_lab(lesson=compare(tmp_path, "bad"), before=before) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: "A bad" in words(app, "#legend"))
        assert [one.spec.config.seed for one in bench(app, ChartBench)._curves] == [6, 5, 4, 3, 2]
        assert words(app, "#missing") == ""


async def test_d_makes_a_band_of_the_seeds_and_goes_round(open_lab: Open, tmp_path: Path) -> None:
    def before(lab: Laboratory) -> None:
        for seed in range(3):
            trained("bad", seed=seed)(lab)

    async with open_lab(lesson=compare(tmp_path, "bad", "good-1"), before=before) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: len(picture(app).series) == 3 and has_points(picture(app)))
        await pilot.press("v", "d")
        await until(pilot, lambda: len(picture(app).bands) == 1)
        assert [series.name for series in picture(app).series] == ["bad, median"]
        assert "A░ bad, 3 seeds" in words(app, "#legend")
        assert "line: median, shaded: middle half" in words(app, "#legend")
        await pilot.press("d")
        await until(pilot, lambda: "shaded: all of them" in words(app, "#legend"))
        await pilot.press("d")
        await until(pilot, lambda: "last value of each seed, mean of 20" in words(app, "#legend"))
        (points,) = picture(app).series
        assert (points.kind, points.x) == ("points", pytest.approx((401, 401, 401)))
        assert picture(app).y_ticks == ((0, "bad"),)
        await pilot.press("d")
        await until(pilot, lambda: len(picture(app).series) == 3 and not picture(app).bands)


async def test_a_run_of_another_budget_or_preset_is_not_the_benchs(open_lab: Open, tmp_path: Path) -> None:
    def before(lab: Laboratory) -> None:
        trained("bad", episodes=5)(lab)
        trained("good-1")(lab)

    async with open_lab(lesson=compare(tmp_path, "bad", "good-2"), before=before) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: words(app, "#missing") == "Not trained yet: bad, good-2.")
        assert picture(app) == Picture()


async def test_one_run_alone_shows_its_single_returns_behind_the_mean(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=compare(tmp_path, "bad", "good-1"), before=trained("bad")) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: has_points(picture(app)))
        assert [series.dim for series in picture(app).series] == [True, False]
        app.lab.start(preset_spec("good-1"), preset="good-1")
        await until(pilot, lambda: [series.dim for series in picture(app).series] == [False, False])


# --- while they learn


async def test_a_run_is_followed_from_its_start_to_its_end(open_lab: Open, three: Lesson) -> None:
    async with open_lab(hold_at=50, lesson=three) as (app, pilot):
        await pilot.press("1")
        run = app.lab.start(preset_spec("good-1"), preset="good-1")
        await until(pilot, lambda: words(app, "#missing") == "Not trained yet: bad, good-2.")
        await until(
            pilot, lambda: run.progress == 0.25 and picture(app).series and picture(app).series[0].x[-1:] == (49.0,)
        )
        assert set(colors(app)) == {1}
        fakes(app).hold_at = 100
        await until(pilot, lambda: picture(app).series[0].x[-1] == 99.0)
        fakes(app).hold_at = None
        await until(pilot, lambda: not app.lab.live_runs)
        await until(pilot, lambda: picture(app).series[1].x[-1:] == (199.0,))
        assert words(app, "#missing") == "Not trained yet: bad, good-2."
        assert run.status == Status.FINISHED


async def test_a_new_run_takes_the_place_of_the_older_one(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=compare(tmp_path, "bad"), before=trained("bad")) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: picture(app).series and picture(app).series[-1].x[-1:] == (199.0,))
        fakes(app).hold_at = 50
        run = app.lab.start(preset_spec("bad", seed=3), preset="bad")
        await until(pilot, lambda: run.progress == 0.25 and picture(app).series[0].x[-1:] == (49.0,))
        assert curves(app) == ["A bad (B seed 0)"]
        assert curve(app, "bad").log is run.log


async def test_a_newer_run_with_as_many_points_is_drawn_too(
    open_lab: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = {seed: MetricLog() for seed in (0, 3)}
    for seed, log in logs.items():
        log.append("return", 0, 100.0 + seed)
    monkeypatch.setattr(Laboratory, "log", lambda self, record: logs[record.seed])
    async with open_lab(lesson=compare(tmp_path, "bad"), before=trained("bad")) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: picture(app).series and picture(app).series[0].y == (100.0,))
        app.lab.store.add_run(preset_spec("bad", seed=3), "bad")
        bench(app, ChartBench).find_runs()
        assert picture(app).series[0].y == (103.0,)


async def test_saved_metrics_that_arrive_late_are_drawn(
    open_lab: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late: list[tuple[str, MetricLog]] = []
    read = Laboratory._fill
    monkeypatch.setattr(Laboratory, "_fill", lambda self, run_id, log: late.append((run_id, log)))
    async with open_lab(lesson=compare(tmp_path, "bad"), before=trained("bad")) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: late and curves(app) == ["━━ bad"])
        assert not any(series.x for series in shown_again(app).series)
        read(app.lab, *late[0])
        app.lab.store.be_patient(1)
        await until(pilot, lambda: picture(app).series[0].x)


async def test_a_home_folder_that_cannot_be_read_is_said_and_read_later(open_lab: Open, three: Lesson) -> None:
    async with open_lab(lesson=three, before=trained("bad")) as (app, pilot):
        app.lab.store.be_patient(0)
        with locked(app, reading=True):
            app.open_lesson(three)
            await pilot.pause()
            await pilot.press("1")
            assert any("is locked by another program" in problem for problem in said(app))
        await until(pilot, lambda: words(app, "#missing") == "Not trained yet: good-1, good-2.")


# --- charts, colours, size


@pytest.mark.parametrize(
    ("chart", "legend", "heights"),
    [
        ("loss", ["loss (mean squared TD error) by step", "A bad", "B good-1"], (0, 2)),
        ("q", ["mean largest Q-value by step", "A bad", "B good-1"], (0, 150)),
        ("epsilon", ["epsilon by step", "A bad", "B good-1"], (0, 1)),
    ],
)
async def test_the_block_says_which_chart(
    open_lab: Open, tmp_path: Path, chart: str, legend: list[str], heights: tuple[float, float]
) -> None:
    lesson = compare(tmp_path, "bad", "good-1", chart=chart)
    async with open_lab(lesson=lesson, before=trained("bad", "good-1")) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: len(picture(app).series) == 2 and has_points(picture(app)))
        assert named(app) == legend
        assert picture(app).y_limits == heights


async def test_clones_are_compared_by_their_own_charts(open_lab: Open, tmp_path: Path) -> None:
    lesson = compare(tmp_path, "linear", "mlp-1", chart="accuracy")
    async with open_lab(lesson=lesson, before=trained("mlp-1")) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: words(app, "#missing") == "Not trained yet: linear.")
        await until(pilot, lambda: has_points(picture(app)))
        assert set(colors(app)) == {1}
        assert picture(app).x_limits[1] == 150


async def test_the_theme_colours_chart_and_legend(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=compare(tmp_path, "bad", "good-1"), before=trained("bad", "good-1")) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: len(picture(app).series) == 2 and has_points(picture(app)))
        dark = [f"bold {css_color(series_color(index, dark=True))}" for index in (0, 1)]
        light = [f"bold {css_color(series_color(index, dark=False))}" for index in (0, 1)]
        assert [style for style in legend_styles(app) if "#" in style] == dark
        await pilot.press("t")
        await until(pilot, lambda: [style for style in legend_styles(app) if "#" in style] == light)


async def test_a_wider_terminal_shows_more_points(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab((40, 24), lesson=compare(tmp_path, "bad"), before=trained("bad")) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: has_points(picture(app)))
        narrow = len(picture(app).series[0].x)
        chart = bench(app, ChartBench).query_one(Chart)
        assert narrow <= 2 * chart.columns < 100
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: len(picture(app).series[0].x) > narrow)
        assert all(chart.render_line(y).cell_length == chart.size.width for y in range(chart.size.height))


async def test_the_bench_has_no_keys_and_its_help_says_where_runs_come_from(open_lab: Open, three: Lesson) -> None:
    async with open_lab(lesson=three) as (app, pilot):
        await pilot.press("1")
        for key in ("start", "start_all", "start_new", "toggle_pause", "stop", "next_chart", "change_pace"):
            assert not bench(app, ChartBench).can(key)
        await pilot.press("r", "a", "n", "x", "c", "s")
        assert (app.lab.store.count_runs(), said(app)) == (0, [])
        assert ChartBench.HELP.startswith("The newest run of each preset, in one chart, and behind it")


async def test_an_unchanged_chart_is_not_drawn_again(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=compare(tmp_path, "bad"), before=trained("bad")) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: has_points(picture(app)))
        drawn = shown_again(app)
        assert shown_again(app) is drawn
