"""One Gymnasium environment as the learner needs it: private seeds, actions on record, restorable without pickles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

from engine.learners.environment_facts import check_state_scale, make_environment

Floats = npt.NDArray[np.float32]
NORMALISATION_STEPS = 10_000


class RestoreError(ValueError):
    """A saved episode was acted again and led elsewhere; one sentence on it."""


class Environment:
    """An environment in the middle of an episode.

    Every episode starts with a reset to a seed of its own, and the actions taken since are kept. So the state of any
    environment that is deterministic given its seed can be restored by acting the episode again.
    """

    def __init__(self, environment_id: str, episode_seeds: np.random.Generator) -> None:
        self._id = environment_id
        self._env = make_environment(environment_id)
        self._seeds = episode_seeds
        self._episode_seed = 0
        self._actions: list[int] = []
        assert isinstance(self._env.observation_space, gymnasium.spaces.Box)
        assert isinstance(self._env.action_space, gymnasium.spaces.Discrete)
        self.state_size = int(self._env.observation_space.shape[0])
        self.action_count = int(self._env.action_space.n)
        self._first_action = int(self._env.action_space.start)
        self.observation: Floats = np.zeros(self.state_size, np.float32)

    def reset(self) -> Floats:
        """Start a new episode; returns its first state, [state_size]."""
        return self._reset_to(int(self._seeds.integers(2**31)))

    def _reset_to(self, seed: int) -> Floats:
        self._episode_seed = seed
        self._actions.clear()
        observation, _ = self._env.reset(seed=seed)
        self.observation = np.asarray(observation, np.float32)
        return self.observation

    def step(self, action: int) -> tuple[Floats, float, bool, bool]:
        """Take an action in 0 .. action_count - 1; returns next state, reward, terminated, truncated."""
        self._actions.append(action)
        observation, reward, terminated, truncated, _ = self._env.step(action + self._first_action)
        self.observation = np.asarray(observation, np.float32)
        return self.observation, float(reward), bool(terminated), bool(truncated)

    @property
    def episode_length(self) -> int:
        return len(self._actions)

    def state(self) -> dict[str, Any]:
        """The episode's seed and actions so far, and the observation that they led to, which a restore is held to."""
        return {
            "episode_seed": self._episode_seed,
            "actions": np.array(self._actions, np.int64),
            "_observation": self.observation.copy(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Act the saved episode again up to where it was.

        Raises:
            RestoreError: the same seed and actions led to another observation.
        """
        self._reset_to(int(state["episode_seed"]))
        for action in state["actions"]:
            self.step(int(action))
        reached = state.get("_observation")  # Checkpoints of older labs have none.
        if reached is not None and not np.array_equal(self.observation, reached, equal_nan=True):
            raise RestoreError(
                f"{self._id} cannot be brought back to where the run stopped: the same seed and actions lead "
                f"elsewhere, so the environment is not deterministic, or it has changed since."
            )


def state_scaling(
    environment_id: str, state_size: int, seed: int, *, divisors: Sequence[float] | None, normalize: bool
) -> tuple[Floats | None, Floats | None]:
    """Mean and divisor of each state value, or None and None for raw states.

    Args:
        seed: names the random policy whose states are measured.
        divisors: one for each state value, to be used as they are.
        normalize: whether to measure mean and deviation, where no divisors are given.

    Raises:
        ConfigError: `divisors` do not fit the states.
    """
    check_state_scale(divisors, state_size)
    if divisors is not None:
        return np.zeros(state_size, np.float32), np.array(divisors, np.float32)
    if not normalize:
        return None, None
    env = make_environment(environment_id)
    env.action_space.seed(seed % 2**32)
    states = [env.reset(seed=seed % 2**32)[0]]
    for _ in range(NORMALISATION_STEPS - 1):
        state, _, terminated, truncated, _ = env.step(env.action_space.sample())
        states.append(env.reset()[0] if terminated or truncated else state)
    env.close()
    seen = np.asarray(states, np.float32)
    return seen.mean(0), np.maximum(seen.std(0), np.float32(1e-6))
