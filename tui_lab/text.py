"""Figures as the lab writes them, on every screen and on the command line. Light to import: nothing is drawn here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.learners.environment_facts import EnvironmentFacts
    from engine.learners.kind import Figure


def percent(share: float) -> str:
    """A share as ` 43 %`, five cells wide; never 100 before it is done."""
    # A hair more than it is: 29 of 100 is a little less than 0.29 to the machine.
    return f"{min(99, int(share * 100 + 1e-9)) if share < 1 else 100:>3} %"


def seconds(value: float) -> str:
    """`3.2 s`, `48 s`, `2 min 05 s`."""
    if value < 10:
        return f"{value:.1f} s"
    if value < 120:
        return f"{value:.0f} s"
    return f"{int(value) // 60} min {int(value) % 60:02d} s"


def count(value: float) -> str:
    """A whole number with thousands separated."""
    return f"{value:,.0f}"


def counted(number: int, noun: str) -> str:
    """So many of something: "1 episode", "1,000 episodes"."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def accuracy(share: float) -> str:
    """An accuracy as the course prints it: `.687`."""
    return f"{share:.3f}".removeprefix("0")


def figure(one: Figure) -> str:
    """A figure with its name: `mean return 212`."""
    return f"{one.name} {value(one)}"


def value(one: Figure) -> str:
    """A figure's value as its form asks."""
    match one.form:
        case "count":
            return count(one.value)
        case "return":
            return f"{one.value:.0f}"
        case "accuracy":
            return accuracy(one.value)
        case _:
            return f"{one.value:.4g}"


def success(figures: Mapping[str, Any], facts: EnvironmentFacts) -> str | None:
    """How an evaluation did by what its environment asks: `all 1,000 perfect`, `solved`; None where it asks nothing.

    Args:
        figures: mean, perfect and episodes.
    """
    perfect, episodes = figures["perfect"], figures["episodes"]
    if perfect is not None:
        share = f"all {count(episodes)}" if perfect == episodes else f"{count(perfect)} of {count(episodes)}"
        return f"{share} perfect"
    solved = facts.solved(figures["mean"])
    if solved is None:
        return None
    return f"{'solved' if solved else 'not solved'} (threshold {facts.reward_threshold:g})"


def returns_summary(figures: Mapping[str, Any], facts: EnvironmentFacts) -> str:
    """`500.0 ± 0.0, lowest 500, all 1,000 perfect` for the figures of an evaluation."""
    verdict = success(figures, facts)
    words = f"{figures['mean']:.1f} ± {figures['std']:.1f}, lowest {figures['min']:.0f}"
    return words if verdict is None else f"{words}, {verdict}"


def agent_title(agent: str) -> str:
    """What a reader calls an agent: `latest:bad` is "your bad run"."""
    return f"your {agent.removeprefix('latest:')}" if agent.startswith("latest:") else agent
