"""Greedy episodes played side by side in a vector environment, with random streams of their own; nobody learns here."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import gymnasium
import numpy as np
import numpy.typing as npt

from engine.learners.machine import usable_cores
from engine.learners.network import prepare_thread

LANE_EPISODES = 500
"""Episodes in one vector environment: enough to make little of its cost a step, few enough for two cores to share."""
STEPS_AT_ONCE = 10
"""Steps of a lane in one `advance`, some 10 ms; so that threads seldom wait for one another."""
Floats = npt.NDArray[np.float32]
Returns = npt.NDArray[np.float64]
Act = Callable[[Floats], npt.NDArray[np.int64]]
"""Actions [n] for states [n, state_size]."""


class Lane:
    """Episodes played side by side: one sub-environment an episode, and only its first episode.

    `states` [episodes, state_size] are those reached so far; `actions`, `rewards` and `terminated` [episodes] are of
    the latest step. What they hold of an episode that was over before means nothing.
    """

    def __init__(self, act: Act, episodes: int, seed: int, environment_id: str) -> None:
        self._act = act
        self._env = gymnasium.make_vec(environment_id, num_envs=episodes)
        assert isinstance(self._env.single_action_space, gymnasium.spaces.Discrete)
        self._first_action = int(self._env.single_action_space.start)
        self.states: Floats = np.asarray(self._env.reset(seed=seed)[0], np.float32)
        self._limit = gymnasium.spec(environment_id).max_episode_steps
        self.returns: Returns = np.zeros(episodes)
        self.lengths = np.zeros(episodes, np.int64)
        self.alive = np.ones(episodes, np.bool_)
        self.actions = np.zeros(episodes, np.int64)
        self.rewards: Returns = np.zeros(episodes)
        self.terminated = np.zeros(episodes, np.bool_)

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
            self.step()
            if self.finished:
                self.close()
                return

    def step(self) -> None:
        """One environment step in every episode that is not over."""
        alive = self.alive
        if alive.all():
            self.actions = self._act(self.states)
        else:
            self.actions = np.zeros(len(alive), np.int64)
            self.actions[alive] = self._act(self.states[alive])
        observations, self.rewards, self.terminated, truncated, _ = self._env.step(self.actions + self._first_action)
        self.states = np.asarray(observations, np.float32)
        np.add(self.returns, self.rewards, out=self.returns, where=alive)
        self.lengths += alive
        alive &= ~(self.terminated | truncated)

    def close(self) -> None:
        self._env.close()


def lane_plan(episodes: int, seed: int) -> list[tuple[int, int]]:
    """How many episodes each lane of an evaluation has, and the seed of its starts; episodes lie in it in order."""
    sizes = [min(LANE_EPISODES, episodes - first) for first in range(0, episodes, LANE_EPISODES)]
    seeds = [seed, *map(int, np.random.SeedSequence(seed).generate_state(len(sizes) - 1))]
    return list(zip(sizes, seeds, strict=True))


class GreedyEpisodes:
    """Plays `episodes` episodes; `advance` takes some steps in those that are being played side by side.

    Long and short episodes count alike: none is begun because another one ended. The episodes lie in lanes of a fixed
    size, each with starts of its own. So the same actions, episodes and seed give the same returns on the same machine,
    however many cores are free.
    """

    def __init__(self, act: Act, episodes: int, seed: int, environment_id: str, *, threads: bool) -> None:
        """
        Args:
            seed: names the starts of the episodes.
            threads: whether `act` may be called from several threads at once; then as many lanes are played at once as
                there are cores, else one after the other.
        """
        prepare_thread()
        self.episodes = episodes
        self.seed = seed
        self._lanes = [Lane(act, size, own, environment_id) for size, own in lane_plan(episodes, seed)]
        self._at_once = min(len(self._lanes), usable_cores()) if threads else 1
        self._threads = ThreadPoolExecutor(self._at_once, "evaluation", prepare_thread) if self._at_once > 1 else None

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
        list((self._threads.map if self._threads else map)(Lane.advance, playing))
        if self.finished and self._threads is not None:
            self._threads.shutdown(wait=False)
