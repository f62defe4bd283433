"""What a chart's look at a long series costs while the series grows, and what loading and appending cost."""

from __future__ import annotations

from statistics import mean, median

import numpy as np

from engine.learners.metrics import MetricLog
from tests.benchmarks.measuring import Row, seconds

LENGTHS = (5_000, 500_000, 5_000_000)
COLUMNS = (60, 160)
SMOOTH = (1, 20)
LOOKS = 200
# A few looks a second, a few thousand points a second.
GROWTH = 1_000
LOADED = ("loss", "q", "grad_norm")


def views() -> list[Row]:
    """Milliseconds of a look, with a thousand new points before each."""
    rows = []
    for length in LENGTHS:
        for smooth in SMOOTH:
            for columns in COLUMNS:
                first, times = _looks(length, columns, smooth)
                work = f"view, {length:,} points, {columns} columns, mean of {smooth}"
                rows.append(Row(work, f"{1e3 * median(times):.2f} ms, mean {1e3 * mean(times):.2f}", "1 ms"))
            rows.append(Row("  the first one", f"{1e3 * first:.1f} ms"))
    return rows


def _looks(length: int, columns: int, smooth: int) -> tuple[float, list[float]]:
    """Seconds of the first look, and of each later one."""
    x, y = np.arange(float(length)), np.random.default_rng(0).normal(size=length)
    log = MetricLog()
    log.extend("loss", x, y)
    times = []
    for look in range(LOOKS + 1):
        times.append(seconds(lambda: log.view("loss", columns, smooth)))
        log.extend("loss", x[:GROWTH] + length + GROWTH * look, y[:GROWTH])
    return times[0], times[1:]


def loading() -> list[Row]:
    """Three series of half a million points from a thousand pieces each; and points one by one."""
    pieces = np.arange(500_000.0).reshape(1_000, -1)

    def load() -> None:
        log = MetricLog()
        for name in LOADED:
            for piece in pieces:
                log.extend(name, piece, piece)

    def append() -> None:
        log = MetricLog()
        for x in range(100_000):
            log.append("loss", x, 1.0)

    return [
        Row("loading 3 series of 500,000 points", f"{1e3 * median(seconds(load) for _ in range(9)):.1f} ms", "50 ms"),
        Row("appending a point", f"{1e4 * median(seconds(append) for _ in range(9)):.0f} ns"),
    ]


ALL = (views, loading)


def main() -> None:
    for benchmark in ALL:
        for row in benchmark():
            print(f"{row.work:<56} {row.measured:>28} {row.goal:>8}", flush=True)


if __name__ == "__main__":
    main()
