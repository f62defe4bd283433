"""Questions in a lesson's text: predictions to commit to, and quizzes to answer, each kept in the home folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Markdown, OptionList, Static
from textual.widgets.option_list import Option

from tui_lab.glyphs import Glyphs
from tui_lab.lesson import Predict, Quiz


class Choices(OptionList):
    """Answers to choose from."""

    HELP = "Up and down move between the answers, enter takes one."

    class PageWanted(Message):
        """A page key: it is the text that should scroll."""

        def __init__(self, down: bool) -> None:
            super().__init__()
            self.down = down

    DEFAULT_CSS = """
    Choices { height: auto; max-height: 20; border: none; padding: 0; background: transparent; }
    Choices:focus { border: none; background: transparent; }
    Choices > .option-list--option { padding: 0 1; }
    """

    def __init__(self, options: Sequence[str]) -> None:
        super().__init__(*[Option(Content(f"  {option}")) for option in options], compact=True)
        self._words = tuple(options)

    def action_page_up(self) -> None:
        self.post_message(self.PageWanted(down=False))

    def action_page_down(self) -> None:
        self.post_message(self.PageWanted(down=True))

    def mark(self, marks: dict[int, tuple[str, str]]) -> None:
        """Put a mark with a style before some answers, and none before the others."""
        for index, option in enumerate(self._words):
            mark, style = marks.get(index, (" ", ""))
            self.replace_option_prompt_at_index(index, Content.assemble((f"{mark} ", style), option))


class Question(Vertical):
    """A question with its choices and the text that follows an answer."""

    DEFAULT_CSS = """
    Question { height: auto; margin: 1 0; padding: 0 1; border-left: outer $primary; background: $surface; }
    Question .kind { color: $primary; text-style: bold; }
    Question .question { margin-bottom: 1; }
    Question Markdown { height: auto; padding: 0; margin: 1 0 0 0; background: transparent; }
    Question .after { height: auto; margin-top: 1; }
    """

    class Answered(Message):
        """A question was answered; the screen keeps the choice."""

        def __init__(self, question: str, choice: int, correct: bool | None) -> None:
            super().__init__()
            self.question = question
            self.choice = choice
            self.correct = correct


class PredictCard(Question):
    """Asks for a prediction; the first one stays, and then the text after it is shown."""

    def __init__(self, block: Predict, choice: int | None, glyphs: Glyphs) -> None:
        super().__init__()
        self._block = block
        self._choice = choice
        self._glyphs = glyphs

    def compose(self) -> ComposeResult:
        yield Static("Predict first", classes="kind")
        yield Static(self._block.question, classes="question", markup=False)
        yield Choices(self._block.options)
        yield Static(classes="after")

    async def on_mount(self) -> None:
        await self._show()

    async def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if self._choice is None:
            self._choice = event.option_index
            self.post_message(self.Answered(self._block.id, self._choice, None))
            await self._show()

    async def _show(self) -> None:
        after = self.query_one(".after", Static)
        if self._choice is None:
            after.update(Content.styled("enter commits; you can not take it back.", "$muted"))
            return
        self.query_one(Choices).mark({self._choice: (self._glyphs.pointer, "$accent")})
        after.update(Content.styled("Your prediction is kept.", "$muted"))
        if not self.query(Markdown):
            await self.mount(Markdown(self._block.reveal, open_links=False))

    def take_kept(self, predictions: Mapping[str, int]) -> None:
        """Show the prediction that is kept; it was the first one."""
        if self._block.id in predictions:
            self._choice = predictions[self._block.id]
            self.call_later(self._show)


class QuizCard(Question):
    """Asks, explains each answer, and lets one try again."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h", "hint", "Hint", tooltip="Show this question's hint", id="quiz.hint")
    ]

    def __init__(self, block: Quiz, tried: Sequence[int], glyphs: Glyphs) -> None:
        super().__init__()
        self._block = block
        self._tried = list(tried)
        self._glyphs = glyphs

    def compose(self) -> ComposeResult:
        yield Static("Question", classes="kind")
        yield Static(self._block.question, classes="question", markup=False)
        yield Choices(self._block.options)
        yield Static(classes="after")

    def on_mount(self) -> None:
        self._show()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        choice = event.option_index
        self._tried.append(choice)
        self.post_message(self.Answered(self._block.id, choice, choice == self._block.answer))
        self._show()

    def take_kept(self, answers: Mapping[str, Sequence[int]]) -> None:
        """Show the answers that are kept, unless some of this screen's are yet to be written."""
        kept = answers.get(self._block.id, ())
        if len(kept) > len(self._tried):
            self._tried = list(kept)
            self._show()

    def action_hint(self) -> None:
        hint = self._block.hint or "There is no hint for this one."
        self.query_one(".after", Static).update(Content.assemble(("Hint: ", "bold $accent"), hint))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "hint" or bool(self._block.hint)

    def _show(self) -> None:
        after = self.query_one(".after", Static)
        if not self._tried:
            words = "enter answers" + (", h gives a hint." if self._block.hint else ".")
            after.update(Content.styled(words, "$muted"))
            return
        right, wrong = (self._glyphs.done, "$success"), (self._glyphs.failed, "$error")
        marks = {choice: right if choice == self._block.answer else wrong for choice in self._tried}
        self.query_one(Choices).mark(marks)
        last = self._tried[-1]
        verdict = ("Right. ", "bold $success") if last == self._block.answer else ("Not this one. ", "bold $error")
        text = self._block.explanations[last]
        for word in ("Right. ", "Right: "):
            text = text.removeprefix(word)
        after.update(Content.assemble(verdict, text))
