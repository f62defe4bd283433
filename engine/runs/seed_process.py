"""One seed in a process of its own: train or go on, then evaluate. Both ends of the pipe are here; nothing is printed.

Torch-free to import: the run's own thread loads torch.
"""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from engine.learners.divergence import DivergenceError
from engine.learners.specs import EpisodesSpec
from engine.runs.jobs import Job
from engine.runs.processes import Parent, end_process, obituary, signals_held
from engine.runs.workshop import Workshop
from engine.storage.names import weights_of
from engine.storage.records import EvaluationRecord, RunRecord, Status, StoreError

# As the command line evaluates a single seed's run; a test holds the two together.
EVALUATION_EPISODES, EVALUATION_SEED = 1_000, 0
POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a process is to do: continue or only evaluate `run`, or start a new run where that is None."""

    home: Path
    spec: EpisodesSpec
    preset: str | None
    run: str | None


@dataclass(frozen=True, slots=True)
class Registered:
    """The run's id, once there is one."""

    run: str


@dataclass(frozen=True, slots=True)
class Progress:
    """The share of the run's budget that is used, in [0, 1]."""

    share: float


@dataclass(frozen=True, slots=True)
class Ended:
    """The process did what it could. `message` tells what failed outside the run; the store tells the rest."""

    message: str | None = None
    diverged: bool = False


Message = Registered | Progress | Ended


class _SettledWorkshop(Workshop):
    """A home folder in which the parent has settled what earlier processes left.

    Settling tries the lock of every live run; a sibling that starts or ends at that moment would be taken for dead.
    """

    def _settle(self) -> None:
        pass


def train_seed(assignment: Assignment, pipe: Connection) -> None:
    """The whole life of the process. Ctrl-C, SIGTERM, a word in the pipe or its end stop the run with a checkpoint."""
    parent = Parent(pipe)
    try:
        lab = _SettledWorkshop(assignment.home)
        try:
            parent.tell(_see_through(lab, assignment, parent))
        finally:
            lab.close()
    except (StoreError, OSError) as error:
        parent.tell(Ended(str(error)))


def _see_through(lab: Workshop, assignment: Assignment, parent: Parent) -> Ended:
    run_id = assignment.run
    if run_id is None or lab.store.run(run_id).status != Status.FINISHED:
        run = lab.continue_run(run_id) if run_id else lab.start(assignment.spec, preset=assignment.preset)
        run_id = run.id
        parent.tell(Registered(run_id))
        while not run.wait(POLL_SECONDS):
            parent.tell(Progress(run.progress))
            _stop_if_asked(run, parent)
        if run.status != Status.FINISHED:
            return Ended(diverged=isinstance(run.exception, DivergenceError))
    return _evaluate(lab, lab.store.run(run_id), parent)


def _evaluate(lab: Workshop, record: RunRecord, parent: Parent) -> Ended:
    for which in weights_of(lab.store, record.id):
        if kept_evaluation(lab, record, which) is not None or parent.asks_to_stop:
            continue
        job = lab.evaluation(f"{record.id}:{which}", EVALUATION_EPISODES, EVALUATION_SEED)
        job.start()
        while not job.wait(POLL_SECONDS):
            _stop_if_asked(job, parent)
        if job.error is not None:
            return Ended(f"the {which} weights of run {record.id} could not be evaluated: {job.error}")
    return Ended()


def _stop_if_asked(job: Job[Any], parent: Parent) -> None:
    if parent.asks_to_stop:
        job.stop()


def kept_evaluation(lab: Workshop, record: RunRecord, which: str) -> EvaluationRecord | None:
    """The kept evaluation of a finished run's weights; one from before its end was of other weights."""
    kept = lab.kept_evaluation(f"{record.id}:{which}", EVALUATION_EPISODES, EVALUATION_SEED)
    over = record.status == Status.FINISHED
    return kept if over and kept is not None and kept.created >= record.updated else None


class SeedProcess:
    """A seed's process as its parent sees it. `run` is the run's id as soon as it is known."""

    def __init__(self, seed: int, assignment: Assignment) -> None:
        context = multiprocessing.get_context("spawn")
        self.seed = seed
        self.share = 0.0
        self.run = assignment.run
        self._end: Ended | None = None
        self._stopped = False
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=train_seed, args=(assignment, theirs), name=f"seed {seed}", daemon=True)
        with signals_held():
            self._process.start()
        theirs.close()

    def stop(self) -> None:
        """Ask it to stop with a checkpoint."""
        if not self._stopped:
            self._stopped = True
            try:
                self.pipe.send("stop")
            except OSError:
                return  # It has ended, and `listen` will find that out.

    def listen(self) -> bool:
        """Take what it said; returns whether it has ended, of itself or not."""
        try:
            while self._end is None and self.pipe.poll():
                self._hear(self.pipe.recv())
        except (EOFError, OSError):
            return True
        return self._end is not None

    def _hear(self, message: Message) -> None:
        if isinstance(message, Registered):
            self.run = message.run
        elif isinstance(message, Progress):
            self.share = message.share
        else:
            self._end = message

    def join(self) -> None:
        """Wait for its end; a checkpoint is whole even if it has to be killed."""
        end_process(self._process)
        self.pipe.close()

    @property
    def end(self) -> Ended:
        """How it ended; only after `join`."""
        return self._end or Ended(self._obituary())

    def _obituary(self) -> str:
        return f"the process of seed {self.seed} {obituary(self._process)}; what it saved until then is kept."
