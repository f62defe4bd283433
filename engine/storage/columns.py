"""Rows of the database made from values, and values made from rows; must not know when they are read or written."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any, TypeVar

from engine.learners.metrics import MetricLog
from engine.learners.specs import Spec
from engine.storage.reader import now
from engine.storage.records import RunRecord

J = TypeVar("J", dict[str, Any], list[Any])


def insert_run(db: sqlite3.Connection, run: str, spec: Spec, **fields: Any) -> None:
    """A new row of `runs`; what is given as a dict is kept as JSON."""
    moment = now()
    whole = {"id": run, "kind": spec.kind, "spec": spec.to_dict(), "seed": spec.config.seed, "created": moment}
    row = columns({**whole, "updated": moment, **fields})
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    db.execute(f"INSERT INTO runs ({names}) VALUES ({marks})", tuple(row.values()))


def columns(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Values as columns hold them."""
    return {key: json.dumps(value) if isinstance(value, dict | list) else value for key, value in fields.items()}


def write_metrics(
    db: sqlite3.Connection, run: str, log: MetricLog, saved: Mapping[str, int], saved_episodes: int
) -> None:
    """Make a run's saved metrics those of its log; see `Store.save_metrics`."""
    for (name,) in db.execute("SELECT DISTINCT series FROM metrics WHERE run = ?", (run,)).fetchall():
        own = (run, name, saved.get(name, 0))
        db.execute("DELETE FROM metrics WHERE run = ? AND series = ? AND start >= ?", own)
    for name in log.names:
        start = saved.get(name, 0)
        x, y = log.read(name, start)
        if len(x):
            db.execute("INSERT INTO metrics VALUES (?,?,?,?,?)", (run, name, start, x.tobytes(), y.tobytes()))
    db.execute("DELETE FROM episodes WHERE run = ? AND episode >= ?", (run, saved_episodes))
    db.executemany(
        "INSERT INTO episodes VALUES (?,?,?,?,?,?,?,?)",
        [
            (run, e.index, e.env_step, e.total_reward, e.length, e.epsilon, e.terminated, e.truncated)
            for e in log.episodes(saved_episodes)
        ],
    )


def where(**columns: object) -> tuple[str, list[object]]:
    """A WHERE clause for the columns that are given, and its values; a collection stands for any of its members."""
    clauses: list[str] = []
    values: list[object] = []
    for column, wanted in columns.items():
        if wanted is None:
            continue
        several = [wanted] if isinstance(wanted, str | int) else list(wanted)  # type: ignore[call-overload]
        clauses.append(f"{column} IN ({','.join('?' * len(several))})")
        values += several
    return (" WHERE " + " AND ".join(clauses) if clauses else ""), values


def run_record(row: sqlite3.Row) -> RunRecord:
    fields = dict(row)
    for key in ("spec", "counters", "forked_at"):
        fields[key] = _json_object(fields[key])
    return RunRecord(**{**fields, "tags": tuple(_json(fields["tags"], list))})


def _json_object(text: str | None) -> dict[str, Any]:
    return _json(text or "{}", dict)


def _json(text: str, form: type[J]) -> J:
    """What a column of JSON holds; nothing where it is damaged, so that the run can still be listed and deleted."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return form()
    return found if isinstance(found, form) else form()
