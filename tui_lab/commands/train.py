"""`dqn-lab train`: a DQN run from a preset, a settings file and single settings."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tui_lab.commands.errors import Misuse
from tui_lab.commands.options import SEED, Options, json_option, name_option, pass_options
from tui_lab.commands.outcome import free_name, see_through
from tui_lab.commands.seeds import train_seeds
from tui_lab.commands.waiting import stop_signals

if TYPE_CHECKING:
    from engine.config import DQNConfig

DEFAULT_PRESET = "robust"
TEXT_VALUES = {"true": True, "false": False, "null": None, "none": None}


@click.command(short_help="Train a DQN agent and evaluate it.")
@click.option("--preset", "preset_name", metavar="NAME", help=f"Named settings.  [default: {DEFAULT_PRESET}]")
@click.option(
    "--config",
    "config_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Settings as JSON or a Python dict; over those of --preset where both are given.",
)
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="One setting over all others; repeatable.")
@click.option("--episodes", type=click.IntRange(1), help="Training episodes.  [default: the preset's, else 200]")
@click.option("--max-steps", type=click.IntRange(1), help="Stop after that many environment steps.")
@click.option("--seed", type=SEED, help="Names every random stream of the run.")
@click.option(
    "--seeds",
    "seed_count",
    metavar="N",
    type=click.IntRange(1),
    help="Train N seeds, from --seed on, over the machine's cores, and sum them up; given again, go on.",
)
@name_option
@json_option
@pass_options
def train(
    options: Options,
    preset_name: str | None,
    config_file: Path | None,
    settings: tuple[str, ...],
    episodes: int | None,
    max_steps: int | None,
    seed: int | None,
    seed_count: int | None,
    name: str | None,
    as_json: bool,
) -> None:
    """Train a DQN agent, then evaluate its last and its best weights in 1,000 greedy episodes each."""
    if seed_count is not None and name is not None:
        raise Misuse("--seeds trains an agent a seed, which --name cannot all name; leave out one of the two.")
    if preset_name is None and config_file is None:
        preset_name = DEFAULT_PRESET
    config = _config(preset_name, config_file, settings, seed)
    with stop_signals() as stop, options.laboratory() as lab:
        free_name(lab, name)
        from engine.dqn import DQNLearner
        from engine.metrics import MetricLog
        from engine.presets import usual_episodes
        from engine.runs import DQNSpec

        # What only an environment can tell, such as an unknown id, is refused here and not by a run that fails.
        DQNLearner(config, MetricLog())
        spec = DQNSpec(config, episodes or usual_episodes(preset_name), max_steps)
        if seed_count is not None:
            return train_seeds(lab, spec, seed_count, preset_name, stop, as_json)
        run = lab.start(spec, preset=preset_name, name=name)
        return see_through(options, lab, run, stop, as_json)


def _config(preset_name: str | None, file: Path | None, settings: tuple[str, ...], seed: int | None) -> DQNConfig:
    """The preset's settings, under the file's, under single ones, under the seed."""
    from engine.config import DQNConfig, read_settings
    from engine.presets import preset

    values: dict[str, Any] = {}
    if preset_name is not None:
        config = preset(preset_name).config
        if not isinstance(config, DQNConfig):
            raise Misuse(f"preset {preset_name!r} is one of imitation; `dqn-lab fit` trains clones.")
        values |= config.to_dict()
    if file is not None:
        values |= read_settings(file)
    for setting in settings:
        key, value = _setting(setting)
        values[key] = value
    if seed is not None:
        values["seed"] = seed
    return DQNConfig.from_dict(values)


def _setting(text: str) -> tuple[str, Any]:
    """KEY=VALUE, where the value is JSON, else a Python literal, else plain text that the config judges."""
    key, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not key or not value:
        raise Misuse(f"--set takes KEY=VALUE, such as learning_rate=0.001, not {text!r}.")
    try:
        return key, json.loads(value)
    except ValueError:
        pass
    try:
        return key, ast.literal_eval(value)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return key, TEXT_VALUES.get(value.lower(), value)
