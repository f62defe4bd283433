"""One recorded episode of an agent, for replay, with what its network computed at each step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

from engine.agents.agent import Agent, NetworkAgent, check_fit
from engine.agents.starts import Start
from engine.learners.environment_facts import CARTPOLE, EnvironmentFacts, environment_facts, make_environment
from engine.learners.greedy import Lane, lane_plan
from engine.learners.network import prepare_thread

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Recording:
    """One episode for replay: T steps.

    start: where it began.
    states: [T + 1, state_size], the last one reached by the last action.
    actions, rewards: [T].
    values: [T, actions] outputs of a network agent, or None for a scripted rule and for a person.
    values_are: what these are: "Q", or "score" for a clone.
    terminated: whether the episode ended by itself, not at the time limit.
    facts: what the environment is.
    """

    agent: str
    start: Start
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


def record(agent: Agent, start: Start, environment_id: str = CARTPOLE) -> Recording:
    """Play one episode from a start, and keep all of it.

    Raises:
        AgentError: the agent does not fit the environment.
    """
    if start.evaluated is None:
        return record_episode(agent, start.seed, environment_id)
    return record_evaluated(agent, start, environment_id)


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
    return _recording(agent, Start(seed), states, actions, rewards, values, terminated, environment_id)


def record_evaluated(agent: Agent, start: Start, environment_id: str = CARTPOLE) -> Recording:
    """Play one episode of an evaluation again, to the bit as it was played there, and keep all of it.

    What a network computes of a state, and which numbers a random agent draws, depends on the states beside it. So the
    episodes beside it are played too, as far as this one goes: up to half a second.

    Args:
        start: a start of an evaluation.

    Raises:
        AgentError: the agent does not fit the environment.
    """
    assert start.evaluated is not None
    check_fit(agent, environment_id)
    prepare_thread()
    agent.begin(start.seed)
    acting = _Acting(agent)
    place = start.evaluated.episode
    for size, seed in lane_plan(start.evaluated.episodes, start.seed):
        lane = Lane(acting.act, size, seed, environment_id)
        if place < size:
            return _record_in(lane, place, acting, start, environment_id)
        # A rule that draws numbers has drawn them for the lanes before; a network remembers nothing.
        while not (isinstance(agent, NetworkAgent) or lane.finished):
            lane.step()
        lane.close()
        place -= size
    raise IndexError(f"an evaluation of {start.evaluated.episodes} episodes has none at {start.evaluated.episode}")


class _Acting:
    """An agent that acts on a batch of states; `values` are what its network has just computed of them."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.values: Floats | None = None

    def act(self, states: Floats) -> npt.NDArray[np.int64]:
        if not isinstance(self.agent, NetworkAgent):
            return self.agent.act(states)
        self.values = self.agent.values(states)
        return np.asarray(self.values.argmax(axis=1), np.int64)


def _record_in(lane: Lane, place: int, acting: _Acting, start: Start, environment_id: str) -> Recording:
    """Play a lane until the episode at `place` is over."""
    states, actions, rewards, values = [lane.states[place].copy()], [], [], []
    while lane.alive[place]:
        row = int(lane.alive[:place].sum())  # Only episodes that are not over are in the batch.
        lane.step()
        states.append(lane.states[place].copy())
        actions.append(int(lane.actions[place]))
        rewards.append(float(lane.rewards[place]))
        if acting.values is not None:
            values.append(acting.values[row])
    terminated = bool(lane.terminated[place])
    lane.close()
    return _recording(acting.agent, start, states, actions, rewards, values, terminated, environment_id)


def _recording(
    agent: Agent,
    start: Start,
    states: list[Floats],
    actions: list[int],
    rewards: list[float],
    values: list[Floats],
    terminated: bool,
    environment_id: str,
) -> Recording:
    return Recording(
        agent.name,
        start,
        np.stack(states),
        np.array(actions),
        np.array(rewards),
        np.stack(values) if values else None,
        agent.values_are if isinstance(agent, NetworkAgent) else None,
        bool(terminated),
        environment_facts(environment_id),
    )
