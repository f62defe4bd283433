"""A real Dask cluster of processes on this machine: a scheduler and workers with home folders of their own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from engine.storage.store import Store

ROOT = Path(__file__).parents[3]
PATIENCE = 60.0


def until(true: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.05)


class SmallCluster:
    """`workers` by name. What the processes say is in `folder`, for whoever looks into a failure."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.scheduler = self._start("scheduler", "--host", self.address, "--no-dashboard")

    def restart_scheduler(self) -> None:
        """End it as a power cut would, and start another one at its address."""
        self.scheduler.kill()
        self.scheduler.wait()
        self.scheduler = self._start("scheduler", "--host", self.address, "--no-dashboard")

    def start(self, *names: str) -> None:
        """Start workers, or start them again, and go on at once."""
        for name in names:
            scratch = str(self.folder / f"scratch-{name}")
            flags = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--name", name, "--local-directory", scratch)
            self.workers[name] = self._start("worker", self.address, *flags, home=self.home(name))

    def kill(self, name: str) -> None:
        self.workers[name].kill()
        self.workers[name].wait()

    def home(self, name: str) -> Path:
        return self.folder / f"home-{name}"

    def runs(self, name: str) -> dict[int, str]:
        """The runs that lie in a worker's home folder: their status by seed."""
        found: dict[int, str] = {}
        for home in self.home(name).glob("cluster/*"):
            store = Store(home)
            found |= {record.seed: record.status for record in store.runs()}
            store.close()
        return found

    def close(self) -> None:
        for process in (*self.workers.values(), self.scheduler):
            process.kill()
            process.wait()

    def _start(self, what: str, *flags: str, home: Path | None = None) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        if home is not None:
            environment["DQN_LAB_HOME"] = str(home)
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *flags]
        with (self.folder / f"{what}.log").open("ab") as log:
            return subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log)
