"""A search in words and pictures, for the command line and the bench: scores, settings, slices."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tui_lab.text import value

if TYPE_CHECKING:
    from engine.learners.specs import Spec
    from engine.runs.search_space import Axis
    from tui_lab.plotting import Picture


def score_text(spec: Spec, score: float) -> str:
    """A score as the kind of learner writes such figures; returns with a decimal, which tells trials apart."""
    from engine.learners.kind import Figure
    from engine.learners.kinds import kind_of

    form = kind_of(spec).score
    return f"{score:.1f}" if form is None else value(Figure(form.name, score, form.form))


def settings_text(labels: Mapping[str, Any]) -> str:
    """`batch_size=32, learning_rate=0.00123`."""
    return ", ".join(f"{name}={short(label)}" for name, label in labels.items())


def short(setting: Any) -> str:
    """A setting's value in few characters."""
    if isinstance(setting, float):
        return f"{setting:.4g}"
    if isinstance(setting, list | tuple):
        return str(list(setting))
    if setting is None or isinstance(setting, bool):
        return json.dumps(setting)
    return str(setting)


def slice_picture(axis: Axis, points: list[tuple[Any, float]]) -> Picture:
    """Scores over the values of a setting, a point a trial; choices stand side by side, powers of ten equally far."""
    from engine.runs.search_space import Choices
    from tui_lab.plotting import Picture, Series

    log = not isinstance(axis, Choices) and axis.log
    places = [math.log10(axis.position(label)) if log else axis.position(label) for label, _ in points]
    scores = [score for _, score in points]
    low, high = min(scores), max(scores)
    room = 0.05 * (high - low) or max(1e-3, 0.05 * abs(high))
    ticks: tuple[tuple[float, str], ...] = ()
    if isinstance(axis, Choices):
        limits = (-0.5, len(axis.values) - 0.5)
        ticks = tuple((float(i), short(chosen)) for i, chosen in enumerate(axis.values))
    elif log:
        limits = (math.log10(axis.low), math.log10(axis.high))
        powers = range(math.ceil(limits[0] - 1e-9), math.floor(limits[1] + 1e-9) + 1)
        ticks = tuple((float(power), f"{10.0**power:g}") for power in powers)
    else:
        limits = (float(axis.low), float(axis.high))
    series = Series(tuple(places), tuple(scores), kind="points")
    return Picture((series,), limits, (low - room, high + room), x_ticks=ticks)
