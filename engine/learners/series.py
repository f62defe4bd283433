"""One growing series and what a chart asks of it, answered in a time that hardly depends on its length."""

from __future__ import annotations

import threading

import numpy as np

from engine.learners import pyramid
from engine.learners.decimation import Stretch, Values, decimate, stretch, trailing_mean
from engine.learners.pyramid import Pyramid


class Series:
    """Two growing columns: one thread writes, any number read.

    The length is raised last and no row is ever written twice, so a reader never sees a row that is not whole. What
    readers keep for the next reader is theirs alone: they share it under `lock`, which the writer never takes.
    """

    __slots__ = ("_in_order", "_means", "_pyramids", "_seen", "length", "lock", "x", "y")

    def __init__(self) -> None:
        self.x: Values = np.empty(256)
        self.y: Values = np.empty(256)
        self.length = 0
        self.lock = threading.Lock()
        self._means: dict[int, _Means] = {}
        self._pyramids: dict[int, Pyramid] = {}
        self._seen = 0
        self._in_order = True

    def append(self, x: float, y: float) -> None:
        n = self.length
        if n == len(self.x):
            self._reserve(n + 1)
        self.x[n] = x
        self.y[n] = y
        self.length = n + 1

    def extend(self, x: Values, y: Values) -> None:
        """Append many rows. ValueError where x and y differ in length."""
        if len(x) != len(y):
            raise ValueError(f"{len(x)} x for {len(y)} y")
        n, stop = self.length, self.length + len(x)
        if stop > len(self.x):
            self._reserve(stop)
        self.x[n:stop] = x
        self.y[n:stop] = y
        self.length = stop

    def _reserve(self, rows: int) -> None:
        size = max(rows, 2 * len(self.x))
        self.x = _moved(self.x, self.length, size)
        self.y = _moved(self.y, self.length, size)

    def read(self, start: int = 0) -> tuple[Values, Values]:
        """Copies of x and y from row `start` on."""
        n = self.length
        return self.x[start:n].copy(), self.y[start:n].copy()

    def places(self) -> Values:
        """x; to look at only."""
        x = self.x[: self.length]
        x.flags.writeable = False
        return x

    def last(self) -> float | None:
        """The newest y; None where there is none."""
        n = self.length
        return float(self.y[n - 1]) if n else None

    def head(self, length: int) -> Series:
        """A copy of the first rows, as a series of its own."""
        series = Series()
        series.extend(self.x[:length], self.y[:length])
        return series

    def trailing(self, window: int) -> Values:
        """`trailing_mean` of y; to look at only."""
        n = self.length
        if n <= max(pyramid.SHORT, window):
            means = trailing_mean(self.y[:n], window)
        else:
            with self.lock:
                means = self._trailing(self.length, window)
        means.flags.writeable = False
        return means

    def view(self, columns: int, window: int) -> tuple[Values, Values]:
        """What `decimate` makes of x and the trailing mean of y."""
        if self.length <= max(pyramid.SHORT, window):
            x, y = self.read()
            return decimate(x, trailing_mean(y, window), columns)
        with self.lock:
            n = self.length
            x, y = self.x[:n], self._trailing(n, window)
            if self._ordered(n):
                blocks = self._pyramids.setdefault(max(1, window), Pyramid())
                blocks.extend(y)
                points = blocks.decimate(x, y, columns)
                if points is not None:
                    return points
        return decimate(x.copy(), y.copy(), columns)

    def stretch(self, low: float, high: float, columns: int, window: int) -> Stretch:
        """What the function `stretch` makes of x and the trailing mean of y."""
        if self.length <= max(pyramid.SHORT, window):
            x, y = self.read()
            return stretch(*_in_order(x, trailing_mean(y, window)), low, high, columns)
        with self.lock:
            n = self.length
            x, y = self.x[:n], self._trailing(n, window)
            if not self._ordered(n):
                return stretch(*_in_order(x, y), low, high, columns)
            blocks = self._pyramids.setdefault(max(1, window), Pyramid())
            blocks.extend(y)
            return blocks.stretch(x, y, low, high, columns)

    def at(self, places: Values, window: int) -> Values:
        """The newest trailing mean of y at or before each place; NaN before the first point and beyond the last."""
        y = self.trailing(window)
        x = self.x[: len(y)]
        with self.lock:
            ordered = self._ordered(len(y)) if len(y) >= self._seen else self._in_order
        if not ordered:
            x, y = _in_order(x, y)
        if not len(x):
            return np.full(len(places), np.nan)
        rows = np.searchsorted(x, places, "right") - 1
        return np.where((rows >= 0) & (places <= x[-1]), y[np.maximum(rows, 0)], np.nan)

    def _trailing(self, n: int, window: int) -> Values:
        if window <= 1:
            return self.y[:n]
        return self._means.setdefault(window, _Means(window)).of(self.y[:n])

    def _ordered(self, n: int) -> bool:
        """Whether x has never decreased in the first `n` rows."""
        new = self.x[max(0, self._seen - 1) : n]
        self._in_order = self._in_order and bool((new[1:] >= new[:-1]).all())
        self._seen = n
        return self._in_order


class _Means:
    """The trailing means of a growing series that is longer than the window."""

    __slots__ = ("length", "values", "window")

    def __init__(self, window: int) -> None:
        self.window = window
        self.values: Values = np.empty(0)
        self.length = 0

    def of(self, y: Values) -> Values:
        """The means of y, of which all but the newest rows are known already. Not a copy."""
        done, n = self.length, len(y)
        if n > len(self.values):
            self.values = _moved(self.values, done, n + n // 4)
        if done == 0:
            self.values[:n] = trailing_mean(y, self.window)
        elif done < n:
            total = np.convolve(y[done - self.window + 1 :], np.ones(self.window), "valid")
            self.values[done:n] = total / self.window
        self.length = n
        return self.values[:n]


def _in_order(x: Values, y: Values) -> tuple[Values, Values]:
    """The points by x; those of one x stay as they are."""
    order = np.argsort(x, kind="stable")
    return x[order], y[order]


def _moved(rows: Values, count: int, size: int) -> Values:
    """The first `count` rows in an array of `size`."""
    grown = np.empty(size)
    grown[:count] = rows[:count]
    return grown
