"""Deep SARSA, the learner: on-policy TD control, a step at a time.

The TD target is r + discount * Q_target(s', a') with the action a' that the agent really took next (Rummery and
Niranjan 1994). So it learns from recent transitions alone: those of long ago were another policy's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from engine.learners.divergence import DivergenceError
from engine.learners.environment import Environment, Floats
from engine.learners.metrics import Episode, MetricLog
from engine.learners.network import MLP, Adam, prepare_thread
from engine.learners.policy import Policy

if TYPE_CHECKING:
    from tests.engine.kinds.sarsa import SarsaSpec


class SarsaLearner:
    """A SARSA run in progress. Series: `return` by episode; `td_error`, its mean size in an update, by step."""

    def __init__(self, spec: SarsaSpec, log: MetricLog) -> None:
        prepare_thread()
        self.spec, self.config, self.log = spec, spec.config, log
        seeds = np.random.SeedSequence(self.config.seed).generate_state(4, np.uint64)
        self._exploration, self._sampling, self._episode_seeds = map(np.random.default_rng, seeds[:3])
        self._env = Environment(self.config.environment, self._episode_seeds)
        sizes = (self._env.state_size, *self.config.nn_hidden_layers, self._env.action_count)
        self.network = MLP(sizes, torch.Generator().manual_seed(int(seeds[3] >> np.uint64(1))))
        self.target = MLP(sizes)
        self.target.flat.copy_(self.network.flat)
        self.adam = Adam(self.network, self.config.learning_rate)
        n = self.config.recent
        self._recent: dict[str, npt.NDArray[Any]] = {
            "states": np.zeros((n, self._env.state_size), np.float32),
            "actions": np.zeros((n, 1), np.int64),
            "rewards": np.zeros((n, 1), np.float32),
            "ended": np.zeros((n, 1), np.float32),
            "next_states": np.zeros((n, self._env.state_size), np.float32),
            "next_actions": np.zeros((n, 1), np.int64),
        }
        self.episodes = self.env_steps = self.gradient_steps = 0
        self._return = 0.0
        self._action = self._choose(self._env.reset())

    @property
    def finished(self) -> bool:
        return self.progress >= 1

    @property
    def progress(self) -> float:
        steps = 0.0 if self.spec.max_env_steps is None else self.env_steps / self.spec.max_env_steps
        return min(1.0, max(steps, self.episodes / self.spec.episodes))

    def counters(self) -> dict[str, int]:
        return {"episodes": self.episodes, "env_steps": self.env_steps, "gradient_steps": self.gradient_steps}

    @property
    def _epsilon(self) -> float:
        share = min(1.0, self.env_steps / self.config.steps_epsilon_decay)
        return self.config.epsilon_start + share * (self.config.epsilon_end - self.config.epsilon_start)

    def _choose(self, state: Floats) -> int:
        if self._exploration.random() < self._epsilon:
            return int(self._exploration.integers(self._env.action_count))
        return int(self.network.forward(torch.from_numpy(state[None])).argmax())

    def advance(self) -> None:
        """One environment step and one gradient step.

        Raises:
            DivergenceError: the loss or the weights are no longer finite.
        """
        state, action, epsilon = self._env.observation.copy(), self._action, self._epsilon
        next_state, reward, terminated, truncated = self._env.step(action)
        # At a time limit nothing follows, but the return does: then this is what it would have done next.
        self._action = self._choose(next_state)
        transition = (state, action, reward, terminated, next_state, self._action)
        for column, value in zip(self._recent.values(), transition, strict=True):
            column[self.env_steps % len(column)] = value
        self.env_steps += 1
        self._return += reward
        self._learn()
        if terminated or truncated:
            self._end_episode(epsilon, terminated, truncated)

    @torch.inference_mode()
    def _learn(self) -> None:
        n = self.config.batch_size
        rows = self._sampling.integers(min(self.env_steps, self.config.recent), size=n)
        batch = {name: torch.from_numpy(column[rows]) for name, column in self._recent.items()}
        following = self.target.forward(batch["next_states"]).gather(1, batch["next_actions"])
        targets = batch["rewards"] + self.config.discount_factor * (1 - batch["ended"]) * following
        activations = self.network.activations(batch["states"])
        errors = activations[-1].gather(1, batch["actions"]) - targets
        # The derivative of mean(error^2) by Q(s, b) is 2 error / n for b = a, else 0.
        slopes = torch.zeros_like(activations[-1]).scatter_(1, batch["actions"], errors * (2 / n))
        self.network.backward(activations, slopes)
        self.adam.step()
        self.gradient_steps += 1
        if not math.isfinite(float(errors.square().mean()) + float(self.network.flat.sum())):
            raise DivergenceError("the loss or the weights stopped being finite numbers; try a lower learning_rate.")
        self.log.append("td_error", self.env_steps, float(errors.abs().mean()))
        if self.env_steps % self.config.steps_per_target == 0:
            self.target.flat.copy_(self.network.flat)

    def _end_episode(self, epsilon: float, terminated: bool, truncated: bool) -> None:
        self.log.append("return", self.episodes, self._return)
        length = self._env.episode_length
        self.log.add_episode(
            Episode(self.episodes, self.env_steps, self._return, length, epsilon, terminated, truncated)
        )
        self.episodes += 1
        self._return = 0.0
        self._action = self._choose(self._env.reset())

    def policies(self) -> dict[str, Policy]:
        return {"last": Policy(self.network).copy()}

    def state(self) -> dict[str, Any]:
        return {
            "network": self.network.flat.numpy().copy(),
            "target": self.target.flat.numpy().copy(),
            "adam": {name: tensor.numpy() for name, tensor in self.adam.state().items()},
            "recent": {name: column.copy() for name, column in self._recent.items()},
            "environment": self._env.state(),
            "exploration": self._exploration.bit_generator.state,
            "sampling": self._sampling.bit_generator.state,
            "episode_seeds": self._episode_seeds.bit_generator.state,
            "counters": self.counters(),
            "action": self._action,
            "return": self._return,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.network.flat.copy_(torch.from_numpy(state["network"]))
        self.target.flat.copy_(torch.from_numpy(state["target"]))
        self.adam.restore({name: torch.from_numpy(array) for name, array in state["adam"].items()})
        for name, column in self._recent.items():
            column[:] = state["recent"][name]
        self._env.restore(state["environment"])
        self._exploration.bit_generator.state = state["exploration"]
        self._sampling.bit_generator.state = state["sampling"]
        self._episode_seeds.bit_generator.state = state["episode_seeds"]
        self.episodes, self.env_steps, self.gradient_steps = (
            state["counters"][name] for name in ("episodes", "env_steps", "gradient_steps")
        )
        self._action, self._return = state["action"], state["return"]
