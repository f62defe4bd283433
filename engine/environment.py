"""One Gymnasium environment as the learner needs it: private seeds, actions on record, restorable without pickles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

from engine.config import ConfigError, DQNConfig

Floats = npt.NDArray[np.float32]
NORMALISATION_STEPS = 10_000


def make_environment(environment_id: str) -> gymnasium.Env[Any, Any]:
    """Make an environment with a flat Box observation and a Discrete action.

    Raises:
        ConfigError: Gymnasium does not know the id, or the spaces are others.
    """
    try:
        env = gymnasium.make(environment_id, disable_env_checker=True)
    except (gymnasium.error.Error, ImportError) as error:
        raise ConfigError(f"environment {environment_id!r} cannot be made: {error}") from None
    states, actions = env.observation_space, env.action_space
    if not isinstance(states, gymnasium.spaces.Box) or len(states.shape) != 1:
        raise ConfigError(f"environment {environment_id!r} must have a flat Box observation, not {states}.")
    if not isinstance(actions, gymnasium.spaces.Discrete):
        raise ConfigError(f"environment {environment_id!r} must have a Discrete action, not {actions}.")
    return env


def time_limit(environment_id: str) -> int | None:
    """The environment's maximal episode length in steps, where it has one."""
    return gymnasium.spec(environment_id).max_episode_steps


class Environment:
    """An environment in the middle of an episode.

    Every episode starts with a reset to a seed of its own, and the actions taken since are kept. So the state of any
    environment that is deterministic given its seed can be restored by acting the episode again.
    """

    def __init__(self, environment_id: str, episode_seeds: np.random.Generator) -> None:
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
        """The episode's seed and actions so far."""
        return {"episode_seed": self._episode_seed, "actions": np.array(self._actions, np.int64)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Act the saved episode again up to where it was."""
        self._reset_to(int(state["episode_seed"]))
        for action in state["actions"]:
            self.step(int(action))


def state_scaling(config: DQNConfig, state_size: int) -> tuple[Floats | None, Floats | None]:
    """Mean and divisor of each state value, or None and None for raw states."""
    if config.state_scale is not None:
        if len(config.state_scale) != state_size:
            raise ConfigError(
                f"state_scale must have one divisor for each of the {state_size} state values, "
                f"not {len(config.state_scale)}."
            )
        return np.zeros(state_size, np.float32), np.array(config.state_scale, np.float32)
    if not config.normalize_state:
        return None, None
    env = make_environment(config.environment)
    env.action_space.seed(config.seed % 2**32)
    states = [env.reset(seed=config.seed % 2**32)[0]]
    for _ in range(NORMALISATION_STEPS - 1):
        state, _, terminated, truncated, _ = env.step(env.action_space.sample())
        states.append(env.reset()[0] if terminated or truncated else state)
    env.close()
    seen = np.asarray(states, np.float32)
    return seen.mean(0), np.maximum(seen.std(0), np.float32(1e-6))
