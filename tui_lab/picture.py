"""A chart as data: what it shows, as values that can be compared, and the round numbers of its axes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise

DIGITS = 10
"""Decimals that a tick may need: finer differences are not drawn."""


@dataclass(frozen=True, slots=True)
class Series:
    """Points to draw, all finite, in the order in which they are joined.

    color: an index, -1 muted.
    kind: line joins them, points does not, bars stand on zero.
    dim: behind the others, in a thinner line.
    name, letter: what a reader calls it, and the letter on its curve; without colours that letter tells it apart.
    gaps: indices of points to which no line leads from the point before.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    color: int = 0
    kind: str = "line"
    dim: bool = False
    name: str = ""
    letter: str = ""
    gaps: tuple[int, ...] = ()

    def pieces(self) -> list[tuple[tuple[float, ...], tuple[float, ...]]]:
        """x and y of each part that is joined without a gap."""
        ends = [0, *self.gaps, len(self.x)]
        return [(self.x[first:last], self.y[first:last]) for first, last in pairwise(ends) if first < last]


@dataclass(frozen=True, slots=True)
class Band:
    """Between which heights something lies: at each x the lower and the upper end."""

    x: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    color: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Heat:
    """Shares in [0, 1] of a grid over the whole picture: rows from the top, each from the left. `name`: of what."""

    rows: tuple[tuple[float, ...], ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything a chart shows. Equal pictures look alike, so an unchanged one need not be drawn again.

    limits: (low, high) of each axis.
    levels: muted lines across, with a name each, such as a ceiling.
    marks: places along x, with a name each; on the axis they are numbered from 1.
    ticks: places along an axis with what is written there; without any, round numbers.
    cursor: where along x a line stands that the reader moves.
    missing: how many values in view are infinite or no numbers, and so not drawn.
    log: whether y holds powers of ten, from a logarithmic axis.
    """

    series: tuple[Series, ...] = ()
    x_limits: tuple[float, float] = (0.0, 1.0)
    y_limits: tuple[float, float] = (0.0, 1.0)
    levels: tuple[tuple[float, str], ...] = ()
    x_ticks: tuple[tuple[float, str], ...] = ()
    y_ticks: tuple[tuple[float, str], ...] = ()
    marks: tuple[tuple[float, str], ...] = ()
    bands: tuple[Band, ...] = ()
    heat: Heat | None = None
    cursor: float | None = None
    log: bool = False
    missing: int = 0

    @property
    def empty(self) -> bool:
        return self.heat is None and not any(series.x for series in self.series)

    def ticks(self, axis: str, room: int) -> tuple[tuple[float, str], ...]:
        """What is written along `axis`, x or y, where there is room for so many labels."""
        (low, high), own = (self.x_limits, self.x_ticks) if axis == "x" else (self.y_limits, self.y_ticks)
        if own:
            return own
        places = nice_ticks(low, high, max(2, min(6, room)))
        return tuple(zip(places, tick_labels(places), strict=True))


def on_log_axis(picture: Picture) -> Picture:
    """The picture with powers of ten upwards. What is not above zero has no place there, and leaves a gap.

    Returns:
        The same picture where nothing is above zero.
    """
    series = tuple(_powers(one) for one in picture.series)
    heights = [y for one in series for y in one.y]
    if not heights:
        return picture
    least = min(heights)
    bands = tuple(
        replace(band, low=_logs(band.low, least), high=_logs(band.high, least)) for band in picture.bands
    )  # fmt: skip
    levels = tuple((math.log10(at), name) for at, name in picture.levels if at > 0)
    heights += [at for at, _ in levels] + [y for band in bands for y in band.low + band.high]
    low, high = math.floor(min(heights) + 1e-9), math.ceil(max(heights) - 1e-9)
    high = max(high, low + 1)
    step = max(1, math.ceil((high - low) / 6))
    ticks = tuple((float(power), f"{10.0**power:g}") for power in range(low, high + 1, step))
    limits = float(low), float(high)
    return replace(picture, series=series, bands=bands, levels=levels, y_limits=limits, y_ticks=ticks, log=True)


def _powers(series: Series) -> Series:
    kept = [index for index, y in enumerate(series.y) if y > 0]
    gaps = [
        place
        for place, (before, index) in enumerate(pairwise(kept), 1)
        if any(before < gap <= index for gap in series.gaps) or index - before > 1
    ]
    x, y = (tuple(values[index] for index in kept) for values in (series.x, series.y))
    return replace(series, x=x, y=tuple(map(math.log10, y)), gaps=tuple(gaps))


def _logs(heights: tuple[float, ...], least: float) -> tuple[float, ...]:
    return tuple(math.log10(y) if y > 0 else least for y in heights)


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
