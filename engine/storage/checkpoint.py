"""A learner's state as numbered files that know their digest, and as a hash; must not know what learns or runs."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from engine.storage.files import (
    read_folder,
    read_whole,
    remove_parts,
    settle_folder,
    until_settled,
    write_whole,
    writing,
)

State = dict[str, Any]
"""Nested dicts with text keys whose leaves are NumPy arrays or plain JSON values."""

ARRAYS, VALUES = "arrays.safetensors", "values.json"
"""The two files of a checkpoint of the former layout, which are read as the oldest one of their folder."""

BLANK = b"0" * 64
"""What stands for the digest while it is taken."""
# A quote within a JSON text is escaped, so this cannot be part of a state's keys or values.
DIGEST = re.compile(rb'"digest":"([0-9a-f]{64})"')


class CheckpointError(ValueError):
    """One sentence on what is wrong with a checkpoint."""


class NoCheckpointError(CheckpointError):
    """Nothing was ever saved in the folder, so there is nothing to lose by beginning anew."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A sound checkpoint.

    path: its file; of the former layout the one with the arrays.
    damaged: one sentence for each newer file that was passed over, newest first.
    """

    state: State
    path: Path
    damaged: tuple[str, ...]


# --- a state


def flatten(state: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """One level of keys joined by '/'; empty dicts are kept as leaves."""
    flat: dict[str, Any] = {}
    for key, value in state.items():
        if isinstance(value, Mapping) and value:
            flat.update(flatten(value, f"{prefix}{key}/"))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _unflatten(flat: Mapping[str, Any]) -> State:
    nested: State = {}
    for path, value in flat.items():
        *parents, leaf = path.split("/")
        place = nested
        for parent in parents:
            place = place.setdefault(parent, {})
        place[leaf] = value
    return nested


def state_hash(state: Mapping[str, Any]) -> str:
    """SHA-256 of the state, as 64 hexadecimal digits: equal states and only they have equal hashes.

    Leaves whose own key begins with an underscore hold what the rest implies, and are left out.
    """
    digest = hashlib.sha256()
    for path, value in sorted(flatten(state).items()):
        if path.rpartition("/")[2].startswith("_"):
            continue
        digest.update(path.encode() + b"\0")
        if isinstance(value, np.ndarray):
            digest.update(f"{value.dtype.str}{value.shape}".encode())
            digest.update(np.ascontiguousarray(value).tobytes())
        else:
            digest.update(json.dumps(value, sort_keys=True).encode())
        digest.update(b"\0")
    return digest.hexdigest()


# --- a file


def _encode(state: Mapping[str, Any]) -> bytes:
    """A safetensors file with the plain values, and the SHA-256 of all its other bytes, in its metadata."""
    flat = flatten(state)
    # `ascontiguousarray` alone would give an array without axes one axis.
    arrays = {path: np.ascontiguousarray(v).reshape(v.shape) for path, v in flat.items() if isinstance(v, np.ndarray)}
    values = {path: v for path, v in flat.items() if not isinstance(v, np.ndarray)}
    blank = safetensors.numpy.save(arrays, {"digest": BLANK.decode(), "values": json.dumps(values)})
    found = DIGEST.search(blank)
    assert found is not None
    start, end = found.span(1)
    return b"".join((blank[:start], hashlib.sha256(blank).hexdigest().encode(), memoryview(blank)[end:]))


def _check(content: bytes) -> None:
    """Compare a file with its digest, which covers every byte of it.

    Raises:
        ValueError: they differ; the words complete a sentence on the file.
    """
    header = 8 + int.from_bytes(content[:8], "little")
    if header > len(content):
        raise ValueError("is cut short")
    found = DIGEST.search(content, 8, header)
    if found is None:
        raise ValueError("has no digest")
    start, end = found.span(1)
    digest = hashlib.sha256(memoryview(content)[:start])
    digest.update(BLANK)
    digest.update(memoryview(content)[end:])
    if digest.hexdigest().encode() != found[1]:
        raise ValueError("is damaged, for its content does not match its digest")


def _decode(content: bytes) -> State:
    """What `_encode` was given.

    Raises:
        ValueError: the content is damaged; the words complete a sentence on the file.
    """
    _check(content)
    try:
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        values = json.loads(header["__metadata__"]["values"])
        return _unflatten({**values, **safetensors.numpy.load(content)})
    except (ValueError, LookupError, TypeError, safetensors.SafetensorError) as error:
        raise ValueError(f"is no checkpoint of this lab: {error}") from None


# --- a folder


def save_checkpoint(folder: Path, state: Mapping[str, Any]) -> None:
    """Add `state` to the checkpoints in `folder`, and remove those older than the newest sound one before it.

    Any number of threads and processes may save into one folder at once.

    Raises:
        OSError: it cannot be written; the checkpoints before it stay. TimeoutError: another writer took a minute.
    """
    content = _encode(state)
    settle_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with writing(folder):
        remove_parts(folder, 0)
        numbers = _numbers(folder)
        write_whole(folder / _name(numbers[0] + 1 if numbers else 1), content)
        before = next((number for number in numbers if _is_sound(folder / _name(number))), None)
        if before is not None:
            for name in (*(_name(number) for number in numbers if number < before), ARRAYS, VALUES):
                # Windows keeps what a reader has open; the next checkpoint removes it.
                with suppress(OSError):
                    (folder / name).unlink()


def load_checkpoint(folder: Path) -> Loaded:
    """The newest sound checkpoint in `folder`, whatever writers do meanwhile; changes nothing on the disk.

    Raises:
        NoCheckpointError: there is none. CheckpointError: none is sound.
    """
    try:
        return until_settled(folder, lambda: _newest_sound(folder))
    except FileNotFoundError:
        raise NoCheckpointError(f"there is no checkpoint in {folder}.") from None
    except OSError as error:
        raise CheckpointError(f"the checkpoint in {folder} cannot be read: {error}.") from None


def _newest_sound(folder: Path) -> Loaded | None:
    """One look at a folder; None if a writer came in between.

    Raises:
        FileNotFoundError: there is no checkpoint. CheckpointError: none is sound.
    """
    numbers = _numbers(folder)
    damaged: list[str] = []
    for number in numbers:
        path = folder / _name(number)
        try:
            return Loaded(_decode(read_whole(path)), path, tuple(damaged))
        except FileNotFoundError:
            return None
        except OSError as error:
            damaged.append(f"the checkpoint file {path} cannot be read: {error}.")
        except ValueError as error:
            damaged.append(f"the checkpoint file {path} {error}.")
    former = read_folder(folder, (ARRAYS, VALUES))
    if numbers != _numbers(folder):
        return None
    if not former and not damaged:
        raise FileNotFoundError(folder)
    try:
        if former:
            arrays, values = safetensors.numpy.load(former[ARRAYS]), json.loads(former[VALUES])
            return Loaded(_unflatten({**values, **arrays}), folder / ARRAYS, tuple(damaged))
    except KeyError as error:
        damaged.append(f"the checkpoint in {folder} lacks its file {error}.")
    except (ValueError, safetensors.SafetensorError) as error:
        damaged.append(f"the checkpoint in {folder} cannot be read: {error}.")
    reasons = "; ".join(sentence.removesuffix(".") for sentence in damaged)
    raise CheckpointError(f"no checkpoint in {folder} is sound: {reasons}.")


def _name(number: int) -> str:
    return f"{number:06d}.safetensors"


def _numbers(folder: Path) -> list[int]:
    """Of the checkpoints in a folder, newest first."""
    try:
        names = [re.fullmatch(r"([0-9]{6,})\.safetensors", path.name) for path in folder.iterdir()]
    except FileNotFoundError:
        return []
    return sorted((int(name[1]) for name in names if name), reverse=True)


def _is_sound(path: Path) -> bool:
    try:
        _check(read_whole(path))
    except (OSError, ValueError):
        return False
    return True
