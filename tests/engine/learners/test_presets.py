"""Presets: the course's figures, digit by digit."""

from __future__ import annotations

import pytest

from engine.learners.config import DQNConfig, ImitationConfig, parameter_count
from engine.learners.kinds import changed_settings, preset, presets
from engine.learners.settings import ConfigError

ROWS = {
    "learning_rate": (0.000171782176772688, 0.00016151809562265122, 0.00045095481485457226),
    "discount_factor": (0.95, 0.99, 0.99),
    "batch_size": (32, 32, 16),
    "memory_size": (10000, 10000, 100000),
    "freq_steps_train": (8, 8, 8),
    "freq_steps_update_target": (10, 10, 10),
    "n_steps_warm_up_memory": (1000, 1000, 1000),
    "n_gradient_steps": (4, 16, 16),
    "nn_hidden_layers": ([256, 256], [256, 256], [256, 256]),
    "max_grad_norm": (10, 10, 1),
    "normalize_state": (False, False, False),
    "epsilon_start": (0.9, 0.9, 0.9),
    "epsilon_end": (0.19818684841911674, 0.14856584122699473, 0.06286625175600052),
    "steps_epsilon_decay": (1000, 10000, 10000),
    "seed": (0, 2386916045, 2386916045),
}


@pytest.mark.parametrize("key", ROWS)
@pytest.mark.parametrize(("column", "name"), [(0, "bad"), (1, "good-1"), (2, "good-2")])
def test_a_course_preset_has_the_courses_figure(column: int, name: str, key: str) -> None:
    assert preset(name).config.to_dict()[key] == ROWS[key][column]


@pytest.mark.parametrize("name", ["bad", "good-1", "good-2"])
def test_a_course_preset_is_plain_dqn_on_200_episodes(name: str) -> None:
    chosen = preset(name)
    assert isinstance(chosen.config, DQNConfig)
    assert not chosen.config.double_q
    assert chosen.config.target_soft_update_rate is None
    assert chosen.config.state_scale is None
    assert chosen.config.learning_rate_final_fraction == 1.0
    assert chosen.episodes == 200


@pytest.mark.parametrize("name", ["bad", "good-1", "good-2"])
def test_a_course_preset_has_the_accidents_of_the_courses_code(name: str) -> None:
    settings = preset(name).config.to_dict()
    assert settings["bootstrap_on_truncation"] is False
    assert settings["target_check_behind_training"] is True


def test_as_written_is_good_2_taken_literally_and_nothing_else() -> None:
    assert changed_settings("good-2", preset("as-written").config.to_dict()) == {
        "bootstrap_on_truncation": True,
        "target_check_behind_training": False,
    }


def test_tuned_changes_numbers_of_the_course_alone() -> None:
    chosen = preset("tuned")
    assert set(changed_settings("as-written", chosen.config.to_dict())) == {
        "learning_rate",
        "discount_factor",
        "batch_size",
        "freq_steps_train",
        "freq_steps_update_target",
        "n_steps_warm_up_memory",
        "n_gradient_steps",
        "epsilon_end",
        "steps_epsilon_decay",
    }
    assert chosen.episodes == 300


@pytest.mark.parametrize("name", ["as-written", "tuned", "robust", "one-hidden", "smallest"])
def test_the_labs_own_presets_mean_what_their_settings_say(name: str) -> None:
    settings = preset(name).config.to_dict()
    assert settings["bootstrap_on_truncation"] is True
    assert settings["target_check_behind_training"] is False


@pytest.mark.parametrize(
    ("name", "parameters"), [("linear", 10), ("mlp-1", 1_794), ("mlp-2", 67_586), ("mlp-3", 133_378)]
)
def test_an_imitation_preset_has_the_courses_parameter_count(name: str, parameters: int) -> None:
    config = preset(name).config
    assert isinstance(config, ImitationConfig)
    assert parameter_count([4, *config.nn_hidden_layers, 2]) == parameters


def test_every_preset_is_found_by_its_own_name_and_names_its_source() -> None:
    for name, chosen in presets().items():
        assert chosen.name == name
        assert chosen.source
        assert preset(name) is chosen


def test_the_simpler_network_has_one_hidden_layer() -> None:
    assert len(preset("one-hidden").config.nn_hidden_layers) == 1


def test_an_unknown_preset_is_named_with_the_nearest_or_all() -> None:
    with pytest.raises(ConfigError, match=r"no preset 'good2'; did you mean 'good-[12]'"):
        preset("good2")
    with pytest.raises(ConfigError, match="no preset 'zzz'; the presets are bad, good-1"):
        preset("zzz")
