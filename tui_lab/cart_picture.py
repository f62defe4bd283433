"""The cart and its pole as rows of characters, to scale; must not know of widgets or colours."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from engine.learners.environment_facts import CARTPOLE_LIMIT, CARTPOLE_TRACK
from tui_lab.glyphs import Glyphs

CART_WIDTH, CART_HEIGHT, POLE_LENGTH, POLE_WIDTH = 0.5, 0.3, 1.0, 0.08
"""Metres. The pole's length is the environment's; the rest are the sizes that it is usually drawn with."""
CELL_ASPECT = 2.0
"""A terminal's cell is about twice as high as it is wide."""
SEEN_WIDTH = 2 * (CARTPOLE_TRACK + CART_WIDTH / 2) + 0.1
SEEN_HEIGHT = CART_HEIGHT + POLE_LENGTH + 0.05
"""Metres that fit into the picture: the whole cart at either end of the track, and the pole upright on it."""
LEAST_WIDTH, LEAST_HEIGHT = 20, 4
LABELLED_HEIGHT = 8
"""From this height on there is a row for the metres below the track."""
NOTHING, MARK, BODY, POLE = range(4)
"""What a cell shows; where several meet, the last one gives the colour."""
Row = tuple[tuple[str, int], ...]
"""Each cell's character, and what it shows."""
QUADRANTS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"
BRAILLE_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
QUADRANT_BITS = ((0x1, 0x4), (0x2, 0x8))


@dataclass(frozen=True, slots=True)
class Scale:
    """Where metres lie in a picture: cells (with fractions) a metre, the column of 0 m, the row that is the ground."""

    metre: float
    middle: float
    ground: int
    labelled: bool

    def x(self, metres: float) -> float:
        """The column, in cells, of a position on the track."""
        return self.middle + metres * self.metre

    def y(self, metres: float) -> float:
        """The row, in cells from the top, of a height above the ground."""
        return self.ground - metres * self.metre / CELL_ASPECT


def scale_of(width: int, height: int) -> Scale:
    """The largest scale at which everything fits into a picture of so many cells."""
    labelled = height >= LABELLED_HEIGHT
    ground = height - 1 - labelled
    return Scale(min((width - 2) / SEEN_WIDTH, ground * CELL_ASPECT / SEEN_HEIGHT), width / 2, ground, labelled)


class _Dots:
    """Small dots in cells: braille has 2 x 4 in each, quarter blocks 2 x 2, a plain character is one."""

    def __init__(self, width: int, height: int, kind: str) -> None:
        self._size = width, height
        self.across, self.down = {"braille": (2, 4), "block": (2, 2)}.get(kind, (1, 1))
        self._kind = kind
        self._bits: dict[tuple[int, int], int] = {}

    def fill(self, x: float, y: float) -> None:
        """Put a dot at a place given in cells."""
        column, row = math.floor(x * self.across), math.floor(y * self.down)
        cell = column // self.across, row // self.down
        if 0 <= cell[0] < self._size[0] and 0 <= cell[1] < self._size[1]:
            bits = {"braille": BRAILLE_BITS, "block": QUADRANT_BITS}.get(self._kind, ((1,),))
            self._bits[cell] = self._bits.get(cell, 0) | bits[column % self.across][row % self.down]

    def cells(self, plain: str) -> Iterator[tuple[int, int, str]]:
        """Column, row and character of every cell with a dot; `plain` stands where there are no small dots."""
        for (x, y), bits in self._bits.items():
            match self._kind:
                case "braille":
                    yield x, y, chr(0x2800 + bits)
                case "block":
                    yield x, y, QUADRANTS[bits]
                case _:
                    yield x, y, plain


def draw_cart(width: int, height: int, position: float, angle: float, push: int, glyphs: Glyphs) -> list[Row]:
    """The picture of a state, `height` rows of `width` cells; blank where there is no room.

    Args:
        position: of the cart's middle, in metres.
        angle: of the pole, in radians from upright, positive to the right.
        push: -1 for a push to the left, 1 to the right, 0 for none.
    """
    cells = [[(" ", NOTHING)] * width for _ in range(height)]
    if width >= LEAST_WIDTH and height >= LEAST_HEIGHT:
        scale = scale_of(width, height)
        _track(cells, scale, glyphs)
        _limits(cells, scale, position, glyphs)
        _pole(cells, scale, position, angle, glyphs)
        _body(cells, scale, position, push, glyphs)
    return [tuple(row) for row in cells]


Cells = list[list[tuple[str, int]]]


def _put(cells: Cells, x: int, y: int, char: str, what: int) -> None:
    if 0 <= y < len(cells) and 0 <= x < len(cells[0]):
        cells[y][x] = (char, what)


def _track(cells: Cells, scale: Scale, glyphs: Glyphs) -> None:
    """The ground from end to end, a post at each end, and the metres below."""
    left, right = (math.floor(scale.x(end)) for end in (-CARTPOLE_TRACK, CARTPOLE_TRACK))
    for x in range(left, right + 1):
        _put(cells, x, scale.ground, glyphs.empty, MARK)
    post = "┊" if glyphs.name == "braille" else "|" if glyphs.ascii_frame else "│"
    for x in (left, right):
        for y in range(math.floor(scale.y(CART_HEIGHT)), scale.ground):
            _put(cells, x, y, post, MARK)
    for x, label in ((left, f"-{CARTPOLE_TRACK} m"), (math.floor(scale.x(0)), "0"), (right, f"{CARTPOLE_TRACK} m")):
        _put(cells, x, scale.ground, "+", MARK)
        start = min(max(0, x - len(label) // 2), len(cells[0]) - len(label))
        for offset, char in enumerate(label if scale.labelled else ""):
            _put(cells, start + offset, scale.ground + 1, char, MARK)


def _limits(cells: Cells, scale: Scale, position: float, glyphs: Glyphs) -> None:
    """The lean at which an episode ends, on both sides, where the pole's upper end would be."""
    dots = _Dots(len(cells[0]), len(cells), glyphs.name)
    apart = max(0.1, 3 * CELL_ASPECT / (scale.metre * dots.down))
    for side in (-1, 1):
        for mark in range(3):
            reach = POLE_LENGTH - mark * apart
            x = position + side * reach * math.sin(CARTPOLE_LIMIT)
            dots.fill(scale.x(x), scale.y(CART_HEIGHT + reach * math.cos(CARTPOLE_LIMIT)))
    for column, row, char in dots.cells("."):
        _put(cells, column, row, char, MARK)


def _pole(cells: Cells, scale: Scale, position: float, angle: float, glyphs: Glyphs) -> None:
    """A bar from the middle of the cart's top, as wide as it should be and at least two dots."""
    dots = _Dots(len(cells[0]), len(cells), glyphs.name)
    dot = 1 / (scale.metre * dots.across)
    width = max(POLE_WIDTH, 2 * dot) if dots.across > 1 else dot
    along = max(1, math.ceil(POLE_LENGTH / dot * 2))
    over = max(1, math.ceil(width / dot * 2))
    sine, cosine = math.sin(angle), math.cos(angle)
    for step in range(along + 1):
        # From just inside its ends, so that a pole on a cell's edge does not reach into the next one.
        reach = (POLE_LENGTH - dot / 2) * step / along + dot / 4
        for place in range(over):
            side = width * ((place + 0.5) / over - 0.5)
            x, up = position + reach * sine + side * cosine, CART_HEIGHT + reach * cosine - side * sine
            dots.fill(scale.x(x), scale.y(up))
    lean = math.degrees(angle)
    plain = "|" if abs(lean) < 15 else "-" if abs(lean) > 65 else "/" if lean > 0 else "\\"
    for column, row, char in dots.cells(plain):
        _put(cells, column, row, char, POLE)


def _body(cells: Cells, scale: Scale, position: float, push: int, glyphs: Glyphs) -> None:
    """The cart, in solid blocks; an arrow on the side that it is pushed to."""
    dots = _Dots(len(cells[0]), len(cells), "ascii" if glyphs.ascii_frame else "block")
    left, right = (round(scale.x(position + side * CART_WIDTH / 2) * dots.across) for side in (-1, 1))
    top = min(round(scale.y(CART_HEIGHT) * dots.down), scale.ground * dots.down - 1)
    for y in range(max(0, top), scale.ground * dots.down):
        for x in range(left, right):
            dots.fill((x + 0.5) / dots.across, (y + 0.5) / dots.down)
    for column, row, char in dots.cells(glyphs.bar):
        _put(cells, column, row, char, BODY)
    if push:
        arrow = math.floor(left / dots.across) - 2 if push < 0 else math.ceil(right / dots.across) + 1
        _put(cells, arrow, scale.ground - 1, "<" if push < 0 else ">", BODY)
