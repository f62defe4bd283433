"""One recorded episode of an agent, for replay, with what its network computed at each step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

from engine.agents.agent import Agent, NetworkAgent, check_fit
from engine.learners.environment_facts import CARTPOLE, EnvironmentFacts, environment_facts, make_environment

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Recording:
    """One episode for replay: T steps.

    states: [T + 1, state_size], the last one reached by the last action.
    actions, rewards: [T].
    values: [T, actions] outputs of a network agent, or None for a scripted rule.
    values_are: what these are: "Q", or "score" for a clone.
    terminated: whether the episode ended by itself, not at the time limit.
    facts: what the environment is.
    """

    agent: str
    seed: int
    states: Floats
    actions: npt.NDArray[np.int64]
    rewards: npt.NDArray[np.float64]
    values: Floats | None
    values_are: str | None
    terminated: bool
    facts: EnvironmentFacts

    @property
    def total_reward(self) -> float:
        return float(self.rewards.sum())


def record_episode(agent: Agent, seed: int, environment_id: str = CARTPOLE) -> Recording:
    """Play one episode from the start that `seed` names, and keep all of it.

    Raises:
        AgentError: the agent does not fit the environment.
    """
    check_fit(agent, environment_id)
    env = make_environment(environment_id)
    agent.begin(seed)
    state: Any = env.reset(seed=seed)[0]
    assert isinstance(env.action_space, gymnasium.spaces.Discrete)
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
        agent.values_are if isinstance(agent, NetworkAgent) else None,
        bool(terminated),
        environment_facts(environment_id),
    )
