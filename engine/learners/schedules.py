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

    epsilon_floor_episode_soonest, epsilon_floor_episode_latest: the episode, from 1 on, in which epsilon reaches its
        floor, where every episode until then lasts to the time limit, or as long as a random agent's does; None where
        that is not known.
    target_updates_per_1000_env_steps: copies or blends of the network into the target network.
    value_ceiling: the highest value that a state can have; None where the environment does not tell.
    """

    first_training_step: int
    epsilon_at_first_training: float
    epsilon_floor_step: int
    epsilon_floor_episode_soonest: int | None
    epsilon_floor_episode_latest: int | None
    gradient_steps_per_env_step: float
    target_update_steps: int
    target_updates_per_1000_env_steps: float
    value_ceiling: float | None


def schedule_facts(config: DQNConfig) -> ScheduleFacts:
    """Derive the facts of one config.

    With `target_check_behind_training` the target's period is the least common multiple of `freq_steps_train` and
    `freq_steps_update_target`.
    """
    train, update = config.freq_steps_train, config.freq_steps_update_target
    period = math.lcm(train, update) if config.target_check_behind_training else update
    first = math.ceil(config.n_steps_warm_up_memory / train) * train
    facts = environment_facts(config.environment)
    return ScheduleFacts(
        first_training_step=first,
        epsilon_at_first_training=epsilon_at(config, first),
        epsilon_floor_step=config.steps_epsilon_decay,
        epsilon_floor_episode_soonest=_episode_of(config.steps_epsilon_decay, facts.time_limit),
        epsilon_floor_episode_latest=_episode_of(config.steps_epsilon_decay, facts.random_length),
        gradient_steps_per_env_step=config.n_gradient_steps / train,
        target_update_steps=period,
        target_updates_per_1000_env_steps=1_000 / period,
        value_ceiling=facts.value_ceiling(config.discount_factor),
    )


def _episode_of(env_step: int, length: float | None) -> int | None:
    """The episode, from 1 on, that an environment step falls into where all of them are that long."""
    return None if length is None else math.ceil(env_step / length)
