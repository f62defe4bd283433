"""Files and folders: whole or absent, of one version, whoever writes, reads or dies in between."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from engine.storage import files
from engine.storage.files import (
    read_folder,
    read_whole,
    remove_folder,
    replace_folder,
    settle_folder,
    settle_folders,
    write_whole,
)

OLD, NEW = {"a": b"old", "b": b"old"}, {"a": b"new", "b": b"new"}
CHANGES = ("mkdir", "rename", "replace", "unlink", "rmdir", "fsync")
"""The system's functions by which a writer changes what is on the disk; between two of them it may die."""


class Cut(BaseException):
    """Stands for the death of the process."""


def content(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def names(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir()} - {files.LOCK}


def everything(folder: Path) -> dict[str, tuple[int, ...]]:
    """All that a reader could have changed below a folder."""
    found = {str(p): p.lstat() for p in (folder, *folder.rglob("*"))}
    return {p: (s.st_ino, s.st_size, s.st_mode, s.st_mtime_ns, s.st_ctime_ns) for p, s in found.items()}


def failing(patch: pytest.MonkeyPatch, at: int, error: BaseException, times: float = float("inf")) -> Callable[[], int]:
    """Let the changes from number `at` on raise an error instead; gives a function that counts the calls."""
    calls = 0

    def instead_of(real: Callable[..., Any]) -> Callable[..., Any]:
        def change(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            if at < calls <= at + times:
                raise error
            return real(*args, **kwargs)

        return change

    for name in CHANGES:
        patch.setattr(os, name, instead_of(getattr(os, name)))
    return lambda: calls


def at_every_change(action: Callable[[], None], error: BaseException, times: float = float("inf")) -> Iterator[bool]:
    """Do something that fails at its first change, its second, and so on to the last; whether it raised, each time."""
    for at in count():
        raised = False
        with pytest.MonkeyPatch.context() as patch:
            made = failing(patch, at, error, times)
            try:
                action()
            except type(error):
                raised = True
        if made() <= at:
            assert at >= 3
            return
        yield raised


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root may write everywhere, so be nobody meanwhile."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


class Interrupted(list[str]):
    """Names of files; while they are gone through, `meanwhile` happens after each one."""

    def __init__(self, wanted: list[str], meanwhile: Callable[[], None], times: float = 1) -> None:
        super().__init__(wanted)
        self._meanwhile, self._left = meanwhile, times

    def __iter__(self) -> Iterator[str]:
        for name in super().__iter__():
            yield name
            if self._left > 0:
                self._left -= 1
                self._meanwhile()


@pytest.fixture(params=["by descriptor", "by path"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of reading a folder: that of POSIX and that of Windows."""
    if request.param == "by descriptor" and not files.BY_DESCRIPTOR:
        pytest.skip("this system opens no folders")
    monkeypatch.setattr(files, "BY_DESCRIPTOR", request.param == "by descriptor")


# --- files


def test_a_file_is_written_over_the_old_one_with_nothing_left_beside(tmp_path: Path) -> None:
    write_whole(tmp_path / "deep" / "file", b"old")
    write_whole(tmp_path / "deep" / "file", b"new")
    assert content(tmp_path / "deep") == {"file": b"new"}


def test_a_writer_that_dies_leaves_the_old_or_the_new_file(tmp_path: Path) -> None:
    write_whole(tmp_path / "file", b"old")
    for _ in at_every_change(lambda: write_whole(tmp_path / "file", b"new"), Cut()):
        assert read_whole(tmp_path / "file") in (b"old", b"new")
        write_whole(tmp_path / "file", b"old")


def test_a_full_disk_leaves_the_old_file_and_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_whole(tmp_path / "file", b"old")
    failing(monkeypatch, 0, OSError(28, "No space left on device"), times=1)
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "file", b"new")
    assert content(tmp_path) == {"file": b"old"}


def test_many_writers_of_one_file_all_succeed(tmp_path: Path) -> None:
    texts = [bytes([i]) * 1_000 for i in range(100)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda text: write_whole(tmp_path / "file", text), texts))
    assert content(tmp_path)["file"] in texts
    assert names(tmp_path) == {"file"}


def test_what_windows_refuses_for_a_moment_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_whole(tmp_path / "file", b"old")
    rename, refusals = os.replace, iter(range(3))

    def refused(*args: Any) -> None:
        if next(refusals, None) is not None:
            raise PermissionError
        rename(*args)

    monkeypatch.setattr(os, "replace", refused)
    with pytest.raises(PermissionError):
        write_whole(tmp_path / "file", b"new")
    monkeypatch.setattr(files, "WINDOWS", True)
    write_whole(tmp_path / "file", b"new")
    assert content(tmp_path) == {"file": b"new"}


# --- replacing and settling


def test_a_folder_is_replaced_with_nothing_left_beside(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "folder"
    replace_folder(folder, OLD | {"only old": b""})
    replace_folder(folder, NEW)
    assert content(folder) == NEW
    assert names(folder.parent) == {"folder"}


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("before", [None, OLD])
def test_a_writer_that_dies_at_any_point_leaves_the_old_or_the_new_folder(
    tmp_path: Path, before: dict[str, bytes] | None
) -> None:
    folder = tmp_path / "folder"
    if before is not None:
        replace_folder(folder, before)
    seen = []
    for _ in at_every_change(lambda: replace_folder(folder, NEW), Cut()):
        left = everything(tmp_path)
        try:
            found = read_folder(folder, ["a", "b"])
        except FileNotFoundError:
            found = None
        assert everything(tmp_path) == left
        assert found in (before, NEW)
        assert [content(old) for old in tmp_path.glob(".*.old")] in ([], [before])
        seen.append(found)
        settle_folder(folder)
        assert (content(folder) if folder.exists() else None) == found
        assert names(tmp_path) == ({"folder"} if folder.exists() else set())
        if before is None:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            replace_folder(folder, before)
    assert seen[0] == before
    assert before is None or seen[-1] == NEW


def test_a_writer_that_fails_at_any_point_says_so_and_leaves_the_old_folder_alone(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    replace_folder(folder, OLD)
    for raised in at_every_change(lambda: replace_folder(folder, NEW), OSError(28, "No space left on device"), times=1):
        assert content(folder) == (OLD if raised else NEW)
        if raised:
            assert names(tmp_path) == {"folder"}
        replace_folder(folder, OLD)
        assert names(tmp_path) == {"folder"}


WRITER = """
import sys
from itertools import count
from pathlib import Path
from engine.storage.files import replace_folder
for i in count():
    replace_folder(Path(sys.argv[1]), {name: b"%d" % i for name in ("a", "b", "c")})
    print(i, flush=True)
"""


@pytest.mark.parametrize("versions", [1, 2, 5, 11, 23])
def test_a_killed_process_leaves_a_whole_folder_and_no_lock(tmp_path: Path, versions: int) -> None:
    folder = tmp_path / "folder"
    with subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        for _ in range(versions):
            writer.stdout.readline()
        writer.send_signal(signal.SIGTERM if files.WINDOWS else signal.SIGKILL)
    found = read_folder(folder, ["a", "b", "c"])
    assert len(found) == 3
    assert len(set(found.values())) == 1
    settle_folder(folder)
    assert content(folder) == found
    assert names(tmp_path) == {"folder"}


def test_an_old_folder_of_the_former_scheme_is_put_back(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    for name, files_in_it in {".folder.old": OLD, ".folder.new": {"a": b"half"}}.items():
        (tmp_path / name).mkdir()
        for file, text in files_in_it.items():
            (tmp_path / name / file).write_bytes(text)
    assert read_folder(folder, ["a", "b"]) == OLD
    settle_folder(folder)
    assert content(folder) == OLD
    assert names(tmp_path) == {"folder"}


def test_an_old_folder_beside_a_finished_one_is_cleared(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    for name in ("folder", ".folder.old", ".folder.0123456789abcdef.old"):
        replace_folder(tmp_path / name, NEW if name == "folder" else OLD)
    settle_folder(folder)
    assert content(folder) == NEW
    assert names(tmp_path) == {"folder"}


def test_other_folders_and_their_leftovers_are_let_alone(tmp_path: Path) -> None:
    others = {".folder.old.old", ".folder.x.old", ".folderx.old", "folder.old", ".older", ".xfolder.new"}
    for name in others:
        (tmp_path / name).mkdir()
    replace_folder(tmp_path / "folder", NEW)
    remove_folder(tmp_path / "folder")
    assert names(tmp_path) == others


def test_settling_nothing_changes_nothing(tmp_path: Path) -> None:
    settle_folder(tmp_path / "folder")
    settle_folder(tmp_path / "absent" / "folder")
    assert list(tmp_path.iterdir()) == []
    write_whole(tmp_path / "folder" / "a", b"")
    before = everything(tmp_path)
    settle_folder(tmp_path / "folder")
    assert everything(tmp_path) == before


def test_settling_waits_for_a_living_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, fresh = tmp_path / "folder", tmp_path / ".folder.0123456789abcdef.new"
    monkeypatch.setattr(files, "LOCK_SECONDS", 0.05)
    with files.writing(tmp_path):
        fresh.mkdir()
        with pytest.raises(TimeoutError):
            settle_folder(folder)
        assert fresh.exists()
    settle_folder(folder)
    assert not fresh.exists()


def test_one_writer_in_a_parent_excludes_the_others_but_no_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    replace_folder(folder, OLD)
    monkeypatch.setattr(files, "LOCK_SECONDS", 0.05)
    with files.writing(tmp_path), ThreadPoolExecutor(1) as other:
        for refused in (other.submit(replace_folder, folder, NEW), other.submit(remove_folder, folder)):
            with pytest.raises(TimeoutError):
                refused.result()
        assert other.submit(read_folder, folder, ["a", "b"]).result() == OLD


def test_parts_are_cleared_once_nobody_can_be_writing_them(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    replace_folder(folder, NEW)
    for name, age in {".a.0123456789abcdef.part": 0, ".b.0123456789abcdef.part": 4_000, ".c.17.part": 4_000}.items():
        (folder / name).write_bytes(b"half")
        written = (folder / name).stat().st_mtime - age
        os.utime(folder / name, (written, written))
    settle_folder(folder)
    assert names(folder) == {"a", "b", ".a.0123456789abcdef.part"}


def test_a_file_is_not_replaced_or_removed_as_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    with pytest.raises(NotADirectoryError):
        replace_folder(tmp_path / "file", NEW)
    with pytest.raises(NotADirectoryError):
        remove_folder(tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"mine"
    assert names(tmp_path) == {"file"}


# --- removing


def test_a_removed_folder_is_gone_with_all_that_is_left_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    replace_folder(tmp_path / ".folder.old", OLD)
    replace_folder(folder, NEW)
    remove_folder(folder)
    assert names(tmp_path) == set()
    replace_folder(tmp_path / ".folder.old", OLD)
    remove_folder(folder)
    assert names(tmp_path) == set()


def test_a_folder_stays_where_an_older_one_beside_it_cannot_be_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    replace_folder(tmp_path / ".folder.old", OLD)
    replace_folder(folder, NEW)
    replace_folder(tmp_path / ".folder.old", OLD)
    monkeypatch.setattr(files, "_settle", lambda folder: None)
    with pytest.raises(PermissionError, match=r"\.folder\.old"):
        remove_folder(folder)
    assert read_folder(folder, ["a", "b"]) == NEW


def test_there_must_be_a_folder_to_remove(tmp_path: Path) -> None:
    for folder in (tmp_path / "folder", tmp_path / "absent" / "folder"):
        with pytest.raises(FileNotFoundError):
            remove_folder(folder)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("either_way")
def test_a_process_that_dies_while_it_removes_a_folder_leaves_it_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    replace_folder(folder, OLD)
    seen = []
    for _ in at_every_change(lambda: remove_folder(folder), Cut()):
        try:
            found = read_folder(folder, ["a", "b"])
        except FileNotFoundError:
            found = None
        assert found in (OLD, None)
        seen.append(found)
        settle_folder(folder)
        assert names(tmp_path) == ({"folder"} if found else set())
        replace_folder(folder, OLD)
    assert seen[0] == OLD
    assert seen[-1] is None


# --- reading


@pytest.mark.usefixtures("either_way")
def test_only_what_is_asked_for_and_there_is_read(tmp_path: Path) -> None:
    replace_folder(tmp_path / "folder", NEW)
    assert read_folder(tmp_path / "folder", ["b", "never"]) == {"b": b"new"}
    assert read_folder(tmp_path / "folder", []) == {}


@pytest.mark.usefixtures("either_way")
def test_no_folder_and_no_folder_but_a_file_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileNotFoundError):
        read_folder(tmp_path / "folder", ["a"])
    with pytest.raises(FileNotFoundError):
        read_folder(tmp_path / "absent" / "folder", ["a"])
    with pytest.raises(NotADirectoryError):
        read_folder(tmp_path / "file", ["a"])


@pytest.mark.usefixtures("either_way")
def test_a_folder_that_is_replaced_between_two_files_is_read_anew(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    replace_folder(folder, OLD)
    wanted = Interrupted(["a", "b"], lambda: replace_folder(folder, NEW))
    assert read_folder(folder, wanted) == NEW


@pytest.mark.usefixtures("either_way")
def test_a_file_that_only_the_old_version_lacks_is_not_missed(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    replace_folder(folder, {"a": b"old"})
    wanted = Interrupted(["b", "a"], lambda: replace_folder(folder, NEW))
    assert read_folder(folder, wanted) == NEW


@pytest.mark.usefixtures("either_way")
def test_a_folder_that_is_removed_between_two_files_is_not_there(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    replace_folder(folder, OLD)
    with pytest.raises(FileNotFoundError):
        read_folder(folder, Interrupted(["a", "b"], lambda: remove_folder(folder)))


@pytest.mark.usefixtures("either_way")
def test_a_folder_that_is_replaced_at_every_look_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "folder"
    replace_folder(folder, OLD)
    monkeypatch.setattr(files, "PATIENCE_SECONDS", 0.05)
    endless = Interrupted(["never", "a"], lambda: replace_folder(folder, NEW), float("inf"))
    with pytest.raises(TimeoutError, match="replaced again and again"):
        read_folder(folder, endless)


@pytest.mark.usefixtures("either_way")
def test_a_folder_that_is_hidden_for_one_look_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, hidden = tmp_path / "folder", tmp_path / "hidden"
    replace_folder(hidden, NEW)
    left = files._left

    def settled_after_the_look(*args: Any) -> list[Path]:
        found = left(*args)
        hidden.rename(folder)
        return found

    monkeypatch.setattr(files, "_left", settled_after_the_look)
    assert read_folder(folder, ["a", "b"]) == NEW


@pytest.mark.skipif(files.WINDOWS, reason="folders have no such permissions there")
@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("left", ["folder", ".folder.0123456789abcdef.old"])
def test_reading_needs_no_permission_to_write(left: str) -> None:
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "folder"
        replace_folder(folder, NEW)
        folder.rename(Path(parent) / left)
        for path in (Path(parent) / left, Path(parent)):
            path.chmod(0o555)
        try:
            before = everything(Path(parent))
            with unprivileged():
                with pytest.raises(PermissionError):
                    replace_folder(folder, OLD)
                assert read_folder(folder, ["a", "b"]) == NEW
                assert read_whole(Path(parent) / left / "a") == b"new"
            assert everything(Path(parent)) == before
        finally:
            for path in (Path(parent), Path(parent) / left):
                path.chmod(0o755)


@pytest.mark.usefixtures("either_way")
def test_readers_see_one_version_while_writers_replace_remove_and_settle(tmp_path: Path) -> None:
    folder, done = tmp_path / "folder", threading.Event()

    def write(writer: int) -> None:
        for i in range(30):
            replace_folder(folder, dict.fromkeys("abc", b"%d-%d" % (writer, i)))
            settle_folder(folder)
            with suppress(FileNotFoundError):
                if writer == 0 and i % 5 == 0:
                    remove_folder(folder)

    def read() -> set[int]:
        versions = set()
        while not done.is_set():
            with suppress(FileNotFoundError):
                found = read_folder(folder, ["a", "b", "c", "never"])
                versions.add(len(found) * len(set(found.values())))
        return versions

    with ThreadPoolExecutor(6) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        try:
            list(pool.map(write, range(3)))
        finally:
            done.set()
    assert set().union(*(reader.result() for reader in readers)) == {3}
    assert names(tmp_path) <= {"folder"}


def test_every_folder_of_a_dead_writer_is_settled_at_once(tmp_path: Path) -> None:
    for name, token in (("one", "0123456789abcdef."), ("two.old", ""), ("three", "0123456789abcdef.")):
        (tmp_path / f".{name}.{token}old").mkdir()
        (tmp_path / f".{name}.{token}old" / "file").write_bytes(name.encode())
    (tmp_path / "three").mkdir()
    (tmp_path / ".lonely.0123456789abcdef.new").mkdir()
    (tmp_path / ".hidden").mkdir()
    settle_folders(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hidden", ".lock", "one", "three", "two.old"]
    assert (tmp_path / "two.old" / "file").read_bytes() == b"two.old"
    assert list((tmp_path / "three").iterdir()) == [], "the newer one stays"


def test_where_nothing_was_left_nothing_is_made(tmp_path: Path) -> None:
    settle_folders(tmp_path)
    settle_folders(tmp_path / "missing")
    assert list(tmp_path.iterdir()) == []
