"""Greedy evaluation on fixed starts, vectorised, and recorded episodes; with random streams of its own."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

from engine.agents import Agent, NetworkAgent, check_fit
from engine.environment import make_environment, time_limit
from engine.figures import return_figures
from engine.network import prepare_thread

CARTPOLE = "CartPole-v1"
Floats = npt.NDArray[np.float32]
Returns = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Returns of greedy episodes. `perfect` counts episodes that lasted to the environment's time limit."""

    agent: str
    seed: int
    returns: Returns
    perfect: int
    seconds: float

    @property
    def episodes(self) -> int:
        return len(self.returns)

    def summary(self) -> dict[str, float | int]:
        """mean, std, min, max, perfect, episodes as plain numbers."""
        return return_figures(self.returns, self.perfect)


class Evaluator:
    """Plays `episodes` episodes side by side; `advance` takes one step in every one that is still going.

    One sub-environment an episode and only the first episode of each, so long and short episodes count alike. The same
    agent, episodes and seed give the same returns on the same machine.
    """

    def __init__(self, agent: Agent, episodes: int, seed: int, environment_id: str = CARTPOLE) -> None:
        prepare_thread()
        self.agent = agent
        self.episodes = episodes
        self.seed = seed
        self.returns: Returns = np.zeros(episodes)
        self._limit = time_limit(environment_id)
        self._env = gymnasium.make_vec(environment_id, num_envs=episodes)
        assert isinstance(self._env.single_action_space, gymnasium.spaces.Discrete)
        self._first_action = int(self._env.single_action_space.start)
        self._states: Floats = np.asarray(self._env.reset(seed=seed)[0], np.float32)
        check_fit(agent, environment_id, self._states.shape[1], int(self._env.single_action_space.n))
        self._lengths = np.zeros(episodes, np.int64)
        self._alive = np.ones(episodes, np.bool_)
        self._started = time.perf_counter()
        self._seconds = 0.0
        agent.begin(seed)

    @property
    def finished(self) -> bool:
        return not self._alive.any()

    @property
    def ended(self) -> npt.NDArray[np.bool_]:
        """Which episodes are over, [episodes]; their returns are final."""
        return ~self._alive

    @property
    def progress(self) -> float:
        """Share of episodes that are over, or of the time limit where that is further."""
        over = 1.0 - self._alive.mean()
        return float(over if self._limit is None else max(over, self._lengths.max() / self._limit))

    def advance(self) -> None:
        """One environment step in every episode that is not over."""
        alive = np.flatnonzero(self._alive)
        actions = np.full(self.episodes, self._first_action, np.int64)
        states = self._states if len(alive) == self.episodes else self._states[alive]
        actions[alive] += self.agent.act(states)
        observations, rewards, terminated, truncated, _ = self._env.step(actions)
        self._states = np.asarray(observations, np.float32)
        self.returns[alive] += rewards[alive]
        self._lengths[alive] += 1
        self._alive &= ~(terminated | truncated)
        if self.finished:
            self._seconds = time.perf_counter() - self._started
            self._env.close()

    def result(self) -> Evaluation:
        """The outcome; only once `finished`."""
        assert self.finished
        perfect = 0 if self._limit is None else int((self._lengths >= self._limit).sum())
        return Evaluation(self.agent.name, self.seed, self.returns.copy(), perfect, self._seconds)


def evaluate(agent: Agent, episodes: int = 1_000, seed: int = 0, environment_id: str = CARTPOLE) -> Evaluation:
    """Play greedy episodes to their end; see `Evaluator`."""
    evaluator = Evaluator(agent, episodes, seed, environment_id)
    while not evaluator.finished:
        evaluator.advance()
    return evaluator.result()


@dataclass(frozen=True, slots=True)
class Recording:
    """One episode for replay: T steps.

    states: [T + 1, state_size], the last one reached by the last action.
    actions, rewards: [T].
    values: [T, actions] outputs of a network agent, or None for a scripted rule.
    values_are_q: whether these are Q-values; a clone's are scores.
    """

    agent: str
    seed: int
    states: Floats
    actions: npt.NDArray[np.int64]
    rewards: Returns
    values: Floats | None
    values_are_q: bool
    terminated: bool

    @property
    def total_reward(self) -> float:
        return float(self.rewards.sum())


def record_episode(agent: Agent, seed: int, environment_id: str = CARTPOLE) -> Recording:
    """Play one episode from the start that `seed` names, and keep all of it."""
    env = make_environment(environment_id)
    agent.begin(seed)
    state: Any = env.reset(seed=seed)[0]
    assert isinstance(env.action_space, gymnasium.spaces.Discrete)
    check_fit(agent, environment_id, len(state), int(env.action_space.n))
    first_action = int(env.action_space.start)
    states, actions, rewards, values = [np.asarray(state, np.float32)], [], [], []
    terminated = truncated = False
    while not (terminated or truncated):
        batch = states[-1][None]
        if isinstance(agent, NetworkAgent):
            values.append(agent.values(batch)[0])
        action = int(agent.act(batch)[0])
        state, reward, terminated, truncated, _ = env.step(action + first_action)
        states.append(np.asarray(state, np.float32))
        actions.append(action)
        rewards.append(float(reward))
    env.close()
    return Recording(
        agent.name,
        seed,
        np.stack(states),
        np.array(actions),
        np.array(rewards),
        np.stack(values) if values else None,
        isinstance(agent, NetworkAgent) and not agent.is_clone,
        bool(terminated),
    )
