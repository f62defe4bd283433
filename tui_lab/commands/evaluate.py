"""`dqn-lab evaluate`: greedy episodes from fixed starts."""

from __future__ import annotations

import click

from tui_lab.commands.options import DEFAULT_EPISODES, EVALUATION_SEED, Options, json_option, pass_options
from tui_lab.commands.outcome import evaluate as run_evaluation
from tui_lab.commands.output import RETURN_HEADER, RIGHT, emit_json, note, return_row, table
from tui_lab.commands.waiting import stop_signals


@click.command(short_help="Evaluate an agent in greedy episodes.")
@click.argument("agent")
@click.option("--episodes", type=click.IntRange(1, 100_000), default=DEFAULT_EPISODES, show_default=True)
@click.option("--seed", type=EVALUATION_SEED, default=0, show_default=True, help="Names the starts of the episodes.")
@json_option
@pass_options
def evaluate(options: Options, agent: str, episodes: int, seed: int, as_json: bool) -> None:
    """Evaluate AGENT: a folder, a saved agent's name, a run's id, or a rule (random, left, angle, linear:w1,w2,w3,w4).

    The same agent, episodes and seed give the same returns on the same machine.
    """
    with stop_signals() as stop, options.laboratory() as lab:
        figures = run_evaluation(lab, agent, episodes, seed, stop)
    if figures is None:
        note("the evaluation is stopped; nothing of it is kept.")
        raise click.exceptions.Exit(stop.exit_code)
    if as_json:
        keys = ("mean", "std", "min", "max", "perfect", "seconds")
        emit_json({"agent": agent, "episodes": episodes, "seed": seed, **{key: figures[key] for key in keys}})
    else:
        click.echo(table(RETURN_HEADER, [return_row(agent, figures["environment"], figures)], RIGHT))
