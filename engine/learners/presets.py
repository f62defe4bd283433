"""The lab's named settings, each with where it comes from. The digits are the course's; nothing is rounded."""

from __future__ import annotations

from typing import Any

from engine.learners.config import DQNConfig, ImitationConfig
from engine.learners.kind import Preset
from engine.learners.specs import EPISODES, DataSource, DQNSpec, ImitationSpec

COURSE_REPOSITORY = "https://github.com/Paulescu/hands-on-rl (03_cart_pole)"
COURSE_ACCIDENTS: dict[str, Any] = {"bootstrap_on_truncation": False, "target_check_behind_training": True}
"""What the course's code does beside its settings, which do not tell of it."""

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
    **COURSE_ACCIDENTS,
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
    **COURSE_ACCIDENTS,
)

GOOD_2 = GOOD_1.replace(
    learning_rate=0.00045095481485457226,
    batch_size=16,
    memory_size=100_000,
    max_grad_norm=1,
    epsilon_end=0.06286625175600052,
)

AS_WRITTEN = GOOD_2.replace(bootstrap_on_truncation=True, target_check_behind_training=False)

TUNED = AS_WRITTEN.replace(
    learning_rate=0.00067,
    discount_factor=0.995,
    batch_size=128,
    freq_steps_train=4,
    freq_steps_update_target=192,
    n_steps_warm_up_memory=200,
    n_gradient_steps=1,
    epsilon_end=0.096,
    steps_epsilon_decay=5_000,
    seed=0,
)

ROBUST = AS_WRITTEN.replace(
    target_soft_update_rate=0.1,
    state_scale=[2.4, 2.0, 0.21, 2.0],
    keep_best_every_episodes=5,
    end_when_perfect=True,
    seed=0,
)

ONE_HIDDEN = ROBUST.replace(
    nn_hidden_layers=[64],
    learning_rate=0.004,
    learning_rate_final_fraction=0.1,
    double_q=True,
    epsilon_end=0.02,
    steps_epsilon_decay=4_000,
)

SMALLEST = ONE_HIDDEN.replace(nn_hidden_layers=[24], learning_rate=0.006, batch_size=64, keep_best_every_episodes=3)


def _dqn(name: str, title: str, config: DQNConfig, source: str, episodes: int = EPISODES) -> Preset:
    return Preset(name, title, DQNSpec(config, episodes), source)


def _imitation(name: str, title: str, *hidden: int) -> Preset:
    """As in the course: rows of the perfect agent, for training from seed 0, for testing from seed 1."""
    config = ImitationConfig(nn_hidden_layers=hidden)
    spec = ImitationSpec(config, DataSource(agent="perfect", seed=0), DataSource(agent="perfect", seed=1))
    return Preset(name, title, spec, f"notebook 05, {COURSE_REPOSITORY}")


DQN_PRESETS = (
    _dqn("bad", "DQN, the course's bad settings", BAD, f"notebook 06, {COURSE_REPOSITORY}"),
    _dqn("good-1", "DQN, first good set", GOOD_1, f"notebook 07, {COURSE_REPOSITORY}"),
    _dqn("good-2", "DQN, second good set", GOOD_2, f"notebook 07, {COURSE_REPOSITORY}"),
    _dqn("as-written", "DQN, second good set taken literally", AS_WRITTEN, "good-2 without the accidents of its code"),
    _dqn("tuned", "DQN, its numbers searched for", TUNED, "the lab's own search, around as-written", 300),
    _dqn("robust", "DQN built to survive seeds", ROBUST, "the lab's own, from as-written", 500),
    _dqn("one-hidden", "DQN with one hidden layer", ONE_HIDDEN, "the lab's own, from robust", 300),
    _dqn("smallest", "DQN, the smallest network found", SMALLEST, "the lab's own, from one-hidden", 1_000),
)
IMITATION_PRESETS = (
    _imitation("linear", "imitation, no hidden layer"),
    _imitation("mlp-1", "imitation, one hidden layer", 256),
    _imitation("mlp-2", "imitation, two hidden layers", 256, 256),
    _imitation("mlp-3", "imitation, three hidden layers", 256, 256, 256),
)
