"""A job: any piece of work with `advance`, driven by a daemon thread that can be paused and stopped at every step."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

from engine.runs.courtesy import Courtesy
from engine.storage.records import Status

LONGEST_WAIT = 0.04
"""Seconds between two slowed steps, so that a job answers a stop or a pause within 50 ms; so 25 a second is slowest."""


class Work(Protocol):
    """Work in bounded pieces: one `advance` takes milliseconds."""

    @property
    def finished(self) -> bool: ...

    @property
    def progress(self) -> float:
        """Share done, in [0, 1]."""

    def advance(self) -> None: ...


def _sentence(error: Exception) -> str:
    """The lab's own errors are whole sentences; others need their kind to be understood."""
    return str(error) if isinstance(error, ValueError | ArithmeticError) else f"{type(error).__name__}: {error}"


_log = logging.getLogger(__name__)
W = TypeVar("W", bound=Work)
Listener = Callable[["Job[W]"], None]


class StoppedError(Exception):
    """Raised while the work is being made, when the job was asked to stop: there is nothing yet to keep."""


class Job(Generic[W]):
    """Drives work in a thread of its own. Status changes are told to `listeners`, in the job's thread.

    `work` is there from its making to the job's end, and is let go then.
    """

    def __init__(self, name: str, make: Callable[[], W]) -> None:
        """`steps_per_second` may be set at any time to slow the job down, None lets it run as fast as it can.

        Args:
            make: builds the work; called in the job's thread, so it may be slow or fail.
        """
        self.name = name
        self.listeners: list[Listener[W]] = []
        self.courtesy: Courtesy | None = None
        """Whom it gives way to, where there is a screen."""
        self.error: str | None = None
        self.exception: Exception | None = None
        self.work: W | None = None
        self._make = make
        self._status = Status.STARTING
        self._seconds = 0.0
        self._running_since: float | None = None
        self.steps_per_second: float | None = None
        self._progress = 0.0
        self._lock = threading.Lock()
        self._go = threading.Event()
        self._go.set()
        self._turn = threading.Event()
        self._turn.set()
        self._stopping = False
        self._thread = threading.Thread(target=self._live, name=f"job {name}", daemon=True)

    @property
    def status(self) -> Status:
        return self._status

    @property
    def progress(self) -> float:
        """Share done, in [0, 1]; after the end, what it was then."""
        work = self.work
        return self._progress if work is None else work.progress

    @property
    def seconds(self) -> float:
        """Time spent working; pauses do not count."""
        since = self._running_since
        return self._seconds + (0.0 if since is None else time.perf_counter() - since)

    @property
    def moving(self) -> bool:
        """Whether its thread is at work, so that its figures change by themselves."""
        return self._thread.is_alive() and self._status not in (Status.PAUSED, Status.QUEUED)

    def start(self) -> None:
        self._thread.start()

    def queue(self) -> None:
        """Before `start`: let the thread wait for `take_turn` before it makes its work."""
        self._turn.clear()
        self._status = Status.QUEUED

    def take_turn(self) -> None:
        """The end of the wait in a queue."""
        self._turn.set()

    @property
    def queued(self) -> bool:
        """Whether the job has yet to be given its turn."""
        return not self._turn.is_set()

    def pause(self) -> None:
        """Ask the thread to wait before its next step; a job that was asked to stop does not wait any more."""
        with self._lock:
            if not self._stopping:
                self._go.clear()

    def resume(self) -> None:
        self._go.set()

    @property
    def pausing(self) -> bool:
        """Whether the job was asked to pause."""
        return not self._go.is_set()

    def stop(self) -> None:
        """Ask the thread to end at its next step; `wait` tells when it has."""
        with self._lock:
            self._stopping = True
            self._go.set()
            self._turn.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the thread's end; returns whether it has ended."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _live(self) -> None:
        """The thread's whole life. Any error becomes the job's, with its message, and ends it."""
        try:
            with suppress(StoppedError):
                if self._status == Status.QUEUED:
                    self._wait_for_turn()
                self._begin()
                self._drive()
            status = Status.FINISHED if self._finished else Status.STOPPED
            self._end(status)
            self._let_go()
            self._set_status(status)
        except Exception as error:
            self.exception = error
            self.error = _sentence(error)
            self._clock(running=False)
            try:
                self._failed(error)
            finally:
                self._let_go()
                self._set_status(Status.FAILED)

    def _wait_for_turn(self) -> None:
        """
        Raises:
            StoppedError: the job was asked to stop meanwhile.
        """
        self._set_status(Status.QUEUED)
        self._turn.wait()
        if self._stopping:
            raise StoppedError
        self._set_status(Status.STARTING)

    def _let_go(self) -> None:
        """What worked may be large, and others may keep the job."""
        self._progress = self.progress
        self.work = None

    @property
    def _finished(self) -> bool:
        return self.work is not None and self.work.finished

    def _drive(self) -> None:
        assert self.work is not None
        self._clock(running=True)
        self._set_status(Status.RUNNING)
        while not self.work.finished and not self._stopping:
            if not self._go.is_set():
                self._rest()
                continue
            if self.courtesy is not None:
                self.courtesy.give_way()
            self.work.advance()
            self._advanced()
            if self.steps_per_second is not None:
                self._slow_down(self.steps_per_second)
        self._clock(running=False)

    def _slow_down(self, steps_per_second: float) -> None:
        """Wait between steps, so that a reader can follow; never so long that a stop or a pause would be late."""
        self._clock(running=False)
        time.sleep(min(LONGEST_WAIT, 1 / steps_per_second))
        self._clock(running=True)

    def _rest(self) -> None:
        self._clock(running=False)
        self._paused()
        self._set_status(Status.PAUSED)
        self._go.wait()
        if not self._stopping:
            self._set_status(Status.RUNNING)
            self._clock(running=True)

    def _clock(self, *, running: bool) -> None:
        if self._running_since is not None:
            self._seconds += time.perf_counter() - self._running_since
        self._running_since = time.perf_counter() if running else None

    def _set_status(self, status: Status) -> None:
        self._status = status
        for listener in list(self.listeners):
            try:
                listener(self)
            except Exception:
                # Whoever listens has no say in how the work ends.
                _log.exception("a listener of job %s failed at status %s", self.name, status)

    def _begin(self) -> None:
        """In the thread, first of all."""
        self.work = self._make()

    def _advanced(self) -> None:
        """After every step."""

    def _paused(self) -> None:
        """Before waiting."""

    def _end(self, status: Status) -> None:
        """After the last step, with the status that the job will have."""

    def _failed(self, error: Exception) -> None:
        """After an error."""
