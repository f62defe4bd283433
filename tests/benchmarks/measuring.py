"""What the benchmarks share: a row of the table, a process's memory, and timing two sides in turns on one machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what was measured, the figure, and the goal it stands beside."""

    work: str
    measured: str
    goal: str = ""


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@dataclass(frozen=True, slots=True)
class Measured:
    """What each side returned, one value a round."""

    rounds: dict[str, list[float]]

    def median(self, side: str) -> float:
        return median(self.rounds[side])

    def ratio(self, over: str, under: str) -> float:
        """The median of the rounds' ratios: a machine that is slower for a while slows both sides of a round."""
        return median(a / b for a, b in zip(self.rounds[over], self.rounds[under], strict=True))


def in_turns(sides: dict[str, Callable[[], float]], rounds: int) -> Measured:
    """Call each side once a round, in turns, after one round that does not count."""
    results: dict[str, list[float]] = {name: [] for name in sides}
    for counts in [False] + rounds * [True]:
        for name, side in sides.items():
            value = side()
            if counts:
                results[name].append(value)
    return Measured(results)


def resident_megabytes() -> float:
    """What the process holds in memory now, in MB (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the kernel does not tell a process's memory")
