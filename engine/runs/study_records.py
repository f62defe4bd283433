"""What a study is made of, as values: its plan, its trials, the seeds of each. Asks no database; Optuna loads late."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from engine.runs.search_space import Label, SearchSpace
from engine.runs.trial import Outcome

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial

RETRIES = 3
"""How often a trial is tried again whose process died: settings that kill it each time would never end."""
PLAN, OUTCOMES, WORKER, REASON = "plan", "outcomes", "worker", "reason"
"""Attributes of a study, and of its trials."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a study searches: the space around its base, and the seeds that each trial is trained from."""

    space: SearchSpace
    seeds: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; equal plans give equal ones. Settings that vary, and the base's own seed, do not count."""
        base = self.space.base.to_dict()
        config = {key: value for key, value in base["config"].items() if key not in {*self.space.axes, "seed"}}
        return {
            "kind": self.space.base.kind,
            "base": {**base, "config": config},
            "space": self.space.to_dict(),
            "seeds": list(self.seeds),
        }

    @property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()

    def name(self, label: str) -> str:
        """What a study of this plan is called where nothing else is said."""
        return f"{label}-{self.digest[:6]}"


@dataclass(frozen=True, slots=True)
class Budget:
    """Of the study as a whole, whoever works on it; None where that does not end it.

    trials: complete, pruned and failed ones. env_steps: of training; no trial begins beyond them.
    """

    trials: int | None = None
    env_steps: int | None = None


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """A trial as the study keeps it.

    state: complete, pruned, failed, running or waiting.
    score: the mean over its seeds, of those it came to where it was pruned; None before the first.
    labels: its settings, as the study keeps them. reason: why it was pruned or failed.
    given_back: whether it failed because its worker went away; another trial takes its place.
    """

    number: int
    state: str
    score: float | None
    labels: dict[str, Label]
    outcomes: tuple[Outcome, ...]
    reason: str | None
    given_back: bool
    worker: str | None


def try_again(study: Study, trial: FrozenTrial) -> None:
    """Queue the settings of a trial whose worker went away, with what its seeds came to until then."""
    from optuna.storages import RetryHeartbeatStaleTrialCallback

    again = copy.deepcopy(trial)
    again.user_attrs = {key: value for key, value in trial.user_attrs.items() if key == OUTCOMES}
    RetryHeartbeatStaleTrialCallback(max_retry=RETRIES)(study, again)


def mean_score(outcomes: Sequence[Outcome]) -> float:
    return fmean(outcome.score for outcome in outcomes if outcome.score is not None)


def trial_record(trial: FrozenTrial) -> TrialRecord:
    outcomes = tuple(Outcome(**one) for one in trial.user_attrs.get(OUTCOMES, []))
    state = {"FAIL": "failed"}.get(trial.state.name, trial.state.name.lower())
    reason = trial.user_attrs.get(REASON)
    scored = [outcome for outcome in outcomes if outcome.score is not None]
    return TrialRecord(
        number=trial.number,
        state=state,
        score=mean_score(scored) if scored else None,
        labels=dict(trial.params),
        outcomes=outcomes,
        reason=reason,
        given_back=state == "failed" and reason is None,
        worker=trial.user_attrs.get(WORKER),
    )


def difference(known: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """The first thing in which two plans differ, in words."""
    for key, words in (("kind", "another kind of learner"), ("space", "another search space"), ("seeds", "")):
        if known.get(key) != asked[key]:
            return (
                words or f"the seeds {', '.join(map(str, known.get(key, [])))}, not {', '.join(map(str, asked[key]))}"
            )
    settings, now = known["base"]["config"], asked["base"]["config"]
    for key in sorted(set(settings) | set(now)):
        if settings.get(key) != now.get(key):
            return f"{key} = {json.dumps(settings.get(key))}, not {json.dumps(now.get(key))}"
    for key in sorted(set(known["base"]) | set(asked["base"])):
        if known["base"].get(key) != asked["base"].get(key):
            return f"{key} = {json.dumps(known['base'].get(key))}, not {json.dumps(asked['base'].get(key))}"
    return "another plan"
