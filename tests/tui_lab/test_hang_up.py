"""The terminal goes away, or reads no more: wherever the lab is, it keeps checkpoints and its process ends.

Some cases by default; HANG_UPS=all in the environment tries every way in every state.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("needs a pseudo-terminal", allow_module_level=True)

from engine.storage.store import Store
from tests.tui_lab.terminal import CTRL_P, DOWN, ENTER, Terminal

pytestmark = pytest.mark.slow

WITHIN = 5.0
"""Seconds: the lab takes three at most, and a machine that runs other tests besides takes its time."""
LEAVE_SCREEN = b"\x1b[?1049l"
Step = tuple[str, Callable[[str], bool]]


def lesson(place: int) -> Step:
    return place * DOWN + ENTER, lambda text: "esc Map" in text


DQN: list[Step] = [lesson(4), ("rb", lambda text: "mean return" in text)]
STATES: dict[str, list[Step]] = {
    "map": [],
    "text": [lesson(0)],
    "idle bench": [lesson(4), ("b", lambda text: "not trained yet" in text)],
    "training": DQN,
    "imitation": [lesson(2), ("bsa", lambda text: "epoch 1" in text)],
    "evaluation": [lesson(1), ("br", lambda text: "━" in text and "%" in text)],
    "quit dialog": [*DQN, ("q", lambda text: "Keep a checkpoint and quit" in text)],
    "help": [*DQN, ("?", lambda text: "closes this page" in text)],
    "palette": [*DQN, (CTRL_P, lambda text: "Search for commands" in text)],
    "watch": [lesson(0), ("b", lambda text: "return" in text and "state" in text)],
}
TRAINS = ("training", "imitation", "quit dialog", "help", "palette")


def close(terminal: Terminal) -> int:
    """As a closed window does; the kernel sends SIGHUP."""
    terminal.hang_up()
    return signal.SIGHUP


def stall(terminal: Terminal) -> int:
    """A terminal that reads no more, while the lab has much to draw; then a polite kill."""
    terminal.stop_reading()
    terminal.type(20 * "t")
    os.kill(terminal.pid, signal.SIGTERM)
    return signal.SIGTERM


WAYS = {"closed": close, "closed under nohup": close, "stalled": stall}
ALL = list(itertools.product(STATES, WAYS))
SOME = [
    ("map", "closed"),
    ("training", "closed"),
    ("training", "closed under nohup"),
    ("imitation", "stalled"),
    ("evaluation", "stalled"),
    ("quit dialog", "closed under nohup"),
]


@contextmanager
def lab(home: Path, ignored: Sequence[signal.Signals] = ()) -> Iterator[Terminal]:
    """The lab, with the map open."""
    terminal = Terminal(home, ignored)
    try:
        terminal.wait_for(lambda text: "Imitation: the models" in text and "Quit" in text)
        yield terminal
    finally:
        terminal.close()


@pytest.mark.parametrize(("state", "way"), ALL if os.environ.get("HANG_UPS") == "all" else SOME)
def test_a_lost_terminal_ends_the_lab_with_checkpoints(state: str, way: str, tmp_path: Path) -> None:
    with lab(tmp_path / "home", [signal.SIGHUP] if "nohup" in way else []) as terminal:
        for keys, reached in STATES[state]:
            terminal.type(keys)
            terminal.wait_for(reached)
        number = WAYS[way](terminal)
        assert terminal.wait_for_exit(WITHIN) == 128 + number

    store = Store(tmp_path / "home")
    records = store.runs()
    assert bool(records) == (state in TRAINS)
    for record in records:
        assert record.status == "stopped"
        assert (store.run_folder(record.id) / "checkpoint").is_dir()
    store.close()


def test_a_polite_kill_gives_the_terminal_back(tmp_path: Path) -> None:
    with lab(tmp_path / "home") as terminal:
        assert not terminal.cooked
        os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.wait_for_exit(WITHIN) == 128 + signal.SIGTERM
        assert LEAVE_SCREEN in terminal.written
        assert terminal.cooked


@pytest.mark.parametrize("stop", [signal.SIGTSTP, signal.SIGSTOP], ids=lambda stop: stop.name)
def test_the_lab_comes_back_after_a_stop_and_still_ends(stop: signal.Signals, tmp_path: Path) -> None:
    with lab(tmp_path / "home") as terminal:
        os.kill(terminal.pid, stop)
        terminal.wait_until_stopped()
        if stop == signal.SIGTSTP:
            assert terminal.cooked
            assert LEAVE_SCREEN in terminal.written
        os.kill(terminal.pid, signal.SIGCONT)
        terminal.type("?")
        terminal.wait_for(lambda text: "closes this page" in text)
        assert not terminal.cooked
        terminal.type("\x11")
        assert terminal.wait_for_exit(WITHIN) == 0
        assert terminal.cooked
