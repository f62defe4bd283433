"""The real command in a real pseudo-terminal: it opens, trains, asks before quitting, and keeps what was learned."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("needs a pseudo-terminal", allow_module_level=True)

import fcntl
import os
import pty
import select
import signal
import struct
import termios

import pyte

from engine.storage.store import Store

COMMAND = Path(sys.executable).with_name("dqn-lab")
DEADLINE = 60.0


class Terminal:
    """A process on a pseudo-terminal of 80 x 24, and what its screen shows."""

    def __init__(self, arguments: list[str], environment: dict[str, str]) -> None:
        self._screen = pyte.Screen(80, 24)
        self._stream = pyte.ByteStream(self._screen)
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.execve(COMMAND, [str(COMMAND), *arguments], environment)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.exit_code: int | None = None

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display)

    def type(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    def wait_for(self, condition: Callable[[str], bool]) -> None:
        """Read what the process writes until the screen is as asked for."""
        end = time.monotonic() + DEADLINE
        while not condition(self.text):
            if time.monotonic() > end:
                raise AssertionError(f"waited in vain; the screen shows\n{self.text}")
            self._read()

    def wait_for_exit(self) -> int:
        end = time.monotonic() + DEADLINE
        while self.exit_code is None:
            if time.monotonic() > end:
                raise AssertionError(f"does not end; the screen shows\n{self.text}")
            self._read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.exit_code = os.waitstatus_to_exitcode(status)
        return self.exit_code

    def _read(self) -> None:
        ready, _, _ = select.select([self._fd], [], [], 0.1)
        if ready:
            try:
                self._stream.feed(os.read(self._fd, 65_536))
            except OSError:
                # The process has closed its end.
                return

    def close(self) -> None:
        if self.exit_code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._fd)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    environment = {
        **os.environ,
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "PYTHONUTF8": "1",
        "LC_ALL": "C.UTF-8",
    }
    terminal = Terminal(["--home", str(tmp_path / "home")], environment)
    yield terminal
    terminal.close()


def test_a_newcomer_trains_reads_on_quits_and_finds_the_run_again(terminal: Terminal, tmp_path: Path) -> None:
    terminal.wait_for(lambda text: "Imitation: the models" in text and "Quit" in text)
    terminal.type(4 * "\x1b[B" + "\r")
    terminal.wait_for(lambda text: "esc Map" in text)
    terminal.type("r")
    terminal.wait_for(lambda text: "good-2" in text.splitlines()[0] and "%" in text.splitlines()[0])
    terminal.type("b")
    terminal.wait_for(lambda text: "environment steps" in text and "mean return" in text)
    terminal.type("q")
    terminal.wait_for(lambda text: "Keep a checkpoint and quit" in text)
    terminal.type("k")
    assert terminal.wait_for_exit() == 0

    store = Store(tmp_path / "home")
    (record,) = store.runs()
    assert record.preset == "good-2"
    assert record.status == "stopped"
    assert store.load_metrics(record.id).episode_count == record.counters["episodes"] > 0
    assert (store.run_folder(record.id) / "checkpoint").is_dir()
    store.close()


def test_a_hang_up_keeps_a_checkpoint_too(terminal: Terminal, tmp_path: Path) -> None:
    terminal.wait_for(lambda text: "Imitation: the models" in text and "Quit" in text)
    terminal.type(4 * "\x1b[B" + "\r")
    terminal.wait_for(lambda text: "esc Map" in text)
    terminal.type("rb")
    terminal.wait_for(lambda text: "mean return" in text)
    os.kill(terminal.pid, signal.SIGHUP)
    terminal.wait_for_exit()

    store = Store(tmp_path / "home")
    (record,) = store.runs()
    assert record.status == "stopped"
    assert record.counters["episodes"] > 0
    store.close()
