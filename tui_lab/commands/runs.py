"""`dqn-lab runs`: list, show, export and delete what was trained."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tui_lab.commands.errors import FAILED, Misuse
from tui_lab.commands.options import Options, force_option, json_option, pass_options, yes_option
from tui_lab.commands.output import RETURN_HEADER, RIGHT, SAME_HASH, emit_json, number, pairs, return_row, table, when

if TYPE_CHECKING:
    from engine.config import DQNConfig
    from engine.laboratory import Laboratory
    from engine.store import RunRecord


@click.group(no_args_is_help=False)
def runs() -> None:
    """List, show, export and delete runs."""


@runs.command("list")
@json_option
@pass_options
def list_runs(options: Options, as_json: bool) -> None:
    """All runs, newest first."""
    with options.laboratory() as lab:
        found = [_summary(lab, record) for record in lab.store.runs()]
    if as_json:
        emit_json({"runs": found})
    elif not found:
        click.echo(f"no runs yet; `{options.command('train')}` starts one.")
    else:
        rows = [
            (
                run["run"],
                run["name"] or run["preset"] or run["kind"],
                run["seed"],
                run["status"],
                f"{run['progress']:.0%}",
                number(run["seconds"], 0),
                _headline(run),
                when(run["created"]),
            )
            for run in found
        ]
        header = ("run", "title", "seed", "status", "done", "seconds", "result", "started")
        click.echo(table(header, rows, frozenset({"seed", "done", "seconds"})))


def _summary(lab: Laboratory, record: RunRecord) -> dict[str, Any]:
    from engine.figures import return_figures

    kept = lab.store.evaluations(run=record.id)
    keys = ("kind", "preset", "name", "seed", "status", "progress", "created", "seconds", "counters", "state_hash")
    return {
        "run": record.id,
        **{key: getattr(record, key) for key in keys},
        "mean": return_figures(kept[0].returns, kept[0].perfect)["mean"] if kept else None,
        "test_accuracy": lab.store.last_metric(record.id, "test_accuracy"),
    }


def _headline(run: dict[str, Any]) -> str | None:
    if run["mean"] is not None:
        return f"return {run['mean']:.2f}"
    return None if run["test_accuracy"] is None else f"accuracy {run['test_accuracy']:.4f}"


@runs.command()
@click.argument("run")
@json_option
@pass_options
def show(options: Options, run: str, as_json: bool) -> None:
    """Settings, status, figures, evaluations and findings of RUN."""
    with options.laboratory() as lab:
        facts = _facts(lab, lab.store.run(run))
    if as_json:
        emit_json(facts)
    else:
        _print_facts(facts)


def _facts(lab: Laboratory, record: RunRecord) -> dict[str, Any]:
    from engine.config import DQNConfig, ImitationConfig
    from engine.diagnosis import diagnose
    from engine.figures import imitation_figures, return_figures, run_config
    from engine.presets import changed_settings

    config, log = run_config(record), lab.log(record.id)
    keys = ("kind", "preset", "name", "seed", "status", "message", "progress", "created", "updated", "seconds")
    return {
        "run": record.id,
        **{key: getattr(record, key) for key in keys},
        "counters": record.counters,
        "settings": config.to_dict(),
        "changed_from_preset": changed_settings(record.preset, record.spec["config"]),
        "in_practice": _in_practice(config) if isinstance(config, DQNConfig) else None,
        "budget": {key: value for key, value in record.spec.items() if key != "config"},
        "figures": imitation_figures(config, log) if isinstance(config, ImitationConfig) else None,
        "evaluations": [
            {
                "agent": kept.agent,
                "seed": kept.seed,
                "created": kept.created,
                **return_figures(kept.returns, kept.perfect),
            }
            for kept in lab.store.evaluations(run=record.id)
        ],
        "findings": [{"name": finding.name, "text": finding.text} for finding in diagnose(config, log)],
        "state_hash": record.state_hash,
    }


def _in_practice(config: DQNConfig) -> dict[str, float | None]:
    """What the settings amount to; a ceiling that is infinite is null."""
    from engine.schedules import schedule_facts

    return {key: value if math.isfinite(value) else None for key, value in asdict(schedule_facts(config)).items()}


def _print_facts(facts: dict[str, Any]) -> None:
    head = ("run", "kind", "preset", "name", "seed", "status", "message")
    counters = {key.replace("_", " "): f"{value:,}" for key, value in facts["counters"].items()}
    end = {"seconds": number(facts["seconds"], 1), "started": when(facts["created"]), "state hash": facts["state_hash"]}
    click.echo(pairs({**{key: facts[key] for key in head}, **counters, **end}))
    if facts["state_hash"]:
        click.echo(SAME_HASH)
    changed = facts["changed_from_preset"]
    settings = {
        key: f"{json.dumps(value)}{' (not the preset)' * (key in changed)}" for key, value in facts["settings"].items()
    }
    budget = {key: json.dumps(value) for key, value in facts["budget"].items() if value is not None}
    click.echo("\nsettings\n" + _indented(pairs({**settings, **budget})))
    if facts["in_practice"]:
        practice = {
            key.replace("_", " "): "none" if value is None else f"{value:,.5g}"
            for key, value in facts["in_practice"].items()
        }
        click.echo("\nin practice\n" + _indented(pairs(practice)))
    if facts["figures"]:
        figures = {k.replace("_", " "): f"{v:.4f}" if isinstance(v, float) else v for k, v in facts["figures"].items()}
        click.echo("\nfigures\n" + _indented(pairs(figures)))
    if facts["evaluations"]:
        rows = [return_row(f"{kept['agent']}, seed {kept['seed']}", kept) for kept in facts["evaluations"]]
        click.echo("\nevaluations\n" + _indented(table(RETURN_HEADER, rows, RIGHT)))
    if facts["findings"]:
        click.echo("\nfindings\n" + _indented(pairs({item["name"]: item["text"] for item in facts["findings"]})))


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


@runs.command()
@click.argument("run")
@click.option("--format", "form", type=click.Choice(["csv", "json", "tensorboard"]), default="csv", show_default=True)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="A folder for csv and tensorboard, a file for json (without it: standard output).",
)
@force_option
@pass_options
def export(options: Options, run: str, form: str, output: Path | None, force: bool) -> None:
    """Write the metrics and episodes of RUN for other tools.

    csv: a folder with metrics.csv (series, x, y) and episodes.csv. json: one object. tensorboard: event files.
    """
    from engine import export as exports
    from engine.checkpoint import write_whole

    if output is None and form != "json":
        raise Misuse(f"--format {form} needs --output with a folder to write.")
    with options.laboratory() as lab:
        record, log = lab.store.run(run), lab.log(run)
        if output is None:
            return click.echo(_json_text(exports.export_json(record, log, lab.store.evaluations(run=run))), nl=False)
        _refuse_to_overwrite(output, form, force)
        if form == "csv":
            exports.export_csv(output, log)
        elif form == "tensorboard":
            exports.export_tensorboard(output, log)
        else:
            write_whole(output, _json_text(exports.export_json(record, log, lab.store.evaluations(run=run))).encode())
    click.echo(f"run {run} is in {output}")
    return None


def _json_text(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, allow_nan=False) + "\n"


def _refuse_to_overwrite(output: Path, form: str, force: bool) -> None:
    """A json export replaces a file; the others add to a folder, which may be there but should hold nothing."""
    if form == "json" and output.is_dir():
        raise Misuse(f"{output} is a folder; --format json writes a file.")
    if form != "json" and output.is_file():
        raise Misuse(f"{output} is a file; --format {form} writes a folder.")
    full = any(output.iterdir()) if output.is_dir() else output.exists()
    if full and not force:
        raise Misuse(
            f"{output} {'is not empty' if output.is_dir() else 'exists already'}; --force writes there anyway."
        )


@runs.command()
@click.argument("run")
@yes_option
@json_option
@pass_options
def delete(options: Options, run: str, yes: bool, as_json: bool) -> None:
    """Delete RUN with its metrics, evaluations, checkpoint and agents (a copy saved under a name stays)."""
    with options.laboratory() as lab:
        record = lab.store.run(run)
        ask_first(f"Delete run {run} ({record.title}, {record.status})?", yes)
        lab.delete_run(run)
    if as_json:
        emit_json({"deleted": run})
    else:
        click.echo(f"run {run} is deleted.")


def ask_first(question: str, yes: bool) -> None:
    """Go on only after a yes; without anybody to ask, --yes is needed."""
    if yes:
        return
    try:
        agreed = click.confirm(question, err=True)
    except click.Abort:
        raise Misuse("nothing is deleted without a yes; --yes says it beforehand.") from None
    if not agreed:
        click.echo("nothing is deleted.", err=True)
        raise click.exceptions.Exit(FAILED)
