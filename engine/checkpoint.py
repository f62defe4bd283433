"""A learner's state as files and as a hash: arrays in safetensors, the rest in JSON, each write whole or absent."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

State = dict[str, Any]
"""Nested dicts with text keys whose leaves are NumPy arrays or plain JSON values."""

ARRAYS = "arrays.safetensors"
VALUES = "values.json"


class CheckpointError(ValueError):
    """One sentence on what is wrong with a checkpoint."""


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
    """SHA-256 of the complete state, as 64 hexadecimal digits: equal states and only they have equal hashes."""
    digest = hashlib.sha256()
    for path, value in sorted(flatten(state).items()):
        digest.update(path.encode() + b"\0")
        if isinstance(value, np.ndarray):
            digest.update(f"{value.dtype.str}{value.shape}".encode())
            digest.update(np.ascontiguousarray(value).tobytes())
        else:
            digest.update(json.dumps(value, sort_keys=True).encode())
        digest.update(b"\0")
    return digest.hexdigest()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all: beside it first, flushed, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def replace_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put a folder with these files in place of `folder`; a reader finds the old one or the new one, never a mixture.

    A folder cannot be renamed over a full one, so for a moment the old one stands under `.<name>.old`; `settle_folder`
    puts it back should the process die in that moment. The leading dot keeps clear of an agent that is called
    `<name>.old`.
    """
    settle_folder(folder)
    fresh = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name, content in files.items():
        write_whole(fresh / name, content)
    old = _old(folder)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _old(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")


def settle_folder(folder: Path) -> None:
    """Finish or take back a `replace_folder` that was cut off."""
    old = _old(folder)
    if old.exists():
        if folder.exists():
            shutil.rmtree(old)
        else:
            old.rename(folder)


def save_checkpoint(folder: Path, state: Mapping[str, Any]) -> None:
    """Replace the checkpoint in `folder` with `state`."""
    flat = flatten(state)
    # `ascontiguousarray` alone would give an array without axes one axis.
    arrays = {path: np.ascontiguousarray(v).reshape(v.shape) for path, v in flat.items() if isinstance(v, np.ndarray)}
    values = {path: v for path, v in flat.items() if not isinstance(v, np.ndarray)}
    replace_folder(folder, {ARRAYS: safetensors.numpy.save(arrays), VALUES: json.dumps(values, indent=1).encode()})


def load_checkpoint(folder: Path) -> State:
    """Read what `save_checkpoint` wrote.

    Raises:
        CheckpointError: there is none, or its files cannot be read.
    """
    settle_folder(folder)
    try:
        arrays = safetensors.numpy.load((folder / ARRAYS).read_bytes())
        values = json.loads((folder / VALUES).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"there is no checkpoint in {folder}.") from None
    except (OSError, ValueError, safetensors.SafetensorError) as error:
        raise CheckpointError(f"the checkpoint in {folder} cannot be read: {error}.") from None
    return _unflatten({**values, **arrays})
