"""The bench that evaluates agents greedily, and shows the histogram of their returns as episodes end."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from textual.app import ComposeResult
from textual.content import Content

from engine.learners.environment_facts import CARTPOLE, kept_facts
from engine.runs.tasks import EvaluationJob
from engine.storage.names import LATEST, run_of
from engine.storage.records import EvaluationRecord, Status
from tui_lab.lesson import Evaluate as EvaluateBlock
from tui_lab.marks import progress_bar, status_mark
from tui_lab.measured import seeds_of, strip
from tui_lab.pictures import histogram
from tui_lab.text import agent_title, count, percent, returns_summary
from tui_lab.widgets.bench import Bench
from tui_lab.widgets.chart import Chart
from tui_lab.widgets.rows import RowList
from tui_lab.widgets.words import Words

Values = npt.NDArray[np.float64]


@dataclass(slots=True)
class _Row:
    agent: str
    job: EvaluationJob | None = None
    kept: EvaluationRecord | None = None
    returns: Values | None = None
    """Those of the kept evaluation, once they were wanted."""
    known: bool = False
    """Whether there is such an agent yet; asked of the store when a run ends, not on every redraw."""


class EvaluateBench(Bench):
    """Evaluates the agents of an `evaluate` block. Results are kept, so they are there the next day."""

    HELP = (
        "Each row is an agent. r evaluates the chosen one, a all of them: greedy episodes, all from starts that the "
        "seed fixes, so the same agent gives the same returns every time. The chart counts episodes by return. x stops."
    )
    ACTIONS: ClassVar[frozenset[str]] = frozenset({"start", "start_all", "stop"})

    def __init__(self, block: EvaluateBlock) -> None:
        super().__init__(block)
        self.evaluate_block = block
        self._rows = [_Row(agent) for agent in block.agents]

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield RowList()
        yield Words(classes="bench-line", id="details")
        yield Words(classes="bench-legend", id="legend")
        yield Chart(self.glyphs)

    def find_runs(self) -> None:
        """Look up kept results."""
        for row in self._rows:
            self._look_up(row)
        self.update_view()

    def _look_up(self, row: _Row) -> None:
        block = self.evaluate_block
        row.known = not row.agent.startswith(LATEST) or run_of(self.lab.store, row.agent) is not None
        kept = self.lab.kept_evaluation(row.agent, block.episodes, block.seed)
        if kept != row.kept:
            row.kept, row.returns = kept, None

    def can(self, action: str) -> bool:
        return super().can(action) and (action != "start_all" or len(self._rows) > 1)

    def start(self) -> None:
        self._start_row(self._rows[self.query_one(RowList).chosen])

    def start_all(self) -> None:
        for row in self._rows:
            if row.known and not (row.job is not None and row.job.status.live):
                self._start_row(row)

    def _start_row(self, row: _Row) -> None:
        if row.job is not None and row.job.status.live:
            self.notify(f"{agent_title(row.agent)} is being evaluated already.")
            return
        if not row.known:
            preset = row.agent.removeprefix(LATEST)
            self.notify(f"There is no finished {preset} run yet; train one first.", severity="warning")
            return
        block = self.evaluate_block
        row.job = self.lab.evaluation(row.agent, block.episodes, block.seed)
        row.job.start()
        self.update_view()

    def stop(self) -> None:
        for row in self._rows:
            if row.job is not None:
                row.job.stop()

    def on_unmount(self) -> None:
        """An evaluation takes seconds and is not worth keeping half done."""
        self.stop()

    def update_view(self) -> None:
        if not self.in_view:
            return
        for row in self._rows:
            if row.job is not None and row.job.status in (Status.FINISHED, Status.STOPPED):
                # From here on the kept result speaks: it knows which run a name like `latest:bad` meant.
                row.job = None
                self.context.attempt(partial(self._look_up, row), None)
        self.query_one(RowList).show([self._row_text(row) for row in self._rows])
        row = self._rows[self.query_one(RowList).chosen]
        returns, environment = self.context.attempt(partial(self._returns, row), (np.empty(0), CARTPOLE))
        error = row.job.error if row.job is not None and row.job.status == Status.FAILED else None
        details = error or f"{count(self.evaluate_block.episodes)} greedy episodes, seed {self.evaluate_block.seed}"
        told = Content.styled(details, "$error" if error else "$muted")
        if error is None and (others := self._among_others(row)) is not None:
            told = Content("\n").join([told, *others])
        self.query_one("#details", Words).show(told)
        state = (row.agent, row.kept, len(returns), self.app.theme)
        if state != self._drawn:
            self._drawn = state
            title = f"{agent_title(row.agent)}: episodes by return"
            self.query_one("#legend", Words).show(Content.styled(title, "bold"))
            span = kept_facts(environment).return_range
            shown = histogram(returns, span, self._rows.index(row))
            self.query_one(Chart).show(shown, title, lambda: [("episode", "return"), *enumerate(returns.tolist())])

    def _among_others(self, row: _Row) -> list[Content] | None:
        """Where the reader's own run lies among the preset's seeds that come with the lab; None where it is open."""
        seeds = seeds_of(row.agent.removeprefix(LATEST)) if row.agent.startswith(LATEST) else ()
        if row.kept is None or row.job is not None or not seeds:
            return None
        low, high = kept_facts(row.kept.environment).return_range
        if low is None or high is None:
            return None
        mark, mean = self.glyphs.running, row.kept.mean
        below = sum(seed < mean for seed in seeds)
        words = f"yours ({mark} {mean:.0f}) among {len(seeds)} seeds measured for the lesson: {below} are lower"
        return [strip(seeds, mean, (low, high), mark), Content.styled(words, "$muted")]

    def _returns(self, row: _Row) -> tuple[Values, str]:
        """The returns of episodes that are over, and the environment that they were played in."""
        work = None if row.job is None else row.job.work
        if work is not None:
            return work.returns[work.ended], work.environment
        if row.kept is None:
            return np.empty(0), CARTPOLE
        if row.returns is None:
            row.returns = self.lab.store.returns(row.kept.id)
        return row.returns, row.kept.environment

    def _row_text(self, row: _Row) -> Content:
        name = f" {agent_title(row.agent):<15.15} "
        if row.job is not None and row.job.status == Status.FAILED:
            return Content.assemble(status_mark(Status.FAILED, self.glyphs), name, "failed")
        if row.job is not None:
            bar = progress_bar(row.job.progress, 10, self.glyphs)
            mark = status_mark(row.job.status, self.glyphs)
            return Content.assemble(mark, name, bar, f" {percent(row.job.progress)}")
        if row.kept is not None:
            words = returns_summary(row.kept.figures(), kept_facts(row.kept.environment))
            return Content.assemble(status_mark(Status.FINISHED, self.glyphs), name, words)
        words = "not evaluated yet" if row.known else "train it first"
        return Content.assemble(status_mark(None, self.glyphs), name, (words, "$muted"))
