"""Statistics of seeds: against figures worked out by hand, and what must hold for any sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.analysis.statistics import (
    bootstrap_interval,
    interquartile_mean,
    paired_difference,
    student_interval,
    student_quantile,
    wilson_interval,
)

# The square of the 97.5 % point of the normal distribution, 1.959964.
Z_SQUARED = 3.841459
FLOATS = st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=30)


# --- Wilson


def test_wilson_of_10_in_12() -> None:
    # centre (10/12 + z^2/24) / (1 + z^2/12) = 0.752502; half width 0.200533.
    assert wilson_interval(10, 12) == pytest.approx((0.551969, 0.953035), abs=1e-5)


@pytest.mark.parametrize("n", [1, 12, 20])
def test_wilson_of_none_and_of_all_reach_the_end_and_keep_a_width(n: int) -> None:
    assert wilson_interval(0, n) == (0.0, pytest.approx(Z_SQUARED / (n + Z_SQUARED), abs=1e-6))
    assert wilson_interval(n, n) == (pytest.approx(n / (n + Z_SQUARED), abs=1e-6), 1.0)


def test_wilson_takes_other_confidences() -> None:
    # 90 %: z = 1.644854, z^2 = 2.705543; of 5 in 10 the centre is 1/2 and the half width z / (2 sqrt(n + z^2)).
    half = 1.644854 / (2 * np.sqrt(10 + 2.705543))
    assert wilson_interval(5, 10, confidence=0.9) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-6)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_and_mirrors_failures(trials: tuple[int, int]) -> None:
    successes, n = trials
    low, high = wilson_interval(successes, n)
    assert 0 <= low <= successes / n <= high <= 1
    assert wilson_interval(n - successes, n) == pytest.approx((1 - high, 1 - low))


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_wilson_refuses_impossible_counts(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match=f"not {successes} of {n}"):
        wilson_interval(successes, n)


def test_a_confidence_lies_between_0_and_1() -> None:
    with pytest.raises(ValueError, match="confidence"):
        wilson_interval(1, 2, confidence=95)
    with pytest.raises(ValueError, match="confidence"):
        bootstrap_interval([1.0], np.mean, confidence=1)


# --- interquartile mean


@pytest.mark.parametrize(
    ("values", "mean"),
    [
        ([7], 7),
        ([3, 1], 2),
        ([0, 10, 100], (0.25 * 0 + 10 + 0.25 * 100) / 1.5),
        ([1000, 2, 4, -1000], 3),
        ([1000, 0, 10, 0, 100], (0.75 * 0 + 10 + 0.75 * 100) / 2.5),
        ([0, 1, 2, 30, 40, 500], (0.5 * 1 + 2 + 30 + 0.5 * 40) / 3),
        ([8, 7, 6, 5, 4, 3, 2, 99], (4 + 5 + 6 + 7) / 4),
    ],
)
def test_the_interquartile_mean_by_hand(values: list[float], mean: float) -> None:
    assert interquartile_mean(values) == pytest.approx(mean)


@given(FLOATS)
def test_the_interquartile_mean_lies_within_and_ignores_order(values: list[float]) -> None:
    mean = interquartile_mean(values)
    assert min(values) - 1e-6 <= mean <= max(values) + 1e-6
    assert interquartile_mean(values[::-1]) == mean


def test_an_interquartile_mean_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 value"):
        interquartile_mean([])


# --- bootstrap


def test_the_bootstrap_of_a_mean_of_two_values() -> None:
    # A resample of (0, 1) has mean 0 or 1 with probability 1/4 each, so the middle 95 % reach from 0 to 1 and the
    # middle 40 % hold 1/2 alone.
    assert bootstrap_interval([0, 1], np.mean) == (0, 1)
    assert bootstrap_interval([0, 1], np.mean, confidence=0.4) == (0.5, 0.5)


def test_the_bootstrap_of_a_mean_is_near_the_normal_interval() -> None:
    values = np.random.default_rng(0).normal(100, 20, 200)
    half = 1.96 * values.std() / np.sqrt(200)
    low, high = bootstrap_interval(values, np.mean)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=half / 5)


def test_the_bootstrap_repeats_itself_and_touches_no_global_generator(
    global_generators: Callable[[], list[Any]],
) -> None:
    before = global_generators()
    values = [1.0, 5.0, 6.0, 40.0, 41.0]
    first = bootstrap_interval(values, interquartile_mean)
    assert bootstrap_interval(values, interquartile_mean) == first
    assert bootstrap_interval(values, interquartile_mean, resamples=50, seed=1) != first
    assert global_generators() == before


def test_the_bootstrap_of_equal_values_has_no_width_and_of_nothing_is_refused() -> None:
    assert bootstrap_interval([500.0] * 4, interquartile_mean) == (500, 500)
    with pytest.raises(ValueError, match="at least 1 value"):
        bootstrap_interval([], interquartile_mean)


@pytest.mark.parametrize(("degrees", "quantile"), [(1, 12.706), (2, 4.303), (4, 2.776), (9, 2.262), (30, 2.042)])
def test_students_quantiles_are_those_of_the_tables(degrees: int, quantile: float) -> None:
    assert student_quantile(0.975, degrees) == pytest.approx(quantile, abs=6e-4)
    assert student_quantile(0.5, degrees) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_of_few_values_students_interval_keeps_its_promise(n: int) -> None:
    generator = np.random.default_rng(n)
    intervals = [student_interval(generator.normal(size=n)) for _ in range(2_000)]
    misses = sum(low > 0 or high < 0 for low, high in intervals) / len(intervals)
    assert misses == pytest.approx(0.05, abs=0.015)


def test_one_value_has_no_students_interval() -> None:
    with pytest.raises(ValueError, match="at least 2 values"):
        student_interval([1.0])


# --- paired differences


def test_three_seeds_that_happen_to_agree_show_no_difference() -> None:
    found = paired_difference([100.0, 200.0, 150.0], [140.0, 290.0, 160.0])
    assert found.mean == pytest.approx(140 / 3)
    assert not found.shown


def test_a_paired_difference_takes_out_what_both_sides_share() -> None:
    before = np.array([10.0, 500.0, 30.0, 250.0] * 5)
    found = paired_difference(before, before + 7)
    assert (found.mean, found.low, found.high) == (7, 7, 7)
    assert found.shown
    assert paired_difference(before + 7, before).mean == -7


def test_a_difference_within_its_interval_is_not_shown() -> None:
    generator = np.random.default_rng(0)
    before = generator.normal(size=20)
    found = paired_difference(before, generator.normal(size=20))
    assert found.low < found.mean < found.high
    assert not found.shown
    assert not paired_difference(before, before).shown


def test_sides_of_different_lengths_make_no_pairs() -> None:
    with pytest.raises(ValueError, match="as many values before as after, not 2 and 1"):
        paired_difference([1.0, 2.0], [1.0])
