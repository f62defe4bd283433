"""Frozen, validated settings of the two learners, and `hparams.json` in the course's own names. No torch in here."""

from __future__ import annotations

import ast
import dataclasses
import difflib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Self, cast

import numpy as np


class ConfigError(ValueError):
    """One sentence that names the setting, what was given, and what would be right."""


def parameter_count(sizes: Sequence[int]) -> int:
    """Weights and biases of a network with these layer widths, input and output included: 4-256-2 has 1,794."""
    return sum(inputs * outputs + outputs for inputs, outputs in pairwise(sizes))


Check = Callable[[str, Any], Any]


def _number(low: float | None = None, high: float | None = None, *, above: float | None = None) -> Check:
    """A check for a finite real number in [low, high], or greater than `above`."""
    want = _range_words("a number", low, high, above)

    def check(name: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float | np.floating | np.integer):
            raise ConfigError(f"{name} must be {want}, not {value!r}.")
        try:
            number = float(value)
        except OverflowError:
            raise ConfigError(f"{name} must be {want}, not a number of {len(str(value))} digits.") from None
        too_low = (low is not None and number < low) or (above is not None and number <= above)
        if not np.isfinite(number) or too_low or (high is not None and number > high):
            raise ConfigError(f"{name} must be {want}, not {value!r}.")
        return number

    return check


def _integer(low: int, high: int | None = None) -> Check:
    want = _range_words("a whole number", low, high, None)

    def check(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise ConfigError(f"{name} must be {want}, not {value!r}.")
        if value < low or (high is not None and value > high):
            raise ConfigError(f"{name} must be {want}, not {value!r}.")
        return int(value)

    return check


def _boolean(name: str, value: Any) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise ConfigError(f"{name} must be true or false, not {value!r}.")
    return bool(value)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigError(f'{name} must be a text such as "CartPole-v1", not {value!r}.')
    return value


def _layers(name: str, value: Any) -> tuple[int, ...]:
    """Hidden layer widths; null and [] both mean a linear model."""
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{name} must be a list of layer widths such as [256, 256], not {value!r}.")
    if len(value) > 8:
        raise ConfigError(f"{name} may have at most 8 layers, not {len(value)}.")
    return tuple(_integer(1, 8192)(f"{name}[{i}]", width) for i, width in enumerate(value))


def _optional(check: Check) -> Check:
    return lambda name, value: None if value is None else check(name, value)


def _divisors(name: str, value: Any) -> tuple[float, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise ConfigError(f"{name} must be null or a list with one divisor for each state value, not {value!r}.")
    return tuple(_number(above=0)(f"{name}[{i}]", v) for i, v in enumerate(value))


def _range_words(kind: str, low: float | None, high: float | None, above: float | None) -> str:
    if above is not None:
        return f"{kind} above {above:g}" + (f" and at most {high:g}" if high is not None else "")
    if low is not None and high is not None:
        return f"{kind} from {low:g} to {high:g}"
    return f"{kind} of at least {low:g}" if low is not None else kind


def _setting(check: Check, default: Any = dataclasses.MISSING) -> Any:
    return field(default=default, metadata={"check": check})


class _Settings:
    """What both configs share: checking on construction, and dicts in and out."""

    def __post_init__(self) -> None:
        for f in dataclasses.fields(cast(Any, self)):
            object.__setattr__(self, f.name, f.metadata["check"](f.name, getattr(self, f.name)))
        self._check_together()

    def _check_together(self) -> None:
        """Rules between settings; raises ConfigError."""

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return tuple(f.name for f in dataclasses.fields(cast(Any, cls)))

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Self:
        """Build a config from a dict such as one pasted from the course.

        Raises:
            ConfigError: an unknown or missing key, a wrong type, a value out of range; the key is named.
        """
        if not isinstance(settings, Mapping):
            raise ConfigError(f"hyper-parameters must be a dict of names and values, not {type(settings).__name__}.")
        for key in settings:
            if key not in cls.names():
                near = difflib.get_close_matches(str(key), cls.names(), n=1)
                raise ConfigError(
                    f"{key!r} is not a setting" + (f"; did you mean {near[0]!r}?" if near else _list_of(cls.names()))
                )
        required = {f.name for f in dataclasses.fields(cast(Any, cls)) if f.default is dataclasses.MISSING}
        missing = sorted(required - set(settings))
        if missing:
            raise ConfigError(f"{missing[0]!r} is missing; it has no default.")
        return cls(**settings)

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain JSON values, in declaration order."""
        values = dataclasses.asdict(cast(Any, self))
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}

    def replace(self, **changes: Any) -> Self:
        """A copy with some settings changed; checked like a new one."""
        return type(self).from_dict({**self.to_dict(), **changes})


def _list_of(names: tuple[str, ...]) -> str:
    return "; the settings are " + ", ".join(names) + "."


@dataclass(frozen=True, slots=True, kw_only=True)
class DQNConfig(_Settings):
    """Hyper-parameters of deep Q-learning: the course's fourteen and its seed, then the lab's own, which all default.

    A low and a high value do this:
        learning_rate: Adam's step size. Low learns slowly; high makes Q-values swing and runs collapse.
        discount_factor: weight of the next value. A reward of 1 a step is worth at most 1 / (1 - discount_factor).
        batch_size: transitions per gradient step. Low is noisy and cheap; high is smooth and costs time.
        memory_size: capacity of the replay buffer in transitions. Low forgets early failures.
        freq_steps_train: environment steps between bursts of gradient steps.
        freq_steps_update_target: environment steps between updates of the target network. Low chases a moving target.
        n_steps_warm_up_memory: transitions stored before the first gradient step.
        n_gradient_steps: gradient steps per burst. High reuses data more and overfits to the buffer.
        nn_hidden_layers: widths of the hidden ReLU layers; [] is the linear model.
        max_grad_norm: gradients with a larger 2-norm are scaled down to it.
        normalize_state: standardise states with mean and deviation of states that a random policy visits.
        epsilon_start, epsilon_end, steps_epsilon_decay: exploration falls linearly over that many environment steps.
        seed: names every random stream of the run.
        double_q: choose the next action with the online network, value it with the target network (van Hasselt 2016).
        target_soft_update_rate: null copies the network into the target; a rate t blends t of it in at each update.
        learning_rate_final_fraction: the rate falls linearly to this fraction by the end of the run's budget.
        state_scale: null, or one divisor for each state value.
        bootstrap_on_truncation: true continues the return past a time limit; false repeats the course's code.
        keep_best_every_episodes: null, or evaluate every so many episodes and keep the best network.
        environment: a Gymnasium id with a flat Box observation and a Discrete action.
    """

    learning_rate: float = _setting(_number(above=0, high=1))
    discount_factor: float = _setting(_number(0, 1))
    batch_size: int = _setting(_integer(1, 65_536))
    memory_size: int = _setting(_integer(1, 10_000_000))
    freq_steps_train: int = _setting(_integer(1))
    freq_steps_update_target: int = _setting(_integer(1))
    n_steps_warm_up_memory: int = _setting(_integer(1))
    n_gradient_steps: int = _setting(_integer(1, 1024))
    nn_hidden_layers: tuple[int, ...] = _setting(_layers)
    max_grad_norm: float = _setting(_number(above=0))
    normalize_state: bool = _setting(_boolean)
    epsilon_start: float = _setting(_number(0, 1))
    epsilon_end: float = _setting(_number(0, 1))
    steps_epsilon_decay: int = _setting(_integer(1))
    seed: int = _setting(_integer(0, 2**63 - 1), 0)
    double_q: bool = _setting(_boolean, False)
    target_soft_update_rate: float | None = _setting(_optional(_number(above=0, high=1)), None)
    learning_rate_final_fraction: float = _setting(_number(0, 1), 1.0)
    state_scale: tuple[float, ...] | None = _setting(_optional(_divisors), None)
    bootstrap_on_truncation: bool = _setting(_boolean, True)
    keep_best_every_episodes: int | None = _setting(_optional(_integer(1)), None)
    environment: str = _setting(_text, "CartPole-v1")

    def _check_together(self) -> None:
        if self.n_steps_warm_up_memory > self.memory_size:
            raise ConfigError(
                f"n_steps_warm_up_memory ({self.n_steps_warm_up_memory}) must be at most memory_size "
                f"({self.memory_size}), or training never starts."
            )
        if self.normalize_state and self.state_scale is not None:
            raise ConfigError("normalize_state and state_scale both scale the state; set only one of them.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImitationConfig(_Settings):
    """Settings of supervised imitation: a network learns the actions that an agent took in given states.

    An epoch is one full pass over the training rows. `learning_rate` is Adam's; its other settings are the defaults.
    """

    nn_hidden_layers: tuple[int, ...] = _setting(_layers)
    learning_rate: float = _setting(_number(above=0, high=1), 1e-3)
    batch_size: int = _setting(_integer(1, 65_536), 64)
    epochs: int = _setting(_integer(1, 100_000), 150)
    seed: int = _setting(_integer(0, 2**63 - 1), 0)


Config = DQNConfig | ImitationConfig


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


def _is_assignment(text: str) -> bool:
    return text.partition("=")[0].strip().isidentifier()


def read_settings(path: Path) -> dict[str, Any]:
    """`parse_settings` of a file.

    Raises:
        ConfigError: the file cannot be read as text, or holds no dict.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as a text file: {error}.") from None
    return parse_settings(text, str(path))
