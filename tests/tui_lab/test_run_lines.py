"""A run as a line: what stands on it, at which width, and that the columns stand under their names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.learners.kind import Figure
from engine.storage.records import RunHead, Status
from tui_lab.glyphs import ASCII, BRAILLE
from tui_lab.run_lines import ROOM_FOR_SEED, ROOM_FOR_TAGS, ROOM_FOR_TIME, header, line
from tui_lab.run_list import COLUMNS

HEAD = RunHead("gamo4", "dqn", "bad", None, 7, "running", "", "", 48.0, 0.25, "slow first", None, None)
MEAN = Figure("mean return", 212.4, "return")


def text(head: RunHead = HEAD, outcome: Figure | None = MEAN, *, marked: bool = False, width: int = 100) -> str:
    return line(head, outcome, BRAILLE, marked=marked, width=width).plain


def test_a_line_says_where_a_run_stands_and_what_it_came_to() -> None:
    assert text().split() == ["●", "gamo4", "bad", "7", "running", "25", "%", "mean", "212", "48", "s", "slow", "first"]
    assert text(marked=True).startswith("* ● gamo4")
    assert text(outcome=None).split()[6:9] == ["%", "48", "s"]
    assert "test .893" in text(outcome=Figure("test accuracy", 0.8934, "accuracy"))
    assert text(replace(HEAD, name="mine")).split()[2] == "mine"


def test_what_there_is_no_room_for_is_left_out() -> None:
    assert "slow" not in text(width=ROOM_FOR_TAGS - 1)
    assert " 7 " in text(width=ROOM_FOR_SEED)
    assert " 7 " not in text(width=ROOM_FOR_SEED - 1)
    long = replace(
        HEAD, seed=2**63 - 1, preset="a-preset-of-many-words", status="interrupted", seconds=6_000.0, tags=""
    )
    assert len(text(long, width=78).rstrip()) <= 78


def test_a_time_is_shown_whole_or_not_at_all() -> None:
    assert "48 s" in text(width=ROOM_FOR_TIME)
    assert "48" not in text(width=ROOM_FOR_TIME - 1)


@pytest.mark.parametrize("status", list(Status))
def test_every_status_has_its_line(status: Status) -> None:
    assert str(status) in text(replace(HEAD, status=str(status)))


@pytest.mark.parametrize("width", [60, 78, 120])
def test_columns_stand_under_their_names_and_the_sorted_one_has_an_arrow(width: int) -> None:
    shown = text(width=width)
    for column in COLUMNS:
        names = header(column.name, BRAILLE, down=True, width=width).plain
        assert names.index("status") == shown.index("running")
        assert names.index("result") == shown.index("mean 212")
        left_out = {"seed": width < ROOM_FOR_SEED, "seconds": width < ROOM_FOR_TIME}
        assert names.count("▾") == (column.name != "started" and not left_out.get(column.name, False))
    assert "seed^" in header("seed", ASCII, down=False, width=120).plain
