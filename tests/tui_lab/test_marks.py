"""Marks, bars and colours: the same status looks the same on every screen, in every kind of terminal."""

from __future__ import annotations

import pytest
from textual.content import Content

from engine.storage.records import Status
from tui_lab.glyphs import ASCII, BRAILLE
from tui_lab.marks import progress_bar, small_curve, status_mark
from tui_lab.themes import MUTED_DARK, MUTED_LIGHT, SERIES_DARK, SERIES_LIGHT, css_color, series_color


def styled(content: Content) -> list[tuple[str, str]]:
    return [(content.plain[span.start : span.end], str(span.style)) for span in content.spans]


@pytest.mark.parametrize(
    ("status", "mark", "style"),
    [
        (None, "○", "$muted"),
        (Status.STARTING, "●", "$accent"),
        (Status.RUNNING, "●", "$accent"),
        (Status.PAUSED, "‖", "$warning"),
        (Status.FINISHED, "✓", "$success"),
        (Status.FAILED, "✗", "$error"),
        (Status.STOPPED, "■", "$warning"),
        (Status.INTERRUPTED, "■", "$warning"),
    ],
)
def test_every_status_has_a_mark_and_a_colour(status: Status | None, mark: str, style: str) -> None:
    assert styled(status_mark(status, BRAILLE)) == [(mark, style)]


def test_marks_are_those_of_the_terminal() -> None:
    assert [str(status_mark(s, ASCII)) for s in (None, *Status)] == [" ", ".", ">", ">", "=", "#", "+", "!", "#"]


@pytest.mark.parametrize(("share", "full"), [(0.0, 0), (0.5, 5), (0.26, 3), (1.0, 10), (-0.5, 0), (1.5, 10)])
def test_a_bar_is_as_full_as_its_share_and_always_as_wide(share: float, full: int) -> None:
    bar = progress_bar(share, 10, BRAILLE)
    assert bar.plain == "━" * full + "─" * (10 - full)
    styles = {piece[0]: style for piece, style in styled(bar) if piece}
    assert styles == {char: style for char, style in (("━", "$primary"), ("─", "$faint")) if char in bar.plain}


def test_a_bar_may_have_a_colour_of_its_own() -> None:
    assert styled(progress_bar(1.0, 3, ASCII, "$accent"))[0] == ("===", "$accent")


def test_series_have_colours_that_repeat_and_lean_to_the_background_where_faint() -> None:
    assert [series_color(i, dark=True) for i in range(5)] == list(SERIES_DARK)
    assert series_color(6, dark=False) == SERIES_LIGHT[1]
    assert series_color(-1, dark=True) == MUTED_DARK
    assert series_color(-1, dark=False) == MUTED_LIGHT
    assert series_color(0, dark=True, dim=True) == ((95 + 30) // 2, (175 + 30) // 2, (255 + 30) // 2)
    assert series_color(0, dark=False, dim=True) == ((0 + 235) // 2, (95 + 235) // 2, (175 + 235) // 2)


def test_a_colour_is_written_as_css_has_it() -> None:
    assert css_color((0, 175, 255)) == "#00afff"


# --- small curves


def test_a_small_curve_rises_from_nothing_to_the_highest() -> None:
    assert small_curve([0, 250, 500], 500, 10, BRAILLE) == "▁▅█"


def test_a_small_curve_shows_the_highest_of_what_a_cell_holds() -> None:
    assert small_curve([0, 500, 0, 0], 500, 2, BRAILLE) == "█▁"


def test_a_small_curve_is_of_ascii_where_the_terminal_knows_no_more() -> None:
    assert small_curve([0, 1, 2], 2, 3, ASCII).isascii()


def test_a_small_curve_of_nothing_is_empty_and_one_of_zeros_too() -> None:
    assert small_curve([], 500, 10, BRAILLE) == ""
    assert small_curve([0, 0], 0, 10, BRAILLE) == ""


def test_what_is_below_zero_is_at_the_bottom() -> None:
    assert small_curve([-5, 5], 5, 2, BRAILLE) == "▁█"
