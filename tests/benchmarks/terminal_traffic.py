"""The lab as its terminal sees it: bytes sent, processor time, and how long a key takes, on a real pseudo-terminal."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tests.benchmarks.measuring import Row
from tests.tui_lab.terminal import DOWN, ENTER, Terminal

SIZES = ((80, 24), (160, 48))
LESSON = "Deep Q-learning with good settings"
PLACE = 4
"""How many lessons come before it."""
BENCHES = {"1": "The two good sets", "2": "Good or lucky?"}
IDLE_SECONDS = 20.0
TRAINING_SECONDS = 12.0
OPENINGS = 5
KEYS = 60
BETWEEN_KEYS = (0.15, 0.45)
"""Seconds between two keys, drawn evenly: never in step with the screen's own beat."""
SLOW = 20_000.0
"""Bytes a second of the slow line."""
GIVE_UP = 8.0
TITLE_ROW = 1
"""The line of the screen on which the bench's title stands."""


@contextmanager
def lesson_open(size: tuple[int, int], **terminal: object) -> Iterator[Terminal]:
    """The lab with the lesson on good settings on the screen, in a home of its own."""
    with tempfile.TemporaryDirectory() as home:
        lab = Terminal(Path(home), size=size, **terminal)  # type: ignore[arg-type]
        try:
            lab.wait_for(lambda text: LESSON in text)
            lab.type(PLACE * DOWN + ENTER)
            lab.wait_for(lambda text: LESSON in text.split("\n")[0])
            lab.read_for(2.0)
            yield lab
        finally:
            lab.close()


def processor_seconds(pid: int) -> float:
    """Processor time that a process has used, by itself and in the kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle(size: tuple[int, int], key: str) -> tuple[float, float]:
    """Bytes a second and share of a core while nothing runs and nothing is typed; `key` chooses what is in view."""
    with lesson_open(size, answers=True) as lab:
        lab.type(key)
        lab.read_for(3.0)
        sent, used = len(lab.written), processor_seconds(lab.pid)
        lab.read_for(IDLE_SECONDS)
        return (len(lab.written) - sent) / IDLE_SECONDS, (processor_seconds(lab.pid) - used) / IDLE_SECONDS


def train(lab: Terminal) -> None:
    lab.type("1")
    lab.wait_for(lambda text: BENCHES["1"] in text)
    lab.read_for(0.5)
    lab.type("r")
    lab.wait_for(lambda text: "%  " in text and "mean return" in text)


def training(size: tuple[int, int], *options: str) -> float:
    """Bytes a second while good-2 trains with its bench in view."""
    with lesson_open(size, answers=True, options=options) as lab:
        train(lab)
        sent = len(lab.written)
        lab.read_for(TRAINING_SECONDS)
        return (len(lab.written) - sent) / TRAINING_SECONDS


def keys(size: tuple[int, int], answers: bool, bytes_a_second: float | None = None) -> list[float]:
    """Seconds from a key to the other bench's title while good-2 trains."""
    waits: list[float] = []
    rng = np.random.default_rng(0)
    with lesson_open(size, answers=answers, bytes_a_second=bytes_a_second) as lab:
        train(lab)
        # What stands for the terminal is far slower than one: it is to notice the title before it draws all the rest.
        lab.at_once = 256
        for number in range(KEYS):
            lab.read_for(float(rng.uniform(*BETWEEN_KEYS)))
            key = "21"[number % 2]
            began = time.monotonic()
            lab.type(key)
            while BENCHES[key] not in lab.row(TITLE_ROW) and time.monotonic() - began < GIVE_UP:
                lab.read(0.001)
            waits.append(time.monotonic() - began)
    return waits


def first_paint(size: tuple[int, int]) -> list[float]:
    """Seconds from the start of the command to the map on the screen, in a home that is there already."""
    times = []
    with tempfile.TemporaryDirectory() as home:
        for _ in range(OPENINGS + 1):
            began = time.monotonic()
            lab = Terminal(Path(home), size=size, answers=True)
            try:
                while LESSON not in lab.text:
                    lab.read(0.001)
                times.append(time.monotonic() - began)
                lab.type("q")
                lab.wait_for_exit()
            finally:
                lab.close()
    return times[1:]


def _milliseconds(waits: list[float]) -> str:
    middle, high = np.percentile(waits, (50, 95)) * 1000
    return f"{middle:.0f}, {high:.0f} ({1000 * max(waits):.0f}) ms"


def quiet() -> list[Row]:
    rows = []
    for size in SIZES:
        for what, key in (("text", ""), ("a bench", "1")):
            sent, share = idle(size, key)
            rows.append(Row(f"{_name(size)}, {what}, nothing runs: sent", f"{sent:.0f} B/s", "0"))
            rows.append(Row("  processor", f"{100 * share:.2f} % of a core", "0"))
    return rows


def thin() -> list[Row]:
    rows = []
    for size, goal in zip(SIZES, ("6 KB/s", "15 KB/s"), strict=True):
        rows.append(Row(f"{_name(size)}, good-2 trains in view: sent", f"{training(size) / 1000:.1f} KB/s", goal))
        low = training(size, "--low-bandwidth", "on")
        rows.append(Row("  with --low-bandwidth on", f"{low / 1000:.1f} KB/s", "2 KB/s"))
    return rows


def key_to_paint() -> list[Row]:
    rows = []
    for size, goal in zip(SIZES, ("40 (100) ms", "60 (150) ms"), strict=True):
        waits = keys(size, answers=True)
        rows.append(
            Row(f"{_name(size)}, key to paint while training: median, 95 % (worst)", _milliseconds(waits), goal)
        )
        for answers, kind in ((True, "answers"), (False, "does not answer")):
            waits = keys(size, answers, SLOW)
            rows.append(Row(f"  at 20 KB/s, a terminal that {kind}", _milliseconds(waits), "250 ms"))
    return rows


def opening() -> list[Row]:
    work = "first paint: median, 95 % (worst)"
    return [Row(f"{_name(size)}, {work}", _milliseconds(first_paint(size)), "500 ms") for size in SIZES]


def _name(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


ALL = (quiet, thin, key_to_paint, opening)
