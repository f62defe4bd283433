"""How a reader looks: zooming, moving the cursor, what is smoothed; all of it without a screen."""

from __future__ import annotations

from engine.learners.charts import Trace
from tui_lab.look import Cursor, Look

WHOLE = (0.0, 200.0)


def test_zooming_keeps_what_is_under_the_cursor_in_its_place() -> None:
    look = Look(cursor=Cursor(50, "episode")).zoomed("episode", WHOLE, 2)
    assert look.part_of("episode") == (25, 125)
    assert look.zoomed("episode", WHOLE, 2).part_of("episode") == (37.5, 87.5)


def test_without_a_cursor_zooming_is_about_the_middle() -> None:
    assert Look().zoomed("episode", WHOLE, 2).part_of("episode") == (50, 150)


def test_zooming_never_shows_more_than_there_is_nor_less_than_a_few_points() -> None:
    assert Look().zoomed("episode", WHOLE, 0.5) == Look()
    assert Look().zoomed("episode", WHOLE, 2).zoomed("episode", WHOLE, 0.5) == Look()
    low, high = Look().zoomed("episode", WHOLE, 1e9).part_of("episode") or WHOLE
    assert high - low == 4


def test_a_part_of_one_axis_is_none_of_another() -> None:
    look = Look().zoomed("episode", WHOLE, 2)
    assert look.part_of("environment step") is None
    assert look.zoomed("environment step", (0, 1000), 2).part_of("episode") is None


def test_the_cursor_goes_down_at_the_end_it_comes_from_and_moves_by_cells() -> None:
    look = Look().moved("episode", WHOLE, 1, 100)
    assert look.cursor == Cursor(2, "episode") or look.cursor == Cursor(0, "episode")
    assert Look().moved("episode", WHOLE, -1, 100).cursor == Cursor(200, "episode")
    moved = look.moved("episode", WHOLE, 10, 100).cursor
    assert moved is not None
    assert look.cursor is not None
    assert moved.at == look.cursor.at + 20


def test_the_cursor_stays_on_the_axis_and_the_part_in_view_follows_it() -> None:
    look = Look(cursor=Cursor(199, "episode")).moved("episode", WHOLE, 10, 100)
    assert look.cursor == Cursor(200, "episode")
    zoomed = Look(part=(0, 20), part_unit="episode", cursor=Cursor(20, "episode")).moved("episode", WHOLE, 1, 20)
    assert zoomed.cursor == Cursor(21, "episode")
    assert zoomed.part == (11, 31)


def test_single_values_means_or_both_are_shown() -> None:
    single, mean, loss = Trace("return", alone=True, faint=True), Trace("return", smooth=20), Trace("loss")
    traces = (single, mean, loss)
    assert Look().traces(traces, 1) == traces
    assert Look().traces(traces, 2) == (mean, loss)
    raw, smooth = Look(means="none"), Look(means="all")
    assert raw.traces(traces, 1) == smooth.traces(traces, 1) == (mean, loss)
    assert [raw.window(trace) for trace in (mean, loss)] == [1, 1]
    assert [smooth.window(trace) for trace in (mean, loss)] == [20, 20]
    assert [Look().window(trace) for trace in (mean, loss)] == [20, 1]


def test_pinning_goes_round_the_letters() -> None:
    pins, look = [], Look()
    for _ in range(4):
        look = Look(pinned=look.next_pin(["A", "B", "C"]))
        pins.append(look.pinned)
    assert pins == ["A", "B", "C", ""]
    assert Look(pinned="Z").next_pin(["A"]) == "A"
