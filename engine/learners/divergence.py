"""What is told when numbers stop being finite: how far a run was sound, and why it likely went wrong. Torch-free."""

from __future__ import annotations

import math
from collections.abc import Sequence

LARGE_LEARNING_RATE = 0.05
LARGE_INPUT = 1e3


class DivergenceError(ArithmeticError):
    """A loss, a gradient or weights are no longer finite numbers; the message is the story in a few sentences."""


def divergence(
    *,
    learning_rate: float,
    value_ceiling: float | None,
    cures: Sequence[str],
    last_finite_step: int,
    figures: str,
    largest_output: float | None,
    largest_input: float,
) -> DivergenceError:
    """The error of a run whose numbers stopped being finite.

    Args:
        learning_rate: Adam's step size.
        value_ceiling: the largest that outputs can rightly be; None where they are no values, or nobody knows.
        cures: settings of the learner that may be lowered, the usual one first.
        last_finite_step: the last gradient step with a finite loss and gradient, counted from 1; 0 for none.
        figures: what is known of that step, as the end of a sentence; may be empty.
        largest_output: the largest absolute output of the network then; None for unknown.
        largest_input: the largest absolute state or reward of the batches at hand; may be infinite or nan.
    """
    if last_finite_step == 0:
        sound = "already the first gradient step gave none"
    else:
        sound = f"the last finite gradient step was {last_finite_step:,}{figures and ', ' + figures}"
    cause = _likely_cause(learning_rate, value_ceiling, cures, largest_output, largest_input)
    return DivergenceError(f"the loss or the weights stopped being finite numbers: {sound}. Likely cause: {cause}")


def _likely_cause(
    learning_rate: float,
    value_ceiling: float | None,
    cures: Sequence[str],
    largest_output: float | None,
    largest_input: float,
) -> str:
    if not math.isfinite(largest_input):
        return "the environment or the data gave a state or a reward that is not a finite number."
    if largest_input > LARGE_INPUT:
        return f"states or rewards as large as {largest_input:.3g} reach the network; scaling should bring them near 1."
    if learning_rate >= LARGE_LEARNING_RATE:
        return f"learning_rate {learning_rate:g}; Adam's usual is 0.001."
    if value_ceiling and largest_output is not None and largest_output > 10 * value_ceiling:
        return (
            f"Q-values grew on one another, far beyond the {value_ceiling:.0f} that a state can be worth; double_q, "
            f"a lower learning_rate or a target network that moves less hold them down."
        )
    first, *others = cures
    also = "".join(f", or a lower {name}" for name in others)
    return f"steps that are too large; a lower {first} is the usual cure{also}."
