"""Metrics: series that only grow, and views that never lose a dip or draw what is no number."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.metrics import Episode, MetricLog, decimate, trailing_mean


def array(*values: float) -> npt.NDArray[np.float64]:
    return np.array(values, np.float64)


def log_of(count: int, name: str = "loss") -> MetricLog:
    log = MetricLog()
    for x in range(count):
        log.append(name, x, x * 10)
    return log


def episode(index: int) -> Episode:
    return Episode(index, index * 10, 10.0, 10, 0.5, True, False)


# --- decimation


@given(
    ys=st.lists(st.sampled_from([-3.0, -1.0, 0.0, 0.5, 2.0, math.nan, math.inf, -math.inf]), max_size=120),
    gaps=st.lists(st.integers(1, 5), min_size=120, max_size=120),
    columns=st.integers(1, 12),
)
def test_each_column_keeps_its_lowest_and_highest_point_in_order(
    ys: list[float], gaps: list[int], columns: int
) -> None:
    y = array(*ys)
    x = np.cumsum(array(*gaps))[: len(y)]
    kept_x, kept_y = decimate(x, y, columns)
    assert len(kept_x) == len(kept_y) <= 2 * columns
    assert np.isfinite(kept_y).all()
    assert (np.diff(kept_x) > 0).all()
    points = set(zip(x.tolist(), y.tolist(), strict=True))
    assert set(zip(kept_x.tolist(), kept_y.tolist(), strict=True)) <= points
    finite = np.isfinite(y)
    x, y = x[finite], y[finite]
    if len(x) <= 2 * columns:
        assert kept_x.tolist() == x.tolist()
        return
    column = np.minimum(((x - x[0]) * (columns / (x[-1] - x[0]))).astype(int), columns - 1)
    for bucket in set(column.tolist()):
        ours = kept_y[np.isin(kept_x, x[column == bucket])]
        assert (ours.min(), ours.max()) == (y[column == bucket].min(), y[column == bucket].max())


def test_a_dip_of_one_point_survives() -> None:
    y = np.ones(10_000)
    y[4_321] = -5
    assert decimate(np.arange(10_000.0), y, 10)[1].min() == -5


def test_a_short_series_is_returned_whole() -> None:
    x, y = decimate(array(1, 2, 3, 4), array(4, 3, 2, 1), 2)
    assert (x.tolist(), y.tolist()) == ([1, 2, 3, 4], [4, 3, 2, 1])


def test_points_at_one_x_are_one_column() -> None:
    x, y = decimate(np.full(50, 7.0), np.arange(50.0), 4)
    assert (x.tolist(), sorted(y.tolist())) == ([7, 7], [0, 49])


def test_a_series_without_a_finite_point_gives_no_points() -> None:
    x, y = decimate(np.arange(50.0), np.full(50, math.nan), 4)
    assert (len(x), len(y)) == (0, 0)


# --- trailing mean


@pytest.mark.parametrize(
    ("window", "means"),
    [
        (1, [2, 4, 6, 0, 3]),
        (2, [2, 3, 5, 3, 1.5]),
        (3, [2, 3, 4, 10 / 3, 3]),
        (5, [2, 3, 4, 3, 3]),
        (9, [2, 3, 4, 3, 3]),
    ],
)
def test_the_trailing_mean_by_hand(window: int, means: list[float]) -> None:
    np.testing.assert_allclose(trailing_mean(array(2, 4, 6, 0, 3), window), means)


@pytest.mark.parametrize("spike", [1e300, math.inf, math.nan])
def test_a_spike_spoils_the_means_of_its_own_windows_and_no_later_ones(spike: float) -> None:
    means = trailing_mean(array(1, 2, spike, 3, 5, 7), 2)
    assert [means[i] for i in (0, 1, 4, 5)] == [1, 1.5, 4, 6]


def test_the_trailing_mean_of_nothing_is_nothing_and_its_input_is_left_alone() -> None:
    assert len(trailing_mean(np.empty(0), 5)) == 0
    y = array(1, 2, 3)
    trailing_mean(y, 2)
    assert y.tolist() == [1, 2, 3]


def test_a_view_smooths_before_it_decimates() -> None:
    log = MetricLog()
    for x in range(100):
        log.append("loss", x, float(x % 2))
    _, y = log.view("loss", 5, smooth=2)
    assert set(y.tolist()) <= {0.0, 0.5}
    assert set(log.view("loss", 5)[1].tolist()) == {0.0, 1.0}


# --- the log


def test_points_are_read_back_in_order_beyond_the_first_allocation() -> None:
    x, y = log_of(1_000).read("loss")
    assert x.tolist() == list(range(1_000))
    assert y.tolist() == [10 * v for v in range(1_000)]


def test_a_read_starts_where_asked_and_is_a_copy() -> None:
    log = log_of(5)
    x, y = log.read("loss", 3)
    assert (x.tolist(), y.tolist()) == ([3, 4], [30, 40])
    y[:] = 0
    assert log.last("loss") == 40


def test_a_series_that_does_not_exist_yet_is_empty() -> None:
    log = MetricLog()
    assert [len(column) for column in log.read("loss")] == [0, 0]
    assert (log.length("loss"), log.last("loss"), log.names) == (0, None, ())
    assert len(log.view("loss", 10)[0]) == 0


def test_every_change_moves_the_version() -> None:
    log = MetricLog()
    versions = [log.version]
    log.append("loss", 0, 1)
    versions.append(log.version)
    log.extend("loss", array(1), array(2))
    versions.append(log.version)
    log.add_episode(episode(0))
    versions.append(log.version)
    log.take(log_of(3))
    versions.append(log.version)
    log.truncate({"loss": 1}, 0)
    versions.append(log.version)
    assert versions == sorted(set(versions))


def test_truncate_forgets_what_came_after_and_appending_goes_on_from_there() -> None:
    log = log_of(300)
    log.append("q", 0, 1)
    log.append("late", 0, 1)
    for index in range(4):
        log.add_episode(episode(index))
    log.truncate({"loss": 2, "q": 5}, 3)
    assert log.lengths() == {"loss": 2, "q": 1}
    assert [e.index for e in log.episodes()] == [0, 1, 2]
    log.append("loss", 9, 99)
    assert [column.tolist() for column in log.read("loss")] == [[0, 1, 9], [0, 10, 99]]


def test_take_makes_a_log_a_copy_of_another() -> None:
    other = log_of(3, "q")
    other.add_episode(episode(0))
    log = log_of(9)
    log.take(other)
    assert log.lengths() == {"q": 3}
    assert log.episode_count == 1
    log.append("q", 3, 5)
    log.append("loss", 0, 1)
    log.add_episode(episode(1))
    assert log.last("q") == 5
    assert (other.names, other.episode_count) == (("q",), 1)
    assert [e.index for e in log.episodes(1)] == [1]
