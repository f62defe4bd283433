"""The cart and its pole, moving; only what has moved is drawn anew."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui_lab.cart_picture import BODY, MARK, NOTHING, POLE, Row, draw_cart
from tui_lab.glyphs import Glyphs
from tui_lab.themes import css_color, series_color


class Cart(Widget):
    """A cart at a position in metres with its pole at an angle in radians, to scale whatever the size."""

    DEFAULT_CSS = "Cart { height: 1fr; min-height: 4; }"

    def __init__(self, glyphs: Glyphs, *, series: int = 0, id: str | None = None) -> None:
        """
        Args:
            series: which of the charts' colours the cart has; the pole has the next one.
        """
        super().__init__(id=id)
        self._glyphs = glyphs
        self._series = series
        self.state: tuple[float, float] = (0.0, 0.0)
        """Position and angle that are shown."""
        self.push = 0
        """The push that is shown: -1 for one to the left, 1 to the right, 0 for none."""
        self._rows: list[Row] = []

    def show(self, state: Sequence[float], push: int = 0) -> None:
        """Draw a state: position, velocity, angle, angular velocity; and a push, as in `push`."""
        self.state = (float(state[0]), float(state[2]))
        self.push = push
        before, self._rows = self._rows, self._draw()
        if len(before) != len(self._rows):
            self.refresh()
        elif changed := [
            Region(*_span(old, new, y))
            for y, (old, new) in enumerate(zip(before, self._rows, strict=True))
            if old != new
        ]:
            self.refresh(*changed)

    def _draw(self) -> list[Row]:
        return draw_cart(self.size.width, self.size.height, *self.state, self.push, self._glyphs)

    def on_resize(self) -> None:
        self._rows = self._draw()

    def render_line(self, y: int) -> Strip:
        if len(self._rows) != self.size.height or (self._rows and len(self._rows[0]) != self.size.width):
            self._rows = self._draw()
        style = self.rich_style
        dark = self.app.current_theme.dark
        index = {NOTHING: -1, MARK: -1, BODY: self._series, POLE: self._series + 1}
        row = self._rows[y] if y < len(self._rows) else ()
        segments = [
            Segment(
                "".join(char for char, _ in run), style + Style(color=css_color(series_color(index[what], dark=dark)))
            )
            for what, run in groupby(row, key=lambda cell: cell[1])
        ]
        return Strip(segments).adjust_cell_length(self.size.width, style)

    def _color(self, what: int) -> str:
        """The colour of a mark, the body or the pole in the present theme."""
        index = {NOTHING: -1, MARK: -1, BODY: self._series, POLE: self._series + 1}[what]
        return css_color(series_color(index, dark=self.app.current_theme.dark))


def _span(old: Row, new: Row, y: int) -> tuple[int, int, int, int]:
    """x, y, width and height of the cells of a row that differ."""
    if len(old) != len(new):
        return 0, y, max(len(old), len(new)), 1
    differ = [x for x, (before, after) in enumerate(zip(old, new, strict=True)) if before != after]
    return differ[0], y, differ[-1] - differ[0] + 1, 1
