"""The environment: what is accepted, and that the middle of an episode can be restored."""

from __future__ import annotations

import numpy as np
import pytest

from engine.learners.environment import Environment, RestoreError
from engine.learners.environment_facts import make_environment
from engine.learners.settings import ConfigError
from tests.engine import probes


def environment(name: str, seed: int = 0) -> Environment:
    return Environment(name, np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("Pendulum-v1", "must have a Discrete action, not Box"),
        ("Blackjack-v1", "must have a flat Box observation, not Tuple"),
        ("FrozenLake-v1", "must have a flat Box observation, not Discrete"),
        ("NoSuchThing-v0", "cannot be made"),
        ("no_such_module_of_ours:Thing-v0", "cannot be made"),
        ("not an id", "cannot be made"),
    ],
)
def test_an_environment_of_another_kind_is_refused_by_name(name: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=f"^environment '{name}' {sentence}"):
        make_environment(name)


@pytest.mark.parametrize(("name", "size", "actions"), [("CartPole-v1", 4, 2), ("Acrobot-v1", 6, 3)])
def test_sizes_are_the_environments(name: str, size: int, actions: int) -> None:
    made = environment(name)
    assert (made.state_size, made.action_count, made.reset().shape) == (size, actions, (size,))


def test_every_episode_starts_from_a_seed_of_its_own() -> None:
    made = environment("CartPole-v1")
    first, second = made.reset(), made.reset()
    assert not np.array_equal(first, second)
    again = environment("CartPole-v1")
    np.testing.assert_array_equal(again.reset(), first)
    np.testing.assert_array_equal(again.reset(), second)


def test_actions_are_counted_from_the_first_of_the_action_space() -> None:
    made = environment(probes.ODD_ACTIONS)
    made.reset()
    assert [made.step(action)[1] for action in (0, 1)] == [5.0, 6.0]


@pytest.mark.parametrize("name", ["CartPole-v1", "Acrobot-v1", probes.RANDOM_ENDS])
def test_the_middle_of_an_episode_is_restored_with_its_future(name: str) -> None:
    original, restored = environment(name), environment(name, seed=1)
    original.reset()
    original.reset()
    for step in range(7):
        original.step(step % 2)
    restored.reset()
    restored.restore(original.state())
    assert restored.episode_length == 7
    np.testing.assert_array_equal(restored.observation, original.observation)
    for _ in range(3):
        ours, theirs = restored.step(1), original.step(1)
        np.testing.assert_array_equal(ours[0], theirs[0])
        assert ours[1:] == theirs[1:]


def test_a_restored_episode_still_meets_the_time_limit() -> None:
    original, restored = environment(probes.ENDLESS), environment(probes.ENDLESS, seed=1)
    original.reset()
    for _ in range(3):
        original.step(0)
    restored.restore(original.state())
    assert restored.step(0)[2:] == (False, False)
    assert restored.step(0)[2:] == (False, True)


def test_a_restore_that_leads_elsewhere_is_refused() -> None:
    original = environment("CartPole-v1")
    original.reset()
    for step in range(7):
        original.step(step % 2)
    saved = original.state()
    elsewhere = environment("CartPole-v1", seed=1)
    for changed in ({"episode_seed": saved["episode_seed"] + 1}, {"actions": saved["actions"][:-1]}):
        with pytest.raises(RestoreError, match="CartPole-v1 cannot be brought back to where the run stopped"):
            elsewhere.restore(saved | changed)
    elsewhere.restore(saved)


def test_an_environment_that_is_not_deterministic_is_found_out_at_the_restore() -> None:
    original = environment(probes.UNSEEDED)
    original.reset()
    original.step(0)
    with pytest.raises(RestoreError, match="is not deterministic, or it has changed since"):
        environment(probes.UNSEEDED, seed=1).restore(original.state())


def test_a_state_of_an_older_lab_is_restored_without_the_check() -> None:
    original, restored = environment("CartPole-v1"), environment("CartPole-v1", seed=1)
    original.reset()
    original.step(1)
    older = {key: value for key, value in original.state().items() if key != "_observation"}
    restored.restore(older)
    np.testing.assert_array_equal(restored.observation, original.observation)
