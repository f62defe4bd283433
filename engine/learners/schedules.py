"""How epsilon and the learning rate change over a run, and what a set of hyper-parameters really amounts to."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.learners.config import DQNConfig
from engine.learners.environment_facts import environment_facts


def epsilon_at(config: DQNConfig, env_step: int) -> float:
    """Exploration rate before environment step `env_step` (0-based): linear from start to end, then constant."""
    fraction = min(1.0, env_step / config.steps_epsilon_decay)
    return config.epsilon_start + fraction * (config.epsilon_end - config.epsilon_start)


def learning_rate_at(config: DQNConfig, progress: float) -> float:
    """Adam's step size at `progress` in [0, 1], the used share of the run's budget."""
    fall = 1.0 - config.learning_rate_final_fraction
    return config.learning_rate * (1.0 - fall * min(1.0, max(0.0, progress)))


@dataclass(frozen=True, slots=True)
class ScheduleFacts:
    """What the settings mean in practice: derived numbers that the names do not show.

    `value_ceiling` is the highest value that a state can have; None where the environment does not tell.
    """

    first_training_step: int
    epsilon_at_first_training: float
    epsilon_floor_step: int
    gradient_steps_per_env_step: float
    target_update_steps: int
    value_ceiling: float | None


def schedule_facts(config: DQNConfig) -> ScheduleFacts:
    """Derive the facts of one config.

    With `target_check_behind_training` the target's period is the least common multiple of `freq_steps_train` and
    `freq_steps_update_target`.
    """
    train, update = config.freq_steps_train, config.freq_steps_update_target
    first = math.ceil(config.n_steps_warm_up_memory / train) * train
    return ScheduleFacts(
        first_training_step=first,
        epsilon_at_first_training=epsilon_at(config, first),
        epsilon_floor_step=config.steps_epsilon_decay,
        gradient_steps_per_env_step=config.n_gradient_steps / train,
        target_update_steps=math.lcm(train, update) if config.target_check_behind_training else update,
        value_ceiling=environment_facts(config.environment).value_ceiling(config.discount_factor),
    )
