"""The lab on a pseudo-terminal, by the bytes it sends: nothing when nothing happens, and never more than is taken."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("needs a pseudo-terminal", allow_module_level=True)

from tests.tui_lab.terminal import DOWN, ENTER, QUESTION, Terminal

BEATS = 1.2
"""Seconds in which a screen with a beat of its own would have drawn several times."""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def starter(**terminal: object) -> Terminal:
        opened.append(Terminal(tmp_path / "home", **terminal))  # type: ignore[arg-type]
        opened[-1].wait_for(lambda text: "? Help" in text)
        return opened[-1]

    yield starter
    for terminal in opened:
        terminal.close()


def until_quiet(terminal: Terminal) -> int:
    """Read until nothing more comes; returns how many bytes came in all."""
    before = -1
    while before != len(terminal.written):
        before = len(terminal.written)
        terminal.read_for(BEATS)
    return before


def test_a_lesson_in_which_nothing_runs_sends_nothing(start: Callable[..., Terminal]) -> None:
    terminal = start(answers=True)
    terminal.type(4 * DOWN + ENTER)
    terminal.wait_for(lambda text: "esc Map" in text)
    for key in ("", "1"):
        terminal.type(key)
        sent = until_quiet(terminal)
        terminal.read_for(BEATS)
        assert len(terminal.written) == sent


def test_a_terminal_that_never_answers_is_asked_once(start: Callable[..., Terminal]) -> None:
    terminal = start(answers=False)
    terminal.type(ENTER)
    terminal.wait_for(lambda text: "esc Map" in text)
    assert terminal.written.count(QUESTION) == 1


def test_answers_of_the_terminal_are_not_taken_for_keys(start: Callable[..., Terminal]) -> None:
    terminal = start(answers=True)
    terminal.type(ENTER)
    terminal.wait_for(lambda text: "esc Map" in text)
    asked = terminal.written.count(QUESTION)
    assert asked > 1
    terminal.type("q")
    assert terminal.wait_for_exit() == 0


def test_what_another_program_wrote_over_the_screen_is_painted_over_on_request(start: Callable[..., Terminal]) -> None:
    terminal = start(answers=True)
    until_quiet(terminal)
    before = terminal.text
    terminal.scribble("\x1b[2J\x1b[5;5Hsomething else")
    assert terminal.text != before
    terminal.type("\x0c")
    terminal.wait_for(lambda text: text == before)


def test_ctrl_z_gives_the_terminal_to_the_shell_and_fg_takes_it_back(start: Callable[..., Terminal]) -> None:
    terminal = start(answers=True)
    until_quiet(terminal)
    before = terminal.text
    terminal.type("\x1a")
    terminal.wait_until_stopped()
    assert terminal.cooked
    os.kill(terminal.pid, signal.SIGCONT)
    terminal.wait_for(lambda text: text == before)
    terminal.type("q")
    assert terminal.wait_for_exit() == 0


@pytest.mark.parametrize("answers", [False, True])
def test_an_escape_with_nothing_after_it_is_a_key(start: Callable[..., Terminal], answers: bool) -> None:
    terminal = start(answers=answers)
    terminal.type(ENTER)
    terminal.wait_for(lambda text: "esc Map" in text)
    terminal.type("\x1b")
    terminal.wait_for(lambda text: "Lessons" in text and "esc Map" not in text)
