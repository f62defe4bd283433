"""Checkpoints: equal states and only they have equal hashes, and what is not sound is known and passed over."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from engine.storage import checkpoint, files
from engine.storage.checkpoint import (
    ARRAYS,
    VALUES,
    CheckpointError,
    NoCheckpointError,
    flatten,
    load_checkpoint,
    save_checkpoint,
    state_hash,
)
from tests.engine.storage.test_files import everything, names, unprivileged


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


def test_the_hash_of_a_state_stays_as_it_was_first_defined() -> None:
    assert state_hash(state()) == "970d670e5cae9390b76c77da8ba05f775a46a8984cc3d0c6b543e14dfb10ad4c"


def test_what_begins_with_an_underscore_is_no_part_of_the_hash_but_of_the_checkpoint(tmp_path: Path) -> None:
    more = state() | {"_seen": 3, "deep": {"_array": np.arange(3), "_empty": {}}}
    assert state_hash(more) == state_hash(state())
    assert state_hash(state() | {"_deep": {"value": 1}}) != state_hash(state())
    save_checkpoint(tmp_path, more)
    same(load_checkpoint(tmp_path).state, more)


# --- there and back


def same(one: Any, other: Any) -> None:
    """Equal in every leaf, with its type and its dtype."""
    one, other = flatten(one), flatten(other)
    assert one.keys() == other.keys()
    for path, value in one.items():
        if isinstance(value, np.ndarray):
            assert (value.dtype, value.shape) == (other[path].dtype, other[path].shape)
            assert value.tobytes() == other[path].tobytes()
        else:
            assert (type(value), repr(value)) == (type(other[path]), repr(other[path]))


def test_a_checkpoint_gives_the_state_back(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "c", state())
    loaded = load_checkpoint(tmp_path / "c")
    same(loaded.state, state())
    assert (loaded.path, loaded.damaged) == (tmp_path / "c" / "000001.safetensors", ())


KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/"), min_size=1, max_size=8)
DTYPES = st.sampled_from(["?", "u1", "i1", "u2", "i2", "f2", "u4", "i4", "f4", "u8", "i8", "f8"])
ARRAYS_OF_ANY_KIND = DTYPES.flatmap(
    lambda dtype: arrays_of.arrays(dtype, arrays_of.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(2**127, 2**128) | st.floats() | st.text(max_size=8),
    lambda values: st.lists(values, max_size=3),
    max_leaves=5,
)
STATES = st.recursive(
    st.dictionaries(KEYS, PLAIN | ARRAYS_OF_ANY_KIND, max_size=4),
    lambda states: st.dictionaries(KEYS, PLAIN | ARRAYS_OF_ANY_KIND | states, max_size=4),
    max_leaves=4,
)


@settings(max_examples=150)
@given(STATES)
def test_any_state_comes_back_as_it_was(tmp_path: Path, saved: dict[str, Any]) -> None:
    save_checkpoint(tmp_path / "c", saved)
    loaded = load_checkpoint(tmp_path / "c")
    same(loaded.state, saved)
    assert loaded.damaged == ()


def test_an_array_of_another_memory_layout_comes_back_with_its_values(tmp_path: Path) -> None:
    array = np.arange(24.0).reshape(2, 3, 4)
    saved = {"transposed": array.T, "every other": array[:, ::2], "backwards": array[::-1]}
    save_checkpoint(tmp_path, saved)
    same(load_checkpoint(tmp_path).state, saved)


# --- numbers


def numbered(folder: Path) -> dict[int, int]:
    """The number of each checkpoint in a folder, and what it says it is."""
    found = sorted(int(name.removesuffix(".safetensors")) for name in names(folder))
    return {number: checkpoint._decode((folder / f"{number:06d}.safetensors").read_bytes())["x"] for number in found}


def test_a_checkpoint_keeps_the_one_before_it_and_no_older_one(tmp_path: Path) -> None:
    kept = []
    for x in range(1, 5):
        save_checkpoint(tmp_path / "c", {"x": x})
        kept.append(numbered(tmp_path / "c"))
        assert load_checkpoint(tmp_path / "c").state == {"x": x}
    assert kept == [{1: 1}, {1: 1, 2: 2}, {2: 2, 3: 3}, {3: 3, 4: 4}]
    assert names(tmp_path) == {"c"}


def test_numbers_go_on_beyond_six_digits(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, {"x": 0})
    (tmp_path / "000001.safetensors").rename(tmp_path / "999999.safetensors")
    for x in (1, 2):
        save_checkpoint(tmp_path, {"x": x})
        assert load_checkpoint(tmp_path).state == {"x": x}
    assert numbered(tmp_path) == {1_000_000: 1, 1_000_001: 2}


def test_writers_at_once_all_save_and_leave_the_last_two(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda x: save_checkpoint(tmp_path / "c", {"x": x}), range(40)))
    assert numbered(tmp_path / "c").keys() == {39, 40}


def test_parts_of_dead_writers_and_other_files_do_not_count(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, {"x": 1})
    (tmp_path / ".000002.safetensors.0123456789abcdef.part").write_bytes(b"half")
    (tmp_path / "notes.safetensors").write_bytes(b"mine")
    assert load_checkpoint(tmp_path).damaged == ()
    save_checkpoint(tmp_path, {"x": 2})
    assert names(tmp_path) == {"000001.safetensors", "000002.safetensors", "notes.safetensors"}


# --- damage


def two(folder: Path) -> Path:
    """Two checkpoints, {"x": 1} and then the usual state; gives the file of the latter."""
    save_checkpoint(folder, {"x": 1})
    save_checkpoint(folder, state())
    return folder / "000002.safetensors"


def passed_over(folder: Path, newest: Path) -> None:
    loaded = load_checkpoint(folder)
    assert loaded.state == {"x": 1}
    assert loaded.path == folder / "000001.safetensors"
    assert len(loaded.damaged) == 1
    assert str(newest) in loaded.damaged[0]
    assert loaded.damaged[0].endswith(".")
    assert "\n" not in loaded.damaged[0]


def test_a_flipped_bit_in_any_byte_is_known(tmp_path: Path) -> None:
    newest = two(tmp_path)
    content = newest.read_bytes()
    for i in range(len(content)):
        flipped = bytearray(content)
        flipped[i] ^= 1 << i % 8
        newest.write_bytes(flipped)
        passed_over(tmp_path, newest)


def test_a_file_cut_short_or_gone_on_anywhere_is_known(tmp_path: Path) -> None:
    newest = two(tmp_path)
    content = newest.read_bytes()
    for changed in (*(content[:kept] for kept in range(len(content))), content + b"\0", content + content):
        newest.write_bytes(changed)
        passed_over(tmp_path, newest)


@pytest.mark.parametrize("replace", [b"\0" * 1_000, b"\xff" * 1_000, safetensors.numpy.save({"x": np.arange(3)})])
def test_a_file_that_is_no_checkpoint_at_all_is_known(tmp_path: Path, replace: bytes) -> None:
    newest = two(tmp_path)
    newest.write_bytes(replace)
    passed_over(tmp_path, newest)


def test_a_folder_in_place_of_a_file_is_known(tmp_path: Path) -> None:
    newest = two(tmp_path)
    newest.unlink()
    newest.mkdir()
    passed_over(tmp_path, newest)


def test_without_the_newest_file_the_one_before_is_the_newest(tmp_path: Path) -> None:
    two(tmp_path).unlink()
    assert load_checkpoint(tmp_path).state == {"x": 1}


def test_the_newest_sound_one_is_kept_however_many_damaged_ones_follow_it(tmp_path: Path) -> None:
    newest = two(tmp_path)
    newest.write_bytes(newest.read_bytes()[:-1])
    save_checkpoint(tmp_path, {"x": 3})
    third = tmp_path / "000003.safetensors"
    third.write_bytes(b"")
    loaded = load_checkpoint(tmp_path)
    assert loaded.state == {"x": 1}
    assert [path.name in said for path, said in zip((third, newest), loaded.damaged, strict=True)] == [True, True]
    save_checkpoint(tmp_path, {"x": 4})
    save_checkpoint(tmp_path, {"x": 5})
    assert numbered(tmp_path) == {4: 4, 5: 5}


def test_none_sound_is_one_sentence_that_names_each_file(tmp_path: Path) -> None:
    for path in (two(tmp_path), tmp_path / "000001.safetensors"):
        path.write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"^no checkpoint in .* is sound: .*000002.*; .*000001.*\.$") as refused:
        load_checkpoint(tmp_path)
    assert not isinstance(refused.value, NoCheckpointError)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("left", [None, ".lock", ".000001.safetensors.0123456789abcdef.part"])
def test_a_folder_where_nothing_was_ever_saved_is_told_from_a_damaged_one(tmp_path: Path, left: str | None) -> None:
    if left is not None:
        (tmp_path / "c").mkdir()
        (tmp_path / "c" / left).write_bytes(b"")
    with pytest.raises(NoCheckpointError, match=r"^there is no checkpoint in .*c\.$"):
        load_checkpoint(tmp_path / "c")


def test_a_file_in_place_of_the_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "c").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"^the checkpoint in .*c cannot be read: "):
        load_checkpoint(tmp_path / "c")


# --- the former layout


def save_as_before(folder: Path, saved: dict[str, Any]) -> None:
    flat = flatten(saved)
    values = {path: value for path, value in flat.items() if not isinstance(value, np.ndarray)}
    arrays = {path: value for path, value in flat.items() if isinstance(value, np.ndarray)}
    folder.mkdir()
    (folder / VALUES).write_text(json.dumps(values, indent=1))
    (folder / ARRAYS).write_bytes(safetensors.numpy.save(arrays))


@pytest.mark.parametrize("place", ["c", ".c.old"])
def test_a_checkpoint_of_the_former_layout_is_read(tmp_path: Path, place: str) -> None:
    save_as_before(tmp_path / place, state())
    before = everything(tmp_path)
    loaded = load_checkpoint(tmp_path / "c")
    same(loaded.state, state())
    assert loaded.damaged == ()
    assert everything(tmp_path) == before


@pytest.mark.parametrize("place", ["c", ".c.old"])
def test_the_former_layout_goes_when_it_is_no_longer_the_one_before(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "c"
    save_as_before(tmp_path / place, {"x": 0})
    save_checkpoint(folder, {"x": 1})
    assert load_checkpoint(folder).state == {"x": 1}
    assert names(folder) == {"000001.safetensors", ARRAYS, VALUES}
    save_checkpoint(folder, {"x": 2})
    assert names(folder) == {"000001.safetensors", "000002.safetensors"}
    assert names(tmp_path) == {"c"}


def test_the_former_layout_is_used_where_the_newer_one_is_damaged(tmp_path: Path) -> None:
    save_as_before(tmp_path / "c", state())
    save_checkpoint(tmp_path / "c", {"x": 1})
    (tmp_path / "c" / "000001.safetensors").write_bytes(b"")
    loaded = load_checkpoint(tmp_path / "c")
    same(loaded.state, state())
    assert "000001.safetensors" in loaded.damaged[0]
    save_checkpoint(tmp_path / "c", {"x": 2})
    assert names(tmp_path / "c") == {"000001.safetensors", "000002.safetensors", ARRAYS, VALUES}


@pytest.mark.parametrize("name", [ARRAYS, VALUES])
@pytest.mark.parametrize("kept", [None, 0, 10, -1])
def test_damage_of_the_former_layout_is_reported(tmp_path: Path, name: str, kept: int | None) -> None:
    save_as_before(tmp_path / "c", state())
    path = tmp_path / "c" / name
    content = path.read_bytes()
    path.unlink()
    if kept is not None:
        path.write_bytes(content[:kept])
    with pytest.raises(CheckpointError, match=r"^no checkpoint in .* is sound: ") as refused:
        load_checkpoint(tmp_path / "c")
    assert "\n" not in str(refused.value)


# --- readers and writers


def interrupted(monkeypatch: pytest.MonkeyPatch, *meanwhile: Callable[[], object]) -> None:
    """Let things happen between a reader's look at a folder and its looks into the files."""
    left = list(meanwhile)

    def read_whole(path: Path) -> bytes:
        if left:
            left.pop(0)()
        return files.read_whole(path)

    monkeypatch.setattr(checkpoint, "read_whole", read_whole)


def test_a_reader_whose_file_is_removed_looks_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_checkpoint(tmp_path / "c", {"x": 1})
    for x in (2, 3):
        save_checkpoint(tmp_path / "later", {"x": x})

    def saved_twice() -> None:
        (tmp_path / "c").rename(tmp_path / "away")
        (tmp_path / "later").rename(tmp_path / "c")
        (tmp_path / "c" / "000001.safetensors").unlink()

    interrupted(monkeypatch, saved_twice)
    loaded = load_checkpoint(tmp_path / "c")
    assert (loaded.state, loaded.damaged) == ({"x": 3}, ())


def test_a_reader_that_finds_none_sound_looks_again_if_there_are_new_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_checkpoint(tmp_path / "c", {"x": 1})
    (tmp_path / "c" / "000001.safetensors").write_bytes(b"")
    save_checkpoint(tmp_path / "later", {"x": 2})
    later = tmp_path / "later" / "000001.safetensors"
    interrupted(monkeypatch, lambda: shutil.move(later, tmp_path / "c" / "000002.safetensors"))
    assert load_checkpoint(tmp_path / "c").state == {"x": 2}


def test_a_folder_that_is_removed_under_a_reader_is_no_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_checkpoint(tmp_path / "c", {"x": 1})
    interrupted(monkeypatch, lambda: shutil.rmtree(tmp_path / "c"))
    with pytest.raises(NoCheckpointError):
        load_checkpoint(tmp_path / "c")


def test_a_file_that_goes_under_a_reader_is_not_called_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted(monkeypatch, two(tmp_path).unlink)
    loaded = load_checkpoint(tmp_path)
    assert (loaded.state, loaded.damaged) == ({"x": 1}, ())


def test_loading_changes_nothing(tmp_path: Path) -> None:
    two(tmp_path / "c").write_bytes(b"")
    (tmp_path / "c" / ".000003.safetensors.0123456789abcdef.part").write_bytes(b"half")
    (tmp_path / ".c.old").mkdir()
    before = everything(tmp_path)
    assert load_checkpoint(tmp_path / "c").damaged
    with pytest.raises(CheckpointError):
        load_checkpoint(tmp_path / "none")
    assert everything(tmp_path) == before


@pytest.mark.skipif(files.WINDOWS, reason="folders have no such permissions there")
def test_loading_needs_no_permission_to_write() -> None:
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "c"
        two(folder).write_bytes(b"")
        for path in (folder, Path(parent)):
            path.chmod(0o555)
        try:
            with unprivileged():
                with pytest.raises(PermissionError):
                    save_checkpoint(folder, {"x": 3})
                assert load_checkpoint(folder).state == {"x": 1}
        finally:
            for path in (Path(parent), folder):
                path.chmod(0o755)


def test_a_full_disk_leaves_the_checkpoints_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two(tmp_path)
    before = names(tmp_path)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space left"):
            save_checkpoint(tmp_path, {"x": 3})
    assert names(tmp_path) == before
    same(load_checkpoint(tmp_path).state, state())
