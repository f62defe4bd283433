"""Scripted rules for CartPole: agents that nobody trained."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.agents.agent import Actions, Agent, Floats
from engine.agents.names import linear_weights


class RandomAgent:
    """Each of `action_count` actions with the same probability, from a generator of its own."""

    def __init__(self, action_count: int = 2) -> None:
        self.name = "random"
        self._action_count = action_count
        self.begin(0)

    def begin(self, seed: int) -> None:
        self._generator = np.random.default_rng([seed, 0xAC7])

    def act(self, states: Floats) -> Actions:
        return self._generator.integers(self._action_count, size=len(states))


class ConstantAgent:
    """The same action always."""

    def __init__(self, name: str, action: int) -> None:
        self.name = name
        self._action = action

    def begin(self, seed: int) -> None:
        """Nothing to seed."""

    def act(self, states: Floats) -> Actions:
        return np.full(len(states), self._action, np.int64)


class LinearAgent:
    """Action 1 where the weighted sum of the state is above 0, else action 0."""

    def __init__(self, name: str, weights: npt.ArrayLike) -> None:
        self.name = name
        self._weights = np.asarray(weights, np.float64)

    def begin(self, seed: int) -> None:
        """Nothing to seed."""

    def act(self, states: Floats) -> Actions:
        return np.asarray(states @ self._weights > 0, np.int64)


def scripted_agent(text: str) -> Agent | None:
    """The scripted rule of that name, or None where the text names no rule.

    Raises:
        AgentError: a linear rule whose weights are not four finite numbers.
    """
    match text:
        case "random":
            return RandomAgent()
        case "left" | "right":
            return ConstantAgent(text, int(text == "right"))
        case "angle":
            return LinearAgent(text, [0, 0, 1, 0])
    weights = linear_weights(text)
    return None if weights is None else LinearAgent(text, weights)
