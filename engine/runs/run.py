"""A run: a learner in a job's thread; its metrics, checkpoints and agents are kept. Torch-free to import."""

from __future__ import annotations

import math
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from filelock import FileLock, Timeout

from engine.learners.kind import Learner
from engine.learners.kinds import kind_of, spec_from_dict
from engine.learners.metrics import MetricLog
from engine.learners.specs import RowsSpec
from engine.runs.jobs import Job
from engine.storage.checkpoint import NoCheckpointError, State, load_checkpoint, save_checkpoint, state_hash
from engine.storage.names import best_of
from engine.storage.records import RunRecord, Status, StoreBusyError, StoreError
from engine.storage.store import Store

if TYPE_CHECKING:
    from engine.learners.samples import Samples

CHECKPOINT_SECONDS = 5.0
LOCK_SECONDS = 0.5
PATIENCE_SECONDS, LAST_PATIENCE_SECONDS = 0.5, 10.0
"""How long another program's writing holds a run up: little while it trains, since a later checkpoint will do."""


def _reaches(log: MetricLog, saved: State) -> bool:
    """Whether saved metrics are all there that a checkpoint counts; they are not where a run arrived half."""
    lengths: dict[str, int] = saved.get("lengths", {})
    return log.episode_count >= saved["episodes"] and all(log.length(name) >= count for name, count in lengths.items())


def worked_on_elsewhere(run_id: str) -> str:
    """Why a run cannot be started, as a sentence."""
    return f"run {run_id} is being worked on by another process; stop it there first."


class Run(Job[Learner]):
    """Starts a registered run, or continues it from its latest checkpoint; it does not know which learner it drives.

    While it lives it holds a lock in the run's folder, so no second process continues the same run; the lock goes with
    the process, however that ends.
    """

    def __init__(self, store: Store, record: RunRecord) -> None:
        """
        Raises:
            StoreError: another process is working on this run.
        """
        super().__init__(record.id, self._build)
        self.store = store
        self.record = record
        self.spec = spec_from_dict(record.kind, record.spec)
        self.kind = kind_of(self.spec)
        self.log = MetricLog()
        self.state_hash = record.state_hash
        self.warning: str | None = None
        """What went wrong without ending the run."""
        self.first_perfect_seconds = record.first_perfect_seconds
        self._progress = record.progress
        self._seconds = record.seconds
        self._saved: dict[str, int] = {}
        self._saved_episodes = 0
        self._checkpoint_time = time.monotonic()
        self._was_saved = threading.Event()
        self._folder = store.run_folder(record.id)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._run_lock = FileLock(self._folder / "lock", thread_local=False)
        try:
            # Another process may hold it for a moment, to see whether anybody works on the run.
            self._run_lock.acquire(timeout=LOCK_SECONDS)
        except Timeout:
            raise StoreError(worked_on_elsewhere(record.id)) from None

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def title(self) -> str:
        return self.record.title

    @property
    def counters(self) -> dict[str, int]:
        work = self.work
        return self.record.counters if work is None else work.counters()

    def _build(self) -> Learner:
        """In the run's thread: make the learner and bring it to the latest checkpoint, if there is one."""
        self.store.be_patient(PATIENCE_SECONDS)
        state = self._saved_state()
        self.first_perfect_seconds = None if state is None else state.get("first_perfect_seconds")
        if state is not None and not _reaches(loaded := self.store.load_metrics(self.id), state["log"]):
            self.warning = "its saved metrics do not reach as far as its checkpoint; the run begins anew."
            self.first_perfect_seconds, state = None, None
        if state is not None:
            loaded.truncate(state["log"].get("lengths", {}), state["log"]["episodes"])
            self.log.take(loaded)
            self._saved, self._saved_episodes = self.log.lengths(), self.log.episode_count
        self._seconds = 0.0 if state is None else state["seconds"]
        learner = self._learner()
        if state is not None:
            learner.restore(state["learner"])
        return learner

    def _saved_state(self) -> State | None:
        """The newest sound checkpoint; None before there is any.

        Raises:
            CheckpointError: there are checkpoints, but none is sound.
        """
        try:
            loaded = load_checkpoint(self._folder / "checkpoint")
        except NoCheckpointError:
            return None
        if loaded.damaged:
            self.warning = f"{' '.join(loaded.damaged)} The run goes on from the checkpoint before."
        return loaded.state

    def _learner(self) -> Learner:
        return self.kind.learner(self.spec, self.log, self._rows)

    def _rows(self, side: Literal["train", "test"]) -> Samples:
        """The rows of one side, kept in the run's folder from its first start on."""
        from engine.runs.rows import rows_of
        from engine.storage.data_sets import read_csv, write_csv

        kept = self._folder / f"{side}.csv"
        if kept.exists():
            return read_csv(kept)
        assert isinstance(self.spec, RowsSpec)
        samples = rows_of(self.store, getattr(self.spec, side), lambda: self._stopping)
        write_csv(kept, samples)
        return samples

    def checkpoint(self) -> None:
        """Save metrics, then the full state: killed in between, a run resumes from the older state."""
        assert self.work is not None
        self.store.save_metrics(self.id, self.log, self._saved, self._saved_episodes)
        self._saved, self._saved_episodes = self.log.lengths(), self.log.episode_count
        learner_state = self.work.state()
        self.state_hash = state_hash(learner_state)
        state = {
            "learner": learner_state,
            "log": {"lengths": self._saved, "episodes": self._saved_episodes},
            "seconds": self.seconds,
            "first_perfect_seconds": self.first_perfect_seconds,
        }
        save_checkpoint(self._folder / "checkpoint", state)
        self._update_row(self.status)
        self._checkpoint_time = time.monotonic()
        self._was_saved.set()

    def save_now(self, patience: float) -> None:
        """In any other thread: have a running run save its state at its next step, and wait for that.

        Args:
            patience: seconds to wait at most; where that is too short, the checkpoint before it is the newest.
        """
        self._was_saved.clear()
        if self.status == Status.RUNNING:
            self._checkpoint_time = -math.inf
            self._was_saved.wait(patience)

    def _update_row(self, status: Status) -> None:
        self.store.update_run(
            self.id,
            status=str(status),
            seconds=self.seconds,
            first_perfect_seconds=self.first_perfect_seconds,
            progress=self.progress,
            counters=self.counters,
            state_hash=self.state_hash,
            message=self.error,
        )

    def _advanced(self) -> None:
        if self.first_perfect_seconds is None and self.log.length("first_perfect"):
            self.first_perfect_seconds = self.seconds
        if time.monotonic() - self._checkpoint_time >= CHECKPOINT_SECONDS:
            self._try_checkpoint()

    def _try_checkpoint(self) -> None:
        """A checkpoint under way; where it cannot be written just now the run goes on, and tries again in a while."""
        try:
            self.checkpoint()
        except (StoreBusyError, OSError) as error:
            self.warning = f"no checkpoint could be written: {error}"
            self._checkpoint_time = time.monotonic()

    def _paused(self) -> None:
        self._try_checkpoint()

    def _set_status(self, status: Status) -> None:
        if status in (Status.QUEUED, Status.RUNNING, Status.PAUSED):
            with suppress(StoreBusyError):  # The next checkpoint writes it.
                self._update_row(status)
        super()._set_status(status)

    def _end(self, status: Status) -> None:
        self.store.be_patient(LAST_PATIENCE_SECONDS)
        if self.work is not None:
            self.checkpoint()
            self._save_agents(self.work)
        self._update_row(status)
        self.record = self.store.run(self.id)
        self._release()

    def _save_agents(self, learner: Learner) -> None:
        from engine.agents.agent import NetworkAgent
        from engine.storage.agent_folders import save_agent
        from engine.storage.library import run_card

        self.record = self.store.run(self.id)  # It may have been given another name meanwhile.
        policies = learner.policies()
        for which, policy in policies.items():
            card = run_card(self.record, which, learner.counters(), self.state_hash)
            agent = NetworkAgent(which, policy, self.kind.name, self.spec.config, card)
            save_agent(self._folder / "agents" / which, agent)
            if self.record.name is not None and which == best_of(policies):
                save_agent(self.store.agents_folder() / self.record.name, agent)

    def _failed(self, error: Exception) -> None:
        """Keep the metrics up to the failure; the last good checkpoint stays as it is."""
        try:
            if self.work is not None:
                self.store.save_metrics(self.id, self.log, self._saved, self._saved_episodes)
            self._update_row(Status.FAILED)
            self.record = self.store.run(self.id)
        except (OSError, StoreError) as second:
            self.error = f"{self.error} Nor could this be written to the home folder: {second}."
        finally:
            self._release()

    def _release(self) -> None:
        self._run_lock.release()
        self.store.close()
