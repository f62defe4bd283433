"""`dqn-lab grade`: the course's homework, measured."""

from __future__ import annotations

import click

from tui_lab.commands.errors import FAILED
from tui_lab.commands.options import Options, json_option, pass_options
from tui_lab.commands.output import emit_json, pairs


@click.command(short_help="Grade a homework challenge by measuring.")
@click.argument("challenge", type=click.Choice(["1", "2"]))
@click.argument("subject", metavar="[RUN|AGENT]", required=False)
@json_option
@pass_options
def grade(options: Options, challenge: str, subject: str | None, as_json: bool) -> None:
    """Grade CHALLENGE 1 (95 % test accuracy with 10,000 rows) or 2 (one hidden layer, 500 in 1,000 episodes).

    Without RUN or AGENT the newest run that fits is graded. Exits with 0 when it is passed, else with 1.
    """
    from engine.analysis.grading import CHALLENGES
    from engine.analysis.grading import grade as measure

    with options.laboratory() as lab:
        result = measure(lab.store, int(challenge), subject)
    if as_json:
        emit_json(
            {
                "challenge": result.challenge,
                "passed": result.passed,
                "reason": result.reason,
                "measured": result.measured,
            }
        )
    else:
        click.echo(f"challenge {result.challenge}: {CHALLENGES[result.challenge]}")
        click.echo(f"{'passed' if result.passed else 'not passed'}: {result.reason}")
        if result.measured:
            click.echo("\n" + pairs({key.replace("_", " "): _rounded(value) for key, value in result.measured.items()}))
    if not result.passed:
        raise click.exceptions.Exit(FAILED)


def _rounded(value: object) -> object:
    return f"{value:.4g}" if isinstance(value, float) else value
