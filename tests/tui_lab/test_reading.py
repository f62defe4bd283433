"""A lesson's text: what each part looks like, and the keys and clicks that move through it."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Collapsible, Markdown

from tests.tui_lab.fakes import screen_text
from tests.tui_lab.pilot import Open, bench, block, flat, lesson_screen, make_lesson, only, said, until
from tui_lab.widgets.evaluate_bench import EvaluateBench
from tui_lab.widgets.questions import Choices
from tui_lab.widgets.reading import BenchPointer, NoteCard, Reading
from tui_lab.widgets.rows import RowList

RUN = block("run", title="Train it", presets=["bad"], charts=["return"])
EVALUATE = block("evaluate", title="Judge it", agents=["left", "angle"], episodes=5, seed=1)
LONG = "\n\n".join(f"Paragraph {n}." for n in range(40))


def predict(name: str) -> str:
    return block("predict", id=name, question=f"Question {name}?", options=["this", "that"], reveal="See.")


async def test_it_begins_with_section_title_summary_and_time(open_lab: Open, tmp_path: Path) -> None:
    lesson = make_lesson(tmp_path, RUN, title="Beginnings", summary="How it begins.", number=3)
    async with open_lab(lesson=lesson) as (app, _):
        assert "9.3 Beginnings How it begins. About 30 minutes." in flat(app)


async def test_pointers_are_numbered_like_the_benches_whatever_stands_between(open_lab: Open, tmp_path: Path) -> None:
    note = block("note", kind="tip", title="A tip", text="Do.")
    quiz = block("quiz", id="q", question="Right?", options=["no", "yes"], answer=1, explanations=["No.", "Yes."])
    lesson = make_lesson(tmp_path, "\n\n".join(["Text.", RUN, note, predict("p"), quiz, EVALUATE]))
    async with open_lab(lesson=lesson) as (app, _):
        assert [str(pointer.render()) for pointer in app.screen.query(BenchPointer)] == [
            "▸ Bench 1  Train it   press 1",
            "▸ Bench 2  Judge it   press 2",
        ]


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
async def test_a_click_on_a_pointer_opens_its_bench(open_lab: Open, tmp_path: Path, size: tuple[int, int]) -> None:
    async with open_lab(size, lesson=make_lesson(tmp_path, f"{RUN}\n\n{EVALUATE}")) as (app, pilot):
        await pilot.click(app.screen.query(BenchPointer)[1])
        assert lesson_screen(app).bench is bench(app, EvaluateBench)
        assert "Judge it" in screen_text(app)
        await until(pilot, lambda: isinstance(app.focused, RowList))


# --- notes


@pytest.mark.parametrize(
    ("kind", "words"), [("trap", "Trap"), ("course", "From the course"), ("tip", "Tip"), ("figure", "Figures")]
)
async def test_a_note_says_of_what_kind_it_is(open_lab: Open, tmp_path: Path, kind: str, words: str) -> None:
    body = block("note", kind=kind, title="Mind this", text="It *bites*.")
    async with open_lab(lesson=make_lesson(tmp_path, f"{body}\n\n{RUN}")) as (app, _):
        assert f"{words}: Mind this" in screen_text(app)
        assert "It bites." in screen_text(app)


async def test_a_folded_note_unfolds_with_enter(open_lab: Open, tmp_path: Path) -> None:
    body = block("note", kind="tip", title="More", text="Hidden words.", folded=True)
    async with open_lab(lesson=make_lesson(tmp_path, f"{body}\n\n{RUN}")) as (app, pilot):
        assert "Tip: More" in screen_text(app)
        assert "Hidden words." not in screen_text(app)
        only(app, Collapsible).query_one("CollapsibleTitle").focus()
        await pilot.press("enter")
        await until(pilot, lambda: "Hidden words." in screen_text(app))


@pytest.mark.parametrize("folded", [False, True])
async def test_titles_with_brackets_are_text(open_lab: Open, tmp_path: Path, folded: bool) -> None:
    odd = "[/b] and [red]x[ y]"
    note = block("note", kind="tip", title=f"n {odd}", text="Text.", folded=folded)
    run = block("run", title=f"b {odd}", presets=["bad"], charts=["return"], hint=f"h {odd}")
    lesson = make_lesson(tmp_path, f"{note}\n\n{run}", title=f"t {odd}", summary=f"s {odd}.")
    async with open_lab((160, 40), lesson=lesson) as (app, pilot):
        for words in (f"Tip: n {odd}", f"Bench 1  b {odd}   press 1", f"h {odd}", f"9.1 t {odd}", f"s {odd}. About"):
            assert words in screen_text(app)
        only(app, NoteCard)
        await pilot.press("1")
        assert f" 1   b {odd}" in screen_text(app)


# --- moving through it


async def test_tab_goes_to_the_next_question_in_view_or_below(open_lab: Open, tmp_path: Path) -> None:
    lesson = make_lesson(tmp_path, "\n\n".join([predict("p"), LONG, predict("q"), LONG, predict("r"), RUN]))
    async with open_lab((120, 24), lesson=lesson) as (app, pilot):
        reading = only(app, Reading)
        first, second, third = app.screen.query(Choices)
        assert app.focused is reading
        await pilot.press("tab")
        assert app.focused is first
        reading.focus()
        reading.scroll_to(y=30, animate=False)
        await until(pilot, lambda: first.region.y < 0 < second.region.y)
        await pilot.press("tab")
        assert app.focused is second
        await until(pilot, lambda: "Question q?" in screen_text(app))
        await pilot.press("tab")
        assert app.focused is third
        await pilot.press("tab")
        assert isinstance(app.focused, RowList)


async def test_tab_past_the_last_question_goes_on_to_what_follows(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab((120, 24), lesson=make_lesson(tmp_path, f"Text.\n\n{RUN}")) as (app, pilot):
        await pilot.press("tab")
        assert isinstance(app.focused, RowList)


async def test_arrows_and_page_keys_move_the_text(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=make_lesson(tmp_path, f"{LONG}\n\n{RUN}")) as (app, pilot):
        reading = only(app, Reading)
        for key, there in (
            ("pagedown", lambda: reading.scroll_y >= 15),
            ("pageup", lambda: reading.scroll_y == 0),
            ("down", lambda: reading.scroll_y == 1),
            ("end", lambda: reading.scroll_y == reading.max_scroll_y),
            ("home", lambda: reading.scroll_y == 0),
        ):
            await pilot.press(key)
            await until(pilot, there)


@pytest.mark.parametrize("where", ["prose", "note", "reveal"])
async def test_a_link_shows_its_address_as_text(open_lab: Open, tmp_path: Path, where: str) -> None:
    link = "See [the page](https://example.org/[b]x)."
    body = {
        "prose": link,
        "note": block("note", kind="tip", title="A tip", text=link),
        "reveal": block("predict", id="p", question="Which?", options=["a", "b"], reveal=link),
    }[where]
    lesson = make_lesson(tmp_path, f"{body}\n\n{RUN}")
    async with open_lab(lesson=lesson, toasts=True, before=lambda lab: lab.store.add_prediction("p", 0)) as (
        app,
        pilot,
    ):
        opened: list[str] = []
        app.open_url = lambda url, *, new_tab=True: opened.append(url)  # type: ignore[method-assign]
        await until(pilot, lambda: "See the page." in screen_text(app))
        markdown = next(found for found in app.screen.query(Markdown) if "example.org" in found.source)
        (paragraph,) = markdown.query("MarkdownParagraph")
        await pilot.click(paragraph, offset=(6, 0))
        await until(pilot, lambda: said(app) == ["https://example.org/[b]x"])
        await until(pilot, lambda: "https://example.org/[b]x" in screen_text(app))
        assert opened == []
