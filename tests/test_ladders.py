"""Ladders of causes lead from one preset to another by single changes, and are told without a wrong sign."""

from __future__ import annotations

from itertools import pairwise

import pytest

from engine.learners.kinds import preset_spec
from tests.ladders import LADDERS, LEFT_OUT, PUT_IN, Ladder, Rung, settings
from tests.outcomes import climb, rungs, step_aside


@pytest.mark.parametrize("ladder", LADDERS, ids=lambda ladder: ladder.name)
def test_a_ladder_leads_from_its_start_to_its_end_one_setting_at_a_time(ladder: Ladder) -> None:
    climbed = list(ladder.rungs())
    assert (climbed[0].name, climbed[-1].name) == (ladder.start, ladder.end)
    assert climbed[-1].spec.recipe == preset_spec(ladder.end).recipe
    for below, above in pairwise(climbed):
        one, other = settings(below.spec), settings(above.spec)
        assert {key: other[key] for key in one if one[key] != other[key] and key != "seed"} == above.change
        assert len(above.change) == 1


def test_a_ladder_that_leaves_a_difference_out_is_refused() -> None:
    with pytest.raises(ValueError, match="differ in bootstrap_on_truncation, target_check_behind_training"):
        list(Ladder("as-written", "good-2", ("bootstrap_on_truncation",)).rungs())


def test_every_rung_is_measured_once_and_told_by_a_command() -> None:
    every = rungs()
    assert len({rung.spec.recipe for rung in every}) == len({rung.name for rung in every}) == len(every)
    assert {rung.name for ladder in LADDERS for rung in ladder.rungs()} <= {rung.name for rung in every}
    (one,) = (rung for rung in every if rung.name == "bad+discount_factor")
    assert one.flags == "--preset bad --set discount_factor=0.99"


def entry(*means: float | None) -> dict[str, object]:
    perfect = sum(mean == 500 for mean in means)
    last = {"perfect": perfect, "iqm": 1.0, "iqm_interval": [0.0, 2.0]}
    return {"last": last, "by_seed": [{"last": mean} for mean in means]}


def test_a_step_tells_how_much_the_same_seeds_gained() -> None:
    ladder = Ladder("as-written", "good-2", ("target_check_behind_training", "bootstrap_on_truncation"))
    first, second, third = ladder.rungs()
    measured = {
        first.name: entry(100, 200, None, 300),
        second.name: entry(110, 210, 10, 310),
        third.name: entry(500, 10, 210, 310),
    }
    start, raised, mixed = climb(ladder, measured)
    assert "return_difference" not in start
    assert raised["change"] == {"target_check_behind_training": True}
    assert raised["return_difference"] == {"mean": 10, "low": 10, "high": 10, "shown": True}
    assert mixed["return_difference"]["mean"] == pytest.approx((390 - 200 + 200 + 0) / 4)
    assert not mixed["return_difference"]["shown"]
    assert mixed["perfect_difference"]["mean"] == 0.25


@pytest.mark.parametrize("rung", LEFT_OUT + PUT_IN, ids=lambda rung: rung.name)
def test_beside_a_preset_its_other_settings_stay(rung: Rung) -> None:
    whole, settings = preset_spec(rung.preset).config.to_dict(), rung.spec.config.to_dict()
    assert {key: settings[key] for key in settings if settings[key] != whole[key]} == rung.change


def test_each_change_of_robust_but_its_selection_is_left_out_once() -> None:
    whole, plain = preset_spec("robust").config.to_dict(), preset_spec("as-written").config.to_dict()
    left_out = {key for rung in LEFT_OUT for key in rung.change}
    kept = {"seed", "keep_best_every_episodes", "end_when_perfect"}
    assert {key for key in whole if whole[key] != plain[key]} == left_out | kept
    assert all(rung.change == {key: plain[key] for key in rung.change} for rung in LEFT_OUT)


def test_what_a_change_is_worth_is_told_in_seeds_steps_and_returns() -> None:
    rung = LEFT_OUT[0]
    measured = {rung.preset: kept((500, 10), (500, 30)), rung.name: kept((500, 40), (490, 100))}
    found = step_aside(rung, measured)
    assert (found["perfect"], found["env_steps"]) == (1, 70)
    assert found["env_steps_difference"]["mean"] == 50
    assert found["return_difference"]["mean"] == -5


def kept(*seeds: tuple[float, int]) -> dict[str, object]:
    best = {"perfect": sum(mean == 500 for mean, _ in seeds)}
    return {"best": best, "by_seed": [{"best": mean, "env_steps": steps} for mean, steps in seeds]}
