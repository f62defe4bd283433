"""An episode of CartPole that somebody else acts in, step by step: a person at the keys. Keeps all of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.agents.names import YOU
from engine.agents.recording import Recording
from engine.agents.starts import Start
from engine.learners.environment_facts import CARTPOLE, environment_facts, make_environment

Floats = npt.NDArray[np.float32]


class Play:
    """One episode from the start that a seed names; `step` is one environment step, some microseconds."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._env = make_environment(CARTPOLE)
        state: Any = self._env.reset(seed=seed)[0]
        self._states: list[Floats] = [np.asarray(state, np.float32)]
        self._actions: list[int] = []
        self._rewards: list[float] = []
        self.facts = environment_facts(CARTPOLE)
        self.terminated = False
        self.truncated = False

    @property
    def state(self) -> Floats:
        """The state reached so far, [4]."""
        return self._states[-1]

    @property
    def over(self) -> bool:
        return self.terminated or self.truncated

    @property
    def steps(self) -> int:
        return len(self._actions)

    @property
    def total_reward(self) -> float:
        return sum(self._rewards)

    def step(self, action: int) -> None:
        """Push the cart to the left (0) or the right (1) for one step; nothing once the episode is over."""
        if self.over:
            return
        state, reward, terminated, truncated, _ = self._env.step(action)
        self._states.append(np.asarray(state, np.float32))
        self._actions.append(action)
        self._rewards.append(float(reward))
        self.terminated, self.truncated = bool(terminated), bool(truncated)

    def recording(self) -> Recording:
        """The steps so far, for replay."""
        return Recording(
            YOU,
            Start(self.seed),
            np.stack(self._states),
            np.array(self._actions, np.int64),
            np.array(self._rewards),
            None,
            None,
            self.terminated,
            self.facts,
        )


def replay(seed: int, actions: Iterable[int]) -> Play:
    """The episode that these actions lead through from that start."""
    play = Play(seed)
    for action in actions:
        play.step(int(action))
    return play
