"""The chart widget: it shows its picture, in the size and the theme of the moment, and draws nothing twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from tests.tui_lab.fakes import drawn_text
from tui_lab.glyphs import BRAILLE
from tui_lab.plotting import Picture, Series, draw
from tui_lab.themes import DARK, LIGHT, css_color, series_color
from tui_lab.widgets.chart import Chart

RISING = Picture((Series((0, 10), (0, 10)),), (0, 10), (0, 10))
FALLING = Picture((Series((0, 10), (10, 0)),), (0, 10), (0, 10))


class OneChart(App[None]):
    CSS = "Chart { height: 100%; }"

    def __init__(self) -> None:
        super().__init__()
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name

    def compose(self) -> ComposeResult:
        yield Chart(BRAILLE)


@asynccontextmanager
async def one_chart(size: tuple[int, int] = (60, 16)) -> AsyncIterator[tuple[OneChart, Chart, Pilot[None]]]:
    app = OneChart()
    async with app.run_test(size=size) as pilot:
        yield app, app.query_one(Chart), pilot


def expected(picture: Picture, width: int, height: int) -> str:
    rows = draw(picture, width, height, BRAILLE, lambda index, dim: (0, 0, 0))
    return "\n".join(row.plain.rstrip() for row in rows)


def colors(chart: Chart) -> set[str]:
    strips = [chart.render_line(y) for y in range(chart.size.height)]
    styles = [segment.style for strip in strips for segment in strip if segment.text.strip(" ┤│└┬─0123456789")]
    return {style.color.name for style in styles if style is not None and style.color is not None}


async def test_a_picture_fills_the_widget() -> None:
    async with one_chart() as (app, chart, pilot):
        chart.show(RISING)
        await pilot.pause()
        assert drawn_text(app) == expected(RISING, 60, 16)
        assert chart.picture == RISING


async def test_another_picture_takes_its_place() -> None:
    async with one_chart() as (app, chart, pilot):
        chart.show(RISING)
        await pilot.pause()
        chart.show(FALLING)
        await pilot.pause()
        assert drawn_text(app) == expected(FALLING, 60, 16)
        chart.show(Picture())
        await pilot.pause()
        assert drawn_text(app).strip() == ""


async def test_a_chart_is_drawn_anew_in_another_size() -> None:
    async with one_chart() as (app, chart, pilot):
        chart.show(RISING)
        for width, height in ((100, 30), (40, 8)):
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            assert drawn_text(app) == expected(RISING, width, height)
            assert chart.columns == width


async def test_a_narrow_chart_still_asks_for_some_columns_of_data() -> None:
    async with one_chart((10, 16)) as (_, chart, _pilot):
        assert chart.columns == 20


async def test_the_theme_colours_the_chart_without_another_picture() -> None:
    async with one_chart() as (app, chart, pilot):
        chart.show(RISING)
        assert colors(chart) == {css_color(series_color(0, dark=True))}
        app.theme = LIGHT.name
        await pilot.pause()
        assert colors(chart) == {css_color(series_color(0, dark=False))}


async def test_faint_series_are_drawn_in_their_faint_colour() -> None:
    async with one_chart() as (_, chart, _pilot):
        chart.show(Picture((Series((0, 10), (0, 10), 2, dim=True),), (0, 10), (0, 10)))
        assert colors(chart) == {css_color(series_color(2, dark=True, dim=True))}


async def test_the_same_picture_is_not_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with one_chart() as (_, chart, _pilot):
        chart.show(RISING)
        drawn: list[Picture] = []
        monkeypatch.setattr("tui_lab.widgets.chart.draw", lambda picture, *rest: drawn.append(picture) or [])
        chart.show(Picture(RISING.series, RISING.x_limits, RISING.y_limits))
        assert drawn == []
        chart.show(FALLING)
        assert drawn == [FALLING]


async def test_of_another_picture_only_the_rows_that_differ_are_sent() -> None:
    async with one_chart() as (_, chart, _pilot):
        chart.show(RISING)
        before = list(chart._strips)
        chart.show(Picture((*RISING.series, Series((0, 10), (0, 0))), (0, 10), (0, 10)))
        changed = [y for y, (new, old) in enumerate(zip(chart._strips, before, strict=True)) if new is not old]
        assert changed == [13]


async def test_the_chart_can_be_had_as_text() -> None:
    async with one_chart() as (app, chart, _pilot):
        chart.show(RISING)
        shown = [line.rstrip() for line in str(chart.render()).split("\n")]
        assert shown == drawn_text(app).split("\n")
