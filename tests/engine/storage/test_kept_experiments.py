"""Experiments in the home folder: what was expected stays, scores are replaced whole, and other homes are unharmed."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.storage.records import StoreError
from engine.storage.store import Store
from tests.engine.small import dqn_spec

BASE, CHANGED = dqn_spec().to_dict(), dqn_spec(learning_rate=0.5).to_dict()


def test_an_experiment_is_kept_with_what_was_expected_and_its_scores_are_replaced(home: Path) -> None:
    store = Store(home)
    first = store.add_experiment("bad", "dqn", BASE, CHANGED, (3, 4), "worse")
    assert (first.baseline, first.changed, first.seeds, first.expected) == (BASE, CHANGED, (3, 4), "worse")
    assert first.scores == []
    store.set_experiment_scores(first.id, [{"seed": 3, "score": 1.5}])
    store.set_experiment_scores(first.id, [{"seed": 3, "score": 2.5}, {"seed": 4, "score": None}])
    store.close()
    kept = Store(home).experiment(first.id)
    assert kept.scores == [{"seed": 3, "score": 2.5}, {"seed": 4, "score": None}]
    assert kept.expected == "worse"


def test_experiments_are_listed_newest_first_and_by_kind(home: Path) -> None:
    store = Store(home)
    numbers = [store.add_experiment("bad", kind, BASE, CHANGED, (0,), "same").id for kind in ("dqn", "alien", "dqn")]
    assert [one.id for one in store.experiments()] == numbers[::-1]
    assert [one.id for one in store.experiments(["dqn"])] == [numbers[2], numbers[0]]


def test_an_experiment_that_is_not_there_is_named(home: Path) -> None:
    with pytest.raises(StoreError, match="there is no experiment 7"):
        Store(home).experiment(7)


def test_scores_outlive_the_runs_that_they_are_of(home: Path) -> None:
    store = Store(home)
    run = store.add_run(dqn_spec())
    experiment = store.add_experiment("bad", "dqn", BASE, CHANGED, (0,), "same")
    store.set_experiment_scores(experiment.id, [{"run": run.id, "score": 9.0}])
    store.delete_run(run.id)
    assert store.experiment(experiment.id).scores == [{"run": run.id, "score": 9.0}]
