"""What an environment is, in one value: from Gymnasium's own spec where it says so, else from the table below."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from engine.learners.settings import ConfigError

if TYPE_CHECKING:
    import gymnasium  # Slow to import, and the screens that name this module may not need it.

CARTPOLE = "CartPole-v1"
"""The course's environment: clones and rules act in it, and rows of data are its states."""
CARTPOLE_TRACK = 2.4
"""Metres from the middle at which a CartPole episode ends."""
CARTPOLE_LIMIT = math.radians(12)
"""The lean of the pole, in radians, at which one ends."""


@dataclass(frozen=True, slots=True)
class Description:
    """What Gymnasium's spec does not tell of an environment.

    step_reward: the reward of every step, where it is always the same; the step that ends an episode may give up to 0
        instead of a negative one.
    state_names, action_names: one short name for each value of a state, and each action.
    ending: what ended an episode that terminated in a state, [state_size].
    random_length: steps that an episode of a random agent lasts, on average.
    """

    step_reward: float | None = None
    state_names: tuple[str, ...] = ()
    action_names: tuple[str, ...] = ()
    ending: Callable[[npt.ArrayLike], str] | None = None
    random_length: float | None = None


def _cartpole_ending(state: npt.ArrayLike) -> str:
    return "it left the track" if abs(np.asarray(state)[0]) > CARTPOLE_TRACK else "the pole fell"


_CARTPOLE = Description(
    step_reward=1.0,
    state_names=("cart position", "cart velocity", "pole angle", "pole angular velocity"),
    action_names=("left", "right"),
    ending=_cartpole_ending,
    random_length=22.0,  # A return of 22.28 in the course's notebooks, at a reward of 1 a step.
)
DESCRIPTIONS: dict[str, Description] = {
    # Source: the environments' pages in Gymnasium's documentation, "Classic Control".
    "CartPole-v0": _CARTPOLE,
    CARTPOLE: _CARTPOLE,
    "MountainCar-v0": Description(
        step_reward=-1.0,
        state_names=("position", "velocity"),
        action_names=("left", "coast", "right"),
        ending=lambda state: "it reached the flag",
    ),
    "Acrobot-v1": Description(
        step_reward=-1.0,
        state_names=("cos 1", "sin 1", "cos 2", "sin 2", "velocity 1", "velocity 2"),
        action_names=("torque -1", "torque 0", "torque +1"),
        ending=lambda state: "the tip is above the line",
    ),
}
"""Add an entry for an environment of your own; without one the lab says less of it, and nothing that is wrong."""


@dataclass(frozen=True, slots=True)
class EnvironmentFacts:
    """Everything that the lab knows of an environment; what nobody says is None."""

    id: str
    state_names: tuple[str, ...]
    action_names: tuple[str, ...]
    time_limit: int | None
    reward_threshold: float | None
    step_reward: float | None
    ending: Callable[[npt.ArrayLike], str] | None
    random_length: float | None = None

    @property
    def state_size(self) -> int:
        return len(self.state_names)

    @property
    def action_count(self) -> int:
        return len(self.action_names)

    @property
    def lasting_is_good(self) -> bool | None:
        """Whether an episode is worth more the longer it lasts."""
        return None if not self.step_reward else self.step_reward > 0

    @property
    def return_range(self) -> tuple[float | None, float | None]:
        """The lowest and the highest return that an episode can have."""
        if self.step_reward is None:
            return None, None
        longest = None if self.time_limit is None else self.step_reward * self.time_limit
        return (0.0, longest) if self.step_reward >= 0 else (longest, 0.0)

    @property
    def best_return(self) -> float | None:
        """The return that a perfect agent reaches and none can exceed: that of the time limit, if lasting is good."""
        return self.return_range[1] if self.lasting_is_good else None

    def value_range(self, discount: float) -> tuple[float | None, float | None]:
        """The lowest and the highest value that a state can have, where returns go on past a time limit."""
        if self.step_reward is None or discount >= 1:
            return (None, 0.0) if self.lasting_is_good is False else (None, None)
        whole = self.step_reward / (1 - discount)
        return (0.0, whole) if self.step_reward >= 0 else (whole, 0.0)

    def value_ceiling(self, discount: float) -> float | None:
        """The highest value that a state can have, where one is known."""
        return self.value_range(discount)[1]

    def perfect(self, returns: npt.NDArray[np.float64]) -> int | None:
        """How many returns, [n], are the best there is; None where none is known."""
        best = self.best_return
        return None if best is None else int((returns >= best).sum())

    def solved(self, mean_return: float) -> bool | None:
        """Whether a mean return reaches the registered threshold; None without one."""
        return None if self.reward_threshold is None else mean_return >= self.reward_threshold

    def succeeded(self, mean_return: float, perfect: int | None, episodes: int) -> bool | None:
        """Whether an agent does all that can be asked: every episode perfect, or where nothing is perfect, solved."""
        return self.solved(mean_return) if perfect is None else perfect == episodes


def make_environment(environment_id: str) -> gymnasium.Env[Any, Any]:
    """Make an environment with a flat Box observation and a Discrete action.

    Raises:
        ConfigError: Gymnasium does not know the id, or the spaces are others.
    """
    import gymnasium

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


@lru_cache(maxsize=64)
def environment_facts(environment_id: str) -> EnvironmentFacts:
    """The facts of an environment that a learner can learn in.

    Raises:
        ConfigError: Gymnasium does not know the id, or the spaces are not a flat Box and a Discrete one.
    """
    import gymnasium

    env = make_environment(environment_id)
    assert isinstance(env.observation_space, gymnasium.spaces.Box)
    assert isinstance(env.action_space, gymnasium.spaces.Discrete)
    states, actions = int(env.observation_space.shape[0]), int(env.action_space.n)
    env.close()
    spec = gymnasium.spec(environment_id)
    told = DESCRIPTIONS.get(environment_id, Description())
    threshold = spec.reward_threshold
    return EnvironmentFacts(
        id=environment_id,
        state_names=told.state_names or tuple(f"s{i + 1}" for i in range(states)),
        action_names=told.action_names or tuple(f"action {i}" for i in range(actions)),
        time_limit=spec.max_episode_steps,
        reward_threshold=None if threshold is None or not math.isfinite(threshold) else float(threshold),
        step_reward=told.step_reward,
        ending=told.ending,
        random_length=told.random_length,
    )


def kept_facts(environment_id: str) -> EnvironmentFacts:
    """The facts of an environment that something is kept of; they say nothing where Gymnasium does not know it here."""
    try:
        return environment_facts(environment_id)
    except ConfigError:
        return EnvironmentFacts(environment_id, (), (), None, None, None, None)


def check_state_scale(state_scale: Sequence[float] | None, state_size: int) -> None:
    """Refuse divisors that do not fit the states.

    Raises:
        ConfigError: there is not one for each state value.
    """
    if state_scale is not None and len(state_scale) != state_size:
        raise ConfigError(
            f"state_scale must have one divisor for each of the {state_size} state values, not {len(state_scale)}."
        )
