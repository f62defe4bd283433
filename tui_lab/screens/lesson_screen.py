"""A lesson: text beside a bench; on a narrow terminal one at a time, with one key to change over."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import ContentSwitcher

from engine.storage.records import LessonProgress
from engine.storage.store import Store
from tui_lab import lesson as blocks
from tui_lab.screens.lab_screen import LabScreen
from tui_lab.widgets.bench import Bench
from tui_lab.widgets.chart import Chart
from tui_lab.widgets.chart_bench import ChartBench
from tui_lab.widgets.data_bench import DataBench
from tui_lab.widgets.evaluate_bench import EvaluateBench
from tui_lab.widgets.key_line import KeyLine
from tui_lab.widgets.questions import Question
from tui_lab.widgets.reading import BenchPointer, Reading
from tui_lab.widgets.rows import RowList
from tui_lab.widgets.run_bench import RunBench
from tui_lab.widgets.settings_bench import SettingsBench
from tui_lab.widgets.top_bar import TopBar
from tui_lab.widgets.tune_bench import TuneBench
from tui_lab.widgets.watch_bench import WatchBench
from tui_lab.widgets.words import Words

DONE_AT = 0.98
SAVE_SECONDS = 5.0


def make_bench(block: blocks.Bench) -> Bench:
    """The widget for a bench block."""
    match block:
        case blocks.Run():
            return RunBench(block)
        case blocks.Chart():
            return ChartBench(block)
        case blocks.Watch():
            return WatchBench(block)
        case blocks.Evaluate():
            return EvaluateBench(block)
        case blocks.Data():
            return DataBench(block)
        case blocks.Tune():
            return TuneBench(block)
        case blocks.Settings():
            return SettingsBench(block, f"lesson {block.title}")


class LessonScreen(LabScreen[None]):
    """One lesson. Its runs belong to the laboratory, so they go on when the screen is left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "bench('start')", "Start", tooltip="Start what is chosen on the bench", id="bench.start"),
        Binding("a", "bench('start_all')", "All", tooltip="Start everything on the bench", id="bench.all"),
        Binding(
            "n", "bench('start_new')", "New seed", tooltip="Start anew with the next seed", id="bench.new", show=False
        ),
        Binding("space", "bench('toggle_pause')", "Pause", tooltip="Pause or resume", id="bench.pause"),
        Binding("x", "bench('stop')", "Stop", tooltip="Stop, keeping a checkpoint", id="bench.stop"),
        Binding("s", "bench('change_pace')", "Slow", tooltip="Slow motion, or full speed again", id="bench.pace"),
        Binding("c", "bench('next_chart')", "Chart", tooltip="Show the next chart", id="bench.chart"),
        Binding("v", "look_at_chart", "Look", tooltip="Go to the chart, to the next one", id="bench.look"),
        Binding("b", "change_over", "Text", tooltip="Change between text and bench", id="lesson.change_over"),
        Binding("right_square_bracket", "next_lesson(1)", "Next lesson", key_display="]", id="lesson.next", show=False),
        Binding(
            "left_square_bracket", "next_lesson(-1)", "Earlier lesson", key_display="[", id="lesson.earlier", show=False
        ),
        Binding("escape", "leave", "Map", tooltip="Back to the course map; runs go on", id="lesson.leave"),
        *[
            Binding(str(n), f"open_bench({n})", f"Open bench {n}", id=f"lesson.bench{n}", show=False)
            for n in range(1, 10)
        ],
    ]

    def __init__(self, lesson: blocks.Lesson) -> None:
        super().__init__()
        self.lesson = lesson
        self._benches = [make_bench(block) for block in lesson.benches]
        self._number = 1
        self._share = 0.0
        self._passed = 1
        self._done = False
        self._moved = False
        self._written: tuple[bool, float] | None = None
        self._saving: Timer | None = None
        self._choices_known = False

    def compose(self) -> ComposeResult:
        yield TopBar(f"{self.lesson.section} {self.lesson.title}")
        with Horizontal(id="lesson-body"):
            yield Reading(self.lesson, *self._look_up_choices(), self.context.glyphs)
            with Vertical(id="bench-pane"):
                yield Words(id="bench-title")
                with ContentSwitcher(id="benches"):
                    for number, bench in enumerate(self._benches, 1):
                        bench.id = f"bench-{number}"
                        yield bench
        yield KeyLine()

    def _look_up_choices(self) -> tuple[dict[str, int], dict[str, list[int]]]:
        """The kept predictions and answers; none where they cannot be read just now."""
        store = self.context.lab.store
        kept = self.context.attempt(lambda: (store.predictions(), store.answers()), None)
        self._choices_known = kept is not None
        return kept or ({}, {})

    def on_mount(self) -> None:
        known: dict[str, LessonProgress] = self.context.attempt(self.context.lab.store.lesson_progress, {})
        if (progress := known.get(self.lesson.slug)) is not None:
            self._share, self._done = progress.position, progress.state == "done"
        self.save_progress()
        if self._benches:
            self._show_bench(1)
        else:
            self.query_one("#bench-pane").remove()
        self.query_one(Reading).focus()
        if 0 < self._share < DONE_AT:
            self.call_after_refresh(self._restore_position, self._share)

    def _restore_position(self, share: float) -> None:
        reading = self.query_one(Reading)
        reading.scroll_to(y=share * reading.max_scroll_y, animate=False)

    @property
    def about(self) -> list[str]:
        return [self.bench.HELP] if self.bench is not None and self.bench.HELP else []

    # --- benches

    @property
    def bench(self) -> Bench | None:
        """The bench that is open; None in a lesson without any."""
        return self._benches[self._number - 1] if self._benches else None

    def _show_bench(self, number: int) -> None:
        benches = self.lesson.benches
        self._number = number
        self.query_one(ContentSwitcher).current = f"bench-{number}"
        tabs = [
            (f" {other} ", "bold $accent reverse" if other == number else "$muted")
            for other in range(1, len(benches) + 1)
        ]
        title = Content.assemble(*tabs, (f"  {benches[number - 1].title}", "bold"))
        self.query_one("#bench-title", Words).show(title)
        self.refresh_bindings()
        self.call_after_refresh(self._show_open_bench)

    def beat(self) -> None:
        super().beat()
        self._show_open_bench()

    def _show_open_bench(self) -> None:
        if self.is_current and self.bench is not None and self.bench.size.width:
            self.bench.update_view()

    def runs_changed(self) -> None:
        """A run has started or ended, here or elsewhere."""
        for bench in self._benches:
            if bench.is_mounted:
                self.context.attempt(bench.find_runs, None)
        if not self._choices_known:
            predictions, answers = self._look_up_choices()
            self.query_one(Reading).take_kept(predictions, answers)

    def action_bench(self, name: str) -> None:
        if self.bench is None:
            return
        reading = self.query_one(Reading)
        if name == "toggle_pause" and reading.has_focus and not self.bench.busy:
            reading.scroll_page_down()
        else:
            self.context.attempt(getattr(self.bench, name), None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "bench":
            return self.bench is not None and self.bench.can(str(parameters[0]))
        if action == "look_at_chart":
            return self.bench is not None and bool(self.bench.query(Chart))
        if action == "change_over":
            return bool(self._benches) and not self.has_class("-wide")
        if action == "open_bench" and isinstance(parameters[0], int):
            return parameters[0] <= len(self.lesson.benches)
        return True

    def action_open_bench(self, number: int) -> None:
        self._show_bench(number)
        self.add_class("-bench")
        for rows in self._benches[number - 1].query(RowList):
            self.call_after_refresh(rows.focus)

    def action_look_at_chart(self) -> None:
        """Put the focus on the bench's next chart; after the last one it goes back."""
        if self.bench is None:
            return
        self.add_class("-bench")
        self.call_after_refresh(self._focus_next_chart)

    def _focus_next_chart(self) -> None:
        charts = [] if self.bench is None else [chart for chart in self.bench.query(Chart) if chart.size.height]
        place = charts.index(self.focused) + 1 if isinstance(self.focused, Chart) and self.focused in charts else 0
        if place < len(charts):
            charts[place].focus()
        elif self.bench is not None:
            for rows in self.bench.query(RowList):
                rows.focus()

    def on_bench_pointer_chosen(self, event: BenchPointer.Chosen) -> None:
        self.action_open_bench(event.number)

    def action_change_over(self) -> None:
        if self.has_class("-bench"):
            self.remove_class("-bench")
            self.query_one(Reading).focus()
        else:
            self.action_open_bench(self._number)

    # --- the text

    def on_resize(self) -> None:
        self.call_after_refresh(self._look_at_share)

    def _look_at_share(self) -> None:
        """A lesson that fits the screen is read without scrolling."""
        for reading in self.query(Reading):
            if reading.max_scroll_y == 0:
                self._note_position(1.0)

    def _note_position(self, share: float) -> None:
        """Remember how far the reader is; the end of the text is written down at once."""
        self._share, self._moved = share, True
        if share >= DONE_AT and not self._done:
            self._done = True
            self.save_progress()
        elif self._saving is None:
            self._saving = self.set_timer(SAVE_SECONDS, self.save_progress)

    def on_reading_reached(self, event: Reading.Reached) -> None:
        self._note_position(event.share)
        if event.bench is not None and event.bench != self._passed:
            self._passed = event.bench
            if self.query_one(Reading).has_focus and not self.has_class("-bench"):
                self._show_bench(event.bench)

    def on_question_answered(self, event: Question.Answered) -> None:
        question, choice, correct = event.question, event.choice, event.correct
        if correct is None:
            self.context.keep(lambda store: store.add_prediction(question, choice))
        else:
            self.context.keep(lambda store: store.add_answer(question, choice, correct))

    def save_progress(self) -> None:
        """Keep how far the reader is; a lesson once read to its end stays done."""
        self._saving = None
        progress = done, share = self._done, self._share
        if progress == self._written:
            return
        self._written = progress
        slug, moved = self.lesson.slug, self._moved

        def write(store: Store) -> None:
            # What is kept may not have been readable, or not yet been written, when this screen looked.
            kept = store.lesson_progress().get(slug)
            state = "done" if done or (kept is not None and kept.state == "done") else "open"
            store.set_lesson_progress(slug, state, share if moved or kept is None else kept.position)

        self.context.keep(write)

    def on_unmount(self) -> None:
        self.save_progress()

    def action_leave(self) -> None:
        self.dismiss()

    def action_next_lesson(self, by: int) -> None:
        self.context.open_neighbour(self.lesson, by)
