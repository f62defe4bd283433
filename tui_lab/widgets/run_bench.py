"""The bench that trains: a row for each preset, its figures, its curves, and what they show."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content

from engine.learners.kinds import preset_spec
from engine.storage.records import Status
from tui_lab.lesson import Run as RunBlock
from tui_lab.views import chart_named
from tui_lab.widgets.bench import Bench
from tui_lab.widgets.rows import RowList
from tui_lab.widgets.run_charts import RunCharts
from tui_lab.widgets.run_row import RunRow
from tui_lab.widgets.words import Words

PACES: tuple[float | None, ...] = (None, 200.0, 40.0)
"""Steps a second that the pace key goes through: full speed, one to follow a run, one to follow its steps."""
NOTHING_RUNS = "Nothing is running in this row; r starts it."
ELSEWHERE = "Another dqn-lab works on this run; pause or stop it there."


class RunBench(Bench):
    """Trains the presets of a `run` block. A row shows the newest run of its preset, of today or of another day."""

    HELP = (
        "Each row is a preset and its newest run. r starts the chosen one, or goes on with a stopped one; n starts "
        "another run of it with the next seed; a starts all that are not yet trained, and what no core is free for is "
        "queued; space pauses and resumes; "
        "s slows a run down so that you can follow; x stops and keeps a checkpoint; c changes the chart. Training "
        "goes on when you leave the lesson."
    )
    ACTIONS: ClassVar[frozenset[str]] = frozenset(
        {"start", "start_all", "start_new", "toggle_pause", "stop", "next_chart", "change_pace"}
    )

    def __init__(self, block: RunBlock) -> None:
        super().__init__(block)
        self.run_block = block
        self._rows: list[RunRow] = []
        self._chart_index = 0
        self._pace: float | None = None

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield RowList()
        yield Words(classes="bench-line", id="details")
        yield RunCharts(self.glyphs, places=2)
        yield Words(classes="bench-line", id="findings")

    def on_mount(self) -> None:
        block = self.run_block
        self._rows = [
            RunRow(self.lab, name, preset_spec(name, samples=block.samples, episodes=block.episodes))
            for name in block.presets
        ]

    def can(self, action: str) -> bool:
        several = {"start_all": self.run_block.presets, "next_chart": self.run_block.charts}
        return super().can(action) and len(several.get(action, "..")) > 1

    def find_runs(self) -> None:
        """Look up the newest run of every preset."""
        for row in self._rows:
            row.look_up()
            if row.run is not None and row.live:
                self._pace = row.run.steps_per_second
        self.update_view()

    @property
    def _chosen(self) -> RunRow:
        return self._rows[self.query_one(RowList).chosen]

    @property
    def busy(self) -> bool:
        return any(row.live for row in self._rows)

    # --- actions

    def start(self) -> None:
        self._start_row(self._chosen)

    def start_all(self) -> None:
        waiting = [row for row in self._rows if not row.live and row.status != Status.FINISHED]
        if not waiting:
            self.notify("All of these are trained or training; n starts another run of the chosen one.")
        for row in waiting:
            self._start_row(row)

    def start_new(self) -> None:
        row = self._chosen
        if row.live:
            self.notify("This run is still going; x stops it.", severity="warning")
            return
        row.launch(self.lab.next_seed(row.new_spec)).steps_per_second = self._pace
        self.update_view()

    def _start_row(self, row: RunRow) -> None:
        if row.elsewhere:
            self.notify(ELSEWHERE, severity="warning")
        elif row.status == Status.PAUSED and row.run is not None:
            row.run.resume()
        elif row.status == Status.QUEUED:
            self.notify("Queued: it begins when another run ends or is paused; x takes it out of the queue.")
        elif row.live:
            self.notify("Already training; n starts another run once this one is over.")
        elif row.status == Status.FINISHED:
            self.notify("Finished. On this machine the same seed gives the same run again; n takes the next seed.")
        elif row.status in (Status.STOPPED, Status.INTERRUPTED) and row.record is not None:
            self.lab.continue_run(row.record.id).steps_per_second = self._pace
        else:
            row.launch().steps_per_second = self._pace
        self.update_view()

    def toggle_pause(self) -> None:
        row = self._chosen
        if row.elsewhere:
            self.notify(ELSEWHERE, severity="warning")
        elif row.run is None or not row.live:
            self.notify(NOTHING_RUNS)
        elif row.run.pausing:
            row.run.resume()
        else:
            row.run.pause()
        self.update_view()

    def stop(self) -> None:
        row = self._chosen
        if row.elsewhere:
            self.notify(ELSEWHERE, severity="warning")
        elif row.run is None or not row.live:
            self.notify(NOTHING_RUNS)
        else:
            how = "Taking it out of the queue" if row.run.queued else f"Stopping {row.run.title} with a checkpoint"
            row.run.stop()
            self.notify(f"{how}; r goes on with it.")

    def change_pace(self) -> None:
        self._pace = PACES[(PACES.index(self._pace) + 1) % len(PACES)]
        for row in self._rows:
            if row.run is not None:
                row.run.steps_per_second = self._pace
        self.update_view()

    def next_chart(self) -> None:
        self._chart_index = (self._chart_index + 1) % len(self.run_block.charts)
        self.draw_again()

    # --- view

    def update_view(self) -> None:
        if not self.in_view:
            return
        self.query_one(RowList).show([row.line(self.glyphs) for row in self._rows])
        chosen = self._chosen
        self.query_one("#details", Words).show(self._details(chosen))
        logs = [row.log for row in self._rows]
        state = (chosen, self.app.theme, [(log, log.version) for log in logs if log is not None])
        if state == self._drawn:
            return
        self._drawn = state
        charts = [chart_named(name, chosen.spec) for name in self.run_block.charts]
        curves = [curve for i, row in enumerate(self._rows) if (curve := row.curve(i)) is not None]
        self.query_one(RunCharts).show(charts, self._chart_index, curves)
        lines = [Content.assemble((f"{f.name}: ", "bold $accent"), f.text) for f in chosen.findings()[:2]]
        self.query_one("#findings", Words).show(Content("\n").join(lines))

    def _details(self, row: RunRow) -> Content:
        words = row.details() or ["r starts this run; it goes on while you read"]
        if self._pace is not None and (row.live or row.record is None):
            words.append(f"slowed to {self._pace:.0f} steps a second")
        text = Content.styled(" · ".join(words), "$muted")
        return Content.assemble(text, "\n", (row.error, "$error")) if row.error else text
