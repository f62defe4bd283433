"""Charts as rows of text, drawn by plotext's public calls. Pure: data in, styled rows out; no widget in here."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import plotext
from rich.text import Text

from tui_lab.glyphs import Glyphs
from tui_lab.themes import Color

Ramp = Callable[[int, bool], Color]
DIGITS = 10
"""Decimals that a tick may need: finer differences are not drawn."""


@dataclass(frozen=True, slots=True)
class Series:
    """Points to draw: `kind` line joins them, points does not, bars stand on zero. `color` is an index, -1 muted."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    color: int = 0
    kind: str = "line"
    dim: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything a chart shows. Equal pictures look alike, so an unchanged one need not be drawn again.

    limits: (low, high) of each axis.
    levels: heights of muted horizontal lines, such as a ceiling.
    x_ticks: places along x with what is written there; without any, round numbers.
    """

    series: tuple[Series, ...] = ()
    x_limits: tuple[float, float] = (0.0, 1.0)
    y_limits: tuple[float, float] = (0.0, 1.0)
    levels: tuple[float, ...] = ()
    x_ticks: tuple[tuple[float, str], ...] = ()


def draw(picture: Picture, width: int, height: int, glyphs: Glyphs, color: Ramp) -> list[Text]:
    """Rows of the chart, `height` of them, each `width` cells wide."""
    if width < 12 or height < 4 or not any(series.x for series in picture.series):
        return [Text(" " * width) for _ in range(height)]
    # The size asked for is the widget's; what plotext takes for the terminal's may be another.
    plotext.terminal.limit(False, False)
    figure = plotext.figure
    figure.clear()
    figure.theme("colorless")
    figure.plot_size(width, height)
    for level in picture.levels:
        _draw_series(figure, Series(picture.x_limits, (level, level), -1), glyphs, color)
    for series in picture.series:
        if series.x:
            _draw_series(figure, series, glyphs, color)
    figure.axes(False, axis="x", side="upper")
    figure.axes(False, axis="y", side="right")
    figure.legend(False)
    for axis, limits, room in (("x", picture.x_limits, width // 12), ("y", picture.y_limits, height // 3)):
        low, high = limits
        ticks = nice_ticks(low, high, max(2, min(6, room)))
        labels = tick_labels(ticks)
        if axis == "x" and picture.x_ticks:
            ticks, labels = map(list, zip(*picture.x_ticks, strict=True))
        figure.ruler(axis).lim(low, high)
        figure.ruler(axis).ticks(ticks, labels)
    rows = figure.build().string().split("\n")[:height]
    figure.clear()
    texts = [Text.from_ansi(row) for row in rows]
    return texts + [Text()] * (height - len(texts))


def _draw_series(figure: plotext.figure, series: Series, glyphs: Glyphs, color: Ramp) -> None:
    pixel = plotext.pixel(color(series.color, series.dim))
    if series.kind == "bars":
        marker = plotext.marker(glyphs.bar, pixel=pixel)
        figure.draw(figure.bar(list(series.x), list(series.y), marker=marker, width=1))
        return
    signal = figure.signal(list(series.x), list(series.y), marker=plotext.marker(glyphs.line, pixel=pixel))
    if series.kind == "line":
        signal.lines()
    figure.draw(signal)


def nice_ceiling(value: float) -> float:
    """The next of 1, 1.5, 2, 3, 5, 7.5 times a power of ten: axes that follow data in few, round steps."""
    if value <= 0 or not math.isfinite(value):
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next((step * power for step in (1, 1.5, 2, 3, 5, 7.5) if value <= step * power * (1 + 1e-9)), 10 * power)


def nice_ticks(low: float, high: float, count: int) -> list[float]:
    """At most about `count` round positions in [low, high]; both ends are among them where a round step allows it."""
    span = high - low
    if span <= 0:
        return [low]
    rough = span / count
    power = 10.0 ** math.floor(math.log10(rough))
    steps = [s * power for s in (1, 2, 2.5, 5, 10, 20, 25, 50) if rough <= s * power * (1 + 1e-9)]
    whole = [step for step in steps if step <= span and _divides(step, low) and _divides(step, high)]
    step = whole[0] if whole and whole[0] <= 2.5 * steps[0] else steps[0]
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, DIGITS) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def _divides(step: float, value: float) -> bool:
    return abs(value / step - round(value / step)) < 1e-9


def tick_labels(ticks: list[float]) -> list[str]:
    """Short labels that tell the ticks apart: thousands as k, all with as many decimals as are needed."""
    if all(abs(tick) >= 1_000 or tick == 0 for tick in ticks) and all(tick % 100 == 0 for tick in ticks):
        return ["0" if tick == 0 else f"{tick / 1000:g}k" for tick in ticks]
    decimals = next((d for d in range(DIGITS) if all(abs(round(tick, d) - tick) < 1e-12 for tick in ticks)), DIGITS)
    return ["0" if tick == 0 else f"{tick:.{decimals}f}" for tick in ticks]
