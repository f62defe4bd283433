"""Small configs and runs that the engine's tests share."""

from __future__ import annotations

from typing import Any, TypeVar

from engine.agents.agent import NetworkAgent
from engine.learners.config import DQNConfig, ImitationConfig
from engine.learners.dqn import DQNLearner
from engine.learners.kind import Learner
from engine.learners.metrics import MetricLog
from engine.learners.network import MLP
from engine.learners.policy import Policy
from engine.learners.specs import DataSource, DQNSpec, ImitationSpec
from engine.runs.jobs import Work

W = TypeVar("W", bound=Work)


def dqn_config(**changes: Any) -> DQNConfig:
    """A DQN config that learns within a few hundred steps."""
    settings: dict[str, Any] = {
        "learning_rate": 1e-3,
        "discount_factor": 0.9,
        "batch_size": 8,
        "memory_size": 200,
        "freq_steps_train": 4,
        "freq_steps_update_target": 10,
        "n_steps_warm_up_memory": 20,
        "n_gradient_steps": 2,
        "nn_hidden_layers": [16],
        "max_grad_norm": 10,
        "normalize_state": False,
        "epsilon_start": 0.9,
        "epsilon_end": 0.1,
        "steps_epsilon_decay": 200,
    }
    return DQNConfig.from_dict(settings | changes)


def dqn_spec(*, env_steps: int = 400, **changes: Any) -> DQNSpec:
    return DQNSpec(dqn_config(**changes), episodes=1_000, max_env_steps=env_steps)


def imitation_spec(*, epochs: int = 6, seed: int = 0) -> ImitationSpec:
    rule = "linear:0.1,0.2,1,0.5"
    return ImitationSpec(
        ImitationConfig(nn_hidden_layers=(16,), epochs=epochs, seed=seed),
        DataSource(agent=rule, samples=200, seed=0),
        DataSource(agent=rule, samples=100, seed=1),
    )


def learner(config: DQNConfig | None = None, *, env_steps: int = 400, episodes: int = 1_000) -> DQNLearner:
    return DQNLearner(config or dqn_config(), MetricLog(), episodes=episodes, max_env_steps=env_steps)


def trained(config: DQNConfig | None = None, *, env_steps: int = 400, episodes: int = 1_000) -> DQNLearner:
    """A learner that has used up its budget."""
    return finish(learner(config, env_steps=env_steps, episodes=episodes))


def agent_of(learner: Learner, which: str = "last") -> NetworkAgent:
    """What a learner has learned so far, as an agent that can act."""
    kind = "dqn" if isinstance(learner, DQNLearner) else "imitation"
    return NetworkAgent(which, learner.policies()[which], kind, learner.config)  # type: ignore[attr-defined]


def clone(network: MLP) -> NetworkAgent:
    """A network with 8 hidden units as an imitation agent."""
    return NetworkAgent("net", Policy(network), "imitation", ImitationConfig(nn_hidden_layers=(8,)))


def finish(work: W) -> W:
    """Advance until the end."""
    while not work.finished:
        work.advance()
    return work


def series(log: MetricLog) -> dict[str, list[tuple[float, float]]]:
    """Every series as comparable points."""
    return {name: [(float(x), float(y)) for x, y in zip(*log.read(name), strict=True)] for name in sorted(log.names)}
