"""What many seeds cost beside their training: room in the home folder, time of the caller, time of the cluster.

`python -m tests.benchmarks.scaling 10000` measures at that number. A run of the preset `robust` is trained once and
stands for all of them.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

from engine.laboratory import Laboratory
from engine.learners.kinds import preset
from engine.learners.specs import EpisodesSpec
from engine.runs.cluster import open_cluster
from engine.runs.crew import Desk
from engine.runs.seeds import run_seeds, summarise
from engine.storage.parcels import Parcel
from tests.benchmarks.measuring import Row, seconds
from tests.engine.runs.small_cluster import SmallCluster, until

SEEDS = 1_000
CALLS = 1_000
PRESET = "robust"


def rows(seeds: int = SEEDS) -> list[Row]:
    with tempfile.TemporaryDirectory() as text:
        lab = Laboratory(Path(text) / "home")
        spec = preset(PRESET).spec
        assert isinstance(spec, EpisodesSpec)
        (outcome,) = run_seeds(lab, spec, [0], preset=PRESET)
        parcel = lab.store.pack(outcome.run)
        before, copies = _bytes(lab.store.home), _copies(parcel)
        first = seconds(lambda: _unpack(lab, copies, seeds // 10))
        _unpack(lab, copies, seeds - 2 * (seeds // 10))
        last = seconds(lambda: _unpack(lab, copies, seeds // 10))
        each = (_bytes(lab.store.home) - before) / seeds
        found: list[object] = []
        read = seconds(lambda: found.extend(run_seeds(lab, spec, range(seeds + 1), preset=PRESET)))
        summed = seconds(lambda: summarise(found))  # type: ignore[arg-type]
        lab.close()
        return [
            Row(f"a run of {PRESET}: training", f"{outcome.seconds:.1f} s"),
            Row("  sent from one machine to another", f"{parcel.size / 1e6:.2f} MB"),
            Row(f"  kept in a home folder of {seeds:,}", f"{each / 1e6:.2f} MB"),
            Row("  put there by the caller, among few runs", f"{1_000 * first / (seeds // 10):.1f} ms"),
            Row("  the same, among all", f"{1_000 * last / (seeds // 10):.1f} ms"),
            Row(f"{seeds:,} finished seeds asked for again", f"{read:.1f} s"),
            Row("  summed up", f"{summed:.2f} s"),
            *_calls(Path(text)),
        ]


def _copies(parcel: Parcel) -> Iterator[Parcel]:
    """The run again and again, each time under an id and a seed of its own."""
    old = parcel.run
    for number in count(1):
        new = f"run{number}"
        row = {**parcel.row, "id": new, "seed": number}
        tables = {
            table: [
                {key: value.replace(old, new) if isinstance(value, str) else value for key, value in one.items()}
                for one in found
            ]
            for table, found in parcel.tables.items()
        }
        yield replace(parcel, row=row, tables=tables)


def _unpack(lab: Laboratory, copies: Iterator[Parcel], many: int) -> None:
    for _ in range(many):
        lab.store.unpack(next(copies))


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _nothing(_desk: Desk) -> None:
    return None


def _calls(folder: Path) -> list[Row]:
    """Calls that do nothing: what the scheduler, a worker and the caller take for one."""
    small = SmallCluster(folder)
    small.start("a")
    try:
        crew = open_cluster(small.address, lambda text: print(text, file=sys.stderr))
        until(lambda: bool(crew.everywhere(int)))

        def all_of_them() -> None:
            waiting = iter(range(CALLS))
            done = 0
            while done < CALLS:
                while crew.has_room and (task := next(waiting, None)) is not None:
                    crew.send(task, _nothing)
                done += len(crew.listen(1.0))

        taken = seconds(all_of_them)
        crew.close()
    finally:
        small.close()
    return [Row("a call on a Dask cluster that does nothing", f"{1_000 * taken / CALLS:.1f} ms")]


ALL = (rows,)


if __name__ == "__main__":
    for row in rows(*map(int, sys.argv[1:])):
        print(f"{row.work:<56} {row.measured:>20}")
