"""What the lab knows of an environment: Gymnasium's word, the table's, and nothing that nobody says."""

from __future__ import annotations

import numpy as np
import pytest

from engine.learners.environment_facts import (
    CARTPOLE,
    check_state_scale,
    environment_facts,
    kept_facts,
)
from engine.learners.settings import ConfigError
from tests.engine import probes

CAR, SWING = environment_facts("MountainCar-v0"), environment_facts("Acrobot-v1")
CART, UNTOLD = environment_facts(CARTPOLE), environment_facts(probes.UNTOLD)


def test_limits_and_thresholds_are_the_registered_ones() -> None:
    assert [(f.time_limit, f.reward_threshold) for f in (CART, CAR, SWING)] == [(500, 475), (200, -110), (500, -100)]
    assert (UNTOLD.time_limit, UNTOLD.reward_threshold) == (5, None)
    assert environment_facts(probes.TWO_STEPS).time_limit is None


@pytest.mark.parametrize(
    ("facts", "good", "returns", "best"),
    [
        (CART, True, (0, 500), 500),
        (CAR, False, (-200, 0), None),
        (SWING, False, (-500, 0), None),
        (UNTOLD, None, (None, None), None),
    ],
    ids=lambda value: getattr(value, "id", ""),
)
def test_returns_reach_as_far_as_the_rewards_of_a_step_carry(facts, good, returns, best) -> None:  # type: ignore[no-untyped-def]
    assert (facts.lasting_is_good, facts.return_range, facts.best_return) == (good, returns, best)


def test_values_reach_as_far_as_returns_without_end() -> None:
    assert CART.value_range(0.95) == (0, pytest.approx(20))
    assert CART.value_ceiling(0.99) == pytest.approx(100)
    assert CART.value_range(1.0) == (None, None)
    assert CAR.value_range(0.99) == (pytest.approx(-100), 0)
    assert CAR.value_range(1.0) == (None, 0)
    assert UNTOLD.value_range(0.9) == (None, None)


def test_perfect_is_the_best_return_and_solved_is_the_threshold() -> None:
    assert CART.perfect(np.array([500.0, 499.0, 500.0])) == 2
    assert CAR.perfect(np.array([-200.0, -1.0])) is None
    assert [CAR.solved(mean) for mean in (-110.1, -110.0)] == [False, True]
    assert UNTOLD.solved(1e9) is None
    assert CART.succeeded(480.0, 3, 4) is False
    assert CART.succeeded(480.0, 4, 4) is True
    assert CAR.succeeded(-100.0, None, 4) is True
    assert UNTOLD.succeeded(1.0, None, 4) is None


def test_every_action_and_state_value_has_a_name() -> None:
    for facts in (CART, CAR, SWING, UNTOLD, environment_facts(probes.COUNTING)):
        assert (len(facts.state_names), len(facts.action_names)) == (facts.state_size, facts.action_count)
    assert (CAR.state_size, CAR.action_count, SWING.state_size, SWING.action_count) == (2, 3, 6, 3)
    assert UNTOLD.action_names == ("action 0", "action 1")
    assert environment_facts(probes.COUNTING).state_names == ("s1", "s2")


def test_what_ended_an_episode_is_told_from_its_last_state() -> None:
    assert CART.ending is not None
    assert [CART.ending([x, 0, 0.1, 0]) for x in (-2.5, 2.39)] == ["it left the track", "the pole fell"]
    assert CAR.ending is not None
    assert CAR.ending([0.5, 0]) == "it reached the flag"
    assert UNTOLD.ending is None


def test_an_environment_that_is_not_there_is_refused_and_what_was_kept_of_it_says_nothing() -> None:
    with pytest.raises(ConfigError, match="environment 'Nowhere-v0' cannot be made"):
        environment_facts("Nowhere-v0")
    gone = kept_facts("Nowhere-v0")
    assert (gone.id, gone.return_range, gone.solved(1.0), gone.best_return) == ("Nowhere-v0", (None, None), None, None)
    assert kept_facts(CARTPOLE) is CART


def test_a_state_scale_has_one_divisor_for_each_state_value() -> None:
    check_state_scale(None, 4)
    check_state_scale([1, 2, 3, 4], 4)
    with pytest.raises(ConfigError, match="one divisor for each of the 4 state values, not 3"):
        check_state_scale([1, 2, 3], 4)
