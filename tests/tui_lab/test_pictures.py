"""Pictures that are no curves: what is counted where, which shape stands for what, and that no bad value gets in."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tui_lab.picture import Picture, Series, on_log_axis
from tui_lab.pictures import CELLS, heat_map, histogram, scatter, strip


def test_a_histogram_leaves_out_what_is_no_number() -> None:
    clean, broken = np.array([1.0, 2.0]), np.array([1.0, math.nan, 2.0, math.inf])
    assert histogram(broken, (0.0, 5.0), 0) == histogram(clean, (0.0, 5.0), 0)
    assert histogram(np.array([math.nan]), (None, None), 0) == Picture()


def test_a_scatter_names_its_series_and_leaves_out_what_is_no_number() -> None:
    drawn = scatter(
        {"left": (np.array([1.0, 2.0]), np.array([3.0, math.inf])), "right": (np.empty(0), np.empty(0))}, (0, 5), (0, 5)
    )
    assert drawn.series == (Series((1,), (3,), 0, "points", name="left"), Series((), (), 1, "points", name="right"))


def test_a_strip_has_a_line_for_each_name_the_first_on_top_and_lifts_equal_values() -> None:
    drawn = strip({"bad": [30.0, 100.0], "good": [500.0, 500.0]}, (0.0, 500.0))
    bad, good = drawn.series
    assert (bad.x, bad.y) == ((30, 100), (1, 1))
    assert (good.x, good.y) == ((500, 500), (0, 0.1))
    assert drawn.y_ticks == ((1, "bad"), (0, "good"))
    assert drawn.x_limits == (0, 500)


def test_a_strip_without_an_end_follows_its_values_and_draws_no_bad_ones() -> None:
    drawn = strip({"a": [1.0, math.nan, 3.0], "b": []}, (None, None))
    assert drawn.series[0].x == (1, 3)
    assert drawn.x_limits[0] < 1 < 3 < drawn.x_limits[1]
    assert strip({"a": [math.inf]}, (0.0, None)) == Picture()


def test_a_heat_map_is_shares_of_its_fullest_part_with_the_top_row_first() -> None:
    drawn, most = heat_map(np.array([0.1, 0.1, 0.9]), np.array([0.1, 0.1, 0.9]), (0, 1), (0, 1))
    assert most == 2
    assert drawn.heat is not None
    rows = np.array(drawn.heat.rows)
    assert rows.shape == (CELLS, CELLS)
    assert rows[-1 - 4, 4] == 1.0
    assert rows[3, CELLS - 4] == 0.5
    assert rows.sum() == 1.5
    assert heat_map(np.empty(0), np.empty(0), (0, 1), (0, 1)) == (Picture(), 0)


def test_a_log_axis_has_powers_of_ten_and_a_gap_where_nothing_is_above_zero() -> None:
    drawn = on_log_axis(
        Picture((Series((0, 1, 2, 3), (0.5, 0.0, 20.0, 200.0)),), (0, 3), (0, 300), levels=((0, "none"),))
    )
    (series,) = drawn.series
    assert series.x == (0, 2, 3)
    assert series.y == pytest.approx((math.log10(0.5), math.log10(20), math.log10(200)))
    assert series.gaps == (1,)
    assert drawn.y_limits == (-1, 3)
    assert drawn.y_ticks == ((-1, "0.1"), (0, "1"), (1, "10"), (2, "100"), (3, "1000"))
    assert drawn.levels == ()
    assert drawn.log


def test_without_anything_above_zero_the_axis_stays_linear() -> None:
    flat = Picture((Series((0, 1), (0, -3)),), (0, 1), (-5, 0))
    assert on_log_axis(flat) == flat
