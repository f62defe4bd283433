"""What the database keeps, as values: runs, evaluations, progress. Torch-free; nothing here reads or writes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np  # The command line names this module before it needs NumPy.
    import numpy.typing as npt


class StoreError(ValueError):
    """One sentence on why the home folder cannot be used, or something in it not be found."""


class StoreBusyError(StoreError):
    """The home folder cannot be read or written at the moment; another try may succeed."""


class Status(StrEnum):
    """Where a job stands. A run whose process died is `interrupted` when it is found again."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    FINISHED = "finished"
    FAILED = "failed"
    INTERRUPTED = "interrupted"

    @property
    def live(self) -> bool:
        """Whether a thread still works on it or waits to."""
        return self in LIVE


LIVE = (Status.QUEUED, Status.STARTING, Status.RUNNING, Status.PAUSED)


def step_in(counters: Mapping[str, int]) -> int:
    """The step that a checkpoint is named by: environment steps, and gradient steps where there is no environment."""
    return counters.get("env_steps", counters.get("gradient_steps", 0))


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What the store knows of a run.

    spec: everything it was started with, as plain values; empty where what is kept of it is damaged.
    recipe: a digest of all of that but the seed; None for a kind of learner that was not known when it was made,
        and for a run that was not trained by one spec from start to end: a fork, or one with a longer budget.
    seconds: of training; first_perfect_seconds: those until its first perfect selection evaluation, None without one.
    parent: of a fork, the id of the run that it branched off; that run may be gone.
    forked_at: the parent's counters there; empty for what is no fork.
    """

    id: str
    kind: str
    preset: str | None
    name: str | None
    spec: dict[str, Any]
    seed: int
    status: str
    created: str
    updated: str
    seconds: float
    first_perfect_seconds: float | None
    progress: float
    counters: dict[str, int]
    state_hash: str | None
    message: str | None
    recipe: str | None
    tags: tuple[str, ...] = ()
    parent: str | None = None
    forked_at: dict[str, int] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The name given to the run, else its preset's, else its kind."""
        return self.name or self.preset or self.kind

    @property
    def forked_step(self) -> int:
        """The step at which a fork branched off."""
        return step_in(self.forked_at)


@dataclass(frozen=True, slots=True)
class RunHead:
    """What a list shows of a run: light, so that thousands are read at once.

    tags: joined by spaces.
    mean: the mean return of its newest evaluation since it trained; None without one.
    """

    id: str
    kind: str
    preset: str | None
    name: str | None
    seed: int
    status: str
    created: str
    updated: str
    seconds: float
    progress: float
    tags: str
    parent: str | None
    mean: float | None

    @property
    def title(self) -> str:
        """The name given to the run, else its preset's, else its kind."""
        return self.name or self.preset or self.kind


@dataclass(frozen=True, slots=True)
class EvaluationRecord:
    """An evaluation that was made and kept, without its returns; `Store.returns` has them.

    mean, std, min, max: of the returns; `std` is over the episodes (population form).
    perfect: how many returns are the best there is; None where none is known for the environment.
    """

    id: int
    agent: str
    run: str | None
    environment: str
    seed: int
    episodes: int
    mean: float
    std: float
    min: float
    max: float
    perfect: int | None
    seconds: float
    created: str

    def figures(self) -> dict[str, Any]:
        """mean, std, min, max, perfect, episodes."""
        names = ("mean", "std", "min", "max", "perfect", "episodes")
        return {name: getattr(self, name) for name in names}


def summed_up(returns: npt.NDArray[np.float64]) -> tuple[float, float, float, float] | None:
    """mean, std, min, max of returns, [episodes]; None where there are none, or these are no finite numbers."""
    if not len(returns) or not math.isfinite(returns.min()) or not math.isfinite(returns.max()):
        return None
    figures = float(returns.mean()), float(returns.std()), float(returns.min()), float(returns.max())
    return figures if all(map(math.isfinite, figures)) else None  # Sums of huge numbers are not finite.


@dataclass(frozen=True, slots=True)
class LessonProgress:
    """How far a reader is: `state` is 'open' or 'done', `position` the scrolled share of the text in [0, 1]."""

    lesson: str
    state: str
    position: float
    updated: str
