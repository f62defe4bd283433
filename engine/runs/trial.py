"""One seed of a trial: trained and scored, and nothing of it kept. Torch-free to import: the call loads it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from engine.learners.divergence import DivergenceError
from engine.learners.environment_facts import environment_facts
from engine.learners.kind import Learner
from engine.learners.kinds import kind_of
from engine.learners.metrics import MetricLog
from engine.learners.specs import DataSource, RowsSpec, Spec
from engine.runs.crew import Desk, Lost
from engine.runs.jobs import StoppedError, Work
from engine.runs.rows import rows_of
from engine.runs.seed_work import EVALUATION_EPISODES, EVALUATION_SEED
from engine.storage.names import best_of
from engine.storage.store import Store

if TYPE_CHECKING:
    from engine.learners.samples import Samples

LOOK_SECONDS = 0.05
"""How often a process that trains looks whether it should stop."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one seed came to.

    score: what is maximised; None where the run failed.
    success: whether the evaluation is all that can be asked; None where nothing is known of that, or nothing acts.
    message: one sentence on what went wrong.
    diverged: whether it was the learning itself that failed.
    """

    seed: int
    score: float | None
    env_steps: int
    seconds: float
    success: bool | None = None
    message: str | None = None
    diverged: bool = False

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def train_and_score(spec: Spec, rows: Callable[..., Samples], stopping: Callable[[], bool]) -> Outcome:
    """Train a run to its end and score it, as `train` or `fit` with these settings and this seed would.

    Raises:
        StoppedError: it was to stop.
    """
    started, kind, log = time.perf_counter(), kind_of(spec), MetricLog()
    learner: Learner | None = None
    score: float | None = None
    success: bool | None = None
    message: str | None = None
    diverged = False
    try:
        learner = kind.learner(spec, log, lambda side: rows(spec, side))
        _finish(learner, stopping)
        score, success = _score(spec, log, learner, stopping)
    except StoppedError:
        raise
    except Exception as error:  # Whatever it is, it is this trial's end and not the search's.
        message = str(error) if isinstance(error, ValueError | ArithmeticError) else f"{type(error).__name__}: {error}"
        diverged = isinstance(error, DivergenceError)
    steps = 0 if learner is None else learner.counters().get("env_steps", 0)
    return Outcome(spec.config.seed, score, steps, time.perf_counter() - started, success, message, diverged)


def _finish(work: Work, stopping: Callable[[], bool]) -> None:
    looked = time.monotonic()
    while not work.finished:
        work.advance()
        if time.monotonic() - looked > LOOK_SECONDS:
            looked = time.monotonic()
            if stopping():
                raise StoppedError


def _score(
    spec: Spec, log: MetricLog, learner: Learner, stopping: Callable[[], bool]
) -> tuple[float | None, bool | None]:
    """The kind's own figure, else the mean return of the greedy evaluation of the weights that stand for the run."""
    kind = kind_of(spec)
    if kind.score is not None:
        _, values = log.read(kind.score.series)
        return (float(values[-kind.score.window :].mean()) if len(values) else None), None
    from engine.agents.agent import NetworkAgent
    from engine.agents.evaluation import Evaluator

    policies, environment = learner.policies(), kind.environment(spec.config)
    which = best_of(policies)
    agent = NetworkAgent(which, policies[which], kind.name, spec.config)
    evaluator = Evaluator(agent, EVALUATION_EPISODES, EVALUATION_SEED, environment)
    _finish(evaluator, stopping)
    figures = evaluator.result().summary()
    success = environment_facts(environment).succeeded(figures["mean"], figures["perfect"], figures["episodes"])
    return float(figures["mean"]), success


@dataclass(frozen=True, slots=True)
class Trial:
    """The `Call` that trains and scores a spec, which learns from rows of this home folder or from those given."""

    spec: Spec
    home: Path
    rows: tuple[Samples, Samples] | None = None

    def __call__(self, desk: Desk) -> Outcome | Lost:
        def stopping() -> bool:
            return desk.stopping

        def side(spec: Spec, which: Literal["train", "test"]) -> Samples:
            if self.rows is not None:
                return self.rows[("train", "test").index(which)]
            return _rows(self.home, spec, which, stopping)

        try:
            return train_and_score(self.spec, side, stopping)
        except StoppedError:
            return Lost("was asked to stop")

    def packed(self) -> Trial:
        """The same with its rows, for where the home folder is not at hand.

        Raises:
            ValueError: they cannot be had.
        """
        if not isinstance(self.spec, RowsSpec):
            return self
        train, test = (_rows(self.home, self.spec, side, lambda: False) for side in ("train", "test"))
        return replace(self, rows=(train, test))


_kept: dict[tuple[Path, DataSource], Samples] = {}
"""The rows of earlier trials, which later ones mostly want again."""


def _rows(home: Path, spec: Spec, side: Literal["train", "test"], stopping: Callable[[], bool]) -> Samples:
    assert isinstance(spec, RowsSpec)
    key = home, getattr(spec, side)
    if key not in _kept:
        store = Store(home)
        try:
            _kept[key] = rows_of(store, getattr(spec, side), stopping)
        finally:
            store.close()
    return _kept[key]
