"""Rows of settings, one of which can be edited where it stands."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Paste
from textual.message import Message
from textual.widgets import Input

from engine.learners.draft import Draft
from tui_lab.experiment_text import told_apart, whole
from tui_lab.glyphs import Glyphs
from tui_lab.search_text import short
from tui_lab.widgets.rows import RowList

PRESET = "preset"
NAME_CELLS, VALUE_CELLS = 29, 22
VALUE_AT = 2 + NAME_CELLS
"""Cells left of a value: a mark, a blank, the name."""


class SettingList(RowList):
    """The rows themselves."""

    HELP = (
        "Up and down choose a setting. Left and right step it to a sensible value, enter lets you type one, backspace "
        "returns to the preset's. What is marked differs from the preset. r asks what you expect and runs an "
        "experiment against the preset. y copies the settings as hparams.json; what you paste here, as JSON or as a "
        "Python dict, is taken. o reads a file."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(False)", "Less", tooltip="A step down", id="settings.less", show=False),
        Binding("right", "step(True)", "Step", key_display="←→", tooltip="A step up; left: down", id="settings.more"),
        Binding("enter", "select", "Type", tooltip="Type a value", id="settings.edit"),
        Binding("backspace,delete", "reset", "Undo", tooltip="Back to the preset's value", id="settings.reset"),
        Binding("y", "copy", "Copy", tooltip="Copy the settings as hparams.json", id="settings.copy", show=False),
        Binding("o", "open_file", "File", tooltip="Take settings from a file", id="settings.open", show=False),
    ]

    class Stepped(Message):
        def __init__(self, up: bool) -> None:
            super().__init__()
            self.up = up

    class Reset(Message):
        """The chosen setting is to have the preset's value."""

    class Copied(Message):
        """The settings are to be copied."""

    class FileWanted(Message):
        """Settings are to be read from a file."""

    class Pasted(Message):
        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def action_step(self, up: bool) -> None:
        self.post_message(self.Stepped(up))

    def action_reset(self) -> None:
        self.post_message(self.Reset())

    def action_copy(self) -> None:
        self.post_message(self.Copied())

    def action_open_file(self) -> None:
        self.post_message(self.FileWanted())

    def on_paste(self, event: Paste) -> None:
        event.stop()
        self.post_message(self.Pasted(event.text))


def holds_settings(pasted: str) -> bool:
    """Whether a text that was pasted is a dict, and neither a value nor the path of a file."""
    return "{" in pasted


class ValueInput(Input):
    """A value as it is typed. What is pasted and looks like a dict is settings, and not a value."""

    HELP = "Enter takes what you typed, escape leaves it as it was."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Take", tooltip="Take what you typed", id="value.take"),
        Binding("escape", "leave", "Back", tooltip="Leave it as it was", id="value.leave"),
    ]

    class Left(Message):
        """Nothing is to be taken."""

    def action_leave(self) -> None:
        self.post_message(self.Left())

    def on_paste(self, event: Paste) -> None:
        if holds_settings(event.text):
            event.prevent_default()
            event.stop()
            self.post_message(SettingList.Pasted(event.text))


class SettingRows(Vertical):
    """The rows of a draft, and the field in which one is edited."""

    DEFAULT_CSS = """
    SettingRows { layers: rows over; }
    SettingRows SettingList { layer: rows; max-height: 100%; }
    SettingRows ValueInput {
        layer: over; position: absolute; display: none; height: 1; border: none; padding: 0; background: $panel;
    }
    SettingRows ValueInput:focus { border: none; }
    """

    def __init__(self, names: tuple[str, ...], glyphs: Glyphs) -> None:
        super().__init__()
        self.names = names
        self._glyphs = glyphs
        self._edited: str | None = None

    def compose(self) -> ComposeResult:
        yield SettingList()
        yield ValueInput(select_on_focus=False)

    @property
    def chosen(self) -> str:
        """The name of the chosen row; while a value is typed, of that one's."""
        if self._edited is not None:
            return self._edited
        return self.names[min(self.query_one(SettingList).chosen, len(self.names) - 1)]

    @property
    def typed(self) -> str | None:
        """What stands in the field; None while nothing is edited."""
        field = self.query_one(ValueInput)
        return field.value if field.display else None

    def show(self, draft: Draft, preset: Content) -> None:
        self.query_one(SettingList).show(
            [preset if name == PRESET else self._row(draft, name) for name in self.names],
        )

    def _row(self, draft: Draft, name: str) -> Content:
        value, changed = draft.value(name), draft.changed(name)
        if not changed:
            return Content.assemble(f"  {name:<{NAME_CELLS}}", (short(value), "$muted"))
        now, usual = told_apart(value, draft.usual(name))
        return Content.assemble(
            (f"{self._glyphs.pointer} ", "bold $accent"),
            (f"{name:<{NAME_CELLS}}", "bold"),
            (f"{now:<{VALUE_CELLS}} ", "bold"),
            (f"preset {usual}", "$muted"),
        )

    def choose(self, name: str) -> None:
        self.query_one(SettingList).highlighted = self.names.index(name)

    def edit(self, value: object) -> None:
        """Open the field over the value of the chosen row."""
        rows, field = self.query_one(SettingList), self.query_one(ValueInput)
        self._edited = self.chosen
        field.value = whole(value)
        field.cursor_position = len(field.value)
        field.styles.width = max(12, self.size.width - VALUE_AT - 1)
        field.styles.offset = (VALUE_AT, rows.chosen - round(rows.scroll_y))
        field.display = True
        field.focus()

    def stay(self) -> None:
        """Go back to the field that is open, wherever a click went."""
        self.choose(self.chosen)
        self.query_one(ValueInput).focus()

    def close(self) -> None:
        """Close the field."""
        self._edited = None
        self.query_one(ValueInput).display = False
        self.query_one(SettingList).focus()
