"""A list of any length, a line for each record: only the lines that are on the screen are ever made."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click, Resize
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

KEPT_LINES = 1_000


class RecordList(ScrollView, can_focus=True):
    """Lines to choose one from. Moving draws two lines; `look_again` draws those that differ."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", tooltip="The line above", id="list.up", show=False),
        Binding("down", "move(1)", "Down", tooltip="The line below", id="list.down", show=False),
        Binding("pageup", "move_page(-1)", "Page up", tooltip="A page up", id="list.page_up", show=False),
        Binding("pagedown", "move_page(1)", "Page down", tooltip="A page down", id="list.page_down", show=False),
        Binding("home", "go(0)", "First", tooltip="The first line", id="list.first", show=False),
        Binding("end", "go(-1)", "Last", tooltip="The last line", id="list.last", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"record-list--line", "record-list--chosen"}
    DEFAULT_CSS = """
    RecordList {
        height: 1fr; overflow-x: hidden; background: transparent; text-wrap: nowrap; text-overflow: ellipsis;
    }
    RecordList > .record-list--chosen { background: $panel; color: $foreground; }
    RecordList:focus > .record-list--chosen { background: $primary 30%; color: $foreground; text-style: bold; }
    """

    class Moved(Message):
        """Another line is the chosen one."""

    def __init__(self, line: Callable[[int], Content], *, id: str | None = None) -> None:
        """
        Args:
            line: makes a line by its place; asked for lines on the screen only.
        """
        super().__init__(id=id)
        self._line = line
        self._count = 0
        self.chosen = 0
        self._drawn: dict[int, tuple[Content, Strip]] = {}

    def show(self, count: int, chosen: int) -> None:
        """Show so many lines anew, one of them chosen."""
        grown = count != self._count
        self._count, self.chosen = count, max(0, min(chosen, count - 1))
        if grown:
            self.virtual_size = Size(self.size.width, count)
        self._keep_in_view()
        self.look_again()

    def look_again(self) -> None:
        """Draw the lines on the screen that are not as they were."""
        drawn, top = self._drawn, self.scroll_offset.y
        for place in range(top, top + self.size.height):
            kept = drawn.get(place)
            content = self._line(place) if place < self._count else None
            if (kept is None) != (content is None) or (kept and content and not content.is_same(kept[0])):
                drawn.pop(place, None)
                self.refresh_line(place)

    def draw_anew(self) -> None:
        """Draw every line again: their width or their colours are other ones."""
        self._drawn.clear()
        self.refresh()

    def _move_to(self, place: int) -> None:
        place = max(0, min(place, self._count - 1))
        if place == self.chosen or not self._count:
            return
        for changed in (self.chosen, place):
            self._drawn.pop(changed, None)
            self.refresh_line(changed)
        self.chosen = place
        self._keep_in_view()
        self.post_message(self.Moved())

    def _keep_in_view(self) -> None:
        top, height = self.scroll_offset.y, self.size.height
        if not height:
            return
        wanted = min(max(top, self.chosen - height + 1), self.chosen)
        wanted = max(0, min(wanted, self._count - height))
        if wanted != top:
            if len(self._drawn) > KEPT_LINES:
                self._drawn.clear()
            self.scroll_to(y=wanted, animate=False)

    def action_move(self, by: int) -> None:
        self._move_to(self.chosen + by)

    def action_move_page(self, by: int) -> None:
        self._move_to(self.chosen + by * max(1, self.size.height - 1))

    def action_go(self, place: int) -> None:
        self._move_to(place % max(1, self._count))

    def on_click(self, event: Click) -> None:
        place = self.scroll_offset.y + event.y
        if place < self._count:
            self._move_to(place)

    def on_mount(self) -> None:
        self.watch(self.app, "theme", self.draw_anew, init=False)

    def on_resize(self, event: Resize) -> None:
        self.virtual_size = Size(self.size.width, self._count)
        self._keep_in_view()
        self.draw_anew()

    def watch_has_focus(self, value: bool) -> None:
        super().watch_has_focus(value)
        self._drawn.pop(self.chosen, None)
        self.refresh_line(self.chosen)

    def render_line(self, y: int) -> Strip:
        place, width = self.scroll_offset.y + y, self.size.width
        if place >= self._count:
            return Strip.blank(width, self.rich_style)
        kept = self._drawn.get(place)
        if kept is None:
            content = self._line(place)
            classes = ["record-list--line"] + ["record-list--chosen"] * (place == self.chosen)
            style = self.get_visual_style(*classes)
            strips = Visual.to_strips(self, content, width, 1, style)
            strip = strips[0] if strips else Strip.blank(width)
            kept = self._drawn[place] = content, strip.adjust_cell_length(width, style.rich_style)
        return kept[1]
