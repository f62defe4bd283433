"""Reducing a series to what a chart of so many columns can show, the plain way; and its trailing means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


def trailing_mean(y: Values, window: int) -> Values:
    """Mean of the last `window` values at each point, of fewer at the start. Shape kept."""
    if window <= 1 or len(y) == 0:
        return y
    # Each window is summed by itself: a difference of running totals would carry a huge or infinite value on for ever.
    total = np.convolve(y, np.ones(window))[: len(y)]
    return np.asarray(total / np.minimum(np.arange(1, len(y) + 1), window))


def decimate(x: Values, y: Values, columns: int) -> tuple[Values, Values]:
    """Reduce a series to the lowest and highest point of each of `columns` equal stretches of x, in order.

    Points whose y is not finite are left out, so that a diverging run can still be drawn.

    Returns:
        x and y of at most 2 * columns points; a series that short is returned whole.
    """
    finite = np.isfinite(y)
    if not finite.all():
        x, y = x[finite], y[finite]
    if len(x) <= 2 * columns:
        return x, y
    width = (x[-1] - x[0]) or 1.0
    bucket = np.minimum(((x - x[0]) * (columns / width)).astype(np.int64), columns - 1)
    starts = np.flatnonzero(np.diff(bucket, prepend=-1))
    order = np.lexsort((y, bucket))
    ends = np.append(starts[1:], len(x)) - 1
    keep = np.unique(np.concatenate([order[starts], order[ends]]))
    return x[keep], y[keep]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a series, reduced for a chart whose columns stand still.

    x, y: in order, at most two points a column, all finite.
    broken: for each point, whether a gap of values that are not finite lies before it, so that no line leads there.
    missing: how many values of the stretch are not finite.
    """

    x: Values
    y: Values
    broken: npt.NDArray[np.bool_]
    missing: int


def columns_of(x: Values, low: float, high: float, columns: int) -> tuple[Places, Places]:
    """First row of each of `columns` equal columns of [low, high], and the row after its last. x must be in order."""
    edges = low + (high - low) * (np.arange(columns + 1) / columns)
    rows = np.searchsorted(x, edges[:-1])
    return rows, np.append(rows[1:], np.searchsorted(x, high, "right"))


def stretch(x: Values, y: Values, low: float, high: float, columns: int) -> Stretch:
    """The lowest and highest finite point of each of `columns` equal columns of [low, high]. x must be in order.

    The columns do not depend on the data, so a point that arrives changes its own column and no other.
    """
    starts, stops = columns_of(x, low, high, columns)
    first, last = int(starts[0]), max(int(starts[0]), int(stops[-1]))
    inside = np.isfinite(y[first:last])
    places = np.flatnonzero(inside) + first
    column = np.searchsorted(starts, places, "right") - 1
    begins = np.flatnonzero(np.diff(column, prepend=-1))
    order = np.lexsort((y[places], column))
    ends = np.append(begins[1:], len(places)) - 1
    keep = places[np.unique(np.concatenate([order[begins], order[ends]]))] if len(places) else places
    return joined(x, y, keep, np.flatnonzero(~inside) + first, starts, stops)


def joined(x: Values, y: Values, keep: Places, holes: Places, starts: Places, stops: Places) -> Stretch:
    """A stretch of the rows `keep`. `holes` are the places of values that are not finite, in order.

    A line is broken where all values between two points are missing, or those of a whole column.
    """
    first, last = np.searchsorted(holes, (starts[0], stops[-1]))
    between = np.diff(np.searchsorted(holes, keep), prepend=0)
    alone = between == np.diff(keep, prepend=0) - 1
    apart = np.diff(np.searchsorted(starts, keep, "right"), prepend=0) > 1
    broken = (between > 0) & (alone | apart)
    broken[:1] = False
    return Stretch(x[keep], y[keep], broken, max(0, int(last - first)))
