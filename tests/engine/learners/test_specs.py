"""Specs: the same again from plain values, and a recipe that everything but the seed has a part in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.learners.kinds import preset, presets, spec_from_dict
from engine.learners.settings import ConfigError
from engine.learners.specs import DQNSpec
from tests.engine.small import dqn_config, dqn_spec, imitation_spec


@pytest.mark.parametrize("name", presets())
def test_a_spec_survives_json(name: str) -> None:
    spec = preset(name).spec
    assert spec_from_dict(spec.kind, json.loads(json.dumps(spec.to_dict()))) == spec


def test_the_recipe_is_everything_but_the_seed() -> None:
    base = dqn_spec()
    assert base.with_seed(7).recipe == base.recipe
    others = [dqn_spec(batch_size=9), dqn_spec(env_steps=1), dqn_spec(double_q=True), imitation_spec()]
    assert len({base.recipe, *(other.recipe for other in others)}) == 5


def test_a_setting_at_its_default_leaves_a_recipe_as_it_was() -> None:
    assert "double_q" not in dqn_config().given()
    assert dqn_config(double_q=True).given()["double_q"] is True
    assert dqn_spec(double_q=False).recipe == dqn_spec().recipe


@pytest.mark.parametrize("damage", [{}, {"config": {}}, {"episodes": 3, "max_env_steps": None}, None, [], "x"])
def test_what_is_damaged_is_refused_in_a_sentence(damage: Any) -> None:
    for kind in ("dqn", "imitation"):
        with pytest.raises(ConfigError, match=r"lacks '.*'; its record is damaged"):
            spec_from_dict(kind, damage)


def test_settings_of_another_kind_are_refused() -> None:
    values = dqn_spec().to_dict() | {"config": imitation_spec().config.to_dict()}
    with pytest.raises(ConfigError, match="is not a setting"):
        DQNSpec.from_dict(values)
