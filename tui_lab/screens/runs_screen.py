"""All runs of the home folder: found, sorted, marked, laid over one another, compared, and acted on."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input

from engine.learners.kind import Figure
from engine.learners.settings import ConfigError
from engine.storage.records import RunHead, RunRecord, Status, StoreError
from tui_lab.run_lines import header, line
from tui_lab.run_list import RunList
from tui_lab.screens.run_actions import RunActions
from tui_lab.screens.run_records import RunRecords
from tui_lab.text import counted
from tui_lab.widgets.key_line import KeyLine
from tui_lab.widgets.record_list import RecordList
from tui_lab.widgets.run_pane import MOST_CURVES, RunPane
from tui_lab.widgets.run_row import RunRow
from tui_lab.widgets.top_bar import TopBar
from tui_lab.widgets.words import Words

STYLES = Path(__file__).parent.parent / "styles" / "runs.tcss"
REST_SECONDS = 0.15
"""How long the choice rests before its chart is drawn: whoever runs down the list waits for no chart."""
MANY = 50
"""Beyond so many records it is quicker to read all of them at once."""
VIEWS = ("", "-alone-list", "-alone-chart")


class Filter(Input):
    """The line that filters; it hands the keys back to the list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,down", "screen.to_list", "To the list", tooltip="Leave the filter as it is", id="filter.done"),
        Binding("escape", "screen.clear_filter", "All runs", tooltip="Take the filter away", id="filter.clear"),
    ]
    HELP = "Each word must occur in a run's id, name, preset, kind, status or tags. Enter goes to the list, esc clears."


class Outcomes(Message):
    """What runs without an evaluation came to, looked up in a thread."""

    def __init__(self, found: dict[str, Figure], *, failed: bool) -> None:
        super().__init__()
        self.found = found
        self.failed = failed


class RunsScreen(RunActions, RunRecords):
    """A line for each run, and a chart of those that are marked; of the chosen one where none is."""

    CSS_PATH = STYLES
    AUTO_FOCUS = "RecordList"
    HELP = (
        "Every run of this home folder, newest first; what dqn-lab does in another terminal appears by itself. "
        "/ filters, o sorts by the next column and O the other way round, m marks a run. Marked runs are laid over one "
        "another in the chart, and g, w and D act on them; without marks the chart shows the chosen run, a fork with "
        "the run that it branched off from. d compares two marked runs, one marked run with the chosen one, or the "
        "chosen one with its preset. k keeps the present checkpoint; f branches off from a kept or from the latest one "
        "with other settings. No more runs train at a time than there are cores, the others are queued."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "find", "Filter", key_display="/", tooltip="Type to filter", id="runs.find"),
        Binding("m", "mark", "Mark", tooltip="Mark the chosen run, or take its mark away", id="runs.mark"),
        Binding(
            "M", "mark_all", "Mark all", tooltip="Mark all that are listed, or none", id="runs.mark_all", show=False
        ),
        Binding("o", "sort", "Sort", tooltip="Sort by the next column", id="runs.sort"),
        Binding("O", "turn", "Turn", tooltip="Sort the other way round", id="runs.turn", show=False),
        Binding("d", "compare", "Compare", tooltip="Compare settings", id="runs.compare"),
        Binding("f", "fork", "Fork", tooltip="Branch off from a checkpoint, with other settings", id="runs.fork"),
        Binding("k", "keep_checkpoint", "Keep", tooltip="Keep the present checkpoint", id="runs.keep", show=False),
        Binding("r", "go_on", "Go on", tooltip="Go on with a stopped run", id="runs.go_on"),
        Binding("plus", "more", "More", key_display="+", tooltip="A longer budget for a finished run", id="runs.more"),
        Binding("space", "pause", "Pause", tooltip="Pause or resume", id="runs.pause", show=False),
        Binding("x", "stop", "Stop", tooltip="Stop, keeping a checkpoint", id="runs.stop", show=False),
        Binding("n", "rename", "Name", tooltip="Give the run a name", id="runs.rename", show=False),
        Binding("g", "tag", "Tags", tooltip="Give the marked runs tags", id="runs.tag", show=False),
        Binding("w", "export", "Export", tooltip="Write the marked runs for other tools", id="runs.export", show=False),
        Binding("D,delete", "delete", "Delete", tooltip="Delete the marked runs", id="runs.delete", show=False),
        Binding("c", "next_chart", "Chart", tooltip="Show the next chart", id="runs.chart"),
        Binding("v", "next_view", "View", tooltip="List and chart, list alone, chart alone", id="runs.view"),
        Binding("escape", "leave", "Back", tooltip="Back to where you came from; runs go on", id="runs.leave"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._list = RunList()
        self._records = RecordList(self._line)
        self._pane = RunPane()
        self._head, self._found = Words(id="runs-head"), Words(id="found")
        self._rows: dict[str, RunRow | None] = {}
        self._looked: dict[str, str] = {}
        self._looking = False
        self._heads: list[RunHead] = []
        self._resting: Timer | None = None

    def compose(self) -> ComposeResult:
        yield TopBar("runs")
        with Horizontal(id="runs-find"):
            yield Filter(placeholder="/ filters: id, name, preset, kind, status, tag", compact=True, id="filter")
            yield self._found
        with Horizontal(id="runs-body"):
            with Vertical(id="runs-list"):
                yield self._head
                yield self._records
            yield self._pane
        yield KeyLine()

    # --- what is there

    def runs_changed(self) -> None:
        if not self._pane.is_mounted or not self.is_current:
            return  # It looks again when it comes back.
        heads = self.context.attempt(self.lab.store.run_heads, None)
        if heads is None:
            return
        self._heads = heads
        self._list.take(heads)
        self._rows.clear()
        self._show_list()
        self._look_up_outcomes(heads)

    def _look_up_outcomes(self, heads: list[RunHead]) -> None:
        """In a thread: the headlines of those runs that have trained on since they were looked up."""
        wanted = [head for head in heads if head.mean is None and self._looked.get(head.id) != head.updated]
        if self._looking or not wanted:
            return
        self._looking = True

        def look() -> None:
            failed = False
            try:
                found = {head.id: one for head in wanted if (one := self.lab.headline(head)) is not None}
                self._looked |= {head.id: head.updated for head in wanted}
            except StoreError:
                found, failed = {}, True  # The next look tries again.
            finally:
                self._looking = False
                self.lab.store.close()
            self.post_message(Outcomes(found, failed=failed))

        threading.Thread(target=look, name="read results", daemon=True).start()

    def on_outcomes(self, message: Outcomes) -> None:
        self._list.tell(message.found)
        self._show_list()
        if not message.failed:
            self._look_up_outcomes(self._heads)  # Runs may have ended while the others were looked up.

    def beat(self) -> None:
        super().beat()
        if self._pane.is_mounted:
            self._records.look_again()
            self._pane.look_again()

    @property
    def chosen(self) -> RunRow | None:
        return None if self._chosen_id is None else self._row(self._chosen_id)

    @property
    def targets(self) -> list[RunRecord]:
        runs = self._list.marked or [run for run in (self._chosen_id,) if run is not None]
        store = self.lab.store

        def read() -> list[RunRecord]:
            found = store.runs() if len(runs) > MANY else map(store.find_run, runs)
            known = {record.id: record for record in found if record is not None}
            return [known[run] for run in runs if run in known]

        return self.context.attempt(read, [])

    def _row(self, run: str) -> RunRow | None:
        """A run with all that is known of it; None where it is gone or cannot be read."""
        if run not in self._rows:
            record = self.context.attempt(lambda: self.lab.store.find_run(run), None)
            try:
                self._rows[run] = None if record is None else RunRow.of(self.lab, record)
            except ConfigError:
                self._rows[run] = None
        return self._rows[run]

    # --- the list

    def _show_list(self) -> None:
        if not self._pane.is_mounted:
            return
        shown = self._list
        place = shown.place(self._chosen_id)
        self._records.show(len(shown.shown), self._records.chosen if place is None else place)
        self._show_head()
        self._choose()

    def _show_head(self) -> None:
        shown, glyphs = self._list, self.context.glyphs
        self._head.show(header(shown.column.name, glyphs, down=shown.down, width=self._records.size.width))
        total = counted(len(shown), "run")
        found = total if len(shown.shown) == len(shown) else f"{len(shown.shown):,} of {total}"
        words = [f"{len(shown.marked)} marked"] * bool(shown.marked) + [found]
        if shown.column.name == "started":
            words.append("newest first" if shown.down else "oldest first")
        self._found.show(", ".join(words))

    def _line(self, place: int) -> Content:
        head = self._list.shown[place]
        run, outcome = self.lab.runs.get(head.id), self._list.outcome(head)
        if run is not None and run.status.live:
            status = Status.PAUSED if run.pausing else run.status
            head = replace(head, status=str(status), progress=run.progress, seconds=run.seconds)
            outcome = run.kind.headline_of(run.log) or outcome
        marked, width = self._list.is_marked(head.id), self._records.size.width
        return line(head, outcome, self.context.glyphs, marked=marked, width=width)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show_list)

    def on_record_list_moved(self) -> None:
        self._choose()

    def _choose(self) -> None:
        """Take what is chosen on the list; its chart follows when the choice rests."""
        shown, place, before = self._list.shown, self._records.chosen, self._chosen_id
        self._chosen_id = shown[place].id if place < len(shown) else None
        if self._resting is not None and self._chosen_id != before:
            self._resting.stop()
            self._resting = None
        if self._resting is None:
            self._resting = self.set_timer(REST_SECONDS, self._show_chosen)

    def _show_chosen(self) -> None:
        """The chart of the marked runs, else of the chosen one; with a fork the run that it branched off from."""
        self._resting = None
        chosen, note = self.chosen, ""
        marked, alike = self._list.marked, self._list.marked_alike()
        rows = [row for row in map(self._row, alike[:MOST_CURVES]) if row is not None]
        if not marked and chosen is not None and chosen.record is not None:
            parent = None if chosen.record.parent is None else self._row(chosen.record.parent)
            rows = [chosen] if parent is None else [parent, chosen]
        if len(alike) > MOST_CURVES:
            note = f"{MOST_CURVES} of {len(alike)} drawn"
        elif len(alike) < len(marked):
            note = f"{counted(len(marked) - len(alike), 'run')} of another kind left out"
        elif not rows and self._chosen_id is not None:
            note = "What is kept of this run cannot be read here."
        elif not rows:
            note = "No run is listed; lessons and `dqn-lab train` start some."
        self._pane.show(chosen, rows, note)

    # --- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Signs that one can type are text where one types."""
        return not (isinstance(self.focused, Filter) and action in ("find", "more"))

    def action_find(self) -> None:
        self.query_one(Filter).focus()

    def action_to_list(self) -> None:
        self._records.focus()

    def action_clear_filter(self) -> None:
        self.query_one(Filter).value = ""
        self.action_to_list()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._list.find(event.value)
        self._show_list()

    def action_sort(self) -> None:
        self._list.sort_by_next()
        self._show_list()

    def action_turn(self) -> None:
        self._list.turn()
        self._show_list()

    def action_mark(self) -> None:
        if self._chosen_id is not None:
            self._list.toggle_mark(self._chosen_id)
            self._records.look_again()
            self._records.action_move(1)
            self._show_head()
            self._choose()

    def action_mark_all(self) -> None:
        self._list.mark_all()
        self._show_list()

    def action_next_chart(self) -> None:
        self._pane.next_chart()

    def action_next_view(self) -> None:
        now = next((view for view in VIEWS[1:] if self.has_class(view)), "")
        after = VIEWS[(VIEWS.index(now) + 1) % len(VIEWS)]
        for view in VIEWS[1:]:
            self.set_class(view == after, view)

    def action_leave(self) -> None:
        if self._list.filter:
            self.action_clear_filter()
        else:
            self.app.pop_screen()
