"""The cart stands where its position says, its pole leans where its angle says, and the push is on the right side."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import fmean

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from tests.tui_lab.fakes import drawn_text
from tui_lab.glyphs import BLOCK, BRAILLE, Glyphs
from tui_lab.themes import DARK, LIGHT, css_color, series_color
from tui_lab.widgets.cart import Cart

WIDTH, HEIGHT = 60, 14
MIDDLE, GROUND, BODY = WIDTH // 2, HEIGHT - 2, HEIGHT - 3
METRE = (WIDTH - 4) / 4.8
"""Cells a metre: the track goes from -2.4 m to 2.4 m, two cells from the edges."""
HALF = round(METRE / 4)
"""Cells of the body on each side of its middle."""


class OneCart(App[None]):
    CSS = "Cart { height: 100%; min-height: 1; }"

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__()
        self.glyphs = glyphs
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name

    def compose(self) -> ComposeResult:
        yield Cart(self.glyphs)


class Stage:
    """One cart on an otherwise empty screen; with blocks for a pole, whose cells are easily counted."""

    def __init__(self, app: OneCart, pilot: Pilot[None]) -> None:
        self.app = app
        self._pilot = pilot

    async def show(self, position: float = 0.0, angle: float = 0.0, push: int = 0) -> list[str]:
        """The screen's rows with a cart at that position, its pole at that angle; the velocities do not matter."""
        self.app.query_one(Cart).show([position, 9.0, angle, -9.0], push)
        await self._pilot.pause()
        return [line.ljust(WIDTH) for line in drawn_text(self.app).split("\n")]

    def color(self, x: int, y: int) -> str:
        strip = self.app.query_one(Cart).render_line(y)
        (segment,) = strip.crop(x, x + 1)
        assert segment.style is not None
        assert segment.style.color is not None
        return segment.style.color.name


@asynccontextmanager
async def stage(size: tuple[int, int] = (WIDTH, HEIGHT), glyphs: Glyphs = BLOCK) -> AsyncIterator[Stage]:
    app = OneCart(glyphs)
    async with app.run_test(size=size) as pilot:
        yield Stage(app, pilot)


def cells(row: str) -> list[int]:
    """Columns of a row that are drawn in blocks: the body, or the pole."""
    return [x for x, char in enumerate(row) if char == BLOCK.bar]


def pole(rows: list[str]) -> list[tuple[int, int]]:
    """Cells above the body, from the top down."""
    return [(x, y) for y, row in enumerate(rows[:BODY]) for x in cells(row)]


async def test_the_track_is_labelled_from_end_to_end() -> None:
    async with stage() as scene:
        rows = await scene.show()
        assert rows[GROUND] == "  +" + "─" * (MIDDLE - 3) + "+" + "─" * (WIDTH - MIDDLE - 4) + "+  "
        assert rows[GROUND + 1].split() == ["-2.4", "m", "0", "2.4", "m"]
        assert rows[GROUND + 1][MIDDLE] == "0"
        assert rows[GROUND + 1].startswith("-2.4 m")
        assert rows[GROUND + 1].rstrip().endswith("2.4 m")


@pytest.mark.parametrize("position", [-2.0, -1.2, -0.3, 0.0, 0.3, 1.2, 2.0])
async def test_the_cart_stands_at_its_position(position: float) -> None:
    async with stage() as scene:
        body = cells((await scene.show(position))[BODY])
        middle = round(MIDDLE + position * METRE)
        assert body == list(range(middle - HALF, middle + HALF + 1))


async def test_an_upright_pole_stands_on_the_middle_of_the_cart() -> None:
    async with stage() as scene:
        upright = pole(await scene.show(1.2))
        middle = round(MIDDLE + 1.2 * METRE)
        assert {x for x, _ in upright} <= {middle - 1, middle, middle + 1}
        assert sorted({y for _, y in upright}) == list(range(upright[0][1], BODY))
        assert upright[0][1] <= 6


@pytest.mark.parametrize("angle", [0.1, 0.2, 0.5, 1.0, math.pi / 2])
async def test_a_pole_leans_to_the_side_of_its_angle(angle: float) -> None:
    async with stage() as scene:
        right, left = pole(await scene.show(0, angle)), pole(await scene.show(0, -angle))
        tip = MIDDLE + METRE * math.sin(angle)
        assert max(x for x, _ in right) == pytest.approx(tip, abs=2)
        assert min(x for x, _ in left) == pytest.approx(2 * MIDDLE - tip, abs=2)


async def test_the_picture_of_the_mirrored_state_is_the_mirrored_picture() -> None:
    async with stage() as scene:
        rows, mirrored = await scene.show(0.6, 0.4, 1), await scene.show(-0.6, -0.4, -1)
        assert cells(mirrored[BODY]) == sorted(2 * MIDDLE - x for x in cells(rows[BODY]))
        for row, other in zip(rows[:BODY], mirrored[:BODY], strict=True):
            assert bool(cells(row)) == bool(cells(other))
            assert not cells(row) or fmean(cells(row)) == pytest.approx(2 * MIDDLE - fmean(cells(other)), abs=1)
        assert rows[BODY].index(">") == 2 * MIDDLE - mirrored[BODY].index("<")


async def test_a_pole_that_lies_down_is_as_long_as_one_that_stands() -> None:
    async with stage((WIDTH, 30)) as scene:
        upright, lying = await scene.show(0, 0), await scene.show(0, math.pi / 2 - 0.05)
        high = sum(bool(cells(row)) for row in upright[:27])
        wide = max(x for row in lying[:27] for x in cells(row)) - MIDDLE
        # A cell is twice as high as it is wide.
        assert abs(2 * high - wide) <= 2


async def test_an_arrow_beside_the_cart_shows_the_push() -> None:
    async with stage() as scene:
        assert (await scene.show(0.0, 0.0, 1))[BODY].index(">") == MIDDLE + HALF + 2
        assert (await scene.show(0.0, 0.0, -1))[BODY].index("<") == MIDDLE - HALF - 2
        none = (await scene.show(0.0, 0.0, 0))[BODY]
        assert "<" not in none
        assert ">" not in none


@pytest.mark.parametrize("position", [2.4, 2.6, -2.4, -2.6, 50.0])
async def test_a_cart_that_leaves_the_track_is_cut_at_the_edge(position: float) -> None:
    async with stage() as scene:
        rows = await scene.show(position, 0.3, 1 if position > 0 else -1)
        body = cells(rows[BODY])
        assert all(len(row) == WIDTH for row in rows)
        if abs(position) < 3:
            assert body[-1 if position > 0 else 0] == (WIDTH - 1 if position > 0 else 0)
        else:
            assert body == []
        assert ">" not in rows[BODY]
        assert "<" not in rows[BODY]


@pytest.mark.parametrize("size", [(19, 14), (60, 4)])
async def test_without_room_nothing_is_drawn(size: tuple[int, int]) -> None:
    async with stage(size) as scene:
        assert "".join(await scene.show()).strip() == ""


async def test_in_braille_the_pole_is_two_dots_thick() -> None:
    async with stage(glyphs=BRAILLE) as scene:
        rows = await scene.show(0.0, 0.0)
        above = {char for row in rows[:BODY] for char in row if char != " "}
        assert above <= {chr(0x2800 + bits) for bits in range(1, 256)}
        full = rows[BODY - 2].strip()
        assert sum(bin(ord(char) - 0x2800).count("1") for char in full) == 2 * 4


async def test_body_pole_and_track_have_the_colours_of_the_theme() -> None:
    async with stage() as scene:
        for theme, dark in ((DARK.name, True), (LIGHT.name, False)):
            scene.app.theme = theme
            rows = await scene.show(0.0, 0.0, 1)
            assert scene.color(MIDDLE, BODY) == css_color(series_color(0, dark=dark))
            assert scene.color(rows[BODY].index(">"), BODY) == css_color(series_color(0, dark=dark))
            assert scene.color(pole(rows)[0][0], pole(rows)[0][1]) == css_color(series_color(1, dark=dark))
            assert scene.color(2, GROUND) == css_color(series_color(-1, dark=dark))
