"""Append-only series of a run and their decimated views: one writer, any number of readers, no locks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Episode:
    """One finished training episode. `env_step` counts the run's environment steps at its end."""

    index: int
    env_step: int
    total_reward: float
    length: int
    epsilon: float
    terminated: bool
    truncated: bool


class _Series:
    """Two growing columns. The length is raised last, so a reader never sees a row that is not whole."""

    def __init__(self) -> None:
        self.x: Values = np.empty(256)
        self.y: Values = np.empty(256)
        self.length = 0

    def append(self, x: float, y: float) -> None:
        n = self.length
        if n == len(self.x):
            self.x = np.concatenate([self.x, np.empty(n)])
            self.y = np.concatenate([self.y, np.empty(n)])
        self.x[n] = x
        self.y[n] = y
        self.length = n + 1

    def read(self, start: int) -> tuple[Values, Values]:
        n = self.length
        return self.x[start:n].copy(), self.y[start:n].copy()


class MetricLog:
    """Everything a learner reports. The learner's thread appends; others read snapshots when `version` has moved."""

    def __init__(self) -> None:
        self._series: dict[str, _Series] = {}
        self._episodes: list[Episode] = []
        self.version = 0

    def append(self, name: str, x: float, y: float) -> None:
        """Add one point to a series, making it at its first point."""
        series = self._series.get(name)
        if series is None:
            series = _Series()
            self._series = {**self._series, name: series}
        series.append(x, y)
        self.version += 1

    def extend(self, name: str, x: Values, y: Values) -> None:
        """Add many points to a series."""
        for point in zip(x, y, strict=True):
            self.append(name, *point)

    def add_episode(self, episode: Episode) -> None:
        self._episodes.append(episode)
        self.version += 1

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._series)

    def length(self, name: str) -> int:
        """Number of points; 0 for a series that does not exist yet."""
        return self._series[name].length if name in self._series else 0

    def lengths(self) -> dict[str, int]:
        return {name: series.length for name, series in self._series.items()}

    def read(self, name: str, start: int = 0) -> tuple[Values, Values]:
        """Copies of x and y from row `start` on; empty for a series that does not exist yet."""
        return self._series[name].read(start) if name in self._series else (np.empty(0), np.empty(0))

    def last(self, name: str) -> float | None:
        """The newest value of a series."""
        _, y = self.read(name, max(0, self.length(name) - 1))
        return float(y[-1]) if len(y) else None

    def episodes(self, start: int = 0) -> list[Episode]:
        return self._episodes[start:]

    @property
    def episode_count(self) -> int:
        return len(self._episodes)

    def view(self, name: str, columns: int, smooth: int = 1) -> tuple[Values, Values]:
        """The series as a chart of `columns` columns needs it: at most two points a column; see `decimate`.

        Args:
            smooth: length of a trailing moving average that is taken before the decimation; 1 takes none.
        """
        x, y = self.read(name)
        return decimate(x, trailing_mean(y, smooth), columns)

    def take(self, other: MetricLog) -> None:
        """Become a copy of another log that nobody writes to any more."""
        self._series = dict(other._series)
        self._episodes = list(other._episodes)
        self.version += 1

    def truncate(self, lengths: Mapping[str, int], episodes: int) -> None:
        """Forget what came after a checkpoint. Only before the run's thread starts."""
        self._series = {name: series for name, series in self._series.items() if lengths.get(name, 0)}
        for name, series in self._series.items():
            series.length = min(series.length, lengths[name])
        del self._episodes[episodes:]
        self.version += 1


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
