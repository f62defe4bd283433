"""What many seeds of a preset came to, as shipped with the lessons: the distribution in which one run is one dot."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from textual.content import Content

FILE = Path(__file__).parent.parent / "lessons" / "outcomes.json"
CELLS = 51


@cache
def _presets() -> dict[str, Any]:
    """What is shipped, by preset; nothing where the file is missing or of another form."""
    try:
        found = json.loads(FILE.read_text(encoding="utf-8"))["presets"]
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def seeds_of(preset: str) -> tuple[float, ...]:
    """The mean return of each measured seed of a preset, of the weights that stand for its run; 0 where it diverged."""
    found = _presets().get(preset)
    if found is None:
        return ()
    which = "best" if found["best"] is not None else "last"
    return tuple(float(seed[which] or 0.0) for seed in found["by_seed"])


def strip(values: Sequence[float], own: float, span: tuple[float, float], mark: str, cells: int = CELLS) -> Content:
    """Values along a line of cells, each cell with how many it holds, and `mark` where one's own lies.

    Args:
        span: the values at the two ends.
    """
    low, high = span

    def cell(value: float) -> int:
        return min(cells - 1, max(0, int((value - low) / (high - low) * cells)))

    counts = Counter(map(cell, values))
    parts: list[Content | str | tuple[str, str]] = [f"{low:.0f} "]
    for place in range(cells):
        number = counts[place]
        if place == cell(own):
            parts.append((mark, "bold $accent"))
        else:
            parts.append(("·", "$faint") if not number else str(number) if number < 10 else "+")
    return Content.assemble(*parts, f" {high:.0f}")
