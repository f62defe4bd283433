"""An experiment as values: which seeds count, what the difference is, and what it shows."""

from __future__ import annotations

from typing import Any

import pytest

from engine.analysis.experiments import Experiment, Score, Shown, check_plan, with_score
from engine.learners.settings import ConfigError
from engine.storage.experiments import ExperimentRecord
from tests.engine.small import dqn_spec

BASE, CHANGED = dqn_spec(seed=3), dqn_spec(seed=3, learning_rate=0.01)


def experiment(*pairs: tuple[float | None, float | None]) -> Experiment:
    """Seeds from 3 on, each with its scores: baseline, changed; None has none yet."""
    scores = [
        Score(side, 3 + i, f"run-{side}-{i}", score)  # type: ignore[arg-type]
        for i, pair in enumerate(pairs)
        for side, score in zip(("baseline", "changed"), pair, strict=True)
        if score is not None
    ]
    return Experiment(1, "bad", BASE, CHANGED, (3, 4, 5), "better", "", tuple(scores))


def test_the_difference_is_taken_seed_by_seed() -> None:
    found = experiment((100, 150), (200, 230), (300, 370))
    assert found.difference is not None
    assert found.difference.mean == found.mean == 50
    assert 0 < found.difference.low < 1
    assert 99 < found.difference.high < 100
    assert found.shown == Shown.BETTER
    assert found.complete


@pytest.mark.parametrize(
    ("pairs", "shown"),
    [
        ([(100, 78), (100, 82), (100, 80)], Shown.WORSE),
        ([(100, 140), (100, 80), (100, 130)], Shown.NO_DIFFERENCE),
        ([(100, 100), (90, 90)], Shown.NO_DIFFERENCE),
        ([(100, 500)], Shown.ONE_SEED),
        ([(100, None), (None, 500)], Shown.NOTHING_YET),
        ([], Shown.NOTHING_YET),
    ],
)
def test_what_an_experiment_shows(pairs: list[tuple[Any, Any]], shown: Shown) -> None:
    assert experiment(*pairs).shown == shown


def test_one_seed_has_no_interval() -> None:
    found = experiment((100, 500))
    assert found.difference is None
    assert found.mean == 400


def test_a_seed_without_both_scores_is_in_no_difference() -> None:
    found = experiment((100, 150), (100, None), (100, 170))
    assert found.pairs == {3: (100, 150), 5: (100, 170)}
    assert found.mean == 60
    assert found.waiting == [("changed", 4)]


def test_a_run_that_diverged_is_done_and_one_that_failed_otherwise_is_tried_again() -> None:
    found = experiment((100, None), (100, None), (100, 150))
    scores = with_score(found.scores, Score("changed", 3, "a", None, "it diverged.", diverged=True))
    scores = with_score(scores, Score("changed", 4, "b", None, "the disk was full."))
    found = Experiment(1, "bad", BASE, CHANGED, (3, 4, 5), "better", "", scores)
    assert found.waiting == [("changed", 4)]
    assert found.diverged == {"baseline": 0, "changed": 1}
    again = with_score(scores, Score("changed", 4, "b", 120.0))
    assert len(again) == len(scores)


def test_the_runs_wait_a_seed_after_the_other_and_differ_in_what_was_changed() -> None:
    found = experiment()
    assert found.waiting[:3] == [("baseline", 3), ("changed", 3), ("baseline", 4)]
    assert found.changes == {"learning_rate": (0.001, 0.01)}
    assert found.spec("changed", 5) == dqn_spec(seed=5, learning_rate=0.01)


def test_a_plan_needs_a_difference_an_expectation_and_few_seeds() -> None:
    check_plan(BASE, CHANGED, 3, "same")
    with pytest.raises(ConfigError, match="nothing differs from the preset yet"):
        check_plan(BASE, BASE.with_seed(9), 3, "same")
    with pytest.raises(ConfigError, match="from 1 to 5 seeds, not 6"):
        check_plan(BASE, CHANGED, 6, "same")
    with pytest.raises(ConfigError, match="what you expect, one of better, same, worse"):
        check_plan(BASE, CHANGED, 3, "")


def test_a_record_that_expects_nothing_is_refused() -> None:
    specs = BASE.to_dict(), CHANGED.to_dict()
    with pytest.raises(ConfigError, match="expects one of better, same, worse, not 'more'"):
        Experiment.from_record(ExperimentRecord(1, "bad", "dqn", *specs, (3,), "more", [], ""))
