"""Textual's driver for Linux and macOS, made to outlive its terminal: it tells the app, and waits for nothing more."""

from __future__ import annotations

import os
import select
import selectors
import signal
import sys
import termios
import threading
import time
from codecs import getincrementaldecoder
from collections.abc import Callable
from queue import SimpleQueue
from types import FrameType
from typing import Any, TextIO

from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

from tui_lab.context import context

assert sys.platform != "win32"

QUEUED_WRITES = 30
CHUNK = 4_096
POLL_SECONDS = 0.1
PATIENCE = 5.0
"""Seconds without progress after which a terminal that does not read is left with what is still to be written."""
IMPATIENCE = 0.5
"""The same once the lab was told to end."""


class Output:
    """Writes to a terminal in a thread of its own. What is written after the terminal is lost falls away.

    `write` waits while many texts are queued, until `hurry` or `drop`. Those two may be called by a signal's handler in
    the midst of a `write`: hence the simple queues, which bear that.
    """

    def __init__(self, file: TextIO, lose: Callable[[], None]) -> None:
        """
        Args:
            file: names the terminal and its encoding. Its buffer is passed by: held by a thread that cannot go on, it
                would hold the interpreter's end too.
            lose: called in the thread when the terminal takes nothing any more.
        """
        self._fd = file.fileno()
        self._encoding = (file.encoding, file.errors or "strict")
        self._lose = lose
        self._texts: SimpleQueue[str | None] = SimpleQueue()
        self._room: SimpleQueue[None] = SimpleQueue()
        self._make_room(QUEUED_WRITES)
        self._hurried = False
        self._dropped = False
        self._chunks = 0
        self._thread = threading.Thread(target=self._run, name="terminal output", daemon=True)
        self._thread.start()

    def write(self, text: str) -> None:
        """Queue a text."""
        if not self._hurried:
            self._room.get()
        if not self._dropped:
            self._texts.put(text)

    def hurry(self) -> None:
        """From now on nobody waits for the terminal."""
        self._hurried = True
        self._make_room(QUEUED_WRITES)

    def drop(self) -> None:
        """From now on nothing is written."""
        self._dropped = True
        self.hurry()

    def stop(self) -> bool:
        """Write what is queued and end the thread; returns whether the terminal took it all."""
        self._texts.put(None)
        chunks, since = self._chunks, time.monotonic()
        while self._thread.is_alive() and not self._dropped:
            self._thread.join(POLL_SECONDS)
            if self._chunks != chunks:
                chunks, since = self._chunks, time.monotonic()
            elif time.monotonic() - since > (IMPATIENCE if self._hurried else PATIENCE):
                self.drop()
        return not self._dropped

    def _make_room(self, texts: int) -> None:
        for _ in range(texts):
            self._room.put(None)

    def _run(self) -> None:
        texts: list[str | None] = []
        try:
            while None not in texts:
                texts = [self._texts.get()]
                while not self._texts.empty():
                    texts.append(self._texts.get())
                self._write("".join(text for text in texts if text is not None).encode(*self._encoding))
                self._make_room(len(texts))
        except OSError:
            self._lose()

    def _write(self, data: bytes) -> None:
        while data and not self._dropped:
            try:
                data = data[os.write(self._fd, data[:CHUNK]) :]
                self._chunks += 1
            except BlockingIOError:
                # Some program that shares the terminal has made it so.
                select.select([], [self._fd], [], POLL_SECONDS)


class LabDriver(LinuxDriver):
    """Calls the app's `hung_up` once the terminal is gone or SIGHUP or SIGTERM comes, and from then on never waits."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._output: Output | None = None
        self._told = False
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
            self._output = Output(self._file, self._lose)
        super().start_application_mode()  # type: ignore[no-untyped-call]

    def write(self, data: str) -> None:
        output = self._output
        if output is not None:
            output.write(data)

    def disable_input(self) -> None:
        if self._output is not None:
            super().disable_input()

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
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                text = ""
                if selector.select(POLL_SECONDS):
                    data = self._read()
                    if not data:
                        self._lose()
                        return
                    text = decode(data)
                for message in (*(parser.feed(text) if text else ()), *parser.tick()):
                    self.process_message(message)

    def _read(self) -> bytes:
        """What was typed; nothing where the terminal is gone."""
        try:
            return os.read(self.fileno, CHUNK)
        except OSError:
            return b""
