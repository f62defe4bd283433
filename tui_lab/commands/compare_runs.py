"""`dqn-lab runs compare`: what two runs were started with, differences first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from tui_lab.commands.options import Options, json_option, pass_options
from tui_lab.commands.output import emit_json, table

if TYPE_CHECKING:
    from engine.analysis.comparison import Compared


@click.command()
@click.argument("run")
@click.argument("other")
@json_option
@pass_options
def compare(options: Options, run: str, other: str, as_json: bool) -> None:
    """Settings and budgets in which RUN and OTHER differ; --json tells those that are the same too."""
    from engine.analysis import comparison

    with options.laboratory() as lab:
        first, second = lab.store.named_run(run), lab.store.named_run(other)
    found = comparison.compare(first, second)
    if as_json:
        different = {row.name: {"run": row.first, "other": row.second} for row in found.different}
        same = {row.name: row.first for row in found.same}
        emit_json({"run": first.id, "other": second.id, "different": different, "same": same})
        return
    if found.different:
        click.echo(table(("", first.id, second.id), [_cells(row) for row in found.different]))
    click.echo(f"{len(found.same)} settings are the same in both.")


def _cells(row: Compared) -> tuple[str, str | None, str | None]:
    return row.name, _written(row.first), _written(row.second)


def _written(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)
