"""One run in words and as a chart, or several laid over one another; where a fork branched off is marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from engine.laboratory import KEPT_LOGS
from engine.learners.kind import Chart as ChartOf
from tui_lab.context import context
from tui_lab.plotting import Picture, Series
from tui_lab.text import count
from tui_lab.themes import SERIES_DARK
from tui_lab.views import Curve, legend, picture
from tui_lab.widgets.chart import Chart
from tui_lab.widgets.run_row import RunRow
from tui_lab.widgets.words import Words

MOST_CURVES = min(len(SERIES_DARK), KEPT_LOGS)
"""As many as there are colours to tell them apart by."""


class RunPane(Vertical):
    """`show` says what is to be seen, `look_again` brings it up to date."""

    def __init__(self) -> None:
        super().__init__()
        self._chosen: RunRow | None = None
        self._rows: Sequence[RunRow] = ()
        self._note = ""
        self._chart_index = 0
        self._drawn: object = None
        self._words, self._legend = Words(id="run-details"), Words(id="run-legend")
        self._findings = Words(id="run-findings")
        self._chart: Chart | None = None

    def compose(self) -> ComposeResult:
        self._chart = Chart(context(self).glyphs)
        yield from (self._words, self._legend, self._chart, self._findings)

    def show(self, chosen: RunRow | None, rows: Sequence[RunRow], note: str = "") -> None:
        """
        Args:
            chosen: the run that the words are of.
            rows: those that the chart lays over one another, all of one kind; at most `MOST_CURVES`.
            note: what the reader must know of these.
        """
        self._chosen, self._rows, self._note = chosen, rows, note
        self._drawn = None
        self.look_again()

    def next_chart(self) -> None:
        self._chart_index += 1
        self.draw_anew()

    def draw_anew(self) -> None:
        self._drawn = None
        self.look_again()

    def on_resize(self) -> None:
        self.call_after_refresh(self.draw_anew)

    def look_again(self) -> None:
        """Show what has changed."""
        chosen, chart = self._chosen, self._chart
        if chart is None or not self.is_attached or not self.size.width:
            return
        self._words.show(Content("") if chosen is None else _details(chosen))
        logs = [row.log for row in self._rows]
        state = (self.app.theme, chart.size, [None if log is None else (id(log), log.version) for log in logs])
        if state == self._drawn or not chart.size.height:
            return
        self._drawn = state
        context(self).wake()  # Metrics that are being read arrive without another word.
        findings = [] if chosen is None else chosen.findings()[:2]
        lines = [Content.assemble((f"{one.name}: ", "bold $accent"), one.text) for one in findings]
        self._findings.show(Content("\n").join(lines))
        self._draw(chart)

    def _draw(self, chart: Chart) -> None:
        charts = self._rows[0].kind.charts if self._rows else ()
        if not charts:
            self._legend.show(Content.styled(self._note, "$muted"))
            chart.show(Picture())
            return
        what = charts[self._chart_index % len(charts)]
        curves = [
            Curve(_label(row, self._rows), color, row.spec, log)
            for color, row in enumerate(self._rows)
            if (log := row.log) is not None
        ]
        dark = self.app.current_theme.dark
        forks = [at for row in self._rows if (at := _fork_at(row, what)) is not None]
        notes = ["│ fork"] * bool(forks) + [self._note] * bool(self._note)
        told = legend(what, curves, context(self).glyphs, dark=dark)
        self._legend.show(Content.assemble(told, ("  " + ", ".join(notes) if notes else "", "$muted")))
        chart.show(with_marks(picture(what, curves, chart.columns), forks))


def with_marks(shown: Picture, places: Sequence[float]) -> Picture:
    """A picture with an upright line at each of these places along its axis."""
    low, high = shown.x_limits
    lines = [Series((at, at), shown.y_limits, -1) for at in dict.fromkeys(places) if low <= at <= high]
    return replace(shown, series=(*lines, *shown.series)) if shown.series else shown


def _fork_at(row: RunRow, what: ChartOf) -> float | None:
    """Where along a chart's axis a run branched off; None where it is no fork."""
    at: Any = None if row.record is None else row.record.forked_at.get(what.along)
    return None if at is None else float(at)


def _label(row: RunRow, rows: Sequence[RunRow]) -> str:
    """What tells a run apart from the others in a chart."""
    return row.preset if row.record is None or len(rows) == 1 else f"{row.preset} {row.record.id}"


def _details(row: RunRow) -> Content:
    record = row.record
    words = row.details()
    if record is not None:
        words[1:1] = [record.title]
        if record.parent is not None:
            words.append(f"fork of {record.parent} at step {count(record.forked_step)}")
        if record.tags:
            words.append(f"tags {' '.join(record.tags)}")
    text = Content.styled(" · ".join(words), "$muted")
    return Content.assemble(text, "\n", (row.error, "$error")) if row.error else text
