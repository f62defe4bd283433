"""What the home folder keeps of experiments: what was asked, what was expected before, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.storage.database import Database
from engine.storage.reader import now
from engine.storage.records import StoreError


@dataclass(frozen=True, slots=True)
class ExperimentRecord:
    """
    baseline, changed: the two specs, as plain values, from the first of the seeds.
    expected: what was expected before anything ran.
    scores: what each run came to so far, as plain values.
    """

    id: int
    preset: str
    kind: str
    baseline: dict[str, Any]
    changed: dict[str, Any]
    seeds: tuple[int, ...]
    expected: str
    scores: list[dict[str, Any]]
    created: str


class ExperimentStore(Database):
    """The experiments' part of a home folder."""

    def add_experiment(
        self,
        preset: str,
        kind: str,
        baseline: dict[str, Any],
        changed: dict[str, Any],
        seeds: Sequence[int],
        expected: str,
    ) -> ExperimentRecord:
        """Keep what is asked and what is expected of it, before anything runs."""
        values = (preset, kind, *map(json.dumps, (baseline, changed, list(seeds))), expected)
        with self._transaction() as db:
            row = db.execute(
                "INSERT INTO experiments (preset, kind, baseline, changed, seeds, expected, created, updated) "
                "VALUES (?,?,?,?,?,?,?,?) RETURNING id",
                (*values, now(), now()),
            ).fetchone()
        return self.experiment(int(row[0]))

    def set_experiment_scores(self, experiment: int, scores: Sequence[dict[str, Any]]) -> None:
        with self._transaction() as db:
            db.execute(
                "UPDATE experiments SET scores = ?, updated = ? WHERE id = ?",
                (json.dumps(list(scores)), now(), experiment),
            )

    def experiment(self, experiment: int) -> ExperimentRecord:
        """
        Raises:
            StoreError: there is none of that id.
        """
        found = next((one for one in self.experiments() if one.id == experiment), None)
        if found is None:
            raise StoreError(f"there is no experiment {experiment}.")
        return found

    def experiments(self, kinds: Sequence[str] | None = None) -> list[ExperimentRecord]:
        """Every experiment, newest first; those of some kinds of learner where these are given."""
        columns = "id, preset, kind, baseline, changed, seeds, expected, scores, created"
        with self._read() as db:
            rows = db.execute(f"SELECT {columns} FROM experiments ORDER BY id DESC").fetchall()
        return [_record(*row) for row in rows if kinds is None or row["kind"] in kinds]


def _record(
    id: int, preset: str, kind: str, baseline: str, changed: str, seeds: str, expected: str, scores: str, created: str
) -> ExperimentRecord:
    specs = json.loads(baseline), json.loads(changed)
    return ExperimentRecord(id, preset, kind, *specs, tuple(json.loads(seeds)), expected, json.loads(scores), created)
