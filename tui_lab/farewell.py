"""What a sitting came to, in a few lines for the shell: what was trained and evaluated, and how to go on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from engine.laboratory import Laboratory
from engine.storage.records import RunRecord, Status, StoreError
from tui_lab.text import agent_title, counted, figure, percent

MOST = 5
"""Runs, and evaluations, that are told one by one."""


def farewell(lab: Laboratory, runs: Sequence[str], since: datetime) -> list[str]:
    """The lines; none where nothing was trained or evaluated.

    Args:
        runs: ids of the runs that this sitting worked on, in the order of their starts.
        since: when the sitting began, in UTC.
    """
    records = [record for run in runs if (record := _record(lab, run)) is not None]
    lines = [f"You trained {counted(len(records), 'run')}:"] if records else []
    lines += [f"  {_told(lab, record)}" for record in records[:MOST]]
    lines += _more(records)
    began = since.isoformat(timespec="seconds")
    evaluations = [kept for kept in lab.store.evaluations() if kept.created >= began]
    if evaluations:
        lines.append(f"You evaluated {counted(len(evaluations), 'agent')}:")
        lines += [f"  {agent_title(kept.agent)}: mean return {kept.mean:.1f}" for kept in evaluations[:MOST]]
        lines += _more(evaluations)
    if any(record.status != Status.FINISHED for record in records):
        lines.append("A stopped run goes on with r in its lesson, or with dqn-lab resume and its id.")
    return lines


def _record(lab: Laboratory, run: str) -> RunRecord | None:
    """The run's record; None where it was deleted meanwhile."""
    try:
        return lab.store.run(run)
    except StoreError:
        return None


def _told(lab: Laboratory, record: RunRecord) -> str:
    name = f"{record.title} {record.id}"
    if record.status != Status.FINISHED:
        return f"{name}: {record.status} at {percent(record.progress).strip()}"
    outcome = lab.outcome(record)
    return name if outcome is None else f"{name}: {figure(outcome)}"


def _more(told: Sequence[object]) -> list[str]:
    return [f"  and {len(told) - MOST} more"] if len(told) > MOST else []
