"""How commands speak: results on standard output, everything else on standard error, JSON that any parser reads."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click


def emit_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object; numbers that JSON does not know become null."""
    click.echo(json.dumps(_plain(value), indent=2, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value) if isinstance(value, Path) else value


def note(text: str) -> None:
    """Say something beside the result."""
    click.echo(f"dqn-lab: {text}", err=True)


def pairs(rows: Mapping[str, object]) -> str:
    """Labels and values in two aligned columns; rows without a value are left out."""
    kept = {label: value for label, value in rows.items() if value not in (None, "")}
    width = max(map(len, kept), default=0)
    return "\n".join(f"{label:<{width}}  {value}" for label, value in kept.items())


def table(header: Sequence[str], rows: Sequence[Sequence[object]], right: frozenset[str] = frozenset()) -> str:
    """Aligned columns, those named in `right` flush right; what is missing is a dash."""
    cells = [list(header), *([_dash(value) for value in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = (
        "  ".join(
            cell.rjust(width) if name in right else cell.ljust(width)
            for cell, width, name in zip(row, widths, header, strict=True)
        )
        for row in cells
    )
    return "\n".join(line.rstrip() for line in lines)


def _dash(value: object) -> str:
    return "-" if value in (None, "") else str(value)


def number(value: float | None, digits: int = 2) -> str | None:
    """A figure with that many decimals, or None for none."""
    return None if value is None else f"{value:,.{digits}f}"


def when(created: str) -> str:
    """A stored UTC time in the reader's own time, to the minute."""
    from datetime import datetime

    return datetime.fromisoformat(created).astimezone().strftime("%Y-%m-%d %H:%M")


SAME_HASH = "The same seed gives the same state hash on the same machine with the same versions; elsewhere it may not."
RETURN_HEADER = ("", "mean", "std", "min", "max", "success")
RIGHT = frozenset(RETURN_HEADER[1:])


def return_row(label: str, environment: str, figures: Mapping[str, Any]) -> tuple[object, ...]:
    """One evaluation as a row under `RETURN_HEADER`; its last cell is whatever the environment calls a success."""
    from engine.learners.environment_facts import kept_facts
    from tui_lab.text import success

    return (
        label,
        *(number(figures[key]) for key in ("mean", "std")),
        f"{figures['min']:g}",
        f"{figures['max']:g}",
        success(figures, kept_facts(environment)),
    )
