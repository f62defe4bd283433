"""Writes to a terminal in a thread of its own, and never holds up the end of the process."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import TextIO

QUEUED_WRITES = 30
CHUNK = 4_096
POLL_SECONDS = 0.1
PATIENCE = 5.0
"""Seconds without progress after which a terminal that does not read is left with what is still to be written."""
IMPATIENCE = 0.5
"""The same once the lab was told to end."""


class Output:
    """Writes texts in order. What is written after the terminal is lost falls away.

    `write` waits while many texts are queued, until `hurry` or `drop`. Those two may be called by a signal's handler in
    the midst of a `write`: hence the simple queues, which bear that.
    """

    def __init__(
        self, file: TextIO, lose: Callable[[], None], wrote: Callable[[int, float], None] = lambda size, seconds: None
    ) -> None:
        """
        Args:
            file: names the terminal and its encoding. Its buffer is passed by: held by a thread that cannot go on, it
                would hold the interpreter's end too.
            lose: called in the thread when the terminal takes nothing any more.
            wrote: called in the thread once the terminal has taken all that was queued, with the bytes of the piece for
                which it took longest, and how many seconds that was.
        """
        self._fd = file.fileno()
        self._encoding = (file.encoding, file.errors or "strict")
        self._lose = lose
        self._wrote = wrote
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
                data = "".join(text for text in texts if text is not None).encode(*self._encoding)
                slowest = self._write(data)
                self._make_room(len(texts))
                self._wrote(*slowest)
        except OSError:
            self._lose()

    def _write(self, data: bytes) -> tuple[int, float]:
        """Write it all; returns the bytes and the seconds of the slowest piece, which has at most `CHUNK` bytes."""
        slowest = 0, 0.0
        while data and not self._dropped:
            began, piece = time.monotonic(), 0
            try:
                piece = os.write(self._fd, data[:CHUNK])
                data = data[piece:]
                self._chunks += 1
            except BlockingIOError:
                # Some program that shares the terminal has made it so.
                select.select([], [self._fd], [], POLL_SECONDS)
            slowest = max(slowest, (piece, time.monotonic() - began), key=lambda taken: taken[1])
        return slowest
