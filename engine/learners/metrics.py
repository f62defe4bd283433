"""What a learner reports: series that only grow, and episodes. One thread writes without a lock, any number read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.learners.decimation import Stretch, Values, decimate, trailing_mean
from engine.learners.series import Series

__all__ = ["Episode", "MetricLog", "Stretch", "Values", "decimate", "trailing_mean"]


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


# What a log says of a series that does not exist yet.
NOTHING = Series()


class MetricLog:
    """Everything a learner reports. The learner's thread appends; others read snapshots when `version` has moved."""

    def __init__(self) -> None:
        # Never changed but exchanged: a reader meets the old names or the new ones, and logs may share one.
        self._series: dict[str, Series] = {}
        self._episodes: list[Episode] = []
        self.version = 0

    def append(self, name: str, x: float, y: float) -> None:
        """Add one point to a series, making it at its first point."""
        series = self._series.get(name)
        if series is None:
            series = Series()
            series.append(x, y)
            self._series = {**self._series, name: series}
        else:
            series.append(x, y)
        self.version += 1

    def extend(self, name: str, x: Values, y: Values) -> None:
        """Add many points to a series. ValueError where x and y differ in length."""
        series = self._series.get(name) or Series()
        series.extend(x, y)
        if series.length and name not in self._series:
            self._series = {**self._series, name: series}
        self.version += 1

    def add_episode(self, episode: Episode) -> None:
        self._episodes.append(episode)
        self.version += 1

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._series)

    def length(self, name: str) -> int:
        """Number of points; 0 for a series that does not exist yet."""
        return self._series.get(name, NOTHING).length

    def lengths(self) -> dict[str, int]:
        return {name: series.length for name, series in self._series.items()}

    def read(self, name: str, start: int = 0) -> tuple[Values, Values]:
        """Copies of x and y from row `start` on; empty for a series that does not exist yet."""
        return self._series.get(name, NOTHING).read(start)

    def last(self, name: str) -> float | None:
        """The newest value of a series; None for a series that does not exist yet."""
        return self._series.get(name, NOTHING).last()

    def episodes(self, start: int = 0) -> list[Episode]:
        return self._episodes[start:]

    @property
    def episode_count(self) -> int:
        return len(self._episodes)

    def view(self, name: str, columns: int, smooth: int = 1) -> tuple[Values, Values]:
        """The series as a chart of `columns` columns needs it: at most two points a column; see `decimate`.

        However long the series, it takes well under a millisecond, and a little for the points since the last view.

        Args:
            smooth: length of a trailing moving average that is taken before the decimation; 1 takes none.
        """
        return self._series.get(name, NOTHING).view(columns, smooth)

    def stretch(self, name: str, low: float, high: float, columns: int, smooth: int = 1) -> Stretch:
        """The part of a series in [low, high] as a chart needs it whose columns stand still while the series grows.

        It takes as long as `view`, however long the series.

        Args:
            smooth: length of a trailing moving average that is taken before the decimation; 1 takes none.
        """
        return self._series.get(name, NOTHING).stretch(low, high, columns, smooth)

    def at(self, name: str, places: Values, smooth: int = 1) -> Values:
        """The newest value at or before each place along x; NaN before the first point and beyond the last."""
        return self._series.get(name, NOTHING).at(places, smooth)

    def places(self, name: str) -> Values:
        """Where along x the points of a series lie. Read-only, for it is no copy: the log goes on using it."""
        return self._series.get(name, NOTHING).places()

    def trailing(self, name: str, window: int) -> Values:
        """The series' `trailing_mean`, one value a point. Read-only, for it is no copy: the log goes on using it."""
        return self._series.get(name, NOTHING).trailing(window)

    def take(self, other: MetricLog) -> None:
        """Become a copy of another log that nobody writes to any more. Others may read meanwhile."""
        self._series = other._series
        self._episodes = list(other._episodes)
        self.version += 1

    def truncate(self, lengths: Mapping[str, int], episodes: int) -> None:
        """Forget what came after a checkpoint. Only before the run's thread starts."""
        kept = {name: series for name, series in self._series.items() if lengths.get(name, 0)}
        # A series that loses rows is begun anew: a reader may still hold the old one, which never changes a row.
        self._series = {
            name: series if series.length <= lengths[name] else series.head(lengths[name])
            for name, series in kept.items()
        }
        self._episodes = self._episodes[:episodes]
        self.version += 1
