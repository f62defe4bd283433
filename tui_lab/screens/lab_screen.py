"""What every screen of the lab has: a beat while something moves, and word of what has started, ended or changed."""

from __future__ import annotations

from typing import TypeVar

from textual.screen import Screen

from tui_lab.context import Context, context
from tui_lab.widgets.top_bar import TopBar

T = TypeVar("T")


class LabScreen(Screen[T]):
    """A screen that is told when to look again, and has no timer for that of its own."""

    @property
    def context(self) -> Context:
        return context(self)

    def on_screen_resume(self) -> None:
        self.runs_changed()
        self.context.wake()

    @property
    def about(self) -> list[str]:
        """What the help page tells of this screen, beside what has the focus."""
        return []

    def beat(self) -> None:
        """Bring what moves up to date: called at the terminal's pace, while something moves and this screen is open."""
        for bar in self.query(TopBar):
            bar.update_live()

    def runs_changed(self) -> None:
        """Look up runs and results again: one has started or ended, here or elsewhere, or the home folder changed."""
