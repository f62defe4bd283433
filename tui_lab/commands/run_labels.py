"""`dqn-lab runs rename`, `tag` and `keep`: what a run is called, and checkpoints of it to fork from."""

from __future__ import annotations

import click

from tui_lab.commands.options import Options, json_option, pass_options
from tui_lab.commands.output import emit_json


@click.command()
@click.argument("run")
@click.argument("name", required=False)
@json_option
@pass_options
def rename(options: Options, run: str, name: str | None, as_json: bool) -> None:
    """Call RUN NAME; without NAME it is called by its preset again. An agent saved under its old name stays."""
    from engine.storage import labels

    with options.laboratory() as lab:
        record = lab.store.named_run(run)
        labels.rename(lab.store, record, name)
        title = lab.store.run(record.id).title
    if as_json:
        emit_json({"run": record.id, "name": name})
    else:
        click.echo(f"run {record.id} is called {title}.")


@click.command()
@click.argument("run")
@click.argument("tags", nargs=-1, required=True, metavar="TAG...")
@click.option("--remove", is_flag=True, help="Take these tags away instead.")
@json_option
@pass_options
def tag(options: Options, run: str, tags: tuple[str, ...], remove: bool, as_json: bool) -> None:
    """Give RUN these tags, words to find it by; `runs list --tag TAG` lists the runs that have one."""
    from engine.storage.labels import check_tag, set_tags

    with options.laboratory() as lab:
        record = lab.store.named_run(run)
        given = {check_tag(one) for one in tags}
        kept = set_tags(lab.store, record.id, set(record.tags) - given if remove else set(record.tags) | given)
    if as_json:
        emit_json({"run": record.id, "tags": kept})
    else:
        click.echo(f"run {record.id} has {'the tags ' + ', '.join(kept) if kept else 'no tags'}.")


@click.command()
@click.argument("run")
@json_option
@pass_options
def keep(options: Options, run: str, as_json: bool) -> None:
    """Keep the latest checkpoint of RUN, so that it can be forked from when the run has gone on."""
    with options.laboratory() as lab:
        record = lab.store.named_run(run)
        step = lab.keep_checkpoint(record.id)
    if as_json:
        emit_json({"run": record.id, "step": step})
    else:
        fork = options.command(f"fork {record.id} --at {step}")
        click.echo(f"step {step:,} of run {record.id} is kept; `{fork}` branches off.")
