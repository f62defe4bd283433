"""Evaluation of an agent: greedy episodes from fixed starts, and what they come to."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.agents.agent import Agent, NetworkAgent, check_fit
from engine.learners.environment_facts import CARTPOLE, environment_facts
from engine.learners.greedy import GreedyEpisodes

Returns = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Returns, [episodes], of greedy episodes. `perfect` of them are the best there is; None where none is known."""

    agent: str
    environment: str
    seed: int
    returns: Returns
    perfect: int | None
    seconds: float

    @property
    def episodes(self) -> int:
        return len(self.returns)

    def summary(self) -> dict[str, Any]:
        """mean, std, min, max, perfect, episodes as plain numbers; perfect may be None."""
        return return_figures(self.returns, self.perfect)


def return_figures(returns: Returns, perfect: int | None) -> dict[str, Any]:
    """mean, std, min, max, perfect, episodes of an evaluation; `std` is over the episodes (population form)."""
    return {
        "mean": float(returns.mean()),
        "std": float(returns.std()),
        "min": float(returns.min()),
        "max": float(returns.max()),
        "perfect": perfect,
        "episodes": len(returns),
    }


class Evaluator(GreedyEpisodes):
    """Plays an agent's greedy episodes; see `GreedyEpisodes`. A network may use all cores, other agents only one."""

    def __init__(self, agent: Agent, episodes: int, seed: int, environment_id: str = CARTPOLE) -> None:
        """
        Raises:
            AgentError: the agent does not fit the environment.
        """
        check_fit(agent, environment_id)
        super().__init__(agent.act, episodes, seed, environment_id, threads=isinstance(agent, NetworkAgent))
        self.agent = agent
        self.environment = environment_id
        self._started = time.perf_counter()
        self._seconds = 0.0
        agent.begin(seed)

    def advance(self) -> None:
        super().advance()
        if self.finished:
            self._seconds = time.perf_counter() - self._started

    def result(self) -> Evaluation:
        """The outcome; only once `finished`."""
        assert self.finished
        perfect = environment_facts(self.environment).perfect(self.returns)
        return Evaluation(self.agent.name, self.environment, self.seed, self.returns, perfect, self._seconds)


def evaluate(agent: Agent, episodes: int = 1_000, seed: int = 0, environment_id: str = CARTPOLE) -> Evaluation:
    """Play greedy episodes to their end; see `Evaluator`."""
    evaluator = Evaluator(agent, episodes, seed, environment_id)
    while not evaluator.finished:
        evaluator.advance()
    return evaluator.result()
