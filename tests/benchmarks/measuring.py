"""What the benchmarks share: a row of the table, and timing two sides in turns so that both meet the same machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
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


def in_turns(sides: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Call each side once a round, in turns; the median of what each returned."""
    results: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            results[name].append(side())
    return {name: median(values) for name, values in results.items()}
