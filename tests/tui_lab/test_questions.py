"""Questions in a lesson: a prediction is made once, a quiz explains every answer, and both are there the next day."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Markdown, Static

from engine.laboratory import Laboratory
from tests.tui_lab.fakes import screen_text
from tests.tui_lab.pilot import Open, block, flat, make_lesson, only, until
from tui_lab.app import LabApp
from tui_lab.lesson import Lesson
from tui_lab.widgets.questions import Choices, PredictCard, QuizCard
from tui_lab.widgets.reading import Reading

RUN = block("run", title="One", presets=["bad"], charts=["return"])
PREDICT = block("predict", id="p", question="Which wins?", options=["this", "that"], reveal="It was *that*.")
EXPLANATIONS = ["Not by far.", "Right. Because it is.", "Close, but no."]


def quiz(**changes: object) -> str:
    keys: dict[str, object] = {
        "id": "q",
        "question": "Why?",
        "options": ["a", "b", "c"],
        "answer": 1,
        "explanations": EXPLANATIONS,
    }
    keys = {**keys, "hint": "The middle.", **changes}
    return block("quiz", **{key: value for key, value in keys.items() if value is not None})


@pytest.fixture
def predict(tmp_path: Path) -> Lesson:
    return make_lesson(tmp_path, f"{PREDICT}\n\n{RUN}")


@pytest.fixture
def asked(tmp_path: Path) -> Lesson:
    return make_lesson(tmp_path, f"{quiz()}\n\n{RUN}")


def choices(app: LabApp) -> list[str]:
    """The answers of the one question as they are shown, marks included."""
    return [str(option.prompt) for option in only(app, Choices).options]


def after(app: LabApp) -> str:
    """The line below the answers."""
    return str(app.screen.query_one(".after", Static).render())


# --- predictions


async def test_a_prediction_says_that_it_commits_and_hides_what_comes_after(open_lab: Open, predict: Lesson) -> None:
    async with open_lab(lesson=predict) as (app, _):
        assert choices(app) == ["  this", "  that"]
        assert after(app) == "enter commits; you can not take it back."
        assert "It was that." not in flat(app)


async def test_the_first_prediction_is_kept_and_stays(open_lab: Open, predict: Lesson) -> None:
    async with open_lab(lesson=predict) as (app, pilot):
        only(app, Choices).focus()
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.lab.store.predictions() == {"p": 1})
        await until(pilot, lambda: "It was that." in flat(app))
        assert choices(app) == ["  this", "▸ that"]
        assert after(app) == "Your prediction is kept."
        await pilot.press("up", "enter", "enter")
        await pilot.pause()
        assert app.lab.store.predictions() == {"p": 1}
        assert choices(app) == ["  this", "▸ that"]
        assert len(only(app, PredictCard).query(Markdown)) == 1


async def test_a_prediction_is_there_the_next_day(open_lab: Open, predict: Lesson) -> None:
    def yesterday(lab: Laboratory) -> None:
        lab.store.add_prediction("p", 0)

    async with open_lab(lesson=predict, before=yesterday) as (app, pilot):
        await until(pilot, lambda: "It was that." in flat(app))
        assert choices(app) == ["▸ this", "  that"]
        only(app, Choices).focus()
        await pilot.press("down", "enter")
        assert app.lab.store.predictions() == {"p": 0}
        assert choices(app) == ["▸ this", "  that"]


# --- quizzes


async def test_a_quiz_says_which_keys_it_has(open_lab: Open, tmp_path: Path) -> None:
    lesson = make_lesson(tmp_path, f"{quiz()}\n\n{RUN}\n\n{quiz(id='r', hint=None)}")
    async with open_lab(lesson=lesson, size=(120, 60)) as (app, pilot):
        lines = [str(line.render()) for line in app.screen.query(".after").results(Static)]
        assert lines == ["enter answers, h gives a hint.", "enter answers."]
        with_hint, without = app.screen.query(Choices)
        with_hint.focus()
        await pilot.pause()
        assert app.screen.active_bindings["h"].enabled
        without.focus()
        await pilot.press("h")
        assert "h" not in app.screen.active_bindings or not app.screen.active_bindings["h"].enabled
        assert [str(line.render()) for line in app.screen.query(".after").results(Static)] == lines


async def test_h_shows_the_hint_and_an_answer_takes_its_place(open_lab: Open, asked: Lesson) -> None:
    async with open_lab(lesson=asked) as (app, pilot):
        only(app, Choices).focus()
        await pilot.press("h")
        assert after(app) == "Hint: The middle."
        assert app.lab.store.answers() == {}
        await pilot.press("enter")
        assert after(app) == "Not this one. Not by far."


async def test_every_answer_is_marked_explained_and_kept(open_lab: Open, asked: Lesson) -> None:
    async with open_lab(lesson=asked) as (app, pilot):
        only(app, Choices).focus()
        await pilot.press("down", "down", "enter")
        assert choices(app) == ["  a", "  b", "✗ c"]
        assert after(app) == "Not this one. Close, but no."
        await pilot.press("up", "enter")
        assert choices(app) == ["  a", "✓ b", "✗ c"]
        assert after(app) == "Right. Because it is."
        await pilot.press("up", "enter")
        assert choices(app) == ["✗ a", "✓ b", "✗ c"]
        assert after(app) == "Not this one. Not by far."
        await until(pilot, lambda: app.lab.store.answers() == {"q": [2, 1, 0]})
        with app.lab.store._read() as db:
            kept = [tuple(row) for row in db.execute("SELECT choice, correct FROM answers ORDER BY id")]
        assert kept == [(2, 0), (1, 1), (0, 0)]


async def test_answers_are_there_the_next_day(open_lab: Open, asked: Lesson) -> None:
    def yesterday(lab: Laboratory) -> None:
        lab.store.add_answer("q", 2, False)
        lab.store.add_answer("q", 1, True)

    async with open_lab(lesson=asked, before=yesterday) as (app, pilot):
        assert choices(app) == ["  a", "✓ b", "✗ c"]
        assert after(app) == "Right. Because it is."
        only(app, Choices).focus()
        await pilot.press("enter")
        await until(pilot, lambda: app.lab.store.answers() == {"q": [2, 1, 0]})


async def test_answers_belong_to_their_question(open_lab: Open, tmp_path: Path) -> None:
    lesson = make_lesson(tmp_path, f"{quiz()}\n\n{quiz(id='r')}\n\n{RUN}")
    async with open_lab(lesson=lesson, size=(120, 60)) as (app, pilot):
        first, second = app.screen.query(QuizCard)
        second.query_one(Choices).focus()
        await pilot.press("enter")
        await until(pilot, lambda: app.lab.store.answers() == {"r": [0]})
        assert "enter answers" in str(first.query_one(".after", Static).render())


# --- keys and text


async def test_page_keys_on_a_question_move_the_text(open_lab: Open, tmp_path: Path) -> None:
    long = "\n\n".join(f"Paragraph {n}." for n in range(60))
    async with open_lab(lesson=make_lesson(tmp_path, f"{quiz()}\n\n{long}\n\n{RUN}")) as (app, pilot):
        reading = only(app, Reading)
        only(app, Choices).focus()
        await pilot.press("pagedown")
        await until(pilot, lambda: reading.scroll_y >= 15)
        assert isinstance(app.focused, Choices)
        assert app.focused.highlighted == 0
        await pilot.press("pageup")
        await until(pilot, lambda: reading.scroll_y == 0)


async def test_whatever_a_question_says_is_text(open_lab: Open, tmp_path: Path) -> None:
    odd = "[/b] and [red]x [$y]"
    body = block("predict", id="p", question=f"P {odd}", options=[f"o {odd}", "that"], reveal="See.")
    texts = {"question": f"Q {odd}", "options": [f"c {odd}", "b"], "explanations": [f"e {odd}", "No."]}
    body += quiz(answer=0, hint=f"h {odd}", **texts)
    async with open_lab(lesson=make_lesson(tmp_path, f"{body}\n\n{RUN}"), size=(120, 60)) as (app, pilot):
        for letter in "PoQc":
            assert f"{letter} {odd}" in screen_text(app)
        predict, asked = app.screen.query(Choices)
        predict.focus()
        await pilot.press("enter")
        asked.focus()
        await pilot.press("h")
        await until(pilot, lambda: f"Hint: h {odd}" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: f"Right. e {odd}" in screen_text(app))
        assert f"▸ o {odd}" in screen_text(app)
        assert f"✓ c {odd}" in screen_text(app)
