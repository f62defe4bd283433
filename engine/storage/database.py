"""The SQLite file of a home folder: a connection for each thread, transactions, and errors in one sentence each."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.storage.migrations import migrate
from engine.storage.records import StoreBusyError, StoreError

PATIENCE_SECONDS = 10.0
"""How long a thread waits for another program to finish writing."""
LOCKED, FULL = ("SQLITE_BUSY", "SQLITE_LOCKED"), ("SQLITE_FULL",)


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
            migrate(self._connection(), home)
        except (OSError, sqlite3.Error) as error:
            self.close()
            if _passes(error):
                raise self._told(error) from None
            raise StoreError(
                f"the home folder {home} cannot be used: {error}; choose another with --home or DQN_LAB_HOME."
            ) from None

    def be_patient(self, seconds: float) -> None:
        """How long this thread waits for another program to finish writing: little, where a screen would freeze."""
        with self._read() as db:
            db.execute(f"PRAGMA busy_timeout = {round(1000 * seconds)}")

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self.home / "lab.db", timeout=PATIENCE_SECONDS, isolation_level=None)
            connection.row_factory = sqlite3.Row
            _use_wal(connection)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            self._local.connection = connection
        return connection

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection.

        Raises:
            StoreError: the database could not be read; StoreBusyError, where another try may succeed.
        """
        try:
            yield self._connection()
        except sqlite3.Error as error:
            raise self._told(error) from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection in a transaction: all of it is written, or nothing.

        Raises:
            StoreError: it could not be written; StoreBusyError, where another try may succeed.
        """
        with self._read() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def _told(self, error: Exception) -> StoreError:
        """A database error as one sentence that says what would help."""
        name, file = _name(error), self.home / "lab.db"
        if name.startswith(LOCKED):
            return StoreBusyError(f"{file} is locked by another program, and can be written when that one is done.")
        if name.startswith(FULL):
            return StoreBusyError(f"the disk that holds {file} is full; make room there.")
        if name.startswith(("SQLITE_READONLY", "SQLITE_IOERR", "SQLITE_CANTOPEN")):
            return StoreBusyError(f"{file} cannot be used just now: {error}; look at the disk and its permissions.")
        return StoreError(f"{file} cannot be used: {error}.")

    @property
    def version(self) -> tuple[int, int]:
        """Another value after every change to the database, be it by this thread, another one or another process."""
        with self._read() as db:
            return int(db.execute("PRAGMA data_version").fetchone()[0]), db.total_changes

    def close(self) -> None:
        """Close this thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            del self._local.connection


def _use_wal(connection: sqlite3.Connection) -> None:
    """Let readers and a writer work side by side; the file keeps this mode.

    Several processes may make one home together, and SQLite refuses the change at once, whatever its timeout.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.Error as error:
            if not _name(error).startswith(LOCKED) or time.monotonic() >= deadline:
                raise
        time.sleep(0.01)


def _name(error: Exception) -> str:
    """SQLite's name of an error; empty where it has none."""
    return getattr(error, "sqlite_errorname", "") or ""


def _passes(error: Exception) -> bool:
    """Whether the same home can be used once another program is done, or there is room again."""
    return _name(error).startswith(LOCKED + FULL)
