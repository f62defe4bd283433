"""One row of a run bench: a preset with its newest run, of this process, of another one, or of an earlier day."""

from __future__ import annotations

from textual.content import Content

from engine.laboratory import Laboratory
from engine.learners.charts import Unit
from engine.learners.kind import Finding
from engine.learners.kinds import kind_of, spec_from_dict
from engine.learners.metrics import MetricLog
from engine.learners.specs import Spec
from engine.runs.run import Run
from engine.storage.records import RunRecord, Status
from tui_lab.glyphs import Glyphs
from tui_lab.marks import progress_bar, status_mark
from tui_lab.text import count, figure, percent, seconds
from tui_lab.views import Curve

BAR = 10
COUNTERS = {"env_steps": "environment steps"}
"""Counters whose names are not words; every other one says what it counts."""
COUNTED: dict[Unit, str] = {
    "episode": "episodes",
    "environment step": "env_steps",
    "gradient step": "gradient_steps",
    "epoch": "epochs",
}
"""What each axis counts, by the counters' names."""
UNITS = ("episodes", "epochs")
"""Counters that the row itself tells."""


class RunRow:
    """Knows the newest run like `new_spec` and how to tell of it; starts and changes nothing but that run."""

    def __init__(self, lab: Laboratory, preset: str, new_spec: Spec) -> None:
        self.preset = preset
        self.new_spec = new_spec
        """What a new run of this row is started with."""
        self.kind = kind_of(new_spec)
        self._lab = lab
        self.record: RunRecord | None = None
        self.spec = new_spec
        """What the run was started with, else what a new one would be."""

    @classmethod
    def of(cls, lab: Laboratory, record: RunRecord) -> RunRow:
        """One run, whatever it was started with.

        Raises:
            ConfigError: its kind of learner is not known here, or what is kept of its settings is damaged.
        """
        row = cls(lab, record.title, spec_from_dict(record.kind, record.spec))
        row._take(record)
        return row

    def look_up(self) -> None:
        """Find the newest run."""
        self._take(self._lab.latest(self.new_spec))

    def launch(self, seed: int | None = None) -> Run:
        """Start a new run of the preset."""
        spec = self.new_spec if seed is None else self.new_spec.with_seed(seed)
        run = self._lab.start(spec, preset=self.preset)
        self._take(run.record)
        return run

    def _take(self, record: RunRecord | None) -> None:
        self.record = record
        self.spec = self.new_spec if record is None else spec_from_dict(record.kind, record.spec)

    @property
    def run(self) -> Run | None:
        """The run, while this process works on it; once it is over the record speaks."""
        run = None if self.record is None else self._lab.runs.get(self.record.id)
        return run if run is not None and run.status.live else None

    @property
    def status(self) -> Status | None:
        """None where the preset was never trained. A run that was asked to pause counts as paused at once."""
        run = self.run
        if run is not None:
            return Status.PAUSED if run.pausing else run.status
        return None if self.record is None else Status(self.record.status)

    @property
    def live(self) -> bool:
        return self.status is not None and self.status.live

    @property
    def elsewhere(self) -> bool:
        """Whether another process works on the run."""
        return self.live and self.run is None

    @property
    def log(self) -> MetricLog | None:
        """The run's metrics: this process's log, or what was saved, which may be empty until it is read."""
        return None if self.record is None else self._lab.log(self.record)

    def curve(self, color: int) -> Curve | None:
        """The run as a chart sees it."""
        return None if self.log is None else Curve(self.preset, color, self.spec, self.log, forked=self.forked)

    @property
    def forked(self) -> dict[Unit, float]:
        """Where the run branched off another one, along each axis; empty where it is no fork."""
        counters = {} if self.record is None else self.record.forked_at
        return {unit: counters[name] for unit, name in COUNTED.items() if name in counters}

    def findings(self) -> list[Finding]:
        return [] if self.log is None else self.kind.findings(self.spec, self.log)

    # --- in words

    def line(self, glyphs: Glyphs) -> Content:
        """The row itself: mark, name, progress, the figures that matter."""
        mark = status_mark(self.status, glyphs)
        if self.record is None:
            what = f"not trained yet, {count(self.kind.parameters(self.spec.config))} parameters"
            return Content.assemble(mark, f" {self.preset:<10} ", (what, "$muted"))
        progress = self.record.progress if self.run is None else self.run.progress
        bar = progress_bar(progress, BAR, glyphs)
        return Content.assemble(mark, f" {self.preset:<10} ", bar, f" {percent(progress)}  ", self._figures())

    @property
    def _counters(self) -> dict[str, int]:
        if self.run is not None:
            return self.run.counters
        return {} if self.record is None else self.record.counters

    def _figures(self) -> str:
        if self.status == Status.QUEUED:
            return "queued"
        standing = () if self.log is None else self.kind.standing(self.spec, self.log, self._counters)
        return ", ".join(map(figure, standing)) or "at its start"

    def details(self) -> list[str]:
        """Everything else worth knowing of the run, in short pieces; none where there is no run."""
        record, run, status = self.record, self.run, self.status
        if record is None or status is None:
            return []
        words = [f"run {record.id}", str(status), f"seed {record.seed}"]
        for name, steps in self._counters.items():
            if name not in UNITS:
                words.append(f"{count(steps)} {COUNTERS.get(name, name.replace('_', ' '))}")
        words.append(seconds(record.seconds if run is None else run.seconds))
        best = () if self.log is None else self.kind.best(self.spec, self.log)
        words += [", ".join(map(figure, best))] if best else []
        if status == Status.QUEUED:
            words.append("begins when another run ends or is paused")
        if self.elsewhere:
            words.append("in another dqn-lab")
        state_hash = record.state_hash if run is None else run.state_hash
        if state_hash and not status.live:
            words.append(f"state {state_hash[:8]}")
        if status in (Status.STOPPED, Status.INTERRUPTED):
            words.append("r goes on with it")
        return words

    @property
    def error(self) -> str | None:
        """Why the run failed."""
        return None if self.record is None else self.record.message
