"""The bench that lays the newest runs of several presets over one another in one chart."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content

from engine.learners.kinds import preset_spec, spec_from_dict
from tui_lab.lesson import Chart as ChartBlock
from tui_lab.views import Curve, chart_named, legend, picture
from tui_lab.widgets.bench import Bench
from tui_lab.widgets.chart import Chart
from tui_lab.widgets.words import Words


class ChartBench(Bench):
    """Compares. It starts nothing: the runs come from the lesson's other benches."""

    HELP = "The newest run of each preset, in one chart. Train them on the lesson's other benches; this one follows."

    def __init__(self, block: ChartBlock) -> None:
        super().__init__(block)
        self.chart_block = block
        self._curves: dict[str, Curve] = {}

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield Words(classes="bench-legend", id="legend")
        yield Chart(self.glyphs)
        yield Words(classes="bench-line", id="missing")

    def find_runs(self) -> None:
        """Look up the newest run of every preset."""
        for color, preset in enumerate(self.chart_block.presets):
            record = self.lab.latest(preset_spec(preset))
            if record is not None:
                spec = spec_from_dict(record.kind, record.spec)
                self._curves[preset] = Curve(preset, color, spec, self.lab.log(record))
        self.update_view()

    def update_view(self) -> None:
        if not self.in_view:
            return
        curves = list(self._curves.values())
        state = (self.app.theme, [(curve.log, curve.log.version) for curve in curves])
        if state == self._drawn:
            return
        self._drawn = state
        block, chart = self.chart_block, self.query_one(Chart)
        dark = self.app.current_theme.dark
        what = chart_named(block.chart, preset_spec(block.presets[0]))
        self.query_one("#legend", Words).show(legend(what, curves, self.glyphs, dark=dark))
        chart.show(picture(what, curves, chart.columns))
        missing = [preset for preset in block.presets if preset not in self._curves]
        words = f"Not trained yet: {', '.join(missing)}." if missing else ""
        self.query_one("#missing", Words).show(Content.styled(words, "$muted"))
