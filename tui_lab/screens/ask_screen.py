"""A question with a line to answer it on, and where needed some things to choose from; and one that wants a yes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from tui_lab.widgets.rows import RowList
from tui_lab.widgets.words import Words

Answer = tuple[int, str]
Check = Callable[[int, str], object]


class AskScreen(ModalScreen[Answer]):
    """Dismissed with the place of what was chosen and the text, or with None.

    An answer that the check refuses with a ValueError stays on the screen, with the reason.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", tooltip="Leave all as it is", id="ask.cancel"),
        Binding("enter", "answer", "Do it", tooltip="Take this answer", id="ask.answer"),
        Binding("up", "choose(-1)", "Up", tooltip="The choice above", id="ask.up", show=False),
        Binding("down", "choose(1)", "Down", tooltip="The choice below", id="ask.down", show=False),
    ]

    def __init__(
        self,
        question: str,
        check: Check,
        *,
        text: str = "",
        hint: str = "",
        choices: Sequence[str] = (),
    ) -> None:
        """
        Args:
            text: what stands on the line at first.
            choices: what there is to choose from, the usual one first.
        """
        super().__init__()
        self._question, self._check, self._text, self._hint = question, check, text, hint
        self._choices = choices

    def compose(self) -> ComposeResult:
        with Vertical(classes="page"):
            yield Static(self._question, classes="page-question", markup=False)
            if self._choices:
                yield RowList()
            yield Input(self._text, compact=True, select_on_focus=False)
            yield Static(self._hint, classes="hint", markup=False)
            yield Words(id="refusal")
            yield Static("enter does it, esc leaves all as it is", classes="hint")

    def on_mount(self) -> None:
        if self._choices:
            rows = self.query_one(RowList)
            rows.show([Content(choice) for choice in self._choices])
            rows.can_focus = False
        self.query_one(Input).focus()

    def action_choose(self, by: int) -> None:
        if self._choices:
            rows = self.query_one(RowList)
            rows.highlighted = (rows.chosen + by) % len(self._choices)

    def on_input_submitted(self) -> None:
        self.action_answer()

    def action_answer(self) -> None:
        answer = (self.query_one(RowList).chosen if self._choices else 0), self.query_one(Input).value.strip()
        try:
            self._check(*answer)
        except (ValueError, OSError) as error:
            self.query_one("#refusal", Words).show(Content.styled(str(error), "$error"))
            return
        self.dismiss(answer)

    def action_cancel(self) -> None:
        self.dismiss(None)


class SureScreen(ModalScreen[bool]):
    """Asks before something that cannot be taken back. Dismissed with True only for a yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", tooltip="Do it", id="sure.yes"),
        Binding("n,escape", "answer(False)", "No", tooltip="Leave all as it is", id="sure.no"),
        Binding(
            "left,right", "app.focus_next", "Other answer", tooltip="The other answer", id="sure.other", show=False
        ),
    ]

    def __init__(self, question: str, about: str, yes: str) -> None:
        super().__init__()
        self._question, self._about, self._yes = question, about, yes

    def compose(self) -> ComposeResult:
        with Vertical(classes="page"):
            yield Static(self._question, classes="page-question", markup=False)
            yield Static(self._about, classes="hint", markup=False)
            with Horizontal(classes="page-buttons"):
                yield Button("No (n)", id="no")
                yield Button(f"{self._yes} (y)", variant="error", id="yes")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)
