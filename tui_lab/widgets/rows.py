"""A list of one-line rows that is updated in place: only rows whose text changed are drawn again."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList
from textual.widgets.option_list import Option


class RowList(OptionList):
    """Rows to choose from with the arrow keys."""

    HELP = "Up and down choose a row; the keys in the footer act on it."

    DEFAULT_CSS = """
    RowList { height: auto; max-height: 40%; border: none; padding: 0; background: transparent; }
    RowList { text-wrap: nowrap; text-overflow: ellipsis; }
    RowList:focus { border: none; background: transparent; }
    RowList > .option-list--option { padding: 0 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, compact=True)
        self._shown: list[Content] = []

    def show(self, rows: Sequence[Content]) -> None:
        """Replace the rows; the highlighted one stays highlighted."""
        if len(rows) != len(self._shown):
            chosen = self.highlighted or 0
            self.clear_options()
            self.add_options([Option(row) for row in rows])
            self.highlighted = min(chosen, len(rows) - 1) if rows else None
        else:
            for index, (row, shown) in enumerate(zip(rows, self._shown, strict=True)):
                if not row.is_same(shown):
                    self.replace_option_prompt_at_index(index, row)
        self._shown = list(rows)

    def allow_focus(self) -> bool:
        """Rows on a page that is not shown take no focus."""
        return super().allow_focus() and all(
            node.display for node in self.ancestors_with_self if isinstance(node, Widget)
        )

    @property
    def chosen(self) -> int:
        """Index of the highlighted row."""
        return self.highlighted or 0
