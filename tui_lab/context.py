"""What widgets and screens need of the app, as a protocol: the one place that says what kind of app they live in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from textual.dom import DOMNode

if TYPE_CHECKING:
    from engine.laboratory import Laboratory
    from engine.storage.store import Store
    from tui_lab.glyphs import Glyphs, Pace
    from tui_lab.lesson import Lesson

T = TypeVar("T")


class Context(Protocol):
    """The app as its widgets see it."""

    lab: Laboratory
    glyphs: Glyphs
    pace: Pace
    course: tuple[Lesson, ...]

    def open_lesson(self, lesson: Lesson) -> None:
        """Open a lesson, in place of the one that is open."""

    def open_neighbour(self, lesson: Lesson, by: int) -> None:
        """Open the lesson after (1) or before (-1) another one."""

    def action_map(self) -> None:
        """Go back to the course map."""

    def action_place(self, name: str) -> None:
        """Open a screen beside the course, `runs`, `settings` or `play`, over the one that is open."""

    def hung_up(self, number: int) -> None:
        """In any thread: the terminal is gone, or signal `number` asks to end; keep checkpoints and leave."""

    def typed(self) -> None:
        """In any thread: something was typed, and is to be answered before anything else."""

    def wake(self) -> None:
        """Something may move from now on: the open screen is to look again until nothing does."""

    def attempt(self, action: Callable[[], T], otherwise: T) -> T:
        """What `action` returns; where the home folder cannot be used just now, say so once and take `otherwise`."""

    def keep(self, write: Callable[[Store], None]) -> None:
        """Write to the home folder now, or as soon as it can be written."""


def context(node: DOMNode) -> Context:
    """The app that a widget or a screen lives in."""
    app: Any = node.app
    return cast(Context, app)
