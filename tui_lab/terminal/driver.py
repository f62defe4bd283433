"""Textual's driver for Linux and macOS, made to outlive its terminal: it tells the app, and waits for nothing more."""

from __future__ import annotations

import asyncio
import os
import selectors
import signal
import sys
import termios
import time
from codecs import getincrementaldecoder
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

from rich.color import ColorSystem
from rich.console import COLOR_SYSTEMS
from textual import constants
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

from tui_lab.context import context
from tui_lab.terminal.answers import Answers
from tui_lab.terminal.output import CHUNK, Output
from tui_lab.terminal.painter import Painter

assert sys.platform != "win32"

ANSWER_SECONDS = 0.5
"""How long the terminal may take for its last answers before it is given back: they are not for the shell."""
BETWEEN_LOOKS = 0.01
QUIET = 1.1 * constants.ESCAPE_DELAY
"""Seconds after which nothing more belongs to what was typed: a lone escape is a key then."""


class LabDriver(LinuxDriver):
    """Calls the app's `hung_up` once the terminal is gone or SIGHUP or SIGTERM comes, and from then on never waits."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._output: Output | None = None
        self.painter: Painter | None = None
        """Through which screens are shown, while the terminal is the lab's."""
        self._told = False
        self._read_answers = 0
        """Answers that were read and that the painter has yet to hear of."""
        self._wake_reader, self._wake_writer = os.pipe()
        os.set_blocking(self._wake_reader, False)
        self._terminals = [fd for fd in (0, 1, 2) if os.isatty(fd)]
        for number in (signal.SIGHUP, signal.SIGTERM):
            # What the process was started to ignore, as by nohup, stays ignored.
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._asked_to_end)

    # --- the end

    def _asked_to_end(self, number: int, _frame: FrameType | None) -> None:
        """A handler that asyncio keeps for its loop would not do: the loop may be waiting for the terminal."""
        if self._output is not None:
            self._output.hurry()
        self._tell(number)

    def _tell(self, number: int) -> None:
        if not self._told:
            self._told = True
            context(self._app).hung_up(number)

    def _lose(self) -> None:
        """In any thread: what else is written to the terminal, be it as the interpreter ends, must not fail or wait."""
        if self._output is not None:
            self._output.drop()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for fd in self._terminals:
            os.dup2(nowhere, fd)
        os.close(nowhere)
        self._tell(signal.SIGHUP)

    # --- application mode; while it is suspended the terminal belongs to the shell, and there is no output

    def start_application_mode(self) -> None:
        assert self._file is not None
        if self._output is None:
            self._output = Output(self._file, self._lose, self._wrote)
        if self.painter is None:
            self._loop = asyncio.get_running_loop()
            colors = COLOR_SYSTEMS.get(self._app.console.color_system or "", ColorSystem.TRUECOLOR)
            self.painter = Painter(self.write, self._loop.call_later, colors)
        self.painter.forget()
        super().start_application_mode()  # type: ignore[no-untyped-call]

    def _wrote(self, size: int, seconds: float) -> None:
        """In the output's thread."""
        if self.painter is not None:
            self._in_loop(self.painter.wrote, size, seconds)

    def _in_loop(self, call: Callable[..., None], *arguments: object) -> None:
        with suppress(RuntimeError):  # The loop is closed: nothing is shown any more.
            self._loop.call_soon_threadsafe(call, *arguments)

    def write(self, data: str) -> None:
        output = self._output
        if output is not None:
            output.write(data)

    def disable_input(self) -> None:
        if self._output is None:
            return
        self._await_answers()
        os.write(self._wake_writer, b".")
        super().disable_input()
        with suppress(BlockingIOError):  # The thread may have ended before.
            os.read(self._wake_reader, CHUNK)

    def _await_answers(self) -> None:
        """Wait a moment for the answers under way, which would otherwise be typed into the shell."""
        until = time.monotonic() + ANSWER_SECONDS
        while self.painter is not None and self._unanswered and not self._told and time.monotonic() < until:
            time.sleep(BETWEEN_LOOKS)

    @property
    def _unanswered(self) -> int:
        """Questions of the painter that nothing was read to, in any thread."""
        return 0 if self.painter is None else self.painter.flow.unanswered - self._read_answers

    def stop_application_mode(self) -> None:
        if self._output is not None:
            super().stop_application_mode()

    def close(self) -> None:
        output, self._output = self._output, None
        if output is not None and not output.stop() and self._told:
            self._lose()
        super().close()

    def _sigcont_application(self, *_: object) -> None:
        """SIGCONT comes after ctrl+z, but also with a hang-up, and from whoever stopped the process without asking."""
        if self._told:
            return
        try:
            termios.tcgetattr(self.fileno)
        except termios.error:
            self._lose()
            return
        if self._auto_restart and self._key_thread is not None and self._key_thread.is_alive():
            # Two threads that read keys would take them from one another, and one of them would never end.
            self.suspend_application_mode()
        super()._sigcont_application()

    # --- input

    def run_input_thread(self) -> None:
        """As Textual does, but for the end of the file: a terminal has none while it is there."""
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")().decode
        answers = Answers()
        more = False
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            selector.register(self._wake_reader, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                ready = [key.fd for key, _ in selector.select(QUIET if more else None)]
                typed = b""
                if self._wake_reader in ready:
                    return
                if ready:
                    data = self._read()
                    if not data:
                        self._lose()
                        return
                    typed, count = answers.take(data, expected=self._unanswered > 0)
                    for _ in range(count):
                        self._answered()
                else:
                    typed = answers.release()
                if typed:
                    context(self._app).typed()
                text = decode(typed)
                for message in (*(parser.feed(text) if text else ()), *parser.tick()):
                    self.process_message(message)
                # What was held until now begins its own wait for what may follow it.
                more = bool(ready or typed)

    def _answered(self) -> None:
        if self.painter is not None:
            self._read_answers += 1
            self._in_loop(self._count_answer)

    def _count_answer(self) -> None:
        assert self.painter is not None
        self._read_answers -= 1
        self.painter.answered()

    def _read(self) -> bytes:
        """What was typed; nothing where the terminal is gone."""
        try:
            return os.read(self.fileno, CHUNK)
        except OSError:
            return b""
