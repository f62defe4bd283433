"""Charts as rows of text, drawn by plotext's public calls. Pure: data in, styled rows out; no widget in here."""

from __future__ import annotations

from dataclasses import replace

import plotext
from rich.text import Text

from tui_lab.glyphs import Glyphs
from tui_lab.overlays import Ramp, lay_over
from tui_lab.picture import Band, Heat, Picture, Series, nice_ceiling, nice_ticks, tick_labels

__all__ = ["Band", "Heat", "Picture", "Ramp", "Series", "draw", "nice_ceiling", "nice_ticks", "tick_labels"]


def draw(picture: Picture, width: int, height: int, glyphs: Glyphs, color: Ramp) -> list[Text]:
    """Rows of the chart, `height` of them, each `width` cells wide."""
    if width < 12 or height < 4 or picture.empty:
        return [Text(" " * width) for _ in range(height)]
    # The size asked for is the widget's; what plotext takes for the terminal's may be another.
    plotext.terminal.limit(False, False)
    figure = plotext.figure
    figure.clear()
    figure.theme("colorless")
    figure.plot_size(width, height)
    if not any(series.x for series in picture.series):
        figure.draw(figure.signal(list(picture.x_limits), list(picture.y_limits), marker=" "))
    shapes = [series for series in picture.series if series.kind == "points"]
    for series in sorted(picture.series, key=lambda one: not one.dim):
        shape = glyphs.points[shapes.index(series) % len(glyphs.points)] if series in shapes else ""
        _draw_series(figure, _near(series, picture.y_limits), glyphs, shape, color)
    figure.axes(False, axis="x", side="upper")
    figure.axes(False, axis="y", side="right")
    figure.legend(False)
    for axis, limits, room in (("x", picture.x_limits, width // 12), ("y", picture.y_limits, height // 3)):
        ticks = picture.ticks(axis, room)
        figure.ruler(axis).lim(*limits)
        figure.ruler(axis).ticks([place for place, _ in ticks], [label for _, label in ticks])
    rows = figure.build().string().split("\n")[:height]
    figure.clear()
    texts = [Text.from_ansi(row) for row in rows]
    texts += [Text()] * (height - len(texts))
    return lay_over(picture, texts, width, glyphs, color)


def _near(series: Series, limits: tuple[float, float]) -> Series:
    """The series with what lies far beyond the axis brought near: plotext draws every cell on the way there."""
    low, high = limits
    span = high - low
    if all(low - span <= y <= high + span for y in series.y):
        return series
    return replace(series, y=tuple(min(max(y, low - span), high + span) for y in series.y))


def _draw_series(figure: plotext.figure, series: Series, glyphs: Glyphs, shape: str, color: Ramp) -> None:
    pixel = plotext.pixel(color(series.color, series.dim))
    if not series.x:
        return
    if series.kind == "bars":
        marker = plotext.marker(glyphs.bar, pixel=pixel)
        figure.draw(figure.bar(list(series.x), list(series.y), marker=marker, width=1))
        return
    line = glyphs.faint if series.dim else glyphs.lines[series.color % len(glyphs.lines)]
    marker = plotext.marker(shape or line, pixel=pixel)
    for x, y in series.pieces():
        signal = figure.signal(list(x), list(y), marker=marker)
        if series.kind == "line":
            signal.lines()
        figure.draw(signal)
