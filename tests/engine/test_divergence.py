"""The story of a run whose numbers stopped being finite."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

from engine.config import Config, DQNConfig, ImitationConfig
from engine.divergence import divergence
from engine.presets import GOOD_2

CLONE = ImitationConfig(nn_hidden_layers=(8,))


def story(config: Config, *, largest_output: float | None = 50.0, largest_input: float = 2.0, **other: Any) -> str:
    facts = {"last_finite_step": 1_234, "figures": "with gradient norm 3"} | other
    return str(divergence(config, largest_output=largest_output, largest_input=largest_input, **facts))


def test_it_tells_how_far_the_run_was_sound() -> None:
    head = "the loss or the weights stopped being finite numbers: "
    assert story(GOOD_2).startswith(
        head + "the last finite gradient step was 1,234, with gradient norm 3. Likely cause: "
    )
    assert story(GOOD_2, figures="").startswith(head + "the last finite gradient step was 1,234. Likely cause: ")
    assert story(GOOD_2, last_finite_step=0).startswith(
        head + "already the first gradient step gave none. Likely cause: "
    )


@pytest.mark.parametrize(
    ("config", "largest_output", "largest_input", "cause"),
    [
        (GOOD_2, 50.0, math.nan, "a state or a reward that is not a finite number"),
        (CLONE, 50.0, math.inf, "a state or a reward that is not a finite number"),
        (GOOD_2, 50.0, 1e6, "as large as 1e\\+06 reach the network; state_scale should bring them near 1"),
        (CLONE, 50.0, 1e6, "as large as 1e\\+06 reach the network\\.$"),
        (GOOD_2.replace(learning_rate=0.5), 1e9, 2.0, "learning_rate 0.5; Adam's usual is 0.001"),
        (GOOD_2, 1e9, 2.0, "far beyond the 100 that rewards of 1 can be worth; double_q"),
        (GOOD_2.replace(discount_factor=1.0), 1e9, 2.0, "steps that are too large.*max_grad_norm"),
        (GOOD_2, None, 2.0, "steps that are too large.*max_grad_norm"),
        (CLONE, 1e9, 2.0, "a lower learning_rate is the usual cure\\.$"),
    ],
)
def test_the_likely_cause_is_the_first_that_fits(
    config: DQNConfig | ImitationConfig, largest_output: float | None, largest_input: float, cause: str
) -> None:
    assert re.search(cause, story(config, largest_output=largest_output, largest_input=largest_input))
