"""Settings while somebody changes them: a preset, what differs from it, and what that amounts to. Trains nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from engine.learners.kind import Kind, Preset
from engine.learners.kinds import kind_of, kinds, settings_to_dict
from engine.learners.settings import ConfigError, Meaning, Settings, integer, read_value
from engine.learners.specs import EpisodesSpec, RowsSpec, Spec

SEED = "seed"
_count = integer(1)
_BUDGETS = {
    "episodes": Meaning("Training episodes; your settings and the preset get as many.", "quick", "time to learn"),
    "samples": Meaning("Training rows; your settings and the preset get as many.", "easy to memorise", "harder to"),
}


@dataclass(frozen=True)
class Draft:
    """A preset and the changes to it. Each value is checked when it is put; whether all go together, `problem` tells.

    A draft never changes: every change makes another one. Names are those of the settings, and that of the budget.

    only: the settings that may be changed; None for all.
    budget: training episodes or training rows, in place of the preset's.
    """

    preset: Preset
    only: tuple[str, ...] | None = None
    budget: int | None = None
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        return kind_of(self.preset.spec)

    @property
    def _config_type(self) -> type[Settings]:
        return self.preset.spec.config_type

    @property
    def budget_name(self) -> str | None:
        """What the budget is counted in; None for a kind of learner that has another sort of budget."""
        match self.preset.spec:
            case EpisodesSpec():
                return "episodes"
            case RowsSpec() as spec if spec.train.path is None:
                return "samples"
        return None

    @property
    def names(self) -> tuple[str, ...]:
        """What may be changed: settings in their own order, then the budget."""
        settings = tuple(name for name in self._config_type.names() if self.only is None or name in self.only)
        return settings if self.budget_name is None else (*settings, self.budget_name)

    def budget_in(self, spec: Spec) -> int | None:
        """The budget of a spec of this kind, as this draft would hold it."""
        budget = _budget_of(spec)
        return None if budget == _budget_of(self.preset.spec) else budget

    def meaning(self, name: str) -> Meaning:
        if name == self.budget_name:
            return _BUDGETS[name]
        meaning = self._config_type.meaning(name)
        if name != SEED:
            return meaning
        return replace(meaning, about=f"{meaning.about} An experiment counts from it, for both sides.".lstrip())

    def usual(self, name: str) -> Any:
        """The preset's value."""
        if name == self.budget_name:
            return _budget_of(self.preset.spec)
        return getattr(self.preset.config, name)

    def value(self, name: str) -> Any:
        if name == self.budget_name:
            return self.usual(name) if self.budget is None else self.budget
        return self.values.get(name, self.usual(name))

    def changed(self, name: str) -> bool:
        """Whether a value differs from the preset's."""
        return bool(self.value(name) != self.usual(name))

    @property
    def changes(self) -> dict[str, Any]:
        """The settings that make a difference to the preset; a seed or a budget is the same for both."""
        return {name: value for name, value in self.values.items() if name != SEED and self.changed(name)}

    # --- changing

    def put(self, name: str, value: Any) -> Draft:
        """
        Raises:
            ConfigError: the value is none for this setting, or the setting may not be changed.
        """
        if name == self.budget_name:
            return replace(self, budget=_count(name, value))
        checked = self._config_type.checked(name, value)
        if name not in self.names:
            raise ConfigError(f"{name} stays as it is here; {', '.join(self.names)} may be changed.")
        return self._with({**self.values, name: checked})

    def put_text(self, name: str, text: str) -> Draft:
        """`put` of a value as somebody types it.

        Raises:
            ConfigError: as `put`.
        """
        return self.put(name, read_value(text.strip()))

    def step(self, name: str, *, up: bool) -> Draft:
        """A sensible step to a higher or a lower value: the next choice, else twice or half.

        Raises:
            ConfigError: that is no value for this setting.
        """
        value = self.value(name)
        if name == SEED:
            return self.put(name, value + 1 if up else max(0, value - 1))
        return self.put(name, _next_value(value, self.meaning(name).choices, up))

    def reset(self, name: str) -> Draft:
        """Back to the preset's value."""
        if name == self.budget_name:
            return replace(self, budget=None)
        return self._with({key: value for key, value in self.values.items() if key != name})

    def _with(self, values: Mapping[str, Any]) -> Draft:
        """What is as in the preset does not count as put."""
        return replace(self, values={key: value for key, value in values.items() if value != self.usual(key)})

    def unsaid(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """What pasted settings leave to the code that they were made for; nothing where they are only a part.

        Raises:
            ConfigError: there is no such kind of learner.
        """
        named = {key: value for key, value in given.items() if key != "kind"}
        kind = self._kind_meant(given.get("kind"), named)
        return kind.unsaid(named) if kind.spec_type.config_type.required() <= named.keys() else {}

    def paste(self, given: Mapping[str, Any]) -> Draft:
        """Take settings as `hparams.json` holds them, all or none of them.

        Those of another kind of learner choose the preset that they differ least from. What a whole dict leaves out is
        at its default, or as the code decides that it was made for (`unsaid`); what a part leaves out stays.

        Raises:
            ConfigError: they are no settings, or may not be changed here.
        """
        named = {key: value for key, value in given.items() if key != "kind"}
        kind = self._kind_meant(given.get("kind"), named)
        config_type = kind.spec_type.config_type
        own = kind.name == self.kind.name
        if own and not config_type.required() <= named.keys():
            named = {**self._settings(), **named}
        config = config_type.from_dict({**self.unsaid(given), **named})
        if own:
            base = Draft(self.preset, self.only, self.budget)
        elif self.only is None and kind.presets:
            base = Draft(min(kind.presets, key=lambda preset: len(_differences(config, preset.config))))
        else:
            raise ConfigError(f"these are settings of {kind.title}; here belong those of {self.kind.title}.")
        for name in _differences(config, base.preset.config):
            base = base.put(name, getattr(config, name))
        return base

    def _kind_meant(self, name: object, named: Mapping[str, Any]) -> Kind:
        """The kind that is named, else the one that knows the most of these settings; among equals the draft's own."""
        if name is not None:
            if not isinstance(name, str) or name not in kinds():
                raise ConfigError(f"kind should be one of {', '.join(kinds())}, not {name!r}.")
            return kinds()[name]
        own = self.kind.name

        def fit(kind: Kind) -> tuple[int, bool]:
            return len(named.keys() & set(kind.spec_type.config_type.names())), kind.name == own

        return max(kinds().values(), key=fit)

    # --- what it amounts to

    def _settings(self) -> dict[str, Any]:
        return {**self.preset.config.to_dict(), **self.values}

    @property
    def spec(self) -> Spec:
        """The run that these settings make.

        Raises:
            ConfigError: the settings cannot go together, or do not fit the environment.
        """
        config = self._config_type.from_dict(self._settings())
        spec = _with_budget(replace(self.preset.spec, config=config), self.budget)
        self.kind.check(spec)
        return spec

    @property
    def baseline(self) -> Spec:
        """The preset, with the same budget and the same seed."""
        return _with_budget(self.preset.spec, self.budget).with_seed(self.value(SEED))

    def seeds(self, count: int) -> tuple[int, ...]:
        """So many seeds, from its own on.

        Raises:
            ConfigError: they end beyond the largest seed.
        """
        first = self.value(SEED)
        return tuple(self._config_type.checked(SEED, first + i) for i in range(count))

    @property
    def problem(self) -> str | None:
        """Why these settings make no run, in one sentence."""
        try:
            _ = self.spec
        except ConfigError as error:
            return str(error)
        return None

    def practice(self) -> dict[str, float | int | None]:
        """What the settings amount to: figures by words with {} in their place; nothing where they make no run."""
        try:
            found = self.kind.practice(self.spec)
        except ConfigError:
            return {}
        words = self.kind.practice_words
        return {words.get(name, f"{name.replace('_', ' ')} {{}}"): value for name, value in found.items()}

    def to_json(self) -> str:
        """The settings as `hparams.json`.

        Raises:
            ConfigError: as `spec`.
        """
        return json.dumps(settings_to_dict(self.kind.name, self.spec.config), indent=2) + "\n"


def _budget_of(spec: Spec) -> int | None:
    match spec:
        case EpisodesSpec():
            return spec.episodes
        case RowsSpec():
            return spec.train.samples
    return None


def _with_budget(spec: Spec, budget: int | None) -> Spec:
    match spec:
        case EpisodesSpec() if budget is not None:
            return replace(spec, episodes=budget)
        case RowsSpec() if budget is not None:
            return replace(spec, train=replace(spec.train, samples=budget))
    return spec


def _differences(one: Settings, other: Settings) -> list[str]:
    return [name for name in one.names() if getattr(one, name) != getattr(other, name)]


def _next_value(value: Any, choices: Iterable[Any], up: bool) -> Any:
    """The next of the choices, where there are any; a truth value turned; a number doubled or halved; else the same."""
    choices = list(choices)
    if value in choices and (isinstance(value, str) or value is None):
        return choices[min(max(choices.index(value) + (1 if up else -1), 0), len(choices) - 1)]
    if choices and not isinstance(value, str):
        beyond = [
            choice for choice in choices if (_rank(choice) > _rank(value)) == up and _rank(choice) != _rank(value)
        ]
        return value if not beyond else beyond[0] if up else beyond[-1]
    if choices:
        return choices[0]
    if isinstance(value, bool):
        return up
    if isinstance(value, int):
        return value * 2 if up else max(value // 2, min(value, 1))
    if isinstance(value, float):
        return value * 2 if up else value / 2
    return value


def _rank(value: Any) -> tuple[Any, ...]:
    """A place among the choices of a setting: null, numbers, and lists by their length."""
    if value is None:
        return (0,)
    return (1, len(value), *value) if isinstance(value, tuple) else (1, value)
