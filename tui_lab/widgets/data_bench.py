"""The bench that generates the imitation data, keeps them as CSV, and lets one look at them."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from textual.app import ComposeResult
from textual.content import Content

from engine.learners.environment_facts import CARTPOLE, DESCRIPTIONS
from engine.runs.tasks import DataSetJob
from engine.storage.records import Status
from tui_lab.lesson import Data as DataBlock
from tui_lab.marks import progress_bar, status_mark
from tui_lab.plotting import Picture, Series, nice_ceiling
from tui_lab.text import count, counted, percent
from tui_lab.themes import css_color, series_color
from tui_lab.widgets.bench import Bench
from tui_lab.widgets.chart import Chart
from tui_lab.widgets.rows import RowList
from tui_lab.widgets.words import Words

ACTION_NAMES = DESCRIPTIONS[CARTPOLE].action_names
POINTS = 400
FIRST_ROWS = 3


class DataBench(Bench):
    """Train and test rows of a `data` block: how many, from how many episodes, how balanced, and where they lie."""

    HELP = (
        "r lets the agent act until both sets are collected, and writes them as CSV into the home folder. Up and down "
        "choose the set that the table and the chart show; each dot is a state, coloured by the action taken there."
    )
    ACTIONS: ClassVar[frozenset[str]] = frozenset({"start"})

    def __init__(self, block: DataBlock) -> None:
        super().__init__(block)
        self.data_block = block
        self._requests = {
            "train": (block.train_samples, block.train_seed),
            "test": (block.test_samples, block.test_seed),
        }
        self._jobs: dict[str, DataSetJob] = {}

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield RowList()
        yield Words(classes="bench-line", id="table")
        yield Words(classes="bench-legend", id="legend")
        yield Chart(self.glyphs)

    def on_mount(self) -> None:
        jobs = {side: self._new_job(side) for side in self._requests}
        if all(job.path.exists() for job in jobs.values()):
            self.start()
        self.update_view()

    def _new_job(self, side: str) -> DataSetJob:
        samples, seed = self._requests[side]
        return self.lab.data_set(self.data_block.agent, samples, seed)

    def start(self) -> None:
        if any(job.status.live for job in self._jobs.values()):
            return
        self._jobs = {side: self._new_job(side) for side in self._requests}
        for job in self._jobs.values():
            job.start()
        self._drawn = None
        self.update_view()

    def update_view(self) -> None:
        if not self.in_view:
            return
        rows = self.query_one(RowList)
        rows.show([self._row_text(side) for side in self._requests])
        side = list(self._requests)[rows.chosen]
        job = self._jobs.get(side)
        state = (side, job.status if job else None, self.app.theme)
        if state != self._drawn:
            self._drawn = state
            self._show(job)

    def _show(self, job: DataSetJob | None) -> None:
        table, legend = self.query_one("#table", Words), self.query_one("#legend", Words)
        if job is None or job.samples is None:
            problem = job.error if job is not None else None
            words = problem or "r lets the agent act until the rows are collected."
            table.show(Content.styled(words, "$error" if problem else "$muted"))
            legend.show("")
            self.query_one(Chart).show(Picture())
            return
        samples = job.samples
        lines = ["     s1       s2       s3       s4   action"]
        lines += [
            "  ".join(f"{value:+.4f}" for value in state) + f"   {action:>4}"
            for state, action in zip(samples.states[:FIRST_ROWS], samples.actions[:FIRST_ROWS], strict=True)
        ]
        lines += [
            "  ".join(f"{value:+.4f}" for value in edge) + f"   {name}"
            for name, edge in (("lowest", samples.states.min(0)), ("highest", samples.states.max(0)))
        ]
        lines.append(f"... {count(len(samples))} rows in {job.path.parent.name}/{job.path.name}")
        table.show(Content.styled("\n".join(lines), "$muted"))
        dark = self.app.current_theme.dark
        left, right = (css_color(series_color(i, dark=dark)) for i in (0, 1))
        mark = self.glyphs.full * 2
        legend.show(
            Content.assemble(
                ("angle s3 across, angular velocity s4 up", "bold"),
                (f"  {mark} ", left),
                ACTION_NAMES[0],
                (f"  {mark} ", right),
                ACTION_NAMES[1],
            )
        )
        self.query_one(Chart).show(_scatter(samples.states, samples.actions))

    def _row_text(self, side: str) -> Content:
        samples, seed = self._requests[side]
        job = self._jobs.get(side)
        name = f" {side:<6} "
        if job is None or job.status == Status.FAILED:
            status = None if job is None else job.status
            what = f"{counted(samples, 'row')} from seed {seed}, not generated yet"
            return Content.assemble(status_mark(status, self.glyphs), name, (what, "$muted"))
        if job.samples is None:
            bar = progress_bar(job.progress, 10, self.glyphs)
            return Content.assemble(status_mark(job.status, self.glyphs), name, bar, f" {percent(job.progress)}")
        balance = ", ".join(f"{n} {name}" for n, name in zip(job.samples.balance(), ACTION_NAMES, strict=True))
        words = f"{counted(samples, 'row')}, {counted(job.samples.episodes, 'episode')}, seed {seed}: {balance}"
        return Content.assemble(status_mark(job.status, self.glyphs), name, words)


def _scatter(states: np.ndarray, actions: np.ndarray) -> Picture:
    """Angle against angular velocity, one series an action, at most `POINTS` points in all."""
    step = max(1, len(states) // POINTS)
    states, actions = states[::step].astype(float), actions[::step]
    reach = [nice_ceiling(float(np.abs(states[:, column]).max())) for column in (2, 3)]
    series = [
        Series(tuple(states[actions == a, 2].tolist()), tuple(states[actions == a, 3].tolist()), a, "points")
        for a in (0, 1)
    ]
    return Picture(tuple(series), (-reach[0], reach[0]), (-reach[1], reach[1]))
