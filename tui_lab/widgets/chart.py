"""The one chart widget: a picture in, plotext's rows out, and only the rows that changed are sent."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.app import RenderResult
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from engine.storage.files import write_whole
from tui_lab.context import context
from tui_lab.drawings import Drawing, Table, picture_table
from tui_lab.glyphs import Glyphs
from tui_lab.plotting import Picture, draw
from tui_lab.themes import Color, series_color

FOLDER = "charts"
"""In the home folder: where charts are saved."""


class Chart(Widget, can_focus=True):
    """Shows a `Picture`. Drawing happens when the picture, the size or the theme changes, and never otherwise."""

    HELP = (
        "e saves the chart as SVG, PNG and CSV in the home folder, y copies it as text. Where it shows runs, left and "
        "right move a cursor that reads all of the bench's charts (shift for longer steps, backspace takes it away), "
        "+ and - zoom around it, 0 shows the whole axis; m chooses means, d shows the seeds of a preset as a band, l "
        "takes a logarithmic axis, p pins one curve in front of the others."
    )
    DEFAULT_CSS = """
    Chart { height: 1fr; min-height: 5; }
    Chart:focus { background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "look('move', -1)", "Cursor", tooltip="Move the cursor back", id="chart.left"),
        Binding("right", "look('move', 1)", "Cursor on", tooltip="Move the cursor on", id="chart.right", show=False),
        Binding(
            "shift+left", "look('move', -10)", "Ten back", tooltip="Ten cells back", id="chart.far_left", show=False
        ),
        Binding(
            "shift+right", "look('move', 10)", "Ten on", tooltip="Ten cells on", id="chart.far_right", show=False
        ),
        Binding(
            "backspace",
            "look('no_cursor')",
            "No cursor",
            tooltip="Take the cursor away",
            id="chart.no_cursor",
            show=False,
        ),
        Binding(
            "plus,equals_sign", "look('zoom', 1)", "Zoom", key_display="+", tooltip="Show less of the axis",
            id="chart.zoom_in",
        ),
        Binding(
            "minus", "look('zoom', -1)", "Zoom out", tooltip="Show more of the axis", id="chart.zoom_out", show=False
        ),
        Binding("0", "look('whole')", "Whole axis", tooltip="Show the whole axis", id="chart.whole", show=False),
        Binding("m", "look('means')", "Mean", tooltip="Single values, means, or both", id="chart.means"),
        Binding("d", "look('seeds')", "Seeds", tooltip="Each seed, or a band of them", id="chart.seeds", show=False),
        Binding("l", "look('log')", "Log", tooltip="Logarithmic axis, or linear again", id="chart.log", show=False),
        Binding("p", "look('pin')", "Pin", tooltip="Pin the next curve, dim the others", id="chart.pin", show=False),
        Binding("e", "save", "Save", tooltip="Save as SVG, PNG and CSV", id="chart.save"),
        Binding("y", "copy", "Copy", tooltip="Copy as text", id="chart.copy", show=False),
    ]  # fmt: skip

    class Asked(Message):
        """The reader wants to look at the chart in another way."""

        def __init__(self, chart: Chart, what: str, amount: int) -> None:
            super().__init__()
            self.chart = chart
            self.what = what
            self.amount = amount

        @property
        def control(self) -> Chart:
            return self.chart

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._glyphs = glyphs
        self._picture = Picture()
        self._title = ""
        self._table: Table | None = None
        self._rows: list[Text] = []
        self._strips: list[Strip] = []
        self.drawing: Callable[[], Drawing] | None = None
        """What is saved, where that is more than the picture."""
        self.looks: frozenset[str] = frozenset()
        """What somebody answers of what a reader may ask for; see `Asked`."""

    @property
    def columns(self) -> int:
        """Width in cells: what to decimate data for."""
        return max(20, self.size.width)

    @property
    def picture(self) -> Picture:
        return self._picture

    def show(self, picture: Picture, title: str = "", table: Table | None = None) -> None:
        """Replace the picture; an equal one costs nothing.

        Args:
            title: names it where it is saved.
            table: the header and the rows of its data, where there are more than the picture shows.
        """
        self._title, self._table = title, table
        if picture != self._picture:
            self._picture = picture
            self._redraw()

    def on_mount(self) -> None:
        self.watch(self.app, "theme", self._recolor, init=False)

    def on_resize(self, event: Resize) -> None:
        self._recolor()

    def _recolor(self) -> None:
        self._rows = []
        self._redraw()

    def _redraw(self) -> None:
        width, height = self.size
        if width == 0 or height == 0:
            return
        rows = draw(self._picture, width, height, self._glyphs, self._color)
        same_shape = len(rows) == len(self._rows)
        changed = [y for y, row in enumerate(rows) if not same_shape or row != self._rows[y]]
        console = self.app.console
        if not same_shape:
            self._strips = [Strip.blank(width)] * len(rows)
        for y in changed:
            self._strips[y] = Strip(rows[y].render(console)).adjust_cell_length(width)
        self._rows = rows
        if same_shape:
            self.refresh(*(Region(0, y, width, 1) for y in changed))
        else:
            self.refresh()

    def _color(self, index: int, dim: bool) -> Color:
        return series_color(index, dark=self.app.current_theme.dark, dim=dim)

    def render_line(self, y: int) -> Strip:
        if y >= len(self._strips):
            return Strip.blank(self.size.width, self.rich_style)
        return self._strips[y].apply_style(self.rich_style)

    def render(self) -> RenderResult:
        """The chart as text, for tools that ask a widget for its content at once."""
        return Text("\n").join(self._rows)

    # --- what the keys do

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "look":
            return parameters[0] in self.looks
        return True

    def action_look(self, what: str, amount: int = 0) -> None:
        self.post_message(self.Asked(self, what, amount))

    def _drawing(self) -> Drawing:
        if self.drawing is not None:
            return self.drawing()
        picture, title = self._picture, self._title or "chart"
        return Drawing(title, title, picture, (), self._table or (lambda: picture_table(picture)))

    def action_save(self) -> None:
        """Write the files in a thread of its own: a long run has many rows."""
        if self._picture.empty:
            self.notify("There is nothing in this chart yet.", severity="warning")
            return
        drawing, folder = self._drawing(), context(self).lab.store.home / FOLDER
        threading.Thread(target=self._save, args=(drawing, folder), name="save chart", daemon=True).start()

    def _save(self, drawing: Drawing, folder: Path) -> None:
        try:
            stem = _free_stem(folder, drawing.name)
            for ending, content in drawing.files():
                write_whole(folder / f"{stem}.{ending}", content)
            words, severity = f"Saved as {folder / stem}.svg, .png and .csv.", False
        except OSError as error:
            words, severity = f"The chart could not be saved in {folder}: {error}.", True
        with suppress(RuntimeError):  # The app is gone.
            self.app.call_from_thread(self._tell, words, severity)

    def _tell(self, words: str, failed: bool) -> None:
        self.notify(words, severity="error" if failed else "information", timeout=8, markup=False)

    def action_copy(self) -> None:
        if self._picture.empty:
            self.notify("There is nothing in this chart yet.", severity="warning")
            return
        drawing = self._drawing()
        lines = [drawing.title, *drawing.notes, *(row.plain.rstrip() for row in self._rows)]
        self.app.copy_to_clipboard("\n".join(lines) + "\n")
        self.notify("Sent to the terminal's clipboard as text.")


def _free_stem(folder: Path, name: str) -> str:
    """A file name without its ending that nothing there has."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "chart"
    stem = f"{slug}-{datetime.now():%Y%m%d-%H%M%S}"
    number, free = 2, stem
    while any(folder.glob(f"{free}.*")):
        number, free = number + 1, f"{stem}-{number}"
    return free
