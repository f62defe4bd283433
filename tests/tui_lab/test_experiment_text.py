"""Experiments in words: one plain sentence on what was expected and what it was, whatever came of it."""

from __future__ import annotations

from typing import Any

import pytest

from engine.analysis.experiments import Expected, Experiment, Score, with_score
from engine.learners.specs import Spec
from tests.engine.small import dqn_spec, imitation_spec
from tui_lab.experiment_text import (
    brief_changes_text,
    changes_text,
    outcome_text,
    practice_text,
    problems_text,
    question_text,
    seeds_text,
    told_apart,
    verdict_text,
    whole,
)


def experiment(
    *pairs: tuple[float, float], expected: Expected = "better", base: Spec | None = None, changed: Spec | None = None
) -> Experiment:
    scores = [
        score
        for seed, (before, after) in enumerate(pairs)
        for score in (Score("baseline", seed, "a", before), Score("changed", seed, "b", after))
    ]
    specs = base or dqn_spec(), changed or dqn_spec(learning_rate=0.01)
    return Experiment(1, "bad", *specs, tuple(range(max(1, len(pairs)))), expected, "", tuple(scores))


@pytest.mark.parametrize(
    ("pairs", "expected", "sentence"),
    [
        (
            [(100, 180), (100, 50), (100, 205)],
            "better",
            "You expected better; over 3 seeds the greedy mean return was +45.0 (-161.7 to +251.7): no difference "
            "shown.",
        ),
        (
            [(100, 119), (100, 121)],
            "same",
            "You expected about the same; over 2 seeds the greedy mean return was +20.0 (+7.3 to +32.7): better, not "
            "as you expected.",
        ),
        (
            [(100, 81), (100, 79)],
            "worse",
            "You expected worse; over 2 seeds the greedy mean return was -20.0 (-32.7 to -7.3): worse, as you "
            "expected.",
        ),
        (
            [(100, 145)],
            "better",
            "You expected better; over 1 seed the greedy mean return was +45.0. One seed has no interval: this may be "
            "chance.",
        ),
        ([], "better", "You expected better; no seed has both scores yet."),
    ],
)
def test_the_verdict_is_one_sentence(pairs: list[tuple[float, float]], expected: Expected, sentence: str) -> None:
    assert verdict_text(experiment(*pairs, expected=expected)) == sentence


def test_equal_scores_say_that_the_change_did_nothing() -> None:
    told = verdict_text(experiment((20, 20), (30, 30)))
    assert told.endswith("the same scores on both sides, so what you changed did not come into play.")


def test_seeds_that_diverged_are_told_beside_the_verdict() -> None:
    found = experiment((20, 20), (30, 40))
    scores = with_score(found.scores, Score("changed", 0, "b", None, "it diverged.", diverged=True))
    found = Experiment(1, "bad", found.baseline, found.changed, (0, 1), "better", "", scores)
    assert verdict_text(found).endswith("may be chance. 1 seed with your settings diverged, without a score.")
    assert seeds_text(found) == "seed 0: 20.0, yours failed; seed 1: 30.0, yours 40.0"
    assert problems_text(found) == "it diverged."


def test_imitation_is_told_by_its_accuracy() -> None:
    found = experiment((0.8, 0.85), (0.8, 0.79), base=imitation_spec(), changed=imitation_spec(epochs=9))
    assert outcome_text(found) == "+.020 (-.361 to +.401)"
    assert "the test accuracy was" in verdict_text(found)
    assert question_text(found) == "bad with epochs 9 instead of 6, 200 rows, seeds 0 to 1"


def test_a_question_names_settings_budget_and_seeds() -> None:
    assert question_text(experiment()) == "bad with learning_rate 0.01 instead of 0.001, 1,000 episodes, seed 0"


def test_values_that_look_alike_are_written_out() -> None:
    assert told_apart(0.000171782176772688, 0.00017178) == ("0.000171782176772688", "0.00017178")
    assert told_apart((256,), None) == ("[256]", "null")
    many = {f"s{i}": (i, i + 1) for i in range(5)}
    assert changes_text(many) == "s0 1 instead of 0, s1 2 instead of 1, s2 3 instead of 2 and 2 more"
    assert brief_changes_text(many) == "s0 1, s1 2 ..."


@pytest.mark.parametrize(
    ("value", "text"), [(0.1, "0.1"), ((256, 256), "[256, 256]"), (None, "null"), (True, "true"), ("CartPole-v1",) * 2]
)
def test_a_value_is_written_so_that_it_can_be_typed_again(value: Any, text: str) -> None:
    assert whole(value) == text


def test_practice_is_told_in_pieces_and_what_is_unknown_is_left_out() -> None:
    told = practice_text({"{} parameters": 67_586, "rate {}": 0.123456, "ceiling of Q {}": None})
    assert told == "67,586 parameters; rate 0.1235"
