"""Anything that acts, and a network that does; knows of no files and no runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from engine.agents.names import AgentError
from engine.learners.environment_facts import environment_facts
from engine.learners.kinds import kind_named
from engine.learners.policy import Policy
from engine.learners.settings import Settings

Floats = npt.NDArray[np.float32]
Actions = npt.NDArray[np.int64]


class Agent(Protocol):
    """Maps a batch of states to actions."""

    name: str

    def begin(self, seed: int) -> None:
        """Start an evaluation: an agent with randomness of its own seeds it here."""

    def act(self, states: Floats) -> Actions:
        """Actions [n] for states [n, state_size]."""


class NetworkAgent(Policy):
    """A policy with a name, the kind of learner and the settings that it was learned with, and a card on how."""

    def __init__(
        self, name: str, policy: Policy, kind: str, config: Settings, card: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(policy.network, state_mean=policy.state_mean, state_std=policy.state_std)
        self.name = name
        self.kind = kind
        self.config = config
        self.card = dict(card or {})

    def begin(self, seed: int) -> None:
        """Nothing to seed: a greedy agent is deterministic."""

    @property
    def values_are(self) -> str:
        """What the network's outputs are: "Q" for action values, "score" for a clone's."""
        return kind_named(self.kind).values_are

    @property
    def environment(self) -> str:
        """The environment that it learned to act in."""
        return kind_named(self.kind).environment(self.config)


def check_fit(agent: Agent, environment_id: str) -> None:
    """Refuse a network whose inputs or outputs are not the states or actions of the environment that it should act in.

    Raises:
        AgentError: they are not.
        ConfigError: there is no such environment.
    """
    if not isinstance(agent, NetworkAgent):
        return
    facts, inputs, outputs = environment_facts(environment_id), agent.network.sizes[0], agent.network.sizes[-1]
    if inputs != facts.state_size:
        raise AgentError(
            f"agent {agent.name!r} reads states of {inputs} values, but {environment_id} has {facts.state_size}."
        )
    if outputs != facts.action_count:
        raise AgentError(
            f"agent {agent.name!r} chooses among {outputs} actions, but {environment_id} has {facts.action_count}."
        )
