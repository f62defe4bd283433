"""The command line: the group with the global options, which opens the lab itself when no command is given."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import click

from tui_lab.commands.agents import agents
from tui_lab.commands.doctor import doctor
from tui_lab.commands.errors import LabGroup, Misuse
from tui_lab.commands.evaluate import evaluate
from tui_lab.commands.fit import fit
from tui_lab.commands.fork import fork
from tui_lab.commands.generate import generate
from tui_lab.commands.grade import grade
from tui_lab.commands.keys import keys
from tui_lab.commands.options import Options
from tui_lab.commands.resume import resume
from tui_lab.commands.runs import runs
from tui_lab.commands.train import train
from tui_lab.commands.tune import tune
from tui_lab.glyphs import BandwidthChoice, GlyphChoice

COMMANDS = (train, resume, fork, evaluate, generate, fit, tune, runs, agents, grade, keys, doctor)
SIGNALLED = 128
"""Exit codes above it name the signal that ended the lab."""


@click.group(cls=LabGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where runs, agents and progress are kept.  [default: DQN_LAB_HOME, else the user's data folder]",
)
@click.option("--low-bandwidth", type=click.Choice(["auto", "on", "off"]), default="auto", help="Draw less often.")
@click.option(
    "--glyphs",
    type=click.Choice(["auto", "braille", "block", "ascii"]),
    default="auto",
    help="What charts are made of.",
)
@click.option("--no-mouse", is_flag=True, help="Leave the mouse to the terminal.")
@click.option("--plain", is_flag=True, help="The course as lines of text, for screen readers, pipes and logs.")
@click.version_option(package_name="dqn-lab", prog_name="dqn-lab")
@click.pass_context
def cli(
    context: click.Context,
    home: Path | None,
    low_bandwidth: BandwidthChoice,
    glyphs: GlyphChoice,
    no_mouse: bool,
    plain: bool,
) -> None:
    """A learning lab in the terminal for deep Q-learning. Without a command it opens the lab itself."""
    options = Options(home, low_bandwidth, glyphs, mouse=not no_mouse)
    context.obj = options
    if context.invoked_subcommand is None:
        (open_plain if plain else open_lab)(options)


for command in COMMANDS:
    cli.add_command(command)


def open_lab(options: Options) -> None:
    """Run the app.

    Raises:
        Misuse: there is no terminal to draw on.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        names = ", ".join(command.name or "" for command in COMMANDS)
        raise Misuse(f"the lab needs a terminal; without one use --plain, or these commands: {names}.")
    from tui_lab.app import LabApp

    app = LabApp(home=options.home_folder, low_bandwidth=options.low_bandwidth, glyphs=options.glyphs)
    lines: list[str] = []
    try:
        app.run(mouse=options.mouse)
    finally:
        lines = app.wind_up()
    code = app.return_code or 0
    if code > SIGNALLED:
        # Checkpoints are kept and the terminal is given back. The interpreter's own end would abort the process where
        # a job's thread is still in torch.
        os._exit(code)
    for line in lines:
        click.echo(line)
    sys.exit(code)


def open_plain(options: Options) -> None:
    """Run the course as lines on standard input and output, whatever these are."""
    from tui_lab.course import open_course
    from tui_lab.plain import Plain

    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show a letter gets a question mark instead of an end.
        sys.stdout.reconfigure(errors="replace")
    try:
        with options.laboratory() as lab:
            code = Plain(lab, open_course(), sys.stdin, sys.stdout).sit()
    except BrokenPipeError:
        # Nobody reads any more; the interpreter's own last flush must not complain about it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    if code > SIGNALLED:
        os._exit(code)
    sys.exit(code)


def main() -> None:
    """The console script."""
    cli(prog_name="dqn-lab")
