"""The last line of a screen: the keys that work there, as many as fit, help always among them."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content
from textual.events import Click, Resize

from tui_lab.widgets.words import Words

ALWAYS = "app.help"
"""The key that names all the others."""
AT_LAST = ("app.runs", "app.settings", "app.play")
"""Keys that are shown where there is room left: the map has it."""


@dataclass(frozen=True, slots=True)
class KeyLabel:
    """A key as the line shows it: ` r Start `; `key` is Textual's name of it."""

    id: str
    key: str
    sign: str
    meaning: str

    @property
    def cells(self) -> int:
        return len(self.sign) + len(self.meaning) + 2

    def content(self) -> Content:
        return Content.assemble((self.sign, "bold $footer-key-foreground"), (f" {self.meaning} ", "$foreground"))


class KeyLine(Words):
    """Follows the focus and what can be done. A click on a key presses it."""

    DEFAULT_CSS = """
    KeyLine { dock: bottom; height: 1; width: 1fr; background: $footer-background; text-wrap: nowrap; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._labels: list[KeyLabel] = []
        self._asked = False

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, lambda screen: self._ask())

    def on_resize(self, event: Resize) -> None:
        self._ask()

    def _ask(self) -> None:
        """Show the keys once what happens now is over: one key press may change them several times."""
        if not self._asked:
            self._asked = True
            self.call_later(self._show_keys)

    def _show_keys(self) -> None:
        self._asked = False
        if self.is_attached and self.screen.is_current:
            self._labels = fitting(self._keys(), self.size.width)
            self.show(Content.assemble(*(label.content() for label in self._labels)))

    def _keys(self) -> list[KeyLabel]:
        """Every key that the line should show, nearest to the focus first; of two for one action the first."""
        found: dict[str, KeyLabel] = {}
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if binding.show and active.enabled and binding.action not in found:
                sign = self.app.get_key_display(binding)
                found[binding.action] = KeyLabel(binding.id or "", binding.key, sign, binding.description)
        return list(found.values())

    def on_click(self, event: Click) -> None:
        place = event.x
        for label in self._labels:
            if 0 <= place < label.cells:
                self.app.simulate_key(label.key)
            place -= label.cells


def fitting(labels: list[KeyLabel], width: int) -> list[KeyLabel]:
    """Those that fit into so many cells, in their order: the first ones, and help whatever else has to go."""
    ranks = {ALWAYS: 0, **dict.fromkeys(AT_LAST, 2)}
    room, shown = width, set[str]()
    for label in sorted(labels, key=lambda label: ranks.get(label.id, 1)):
        room -= label.cells
        if room < 0 and label.id != ALWAYS:
            break
        shown.add(label.key)
    return [label for label in labels if label.key in shown]
