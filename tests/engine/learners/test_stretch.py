"""Parts of a series for charts whose columns stand still, by hand and against looking at every point."""

from __future__ import annotations

import math
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.learners import decimation, pyramid
from engine.learners.metrics import MetricLog, Stretch, Values

LONG = 20 * pyramid.SHORT


def log_of(y: list[float] | Values, x: Values | None = None) -> MetricLog:
    log, values = MetricLog(), np.asarray(y, np.float64)
    log.extend("y", np.arange(float(len(values))) if x is None else x, values)
    return log


def as_lists(part: Stretch) -> tuple[list[float], list[float], list[bool], int]:
    return part.x.tolist(), part.y.tolist(), part.broken.tolist(), part.missing


def test_each_column_keeps_its_lowest_and_highest_point() -> None:
    part = log_of([5, 1, 3, 9, 2, 2, 8, 0]).stretch("y", 0, 8, 2)
    assert as_lists(part) == ([1, 3, 6, 7], [1, 9, 8, 0], [False] * 4, 0)


def test_only_the_part_that_is_asked_for_is_given_its_ends_included() -> None:
    assert log_of([0, 1, 2, 3, 4, 5]).stretch("y", 2, 4, 10).x.tolist() == [2, 3, 4]
    assert log_of([0, 1, 2]).stretch("y", 7, 9, 10).x.tolist() == []
    assert MetricLog().stretch("y", 0, 9, 10).x.tolist() == []


@pytest.mark.parametrize("length", [200, 40_000])
def test_a_point_that_arrives_changes_its_own_column_and_no_other(length: int) -> None:
    y = np.random.default_rng(0).normal(size=length)
    log, columns = MetricLog(), 50
    wide, held = length / columns, dict[int, list[float]]()
    for first in range(0, length, length // 100):
        log.extend("y", np.arange(first, first + length // 100, dtype=float), y[first : first + length // 100])
        part = log.stretch("y", 0, length, columns)
        shown: dict[int, list[float]] = {}
        for x, value in zip(part.x, part.y, strict=True):
            shown.setdefault(int(x // wide), []).append(value)
        now = int(first // wide)
        assert {column: shown[column] for column in range(now)} == {column: held[column] for column in range(now)}
        held = shown


def test_a_line_is_broken_where_all_values_between_two_points_are_missing() -> None:
    part = log_of([1, math.nan, 2, 3, math.inf, -math.inf, 4]).stretch("y", 0, 6, 100)
    assert as_lists(part) == ([0, 2, 3, 6], [1, 2, 3, 4], [False, True, False, True], 3)


def test_a_column_without_a_finite_value_is_a_gap_however_many_points_there_are() -> None:
    y = np.ones(LONG)
    y[LONG // 2 : LONG // 2 + LONG // 10] = math.nan
    part = log_of(y).stretch("y", 0, LONG, 40)
    assert part.broken.sum() == 1
    assert part.missing == LONG // 10
    (at,) = np.flatnonzero(part.broken)
    assert part.x[at] - part.x[at - 1] > LONG / 10


def test_a_value_that_is_missing_among_many_of_its_column_breaks_nothing_and_is_told() -> None:
    y = np.arange(float(LONG))
    y[LONG // 2 + 100] = math.nan
    part = log_of(y).stretch("y", 0, LONG, 10)
    assert (part.broken.sum(), part.missing) == (0, 1)


def test_nothing_but_missing_values_gives_no_points_and_says_how_many() -> None:
    assert as_lists(log_of(np.full(LONG, math.nan)).stretch("y", 0, LONG, 10)) == ([], [], [], LONG)
    assert as_lists(log_of([math.inf]).stretch("y", 0, 1, 10)) == ([], [], [], 1)


def test_a_mean_is_taken_before_the_decimation() -> None:
    assert log_of([0, 0, 6, 6]).stretch("y", 0, 3, 100, smooth=2).y.tolist() == [0, 0, 3, 6]


def test_a_series_whose_x_goes_back_is_put_in_order() -> None:
    x = np.arange(float(LONG))[::-1].copy()
    part = log_of(x, x).stretch("y", 0, LONG, 10)
    assert (np.diff(part.x) > 0).all()
    assert part.y.tolist() == part.x.tolist()


@settings(deadline=None)
@given(
    runs=st.lists(
        st.tuples(
            st.sampled_from([-3.0, 0.0, 2.0, math.nan, math.inf]), st.integers(1, 30), st.sampled_from([0.0, 0.5, 1.0])
        ),
        min_size=4,
        max_size=30,
    ),
    looks=st.lists(
        st.tuples(st.floats(-5, 200), st.floats(0.5, 300), st.integers(1, 14), st.sampled_from([1, 3])), max_size=3
    ),
)
def test_a_growing_series_is_shown_as_if_every_point_was_looked_at(
    runs: list[tuple[float, int, float]], looks: list[tuple[float, float, int, int]]
) -> None:
    log, x = MetricLog(), 0.0
    with patch.multiple(pyramid, SHORT=6, BITS=1, BLOCK=2, BITE=5):
        for y, count, gap in runs:
            for _ in range(count):
                x += gap
                log.append("y", x, y)
            for low, span, columns, smooth in looks:
                xs, ys = log.read("y")
                plain = decimation.stretch(xs, decimation.trailing_mean(ys, smooth), low, low + span, columns)
                assert as_lists(log.stretch("y", low, low + span, columns, smooth)) == as_lists(plain)


def test_the_newest_value_at_or_before_a_place_is_read() -> None:
    log = log_of([1, 2, 3], np.array([10.0, 20.0, 30.0]))
    places = np.array([9.0, 10.0, 19.0, 20.0, 30.0, 31.0])
    np.testing.assert_array_equal(log.at("y", places), [math.nan, 1, 1, 2, 3, math.nan])
    np.testing.assert_array_equal(log.at("y", np.array([30.0]), smooth=2), [2.5])
    assert np.isnan(MetricLog().at("y", places)).all()


def test_places_are_to_look_at_only() -> None:
    places = log_of([1, 2]).places("y")
    assert places.tolist() == [0, 1]
    with pytest.raises(ValueError, match="read-only"):
        places[0] = 3
