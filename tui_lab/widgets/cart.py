"""The cart and its pole, drawn in dots."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from engine.learners.environment_facts import CARTPOLE_TRACK
from tui_lab.glyphs import Glyphs
from tui_lab.themes import css_color, series_color

POLE = 1.0
DOTS_X, DOTS_Y = 2, 4
BRAILLE_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))


class Cart(Widget):
    """A cart at a position in metres with its pole at an angle in radians. Sizes are to scale where height allows."""

    DEFAULT_CSS = "Cart { height: 1fr; min-height: 6; }"

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._glyphs = glyphs
        self._state: tuple[float, float] = (0.0, 0.0)
        self._push = 0

    def show(self, state: Sequence[float], push: int = 0) -> None:
        """Draw a state.

        Args:
            state: position, velocity, angle, angular velocity.
            push: -1 for a push to the left, 1 to the right, 0 for none.
        """
        self._state = (float(state[0]), float(state[2]))
        self._push = push
        self.refresh()

    def render_line(self, y: int) -> Strip:
        if y == 0:
            self._cells = self._draw()
        style = self.rich_style
        row = self._cells[y] if y < len(self._cells) else []
        segments = [Segment(char, style + Style(color=color)) for char, color in row]
        return Strip(segments).adjust_cell_length(self.size.width, style)

    def _draw(self) -> list[list[tuple[str, str]]]:
        """The whole picture as rows of characters with their colours."""
        width, height = self.size
        dark = self.app.current_theme.dark
        pole, body, muted = (css_color(series_color(i, dark=dark)) for i in (1, 0, -1))
        cells = [[(" ", muted)] * width for _ in range(height)]
        if width < 20 or height < 5:
            return cells
        position, angle = self._state
        ground = height - 2
        metre = (width - 4) / (2 * CARTPOLE_TRACK)
        center = width / 2 + position * metre
        _track(cells, ground, width, muted, self._glyphs)
        half = max(2, round(metre * 0.25))
        top = ground - 1
        for x in range(round(center) - half, round(center) + half + 1):
            if 0 <= x < width:
                cells[top][x] = (self._glyphs.bar, body)
        length = min(POLE * metre * DOTS_X, (top - 0.5) * DOTS_Y)
        tip = (center * DOTS_X + length * math.sin(angle), top * DOTS_Y - length * math.cos(angle))
        self._line(cells, (center * DOTS_X, top * DOTS_Y - 1), tip, pole)
        arrow = {-1: ("<", round(center) - half - 2), 1: (">", round(center) + half + 2)}.get(self._push)
        if arrow is not None and 0 <= arrow[1] < width:
            cells[top][arrow[1]] = (arrow[0], body)
        return cells

    def _line(
        self, cells: list[list[tuple[str, str]]], start: tuple[float, float], end: tuple[float, float], color: str
    ) -> None:
        """A line two dots thick from start to end, in dots."""
        steps = max(1, round(max(abs(end[0] - start[0]), abs(end[1] - start[1]))))
        bits: dict[tuple[int, int], int] = {}
        for step in range(steps + 1):
            x = start[0] + (end[0] - start[0]) * step / steps
            y = start[1] + (end[1] - start[1]) * step / steps
            for dot in (math.floor(x), math.floor(x) + 1):
                cell = (dot // DOTS_X, math.floor(y) // DOTS_Y)
                bits[cell] = bits.get(cell, 0) | BRAILLE_BITS[dot % DOTS_X][math.floor(y) % DOTS_Y]
        for (x, y), pattern in bits.items():
            if 0 <= y < len(cells) and 0 <= x < len(cells[0]):
                char = chr(0x2800 + pattern) if self._glyphs.name == "braille" else self._glyphs.bar
                cells[y][x] = (char, color)


def _track(cells: list[list[tuple[str, str]]], ground: int, width: int, color: str, glyphs: Glyphs) -> None:
    for x in range(2, width - 2):
        cells[ground][x] = (glyphs.empty, color)
    for x, label in ((2, f"-{CARTPOLE_TRACK} m"), (width // 2, "0"), (width - 3, f"{CARTPOLE_TRACK} m")):
        cells[ground][x] = ("+", color)
        start = min(max(0, x - len(label) // 2), width - len(label))
        for offset, char in enumerate(label):
            cells[ground + 1][start + offset] = (char, color)
