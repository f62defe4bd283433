"""The database's schema and the steps that lead to it: an older home is brought up to date whole, or not at all."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np

from engine.learners.environment_facts import CARTPOLE
from engine.learners.kinds import spec_from_dict
from engine.learners.settings import ConfigError
from engine.storage.records import StoreError

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
CREATE INDEX runs_by_recipe ON runs (recipe, created);
CREATE INDEX runs_by_status ON runs (status, created);
CREATE INDEX runs_by_name ON runs (name, created);
CREATE TABLE evaluations_3 (
    id INTEGER PRIMARY KEY, agent TEXT NOT NULL, run TEXT REFERENCES runs ON DELETE CASCADE, environment TEXT NOT NULL,
    seed INTEGER NOT NULL, episodes INTEGER NOT NULL, mean REAL NOT NULL, std REAL NOT NULL, min REAL NOT NULL,
    max REAL NOT NULL, perfect INTEGER, seconds REAL NOT NULL, created TEXT NOT NULL
) STRICT;
CREATE TABLE returns (
    evaluation INTEGER PRIMARY KEY REFERENCES evaluations_3 ON DELETE CASCADE, returns BLOB NOT NULL
) STRICT;
INSERT INTO returns SELECT id, returns FROM evaluations WHERE length(returns) >= 8;
"""


def _fill_recipes_and_summaries(db: sqlite3.Connection) -> None:
    """What SQL cannot compute: digests of specs, and figures of returns."""
    environments: dict[str, str] = {}
    for run, kind, text in db.execute("SELECT id, kind, spec FROM runs").fetchall():
        try:
            spec = json.loads(text)
            environments[run] = spec["config"].get("environment", CARTPOLE)
            recipe = spec_from_dict(kind, spec).recipe
        except (ConfigError, ValueError, KeyError, TypeError, AttributeError):
            continue  # A run that this lab cannot read stays as it is, and is found by its id alone.
        db.execute("UPDATE runs SET recipe = ? WHERE id = ?", (recipe, run))
    rows = db.execute("SELECT id, agent, run, seed, perfect, seconds, created FROM evaluations").fetchall()
    for row in rows:
        kept = db.execute("SELECT returns FROM returns WHERE evaluation = ?", (row["id"],)).fetchone()
        if kept is None:
            continue
        returns = np.frombuffer(kept[0])
        environment = environments.get(row["run"], CARTPOLE)
        # Before, an episode that lasted to the time limit counted as perfect everywhere.
        perfect = row["perfect"] if environment.startswith("CartPole-") else None
        figures = [float(f) for f in (returns.mean(), returns.std(), returns.min(), returns.max())]
        db.execute(
            "INSERT INTO evaluations_3 VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                *(row["id"], row["agent"], row["run"], environment, row["seed"], len(returns)),
                *(*figures, perfect, row["seconds"], row["created"]),
            ),
        )
    db.execute("DROP TABLE evaluations")
    db.execute("ALTER TABLE evaluations_3 RENAME TO evaluations")
    db.execute("CREATE INDEX evaluations_by_agent ON evaluations (agent, seed, episodes)")
    db.execute("CREATE INDEX evaluations_by_run ON evaluations (run)")


Step = tuple[str, Callable[[sqlite3.Connection], None]]


def _nothing(db: sqlite3.Connection) -> None:
    """A step that is all SQL."""


MIGRATIONS: tuple[Step, ...] = (
    (FIRST_SCHEMA, _nothing),
    (_FIRST_PERFECT, _nothing),
    (_RECIPES_AND_SUMMARIES, _fill_recipes_and_summaries),
)
"""What leads from each version of the schema to the next, from an empty file on: SQL, then what SQL cannot do."""
SCHEMA_VERSION = len(MIGRATIONS)


def migrate(db: sqlite3.Connection, home: Path) -> None:
    """Bring the schema to the current version, whole or not at all; what the tables hold stays, and a copy is kept.

    Raises:
        StoreError: the database is of a newer lab.
    """
    if _version(db) == SCHEMA_VERSION:
        return
    # Another process may migrate at the same time: what it left is looked at again under the lock.
    db.execute("BEGIN IMMEDIATE")
    try:
        version = _version(db)
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"{home / 'lab.db'} was written by a newer dqn-lab (schema {version}, this one knows "
                f"{SCHEMA_VERSION}); update dqn-lab or choose another home."
            )
        if 0 < version < SCHEMA_VERSION:
            _keep_copy(home, version)
        for statements, fill in MIGRATIONS[version:]:
            for statement in statements.split(";\n"):
                if statement.strip():
                    db.execute(statement)
            fill(db)
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _keep_copy(home: Path, version: int) -> None:
    """Copy the database as it was before the migration to `lab-schema-N.db`, whole or not at all."""
    kept, part = home / f"lab-schema-{version}.db", home / f".lab-schema-{version}.part"
    part.unlink(missing_ok=True)
    before, copy = sqlite3.connect(home / "lab.db"), sqlite3.connect(part)
    try:
        before.backup(copy)
    finally:
        copy.close()
        before.close()
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(kept)
