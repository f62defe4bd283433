"""What every bench has: a title, a hint, and the actions that the lesson screen's keys ask for."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from engine.laboratory import Laboratory
from tui_lab.context import Context, context
from tui_lab.glyphs import Glyphs
from tui_lab.lesson import Bench as Block


class Bench(Vertical):
    """A place in a lesson where something runs. Subclasses override what they can do.

    `ACTIONS` names the keys' actions that make sense here; the others stay off the footer.
    """

    HELP: ClassVar[str] = ""
    ACTIONS: ClassVar[frozenset[str]] = frozenset()

    DEFAULT_CSS = """
    Bench { height: 1fr; }
    Bench .bench-hint { color: $muted; height: auto; padding: 0 1; }
    Bench .bench-line { height: auto; padding: 0 1; }
    Bench .bench-legend { height: auto; padding: 0 1; }
    """

    def __init__(self, block: Block) -> None:
        super().__init__()
        self.block = block
        self._drawn: object = None
        """What the charts show, by whatever tells one picture from the next; None has them drawn again."""

    def on_mount(self) -> None:
        self.context.attempt(self.find_runs, None)

    def on_resize(self) -> None:
        self.call_after_refresh(self.draw_again)

    def on_option_list_option_highlighted(self) -> None:
        self.update_view()

    @property
    def lab(self) -> Laboratory:
        return self.context.lab

    @property
    def context(self) -> Context:
        return context(self)

    @property
    def glyphs(self) -> Glyphs:
        return self.context.glyphs

    def compose(self) -> ComposeResult:
        hint = getattr(self.block, "hint", "")
        if hint:
            yield Static(hint, classes="bench-hint", markup=False)

    @property
    def in_view(self) -> bool:
        """Whether there is something to bring up to date: a bench on the screen that is not just being taken away."""
        return self.is_mounted and self.display and self.is_on_screen

    def can(self, action: str) -> bool:
        """Whether a key's action makes sense here."""
        return action in self.ACTIONS

    def find_runs(self) -> None:
        """Look up the runs and results that this bench shows: one may have started or ended."""

    def update_view(self) -> None:
        """Bring what is shown up to date; called on each beat of the screen, so cheap where nothing changed."""

    def draw_again(self) -> None:
        """Bring what is shown up to date, charts and all, even if their data are the same."""
        self._drawn = None
        self.update_view()

    def start(self) -> None:
        """Start, or go on with, what is chosen."""

    def start_all(self) -> None:
        """Start everything on this bench."""

    def start_new(self) -> None:
        """Start what is chosen from the beginning."""

    def toggle_pause(self) -> None:
        """Pause what is chosen, or resume it."""

    def stop(self) -> None:
        """Stop what is chosen."""

    def next_chart(self) -> None:
        """Show the next chart."""

    def change_pace(self) -> None:
        """Slow the bench's runs down, or let them run at full speed again."""

    @property
    def busy(self) -> bool:
        """Whether something moves here that the space bar would hold."""
        return False
