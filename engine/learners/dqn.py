"""Deep Q-learning (Mnih et al. 2015, doi:10.1038/nature14236) as the course describes it, a step at a time.

Each environment step, in this order:
    1  act: a random action with probability epsilon, else the action with the largest Q-value;
    2  store the transition in the replay buffer;
    3  every `freq_steps_train` steps, once the buffer holds `n_steps_warm_up_memory`: a burst of `n_gradient_steps`
       Adam steps, each on a uniformly drawn batch, on the mean squared TD error, gradient norm clipped;
    4  every `freq_steps_update_target` steps (on training steps only, with `target_check_behind_training`): update the
       target network.
The target network does not change inside a burst, so its values for the whole burst come from one forward pass.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engine.learners.config import CONFIRMATION_EPISODES, SELECTION_EPISODES, DQNConfig
from engine.learners.divergence import DivergenceError, divergence
from engine.learners.environment import Environment, state_scaling
from engine.learners.environment_facts import environment_facts
from engine.learners.greedy import GreedyEpisodes
from engine.learners.metrics import Episode, MetricLog
from engine.learners.network import MLP, Adam, prepare_thread
from engine.learners.policy import Policy
from engine.learners.replay import ReplayBuffer
from engine.learners.schedules import epsilon_at, learning_rate_at
from engine.learners.specs import EPISODES


def td_targets(
    rewards: Tensor,
    ended: Tensor,
    next_target_values: Tensor,
    discount: float,
    next_online_values: Tensor | None = None,
) -> Tensor:
    """TD targets r + discount * value of the next state, and r alone where the return has ended.

    Args:
        rewards: [...], any shape
        ended: [...], 1.0 where nothing follows, else 0.0
        next_target_values: [..., actions], target network on the next states
        discount: the discount factor
        next_online_values: [..., actions] for Double DQN (van Hasselt et al. 2016, arXiv:1509.06461): the online
            network chooses the next action, the target network values it. Without it the target network does both.
    """
    if next_online_values is None:
        values = next_target_values.amax(-1)
    else:
        values = next_target_values.gather(-1, next_online_values.argmax(-1, keepdim=True)).squeeze(-1)
    return rewards + discount * (1.0 - ended) * values


class DQNLearner:
    """A DQN run in progress: `advance` until `finished`, in any thread. All randomness comes from `config.seed`."""

    def __init__(
        self, config: DQNConfig, log: MetricLog, *, episodes: int = EPISODES, max_env_steps: int | None = None
    ) -> None:
        """Start a run of `episodes` training episodes, or of `max_env_steps` environment steps where that is less.

        Raises:
            ConfigError: the environment is unknown or not of the right kind, or `state_scale` does not fit its states.
        """
        prepare_thread()
        self.config = config
        self.log = log
        self.episodes = episodes
        self.max_env_steps = max_env_steps
        seeds = np.random.SeedSequence(config.seed).generate_state(5, np.uint64)
        self._exploration = np.random.default_rng(seeds[0])
        self._sampling = np.random.default_rng(seeds[1])
        self._episode_seeds = np.random.default_rng(seeds[2])
        self._selection_seed = int(seeds[3] >> np.uint64(1))
        self._facts = environment_facts(config.environment)
        self._env = Environment(config.environment, self._episode_seeds)
        sizes = (self._env.state_size, *config.nn_hidden_layers, self._env.action_count)
        self.network = MLP(sizes, torch.Generator().manual_seed(int(seeds[4] >> np.uint64(1))))
        self.target = MLP(sizes)
        self.target.flat.copy_(self.network.flat)
        self.adam = Adam(self.network, config.learning_rate)
        self.replay = ReplayBuffer(config.memory_size, self._env.state_size)
        self._mean, self._std = state_scaling(
            config.environment,
            self._env.state_size,
            config.seed,
            divisors=config.state_scale,
            normalize=config.normalize_state,
        )
        self.policy = Policy(self.network, state_mean=self._mean, state_std=self._std)
        self.env_steps = 0
        self.gradient_steps = 0
        self.episode_index = 0
        self._episode_return = 0.0
        self._best_score = -np.inf
        self._best_flat: Tensor | None = None
        self._selecting: GreedyEpisodes | None = None
        self._selection_due = False
        self._observation = self._scaled(self._env.reset())

    @property
    def finished(self) -> bool:
        return not self._selection_due and self._training_over

    @property
    def _training_over(self) -> bool:
        out_of_steps = self.max_env_steps is not None and self.env_steps >= self.max_env_steps
        return self.episode_index >= self.episodes or out_of_steps or self._ended_perfect

    @property
    def _ended_perfect(self) -> bool:
        """Only a confirmed network scores the highest return, so the best score tells."""
        return self.config.end_when_perfect and self._best_score == self._facts.best_return

    @property
    def progress(self) -> float:
        """Share of the budget that is used, in [0, 1]."""
        if self._ended_perfect:
            return 1.0
        steps = 0.0 if self.max_env_steps is None else self.env_steps / self.max_env_steps
        return min(1.0, max(steps, self.episode_index / self.episodes))

    def counters(self) -> dict[str, int]:
        return {"episodes": self.episode_index, "env_steps": self.env_steps, "gradient_steps": self.gradient_steps}

    def advance(self) -> None:
        """One environment step with its updates, or a few steps of the evaluation that keeps the best network."""
        if self._selection_due:
            self._select()
        else:
            self._step()

    def _step(self) -> None:
        config = self.config
        epsilon = epsilon_at(config, self.env_steps)
        action = self._act(epsilon)
        observation, reward, terminated, truncated = self._env.step(action)
        next_state = self._scaled(observation)
        self.replay.add(self._observation, action, reward, next_state, terminated=terminated, truncated=truncated)
        self._observation = next_state
        self._episode_return += reward
        self.env_steps += 1
        training = self.env_steps % config.freq_steps_train == 0 and len(self.replay) >= config.n_steps_warm_up_memory
        if training:
            self._learn()
        if self.env_steps % config.freq_steps_update_target == 0 and (
            training or not config.target_check_behind_training
        ):
            self._update_target()
        if terminated or truncated:
            self._end_episode(epsilon, terminated, truncated)
        elif self._training_over:
            self._selection_due = config.keep_best_every_episodes is not None and self.gradient_steps > 0

    def _act(self, epsilon: float) -> int:
        if self._exploration.random() < epsilon:
            return int(self._exploration.integers(self._env.action_count))
        return int(self.network.forward(torch.from_numpy(self._observation[None])).argmax())

    @torch.inference_mode()
    def _learn(self) -> None:
        """One burst of gradient steps; logs its mean loss, mean gradient norm and mean largest Q-value.

        Raises:
            DivergenceError: the loss, a gradient or the weights are no longer finite.
        """
        config, count, size = self.config, self.config.n_gradient_steps, self.config.batch_size
        indices = self._sampling.integers(len(self.replay), size=(count, size))
        batch = self.replay.take(indices)
        ended = batch.terminated if config.bootstrap_on_truncation else batch.terminated | batch.truncated
        states = torch.from_numpy(batch.states)
        next_states = torch.from_numpy(batch.next_states)
        actions = torch.from_numpy(batch.actions)
        rewards = torch.from_numpy(batch.rewards)
        ends = torch.from_numpy(ended.astype(np.float32))
        next_target = self.target.forward(next_states.view(count * size, -1)).view(count, size, -1)
        # The targets of Double DQN follow the online network, which changes with each step.
        targets = None if config.double_q else td_targets(rewards, ends, next_target, config.discount_factor)
        # The derivative of mean((Q(s, a) - target)^2) by Q(s, b) is 2 (Q(s, b) - target) / size for b = a, else 0.
        slopes = torch.zeros(count, size, self._env.action_count).scatter_(2, actions.unsqueeze(2), 2 / size).unbind()
        # There the online network sees the next states in the same pass.
        inputs = (torch.cat((states, next_states), 1) if config.double_q else states).unbind()
        output_gradients = torch.empty(count, size, self._env.action_count)
        outputs, norms = [], []
        self.adam.learning_rate = learning_rate_at(config, self.progress)
        for i, output_gradient in enumerate(output_gradients.unbind()):
            activations = self.network.activations(inputs[i])
            if targets is not None:
                target = targets[i]
            else:
                next_online = activations[-1][size:]
                target = td_targets(rewards[i], ends[i], next_target[i], config.discount_factor, next_online)
                activations = [layer[:size] for layer in activations]
            torch.sub(activations[-1], target.unsqueeze(1), out=output_gradient).mul_(slopes[i])
            self.network.backward(activations, output_gradient)
            norms.append(self.network.clip_gradient(config.max_grad_norm))
            self.adam.step()
            outputs.append(activations[-1])
        self.gradient_steps += count
        # Squared errors are those derivatives squared, times (size / 2)^2; their mean over the batch is the loss.
        loss = float(output_gradients.square_().sum()) * size / (4 * count)
        if not math.isfinite(loss + sum(norms) + float(self.network.flat.sum())):
            errors = output_gradients.sum((1, 2)).tolist()
            finite = next((i for i in range(count) if not math.isfinite(errors[i] + norms[i])), count)
            values = [float(output.abs().max()) for output in outputs]
            # Unlike Python's max, torch's does not lose a nan.
            inputs_and_rewards = torch.cat((states.view(-1), next_states.view(-1), rewards.view(-1)))
            raise self._divergence(norms[:finite], values[:finite], count, float(inputs_and_rewards.abs().max()))
        self.log.append("loss", self.env_steps, loss)
        self.log.append("grad_norm", self.env_steps, math.fsum(norms) / count)
        self.log.append("q", self.env_steps, float(torch.stack(outputs).amax(2).mean()))

    def _divergence(self, norms: list[float], values: list[float], count: int, largest_input: float) -> DivergenceError:
        """The story of a burst of `count` steps; the first ones were finite, with these norms and Q-values."""
        if norms:
            figures = f"with gradient norm {norms[-1]:.3g} and a largest Q-value of {values[-1]:.3g}"
        elif (norm := self.log.last("grad_norm")) is not None and (value := self.log.last("q")) is not None:
            figures = f"in a burst with a mean gradient norm of {norm:.3g} and a mean largest Q-value of {value:.3g}"
            values = [value]
        else:
            figures = ""
        return divergence(
            learning_rate=self.config.learning_rate,
            value_ceiling=self._facts.value_ceiling(self.config.discount_factor),
            cures=("learning_rate", "max_grad_norm"),
            last_finite_step=self.gradient_steps - count + len(norms),
            figures=figures,
            largest_output=values[-1] if values else None,
            largest_input=largest_input,
        )

    def _update_target(self) -> None:
        rate = self.config.target_soft_update_rate
        if rate is None:
            self.target.flat.copy_(self.network.flat)
        else:
            self.target.flat.lerp_(self.network.flat, rate)

    def _end_episode(self, epsilon: float, terminated: bool, truncated: bool) -> None:
        self.log.append("return", self.episode_index, self._episode_return)
        self.log.append("epsilon", self.env_steps, epsilon)
        length = self._env.episode_length
        self.log.add_episode(
            Episode(self.episode_index, self.env_steps, self._episode_return, length, epsilon, terminated, truncated)
        )
        self.episode_index += 1
        self._episode_return = 0.0
        self._observation = self._scaled(self._env.reset())
        every = self.config.keep_best_every_episodes
        if every is not None and self.gradient_steps > 0:
            self._selection_due = self.episode_index % every == 0 or self._training_over

    def _select(self) -> None:
        """Advance the evaluation that is due; at its end keep the weights if none scored higher.

        A network that is perfect on the first starts is tried on many more, because a fall in one of 1,000 episodes
        hides well in 100. The starts come from the run's seed, so a final evaluation with another seed uses others.
        """
        if self._selecting is None:
            self._selecting = self._greedy_episodes(SELECTION_EPISODES, self._selection_seed)
        self._selecting.advance()
        if not self._selecting.finished:
            return
        returns = self._selecting.returns
        perfect = self._facts.perfect(returns) == len(returns)
        if perfect and len(returns) == SELECTION_EPISODES:
            self._selecting = self._greedy_episodes(CONFIRMATION_EPISODES, self._selection_seed + 1)
            return
        score = float(returns.mean())
        self.log.append("selection", self.episode_index, score)
        if perfect and self.log.length("first_perfect") == 0:
            self.log.append("first_perfect", self.env_steps, self.episode_index)
        if score >= self._best_score:
            self._best_score = score
            self._best_flat = self.network.flat.clone()
        self._selecting = None
        self._selection_due = False

    def _greedy_episodes(self, episodes: int, seed: int) -> GreedyEpisodes:
        return GreedyEpisodes(self.policy.act, episodes, seed, self.config.environment, threads=True)

    def _scaled(self, observation: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return observation if self._mean is None or self._std is None else (observation - self._mean) / self._std

    def policies(self) -> dict[str, Policy]:
        """Copies of what was learned: `last`, and `best` where the run keeps one."""
        learned = {"last": self.policy.copy()}
        if self._best_flat is not None:
            learned["best"] = self.policy.copy()
            learned["best"].network.flat.copy_(self._best_flat)
        return learned

    def state(self) -> dict[str, Any]:
        """Everything the future of this run depends on; metrics are in the log. Values are NumPy arrays or JSON values.

        An evaluation in progress is not in it: it depends on the weights and a fixed seed alone, so `restore` lets it
        begin again and it ends the same.
        """
        return {
            "network": self.network.flat.numpy().copy(),
            "target": self.target.flat.numpy().copy(),
            "adam": {name: tensor.numpy() for name, tensor in self.adam.state().items()},
            "replay": self.replay.state(),
            "environment": self._env.state(),
            "exploration": self._exploration.bit_generator.state,
            "sampling": self._sampling.bit_generator.state,
            "episode_seeds": self._episode_seeds.bit_generator.state,
            "counters": self.counters(),
            "episode_return": self._episode_return,
            "selection_due": self._selection_due,
            "best_score": None if self._best_flat is None else self._best_score,
            "best": np.empty(0, np.float32) if self._best_flat is None else self._best_flat.numpy().copy(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave, in a learner made with the same config and budget."""
        self.network.flat.copy_(torch.from_numpy(state["network"]))
        self.target.flat.copy_(torch.from_numpy(state["target"]))
        self.adam.restore({name: torch.from_numpy(array) for name, array in state["adam"].items()})
        self.replay.restore(state["replay"])
        self._env.restore(state["environment"])
        self._observation = self._scaled(self._env.observation)
        self._exploration.bit_generator.state = state["exploration"]
        self._sampling.bit_generator.state = state["sampling"]
        self._episode_seeds.bit_generator.state = state["episode_seeds"]
        self.episode_index = state["counters"]["episodes"]
        self.env_steps = state["counters"]["env_steps"]
        self.gradient_steps = state["counters"]["gradient_steps"]
        self._episode_return = state["episode_return"]
        self._selecting = None
        self._selection_due = state["selection_due"]
        if state["best_score"] is not None:
            self._best_score = state["best_score"]
            self._best_flat = torch.from_numpy(state["best"].copy())
