"""A list of rows is updated in place: what is chosen stays chosen, and only what changed is drawn again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.content import Content
from textual.pilot import Pilot

from tests.tui_lab.fakes import drawn_text
from tui_lab.widgets.rows import RowList


class OneList(App[None]):
    CSS = "RowList { max-height: 100%; }"

    def compose(self) -> ComposeResult:
        yield RowList()


@asynccontextmanager
async def one_list(*rows: str) -> AsyncIterator[tuple[OneList, RowList, Pilot[None]]]:
    app = OneList()
    async with app.run_test(size=(20, 6)) as pilot:
        app.query_one(RowList).show(list(map(Content, rows)))
        app.query_one(RowList).focus()
        await pilot.pause()
        yield app, app.query_one(RowList), pilot


def lines(app: OneList) -> list[str]:
    return drawn_text(app).split()


async def test_rows_are_shown_and_the_first_one_is_chosen() -> None:
    async with one_list("a", "[/b]", "c") as (app, rows, _):
        assert lines(app) == ["a", "[/b]", "c"]
        assert rows.chosen == 0


async def test_a_row_that_changes_does_not_move_the_choice() -> None:
    async with one_list("a", "b", "c") as (app, rows, pilot):
        await pilot.press("down", "down")
        rows.show([Content("a"), Content("x"), Content("z")])
        await pilot.pause()
        assert lines(app) == ["a", "x", "z"]
        assert rows.chosen == 2


async def test_more_or_fewer_rows_keep_the_choice_where_that_can_be() -> None:
    async with one_list("a", "b", "c") as (app, rows, pilot):
        await pilot.press("down")
        rows.show([Content(char) for char in "wxyz"])
        await pilot.pause()
        assert lines(app) == ["w", "x", "y", "z"]
        assert rows.chosen == 1
        await pilot.press("down", "down")
        rows.show([Content("a"), Content("b")])
        assert rows.chosen == 1
        rows.show([])
        await pilot.pause()
        assert lines(app) == []
        assert rows.chosen == 0


async def test_only_the_row_that_changed_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    async with one_list("a", "b", "c") as (_, rows, _pilot):
        replaced: list[int] = []
        replace = rows.replace_option_prompt_at_index

        def spy(index: int, prompt: Any) -> RowList:
            replaced.append(index)
            return replace(index, prompt)

        monkeypatch.setattr(rows, "replace_option_prompt_at_index", spy)
        rows.show([Content("a"), Content("x"), Content("c")])
        rows.show([Content("a"), Content("x"), Content("c")])
        assert replaced == [1]
