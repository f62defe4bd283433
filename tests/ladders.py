"""Ladders of causes: from one preset to another, one change at a time, so that each change's effect can be measured."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.learners.kinds import preset_spec, presets
from engine.learners.specs import EpisodesSpec

TRUNCATION, TARGET_CHECK = "bootstrap_on_truncation", "target_check_behind_training"


@dataclass(frozen=True, slots=True)
class Rung:
    """A spec that is measured: a preset, or one with some settings changed.

    change: the settings in which it differs from the rung before; empty on the first.
    """

    name: str
    preset: str
    spec: EpisodesSpec
    change: dict[str, Any]

    @property
    def flags(self) -> str:
        """What tells `dqn-lab train` to train this."""
        usual = presets()[self.preset].config.to_dict()
        changed = {key: value for key, value in self.spec.config.to_dict().items() if usual[key] != value}
        changed.pop("seed", None)
        words = [f"--set {key}={json.dumps(value, separators=(',', ':'))}" for key, value in changed.items()]
        return " ".join([f"--preset {self.preset}", *words])


@dataclass(frozen=True, slots=True)
class Ladder:
    """From one preset to another; `order` names the settings in which they differ, in the order of their changes.

    Their budgets count as a setting, `episodes`.
    """

    start: str
    end: str
    order: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.start} to {self.end}, {self.order[0]} first"

    def rungs(self) -> Iterator[Rung]:
        """The start, then a rung for each change; the last one is the end.

        Raises:
            ValueError: `order` is not the settings in which start and end differ.
        """
        first = episodes_spec(self.start)
        before, after = settings(first), settings(episodes_spec(self.end))
        differing = {key for key in before if before[key] != after[key] and key != "seed"}
        if set(self.order) != differing or len(self.order) != len(differing):
            raise ValueError(f"{self.start} and {self.end} differ in {', '.join(sorted(differing))}; name each once.")
        yield Rung(self.start, self.start, first, {})
        spec = first
        for count, key in enumerate(self.order, start=1):
            spec = changed_in(spec, {key: after[key]})
            yield _named(spec, self, count, {key: after[key]})


def settings(spec: EpisodesSpec) -> dict[str, Any]:
    """All that a rung may change: the config's settings, and the budget."""
    return {**spec.config.to_dict(), "episodes": spec.episodes}


def changed_in(spec: EpisodesSpec, change: Mapping[str, Any]) -> EpisodesSpec:
    """A spec with some of its `settings` changed."""
    config = {key: value for key, value in change.items() if key != "episodes"}
    return replace(spec, config=spec.config.replace(**config), episodes=change.get("episodes", spec.episodes))


def _named(spec: EpisodesSpec, ladder: Ladder, count: int, change: dict[str, Any]) -> Rung:
    """A rung above the first; under the name of the preset that it happens to be."""
    for name, preset in presets().items():
        if preset.spec.recipe == spec.recipe:
            return Rung(name, name, spec, change)
    return Rung("+".join([ladder.start, *ladder.order[:count]]), ladder.start, spec, change)


def changed(name: str, word: str, other: str, sets: Mapping[str, Iterable[str]]) -> list[Rung]:
    """A preset with a set of settings at a time as in another preset: what `word`, with or without, makes of it.

    Args:
        sets: the settings of each, by what they are called.
    """
    spec, values = episodes_spec(name), settings(episodes_spec(other))
    rungs = []
    for called, keys in sets.items():
        change = {key: values[key] for key in keys}
        rungs.append(Rung(f"{name} {word} {called}", name, changed_in(spec, change), change))
    return rungs


def differing(name: str, other: str) -> list[str]:
    """The settings in which two presets differ, their seeds and budgets left out."""
    one, two = (episodes_spec(preset).config.to_dict() for preset in (name, other))
    return [key for key in one if one[key] != two[key] and key != "seed"]


def episodes_spec(name: str) -> EpisodesSpec:
    spec = preset_spec(name)
    assert isinstance(spec, EpisodesSpec)
    return spec


LADDERS = (
    Ladder(
        "bad",
        "good-2",
        (
            "discount_factor",
            "n_gradient_steps",
            "steps_epsilon_decay",
            "epsilon_end",
            "learning_rate",
            "batch_size",
            "memory_size",
            "max_grad_norm",
        ),
    ),
    Ladder("as-written", "good-2", (TARGET_CHECK, TRUNCATION)),
    Ladder("as-written", "good-2", (TRUNCATION, TARGET_CHECK)),
    # From good-2 to robust leads through as-written.
    Ladder(
        "as-written",
        "robust",
        ("target_soft_update_rate", "state_scale", "keep_best_every_episodes", "end_when_perfect", "episodes"),
    ),
)
SOFT_TARGET, STATE_SCALE = "target_soft_update_rate", "state_scale"
NUMBERS = differing("as-written", "tuned")
LEFT_OUT = changed("robust", "without", "as-written", {key: (key,) for key in (STATE_SCALE, SOFT_TARGET)})
"""What `robust` is without each of its changes. It cannot do without its selection, which ends it."""
PUT_IN = [
    *changed(
        "robust",
        "with",
        "one-hidden",
        {
            "double_q": ("double_q",),
            "learning_rate_final_fraction": ("learning_rate_final_fraction",),
            "less exploring": ("epsilon_end", "steps_epsilon_decay"),
        },
    ),
    *changed(
        "robust",
        "with",
        "tuned",
        {"tuned numbers": NUMBERS, "tuned numbers alone": (*NUMBERS, SOFT_TARGET, STATE_SCALE)},
    ),
]
"""What it would be with a change that it does not make."""
