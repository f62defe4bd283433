"""An experiment as a job for a screen: its runs are trained and scored by a crew of processes, and none twice.

Its runs are runs like any other, in the home folder. What exists is read, what was begun is gone on with.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace

from engine.analysis.experiments import Experiment, Score, Side, plain, with_score
from engine.learners.kinds import kind_of
from engine.learners.machine import usable_cores
from engine.learners.specs import Spec
from engine.runs.crew import Crew, LocalCrew, Lost
from engine.runs.jobs import Job
from engine.runs.processes import PATIENCE_SECONDS
from engine.runs.seed_work import POLL_SECONDS, Ended, SeedWork, kept_evaluation
from engine.runs.seeds import furthest, is_complete
from engine.runs.workshop import Workshop
from engine.storage.names import best_of, weights_of
from engine.storage.records import RunRecord, Status


def complete_run(lab: Workshop, spec: Spec) -> RunRecord | None:
    """The run of exactly that spec that is trained to its end and evaluated; None without one."""
    found = furthest(lab, spec).get(spec.config.seed)
    return found if found is not None and is_complete(lab, found) else None


def score_of(lab: Workshop, record: RunRecord, spec: Spec) -> float | None:
    """What a complete run is compared by, higher being better; None where it left no such figure."""
    score = kind_of(spec).score
    if score is not None:
        values = lab.store.last_values(record.id, score.series, score.window)
        return float(values.mean()) if len(values) else None
    weights = weights_of(lab.store, record.id)
    kept = kept_evaluation(lab, record, best_of(weights)) if weights else None
    return None if kept is None else kept.mean


class _Runs:
    """The runs of an experiment that are not done, sent to a crew and scored as they come back."""

    def __init__(self, lab: Workshop, experiment: Experiment, crew: Crew) -> None:
        self.experiment = experiment
        self._lab = lab
        self._crew = crew
        self._waiting = deque(experiment.waiting)
        self._under_way: dict[tuple[Side, int], str] = {}
        self._all = 2 * len(experiment.seeds)

    @property
    def finished(self) -> bool:
        return not self._waiting and not self._under_way

    @property
    def progress(self) -> float:
        ended = self._all - len(self._waiting) - len(self._under_way)
        return (ended + sum(self._crew.shares.values())) / self._all

    def advance(self) -> None:
        while self._waiting and self._crew.has_room:
            self._begin(*self._waiting.popleft())
        if self._under_way:
            self.listen()

    def _begin(self, side: Side, seed: int) -> None:
        """Read a run that is there; else have it trained, from where one of exactly these settings was left."""
        spec = self.experiment.spec(side, seed)
        record = complete_run(self._lab, spec)
        if record is not None:
            self._keep(self._scored(side, seed, record))
            return
        record = furthest(self._lab, spec).get(seed) or self._lab.store.add_run(spec, self.experiment.preset)
        self._under_way[side, seed] = record.id
        self._crew.send((side, seed), SeedWork(self._lab.store.home.resolve(), record.id, spec))

    def listen(self) -> None:
        for task, what in self._crew.listen(POLL_SECONDS):
            self._take(task, self._under_way.pop(task), what)

    def _take(self, task: tuple[Side, int], run: str, what: Ended | Lost) -> None:
        if isinstance(what, Lost):
            what = Ended(f"its process {what.how}; what it saved until then is kept.")
        record = self._lab.store.run(run)
        if record.status == Status.FINISHED and is_complete(self._lab, record):
            self._keep(self._scored(*task, record))
        elif what.message is not None or record.status == Status.FAILED:
            self._keep(Score(*task, run, None, what.message or record.message, what.diverged))

    def _scored(self, side: Side, seed: int, record: RunRecord) -> Score:
        score = score_of(self._lab, record, self.experiment.spec(side, seed))
        message = f"run {record.id} has nothing that it could be scored by." if score is None else None
        return Score(side, seed, record.id, score, message)

    def _keep(self, score: Score) -> None:
        scores = with_score(self.experiment.scores, score)
        self._lab.store.set_experiment_scores(self.experiment.id, plain(scores))
        self.experiment = replace(self.experiment, scores=scores)

    def close(self) -> None:
        """Every run under way ends with a checkpoint."""
        self._crew.stop()
        deadline = time.monotonic() + PATIENCE_SECONDS
        try:
            while self._under_way and time.monotonic() < deadline:
                self.listen()
        finally:
            self._crew.close()


class ExperimentJob(Job[_Runs]):
    """Sees an experiment through; `experiment` is what it came to so far."""

    def __init__(
        self,
        lab: Workshop,
        experiment: Experiment,
        *,
        crew: Callable[[], Crew] = lambda: LocalCrew(usable_cores(), silent=True),
    ) -> None:
        """
        Args:
            crew: who trains.
        """
        super().__init__(f"experiment with {experiment.preset}", self._build)
        self.experiment = experiment
        self._lab = lab
        self._crew = crew

    def _build(self) -> _Runs:
        return _Runs(self._lab, self.experiment, self._crew())

    def _advanced(self) -> None:
        assert self.work is not None
        self.experiment = self.work.experiment

    def _end(self, status: Status) -> None:
        self._close()

    def _failed(self, error: Exception) -> None:
        self._close()

    def _close(self) -> None:
        try:
            if self.work is not None:
                self.work.close()
                self.experiment = self.work.experiment
        finally:
            self._lab.store.close()


def runs_to_train(lab: Workshop, specs: Iterable[Spec]) -> int:
    """How many of these runs are not there yet, or not to their end."""
    return sum(complete_run(lab, spec) is None for spec in specs)
