"""The lowest and highest points of a growing series, block by block, so that a chart need not look at every point."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from engine.learners.decimation import Places, Stretch, Values, columns_of, decimate, joined

Kind = TypeVar("Kind", bound=np.generic)

# Up to here the plain way takes 0.1 ms, and a series is not worth a pyramid.
SHORT = 2048
BITS = 5
BLOCK = 1 << BITS
# Points a pyramid takes in at a time: what it works with stays in the processor's cache.
BITE = 1 << 15


class Pyramid:
    """Where the lowest and highest points of a growing series are, for each block of 32 points, of 1024, and so on.

    Level 1 has a row for each complete block of 32 points, level 2 one for each complete block of 32 rows of level 1.
    All levels lie in the same arrays, one behind the other. Of equal points the first counts as the lowest
    and the last as the highest, as `decimate` has it.

    Attributes:
        finite: number of finite points so far.
        few: places of the first finite points, at most `SHORT`.
        last: place of the last finite point.
        low, low_at: y and place of each row's lowest finite point; infinity where it has none.
        high, high_at: the same of the highest; minus infinity.
        offsets: where each level begins, level 1 first.
        counts: how many rows of each level are complete.
    """

    __slots__ = (
        "_holes", "capacity", "counts", "few", "finite", "high", "high_at", "last", "low", "low_at", "offsets", "seen",
    )  # fmt: skip

    def __init__(self) -> None:
        self.seen = self.finite = self.capacity = 0
        self.last = -1
        self.few: Places = np.empty(0, np.int64)
        self._holes: Places = np.empty(0, np.int64)
        self.low: Values = np.empty(0)
        self.high: Values = np.empty(0)
        self.low_at: Places = np.empty(0, np.int64)
        self.high_at: Places = np.empty(0, np.int64)
        self.offsets: list[int] = []
        self.counts: list[int] = []

    def extend(self, y: Values) -> None:
        """Take in the rows of y that are new. What was there before must be the same as ever."""
        if len(y) > self.capacity:
            self._reserve(len(y) + len(y) // 4)
        while self.seen < len(y):
            self._take_in(y[: self.seen + BITE])

    def _reserve(self, points: int) -> None:
        """Make room, with as many levels as leave the highest no more than about a thousand rows."""
        sizes = [points >> BITS]
        while sizes[-1] >= BLOCK * BLOCK:
            sizes.append(sizes[-1] >> BITS)
        counts, offsets = self.counts, self.offsets
        self.capacity = points
        self.counts = counts + [0] * (len(sizes) - len(counts))
        self.offsets = [sum(sizes[:level]) for level in range(len(sizes))]

        def moved(rows: npt.NDArray[Kind]) -> npt.NDArray[Kind]:
            grown = np.empty(sum(sizes), rows.dtype)
            for count, old, new in zip(counts, offsets, self.offsets, strict=False):
                grown[new : new + count] = rows[old : old + count]
            return grown

        self.low, self.low_at = moved(self.low), moved(self.low_at)
        self.high, self.high_at = moved(self.high), moved(self.high_at)

    def _take_in(self, y: Values) -> None:
        whole = np.isfinite(y[self.seen :])
        new, holes = (self.seen + np.flatnonzero(which) for which in (whole, ~whole))
        self._remember(holes)
        if len(new):
            self.few = np.append(self.few, new[: SHORT - len(self.few)])
            self.last = int(new[-1])
        self.finite += len(new)
        self.seen = len(y)
        done, stop = self.counts[0] << BITS, len(y) >> BITS << BITS
        if done < stop:
            raw, at = y[done:stop], np.arange(done, stop)
            finite = np.isfinite(raw)
            self._fold(0, np.where(finite, raw, np.inf), at, np.where(finite, raw, -np.inf), at)
        for level, below in enumerate(self.offsets[:-1], 1):
            done, stop = self.counts[level] << BITS, self.counts[level - 1] >> BITS << BITS
            if done < stop:
                rows = slice(below + done, below + stop)
                self._fold(level, self.low[rows], self.low_at[rows], self.high[rows], self.high_at[rows])

    @property
    def holes(self) -> Places:
        """Places of the points that are not finite, in order."""
        return self._holes[: self.seen - self.finite]

    def _remember(self, holes: Places) -> None:
        known = self.seen - self.finite
        if known + len(holes) > len(self._holes):
            grown = np.empty(2 * (known + len(holes)), np.int64)
            grown[:known] = self._holes[:known]
            self._holes = grown
        self._holes[known : known + len(holes)] = holes

    def _fold(self, level: int, low: Values, low_at: Places, high: Values, high_at: Places) -> None:
        """Add to a level the rows that complete blocks of the level below amount to."""
        first = np.arange(0, len(low), BLOCK)
        start = self.offsets[level] + self.counts[level]
        to = slice(start, start + len(first))
        pick = first + low.reshape(-1, BLOCK).argmin(1)
        self.low[to], self.low_at[to] = low[pick], low_at[pick]
        pick = first + (BLOCK - 1) - high.reshape(-1, BLOCK)[:, ::-1].argmax(1)
        self.high[to], self.high_at[to] = high[pick], high_at[pick]
        self.counts[level] += len(first)

    def decimate(self, x: Values, y: Values, columns: int) -> tuple[Values, Values] | None:
        """What the function `decimate` returns. x must be in order, and y must be what was taken in.

        Returns:
            None where only the plain way will do, because no more points are finite than two a column.
        """
        if self.finite <= SHORT:
            return decimate(x[self.few], y[self.few], columns)
        first, last = int(self.few[0]), self.last
        if self.finite <= 2 * columns:
            return None
        edges = _edges(x[first : last + 1], columns) + first
        starts, stops = np.append(first, edges), np.append(edges, last + 1)
        some = starts < stops
        lowest, highest = self._extremes(y, starts[some], stops[some])
        keep = np.stack((np.minimum(lowest, highest), np.maximum(lowest, highest)), 1).ravel()
        keep = keep[np.diff(keep, prepend=-1) > 0]
        return x[keep], y[keep]

    def stretch(self, x: Values, y: Values, low: float, high: float, columns: int) -> Stretch:
        """What the function `stretch` returns. x must be in order, and y must be what was taken in."""
        starts, stops = columns_of(x, low, high, columns)
        some = starts < stops
        keep = np.empty(0, np.int64)
        if some.any():
            lowest, highest = self._extremes(y, starts[some], stops[some])
            keep = np.stack((np.minimum(lowest, highest), np.maximum(lowest, highest)), 1).ravel()
            keep = keep[np.diff(keep, prepend=-1) > 0]
        return joined(x, y, keep, self.holes, starts, stops)

    def _extremes(self, y: Values, starts: Places, stops: Places) -> tuple[Places, Places]:
        """Places of the lowest and highest point of each stretch that has a finite point. No stretch may be empty."""
        node, raw, sizes = self._tiles(starts, stops)
        points = y[node[raw]]
        finite = np.isfinite(points)
        block = ~raw
        rows = node[block]
        low, high = np.empty(len(node)), np.empty(len(node))
        low[raw], low[block] = np.where(finite, points, np.inf), self.low[rows]
        high[raw], high[block] = np.where(finite, points, -np.inf), self.high[rows]
        ends = np.cumsum(sizes)
        lowest = np.minimum.reduceat(low, ends - sizes)
        highest = np.maximum.reduceat(high, ends - sizes)
        hits = np.flatnonzero(low == np.repeat(lowest, sizes))
        at_low = hits[np.searchsorted(hits, ends - sizes)]
        hits = np.flatnonzero(high == np.repeat(highest, sizes))
        at_high = hits[np.searchsorted(hits, ends) - 1]
        some = np.isfinite(lowest)
        return self._places(at_low, node, raw, self.low_at)[some], self._places(at_high, node, raw, self.high_at)[some]

    @staticmethod
    def _places(tile: Places, node: Places, raw: npt.NDArray[np.bool_], at: Places) -> Places:
        node = node[tile]
        return np.where(raw[tile], node, at[np.where(raw[tile], 0, node)])

    def _tiles(self, starts: Places, stops: Places) -> tuple[Places, npt.NDArray[np.bool_], Places]:
        """Cover each stretch, from left to right, with the largest blocks that lie within it, and with single points.

        Returns:
            For each tile its place in y or its row in the arrays, and whether it is a point; the tiles of each stretch.
        """
        levels = len(self.offsets)
        # Left of the largest blocks they grow, right of them they shrink: one run of tiles for each level and side.
        runs = 2 * levels + 1
        begin = np.empty((len(starts), runs), np.int64)
        size = np.empty_like(begin)
        offset = np.array([0, *self.offsets, *self.offsets[-2::-1], 0])
        for level in range(levels):
            up, down = -(-starts >> BITS), stops >> BITS
            left = np.minimum(up << BITS, stops)
            right = np.maximum(down << BITS, left)
            begin[:, level], size[:, level] = starts, left - starts
            begin[:, runs - 1 - level], size[:, runs - 1 - level] = right, stops - right
            starts, stops = up, np.maximum(up, down)
        begin[:, levels], size[:, levels] = starts, stops - starts
        sizes = size.ravel()
        before = np.cumsum(sizes) - sizes
        node = np.arange(before[-1] + sizes[-1]) + np.repeat((begin + offset).ravel() - before, sizes)
        single = np.zeros(begin.shape, np.bool_)
        single[:, [0, -1]] = True
        return node, np.repeat(single.ravel(), sizes), size.sum(1)


def _edges(x: Values, columns: int) -> Places:
    """First row of each column but the first, just as `decimate` rounds; shape (columns - 1,). x must be in order."""
    n = len(x)
    scale = columns / ((x[-1] - x[0]) or 1.0)
    column = np.arange(1, columns)

    def reached(row: Places) -> npt.NDArray[np.bool_]:
        return np.asarray((x[np.minimum(row, n - 1)] - x[0]) * scale >= column)

    guess = np.searchsorted(x, x[0] + column / scale)
    right = (guess == n) | reached(guess)
    low, high = np.where(right, 0, guess + 1), np.where(right, guess, n)
    # Nearly every guess is right. The others, where rounding matters, are settled by bisection.
    low = np.where(right & ~reached(guess - 1), guess, low)
    while (low < high).any():
        middle = (low + high) >> 1
        hit = reached(middle)
        low, high = np.where(hit | (low == high), low, middle + 1), np.where(hit, middle, high)
    return low
