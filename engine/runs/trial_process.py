"""One process that trains and scores, seed after seed, what its parent sends; both ends are here. Keeps nothing.

Torch-free to import: the process loads torch when there is something to train.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from engine.learners.divergence import DivergenceError
from engine.learners.environment_facts import environment_facts
from engine.learners.kind import Learner
from engine.learners.kinds import kind_of
from engine.learners.metrics import MetricLog
from engine.learners.specs import DataSource, RowsSpec, Spec
from engine.runs.jobs import StoppedError, Work
from engine.runs.processes import Parent, end_process, obituary, signals_held
from engine.runs.rows import rows_of
from engine.runs.seed_process import EVALUATION_EPISODES, EVALUATION_SEED
from engine.storage.names import best_of
from engine.storage.store import Store

if TYPE_CHECKING:
    from engine.learners.samples import Samples

LOOK_SECONDS = 0.05
"""How often a process that trains looks whether it should stop."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one seed came to.

    score: what is maximised; None where the run failed.
    success: whether the evaluation is all that can be asked; None where nothing is known of that, or nothing acts.
    message: one sentence on what went wrong.
    diverged: whether it was the learning itself that failed.
    """

    seed: int
    score: float | None
    env_steps: int
    seconds: float
    success: bool | None = None
    message: str | None = None
    diverged: bool = False

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class _Rows:
    """The rows of earlier runs, which later ones mostly want again."""

    def __init__(self, home: Path, stopping: Callable[[], bool]) -> None:
        self._home = home
        self._stopping = stopping
        self._store: Store | None = None
        self._kept: dict[DataSource, Samples] = {}

    def __call__(self, spec: Spec, side: Literal["train", "test"]) -> Samples:
        assert isinstance(spec, RowsSpec)
        source: DataSource = getattr(spec, side)
        if source not in self._kept:
            self._store = self._store or Store(self._home)
            self._kept[source] = rows_of(self._store, source, self._stopping)
        return self._kept[source]


def train_and_score(spec: Spec, rows: Callable[..., Samples], stopping: Callable[[], bool]) -> Outcome:
    """Train a run to its end and score it, as `train` or `fit` with these settings and this seed would.

    Raises:
        StoppedError: it was to stop.
    """
    started, kind, log = time.perf_counter(), kind_of(spec), MetricLog()
    learner: Learner | None = None
    score: float | None = None
    success: bool | None = None
    message: str | None = None
    diverged = False
    try:
        learner = kind.learner(spec, log, lambda side: rows(spec, side))
        _finish(learner, stopping)
        score, success = _score(spec, log, learner, stopping)
    except StoppedError:
        raise
    except Exception as error:  # Whatever it is, it is this trial's end and not the search's.
        message = str(error) if isinstance(error, ValueError | ArithmeticError) else f"{type(error).__name__}: {error}"
        diverged = isinstance(error, DivergenceError)
    steps = 0 if learner is None else learner.counters().get("env_steps", 0)
    return Outcome(spec.config.seed, score, steps, time.perf_counter() - started, success, message, diverged)


def _finish(work: Work, stopping: Callable[[], bool]) -> None:
    looked = time.monotonic()
    while not work.finished:
        work.advance()
        if time.monotonic() - looked > LOOK_SECONDS:
            looked = time.monotonic()
            if stopping():
                raise StoppedError


def _score(
    spec: Spec, log: MetricLog, learner: Learner, stopping: Callable[[], bool]
) -> tuple[float | None, bool | None]:
    """The kind's own figure, else the mean return of the greedy evaluation of the weights that stand for the run."""
    kind = kind_of(spec)
    if kind.score is not None:
        _, values = log.read(kind.score.series)
        return (float(values[-kind.score.window :].mean()) if len(values) else None), None
    from engine.agents.agent import NetworkAgent
    from engine.agents.evaluation import Evaluator

    policies, environment = learner.policies(), kind.environment(spec.config)
    which = best_of(policies)
    agent = NetworkAgent(which, policies[which], kind.name, spec.config)
    evaluator = Evaluator(agent, EVALUATION_EPISODES, EVALUATION_SEED, environment)
    _finish(evaluator, stopping)
    figures = evaluator.result().summary()
    success = environment_facts(environment).succeeded(figures["mean"], figures["perfect"], figures["episodes"])
    return float(figures["mean"]), success


def work_for(home: Path, pipe: Connection) -> None:
    """The whole life of the process: a spec comes in, its outcome goes out. Any word meanwhile, a signal or the end of
    the pipe ends it."""
    parent = Parent(pipe)

    def stopping() -> bool:
        return parent.asks_to_stop

    rows = _Rows(home, stopping)
    try:
        while (spec := pipe.recv()) is not None:
            parent.tell(train_and_score(spec, rows, stopping))
    except (EOFError, OSError, StoppedError):
        return


class TrialProcess:
    """Such a process as its parent sees it. `task` is what it works on, in its parent's own terms."""

    def __init__(self, home: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self.task: object | None = None
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=work_for, args=(home, theirs), name="trial", daemon=True)
        with signals_held():
            self._process.start()
        theirs.close()

    def send(self, task: object, spec: Spec) -> None:
        self.task = task
        try:
            self.pipe.send(spec)
        except OSError:
            return  # It has ended, and `listen` will find that out.

    def listen(self) -> Outcome | None:
        """What came of the task; None while there is nothing yet.

        Raises:
            EOFError: the process has ended.
        """
        try:
            return self.pipe.recv() if self.pipe.poll() else None
        except OSError:
            raise EOFError from None

    def stop(self) -> None:
        """Ask it to end; `join` waits for that."""
        try:
            self.pipe.send(None)
        except OSError:
            return

    def join(self) -> str:
        """Wait for its end, and tell how it ended."""
        end_process(self._process)
        self.pipe.close()
        return f"its process {obituary(self._process)}"


class Crew:
    """Up to `size` such processes, each started when it is first needed."""

    def __init__(self, home: Path, size: int, process_type: Callable[[Path], TrialProcess] = TrialProcess) -> None:
        self._home = home
        self._size = size
        self._start = process_type
        self._processes: list[TrialProcess] = []

    @property
    def tasks(self) -> list[Any]:
        """What is under way."""
        return [process.task for process in self._processes if process.task is not None]

    @property
    def has_room(self) -> bool:
        return len(self.tasks) < self._size

    def send(self, task: object, spec: Spec) -> None:
        """Have a spec trained and scored; only while there is room."""
        idle = next((process for process in self._processes if process.task is None), None)
        if idle is None:
            idle = self._start(self._home)
            self._processes.append(idle)
        idle.send(task, spec)

    def listen(self, seconds: float) -> list[tuple[Any, Outcome | str]]:
        """Wait for what happens next, at most so long: tasks with their outcome, or with how their process died."""
        from multiprocessing import connection

        connection.wait([process.pipe for process in self._processes], seconds)
        heard: list[tuple[Any, Outcome | str]] = []
        for process in list(self._processes):
            try:
                outcome = process.listen()
            except EOFError:
                self._processes.remove(process)
                ended = process.join()
                if process.task is not None:
                    heard.append((process.task, ended))
                continue
            if outcome is not None:
                heard.append((process.task, outcome))
                process.task = None
        return heard

    def close(self) -> None:
        """End all processes; what they work on is given up."""
        for process in self._processes:
            process.stop()
        for process in self._processes:
            process.join()
        self._processes.clear()
