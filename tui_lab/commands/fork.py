"""`dqn-lab fork`: branch off a run at a checkpoint of it, with other settings, and train on from there."""

from __future__ import annotations

import click

from tui_lab.commands.options import Options, json_option, name_option, pass_options
from tui_lab.commands.outcome import free_name, see_through
from tui_lab.commands.output import note
from tui_lab.commands.train import read_setting
from tui_lab.commands.waiting import stop_signals


@click.command(short_help="Branch off a run at a checkpoint, with other settings.")
@click.argument("run")
@click.option(
    "--at",
    metavar="STEP",
    type=click.IntRange(0),
    help="The step of a checkpoint that `runs keep` has kept.  [default: the latest checkpoint]",
)
@click.option(
    "--set",
    "settings",
    metavar="KEY=VALUE",
    multiple=True,
    help="A setting, or a budget such as episodes=300, that is another one from there on; repeatable.",
)
@name_option
@json_option
@pass_options
def fork(
    options: Options, run: str, at: int | None, settings: tuple[str, ...], name: str | None, as_json: bool
) -> None:
    """Train a copy of RUN on from a checkpoint of it, with other settings. RUN itself stays as it is.

    Without --set the fork ends in the same state as RUN would.
    """
    with stop_signals() as stop, options.laboratory() as lab:
        free_name(lab, name)
        begun = lab.fork(run, dict(map(read_setting, settings)), at, name)
        record = begun.record
        note(f"run {begun.id} branches off from run {record.parent} at step {record.forked_step:,}.")
        see_through(options, lab, begun, stop, as_json)
