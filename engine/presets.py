"""Named configs, each with where it comes from. The digits are the course's; nothing is rounded."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.config import Config, ConfigError, DQNConfig, ImitationConfig

EPISODES = 200
"""The course's budget of training episodes."""
COURSE_REPOSITORY = "https://github.com/Paulescu/hands-on-rl (03_cart_pole)"


@dataclass(frozen=True, slots=True)
class Preset:
    """A config with a name, one line on what it is, and its source. `episodes` is a DQN preset's training budget."""

    name: str
    title: str
    config: Config
    source: str
    episodes: int | None = None


BAD = DQNConfig(
    learning_rate=0.000171782176772688,
    discount_factor=0.95,
    batch_size=32,
    memory_size=10_000,
    freq_steps_train=8,
    freq_steps_update_target=10,
    n_steps_warm_up_memory=1_000,
    n_gradient_steps=4,
    nn_hidden_layers=(256, 256),
    max_grad_norm=10,
    normalize_state=False,
    epsilon_start=0.9,
    epsilon_end=0.19818684841911674,
    steps_epsilon_decay=1_000,
    seed=0,
)

GOOD_1 = DQNConfig(
    learning_rate=0.00016151809562265122,
    discount_factor=0.99,
    batch_size=32,
    memory_size=10_000,
    freq_steps_train=8,
    freq_steps_update_target=10,
    n_steps_warm_up_memory=1_000,
    n_gradient_steps=16,
    nn_hidden_layers=(256, 256),
    max_grad_norm=10,
    normalize_state=False,
    epsilon_start=0.9,
    epsilon_end=0.14856584122699473,
    steps_epsilon_decay=10_000,
    seed=2_386_916_045,
)

GOOD_2 = GOOD_1.replace(
    learning_rate=0.00045095481485457226,
    batch_size=16,
    memory_size=100_000,
    max_grad_norm=1,
    epsilon_end=0.06286625175600052,
)

ROBUST = GOOD_2.replace(
    double_q=True,
    target_soft_update_rate=0.1,
    learning_rate_final_fraction=0.1,
    state_scale=[2.4, 2.0, 0.21, 2.0],
    keep_best_every_episodes=5,
    epsilon_end=0.02,
    steps_epsilon_decay=2_000,
    seed=0,
)

ONE_HIDDEN = ROBUST.replace(nn_hidden_layers=[64], learning_rate=0.004, steps_epsilon_decay=4_000)

SMALLEST = ONE_HIDDEN.replace(nn_hidden_layers=[24], learning_rate=0.006, batch_size=64, keep_best_every_episodes=3)


def _imitation(name: str, title: str, *hidden: int) -> Preset:
    return Preset(name, title, ImitationConfig(nn_hidden_layers=hidden), f"notebook 05, {COURSE_REPOSITORY}")


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset("bad", "DQN, the course's bad settings", BAD, f"notebook 06, {COURSE_REPOSITORY}", EPISODES),
        Preset("good-1", "DQN, first good set", GOOD_1, f"notebook 07, {COURSE_REPOSITORY}", EPISODES),
        Preset("good-2", "DQN, second good set", GOOD_2, f"notebook 07, {COURSE_REPOSITORY}", EPISODES),
        Preset("robust", "DQN built to survive seeds", ROBUST, "the lab's own, from good-2", EPISODES),
        Preset("one-hidden", "DQN with one hidden layer", ONE_HIDDEN, "the lab's own, from robust", 300),
        Preset("smallest", "DQN, the smallest network found", SMALLEST, "the lab's own, from one-hidden", 500),
        _imitation("linear", "imitation, no hidden layer"),
        _imitation("mlp-1", "imitation, one hidden layer", 256),
        _imitation("mlp-2", "imitation, two hidden layers", 256, 256),
        _imitation("mlp-3", "imitation, three hidden layers", 256, 256, 256),
    )
}


def preset(name: str) -> Preset:
    """The preset of that name.

    Raises:
        ConfigError: there is none; the message lists the names.
    """
    if name not in PRESETS:
        near = difflib.get_close_matches(name, PRESETS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"the presets are {', '.join(PRESETS)}."
        raise ConfigError(f"there is no preset {name!r}; {hint}")
    return PRESETS[name]


def usual_episodes(name: str | None) -> int:
    """The training budget of a preset, or of settings without one."""
    chosen = None if name is None else preset(name).episodes
    return EPISODES if chosen is None else chosen


def changed_settings(name: str | None, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings in which a run's config differs from its preset, the seed left out; empty without a preset."""
    if name not in PRESETS:
        return {}
    usual = PRESETS[name].config.to_dict()
    return {key: value for key, value in settings.items() if key != "seed" and usual.get(key) != value}
