"""Checkpoints: equal states and only they have equal hashes, and every write is whole or absent."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.checkpoint import (
    ARRAYS,
    VALUES,
    CheckpointError,
    load_checkpoint,
    replace_folder,
    save_checkpoint,
    settle_folder,
    state_hash,
    write_whole,
)


def state() -> dict[str, Any]:
    return {
        "network": np.array([1.0, 2.0, 3.0, 4.0], np.float32),
        "step": np.array(7.0, np.float32),
        "empty": np.empty((0, 3), np.float32),
        "flags": np.array([True, False]),
        "generator": {"bit_generator": "PCG64", "state": {"state": 2**127 + 1, "inc": 3}, "has_uint32": 0},
        "moments": {},
        "best": None,
        "score": 0.1,
        "due": False,
    }


CHANGES: dict[str, Any] = {
    "a value": {"network": np.array([1, 2, 3, np.nextafter(np.float32(4), np.float32(5))], np.float32)},
    "a shape": {"network": np.array([[1, 2], [3, 4]], np.float32)},
    "a dtype of the same bytes": {"network": state()["network"].view(np.int32)},
    "a dtype of the same values": {"network": state()["network"].astype(np.float64)},
    "an axis": {"step": np.array([7.0], np.float32)},
    "an empty shape": {"empty": np.empty((3, 0), np.float32)},
    "a flag": {"flags": np.array([True, True])},
    "a nested value": {"generator": {**state()["generator"], "has_uint32": 1}},
    "a deep value": {"generator": {**state()["generator"], "state": {"state": 2**127, "inc": 3}}},
    "None to zero": {"best": 0},
    "false to zero": {"due": 0},
    "a float's last digit": {"score": math.nextafter(0.1, 1)},
    "an empty dict to None": {"moments": None},
    "another key": {"new": 1},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_any_leaf_changes_the_hash(change: str) -> None:
    assert state_hash(state() | CHANGES[change]) != state_hash(state())


def test_equal_states_have_equal_hashes_in_any_order_and_memory_layout() -> None:
    backwards = dict(reversed(state().items()))
    backwards["network"] = np.arange(1, 9, dtype=np.float32).repeat(2)[:8:2]
    assert state_hash(backwards) == state_hash(state())
    assert len(state_hash({})) == 64


def test_a_checkpoint_gives_the_state_back_with_its_hash(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "c", state())
    loaded = load_checkpoint(tmp_path / "c")
    assert state_hash(loaded) == state_hash(state())
    assert loaded.keys() == state().keys()
    assert loaded["generator"] == state()["generator"]
    for name, value in state().items():
        if isinstance(value, np.ndarray):
            assert (loaded[name].dtype, loaded[name].shape) == (value.dtype, value.shape)
            np.testing.assert_array_equal(loaded[name], value)


@settings(max_examples=30)
@given(
    shape=st.lists(st.integers(0, 3), max_size=3).map(tuple),
    dtype=st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_]),
)
def test_arrays_of_any_shape_and_dtype_survive(tmp_path: Path, shape: tuple[int, ...], dtype: Any) -> None:
    array = np.arange(math.prod(shape)).reshape(shape).astype(dtype)
    save_checkpoint(tmp_path / "c", {"array": array, "transposed": array.T})
    assert state_hash(load_checkpoint(tmp_path / "c")) == state_hash({"array": array, "transposed": array.T})


def test_a_later_checkpoint_replaces_the_earlier_one(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "c", state())
    save_checkpoint(tmp_path / "c", {"only": 1})
    assert load_checkpoint(tmp_path / "c") == {"only": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["c"]


@pytest.mark.parametrize("name", [ARRAYS, VALUES])
@pytest.mark.parametrize("kept", [0, 10, -1])
def test_a_truncated_file_is_reported(tmp_path: Path, name: str, kept: int) -> None:
    save_checkpoint(tmp_path / "c", state())
    path = tmp_path / "c" / name
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match=r"the checkpoint in .* cannot be read") as refused:
        load_checkpoint(tmp_path / "c")
    assert "\n" not in str(refused.value)


def test_a_missing_checkpoint_is_reported(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no checkpoint in"):
        load_checkpoint(tmp_path / "c")


# --- files and folders that are whole or absent


def test_a_file_is_written_over_the_old_one_with_nothing_left_beside(tmp_path: Path) -> None:
    write_whole(tmp_path / "deep" / "file", b"old")
    write_whole(tmp_path / "deep" / "file", b"new")
    assert {p.name: p.read_bytes() for p in (tmp_path / "deep").iterdir()} == {"file": b"new"}


def content(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


OLD, NEW = {"a": b"old", "b": b"old"}, {"a": b"new"}


class Cut(BaseException):
    """Stands for the death of the process."""


@pytest.mark.parametrize("renames", range(4))
@pytest.mark.parametrize("before", [None, OLD])
def test_a_process_that_dies_between_renames_leaves_the_old_or_the_new_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renames: int, before: dict[str, bytes] | None
) -> None:
    folder = tmp_path / "folder"
    if before is not None:
        replace_folder(folder, before)
    rename, done = Path.rename, 0

    def dying(self: Path, target: Path) -> Path:
        nonlocal done
        if done == renames:
            raise Cut
        done += 1
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", dying)
        try:
            replace_folder(folder, NEW)
            whole = True
        except Cut:
            whole = False
    settle_folder(folder)
    if whole:
        assert content(folder) == NEW
    elif before is None:
        assert not folder.exists()
    else:
        assert content(folder) == OLD
    replace_folder(folder, NEW)
    assert content(folder) == NEW
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


def test_an_old_folder_left_behind_by_a_finished_replacement_is_cleared(tmp_path: Path) -> None:
    folder, old = tmp_path / "folder", tmp_path / ".folder.old"
    replace_folder(folder, NEW)
    old.mkdir()
    (old / "a").write_bytes(b"old")
    settle_folder(folder)
    assert content(folder) == NEW
    assert not old.exists()


def test_a_checkpoint_whose_replacement_was_cut_off_is_found_again(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "c", {"x": 1})
    (tmp_path / "c").rename(tmp_path / ".c.old")
    assert load_checkpoint(tmp_path / "c") == {"x": 1}


def test_settling_nothing_does_nothing(tmp_path: Path) -> None:
    settle_folder(tmp_path / "folder")
    assert list(tmp_path.iterdir()) == []
