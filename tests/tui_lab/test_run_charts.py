"""Charts of runs under a reader's keys: cursor, zoom, pin, means, files; and how little a growing run moves."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest

from engine.learners.metrics import MetricLog
from tests.tui_lab.fakes import screen_text
from tests.tui_lab.pilot import Open, bench, block, has_points, make_lesson, said, trained, until, words
from tests.tui_lab.test_views import BAD
from tui_lab.app import LabApp
from tui_lab.glyphs import BLOCK, BRAILLE, Glyphs
from tui_lab.lesson import Lesson
from tui_lab.picture import Picture
from tui_lab.plotting import draw
from tui_lab.views import Curve, chart_named, picture
from tui_lab.widgets.chart import Chart
from tui_lab.widgets.run_bench import RunBench
from tui_lab.widgets.run_charts import RunCharts


@pytest.fixture
def two(tmp_path: Path) -> Lesson:
    return make_lesson(
        tmp_path, block("run", title="Two", presets=["bad", "good-1"], charts=["return", "loss", "epsilon"])
    )


def charts(app: LabApp) -> RunCharts:
    return bench(app, RunBench).query_one(RunCharts)


def shown(app: LabApp, which: str = "#chart") -> Picture:
    return charts(app).query_one(which, Chart).picture


async def look(app: LabApp, pilot: object, *keys: str) -> None:
    """Go to the chart and press keys there."""
    await pilot.press("1")  # type: ignore[attr-defined]
    await until(pilot, lambda: has_points(shown(app)))  # type: ignore[arg-type]
    await pilot.press("v")  # type: ignore[attr-defined]
    await until(pilot, lambda: isinstance(app.focused, Chart))  # type: ignore[arg-type]
    await pilot.press(*keys)  # type: ignore[attr-defined]
    await pilot.pause()  # type: ignore[attr-defined]


# --- keys


async def test_v_goes_to_each_chart_and_back_to_the_rows(open_lab: Open, two: Lesson) -> None:
    async with open_lab((120, 48), lesson=two, before=trained("bad")) as (app, pilot):
        await look(app, pilot)
        assert app.focused is not None
        assert app.focused.id == "chart"
        await pilot.press("v")
        await until(pilot, lambda: app.focused is not None and app.focused.id == "chart-2")
        await pilot.press("v")
        await until(pilot, lambda: not isinstance(app.focused, Chart))


async def test_the_cursor_reads_all_charts_of_the_bench_and_stands_in_each(open_lab: Open, two: Lesson) -> None:
    async with open_lab((120, 48), lesson=two, before=trained("bad")) as (app, pilot):
        await look(app, pilot, "left")
        await until(pilot, lambda: words(app, "#reading").startswith("episode 200  return:"))
        await pilot.press("left")
        at = 200 - round(200 / charts(app).query_one("#chart", Chart).columns)
        await until(
            pilot, lambda: words(app, "#reading").startswith(f"episode {at}  return: each episode {22 + 2 * at}")
        )
        assert "  loss: " in words(app, "#reading")
        assert "  epsilon: " in words(app, "#reading")
        assert shown(app).cursor == at
        steps = charts(app)._curves[0].log.places("epsilon")
        assert shown(app, "#chart-2").cursor == steps[at]
        await pilot.press("backspace")
        await until(pilot, lambda: not charts(app).query_one("#reading").display)
        assert shown(app).cursor is None


async def test_zooming_shows_a_part_and_0_the_whole_again(open_lab: Open, two: Lesson) -> None:
    async with open_lab(lesson=two, before=trained("bad")) as (app, pilot):
        await look(app, pilot, "plus")
        await until(pilot, lambda: shown(app).x_limits == (50, 150))
        assert all(50 <= x <= 150 for series in shown(app).series for x in series.x)
        assert "episodes 50 to 150" in words(app, "#legend")
        await pilot.press("minus")
        await until(pilot, lambda: shown(app).x_limits == (0, 200))
        await pilot.press("plus", "plus", "0")
        await until(pilot, lambda: shown(app).x_limits == (0, 200))


async def test_means_log_axis_and_pin_by_key(open_lab: Open, two: Lesson) -> None:
    async with open_lab(lesson=two, before=trained("bad", "good-1")) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: len(shown(app).series) == 2)
        await look(app, pilot, "m")
        await until(pilot, lambda: "mean of" not in words(app, "#legend"))
        await pilot.press("m", "l")
        await until(pilot, lambda: shown(app).log and "mean of 20" in words(app, "#legend"))
        await pilot.press("p")
        await until(pilot, lambda: [series.dim for series in shown(app).series] == [False, True])
        assert "A bad (pinned)" in words(app, "#legend")
        await pilot.press("p", "p", "l", "m")
        await until(pilot, lambda: not any(series.dim for series in shown(app).series) and not shown(app).log)


async def test_one_run_has_nothing_to_pin_nor_seeds_to_band(open_lab: Open, two: Lesson) -> None:
    async with open_lab(lesson=two, before=trained("bad")) as (app, pilot):
        await look(app, pilot, "p", "d")
        chart = charts(app).query_one("#chart", Chart)
        assert not chart.check_action("look", ("pin",))
        assert not chart.check_action("look", ("seeds",))
        assert chart.check_action("look", ("move",))


async def test_a_chart_is_saved_as_svg_png_and_csv_and_the_place_is_told(open_lab: Open, two: Lesson) -> None:
    async with open_lab(lesson=two, before=trained("bad")) as (app, pilot):
        await look(app, pilot, "plus", "e")
        await until(pilot, lambda: any(message.startswith("Saved as ") for message in said(app)))
        folder = app.lab.store.home / "charts"
        files = {path.suffix: path for path in folder.iterdir()}
        assert set(files) == {".svg", ".png", ".csv"}
        assert str(files[".svg"]) in said(app)[-1]
        rows = list(csv.DictReader(files[".csv"].read_text().splitlines()))
        assert {row["series"] for row in rows} == {"return", "return, mean of 20"}
        assert sum(row["series"] == "return" for row in rows) == 101
        await pilot.press("e")
        await until(pilot, lambda: len(list(folder.iterdir())) == 6)


async def test_a_folder_that_cannot_be_written_is_said(open_lab: Open, two: Lesson) -> None:
    async with open_lab(lesson=two, before=trained("bad")) as (app, pilot):
        (app.lab.store.home / "charts").write_text("in the way")
        await look(app, pilot, "e")
        await until(pilot, lambda: any("could not be saved in" in message for message in said(app)))


async def test_a_chart_is_copied_as_text(open_lab: Open, two: Lesson) -> None:
    async with open_lab(lesson=two, before=trained("bad")) as (app, pilot):
        await look(app, pilot, "y")
        lines = app.clipboard.split("\n")
        assert lines[0] == "return by episode"
        assert "500┤" in app.clipboard
        assert all(line in screen_text(app) for line in lines[-4:-1])


async def test_an_empty_chart_is_neither_saved_nor_copied(open_lab: Open, two: Lesson) -> None:
    async with open_lab(lesson=two) as (app, pilot):
        await pilot.press("v")
        await until(pilot, lambda: isinstance(app.focused, Chart))
        for key in "ey":
            await pilot.press(key)
            await until(pilot, lambda: said(app) and set(said(app)) == {"There is nothing in this chart yet."})
            app.clear_notifications()
        await pilot.press("left", "plus", "m")
        assert said(app) == []
        assert app.clipboard == ""
        assert not (app.lab.store.home / "charts").exists()


# --- stillness


def grown(points: int, seed: int = 0) -> list[float]:
    """A run that learns, noisily."""
    chance = random.Random(seed)
    return [max(9.0, min(500.0, 2.5 * place * chance.random())) for place in range(points)]


def cells(picture: Picture, glyphs: Glyphs) -> list[str]:
    return [row.plain for row in draw(picture, 80, 12, glyphs, lambda index, dim: (index + 1, int(dim), 0))]


@pytest.mark.parametrize("glyphs", [BRAILLE, BLOCK], ids=["braille", "block"])
@pytest.mark.parametrize(("name", "step"), [("return", 1), ("loss", 20)])
def test_a_frame_of_a_growing_run_changes_few_cells(name: str, step: int, glyphs: Glyphs) -> None:
    log, chart = MetricLog(), chart_named(name, BAD)
    before: Picture | None = None
    rows: list[str] = []
    changed = []
    for place, value in enumerate(grown(200)):
        log.append(name, place * step, value)
        if place < 20 or place % 2:
            continue
        new = picture(chart, [Curve("bad", 0, BAD, log)], 80, before=before)
        drawn = cells(new, glyphs)
        if before is not None and new.x_limits == before.x_limits and new.y_limits == before.y_limits:
            changed.append(
                sum(a != b for old, row in zip(rows, drawn, strict=True) for a, b in zip(old, row, strict=True))
            )
        before, rows = new, drawn
    assert len(changed) > 70
    # Two new points touch the column that they are in and the one before: a tenth of the chart would be 80 cells.
    assert max(changed) <= 30
    assert sum(changed) / len(changed) <= 10


def test_heights_stay_where_they_are_while_they_fit_and_are_not_much_too_large() -> None:
    chart = chart_named("loss", BAD)

    def heights(value: float, before: Picture | None = None) -> Picture:
        log = MetricLog()
        log.append("loss", 0, value)
        return picture(chart, [Curve("bad", 0, BAD, log)], 80, before=before)

    first = heights(70)
    assert first.y_limits == (0, 75)
    assert heights(45).y_limits == (0, 50)
    assert heights(45, first).y_limits == (0, 75)
    assert heights(90, first).y_limits == (0, 100)
    assert heights(8, first).y_limits == (0, 10)
