"""A search as a job for a screen: tries settings for some minutes, then trains its winner again. Optuna loads late."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from engine.learners.kind import Preset
from engine.learners.kinds import kind_of, preset
from engine.learners.machine import usable_cores
from engine.learners.settings import ConfigError
from engine.runs.crew import Crew, LocalCrew
from engine.runs.jobs import Job
from engine.runs.search_space import read_space
from engine.runs.study_records import Budget, Plan, TrialRecord, try_again
from engine.runs.trial import Outcome
from engine.storage.records import Status

if TYPE_CHECKING:
    from engine.runs.search import Search
    from engine.runs.study import Study

Part = Literal["look", "search", "check"]
"""What a job does: read what is kept of a study; go on with its trials; train its winner from fresh seeds."""


@dataclass(frozen=True, slots=True)
class Request:
    """A small search: around a preset, in its kind's own space, with so many seeds a trial.

    minutes: of wall time, in as many sittings as it takes.
    check_seeds: fresh ones that the winner is trained from.
    """

    preset: str
    minutes: float
    seeds: int
    check_seeds: int

    @property
    def chosen(self) -> Preset:
        return preset(self.preset)

    def plan(self) -> Plan:
        """
        Raises:
            ConfigError: there is no such preset, or nothing is known of what to vary around it.
        """
        base = self.chosen.spec
        space = kind_of(base).space
        if space is None:
            raise ConfigError(f"there is no search space for {kind_of(base).title} yet.")
        first = base.config.seed
        return Plan(read_space(space, base), tuple(range(first, first + self.seeds)))


@dataclass(frozen=True, slots=True)
class Findings:
    """What a study came to so far.

    trials: by number, without those that were given back. best: the complete one with the highest score.
    importance: the share of each setting in what sets good trials apart, the largest first; None while unknown.
    checked: what the best trial's settings came to on fresh seeds.
    spent: seconds of wall time searched, of those that the request grants.
    """

    trials: tuple[TrialRecord, ...] = ()
    best: TrialRecord | None = None
    importance: dict[str, float] | None = None
    checked: tuple[Outcome, ...] = ()
    spent: float = 0.0


class _Sitting:
    """One part of a study, event by event."""

    def __init__(self, study: Study, search: Search, request: Request, part: Part, opened: ExitStack) -> None:
        self.study = study
        self._search = search
        self._request = request
        self._part = part
        self._opened = opened
        self._checked = 0
        self._before = study.spent()
        self._best = study.best()
        search.seconds = max(0.0, 60 * request.minutes - self._before)
        self._events = self._followed()
        self.finished = False

    def _followed(self) -> Generator[object]:
        if self._part == "search":
            yield from self._search.run()
        elif self._part == "check" and self._best is not None:
            yield from self._search.check(self._best, self._request.check_seeds)

    def advance(self) -> None:
        self.finished = next(self._events, None) is None and not self._search.stopping()
        self.keep_time()

    def keep_time(self) -> None:
        if self._part == "search":
            self.study.spend(time.monotonic() - self._search.started)

    @property
    def progress(self) -> float:
        if self.finished or self._part == "look":
            return 1.0
        if self._part == "check":
            return min(1.0, self._checked / self._request.check_seeds)
        return min(1.0, (self._before + time.monotonic() - self._search.started) / (60 * self._request.minutes))

    def findings(self) -> Findings:
        records = tuple(record for record in self.study.trials() if not record.given_back)
        best = self.study.best()
        checked = () if best is None else tuple(self.study.checked(best.number).values())
        self._checked = len(checked)
        return Findings(records, best, None, checked, self.study.spent())

    def give_back(self) -> None:
        """Let go of the trials under way."""
        self._events.close()

    def close(self) -> None:
        try:
            self.give_back()
        finally:
            self._opened.close()


class SearchJob(Job[_Sitting]):
    """One sitting with the study of a request, in the home folder; `findings` is replaced as it goes."""

    def __init__(
        self,
        home: Path,
        request: Request,
        part: Part,
        findings: Findings | None = None,
        *,
        crew: Callable[[], Crew] = lambda: LocalCrew(usable_cores(), silent=True),
    ) -> None:
        """
        Args:
            findings: those that are known already.
            crew: who trains.
        """
        super().__init__(f"search around {request.preset}", self._build)
        self.request = request
        self.part: Part = part
        self.findings = findings or Findings()
        self._home = home
        self._crew = crew

    def _build(self) -> _Sitting:
        from engine.runs.search import Search
        from engine.runs.study import Study
        from engine.runs.study_storage import StudyStorage, home_url

        with ExitStack() as opened:
            plan, home = self.request.plan(), self._home.resolve()
            storage = StudyStorage(home_url(home), try_again)
            opened.callback(storage.close)
            study = Study(storage, home, f"lesson-{plan.name(self.request.preset)}", plan)
            opened.callback(study.close)
            crew = self._crew()
            opened.callback(crew.close)
            search = Search(study, crew, Budget(), stopping=lambda: self._stopping)
            return _Sitting(study, search, self.request, self.part, opened.pop_all())

    def _begin(self) -> None:
        super()._begin()
        self._look(importance=self.part != "search")

    def _advanced(self) -> None:
        self._look(importance=self.work is not None and self.work.finished)

    def _look(self, *, importance: bool) -> None:
        """Take in what the study came to; what matters is worked out only where that holds nobody up."""
        assert self.work is not None
        found = self.work.findings()
        known = self.work.study.importance() if importance else self.findings.importance
        self.findings = replace(found, importance=known)

    def _end(self, status: Status) -> None:
        if self.work is not None:
            try:
                self.work.keep_time()
                self.work.give_back()
                self._look(importance=True)
            finally:
                self.work.close()

    def _failed(self, error: Exception) -> None:
        if self.work is not None:
            self.work.close()
