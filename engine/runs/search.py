"""Drives a study to the end of its budget over the machine's cores, then checks its winner. Prints nothing.

Torch-free to import: the processes that train load torch.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from engine.analysis.statistics import bootstrap_interval, wilson_interval
from engine.learners.specs import Spec
from engine.runs.crew import Crew, Lost
from engine.runs.study import Begun, Study
from engine.runs.study_records import Budget, TrialRecord
from engine.runs.study_storage import StudyError
from engine.runs.trial import Outcome, Trial

POLL_SECONDS = 0.2
ASK_SECONDS = 2.0
"""How soon a worker without a trial asks again whether there is one: another may have died."""

FAILURES = 10
"""Trials in a row whose failure, or loss, says that no further one will do better."""


@dataclass(frozen=True, slots=True)
class SeedTold:
    """A seed of a trial, or of the winner's check, was trained. `of` is how many there are."""

    trial: int
    outcome: Outcome
    count: int
    of: int


@dataclass(frozen=True, slots=True)
class TrialTold:
    """A trial ended."""

    record: TrialRecord


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something beside the result, in one sentence."""

    text: str


Event = SeedTold | TrialTold | Trouble


@dataclass
class Search:
    """A study and who works on it here.

    seconds: of wall time after which this worker begins no more and gives back what it is at; None for no end.
    stopping: asked several times a second whether to do the same now.
    """

    study: Study
    crew: Crew
    budget: Budget
    seconds: float | None = None
    stopping: Callable[[], bool] = lambda: False
    started: float = field(default_factory=time.monotonic)
    _failures: int = 0
    _losses: int = 0

    @property
    def out_of_time(self) -> bool:
        return self.seconds is not None and time.monotonic() - self.started >= self.seconds

    def share(self) -> float:
        """The share of the budget that is used, in [0, 1]: of the part that is the furthest."""
        records = [record for record in self.study.trials() if not record.given_back]
        over = sum(record.state not in ("waiting", "running") for record in records)
        steps = sum(outcome.env_steps for record in records for outcome in record.outcomes)
        shares = [
            used / whole
            for used, whole in (
                (over, self.budget.trials),
                (steps, self.budget.env_steps),
                (time.monotonic() - self.started, self.seconds),
            )
            if whole
        ]
        return min(1.0, max(shares, default=0.0))

    def run(self) -> Generator[Event]:
        """Begin, train and judge trials until the budget is used up and nobody is at work any more.

        Raises:
            StudyAwayError: the database cannot be reached any more; trials under way are found by whoever goes on.
            StudyError: one trial after the other fails.
        """
        at_work: dict[int, Begun] = {}
        asked = -math.inf
        with self._handing_back(at_work):
            while not (self.stopping() or self.out_of_time):
                if self.crew.has_room and time.monotonic() - asked >= ASK_SECONDS:
                    # Looked at first: what they give back meanwhile is there to begin.
                    alone = not at_work and not self.study.others_at_work()
                    if self._begin(at_work):
                        continue
                    if alone:
                        return
                    asked = time.monotonic()
                for begun, what in self.crew.listen(POLL_SECONDS):
                    yield from self._heard(at_work, begun, what)
                    asked = -math.inf
                self.study.beat()

    def _begin(self, at_work: dict[int, Begun]) -> bool:
        begun = self.study.begin(self.budget)
        if begun is None:
            return False
        at_work[begun.number] = begun
        self._send(begun, begun.next_spec(self.study.plan.seeds))
        return True

    def _send(self, task: object, spec: Spec) -> None:
        trial = Trial(spec, self.study.home)
        self.crew.send(task, trial.packed() if self.crew.away else trial)

    def _heard(self, at_work: dict[int, Begun], begun: Begun, what: Outcome | Lost) -> Iterator[Event]:
        if isinstance(what, Lost):
            at_work.pop(begun.number)
            self.study.give_back(begun)
            self._losses += 1
            if self._losses == FAILURES:
                raise StudyError(f"{FAILURES} trials in a row were lost; the process of the last one {what.how}.")
            yield Trouble(f"trial {begun.number}: its process {what.how}; it is tried again.")
            return
        self._losses = 0
        verdict = self.study.add(begun, what)
        yield SeedTold(begun.number, what, len(begun.outcomes), len(self.study.plan.seeds))
        if verdict == "next seed":
            self._send(begun, begun.next_spec(self.study.plan.seeds))
            return
        at_work.pop(begun.number)
        self._failures = self._failures + 1 if verdict == "failed" else 0
        if verdict == "lost":
            yield Trouble(f"trial {begun.number}: this process was silent for so long that another one took it over.")
        else:
            yield TrialTold(self.study.trials()[begun.number])
        if self._failures == FAILURES:
            raise StudyError(f"{FAILURES} trials in a row failed; the last one at {what.message}")

    @contextmanager
    def _handing_back(self, at_work: dict[int, Begun]) -> Iterator[None]:
        """However the search ends: nothing is left under way."""
        try:
            yield
        finally:
            if at_work:
                self.crew.drop()
            for begun in at_work.values():
                self.study.give_back(begun)

    def check(self, winner: TrialRecord, count: int) -> Generator[Event]:
        """Train the winner from `count` fresh seeds, those left out that were trained before; `verdict` reads them.

        Raises:
            StudyAwayError: the database cannot be reached any more; seeds that are done are kept.
        """
        spec, seeds = self.study.spec_of(winner), list(self.study.fresh_seeds(count))
        # In an order of its own, so that several workers do not all train the same seed first.
        random.Random(self.study.worker).shuffle(seeds)
        deaths = 0
        try:
            while not self.stopping():
                done = self.study.checked(winner.number)
                self._send_fresh(spec, [seed for seed in seeds if seed not in done])
                if not self.crew.tasks:
                    return
                for seed, what in self.crew.listen(POLL_SECONDS):
                    if isinstance(what, Outcome):
                        self.study.keep_check(winner.number, what)
                        yield SeedTold(winner.number, what, len(self.study.checked(winner.number)), count)
                        continue
                    deaths += 1
                    if deaths > count:
                        return
                    yield Trouble(f"fresh seed {seed}: its process {what.how}; it is tried again.")
        finally:
            self.crew.close()

    def _send_fresh(self, spec: Spec, seeds: list[int]) -> None:
        for seed in seeds:
            if self.crew.has_room and seed not in self.crew.tasks:
                self._send(seed, spec.with_seed(seed))


def verdict(study: Study, winner: TrialRecord, count: int) -> dict[str, Any] | None:
    """What the winner comes to on fresh seeds; None before all of them are trained.

    Returns:
        seeds; scores (None for a seed that diverged or failed), mean and its 95 % interval [low, high] (bootstrap; None
        for fewer than 2 scores) of the others; failed, how many; successes and success_interval [low, high] (Wilson),
        None where nothing is known of success.
    """
    found, seeds = study.checked(winner.number), study.fresh_seeds(count)
    if not all(seed in found for seed in seeds):
        return None
    outcomes = [found[seed] for seed in seeds]
    scores = [outcome.score for outcome in outcomes if outcome.score is not None]
    known = [outcome.success for outcome in outcomes if outcome.success is not None]
    successes = sum(known) if known else None
    return {
        "seeds": list(seeds),
        "scores": [outcome.score for outcome in outcomes],
        "mean": sum(scores) / len(scores) if scores else None,
        "interval": list(bootstrap_interval(scores, lambda drawn: float(drawn.mean()))) if len(scores) > 1 else None,
        "failed": len(outcomes) - len(scores),
        "successes": successes,
        "success_interval": None if successes is None else list(wilson_interval(successes, len(outcomes))),
    }
