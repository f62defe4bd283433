"""What both ends of a process that the lab starts share: a parent that may ask to stop, signals held back. No work."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any

STOPPING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
PATIENCE_SECONDS = 30.0


class Parent:
    """The process that started this one: hears what happens, and may ask to stop. Its death asks for that too.

    `signalled` says whether somebody else asked, by a signal.
    """

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.signalled = False
        for number in STOPPING:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._note)
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.signalled = True

    def tell(self, message: object) -> None:
        with suppress(OSError):
            self._pipe.send(message)

    @property
    def asks_to_stop(self) -> bool:
        try:
            return self.signalled or self._pipe.poll()
        except OSError:
            return True


def end_process(process: Any) -> None:
    """Wait for a process that was asked to end, and kill it where it does not.

    Args:
        process: of `multiprocessing`, started.
    """
    process.join(PATIENCE_SECONDS)
    if process.is_alive():
        process.kill()
        process.join()


def obituary(process: multiprocessing.process.BaseProcess) -> str:
    """How a process ended that did not say so itself, as the end of a sentence."""
    code = process.exitcode
    return f"was ended by {signal.Signals(-code).name}" if code and code < 0 else f"ended with exit code {code}"


@contextmanager
def signals_held() -> Iterator[None]:
    """Keep stopping signals back while a process starts, which inherits that, until it can answer them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # It would let the signals through when it starts. It wants a real standard error, which a screen may have replaced.
    with redirect_stderr(sys.__stderr__):
        resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
