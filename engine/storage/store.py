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
from engine.storage.experiments import ExperimentStore
from engine.storage.files import remove_folder
from engine.storage.parcels import ParcelStore
from engine.storage.reader import now
from engine.storage.records import EvaluationRecord, RunRecord, Status, StoreError, summed_up

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
        moment = now()
        with self._transaction() as db:
            run = next(new for new in _short_ids() if self._is_free(db, new))
            db.execute(
                "INSERT INTO runs (id, kind, preset, name, spec, seed, status, created, updated, recipe) "
                "VALUES (?,?,?,?,?,?,?,?,?,?)",
                (
                    *(run, spec.kind, preset, name, json.dumps(spec.to_dict()), spec.config.seed),
                    *(str(Status.STARTING), moment, moment, spec.recipe),
                ),
            )
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
        return _run_record(row)

    def find_run(self, text: str) -> RunRecord | None:
        """The run of that id, else the newest one of that name, else None."""
        with self._read() as db:
            row = (
                db.execute("SELECT * FROM runs WHERE id = ?", (text,)).fetchone()
                or db.execute(
                    "SELECT * FROM runs WHERE name = ? ORDER BY created DESC, rowid DESC LIMIT 1", (text,)
                ).fetchone()
            )
        return None if row is None else _run_record(row)

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
        limit: int | None = None,
        offset: int = 0,
    ) -> list[RunRecord]:
        """Runs, newest first; those alone that fit what is given.

        Args:
            recipe: only runs that differ from one another in nothing but their seeds; see `Spec.recipe`.
            statuses, kinds: only runs of one of these.
        """
        tests, values = _tests(recipe=recipe, seed=seed, name=name, kind=kinds, status=statuses)
        query = f"SELECT * FROM runs{tests} ORDER BY created DESC, rowid DESC LIMIT ? OFFSET ?"
        with self._read() as db:
            rows = db.execute(query, (*values, -1 if limit is None else limit, offset)).fetchall()
        return [_run_record(row) for row in rows]

    def count_runs(self) -> int:
        with self._read() as db:
            return int(db.execute("SELECT count(*) FROM runs").fetchone()[0])

    def latest_run(self, recipe: str, *statuses: str) -> RunRecord | None:
        """The newest run of a recipe, in one of these statuses where any is given."""
        return next(iter(self.runs(recipe=recipe, statuses=statuses or None, limit=1)), None)

    def seeds_of(self, recipe: str) -> set[int]:
        """The seeds that a recipe was run with."""
        with self._read() as db:
            return {row[0] for row in db.execute("SELECT seed FROM runs WHERE recipe = ?", (recipe,))}

    def update_run(self, run: str, **fields: Any) -> None:
        """Set columns of a run's row."""
        values = {key: json.dumps(value) if isinstance(value, dict) else value for key, value in fields.items()}
        values["updated"] = now()
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
            for (name,) in db.execute("SELECT DISTINCT series FROM metrics WHERE run = ?", (run,)).fetchall():
                own = (run, name, saved.get(name, 0))
                db.execute("DELETE FROM metrics WHERE run = ? AND series = ? AND start >= ?", own)
            for name in log.names:
                start = saved.get(name, 0)
                x, y = log.read(name, start)
                if len(x):
                    db.execute("INSERT INTO metrics VALUES (?,?,?,?,?)", (run, name, start, x.tobytes(), y.tobytes()))
            db.execute("DELETE FROM episodes WHERE run = ? AND episode >= ?", (run, saved_episodes))
            db.executemany(
                "INSERT INTO episodes VALUES (?,?,?,?,?,?,?,?)",
                [
                    (run, e.index, e.env_step, e.total_reward, e.length, e.epsilon, e.terminated, e.truncated)
                    for e in log.episodes(saved_episodes)
                ],
            )

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
        tests, values = _tests(agent=agent, run=run, seed=seed, episodes=episodes)
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
        tests, values = _tests(agent=agent, seed=seed, episodes=episodes)
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


def _tests(**columns: object) -> tuple[str, list[object]]:
    """A WHERE clause for the columns that are given, and its values; a collection stands for any of its members."""
    clauses: list[str] = []
    values: list[object] = []
    for column, wanted in columns.items():
        if wanted is None:
            continue
        several = [wanted] if isinstance(wanted, str | int) else list(wanted)  # type: ignore[call-overload]
        clauses.append(f"{column} IN ({','.join('?' * len(several))})")
        values += several
    return (" WHERE " + " AND ".join(clauses) if clauses else ""), values


def _run_record(row: sqlite3.Row) -> RunRecord:
    fields = dict(row)
    return RunRecord(**{**fields, "spec": _json_object(fields["spec"]), "counters": _json_object(fields["counters"])})


def _json_object(text: str) -> dict[str, Any]:
    """What a column of JSON holds; nothing where it is damaged, so that the run can still be listed and deleted."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _short_ids() -> Iterator[str]:
    """Ids that can be typed and said: two syllables and a digit; one more syllable each time ten were taken."""
    for tries in itertools.count(20):
        syllables = "".join(secrets.choice("bdfghjklmnprstvz") + secrets.choice("aeiou") for _ in range(tries // 10))
        yield syllables + secrets.choice("23456789")
