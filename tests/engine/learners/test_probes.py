"""Deep Q-learning on environments whose values are known by hand: each finds one kind of bug."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.engine import probes
from tests.engine.small import dqn_config, trained


def learned_values(environment: str, states: list[float], **changes: Any) -> npt.NDArray[np.float32]:
    """Q-values [states, 2] after 600 purely exploring steps with one gradient step each."""
    config = dqn_config(
        environment=environment,
        learning_rate=5e-3,
        discount_factor=changes.pop("discount_factor", 0.9),
        batch_size=32,
        memory_size=1_000,
        freq_steps_train=1,
        n_gradient_steps=changes.pop("n_gradient_steps", 1),
        nn_hidden_layers=[16],
        epsilon_start=1,
        epsilon_end=1,
        learning_rate_final_fraction=0.1,
        **changes,
    )
    agent = trained(config, env_steps=600).policies()["last"]
    return agent.values(np.array(states, np.float32)[:, None])


VARIANTS: list[dict[str, Any]] = [{}, {"double_q": True, "target_soft_update_rate": 0.5}]


@pytest.mark.parametrize("variant", VARIANTS, ids=["plain", "double and soft"])
def test_a_constant_reward_is_learned(variant: dict[str, Any]) -> None:
    values = learned_values(probes.CONSTANT_REWARD, [0], **variant)
    np.testing.assert_allclose(values, [[1, 1]], atol=0.05)


@pytest.mark.parametrize("variant", VARIANTS, ids=["plain", "double and soft"])
def test_a_reward_that_the_observation_tells_is_learned(variant: dict[str, Any]) -> None:
    values = learned_values(probes.REWARD_FROM_OBSERVATION, [-1, 1], **variant)
    np.testing.assert_allclose(values, [[-1, -1], [1, 1]], atol=0.05)


@pytest.mark.parametrize("variant", VARIANTS, ids=["plain", "double and soft"])
@pytest.mark.parametrize("discount", [0.5, 0.9])
def test_a_later_reward_is_discounted_once(discount: float, variant: dict[str, Any]) -> None:
    values = learned_values(probes.TWO_STEPS, [0, 1], discount_factor=discount, **variant)
    np.testing.assert_allclose(values, np.array([[discount, discount], [1, 1]]), atol=0.05)


@pytest.mark.parametrize("variant", VARIANTS, ids=["plain", "double and soft"])
def test_a_reward_that_depends_on_the_action_is_learned_for_each_action(variant: dict[str, Any]) -> None:
    values = learned_values(probes.ACTION_MATTERS, [0], **variant)
    np.testing.assert_allclose(values, [[-1, 1]], atol=0.05)


@pytest.mark.parametrize("variant", VARIANTS, ids=["plain", "double and soft"])
def test_a_reward_that_depends_on_action_and_observation_is_learned(variant: dict[str, Any]) -> None:
    values = learned_values(probes.POLICY_AND_OBSERVATION, [-1, 1], **variant)
    np.testing.assert_allclose(values, [[1, -1], [-1, 1]], atol=0.1)


@pytest.mark.parametrize("variant", VARIANTS, ids=["plain", "double and soft"])
def test_a_time_limit_does_not_end_the_return(variant: dict[str, Any]) -> None:
    values = learned_values(probes.ENDLESS, [0], discount_factor=0.8, n_gradient_steps=2, **variant)
    np.testing.assert_allclose(values, [[5, 5]], atol=0.25)  # 1 / (1 - 0.8)


def test_the_courses_code_learns_a_time_limit_as_failure() -> None:
    values = learned_values(probes.ENDLESS, [0], discount_factor=0.8, n_gradient_steps=2, bootstrap_on_truncation=False)
    # One step in five is the limit's: Q = 1 + 0.8 * 4/5 * Q.
    np.testing.assert_allclose(values, np.full((1, 2), 1 / (1 - 0.8 * 0.8)), atol=0.35)
