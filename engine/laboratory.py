"""The engine's front door, for the app and the command line alike: start, continue, evaluate. Torch-free to import."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from engine.database import StoreError
from engine.jobs import Job, Status
from engine.metrics import MetricLog
from engine.presets import PRESETS
from engine.runs import Run, Spec
from engine.store import USUAL_SAMPLES, EvaluationRecord, RunRecord, Store

if TYPE_CHECKING:
    from engine.evaluation import Evaluator, Recording
    from engine.imitation import Generator, Samples


class Laboratory:
    """A home folder and the jobs that this process works on."""

    def __init__(self, home: Path) -> None:
        """
        Raises:
            StoreError: the home folder cannot be used.
        """
        self.store = Store(home)
        self.runs: dict[str, Run] = {}
        self.run_type: type[Run] = Run
        self.listeners: list[Callable[[Job], None]] = []  # type: ignore[type-arg]
        self._settle()

    def _settle(self) -> None:
        """Mark runs whose process died as interrupted; their checkpoints are whole."""
        for record in self.store.runs():
            self.look_again(record)

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

    # --- runs

    def start(self, spec: Spec, *, preset: str | None = None, name: str | None = None) -> Run:
        """Register a new run and start its thread.

        Raises:
            AgentError: `name`, under which the run's agent will be saved, is no name or belongs to the lab.
        """
        if name is not None:
            from engine.library import check_name

            check_name(name)
        record = self.store.add_run(spec.kind, spec.to_dict(), spec.config.seed, preset, name)
        return self._launch(record)

    def continue_run(self, run_id: str) -> Run:
        """Continue a run of an earlier process, or a stopped one, from its latest checkpoint.

        Raises:
            StoreError: there is no such run, it is finished, or another process works on it.
        """
        live = self.runs.get(run_id)
        if live is not None and live.status.live:
            live.resume()
            return live
        record = self.store.run(run_id)
        if record.status == Status.FINISHED:
            raise StoreError(f"run {run_id} is finished; there is nothing to continue.")
        return self._launch(record)

    def _launch(self, record: RunRecord) -> Run:
        run = self.run_type(self.store, record)
        run.listeners.extend(self.listeners)
        self.runs[run.id] = run
        run.start()
        return run

    @property
    def live_runs(self) -> list[Run]:
        """Runs that this process works on, paused ones included."""
        return [run for run in self.runs.values() if run.status.live]

    def latest(self, preset: str, samples: int = USUAL_SAMPLES) -> RunRecord | None:
        """The newest run of a preset in whatever state; of an imitation preset on that many training rows."""
        return next(iter(self.store.runs_of(preset, samples)), None)

    def next_seed(self, preset: str, samples: int = USUAL_SAMPLES) -> int:
        """The preset's own seed for its first run, then the smallest one that none of its runs has had."""
        seeds = {record.seed for record in self.store.runs_of(preset, samples)}
        if not seeds:
            return PRESETS[preset].config.seed
        return min(set(range(len(seeds) + 1)) - seeds)

    def log(self, run_id: str) -> MetricLog:
        """The metrics of a run: the live log, or what was saved of it."""
        run = self.runs.get(run_id)
        return run.log if run is not None else self.store.load_metrics(run_id)

    def delete_run(self, run_id: str) -> None:
        """Forget a run that nobody works on.

        Raises:
            StoreError: there is no such run, or a process works on it.
        """
        self.store.run(run_id)
        with self._unless_worked_on(run_id) as free:
            if not free:
                raise StoreError(f"run {run_id} is still being worked on; stop it first.")
            self.runs.pop(run_id, None)
            self.store.delete_run(run_id)

    def close(self, timeout: float = 10.0) -> None:
        """Stop every live run at its next step, each with a checkpoint, and wait for that."""
        for run in self.live_runs:
            run.stop()
        for run in list(self.runs.values()):
            run.wait(timeout)
        self.store.close()

    # --- agents

    def evaluation(self, agent: str, episodes: int, seed: int) -> Job[Evaluator]:
        """A job, not yet started, that evaluates an agent and keeps the result in the store."""
        return _EvaluationJob(self.store, agent, episodes, seed)

    def kept_evaluation(self, agent: str, episodes: int, seed: int) -> EvaluationRecord | None:
        """The newest kept evaluation of what the name means now: under `latest:`, of the newest run alone."""
        run = self.store.run_of(agent)
        for kept in self.store.evaluations(agent=agent):
            if kept.run == run and kept.seed == seed and len(kept.returns) == episodes:
                return kept
        return None

    def data_set(self, agent: str, samples: int, seed: int) -> DataSetJob:
        """A job, not yet started, that generates a data set and keeps it as CSV in the home folder."""
        return DataSetJob(self.store, agent, samples, seed)

    def recording(self, agent: str, seed: int) -> Recording:
        """Play and record one episode. Takes up to a second: not for the screen's thread."""
        from engine.evaluation import record_episode
        from engine.library import environment_of, find_agent

        found = find_agent(self.store, agent)
        return record_episode(found, seed, environment_of(found))


class DataSetJob(Job["Generator"]):
    """Lets an agent act until `samples` pairs are collected, and keeps them as a CSV file in the home folder."""

    def __init__(self, store: Store, agent: str, samples: int, seed: int) -> None:
        super().__init__(f"generate {agent}", self._build)
        typeable = re.sub(r"[^A-Za-z0-9.,_-]", "-", agent)  # an agent may be a path, and must not lead out of the home
        self.path = store.home / "data" / f"{typeable}-{samples}-seed{seed}.csv"
        self.samples: Samples | None = None
        self._store = store
        self._request = (agent, samples, seed)

    def _build(self) -> Generator:
        from engine.imitation import Generator
        from engine.library import find_agent

        agent, samples, seed = self._request
        return Generator(find_agent(self._store, agent), samples, seed)

    def _end(self, status: Status) -> None:
        from engine.imitation import write_csv

        if status == Status.FINISHED and self.work is not None:
            self.samples = self.work.result()
            write_csv(self.path, self.samples)
        self._store.close()


class _EvaluationJob(Job["Evaluator"]):
    def __init__(self, store: Store, agent: str, episodes: int, seed: int) -> None:
        super().__init__(f"evaluate {agent}", self._build)
        self._store = store
        self._agent = agent
        self._episodes = episodes
        self._seed = seed
        self._run: str | None = None

    def _build(self) -> Evaluator:
        from engine.evaluation import Evaluator
        from engine.library import environment_of, find_agent

        self._run = self._store.run_of(self._agent)
        agent = find_agent(self._store, self._agent)
        return Evaluator(agent, self._episodes, self._seed, environment_of(agent))

    def _end(self, status: Status) -> None:
        if status == Status.FINISHED and self.work is not None:
            result = self.work.result()
            self._store.add_evaluation(
                self._agent, self._run, self._seed, result.perfect, result.seconds, result.returns
            )
        self._store.close()
