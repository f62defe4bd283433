"""Takes what Textual would write to the terminal and sends what differs from what is there, when the line has room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.color import ColorSystem
from textual._ansi_sequences import SYNC_END, SYNC_START
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate

from tui_lab.terminal.cells import Cells
from tui_lab.terminal.flow import QUESTION, Flow

SYNCHRONISED = 256
"""Characters from which a frame is marked as one, so that terminals which know the marks show no half of it."""


class Painter:
    """Holds the newest picture. What the line has no room for is not queued: a later frame shows the newest."""

    def __init__(
        self,
        write: Callable[[str], None],
        later: Callable[[float, Callable[[], None]], object],
        color_system: ColorSystem,
        flow: Flow | None = None,
    ) -> None:
        """
        Args:
            write: hands a text to the line; `wrote` is to be called once the line has taken it.
            later: calls a function after so many seconds.
        """
        self.flow = flow or Flow()
        self.synchronised = False
        """Whether the terminal knows synchronised output."""
        self._write = write
        self._later = later
        self._cells = Cells(color_system)
        self._cursor = (0, 0)
        self._writing = False
        self._waiting = False

    @property
    def behind(self) -> bool:
        """Whether the line has not yet had room for the newest picture."""
        return self._cells.pending

    def forget(self) -> None:
        """Something else wrote to the terminal: the next frame paints everything."""
        self._cells.forget()
        self._writing = False

    def show(self, update: CompositorUpdate, size: tuple[int, int], cursor: tuple[int, int] = (0, 0)) -> None:
        """Take what a screen wants to show, and send as much of it as there is room for.

        Args:
            update: one that `takes` says yes to.
            size: width and height of the terminal.
            cursor: where the terminal's own cursor belongs, unseen but for what an input method shows there.
        """
        if size != self._cells.size:
            self._cells.resize(*size)
        self._cursor = cursor
        if isinstance(update, LayoutUpdate):
            self._take_rows(update)
        elif isinstance(update, ChopsUpdate):
            self._take_pieces(update)
        self.flush()

    @staticmethod
    def takes(update: Any) -> bool:
        """Whether it is of a form that `show` knows."""
        return isinstance(update, LayoutUpdate | ChopsUpdate)

    def _take_rows(self, update: LayoutUpdate) -> None:
        for y, strips in enumerate(update.strips, update.region.y):
            x = update.region.x
            for strip in strips:
                self._cells.put(x, y, strip)
                x += strip.cell_length

    def _take_pieces(self, update: ChopsUpdate) -> None:
        for y, start, end in update.spans:
            for piece_end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
                if strip is not None and x <= end and piece_end > start:
                    self._cells.put(x, y, strip)

    def flush(self) -> None:
        """Send a frame, where something differs and the line has room for it."""
        while self._cells.pending and not self._writing:
            wait = self.flow.wait
            if wait:
                self._wait(wait)
                return
            self._send(self._cells.difference(self.flow.room))

    def _send(self, text: str) -> None:
        if not text:
            return
        if self._cursor != (0, 0):
            text += f"\x1b[{self._cursor[1] + 1};{self._cursor[0] + 1}H"
        if self.synchronised and len(text) >= SYNCHRONISED:
            text = f"{SYNC_START}{text}{SYNC_END}"
        if self.flow.asks:
            text += QUESTION
        self.flow.sent(len(text.encode()))
        self._writing = True
        self._write(text)

    def _wait(self, seconds: float) -> None:
        if not self._waiting:
            self._waiting = True
            self._later(seconds, self._waited)

    def _waited(self) -> None:
        self._waiting = False
        self.flush()

    def wrote(self, size: int, seconds: float) -> None:
        """The line took what was written, the slowest piece of it in so many seconds."""
        self.flow.wrote(size, seconds)
        self._writing = False
        self.flush()

    def answered(self) -> None:
        """The terminal answered a question at the end of a frame."""
        self.flow.answered()
        self.flush()
