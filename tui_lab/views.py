"""From metric logs to pictures: what a kind's chart says of runs, decimated, with axes that follow; and its legend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from textual.content import Content

from engine.learners.kind import Chart
from engine.learners.kinds import kind_of
from engine.learners.metrics import MetricLog, Values
from engine.learners.specs import Spec
from tui_lab.glyphs import Glyphs
from tui_lab.plotting import Picture, Series, nice_ceiling
from tui_lab.themes import css_color, series_color

USUAL_REACH = 1_000.0


@dataclass(frozen=True, slots=True)
class Curve:
    """One run as a chart sees it."""

    label: str
    color: int
    spec: Spec
    log: MetricLog


def chart_named(name: str, spec: Spec) -> Chart:
    """The chart of that name of the kind that a spec belongs to."""
    return kind_of(spec).chart(name)


def picture(chart: Chart, curves: Sequence[Curve], columns: int) -> Picture:
    """The chart over some runs of one kind, at most two points a column and series."""
    if not curves:
        return Picture()
    series = [
        _series(curve, trace.series, columns, smooth=trace.smooth, dim=trace.faint)
        for trace in chart.traces
        for curve in curves
        if not trace.alone or len(curves) == 1
    ]
    levels = {level for curve in curves for level in chart.levels(curve.spec)}
    limits = (0, _reach(chart, curves, series)), _heights(chart, curves, series, levels)
    return Picture(tuple(series), *limits, tuple(sorted(levels)))


def _reach(chart: Chart, curves: Sequence[Curve], series: Sequence[Series]) -> float:
    """How far the horizontal axis goes: as far as the runs can, else a round distance beyond their data."""
    ends = [reach for curve in curves if (reach := chart.reach(curve.spec)) is not None]
    return max(ends) if ends else nice_ceiling(max((one.x[-1] for one in series if one.x), default=USUAL_REACH))


def _heights(
    chart: Chart, curves: Sequence[Curve], series: Sequence[Series], levels: set[float]
) -> tuple[float, float]:
    """The chart's span, widened to round numbers where data or levels lie beyond it."""
    spans = [chart.span(curve.spec) for curve in curves]
    lows, highs = ([end for end in ends if end is not None] for ends in zip(*spans, strict=True))
    values = np.concatenate([np.asarray(one.y, np.float64) for one in series])
    lowest = float(values.min()) if len(values) else min(lows, default=0.0)
    highest = _highest(chart, values) if len(values) else max(highs, default=0.0)
    highest = max(highest, max((level + 0.05 * abs(level) for level in levels), default=highest))
    high = max(highs) if highs and highest <= max(highs) else nice_ceiling(highest) if highest > 0 else 0.0
    low = min(lows) if lows and lowest >= min(lows) else _below(lowest, high)
    return (low, high) if low < high else (low, low + 1.0)


def _highest(chart: Chart, values: Values) -> float:
    """The height that holds the data; a few early spikes may be left out, or they would flatten all the rest."""
    return float(np.quantile(values, 0.995)) if chart.cut_spikes else float(values.max())


def _below(value: float, high: float) -> float:
    """A round height at or below `value`; 0 where that is near."""
    if value < 0:
        return -nice_ceiling(-value)
    step = 10.0 ** math.floor(math.log10(high - value)) if high > value else 1.0
    return math.floor(value / step) * step


def _series(curve: Curve, name: str, columns: int, *, smooth: int = 1, dim: bool = False) -> Series:
    x, y = curve.log.view(name, columns, smooth)
    return Series(_numbers(x), _numbers(y), curve.color, dim=dim)


def _numbers(values: Values) -> tuple[float, ...]:
    return tuple(np.asarray(values, np.float64).tolist())


def legend(chart: Chart, curves: Sequence[Curve], glyphs: Glyphs, *, dark: bool) -> Content:
    """The chart's title, one coloured label a curve, and what a reader must know."""
    labels: list[Content | tuple[str, str]] = [Content.styled(chart.title, "bold")]
    for curve in curves:
        labels.append((f"  {glyphs.full * 2} ", css_color(series_color(curve.color, dark=dark))))
        labels.append((curve.label, ""))
    if chart.note:
        labels.append((f"  {chart.note}", "$muted"))
    return Content.assemble(*labels)
