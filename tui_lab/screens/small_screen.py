"""Says that the terminal is too small, for as long as it is."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from tui_lab.widgets.words import Words

SMALLEST = (60, 16)
"""Columns and lines that the lab needs."""


class SmallScreen(ModalScreen[None]):
    """Covers everything; what trains goes on. The app puts it away once there is room."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "app.quit", "Quit", tooltip="Quit; asks while something trains", id="small.quit"),
    ]

    DEFAULT_CSS = """
    SmallScreen { background: $background; }
    SmallScreen Words { width: 100%; height: auto; }
    """

    def compose(self) -> ComposeResult:
        yield Words()

    def on_resize(self) -> None:
        width, height = self.app.size
        words = f"dqn-lab needs {SMALLEST[0]} x {SMALLEST[1]}; this terminal has {width} x {height}. q quits."
        self.query_one(Words).show(words)


def too_small(width: int, height: int) -> bool:
    """Whether the lab has no room in a terminal of that size."""
    return width < SMALLEST[0] or height < SMALLEST[1]
