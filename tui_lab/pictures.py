"""Kinds of pictures that are no curves of runs: histogram, strip of seeds, scatter with names, heat map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from engine.learners.charts import Span
from tui_lab.picture import Heat, Picture, Series, nice_ceiling

Values = npt.NDArray[np.float64]
Limits = tuple[float, float]
BINS = 25
CELLS = 40
"""Rows and columns of a heat map."""
ROOM = 0.04
"""Share of an axis that is left free beside the outermost points."""


def histogram(values: Values, span: Span, color: int) -> Picture:
    """Values counted in equal stretches; nothing before there are any.

    Args:
        span: the lowest and the highest value there can be; an end that is None follows the values.
    """
    values = values[np.isfinite(values)]
    if not len(values):
        return Picture()
    low = float(values.min()) if span[0] is None else span[0]
    high = float(values.max()) if span[1] is None else span[1]
    limits = (low, high if low < high else low + 1.0)
    counts, edges = np.histogram(values, bins=BINS, range=limits)
    middles = (edges[:-1] + edges[1:]) / 2
    bars = Series(tuple(middles.tolist()), tuple(float(c) for c in counts), color, "bars")
    top = nice_ceiling(max(10.0, float(counts.max(initial=0))))
    return Picture((bars,), limits, (0, top))


def scatter(groups: Mapping[str, tuple[Values, Values]], x_limits: Limits, y_limits: Limits) -> Picture:
    """Points by their name, x and y; each name has a shape and a colour of its own. What is no number is left out."""
    series = []
    for color, (name, (x, y)) in enumerate(groups.items()):
        known = np.isfinite(x) & np.isfinite(y)
        series.append(Series(tuple(x[known].tolist()), tuple(y[known].tolist()), color, "points", name=name))
    return Picture(tuple(series), x_limits, y_limits)


def strip(groups: Mapping[str, Sequence[float]], span: Span, colors: Sequence[int] = ()) -> Picture:
    """A line of points for each name, one a value; equal values stand over one another.

    Args:
        span: the lowest and the highest value there can be; an end that is None follows the values.
        colors: of the names; without any, each has its own.
    """
    known = {name: np.array([value for value in values if np.isfinite(value)]) for name, values in groups.items()}
    every = np.concatenate([*known.values(), np.empty(0)])
    if not len(every):
        return Picture()
    room = ROOM * float(np.ptp(every)) or 1.0
    low = float(every.min()) - room if span[0] is None else span[0]
    high = float(every.max()) + room if span[1] is None else span[1]
    high = high if low < high else low + 1.0
    series, rows = [], len(known)
    for index, (name, values) in enumerate(known.items()):
        x, y = _stacked(values, low, high)
        color = colors[index] if colors else index
        # The first name is on top, as in a legend.
        series.append(Series(x, tuple(rows - 1 - index + height for height in y), color, "points", name=name))
    ticks = tuple((float(rows - 1 - index), name) for index, name in enumerate(known))
    return Picture(tuple(series), (low, high), (-0.5, rows - 0.5), y_ticks=ticks)


def _stacked(values: Values, low: float, high: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Each value, and how far above its line its point stands; near ones are lifted, so that all are seen."""
    stacks: dict[int, int] = {}
    heights = []
    for value in values.tolist():
        place = round((value - low) / (high - low) * CELLS)
        stacks[place] = stacks.get(place, -1) + 1
        heights.append(min(0.4, 0.1 * stacks[place]))
    return tuple(values.tolist()), tuple(heights)


def heat_map(x: Values, y: Values, x_limits: Limits, y_limits: Limits, name: str = "") -> tuple[Picture, int]:
    """How many points lie in each part of the plane, as shares of the fullest part; and how many that one has."""
    counts, _, _ = np.histogram2d(x, y, bins=CELLS, range=(x_limits, y_limits))
    most = int(counts.max(initial=0))
    if not most:
        return Picture(), 0
    rows = tuple(tuple((row / most).tolist()) for row in counts.T[::-1])
    return Picture(x_limits=x_limits, y_limits=y_limits, heat=Heat(rows, name)), most
