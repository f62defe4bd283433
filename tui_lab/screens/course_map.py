"""The course map: the lessons with their state, what is running, and the last results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import OptionList, Static

from engine.learners.environment_facts import kept_facts
from engine.learners.kind import Figure
from engine.learners.kinds import kind_of, kinds, spec_from_dict
from engine.storage.records import LIVE, EvaluationRecord, LessonProgress, RunRecord, Status
from engine.storage.store import Store
from tui_lab.lesson import Lesson, Predict, Quiz
from tui_lab.marks import progress_bar, small_curve, status_mark
from tui_lab.screens.lab_screen import LabScreen
from tui_lab.text import agent_title, figure, percent, returns_summary
from tui_lab.widgets.key_line import KeyLine
from tui_lab.widgets.rows import RowList
from tui_lab.widgets.top_bar import TopBar
from tui_lab.widgets.words import Words

MOST_RUNS = 6
MOST_RESULTS = 4
MOST_FINDINGS = 4
CURVE_CELLS = 24


class Lessons(RowList):
    """The course's lessons; enter opens one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Open", tooltip="Open the chosen lesson", id="map.open"),
    ]
    HELP = "Up and down choose a lesson, enter opens it. The mark shows whether it is new, begun or read to its end."


class CourseMap(LabScreen[None]):
    """Where the lab opens."""

    def __init__(self) -> None:
        super().__init__()
        self._records: list[RunRecord] = []
        self._outcomes: dict[str, Figure | None] = {}
        self._results: list[Content] = []
        self._next = Content("")

    def compose(self) -> ComposeResult:
        yield TopBar("deep Q-learning, hands on")
        with Horizontal(id="map-body"):
            with Vertical(id="map-lessons"):
                yield Static("Lessons", classes="heading")
                yield Lessons()
                yield Words(id="summary")
                yield Static("Where to go on", classes="heading more")
                yield Words(id="next", classes="more")
            with Vertical(id="map-side"):
                yield Static("Runs", classes="heading")
                yield Words(id="runs")
                yield Static("What they showed", classes="heading more")
                yield Words(id="found", classes="more")
                yield Static("Last results", classes="heading")
                yield Words(id="results")
        yield KeyLine()

    def on_mount(self) -> None:
        self.runs_changed()
        lessons = self.query_one(Lessons)
        lessons.highlighted = self.context.attempt(self._where_left_off, 0)
        lessons.focus()

    def _where_left_off(self) -> int:
        """Start where the reader left off: the lesson read last, or the one after it where that is done."""
        progress = self.context.lab.store.lesson_progress()
        slugs = [lesson.slug for lesson in self.context.course]
        read = [row for row in progress.values() if row.lesson in slugs]
        if not read:
            return 0
        last = max(read, key=lambda row: row.updated)
        return min(slugs.index(last.lesson) + (last.state == "done"), len(slugs) - 1)

    def runs_changed(self) -> None:
        """Bring everything up to date from the store; what cannot be read just now stays as it was."""
        self.context.attempt(self._look_up, None)
        self._show_side()

    def on_resize(self) -> None:
        # What there is room for follows the size.
        self.call_after_refresh(self._show_side)

    def beat(self) -> None:
        super().beat()
        self._show_side()

    def _look_up(self) -> None:
        store = self.context.lab.store
        self._show_lessons(store.lesson_progress())
        newest = [*store.runs(statuses=LIVE, limit=MOST_RUNS), *store.runs(limit=MOST_RUNS)]
        self._records = list({record.id: record for record in newest}.values())[:MOST_RUNS]
        finished = [record for record in self._records if record.status == Status.FINISHED]
        self._outcomes = {record.id: self.context.lab.outcome(record) for record in finished}
        self._results = [_result(kept) for kept in store.evaluations(limit=MOST_RESULTS)]
        self._next = self._where_to_go_on(store)

    def _where_to_go_on(self, store: Store) -> Content:
        """The lesson to open next, how far it is read, and the first of its questions that is open."""
        lesson = self.context.course[self._where_left_off()]
        progress = store.lesson_progress().get(lesson.slug)
        share = "not begun" if progress is None else f"{percent(progress.position).strip()} read"
        lines = [Content.assemble((f"{lesson.section} {lesson.title}", "bold"), (f", {share}", "$muted"))]
        answered = {*store.predictions(), *store.answers()}
        questions = [part for part in lesson.parts if isinstance(part, Predict | Quiz)]
        asked = next((question for question in questions if question.id not in answered), None)
        if asked is not None:
            lines.append(Content.assemble(("asked there: ", "$muted"), asked.question))
        return Content("\n").join(lines)

    def _show_lessons(self, progress: Mapping[str, LessonProgress]) -> None:
        glyphs = self.context.glyphs
        marks = {None: (glyphs.new, "$muted"), "open": (glyphs.open, "$accent"), "done": (glyphs.done, "$success")}
        rows = []
        for lesson in self.context.course:
            state = progress[lesson.slug].state if lesson.slug in progress else None
            rows.append(
                Content.assemble(
                    marks[state],
                    (f" {lesson.section:<4}", "$muted"),
                    f"{lesson.title:<40.40}",
                    (f"{lesson.minutes:>4} min", "$muted"),
                )
            )
        self.query_one(Lessons).show(rows)

    def _show_side(self) -> None:
        live = {run.id for run in self.context.lab.live_runs}
        records = sorted(self._records, key=lambda record: record.id not in live)
        lines = [self._run_line(record) for record in records[:MOST_RUNS]]
        nothing = Content.styled("None yet. Lesson 2.2 trains the first ones.", "$muted")
        self.query_one("#runs", Words).show(Content("\n").join(lines or [nothing]))
        self.query_one("#next", Words).show(self._next)
        if self.has_class("-wide"):
            self._show_findings(records)
        nothing = Content.styled("Evaluations appear here.", "$muted")
        self.query_one("#results", Words).show(Content("\n").join(self._results or [nothing]))

    def _show_findings(self, records: Sequence[RunRecord]) -> None:
        """What the newest runs show, in their own figures."""
        found: list[Content] = []
        for record in records:
            if record.kind in kinds():
                spec, log = spec_from_dict(record.kind, record.spec), self.context.lab.log(record)
                name = f"{record.title} {record.id}  "
                found += [Content.assemble((name, "$muted"), one.text) for one in kind_of(spec).findings(spec, log)[:1]]
        nothing = Content.styled("Findings of your runs appear here: collapse, overestimation, overfitting.", "$muted")
        self.query_one("#found", Words).show(Content("\n").join(found[:MOST_FINDINGS] or [nothing]))

    def _curve(self, record: RunRecord) -> Content:
        """The run's headline along the run, on one scale with the others of its kind."""
        if record.kind not in kinds() or not self.has_class("-wide"):
            return Content("")
        headline = kinds()[record.kind].headline
        if headline is None:
            return Content("")
        logs = {other.id: self.context.lab.log(other) for other in self._records if other.kind == record.kind}
        curves = {run: log.view(headline.series, CURVE_CELLS, headline.window)[1] for run, log in logs.items()}
        finite = {run: values[np.isfinite(values)] for run, values in curves.items()}
        highest = max((float(values.max()) for values in finite.values() if len(values)), default=0.0)
        drawn = small_curve(finite[record.id].tolist(), highest, CURVE_CELLS, self.context.glyphs)
        return Content.styled(f"{drawn:<{CURVE_CELLS}}  ", "$primary")

    def _run_line(self, record: RunRecord) -> Content:
        glyphs = self.context.glyphs
        run = next((run for run in self.context.lab.live_runs if run.id == record.id), None)
        status = Status(record.status) if run is None else run.status
        progress = record.progress if run is None else run.progress
        mark = status_mark(status, glyphs)
        name = f" {record.title:<11.11} {record.id} "
        if status == Status.FINISHED:
            outcome = self._outcomes.get(record.id)
            words = "" if outcome is None else figure(outcome)
            return Content.assemble(mark, name, self._curve(record), (words, "$muted"))
        bar = progress_bar(progress, 8, glyphs)
        return Content.assemble(mark, name, self._curve(record), bar, f" {percent(progress)} ", (str(status), "$muted"))

    def _lesson(self) -> Lesson:
        return self.context.course[self.query_one(Lessons).chosen]

    def on_option_list_option_highlighted(self) -> None:
        lesson = self._lesson()
        self.query_one("#summary", Words).show(Content.styled(lesson.summary, "$muted"))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.context.open_lesson(self._lesson())


def _result(kept: EvaluationRecord) -> Content:
    """An evaluation in a line."""
    words = returns_summary(kept.figures(), kept_facts(kept.environment))
    return Content.assemble(f"{agent_title(kept.agent):<14.14} ", (words, "$muted"))
