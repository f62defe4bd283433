"""The cart is drawn to scale at any size, where its position says, its pole where its angle says; little is redrawn."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot

from tests.tui_lab.fakes import drawn_text
from tui_lab.cart_picture import BODY, CELL_ASPECT, MARK, NOTHING, POLE, Row, draw_cart, scale_of
from tui_lab.glyphs import ASCII, BLOCK, BRAILLE, Glyphs
from tui_lab.themes import DARK, LIGHT, css_color, series_color
from tui_lab.widgets.cart import Cart

SIZES = [(20, 5), (39, 9), (60, 8), (78, 10), (78, 20), (160, 12), (120, 44)]
WIDTH, HEIGHT = 60, 14
EVERY = [BRAILLE, BLOCK, ASCII]
DEGREE = math.pi / 180


def picture(
    position: float = 0.0,
    angle: float = 0.0,
    push: int = 0,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    glyphs: Glyphs = BRAILLE,
) -> list[Row]:
    return draw_cart(*size, position, angle, push, glyphs)


def text(rows: list[Row]) -> list[str]:
    return ["".join(char for char, _ in row) for row in rows]


def places(rows: list[Row], what: int) -> list[tuple[int, int]]:
    """Columns and rows of the cells that show something."""
    return [(x, y) for y, row in enumerate(rows) for x, (_, shown) in enumerate(row) if shown == what]


def body(rows: list[Row]) -> list[tuple[int, int]]:
    return [(x, y) for x, y in places(rows, BODY) if rows[y][x][0] not in "<>"]


def body_cells(rows: list[Row]) -> float:
    """How many cells wide the cart is; half blocks at its sides count half."""
    row = [(x, rows[y][x][0]) for x, y in body(rows) if y == max(y for _, y in body(rows))]
    return sum(0.5 if char in "▌▐" else 1.0 for _, char in row)


def metres(cells: float, size: tuple[int, int] = (WIDTH, HEIGHT)) -> float:
    """The length in metres of so many cells beside one another."""
    return cells / scale_of(*size).metre


def dot_columns(rows: list[Row]) -> dict[int, list[float]]:
    """For each row of dots of the pole in braille, from the top, the columns of its dots, in cells."""
    found: dict[int, list[float]] = {}
    bits = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
    for x, y in places(rows, POLE):
        for dx in (0, 1):
            for dy in range(4):
                if ord(rows[y][x][0]) - 0x2800 & bits[dx][dy]:
                    found.setdefault(4 * y + dy, []).append(x + dx / 2 + 0.25)
    return found


# --- proportions


@pytest.mark.parametrize("size", SIZES)
def test_the_whole_track_and_the_upright_pole_fit_at_every_size(size: tuple[int, int]) -> None:
    for position in (-2.4, 0.0, 2.4):
        rows = picture(position, size=size)
        assert len(rows) == size[1]
        assert all(len(row) == size[0] for row in rows)
        assert metres(body_cells(rows), size) == pytest.approx(0.5, abs=metres(0.51, size))
        if size != (20, 5):
            assert places(rows, POLE)


@pytest.mark.parametrize("size", [size for size in SIZES if size[0] >= 39])
@pytest.mark.parametrize("glyphs", EVERY, ids=lambda glyphs: glyphs.name)
def test_cart_and_pole_have_their_sizes_to_scale(size: tuple[int, int], glyphs: Glyphs) -> None:
    rows = picture(size=size, glyphs=glyphs)
    cell = metres(1, size)
    cart, pole = body(rows), places(rows, POLE)
    assert body_cells(rows) * cell == pytest.approx(0.5, abs=(1.01 if glyphs is ASCII else 0.51) * cell)
    high = max(y for _, y in cart) - min(y for _, y in cart) + 1
    assert high * cell * CELL_ASPECT == pytest.approx(0.3, abs=1.01 * cell * CELL_ASPECT)
    whole = max(y for _, y in cart) - min(y for _, y in pole) + 1
    assert whole * cell * CELL_ASPECT == pytest.approx(1.3, abs=1.01 * cell * CELL_ASPECT)
    marks = [x for x, y in places(rows, MARK) if y == scale_of(*size).ground]
    assert (max(marks) - min(marks)) * cell == pytest.approx(4.8, abs=1.01 * cell)


def test_a_larger_picture_shows_the_same_thing_larger() -> None:
    small, large = scale_of(39, 20), scale_of(78, 40)
    assert large.metre == pytest.approx(2 * small.metre, rel=0.05)
    assert scale_of(78, 10).metre < scale_of(78, 20).metre, "height counts too"


@pytest.mark.parametrize("angle", [0, 10, 20, 45, 70, -30])
def test_a_leaning_pole_is_as_long_as_an_upright_one(angle: float) -> None:
    rows = picture(0.0, angle * DEGREE, size=(100, 30))
    dots = [(x, y / 4) for y, columns in dot_columns(rows).items() for x in columns]
    scale = scale_of(100, 30)
    base = (scale.x(0), scale.y(0.3))
    longest = max(math.hypot(x - base[0], CELL_ASPECT * (y + 0.125 - base[1])) for x, y in dots)
    assert longest / scale.metre == pytest.approx(1.0, abs=0.06)


def test_in_braille_the_pole_is_two_dots_thick_where_it_is_small_and_to_scale_where_it_is_large() -> None:
    for size, dots in (((60, 9), 2), ((150, 44), round(0.08 * 2 * scale_of(150, 44).metre))):
        rows = dot_columns(picture(size=size))
        thick = [len(columns) for columns in list(rows.values())[2:-4]]
        assert all(abs(count - dots) <= 1 for count in thick)
    assert dots > 3


# --- places


@pytest.mark.parametrize("position", [-2.4, -1.2, -0.3, 0.0, 0.3, 1.2, 2.4])
@pytest.mark.parametrize("glyphs", EVERY, ids=lambda glyphs: glyphs.name)
def test_the_cart_stands_at_its_position(position: float, glyphs: Glyphs) -> None:
    columns = [x for x, _ in body(picture(position, glyphs=glyphs))]
    middle = (min(columns) + max(columns) + 1) / 2
    assert middle == pytest.approx(scale_of(WIDTH, HEIGHT).x(position), abs=0.76)


def test_the_cart_moves_by_half_cells() -> None:
    cell = metres(1)
    drawn = [text(picture(step * cell / 2)) for step in range(4)]
    assert all(before != after for before, after in pairwise(drawn))


@pytest.mark.parametrize("angle", [5, 12, 40, 80])
@pytest.mark.parametrize("glyphs", EVERY, ids=lambda glyphs: glyphs.name)
def test_a_pole_leans_to_the_side_of_its_angle(angle: float, glyphs: Glyphs) -> None:
    scale = scale_of(WIDTH, HEIGHT)
    for side in (-1, 1):
        pole = places(picture(0, side * angle * DEGREE, glyphs=glyphs), POLE)
        tip = min(pole, key=lambda place: (place[1], -side * place[0]))
        assert tip[0] + 0.5 == pytest.approx(scale.x(side * math.sin(angle * DEGREE)), abs=1.1)
        assert tip[1] + 0.5 == pytest.approx(scale.y(0.3 + math.cos(angle * DEGREE)), abs=1.1)


@pytest.mark.parametrize("glyphs", EVERY, ids=lambda glyphs: glyphs.name)
def test_the_lean_that_ends_an_episode_is_marked_on_both_sides_where_the_pole_would_be(glyphs: Glyphs) -> None:
    size = (120, 44)
    rows, scale = picture(0.5, size=size, glyphs=glyphs), scale_of(120, 44)
    above = [(x, y) for x, y in places(rows, MARK) if y < scale.y(0.3) - 1]
    for side in (-1, 1):
        ends = [place for place in above if (place[0] - scale.x(0.5)) * side > 0]
        highest = min(ends, key=lambda place: place[1])
        lean = math.atan2(highest[0] + 0.5 - scale.x(0.5), CELL_ASPECT * (scale.y(0.3) - highest[1] - 0.5))
        assert lean / DEGREE == pytest.approx(side * 12, abs=2)
    assert places(picture(0.5, 12 * DEGREE, size=size, glyphs=glyphs), POLE)[0][1] == min(y for _, y in above)


def test_the_ends_of_the_track_are_marked_and_labelled() -> None:
    rows, scale = text(picture(0.5)), scale_of(WIDTH, HEIGHT)
    left, right = (math.floor(scale.x(end)) for end in (-2.4, 2.4))
    assert (rows[scale.ground][left], rows[scale.ground][right]) == ("+", "+")
    assert rows[scale.ground][:left].strip() == rows[scale.ground][right + 1 :].strip() == ""
    assert (rows[scale.ground - 1][left], rows[scale.ground - 1][right]) == ("┊", "┊")
    assert rows[scale.ground + 1].split() == ["-2.4", "m", "0", "2.4", "m"]
    assert not scale_of(WIDTH, 6).labelled, "a low picture has no room for the metres"


def test_an_arrow_beside_the_cart_shows_the_push() -> None:
    ground = scale_of(WIDTH, HEIGHT).ground
    columns = [x for x, _ in body(picture())]
    right, left, none = (text(picture(push=push))[ground - 1] for push in (1, -1, 0))
    assert right.index(">") == max(columns) + 2
    assert left.index("<") == min(columns) - 2
    assert not {"<", ">"} & {*none}


@pytest.mark.parametrize("position", [2.6, -2.6, 50.0])
@pytest.mark.parametrize("glyphs", EVERY, ids=lambda glyphs: glyphs.name)
def test_a_cart_that_leaves_the_picture_is_cut_at_its_edge(position: float, glyphs: Glyphs) -> None:
    rows = picture(position, 0.3, 1, glyphs=glyphs)
    assert all(len(row) == WIDTH for row in rows)
    columns = {x for x, _ in body(rows)}
    assert (WIDTH - 1 if position > 0 else 0) in columns or position == 50.0
    assert not columns or position != 50.0


@pytest.mark.parametrize("size", [(19, 14), (60, 3), (0, 0)])
def test_without_room_nothing_is_drawn(size: tuple[int, int]) -> None:
    assert "".join(text(picture(size=size))).strip() == ""


def test_plain_characters_lean_with_the_pole() -> None:
    drawn = {
        angle: {char for row in picture(0, angle * DEGREE, glyphs=ASCII) for char, what in row if what == POLE}
        for angle in (0, 40, -40, 80)
    }
    assert drawn == {0: {"|"}, 40: {"/"}, -40: {"\\"}, 80: {"-"}}


@pytest.mark.parametrize("angle", [0, 30])
def test_ascii_is_drawn_in_ascii(angle: float) -> None:
    assert "".join(text(picture(0.4, angle * DEGREE, 1, glyphs=ASCII))).isascii()


# --- the widget


class OneCart(App[None]):
    CSS = "Cart { height: 100%; min-height: 1; }"

    def __init__(self) -> None:
        super().__init__()
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name

    def compose(self) -> ComposeResult:
        yield Cart(BRAILLE)

    @property
    def cart(self) -> Cart:
        return self.query_one(Cart)


@asynccontextmanager
async def stage() -> AsyncIterator[tuple[OneCart, Pilot[None]]]:
    app = OneCart()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        yield app, pilot


def on_screen(app: OneCart) -> list[str]:
    return [line.ljust(WIDTH) for line in drawn_text(app).split("\n")]


async def test_the_widget_shows_the_picture_of_its_state() -> None:
    async with stage() as (app, pilot):
        for state in ([0.4, 9.0, 0.1, -9.0], [-1.0, 0.0, -0.2, 0.0]):
            app.cart.show(state, 1)
            await pilot.pause()
            assert on_screen(app) == text(picture(state[0], state[2], 1))


async def test_only_cells_that_changed_are_drawn_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage() as (app, pilot):
        app.cart.show([0.0, 0, 0.0, 0])
        await pilot.pause()
        asked: list[tuple[Region, ...]] = []
        refresh = app.cart.refresh
        monkeypatch.setattr(app.cart, "refresh", lambda *regions: (asked.append(regions), refresh(*regions)))
        app.cart.show([0.0, 1, 0.0, 2])
        assert asked == [], "the same picture is not drawn again"
        app.cart.show([0.0, 0, 4 * DEGREE, 0])
        await pilot.pause()
        (regions,) = asked
        assert on_screen(app) == text(picture(0.0, 4 * DEGREE))
        assert regions
        assert all(region.height == 1 for region in regions)
        before, after = picture(), picture(0.0, 4 * DEGREE)
        differ = sum(
            old != new for row, other in zip(before, after, strict=True) for old, new in zip(row, other, strict=True)
        )
        assert differ <= sum(region.area for region in regions) < WIDTH * HEIGHT / 10


async def test_another_size_draws_everything_at_the_new_scale() -> None:
    async with stage() as (app, pilot):
        app.cart.show([0.4, 0, 0.1, 0])
        await pilot.resize_terminal(100, 30)
        await pilot.pause()
        assert [line.ljust(100) for line in drawn_text(app).split("\n")] == text(picture(0.4, 0.1, size=(100, 30)))


async def test_body_pole_and_track_have_the_colours_of_the_theme() -> None:
    async with stage() as (app, pilot):
        app.cart.show([0.0, 0, 0.0, 0], 1)
        rows = picture(push=1)
        for theme, dark in ((DARK.name, True), (LIGHT.name, False)):
            app.theme = theme
            await pilot.pause()
            for what, series in ((BODY, 0), (POLE, 1), (MARK, -1)):
                x, y = places(rows, what)[0]
                (segment,) = app.cart.render_line(y).crop(x, x + 1)
                assert segment.style is not None
                assert segment.style.color is not None
                assert segment.style.color.name == css_color(series_color(series, dark=dark))
        assert places(rows, NOTHING)
