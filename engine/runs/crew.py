"""A crew does calls side by side and tells what came of each: in processes here, or (`cluster.py`) elsewhere.

Torch-free to import: what is called loads what it needs.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.connection import Connection
from typing import Any, Protocol

from engine.learners.machine import usable_cores
from engine.runs.processes import Parent, end_process, obituary, signals_held


class Desk(Protocol):
    """What a call is given where it is done."""

    @property
    def stopping(self) -> bool:
        """Whether it should come to an end early; asked several times a second."""

    def tell(self, share: float) -> None:
        """Tell what share of it is done, in [0, 1]."""


Call = Callable[[Desk], Any]
"""What a crew does: it and its result can be pickled."""


class CrewError(ValueError):
    """One sentence on why a crew can work no more, or not at all."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A call that ended without a result; `how`, of the process that did it, as the end of a sentence."""

    how: str


class Crew(Protocol):
    """Tasks are what the caller calls them: hashable, each under way once."""

    @property
    def away(self) -> bool:
        """Whether calls are done where the caller's files are not at hand."""

    @property
    def size(self) -> int:
        """How many calls are done at a time; on a cluster it changes."""

    @property
    def tasks(self) -> list[Any]:
        """What is under way."""

    @property
    def has_room(self) -> bool: ...

    @property
    def shares(self) -> dict[Any, float]:
        """What share is done of each task under way, as far as that was told."""

    def send(self, task: Any, call: Call) -> None:
        """Have a call done; only while there is room."""

    def listen(self, seconds: float) -> list[tuple[Any, Any]]:
        """Wait for what happens next, at most so long: tasks with the results of their calls, or with `Lost`."""

    def stop(self) -> None:
        """Ask every call under way to come to an end; `listen` tells their results. Nothing may be sent any more."""

    def drop(self) -> None:
        """End what is under way without its results; more may be sent."""

    def close(self) -> None:
        """End everything; results that were not listened to are gone."""


@dataclass
class _PipeDesk:
    parent: Parent

    @property
    def stopping(self) -> bool:
        return self.parent.asks_to_stop

    def tell(self, share: float) -> None:
        self.parent.tell(share)


@dataclass(frozen=True, slots=True)
class Result:
    value: Any


def work_for(pipe: Connection, silent: bool) -> None:
    """The whole life of a process: calls come in, shares and results go out. Any word meanwhile, a signal or the end of
    the pipe asks the call to stop.

    Args:
        silent: whether nothing may be printed, not even a bug's traceback: a screen is there.
    """
    if silent:
        for stream in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    desk = _PipeDesk(Parent(pipe))
    try:
        while (call := pipe.recv()) is not None:
            desk.parent.tell(Result(call(desk)))
            if desk.parent.signalled:
                return
    except (EOFError, OSError):
        return


class CrewProcess:
    """Such a process as its parent sees it. `task` is what it works on."""

    def __init__(self, name: str, silent: bool = False) -> None:
        context = multiprocessing.get_context("spawn")
        self.task: Any = None
        self.share = 0.0
        self._stopped = False
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=work_for, args=(theirs, silent), name=name, daemon=True)
        with signals_held():
            self._process.start()
        theirs.close()

    def send(self, task: Any, call: Call) -> None:
        self.task, self.share = task, 0.0
        self._say(call)

    def stop(self) -> None:
        """Ask it to end."""
        if not self._stopped:
            self._stopped = True
            self._say(None)

    def _say(self, word: Call | None) -> None:
        try:
            self.pipe.send(word)
        except OSError:
            return  # It has ended, and `listen` will find that out.

    def listen(self) -> Result | None:
        """What came of the task; None while there is nothing yet.

        Raises:
            EOFError: the process has ended.
        """
        try:
            while self.pipe.poll():
                word = self.pipe.recv()
                if isinstance(word, Result):
                    return word
                self.share = word
        except OSError:
            raise EOFError from None
        return None

    def join(self) -> str:
        """Wait for its end, and kill it where that does not come; tells how it ended."""
        end_process(self._process)
        self.pipe.close()
        return obituary(self._process)


class AwayCrew(Crew, Protocol):
    """A crew on other machines, whose workers have addresses."""

    def send(self, task: Any, call: Call, at: Collection[str] = ()) -> None:
        """Have a call done, by one of the workers `at` these addresses where that is possible."""

    def everywhere(self, function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        """Have every worker call a function at once; returns its results by the workers' addresses."""


class LocalCrew:
    """A `Crew` of up to `size` processes of this machine, each started when it is first needed and then kept."""

    away = False

    def __init__(
        self, size: int, process_type: Callable[[str, bool], CrewProcess] = CrewProcess, *, silent: bool = False
    ) -> None:
        """
        Args:
            silent: whether the processes may print nothing, not even a bug's traceback.
        """
        self.size = size
        self._silent = silent
        self._start = process_type
        self._processes: list[CrewProcess] = []
        self._started = 0

    @property
    def tasks(self) -> list[Any]:
        return [process.task for process in self._processes if process.task is not None]

    @property
    def has_room(self) -> bool:
        return len(self.tasks) < self.size

    @property
    def shares(self) -> dict[Any, float]:
        return {process.task: process.share for process in self._processes if process.task is not None}

    def send(self, task: Any, call: Call) -> None:
        idle = next((process for process in self._processes if process.task is None), None)
        if idle is None:
            self._started += 1
            idle = self._start(f"worker {self._started}", self._silent)
            self._processes.append(idle)
        idle.send(task, call)

    def listen(self, seconds: float) -> list[tuple[Any, Any]]:
        connection.wait([process.pipe for process in self._processes], seconds)
        heard: list[tuple[Any, Any]] = []
        for process in list(self._processes):
            try:
                result = process.listen()
            except EOFError:
                self._processes.remove(process)
                how = process.join()
                if process.task is not None:
                    heard.append((process.task, Lost(how)))
                continue
            if result is not None:
                heard.append((process.task, result.value))
                process.task = None
        return heard

    def stop(self) -> None:
        for process in self._processes:
            process.stop()

    def drop(self) -> None:
        self.stop()
        for process in self._processes:
            process.join()
        self._processes.clear()

    def close(self) -> None:
        self.drop()


def open_crew(cluster: str | None, told: Callable[[str], None] = lambda text: None) -> Crew:
    """The crew of a cluster, or without one processes of this machine, one a usable core.

    Args:
        cluster: see `cluster.open_cluster`.
        told: hears, in a sentence each, of what a cluster goes through.

    Raises:
        CrewError: there is no such cluster, or it does not answer.
    """
    if cluster is None:
        return LocalCrew(usable_cores())
    from engine.runs.cluster import open_cluster

    return open_cluster(cluster, told)
