"""Configs: the course's dicts are taken as they are, and anything wrong is named with what would be right."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pytest

from engine.learners.config import DQNConfig, ImitationConfig
from engine.learners.settings import ConfigError, parse_settings, read_settings

COURSE: dict[str, Any] = {
    "learning_rate": 0.00045095481485457226,
    "discount_factor": 0.99,
    "batch_size": 16,
    "memory_size": 100000,
    "freq_steps_train": 8,
    "freq_steps_update_target": 10,
    "n_steps_warm_up_memory": 1000,
    "n_gradient_steps": 16,
    "nn_hidden_layers": [256, 256],
    "max_grad_norm": 1,
    "normalize_state": False,
    "epsilon_start": 0.9,
    "epsilon_end": 0.06286625175600052,
    "steps_epsilon_decay": 10000,
    "seed": 2386916045,
}


@pytest.mark.parametrize("key", COURSE)
def test_every_course_key_is_kept_with_its_digits(key: str) -> None:
    assert DQNConfig.from_dict(COURSE).to_dict()[key] == COURSE[key]


def test_the_labs_own_settings_default_to_plain_dqn() -> None:
    own = {k: v for k, v in DQNConfig.from_dict(COURSE).to_dict().items() if k not in COURSE}
    assert own == {
        "double_q": False,
        "target_soft_update_rate": None,
        "learning_rate_final_fraction": 1.0,
        "state_scale": None,
        "bootstrap_on_truncation": True,
        "target_check_behind_training": False,
        "keep_best_every_episodes": None,
        "end_when_perfect": False,
        "environment": "CartPole-v1",
    }


@pytest.mark.parametrize("prefix", ["", "hparams = ", "hparams=", "  \nhparams ="])
def test_python_source_pasted_from_the_course_is_understood(prefix: str) -> None:
    source = prefix + repr(COURSE | {"normalize_state": True, "target_soft_update_rate": None})
    settings = parse_settings(source)
    assert settings == COURSE | {"normalize_state": True, "target_soft_update_rate": None}
    assert DQNConfig.from_dict(settings).normalize_state is True


def test_the_notebooks_cell_with_comments_and_single_quotes_is_understood() -> None:
    cell = "hparams = {\n    'learning_rate': 0.00016, # Adam\n    'nn_hidden_layers': [256, 256],\n    'x': None,\n}\n"
    assert parse_settings(cell) == {"learning_rate": 0.00016, "nn_hidden_layers": [256, 256], "x": None}


def test_json_is_understood() -> None:
    assert parse_settings(json.dumps(COURSE)) == COURSE


@pytest.mark.parametrize(
    "text",
    ["", "learning_rate: 0.1", "{'a': open('x')}", "__import__('os')", "{", "hparams = ", "{[1]: 2}", "(" * 5000],
)
def test_text_that_is_neither_json_nor_a_literal_dict_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="notes is neither JSON nor a Python dict"):
        parse_settings(text, "notes")


@pytest.mark.parametrize(("text", "kind"), [("[1, 2]", "list"), ("3", "int"), ("hparams = 'a'", "str")])
def test_a_literal_that_is_no_dict_is_refused(text: str, kind: str) -> None:
    with pytest.raises(ConfigError, match=f"must hold a dict of hyper-parameters, not a {kind}"):
        parse_settings(text)


def test_a_file_is_read_and_an_unreadable_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "hparams.json"
    path.write_text(json.dumps(COURSE))
    assert read_settings(path) == COURSE
    with pytest.raises(ConfigError, match=r"missing\.json cannot be read"):
        read_settings(tmp_path / "missing.json")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"hparams\.json cannot be read"):
        read_settings(path)


def test_an_unknown_key_is_named_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match="'learning_rat' is not a setting; did you mean 'learning_rate'"):
        DQNConfig.from_dict({**COURSE, "learning_rat": 0.1})


def test_an_unknown_key_that_resembles_none_gets_the_list() -> None:
    with pytest.raises(ConfigError, match=r"'zzz' is not a setting; the settings are learning_rate, .*environment\."):
        DQNConfig.from_dict({**COURSE, "zzz": 1})


@pytest.mark.parametrize("key", [key for key in COURSE if key != "seed"])
def test_a_missing_course_key_is_named(key: str) -> None:
    with pytest.raises(ConfigError, match=f"'{key}' is missing"):
        DQNConfig.from_dict({k: v for k, v in COURSE.items() if k != key})


def test_only_a_mapping_is_taken() -> None:
    with pytest.raises(ConfigError, match="must be a dict of names and values, not list"):
        DQNConfig.from_dict([("seed", 1)])  # type: ignore[arg-type]


WRONG: list[tuple[str, Any, str]] = [
    ("learning_rate", "0.1", "a number above 0 and at most 1"),
    ("learning_rate", 0, "a number above 0 and at most 1"),
    ("learning_rate", 1.5, "a number above 0 and at most 1"),
    ("learning_rate", math.nan, "a number above 0 and at most 1"),
    ("learning_rate", True, "a number above 0 and at most 1"),
    ("learning_rate", 10**400, "a number above 0 and at most 1"),
    ("discount_factor", -0.1, "a number from 0 to 1"),
    ("discount_factor", 1.01, "a number from 0 to 1"),
    ("discount_factor", None, "a number from 0 to 1"),
    ("batch_size", 0, "a whole number from 1 to 65536"),
    ("batch_size", 32.0, "a whole number from 1 to 65536"),
    ("batch_size", True, "a whole number from 1 to 65536"),
    ("memory_size", 10**8, "a whole number from 1 to 1e\\+07"),
    ("freq_steps_train", 0, "a whole number of at least 1"),
    ("freq_steps_update_target", "10", "a whole number of at least 1"),
    ("n_steps_warm_up_memory", -1, "a whole number of at least 1"),
    ("n_gradient_steps", 0, "a whole number from 1 to 1024"),
    ("nn_hidden_layers", 256, "a list of layer widths such as"),
    ("nn_hidden_layers", "256", "a list of layer widths such as"),
    ("nn_hidden_layers", [1] * 9, "at most 8 layers"),
    ("max_grad_norm", 0, "a number above 0"),
    ("max_grad_norm", math.inf, "a number above 0"),
    ("normalize_state", 1, "true or false"),
    ("normalize_state", "false", "true or false"),
    ("epsilon_start", 2, "a number from 0 to 1"),
    ("epsilon_end", -1, "a number from 0 to 1"),
    ("steps_epsilon_decay", 0, "a whole number of at least 1"),
    ("seed", -1, "a whole number from 0"),
    ("seed", 2**63, "a whole number from 0"),
    ("double_q", "yes", "true or false"),
    ("target_soft_update_rate", 0, "a number above 0 and at most 1"),
    ("target_soft_update_rate", 1.1, "a number above 0 and at most 1"),
    ("learning_rate_final_fraction", 1.1, "a number from 0 to 1"),
    ("state_scale", 2.4, "null or a list with one divisor for each state value"),
    ("state_scale", [], "null or a list with one divisor for each state value"),
    ("bootstrap_on_truncation", None, "true or false"),
    ("keep_best_every_episodes", 0, "a whole number of at least 1"),
    ("environment", "", "a text such as"),
    ("environment", 5, "a text such as"),
]


@pytest.mark.parametrize(("key", "value", "right"), WRONG, ids=lambda v: repr(v)[:24])
def test_a_wrong_value_is_named_with_what_would_be_right(key: str, value: Any, right: str) -> None:
    with pytest.raises(ConfigError, match=f"^{key} (must be|may have) {right}"):
        DQNConfig.from_dict({**COURSE, key: value})


@pytest.mark.parametrize(
    ("key", "value", "place"),
    [("nn_hidden_layers", [256, 0], "nn_hidden_layers[1]"), ("state_scale", [1, -2.0], "state_scale[1]")],
)
def test_a_wrong_element_of_a_list_is_named_with_its_place(key: str, value: Any, place: str) -> None:
    with pytest.raises(ConfigError) as refused:
        DQNConfig.from_dict({**COURSE, key: value})
    assert str(refused.value).startswith(f"{place} must be ")


def test_a_warm_up_that_never_fills_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"n_steps_warm_up_memory \(1000\) must be at most memory_size \(999\)"):
        DQNConfig.from_dict({**COURSE, "memory_size": 999})


def test_two_scalings_at_once_are_refused() -> None:
    with pytest.raises(ConfigError, match="set only one of them"):
        DQNConfig.from_dict({**COURSE, "normalize_state": True, "state_scale": [1, 1, 1, 1]})


def test_to_end_when_perfect_a_run_must_be_evaluated() -> None:
    with pytest.raises(ConfigError, match="end_when_perfect needs evaluations to look at; set keep_best_every_epis"):
        DQNConfig.from_dict({**COURSE, "end_when_perfect": True})
    assert DQNConfig.from_dict({**COURSE, "end_when_perfect": True, "keep_best_every_episodes": 5}).end_when_perfect


@pytest.mark.parametrize("layers", [None, [], ()])
def test_no_hidden_layers_is_the_linear_model(layers: Any) -> None:
    config = DQNConfig.from_dict({**COURSE, "nn_hidden_layers": layers})
    assert config.nn_hidden_layers == ()
    assert config.to_dict()["nn_hidden_layers"] == []
    assert ImitationConfig(nn_hidden_layers=layers).nn_hidden_layers == ()


@pytest.mark.parametrize(
    "changes", [{}, {"state_scale": [1, 2, 3, 4], "target_soft_update_rate": 0.1, "double_q": True}]
)
def test_a_config_survives_json(changes: dict[str, Any]) -> None:
    config = DQNConfig.from_dict({**COURSE, **changes})
    assert DQNConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_an_imitation_config_survives_json() -> None:
    config = ImitationConfig(nn_hidden_layers=(8, 4), epochs=3, learning_rate=0.01)
    assert ImitationConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_imitation_defaults_are_the_courses() -> None:
    config = ImitationConfig(nn_hidden_layers=())
    assert (config.learning_rate, config.batch_size, config.epochs) == (1e-3, 64, 150)


def test_a_config_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        DQNConfig.from_dict(COURSE).seed = 1  # type: ignore[misc]


def test_replace_gives_a_checked_copy_and_leaves_the_original() -> None:
    config = DQNConfig.from_dict(COURSE)
    assert config.replace(seed=3).seed == 3
    assert config.seed == COURSE["seed"]
    with pytest.raises(ConfigError, match=r"^seed must be"):
        config.replace(seed=-3)
    with pytest.raises(ConfigError, match="'sed' is not a setting"):
        config.replace(sed=3)
