"""The settings of the two learners that come with the lab, in the course's own names. No torch in here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from engine.learners.settings import (
    ConfigError,
    Settings,
    boolean,
    divisors,
    integer,
    layer_widths,
    number,
    optional,
    setting,
    text,
)

SELECTION_EPISODES = 100
"""Greedy episodes that score a network which may be kept."""
CONFIRMATION_EPISODES = 5_000
"""As many more where each of those was perfect: a fall in one episode of 1,000 hides too well in as many."""


def parameter_count(sizes: Sequence[int]) -> int:
    """Weights and biases of a network with these layer widths, input and output included: 4-256-2 has 1,794."""
    return sum(inputs * outputs + outputs for inputs, outputs in pairwise(sizes))


@dataclass(frozen=True, slots=True, kw_only=True)
class DQNConfig(Settings):
    """Hyper-parameters of deep Q-learning: the course's fourteen and its seed, then the lab's own, which all default.

    A low and a high value do this:
        learning_rate: Adam's step size. Low learns slowly; high makes Q-values swing and runs collapse.
        discount_factor: weight of the next value. A reward of 1 a step is worth at most 1 / (1 - discount_factor).
        batch_size: transitions per gradient step. Low is noisy and cheap; high is smooth and costs time.
        memory_size: capacity of the replay buffer in transitions. Low forgets early failures.
        freq_steps_train: environment steps between bursts of gradient steps.
        freq_steps_update_target: environment steps between updates of the target network. Low chases a moving target.
        n_steps_warm_up_memory: transitions stored before the first gradient step.
        n_gradient_steps: gradient steps per burst. High reuses data more and overfits to the buffer.
        nn_hidden_layers: widths of the hidden ReLU layers; [] is the linear model.
        max_grad_norm: gradients with a larger 2-norm are scaled down to it.
        normalize_state: standardise states with mean and deviation of states that a random policy visits.
        epsilon_start, epsilon_end, steps_epsilon_decay: exploration falls linearly over that many environment steps.
        seed: names every random stream of the run.
        double_q: choose the next action with the online network, value it with the target network (van Hasselt 2016).
        target_soft_update_rate: null copies the network into the target; a rate t blends t of it in at each update.
        learning_rate_final_fraction: the rate falls linearly to this fraction by the end of the run's budget.
        state_scale: null, or one divisor for each state value.
        bootstrap_on_truncation: true continues the return past a time limit; false takes it for failure, as the
            course's code does.
        target_check_behind_training: false updates the target network every `freq_steps_update_target` environment
            steps; true only looks at that on training steps, as the course's code does, so that every 10 steps with
            training every 8 happens every 40.
        keep_best_every_episodes: null, or evaluate every so many episodes and keep the best network.
        end_when_perfect: end the run with the first such evaluation whose every episode was perfect, the 5,000 that
            confirm it included.
        environment: a Gymnasium id with a flat Box observation and a Discrete action.
    """

    learning_rate: float = setting(number(above=0, high=1))
    discount_factor: float = setting(number(0, 1))
    batch_size: int = setting(integer(1, 65_536))
    memory_size: int = setting(integer(1, 10_000_000))
    freq_steps_train: int = setting(integer(1))
    freq_steps_update_target: int = setting(integer(1))
    n_steps_warm_up_memory: int = setting(integer(1))
    n_gradient_steps: int = setting(integer(1, 1024))
    nn_hidden_layers: tuple[int, ...] = setting(layer_widths)
    max_grad_norm: float = setting(number(above=0))
    normalize_state: bool = setting(boolean)
    epsilon_start: float = setting(number(0, 1))
    epsilon_end: float = setting(number(0, 1))
    steps_epsilon_decay: int = setting(integer(1))
    seed: int = setting(integer(0, 2**63 - 1), 0)
    double_q: bool = setting(boolean, False)
    target_soft_update_rate: float | None = setting(optional(number(above=0, high=1)), None)
    learning_rate_final_fraction: float = setting(number(0, 1), 1.0)
    state_scale: tuple[float, ...] | None = setting(optional(divisors), None)
    bootstrap_on_truncation: bool = setting(boolean, True)
    target_check_behind_training: bool = setting(boolean, False)
    keep_best_every_episodes: int | None = setting(optional(integer(1)), None)
    end_when_perfect: bool = setting(boolean, False)
    environment: str = setting(text, "CartPole-v1")

    def _check_together(self) -> None:
        if self.n_steps_warm_up_memory > self.memory_size:
            raise ConfigError(
                f"n_steps_warm_up_memory ({self.n_steps_warm_up_memory}) must be at most memory_size "
                f"({self.memory_size}), or training never starts."
            )
        if self.end_when_perfect and self.keep_best_every_episodes is None:
            raise ConfigError("end_when_perfect needs evaluations to look at; set keep_best_every_episodes too.")
        if self.normalize_state and self.state_scale is not None:
            raise ConfigError("normalize_state and state_scale both scale the state; set only one of them.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImitationConfig(Settings):
    """Settings of supervised imitation: a network learns the actions that an agent took in given states.

    An epoch is one full pass over the training rows. `learning_rate` is Adam's; its other settings are the defaults.
    """

    nn_hidden_layers: tuple[int, ...] = setting(layer_widths)
    learning_rate: float = setting(number(above=0, high=1), 1e-3)
    batch_size: int = setting(integer(1, 65_536), 64)
    epochs: int = setting(integer(1, 100_000), 150)
    seed: int = setting(integer(0, 2**63 - 1), 0)
