"""Waiting for the engine's jobs: progress on a terminal, and a Ctrl-C or SIGTERM that stops a job in good order."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from tui_lab.text import figure

if TYPE_CHECKING:
    from tqdm import tqdm

    from engine.runs.jobs import Job
    from engine.runs.run import Run

POLL_SECONDS = 0.2
STOPPING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@dataclass
class Stop:
    """Which signal asked to stop, if one did."""

    signal: int | None = None

    @property
    def exit_code(self) -> int:
        """What a shell expects after that signal; 0 without one."""
        return 0 if self.signal is None else 128 + self.signal


@contextmanager
def stop_signals() -> Iterator[Stop]:
    """Note the first Ctrl-C, SIGTERM or SIGHUP instead of dying of it; a second one acts as usual.

    A signal that the process was started to ignore (nohup) stays ignored.
    """
    stop = Stop()
    before: dict[int, Any] = {}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def asked(number: int, _frame: FrameType | None) -> None:
        stop.signal = number
        restore()

    if threading.current_thread() is threading.main_thread():
        for number in STOPPING:
            if signal.getsignal(number) != signal.SIG_IGN:
                before[number] = signal.signal(number, asked)
    try:
        yield stop
    finally:
        restore()


def wait_for(job: Job[Any], stop: Stop, label: str, detail: Callable[[], str] = str) -> None:
    """Wait for a started job to end, and stop it when a signal asks; shows a bar where standard error is a terminal.

    Args:
        detail: words to show behind the bar.
    """
    if not sys.stderr.isatty():
        while not job.wait(POLL_SECONDS):
            if stop.signal is not None:
                job.stop()
        return
    with progress_bar(label, job.progress) as bar:
        while not job.wait(POLL_SECONDS):
            if stop.signal is not None:
                job.stop()
            bar.n = job.progress
            bar.set_postfix_str(detail())


def progress_bar(label: str, done: float = 0.0) -> tqdm[NoReturn]:
    """A bar from 0 to 1 on standard error; it shows nothing where that is no terminal."""
    from tqdm import tqdm

    form = "{desc} {percentage:3.0f}%|{bar:20}| {elapsed}<{remaining}{postfix}"
    looks: dict[str, Any] = {"desc": label, "bar_format": form, "leave": False, "dynamic_ncols": True}
    return tqdm(total=1.0, initial=done, file=sys.stderr, disable=not sys.stderr.isatty(), **looks)


def training_detail(run: Run) -> str:
    """Where a run stands, in a few words."""
    return " · ".join(map(figure, run.kind.standing(run.spec, run.log, run.counters)))
