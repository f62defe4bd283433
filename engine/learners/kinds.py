"""The registry of kinds of learner: all that the lab asks of one, in one entry. No torch; entries load it late.

A kind is a subclass of `Kind`, registered once. Engine, app and command line ask the registry alone, so a new kind is a
new entry and nothing else. The lab's own entries are the modules of `engine.kinds`.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from engine.learners.kind import Kind, Preset
from engine.learners.settings import ConfigError, Settings
from engine.learners.specs import EpisodesSpec, RowsSpec, Spec

OWN = ("engine.kinds.dqn", "engine.kinds.imitation")
"""Modules that register the lab's own kinds when they are imported."""
ENTRY_POINTS = "dqn_lab.kinds"
"""Other installed packages name the modules that register theirs under this group of entry points."""
_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Make a kind known. The same kind may be registered again, as when its module is loaded anew.

    Raises:
        ValueError: its name, or the name of one of its presets, belongs to another kind, or its specs name another.
    """
    if kind.spec_type.kind != kind.name:
        raise ValueError(f"the specs of kind {kind.name!r} should name it, not {kind.spec_type.kind!r}.")
    for other in _kinds.values():
        if other.name == kind.name and _origin(other) != _origin(kind):
            raise ValueError(f"there is a kind of learner {kind.name!r} already; give this one another name.")
        taken = {preset.name for preset in other.presets} & {preset.name for preset in kind.presets}
        if taken and other.name != kind.name:
            raise ValueError(
                f"the preset {min(taken)!r} belongs to the kind {other.name!r}; give this one another name."
            )
    _kinds[kind.name] = kind
    return kind


def _origin(kind: Kind) -> tuple[str, str]:
    """Where a kind is defined; the same for a class that its module makes anew."""
    return type(kind).__module__, type(kind).__qualname__


def unregister(name: str) -> None:
    """Forget a kind; its runs stay where they are."""
    _kinds.pop(name, None)


@cache
def _load() -> None:
    for module in OWN:
        importlib.import_module(module)
    for entry in entry_points(group=ENTRY_POINTS):
        entry.load()


def kinds() -> dict[str, Kind]:
    """Every kind by name, the lab's own first."""
    _load()
    # Another one may have been registered before these were loaded.
    return dict(sorted(_kinds.items(), key=lambda item: type(item[1]).__module__ not in OWN))


def kind_named(name: str) -> Kind:
    """The kind of that name.

    Raises:
        ConfigError: there is none; the message lists the names.
    """
    known = kinds()
    if name not in known:
        raise ConfigError(f"there is no kind of learner {name!r} here; there are {', '.join(known)}.")
    return known[name]


def kind_of(spec: Spec) -> Kind:
    """The kind that a spec belongs to."""
    return kind_named(spec.kind)


def spec_from_dict(kind: str, values: Mapping[str, Any]) -> Spec:
    """What `Spec.to_dict` gave, as a spec of that kind.

    Raises:
        ConfigError: there is no such kind, or the settings are not its own.
    """
    return kind_named(kind).spec_type.from_dict(values)


# --- settings of which the kind is not said


def _kind_by_keys(settings: Mapping[str, Any]) -> str:
    """Settings without a kind are the course's: those of deep Q-learning have a discount factor."""
    return "dqn" if "discount_factor" in settings else "imitation"


def settings_from_dict(settings: Mapping[str, Any], usual: str | None = None) -> tuple[Kind, Settings]:
    """The kind and the config of a dict as `hparams.json` holds it: its key `kind`, else `usual`, else its keys tell.

    Raises:
        ConfigError: there is no such kind, or the settings are not its own.
    """
    kind, given = _told_apart(settings, usual)
    return kind, kind.spec_type.config_type.from_dict(given)


def unsaid_settings(settings: Mapping[str, Any], usual: str | None = None) -> dict[str, Any]:
    """What a dict of settings from elsewhere leaves unsaid (`Kind.unsaid`), by the kind that it is found to be of.

    Raises:
        ConfigError: there is no such kind.
    """
    kind, given = _told_apart(settings, usual)
    return kind.unsaid(given)


def _told_apart(settings: Mapping[str, Any], usual: str | None) -> tuple[Kind, dict[str, Any]]:
    given = dict(settings)
    name = given.pop("kind", None) or usual or _kind_by_keys(given)
    if not isinstance(name, str):
        raise ConfigError(f"kind should name a kind of learner, such as dqn, not {name!r}.")
    return kind_named(name), given


def settings_to_dict(kind: str, config: Settings) -> dict[str, Any]:
    """A dict from which `settings_from_dict` makes the same; it names the kind only where the keys do not tell."""
    values = config.to_dict()
    return values if _kind_by_keys(values) == kind else {"kind": kind, **values}


# --- presets


def presets() -> dict[str, Preset]:
    """Every kind's presets by name."""
    return {preset.name: preset for kind in kinds().values() for preset in kind.presets}


def preset(name: str) -> Preset:
    """The preset of that name.

    Raises:
        ConfigError: there is none; the message lists the names.
    """
    known = presets()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"the presets are {', '.join(known)}."
        raise ConfigError(f"there is no preset {name!r}; {hint}")
    return known[name]


def preset_spec(name: str, *, seed: int | None = None, samples: int | None = None, episodes: int | None = None) -> Spec:
    """The spec of a preset, with another seed, number of training rows or budget of episodes where given.

    Raises:
        ConfigError: there is no preset of that name, or its kind has no such budget.
    """
    spec = preset(name).spec
    if seed is not None:
        spec = spec.with_seed(seed)
    if episodes is not None:
        if not isinstance(spec, EpisodesSpec):
            raise ConfigError(f"preset {name!r} learns from rows and has no training episodes.")
        spec = replace(spec, episodes=episodes)
    if samples is not None:
        if not isinstance(spec, RowsSpec):
            raise ConfigError(f"preset {name!r} learns from episodes and has no training rows.")
        spec = replace(spec, train=replace(spec.train, samples=samples))
    return spec


def changed_settings(name: str | None, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings in which a run's config differs from its preset, the seed left out; empty without a preset."""
    known = presets()
    if name not in known:
        return {}
    usual = known[name].config.to_dict()
    return {key: value for key, value in settings.items() if key != "seed" and usual.get(key) != value}
