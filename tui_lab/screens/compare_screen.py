"""The settings of two runs side by side, differences first; or those of one run beside its preset's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from engine.analysis.comparison import Compared, Comparison

LEAST = 12


class CompareScreen(ModalScreen[None]):
    """A page over the screen; any of its keys puts it away."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,d,q,enter", "app.pop_screen", "Close", tooltip="Put the page away", id="compare.close"),
    ]

    def __init__(self, first: str, second: str, found: Comparison) -> None:
        """
        Args:
            first, second: what the two are called.
        """
        super().__init__()
        self._names = first, second
        self._found = found

    def compose(self) -> ComposeResult:
        first, second = self._names
        with VerticalScroll(id="compare"):
            yield Static(
                Content.assemble(f"{first} and {second}", ("   esc closes this page", "$muted")), classes="heading"
            )
            yield Static(self._table())

    def _table(self) -> Content:
        different, same = self._found.different, self._found.same
        cells = [_cells(row) for row in (*different, *same)]
        names = ("", *self._names)
        widths = [max([LEAST, len(name), *(len(row[i]) for row in cells)]) for i, name in enumerate(names)]
        lines = [_line(names, widths, "bold")]
        lines += [_line(_cells(row), widths, "") for row in different]
        if not different:
            lines.append(Content("They were started with the same settings."))
        lines += [Content(""), Content.styled(f"The same in both ({len(same)})", "bold $primary")]
        lines += [_line(_cells(row), widths, "$muted") for row in same]
        return Content("\n").join(lines)


def _cells(row: Compared) -> tuple[str, str, str]:
    return row.name, _written(row.first), _written(row.second)


def _written(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.10g}"
    return "-" if value is None else value if isinstance(value, str) else json.dumps(value)


def _line(cells: Sequence[str], widths: Sequence[int], style: str) -> Content:
    text = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
    return Content.styled(text, style) if style else Content(text)
