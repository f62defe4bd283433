"""The bench that trains: a row for each preset, its figures, its curves, and what they show."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from engine.config import DQNConfig
from engine.diagnosis import diagnose
from engine.figures import cartpole_parameters, imitation_figures
from engine.jobs import Status
from engine.metrics import MetricLog
from engine.runs import DQNSpec, Run, Spec, preset_spec, spec_from_dict
from engine.store import USUAL_SAMPLES, RunRecord, StoreError
from tui_lab.lesson import Run as RunBlock
from tui_lab.text import accuracy, count, percent, progress_bar, seconds, status_mark
from tui_lab.views import Curve, legend, picture
from tui_lab.widgets.bench import Bench
from tui_lab.widgets.chart import Chart
from tui_lab.widgets.rows import RowList

FOLLOW_SECONDS = 3.0
PACES: tuple[float | None, ...] = (None, 200.0, 40.0)
"""Steps a second that the pace key goes through: full speed, one to follow a run, one to follow its steps."""


class RunBench(Bench):
    """Trains the presets of a `run` block. A row shows the newest run of its preset, of today or of another day."""

    HELP = (
        "Each row is a preset and its newest run. r starts the chosen one, or goes on with a stopped one; n starts "
        "another run of it with the next seed; a starts all that are not yet trained; space pauses and resumes; "
        "s slows a run down so that you can follow; x stops and keeps a checkpoint; c changes the chart. Training "
        "goes on when you leave the lesson."
    )
    ACTIONS: ClassVar[frozenset[str]] = frozenset(
        {"start", "start_all", "start_new", "toggle_pause", "stop", "next_chart", "change_pace"}
    )

    def __init__(self, block: RunBlock) -> None:
        super().__init__(block)
        self.run_block = block
        self._samples = block.samples or USUAL_SAMPLES
        self._specs: list[Spec] = [
            preset_spec(name, samples=self._samples, episodes=block.episodes) for name in block.presets
        ]
        self._records: list[RunRecord | None] = [None] * len(block.presets)
        self._saved_logs: dict[str, MetricLog] = {}
        self._chart_index = 0
        self._pace = PACES[0]
        self._drawn: object = None

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield RowList()
        yield Static(classes="bench-line", id="details")
        yield Static(classes="bench-legend", id="legend")
        yield Chart(self.glyphs, id="chart")
        yield Static(classes="bench-legend second", id="legend-2")
        yield Chart(self.glyphs, id="chart-2")
        yield Static(classes="bench-line", id="findings")

    def on_mount(self) -> None:
        self.find_runs()
        self.set_interval(FOLLOW_SECONDS, self._follow_others)

    def can(self, action: str) -> bool:
        several = {"start_all": self.run_block.presets, "next_chart": self.run_block.charts}
        return super().can(action) and len(several.get(action, "..")) > 1

    def find_runs(self) -> None:
        """Look up the newest run of every preset."""
        self._records = [self.lab.latest(name, self._samples) for name in self.run_block.presets]
        self.update_view()

    # --- the chosen row

    def _live(self, row: int) -> Run | None:
        record = self._records[row]
        return None if record is None else self.lab.runs.get(record.id)

    def _status(self, row: int) -> Status | None:
        record, run = self._records[row], self._live(row)
        if run is not None:
            return Status.PAUSED if run.pausing and run.status.live else run.status
        return None if record is None else Status(record.status)

    def _elsewhere(self, row: int) -> bool:
        """Whether another process works on the row's run."""
        status = self._status(row)
        return status is not None and status.live and self._live(row) is None

    def _follow_others(self) -> None:
        """Look again at runs that another process works on."""
        for row, record in enumerate(self._records):
            if record is not None and self._elsewhere(row):
                self._records[row] = self.lab.look_again(record)
                self._saved_logs.pop(record.id, None)

    @property
    def _chosen(self) -> int:
        return self.query_one(RowList).chosen

    # --- actions

    def start(self) -> None:
        self._start_row(self._chosen)

    def start_all(self) -> None:
        waiting = [
            row
            for row, status in enumerate(map(self._status, range(len(self._specs))))
            if status is None or (not status.live and status != Status.FINISHED)
        ]
        if not waiting:
            self.notify("All of these are trained or training; n starts another run of the chosen one.")
        for row in waiting:
            self._start_row(row)

    def start_new(self) -> None:
        status = self._status(self._chosen)
        if status is not None and status.live:
            self.notify("This run is still going; x stops it.", severity="warning")
            return
        preset = self.run_block.presets[self._chosen]
        self._launch(self._chosen, self.lab.next_seed(preset, self._samples))

    def _start_row(self, row: int) -> None:
        run, record, status = self._live(row), self._records[row], self._status(row)
        if self._elsewhere(row):
            self.notify("Another dqn-lab works on this run; pause or stop it there.", severity="warning")
        elif run is not None and status == Status.PAUSED:
            run.resume()
        elif status in (Status.RUNNING, Status.STARTING):
            self.notify("Already training; n starts another run once this one is over.")
        elif status == Status.FINISHED:
            self.notify("Finished; the same seed would give the same run. n starts one with the next seed.")
        elif record is not None and status in (Status.STOPPED, Status.INTERRUPTED):
            try:
                self.lab.continue_run(record.id).steps_per_second = self._pace
            except StoreError as error:
                self.notify(str(error), severity="error")
        else:
            self._launch(row)
        self.update_view()

    def _launch(self, row: int, seed: int | None = None) -> None:
        preset = self.run_block.presets[row]
        spec = preset_spec(preset, seed=seed, samples=self._samples, episodes=self.run_block.episodes)
        run = self.lab.start(spec, preset=preset)
        run.steps_per_second = self._pace
        self._records[row] = run.record
        self.update_view()

    @property
    def busy(self) -> bool:
        return any(status is not None and status.live for status in map(self._status, range(len(self._specs))))

    def change_pace(self) -> None:
        self._pace = PACES[(PACES.index(self._pace) + 1) % len(PACES)]
        for row in range(len(self._specs)):
            run = self._live(row)
            if run is not None:
                run.steps_per_second = self._pace
        self.update_view()

    def toggle_pause(self) -> None:
        run = self._live(self._chosen)
        if self._elsewhere(self._chosen):
            self.notify("Another dqn-lab works on this run; pause or stop it there.", severity="warning")
        elif run is None or not run.status.live:
            self.notify("Nothing is running in this row; r starts it.")
        elif run.pausing:
            run.resume()
        else:
            run.pause()
        self.update_view()

    def stop(self) -> None:
        run = self._live(self._chosen)
        if run is None or not run.status.live:
            self.notify("Nothing is running in this row.")
            return
        run.stop()
        self.notify(f"Stopping {run.title} with a checkpoint; r goes on with it.")

    def next_chart(self) -> None:
        self._chart_index = (self._chart_index + 1) % len(self.run_block.charts)
        self._drawn = None
        self.update_view()

    # --- view

    def on_option_list_option_highlighted(self) -> None:
        self._drawn = None
        self.update_view()

    def on_resize(self) -> None:
        self._drawn = None
        self.call_after_refresh(self.update_view)

    def _log(self, row: int) -> MetricLog | None:
        record, run = self._records[row], self._live(row)
        if record is None:
            return None
        if run is not None:
            return run.log
        if record.id not in self._saved_logs:
            self._saved_logs[record.id] = self.lab.store.load_metrics(record.id)
        return self._saved_logs[record.id]

    def update_view(self) -> None:
        if not self.is_mounted or self.size.width == 0:
            return
        rows = range(len(self._specs))
        self.query_one(RowList).show([self._row_text(row) for row in rows])
        self.query_one("#details", Static).update(self._details(self._chosen))
        logs = [self._log(row) for row in rows]
        state = (self._chart_index, self._chosen, self.app.theme, [log.version if log else -1 for log in logs])
        if state == self._drawn:
            return
        self._drawn = state
        curves = [
            Curve(name, row, self._shown_spec(row), log)
            for row, (name, log) in enumerate(zip(self.run_block.presets, logs, strict=True))
            if log is not None
        ]
        charts = self.run_block.charts
        self._show_chart("", charts[self._chart_index], curves)
        if len(charts) > 1:
            self._show_chart("-2", charts[(self._chart_index + 1) % len(charts)], curves)
        self.query_one("#findings", Static).update(self._findings(self._chosen, logs[self._chosen]))

    def _show_chart(self, suffix: str, chart: str, curves: list[Curve]) -> None:
        widget = self.query_one(f"#chart{suffix}", Chart)
        if not widget.size.height:
            return
        dark = self.app.current_theme.dark
        self.query_one(f"#legend{suffix}", Static).update(legend(chart, curves, self.glyphs, dark=dark))
        kind = "dqn" if isinstance(self._specs[0], DQNSpec) else "imitation"
        widget.show(picture(chart, [c for c in curves if c.spec.kind == kind], widget.columns))

    def _shown_spec(self, row: int) -> Spec:
        record = self._records[row]
        return self._specs[row] if record is None else spec_from_dict(record.kind, record.spec)

    def _row_text(self, row: int) -> Content:
        preset, status, record = self.run_block.presets[row], self._status(row), self._records[row]
        run = self._live(row)
        mark = status_mark(status, self.glyphs)
        if record is None:
            what = f"not trained yet, {count(cartpole_parameters(self._specs[row].config))} parameters"
            return Content.assemble(mark, f" {preset:<10} ", (what, "$muted"))
        progress = record.progress if run is None else run.progress
        bar = progress_bar(progress, 10, self.glyphs)
        return Content.assemble(mark, f" {preset:<10} ", bar, f" {percent(progress)}  ", self._figures(row))

    def _figures(self, row: int) -> str:
        log, run, record = self._log(row), self._live(row), self._records[row]
        if log is None or record is None:
            return ""
        counters = record.counters if run is None else run.counters
        if isinstance(self._specs[row], DQNSpec):
            _, returns = log.read("return", max(0, log.length("return") - 20))
            mean = f"mean return {returns.mean():.0f}" if len(returns) else "first episode"
            return f"episode {counters.get('episodes', 0)}, {mean}"
        test, train = log.last("test_accuracy"), log.last("train_accuracy")
        if test is None or train is None:
            return "first epoch"
        if self._status(row) == Status.FINISHED:
            return f"train {accuracy(train)}, test {accuracy(test)}"
        return f"epoch {counters.get('epochs', 0)}, test {accuracy(test)}"

    def _details(self, row: int) -> Content:
        record, run, status = self._records[row], self._live(row), self._status(row)
        if record is None or status is None:
            return Content.styled(f"r starts this run; it goes on while you read.{self._pace_words()}", "$muted")
        counters = record.counters if run is None else run.counters
        time = record.seconds if run is None else run.seconds
        words = [f"run {record.id}", str(status), f"seed {record.seed}"]
        if "env_steps" in counters:
            words.append(f"{count(counters['env_steps'])} environment steps")
        if "gradient_steps" in counters:
            words.append(f"{count(counters['gradient_steps'])} gradient steps")
        words.append(seconds(time))
        words += self._best(row)
        if self._elsewhere(row):
            words.append("in another dqn-lab")
        state_hash = record.state_hash if run is None else run.state_hash
        if state_hash and not status.live:
            words.append(f"state {state_hash[:8]}")
        if status in (Status.STOPPED, Status.INTERRUPTED):
            words.append("r goes on with it")
        error = run.error if run is not None else record.message
        text = " · ".join(words) + (self._pace_words() if status.live else "")
        if error:
            return Content.assemble((text, "$muted"), "\n", (error, "$error"))
        return Content.styled(text, "$muted")

    def _pace_words(self) -> str:
        return "" if self._pace is None else f" · slowed to {self._pace:.0f} steps a second"

    def _best(self, row: int) -> list[str]:
        """What the run's best moment was: the kept network of a DQN run, the best epoch of an imitation run."""
        log, config = self._log(row), self._shown_spec(row).config
        if log is None:
            return []
        if isinstance(config, DQNConfig):
            episodes, means = log.read("selection")
            if not len(means):
                return []
            at = len(means) - 1 - int(means[::-1].argmax())
            return [f"kept best: episode {episodes[at]:.0f}, greedy {means[at]:.0f}"]
        figures = imitation_figures(config, log)
        best, epoch = figures["best_test_accuracy"], figures["best_epoch"]
        return [] if best is None else [f"best test {accuracy(best)} at {epoch}"]

    def _findings(self, row: int, log: MetricLog | None) -> Content:
        findings = [] if log is None else diagnose(self._shown_spec(row).config, log)
        lines = [Content.assemble((f"{f.name}: ", "bold $accent"), f.text) for f in findings[:2]]
        return Content("\n").join(lines)
