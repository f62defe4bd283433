"""For terminals without UTF-8: every cell that is not ASCII becomes an ASCII character of the same width."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_SAME_WIDTH = {
    "─━═╌┄▔▁▂▃": "-",
    "│┃║▌▐▎▊┆╎": "|",
    "┌┐└┘├┤┬┴┼╭╮╰╯┏┓┗┛┡┩┠┨┯┷╇╪": "+",
    "█▀▄▇▆▅▓": "#",
    "·•∙": ".",
    "±": "~",
    "−–—": "-",
    "×": "x",
    "÷": "/",
    "≈": "~",
    "≤": "<",
    "≥": ">",
    "√": "V",
    "γ": "g",
    "ε": "e",
    "∞": "8",
    "…": ".",
    "→▶": ">",
    "←◀": "<",
    "↑": "^",
    "↓": "v",
    "⏎": "^",
    "’‘": "'",
    "“”": '"',
    "⭘●": "o",
}
_TABLE = {ord(char): plain for chars, plain in _SAME_WIDTH.items() for char in chars}


def to_ascii(text: str) -> str:
    """ASCII of the same number of cells; characters without a likeness become question marks."""
    if text.isascii():
        return text
    return "".join(char if char.isascii() else "?" * cell_len(char) for char in text.translate(_TABLE))


class AsciiFilter(LineFilter):
    """Applies `to_ascii` to everything that is drawn."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(to_ascii(text), style, control) for text, style, control in segments]


def with_ascii(filters: Sequence[LineFilter]) -> list[LineFilter]:
    """The filters, and ASCII after them."""
    return [*filters, AsciiFilter()]
