"""A run as one line of a list, and the line over them that names the columns. Pure; no widget in here."""

from __future__ import annotations

from textual.content import Content

from engine.learners.kind import Figure
from engine.storage.records import RunHead, Status
from tui_lab.glyphs import Glyphs
from tui_lab.marks import status_mark
from tui_lab.text import count, percent, seconds, value

COLUMNS = (
    ("title", f"{'run':<7}{'title':<14}"),
    ("seed", f"{'seed':>10}  "),
    ("status", f"{'status':<12}"),
    ("done", f"{'done':>5}  "),
    ("result", f"{'result':<12}"),
    ("seconds", "time"),
)
"""Each column, by the name that runs are sorted by, as it stands over the list."""
WIDTH = 4 + sum(len(text) for _, text in COLUMNS)
ROOM_FOR_SEED, ROOM_FOR_TAGS = WIDTH + 2, WIDTH + 9
ROOM_FOR_TIME = 66
"""Widths from which on a line has what one can best do without; half a time would be a wrong one."""


def header(sorted_by: str, glyphs: Glyphs, *, down: bool, width: int) -> Content:
    """The names of the columns, with an arrow at the one that runs are sorted by."""
    arrow = ("v" if down else "^") if glyphs.ascii_frame else ("▾" if down else "▴")
    pieces: list[str | tuple[str, str]] = ["    "]
    for name, text in COLUMNS:
        if (name == "seed" and width < ROOM_FOR_SEED) or (name == "seconds" and width < ROOM_FOR_TIME):
            continue
        if name != sorted_by:
            pieces.append(text)
        else:
            word = text.rstrip()
            pieces += [(word + arrow, "bold $accent"), text[len(word) + 1 :] or " "]
    return Content.assemble(*pieces)


def line(head: RunHead, outcome: Figure | None, glyphs: Glyphs, *, marked: bool, width: int) -> Content:
    """A run with its mark, where it stands and what it came to."""
    seed = str(head.seed) if head.seed < 10**10 else f"..{head.seed % 10**8:08}"
    return Content.assemble(
        ("* " if marked else "  ", "bold $accent"),
        status_mark(Status(head.status), glyphs),
        f" {head.id:<6.6} {head.title:<13.13} {f'{seed:>10}  ' if width >= ROOM_FOR_SEED else ''}",
        f"{head.status:<11} {percent(head.progress)}  ",
        f"{'' if outcome is None else _short(outcome):<11.11} ",
        f"{_spent(head.seconds)}  " if width >= ROOM_FOR_TIME else "",
        (head.tags if width >= ROOM_FOR_TAGS else "", "$muted"),
    )


def _spent(spent: float) -> str:
    """A time in at most ten cells."""
    return seconds(spent) if spent < 600 else f"{count(spent // 60)} min"


def _short(outcome: Figure) -> str:
    """A figure with the first word of its name: `greedy 212`, `mean 212`, `test .893`."""
    return f"{outcome.name.partition(' ')[0]} {value(outcome)}"
