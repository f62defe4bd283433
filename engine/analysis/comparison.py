"""Two runs side by side: what each was started with, and in what they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.storage.records import RunRecord


@dataclass(frozen=True, slots=True)
class Compared:
    """One setting of two runs; None where a run has no such setting."""

    name: str
    first: Any
    second: Any


@dataclass(frozen=True, slots=True)
class Comparison:
    """Settings and budgets of two runs, in the order in which these know them."""

    different: tuple[Compared, ...]
    same: tuple[Compared, ...]


def compare(first: RunRecord, second: RunRecord) -> Comparison:
    """What two runs of whatever kinds were started with."""
    one, other = _started_with(first), _started_with(second)
    names = list(dict.fromkeys([*one, *other]))
    rows = [Compared(name, one.get(name), other.get(name)) for name in names]
    different = tuple(row for row in rows if row.first != row.second or (row.name in one) != (row.name in other))
    return Comparison(different, tuple(row for row in rows if row not in different))


def _started_with(record: RunRecord) -> dict[str, Any]:
    """A run's kind, preset, settings and budget by name, parts of parts joined by a space."""
    spec = dict(record.spec)
    config = spec.pop("config", {})
    return {"kind": record.kind, "preset": record.preset, **_flat(config), **_flat(spec)}


def _flat(values: Any) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items() if isinstance(values, Mapping) else ():
        if isinstance(value, Mapping):
            flat |= {f"{key} {inner}": part for inner, part in _flat(value).items()}
        else:
            flat[key] = value
    return flat
