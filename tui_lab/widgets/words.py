"""Text that changes: shown anew only where it differs, and laid out anew only where it needs another size."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class Words(Static):
    """A `Static` for what is shown again and again. The same content again costs nothing."""

    def __init__(self, content: Content | str = "", *, id: str | None = None, classes: str | None = None) -> None:
        """
        Args:
            content: what is shown at first; a string is text, never markup.
        """
        self._words = _content(content)
        super().__init__(self._words, id=id, classes=classes, markup=False)

    @property
    def words(self) -> Content:
        """What is shown."""
        return self._words

    def show(self, content: Content | str) -> None:
        """Replace the content."""
        new, old = _content(content), self._words
        if new.is_same(old):
            return
        self._words = new
        # A widget that is not on the screen has no size yet to compare.
        hidden = not self.content_size.width
        self.update(new, layout=hidden or self._room(new) != self._room(old))

    def _room(self, content: Content) -> tuple[int, int]:
        """The cells and lines that the layout would give to a content, as far as they follow from it."""
        rules, width, height = self.styles.get_rules(), self.styles.width, self.styles.height
        cells = content.get_optimal_width(rules, 0) if width is not None and width.is_auto else 0
        lines = content.get_height(rules, self.content_size.width) if height is not None and height.is_auto else 0
        return cells, lines


def _content(content: Content | str) -> Content:
    return content if isinstance(content, Content) else Content(content)
