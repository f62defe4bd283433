"""A list of any length: only lines on the screen are made, and only lines that differ are made again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.app import App, ComposeResult
from textual.content import Content
from textual.pilot import Pilot

from tests.tui_lab.fakes import drawn_text
from tui_lab.widgets.record_list import RecordList

HEIGHT = 6


class OneList(App[None]):
    """A list of numbers; `words` replaces some of them."""

    def __init__(self) -> None:
        super().__init__()
        self.words: dict[int, str] = {}
        self.made: list[int] = []
        self.moves = 0

    def compose(self) -> ComposeResult:
        yield RecordList(self._line)

    def _line(self, place: int) -> Content:
        self.made.append(place)
        return Content(self.words.get(place, f"line {place}"))

    def on_record_list_moved(self) -> None:
        self.moves += 1

    def shown(self) -> list[str]:
        return [line.split("  ")[0] for line in drawn_text(self).splitlines() if line]


@asynccontextmanager
async def one_list(count: int, chosen: int = 0) -> AsyncIterator[tuple[OneList, RecordList, Pilot[None]]]:
    app = OneList()
    async with app.run_test(size=(20, HEIGHT)) as pilot:
        records = app.query_one(RecordList)
        records.focus()
        await pilot.pause()
        records.show(count, chosen)
        await pilot.pause()
        app.made.clear()
        yield app, records, pilot


async def test_of_a_million_lines_only_those_on_the_screen_are_made() -> None:
    async with one_list(1_000_000) as (app, records, pilot):
        assert app.shown() == [f"line {place}" for place in range(HEIGHT)]
        await pilot.press("end")
        assert records.chosen == 999_999
        assert app.shown() == [f"line {place}" for place in range(999_994, 1_000_000)]
        assert set(app.made) <= set(range(999_994, 1_000_000)) | {0}
        await pilot.press("home")
        assert app.shown()[0] == "line 0"


async def test_keys_move_by_one_and_by_a_page_and_stay_within_the_list() -> None:
    async with one_list(20) as (app, records, pilot):
        for key, chosen in (
            *(("up", 0), ("down", 1), ("pagedown", 6), ("pagedown", 11), ("pageup", 6), ("end", 19)),
            *(("down", 19), ("pagedown", 19), ("home", 0)),
        ):
            await pilot.press(key)
            assert (key, records.chosen) == (key, chosen)
            assert f"line {chosen}" in app.shown(), "the chosen line is in view"
        assert app.moves == 6


async def test_moving_makes_the_two_lines_that_change() -> None:
    async with one_list(20) as (app, _, pilot):
        await pilot.press("down")
        assert set(app.made) == {0, 1}


async def test_looking_again_draws_the_lines_that_differ() -> None:
    async with one_list(20) as (app, records, pilot):
        app.words = {2: "other", 15: "out of sight"}
        drawn: list[int] = []
        usual = records.refresh_line
        records.refresh_line = lambda y: (drawn.append(y), usual(y))[1]  # type: ignore[method-assign, func-returns-value]
        records.look_again()
        await pilot.pause()
        assert drawn == [2]
        assert app.shown()[2] == "other"
        assert 15 not in app.made


async def test_a_list_that_shrinks_and_grows_shows_what_it_has() -> None:
    async with one_list(20, chosen=19) as (app, records, pilot):
        records.show(2, 19)
        await pilot.pause()
        assert app.shown() == ["line 0", "line 1"]
        assert records.chosen == 1
        records.show(0, 0)
        await pilot.pause()
        assert app.shown() == []
        await pilot.press("down", "end", "pageup")
        records.show(3, 2)
        await pilot.pause()
        assert app.shown() == ["line 0", "line 1", "line 2"]
        assert records.chosen == 2


async def test_a_click_chooses() -> None:
    async with one_list(20) as (_, records, pilot):
        await pilot.click(RecordList, offset=(2, 3))
        assert records.chosen == 3
