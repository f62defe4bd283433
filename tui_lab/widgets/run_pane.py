"""One run in words and as a chart, or several laid over one another; where a fork branched off is marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from engine.laboratory import KEPT_LOGS
from tui_lab.context import context
from tui_lab.text import count
from tui_lab.themes import SERIES_DARK
from tui_lab.widgets.run_charts import RunCharts
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
        self._words, self._missing = Words(id="run-details"), Words(id="run-note")
        self._findings = Words(id="run-findings")
        self._charts: RunCharts | None = None

    def compose(self) -> ComposeResult:
        self._charts = RunCharts(context(self).glyphs, 1)
        yield from (self._words, self._charts, self._missing, self._findings)

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
        chosen, charts = self._chosen, self._charts
        if charts is None or not self.is_attached or not self.size.width:
            return
        self._words.show(Content("") if chosen is None else _details(chosen))
        logs = [row.log for row in self._rows]
        state = (self.app.theme, charts.size, [None if log is None else (id(log), log.version) for log in logs])
        if state == self._drawn or not charts.size.height:
            return
        self._drawn = state
        context(self).wake()  # Metrics that are being read arrive without another word.
        findings = [] if chosen is None else chosen.findings()[:2]
        lines = [Content.assemble((f"{one.name}: ", "bold $accent"), one.text) for one in findings]
        self._findings.show(Content("\n").join(lines))
        self._missing.show(Content.styled(self._note, "$muted"))
        kinds = self._rows[0].kind.charts if self._rows else ()
        curves = [
            replace(curve, label=_label(row, self._rows))
            for color, row in enumerate(self._rows)
            if (curve := row.curve(color)) is not None
        ]
        charts.show(kinds, self._chart_index % len(kinds) if kinds else 0, curves)


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
