"""The real command in a real pseudo-terminal: it opens, trains, asks before quitting, and keeps what was learned."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("needs a pseudo-terminal", allow_module_level=True)

from engine.storage.store import Store
from tests.tui_lab.terminal import DOWN, ENTER, Terminal


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path / "home")
    yield terminal
    terminal.close()


def test_a_newcomer_trains_reads_on_quits_and_finds_the_run_again(terminal: Terminal, tmp_path: Path) -> None:
    terminal.wait_for(lambda text: "Imitation: the models" in text and "Quit" in text)
    terminal.type(4 * DOWN + ENTER)
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
    terminal.type(4 * DOWN + ENTER)
    terminal.wait_for(lambda text: "esc Map" in text)
    terminal.type("rb")
    terminal.wait_for(lambda text: "mean return" in text)
    os.kill(terminal.pid, signal.SIGHUP)
    assert terminal.wait_for_exit() == 128 + signal.SIGHUP

    store = Store(tmp_path / "home")
    (record,) = store.runs()
    assert record.status == "stopped"
    assert record.counters["episodes"] > 0
    store.close()
