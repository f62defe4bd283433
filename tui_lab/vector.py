"""A picture as lines, areas and words on a sheet: what both SVG and PNG are made from. It writes no file."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from tui_lab.picture import Picture, Series
from tui_lab.themes import Color, series_color

WIDTH, HEIGHT = 960.0, 540.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 20.0, 68.0, 40.0
INK: Color = (38, 38, 38)
GREY: Color = (120, 120, 116)
PALE: Color = (226, 226, 222)
PAPER: Color = (255, 255, 255)
DASHES: tuple[tuple[float, ...], ...] = ((), (9, 4), (2, 3), (9, 3, 2, 3), (14, 4))
"""One a series: without colours they are told apart too."""
SHAPES = ("circle", "cross", "plus", "triangle", "square")
CHARS_A_LINE = 140


@dataclass(frozen=True, slots=True)
class Stroke:
    points: tuple[tuple[float, float], ...]
    color: Color
    width: float = 1.0
    dash: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Area:
    points: tuple[tuple[float, float], ...]
    color: Color


@dataclass(frozen=True, slots=True)
class Words:
    """Text whose `anchor`, start, middle or end, lies at (x, y), on the baseline."""

    x: float
    y: float
    text: str
    color: Color = INK
    size: float = 13.0
    anchor: str = "start"
    bold: bool = False


Shape = Stroke | Area | Words


@dataclass(slots=True)
class Sheet:
    """Everything on a sheet, from the bottom to the top."""

    width: float = WIDTH
    height: float = HEIGHT
    shapes: list[Shape] = field(default_factory=list)


def sheet(picture: Picture, title: str, notes: tuple[str, ...] = ()) -> Sheet:
    """The picture with axes, a title, a legend of its series, and notes."""
    made = Sheet()
    names = [(index, one) for index, one in enumerate(picture.series) if one.name]
    lines = _wrapped("   ".join(notes))
    top = TOP + 18 * (len(lines) - 1 if lines else 0)
    plot = _Plot(picture, made.shapes, top)
    plot.axes()
    plot.heat()
    plot.bands()
    plot.levels()
    plot.series()
    plot.marks()
    made.shapes.append(Words(LEFT, 22, title, bold=True, size=15.0))
    made.shapes += [Words(LEFT, 42 + 18 * row, line, GREY, 12.0) for row, line in enumerate(lines)]
    _key(made, names)
    return made


def _wrapped(text: str) -> list[str]:
    lines: list[str] = []
    for part in filter(None, text.split("   ")):
        if lines and len(lines[-1]) + len(part) + 3 <= CHARS_A_LINE:
            lines[-1] += f"   {part}"
        else:
            lines.append(part)
    return lines


def _key(made: Sheet, names: list[tuple[int, Series]]) -> None:
    """A column of names at the right of the sheet, each with a piece of its line or its shape."""
    if not names:
        return
    start, wide = made.width, max(len(one.name) for _, one in names) * 7.0 + 52
    made.width += wide
    for row, (index, one) in enumerate(names):
        y = TOP + 8 + 20 * row
        if one.kind == "line":
            made.shapes.append(_stroke(one, index, ((start, y), (start + 30, y))))
        elif one.kind == "points":
            made.shapes += _shape(start + 15, y, index, _color(one))
        text = f"{one.letter} {one.name}".strip()
        made.shapes.append(Words(start + 38, y + 4, text, size=12.0))


def _color(series: Series) -> Color:
    return series_color(series.color, dark=False, dim=series.dim)


def _stroke(series: Series, index: int, points: tuple[tuple[float, float], ...]) -> Stroke:
    return Stroke(points, _color(series), 1.0 if series.dim else 2.2, DASHES[series.color % len(DASHES)])


def _shape(x: float, y: float, index: int, color: Color) -> list[Shape]:
    half = 3.5
    match SHAPES[index % len(SHAPES)]:
        case "circle":
            turns = [math.tau * step / 12 for step in range(12)]
            return [Area(tuple((x + half * math.cos(turn), y + half * math.sin(turn)) for turn in turns), color)]
        case "cross":
            ends = (((-half, -half), (half, half)), ((-half, half), (half, -half)))
            return [Stroke(tuple((x + right, y + down) for right, down in pair), color, 1.6) for pair in ends]
        case "plus":
            ends = (((-half, 0.0), (half, 0.0)), ((0.0, -half), (0.0, half)))
            return [Stroke(tuple((x + right, y + down) for right, down in pair), color, 1.6) for pair in ends]
        case "triangle":
            return [Area(((x, y - half), (x + half, y + half), (x - half, y + half)), color)]
        case _:
            corners = ((-half, -half), (half, -half), (half, half), (-half, half))
            return [Area(tuple((x + right, y + down) for right, down in corners), color)]


@dataclass(slots=True)
class _Plot:
    """The part of a sheet inside the axes."""

    picture: Picture
    shapes: list[Shape]
    top: float

    @property
    def right(self) -> float:
        return WIDTH - RIGHT

    @property
    def bottom(self) -> float:
        return HEIGHT - BOTTOM

    def x(self, value: float) -> float:
        low, high = self.picture.x_limits
        return LEFT + (value - low) / ((high - low) or 1.0) * (self.right - LEFT)

    def y(self, value: float) -> float:
        low, high = self.picture.y_limits
        share = min(1.0, max(0.0, (value - low) / ((high - low) or 1.0)))
        return self.bottom - share * (self.bottom - self.top)

    def axes(self) -> None:
        for place, label in self.picture.ticks("y", 6):
            y = self.y(place)
            self.shapes.append(Stroke(((LEFT, y), (self.right, y)), PALE))
            self.shapes.append(Words(LEFT - 8, y + 4, label, GREY, 12.0, "end"))
        for place, label in self.picture.ticks("x", 6):
            x = self.x(place)
            self.shapes.append(Stroke(((x, self.bottom), (x, self.bottom + 5)), GREY))
            self.shapes.append(Words(x, self.bottom + 20, label, GREY, 12.0, "middle"))
        self.shapes.append(Stroke(((LEFT, self.top), (LEFT, self.bottom), (self.right, self.bottom)), GREY))

    def heat(self) -> None:
        rows = () if self.picture.heat is None else self.picture.heat.rows
        for row, shares in enumerate(rows):
            tall = (self.bottom - self.top) / len(rows)
            wide = (self.right - LEFT) / len(shares)
            for column, share in enumerate(shares):
                if share <= 0:
                    continue
                x, y = LEFT + column * wide, self.top + row * tall
                corners = ((x, y), (x + wide, y), (x + wide, y + tall), (x, y + tall))
                self.shapes.append(Area(corners, _mixed(series_color(0, dark=False), share)))

    def bands(self) -> None:
        for band in self.picture.bands:
            there = [(self.x(x), self.y(y)) for x, y in zip(band.x, band.high, strict=True)]
            back = [(self.x(x), self.y(y)) for x, y in zip(band.x, band.low, strict=True)]
            if there:
                self.shapes.append(Area((*there, *reversed(back)), _mixed(series_color(band.color, dark=False), 0.2)))

    def levels(self) -> None:
        low, high = self.picture.y_limits
        for at, name in self.picture.levels:
            if low <= at <= high:
                self.shapes.append(Stroke(((LEFT, self.y(at)), (self.right, self.y(at))), GREY, 1.0, (5, 4)))
                self.shapes.append(Words(LEFT + 6, self.y(at) - 3, name, GREY, 11.0))

    def series(self) -> None:
        shape = -1
        for index, one in sorted(enumerate(self.picture.series), key=lambda pair: not pair[1].dim):
            shape += one.kind == "points"
            if one.kind == "bars":
                self._bars(one)
            elif one.kind == "points":
                for x, y in zip(one.x, one.y, strict=True):
                    self.shapes += _shape(self.x(x), self.y(y), shape, _color(one))
            else:
                self._line(one, index)

    def _line(self, one: Series, index: int) -> None:
        for xs, ys in one.pieces():
            points = tuple((self.x(x), self.y(y)) for x, y in zip(xs, ys, strict=True))
            # A point between two gaps is seen too.
            self.shapes += [_stroke(one, index, points)] if len(points) > 1 else _shape(*points[0], 0, _color(one))
        if one.letter and one.x:
            self.shapes.append(Words(self.x(one.x[-1]) + 3, self.y(one.y[-1]) - 4, one.letter, _color(one), bold=True))

    def _bars(self, one: Series) -> None:
        wide = 0.45 * (self.right - LEFT) / max(1, len(one.x))
        for x, y in zip(one.x, one.y, strict=True):
            left, right, top = self.x(x) - wide, self.x(x) + wide, self.y(y)
            corners = ((left, top), (right, top), (right, self.bottom), (left, self.bottom))
            self.shapes.append(Area(corners, _color(one)))

    def marks(self) -> None:
        for number, (at, name) in enumerate(self.picture.marks, 1):
            x = self.x(at)
            self.shapes.append(Stroke(((x, self.top), (x, self.bottom)), GREY, 1.0, (1, 3)))
            self.shapes.append(Words(x + 3, self.bottom - 4 - 13 * (number - 1), f"{number} {name}", GREY, 11.0))
        if self.picture.cursor is not None:
            x = self.x(self.picture.cursor)
            self.shapes.append(Stroke(((x, self.top), (x, self.bottom)), INK))


def _mixed(color: Color, share: float) -> Color:
    """A colour thinned with paper."""
    red, green, blue = (round(ground + (one - ground) * share) for one, ground in zip(color, PAPER, strict=True))
    return red, green, blue
