"""Who works on a study: a worker holds a lock file while it lives, so that its death is seen at once. No Optuna."""

from __future__ import annotations

import re
import secrets
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

ID = re.compile(r"[0-9a-f]{16}")


class Worker:
    """This process as a worker on studies; the lock goes with the process, however that ends."""

    def __init__(self, home: Path) -> None:
        """
        Raises:
            OSError: the home folder cannot be written.
        """
        self.id = secrets.token_hex(8)
        self._folder = home / "workers"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self._file(self.id))
        self._lock.acquire()

    def _file(self, worker: str) -> Path:
        return self._folder / f"{worker}.lock"

    def is_dead(self, worker: str) -> bool:
        """Whether a worker of this home folder has died; False also for one that works elsewhere."""
        if worker == self.id or not ID.fullmatch(worker) or not self._file(worker).exists():
            return False
        lock = FileLock(self._file(worker))
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return False
        lock.release()
        return True

    def forget(self, worker: str) -> None:
        """Clear away what a dead worker left."""
        with suppress(OSError):
            self._file(worker).unlink()

    def close(self) -> None:
        self._lock.release()
        self.forget(self.id)
