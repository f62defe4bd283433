"""`dqn-lab runs`: list, show, compare, label, export and delete what was trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tui_lab.commands.compare_runs import compare
from tui_lab.commands.errors import FAILED, Misuse
from tui_lab.commands.options import Options, force_option, json_option, pass_options, yes_option
from tui_lab.commands.outcome import fork_keys
from tui_lab.commands.output import (
    RETURN_HEADER,
    RIGHT,
    SAME_HASH,
    emit_json,
    note,
    number,
    pairs,
    return_row,
    table,
    when,
)
from tui_lab.commands.run_labels import keep, rename, tag
from tui_lab.text import figure

if TYPE_CHECKING:
    from engine.laboratory import Laboratory
    from engine.storage.records import EvaluationRecord, RunRecord


PER_PAGE = 50


@click.group(no_args_is_help=False)
def runs() -> None:
    """List, show, compare, label, export and delete runs."""


for command in (compare, rename, tag, keep):
    runs.add_command(command)


@runs.command("list")
@click.option("--page", type=click.IntRange(1), default=1, show_default=True, help="Which page; 1 is the newest.")
@click.option("--per-page", type=click.IntRange(1, 10_000), default=PER_PAGE, show_default=True, help="Runs on a page.")
@click.option("--tag", "of_tag", metavar="TAG", help="Only runs with that tag.")
@json_option
@pass_options
def list_runs(options: Options, page: int, per_page: int, of_tag: str | None, as_json: bool) -> None:
    """Runs, newest first, a page at a time."""
    with options.laboratory() as lab:
        records = lab.store.runs(tag=of_tag, limit=per_page, offset=(page - 1) * per_page)
        newest = lab.store.newest_evaluations([record.id for record in records])
        found = [_summary(lab, record, newest.get(record.id)) for record in records]
        total = lab.store.count_runs(of_tag)
    if as_json:
        emit_json({"runs": found, "page": page, "per_page": per_page, "total": total})
    elif not total and of_tag is not None:
        click.echo(f"no run has the tag {of_tag!r}.")
    elif not total:
        click.echo(f"no runs yet; `{options.command('train')}` starts one.")
    elif not found:
        raise Misuse(f"there is no page {page}; {total:,} runs fill {-(-total // per_page):,} pages of {per_page}.")
    else:
        _print_list(found)
        if page * per_page < total:
            usual = "" if per_page == PER_PAGE else f" --per-page {per_page}"
            usual += "" if of_tag is None else f" --tag {of_tag}"
            older = options.command(f"runs list --page {page + 1}{usual}")
            note(f"{len(found)} of {total:,} runs; `{older}` shows older ones.")


def _print_list(found: list[dict[str, Any]]) -> None:
    tagged = any(run["tags"] for run in found)
    rows = [
        (
            run["run"],
            run["name"] or run["preset"] or run["kind"],
            run["seed"],
            run["status"],
            f"{run['progress']:.0%}",
            number(run["seconds"], 0),
            run["result"],
            when(run["created"]),
            *([" ".join(run["tags"])] if tagged else []),
        )
        for run in found
    ]
    header = ("run", "title", "seed", "status", "done", "seconds", "result", "started", *(["tags"] if tagged else []))
    click.echo(table(header, rows, frozenset({"seed", "done", "seconds"})))


def _summary(lab: Laboratory, record: RunRecord, newest: EvaluationRecord | None) -> dict[str, Any]:
    outcome = lab.outcome(record, newest)
    keys = ("kind", "preset", "name", "seed", "status", "progress", "created", "seconds", "counters", "state_hash")
    return {
        "run": record.id,
        **{key: getattr(record, key) for key in keys},
        "mean": None if newest is None else newest.mean,
        "headline": None if outcome is None else {"name": outcome.name, "value": outcome.value},
        "result": None if outcome is None else figure(outcome),
        "tags": record.tags,
        **fork_keys(record),
    }


@runs.command()
@click.argument("run")
@json_option
@pass_options
def show(options: Options, run: str, as_json: bool) -> None:
    """Settings, status, figures, evaluations and findings of RUN."""
    with options.laboratory() as lab:
        facts = _facts(lab, lab.store.named_run(run))
    if as_json:
        emit_json(facts)
    else:
        _print_facts(facts)


def _facts(lab: Laboratory, record: RunRecord) -> dict[str, Any]:
    from engine.learners.kinds import changed_settings, kind_of, spec_from_dict
    from engine.storage.forks import kept_steps

    spec, log = spec_from_dict(record.kind, record.spec), lab.store.load_metrics(record.id, episodes=False)
    kind = kind_of(spec)
    keys = ("kind", "preset", "name", "seed", "status", "message", "progress", "created", "updated", "seconds")
    return {
        "run": record.id,
        **{key: getattr(record, key) for key in keys},
        "tags": record.tags,
        "kept": kept_steps(lab.store, record.id),
        **fork_keys(record),
        "counters": record.counters,
        "settings": spec.config.to_dict(),
        "changed_from_preset": changed_settings(record.preset, record.spec["config"]),
        "in_practice": kind.practice(spec) or None,
        "budget": {key: value for key, value in record.spec.items() if key != "config"},
        "figures": kind.figures(spec, log) or None,
        "evaluations": [
            {
                "agent": kept.agent,
                "environment": kept.environment,
                "seed": kept.seed,
                "created": kept.created,
                **kept.figures(),
            }
            for kept in lab.store.evaluations(run=record.id)
        ],
        "findings": [{"name": finding.name, "text": finding.text} for finding in kind.findings(spec, log)],
        "state_hash": record.state_hash,
    }


def _print_facts(facts: dict[str, Any]) -> None:
    head = ("run", "kind", "preset", "name", "seed", "status", "message")
    counters = {key.replace("_", " "): f"{value:,}" for key, value in facts["counters"].items()}
    end = {"seconds": number(facts["seconds"], 1), "started": when(facts["created"]), "state hash": facts["state_hash"]}
    forked = {"fork of": f"{facts['parent']} at step {facts['forked_at']:,}"} if "parent" in facts else {}
    labels = {"tags": ", ".join(facts["tags"]), "kept steps": ", ".join(f"{step:,}" for step in facts["kept"])}
    click.echo(pairs({**{key: facts[key] for key in head}, **forked, **labels, **counters, **end}))
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
        rows = [
            return_row(f"{kept['agent']}, seed {kept['seed']}", kept["environment"], kept)
            for kept in facts["evaluations"]
        ]
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
    from engine.storage import export as exports

    if output is None and form != "json":
        raise Misuse(f"--format {form} needs --output with a folder to write.")
    with options.laboratory() as lab:
        record = lab.store.named_run(run)
        if output is None:
            return click.echo(exports.json_text(lab.store, record), nl=False)
        _refuse_to_overwrite(output, form, force)
        exports.export_run(lab.store, record, form, output)
    click.echo(f"run {record.id} is in {output}")
    return None


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
        record = lab.store.named_run(run)
        ask_first(f"Delete run {record.id} ({record.title}, {record.status})?", yes)
        lab.delete_run(record.id)
    if as_json:
        emit_json({"deleted": record.id})
    else:
        click.echo(f"run {record.id} is deleted.")


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
