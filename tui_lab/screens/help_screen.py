"""Help on what has the focus, and every key that works there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static


class HelpScreen(ModalScreen[None]):
    """A page over the screen; any of its keys puts it away."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter", "app.pop_screen", "Close", id="help.close")
    ]

    def __init__(self, about: Sequence[str], keys: Sequence[tuple[str, str]], drawing: str) -> None:
        """
        Args:
            about: paragraphs on what has the focus and what is around it.
            keys: key and meaning.
            drawing: how much is drawn and sent, and why.
        """
        super().__init__()
        self._about = about
        self._keys = keys
        self._drawing = drawing

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help"):
            yield Static(Content.assemble("Help", ("   esc closes this page", "$muted")), classes="heading")
            for paragraph in self._about:
                yield Static(paragraph, classes="paragraph", markup=False)
            yield Static("Keys", classes="heading")
            yield Static("Arrows, page up and page down move; tab goes from part to part.", classes="paragraph")
            lines = [Content.assemble((f"{key:>9}  ", "bold $accent"), meaning) for key, meaning in self._keys]
            yield Static(Content("\n").join(lines))
            yield Static("Drawing", classes="heading")
            yield Static(self._drawing, markup=False)
