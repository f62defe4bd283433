"""The home folder: one SQLite file and one folder a run. Every write is a transaction; nothing here learns."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import platformdirs

from engine.database import Database, StoreError
from engine.metrics import Episode, MetricLog
from engine.presets import PRESETS, changed_settings

LATEST = "latest:"
USUAL_SAMPLES = 1_000


def home_folder(given: str | os.PathLike[str] | None = None) -> Path:
    """`--home`, else DQN_LAB_HOME, else the user's data folder."""
    chosen = given or os.environ.get("DQN_LAB_HOME")
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_data_dir("dqn-lab", appauthor=False))


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What the store knows of a run.

    spec: everything it was started with, as plain values.
    seconds: of training; first_perfect_seconds: those until its first perfect selection evaluation, None without one.
    """

    id: str
    kind: str
    preset: str | None
    name: str | None
    spec: dict[str, Any]
    seed: int
    status: str
    created: str
    updated: str
    seconds: float
    first_perfect_seconds: float | None
    progress: float
    counters: dict[str, int]
    state_hash: str | None
    message: str | None

    @property
    def title(self) -> str:
        """The name given to the run, else its preset's, else its kind."""
        return self.name or self.preset or self.kind


@dataclass(frozen=True, slots=True)
class EvaluationRecord:
    """An evaluation that was made and kept."""

    agent: str
    run: str | None
    seed: int
    perfect: int
    seconds: float
    returns: npt.NDArray[np.float64]
    created: str


@dataclass(frozen=True, slots=True)
class LessonProgress:
    """How far a reader is: `state` is 'open' or 'done', `position` the scrolled share of the text in [0, 1]."""

    lesson: str
    state: str
    position: float
    updated: str


class Store(Database):
    """One home folder: what the lab keeps, and where. Safe to use from several threads."""

    # --- runs

    def run_folder(self, run: str) -> Path:
        return self.home / "runs" / run

    def agents_folder(self) -> Path:
        return self.home / "agents"

    def add_run(self, kind: str, spec: Mapping[str, Any], seed: int, preset: str | None, name: str | None) -> RunRecord:
        """Register a new run under a short id of its own."""
        now = _now()
        with self._transaction() as db:
            taken = {row[0] for row in db.execute("SELECT id FROM runs")}
            run = next(candidate for candidate in iter(_short_id, None) if candidate not in taken)
            db.execute(
                "INSERT INTO runs (id, kind, preset, name, spec, seed, status, created, updated) "
                "VALUES (?,?,?,?,?,?,?,?,?)",
                (run, kind, preset, name, json.dumps(spec), seed, "starting", now, now),
            )
        return self.run(run)

    def run(self, run: str) -> RunRecord:
        """The record of a run.

        Raises:
            StoreError: there is no run of that id.
        """
        row = self._connection().execute("SELECT * FROM runs WHERE id = ?", (run,)).fetchone()
        if row is None:
            raise StoreError(f"there is no run {run!r}; `dqn-lab runs list` names them.")
        return _run_record(row)

    def runs(self) -> list[RunRecord]:
        """All runs, newest first."""
        rows = self._connection().execute("SELECT * FROM runs ORDER BY created DESC, rowid DESC")
        return [_run_record(row) for row in rows]

    def runs_of(self, preset: str, samples: int = USUAL_SAMPLES) -> list[RunRecord]:
        """Runs of a preset with its settings and its budget as they are, newest first; the seed may be another.

        Of an imitation preset only those on so many training rows, 1,000 as in the lesson unless told otherwise.
        """
        return [
            run
            for run in self.runs()
            if run.preset == preset
            and not changed_settings(preset, run.spec["config"])
            and run.spec.get("train", {}).get("samples", samples) == samples
            and run.spec.get("episodes") == PRESETS[preset].episodes
            and run.spec.get("max_env_steps") is None
        ]

    def latest_run(self, preset: str) -> RunRecord | None:
        """The newest finished run of a preset."""
        return next((run for run in self.runs_of(preset) if run.status == "finished"), None)

    def run_of(self, agent: str) -> str | None:
        """The id of the run that an agent's name points to (`ID`, `ID:best`, `latest:PRESET`), or None."""
        if agent.startswith(LATEST):
            run = self.latest_run(agent.removeprefix(LATEST))
            return None if run is None else run.id
        run_id = agent.partition(":")[0]
        found = self._connection().execute("SELECT id FROM runs WHERE id = ?", (run_id,)).fetchone()
        return None if found is None else run_id

    def update_run(self, run: str, **fields: Any) -> None:
        """Set columns of a run's row."""
        values = {key: json.dumps(value) if isinstance(value, dict) else value for key, value in fields.items()}
        values["updated"] = _now()
        assignments = ", ".join(f"{key} = :{key}" for key in values)
        with self._transaction() as db:
            db.execute(f"UPDATE runs SET {assignments} WHERE id = :run", {**values, "run": run})

    def delete_run(self, run: str) -> None:
        """Forget a run, its metrics and its folder."""
        self.run(run)
        with self._transaction() as db:
            db.execute("DELETE FROM runs WHERE id = ?", (run,))
        shutil.rmtree(self.run_folder(run), ignore_errors=True)

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

    def load_metrics(self, run: str) -> MetricLog:
        """The saved metrics of a run as a log."""
        log = MetricLog()
        db = self._connection()
        for name, x, y in db.execute("SELECT series, x, y FROM metrics WHERE run = ? ORDER BY series, start", (run,)):
            log.extend(name, np.frombuffer(x), np.frombuffer(y))
        query = "SELECT * FROM episodes WHERE run = ? ORDER BY episode"
        for _, index, env_step, total, length, epsilon, terminated, truncated in db.execute(query, (run,)):
            log.add_episode(Episode(index, env_step, total, length, epsilon, bool(terminated), bool(truncated)))
        return log

    def last_metric(self, run: str, series: str) -> float | None:
        """The newest saved value of one series of a run, without reading the others."""
        query = "SELECT y FROM metrics WHERE run = ? AND series = ? ORDER BY start DESC LIMIT 1"
        row = self._connection().execute(query, (run, series)).fetchone()
        return None if row is None else float(np.frombuffer(row[0])[-1])

    def last_return_mean(self, run: str, episodes: int) -> float | None:
        """Mean return of a run's last training episodes; None where it has none."""
        query = "SELECT total_reward FROM episodes WHERE run = ? ORDER BY episode DESC LIMIT ?"
        returns = [row[0] for row in self._connection().execute(query, (run, episodes))]
        return float(np.mean(returns)) if returns else None

    # --- evaluations

    def add_evaluation(
        self, agent: str, run: str | None, seed: int, perfect: int, seconds: float, returns: npt.NDArray[np.float64]
    ) -> None:
        """Keep an evaluation's returns."""
        with self._transaction() as db:
            db.execute(
                "INSERT INTO evaluations (agent, run, seed, perfect, seconds, returns, created) VALUES (?,?,?,?,?,?,?)",
                (agent, run, seed, perfect, seconds, returns.astype(np.float64).tobytes(), _now()),
            )

    def evaluations(self, agent: str | None = None, run: str | None = None) -> list[EvaluationRecord]:
        """Kept evaluations, newest first; of one agent or one run where given."""
        rows = self._connection().execute(
            "SELECT * FROM evaluations WHERE (?1 IS NULL OR agent = ?1) AND (?2 IS NULL OR run = ?2) ORDER BY id DESC",
            (agent, run),
        )
        return [
            EvaluationRecord(
                row["agent"],
                row["run"],
                row["seed"],
                row["perfect"],
                row["seconds"],
                np.frombuffer(row["returns"]),
                row["created"],
            )
            for row in rows
        ]

    # --- the learner's own

    def lesson_progress(self) -> dict[str, LessonProgress]:
        rows = self._connection().execute("SELECT * FROM progress")
        return {row["lesson"]: LessonProgress(*row) for row in rows}

    def set_lesson_progress(self, lesson: str, state: str, position: float) -> None:
        with self._transaction() as db:
            db.execute(
                "INSERT INTO progress VALUES (?,?,?,?) ON CONFLICT DO UPDATE SET "
                "state = excluded.state, position = excluded.position, updated = excluded.updated",
                (lesson, state, position, _now()),
            )

    def predictions(self) -> dict[str, int]:
        """The committed choice for each question."""
        return dict(self._connection().execute("SELECT question, choice FROM predictions").fetchall())

    def add_prediction(self, question: str, choice: int) -> None:
        """Commit to a prediction; the first one stays."""
        with self._transaction() as db:
            db.execute("INSERT OR IGNORE INTO predictions VALUES (?,?,?)", (question, choice, _now()))

    def answers(self) -> dict[str, list[int]]:
        """Every choice ever given to each quiz question, oldest first."""
        found: dict[str, list[int]] = {}
        for question, choice in self._connection().execute("SELECT question, choice FROM answers ORDER BY id"):
            found.setdefault(question, []).append(choice)
        return found

    def add_answer(self, question: str, choice: int, correct: bool) -> None:
        with self._transaction() as db:
            db.execute(
                "INSERT INTO answers (question, choice, correct, created) VALUES (?,?,?,?)",
                (question, choice, correct, _now()),
            )


def _run_record(row: sqlite3.Row) -> RunRecord:
    fields = dict(row)
    return RunRecord(**{**fields, "spec": json.loads(fields["spec"]), "counters": json.loads(fields["counters"])})


def _short_id() -> str:
    """Five characters that can be typed and said: two syllables and a digit."""
    syllables = "".join(secrets.choice("bdfghjklmnprstvz") + secrets.choice("aeiou") for _ in range(2))
    return syllables + secrets.choice("23456789")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
