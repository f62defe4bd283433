"""What a cluster costs: the same seeds by processes of this machine and by Dask workers on it, in turns.

A run's seconds differ by its seed and by the machine's neighbours, so both sides train the same seeds in each round.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from engine.laboratory import Laboratory
from engine.learners.kinds import preset
from engine.learners.machine import usable_cores
from engine.learners.specs import EpisodesSpec
from engine.runs.cluster import open_cluster
from engine.runs.crew import Crew, LocalCrew
from engine.runs.seeds import run_seeds
from tests.benchmarks.measuring import Row, in_turns, seconds
from tests.engine.runs.small_cluster import SmallCluster, until

SEEDS = 6
ROUNDS = 3
STEPS = 20_000
"""Of `good-1`: about ten seconds a run on one of two cores."""


def spec() -> EpisodesSpec:
    found = preset("good-1").spec
    assert isinstance(found, EpisodesSpec)
    return replace(found, episodes=10_000, max_env_steps=STEPS)


@contextmanager
def _cluster(folder: Path) -> Iterator[SmallCluster]:
    small = SmallCluster(folder)
    small.start(*(f"w{number}" for number in range(usable_cores())))
    try:
        yield small
    finally:
        small.close()


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as text, _cluster(Path(text)) as small:
        folder, homes = Path(text), iter(range(1_000))

        def side(crew: Callable[[], Crew]) -> Callable[[], float]:
            def train() -> float:
                lab = Laboratory(folder / f"caller-{next(homes)}")
                made = crew()
                try:
                    taken = seconds(lambda: list(run_seeds(lab, spec(), range(1, SEEDS + 1), crew=made)))
                    return taken / SEEDS * usable_cores()
                finally:
                    lab.close()

            return train

        def dask() -> Crew:
            crew = open_cluster(small.address, lambda text: print(text, file=sys.stderr))
            until(lambda: crew.size == usable_cores())
            return crew

        found = in_turns({"processes": side(lambda: LocalCrew(usable_cores())), "Dask": side(dask)}, ROUNDS)
    return [
        Row(
            "a seed on a Dask cluster, against a process here",
            f"{found.ratio('Dask', 'processes'):.3f} x",
            "1.05 x",
        ),
        Row("  seconds a seed, Dask and processes", f"{found.median('Dask'):.1f} and {found.median('processes'):.1f}"),
    ]


ALL = (rows,)


if __name__ == "__main__":
    for row in rows():
        print(row.work, row.measured, row.goal, sep="  ")
