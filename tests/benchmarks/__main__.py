"""Runs the benchmarks named on the command line, or all, and prints one table. Wants an otherwise idle machine."""

from __future__ import annotations

import sys

from engine.learners.network import prepare_thread
from tests.benchmarks import (
    cluster_speed,
    engine_speed,
    memory_of_runs,
    responsiveness,
    runs_screen,
    scaling,
    series_speed,
    store_scale,
    terminal_traffic,
)

MODULES = (
    engine_speed,
    responsiveness,
    runs_screen,
    terminal_traffic,
    store_scale,
    series_speed,
    memory_of_runs,
    cluster_speed,
    scaling,
)


def main() -> None:
    prepare_thread()
    print(f"{'work':<56} {'measured':>28} {'goal':>8}")
    for benchmark in (benchmark for module in MODULES for benchmark in module.ALL):
        if sys.argv[1:] and benchmark.__name__ not in sys.argv[1:]:
            continue
        for row in benchmark():
            print(f"{row.work:<56} {row.measured:>28} {row.goal:>8}", flush=True)


if __name__ == "__main__":
    main()
