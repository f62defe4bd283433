"""An experiment as values: two sets of settings over the same seeds, what was expected, and what the difference is.

Torch-free, and asks no home folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal, get_args

from engine.analysis.statistics import Difference, paired_difference
from engine.learners.kinds import spec_from_dict
from engine.learners.settings import ConfigError
from engine.learners.specs import Spec
from engine.storage.experiments import ExperimentRecord

MOST_SEEDS = 5
Expected = Literal["better", "same", "worse"]
EXPECTED: tuple[Expected, ...] = get_args(Expected)
Side = Literal["baseline", "changed"]
SIDES: tuple[Side, ...] = get_args(Side)


@dataclass(frozen=True, slots=True)
class Score:
    """What a run of an experiment came to.

    score: the kind's own (`Kind.score`), else the mean return of the greedy evaluation of its best weights; None where
        the run failed.
    message: one sentence on what went wrong.
    diverged: whether it was the learning itself that failed; then another try would too.
    """

    side: Side
    seed: int
    run: str
    score: float | None
    message: str | None = None
    diverged: bool = False

    @property
    def final(self) -> bool:
        """Whether nothing more is to be done for it."""
        return self.score is not None or self.diverged


class Shown(StrEnum):
    """What an experiment shows."""

    NOTHING_YET = "nothing yet"
    ONE_SEED = "one seed"
    NO_DIFFERENCE = "no difference"
    BETTER = "better"
    WORSE = "worse"


@dataclass(frozen=True, slots=True)
class Experiment:
    """Settings against their baseline. Both specs are from the first seed."""

    id: int
    preset: str
    baseline: Spec
    changed: Spec
    seeds: tuple[int, ...]
    expected: Expected
    created: str
    scores: tuple[Score, ...] = ()

    @classmethod
    def from_record(cls, record: ExperimentRecord) -> Experiment:
        """
        Raises:
            ConfigError: what is kept of it is of an unknown kind of learner, or damaged.
        """
        baseline, changed = (spec_from_dict(record.kind, values) for values in (record.baseline, record.changed))
        if record.expected not in EXPECTED:
            raise ConfigError(f"an experiment expects one of {', '.join(EXPECTED)}, not {record.expected!r}.")
        scores = tuple(Score(**values) for values in record.scores)
        expected, seeds = record.expected, record.seeds
        return cls(record.id, record.preset, baseline, changed, seeds, expected, record.created, scores)

    def spec(self, side: Side, seed: int) -> Spec:
        return (self.baseline if side == "baseline" else self.changed).with_seed(seed)

    def score(self, side: Side, seed: int) -> Score | None:
        return next((one for one in self.scores if (one.side, one.seed) == (side, seed)), None)

    @property
    def waiting(self) -> list[tuple[Side, int]]:
        """The runs that are not done, a seed's two beside each other."""
        found = {(side, seed): self.score(side, seed) for seed in self.seeds for side in SIDES}
        return [run for run, score in found.items() if score is None or not score.final]

    @property
    def complete(self) -> bool:
        return not self.waiting

    @property
    def changes(self) -> dict[str, tuple[Any, Any]]:
        """The settings that differ, each as the baseline has it and as it was changed."""
        before, after = self.baseline.config.to_dict(), self.changed.config.to_dict()
        return {name: (before[name], after[name]) for name in before if before[name] != after[name]}

    @property
    def pairs(self) -> dict[int, tuple[float, float]]:
        """The scores of the seeds that have both: baseline, changed."""
        found: dict[int, tuple[float, float]] = {}
        for seed in self.seeds:
            both = [one.score for side in SIDES if (one := self.score(side, seed)) is not None]
            if len(both) == len(SIDES) and both[0] is not None and both[1] is not None:
                found[seed] = both[0], both[1]
        return found

    @property
    def diverged(self) -> dict[Side, int]:
        """How many seeds diverged on each side; they have no score and are in no difference."""
        return {side: sum(one.diverged for one in self.scores if one.side == side) for side in SIDES}

    @property
    def mean(self) -> float | None:
        """The mean difference over the seeds that have both scores, changed less baseline."""
        pairs = self.pairs.values()
        return sum(after - before for before, after in pairs) / len(pairs) if pairs else None

    @property
    def difference(self) -> Difference | None:
        """The mean difference with its interval; None with fewer than two seeds, which can have none."""
        pairs = list(self.pairs.values())
        if len(pairs) < 2:
            return None
        return paired_difference([before for before, _ in pairs], [after for _, after in pairs])

    @property
    def shown(self) -> Shown:
        """What it shows so far. An interval that holds zero shows no difference, which does not prove that none is."""
        if not self.pairs:
            return Shown.NOTHING_YET
        difference = self.difference
        if difference is None:
            return Shown.ONE_SEED
        if not difference.shown:
            return Shown.NO_DIFFERENCE
        return Shown.BETTER if difference.mean > 0 else Shown.WORSE


def plain(scores: tuple[Score, ...]) -> list[dict[str, Any]]:
    """Scores as a home folder keeps them."""
    return [asdict(score) for score in scores]


def check_plan(baseline: Spec, changed: Spec, seeds: int, expected: str) -> None:
    """
    Raises:
        ConfigError: there is nothing to compare, too many seeds, or no expectation.
    """
    if baseline.recipe == changed.recipe:
        raise ConfigError(
            "nothing differs from the preset yet, so there is nothing to compare; change a setting first."
        )
    if not 1 <= seeds <= MOST_SEEDS:
        raise ConfigError(f"an experiment takes from 1 to {MOST_SEEDS} seeds, not {seeds}.")
    if expected not in EXPECTED:
        raise ConfigError(f"an experiment wants to know what you expect, one of {', '.join(EXPECTED)}.")


def with_score(scores: tuple[Score, ...], new: Score) -> tuple[Score, ...]:
    """The scores with another one, in place of what that run came to before."""
    kept: Mapping[tuple[Side, int], Score] = {(one.side, one.seed): one for one in (*scores, new)}
    return tuple(kept.values())
