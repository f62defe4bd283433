"""The real command on a real pseudo-terminal: what its screen shows, keys for it, and ways for its terminal to go."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pyte

COMMAND = Path(sys.executable).with_name("dqn-lab")
DEADLINE = 60.0
POLL_SECONDS = 0.05
AT_ONCE = 65_536
SLICE_SECONDS = 0.01
QUESTION, STATUS = b"\x1b[5n", "\x1b[0n"
DOWN, ENTER, CTRL_P = "\x1b[B", "\r", "\x10"


class Terminal:
    """A process on a pseudo-terminal that it leads the session of, and what its screen shows."""

    def __init__(
        self,
        home: Path,
        ignored: Sequence[signal.Signals] = (),
        *,
        size: tuple[int, int] = (80, 24),
        options: Sequence[str] = (),
        answers: bool = False,
        bytes_a_second: float | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """
        Args:
            home: the home folder for the lab.
            ignored: signals that the process is started to ignore, as `nohup` does.
            size: columns and lines.
            options: further options of the command.
            answers: whether the terminal answers when it is asked for its status, as real ones do.
            bytes_a_second: how fast what the process writes is read; None reads it all at once.
            variables: of the environment, beside the usual ones.
        """
        self._screen = pyte.Screen(*size)
        self._answers = answers
        self._rate, self._read_until = bytes_a_second, 0.0
        self.at_once = AT_ONCE
        """How many bytes a read takes at most."""
        self._stream = pyte.ByteStream(self._screen)
        self._fd, own = pty.openpty()
        self._name = os.ttyname(own)
        self._reads = True
        self.exit_code: int | None = None
        self.written = b""
        fcntl.ioctl(own, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
        environment |= {"PYTHONUTF8": "1", **(variables or {})}
        self.pid = os.fork()
        if self.pid == 0:
            os.login_tty(own)
            # Whoever runs the tests under `nohup` hands down that hang-ups are ignored.
            for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)
            os.execve(COMMAND, [str(COMMAND), "--home", str(home), *options], environment)
        os.close(own)

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display)

    def row(self, y: int) -> str:
        """One line of the screen, from 0: quicker than to look at all of it."""
        cells = self._screen.buffer[y]
        return "".join(cells[x].data for x in range(self._screen.columns))

    @property
    def cooked(self) -> bool:
        """Whether the terminal hands on lines, as a shell leaves it, and not keys."""
        return bool(termios.tcgetattr(self._fd)[3] & termios.ICANON)

    def scribble(self, text: str) -> None:
        """Show what another program writes to the terminal."""
        self._stream.feed(text.encode())

    def type(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    def read_for(self, seconds: float) -> None:
        """Read what the process writes, for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.read(min(left, POLL_SECONDS))

    def wait_for(self, condition: Callable[[str], bool]) -> None:
        """Read what the process writes until the screen is as asked for."""
        end = time.monotonic() + DEADLINE
        while not condition(self.text):
            if time.monotonic() > end or self._ended():
                raise AssertionError(f"waited in vain; exit code {self.exit_code}, the screen shows\n{self.text}")
            self.read()

    def wait_for_exit(self, seconds: float = DEADLINE) -> int:
        """The exit code, minus a signal's number where that killed the process."""
        end = time.monotonic() + seconds
        while not self._ended():
            if time.monotonic() > end:
                raise AssertionError(f"does not end; the screen shows\n{self.text}")
            self.read()
        assert self.exit_code is not None
        return self.exit_code

    def wait_until_stopped(self) -> None:
        """Read on until the process has been stopped, as ctrl+z does it."""
        end = time.monotonic() + DEADLINE
        while not os.WIFSTOPPED(os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)[1]):
            if time.monotonic() > end:
                raise AssertionError(f"does not stop; the screen shows\n{self.text}")
            self.read()

    def stop_reading(self) -> None:
        """From now on nobody reads what the process writes, and the buffer in between is full."""
        self._reads = False
        writer = os.open(self._name, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
        while select.select([], [writer], [], 4 * POLL_SECONDS)[1]:
            with suppress(BlockingIOError):
                os.write(writer, 4096 * b".")
        os.close(writer)

    def hang_up(self) -> None:
        """Close the window: the kernel sends SIGHUP, and the process can neither read nor write any more."""
        self._reads = False
        os.close(self._fd)
        self._fd = -1

    def _ended(self) -> bool:
        if self.exit_code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.exit_code = os.waitstatus_to_exitcode(status)
        return self.exit_code is not None

    def read(self, patience: float = POLL_SECONDS) -> None:
        """Read what the process has written, or will have within so many seconds."""
        most = self.at_once if self._rate is None else max(1, int(self._rate * SLICE_SECONDS))
        time.sleep(max(0.0, self._read_until - time.monotonic()))
        ready, _, _ = select.select([self._fd] if self._reads else [], [], [], patience)
        if ready:
            try:
                read = os.read(self._fd, most)
            except OSError:
                # The process has closed its end.
                self._reads = False
                return
            self.written += read
            if self._rate is not None:
                self._read_until = time.monotonic() + len(read) / self._rate
            self._stream.feed(read)
            if self._answers:
                new = max(0, len(self.written) - len(read) - len(QUESTION) + 1)
                self.type(STATUS * self.written.count(QUESTION, new))

    def close(self) -> None:
        if not self._ended():
            os.kill(self.pid, signal.SIGKILL)
            self.wait_for_exit()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
