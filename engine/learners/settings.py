"""What settings are made of: a base class that checks them by name, checks, and `hparams.json` in and out. No torch."""

from __future__ import annotations

import ast
import dataclasses
import difflib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, cast

import numpy as np


class ConfigError(ValueError):
    """One sentence that names the setting, what was given, and what would be right."""


Check = Callable[[str, Any], Any]


def number(low: float | None = None, high: float | None = None, *, above: float | None = None) -> Check:
    """A check for a finite real number in [low, high], or greater than `above`."""
    want = _range_words("a number", low, high, above)

    def check(name: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float | np.floating | np.integer):
            raise ConfigError(f"{name} must be {want}, not {value!r}.")
        try:
            given = float(value)
        except OverflowError:
            raise ConfigError(f"{name} must be {want}, not a number of {len(str(value))} digits.") from None
        too_low = (low is not None and given < low) or (above is not None and given <= above)
        if not np.isfinite(given) or too_low or (high is not None and given > high):
            raise ConfigError(f"{name} must be {want}, not {value!r}.")
        return given

    return check


def integer(low: int, high: int | None = None) -> Check:
    """A check for a whole number in [low, high]."""
    want = _range_words("a whole number", low, high, None)

    def check(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise ConfigError(f"{name} must be {want}, not {value!r}.")
        if value < low or (high is not None and value > high):
            raise ConfigError(f"{name} must be {want}, not {value!r}.")
        return int(value)

    return check


def boolean(name: str, value: Any) -> bool:
    """Checks for true or false."""
    if not isinstance(value, bool | np.bool_):
        raise ConfigError(f"{name} must be true or false, not {value!r}.")
    return bool(value)


def text(name: str, value: Any) -> str:
    """Checks for a text that is not empty."""
    if not isinstance(value, str) or not value:
        raise ConfigError(f'{name} must be a text such as "CartPole-v1", not {value!r}.')
    return value


def layer_widths(name: str, value: Any) -> tuple[int, ...]:
    """Hidden layer widths; null and [] both mean a linear model."""
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{name} must be a list of layer widths such as [256, 256], not {value!r}.")
    if len(value) > 8:
        raise ConfigError(f"{name} may have at most 8 layers, not {len(value)}.")
    return tuple(integer(1, 8192)(f"{name}[{i}]", width) for i, width in enumerate(value))


def optional(check: Check) -> Check:
    """The check, or null."""
    return lambda name, value: None if value is None else check(name, value)


def divisors(name: str, value: Any) -> tuple[float, ...]:
    """Checks for a list of numbers above 0."""
    if not isinstance(value, list | tuple) or not value:
        raise ConfigError(f"{name} must be null or a list with one divisor for each state value, not {value!r}.")
    return tuple(number(above=0)(f"{name}[{i}]", v) for i, v in enumerate(value))


def _range_words(kind: str, low: float | None, high: float | None, above: float | None) -> str:
    if above is not None:
        return f"{kind} above {above:g}" + (f" and at most {high:g}" if high is not None else "")
    if low is not None and high is not None:
        return f"{kind} from {low:g} to {high:g}"
    return f"{kind} of at least {low:g}" if low is not None else kind


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a setting is, in a sentence, and what a low and a high value do; empty where nobody says.

    Of a setting that is true or false, `low` is what false does.

    choices: values worth trying, from low to high; without any, a number is doubled and halved.
    """

    about: str = ""
    low: str = ""
    high: str = ""
    choices: tuple[Any, ...] = ()


def setting(
    check: Check,
    default: Any = dataclasses.MISSING,
    *,
    about: str = "",
    low: str = "",
    high: str = "",
    choices: tuple[Any, ...] = (),
) -> Any:
    """A field of a settings class: what checks its value, its default where it has one, and its `Meaning`."""
    return field(default=default, metadata={"check": check, "meaning": Meaning(about, low, high, choices)})


class Settings:
    """The base of every learner's config: checking on construction, and dicts in and out.

    A subclass is a frozen dataclass (slots, keywords only) whose fields are made by `setting`; among them are

    seed: names every random stream of a run.
    nn_hidden_layers: widths of the hidden ReLU layers; none is a linear model.
    """

    seed: int
    nn_hidden_layers: tuple[int, ...]

    def __post_init__(self) -> None:
        for f in dataclasses.fields(cast(Any, self)):
            object.__setattr__(self, f.name, f.metadata["check"](f.name, getattr(self, f.name)))
        self._check_together()

    def _check_together(self) -> None:
        """Rules between settings; raises ConfigError."""

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The settings in declaration order."""
        return tuple(f.name for f in dataclasses.fields(cast(Any, cls)))

    @classmethod
    def required(cls) -> set[str]:
        """The settings that have no default."""
        return {f.name for f in dataclasses.fields(cast(Any, cls)) if f.default is dataclasses.MISSING}

    @classmethod
    def meaning(cls, name: str) -> Meaning:
        """What a setting is and does; nothing where its field was not made by `setting`."""
        found: Meaning = cls._field(name).metadata.get("meaning", Meaning())
        return found

    @classmethod
    def checked(cls, name: str, value: Any) -> Any:
        """A value for one setting, as the settings would hold it.

        Raises:
            ConfigError: there is no such setting, or the value is none for it.
        """
        return cls._field(name).metadata["check"](name, value)

    @classmethod
    def _field(cls, name: str) -> dataclasses.Field[Any]:
        cls._refuse_unknown(name)
        return next(f for f in dataclasses.fields(cast(Any, cls)) if f.name == name)

    @classmethod
    def _refuse_unknown(cls, key: str) -> None:
        if key not in cls.names():
            near = difflib.get_close_matches(str(key), cls.names(), n=1)
            raise ConfigError(
                f"{key!r} is not a setting" + (f"; did you mean {near[0]!r}?" if near else _list_of(cls.names()))
            )

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Self:
        """Build a config from a dict such as one pasted from the course.

        Raises:
            ConfigError: an unknown or missing key, a wrong type, a value out of range; the key is named.
        """
        if not isinstance(settings, Mapping):
            raise ConfigError(f"hyper-parameters must be a dict of names and values, not {type(settings).__name__}.")
        for key in settings:
            cls._refuse_unknown(key)
        missing = sorted(cls.required() - set(settings))
        if missing:
            raise ConfigError(f"{missing[0]!r} is missing; it has no default.")
        return cls(**settings)

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain JSON values, in declaration order."""
        values = dataclasses.asdict(cast(Any, self))
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}

    def given(self) -> dict[str, Any]:
        """The settings that have no default or differ from it: what stays the same when a lab knows more settings."""
        values = self.to_dict()
        defaults = {f.name: f.default for f in dataclasses.fields(cast(Any, self))}
        return {k: v for k, v in values.items() if getattr(self, k) != defaults[k]}

    def replace(self, **changes: Any) -> Self:
        """A copy with some settings changed; checked like a new one."""
        return type(self).from_dict({**self.to_dict(), **changes})


def _list_of(names: tuple[str, ...]) -> str:
    return "; the settings are " + ", ".join(names) + "."


TEXT_VALUES = {"true": True, "false": False, "null": None, "none": None}


def read_value(text: str) -> Any:
    """A value as somebody types it: JSON, else a Python literal, else plain text, of which the settings judge."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return TEXT_VALUES.get(text.lower(), text)


def parse_settings(text: str, origin: str = "the text") -> dict[str, Any]:
    """Read a dict of settings from JSON, or from Python source as pasted from a notebook.

    Raises:
        ConfigError: the text is neither.
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError as json_error:
        try:
            value = ast.literal_eval(text.partition("=")[2].strip() if _is_assignment(text) else text.strip())
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            raise ConfigError(
                f"{origin} is neither JSON nor a Python dict: {json_error.msg} in line {json_error.lineno}."
            ) from None
    if not isinstance(value, dict):
        raise ConfigError(f"{origin} must hold a dict of hyper-parameters, not a {type(value).__name__}.")
    return value


def setting_from_text(text: str) -> tuple[str, Any]:
    """KEY=VALUE, the value as `read_value` takes it.

    Raises:
        ConfigError: the text is not of that form.
    """
    key, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not key or not value:
        raise ConfigError(f"a setting is written KEY=VALUE, such as learning_rate=0.001, not {text!r}.")
    return key, read_value(value)


def _is_assignment(text: str) -> bool:
    return text.partition("=")[0].strip().isidentifier()


def read_settings(path: Path) -> dict[str, Any]:
    """`parse_settings` of a file.

    Raises:
        ConfigError: the file cannot be read as text, or holds no dict.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:  # What is no text, and what is no path.
        raise ConfigError(f"{path} cannot be read as a text file: {error}.") from None
    return parse_settings(text, str(path))
