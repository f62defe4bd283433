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


_LAYERS = ((), (8,), (16,), (24,), (64,), (128,), (256,), (64, 64), (128, 128), (256, 256), (256, 256, 256))
_FRACTIONS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class DQNConfig(Settings):
    """Hyper-parameters of deep Q-learning: the course's fourteen and its seed, then the lab's own, which all default.

    Each says what it is, and what a low and a high value do (`meaning`).
    """

    learning_rate: float = setting(
        number(above=0, high=1),
        about="Adam's step size.",
        low="learns slowly",
        high="Q-values swing and runs collapse",
    )
    discount_factor: float = setting(
        number(0, 1),
        about="Weight of the next value: with a reward of 1 a step no value exceeds 1 / (1 - discount_factor).",
        low="sees few steps ahead; 0.95 has a ceiling of 20",
        high="sees far ahead; 0.99 has a ceiling of 100, and errors add up over more steps",
        choices=(0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999),
    )
    batch_size: int = setting(
        integer(1, 65_536),
        about="Transitions per gradient step.",
        low="noisy and cheap",
        high="smooth, and costs time",
    )
    memory_size: int = setting(
        integer(1, 10_000_000),
        about="Capacity of the replay buffer, in transitions.",
        low="forgets early failures",
        high="keeps what an older network did",
    )
    freq_steps_train: int = setting(
        integer(1),
        about="Environment steps between bursts of gradient steps.",
        low="learns more often, and takes longer",
        high="learns less from as many environment steps",
    )
    freq_steps_update_target: int = setting(
        integer(1),
        about="Environment steps between updates of the target network.",
        low="chases a moving target",
        high="steady targets that lag behind",
    )
    n_steps_warm_up_memory: int = setting(
        integer(1),
        about="Transitions stored before the first gradient step.",
        low="learns from few transitions at first",
        high="learns late, and epsilon may have fallen by then",
    )
    n_gradient_steps: int = setting(
        integer(1, 1024),
        about="Gradient steps per burst.",
        low="uses each transition seldom",
        high="reuses data more and overfits to the buffer",
    )
    nn_hidden_layers: tuple[int, ...] = setting(
        layer_widths,
        about="Widths of the hidden ReLU layers; [] is the linear model.",
        low="fast, and may be too simple",
        high="flexible, slow, and can overfit",
        choices=_LAYERS,
    )
    max_grad_norm: float = setting(
        number(above=0),
        about="Gradients with a larger 2-norm are scaled down to it.",
        low="holds every step small",
        high="lets single large errors through",
    )
    normalize_state: bool = setting(
        boolean,
        about="Standardise states with mean and deviation of states that a random policy visits.",
        low="states go into the network as they are",
        high="all state values have about the same size",
    )
    epsilon_start: float = setting(
        number(0, 1),
        about="Share of random actions at the start.",
        low="explores little",
        high="hardly uses what it learns at first",
        choices=_FRACTIONS,
    )
    epsilon_end: float = setting(
        number(0, 1),
        about="Share of random actions once it has fallen.",
        low="sees little beside what it does by itself",
        high="falls by chance, so training returns are lower than greedy ones",
        choices=_FRACTIONS,
    )
    steps_epsilon_decay: int = setting(
        integer(1),
        about="Environment steps over which epsilon falls, linearly.",
        low="may be at its floor before learning starts",
        high="explores for long",
    )
    seed: int = setting(integer(0, 2**63 - 1), 0, about="Names every random stream of the run.")
    double_q: bool = setting(
        boolean,
        False,
        about="Choose the next action with the online network, value it with the target network (van Hasselt 2016).",
        low="the target network does both, which favours overestimates",
        high="overestimates less",
    )
    target_soft_update_rate: float | None = setting(
        optional(number(above=0, high=1)),
        None,
        about="null copies the network into the target; a rate t blends t of it in at each update.",
        low="the target follows slowly",
        high="the target follows at once; 1 is a copy",
        choices=(None, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0),
    )
    learning_rate_final_fraction: float = setting(
        number(0, 1),
        1.0,
        about="The learning rate falls linearly to this fraction by the end of the run's budget.",
        low="the last gradient steps change little",
        high="1 keeps the rate as it is",
        choices=_FRACTIONS,
    )
    state_scale: tuple[float, ...] | None = setting(
        optional(divisors),
        None,
        about="null, or one divisor for each state value, such as its limit.",
        low="null: states go into the network as they are",
        high="divided, all state values have about the same size",
        choices=(None, (2.4, 2.0, 0.21, 2.0)),
    )
    bootstrap_on_truncation: bool = setting(
        boolean,
        True,
        about="Whether the return goes on past a time limit.",
        low="takes a time limit for failure, as the course's code does",
        high="only terminated ends the return",
    )
    target_check_behind_training: bool = setting(
        boolean,
        False,
        about="Whether the target network is only looked at on training steps, as in the course's code.",
        low="updates it every freq_steps_update_target environment steps",
        high="every 10 steps with training every 8 happens every 40",
    )
    keep_best_every_episodes: int | None = setting(
        optional(integer(1)),
        None,
        about="null, or evaluate every so many episodes and keep the best network.",
        low="catches more good moments, and takes time; null keeps none",
        high="may miss a good moment",
        choices=(None, 1, 2, 3, 5, 10, 20, 50),
    )
    end_when_perfect: bool = setting(
        boolean,
        False,
        about="End with the first such evaluation whose every episode was perfect, the 5,000 that confirm it included.",
        low="trains on to the end of its budget",
        high="stops before it could collapse",
    )
    environment: str = setting(
        text,
        "CartPole-v1",
        about="A Gymnasium id with a flat Box observation and a Discrete action.",
        choices=("CartPole-v1", "Acrobot-v1", "MountainCar-v0"),
    )

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

    nn_hidden_layers: tuple[int, ...] = setting(
        layer_widths,
        about="Widths of the hidden ReLU layers; [] is the linear model.",
        low="underfits: train and test accuracy level off together, low",
        high="can overfit: train loss falls on while test loss levels off",
        choices=_LAYERS,
    )
    learning_rate: float = setting(
        number(above=0, high=1),
        1e-3,
        about="Adam's step size.",
        low="learns slowly, and may not be done at the end",
        high="the loss swings and may not settle",
    )
    batch_size: int = setting(
        integer(1, 65_536),
        64,
        about="Rows per gradient step.",
        low="noisy, and more gradient steps an epoch",
        high="smooth, and fewer gradient steps an epoch",
    )
    epochs: int = setting(
        integer(1, 100_000),
        150,
        about="Full passes over the training rows.",
        low="ends before it has learned what it could",
        high="a network that is too large goes on to memorise",
    )
    seed: int = setting(integer(0, 2**63 - 1), 0, about="Names every random stream of the run.")
