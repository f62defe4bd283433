"""The story of a run whose numbers stopped being finite."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

from engine.learners.divergence import divergence


def story(**told: Any) -> str:
    usual = {
        "learning_rate": 1e-3,
        "value_ceiling": 100.0,
        "cures": ("learning_rate", "max_grad_norm"),
        "last_finite_step": 1_234,
        "figures": "with gradient norm 3",
        "largest_output": 50.0,
        "largest_input": 2.0,
    }
    return str(divergence(**(usual | told)))


def test_it_tells_how_far_the_run_was_sound() -> None:
    head = "the loss or the weights stopped being finite numbers: "
    assert story().startswith(head + "the last finite gradient step was 1,234, with gradient norm 3. Likely cause: ")
    assert story(figures="").startswith(head + "the last finite gradient step was 1,234. Likely cause: ")
    assert story(last_finite_step=0).startswith(head + "already the first gradient step gave none. Likely cause: ")


@pytest.mark.parametrize(
    ("told", "cause"),
    [
        (
            {"largest_input": math.nan},
            "^.*Likely cause: the environment or the data gave a state or a reward that is not a finite number\\.$",
        ),
        ({"largest_input": math.inf, "learning_rate": 0.5}, "a state or a reward that is not a finite number"),
        ({"largest_input": 1e6, "learning_rate": 0.5}, "as large as 1e\\+06 reach the network; scaling should bring"),
        ({"largest_input": 1e3}, "steps that are too large"),
        ({"learning_rate": 0.5, "largest_output": 1e9}, "learning_rate 0.5; Adam's usual is 0.001"),
        ({"learning_rate": 0.05}, "learning_rate 0.05; Adam's usual is 0.001"),
        ({"largest_output": 1e9}, "far beyond the 100 that a state can be worth; double_q"),
        ({"largest_output": 1_000.0}, "steps that are too large.*max_grad_norm"),
        ({"largest_output": 1e9, "value_ceiling": None}, "steps that are too large.*max_grad_norm"),
        ({"largest_output": 1e9, "value_ceiling": 0.0}, "steps that are too large.*max_grad_norm"),
        ({"largest_output": None}, "a lower learning_rate is the usual cure, or a lower max_grad_norm\\.$"),
        ({"cures": ("learning_rate",)}, "a lower learning_rate is the usual cure\\.$"),
    ],
)
def test_the_likely_cause_is_the_first_that_fits(told: dict[str, Any], cause: str) -> None:
    assert re.search(cause, story(**told))
