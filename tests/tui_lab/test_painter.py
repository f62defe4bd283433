"""What reaches the line of what screens want to show: the newest picture, when there is room for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rich.color import ColorSystem
from rich.segment import Segment
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from tui_lab.terminal.flow import QUESTION, STALLED, Flow
from tui_lab.terminal.painter import Painter

SIZE = (10, 3)


class Line:
    """Holds what was written until the test takes it, and a clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.texts: list[str] = []
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.painter = Painter(
            self.texts.append,
            lambda seconds, call: self.timers.append((self.now + seconds, call)),
            ColorSystem.TRUECOLOR,
            Flow(lambda: self.now),
        )

    def take(self) -> str:
        """The line takes what was written, and this is it."""
        taken = "".join(self.texts)
        self.texts.clear()
        self.painter.wrote(len(taken), 0.0)
        return taken

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        due, self.timers = [t for t in self.timers if t[0] <= self.now], [t for t in self.timers if t[0] > self.now]
        for _, call in due:
            call()


@pytest.fixture
def line() -> Line:
    return Line()


def rows(*texts: str) -> LayoutUpdate:
    """A whole screen."""
    return LayoutUpdate([[Strip([Segment(text.ljust(SIZE[0]))])] for text in texts], Region(0, 0, SIZE[0], len(texts)))


def piece(text: str, x: int, y: int) -> ChopsUpdate:
    """A part of a row."""
    end = x + len(text)
    chops: list[dict[int, Strip | None]] = [{0: None, x: None} for _ in range(SIZE[1])]
    chops[y] = {0: None, x: Strip([Segment(text)]), end: None}
    return ChopsUpdate(chops, [(y, x, end)], [[x, end, SIZE[0]]] * SIZE[1])


def test_a_screen_is_sent_and_then_only_what_differs(line: Line) -> None:
    line.painter.show(rows("one", "two", "three"), SIZE)
    assert "one" in line.take()
    line.painter.show(rows("one", "2wo", "three"), SIZE)
    assert line.take() == "\x1b[2;1H2"
    line.painter.show(rows("one", "2wo", "three"), SIZE)
    assert line.take() == ""


def test_a_piece_of_a_row_goes_where_it_belongs(line: Line) -> None:
    line.painter.show(rows("one", "two", "three"), SIZE)
    line.take()
    line.painter.show(piece("X", 1, 2), SIZE)
    assert line.take() == "\x1b[3;2HX"


def test_while_the_line_is_busy_pictures_are_left_out_but_not_the_last(line: Line) -> None:
    line.painter.show(rows("first", "", ""), SIZE)
    for picture in ("second", "third", "last"):
        line.painter.show(rows(picture, "", ""), SIZE)
    assert line.painter.behind
    assert "first" in line.take()
    assert "last" in line.texts[0]
    assert "second" not in line.texts[0]
    line.take()
    assert not line.painter.behind


def test_a_frame_waits_for_the_terminals_answer_and_comes_without_one_in_the_end(line: Line) -> None:
    line.painter.show(rows("first", "", ""), SIZE)
    line.take()
    line.painter.answered()
    line.painter.flow.sent(1_000_000)
    line.painter.show(rows("second", "", ""), SIZE)
    assert line.take() == ""
    line.pass_time(STALLED)
    assert "second" in line.take()


def test_an_answer_lets_the_next_frame_go(line: Line) -> None:
    line.painter.show(rows("first", "", ""), SIZE)
    line.take()
    line.painter.answered()
    line.painter.flow.sent(1_000_000)
    line.painter.show(rows("second", "", ""), SIZE)
    line.painter.answered()
    assert "second" in line.take()


def test_only_where_the_terminal_answers_every_frame_asks(line: Line) -> None:
    line.painter.show(rows("first", "", ""), SIZE)
    assert line.take().endswith(QUESTION)
    line.painter.show(rows("second", "", ""), SIZE)
    assert QUESTION not in line.take()
    line.painter.answered()
    line.painter.show(rows("third", "", ""), SIZE)
    assert line.take().endswith(QUESTION)


def test_after_forgetting_the_whole_screen_is_sent(line: Line) -> None:
    line.painter.show(rows("one", "two", "three"), SIZE)
    whole = line.take()
    line.painter.forget()
    line.painter.show(piece("one", 0, 0), SIZE)
    assert line.take() == whole.removesuffix(QUESTION)


def test_another_size_begins_anew(line: Line) -> None:
    line.painter.show(rows("one", "two", "three"), SIZE)
    line.take()
    line.painter.show(rows("one", "two"), (SIZE[0], 2))
    assert "one" in line.take()


def test_a_large_frame_is_marked_as_one_where_the_terminal_knows_that(line: Line) -> None:
    line.painter.synchronised = True
    big = [[Strip([Segment("x" * 400)])]]
    line.painter.show(LayoutUpdate(big, Region(0, 0, 400, 1)), (400, 1))
    taken = line.take()
    assert taken.startswith("\x1b[?2026h")
    assert taken.removesuffix(QUESTION).endswith("\x1b[?2026l")


def test_the_terminals_cursor_is_put_where_an_input_wants_it(line: Line) -> None:
    line.painter.show(rows("one", "two", "three"), SIZE, cursor=(4, 1))
    assert "\x1b[2;5H" in line.take()
