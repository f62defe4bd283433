"""Greedy evaluation on fixed starts, vectorised, and recorded episodes; with random streams of its own."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

from engine.agents import Agent, NetworkAgent, check_fit
from engine.environment import make_environment, time_limit
from engine.figures import return_figures
from engine.jobs import usable_cores
from engine.network import prepare_thread

CARTPOLE = "CartPole-v1"
LANE_EPISODES = 500
"""Episodes in one vector environment: enough to make little of its cost a step, few enough for two cores to share."""
STEPS_AT_ONCE = 10
"""Steps of a lane in one `advance`, some 10 ms; so that threads seldom wait for one another."""
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


class _Lane:
    """Episodes played side by side: one sub-environment an episode, and only its first episode."""

    def __init__(self, agent: Agent, episodes: int, seed: int, environment_id: str) -> None:
        self._agent = agent
        self._env = gymnasium.make_vec(environment_id, num_envs=episodes)
        assert isinstance(self._env.single_action_space, gymnasium.spaces.Discrete)
        self._first_action = int(self._env.single_action_space.start)
        self._states: Floats = np.asarray(self._env.reset(seed=seed)[0], np.float32)
        check_fit(agent, environment_id, self._states.shape[1], int(self._env.single_action_space.n))
        self._limit = time_limit(environment_id)
        self.returns: Returns = np.zeros(episodes)
        self.lengths = np.zeros(episodes, np.int64)
        self.alive = np.ones(episodes, np.bool_)

    @property
    def progress(self) -> float:
        """Share of episodes that are over, or of the time limit where that is further."""
        over = 1.0 - float(self.alive.mean())
        return over if self._limit is None else max(over, float(self.lengths.max()) / self._limit)

    @property
    def finished(self) -> bool:
        return not self.alive.any()

    def advance(self) -> None:
        """A few environment steps in every episode that is not over."""
        for _ in range(STEPS_AT_ONCE):
            self._step()
            if self.finished:
                self._env.close()
                return

    def _step(self) -> None:
        alive = self.alive
        if alive.all():
            actions = self._agent.act(self._states) + self._first_action
        else:
            actions = np.full(len(alive), self._first_action, np.int64)
            actions[alive] += self._agent.act(self._states[alive])
        observations, rewards, terminated, truncated, _ = self._env.step(actions)
        self._states = np.asarray(observations, np.float32)
        np.add(self.returns, rewards, out=self.returns, where=alive)
        self.lengths += alive
        alive &= ~(terminated | truncated)


class Evaluator:
    """Plays `episodes` episodes; `advance` takes some steps in those that are being played side by side.

    Long and short episodes count alike: none is begun because another one ended. The episodes lie in lanes of a fixed
    size, each with starts of its own. A network plays as many lanes at once as there are cores, another agent one after
    the other. So the same agent, episodes and seed give the same returns on the same machine, however many cores are
    free.
    """

    def __init__(self, agent: Agent, episodes: int, seed: int, environment_id: str = CARTPOLE) -> None:
        prepare_thread()
        self.agent = agent
        self.episodes = episodes
        self.seed = seed
        self._limit = time_limit(environment_id)
        sizes = [min(LANE_EPISODES, episodes - first) for first in range(0, episodes, LANE_EPISODES)]
        seeds = [seed, *map(int, np.random.SeedSequence(seed).generate_state(len(sizes) - 1))]
        self._lanes = [_Lane(agent, size, own, environment_id) for size, own in zip(sizes, seeds, strict=True)]
        self._at_once = min(len(sizes), usable_cores()) if isinstance(agent, NetworkAgent) else 1
        self._threads = ThreadPoolExecutor(self._at_once, "evaluation", prepare_thread) if self._at_once > 1 else None
        self._started = time.perf_counter()
        self._seconds = 0.0
        agent.begin(seed)

    @property
    def finished(self) -> bool:
        return all(lane.finished for lane in self._lanes)

    @property
    def returns(self) -> Returns:
        """The sum of rewards of each episode so far, [episodes]."""
        return np.concatenate([lane.returns for lane in self._lanes])

    @property
    def ended(self) -> npt.NDArray[np.bool_]:
        """Which episodes are over, [episodes]; their returns are final."""
        return ~np.concatenate([lane.alive for lane in self._lanes])

    @property
    def progress(self) -> float:
        """Share of episodes that are over, counting those of a lane in part as they come nearer to the time limit."""
        return sum(lane.progress * len(lane.alive) for lane in self._lanes) / self.episodes

    def advance(self) -> None:
        """A few environment steps in the episodes that are being played."""
        playing = [lane for lane in self._lanes if not lane.finished][: self._at_once]
        list((self._threads.map if self._threads else map)(_Lane.advance, playing))
        if self.finished:
            self._seconds = time.perf_counter() - self._started
            if self._threads is not None:
                self._threads.shutdown(wait=False)

    def result(self) -> Evaluation:
        """The outcome; only once `finished`."""
        assert self.finished
        lengths = np.concatenate([lane.lengths for lane in self._lanes])
        perfect = 0 if self._limit is None else int((lengths >= self._limit).sum())
        return Evaluation(self.agent.name, self.seed, self.returns, perfect, self._seconds)


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
