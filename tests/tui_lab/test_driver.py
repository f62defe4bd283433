"""The output thread of the lab's driver: what is read of it, and what it does when nobody reads."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator

import pytest

if sys.platform == "win32":
    pytest.skip("needs a driver for POSIX terminals", allow_module_level=True)

from tui_lab.terminal.output import QUEUED_WRITES, Output

MORE_THAN_A_PIPE_HOLDS = 1_000_000 * "x"


class Pipe:
    """Stands for a terminal."""

    def __init__(self) -> None:
        self.reader, writer = os.pipe()
        self.file = os.fdopen(writer, "w", encoding="utf-8")
        self.lost = threading.Event()
        self.output = Output(self.file, self.lost.set)

    def read(self) -> bytes:
        """All of it, once the output has stopped."""
        self.file.close()
        with os.fdopen(self.reader, "rb") as file:
            return file.read()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.file.close()


def test_all_texts_arrive_in_order(pipe: Pipe) -> None:
    texts = [f"{number} ä\n" for number in range(3 * QUEUED_WRITES)]
    for text in texts:
        pipe.output.write(text)
    assert pipe.output.stop()
    assert pipe.read().decode() == "".join(texts)
    assert not pipe.lost.is_set()


def test_without_a_reader_it_says_so_and_writing_returns(pipe: Pipe) -> None:
    os.close(pipe.reader)
    pipe.output.write("into nothing")
    assert pipe.lost.wait(10)
    pipe.output.drop()
    for _ in range(3 * QUEUED_WRITES):
        pipe.output.write("more")
    assert not pipe.output.stop()


def test_a_reader_that_does_not_read_holds_a_writer_until_it_is_to_hurry(pipe: Pipe) -> None:
    def write() -> None:
        for _ in range(3 * QUEUED_WRITES):
            pipe.output.write(MORE_THAN_A_PIPE_HOLDS)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    pipe.output.hurry()
    writer.join(10)
    assert not writer.is_alive()
    assert not pipe.output.stop()
    os.close(pipe.reader)
