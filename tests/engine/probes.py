"""Probe environments: so small that the value of every state is known by hand. Registered with Gymnasium on import."""

from __future__ import annotations

from typing import Any, cast

import gymnasium
import numpy as np
import numpy.typing as npt

from engine.learners.environment_facts import DESCRIPTIONS, Description

Floats = npt.NDArray[np.float32]
Step = tuple[Floats, float, bool, bool, dict[str, Any]]

CONSTANT_REWARD = "lab-probe/ConstantReward-v0"
REWARD_FROM_OBSERVATION = "lab-probe/RewardFromObservation-v0"
TWO_STEPS = "lab-probe/TwoSteps-v0"
ACTION_MATTERS = "lab-probe/ActionMatters-v0"
POLICY_AND_OBSERVATION = "lab-probe/PolicyAndObservation-v0"
ENDLESS = "lab-probe/Endless-v0"
COUNTING = "lab-probe/Counting-v0"
RANDOM_ENDS = "lab-probe/RandomEnds-v0"
EXPLODING = "lab-probe/Exploding-v0"
ODD_ACTIONS = "lab-probe/OddActions-v0"
UNTOLD = "lab-probe/Untold-v0"
UNSEEDED = "lab-probe/Unseeded-v0"


class Probe(gymnasium.Env[Floats, int]):
    """One state value and two actions; `self.np_random` is Gymnasium's own generator, seeded by `reset`."""

    observation_space: gymnasium.Space[Floats] = gymnasium.spaces.Box(-1e9, 1e9, (1,), np.float32)
    action_space: gymnasium.Space[int] = gymnasium.spaces.Discrete(2)  # type: ignore[assignment]

    def __init__(self) -> None:
        self.seen = 0.0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Floats, dict[str, Any]]:
        super().reset(seed=seed)
        self.seen = self.first()
        return self.observation(), {}

    def first(self) -> float:
        """The value of the first state."""
        return 0.0

    def random_sign(self) -> float:
        return 1.0 if self.np_random.random() < 0.5 else -1.0

    def observation(self) -> Floats:
        return np.array([self.seen], np.float32)

    def end(self, reward: float) -> Step:
        return self.observation(), reward, True, False, {}


class ConstantReward(Probe):
    """One step, reward 1: every value is 1."""

    def step(self, action: int) -> Step:
        return self.end(1.0)


class RewardFromObservation(Probe):
    """One step, reward as observed (+1 or -1): the value is the observation."""

    def first(self) -> float:
        return self.random_sign()

    def step(self, action: int) -> Step:
        return self.end(self.seen)


class TwoSteps(Probe):
    """State 0, then state 1, then the end with reward 1: the values are the discount factor and 1."""

    def step(self, action: int) -> Step:
        if self.seen == 1.0:
            return self.end(1.0)
        self.seen = 1.0
        return self.observation(), 0.0, False, False, {}


class ActionMatters(Probe):
    """One step, reward +1 for action 1 and -1 for action 0."""

    def step(self, action: int) -> Step:
        return self.end(1.0 if action == 1 else -1.0)


class PolicyAndObservation(Probe):
    """One step, reward +1 where the action is 1 in state +1 or 0 in state -1, else -1."""

    def first(self) -> float:
        return self.random_sign()

    def step(self, action: int) -> Step:
        return self.end(1.0 if (action == 1) == (self.seen > 0) else -1.0)


class Endless(Probe):
    """Reward 1 a step and no end of its own; registered with a time limit, which is the only end it knows."""

    def step(self, action: int) -> Step:
        return self.observation(), 1.0, False, False, {}


class Counting(Probe):
    """Counts its steps from 100 to 103, the reward being the new count; ends terminated, truncated, or both.

    The second state value tells which, 0, 1 or 2: drawn at each reset.
    """

    observation_space = gymnasium.spaces.Box(-1e9, 1e9, (2,), np.float32)

    def first(self) -> float:
        self.end_kind = int(self.np_random.integers(3))
        return 100.0

    def observation(self) -> Floats:
        return np.array([self.seen, self.end_kind], np.float32)

    def step(self, action: int) -> Step:
        self.seen += 1.0
        over = self.seen == 103.0
        return self.observation(), self.seen, over and self.end_kind != 1, over and self.end_kind != 0, {}


class RandomEnds(Probe):
    """Random states and rewards, and after each step a random choice of going on, terminated, truncated, or both."""

    observation_space = gymnasium.spaces.Box(-1e9, 1e9, (3,), np.float32)

    def observation(self) -> Floats:
        return self.np_random.normal(size=3).astype(np.float32)

    def step(self, action: int) -> Step:
        terminated, truncated = (bool(flag) for flag in self.np_random.random(2) < 0.2)
        return self.observation(), float(self.np_random.normal()), terminated, truncated, {}


class Exploding(Probe):
    """Rewards near the largest float32, whose square is not a float32 any more."""

    def step(self, action: int) -> Step:
        return self.end(1e30)


class OddActions(Probe):
    """Actions 5 and 6, three steps an episode; the reward tells which was taken."""

    action_space = gymnasium.spaces.Discrete(2, start=5)  # type: ignore[assignment]

    def step(self, action: int) -> Step:
        if action not in (5, 6):
            raise ValueError(f"no such action: {action}")
        self.seen += 1.0
        return self.observation(), float(action), self.seen == 3.0, False, {}


class Unseeded(Probe):
    """States from nowhere: the same seed and actions never lead to the same state."""

    def step(self, action: int) -> Step:
        self.seen = float(np.random.default_rng().normal())
        return self.observation(), 1.0, False, False, {}


for _id, _probe, _limit in (
    (CONSTANT_REWARD, ConstantReward, None),
    (REWARD_FROM_OBSERVATION, RewardFromObservation, None),
    (TWO_STEPS, TwoSteps, None),
    (ACTION_MATTERS, ActionMatters, None),
    (POLICY_AND_OBSERVATION, PolicyAndObservation, None),
    (ENDLESS, Endless, 5),
    (UNTOLD, Endless, 5),
    (COUNTING, Counting, None),
    (RANDOM_ENDS, RandomEnds, None),
    (EXPLODING, Exploding, None),
    (ODD_ACTIONS, OddActions, None),
    (UNSEEDED, Unseeded, 5),
):
    gymnasium.register(_id, entry_point=cast(Any, _probe), max_episode_steps=_limit)

# What the lab would be told of an environment in which lasting is good, as CartPole is.
DESCRIPTIONS[ENDLESS] = Description(step_reward=1.0)
