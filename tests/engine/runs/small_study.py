"""Studies that train nothing: the settings of a tiny run, and outcomes made up from them."""

from __future__ import annotations

from pathlib import Path

from engine.runs.search_space import read_space
from engine.runs.study import Begun, Study
from engine.runs.study_records import Budget, Plan, try_again
from engine.runs.study_storage import StudyStorage, home_url
from engine.runs.trial import Outcome
from tests.engine.small import dqn_spec

SPACE = """
[learning_rate]
low = 1e-4
high = 1e-1
log = true

[batch_size]
choices = [8, 16, 32]
"""


def plan(folder: Path, seeds: tuple[int, ...] = (0, 1, 2), space: str = SPACE) -> Plan:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "space.toml"
    file.write_text(space)
    return Plan(read_space(file, dqn_spec()), seeds)


def open_study(home: Path, plan: Plan, *, name: str = "small", sampler: str = "random", pruner: str = "none") -> Study:
    home.mkdir(parents=True, exist_ok=True)
    return Study(StudyStorage(home_url(home), try_again), home, name, plan, sampler=sampler, pruner=pruner)


def outcome(seed: int, score: float | None, *, env_steps: int = 10, diverged: bool = False) -> Outcome:
    message = None if score is not None else "it went wrong."
    return Outcome(seed, score, env_steps, 0.1, None if score is None else score >= 500, message, diverged)


def see_through(study: Study, begun: Begun, *scores: float) -> str:
    """Give a trial these scores, seed by seed; returns its end."""
    verdict = "next seed"
    for score in scores:
        verdict = study.add(begun, outcome(begun.next_spec(study.plan.seeds).config.seed, score))
    return verdict


def begin(study: Study, budget: Budget | None = None) -> Begun:
    begun = study.begin(budget or Budget())
    assert begun is not None
    return begun
