"""The score ladder: what rules and the course's bad agent return over 1,000 starts, as shipped with the lessons."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from textual.content import Content

from tui_lab.glyphs import Glyphs

FILE = Path(__file__).parent.parent / "lessons" / "ladder.json"


@dataclass(frozen=True, slots=True)
class Rung:
    """A mean return over 1,000 starts, and who has it; `agent` is its name in the lab, None where it has none."""

    title: str
    mean: float
    agent: str | None


@cache
def rungs() -> tuple[Rung, ...]:
    """The ladder from its lowest rung up; nothing where the file is missing or of another form."""
    try:
        found = json.loads(FILE.read_text(encoding="utf-8"))["rungs"]
        read = [Rung(str(rung["title"]), float(rung["mean"]), rung["agent"]) for rung in found]
    except (OSError, ValueError, KeyError, TypeError):
        return ()
    return tuple(sorted(read, key=lambda rung: rung.mean))


def standing(value: float, ladder: Sequence[Rung] | None = None) -> str:
    """Between which rungs a return lies, in words."""
    ladder = rungs() if ladder is None else ladder
    below = [rung for rung in ladder if rung.mean <= value]
    above = [rung for rung in ladder if rung.mean > value]
    words = []
    if below:
        words.append(f"above {below[-1].title} ({below[-1].mean:.0f})")
    if above:
        words.append(f"below {above[0].title} ({above[0].mean:.0f})")
    return ", ".join(words)


def ladder_lines(own: Mapping[str, float], glyphs: Glyphs) -> list[Content]:
    """Every rung from the highest down, with the reader's own values between them.

    Args:
        own: the reader's values, by what they are called.
    """
    lines = [(rung.mean, 0, Content.assemble(f"{rung.mean:>5.0f}   ", (rung.title, "$muted"))) for rung in rungs()]
    for title, value in own.items():
        line = Content.assemble((f"{value:>5.0f} {glyphs.pointer} ", "$accent"), (title, "bold $accent"))
        lines.append((value, 1, line))
    return [line for _, _, line in sorted(lines, key=lambda line: (-line[0], line[1]))]
