"""The engine's front door, for the app and the command line alike: start, continue, evaluate. Torch-free to import."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.analysis.experiments import Experiment, check_plan
from engine.learners.draft import Draft
from engine.learners.kind import Figure
from engine.learners.kinds import kinds
from engine.learners.metrics import MetricLog
from engine.learners.settings import ConfigError
from engine.learners.specs import Spec
from engine.runs.jobs import Job
from engine.runs.study_storage import FILE as STUDIES
from engine.runs.tasks import DataSetJob
from engine.runs.theatre import Theatre
from engine.storage.records import LIVE, EvaluationRecord, RunHead, RunRecord, Status, StoreError

if TYPE_CHECKING:
    from engine.runs.experiment_job import ExperimentJob
    from engine.runs.search_job import Part, Request, SearchJob

KEPT_LOGS = 16
"""Logs of runs that nobody works on, kept for the screens that show them."""
_log = logging.getLogger(__name__)


class Laboratory(Theatre):
    """A home folder, the jobs that this process works on, and what a screen needs of both."""

    def __init__(self, home: Path) -> None:
        """
        Raises:
            StoreError: the home folder cannot be used.
        """
        super().__init__(home)
        self._searches: dict[Request, SearchJob] = {}
        self._experiments: dict[int, ExperimentJob] = {}
        self.drafts: dict[str, Draft] = {}
        """Settings that screens left half-changed, by the preset and the place of the screen."""
        self._logs: OrderedDict[str, tuple[RunRecord | None, MetricLog]] = OrderedDict()
        self._logs_lock = threading.Lock()
        self._reading: list[str] = []
        """Runs whose metrics are being read; twice where a run changed while it was."""
        self._seen_version = self.store.version

    def latest(self, spec: Spec) -> RunRecord | None:
        """The newest run like `spec`, in whatever state; its seed may be another."""
        return self.store.latest_run(spec.recipe)

    def next_seed(self, spec: Spec) -> int:
        """The spec's own seed for the first run like it, then the smallest one that none of these has had."""
        seeds = self.store.seeds_of(spec.recipe)
        return min(set(range(len(seeds) + 1)) - seeds) if seeds else spec.config.seed

    def log(self, record: RunRecord) -> MetricLog:
        """The metrics of a run as a screen wants them: at once, and if they must be read first, empty until they are.

        Saved metrics are read in a thread of their own; the log's `version` moves when they are there.
        """
        run = self.runs.get(record.id)
        if run is not None and run.status != Status.QUEUED:
            return run.log
        read, log = self._logs.get(record.id, (None, MetricLog()))
        self._keep_log(record.id, record, log)
        if read != record:
            self._reading.append(record.id)
            self._stir()
            threading.Thread(target=self._fill, args=(record.id, log), name=f"read {record.id}", daemon=True).start()
        return log

    def _keep_log(self, run_id: str, record: RunRecord | None, log: MetricLog) -> None:
        with self._logs_lock:
            self._logs[run_id] = (record, log)
            self._logs.move_to_end(run_id)
            while len(self._logs) > KEPT_LOGS:
                self._logs.popitem(last=False)

    def _forget_ended(self, run: Job[Any]) -> None:
        """What a run showed to its end goes on being shown, until its saved metrics have been read."""
        ended = self.runs.get(run.name)
        if ended is not None and not run.status.live and ended.log.version:
            self._keep_log(run.name, None, ended.log)
        super()._forget_ended(run)

    def _fill(self, run_id: str, log: MetricLog) -> None:
        try:
            saved = self.store.load_metrics(run_id, episodes=False)
            for series in saved.names:
                saved.view(series, 100)  # So that the first look of the screen is as quick as the next.
            log.take(saved)
        except StoreError as error:
            with self._logs_lock:
                self._logs.pop(run_id, None)  # So that the next look tries again.
            _log.warning("the metrics of run %s cannot be read: %s", run_id, error)
        finally:
            self._reading.remove(run_id)
            self.store.close()

    @property
    def moving(self) -> bool:
        """Whether what a screen shows may change by itself: a job is at work, or saved metrics are being read."""
        return bool(self._reading) or super().moving

    def changed_elsewhere(self) -> bool:
        """Whether the home folder was written to since the last call, or a process that worked in it has died.

        To be called from one thread only, every few seconds.
        """
        for record in self.store.runs(statuses=LIVE):
            self.look_again(record)
        seen, self._seen_version = self._seen_version, self.store.version
        return seen != self._seen_version

    def outcome(self, record: RunRecord, newest: EvaluationRecord | None = None) -> Figure | None:
        """The figure that a run is listed with: what its agent scored, else its headline as it was saved.

        A run that has trained on since it was evaluated has another agent.

        Args:
            newest: the newest evaluation of the run, where it is known already.
        """
        kept = newest or next(iter(self.store.evaluations(run=record.id, limit=1)), None)
        if kept is None or kept.created < record.updated:
            return self.headline(record)
        return Figure("greedy", kept.mean, "return")

    def headline(self, record: RunRecord | RunHead) -> Figure | None:
        """The headline of a run as it was saved."""
        headline = kinds()[record.kind].headline if record.kind in kinds() else None
        if headline is None:
            return None
        values = self.store.last_values(record.id, headline.series, headline.window)
        return headline.figure(float(values.mean())) if len(values) else None

    def data_set(self, agent: str, samples: int, seed: int, path: Path | None = None) -> DataSetJob:
        """A job, not yet started, that generates a data set and keeps it as CSV, in the home folder or at `path`."""
        return self._known(DataSetJob(self.store, agent, samples, seed, path))

    # --- searches

    def kept_search(self, request: Request) -> SearchJob | None:
        """The job of a search that is under way, or was; without one, and where there are studies, one that looks."""
        from engine.runs.search_job import SearchJob

        if request not in self._searches and (self.store.home / STUDIES).is_file():
            self._sit_down(SearchJob(self.store.home, request, "look"))
        return self._searches.get(request)

    def search(self, request: Request, part: Part) -> SearchJob:
        """Go on with a search, or with the check of its winner; what is under way goes on as it is."""
        from engine.runs.search_job import SearchJob

        known = self._searches.get(request)
        if known is not None and known.status.live and known.part != "look":
            return known
        findings = None if known is None else known.findings
        return self._sit_down(SearchJob(self.store.home, request, part, findings))

    def _sit_down(self, job: SearchJob) -> SearchJob:
        self._searches[self._known(job).request] = job
        job.listeners += self.listeners
        job.start()
        return job

    # --- experiments

    def experiments(self) -> list[Experiment]:
        """Those that are kept, newest first, as far as they came; without those of kinds of learner not known here."""
        found: list[Experiment] = []
        for record in self.store.experiments(list(kinds())):
            job = self._experiments.get(record.id)
            try:
                found.append(Experiment.from_record(record) if job is None else job.experiment)
            except ConfigError as error:
                _log.warning("experiment %d cannot be read: %s", record.id, error)
        return found

    def experiment_job(self, experiment: int) -> ExperimentJob | None:
        """The job of an experiment that this process works on, or worked on."""
        return self._experiments.get(experiment)

    def runs_to_train(self, draft: Draft, seeds: int) -> int:
        """How many runs an experiment would train; what is there is used as it is.

        Raises:
            ConfigError: the settings make no run.
        """
        from engine.runs.experiment_job import runs_to_train

        both = draft.baseline, draft.spec
        return runs_to_train(self, (spec.with_seed(seed) for spec in both for seed in draft.seeds(seeds)))

    def begin_experiment(self, draft: Draft, seeds: int, expected: str) -> ExperimentJob:
        """Keep what is expected of a draft against its preset, and see through its runs; the same again goes on.

        Args:
            seeds: how many, from the draft's own on.

        Raises:
            ConfigError: the settings make no run, nothing differs from the preset, or nothing is expected.
        """
        check_plan(draft.baseline, draft.spec, seeds, expected)
        known = self.kept_experiment(draft, seeds)
        if known is not None:
            return self.continue_experiment(known)
        names = draft.preset.name, draft.kind.name
        specs = draft.baseline.to_dict(), draft.spec.to_dict()
        record = self.store.add_experiment(*names, *specs, draft.seeds(seeds), expected)
        return self.continue_experiment(Experiment.from_record(record))

    def kept_experiment(self, draft: Draft, seeds: int) -> Experiment | None:
        """The experiment that was begun with the same settings, the same budget and the same seeds.

        Raises:
            ConfigError: the settings make no run.
        """
        same = draft.baseline, draft.spec, draft.seeds(seeds)
        return next((one for one in self.experiments() if (one.baseline, one.changed, one.seeds) == same), None)

    def continue_experiment(self, experiment: Experiment) -> ExperimentJob:
        """Go on with an experiment; what is under way goes on as it is."""
        from engine.runs.experiment_job import ExperimentJob

        known = self._experiments.get(experiment.id)
        if known is not None and known.status.live:
            return known
        job = ExperimentJob(self, experiment if known is None else known.experiment)
        self._experiments[experiment.id] = self._known(job)
        job.listeners += self.listeners
        job.start()
        return job

    @property
    def at_work(self) -> list[str]:
        """What would be cut short by an end, by its titles: runs, searches that train, and experiments."""
        searches = [job.name for job in self._searches.values() if job.status.live and job.part != "look"]
        experiments = [job.name for job in self._experiments.values() if job.status.live]
        runs = [f"{run.title} (queued)" if run.queued else run.title for run in self.live_runs]
        return runs + searches + experiments

    def close(self, timeout: float = 10.0) -> None:
        """Stop every search, every experiment and every run, each with what it has, and wait for that."""
        jobs: list[Job[Any]] = [*self._searches.values(), *self._experiments.values()]
        for job in jobs:
            job.stop()
        super().close(timeout)
        for job in jobs:
            job.wait(timeout)
