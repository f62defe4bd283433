"""Files and folders that are whole or absent, whoever else reads or writes; knows nothing of what is in them."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from filelock import FileLock

T = TypeVar("T")

LOCK = ".lock"
"""The file in a folder that serialises those who change what stands in it; no reader opens it."""
NEW, OLD, GONE = "new", "old", "gone"
"""Endings of hidden folders: not complete yet; whole, to be put back; to be deleted, perhaps half."""

LOCK_SECONDS = 60.0
PATIENCE_SECONDS = 2.0
ABSENCES = 4
"""How often in a row nothing must be found before a reader believes it: a swap may hide a folder from one look."""
PART_SECONDS = 3600.0
"""A part that nobody has written to for so long belongs to no living writer."""

_LEFTOVER = rf"\.(.+?)\.(?:[0-9a-f]{{16}}\.)?(?:{NEW}|{OLD}|{GONE})"

WINDOWS = os.name == "nt"
BY_DESCRIPTOR = os.open in os.supports_dir_fd and hasattr(os, "O_DIRECTORY")


# --- writing


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all: beside it first, on the disk, then renamed.

    Folders on the way are made. Any number of threads and processes may write one file at once; the last one stays.

    Raises:
        OSError: it cannot be written; what was there stays, and nothing is left beside it.
    """
    _make_folder(path.parent)
    part = _hidden(path, "part")
    try:
        _write_new(part, content)
        _patiently(lambda: part.replace(path))
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
    _sync_folder(path.parent)


def replace_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put a folder with these files in place of `folder`; `read_folder` finds the old one or the new one, no mixture.

    A folder cannot be renamed over a full one, so for a moment the old one stands hidden beside; `settle_folder` puts
    it back should the process die in that moment.

    Raises:
        OSError: it cannot be written; what was there stays. NotADirectoryError: a file stands there. TimeoutError:
            somebody else was writing in the parent for a minute.
    """
    _make_folder(folder.parent)
    with writing(folder.parent):
        _settle(folder)
        _refuse_a_file(folder)
        try:
            fresh, old = _hidden(folder, NEW), _hidden(folder, OLD)
            fresh.mkdir()
            for name, content in files.items():
                _write_new(fresh / name, content)
            _sync_folder(fresh)
            if folder.exists():
                _patiently(lambda: folder.rename(old))
            _patiently(lambda: fresh.rename(folder))
            _sync_folder(folder.parent)
        finally:
            _settle(folder)


def remove_folder(folder: Path) -> None:
    """Delete a folder, which is out of sight at once and whole until then.

    Raises:
        OSError: it cannot be removed and stays whole. FileNotFoundError, NotADirectoryError: there is none.
            TimeoutError: somebody else was writing in the parent for a minute.
    """
    if not folder.exists() and not _left(folder, OLD):
        raise _refusal(errno.ENOENT, folder)
    with writing(folder.parent):
        _settle(folder)
        _refuse_a_file(folder)
        for old in _left(folder, OLD):
            # It would be taken for the folder as soon as that is gone.
            raise _refusal(errno.EACCES, old)
        gone = _hidden(folder, GONE)
        _patiently(lambda: folder.rename(gone))
        _sync_folder(folder.parent)
        _delete(gone)


def settle_folder(folder: Path) -> None:
    """For one who is going to write: finish or take back what a dead writer left of `folder`, and clear it away.

    Waits for a living writer and does not disturb it. Without leftovers it changes nothing on the disk.

    Raises:
        OSError: the leftovers cannot be settled. TimeoutError: somebody was writing in the parent for a minute.
    """
    if _left(folder, NEW, OLD, GONE):
        with writing(folder.parent):
            _settle(folder)
    remove_parts(folder, PART_SECONDS)


def settle_folders(parent: Path) -> None:
    """`settle_folder` for every folder in `parent` of which a dead writer left something.

    Raises:
        OSError: as `settle_folder`.
    """
    for name in {match[1] for path in _listed(parent, _LEFTOVER) if (match := re.fullmatch(_LEFTOVER, path.name))}:
        settle_folder(parent / name)


def remove_parts(folder: Path, seconds: float) -> None:
    """Delete what cut-off `write_whole` calls left in a folder, where nobody has written to it for so long."""
    for part in _listed(folder, r"\..+\.[0-9a-f]+\.part"):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime >= seconds:
                part.unlink()


@contextmanager
def writing(parent: Path) -> Iterator[None]:
    """Hold the writers' lock of a folder that exists: one thread of one process at a time changes what stands in it.

    Raises:
        TimeoutError: somebody else held it for a minute.
    """
    with FileLock(parent / LOCK).acquire(timeout=LOCK_SECONDS, poll_interval=0.005):
        yield


# --- reading


def read_whole(path: Path) -> bytes:
    """The content of a file that others may be replacing.

    Raises:
        OSError: it cannot be read. FileNotFoundError: there is none.
    """
    return _patiently(path.read_bytes)


def read_folder(folder: Path, names: Sequence[str]) -> dict[str, bytes]:
    """The named files of one version of a folder, whatever writers do meanwhile; changes nothing on the disk.

    Names that this version lacks are not in the result. Where a dead writer left only the old version, reads that.

    Raises:
        FileNotFoundError, NotADirectoryError: there is no such folder.
        TimeoutError: it was replaced again and again, for seconds.
        OSError: a file of it cannot be read.
    """

    read = _read_by_descriptor if BY_DESCRIPTOR else _read_by_path

    def version() -> dict[str, bytes] | None:
        with suppress(FileNotFoundError):
            return read(folder, names)
        for old in reversed(_left(folder, OLD)):
            with suppress(FileNotFoundError):
                return read(old, names)
        raise _refusal(errno.ENOENT, folder)

    return until_settled(folder, version)


def until_settled(place: Path, attempt: Callable[[], T | None]) -> T:
    """What `attempt` reads once it gives something: None says that a writer came in between, and it is called again.

    Its FileNotFoundError counts only when it comes several times in a row.

    Raises:
        FileNotFoundError: `attempt` finds nothing. TimeoutError: a writer came in between for seconds.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    absences, pause = 0, 0.0005
    while True:
        late = time.monotonic() >= deadline
        try:
            found = attempt()
            if found is not None:
                return found
            absences = 0
        except FileNotFoundError:
            absences += 1
            if absences == ABSENCES:
                raise
        except PermissionError:
            # Windows refuses, for the moment, what another process is renaming.
            if late or not WINDOWS:
                raise
        if late:
            raise TimeoutError(errno.ETIMEDOUT, "replaced again and again while it was read", str(place))
        time.sleep(pause)
        pause = min(2 * pause, 0.02)


def _read_by_descriptor(place: Path, names: Sequence[str]) -> dict[str, bytes] | None:
    """The files of the folder that is at `place` now, even if it is moved meanwhile; None if they may be going."""
    with ExitStack() as stack:
        directory = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
        stack.callback(os.close, directory)
        files = {}
        for name in names:
            with suppress(FileNotFoundError):
                files[name] = stack.enter_context(os.fdopen(os.open(name, os.O_RDONLY, dir_fd=directory), "rb"))
        # Only what has left its place is deleted, so what is missing from a folder in its place was never there.
        if len(files) < len(set(names)) and not _is_at(place, os.fstat(directory)):
            return None
        return {name: file.read() for name, file in files.items()}


def _is_at(place: Path, directory: os.stat_result) -> bool:
    try:
        return os.path.samestat(place.stat(), directory)
    except FileNotFoundError:
        return False


def _read_by_path(place: Path, names: Sequence[str]) -> dict[str, bytes] | None:
    """The files of the folder at `place`; None if it is another one than before they were read."""
    before = _identity(place)
    found = {}
    for name in names:
        with suppress(FileNotFoundError):
            found[name] = (place / name).read_bytes()
    try:
        return found if _identity(place) == before else None
    except FileNotFoundError:
        return None


def _identity(place: Path) -> tuple[int, ...]:
    found = place.stat()
    if not stat.S_ISDIR(found.st_mode):
        raise _refusal(errno.ENOTDIR, place)
    # The times too, because a file system may give the number of a deleted folder to the next one.
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns


# --- what both need


def _hidden(path: Path, ending: str) -> Path:
    """A new name beside `path`; its leading dot keeps clear of an agent that is called `<name>.old`."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.{ending}")


def _left(folder: Path, *endings: str) -> list[Path]:
    """The hidden folders of `folder` with these endings, of the scheme without tokens too, last written last."""
    pattern = rf"\.{re.escape(folder.name)}\.(?:[0-9a-f]{{16}}\.)?(?:{'|'.join(endings)})"
    written = []
    for path in _listed(folder.parent, pattern):
        with suppress(FileNotFoundError):
            written.append((path.lstat().st_mtime_ns, path))
    return [path for _, path in sorted(written)]


def _listed(folder: Path, pattern: str) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if re.fullmatch(pattern, path.name)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _refusal(number: int, path: Path) -> OSError:
    """The exception that the system raises with this number."""
    return OSError(number, os.strerror(number), str(path))


def _refuse_a_file(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise _refusal(errno.ENOTDIR, folder)


def _settle(folder: Path) -> None:
    """Under the lock: put the old folder back if there is no other, and delete what is left."""
    olds = _left(folder, OLD)
    if olds and not folder.exists():
        _patiently(lambda: olds[-1].rename(folder))
        _sync_folder(folder.parent)
    for old in _left(folder, OLD):
        # Out of sight before the first file goes, so that what ends in "old" is always whole.
        with suppress(OSError):
            _patiently(partial(old.rename, _hidden(folder, GONE)))
    for leftover in _left(folder, NEW, GONE):
        _delete(leftover)


def _delete(folder: Path) -> None:
    """As far as possible; Windows keeps what a reader has open, and the next writer comes by again."""
    with suppress(OSError):
        if folder.is_symlink() or not folder.is_dir():
            folder.unlink()
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _patiently(action: Callable[[], T]) -> T:
    """Do what Windows refuses for as long as another process has the file open."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return action()
        except PermissionError:
            if not WINDOWS or time.monotonic() >= deadline:
                raise
        time.sleep(0.002)


def _write_new(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    """Bring a folder's names to the disk, where the system can."""
    if not BY_DESCRIPTOR:
        return
    # Some file systems cannot sync a folder, and one may be written but not read.
    with suppress(OSError):
        directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
