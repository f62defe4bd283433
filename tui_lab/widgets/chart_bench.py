"""The bench that lays runs of several presets over one another in one chart, other seeds of a preset too."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content

from engine.learners.kinds import preset_spec, spec_from_dict
from engine.learners.metrics import MetricLog
from engine.storage.records import RunRecord
from tui_lab.lesson import Chart as ChartBlock
from tui_lab.views import Curve, chart_named
from tui_lab.widgets.bench import Bench
from tui_lab.widgets.run_charts import RunCharts
from tui_lab.widgets.words import Words

RUNS = 5
"""Runs of one preset that are shown: of each seed the newest, and of these the newest."""


class ChartBench(Bench):
    """Compares. It starts nothing: the runs come from the lesson's other benches."""

    HELP = (
        "The newest run of each preset, in one chart, and behind it thin those of its other seeds. Train them on the "
        "lesson's other benches; this one follows. v goes to the chart, where ? tells its keys."
    )

    def __init__(self, block: ChartBlock) -> None:
        super().__init__(block)
        self.chart_block = block
        self._curves: list[Curve] = []
        self._read: dict[str, tuple[RunRecord, MetricLog]] = {}

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield RunCharts(self.glyphs, places=1)
        yield Words(classes="bench-line", id="missing")

    def find_runs(self) -> None:
        """Look up the newest runs of every preset."""
        curves = []
        for color, preset in enumerate(self.chart_block.presets):
            found: dict[int, RunRecord] = {}
            for record in self.lab.store.runs(recipe=preset_spec(preset).recipe):
                found.setdefault(record.seed, record)
            for place, record in enumerate(list(found.values())[:RUNS]):
                spec = spec_from_dict(record.kind, record.spec)
                label = preset if place == 0 else f"{preset} seed {record.seed}"
                curves.append(Curve(label, color, spec, self._log(record), preset, behind=place > 0))
        self._curves = curves
        self.update_view()

    def _log(self, record: RunRecord) -> MetricLog:
        """The run's metrics; those of a run that has not changed are not read again."""
        known, log = self._read.get(record.id, (None, None))
        if log is None or known != record or record.id in self.lab.runs:
            log = self.lab.log(record)
            self._read[record.id] = record, log
        return log

    def update_view(self) -> None:
        if not self.in_view:
            return
        state = (self.app.theme, [(curve.log, curve.log.version) for curve in self._curves])
        if state == self._drawn:
            return
        self._drawn = state
        block = self.chart_block
        what = chart_named(block.chart, preset_spec(block.presets[0]))
        self.query_one(RunCharts).show([what], 0, self._curves)
        trained = {curve.preset for curve in self._curves}
        missing = [preset for preset in block.presets if preset not in trained]
        words = f"Not trained yet: {', '.join(missing)}." if missing else ""
        self.query_one("#missing", Words).show(Content.styled(words, "$muted"))
