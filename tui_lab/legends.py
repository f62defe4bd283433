"""What is written beside charts: their legends, which say all that a reader must know, and what the cursor reads."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from textual.content import Content

from engine.learners.charts import Chart, Trace
from engine.learners.kinds import kind_of
from tui_lab.glyphs import Glyphs
from tui_lab.look import Look
from tui_lab.picture import Picture
from tui_lab.text import counted
from tui_lab.themes import css_color, series_color
from tui_lab.views import PLAIN, Curve, letters

Part = Content | tuple[str, str]


def legend(
    chart: Chart, curves: Sequence[Curve], glyphs: Glyphs, picture: Picture, look: Look = PLAIN, *, dark: bool
) -> Content:
    """The chart's title, a label a curve with its letter and its colour, and what a reader must know."""
    parts: list[Part] = [Content.styled(chart.title, "bold")]
    labelled = _labelled(curves, look)
    for index, (curve, letter, runs) in enumerate(labelled):
        behind = curve.behind and runs == 1
        mark = _mark(index, letter, runs, look, glyphs)
        weight = "bold " if look.pinned in ("", letter) else ""
        # Other seeds stand in brackets behind the preset that they belong to.
        parts.append(((", " if index and labelled[index - 1][0].behind else " (") if behind else "  ", ""))
        parts.append((f"{mark} ", weight + css_color(series_color(curve.color, dark=dark))))
        label = curve.label.removeprefix(curve.preset).lstrip() if behind else curve.label
        words = f"{curve.preset}, {counted(runs, 'seed')}" if runs > 1 else label
        closed = behind and (index + 1 == len(labelled) or not labelled[index + 1][0].behind)
        parts.append((words + (" (pinned)" if letter and letter == look.pinned else "") + ")" * closed, ""))
    parts += [(f"  {note}", "$muted") for note in notes(chart, curves, picture, look)]
    return Content.assemble(*parts)


def _mark(index: int, letter: str, runs: int, look: Look, glyphs: Glyphs) -> str:
    """What stands for a curve: its letter, with the shade of its band; in a strip its shape."""
    if look.seeds == "last values":
        return glyphs.points[index % len(glyphs.points)]
    return f"{letter}{glyphs.fills[index % len(glyphs.fills)]}" if runs > 1 else letter or glyphs.full * 2


def _labelled(curves: Sequence[Curve], look: Look) -> list[tuple[Curve, str, int]]:
    """The curves that have a label, their letters, and how many runs each stands for."""
    found: dict[object, tuple[Curve, str, int]] = {}
    for curve, letter in zip(curves, letters(curves), strict=True):
        key: object = id(curve) if look.seeds == "each" else curve.preset
        first, own, runs = found.get(key, (curve, letter, 0))
        found[key] = first, own, runs + 1
    return list(found.values())


def notes(chart: Chart, curves: Sequence[Curve], picture: Picture, look: Look) -> list[str]:
    """What is not seen in the curves: what is thin, smoothed, shaded, cut off, missing; and the names of the marks."""
    if not curves:
        return [chart.note] if chart.note else []
    traces = look.traces(chart.traces, len(curves))
    told = []
    if look.seeds == "last values":
        drawn = [trace for trace in traces if not trace.faint][-1]
        mean = f", mean of {look.window(drawn)}" if look.window(drawn) > 1 else ""
        return [f"last value of each seed{mean}"]
    faint = [trace.name for trace in traces if trace.faint and trace.name]
    if faint and (look.seeds == "each" or not picture.bands):
        small = "thin" if len(curves) == 1 else "thin, small letters"
        told.append(f"{small}: {', '.join(faint)}")
    windows = sorted({look.window(trace) for trace in traces} - {1})
    thick = "thick: " if told else ""
    told += [f"{thick}mean of {window}" for window in windows]
    if picture.bands:
        told.append(f"line: median, shaded: {look.seeds}")
    low, high = picture.x_limits
    if look.part_of(chart.by) is not None:
        told.append(f"{chart.by}s {low:,.0f} to {high:,.0f}")
    if picture.log:
        told.append("log axis")
    elif picture.y_limits[0] != 0:
        told.append(f"axis from {picture.y_limits[0]:g}")
    if picture.missing:
        told.append(f"{counted(picture.missing, 'value')} infinite or missing")
    told += [chart.note] if chart.note else []
    told += [f"{number} {name}" for number, (_, name) in enumerate(picture.marks, 1)]
    return told


# --- the cursor


def reading(charts: Sequence[Chart], curves: Sequence[Curve], look: Look) -> Content:
    """Every series of all the charts at the cursor, by name; nothing without one."""
    if look.cursor is None or not curves:
        return Content("")
    parts: list[Part] = [(f"{look.cursor.unit} {look.cursor.at:,.0f}", "bold $accent")]
    for chart in charts:
        words = [
            f"{name} {_value(value)}".lstrip() for name, value in _values(chart, curves, look)
        ]  # fmt: skip
        parts.append((f"  {chart.name}: ", "$muted"))
        parts.append((", ".join(words) or "nothing there", ""))
    return Content.assemble(*parts)


def _values(chart: Chart, curves: Sequence[Curve], look: Look) -> list[tuple[str, float]]:
    """What is drawn in a chart at the cursor, each run at its own place."""
    found = []
    for curve, letter in zip(curves, letters(curves), strict=True):
        kind, cursor = kind_of(curve.spec), look.cursor
        at = None if cursor is None else kind.place(curve.log, cursor.at, cursor.unit, chart.by)
        for trace in look.traces(chart.traces, len(curves)):
            value = math.nan if at is None else _at(curve, trace, look, at)
            name = " ".join(filter(None, (letter, "" if len(curves) == 1 else curve.label, trace.name)))
            window = look.window(trace)
            name = " ".join(filter(None, (name, f"mean of {window}" if window > 1 and len(curves) == 1 else "")))
            found.append((name, value))
    return found


def _at(curve: Curve, trace: Trace, look: Look, at: float) -> float:
    return float(curve.log.at(trace.series, np.array([at]), look.window(trace))[0])


def _value(value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:.4g}" if math.isfinite(value) else "infinite"
