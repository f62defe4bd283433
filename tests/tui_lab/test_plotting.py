"""Charts as text: round axes, ticks that can be told apart, and every mark where its figure belongs."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from tui_lab.glyphs import ASCII, BLOCK, BRAILLE, Glyphs
from tui_lab.plotting import Band, Heat, Picture, Series, draw, nice_ceiling, nice_ticks, tick_labels

WIDTH, HEIGHT = 40, 10
LEFT, BOTTOM = 3, HEIGHT - 2
"""Cells that the axes take, where labels are at most two characters wide."""


def color(index: int, dim: bool) -> tuple[int, int, int]:
    """A colour that tells which series it is."""
    return index + 1, int(dim), 0


def drawn(picture: Picture) -> list[Text]:
    return draw(picture, WIDTH, HEIGHT, ASCII, color)


def plain(picture: Picture) -> list[str]:
    return [row.plain for row in drawn(picture)]


def square(*series: Series, levels: tuple[tuple[float, str], ...] = ()) -> Picture:
    """A picture whose axes both go from 0 to 10."""
    return Picture(series, (0.0, 10.0), (0.0, 10.0), levels)


def color_at(rows: list[Text], x: int, y: int) -> str:
    """The colour of a cell; the one laid on last counts."""
    (*_, style) = [str(span.style) for span in rows[y].spans if span.start <= x < span.end]
    return style


# --- axes


@pytest.mark.parametrize(
    ("value", "ceiling"),
    [(0.9, 1), (1, 1), (1.01, 1.5), (1.6, 2), (2.5, 3), (3.1, 5), (6, 7.5), (7.6, 10), (99, 100), (201, 300)],
)
def test_an_axis_ends_at_the_next_round_number(value: float, ceiling: float) -> None:
    assert nice_ceiling(value) == pytest.approx(ceiling)
    assert nice_ceiling(value / 1000) == pytest.approx(ceiling / 1000)


@pytest.mark.parametrize("value", [0.0, -3.0, math.nan, math.inf])
def test_what_has_no_ceiling_gets_an_axis_to_one(value: float) -> None:
    assert nice_ceiling(value) == 1.0


@given(st.floats(1e-6, 1e9))
def test_an_axis_holds_its_value_and_is_never_more_than_twice_as_long(value: float) -> None:
    assert value <= nice_ceiling(value) * (1 + 1e-9)
    assert nice_ceiling(value) <= 2 * value * (1 + 1e-9)


@pytest.mark.parametrize(
    ("low", "high", "count", "ticks"),
    [
        (0, 1, 6, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0, 1, 2, [0, 0.5, 1]),
        (0, 200, 4, [0, 50, 100, 150, 200]),
        (0, 500, 4, [0, 250, 500]),
        (0.5, 1, 4, [0.5, 0.75, 1]),
        (-200, 0, 5, [-200, -150, -100, -50, 0]),
        (0, 0.75, 4, [0, 0.25, 0.5, 0.75]),
        (1, 4, 3, [1, 2, 3, 4]),
        (0, 8, 2, [0, 5]),
        (3, 3, 4, [3]),
    ],
)
def test_ticks_are_round_and_take_in_both_ends_where_that_can_be(
    low: float, high: float, count: int, ticks: list[float]
) -> None:
    assert nice_ticks(low, high, count) == ticks


@given(st.floats(-1e4, 1e4), st.floats(0.01, 1e4), st.integers(2, 6))
def test_ticks_are_few_and_evenly_spaced_within_the_axis(low: float, span: float, count: int) -> None:
    ticks = nice_ticks(low, low + span, count)
    assert len(ticks) <= count + 1
    assert all(low - 1e-6 * span <= tick <= low + span * (1 + 1e-6) for tick in ticks)
    steps = [second - first for first, second in itertools.pairwise(ticks)]
    assert steps == pytest.approx([steps[0]] * len(steps)) if steps else True


@pytest.mark.parametrize(
    ("ticks", "labels"),
    [
        ([0.0, 0.5, 1.0], ["0", "0.5", "1.0"]),
        ([0.0, 0.25, 0.5], ["0", "0.25", "0.50"]),
        ([0.0, 50.0, 100.0], ["0", "50", "100"]),
        ([-200.0, -100.0, 0.0], ["-200", "-100", "0"]),
        ([0.0, 5000.0, 10000.0], ["0", "5k", "10k"]),
        ([0.0, 2500.0, 5000.0], ["0", "2.5k", "5k"]),
        ([0.0, 500.0, 1000.0], ["0", "500", "1000"]),
        ([1000.0, 1050.0, 1100.0], ["1000", "1050", "1100"]),
        ([0.0, 0.00001, 0.00002], ["0", "0.00001", "0.00002"]),
    ],
)
def test_labels_are_short_and_tell_the_ticks_apart(ticks: list[float], labels: list[str]) -> None:
    assert tick_labels(ticks) == labels


# --- pictures


def test_a_line_goes_from_corner_to_corner() -> None:
    rows = plain(square(Series((0, 10), (0, 10))))
    assert rows[BOTTOM - 1][LEFT] == "*"
    assert rows[0][WIDTH - 1] == "*"
    assert all("*" in row[LEFT:] for row in rows[:BOTTOM])


def test_points_are_not_joined() -> None:
    rows = plain(square(Series((0, 10), (0, 10), kind="points")))
    assert "".join(rows).count("o") == 2
    assert rows[BOTTOM - 1][LEFT] == "o"
    assert rows[0][WIDTH - 1] == "o"


def test_bars_stand_on_zero_side_by_side_and_are_as_high_as_their_count() -> None:
    rows = plain(Picture((Series((1, 3, 5, 7), (4, 2, 0, 4), kind="bars"),), (0, 8), (0, 4)))
    heights = [sum(row[column] == "#" for row in rows[:BOTTOM]) for column in range(2, WIDTH)]
    quarter = len(heights) // 4
    middles = [heights[quarter * i + quarter // 2] for i in range(4)]
    assert middles[0] == middles[3] == BOTTOM
    assert middles[1] == BOTTOM // 2
    assert set(heights[:quarter]) == {middles[0]}
    assert rows[0][2 + 2 * quarter : 2 + 3 * quarter - 1].strip() == ""


def test_the_axes_say_what_they_measure() -> None:
    rows = plain(square(Series((0, 10), (0, 10))))
    assert rows[0].startswith("10┤")
    assert rows[BOTTOM - 1].startswith(" 0┤")
    assert rows[-1].split() == ["0", "5", "10"]


def test_an_axis_need_not_begin_at_zero() -> None:
    rows = plain(Picture((Series((-5, 5), (-3, -1), kind="points"),), (-5, 5), (-3, -1)))
    left = rows[0].index("┤") + 1
    assert rows[BOTTOM - 1].startswith("-3┤")
    assert rows[0].startswith("-1┤")
    assert (rows[BOTTOM - 1].index("o"), rows[0].index("o")) == (left, WIDTH - 1)
    assert rows[-1].split() == ["-5", "0", "5"]


def test_a_level_is_a_muted_line_across_behind_the_data_and_bears_its_name() -> None:
    rows = drawn(square(Series((0, 10), (0, 10), 3), levels=((5.0, "half"),)))
    (at,) = [y for y, row in enumerate(rows) if row.plain.startswith(" 5┤")]
    assert rows[at].plain[LEFT:].startswith("- half -----")
    assert set(rows[at].plain[LEFT + 7 :]) == {"-", "%"}
    assert color_at(rows, WIDTH - 1, at) == "#000000"
    assert color_at(rows, LEFT + 17, at) == "#040000"


def test_a_name_moves_aside_for_the_data_and_levels_of_one_row_share_a_line() -> None:
    rows = plain(square(Series((0, 3), (9.9, 9.9)), levels=((9.9, "solved"), (10.0, "perfect"))))
    assert rows[0][LEFT:].startswith("****")
    assert " solved, perfect " in rows[0]
    assert not any("-" in row for row in rows[1:BOTTOM])


def test_every_series_has_its_own_colour_and_may_be_faint() -> None:
    rows = drawn(square(Series((0, 10), (10, 10), 0), Series((0, 10), (0, 0), 1, dim=True)))
    assert color_at(rows, LEFT + 5, 0) == "#010000"
    assert color_at(rows, LEFT + 5, BOTTOM - 1) == "#020100"


@pytest.mark.parametrize(("width", "height"), [(40, 10), (12, 4), (160, 30)])
def test_a_chart_fills_its_place(width: int, height: int) -> None:
    rows = draw(square(Series((0, 10), (0, 10))), width, height, BRAILLE, color)
    assert [row.cell_len for row in rows] == [width] * height
    assert any(char in "▖▗▘▝▚▞▀▄█▌▐▙▛▜▟" for row in rows for char in row.plain)


@pytest.mark.parametrize(("width", "height"), [(11, 10), (40, 3)])
def test_where_there_is_no_room_nothing_is_drawn(width: int, height: int) -> None:
    rows = draw(square(Series((0, 10), (0, 10))), width, height, ASCII, color)
    assert [row.plain for row in rows] == [" " * width] * height


def test_without_data_nothing_is_drawn_not_even_axes() -> None:
    assert plain(square(Series((), ()))) == [" " * WIDTH] * HEIGHT
    assert plain(Picture()) == [" " * WIDTH] * HEIGHT


def test_a_series_that_is_still_empty_does_not_keep_the_others_away() -> None:
    assert plain(square(Series((), ()), Series((0, 10), (0, 10)))) == plain(square(Series((0, 10), (0, 10))))


def test_more_ticks_fit_a_larger_chart() -> None:
    def labels(width: int, height: int) -> tuple[int, int]:
        rows = draw(square(Series((0, 10), (0, 10))), width, height, ASCII, color)
        return len(rows[-1].plain.split()), sum("┤" in row.plain for row in rows)

    assert labels(40, 10) == (3, 3)
    assert labels(160, 40) == (6, 6)


# --- what tells series apart, without colours too


def test_a_curve_behind_is_drawn_in_another_weight_than_one_that_matters() -> None:
    rows = [
        row.plain
        for row in draw(
            square(Series((0, 10), (2, 2)), Series((0, 10), (8, 8), dim=True)), WIDTH, HEIGHT, BRAILLE, color
        )
    ]
    dots = {y for y, row in enumerate(rows) if any("\u2800" < char < "\u2900" for char in row)}
    strokes = {y for y, row in enumerate(rows[:BOTTOM]) if any(char in "▀▄█" for char in row)}
    assert len(dots) == len(strokes) == 1
    assert dots < set(range(strokes.pop()))


def test_each_of_several_curves_bears_its_letter_along_and_at_its_end() -> None:
    low = Series((0, 8), (2, 2), 0, letter="A")
    high = Series((0, 8), (8, 8), 1, letter="B")
    rows = plain(square(low, high))
    for letter in "AB":
        (row,) = [row for row in rows if letter in row]
        assert row.count(letter) == 2
        assert row.rindex(letter) == LEFT + round(0.8 * (WIDTH - LEFT - 1))


def test_curves_that_end_at_one_point_keep_both_letters() -> None:
    rows = plain(square(Series((0, 10), (0, 5), 0, letter="A"), Series((0, 10), (10, 5), 1, letter="B")))
    assert {letter for letter in "AB" if any(letter in row for row in rows)} == {"A", "B"}


def test_without_utf8_every_curve_has_a_character_of_its_own() -> None:
    rows = plain(square(*[Series((0, 10), (2 * i, 2 * i), i) for i in range(4)]))
    assert all(char in "".join(rows) for char in "*ox%")


def test_points_of_each_series_have_a_shape_of_their_own() -> None:
    rows = plain(square(Series((1,), (1,), kind="points"), Series((9,), (9,), kind="points")))
    assert "o" in "".join(rows)
    assert "x" in "".join(rows)


def test_the_linux_console_is_given_half_blocks_alone() -> None:
    wave = Series(tuple(range(11)), (0, 4, 1, 9, 3, 5, 8, 2, 7, 1, 10))
    rows = draw(square(wave), WIDTH, HEIGHT, BLOCK, color)
    assert not set("▖▗▘▝▚▞▙▛▜▟") & set("".join(row.plain for row in rows))
    assert set("▀▄█") & set("".join(row.plain for row in rows))


# --- gaps, bands, marks, cursor, heat


def test_a_gap_is_seen_as_a_gap() -> None:
    whole = plain(square(Series((0, 2, 8, 10), (5, 5, 5, 5))))
    broken = plain(square(Series((0, 2, 8, 10), (5, 5, 5, 5), gaps=(2,))))
    (at,) = [y for y, row in enumerate(whole[:BOTTOM]) if "*" in row]
    assert " " not in whole[at][LEFT:]
    assert broken[at][LEFT:].strip("*").isspace()
    assert len(broken[at][LEFT:].strip("*")) > 20


def test_a_band_fills_the_cells_that_are_free_between_its_ends() -> None:
    band = Band((0, 10), (2, 2), (8, 8))
    rows = plain(Picture((Series((0, 10), (5, 5)),), (0, 10), (0, 10), bands=(band,)))
    filled = [y for y, row in enumerate(rows[:BOTTOM]) if ":" in row]
    assert filled == [1, 2, 3, 5, 6]
    assert all(set(rows[y][LEFT:]) <= {":", "*"} for y in range(1, 7))
    assert ":" not in rows[0] + rows[7]


def test_marks_are_numbered_on_the_axis_and_do_not_hide_each_other() -> None:
    picture = Picture((Series((0, 10), (0, 10)),), (0, 10), (0, 10), marks=((5, "a"), (5.01, "b"), (10, "c")))
    axis = plain(picture)[BOTTOM]
    assert "12" in axis
    assert axis.index("1") == LEFT + round((WIDTH - LEFT - 1) / 2)
    assert axis[WIDTH - 1] == "3"


def test_the_cursor_is_a_line_up_that_hides_no_curve() -> None:
    rows = plain(Picture((Series((0, 10), (5, 5)),), (0, 10), (0, 10), cursor=5.0))
    column = LEFT + round((WIDTH - LEFT - 1) / 2)
    assert {row[column] for row in rows[:BOTTOM]} == {"|", "*"}


def test_a_heat_map_has_a_shade_for_each_share_and_shows_whatever_is_not_nothing() -> None:
    heat = Heat(((0.0, 0.001), (0.5, 1.0)))
    rows = plain(Picture(heat=heat, x_limits=(0, 1), y_limits=(0, 1)))
    left = rows[0].index("┤") + 1
    assert (rows[0][left], rows[0][WIDTH - 1]) == (" ", ".")
    assert (rows[BOTTOM - 1][left], rows[BOTTOM - 1][WIDTH - 1]) == (":", "#")


@given(
    st.lists(st.tuples(st.floats(0, 10), st.floats(-1e12, 1e12)), max_size=30),
    st.integers(12, 60), st.integers(4, 20), st.sampled_from([ASCII, BLOCK, BRAILLE]),
)  # fmt: skip
def test_whatever_is_drawn_fills_its_place(
    points: list[tuple[float, float]], width: int, height: int, glyphs: Glyphs
) -> None:
    points.sort()
    x, y = tuple(one for one, _ in points), tuple(one for _, one in points)
    picture = Picture(
        (Series(x, y, letter="A"), Series(x, y, 1, dim=True, letter="b")), (0, 10), (-1e6, 1e6),
        levels=((0.0, "a name longer than some charts are wide, and then some more"),),
        marks=((0.0, "first"), (11.0, "beyond")), cursor=3.0, bands=(Band(x, y, y),),
    )  # fmt: skip
    rows = draw(picture, width, height, glyphs, color)
    assert [row.cell_len for row in rows] == [width] * height
