"""What is told when numbers stop being finite: how far a run was sound, and why it likely went wrong. Torch-free."""

from __future__ import annotations

import math

from engine.config import Config, DQNConfig
from engine.schedules import schedule_facts

LARGE_LEARNING_RATE = 0.05
LARGE_INPUT = 1e3


class DivergenceError(ArithmeticError):
    """A loss, a gradient or weights are no longer finite numbers; the message is the story in a few sentences."""


def divergence(
    config: Config,
    *,
    last_finite_step: int,
    figures: str,
    largest_output: float | None,
    largest_input: float,
) -> DivergenceError:
    """The error of a run whose numbers stopped being finite.

    Args:
        last_finite_step: the last gradient step with a finite loss and gradient, counted from 1; 0 for none.
        figures: what is known of that step, as the end of a sentence; may be empty.
        largest_output: the largest absolute output of the network then; None for unknown.
        largest_input: the largest absolute state or reward of the batches at hand; may be infinite or nan.
    """
    if last_finite_step == 0:
        sound = "already the first gradient step gave none"
    else:
        sound = f"the last finite gradient step was {last_finite_step:,}{figures and ', ' + figures}"
    cause = _likely_cause(config, largest_output, largest_input)
    return DivergenceError(f"the loss or the weights stopped being finite numbers: {sound}. Likely cause: {cause}")


def _likely_cause(config: Config, largest_output: float | None, largest_input: float) -> str:
    if not math.isfinite(largest_input):
        return "the environment or the data gave a state or a reward that is not a finite number."
    if largest_input > LARGE_INPUT:
        remedy = "; state_scale should bring them near 1" if isinstance(config, DQNConfig) else ""
        return f"states or rewards as large as {largest_input:.3g} reach the network{remedy}."
    if config.learning_rate >= LARGE_LEARNING_RATE:
        return f"learning_rate {config.learning_rate:g}; Adam's usual is 0.001."
    if isinstance(config, DQNConfig) and largest_output is not None:
        ceiling = schedule_facts(config).value_ceiling
        if largest_output > 10 * ceiling:
            return (
                f"Q-values grew on one another, far beyond the {ceiling:.0f} that rewards of 1 can be worth; double_q, "
                f"a lower learning_rate or a target network that moves less hold them down."
            )
    return "steps that are too large; a lower learning_rate is the usual cure" + (
        ", or a lower max_grad_norm." if isinstance(config, DQNConfig) else "."
    )
