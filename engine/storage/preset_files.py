"""Presets as files, TOML or JSON: kind, settings, budget, and where they came from. Trains nothing."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from engine.learners.kind import Preset
from engine.learners.kinds import kind_named, kind_of, preset, presets
from engine.learners.settings import ConfigError
from engine.learners.specs import Spec
from engine.storage.files import write_whole

SUFFIXES = (".toml", ".json")
SETTINGS, ABOUT = "settings", "about"
WORDS = ("kind", "title", "source")


def find_preset(text: str) -> Preset:
    """The preset of that name, else the one in that file: a path that exists, or ends with .toml or .json.

    Raises:
        ConfigError: there is no such preset, or the file holds none.
    """
    path = Path(text)
    if text not in presets() and (path.suffix.lower() in SUFFIXES or path.is_file()):
        return read_preset(path)
    return preset(text)


def read_preset(path: Path) -> Preset:
    """The preset in a file; its name is the file's, which with its ending is no other preset's.

    Raises:
        ConfigError: the file cannot be read, or what is in it is no preset; the message names the file.
    """
    values = _read(path)
    try:
        spec = _spec(values)
    except ConfigError as error:
        raise ConfigError(f"{path} holds no preset: {error}") from None
    title, source = (str(values.get(key) or "") for key in ("title", "source"))
    return Preset(path.name, title or path.name, spec, source or str(path))


def _read(path: Path) -> dict[str, Any]:
    is_json = path.suffix.lower() == ".json"
    try:
        text = path.read_text(encoding="utf-8")
        values = json.loads(text) if is_json else tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ConfigError(f"the preset {path} cannot be read: {reason}.") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not valid {'JSON' if is_json else 'TOML'}: {error}.") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{path} holds no preset: it should be an object with kind and {SETTINGS}.")
    return values


def _spec(values: Mapping[str, Any]) -> Spec:
    for key in ("kind", SETTINGS):
        if key not in values:
            want = "name a kind of learner" if key == "kind" else "be a table of settings"
            raise ConfigError(f"{key!r} is missing; it should {want}.")
    kind = kind_named(str(values["kind"]))
    config = kind.spec_type.config_type.from_dict(values[SETTINGS])
    usual = cast(Any, kind.spec_type)(config).to_dict()
    parts = usual.keys() - {"config"}
    for key in values.keys() - parts - {*WORDS, SETTINGS, ABOUT}:
        raise ConfigError(f"{key!r} is not a part of it; it has kind, {SETTINGS}, {', '.join(sorted(parts))}.")
    given = {key: _over(usual[key], values[key], key) for key in parts if key in values}
    spec = kind.spec_type.from_dict({**usual, **given, "config": values[SETTINGS]})
    kind.check(spec)
    return spec


def _over(usual: Any, given: Any, name: str) -> Any:
    """A part of a spec as given; of a table, what it leaves out is as usual."""
    if isinstance(usual, dict):
        if not isinstance(given, dict) or not given.keys() <= usual.keys():
            raise ConfigError(f"{name} should be a table of {', '.join(usual)}, not {given!r}.")
        return {key: _over(value, given.get(key, value), f"{name}.{key}") for key, value in usual.items()}
    if isinstance(usual, str) or name.rpartition(".")[2] in ("path", "agent"):
        right = given is None or isinstance(given, str)
        want = "a text"
    else:
        least = 0 if name.endswith("seed") else 1
        right = given is None or (isinstance(given, int) and not isinstance(given, bool) and given >= least)
        want = f"a whole number of at least {least}"
    if not right or (given is None and usual is not None):
        raise ConfigError(f"{name} should be {want}, not {given!r}.")
    return given


def write_preset(path: Path, spec: Spec, title: str, source: str, about: Mapping[str, Any]) -> None:
    """Write a preset that `read_preset` makes the same spec of, whole or not at all.

    Args:
        about: more on where it came from, in plain JSON values; nobody reads it but people.

    Raises:
        ConfigError: the ending is none of a preset's, or TOML cannot say a value.
        OSError: it cannot be written.
    """
    check_target(path)
    parts = spec.to_dict()
    config = parts.pop("config")
    values = {
        "kind": kind_of(spec).name,
        "title": title,
        "source": source,
        **{key: value for key, value in parts.items() if not isinstance(value, dict)},
        SETTINGS: config,
        **{key: value for key, value in parts.items() if isinstance(value, dict)},
        ABOUT: dict(about),
    }
    if path.suffix.lower() == ".json":
        text = json.dumps(values, indent=2, allow_nan=False) + "\n"
    else:
        defaults = {field.name: field.default for field in dataclasses.fields(cast(Any, spec.config))}
        for key, value in config.items():
            if value is None and defaults[key] is not None:
                raise ConfigError(
                    f"{path} cannot say that {key} is null, which TOML does not know; write a .json file."
                )
        text = _toml(values)
    write_whole(path, text.encode())


def check_target(path: Path) -> None:
    """Refuse what no preset could be written to, before any work is done for it.

    Raises:
        ConfigError: the ending is none of a preset's, or the folder is not there.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"{path} should end with {' or '.join(SUFFIXES)}.")
    if not path.parent.is_dir() or path.is_dir():
        raise ConfigError(
            f"{path} cannot be written: {'it is a folder' if path.is_dir() else 'its folder is not there'}."
        )


def _toml(values: Mapping[str, Any]) -> str:
    """Plain values and tables of them as TOML; what is None is left out.

    JSON's texts, numbers, lists and truth values are TOML's too.
    """
    lines = [
        f"{key} = {_value(value)}" for key, value in values.items() if value is not None and not isinstance(value, dict)
    ]
    for name, table in values.items():
        if isinstance(table, dict):
            lines += [
                "",
                f"[{name}]",
                *(f"{key} = {_value(value)}" for key, value in table.items() if value is not None),
            ]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    # JSON leaves U+007F as it is, which TOML does not allow.
    return json.dumps(value, allow_nan=False, ensure_ascii=False).replace("\x7f", "\\u007f")
