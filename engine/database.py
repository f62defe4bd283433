"""The SQLite file of a home folder: its schema, a connection for each thread, and transactions."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
MIGRATIONS = (FIRST_SCHEMA, "ALTER TABLE runs ADD COLUMN first_perfect_seconds REAL;")
"""What leads from each version of the schema to the next, from an empty file on."""
SCHEMA_VERSION = len(MIGRATIONS)


class StoreError(ValueError):
    """One sentence on why the home folder cannot be used, or a run not be found."""


class Database:
    """One home folder. Safe to use from several threads: each gets a connection of its own."""

    def __init__(self, home: Path) -> None:
        """Open a home folder, making it where it is not there yet.

        Raises:
            StoreError: the folder cannot be written, or its database is damaged or of a newer lab.
        """
        self.home = home
        self._local = threading.local()
        try:
            home.mkdir(parents=True, exist_ok=True)
            self._migrate()
        except (OSError, sqlite3.Error) as error:
            raise StoreError(
                f"the home folder {home} cannot be used: {error}; choose another with --home or DQN_LAB_HOME."
            ) from None

    def _migrate(self) -> None:
        """Bring the schema to the current version, whole or not at all; what the tables hold stays."""
        with self._transaction() as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > SCHEMA_VERSION:
                raise StoreError(
                    f"{self.home / 'lab.db'} was written by a newer dqn-lab (schema {version}, this one knows "
                    f"{SCHEMA_VERSION}); update dqn-lab or choose another home."
                )
            for statements in MIGRATIONS[version:]:
                for statement in statements.split(";\n"):
                    if statement.strip():
                        db.execute(statement)
            if version < SCHEMA_VERSION:
                db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self.home / "lab.db", timeout=10, isolation_level=None)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            self._local.connection = connection
        return connection

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        db = self._connection()
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")

    def close(self) -> None:
        """Close this thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            del self._local.connection
