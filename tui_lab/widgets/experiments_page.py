"""The page of experiments: what was expected, what came of it, and the runs laid over those of the preset."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList

from engine.analysis.experiments import SIDES, Experiment, Side
from engine.learners.kinds import kind_of
from engine.learners.metrics import MetricLog
from engine.runs.experiment_job import ExperimentJob
from engine.storage.records import RunRecord, Status
from tui_lab.context import Context, context
from tui_lab.experiment_text import (
    brief_changes_text,
    outcome_text,
    problems_text,
    question_text,
    seeds_text,
    verdict_text,
)
from tui_lab.marks import progress_bar, status_mark
from tui_lab.text import counted, percent
from tui_lab.views import Curve
from tui_lab.widgets.rows import RowList
from tui_lab.widgets.run_charts import RunCharts
from tui_lab.widgets.words import Words

NOTHING_YET = "There is no experiment yet. Change a setting; r then asks what you expect of it."


class Experiments(RowList):
    """One row an experiment, the newest first."""

    HELP = (
        "Each row is an experiment, with what came of it. r goes on with one that was stopped, x stops it, c shows the "
        "next chart. Enter takes its settings back to the list of settings. The interval is Student's over the "
        "seeds' differences (95 %), and wide for few of them. If it holds zero, no difference is shown, which does not "
        "prove that there is none: more seeds may show one."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Use", tooltip="Take its settings back to the list", id="experiments.use"),
        Binding("escape", "leave", "Settings", tooltip="Back to the settings", id="experiments.leave"),
    ]

    def action_leave(self) -> None:
        self.post_message(ExperimentsPage.Left())


class ExperimentsPage(Vertical):
    """Shows the experiments of a preset, or of all of them."""

    DEFAULT_CSS: ClassVar[str] = """
    ExperimentsPage Words { height: auto; padding: 0 1; }
    ExperimentsPage Experiments { max-height: 30%; }
    ExperimentsPage #asked, ExperimentsPage #seed-scores { color: $muted; }
    ExperimentsPage #troubles { color: $error; }
    """

    class Left(Message):
        """The reader goes back to the settings."""

    class Used(Message):
        def __init__(self, experiment: Experiment) -> None:
            super().__init__()
            self.experiment = experiment

    def __init__(self, preset: str | None, *, id: str) -> None:
        super().__init__(id=id)
        self._preset = preset
        self._kept: list[Experiment] = []
        self._could_stop = False
        self._runs: dict[tuple[str, int], tuple[RunRecord, MetricLog]] = {}
        self._runs_of = 0
        self._chart = 0
        self._drawn: object = None

    @property
    def context(self) -> Context:
        return context(self)

    def compose(self) -> ComposeResult:
        yield Experiments()
        yield Words(id="asked")
        yield Words(id="verdict")
        yield Words(id="seed-scores")
        yield Words(id="troubles")
        yield RunCharts(self.context.glyphs, places=1)

    def on_resize(self) -> None:
        self._drawn = None
        self.call_after_refresh(self.update_view)

    # --- what there is

    def find_runs(self) -> None:
        """Look up the experiments, and the runs of the chosen one."""
        self._kept = [one for one in self.context.lab.experiments() if self._preset in (None, one.preset)]
        self._find_logs()

    def _find_logs(self) -> None:
        chosen = self.chosen
        if chosen is None:
            return
        if self._runs_of != chosen.id:
            self._runs, self._runs_of = {}, chosen.id
        for side in SIDES:
            for seed in chosen.seeds:
                record, known = self._record(chosen, side, seed), self._runs.get((side, seed))
                if record is not None and (known is None or known[0] != record):
                    self._runs[side, seed] = record, self.context.lab.log(record)

    def _record(self, experiment: Experiment, side: Side, seed: int) -> RunRecord | None:
        """The run that a score is of; before there is one, the newest that could become it."""
        store, score = self.context.lab.store, experiment.score(side, seed)
        if score is not None:
            return store.find_run(score.run)
        return next(iter(store.runs(recipe=experiment.spec(side, seed).recipe, seed=seed, limit=1)), None)

    @property
    def chosen(self) -> Experiment | None:
        """The chosen experiment, as far as it came."""
        if not self._kept:
            return None
        kept = self._kept[min(self.query_one(Experiments).chosen, len(self._kept) - 1)]
        return self._now(kept)

    def _now(self, kept: Experiment) -> Experiment:
        job = self._job(kept)
        return kept if job is None else job.experiment

    def _job(self, experiment: Experiment) -> ExperimentJob | None:
        return self.context.lab.experiment_job(experiment.id)

    @property
    def under_way(self) -> bool:
        """Whether the chosen one is being seen through."""
        job = None if self.chosen is None else self._job(self.chosen)
        return job is not None and job.status.live

    def open(self, experiment: int) -> None:
        """Choose an experiment."""
        self.find_runs()
        rows = self.query_one(Experiments)
        self.update_view()
        rows.highlighted = next((i for i, one in enumerate(self._kept) if one.id == experiment), 0)
        self.focus_rows()

    def focus_rows(self) -> None:
        self.query_one(Experiments).focus()

    # --- what the keys do

    def start(self) -> None:
        """Go on with the chosen one."""
        chosen = self.chosen
        if chosen is None:
            self.notify(NOTHING_YET)
        elif chosen.complete:
            self.notify("All its runs are done. For another one change a setting; more seeds make it surer.")
        else:
            self.context.lab.continue_experiment(chosen)
            self.context.wake()
            self.update_view()

    def stop(self) -> None:
        job = None if self.chosen is None else self._job(self.chosen)
        if job is not None:
            job.stop()

    def next_chart(self) -> None:
        self._chart += 1
        self.update_view()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self.context.attempt(self._find_logs, None)
        self.update_view()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if self.chosen is not None:
            self.post_message(self.Used(self.chosen))

    # --- what is shown

    def update_view(self) -> None:
        if not self.is_mounted or self.size.width == 0:
            return
        self.query_one(Experiments).show([self._row(self._now(kept)) for kept in self._kept])
        chosen = self.chosen
        if chosen is None:
            self.query_one("#verdict", Words).show(NOTHING_YET)
            return
        if self._could_stop != self.under_way:
            self._could_stop = self.under_way
            self.screen.refresh_bindings()
        job = self._job(chosen)
        error = job.error if job is not None and job.error is not None else ""
        self.query_one("#asked", Words).show(question_text(chosen))
        self.query_one("#verdict", Words).show(self._verdict(chosen))
        self.query_one("#seed-scores", Words).show(seeds_text(chosen))
        troubles = " ".join(filter(None, (error, problems_text(chosen))))
        self.query_one("#troubles", Words).show(troubles)
        self.query_one("#troubles").display = bool(troubles)
        self._show_chart(chosen)

    def _row(self, experiment: Experiment) -> Content:
        job = self._job(experiment)
        live = job is not None and job.status.live
        done = Status.FINISHED if experiment.complete else Status.STOPPED
        status = job.status if job is not None and (live or job.status == Status.FAILED) else done
        head = Content.assemble(status_mark(status, self.context.glyphs), f" {experiment.preset:<10} ")
        if live and job is not None:
            bar = progress_bar(job.progress, 10, self.context.glyphs)
            head = Content.assemble(head, bar, f" {percent(job.progress)}  ")
        outcome = outcome_text(experiment)
        what = f"{brief_changes_text(experiment.changes)}, {counted(len(experiment.seeds), 'seed')}"
        return Content.assemble(head, (f"{outcome}  " if outcome else ""), (what, "$muted"))

    def _verdict(self, experiment: Experiment) -> Content:
        words = verdict_text(experiment)
        job = self._job(experiment)
        if not experiment.complete and (job is None or not job.status.live):
            words += " It was stopped; r goes on with it."
        return Content.styled(words, "bold")

    def _show_chart(self, chosen: Experiment) -> None:
        charts = kind_of(chosen.baseline).charts
        if not charts:
            return
        curves = [
            self._curve(chosen, side, seed) for side in SIDES for seed in chosen.seeds if (side, seed) in self._runs
        ]
        state = (self.app.theme, chosen.id, self._chart, [(curve.log, curve.log.version) for curve in curves])
        if state == self._drawn:
            return
        self._drawn = state
        self.query_one(RunCharts).show(charts, self._chart % len(charts), curves)

    def _curve(self, chosen: Experiment, side: Side, seed: int) -> Curve:
        """A run as the chart sees it: of each side the first seed in front, the others behind it."""
        name = chosen.preset if side == "baseline" else "yours"
        first = next(one for one in chosen.seeds if (side, one) in self._runs)
        label = name if seed == first else f"{name} seed {seed}"
        log = self._runs[side, seed][1]
        return Curve(label, SIDES.index(side), chosen.spec(side, seed), log, name, behind=seed != first)
