"""Metrics: series that only grow, and views that never lose a dip or draw what is no number."""

from __future__ import annotations

import itertools
import math
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import perf_counter
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.learners import pyramid
from engine.learners.metrics import Episode, MetricLog, decimate, trailing_mean
from engine.learners.series import Series

LONG = 20 * pyramid.SHORT


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


# --- views of long series


def plain_view(log: MetricLog, name: str, columns: int, smooth: int = 1) -> tuple[list[float], list[float]]:
    """What a view is by definition."""
    x, y = log.read(name)
    return as_lists(decimate(x, trailing_mean(y, smooth), columns))


def as_lists(points: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]) -> tuple[list[float], list[float]]:
    return points[0].tolist(), points[1].tolist()


def long_log(x: npt.NDArray[np.float64] | None = None) -> MetricLog:
    """A walk that diverges now and then and ends in no numbers. Multiples of 1/8: means of 2, 4, 8 are exact."""
    rng = np.random.default_rng(0)
    y = np.cumsum(rng.integers(-8, 9, LONG)) / 8
    y[rng.random(LONG) < 0.05] = math.nan
    y[5_000:9_000] = math.inf
    y[-3_000:] = -math.inf
    log = MetricLog()
    log.extend("loss", np.arange(float(LONG)) if x is None else x, y)
    return log


@contextmanager
def small_blocks(short: int = 6) -> Iterator[None]:
    """So that a few dozen points are a long series, with a pyramid of several levels."""
    with patch.multiple(pyramid, SHORT=short, BITS=1, BLOCK=2, BITE=5):
        yield


@settings(deadline=None)
@given(
    runs=st.lists(
        st.tuples(
            st.sampled_from([-3.0, -1.0, 0.0, 0.5, 2.0, math.nan, math.inf, -math.inf]),
            st.integers(1, 30),
            st.sampled_from([0.0, 0.1, 0.5, 1.0, 1.0, 40.0]),
        ),
        min_size=8,
        max_size=40,
    ),
    begin=st.sampled_from([0.0, -7.3, 1e15]),
    looks=st.lists(st.tuples(st.integers(1, 14), st.sampled_from([1, 2, 8, 64])), min_size=1, max_size=4),
)
def test_a_view_of_a_growing_series_is_what_decimating_all_of_it_gives(
    runs: list[tuple[float, int, float]], begin: float, looks: list[tuple[int, int]]
) -> None:
    log, x = MetricLog(), begin
    with small_blocks():
        for y, count, gap in runs:
            for _ in range(count):
                x += gap
                log.append("loss", x, y)
            for columns, smooth in looks:
                assert as_lists(log.view("loss", columns, smooth)) == plain_view(log, "loss", columns, smooth)
                np.testing.assert_array_equal(log.trailing("loss", smooth), trailing_mean(log.read("loss")[1], smooth))


@pytest.mark.parametrize("smooth", [1, 8])
@pytest.mark.parametrize("columns", [1, 2, 60, 160, 999, LONG // 2])
@pytest.mark.parametrize(
    "x",
    [
        np.arange(float(LONG)),
        np.arange(float(LONG)) // 100 * 0.1,
        np.exp(np.linspace(0, 40, LONG)),
        np.linspace(-1, 1, LONG),
        1e15 + np.arange(LONG) // 4,
        np.full(LONG, 7.0),
        np.full(LONG, 5e15),
        np.append(np.arange(LONG - 1.0), 1e12),
    ],
    ids=["even", "repeated", "stretched", "about zero", "coarse", "one x", "one large x", "a leap"],
)
def test_a_view_of_a_long_series_is_what_decimating_it_gives(
    x: npt.NDArray[np.float64], columns: int, smooth: int
) -> None:
    log = long_log(x)
    for _ in range(3):
        assert as_lists(log.view("loss", columns, smooth)) == plain_view(log, "loss", columns, smooth)
        log.extend("loss", np.full(777, x[-1]), np.arange(777.0) * (-1) ** np.arange(777))


@pytest.mark.parametrize("columns", [7, 20, 49])
def test_column_edges_fall_where_decimating_rounds_them(columns: int) -> None:
    # Many edges are points of the series here, or beside one by a rounding error, on either side.
    for length, step in itertools.product(range(101, 200), (1.0, 0.1)):
        log = MetricLog()
        log.extend("loss", np.repeat(np.arange(length) * step, 2), np.tile(array(0, 1, 2, 3), length)[: 2 * length])
        with small_blocks():
            assert as_lists(log.view("loss", columns)) == plain_view(log, "loss", columns)


def test_few_numbers_in_a_long_series_are_all_drawn() -> None:
    y = np.full(LONG, math.nan)
    y[[3, 700, LONG - 5]] = 1, 3, 2
    log = MetricLog()
    log.extend("loss", np.arange(float(LONG)), y)
    assert as_lists(log.view("loss", 2)) == ([3, 700, LONG - 5], [1, 3, 2])


def test_a_series_whose_x_goes_back_is_decimated_the_plain_way() -> None:
    log = long_log()
    log.view("loss", 60)
    log.append("loss", 12, 1e9)
    assert as_lists(log.view("loss", 60)) == plain_view(log, "loss", 60)
    log.append("loss", LONG, 2e9)
    assert as_lists(log.view("loss", 60)) == plain_view(log, "loss", 60)


@pytest.mark.parametrize("length", [100, LONG])
@pytest.mark.parametrize("columns", [60, LONG])
@pytest.mark.parametrize("smooth", [1, 2])
def test_a_view_is_the_callers_own(length: int, columns: int, smooth: int) -> None:
    log = log_of(length)
    before = plain_view(log, "loss", columns, smooth)
    for column in log.view("loss", columns, smooth):
        column[:] = -1
    assert as_lists(log.view("loss", columns, smooth)) == before == plain_view(log, "loss", columns, smooth)


def best(work: Callable[[], object]) -> float:
    times = []
    for _ in range(5):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return min(times)


@pytest.mark.parametrize("smooth", [1, 20])
def test_a_view_takes_a_small_part_of_the_time_it_takes_to_look_at_every_point(smooth: int) -> None:
    n, step = 500_000, 100
    x, y = np.arange(2.0 * n), np.random.default_rng(0).normal(size=2 * n)
    log = MetricLog()
    log.extend("loss", x[:n], y[:n])
    ends = itertools.count(n + step, step)

    def grow_and_view() -> None:
        end = next(ends)
        new = slice(end - step, end)
        log.extend("loss", x[new], y[new])
        log.view("loss", 160, smooth)

    log.view("loss", 160, smooth)
    assert best(grow_and_view) < best(lambda: decimate(x[:n], trailing_mean(y[:n], smooth), 160)) / 60


def test_what_is_kept_for_views_is_small_beside_the_points_and_nothing_for_a_short_series() -> None:
    def kept(log: MetricLog) -> int:
        tracemalloc.start()
        try:
            log.view("loss", 160)
            log.view("loss", 160)
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()

    assert kept(long_log()) < 0.3 * 16 * LONG
    assert kept(log_of(300)) < 2_000


# --- trailing means of a log


def test_trailing_means_are_the_series_own_to_look_at_without_a_copy() -> None:
    log = log_of(LONG)
    for window in (1, 20):
        means = log.trailing("loss", window)
        np.testing.assert_array_equal(means, trailing_mean(log.read("loss")[1], window))
        assert np.shares_memory(means, log.trailing("loss", window))
        with pytest.raises(ValueError, match="read-only"):
            means[0] = 1
    log.append("loss", LONG, 1)


def test_trailing_means_in_hand_stay_as_they_are_while_the_series_grows_and_is_cut() -> None:
    log = log_of(LONG)
    held = [log.trailing("loss", window) for window in (1, 20)]
    before = [means.tolist() for means in held]
    for x in range(LONG):
        log.append("loss", LONG + x, -5)
    log.trailing("loss", 20)
    log.truncate({"loss": 10}, 0)
    for x in range(LONG):
        log.append("loss", 10 + x, -7)
    log.trailing("loss", 20)
    assert [means.tolist() for means in held] == before


def test_the_trailing_means_of_a_short_series_are_read_only_too() -> None:
    for window in (1, 3):
        means = log_of(5).trailing("loss", window)
        assert means.tolist() == trailing_mean(array(0, 10, 20, 30, 40), window).tolist()
        assert not means.flags.writeable


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
    assert len(log.view("loss", 10)[0]) == len(log.trailing("loss", 5)) == 0


@given(st.lists(st.integers(0, 700), max_size=8))
def test_points_added_at_once_are_as_if_added_one_by_one(sizes: list[int]) -> None:
    at_once, one_by_one = MetricLog(), MetricLog()
    x = np.arange(float(sum(sizes)))
    for end, size in zip(itertools.accumulate(sizes), sizes, strict=True):
        chunk = x[end - size : end]
        at_once.extend("loss", chunk, -chunk)
        for value in chunk.tolist():
            one_by_one.append("loss", value, -value)
        assert at_once.lengths() == one_by_one.lengths()
        assert as_lists(at_once.read("loss")) == as_lists(one_by_one.read("loss"))
        at_once.append("loss", end, 1)
        one_by_one.append("loss", end, 1)
        assert at_once.last("loss") == 1


def test_points_that_lack_an_x_or_a_y_are_not_added() -> None:
    log = log_of(2)
    for x, y in ((array(2, 3), array(5)), (array(2), array(5, 6))):
        with pytest.raises(ValueError, match=f"{len(x)} x for {len(y)} y"):
            log.extend("loss", x, y)
    assert log.length("loss") == 2


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


@pytest.mark.parametrize("smooth", [1, 4])
def test_a_cut_or_taken_log_is_viewed_as_it_is_now(smooth: int) -> None:
    log = long_log()
    log.view("loss", 60, smooth)
    log.truncate({"loss": LONG // 2}, 0)
    assert as_lists(log.view("loss", 60, smooth)) == plain_view(log, "loss", 60, smooth)
    for x in range(LONG):
        log.append("loss", LONG // 2 + x, -x)
    assert as_lists(log.view("loss", 60, smooth)) == plain_view(log, "loss", 60, smooth)
    log.take(log_of(LONG))
    assert as_lists(log.view("loss", 60, smooth)) == plain_view(log_of(LONG), "loss", 60, smooth)


# --- threads


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Threads take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("eager_threads")
def test_readers_beside_a_writer_see_the_series_as_it_was_at_some_moment() -> None:
    readers, looks, burst = 3, 60, 100
    log, looking, writing = MetricLog(), threading.Semaphore(0), threading.Semaphore(0)

    def write() -> None:
        """A burst of points beside each look of a reader."""
        for x in range(readers * looks * burst):
            if x % burst == 0:
                looking.acquire()
                writing.release()
            log.append("swing", x, -x if x % 2 else x)
            log.append("climb", x, x)

    def read() -> set[int]:
        """How long the series was at each look. Each series' last point is its most extreme, so that a view has it."""
        seen = set()
        for _ in range(looks):
            looking.release()
            assert writing.acquire(timeout=10)
            for name, smooth in (("swing", 1), ("climb", 4)):
                points = log.view(name, 20, smooth)
                length = int(points[0][-1]) + 1 if len(points[0]) else 0
                x = np.arange(float(length))
                y = trailing_mean(x, smooth) if name == "climb" else x * np.where(x % 2, -1, 1)
                assert as_lists(points) == as_lists(decimate(x, y, 20))
                seen.add(length)
            means = log.trailing("climb", 4)
            np.testing.assert_array_equal(means, trailing_mean(np.arange(float(len(means))), 4))
        return seen

    with small_blocks(), ThreadPoolExecutor(4) as pool:
        writer = pool.submit(write)
        try:
            for reader in [pool.submit(read) for _ in range(readers)]:
                assert len(reader.result()) > looks / 10
        finally:
            looking.release(readers * looks)
        writer.result()


def test_a_point_counts_once_it_is_whole() -> None:
    written, lengths = Series(), []

    class Looking:
        def __float__(self) -> float:
            lengths.append(written.length)
            return 1.0

    looking: Any = Looking()
    written.append(looking, looking)
    written.extend(np.array([looking, looking]), np.array([looking, looking]))
    assert lengths == [0, 0, 1, 1, 1, 1]
    assert written.length == 3


def test_a_series_seldom_moves_to_make_room() -> None:
    written = Series()
    buffers: list[object] = []
    for x in range(50_000):
        written.append(x, x)
        if not buffers or written.x is not buffers[-1]:
            buffers.append(written.x)
    assert len(buffers) < 12


def test_the_writer_never_waits_for_a_reader() -> None:
    written = Series()
    with written.lock, ThreadPoolExecutor(1) as writer:
        # The pool waits for its thread before the lock is given back, so a writer that wanted it would hang here.
        writer.submit(written.append, 0, 1).result(10)
        writer.submit(written.extend, array(1, 2), array(3, 4)).result(10)
    assert written.last() == 4


@pytest.mark.parametrize("look", [lambda read: read.view(60, 20), lambda read: read.trailing(20)])
def test_readers_of_a_long_series_take_turns(look: Callable[[Series], object]) -> None:
    read = Series()
    read.extend(np.arange(float(LONG)), np.arange(float(LONG)))
    with ThreadPoolExecutor(1) as reader:
        with read.lock:
            second = reader.submit(look, read)
            with pytest.raises(TimeoutError):
                second.result(0.1)
        second.result(10)


@pytest.mark.usefixtures("eager_threads")
def test_readers_beside_a_take_see_the_old_log_or_the_new_one() -> None:
    old, new, shown = log_of(300, "old"), log_of(3_000, "new"), MetricLog()
    for index in range(3):
        new.add_episode(episode(index))
    old.add_episode(episode(0))
    shown.take(old)
    view = as_lists(new.view("new", 10))
    seen_enough = threading.Event()

    def take_turns() -> int:
        for turn in itertools.count(1):
            shown.take(new)
            shown.take(old)
            if seen_enough.is_set():
                return turn
        raise AssertionError

    with ThreadPoolExecutor(1) as pool:
        turns = pool.submit(take_turns)
        try:
            for _ in range(1_000):
                assert shown.lengths() in ({"old": 300}, {"new": 3_000})
                assert shown.names in (("old",), ("new",))
                assert shown.length("new") in (0, 3_000)
                assert shown.last("old") in (None, 2_990)
                assert as_lists(shown.view("new", 10)) in (([], []), view)
                assert len(shown.read("old")[0]) in (0, 300)
                assert len(shown.trailing("new", 20)) in (0, 3_000)
                assert {len(shown.episodes()), shown.episode_count} <= {1, 3}
        finally:
            seen_enough.set()
        takes = 2 * turns.result()
        assert shown.version == takes + 1
