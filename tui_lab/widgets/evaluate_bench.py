"""The bench that evaluates agents greedily, and shows the histogram of their returns as episodes end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from engine.jobs import Job, Status
from engine.store import LATEST, EvaluationRecord
from tui_lab.lesson import Evaluate as EvaluateBlock
from tui_lab.plotting import Picture, Series, nice_ceiling
from tui_lab.text import agent_title, count, percent, progress_bar, returns_summary, status_mark
from tui_lab.widgets.bench import Bench
from tui_lab.widgets.chart import Chart
from tui_lab.widgets.rows import RowList

if TYPE_CHECKING:
    from engine.evaluation import Evaluator

BINS = 25
LONGEST = 500


@dataclass(slots=True)
class _Row:
    agent: str
    job: Job[Evaluator] | None = None
    kept: EvaluationRecord | None = None
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
        self._drawn: object = None

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield RowList()
        yield Static(classes="bench-line", id="details")
        yield Static(classes="bench-legend", id="legend")
        yield Chart(self.glyphs)

    def on_mount(self) -> None:
        self.find_runs()

    def find_runs(self) -> None:
        """Look up kept results."""
        for row in self._rows:
            self._look_up(row)
        self.update_view()

    def _look_up(self, row: _Row) -> None:
        block = self.evaluate_block
        row.known = not row.agent.startswith(LATEST) or self.lab.store.run_of(row.agent) is not None
        row.kept = self.lab.kept_evaluation(row.agent, block.episodes, block.seed)

    def on_option_list_option_highlighted(self) -> None:
        self.update_view()

    def on_resize(self) -> None:
        self._drawn = None
        self.call_after_refresh(self.update_view)

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
        if not self.is_mounted or self.size.width == 0:
            return
        for row in self._rows:
            if row.job is not None and row.job.status in (Status.FINISHED, Status.STOPPED):
                # From here on the kept result speaks: it knows which run a name like `latest:bad` meant.
                row.job = None
                self._look_up(row)
        self.query_one(RowList).show([self._row_text(row) for row in self._rows])
        row = self._rows[self.query_one(RowList).chosen]
        returns, ended = self._returns(row)
        error = row.job.error if row.job is not None and row.job.status == Status.FAILED else None
        details = error or f"{count(self.evaluate_block.episodes)} greedy episodes, seed {self.evaluate_block.seed}"
        style = "$error" if error else "$muted"
        self.query_one("#details", Static).update(Content.styled(details, style))
        state = (row.agent, ended, len(returns), self.app.theme)
        if state != self._drawn:
            self._drawn = state
            title = f"{agent_title(row.agent)}: episodes by return"
            self.query_one("#legend", Static).update(Content.styled(title, "bold"))
            self.query_one(Chart).show(histogram(returns, self._rows.index(row)))

    def _returns(self, row: _Row) -> tuple[npt.NDArray[np.float64], int]:
        """The returns of episodes that are over, and how many those are."""
        if row.job is not None and row.job.work is not None:
            over = row.job.work.ended
            return row.job.work.returns[over], int(over.sum())
        if row.kept is not None:
            return row.kept.returns, len(row.kept.returns)
        return np.empty(0), 0

    def _row_text(self, row: _Row) -> Content:
        name = f" {agent_title(row.agent):<15.15} "
        if row.job is not None and row.job.status == Status.FAILED:
            return Content.assemble(status_mark(Status.FAILED, self.glyphs), name, "failed")
        if row.job is not None:
            bar = progress_bar(row.job.progress, 10, self.glyphs)
            mark = status_mark(row.job.status, self.glyphs)
            return Content.assemble(mark, name, bar, f" {percent(row.job.progress)}")
        if row.kept is not None:
            words = returns_summary(row.kept.returns, row.kept.perfect)
            return Content.assemble(status_mark(Status.FINISHED, self.glyphs), name, words)
        words = "not evaluated yet" if row.known else "train it first"
        return Content.assemble(status_mark(None, self.glyphs), name, (words, "$muted"))


def histogram(returns: npt.NDArray[np.float64], color: int) -> Picture:
    """Episodes counted in equal stretches of return from 0 to 500; nothing before there are any."""
    if not len(returns):
        return Picture()
    counts, edges = np.histogram(returns, bins=BINS, range=(0, LONGEST))
    middles = (edges[:-1] + edges[1:]) / 2
    bars = Series(tuple(middles.tolist()), tuple(float(c) for c in counts), color, "bars")
    top = nice_ceiling(max(10.0, float(counts.max(initial=0))))
    return Picture((bars,), (0, LONGEST), (0, top))
