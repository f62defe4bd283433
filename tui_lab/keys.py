"""The one table of keys: read from the screens and widgets themselves, changed by `keys.toml` in the home folder."""

from __future__ import annotations

import difflib
import pkgutil
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import Keys, _character_to_key, format_key

FILE = "keys.toml"
MODIFIERS = ("ctrl+", "alt+", "shift+", "super+")
NAMED = {key.value for key in Keys} | {"enter", "backspace"}
EVERYWHERE = "app"
"""The place whose keys work on every screen."""


class KeysError(ValueError):
    """`keys.toml` cannot be used: one sentence that says what would be right."""


@dataclass(frozen=True, slots=True)
class Key:
    """One line of the table.

    id: `place.action`, what `keys.toml` calls it.
    keys: Textual's names of its keys, with commas between them.
    meaning: what it does.
    owner: the screen or the widget that it belongs to.
    """

    id: str
    keys: str
    meaning: str
    owner: str

    @property
    def place(self) -> str:
        return self.id.partition(".")[0]


def key_table() -> list[Key]:
    """Every key of the lab, by places. Loads all its screens."""
    found: dict[str, Key] = {}
    for owner, binding in _bindings():
        if binding.id and binding.id not in found:
            found[binding.id] = Key(binding.id, binding.key, binding.tooltip or binding.description, owner)
        elif binding.id and binding.key not in found[binding.id].keys.split(","):
            known = found[binding.id]
            found[binding.id] = replace(known, keys=f"{known.keys},{binding.key}")
    return sorted(found.values(), key=lambda key: (key.place != EVERYWHERE, key.place))


def _bindings() -> Iterator[tuple[str, Binding]]:
    import tui_lab.screens
    import tui_lab.widgets
    from tui_lab.app import LabApp

    for package in (tui_lab.screens, tui_lab.widgets):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            import_module(module.name)
    for owner in (LabApp, *sorted(_subclasses(DOMNode), key=lambda owner: (owner.__module__, owner.__qualname__))):
        if owner.__module__.startswith("tui_lab."):
            for given in vars(owner).get("BINDINGS", ()):
                yield from ((owner.__qualname__, binding) for binding in Binding.make_bindings([given]))


def _subclasses(owner: type) -> set[type]:
    below: set[type] = set(owner.__subclasses__())
    return below.union(*(_subclasses(one) for one in below))


def read_keymap(home: Path) -> dict[str, str]:
    """What `keys.toml` in the home folder changes: new keys by id. Nothing where there is no such file.

    Raises:
        KeysError: it cannot be read, names no key of the lab, or gives two actions of one place the same key.
    """
    path = home / FILE
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise KeysError(f"{path} cannot be read: {error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise KeysError(f'{path} is not valid TOML ({error}); it takes lines like bench.start = "f5".') from error
    keymap = dict(_flat(values))
    table = {key.id: key for key in key_table()}
    for name, keys in keymap.items():
        _check(path, name, keys, table)
    _check_together(path, keymap, table)
    return keymap


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """`bench.start = "f5"` is a table in a table to TOML."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _check(path: Path, name: str, keys: Any, table: Mapping[str, Key]) -> None:
    if name not in table:
        near = difflib.get_close_matches(name, table, 1)
        did = f"did you mean {near[0]}?" if near else "`dqn-lab keys` lists them."
        raise KeysError(f"{path}: there is no key {name}; {did}")
    if not isinstance(keys, str) or not keys:
        raise KeysError(f'{path}: {name} takes a text such as "f5" or "f5,ctrl+r", not {keys!r}.')
    for key in keys.split(","):
        plain = key.strip()
        while plain.startswith(MODIFIERS):
            plain = plain.partition("+")[2]
        if len(plain) != 1 and plain not in NAMED:
            raise KeysError(
                f'{path}: {name}: {key.strip()!r} is no key; a character, "space", "f5", "ctrl+r" or "pageup" would be.'
            )


def _check_together(path: Path, keymap: Mapping[str, str], table: Mapping[str, Key]) -> None:
    """Two actions of one place or screen, or one of these and one that works everywhere, need keys of their own."""
    for name in keymap:
        own, its = _names(keymap[name]), table[name]
        for other, known in table.items():
            beside = known.place == its.place or known.owner == its.owner or EVERYWHERE in (known.place, its.place)
            if other != name and beside:
                both = own & _names(keymap.get(other, known.keys))
                if both:
                    raise KeysError(f"{path}: {name} and {other} cannot both be on {sign(min(both))}.")


def _names(keys: str) -> set[str]:
    """One name for each key, be it given as `?` or as `question_mark`."""
    return {_character_to_key(key) if len(key) == 1 else key for key in map(str.strip, keys.split(","))}


def sign(key: str) -> str:
    """How a key is written for a reader: `question_mark` is `?`."""
    return format_key(key)
