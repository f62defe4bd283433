"""One row of a run bench: a preset with its newest run, of this process, of another one, or of an earlier day."""

from __future__ import annotations

from textual.content import Content

from engine.config import Config, DQNConfig
from engine.diagnosis import Finding, diagnose
from engine.figures import cartpole_parameters, imitation_figures
from engine.jobs import Status
from engine.laboratory import Laboratory
from engine.metrics import MetricLog
from engine.runs import DQNSpec, Run, Spec, preset_spec, spec_from_dict
from engine.store import RunRecord
from tui_lab.glyphs import Glyphs
from tui_lab.text import accuracy, count, percent, progress_bar, seconds, status_mark
from tui_lab.views import RETURN_WINDOW, Curve

BAR = 10


class RunRow:
    """Knows the preset's newest run and how to tell of it; starts and changes nothing but that run."""

    def __init__(self, lab: Laboratory, preset: str, *, samples: int, episodes: int | None) -> None:
        self.preset = preset
        self.samples = samples
        self._lab = lab
        self._episodes = episodes
        self.record: RunRecord | None = None
        self.spec = self.spec_for()
        """What the run was started with, else what a new one would be."""
        self._saved_log: MetricLog | None = None

    def spec_for(self, seed: int | None = None) -> Spec:
        """What a new run of this row is started with."""
        return preset_spec(self.preset, seed=seed, samples=self.samples, episodes=self._episodes)

    def look_up(self) -> None:
        """Find the newest run."""
        self._take(self._lab.latest(self.preset, self.samples))

    def follow(self) -> None:
        """Look again at a run that another process works on."""
        if self.record is not None and self.elsewhere:
            self._take(self._lab.look_again(self.record))

    def launch(self, seed: int | None = None) -> Run:
        """Start a new run of the preset."""
        run = self._lab.start(self.spec_for(seed), preset=self.preset)
        self._take(run.record)
        return run

    def _take(self, record: RunRecord | None) -> None:
        if (
            record is None
            or self.record is None
            or (record.id, record.updated) != (self.record.id, self.record.updated)
        ):
            self._saved_log = None
        self.record = record
        self.spec = self.spec_for() if record is None else spec_from_dict(record.kind, record.spec)

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
        """The run's metrics: this process's log, or what was saved."""
        if self.record is None:
            return None
        if self.record.id in self._lab.runs:
            return self._lab.runs[self.record.id].log
        if self._saved_log is None:
            self._saved_log = self._lab.store.load_metrics(self.record.id)
        return self._saved_log

    @property
    def _config(self) -> Config:
        return self.spec.config

    def curve(self, color: int) -> Curve | None:
        """The run as a chart sees it."""
        return None if self.log is None else Curve(self.preset, color, self.spec, self.log)

    def findings(self) -> list[Finding]:
        return [] if self.log is None else diagnose(self._config, self.log)

    # --- in words

    def line(self, glyphs: Glyphs) -> Content:
        """The row itself: mark, name, progress, the figures that matter."""
        mark = status_mark(self.status, glyphs)
        if self.record is None:
            what = f"not trained yet, {count(cartpole_parameters(self._config))} parameters"
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
        log = self.log
        if log is None:
            return ""
        if isinstance(self.spec, DQNSpec):
            _, returns = log.read("return", max(0, log.length("return") - RETURN_WINDOW))
            mean = f"mean return {returns.mean():.0f}" if len(returns) else "first episode"
            return f"episode {self._counters.get('episodes', 0)}, {mean}"
        test, train = log.last("test_accuracy"), log.last("train_accuracy")
        if test is None or train is None:
            return "first epoch"
        if self.status == Status.FINISHED:
            return f"train {accuracy(train)}, test {accuracy(test)}"
        return f"epoch {self._counters.get('epochs', 0)}, test {accuracy(test)}"

    def details(self) -> list[str]:
        """Everything else worth knowing of the run, in short pieces; none where there is no run."""
        record, run, status = self.record, self.run, self.status
        if record is None or status is None:
            return []
        words = [f"run {record.id}", str(status), f"seed {record.seed}"]
        for name, unit in (("env_steps", "environment steps"), ("gradient_steps", "gradient steps")):
            if name in self._counters:
                words.append(f"{count(self._counters[name])} {unit}")
        words.append(seconds(record.seconds if run is None else run.seconds))
        words += self._best()
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

    def _best(self) -> list[str]:
        """The run's best moment: the kept network of a DQN run, the best epoch of an imitation run."""
        log, config = self.log, self._config
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
