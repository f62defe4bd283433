"""`dqn-lab train`: a run that learns from an environment, from a preset, a settings file and single settings."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tui_lab.commands.errors import Misuse
from tui_lab.commands.options import SEED, Options, cluster_option, json_option, name_option, pass_options
from tui_lab.commands.outcome import free_name, see_through
from tui_lab.commands.output import note
from tui_lab.commands.seeds import train_seeds
from tui_lab.commands.waiting import stop_signals

if TYPE_CHECKING:
    from engine.learners.kind import Preset
    from engine.learners.specs import EpisodesSpec

DEFAULT_PRESET = "robust"
KIND = "dqn"
"""What settings are of that neither name a kind of learner nor come from a preset."""


@click.command(short_help="Train an agent in an environment and evaluate it.")
@click.option(
    "--preset",
    "preset_name",
    metavar="NAME|FILE",
    help=f"Named settings, or a file of them.  [default: {DEFAULT_PRESET}]",
)
@click.option(
    "--config",
    "config_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Settings as JSON or a Python dict; over those of --preset where both are given. With the course's keys alone "
    "they run as in the course's code.",
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
@cluster_option
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
    cluster: str | None,
    name: str | None,
    as_json: bool,
) -> None:
    """Train an agent, by deep Q-learning unless its preset says otherwise, then evaluate its last and best weights in
    1,000 greedy episodes each.
    """
    if seed_count is not None and name is not None:
        raise Misuse("--seeds trains an agent a seed, which --name cannot all name; leave out one of the two.")
    if cluster is not None and seed_count is None:
        raise Misuse("--cluster shares out many seeds; say how many with --seeds N.")
    if preset_name is None and config_file is None:
        preset_name = DEFAULT_PRESET
    from engine.storage.preset_files import find_preset

    chosen = None if preset_name is None else find_preset(preset_name)
    spec = _spec(chosen, config_file, settings, seed, episodes, max_steps)
    if chosen is not None and chosen.name != preset_name:
        note(f"{preset_name}: {chosen.source}.")
        preset_name = chosen.name
    with stop_signals() as stop, options.laboratory() as lab:
        free_name(lab, name)
        if seed_count is not None:
            return train_seeds(lab, spec, seed_count, preset_name, stop, cluster, as_json)
        run = lab.start(spec, preset=preset_name, name=name)
        return see_through(options, lab, run, stop, as_json)


def _spec(
    chosen: Preset | None,
    file: Path | None,
    settings: tuple[str, ...],
    seed: int | None,
    episodes: int | None,
    max_steps: int | None,
) -> EpisodesSpec:
    """The preset's settings, under the file's, under single ones, under the seed; and the budget.

    Raises:
        ConfigError: a setting is wrong, or does not fit the environment.
    """
    from engine.learners.kinds import kind_of, settings_from_dict, settings_to_dict, unsaid_settings
    from engine.learners.settings import read_settings
    from engine.learners.specs import EpisodesSpec

    values: dict[str, Any] = {}
    unsaid: dict[str, Any] = {}
    usual: EpisodesSpec | None = None
    if chosen is not None:
        if not isinstance(chosen.spec, EpisodesSpec):
            title = kind_of(chosen.spec).title
            raise Misuse(f"preset {chosen.name!r} is one of {title}; `dqn-lab fit` trains on rows.")
        values |= settings_to_dict(chosen.spec.kind, chosen.config)
        usual = chosen.spec
    if file is not None:
        given = read_settings(file)
        unsaid = {} if chosen is not None else unsaid_settings(given, usual=KIND)
        values |= unsaid | given
    for setting in settings:
        key, value = read_setting(setting)
        values[key] = value
    if seed is not None:
        values["seed"] = seed
    kind, config = settings_from_dict(values, usual=KIND)
    spec_type = kind.spec_type
    if not issubclass(spec_type, EpisodesSpec):
        raise Misuse(f"these are settings of {kind.title}; `dqn-lab fit` trains on rows.")
    # What else a run of this kind is started with is the preset's; the budget too, as far as none is given.
    spec = replace(usual, config=config) if usual is not None and usual.kind == kind.name else spec_type(config)
    spec = replace(spec, episodes=episodes or spec.episodes, max_env_steps=max_steps or spec.max_env_steps)
    kind.check(spec)
    if unsaid:
        added = " and ".join(f"{key}={json.dumps(values[key])}" for key in unsaid)
        note(f"{file} has the course's settings alone, so the run does as the course's code does: {added}.")
    return spec


def read_setting(text: str) -> tuple[str, Any]:
    """KEY=VALUE as a setting; see `setting_from_text`."""
    from engine.learners.settings import ConfigError, setting_from_text

    try:
        return setting_from_text(text)
    except ConfigError:
        raise Misuse(f"--set takes KEY=VALUE, such as learning_rate=0.001, not {text!r}.") from None
