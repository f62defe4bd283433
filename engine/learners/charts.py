"""What can be drawn of a run, as values: charts, their traces, named levels and marks. How it looks is the screen's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Unit = Literal["episode", "environment step", "gradient step", "epoch"]
"""What the horizontal axis of a chart counts."""
Span = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Trace:
    """A series in a chart.

    smooth: length of a trailing mean; 1 takes none.
    faint: drawn behind the others, for what only explains them.
    alone: only where the chart shows a single run.
    name: what tells it from the chart's other traces, such as "train"; empty where nothing needs to.
    """

    series: str
    smooth: int = 1
    faint: bool = False
    alone: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """A height worth a line of its own, with what it is: `perfect 500`."""

    at: float
    name: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened to a run, or is sure to: where along the axis that counts `unit`, and what it is."""

    at: float
    name: str
    unit: Unit


def _from_zero(spec: Any) -> Span:
    return 0.0, None


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart shows of a run; how it looks is the screen's business.

    title: what it shows, along what.
    by: what its horizontal axis counts.
    reach: how far along a run can go; None for as far as its data.
    span: the heights that are always in view; an end that is None follows the data, and data beyond an end widen it.
    levels: heights worth a line of their own, such as a ceiling; they are always in view.
    note: what a reader must know to read it.
    cut_spikes: let a few highest points leave the chart, so that they do not flatten the rest.
    """

    name: str
    title: str
    traces: tuple[Trace, ...]
    by: Unit = "environment step"
    reach: Callable[[Any], float | None] = lambda spec: None
    span: Callable[[Any], Span] = _from_zero
    levels: Callable[[Any], Sequence[Level]] = lambda spec: ()
    note: str = ""
    cut_spikes: bool = False
