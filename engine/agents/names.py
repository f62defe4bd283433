"""The names of the scripted rules, and the error of an agent that cannot be had. No torch in here."""

from __future__ import annotations

import math

SCRIPTED = ("random", "left", "right", "angle", "linear:w1,w2,w3,w4")
"""What `scripted_agent` understands."""
YOU = "you"
"""What a person at the keys is called among agents."""


class AgentError(ValueError):
    """One sentence on why an agent cannot be had, and what would be right."""


def linear_weights(text: str) -> list[float] | None:
    """The four weights of the rule `linear:w1,w2,w3,w4`, or None where the text is no linear rule.

    Raises:
        AgentError: it is one, but its weights are not four finite numbers.
    """
    if not text.startswith("linear:"):
        return None
    try:
        weights = [float(word) for word in text.removeprefix("linear:").split(",")]
    except ValueError:
        weights = []
    if len(weights) != 4 or not all(map(math.isfinite, weights)):
        raise AgentError(f"{text!r} should give four numbers, such as linear:0.1,0.2,1,0.5.")
    return weights
