"""Asks before quitting while something trains, and follows what ends meanwhile."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button

from tui_lab.screens.lab_screen import LabScreen
from tui_lab.widgets.words import Words

ENDED = "All training has ended.", "Nothing is lost by quitting."
TRAINING = "A checkpoint lets you go on tomorrow where it stopped."


class QuitScreen(LabScreen[bool], ModalScreen[bool]):
    """Dismissed with True to keep checkpoints and quit, with False to stay."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "answer(True)", "Keep a checkpoint and quit", id="quit.keep"),
        Binding("s,escape", "answer(False)", "Stay", id="quit.stay"),
        Binding("left,right", "app.focus_next", "Other answer", id="quit.other", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._question, self._hint = Words(id="quit-question"), Words(id="quit-hint", classes="hint")

    def compose(self) -> ComposeResult:
        self.runs_changed()
        with Vertical(id="quit"):
            yield self._question
            yield self._hint
            with Horizontal(id="quit-buttons"):
                yield Button("Keep a checkpoint and quit (k)", variant="primary", id="keep")
                yield Button("Stay (s)", id="stay")

    def _words(self) -> tuple[str, str]:
        """What is asked, by what trains at the moment."""
        titles = self.context.lab.at_work
        if not titles:
            return ENDED
        return f"{', '.join(titles)} {'is' if len(titles) == 1 else 'are'} still training.", TRAINING

    def runs_changed(self) -> None:
        question, hint = self._words()
        self._question.show(question)
        self._hint.show(hint)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "keep")

    def action_answer(self, keep: bool) -> None:
        self.dismiss(keep)
