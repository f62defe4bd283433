"""A search for settings as an Optuna study that many workers share: trials begun, judged, given back. Trains nothing.

Optuna loads late. Whatever reads and then writes happens under the database's one lock, so that budgets hold for the
study as a whole, and a trial whose worker died is tried again once.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from engine.learners.kinds import kind_of
from engine.learners.settings import ConfigError
from engine.learners.specs import Spec
from engine.runs.study_methods import importances, make_pruner, make_sampler, quiet
from engine.runs.study_records import (
    OUTCOMES,
    PLAN,
    REASON,
    WORKER,
    Budget,
    Plan,
    TrialRecord,
    difference,
    mean_score,
    trial_record,
    try_again,
)
from engine.runs.study_storage import HEARTBEAT_SECONDS, StudyError, StudyStorage
from engine.runs.study_worker import Worker
from engine.runs.trial import Outcome

if TYPE_CHECKING:
    from optuna.study import Study as OptunaStudy
    from optuna.trial import FrozenTrial, Trial

REFUSALS = 100
"""Trials in a row whose settings the learner refuses, after which hardly any will do."""
SPENT = "seconds of "
"""The attributes of a study that say how long each worker searched begin so."""
Verdict = Literal["next seed", "complete", "pruned", "failed", "lost"]


@dataclass(slots=True)
class Begun:
    """A trial under way: `spec` is its run from the first seed, `outcomes` what its seeds came to so far."""

    trial: Trial
    spec: Spec
    outcomes: list[Outcome]

    @property
    def number(self) -> int:
        return self.trial.number

    def next_spec(self, seeds: Sequence[int]) -> Spec:
        return self.spec.with_seed(seeds[len(self.outcomes)])


class Study:
    """One process's hold on a study. Everything raises StudyAwayError where the database cannot be reached."""

    def __init__(
        self, storage: StudyStorage, home: Path, name: str, plan: Plan, *, sampler: str = "tpe", pruner: str = "median"
    ) -> None:
        """Begin a study of that name, or go on with it.

        Raises:
            StudyError: the study was begun with another plan, or a sampler lacks a package.
        """
        quiet()
        self.name = name
        self.plan = plan
        self.home = home
        self._storage = storage
        self._sampler = sampler
        make_sampler(sampler, 0, shared=storage.file is None or storage.file.parent != home.resolve())
        self._beaten = 0.0
        self._own: dict[int, Trial] = {}
        with storage.told():
            with storage.locked(name):
                self._study = self._opened(pruner)
            self._worker = Worker(home)

    def _opened(self, pruner: str) -> OptunaStudy:
        import optuna

        study = optuna.create_study(
            study_name=self.name,
            storage=self._storage.storage,
            direction="maximize",
            load_if_exists=True,
            pruner=make_pruner(pruner),
        )
        known, plan = study.user_attrs.get(PLAN), self.plan.to_dict()
        if known is None and not study.get_trials(deepcopy=False):
            study.set_user_attr(PLAN, plan)
        elif known is None:
            raise StudyError(f"the study {self.name!r} was begun by another program; choose another name with --study.")
        elif known != plan:
            raise StudyError(
                f"the study {self.name!r} was begun with {difference(known, plan)}; "
                "choose another name with --study, or ask as it was asked then."
            )
        return study

    # --- trials

    def begin(self, budget: Budget) -> Begun | None:
        """The next trial, one that was given back first of all; None where the budget is used up or under way.

        Raises:
            StudyError: one trial after the other has settings that the learner refuses.
        """
        problem = ""
        with self._storage.told():
            for _ in range(REFUSALS):
                with self._storage.locked(self.name):
                    self._take_over()
                    trial = self._asked(budget)
                if trial is None:
                    return None
                try:
                    return self._begun(trial)
                except ConfigError as error:
                    problem = str(error)
                    self._end(trial, "FAIL", problem)
        raise StudyError(f"{REFUSALS} trials in a row had settings that cannot go together: {problem}")

    def _begun(self, trial: Trial) -> Begun:
        spec = self.plan.space.spec({name: trial.params[name] for name in self.plan.space.axes})
        kept = [Outcome(**one) for one in trial.user_attrs.get(OUTCOMES, [])]
        for step in range(1, len(kept) + 1):
            trial.report(mean_score(kept[:step]), step)
        return Begun(trial, spec, kept)

    def _asked(self, budget: Budget) -> Trial | None:
        everyone = self.trials()
        records = [record for record in everyone if not record.given_back]
        started = sum(record.state != "waiting" for record in records)
        steps = sum(outcome.env_steps for record in records for outcome in record.outcomes)
        if budget.trials is not None and started >= budget.trials:
            return None
        if budget.env_steps is not None and steps >= budget.env_steps:
            return None
        # Anew for each trial, so that a search that was stopped goes on with numbers of its own.
        seed = int.from_bytes(hashlib.sha256(f"{self.plan.digest} {len(everyone)}".encode()).digest()[:4])
        self._study.sampler = make_sampler(self._sampler, seed)
        self._claim_next()
        trial = self._study.ask(self.plan.space.distributions())
        self._own[trial.number] = trial
        return trial

    def _claim_next(self) -> None:
        """Under the lock: put this worker's name on the trial that `ask` will take, new or given back.

        Were it named only afterwards, a process killed in between would leave a trial that nobody could tell dead.
        """
        from optuna.trial import TrialState

        def waiting() -> list[FrozenTrial]:
            return self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,))

        if not waiting():
            self._study.enqueue_trial({})
        claimed = waiting()[0]._trial_id
        self._storage.storage.set_trial_user_attr(claimed, WORKER, self._worker.id)
        self._storage.storage.record_heartbeat(claimed)

    def add(self, begun: Begun, outcome: Outcome) -> Verdict:
        """Take in what the next seed of a trial came to, and say how the trial goes on."""
        from optuna.exceptions import UpdateFinishedTrialError

        trial = begun.trial
        with self._storage.told():
            try:
                begun.outcomes.append(outcome)
                trial.set_user_attr(OUTCOMES, [one.to_dict() for one in begun.outcomes])
                if outcome.score is None:
                    verdict: Literal["PRUNED", "FAIL"] = "PRUNED" if outcome.diverged else "FAIL"
                    self._end(trial, verdict, f"seed {outcome.seed}: {outcome.message or 'it came to no figure.'}")
                    return "pruned" if outcome.diverged else "failed"
                mean, step = mean_score(begun.outcomes), len(begun.outcomes)
                trial.report(mean, step)
                if step == len(self.plan.seeds):
                    self._end(trial, "COMPLETE", value=mean)
                    return "complete"
                if trial.should_prune():
                    self._end(trial, "PRUNED", f"after {step} of {len(self.plan.seeds)} seeds")
                    return "pruned"
            except UpdateFinishedTrialError:
                # This process was silent for so long that others took it for dead; the trial is theirs.
                self._own.pop(trial.number, None)
                return "lost"
        return "next seed"

    def _end(
        self,
        trial: Trial,
        state: Literal["COMPLETE", "PRUNED", "FAIL"],
        reason: str | None = None,
        value: float | None = None,
    ) -> None:
        from optuna.trial import TrialState

        if reason is not None:
            trial.set_user_attr(REASON, reason)
        self._storage.storage.set_trial_state_values(
            trial._trial_id, TrialState[state], None if value is None else [value]
        )
        self._own.pop(trial.number, None)

    def give_back(self, begun: Begun) -> None:
        """Let a trial be tried again, from the seed that it was at."""
        with self._storage.told(), self._storage.locked(self.name):
            self._own.pop(begun.number, None)
            self._fail(begun.number)

    def _fail(self, number: int) -> None:
        """Mark a running trial as failed, and put its settings and outcomes into the queue."""
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        trial = self._study.get_trials(deepcopy=False)[number]
        try:
            if self._storage.storage.set_trial_state_values(trial._trial_id, TrialState.FAIL):
                try_again(self._study, trial)
        except UpdateFinishedTrialError:
            return  # Another worker was first.

    def _take_over(self) -> None:
        """Under the lock: fail and queue again what dead workers were at."""
        from optuna.storages import fail_stale_trials

        fail_stale_trials(self._study)
        running = [record for record in self.trials() if record.state == "running" and record.number not in self._own]
        dead = {record.worker for record in running if record.worker and self._worker.is_dead(record.worker)}
        for record in running:
            if record.worker in dead:
                self._fail(record.number)
        for worker in dead:
            self._worker.forget(worker or "")

    def beat(self) -> None:
        """Say that this process lives; to be called more often than `HEARTBEAT_SECONDS`."""
        if time.monotonic() - self._beaten < HEARTBEAT_SECONDS:
            return
        self._beaten = time.monotonic()
        with self._storage.told():
            for trial in self._own.values():
                self._storage.storage.record_heartbeat(trial._trial_id)

    def others_at_work(self) -> bool:
        """Whether trials of other workers are under way."""
        return any(record.state == "running" and record.number not in self._own for record in self.trials())

    # --- time

    def spend(self, seconds: float) -> None:
        """Keep for how long this worker has searched until now."""
        with self._storage.told():
            self._study.set_user_attr(f"{SPENT}{self._worker.id}", seconds)

    def spent(self) -> float:
        """Seconds that all workers have searched for, as far as they kept that."""
        with self._storage.told():
            return sum(float(value) for key, value in self._study.user_attrs.items() if key.startswith(SPENT))

    # --- what is known

    def trials(self) -> list[TrialRecord]:
        """All trials by number."""
        with self._storage.told():
            return [trial_record(trial) for trial in self._study.get_trials(deepcopy=False)]

    def best(self) -> TrialRecord | None:
        """The complete trial with the highest score, the earliest of equals; None before there is one."""
        complete = [record for record in self.trials() if record.state == "complete" and record.score is not None]
        return max(complete, key=lambda record: (record.score or 0.0, -record.number), default=None)

    def spec_of(self, record: TrialRecord) -> Spec:
        """The run that a trial's settings stand for."""
        return self.plan.space.spec(record.labels)

    def importance(self) -> dict[str, float] | None:
        """The share of each setting in what sets good trials apart, the largest first; None while trials are few."""
        with self._storage.told():
            return importances(self._study)

    # --- the winner's check

    def fresh_seeds(self, count: int) -> tuple[int, ...]:
        """Seeds that no trial was trained from.

        Raises:
            ConfigError: there are no such large ones.
        """
        first = max(self.plan.seeds) + 1
        seeds = tuple(range(first, first + count))
        for seed in seeds[-1:]:
            self.plan.space.base.with_seed(seed)
        return seeds

    def checked(self, number: int) -> dict[int, Outcome]:
        """What a trial's settings came to on fresh seeds, by seed, whoever trained them."""
        prefix = f"check {number} "
        with self._storage.told():
            kept = {key: value for key, value in self._study.user_attrs.items() if key.startswith(prefix)}
        return {outcome.seed: outcome for outcome in (Outcome(**value) for value in kept.values())}

    def keep_check(self, number: int, outcome: Outcome) -> None:
        with self._storage.told():
            self._study.set_user_attr(f"check {number} {outcome.seed}", outcome.to_dict())

    @property
    def shown(self) -> str:
        """The database's URL without a password."""
        return self._storage.shown

    @property
    def worker(self) -> str:
        return self._worker.id

    @property
    def score_name(self) -> str:
        """What is maximised, in words."""
        score = kind_of(self.plan.space.base).score
        return "mean return" if score is None else score.name

    def close(self) -> None:
        self._worker.close()
