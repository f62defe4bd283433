"""Runs and agents as files for other tools: CSV, JSON, TensorBoard event files, and agent folders; torch loads late."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from engine.learners.metrics import Episode, MetricLog
from engine.storage.files import write_whole
from engine.storage.records import RunRecord
from engine.storage.store import Store

FORMS = ("csv", "json", "tensorboard")
METRICS_CSV, EPISODES_CSV = "metrics.csv", "episodes.csv"


class ExportError(ValueError):
    """One sentence on why an export is not possible, and what would be right."""


class MissingToolError(ExportError):
    """The export needs a package that is not installed."""


def export_csv(folder: Path, log: MetricLog) -> list[Path]:
    """Write metrics.csv (series, x, y: one line a point) and episodes.csv (one line an episode) into `folder`.

    Numbers are printed so that they read back exactly.
    """
    metrics = ((name, float(x), float(y)) for name in log.names for x, y in zip(*log.read(name), strict=True))
    columns = [field.name for field in dataclasses.fields(Episode)]
    episodes = (dataclasses.astuple(episode) for episode in log.episodes())
    files = {METRICS_CSV: _csv(("series", "x", "y"), metrics), EPISODES_CSV: _csv(columns, episodes)}
    for name, content in files.items():
        write_whole(folder / name, content)
    return [folder / name for name in files]


def _csv(header: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue().encode()


def export_json(store: Store, record: RunRecord) -> dict[str, Any]:
    """Everything the store knows of a run as plain JSON values; a figure that is not finite becomes null."""
    log = store.load_metrics(record.id)
    return {
        "run": dataclasses.asdict(record),
        "metrics": {name: dict(zip("xy", map(_finite, log.read(name)), strict=True)) for name in log.names},
        "episodes": [dataclasses.asdict(episode) for episode in log.episodes()],
        "evaluations": [
            {
                "agent": kept.agent,
                "environment": kept.environment,
                "seed": kept.seed,
                "created": kept.created,
                **kept.figures(),
                "returns": _finite(store.returns(kept.id)),
            }
            for kept in store.evaluations(run=record.id)
        ],
    }


def _finite(values: Iterable[float]) -> list[float | None]:
    return [float(value) if math.isfinite(value) else None for value in values]


def export_tensorboard(folder: Path, log: MetricLog) -> None:
    """Write every series as a TensorBoard scalar of that name into an event file in `folder`.

    Raises:
        MissingToolError: TensorBoard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise MissingToolError('TensorBoard is not installed; `pip install "dqn-lab[tensorboard]"` adds it.') from None
    with SummaryWriter(str(folder)) as writer:
        for name in log.names:
            for x, y in zip(*log.read(name), strict=True):
                writer.add_scalar(name, float(y), int(x))


def json_text(store: Store, record: RunRecord) -> str:
    """`export_json` as a text that ends in a line's end."""
    return json.dumps(export_json(store, record), indent=2, allow_nan=False) + "\n"


def export_run(store: Store, record: RunRecord, form: str, output: Path) -> None:
    """Write a run to a folder (`csv`, `tensorboard`) or to a file (`json`).

    Raises:
        MissingToolError: TensorBoard is not installed.
        OSError: it cannot be written.
    """
    if form == "json":
        write_whole(output, json_text(store, record).encode())
    elif form == "csv":
        export_csv(output, store.load_metrics(record.id))
    else:
        export_tensorboard(output, store.load_metrics(record.id))


def export_agent(store: Store, text: str, folder: Path) -> None:
    """Write the agent that `text` names as an agent folder at `folder`, where nothing may stand yet.

    Raises:
        AgentError: there is no such agent.
        ExportError: it is a scripted rule, or something stands at `folder` already.
    """
    from engine.agents.agent import NetworkAgent
    from engine.storage.agent_folders import save_agent
    from engine.storage.library import find_agent

    agent = find_agent(store, text)
    if not isinstance(agent, NetworkAgent):
        raise ExportError(f"{text!r} is a rule and has no files; only a network can be exported.")
    if folder.exists():
        raise ExportError(f"{folder} exists already; give a folder that does not.")
    save_agent(folder, agent)
