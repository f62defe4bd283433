"""The bench that searches for settings: trials as they arrive, what mattered, and the winner on fresh seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content

from engine.learners.kinds import kind_of
from engine.runs.search_job import Findings, Part, Request, SearchJob
from engine.runs.study_records import TrialRecord
from engine.storage.records import Status
from tui_lab.lesson import Tune as TuneBlock
from tui_lab.marks import progress_bar, status_mark
from tui_lab.plotting import Picture, Series, nice_ceiling
from tui_lab.search_text import score_text, settings_text, slice_picture
from tui_lab.text import counted, percent
from tui_lab.themes import css_color, series_color
from tui_lab.widgets.bench import Bench
from tui_lab.widgets.chart import Chart
from tui_lab.widgets.rows import RowList
from tui_lab.widgets.words import Words

SEARCH, WINNER = range(2)
"""The two rows."""
SLICES = 3
"""Settings with a chart of their own, those that matter most."""
TOLD = 4
"""Settings of the best trial that are named, and bars of importance."""
BAR_CELLS = 20


class TuneBench(Bench):
    """A small search of a `tune` block. It is kept in the home folder, and goes on there another day."""

    HELP = (
        "r on the first row searches: each trial draws settings and trains them from several seeds, one after the "
        "other, and is pruned where its first seeds did worse than those of the other trials. r on the second row "
        "trains the winner again from seeds that the search never saw. c changes the chart, x stops; r goes on."
    )
    ACTIONS: ClassVar[frozenset[str]] = frozenset({"start", "stop", "next_chart"})

    DEFAULT_CSS = """
    TuneBench #importance { height: auto; padding: 0 1; }
    """

    def __init__(self, block: TuneBlock) -> None:
        super().__init__(block)
        self.request = Request(block.preset, block.minutes, block.seeds, block.check_seeds)
        self._spec = self.request.chosen.spec
        self._axes = self.request.plan().space.axes  # A file is read for them, which no redraw should do.
        score = kind_of(self._spec).score
        self._score_name = "mean return" if score is None else score.name
        self._job: SearchJob | None = None
        self._chart = 0

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield RowList()
        yield Words(classes="bench-line", id="details")
        yield Words(classes="bench-legend", id="legend")
        yield Chart(self.glyphs)
        yield Words(id="importance")

    def find_runs(self) -> None:
        self._job = self.lab.kept_search(self.request)
        self.update_view()

    # --- what the keys do

    @property
    def _findings(self) -> Findings:
        return Findings() if self._job is None else self._job.findings

    def _under_way(self) -> Part | None:
        job = self._job
        return job.part if job is not None and job.status.live and job.part != "look" else None

    @property
    def _used_up(self) -> bool:
        """Whether the search has had its time."""
        return self._findings.spent >= 60 * self.request.minutes

    def start(self) -> None:
        row, under_way = self.query_one(RowList).chosen, self._under_way()
        refusal = self._refusal(row)
        if under_way is not None:
            what = "The search is" if under_way == "search" else "The winner's training is"
            self.notify(f"{what} under way; x stops it.")
        elif refusal is not None:
            self.notify(refusal)
        else:
            self._job = self.lab.search(self.request, "search" if row == SEARCH else "check")
            self.update_view()

    def _refusal(self, row: int) -> str | None:
        """Why a row has nothing to start."""
        if row == SEARCH:
            used = f"The search has used its {counted(int(self.request.minutes), 'minute')}"
            return f"{used}; the next row trains its winner." if self._used_up else None
        if self._findings.best is None:
            return "There is no winner yet; search first."
        if len(self._findings.checked) >= self.request.check_seeds:
            return "The winner was trained from all its fresh seeds."
        return None

    def stop(self) -> None:
        if self._under_way() is not None and self._job is not None:
            self._job.stop()

    def next_chart(self) -> None:
        self._chart += 1
        self.update_view()

    # --- what is shown

    def update_view(self) -> None:
        if not self.in_view:
            return
        self.query_one(RowList).show([self._search_row(), self._winner_row()])
        found, row = self._findings, self.query_one(RowList).chosen
        error = self._job.error if self._job is not None and self._job.status == Status.FAILED else None
        state = (found, row, self._chart, error, self.app.theme)
        if state == self._drawn:
            return
        self._drawn = state
        words = error or (self._search_words() if row == SEARCH else self._winner_words())
        self.query_one("#details", Words).show(Content.styled(words, "$error" if error else "$muted"))
        self._show_chart(found)
        self.query_one("#importance", Words).show(self._importance(found.importance))

    def _mark(self, part: Part, status: Status | None) -> Content:
        """The mark of a row: that of its job while it is under way, or when it ended otherwise than well."""
        job = self._job
        if job is not None and job.part == part and job.status != Status.FINISHED:
            status = job.status
        return status_mark(status, self.glyphs)

    def _search_row(self) -> Content:
        found, live = self._findings, self._under_way() == "search"
        done = Status.FINISHED if self._used_up else Status.STOPPED if found.trials else None
        head = Content.assemble(self._mark("search", done), " search  ")
        ended = [trial for trial in found.trials if trial.state in ("complete", "pruned", "failed")]
        if not ended and not live:
            words = f"{counted(int(self.request.minutes), 'minute')}, {counted(self.request.seeds, 'seed')} a trial"
            return Content.assemble(head, (words, "$muted"))
        pruned = sum(trial.state == "pruned" for trial in ended)
        best = "" if found.best is None else f", best {score_text(self._spec, found.best.score or 0.0)}"
        words = f"{counted(len(ended), 'trial')}, {pruned} pruned{best}"
        return Content.assemble(head, self._bar() if live else "", words)

    def _winner_row(self) -> Content:
        found, live = self._findings, self._under_way() == "check"
        count, of = len(found.checked), self.request.check_seeds
        head = Content.assemble(self._mark("check", Status.FINISHED if count >= of else None), " winner  ")
        if found.best is None or (not count and not live):
            words = f"to be trained from {counted(of, 'fresh seed')}"
            return Content.assemble(head, (words, "$muted"))
        scores = [outcome.score for outcome in found.checked if outcome.score is not None]
        perfect = sum(outcome.success is True for outcome in found.checked)
        known = any(outcome.success is not None for outcome in found.checked)
        words = f"{count} of {counted(of, 'fresh seed')}"
        if scores:
            words += f": {score_text(self._spec, sum(scores) / len(scores))}"
        if known:
            words += f", {perfect} perfect"
        return Content.assemble(head, self._bar() if live else "", words)

    def _bar(self) -> Content:
        assert self._job is not None
        return Content.assemble(progress_bar(self._job.progress, 10, self.glyphs), f" {percent(self._job.progress)}  ")

    def _search_words(self) -> str:
        found = self._findings
        if found.best is None:
            return f"Around {self.request.preset}. r begins; the machine's cores train, and the screen stays free."
        names = list(found.importance or found.best.labels)[:TOLD]
        told = settings_text({name: found.best.labels[name] for name in names})
        return f"best, trial {found.best.number}: {told}{', ...' if len(found.best.labels) > TOLD else ''}"

    def _winner_words(self) -> str:
        found = self._findings
        if found.best is None or found.best.score is None:
            return "The winner of a search was chosen by its score, so luck is part of that. Fresh seeds tell how much."
        complete = sum(trial.state == "complete" for trial in found.trials)
        searched = score_text(self._spec, found.best.score)
        words = f"{searched} in the search, the highest of {counted(complete, 'complete trial')} on the seeds that"
        scores = [outcome.score for outcome in found.checked if outcome.score is not None]
        if len(found.checked) < self.request.check_seeds or not scores:
            return f"{words} chose it. How will fresh seeds do?"
        less = found.best.score - sum(scores) / len(scores)
        side = "lower" if less > 0 else "higher"
        return f"{words} chose it; expect what fresh seeds show, {score_text(self._spec, abs(less))} {side}."

    def _show_chart(self, found: Findings) -> None:
        names = list(found.importance or self._axes)[:SLICES]
        complete = [trial for trial in found.trials if trial.state == "complete" and trial.score is not None]
        index = self._chart % (1 + (len(names) if len(complete) > 1 else 0))
        legend, chart = self.query_one("#legend", Words), self.query_one(Chart)
        if index:
            name = names[index - 1]
            points = [(trial.labels[name], trial.score or 0.0) for trial in complete]
            title = f"{self._score_name} by {name}, complete trials"
            chart.show(slice_picture(self._axes[name], points), title, lambda: [(name, self._score_name), *points])
            legend.show(Content.styled(title, "bold"))
            return
        chart.show(trials_picture(found.trials), f"{self._score_name} by trial")
        dark, shapes = self.app.current_theme.dark, self.glyphs.points
        legend.show(
            Content.assemble(
                (f"{self._score_name} by trial", "bold"),
                (f"  {shapes[1]} ", css_color(series_color(0, dark=dark))),
                "complete",
                (f"  {shapes[0]} ", css_color(series_color(-1, dark=dark))),
                "pruned",
                (f"  {self.glyphs.full * 2} ", css_color(series_color(1, dark=dark))),
                "best so far",
            )
        )

    def _importance(self, shares: dict[str, float] | None) -> Content:
        if not shares:
            return Content("")
        told = list(shares.items())[:TOLD]
        widest, largest = max(len(name) for name, _ in told), max(share for _, share in told) or 1.0
        lines = [Content.styled("what mattered", "bold")]
        lines += [
            Content.assemble(
                f"{name:<{widest}} ", progress_bar(share / largest, BAR_CELLS, self.glyphs), f" {percent(share)}"
            )
            for name, share in told
        ]
        return Content("\n").join(lines)


def trials_picture(trials: Sequence[TrialRecord]) -> Picture:
    """Scores by the trials' numbers: pruned ones muted, and a line that is the best until then."""
    scored = [trial for trial in trials if trial.score is not None and trial.state in ("complete", "pruned")]
    if not scored:
        return Picture()
    complete = [trial for trial in scored if trial.state == "complete"]
    line: list[tuple[float, float]] = []
    for trial in complete:
        best = max(trial.score or 0.0, line[-1][1] if line else -float("inf"))
        line += [(float(trial.number), line[-1][1])] if line else []
        line.append((float(trial.number), best))
    pruned = [trial for trial in scored if trial.state == "pruned"]
    series = (
        _points(pruned, -1, "pruned"),
        Series(tuple(x for x, _ in line), tuple(y for _, y in line), 1, name="best so far"),
        _points(complete, 0, "complete"),
    )
    scores = [trial.score or 0.0 for trial in scored]
    low, high = min(0.0, *scores), nice_ceiling(max(scores))
    return Picture(series, (0, nice_ceiling(max(10.0, max(trial.number for trial in scored)))), (low, high))


def _points(trials: Sequence[TrialRecord], color: int, name: str) -> Series:
    numbers = tuple(float(trial.number) for trial in trials)
    return Series(numbers, tuple(trial.score or 0.0 for trial in trials), color, "points", name=name)
