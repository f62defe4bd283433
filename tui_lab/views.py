"""From metric logs to pictures: which series a chart shows, how far its axes reach, and the legend that names them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from textual.content import Content

from engine.config import DQNConfig
from engine.metrics import MetricLog, Values
from engine.runs import DQNSpec, Spec
from engine.schedules import schedule_facts
from tui_lab.glyphs import Glyphs
from tui_lab.plotting import Picture, Series, nice_ceiling
from tui_lab.themes import css_color, series_color

RETURN_WINDOW = 20
TITLES = {
    "accuracy": "accuracy by epoch",
    "loss": "loss",
    "return": f"return by episode, and mean of {RETURN_WINDOW}",
    "q": "mean largest Q-value by step",
    "epsilon": "epsilon by step",
    "grad_norm": "gradient norm by step, before clipping",
}


@dataclass(frozen=True, slots=True)
class Curve:
    """One run as a chart sees it."""

    label: str
    color: int
    spec: Spec
    log: MetricLog


def picture(chart: str, curves: Sequence[Curve], columns: int) -> Picture:
    """The chart of that name over some runs, at most two points a column and series."""
    if not curves:
        return Picture()
    supervised = not isinstance(curves[0].spec, DQNSpec)
    if chart == "accuracy" or (chart == "loss" and supervised):
        return _by_epoch(chart, curves, columns)
    if chart == "return":
        return _returns(curves, columns)
    return _by_step(chart, curves, columns)


def _by_epoch(chart: str, curves: Sequence[Curve], columns: int) -> Picture:
    series = [
        _series(curve, f"{side}_{chart}", columns, dim=side == "train")
        for curve in curves
        for side in ("train", "test")
    ]
    epochs = max(curve.spec.config.epochs for curve in curves if not isinstance(curve.spec, DQNSpec))
    if chart == "accuracy":
        lowest = min((min(one.y) for one in series if one.y), default=0.5)
        return Picture(tuple(series), (0, epochs), (0.4 if lowest < 0.5 else 0.5, 1.0), (0.5,))
    return Picture(tuple(series), (0, epochs), (0, max(0.7, _top(series))))


def _returns(curves: Sequence[Curve], columns: int) -> Picture:
    series = [_series(curve, "return", columns, dim=True) for curve in curves if len(curves) == 1]
    series += [_series(curve, "return", columns, smooth=RETURN_WINDOW) for curve in curves]
    episodes = max(curve.spec.episodes for curve in curves if isinstance(curve.spec, DQNSpec))
    return Picture(tuple(series), (0, episodes), (0, 500))


def _by_step(chart: str, curves: Sequence[Curve], columns: int) -> Picture:
    series = [_series(curve, chart, columns) for curve in curves]
    reach = nice_ceiling(max((one.x[-1] for one in series if one.x), default=1_000))
    if chart == "epsilon":
        return Picture(tuple(series), (0, reach), (0, 1))
    if chart != "q":
        return Picture(tuple(series), (0, reach), (0, _top(series)))
    ceilings = {
        schedule_facts(curve.spec.config).value_ceiling
        for curve in curves
        if isinstance(curve.spec.config, DQNConfig) and curve.spec.config.discount_factor < 1
    }
    # Values grow; none may leave the chart, as a passing spike of the loss may.
    highest = nice_ceiling(max((max(one.y) for one in series if one.y), default=0))
    top = max(highest, nice_ceiling(1.05 * max(ceilings, default=1)))
    return Picture(tuple(series), (0, reach), (min(0.0, _bottom(series)), top), tuple(sorted(ceilings)))


def _series(curve: Curve, name: str, columns: int, *, smooth: int = 1, dim: bool = False) -> Series:
    x, y = curve.log.view(name, columns, smooth)
    return Series(_numbers(x), _numbers(y), curve.color, dim=dim)


def _numbers(values: Values) -> tuple[float, ...]:
    return tuple(np.asarray(values, np.float64).tolist())


def _top(series: Sequence[Series]) -> float:
    """A round height that holds the data without letting one early spike flatten them."""
    values = np.concatenate([np.asarray(one.y) for one in series] or [np.empty(0)])
    return nice_ceiling(float(np.quantile(values, 0.995))) if len(values) else 1.0


def _bottom(series: Sequence[Series]) -> float:
    lowest = min((min(one.y) for one in series if one.y), default=0.0)
    return -nice_ceiling(-lowest) if lowest < 0 else 0.0


def legend(chart: str, curves: Sequence[Curve], glyphs: Glyphs, *, dark: bool) -> Content:
    """The chart's title and one coloured label a curve."""
    supervised = bool(curves) and not isinstance(curves[0].spec, DQNSpec)
    title = TITLES[chart]
    if chart == "loss":
        title = "loss by epoch" if supervised else "loss (mean squared TD error) by step"
    labels: list[Content | tuple[str, str]] = [Content.styled(title, "bold")]
    for curve in curves:
        labels.append((f"  {glyphs.full * 2} ", css_color(series_color(curve.color, dark=dark))))
        labels.append((curve.label, ""))
    if supervised:
        labels.append(("  dim: train", "$muted"))
    elif chart == "q":
        labels.append(("  grey: ceiling", "$muted"))
    return Content.assemble(*labels)
