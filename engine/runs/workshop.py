"""A home folder and the work that this process does in it: runs started, continued, stopped, deleted. Torch-free."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakSet

from filelock import FileLock, Timeout

from engine.learners.kinds import kind_of, spec_from_dict
from engine.learners.machine import usable_cores
from engine.learners.specs import Spec
from engine.runs.courtesy import Courtesy
from engine.runs.jobs import Job
from engine.runs.run import Run
from engine.runs.tasks import EvaluationJob
from engine.storage.files import settle_folders
from engine.storage.forks import keep_checkpoint, make_fork
from engine.storage.names import check_name, run_of
from engine.storage.records import LIVE, EvaluationRecord, RunRecord, Status, StoreError
from engine.storage.store import Store

J = TypeVar("J", bound=Job[Any])

SAVE_SECONDS = 2.0
"""How long one waits for a run's own thread to save its state."""


class Workshop:
    """`runs` are those that this process works on, by id; they leave it when they end.

    places: how many of them train at a time; later ones are queued, and begin in the order in which they came. A run
        that is paused takes no place.
    """

    def __init__(self, home: Path) -> None:
        """
        Raises:
            StoreError: the home folder cannot be used.
        """
        self.store = Store(home)
        self.runs: dict[str, Run] = {}
        self.run_type: type[Run] = Run
        self.listeners: list[Callable[[Job[Any]], None]] = []
        self.courtesy = Courtesy()
        self._jobs: WeakSet[Job[Any]] = WeakSet()
        self.on_moving: list[Callable[[], None]] = []
        """Called, in whatever thread, when something begins that `moving` is about."""
        self.places = usable_cores()
        self._turns = threading.Lock()
        self._settle()

    def _settle(self) -> None:
        """Mark runs whose process died as interrupted, and put back agents that it was about to replace."""
        for record in self.store.runs(statuses=LIVE):
            self.look_again(record)
        settle_folders(self.store.agents_folder())

    def look_again(self, record: RunRecord) -> RunRecord:
        """The record as it is now; a run that claims to be live in no process is marked as interrupted."""
        own = self.runs.get(record.id)
        if not Status(record.status).live or (own is not None and own.status.live):
            return record
        with self._unless_worked_on(record.id) as free:
            # Read again under the lock: the run may have ended in good order since the record was read.
            if free and Status(self.store.run(record.id).status).live:
                self.store.update_run(record.id, status=str(Status.INTERRUPTED))
        return self.store.run(record.id)

    @contextmanager
    def _unless_worked_on(self, run_id: str) -> Iterator[bool]:
        """Yields True while holding the run's lock, so that nobody starts to work on it; False where somebody does."""
        folder = self.store.run_folder(run_id)
        if not folder.is_dir():
            yield True
            return
        lock = FileLock(folder / "lock")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def start(self, spec: Spec, *, preset: str | None = None, name: str | None = None) -> Run:
        """Register a new run and start it, or queue it where all places are taken.

        Raises:
            AgentError: `name`, under which the run's agent will be saved, is no name or belongs to the lab.
            StoreError: the home folder cannot be written.
        """
        if name is not None:
            check_name(name)
        return self._launch(self.store.add_run(spec, preset, name))

    def continue_run(self, run_id: str) -> Run:
        """Continue a run of an earlier process, or a stopped one, by its id or name, from its latest checkpoint.

        Raises:
            StoreError: there is no such run, it is finished, or another process works on it.
        """
        record = self.store.named_run(run_id)
        live = self.runs.get(record.id)
        if live is not None and live.status.live:
            live.resume()
            return live
        if record.status == Status.FINISHED:
            raise StoreError(f"run {record.id} is finished; there is nothing to continue.")
        return self._launch(record)

    def extend_run(self, run_id: str, more: int) -> Run:
        """Give a finished run a budget of so many more episodes or epochs, and go on with it: same seed, same state.

        Raises:
            StoreError: there is no such run, it is not finished, or it ended before its budget did.
            ConfigError: it has no such budget.
        """
        record = self.store.named_run(run_id)
        if record.status != Status.FINISHED:
            raise StoreError(f"run {record.id} is {record.status}; only a finished run can be given a longer budget.")
        spec = spec_from_dict(record.kind, record.spec)
        longer = spec.extended(record.counters, more)
        early = kind_of(spec).ends_early
        if early is not None and spec.used(record.counters) < 1:
            raise StoreError(
                f"run {record.id} ended by {early} before its budget did; `dqn-lab fork {record.id} --set "
                f"{early}=false` goes on from there."
            )
        begun = {"status": str(Status.STOPPED), "progress": longer.used(record.counters), "recipe": None}
        self.store.update_run(record.id, spec=longer.to_dict(), **begun)
        return self._launch(self.store.run(record.id))

    def keep_checkpoint(self, run_id: str) -> int:
        """Keep the present state of a run, by its id or name, to fork from later; tells its step. May take a moment.

        Raises:
            StoreError: there is no such run. CheckpointError: there is no checkpoint of it yet.
        """
        record = self.store.named_run(run_id)
        own = self.runs.get(record.id)
        if own is not None:
            own.save_now(SAVE_SECONDS)
        return keep_checkpoint(self.store, record.id)

    def fork(self, run_id: str, changes: Mapping[str, Any], at: int | None = None, name: str | None = None) -> Run:
        """Branch off a run, by its id or name, at a kept checkpoint or at its latest one, and train on from there.

        Args:
            changes: other settings, and a budget where that changes; with none, the fork goes the way of the run.
            at: the step of the checkpoint; None for the latest one.

        Raises:
            StoreError: there is no such run. ForkError: there is no such checkpoint, or a setting cannot change.
            AgentError: `name` is no name or belongs to the lab.
        """
        if name is not None:
            check_name(name)
        record = self.store.named_run(run_id)
        own = self.runs.get(record.id)
        if own is not None and at is None:
            own.save_now(SAVE_SECONDS)
        return self._launch(make_fork(self.store, record, at, changes, name))

    def _launch(self, record: RunRecord) -> Run:
        run = self._known(self.run_type(self.store, record))
        # First of all, so that whoever hears of a run's end finds it gone from here.
        run.listeners += [self._forget_ended, self._give_turns, *self.listeners]
        with self._turns:
            overtakes = bool(self.queued_runs)
            self.runs[run.id] = run
            if overtakes or self._taken > self.places:
                run.queue()
            run.start()
        return run

    @property
    def _taken(self) -> int:
        return sum(not run.queued and not run.pausing for run in self.live_runs)

    @property
    def queued_runs(self) -> list[Run]:
        """Runs that wait for a place, the first one first."""
        return [run for run in self.live_runs if run.queued]

    def _give_turns(self, changed: Job[Any]) -> None:
        """In a run's thread: let queued runs begin while there are places for them."""
        with self._turns:
            for run in self.queued_runs:
                if self._taken >= self.places:
                    return
                run.take_turn()

    def _forget_ended(self, run: Job[Any]) -> None:
        if not run.status.live:
            self.runs.pop(run.name, None)

    def _known(self, job: J) -> J:
        """The job, from now on among those that `moving` asks."""
        with self._turns:
            self._jobs.add(job)
        job.courtesy = self.courtesy
        self._stir()
        return job

    def _stir(self) -> None:
        for listener in self.on_moving:
            listener()

    @property
    def moving(self) -> bool:
        """Whether any job of this process is at work; one that is paused is not."""
        with self._turns:
            jobs = list(self._jobs)
        return any(job.moving for job in jobs)

    @property
    def live_runs(self) -> list[Run]:
        """Runs that this process works on, paused and queued ones included; in the order in which they came."""
        return [run for run in list(self.runs.values()) if run.status.live]

    def delete_run(self, run_id: str) -> None:
        """Forget a run that nobody works on; one that this process has queued leaves the queue.

        Raises:
            StoreError: there is no such run, or a process works on it.
        """
        self.store.run(run_id)
        own = self.runs.get(run_id)
        if own is not None and own.queued:
            own.stop()
            own.wait()
        with self._unless_worked_on(run_id) as free:
            if not free:
                raise StoreError(f"run {run_id} is still being worked on; stop it first.")
            self.runs.pop(run_id, None)
            self.store.delete_run(run_id)
        # Some systems delete no file that is open, as the lock in this folder was until now.
        self.store.remove_run_folder(run_id)

    def close(self, timeout: float = 10.0) -> None:
        """Stop every live run at its next step, each with a checkpoint, and wait for that."""
        # The last ones first, so that none begins because another one ends.
        for run in reversed(self.live_runs):
            run.stop()
        for run in list(self.runs.values()):
            run.wait(timeout)
        self.store.close()

    # --- evaluations

    def evaluation(self, agent: str, episodes: int, seed: int) -> EvaluationJob:
        """A job, not yet started, that evaluates an agent and keeps the result in the store."""
        return self._known(EvaluationJob(self.store, agent, episodes, seed))

    def kept_evaluation(self, agent: str, episodes: int, seed: int) -> EvaluationRecord | None:
        """The newest kept evaluation of what the name means now: under `latest:`, of the newest run alone."""
        return self.store.newest_evaluation(agent, run_of(self.store, agent), seed, episodes)
