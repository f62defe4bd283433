"""The one chart widget: a picture in, plotext's rows out, and only the rows that changed are sent."""

from __future__ import annotations

from rich.text import Text
from textual.app import RenderResult
from textual.events import Resize
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui_lab.glyphs import Glyphs
from tui_lab.plotting import Picture, draw
from tui_lab.themes import Color, series_color


class Chart(Widget):
    """Shows a `Picture`. Drawing happens when the picture, the size or the theme changes, and never otherwise."""

    DEFAULT_CSS = "Chart { height: 1fr; min-height: 5; }"

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._glyphs = glyphs
        self._picture = Picture()
        self._rows: list[Text] = []
        self._strips: list[Strip] = []

    @property
    def columns(self) -> int:
        """Width in cells: what to decimate data for."""
        return max(20, self.size.width)

    @property
    def picture(self) -> Picture:
        return self._picture

    def show(self, picture: Picture) -> None:
        """Replace the picture; an equal one costs nothing."""
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
