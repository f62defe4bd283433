"""Turns TOML lines of a lesson file into a dataclass, or says what is wrong where; must not know any block."""

import re
import reprlib
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

_T = TypeVar("_T")


class LessonError(ValueError):
    """A lesson file is wrong: one sentence, `file:line: what is wrong and what would be right`."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(f"{path}:{line}: {problem}")


@dataclass(frozen=True, slots=True)
class TomlLines:
    """Lines of TOML and where they stand.

    `opening` is the file's line (from 1) just above `lines`, such as a fence; `owner` is what an error calls the whole.
    """

    path: Path
    opening: int
    lines: list[str]
    owner: str

    def error(self, problem: str, key: str | None = None) -> LessonError:
        """Return the error for `problem` at the line that sets `key`, or at the opening line."""
        line = next((line for line, values in self._statements() if key in values), self.opening)
        return LessonError(self.path, line, f"{self.owner} {problem}")

    def values(self) -> dict[str, Any]:
        """Return the keys and values as TOML reads them. Raises LessonError at the line that is no TOML."""
        try:
            return tomllib.loads("\n".join(self.lines))
        except tomllib.TOMLDecodeError as error:
            reason, _, place = str(error).partition(" (at ")
            named = re.match(r"line (\d+)", place)
            line = self.opening + int(named[1]) if named else list(self._statements())[-1][0]
            problem = f"{self.owner} is not valid TOML ({reason}), it takes lines like `key = value`"
            raise LessonError(self.path, line, problem) from error

    def _statements(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield each statement's first line with all values up to it, and last an unfinished one without values.

        A statement is complete where the lines so far are TOML, so multi-line strings and lists are never cut.
        """
        start = 0
        for end in range(1, len(self.lines) + 1):
            try:
                values = tomllib.loads("\n".join(self.lines[:end]))
            except tomllib.TOMLDecodeError:
                continue
            yield self.opening + 1 + start, values
            start = end
        if start < len(self.lines):
            yield self.opening + 1 + start, {}


def build(kind: Callable[..., _T], toml: TomlLines) -> _T:
    """Return the dataclass `kind` with the values of `toml` and `line` = its opening line.

    Fields may be `str`, `bool`, `int`, a Literal, a tuple of these, or one of them `| None`. `Annotated[int, 3]` is an
    integer of 3 or more, `Annotated[tuple[...], 3]` a list of 3 or more; without it both need 1. Strings must not be
    blank.
    Raises LessonError for broken TOML, an unknown key, a missing key and a value that does not fit its field.
    """
    values = toml.values()
    hints = get_type_hints(kind, include_extras=True)
    del hints["line"]
    for key in values:
        if key not in hints:
            raise toml.error(f"has the unknown key `{key}`, its keys are {', '.join(hints)}", key)
    for field in fields(kind):  # type: ignore[arg-type]  # a dataclass, which no callable type can say
        if field.name in hints and field.name not in values and field.default is MISSING:
            raise toml.error(f"lacks the key `{field.name}`, which must be {_rule(hints[field.name])[1]}")
    for key, value in values.items():
        fits, words = _rule(hints[key])
        if not fits(value):
            raise toml.error(f"has `{key}` = {reprlib.repr(value)}, which must be {words}", key)
        values[key] = tuple(value) if isinstance(value, list) else value
    return kind(line=toml.opening, **values)


def _rule(hint: Any) -> tuple[Callable[[object], bool], str]:
    """Return the test that a TOML value must pass for a field's type, and the words for what would pass."""
    least = 1
    if get_origin(hint) in (Union, UnionType):
        hint = get_args(hint)[0]  # TOML has no null, so only the type before `| None` can be written
    if get_origin(hint) is Annotated:
        hint, least = get_args(hint)
    if get_origin(hint) is Literal:
        names = get_args(hint)
        return lambda value: value in names, "one of " + ", ".join(f'"{name}"' for name in names)
    if get_origin(hint) is tuple:
        fits, words = _rule(get_args(hint)[0])
        return (
            lambda value: isinstance(value, list) and len(value) >= least and all(map(fits, value)),
            f"a list of {least} or more, each {words}",
        )
    if hint is bool:
        return lambda value: isinstance(value, bool), "true or false"
    if hint is int:
        return lambda value: type(value) is int and value >= least, f"a whole number, {least} or more"
    return lambda value: isinstance(value, str) and value.strip() != "", "a string that is not empty"
