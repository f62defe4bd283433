"""Reducing a series to what a chart of so many columns can show, the plain way; and its trailing means."""

from __future__ import annotations

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
