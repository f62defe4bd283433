"""Asks before quitting while something trains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static


class QuitScreen(ModalScreen[bool]):
    """Dismissed with True to keep checkpoints and quit, with False to stay."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "answer(True)", "Keep a checkpoint and quit", id="quit.keep"),
        Binding("s,escape", "answer(False)", "Stay", id="quit.stay"),
        Binding("left,right", "app.focus_next", "Other answer", id="quit.other", show=False),
    ]

    def __init__(self, titles: Sequence[str]) -> None:
        super().__init__()
        self._titles = titles

    def compose(self) -> ComposeResult:
        names = ", ".join(self._titles)
        verb = "is" if len(self._titles) == 1 else "are"
        with Vertical(id="quit"):
            yield Static(f"{names} {verb} still training.", id="quit-question", markup=False)
            yield Static("A checkpoint lets you go on tomorrow where it stopped.", classes="hint")
            with Horizontal(id="quit-buttons"):
                yield Button("Keep a checkpoint and quit (k)", variant="primary", id="keep")
                yield Button("Stay (s)", id="stay")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "keep")

    def action_answer(self, keep: bool) -> None:
        self.dismiss(keep)
