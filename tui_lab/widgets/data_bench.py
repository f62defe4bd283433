"""The bench that generates the imitation data, keeps them as CSV, and lets one look at them."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from textual.app import ComposeResult
from textual.content import Content

from engine.learners.environment_facts import CARTPOLE, DESCRIPTIONS
from engine.learners.samples import Samples
from engine.runs.tasks import DataSetJob
from engine.storage.records import Status
from tui_lab.lesson import Data as DataBlock
from tui_lab.marks import progress_bar, status_mark
from tui_lab.pictures import heat_map, scatter
from tui_lab.plotting import Picture, nice_ceiling
from tui_lab.text import count, counted, percent
from tui_lab.themes import css_color, series_color
from tui_lab.widgets.bench import Bench
from tui_lab.widgets.chart import Chart
from tui_lab.widgets.rows import RowList
from tui_lab.widgets.words import Words

ACTION_NAMES = DESCRIPTIONS[CARTPOLE].action_names
POINTS = 400
FIRST_ROWS = 3
AXES = "angle s3 across, angular velocity s4 up"


class DataBench(Bench):
    """Train and test rows of a `data` block: how many, from how many episodes, how balanced, and where they lie."""

    HELP = (
        "r lets the agent act until both sets are collected, and writes them as CSV into the home folder. Up and down "
        "choose the set that the table and the chart show; each point is a state, its shape and colour the "
        "action taken there. c shows how many states lie where."
    )
    ACTIONS: ClassVar[frozenset[str]] = frozenset({"start", "next_chart"})

    def __init__(self, block: DataBlock) -> None:
        super().__init__(block)
        self.data_block = block
        self._requests = {
            "train": (block.train_samples, block.train_seed),
            "test": (block.test_samples, block.test_seed),
        }
        self._jobs: dict[str, DataSetJob] = {}
        self._as_heat = False

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

    def next_chart(self) -> None:
        self._as_heat = not self._as_heat
        self.draw_again()

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
        self._show_chart(samples)

    def _show_chart(self, samples: Samples) -> None:
        """The states as points, or how many lie where; the file that is saved has all of them."""
        legend, chart = self.query_one("#legend", Words), self.query_one(Chart)
        dark, glyphs = self.app.current_theme.dark, self.glyphs

        def table() -> list[tuple[object, ...]]:
            rows = zip(samples.states[:, 2].tolist(), samples.states[:, 3].tolist(), samples.actions, strict=True)
            return [("s3", "s4", "action"), *((angle, speed, ACTION_NAMES[action]) for angle, speed, action in rows)]

        if self._as_heat:
            angles, speeds = samples.states[:, 2].astype(float), samples.states[:, 3].astype(float)
            across, up = (_reach(samples.states, column) for column in (2, 3))
            shown, most = heat_map(angles, speeds, across, up, "share of the fullest")
            words = f"  {glyphs.shades[1]} few  {glyphs.shades[-1]} most: {counted(most, 'row')}"
            legend.show(Content.assemble((f"{AXES}: how many rows", "bold"), words))
            chart.show(shown, f"{AXES}, how many rows", table)
            return
        names = [
            Content.assemble((f"  {glyphs.points[index]} ", css_color(series_color(index, dark=dark))), name)
            for index, name in enumerate(ACTION_NAMES)
        ]
        legend.show(Content.assemble((AXES, "bold"), *names))
        chart.show(_scatter(samples.states, samples.actions), AXES, table)

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
    limits = [_reach(states[::step], column) for column in (2, 3)]
    states, actions = states[::step].astype(float), actions[::step]
    groups = {name: (states[actions == a, 2], states[actions == a, 3]) for a, name in enumerate(ACTION_NAMES)}
    return scatter(groups, *limits)


def _reach(states: np.ndarray, column: int) -> tuple[float, float]:
    """Round limits on both sides of zero."""
    reach = nice_ceiling(float(np.abs(states[:, column]).max()))
    return -reach, reach
