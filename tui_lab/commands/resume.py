"""`dqn-lab resume`: continue a stopped or interrupted run, whatever learns in it."""

from __future__ import annotations

import click

from tui_lab.commands.options import Options, json_option, pass_options
from tui_lab.commands.outcome import see_through
from tui_lab.commands.waiting import stop_signals


@click.command(short_help="Continue a run from its latest checkpoint.")
@click.argument("run")
@click.option("--more", metavar="N", type=click.IntRange(1), help="Of a finished run: so many more episodes or epochs.")
@json_option
@pass_options
def resume(options: Options, run: str, more: int | None, as_json: bool) -> None:
    """Continue RUN from its latest checkpoint, as if it had never stopped."""
    with stop_signals() as stop, options.laboratory() as lab:
        continued = lab.continue_run(run) if more is None else lab.extend_run(run, more)
        see_through(options, lab, continued, stop, as_json)
