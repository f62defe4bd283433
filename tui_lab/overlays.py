"""What lies behind and on the curves of a chart: bands, levels with names, letters, marks on the axis, the cursor."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from rich.style import Style
from rich.text import Text

from tui_lab.glyphs import Glyphs
from tui_lab.picture import Picture, Series
from tui_lab.themes import Color, css_color

Ramp = Callable[[int, bool], Color]
"""The colour of the series with an index, dim or not."""
AXIS_ROWS = 2
"""The axis and its labels, below the plot."""
LETTER_EVERY = 24
"""Cells between the letters along one curve, where several curves have letters."""
MUTED = -1


@dataclass(slots=True)
class Canvas:
    """The cells of a drawn chart, and where in them the plot lies."""

    picture: Picture
    chars: list[list[str]]
    styles: list[list[Style | str]]
    left: int
    columns: int
    rows: int

    def column(self, x: float) -> int | None:
        """The cell of a place along x; None beyond the axis."""
        share = _share(x, self.picture.x_limits)
        return None if share is None else self.left + math.floor(share * (self.columns - 1) + 0.5)

    def row(self, y: float) -> int | None:
        """The row of a height; None beyond the axis."""
        share = _share(y, self.picture.y_limits)
        # As plotext rounds: a place in the middle of two columns is in the right one, of two rows in the lower one.
        return None if share is None else self.rows - 1 - math.ceil(share * (self.rows - 1) - 0.5)

    def put(self, row: int, column: int, text: str, style: Style | str) -> None:
        for at, char in enumerate(text, column):
            self.chars[row][at] = char
            self.styles[row][at] = style

    def blank(self, row: int, column: int, cells: int = 1) -> bool:
        return all(self.chars[row][at] == " " for at in range(column, column + cells))


def _share(value: float, limits: tuple[float, float]) -> float | None:
    """How far along the axis a value is, in [0, 1]; None beyond it."""
    low, high = limits
    return (value - low) / (high - low) if low <= value <= high and low < high else None


def lay_over(picture: Picture, texts: Sequence[Text], width: int, glyphs: Glyphs, color: Ramp) -> list[Text]:
    """The rows as plotext drew them, with everything else of the picture. Nothing but letters hides a curve."""
    left = max((row.plain.find("┤") for row in texts), default=0) + 1
    rows = len(texts) - AXIS_ROWS
    chars = [list(row.plain.ljust(width)[:width].translate(str.maketrans(*glyphs.plainer))) for row in texts]
    canvas = Canvas(picture, chars, [_styles(row, width) for row in texts], left, width - left, rows)
    muted = css_color(color(MUTED, False))
    _heat(canvas, glyphs, css_color(color(0, False)))
    _letters(canvas, color)
    _levels(canvas, glyphs, muted)
    _cursor(canvas, glyphs, muted)
    _bands(canvas, glyphs, color)
    _marks(canvas, muted)
    return [_text(chars, styles) for chars, styles in zip(canvas.chars, canvas.styles, strict=True)]


def _styles(row: Text, width: int) -> list[Style | str]:
    styles: list[Style | str] = [""] * width
    for span in row.spans:
        styles[span.start : min(span.end, width)] = [span.style] * (min(span.end, width) - span.start)
    return styles


def _text(chars: list[str], styles: list[Style | str]) -> Text:
    text = Text("".join(chars))
    first = 0
    for at in range(1, len(chars) + 1):
        if at == len(chars) or styles[at] != styles[first]:
            if styles[first]:
                text.stylize(styles[first], first, at)
            first = at
    return text


def _levels(canvas: Canvas, glyphs: Glyphs, style: str) -> None:
    """Lines in the cells that are free, each with its name where that hides least; levels of one row share a line."""
    names: dict[int, list[str]] = {}
    for at, name in canvas.picture.levels:
        if (row := canvas.row(at)) is not None:
            names.setdefault(row, []).append(name)
    for row, told in names.items():
        name = f" {', '.join(told)} "[: canvas.columns]
        ends = canvas.left + canvas.columns - len(name)
        places = [canvas.left + 1, *range(canvas.left + 1, ends, 8), ends]
        free = next((at for at in places if at <= ends and canvas.blank(row, at, len(name))), None)
        for at in range(canvas.left, canvas.left + canvas.columns):
            if canvas.blank(row, at):
                canvas.put(row, at, glyphs.level, style)
        if name.strip():
            canvas.put(row, ends if free is None else free, name, style)


def _letters(canvas: Canvas, color: Ramp) -> None:
    """A letter at the end of each curve; and along it where there are several, at cells that stand still."""
    lettered = [series for series in canvas.picture.series if series.letter and series.x and series.kind == "line"]
    taken: set[tuple[int, int]] = set()
    for index, series in enumerate(lettered):
        style = f"bold {css_color(color(series.color, series.dim))}"
        column, row = canvas.column(series.x[-1]), canvas.row(_held(series.y[-1], canvas.picture.y_limits))
        if column is not None and row is not None:
            column, row = _free(canvas, taken, column, row)
            canvas.put(row, column, series.letter, style)
            taken.add((row, column))
        if len(lettered) > 1:
            _along(canvas, series, LETTER_EVERY * (index + 1) // (len(lettered) + 1), style, taken)


def _along(canvas: Canvas, series: Series, first: int, style: str, taken: set[tuple[int, int]]) -> None:
    columns = range(canvas.left + first, canvas.left + canvas.columns, LETTER_EVERY)
    last = canvas.column(series.x[-1])
    low, high = canvas.picture.x_limits
    for column in columns:
        x = low + (high - low) * (column - canvas.left) / max(1, canvas.columns - 1)
        if x < series.x[0] or last is None or column >= last - 2:
            continue
        row = canvas.row(float(np.interp(x, series.x, series.y)))
        if row is not None and (row, column) not in taken and not canvas.blank(row, column):
            canvas.put(row, column, series.letter, style)
            taken.add((row, column))


def _held(value: float, limits: tuple[float, float]) -> float:
    return min(max(value, limits[0]), limits[1])


def _free(canvas: Canvas, taken: set[tuple[int, int]], column: int, row: int) -> tuple[int, int]:
    """A cell at, or near, the end of a curve that no other letter has."""
    last = canvas.left + canvas.columns - 1
    near = [(0, 0), (1, 0), (0, -1), (0, 1), (1, -1), (1, 1), (-1, 0), (-2, 0), (0, -2), (0, 2), (-3, 0), (-4, 0)]
    for right, down in near:
        place = (row + down, column + right)
        if place not in taken and 0 <= place[0] < canvas.rows and canvas.left <= place[1] <= last:
            return place[1], place[0]
    return column, row


def _bands(canvas: Canvas, glyphs: Glyphs, color: Ramp) -> None:
    low_limit, high_limit = canvas.picture.x_limits
    for index, band in enumerate(canvas.picture.bands):
        fill, style = glyphs.fills[index % len(glyphs.fills)], css_color(color(band.color, True))
        if not band.x:
            continue
        for at in range(canvas.columns):
            x = low_limit + (high_limit - low_limit) * at / max(1, canvas.columns - 1)
            if not band.x[0] <= x <= band.x[-1]:
                continue
            ends = [_held(float(np.interp(x, band.x, end)), canvas.picture.y_limits) for end in (band.high, band.low)]
            top, bottom = (canvas.row(end) for end in ends)
            if top is None or bottom is None:
                continue
            for row in range(top, bottom + 1):
                if canvas.blank(row, canvas.left + at):
                    canvas.put(row, canvas.left + at, fill, style)


def _cursor(canvas: Canvas, glyphs: Glyphs, style: str) -> None:
    column = None if canvas.picture.cursor is None else canvas.column(canvas.picture.cursor)
    if column is not None:
        for row in range(canvas.rows):
            if canvas.blank(row, column):
                canvas.put(row, column, glyphs.upright, style)


def _marks(canvas: Canvas, style: str) -> None:
    """Their numbers on the axis, the next cell where one is taken."""
    row, taken = canvas.rows, set[int]()
    for number, (at, _) in enumerate(canvas.picture.marks, 1):
        column = canvas.column(at)
        while column in taken and column is not None and column + 1 < canvas.left + canvas.columns:
            column += 1
        if column is not None and row < len(canvas.chars):
            taken.add(column)
            canvas.put(row, column, str(number % 10), f"bold {style}")


def _heat(canvas: Canvas, glyphs: Glyphs, style: str) -> None:
    heat = canvas.picture.heat
    if heat is None or not heat.rows:
        return
    most = len(glyphs.shades) - 1
    for row in range(canvas.rows):
        line = heat.rows[row * len(heat.rows) // canvas.rows]
        for at in range(canvas.columns):
            share = line[at * len(line) // canvas.columns]
            # Whatever is not nothing is seen.
            shade = glyphs.shades[min(most, math.ceil(share * most - 1e-9))]
            canvas.put(row, canvas.left + at, shade, style)
