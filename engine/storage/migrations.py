"""The database's schema and the steps that lead to it: an older home is brought up to date whole, or not at all."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.learners.environment_facts import CARTPOLE, DESCRIPTIONS, Description
from engine.learners.kinds import spec_from_dict
from engine.storage.records import StoreError, summed_up

_log = logging.getLogger(__name__)

PATIENCE_SECONDS = 120
"""How long a process waits for another one that migrates the same home, which takes as long as the home is large."""

FIRST_SCHEMA = """
CREATE TABLE runs (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, preset TEXT, name TEXT, spec TEXT NOT NULL, seed INTEGER NOT NULL,
    status TEXT NOT NULL, created TEXT NOT NULL, updated TEXT NOT NULL, seconds REAL NOT NULL DEFAULT 0,
    progress REAL NOT NULL DEFAULT 0, counters TEXT NOT NULL DEFAULT '{}', state_hash TEXT, message TEXT
) STRICT;
CREATE TABLE metrics (
    run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, series TEXT NOT NULL, start INTEGER NOT NULL,
    x BLOB NOT NULL, y BLOB NOT NULL, PRIMARY KEY (run, series, start)
) STRICT;
CREATE TABLE episodes (
    run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, episode INTEGER NOT NULL, env_step INTEGER NOT NULL,
    total_reward REAL NOT NULL, length INTEGER NOT NULL, epsilon REAL NOT NULL, terminated INTEGER NOT NULL,
    truncated INTEGER NOT NULL, PRIMARY KEY (run, episode)
) STRICT;
CREATE TABLE evaluations (
    id INTEGER PRIMARY KEY, agent TEXT NOT NULL, run TEXT REFERENCES runs ON DELETE CASCADE, seed INTEGER NOT NULL,
    perfect INTEGER NOT NULL, seconds REAL NOT NULL, returns BLOB NOT NULL, created TEXT NOT NULL
) STRICT;
CREATE TABLE progress (
    lesson TEXT PRIMARY KEY, state TEXT NOT NULL, position REAL NOT NULL, updated TEXT NOT NULL
) STRICT;
CREATE TABLE predictions (question TEXT PRIMARY KEY, choice INTEGER NOT NULL, created TEXT NOT NULL) STRICT;
CREATE TABLE answers (
    id INTEGER PRIMARY KEY, question TEXT NOT NULL, choice INTEGER NOT NULL, correct INTEGER NOT NULL,
    created TEXT NOT NULL
) STRICT;
"""

_FIRST_PERFECT = "ALTER TABLE runs ADD COLUMN first_perfect_seconds REAL;"

_RECIPES_AND_SUMMARIES = """
ALTER TABLE runs ADD COLUMN recipe TEXT;
CREATE INDEX runs_by_age ON runs (created);
CREATE INDEX runs_by_name ON runs (name, created);
CREATE INDEX runs_by_status ON runs (status, created);
CREATE INDEX runs_by_recipe ON runs (recipe, created);
CREATE INDEX runs_by_recipe_and_status ON runs (recipe, status, created);
CREATE INDEX runs_by_recipe_and_seed ON runs (recipe, seed);
ALTER TABLE evaluations RENAME TO evaluations_2;
CREATE TABLE evaluations (
    id INTEGER PRIMARY KEY, agent TEXT NOT NULL, run TEXT REFERENCES runs ON DELETE CASCADE, environment TEXT NOT NULL,
    seed INTEGER NOT NULL, episodes INTEGER NOT NULL, mean REAL NOT NULL, std REAL NOT NULL, min REAL NOT NULL,
    max REAL NOT NULL, perfect INTEGER, seconds REAL NOT NULL, created TEXT NOT NULL
) STRICT;
CREATE TABLE returns (
    evaluation INTEGER PRIMARY KEY REFERENCES evaluations ON DELETE CASCADE, returns BLOB NOT NULL
) STRICT;
CREATE INDEX evaluations_by_agent ON evaluations (agent, seed, episodes);
CREATE INDEX evaluations_by_run ON evaluations (run);
"""

_EXPERIMENTS = """
CREATE TABLE experiments (
    id INTEGER PRIMARY KEY, preset TEXT NOT NULL, kind TEXT NOT NULL, baseline TEXT NOT NULL, changed TEXT NOT NULL,
    seeds TEXT NOT NULL, expected TEXT NOT NULL, scores TEXT NOT NULL DEFAULT '[]', created TEXT NOT NULL,
    updated TEXT NOT NULL
) STRICT;
"""

_LABELS_AND_FORKS = """
ALTER TABLE runs ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
ALTER TABLE runs ADD COLUMN parent TEXT;
ALTER TABLE runs ADD COLUMN forked_at TEXT;
"""


def _fill_recipes_and_summaries(db: sqlite3.Connection, home: Path) -> None:
    """What SQL cannot compute: digests of specs, and figures of returns."""
    environments: dict[str, str] = {}
    for run, kind, text in db.execute("SELECT id, kind, spec FROM runs").fetchall():
        spec = _read_json(text)
        environments[run] = _environment_in(spec)
        try:
            recipe = spec_from_dict(kind, spec).recipe
        except Exception:  # Whatever a row holds, the home must open; this run is found by its id and name alone.
            continue
        db.execute("UPDATE runs SET recipe = ? WHERE id = ?", (recipe, run))
    left_out = 0
    for (number,) in db.execute("SELECT id FROM evaluations_2 ORDER BY id").fetchall():
        query = "SELECT agent, run, seed, perfect, seconds, created, returns FROM evaluations_2 WHERE id = ?"
        agent, run, seed, perfect, seconds, created, blob = db.execute(query, (number,)).fetchone()
        returns = _read_returns(blob)
        figures = summed_up(returns)
        if figures is None:
            left_out += 1
            continue
        environment = environments[run] if run in environments else _environment_of_agent(home, agent)
        # An episode that lasted to the time limit counted as perfect everywhere.
        perfect = perfect if _lasting_is_good(environment) else None
        db.execute(
            "INSERT INTO evaluations VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                *(number, agent, run if run in environments else None, environment, seed, len(returns)),
                *(*figures, perfect, seconds, created),
            ),
        )
        db.execute("INSERT INTO returns VALUES (?,?)", (number, blob))
    db.execute("DROP TABLE evaluations_2")
    if left_out:
        _log.warning(
            "%d of the evaluations in %s had no returns that can be read and are left out; the copy lab-schema-%d.db "
            "beside it still has them.",
            *(left_out, home / "lab.db", _version(db)),
        )


def _read_json(text: str) -> Any:
    """What a text of JSON says; None where it is damaged."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _read_returns(blob: bytes) -> npt.NDArray[np.float64]:
    """The returns in a blob; none where it is damaged."""
    whole = len(blob) % np.dtype(np.float64).itemsize == 0
    return np.frombuffer(blob) if whole else np.empty(0)


def _environment_in(spec: Any) -> str:
    """The environment that a spec names; a kind of learner that knows but one, CartPole, does not name it."""
    config = spec.get("config") if isinstance(spec, dict) else None
    found = config.get("environment") if isinstance(config, dict) else None
    return found if isinstance(found, str) else CARTPOLE


def _environment_of_agent(home: Path, agent: str) -> str:
    """The environment of an agent that is no run's: what its folder tells, where it still lies there."""
    try:
        settings = (home / "agents" / agent / "hparams.json").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return CARTPOLE
    return _environment_in({"config": _read_json(settings)})


def _lasting_is_good(environment: str) -> bool:
    return (DESCRIPTIONS.get(environment, Description()).step_reward or 0) > 0


Step = tuple[str, Callable[[sqlite3.Connection, Path], None]]


def _nothing(db: sqlite3.Connection, home: Path) -> None:
    """A step that is all SQL."""


MIGRATIONS: tuple[Step, ...] = (
    (FIRST_SCHEMA, _nothing),
    (_FIRST_PERFECT, _nothing),
    (_RECIPES_AND_SUMMARIES, _fill_recipes_and_summaries),
    (_EXPERIMENTS, _nothing),
    (_LABELS_AND_FORKS, _nothing),
)
"""What leads from each version of the schema to the next, from an empty file on: SQL, then what SQL cannot do."""
SCHEMA_VERSION = len(MIGRATIONS)


def migrate(db: sqlite3.Connection, home: Path) -> None:
    """Bring the schema to the current version, whole or not at all; what the tables hold stays, and a copy is kept.

    Raises:
        StoreError: the database is of a newer lab.
    """
    if _known_version(db, home) == SCHEMA_VERSION:
        return
    # Another process may migrate at the same time: what it left is looked at again under the lock.
    usual = db.execute("PRAGMA busy_timeout").fetchone()[0]
    db.execute(f"PRAGMA busy_timeout = {1000 * PATIENCE_SECONDS}")
    try:
        db.execute("BEGIN IMMEDIATE")
        version = _known_version(db, home)
        if 0 < version < SCHEMA_VERSION:
            _keep_copy(home, version)
        for statements, fill in MIGRATIONS[version:]:
            for statement in statements.split(";\n"):
                if statement.strip():
                    db.execute(statement)
            fill(db, home)
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    finally:
        db.execute(f"PRAGMA busy_timeout = {usual}")


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _known_version(db: sqlite3.Connection, home: Path) -> int:
    """The schema's version.

    Raises:
        StoreError: the database is of a newer lab.
    """
    version = _version(db)
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{home / 'lab.db'} was written by a newer dqn-lab (schema {version}, this one knows "
            f"{SCHEMA_VERSION}); update dqn-lab or choose another home."
        )
    return version


def _keep_copy(home: Path, version: int) -> None:
    """Copy the database as it was before the migration to `lab-schema-N.db`, whole or not at all."""
    kept, part = home / f"lab-schema-{version}.db", home / f".lab-schema-{version}.part"
    part.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(home / "lab.db")) as before, closing(sqlite3.connect(part)) as copy:
            before.backup(copy)
        with part.open("r+b") as file:
            os.fsync(file.fileno())
        part.replace(kept)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
