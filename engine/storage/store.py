"""The home folder: one SQLite file and one folder a run. Every write is a transaction; nothing here learns."""

from __future__ import annotations

import itertools
import json
import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import platformdirs

from engine.learners.metrics import Episode, MetricLog
from engine.learners.specs import Spec
from engine.storage.columns import columns, insert_run, run_record, where, write_metrics
from engine.storage.experiments import ExperimentStore
from engine.storage.files import remove_folder
from engine.storage.parcels import ParcelStore
from engine.storage.reader import now
from engine.storage.records import EvaluationRecord, RunHead, RunRecord, Status, StoreError, summed_up

_TAGGED = "instr(tags, ?) > 0"
"""A tag is a word without quotes, so that its JSON is found in no other one."""
_HEADS = """
SELECT id, kind, preset, name, seed, status, created, updated, seconds, progress,
    CASE tags WHEN '[]' THEN '' ELSE replace(replace(trim(tags, '[]'), '"', ''), ',', '') END,
    parent, (SELECT mean FROM evaluations WHERE run = runs.id AND created >= runs.updated ORDER BY id DESC LIMIT 1)
FROM runs ORDER BY created DESC, rowid DESC
"""
_EVALUATION = "id, agent, run, environment, seed, episodes, mean, std, min, max, perfect, seconds, created"


def home_folder(given: str | os.PathLike[str] | None = None) -> Path:
    """`--home`, else DQN_LAB_HOME, else the user's data folder."""
    chosen = given or os.environ.get("DQN_LAB_HOME")
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_data_dir("dqn-lab", appauthor=False))


class Store(ParcelStore, ExperimentStore):
    """One home folder: what the lab keeps, and where. Safe to use from several threads.

    Everything here raises StoreError where the database cannot be used, StoreBusyError where another try may succeed.
    """

    # --- runs

    def run_folder(self, run: str) -> Path:
        return self.home / "runs" / run

    def agents_folder(self) -> Path:
        return self.home / "agents"

    def add_run(self, spec: Spec, preset: str | None = None, name: str | None = None) -> RunRecord:
        """Register a new run under a short id of its own."""
        with self._transaction() as db:
            run = next(new for new in _short_ids() if self._is_free(db, new))
            insert_run(db, run, spec, preset=preset, name=name, status=str(Status.STARTING), recipe=spec.recipe)
        return self.run(run)

    def claim_run_folder(self) -> Path:
        """The new folder of a run that is yet to be registered; its name is the run's id, which nobody else gets."""
        while True:
            with self._read() as db:
                run = next(new for new in _short_ids() if self._is_free(db, new))
            with suppress(FileExistsError):
                self.run_folder(run).mkdir(parents=True)
                return self.run_folder(run)

    def add_fork(self, run: str, spec: Spec, log: MetricLog, **fields: Any) -> RunRecord:
        """Register a run that begins where another one stands, with the metrics up to there, whole or not at all.

        Args:
            run: its id, of `claim_run_folder`, with its checkpoint in that folder.
            fields: other columns of its row.
        """
        with self._transaction() as db:
            insert_run(db, run, spec, status=str(Status.STOPPED), **fields)
            write_metrics(db, run, log, {}, 0)
        return self.run(run)

    def _is_free(self, db: sqlite3.Connection, run: str) -> bool:
        """Whether no run has that id, nor left a folder under it."""
        taken = db.execute("SELECT 1 FROM runs WHERE id = ?", (run,)).fetchone()
        return taken is None and not self.run_folder(run).exists()

    def run(self, run: str) -> RunRecord:
        """The record of a run.

        Raises:
            StoreError: there is no run of that id.
        """
        with self._read() as db:
            row = db.execute("SELECT * FROM runs WHERE id = ?", (run,)).fetchone()
        if row is None:
            raise StoreError(f"there is no run {run!r}; `dqn-lab runs list` names them.")
        return run_record(row)

    def find_run(self, text: str) -> RunRecord | None:
        """The run of that id, else the newest one of that name, else None."""
        with self._read() as db:
            row = (
                db.execute("SELECT * FROM runs WHERE id = ?", (text,)).fetchone()
                or db.execute(
                    "SELECT * FROM runs WHERE name = ? ORDER BY created DESC, rowid DESC LIMIT 1", (text,)
                ).fetchone()
            )
        return None if row is None else run_record(row)

    def named_run(self, text: str) -> RunRecord:
        """`find_run`, for a run that must be there.

        Raises:
            StoreError: there is no run of that id or name.
        """
        return self.find_run(text) or self.run(text)

    def runs(
        self,
        *,
        recipe: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        kinds: Iterable[str] | None = None,
        statuses: Iterable[str] | None = None,
        tag: str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[RunRecord]:
        """Runs, newest first; those alone that fit what is given.

        Args:
            recipe: only runs that differ from one another in nothing but their seeds; see `Spec.recipe`.
            statuses, kinds: only runs of one of these.
        """
        tests, values = where(recipe=recipe, seed=seed, name=name, kind=kinds, status=statuses)
        if tag is not None:
            tests = f"{tests} AND {_TAGGED}" if tests else f" WHERE {_TAGGED}"
            values.append(json.dumps(tag))
        query = f"SELECT * FROM runs{tests} ORDER BY created DESC, rowid DESC LIMIT ? OFFSET ?"
        with self._read() as db:
            rows = db.execute(query, (*values, -1 if limit is None else limit, offset)).fetchall()
        return [run_record(row) for row in rows]

    def count_runs(self, tag: str | None = None) -> int:
        """How many runs there are, or how many have a tag."""
        tests, values = ("", ()) if tag is None else (f" WHERE {_TAGGED}", (json.dumps(tag),))
        with self._read() as db:
            return int(db.execute(f"SELECT count(*) FROM runs{tests}", values).fetchone()[0])

    def run_heads(self) -> list[RunHead]:
        """What a list shows of every run, newest first."""
        with self._read() as db:
            cursor = db.cursor()
            cursor.row_factory = None
            return [RunHead(*row) for row in cursor.execute(_HEADS)]

    def latest_run(self, recipe: str, *statuses: str) -> RunRecord | None:
        """The newest run of a recipe, in one of these statuses where any is given."""
        return next(iter(self.runs(recipe=recipe, statuses=statuses or None, limit=1)), None)

    def seeds_of(self, recipe: str) -> set[int]:
        """The seeds that a recipe was run with."""
        with self._read() as db:
            return {row[0] for row in db.execute("SELECT seed FROM runs WHERE recipe = ?", (recipe,))}

    def update_run(self, run: str, **fields: Any) -> None:
        """Set columns of a run's row, for its training has come further."""
        self._set_columns(run, {**fields, "updated": now()})

    def label_run(self, run: str, **fields: Any) -> None:
        """Set columns of a run's row that say what it is called, not where it stands."""
        self._set_columns(run, fields)

    def _set_columns(self, run: str, fields: Mapping[str, Any]) -> None:
        values = columns(fields)
        assignments = ", ".join(f"{key} = :{key}" for key in values)
        with self._transaction() as db:
            db.execute(f"UPDATE runs SET {assignments} WHERE id = :run", {**values, "run": run})

    def delete_run(self, run: str) -> None:
        """Forget a run, its metrics and its evaluations; `remove_run_folder` takes what lies in its folder.

        Raises:
            StoreError: there is no run of that id.
        """
        self.run(run)
        with self._transaction() as db:
            db.execute("DELETE FROM runs WHERE id = ?", (run,))

    def remove_run_folder(self, run: str) -> None:
        """Delete a run's checkpoints, agents and data; nobody may hold its lock, which lies there too."""
        with suppress(FileNotFoundError):  # A run has no folder until it starts.
            remove_folder(self.run_folder(run))

    # --- metrics

    def save_metrics(self, run: str, log: MetricLog, saved: Mapping[str, int], saved_episodes: int) -> None:
        """Append what the log holds beyond `saved` rows of each series and `saved_episodes` episodes.

        Rows already there beyond these counts come from a process killed after its last checkpoint; they are dropped.
        """
        with self._transaction() as db:
            write_metrics(db, run, log, saved, saved_episodes)

    def load_metrics(self, run: str, *, episodes: bool = True) -> MetricLog:
        """The saved metrics of a run as a log; without its `episodes` where only series are wanted."""
        log = MetricLog()
        with self._read() as db:
            query = "SELECT series, x, y FROM metrics WHERE run = ? ORDER BY series, start"
            for name, x, y in db.execute(query, (run,)):
                log.extend(name, np.frombuffer(x), np.frombuffer(y))
            query = "SELECT * FROM episodes WHERE run = ? ORDER BY episode"
            for _, index, env_step, total, length, epsilon, *ends in db.execute(query, (run,)) if episodes else ():
                terminated, truncated = map(bool, ends)
                log.add_episode(Episode(index, env_step, total, length, epsilon, terminated, truncated))
        return log

    def last_values(self, run: str, series: str, count: int = 1) -> npt.NDArray[np.float64]:
        """The newest saved values of one series of a run, at most `count`, without reading the others."""
        query = "SELECT y FROM metrics WHERE run = ? AND series = ? ORDER BY start DESC"
        pieces: list[npt.NDArray[np.float64]] = []
        with self._read() as db:
            for row in db.execute(query, (run, series)):
                pieces.insert(0, np.frombuffer(row[0]))
                if sum(map(len, pieces)) >= count:
                    break
        return np.concatenate(pieces)[-count:] if pieces else np.empty(0)

    def first_point(self, run: str, series: str) -> tuple[float, float] | None:
        """The first saved x and y of one series of a run, or None without one."""
        query = "SELECT x, y FROM metrics WHERE run = ? AND series = ? ORDER BY start LIMIT 1"
        with self._read() as db:
            row = db.execute(query, (run, series)).fetchone()
        return None if row is None else (float(np.frombuffer(row[0])[0]), float(np.frombuffer(row[1])[0]))

    # --- evaluations

    def add_evaluation(
        self,
        agent: str,
        run: str | None,
        environment: str,
        seed: int,
        perfect: int | None,
        seconds: float,
        returns: npt.NDArray[np.float64],
    ) -> int:
        """Keep an evaluation with its returns, [episodes]; returns its id.

        Raises:
            StoreError: the returns are no finite numbers, or the run is gone.
        """
        figures = summed_up(returns)
        if figures is None:
            raise StoreError(f"the returns of {agent!r} are no finite numbers; their evaluation cannot be kept.")
        with self._transaction() as db:
            if run is not None:
                self.run(run)
            row = db.execute(
                f"INSERT INTO evaluations ({_EVALUATION}) VALUES (NULL,?,?,?,?,?,?,?,?,?,?,?,?) RETURNING id",
                (agent, run, environment, seed, len(returns), *figures, perfect, seconds, now()),
            ).fetchone()
            db.execute("INSERT INTO returns VALUES (?,?)", (row[0], returns.astype(np.float64).tobytes()))
        return int(row[0])

    def evaluations(
        self,
        *,
        agent: str | None = None,
        run: str | None = None,
        seed: int | None = None,
        episodes: int | None = None,
        limit: int | None = None,
    ) -> list[EvaluationRecord]:
        """Kept evaluations, newest first; those alone that fit what is given."""
        tests, values = where(agent=agent, run=run, seed=seed, episodes=episodes)
        query = f"SELECT {_EVALUATION} FROM evaluations{tests} ORDER BY id DESC LIMIT ?"
        with self._read() as db:
            rows = db.execute(query, (*values, -1 if limit is None else limit)).fetchall()
        return [EvaluationRecord(*row) for row in rows]

    def newest_evaluation(
        self, agent: str | Iterable[str], run: str | None, seed: int | None, episodes: int
    ) -> EvaluationRecord | None:
        """The newest kept evaluation of an agent as what its name meant then: a run's weights, or (None) no run's.

        Args:
            agent: its name, or several that mean the same.
            seed: None for any.
        """
        tests, values = where(agent=agent, seed=seed, episodes=episodes)
        query = f"SELECT {_EVALUATION} FROM evaluations{tests} AND run IS ? ORDER BY id DESC LIMIT 1"
        with self._read() as db:
            row = db.execute(query, (*values, run)).fetchone()
        return None if row is None else EvaluationRecord(*row)

    def newest_evaluations(self, runs: Sequence[str]) -> dict[str, EvaluationRecord]:
        """The newest kept evaluation of each of some runs, in one look-up."""
        newest = "SELECT max(id) FROM evaluations WHERE run = runs.id"
        query = (
            f"SELECT {_EVALUATION} FROM evaluations WHERE id IN "
            f"(SELECT ({newest}) FROM runs WHERE id IN ({','.join('?' * len(runs))}))"
        )
        with self._read() as db:
            found = [EvaluationRecord(*row) for row in db.execute(query, tuple(runs))]
        return {one.run: one for one in found if one.run is not None}

    def returns(self, evaluation: int) -> npt.NDArray[np.float64]:
        """The returns of a kept evaluation, [episodes]; empty where they are gone."""
        with self._read() as db:
            row = db.execute("SELECT returns FROM returns WHERE evaluation = ?", (evaluation,)).fetchone()
        return np.empty(0) if row is None else np.frombuffer(row[0])


def _short_ids() -> Iterator[str]:
    """Ids that can be typed and said: two syllables and a digit; one more syllable each time ten were taken."""
    for tries in itertools.count(20):
        syllables = "".join(secrets.choice("bdfghjklmnprstvz") + secrets.choice("aeiou") for _ in range(tries // 10))
        yield syllables + secrets.choice("23456789")
