"""The list of runs: what a filter finds, what each column sorts, which marks stay."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.learners.kind import Figure
from engine.storage.records import RunHead
from tui_lab.run_list import COLUMNS, RunList

HEAD = RunHead("id", "dqn", "bad", None, 0, "finished", "2026-01-01", "2026-01-02", 1.0, 1.0, "", None, None)
HEADS = [
    replace(HEAD, id="gamo4", created="2026-01-03", seed=3, status="running", progress=0.5, seconds=9.0),
    replace(HEAD, id="bezo2", created="2026-01-02", name="Mine", seed=10, tags="slow first", mean=212.0),
    replace(HEAD, id="lupi7", created="2026-01-01", kind="imitation", preset="mlp-1", seed=5, seconds=4.0, mean=30.0),
]


@pytest.fixture
def runs() -> RunList:
    made = RunList()
    made.take(HEADS)
    return made


def ids(runs: RunList) -> list[str]:
    return [head.id for head in runs.shown]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["gamo4", "bezo2", "lupi7"]),
        ("gam", ["gamo4"]),
        ("MINE", ["bezo2"]),
        ("mlp", ["lupi7"]),
        ("imit", ["lupi7"]),
        ("finished", ["bezo2", "lupi7"]),
        ("slow", ["bezo2"]),
        ("  bad   first ", ["bezo2"]),
        ("bad mlp", []),
    ],
)
def test_every_word_must_occur_in_what_a_run_is_called(runs: RunList, text: str, found: list[str]) -> None:
    runs.find(text)
    assert ids(runs) == found
    assert len(runs) == 3


def test_each_column_sorts_both_ways_the_usual_one_first(runs: RunList) -> None:
    runs.tell({"gamo4": Figure("mean return", 100.0)})
    usual = {
        "started": ["gamo4", "bezo2", "lupi7"],
        "title": ["gamo4", "bezo2", "lupi7"],
        "seed": ["gamo4", "lupi7", "bezo2"],
        "status": ["bezo2", "lupi7", "gamo4"],
        "done": ["bezo2", "lupi7", "gamo4"],
        "result": ["bezo2", "gamo4", "lupi7"],
        "seconds": ["gamo4", "lupi7", "bezo2"],
    }
    assert list(usual) == [column.name for column in COLUMNS]
    for name, order in usual.items():
        assert (runs.column.name, ids(runs)) == (name, order)
        runs.turn()
        ties = {"status": ["gamo4", "bezo2", "lupi7"], "done": ["gamo4", "bezo2", "lupi7"]}
        assert ids(runs) == ties.get(name, order[::-1])
        runs.sort_by_next()
    assert runs.column.name == "started"


def test_runs_without_a_result_come_last(runs: RunList) -> None:
    while runs.column.name != "result":
        runs.sort_by_next()
    assert ids(runs) == ["bezo2", "lupi7", "gamo4"]
    runs.tell({"gamo4": Figure("mean return", 300.0)})
    assert ids(runs) == ["gamo4", "bezo2", "lupi7"]
    assert [runs.outcome(head) for head in HEADS[:2]] == [
        Figure("mean return", 300.0),
        Figure("greedy", 212.0, "return"),
    ]


def test_marks_stay_in_their_order_until_a_run_is_gone(runs: RunList) -> None:
    for run in ("lupi7", "gamo4", "bezo2", "gamo4"):
        runs.toggle_mark(run)
    assert runs.marked == ["lupi7", "bezo2"]
    runs.find("gam")
    assert runs.marked == ["lupi7", "bezo2"]
    runs.take(HEADS[:2])
    assert runs.marked == ["bezo2"]
    assert ids(runs) == ["gamo4"], "the filter stays"


def test_all_that_are_listed_are_marked_or_none(runs: RunList) -> None:
    runs.find("bad")
    runs.mark_all()
    assert runs.marked == ["gamo4", "bezo2"]
    runs.mark_all()
    assert runs.marked == []


def test_a_run_is_found_where_it_is_shown(runs: RunList) -> None:
    assert [runs.place(run) for run in ("lupi7", "nothing", None)] == [2, None, None]
    runs.find("lupi")
    assert [runs.place(run) for run in ("lupi7", "gamo4")] == [0, None]
