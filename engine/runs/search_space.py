"""The settings that a search varies, read from TOML and checked by the learner's own checks; samples nothing itself.

One table a setting: `low` and `high`, with `log` or `step` where wanted, or `choices`. Optuna loads late.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from engine.learners.kinds import kind_of
from engine.learners.settings import Check, ConfigError
from engine.learners.specs import Spec

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Label = str | int | float | bool | None
"""A choice as a study keeps it: plain values as they are, lists as JSON."""
RANGE_KEYS, CHOICE_KEYS = ("low", "high", "log", "step"), ("choices",)
NULL = "null"
"""Stands in a file for a setting that is off; TOML has no such value."""
FORM = "either `low` and `high` (with `log` or `step` where wanted) or `choices`"


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`, both included; `whole` for whole numbers only.

    log: spread evenly over magnitudes. step: the distance of neighbours; None for any number, or for whole ones 1.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None
    whole: bool = False

    def distribution(self) -> BaseDistribution:
        from optuna.distributions import FloatDistribution, IntDistribution

        if self.whole:
            return IntDistribution(int(self.low), int(self.high), log=self.log, step=int(self.step or 1))
        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    def value(self, label: Label) -> Any:
        return label

    def position(self, label: Label) -> float:
        """Where a value stands on an axis of its own."""
        return float(cast(float, label))

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


@dataclass(frozen=True, slots=True)
class Choices:
    """A few values, of which no one lies between two others."""

    values: tuple[Any, ...]

    @property
    def labels(self) -> tuple[Label, ...]:
        return tuple(_label(value) for value in self.values)

    def distribution(self) -> BaseDistribution:
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.labels)

    def value(self, label: Label) -> Any:
        return self.values[self.labels.index(label)]

    def position(self, label: Label) -> float:
        """Where a value stands on an axis of its own: its place among the choices, from 0 on."""
        return float(self.labels.index(label))

    def to_dict(self) -> dict[str, Any]:
        return {"choices": [list(value) if isinstance(value, tuple) else value for value in self.values]}


Axis = Range | Choices


def _label(value: Any) -> Label:
    return json.dumps(list(value)) if isinstance(value, list | tuple) else value


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """What varies, by setting, around the `base` that all else is taken from."""

    base: Spec
    axes: dict[str, Axis]

    def spec(self, labels: Mapping[str, Label]) -> Spec:
        """The run that these values stand for, with the base's seed.

        Raises:
            ConfigError: the settings do not go together.
        """
        chosen = {name: self.axes[name].value(label) for name, label in labels.items()}
        spec = dataclasses.replace(self.base, config=self.base.config.replace(**chosen))
        kind_of(spec).check(spec)
        return spec

    def distributions(self) -> dict[str, BaseDistribution]:
        """The axes as Optuna knows them."""
        return {name: axis.distribution() for name, axis in self.axes.items()}

    def to_dict(self) -> dict[str, Any]:
        """The axes as plain JSON values."""
        return {name: axis.to_dict() for name, axis in self.axes.items()}


def read_space(file: Path, base: Spec) -> SearchSpace:
    """A space from a file, around a base.

    Raises:
        ConfigError: it cannot be read, or a table in it does not fit the settings; the message names file and setting.
    """
    try:
        with file.open("rb") as opened:
            tables = tomllib.load(opened)
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror or error}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not valid TOML: {error}.") from None
    if not tables:
        raise ConfigError(f"{file} names no setting; it should have one table a setting, with {FORM}.")
    return SearchSpace(base, {name: _axis(file, name, table, base) for name, table in tables.items()})


def _axis(file: Path, name: str, table: Any, base: Spec) -> Axis:
    def wrong(problem: str) -> ConfigError:
        return ConfigError(f"{file}: {problem}")

    check = _check(name, base, wrong)
    if not isinstance(table, dict):
        raise wrong(f"{name} should be a table [{name}] with {FORM}, not {table!r}.")
    unknown = sorted(set(table) - set(RANGE_KEYS) - set(CHOICE_KEYS))
    if unknown:
        raise wrong(f"[{name}] has the unknown key `{unknown[0]}`; it takes {FORM}.")
    if "choices" in table:
        if len(table) > 1:
            raise wrong(f"[{name}] has `choices` and a range; it takes {FORM}.")
        return _choices(name, table["choices"], check, base, wrong)
    if not {"low", "high"} <= table.keys():
        raise wrong(f"[{name}] lacks `{'high' if 'low' in table else 'low'}`; it takes {FORM}.")
    return _range(name, table, check, wrong)


Wrong = Any
"""Makes a ConfigError that names the file."""


def _check(name: str, base: Spec, wrong: Wrong) -> Check:
    """The learner's own check of a setting that may vary."""
    fields = {field.name: field for field in dataclasses.fields(cast(Any, base.config))}
    if name == "seed":
        raise wrong("seed cannot be searched: each trial is trained from several seeds, and `--seeds` says how many.")
    if name not in fields:
        near = difflib.get_close_matches(name, fields, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(key for key in fields if key != 'seed')}."
        raise wrong(f"{name} is not a setting of {kind_of(base).title}; {hint}")
    return cast(Check, fields[name].metadata["check"])


def _range(name: str, table: Mapping[str, Any], check: Check, wrong: Wrong) -> Range:
    low, high, log, step = (table.get(key) for key in RANGE_KEYS)
    try:
        ends = [check(name, end) for end in (low, high)]
    except ConfigError as error:
        raise wrong(str(error)) from None
    if not all(isinstance(end, int | float) and not isinstance(end, bool) for end in ends):
        raise wrong(f"[{name}] is no number and has no range; give it `choices`.")
    if log is not None and not isinstance(log, bool):
        raise wrong(f"[{name}] has log = {log!r}; it should be true or false.")
    low, high = ends
    whole = isinstance(low, int)
    if low >= high:
        raise wrong(f"[{name}] has low = {low:g} and high = {high:g}; low should be below high.")
    if log and low <= 0:
        raise wrong(f"[{name}] has low = {low:g} and log = true; low should be above 0.")
    if step is not None:
        _check_step(name, low, high, step, bool(log), whole, wrong)
    return Range(low, high, bool(log), step, whole)


def _check_step(name: str, low: float, high: float, step: Any, log: bool, whole: bool, wrong: Wrong) -> None:
    kind = "whole number" if whole else "number"
    right = isinstance(step, int if whole else int | float) and not isinstance(step, bool)
    if not right or not 0 < step <= high - low:
        raise wrong(f"[{name}] has step = {step!r}; it should be a {kind} above 0 and at most {high - low:g}.")
    if log:
        raise wrong(f"[{name}] has a step and log = true; it should have only one of them.")
    steps = (high - low) / step
    if abs(steps - round(steps)) > 1e-6:
        raise wrong(f"[{name}] cannot reach high = {high:g} from low = {low:g} in steps of {step:g}.")


def _choices(name: str, choices: Any, check: Check, base: Spec, wrong: Wrong) -> Choices:
    if not isinstance(choices, list) or not choices:
        raise wrong(f"[{name}] has choices = {choices!r}; it should be a list of values.")
    try:
        values = tuple(check(name, None if choice == NULL else choice) for choice in choices)
    except ConfigError as error:
        raise wrong(str(error)) from None
    found = Choices(values)
    if len(set(found.labels)) < len(values):
        raise wrong(f"[{name}] has a choice twice; each should be there once.")
    for value in values:
        _check_place(name, value, base, wrong)
    return found


def _check_place(name: str, value: Any, base: Spec, wrong: Wrong) -> None:
    """A choice must fit the environment, and leave it the same: scores of two of them cannot be compared."""
    try:
        config = dataclasses.replace(cast(Any, base.config), **{name: value})
    except ConfigError:
        return  # It may go with other values than the base's.
    kind = kind_of(base)
    if kind.environment(config) != kind.environment(base.config):
        raise wrong(f"{name} cannot be searched: scores of different environments cannot be compared.")
    try:
        kind.check(dataclasses.replace(base, config=config))
    except ConfigError as error:
        raise wrong(str(error)) from None
