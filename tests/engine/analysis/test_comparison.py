"""Two runs side by side: differences and what is the same, whatever their kinds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine.analysis.comparison import Compared, compare
from engine.learners.kinds import preset_spec
from engine.storage.records import RunRecord
from engine.storage.store import Store


def record(home: Path, preset: str, **changes: int) -> RunRecord:
    return Store(home).add_run(preset_spec(preset, **changes), preset)


def test_differences_come_apart_from_what_is_the_same(home: Path) -> None:
    found = compare(record(home, "bad", episodes=50), record(home, "good-1", seed=3))
    different = {row.name: (row.first, row.second) for row in found.different}
    assert different["learning_rate"] == (0.000171782176772688, 0.00016151809562265122)
    assert (different["preset"], different["seed"], different["episodes"]) == (("bad", "good-1"), (0, 3), (50, 200))
    same = {row.name: row.first for row in found.same}
    assert (same["kind"], same["memory_size"], same["max_env_steps"]) == ("dqn", 10_000, None)
    assert not different.keys() & same.keys()


def test_a_run_does_not_differ_from_itself(home: Path) -> None:
    one = record(home, "mlp-1")
    found = compare(one, one)
    assert found.different == ()
    assert Compared("train agent", "perfect", "perfect") in found.same


def test_what_only_one_of_them_has_is_a_difference(home: Path) -> None:
    found = compare(record(home, "bad"), record(home, "mlp-1"))
    rows = {row.name: row for row in found.different}
    assert rows["discount_factor"] == Compared("discount_factor", 0.95, None)
    assert rows["epochs"] == Compared("epochs", None, 150)
    assert "max_env_steps" in rows, "it is null in one, and no setting of the other"


def test_a_damaged_record_is_compared_by_what_is_left(home: Path) -> None:
    one = record(home, "bad")
    found = compare(replace(one, spec={}), replace(one, spec={"config": []}))
    assert [row.name for row in found.same] == ["kind", "preset"]
