"""A draft: settings while somebody changes them, what they amount to, and what is said of a wrong one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.learners.draft import Draft
from engine.learners.kinds import kinds, preset
from engine.learners.presets import BAD, GOOD_2
from engine.learners.settings import ConfigError, parse_settings
from tests.engine.kinds.third import third_kind

COURSE = {key: value for key, value in GOOD_2.to_dict().items() if key in list(GOOD_2.to_dict())[:15]}


def draft(name: str = "bad", **changes: Any) -> Draft:
    made = Draft(preset(name))
    for key, value in changes.items():
        made = made.put(key, value)
    return made


@pytest.mark.parametrize("name", ["bad", "mlp-1"])
def test_a_draft_offers_every_setting_of_its_kind_and_the_budget(name: str) -> None:
    made = draft(name)
    assert made.names[:-1] == type(made.preset.config).names()
    assert made.names[-1] == ("episodes" if name == "bad" else "samples")


@pytest.mark.parametrize("kind", ["dqn", "imitation"])
def test_every_setting_of_the_labs_kinds_says_what_it_is_and_what_low_and_high_do(kind: str) -> None:
    config_type = kinds()[kind].spec_type.config_type
    for name in config_type.names():
        meaning = config_type.meaning(name)
        assert meaning.about.endswith("."), name
        assert bool(meaning.low) == bool(meaning.high), name
        assert meaning.low or name in ("seed", "environment"), name
        for choice in meaning.choices:
            assert config_type.checked(name, choice) == choice


def test_a_draft_without_changes_is_its_preset() -> None:
    assert draft().spec == draft().baseline == preset("bad").spec
    assert draft().changes == {}


def test_what_differs_from_the_preset_is_known_and_can_be_taken_back() -> None:
    made = draft(learning_rate=0.001, batch_size=32)
    assert made.changed("learning_rate")
    assert not made.changed("batch_size"), "32 is the preset's own"
    assert made.changes == {"learning_rate": 0.001}
    assert made.usual("learning_rate") == BAD.learning_rate
    assert made.reset("learning_rate") == draft()


def test_seed_and_budget_are_the_same_for_the_preset() -> None:
    made = draft(seed=7, episodes=20, learning_rate=0.001)
    assert made.changes == {"learning_rate": 0.001}
    for spec in (made.spec, made.baseline):
        assert (spec.config.seed, spec.episodes) == (7, 20)  # type: ignore[attr-defined]
    assert made.baseline.config == BAD.replace(seed=7)
    rows = draft("mlp-1", samples=300)
    assert rows.spec.train.samples == 300  # type: ignore[attr-defined]
    assert rows.spec.test.samples == 1_000  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("learning_rate", "2", "learning_rate must be a number above 0 and at most 1, not 2."),
        ("learning_rate", "fast", "learning_rate must be a number above 0 and at most 1, not 'fast'."),
        ("learning_rate", "", "learning_rate must be a number above 0 and at most 1, not ''."),
        ("batch_size", "1.5", "batch_size must be a whole number from 1 to 65536, not 1.5."),
        ("double_q", "1", "double_q must be true or false, not 1."),
        ("episodes", "0", "episodes must be a whole number of at least 1, not 0."),
        ("learning_rat", "1", "'learning_rat' is not a setting; did you mean 'learning_rate'?"),
    ],
)
def test_a_wrong_value_is_refused_with_what_would_be_right(name: str, text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        draft().put_text(name, text)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("learning_rate", " 1e-3 ", 0.001),
        ("nn_hidden_layers", "[64, 64]", (64, 64)),
        ("nn_hidden_layers", "(8,)", (8,)),
        ("double_q", "True", True),
        ("target_soft_update_rate", "null", None),
        ("environment", "Acrobot-v1", "Acrobot-v1"),
    ],
)
def test_a_value_is_typed_as_json_or_python(name: str, text: str, value: Any) -> None:
    assert draft().put_text(name, text).value(name) == value


def test_settings_that_do_not_go_together_can_be_put_one_after_the_other_and_are_named() -> None:
    made = draft(memory_size=100)
    assert made.problem == "n_steps_warm_up_memory (1000) must be at most memory_size (100), or training never starts."
    assert made.practice() == {}
    assert made.put("n_steps_warm_up_memory", 50).problem is None
    assert "not 2" in (draft(state_scale=[1, 2]).problem or "")
    assert "cannot be made" in (draft(environment="Cartpole-v9").problem or "")


@pytest.mark.parametrize(
    ("name", "before", "up", "down"),
    [
        ("learning_rate", 0.001, 0.002, 0.0005),
        ("batch_size", 32, 64, 16),
        ("batch_size", 1, 2, 1),
        ("discount_factor", 0.99, 0.995, 0.98),
        ("discount_factor", 0.97, 0.98, 0.95),
        ("epsilon_start", 1.0, 1.0, 0.9),
        ("double_q", False, True, False),
        ("target_soft_update_rate", None, 0.005, None),
        ("target_soft_update_rate", 0.005, 0.01, None),
        ("nn_hidden_layers", (256, 256), (256, 256, 256), (128, 128)),
        ("nn_hidden_layers", (), (8,), ()),
        ("state_scale", None, (2.4, 2.0, 0.21, 2.0), None),
        ("environment", "CartPole-v1", "Acrobot-v1", "CartPole-v1"),
        ("environment", "LunarLander-v3", "CartPole-v1", "CartPole-v1"),
        ("seed", 5, 6, 4),
        ("seed", 0, 1, 0),
        ("episodes", 200, 400, 100),
    ],
)
def test_a_step_goes_to_the_next_sensible_value(name: str, before: Any, up: Any, down: Any) -> None:
    made = draft(**{name: before})
    assert made.step(name, up=True).value(name) == up
    assert made.step(name, up=False).value(name) == down


def test_a_step_out_of_range_is_refused_like_a_value_that_is_typed() -> None:
    with pytest.raises(ConfigError, match=r"learning_rate must be a number above 0 and at most 1, not 1\.6"):
        draft(learning_rate=0.8).step("learning_rate", up=True)


def test_only_what_is_named_may_be_changed() -> None:
    made = Draft(preset("bad"), only=("learning_rate",), budget=20)
    assert made.names == ("learning_rate", "episodes")
    with pytest.raises(ConfigError, match="double_q stays as it is here; learning_rate, episodes may be changed"):
        made.put("double_q", True)
    with pytest.raises(ConfigError, match="stays as it is here"):
        made.paste({"double_q": True, "learning_rate": 0.5})


def test_what_is_copied_is_what_is_pasted() -> None:
    made = draft("robust", learning_rate=0.002, nn_hidden_layers=[64], seed=3)
    assert Draft(preset("robust")).paste(parse_settings(made.to_json())) == made
    assert Draft(preset("bad")).paste(json.loads(made.to_json())).spec.config == made.spec.config
    with pytest.raises(ConfigError, match="never starts"):
        draft(memory_size=10).to_json()


def test_a_dict_of_the_courses_keys_alone_does_as_the_courses_code_does_and_that_can_be_told() -> None:
    robust = Draft(preset("robust"))
    assert robust.paste(COURSE).spec.config == GOOD_2
    assert robust.unsaid(COURSE) == {"bootstrap_on_truncation": False, "target_check_behind_training": True}
    assert robust.unsaid({"learning_rate": 0.1}) == {}


def test_a_part_is_laid_over_what_is_there() -> None:
    assert draft(batch_size=8).paste({"learning_rate": 0.1}) == draft(batch_size=8, learning_rate=0.1)


def test_settings_of_another_kind_choose_the_preset_that_is_nearest() -> None:
    made = draft().paste({"nn_hidden_layers": [256], "epochs": 20})
    assert made.preset.name == "mlp-1"
    assert made.changes == {"epochs": 20}
    with pytest.raises(ConfigError, match="these are settings of imitation; here belong those of deep Q-learning"):
        Draft(preset("bad"), only=("learning_rate",)).paste({"nn_hidden_layers": [256], "epochs": 20})


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"learning_rat": 1}, "'learning_rat' is not a setting; did you mean 'learning_rate'"),
        ({"learning_rate": "fast"}, "learning_rate must be a number"),
        ({"kind": "ppo"}, "kind should be one of dqn, imitation"),
        ({"kind": ["dqn"]}, "kind should be one of dqn, imitation"),
    ],
)
def test_what_cannot_be_pasted_is_named(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        draft().paste(given)


def test_practice_tells_what_the_bad_settings_amount_to() -> None:
    assert draft().practice() == {
        "learning starts at environment step {}": 1_000,
        "epsilon is then at {}": pytest.approx(BAD.epsilon_end),
        "epsilon is at its floor from environment step {}": 1_000,
        "that is in episode {} if all last to the time limit": 2,
        "or in episode {} if all are as short as a random agent's": 46,
        "{} gradient steps per environment step": 0.5,
        "target network updated every {} environment steps": 40,
        "that is {} times in 1,000": 25,
        "ceiling of Q {}": pytest.approx(20),
        "{} parameters": 67_586,
    }


def test_practice_of_imitation_counts_minibatches() -> None:
    assert draft("mlp-1", samples=130, epochs=2).practice() == {
        "{} minibatches an epoch": 3,
        "{} gradient steps in all": 6,
        "{} parameters": 1_794,
    }


def test_a_third_kind_without_words_works() -> None:
    with third_kind() as kind:
        made = Draft(kind.presets[0])
        assert made.meaning("recent").about == ""
        assert made.step("recent", up=True).value("recent") == 4_000
        assert made.practice()["times a transition is learned from {}"] == 32
        assert "epsilon_end (0.95) must be at most" in (made.put("epsilon_end", 0.95).problem or "")
        copied = json.loads(made.put("recent", 10).to_json())
        assert draft().paste(copied).preset.name == "sarsa"
