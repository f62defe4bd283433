"""Rows for imitation: an agent acts in CartPole, and what it saw and did is kept."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.agents.agent import Agent, check_fit
from engine.learners.environment_facts import CARTPOLE, make_environment
from engine.learners.network import prepare_thread
from engine.learners.samples import STATE_COLUMNS, Samples


class Generator:
    """Lets an agent act in CartPole until `samples` pairs of state and action are collected; `advance` is one step.

    Episodes follow one another from one seeded start, as in the course: a perfect agent fills 1,000 rows in two.
    """

    def __init__(self, agent: Agent, samples: int, seed: int) -> None:
        prepare_thread()
        check_fit(agent, CARTPOLE)
        self._agent = agent
        self._samples = samples
        self._env = make_environment(CARTPOLE)
        self._states: list[npt.NDArray[np.float32]] = []
        self._actions: list[int] = []
        self._episodes = 1
        agent.begin(seed)
        self._state = np.asarray(self._env.reset(seed=seed)[0], np.float32)

    @property
    def finished(self) -> bool:
        return len(self._actions) >= self._samples

    @property
    def progress(self) -> float:
        return len(self._actions) / self._samples

    def advance(self) -> None:
        """One pair, one environment step."""
        action = int(self._agent.act(self._state[None])[0])
        self._states.append(self._state)
        self._actions.append(action)
        state, _, terminated, truncated, _ = self._env.step(action)
        if (terminated or truncated) and not self.finished:
            state, _ = self._env.reset()
            self._episodes += 1
        self._state = np.asarray(state, np.float32)

    def result(self) -> Samples:
        """The pairs collected so far."""
        states = np.stack(self._states) if self._states else np.empty((0, len(STATE_COLUMNS)), np.float32)
        return Samples(states, np.array(self._actions, np.int64), self._episodes)


def generate(agent: Agent, samples: int, seed: int) -> Samples:
    """`samples` pairs of state and action; see `Generator`."""
    generator = Generator(agent, samples, seed)
    while not generator.finished:
        generator.advance()
    return generator.result()
