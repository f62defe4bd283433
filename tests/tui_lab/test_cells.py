"""What is sent for a change, looked at through a terminal: the difference must lead to what a whole painting shows."""

from __future__ import annotations

import numpy as np
import pyte
import pytest
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style

from tui_lab.terminal.cells import Cells

WIDTH, HEIGHT = 24, 6
ALL = 1_000_000
TEXTS = ("a", "bc", "déf", " ", "    ", "漢", "x漢字y", "⣿⠁", "━━━", "é́", "•")
STYLES = (
    Style(),
    Style(color="#ff0000"),
    Style(bgcolor="#00ff00"),
    Style(color="#0000ff", bgcolor="#101010", bold=True),
    Style(underline=True),
    Style(reverse=True, color="#123456"),
    Style(bgcolor="#00ff00", strike=True, italic=True),
)


def new() -> Cells:
    cells = Cells(ColorSystem.TRUECOLOR)
    cells.resize(WIDTH, HEIGHT)
    return cells


def paint(cells: Cells, *segments: tuple[str, Style | None], x: int = 0, y: int = 0) -> None:
    cells.put(x, y, [Segment(text, style) for text, style in segments])


class Screen:
    """A terminal that is told the differences."""

    def __init__(self) -> None:
        self._screen = pyte.Screen(WIDTH, HEIGHT)
        self._stream = pyte.Stream(self._screen)
        self.take("\x1b[?7l")  # No wrapping at the end of a line, as the lab asks of every terminal.

    def take(self, text: str) -> None:
        self._stream.feed(text)

    def looks(self) -> list[list[tuple[object, ...]]]:
        """Every cell as an eye would tell it from others: the colour of a blank is not seen."""
        rows = []
        for y in range(HEIGHT):
            row = []
            for x in range(WIDTH):
                cell = self._screen.buffer[y][x]
                seen = cell.underscore, cell.strikethrough, cell.reverse
                front = (cell.fg, cell.bold, cell.italics) if cell.data.strip() or any(seen) else ()
                row.append((cell.data, cell.bg, *seen, *front))
            rows.append(row)
        return rows


def draws(rng: np.random.Generator) -> list[tuple[str, Style | None]]:
    """A whole row, in pieces."""
    pieces: list[tuple[str, Style | None]] = []
    length = 0
    while length < WIDTH:
        text, style = TEXTS[rng.integers(len(TEXTS))], STYLES[rng.integers(len(STYLES))]
        width = Segment(text).cell_length
        if length + width > WIDTH:
            text, width = " " * (WIDTH - length), WIDTH - length
        pieces.append((text, style))
        length += width
    return pieces


@pytest.mark.parametrize("seed", range(40))
def test_the_differences_lead_to_what_a_whole_painting_shows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cells, followed = new(), Screen()
    rows = [draws(rng) for _ in range(HEIGHT)]
    for y, row in enumerate(rows):
        paint(cells, *row, y=y)
    followed.take(cells.difference(ALL))
    for _ in range(4):
        for y in rng.choice(HEIGHT, 3, replace=False):
            old, new_row = rows[y], draws(rng)
            # Often a part of a row alone changes.
            rows[y] = new_row if rng.random() < 0.5 else [*old[:-1], (old[-1][0], STYLES[rng.integers(len(STYLES))])]
            paint(cells, *rows[y], y=int(y))
        followed.take(cells.difference(ALL))
        whole = new()
        for y, row in enumerate(rows):
            paint(whole, *row, y=y)
        painted = Screen()
        painted.take(whole.difference(ALL))
        assert followed.looks() == painted.looks()


def test_what_is_the_same_is_not_sent() -> None:
    cells = new()
    paint(cells, ("unchanged", STYLES[1]))
    assert "unchanged" in cells.difference(ALL)
    paint(cells, ("unchanged", STYLES[1]))
    assert cells.difference(ALL) == ""
    assert not cells.pending


def test_one_changed_cell_takes_few_bytes_whatever_its_row_holds() -> None:
    cells = new()
    paint(cells, ("0123456789" * 2, STYLES[3]))
    cells.difference(ALL)
    paint(cells, ("01234567X9" + "0123456789", STYLES[3]))
    sent = cells.difference(ALL)
    assert "X" in sent
    assert len(sent) < 60


def test_the_colour_of_a_blank_is_not_sent() -> None:
    cells = new()
    paint(cells, ("   ", Style(color="#ff0000", bgcolor="#111111")))
    cells.difference(ALL)
    paint(cells, ("   ", Style(color="#00ff00", bgcolor="#111111", bold=True)))
    assert cells.difference(ALL) == ""


def test_an_underlined_blank_is_sent() -> None:
    cells = new()
    paint(cells, ("   ", Style()))
    cells.difference(ALL)
    paint(cells, ("   ", Style(underline=True)))
    assert "\x1b[0;4m" in cells.difference(ALL)


def test_what_there_is_no_room_for_comes_next_and_is_the_newest_then() -> None:
    cells, screen = new(), Screen()
    for y in range(HEIGHT):
        paint(cells, ("old", None), y=y)
    screen.take(cells.difference(1))
    assert cells.pending
    paint(cells, ("new", None), y=HEIGHT - 1)
    rest = cells.difference(ALL)
    assert rest.count("old") == HEIGHT - 2
    screen.take(rest)
    assert [row[0][0] for row in screen.looks()] == ["o"] * (HEIGHT - 1) + ["n"]


def test_after_forgetting_everything_is_sent_again_but_nothing_that_was_never_wanted() -> None:
    cells = new()
    paint(cells, ("here", None), x=3, y=2)
    first = cells.difference(ALL)
    cells.forget()
    assert cells.difference(ALL) == first
    assert first == "\x1b[3;4Hhere"


@pytest.mark.parametrize("text", ["a\x1b[2Jb", "a\x07b", "a\x9bb", "a\nb"])
def test_control_characters_never_reach_the_terminal(text: str) -> None:
    cells = new()
    paint(cells, (text, None))
    sent = cells.difference(ALL)
    assert sent == "\x1b[1;1Ha?b" if len(text) == 3 else sent == "\x1b[1;1Ha?[2Jb"


def test_what_reaches_beyond_the_grid_is_cut_off() -> None:
    cells = new()
    paint(cells, ("x" * (WIDTH + 5), None))
    paint(cells, ("below", None), y=HEIGHT)
    assert cells.difference(ALL) == "\x1b[1;1H" + "x" * WIDTH


def test_colours_follow_what_the_terminal_knows() -> None:
    cells = Cells(ColorSystem.EIGHT_BIT)
    cells.resize(4, 1)
    paint(cells, ("a", Style(color="#ff0000")))
    assert cells.difference(ALL) == "\x1b[1;1H\x1b[38;5;196ma\x1b[0m"


@pytest.mark.parametrize("x", [4, 5])
def test_half_of_a_wide_character_that_is_written_over_shifts_nothing(x: int) -> None:
    cells = new()
    paint(cells, ("abcd漢xyz", None))
    paint(cells, ("|", None), x=x)
    cells.forget()
    screen = pyte.Screen(WIDTH, HEIGHT)
    pyte.Stream(screen).feed(cells.difference(ALL))
    assert screen.display[0].rstrip() == ("abcd| xyz" if x == 4 else "abcd |xyz")
