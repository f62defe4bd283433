"""From metric logs to pictures: what a kind's chart says of runs, decimated, with axes that follow; and its legend."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from string import ascii_uppercase

import numpy as np

from engine.learners.charts import Chart, Trace, Unit
from engine.learners.kinds import kind_of
from engine.learners.metrics import MetricLog, Values
from engine.learners.specs import Spec
from tui_lab.look import Look
from tui_lab.picture import Band, Picture, Series, nice_ceiling, on_log_axis
from tui_lab.pictures import strip

USUAL_REACH = 1_000.0
PLAIN = Look()
HIGHEST = 1e100
"""No axis goes beyond: differences of still larger values are infinite."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One run as a chart sees it.

    group: of runs of one preset, that preset; an older one of them stands `behind`.
    forked: where it branched off another run, along each axis; empty where it is no fork.
    """

    label: str
    color: int
    spec: Spec
    log: MetricLog
    group: str = ""
    behind: bool = False
    forked: Mapping[Unit, float] = field(default_factory=dict)

    @property
    def preset(self) -> str:
        return self.group or self.label


def chart_named(name: str, spec: Spec) -> Chart:
    """The chart of that name of the kind that a spec belongs to."""
    return kind_of(spec).chart(name)


def letters(curves: Sequence[Curve]) -> list[str]:
    """A letter for each curve; none for a single one, nor beyond Z."""
    return [""] if len(curves) == 1 else [*ascii_uppercase, *[""] * len(curves)][: len(curves)]


def picture(
    chart: Chart, curves: Sequence[Curve], columns: int, look: Look = PLAIN, before: Picture | None = None
) -> Picture:
    """The chart over some runs of one kind, at most two points a column and series.

    Args:
        before: what was shown so far, whose heights stay where they still fit.
    """
    if not curves:
        return Picture()
    if look.seeds == "last values":
        return _strip(chart, curves, look)
    whole = whole_axis(chart, curves)
    limits = look.part_of(chart.by) or whole
    banded = [] if look.seeds == "each" else _groups(curves)
    single = [curve for curve in curves if not any(curve in group for group in banded)]
    names = dict(zip(map(id, curves), letters(curves), strict=True))
    traces = look.traces(chart.traces, len(curves))
    series = [
        _series(curve, trace, names[id(curve)], limits, columns, look)
        for trace in traces
        for curve in single
    ]  # fmt: skip
    medians = [
        _band(group, trace, names[id(group[0])], limits, columns, look)
        for trace in traces
        if not trace.faint
        for group in banded
    ]  # fmt: skip
    bands = [band for _, band in medians]
    levels = {(level.at, level.name) for curve in curves for level in chart.levels(curve.spec)}
    drawn = Picture(
        (*series, *(median for median, _ in medians)),
        limits,
        levels=tuple(sorted(levels)),
        marks=_marks(chart, curves, look, limits),
        bands=tuple(bands),
        cursor=cursor_on(chart, curves, look),
        missing=sum(curve.log.stretch(name, *limits, 1).missing for curve in curves for name in _shown(traces)),
    )
    drawn = _with_heights(drawn, _heights(chart, curves, drawn), before)
    return on_log_axis(drawn) if look.log else drawn


def _shown(traces: Sequence[Trace]) -> set[str]:
    return {trace.series for trace in traces}


def _strip(chart: Chart, curves: Sequence[Curve], look: Look) -> Picture:
    """The last value of each run, a line for each preset."""
    trace = [trace for trace in look.traces(chart.traces, len(curves)) if not trace.faint][-1]
    groups: dict[str, list[float]] = {}
    colors: dict[str, int] = {}
    for curve in curves:
        values = curve.log.trailing(trace.series, look.window(trace))[-1:]
        groups.setdefault(curve.preset, []).extend(values.tolist())
        colors.setdefault(curve.preset, curve.color)
    return strip(groups, chart.span(curves[0].spec), list(colors.values()))


def _groups(curves: Sequence[Curve]) -> list[list[Curve]]:
    """The runs of each preset that has several."""
    groups: dict[str, list[Curve]] = {}
    for curve in curves:
        groups.setdefault(curve.preset, []).append(curve)
    return [group for group in groups.values() if len(group) > 1]


def pinned_curve(curves: Sequence[Curve], look: Look) -> Curve | None:
    """The curve that is pinned, or that is alone."""
    if len(curves) == 1:
        return curves[0]
    return next((curve for curve, letter in zip(curves, letters(curves), strict=True) if letter == look.pinned), None)


def whole_axis(chart: Chart, curves: Sequence[Curve]) -> tuple[float, float]:
    """The horizontal axis: as far as the runs can go, else a round distance beyond their data."""
    ends = [reach for curve in curves if (reach := chart.reach(curve.spec)) is not None]
    places = [curve.log.places(trace.series)[-1:] for curve in curves for trace in chart.traces]
    last = [float(x[0]) for x in places if len(x)]
    return 0, max([*ends, *last]) if ends else nice_ceiling(max(last, default=USUAL_REACH))


def _series(curve: Curve, trace: Trace, letter: str, limits: tuple[float, float], columns: int, look: Look) -> Series:
    part = curve.log.stretch(trace.series, *limits, columns, look.window(trace))
    behind = trace.faint or (curve.behind if look.pinned == "" else look.pinned != letter)
    name = f"{curve.label} {trace.name}".rstrip()
    # Small letters stand on what only explains the others: without colours a reader sees which is which.
    mark = letter.lower() if trace.faint else letter
    gaps = tuple(np.flatnonzero(part.broken).tolist())
    return Series(_numbers(part.x), _heights_of(part.y), curve.color, "line", behind, name, mark, gaps)


def _band(
    group: Sequence[Curve], trace: Trace, letter: str, limits: tuple[float, float], columns: int, look: Look
) -> tuple[Series, Band]:
    """The median of a preset's runs, and the band around it, at the end of every column that a run has come to."""
    low, high = limits
    places = low + (high - low) * np.arange(columns + 1) / columns
    values = np.stack([curve.log.at(trace.series, places, look.window(trace)) for curve in group])
    values[~np.isfinite(values)] = np.nan
    known = ~np.isnan(values).all(0)
    share = 0.25 if look.seeds == "middle half" else 0.0
    bottom, middle, top = np.nanquantile(values[:, known], (share, 0.5, 1 - share), axis=0)
    x = _numbers(places[known])
    name = f"{group[0].preset} {trace.name}".rstrip()
    behind = look.pinned != "" and look.pinned != letter
    median = Series(x, _heights_of(middle), group[0].color, "line", behind, f"{name}, median", letter)
    return median, Band(x, _heights_of(bottom), _heights_of(top), group[0].color, f"{name}, {look.seeds}")


def _marks(
    chart: Chart, curves: Sequence[Curve], look: Look, limits: tuple[float, float]
) -> tuple[tuple[float, str], ...]:
    """Forks, and the marks of the run that is alone or pinned: those of several runs would be too many."""
    places: set[tuple[float | None, str]] = {(curve.forked.get(chart.by), "fork") for curve in curves}
    if (curve := pinned_curve(curves, look)) is not None:
        kind = kind_of(curve.spec)
        for mark in kind.marks(curve.spec, curve.log):
            places.add((kind.place(curve.log, mark.at, mark.unit, chart.by), mark.name))
    return tuple(sorted((at, name) for at, name in places if at is not None and limits[0] <= at <= limits[1]))


def cursor_on(chart: Chart, curves: Sequence[Curve], look: Look) -> float | None:
    """Where the cursor stands on the axis of a chart; None where it does not."""
    if look.cursor is None or not curves:
        return None
    curve = pinned_curve(curves, look) or curves[0]
    return kind_of(curve.spec).place(curve.log, look.cursor.at, look.cursor.unit, chart.by)


def _heights(chart: Chart, curves: Sequence[Curve], drawn: Picture) -> tuple[float, float]:
    """The chart's span, widened to round numbers where data or levels lie beyond it."""
    spans = [chart.span(curve.spec) for curve in curves]
    lows, highs = ([end for end in ends if end is not None] for ends in zip(*spans, strict=True))
    parts = [one.y for one in drawn.series] + [end for band in drawn.bands for end in (band.low, band.high)]
    values = np.concatenate([np.asarray(part, np.float64) for part in parts])
    lowest = float(values.min()) if len(values) else min(lows, default=0.0)
    highest = _highest(chart, values) if len(values) else max(highs, default=0.0)
    for level, _ in drawn.levels:
        # A level at the very end of the span is in view as it is.
        highest = max(highest, level if level in highs else level + 0.05 * abs(level))
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


def _with_heights(drawn: Picture, heights: tuple[float, float], before: Picture | None) -> Picture:
    """The picture with its heights; those of before where they hold the new ones and are hardly longer."""
    if before is not None and not before.empty and not before.log:
        low, high = before.y_limits
        fits = low <= heights[0] and heights[1] <= high
        if fits and high - low <= 2.1 * (heights[1] - heights[0]):
            heights = low, high
    return replace(drawn, y_limits=heights)


def _heights_of(values: Values) -> tuple[float, ...]:
    return _numbers(np.clip(values, -HIGHEST, HIGHEST))


def _numbers(values: Values | Iterable[float]) -> tuple[float, ...]:
    return tuple(np.asarray(values, np.float64).tolist())
