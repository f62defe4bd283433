"""The runs of a home folder as a list: filtered, sorted, some of them marked. Pure; no widget in here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.learners.kind import Figure
from engine.storage.records import RunHead


@dataclass(frozen=True, slots=True)
class Column:
    """What runs are sorted by. `down` is the way that one usually wants first: largest, newest, or not."""

    name: str
    key: Callable[[RunHead, Mapping[str, Figure]], Any]
    down: bool = False


def _result(head: RunHead, outcomes: Mapping[str, Figure]) -> float:
    """Runs without a result come after all others, whatever the way is that one usually wants."""
    outcome = outcomes.get(head.id)
    return float("-inf") if outcome is None else outcome.value


COLUMNS = (
    Column("started", lambda head, _: head.created, down=True),
    Column("title", lambda head, _: head.title.lower()),
    Column("seed", lambda head, _: head.seed),
    Column("status", lambda head, _: head.status),
    Column("done", lambda head, _: head.progress, down=True),
    Column("result", _result, down=True),
    Column("seconds", lambda head, _: head.seconds, down=True),
)


class RunList:
    """All runs, and which of them are shown in what order."""

    def __init__(self) -> None:
        self._heads: Sequence[RunHead] = ()
        self._words: list[str] = []
        self._outcomes: dict[str, Figure] = {}
        self.shown: list[RunHead] = []
        self._marks: dict[str, None] = {}
        self.filter = ""
        self.column = COLUMNS[0]
        self.down = self.column.down

    def __len__(self) -> int:
        return len(self._heads)

    def take(self, heads: Sequence[RunHead]) -> None:
        """Replace the runs, newest first; marks of those that are gone go too."""
        self._heads = heads
        self._words = [
            f"{head.id} {head.name or ''} {head.preset or ''} {head.kind} {head.status} {head.tags}".lower()
            for head in heads
        ]
        for head in heads:
            if head.mean is not None:
                self._outcomes[head.id] = Figure("greedy", head.mean, "return")
        if self._marks:
            there = {head.id for head in heads}
            self._marks = {run: None for run in self._marks if run in there}
        self._show()

    def tell(self, outcomes: Mapping[str, Figure]) -> None:
        """What runs without an evaluation came to, by id."""
        self._outcomes |= outcomes
        if self.column.name == "result":
            self._show()

    def outcome(self, head: RunHead) -> Figure | None:
        return self._outcomes.get(head.id)

    def find(self, text: str) -> None:
        """Show only runs in whose id, name, preset, kind, status and tags each word of `text` occurs."""
        self.filter = text
        self._show()

    def sort_by_next(self) -> None:
        """Sort by the next column, the way that one usually wants it."""
        self.column = COLUMNS[(COLUMNS.index(self.column) + 1) % len(COLUMNS)]
        self.down = self.column.down
        self._show()

    def turn(self) -> None:
        """Sort the other way round."""
        self.down = not self.down
        self._show()

    @property
    def marked(self) -> list[str]:
        """Ids of marked runs, in the order in which they were marked."""
        return list(self._marks)

    def is_marked(self, run: str) -> bool:
        return run in self._marks

    def toggle_mark(self, run: str) -> None:
        if run in self._marks:
            del self._marks[run]
        else:
            self._marks[run] = None

    def mark_all(self) -> None:
        """Mark all that are shown; where any are marked, none."""
        self._marks = {} if self._marks else {head.id: None for head in self.shown}

    def marked_alike(self) -> list[str]:
        """Those of the marked runs that are of the same kind as the first one."""
        kinds = {head.id: head.kind for head in self._heads} if self._marks else {}
        first = next((kinds[run] for run in self._marks), None)
        return [run for run in self._marks if kinds[run] == first]

    def place(self, run: str | None) -> int | None:
        """Where a run is shown; None where it is not."""
        return next((place for place, head in enumerate(self.shown) if head.id == run), None)

    def _show(self) -> None:
        words = self.filter.lower().split()
        found: Iterable[RunHead] = self._heads
        if words:
            found = (
                head for head, text in zip(self._heads, self._words, strict=True) if all(word in text for word in words)
            )
        key, outcomes = self.column.key, self._outcomes
        if self.column is COLUMNS[0]:
            self.shown = list(found) if self.down else list(found)[::-1]
        else:
            self.shown = sorted(found, key=lambda head: key(head, outcomes), reverse=self.down)
