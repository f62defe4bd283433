"""The last line of a screen: which keys it shows, and that a click presses one."""

from __future__ import annotations

from tests.tui_lab.fakes import screen_text
from tests.tui_lab.pilot import Open, until
from tui_lab.widgets.key_line import KeyLabel, KeyLine, fitting


def labels(*ids: str) -> list[KeyLabel]:
    """Labels of eight cells each."""
    return [KeyLabel(name, f"key{place}", "x", "works") for place, name in enumerate(ids)]


def shown(given: list[KeyLabel], width: int) -> list[str]:
    return [label.id for label in fitting(given, width)]


def test_what_fits_is_shown_in_its_order() -> None:
    assert shown(labels("a", "app.help", "b"), 24) == ["a", "app.help", "b"]


def test_help_stays_whatever_else_has_to_go() -> None:
    given = labels("a", "b", "app.help", "app.quit")
    assert shown(given, 17) == ["a", "app.help"]
    assert shown(given, 8) == ["app.help"]
    assert shown(given, 3) == ["app.help"]


def test_other_screens_come_last() -> None:
    given = labels("a", "app.help", "app.settings", "app.quit")
    assert shown(given, 24) == ["a", "app.help", "app.quit"]
    assert shown(given, 32) == ["a", "app.help", "app.settings", "app.quit"]


def test_after_one_that_does_not_fit_no_smaller_one_follows() -> None:
    given = [*labels("a", "app.help"), KeyLabel("wide", "w", "w", "a long meaning"), KeyLabel("c", "c", "c", "d")]
    assert shown(given, 22) == ["a", "app.help"]


async def test_the_line_is_never_wider_than_the_terminal(open_lab: Open) -> None:
    for size in ((80, 24), (60, 16)):
        async with open_lab(size, lesson=4) as (app, pilot):
            await pilot.press("1")
            await until(pilot, lambda app=app: "r Start" in screen_text(app).split("\n")[-1])
            assert "? Help" in screen_text(app).split("\n")[-1]
            assert sum(label.cells for label in app.screen.query_one(KeyLine)._labels) <= size[0]


async def test_a_click_on_a_key_presses_it(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        line = app.screen.query_one(KeyLine)
        await until(pilot, lambda: "Help" in str(line.words))
        await pilot.click(KeyLine, offset=(str(line.words).index("? Help"), 0))
        await until(pilot, lambda: "esc closes this page" in screen_text(app))
