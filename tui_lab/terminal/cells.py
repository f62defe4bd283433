"""What the terminal shows and what it should show: the difference between the two, in few bytes. Writes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style

BRIDGE = 5
"""Unchanged cells between two changed ones that are sent again: moving the cursor over them costs as much."""
_NARROW = re.compile("[ -~\xa1-\u02ff\u0391-\u03c9\u2010-\u2027\u2190-\u21ff\u2200-\u22ff\u2500-\u25fc\u2800-\u28ff]*")
"""Text whose every character is known to take one cell."""
_ATTRIBUTES = {
    "bold": "1",
    "dim": "2",
    "italic": "3",
    "underline": "4",
    "blink": "5",
    "reverse": "7",
    "conceal": "8",
    "strike": "9",
    "underline2": "21",
    "overline": "53",
}
_SEEN_ON_BLANKS = {"4", "5", "7", "9", "21", "53"}
RESET = "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Look:
    """How a cell looks, as the codes that make it so; None is for what makes no difference, as colour on a blank."""

    attributes: tuple[str, ...] | None
    color: str | None
    ground: str


PLAIN = Look((), "39", "49")
_UNKNOWN, _LOST = Look(None, None, ""), Look(None, None, "?")
"""Of a cell that nothing was wanted of so far; and of one of which nobody knows any more what it shows."""


class Cells:
    """A grid of `wanted` cells, and of those that the terminal was told to show. A text as `difference` makes it equal.

    A wide character is followed by an empty cell. Control characters never reach the terminal.
    """

    def __init__(self, color_system: ColorSystem) -> None:
        self._color_system = color_system
        self._looks: dict[Style | None, tuple[Look, Look]] = {None: (PLAIN, Look(None, None, "49"))}
        self.resize(0, 0)

    def resize(self, width: int, height: int) -> None:
        """Begin anew: nothing is wanted, and nobody knows what the terminal shows."""
        self.size = (width, height)
        self._chars = [[" "] * width for _ in range(height)]
        self._wanted = [[_UNKNOWN] * width for _ in range(height)]
        self.forget()

    def forget(self) -> None:
        """Something else wrote to the terminal: nobody knows what it shows."""
        width, height = self.size
        self._shown_chars = [[" "] * width for _ in range(height)]
        self._shown = [[_LOST] * width for _ in range(height)]
        self._changed = set(range(height))

    @property
    def pending(self) -> bool:
        """Whether rows may differ from what the terminal shows."""
        return bool(self._changed)

    def put(self, x: int, y: int, segments: Iterable[Segment]) -> None:
        """Want these segments from a cell on; what reaches beyond the grid is cut off."""
        width, height = self.size
        if not 0 <= y < height:
            return
        chars, wanted = self._chars[y], self._wanted[y]
        for text, style, control in segments:
            if control or x >= width:
                continue
            look, blank = self._looks.get(style) or self._look(style)
            cells: Sequence[str] = text if _NARROW.fullmatch(text) else _cells(text)
            cells = cells[: width - x]
            end = x + len(cells)
            # Half a wide character is none: what is left of one that is written over becomes blank.
            if cells and x and chars[x] == "":
                chars[x - 1] = " "
            if cells and end < width and chars[end] == "":
                chars[end] = " "
            chars[x:end] = cells
            if " " in cells:
                wanted[x:end] = [blank if char == " " else look for char in cells]
            else:
                wanted[x:end] = [look] * len(cells)
            x = end
        self._changed.add(y)

    def difference(self, room: int) -> str:
        """Text that brings the terminal nearer to what is wanted, rows from the top down until about `room` characters.

        A row is brought up to date whole. What there was no room for stays pending.
        """
        parts: list[str] = []
        length = 0
        for y in sorted(self._changed):
            if length >= room:
                break
            part = self._row(y)
            self._changed.discard(y)
            length += len(part)
            parts.append(part)
        return "".join(parts)

    def _row(self, y: int) -> str:
        chars, shown_chars, wanted, shown = self._chars[y], self._shown_chars[y], self._wanted[y], self._shown[y]
        if chars == shown_chars and wanted == shown:
            return ""
        both = zip(chars, shown_chars, wanted, shown, strict=True)
        changed = [x for x, (char, old, look, was) in enumerate(both) if char != old or look != was]
        runs = _runs([x for x in changed if wanted[x] is not _UNKNOWN], chars, wanted)
        pen, parts = PLAIN, []
        for first, (start, end) in enumerate(runs):
            parts.append(f"\x1b[{start + 1}G" if first else f"\x1b[{y + 1};{start + 1}H")
            for x in range(start, end):
                look = wanted[x]
                if look is not pen:
                    code, pen = _turn(pen, look)
                    parts.append(code)
                parts.append(chars[x])
        if pen != PLAIN:
            parts.append(RESET)
        shown_chars[:], shown[:] = chars, wanted
        return "".join(parts)

    def _look(self, style: Style | None) -> tuple[Look, Look]:
        """The look of a style, and of a blank in it."""
        assert style is not None
        attributes = tuple(code for name, code in _ATTRIBUTES.items() if getattr(style, name))
        color, ground = (
            ";".join(given.downgrade(self._color_system).get_ansi_codes(front)) if given is not None else default
            for given, front, default in ((style.color, True, "39"), (style.bgcolor, False, "49"))
        )
        look = Look(attributes, color, ground)
        blank = look if _SEEN_ON_BLANKS.intersection(attributes) else Look(None, None, ground)
        # One object for equal looks: most comparisons are then of a thing with itself.
        known = next((pair for pair in self._looks.values() if pair == (look, blank)), (look, blank))
        self._looks[style] = known
        return known


def _runs(changed: Sequence[int], chars: Sequence[str], wanted: Sequence[Look]) -> list[tuple[int, int]]:
    """Changed columns as [start, end) spans; near ones are joined, and none begins or ends within a wide character."""
    runs: list[tuple[int, int]] = []
    for x in changed:
        between = wanted[runs[-1][1] : x] if runs else ()
        if runs and len(between) <= BRIDGE and _UNKNOWN not in between:
            runs[-1] = (runs[-1][0], x + 1)
        else:
            runs.append((x, x + 1))
    return [_whole(start, end, chars) for start, end in runs]


def _whole(start: int, end: int, chars: Sequence[str]) -> tuple[int, int]:
    while start and chars[start] == "":
        start -= 1
    while end < len(chars) and chars[end] == "":
        end += 1
    return start, end


def _turn(pen: Look, look: Look) -> tuple[str, Look]:
    """The codes that turn the pen's look into another one, and what the pen is then."""
    attributes = look.attributes
    if attributes is None:
        attributes = () if _SEEN_ON_BLANKS.intersection(pen.attributes or ()) else pen.attributes or ()
    color = pen.color if look.color is None else look.color
    turned = Look(attributes, color, look.ground)
    codes: list[str] = []
    if attributes != pen.attributes:
        codes, pen = ["0", *attributes], Look(attributes, "39", "49")
    if color != pen.color:
        codes.append(color or "39")
    if look.ground != pen.ground:
        codes.append(look.ground)
    return (f"\x1b[{';'.join(codes)}m" if codes else ""), turned


def _cells(text: str) -> list[str]:
    """A string for each cell of a text: characters of no width go with the one before them."""
    cells: list[str] = []
    for char in text:
        width = 1 if char < " " or "\x7f" <= char <= "\x9f" else cell_len(char)
        if width == 0 and cells:
            cells[-1 if cells[-1] else -2] += char
        elif width:
            cells += [char if char.isprintable() else "?", *[""] * (width - 1)]
    return cells
