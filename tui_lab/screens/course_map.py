"""The course map: the lessons with their state, what is running, and the last results."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, OptionList, Static

from engine.jobs import Status
from engine.store import RunRecord
from tui_lab.lesson import Lesson
from tui_lab.text import accuracy, agent_title, percent, progress_bar, returns_summary, status_mark
from tui_lab.views import RETURN_WINDOW
from tui_lab.widgets.rows import RowList
from tui_lab.widgets.top_bar import TopBar

if TYPE_CHECKING:
    from tui_lab.app import LabApp

MOST_RUNS = 6
MOST_RESULTS = 4
FOLLOW_SECONDS = 3.0


class Lessons(RowList):
    """The course's lessons; enter opens one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Open", tooltip="Open the chosen lesson", id="map.open"),
    ]
    HELP = "Up and down choose a lesson, enter opens it. The mark shows whether it is new, begun or read to its end."


class CourseMap(Screen[None]):
    """Where the lab opens."""

    def __init__(self) -> None:
        super().__init__()
        self._records: list[RunRecord] = []
        self._outcomes: dict[str, str] = {}
        self._results: list[Content] = []

    @property
    def lab_app(self) -> LabApp:
        return cast("LabApp", self.app)

    def compose(self) -> ComposeResult:
        yield TopBar("deep Q-learning, hands on")
        with Horizontal(id="map-body"):
            with Vertical(id="map-lessons"):
                yield Static("Lessons", classes="heading")
                yield Lessons()
                yield Static(id="summary")
            with Vertical(id="map-side"):
                yield Static("Runs", classes="heading")
                yield Static(id="runs")
                yield Static("Last results", classes="heading")
                yield Static(id="results")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.set_interval(1 / self.lab_app.pace.charts, self._tick)
        self.set_interval(FOLLOW_SECONDS, self._follow_others)
        self.refresh_map()
        lessons = self.query_one(Lessons)
        lessons.highlighted = self._where_left_off()
        lessons.focus()

    def on_screen_resume(self) -> None:
        self.refresh_map()

    def _where_left_off(self) -> int:
        """Start where the reader left off: the lesson read last, or the one after it where that is done."""
        progress = self.lab_app.lab.store.lesson_progress()
        slugs = [lesson.slug for lesson in self.lab_app.course]
        read = [row for row in progress.values() if row.lesson in slugs]
        if not read:
            return 0
        last = max(read, key=lambda row: row.updated)
        return min(slugs.index(last.lesson) + (last.state == "done"), len(slugs) - 1)

    def refresh_map(self) -> None:
        """Bring everything up to date from the store."""
        progress = self.lab_app.lab.store.lesson_progress()
        glyphs = self.lab_app.glyphs
        marks = {None: (glyphs.new, "$muted"), "open": (glyphs.open, "$accent"), "done": (glyphs.done, "$success")}
        rows = []
        for lesson in self.lab_app.course:
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
        self._records = self.lab_app.lab.store.runs()
        self._results = self._last_results()
        self._tick()

    def _tick(self) -> None:
        if not self.is_current:
            return
        live = {run.id for run in self.lab_app.lab.live_runs}
        records = sorted(self._records, key=lambda record: record.id not in live)
        lines = [self._run_line(record) for record in records[:MOST_RUNS]]
        nothing = Content.styled("None yet. Lesson 2.2 trains the first ones.", "$muted")
        self.query_one("#runs", Static).update(Content("\n").join(lines or [nothing]))
        nothing = Content.styled("Evaluations appear here.", "$muted")
        self.query_one("#results", Static).update(Content("\n").join(self._results or [nothing]))

    def _follow_others(self) -> None:
        """Look again at runs that another process works on."""
        lab = self.lab_app.lab
        own = {run.id for run in lab.live_runs}
        if self.is_current and any(Status(r.status).live and r.id not in own for r in self._records):
            for record in self._records:
                lab.look_again(record)
            self.refresh_map()

    def _run_line(self, record: RunRecord) -> Content:
        glyphs = self.lab_app.glyphs
        run = next((run for run in self.lab_app.lab.live_runs if run.id == record.id), None)
        status = Status(record.status) if run is None else run.status
        progress = record.progress if run is None else run.progress
        mark = status_mark(status, glyphs)
        name = f" {record.title:<11.11} {record.id} "
        if status == Status.FINISHED:
            return Content.assemble(mark, name, (self._outcome(record), "$muted"))
        bar = progress_bar(progress, 8, glyphs)
        return Content.assemble(mark, name, bar, f" {percent(progress)} ", (str(status), "$muted"))

    def _outcome(self, record: RunRecord) -> str:
        """One figure of a finished run, looked up once."""
        if record.id not in self._outcomes:
            self._outcomes[record.id] = self._look_up_outcome(record)
        return self._outcomes[record.id]

    def _look_up_outcome(self, record: RunRecord) -> str:
        store = self.lab_app.lab.store
        if record.kind == "imitation":
            last = store.last_metric(record.id, "test_accuracy")
            return "" if last is None else f"test accuracy {accuracy(last)}"
        kept = store.evaluations(run=record.id)
        if kept:
            return f"greedy {kept[0].returns.mean():.0f}"
        mean = store.last_return_mean(record.id, RETURN_WINDOW)
        return "" if mean is None else f"mean return {mean:.0f} at the end"

    def _last_results(self) -> list[Content]:
        lines = []
        for kept in self.lab_app.lab.store.evaluations()[:MOST_RESULTS]:
            name = f"{agent_title(kept.agent):<14.14} "
            lines.append(Content.assemble(name, (returns_summary(kept.returns, kept.perfect), "$muted")))
        return lines

    def _lesson(self) -> Lesson:
        return self.lab_app.course[self.query_one(Lessons).chosen]

    def on_option_list_option_highlighted(self) -> None:
        lesson = self._lesson()
        self.query_one("#summary", Static).update(Content.styled(lesson.summary, "$muted"))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.lab_app.open_lesson(self._lesson())
