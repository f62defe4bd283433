"""Schedules: points worked out by hand, and what the course's settings really amount to."""

from __future__ import annotations

from typing import Any

import pytest

from engine.learners.presets import BAD, GOOD_1, GOOD_2
from engine.learners.schedules import epsilon_at, learning_rate_at, schedule_facts
from tests.engine.small import dqn_config


@pytest.mark.parametrize(("step", "epsilon"), [(0, 0.9), (50, 0.7), (100, 0.5), (199, 0.104), (200, 0.1), (9_999, 0.1)])
def test_epsilon_falls_linearly_to_its_floor(step: int, epsilon: float) -> None:
    config = dqn_config(epsilon_start=0.9, epsilon_end=0.1, steps_epsilon_decay=200)
    assert epsilon_at(config, step) == pytest.approx(epsilon, abs=1e-12)


def test_epsilon_of_the_bad_settings_halfway() -> None:
    assert epsilon_at(BAD, 500) == pytest.approx(0.9 - 0.5 * (0.9 - 0.19818684841911674))


@pytest.mark.parametrize(("progress", "rate"), [(-1, 1e-3), (0, 1e-3), (0.5, 5.5e-4), (1, 1e-4), (2, 1e-4)])
def test_the_learning_rate_falls_linearly_to_its_final_fraction(progress: float, rate: float) -> None:
    config = dqn_config(learning_rate=1e-3, learning_rate_final_fraction=0.1)
    assert learning_rate_at(config, progress) == pytest.approx(rate)


def test_the_learning_rate_stays_unless_asked() -> None:
    assert {learning_rate_at(BAD, progress) for progress in (0, 0.3, 1)} == {BAD.learning_rate}


def test_the_bad_settings_stop_exploring_before_they_learn() -> None:
    facts = schedule_facts(BAD)
    assert facts.first_training_step == 1_000
    assert facts.epsilon_floor_step == 1_000
    assert facts.epsilon_at_first_training == pytest.approx(BAD.epsilon_end)


def test_the_good_settings_still_explore_when_they_begin_to_learn() -> None:
    assert schedule_facts(GOOD_2).epsilon_at_first_training == pytest.approx(0.9 - 0.1 * (0.9 - GOOD_2.epsilon_end))


@pytest.mark.parametrize(("config", "ceiling", "share"), [(BAD, 20, 0.5), (GOOD_1, 100, 2), (GOOD_2, 100, 2)])
def test_value_ceiling_and_gradient_steps_of_the_courses_settings(config: Any, ceiling: float, share: float) -> None:
    facts = schedule_facts(config)
    assert facts.value_ceiling == pytest.approx(ceiling)
    assert facts.gradient_steps_per_env_step == share


def test_without_discount_there_is_no_ceiling() -> None:
    assert schedule_facts(dqn_config(discount_factor=1)).value_ceiling is None


def test_every_10_steps_is_every_40_where_the_check_sits_behind_the_one_for_training() -> None:
    assert schedule_facts(BAD).target_update_steps == 40
    assert schedule_facts(BAD.replace(target_check_behind_training=False)).target_update_steps == 10


@pytest.mark.parametrize(("warm_up", "every", "first"), [(1, 4, 4), (8, 4, 8), (9, 4, 12), (20, 1, 20)])
def test_learning_begins_at_the_first_training_step_with_a_warm_memory(warm_up: int, every: int, first: int) -> None:
    config = dqn_config(n_steps_warm_up_memory=warm_up, freq_steps_train=every)
    assert schedule_facts(config).first_training_step == first
