"""The database of studies: the home folder's own file or any that Optuna knows, opened, locked, its errors told.

Knows nothing of what a study searches. Optuna and SQLAlchemy load late.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

if TYPE_CHECKING:
    from optuna.storages import RDBStorage
    from sqlalchemy import URL

FILE = "studies.db"
PATIENCE_SECONDS = 60
"""How long one process waits for another to finish writing."""
CONNECT_SECONDS = 10
HEARTBEAT_SECONDS, GRACE_SECONDS = 10, 60
"""How often a worker says of its trials that it lives, and after what silence others take it for dead."""
SCHEMES = {
    "sqlite": "sqlite:///FILE",
    "postgresql": "postgresql+psycopg://USER@HOST/DATABASE",
    "mysql": "mysql+pymysql://USER@HOST/DATABASE",
    "mariadb": "mariadb+pymysql://USER@HOST/DATABASE",
}
EXTRAS = {"psycopg": "pip install 'dqn-lab[postgres]'"}
"""How a driver is installed that the lab has an extra for."""


class StudyError(ValueError):
    """One sentence on why a study cannot be used as it was asked for."""


class StudyAwayError(StudyError):
    """The database of a study cannot be reached or written at the moment; another try may succeed."""


def home_url(home: Path) -> str:
    """The URL of a home folder's own studies."""
    from sqlalchemy import URL

    return URL.create("sqlite", database=str(home.resolve() / FILE)).render_as_string(hide_password=False)


class StudyStorage:
    """An open database of studies. `shown` is its URL without a password."""

    def __init__(self, url: str, failed: Callable[[Any, Any], None]) -> None:
        """
        Args:
            failed: called with study and trial after a trial whose worker fell silent was marked as failed.

        Raises:
            StudyError: the URL is none, or its driver is missing; StudyAwayError: there is no reaching the database.
        """
        self.url = _parsed(url)
        self.shown = self.url.render_as_string(hide_password=True)
        self.file = _sqlite_file(self.url)
        with self.told():
            if self.file is not None:
                _make_private(self.file)
            with self.locked("open"):
                self.storage = self._open(failed)

    def _open(self, failed: Callable[[Any, Any], None]) -> RDBStorage:
        import warnings

        from optuna.exceptions import ExperimentalWarning
        from optuna.storages import RDBStorage

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # Heartbeats are called that.
            whole = self.url.render_as_string(hide_password=False)
            return RDBStorage(
                whole.replace("{", "{{").replace("}", "}}"),  # It fills in a schema version where braces ask for it.
                engine_kwargs={"connect_args": self._connect_args(), "pool_pre_ping": True},
                heartbeat_interval=HEARTBEAT_SECONDS,
                grace_period=GRACE_SECONDS,
                heartbeat_stale_trial_callback=failed,
            )

    def _connect_args(self) -> dict[str, int]:
        return {"timeout": PATIENCE_SECONDS} if self.file is not None else {"connect_timeout": CONNECT_SECONDS}

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Holds one lock of that name among all who use this database; it goes with the process, however that ends.

        Where several read, decide and write, as in taking the next trial of a budget, only this makes it one step.
        """
        if self.file is not None:
            with FileLock(f"{self.file}.lock", timeout=PATIENCE_SECONDS):
                yield
            return
        from sqlalchemy import create_engine, pool, text

        digest = hashlib.sha256(f"dqn-lab {name}".encode()).digest()
        if self.url.get_backend_name() == "postgresql":
            take, give = "SELECT pg_advisory_lock(:key)", "SELECT pg_advisory_unlock(:key)"
            values: dict[str, object] = {"key": int.from_bytes(digest[:8], signed=True)}
        else:
            take, give = f"SELECT GET_LOCK(:key, {PATIENCE_SECONDS})", "SELECT RELEASE_LOCK(:key)"
            values = {"key": digest.hex()[:60]}
        engine = create_engine(self.url, poolclass=pool.NullPool, connect_args=self._connect_args())
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(take), values)
            try:
                yield
            finally:
                connection.execute(text(give), values)

    @contextmanager
    def told(self) -> Iterator[None]:
        """Turns what goes wrong with the database into one sentence.

        Raises:
            StudyError: the driver is missing, or the database is of another Optuna; StudyAwayError: it is away.
        """
        from filelock import Timeout
        from optuna.exceptions import StorageInternalError
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except ImportError:
            driver = self.url.get_dialect().driver
            remedy = EXTRAS.get(driver, f"pip install {driver}")
            raise StudyError(f"{self.shown} needs the driver {driver}, which is not installed: {remedy}.") from None
        except RuntimeError as error:
            raise StudyError(f"{self.shown} cannot be used: {error}") from None
        except Timeout:
            raise StudyAwayError(f"{self.shown} is locked by another process for too long.") from None
        except (SQLAlchemyError, StorageInternalError, sqlite3.Error, OSError) as error:
            raise StudyAwayError(
                f"the studies in {self.shown} cannot be reached: {_reason(error)}; "
                "the same command goes on once they can."
            ) from error

    def close(self) -> None:
        self.storage.remove_session()
        self.storage.engine.dispose()


def _reason(error: BaseException) -> str:
    """The first line of what the driver says, else of the error itself."""
    cause = error.__cause__ if error.__cause__ is not None else error
    text = str(getattr(cause, "orig", None) or cause).strip() or type(error).__name__
    return text.splitlines()[0].strip().rstrip(".")


def _parsed(url: str) -> URL:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    examples = " or ".join(list(SCHEMES.values())[:2])
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # What cannot be read may hold a password, so it is not repeated.
        raise StudyError(f"--storage should be the URL of a database, such as {examples}.") from None
    backend = parsed.get_backend_name()
    if backend not in SCHEMES:
        raise StudyError(f"--storage takes {', '.join(SCHEMES)} URLs, such as {examples}, not {backend!r}.")
    if backend == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise StudyError("--storage should name a file, such as sqlite:///studies.db; a study in memory would be lost.")
    try:
        parsed.get_dialect()
    except NoSuchModuleError:
        raise StudyError(
            f"--storage names the driver {parsed.drivername!r}, which nobody knows; try {SCHEMES[backend]}."
        ) from None
    return parsed


def _sqlite_file(url: URL) -> Path | None:
    return Path(url.database or "").absolute() if url.get_backend_name() == "sqlite" else None


def _make_private(file: Path) -> None:
    """The file, for its owner alone where it is new, in the mode in which readers and a writer work side by side."""
    if not file.parent.is_dir():
        raise StudyError(f"the folder {file.parent} for the studies is not there.")
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    with FileLock(f"{file}.lock", timeout=PATIENCE_SECONDS):
        connection = sqlite3.connect(file, timeout=PATIENCE_SECONDS)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        finally:
            connection.close()
