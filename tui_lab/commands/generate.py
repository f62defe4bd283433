"""`dqn-lab generate`: states and an agent's actions in them, as CSV."""

from __future__ import annotations

from pathlib import Path

import click

from tui_lab.commands.errors import FAILED, Failed, Misuse, engine_code
from tui_lab.commands.options import EVALUATION_SEED, Options, force_option, json_option, pass_options
from tui_lab.commands.output import emit_json, note
from tui_lab.commands.waiting import stop_signals, wait_for


@click.command(short_help="Let an agent act and write its rows as CSV.")
@click.argument("agent")
@click.option("--samples", type=click.IntRange(1, 10_000_000), required=True, help="Rows to write.")
@click.option("--seed", type=EVALUATION_SEED, required=True, help="Names the starts of the episodes.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="CSV file to write.")
@force_option
@json_option
@pass_options
def generate(options: Options, agent: str, samples: int, seed: int, output: Path, force: bool, as_json: bool) -> None:
    """Let AGENT act in CartPole and write s1,s2,s3,s4,action rows.

    Take different seeds for training and test rows.
    """
    if output.exists() and not force:
        raise Misuse(f"{output} exists already; --force writes over it.")
    with stop_signals() as stop, options.laboratory() as lab:
        job = lab.data_set(agent, samples, seed, output)
        job.start()
        wait_for(job, stop, job.name)
    if job.exception is not None:
        raise (Misuse if engine_code(job.exception) != FAILED else Failed)(job.error or "the generation failed.")
    rows = job.samples
    if rows is None:
        note("stopped; nothing is written.")
        raise click.exceptions.Exit(stop.exit_code)
    balance = rows.balance()
    if as_json:
        emit_json({"rows": len(rows), "episodes": rows.episodes, "balance": balance, "path": output})
    else:
        from engine.learners.environment_facts import CARTPOLE, DESCRIPTIONS

        names = DESCRIPTIONS[CARTPOLE].action_names
        actions = ", ".join(f"{number:,} x {name}" for number, name in zip(balance, names, strict=True))
        click.echo(f"{len(rows):,} rows from {rows.episodes:,} episodes ({actions}) in {output}")
