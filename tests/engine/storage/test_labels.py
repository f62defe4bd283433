"""Names and tags of runs: what may be one, and that they leave everything else of a run as it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.agents.names import AgentError
from engine.storage.labels import rename, set_tags
from engine.storage.records import RunRecord, Status, StoreError
from engine.storage.store import Store
from tests.engine.small import dqn_spec


@pytest.fixture
def store(home: Path) -> Store:
    return Store(home)


def finished(store: Store, name: str | None = None) -> RunRecord:
    record = store.add_run(dqn_spec(), name=name)
    store.update_run(record.id, status=str(Status.FINISHED), updated="2020-01-01T00:00:00+00:00")
    return store.run(record.id)


def test_a_run_is_renamed_and_nothing_else_of_it_changes(store: Store) -> None:
    record = finished(store, "old")
    rename(store, record, "new")
    assert store.run(record.id) == replace(record, name="new")
    assert store.find_run("old") is None
    rename(store, store.run(record.id), None)
    assert store.run(record.id) == replace(record, name=None)


def test_a_name_that_is_taken_is_refused(store: Store) -> None:
    record, unfinished = finished(store), store.add_run(dqn_spec(), name="mine")
    (store.agents_folder() / "kept").mkdir(parents=True)
    for name, words in (
        ("kept", "there is an agent 'kept' already"),
        ("mine", f"the name 'mine' belongs to run {unfinished.id}"),
        (unfinished.id, f"the name '{unfinished.id}' belongs to run {unfinished.id}"),
    ):
        with pytest.raises(StoreError, match=words):
            rename(store, record, name)
    for name in ("perfect", "a b", ""):
        with pytest.raises(AgentError, match="name"):
            rename(store, record, name)
    rename(store, unfinished, "mine")
    assert store.run(record.id).name is None


def test_tags_are_kept_once_each_in_order_and_runs_are_found_by_them(store: Store) -> None:
    first, second = finished(store), finished(store)
    assert set_tags(store, first.id, ["slow", "a.b", "slow"]) == ("a.b", "slow")
    set_tags(store, second.id, ["slower"])
    assert store.run(first.id) == replace(first, tags=("a.b", "slow"))
    assert [run.id for run in store.runs(tag="slow")] == [first.id]
    assert [run.id for run in store.runs(tag="slow", name="none")] == []
    assert (store.count_runs("slow"), store.count_runs("none"), store.count_runs()) == (1, 0, 2)
    assert {head.id: head.tags for head in store.run_heads()} == {first.id: "a.b slow", second.id: "slower"}
    assert set_tags(store, first.id, []) == ()
    assert store.runs(tag="slow") == []


@pytest.mark.parametrize("tag", ["two words", "", '"', "a,b", "-x"])
def test_a_tag_is_a_word(store: Store, tag: str) -> None:
    record = finished(store)
    with pytest.raises(StoreError, match="should be a tag of letters"):
        set_tags(store, record.id, ["fine", tag])
    assert store.run(record.id).tags == ()


def test_a_list_has_every_run_newest_first_with_the_mean_of_its_newest_evaluation(store: Store) -> None:
    import numpy as np

    runs = [store.add_run(dqn_spec(seed=seed), "bad", name) for seed, name in enumerate((None, "mine", None))]
    for mean in (20.0, 30.0):
        store.add_evaluation("x", runs[1].id, "CartPole-v1", 0, 0, 1.0, np.array([mean]))
    heads = store.run_heads()
    assert [head.id for head in heads] == [run.id for run in reversed(runs)]
    assert [head.mean for head in heads] == [None, 30.0, None]
    assert [head.title for head in heads] == ["bad", "mine", "bad"]
    fields = ("id", "kind", "preset", "name", "seed", "status", "created", "updated", "seconds", "progress", "parent")
    for head, run in zip(heads, reversed(runs), strict=True):
        assert all(getattr(head, field) == getattr(run, field) for field in fields)
