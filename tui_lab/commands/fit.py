"""`dqn-lab fit`: a clone that learns an agent's actions from rows."""

from __future__ import annotations

from pathlib import Path

import click

from tui_lab.commands.errors import Misuse
from tui_lab.commands.options import Options, json_option, name_option, pass_options, seed_option
from tui_lab.commands.outcome import free_name, see_through
from tui_lab.commands.waiting import stop_signals

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(short_help="Train a clone on rows of states and actions.")
@click.option("--train", "train_file", type=FILE, required=True, help="CSV of training rows.")
@click.option("--test", "test_file", type=FILE, required=True, help="CSV of test rows, from another seed.")
@click.option("--hidden", default="256,256", show_default=True, help="Widths of the hidden layers, or none.")
@click.option("--epochs", type=int, default=150, show_default=True, help="Passes over the training rows.")
@click.option("--batch-size", type=int, default=64, show_default=True, help="Rows per gradient step.")
@click.option("--learning-rate", type=float, default=1e-3, show_default=True, help="Adam's step size.")
@seed_option
@name_option
@json_option
@pass_options
def fit(
    options: Options,
    train_file: Path,
    test_file: Path,
    hidden: str,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    name: str | None,
    as_json: bool,
) -> None:
    """Train a clone on rows of states and actions, and test it after every epoch."""
    from engine.learners.config import ImitationConfig
    from engine.learners.specs import DataSource, ImitationSpec

    config = ImitationConfig(
        nn_hidden_layers=_widths(hidden), learning_rate=learning_rate, batch_size=batch_size, epochs=epochs, seed=seed
    )
    with stop_signals() as stop, options.laboratory() as lab:
        free_name(lab, name)
        from engine.storage.data_sets import read_csv

        sources = [
            DataSource(path=str(file.resolve()), samples=len(read_csv(file))) for file in (train_file, test_file)
        ]
        run = lab.start(ImitationSpec(config, *sources), name=name)
        see_through(options, lab, run, stop, as_json)


def _widths(text: str) -> tuple[int, ...]:
    """'256,256' as (256, 256), 'none' as ()."""
    if text.strip().lower() == "none":
        return ()
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        raise Misuse(f"--hidden should be layer widths such as 256,256, or none, not {text!r}.") from None
