"""A search space says what varies, and a wrong one is refused in one sentence that names file and setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.learners.kinds import kinds, preset
from engine.learners.settings import ConfigError
from engine.runs.search_space import Choices, Range, read_space
from tests.engine.small import dqn_spec, imitation_spec


def _space(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "space.toml"
    file.write_text(text)
    return file


def test_numbers_are_whole_where_the_setting_is(tmp_path: Path) -> None:
    text = "[batch_size]\nlow = 8\nhigh = 64\nstep = 8\n[epsilon_end]\nlow = 0\nhigh = 1\n[learning_rate]\nlow = 1e-4\n"
    axes = read_space(_space(tmp_path, text + "high = 1e-1\nlog = true\n"), dqn_spec()).axes
    assert axes == {
        "batch_size": Range(8, 64, step=8, whole=True),
        "epsilon_end": Range(0.0, 1.0),
        "learning_rate": Range(1e-4, 1e-1, log=True),
    }


def test_choices_are_the_learners_own_values_and_null_is_off(tmp_path: Path) -> None:
    text = '[nn_hidden_layers]\nchoices = [[], [8, 8]]\n[target_soft_update_rate]\nchoices = ["null", 0.5]\n'
    space = read_space(_space(tmp_path, text), dqn_spec())
    assert space.axes["nn_hidden_layers"] == Choices(((), (8, 8)))
    spec = space.spec({"nn_hidden_layers": "[8, 8]", "target_soft_update_rate": None})
    assert spec.config.to_dict() == {
        **dqn_spec().config.to_dict(),
        "nn_hidden_layers": [8, 8],
        "target_soft_update_rate": None,
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "[learning_rat]\nlow = 0.1\nhigh = 1",
            "learning_rat is not a setting of deep Q-learning; did you mean learning_rate?",
        ),
        ("[seed]\nlow = 0\nhigh = 9", "`--seeds`"),
        ("[learning_rate]\nlow = 0.1", "[learning_rate] lacks `high`"),
        ("[learning_rate]\nlow = 0.1\nhigh = 2", "learning_rate must be a number above 0 and at most 1, not 2"),
        ("[learning_rate]\nlow = 0.1\nhigh = 0.01", "low should be below high"),
        ("[epsilon_end]\nlow = 0\nhigh = 1\nlog = true", "low should be above 0"),
        ('[epsilon_end]\nlow = 0\nhigh = 1\nlog = "yes"', "true or false"),
        ("[batch_size]\nlow = 1.5\nhigh = 8", "batch_size must be a whole number from 1 to 65536, not 1.5"),
        ("[batch_size]\nlow = 1\nhigh = 8\nstep = 0.5", "whole number above 0"),
        ("[batch_size]\nlow = 1\nhigh = 8\nstep = 2", "cannot reach high = 8 from low = 1 in steps of 2"),
        ("[batch_size]\nlow = 1\nhigh = 9\nstep = 2\nlog = true", "only one of them"),
        ("[batch_size]\nchoices = [8, 8]", "twice"),
        ("[batch_size]\nchoices = []", "list of values"),
        ("[batch_size]\nchoices = [8]\nlow = 1", "`choices` and a range"),
        ("[batch_size]\nchoices = [8, 0]", "batch_size must be a whole number from 1 to 65536, not 0"),
        ("[batch_size]\nlo = 8", "unknown key `lo`"),
        ("[double_q]\nlow = 0\nhigh = 1", "double_q must be true or false"),
        ("[state_scale]\nchoices = [[1, 1]]", "state_scale"),
        ('[environment]\nchoices = ["CartPole-v1", "Acrobot-v1"]', "environments cannot be compared"),
        ("batch_size = 8", "should be a table [batch_size]"),
        ("", "names no setting"),
        ("[batch_size", "not valid TOML"),
    ],
)
def test_a_wrong_space_is_one_sentence_with_its_file(tmp_path: Path, text: str, words: str) -> None:
    file = _space(tmp_path, text)
    with pytest.raises(ConfigError) as refused:
        read_space(file, dqn_spec())
    said = str(refused.value)
    assert said.startswith(str(file))
    assert words in said
    assert "\n" not in said


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml cannot be read"):
        read_space(tmp_path / "nowhere.toml", imitation_spec())


@pytest.mark.parametrize("name", [p.name for kind in kinds().values() if kind.space for p in kind.presets])
def test_the_space_that_a_kind_ships_fits_each_of_its_presets(name: str) -> None:
    base = preset(name).spec
    (kind,) = [kind for kind in kinds().values() if kind.name == base.kind]
    assert kind.space is not None
    axes = read_space(kind.space, base).axes
    for setting, axis in axes.items():
        values = axis.values if isinstance(axis, Choices) else (axis.low, axis.high)
        for value in values:
            base.config.replace(**{setting: value})  # Each alone goes with what the preset says.
