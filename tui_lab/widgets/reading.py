"""A lesson's text: prose, notes and questions in reading order, with a pointer where each bench belongs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widgets import Collapsible, Markdown, Static

from tui_lab.glyphs import Glyphs
from tui_lab.lesson import Bench, Lesson, Note, Part, Predict, Prose, Quiz
from tui_lab.widgets.questions import Choices, PredictCard, QuizCard

NOTE_WORDS = {"trap": "Trap", "course": "From the course", "tip": "Tip", "figure": "Figures"}


class BenchPointer(Static):
    """Says where in the text a bench belongs, and opens it on a click."""

    DEFAULT_CSS = """
    BenchPointer { height: auto; margin: 1 0; padding: 0 1; border-left: outer $accent; background: $surface; }
    BenchPointer:hover { background: $panel; }
    """

    class Chosen(Message):
        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self, number: int, title: str, glyphs: Glyphs) -> None:
        words = Content.assemble(
            (f"{glyphs.pointer} Bench {number}  ", "bold $accent"), title, (f"   press {number}", "$muted")
        )
        super().__init__(words)
        self.number = number

    def on_click(self, event: Click) -> None:
        event.stop()
        self.post_message(self.Chosen(self.number))


class NoteCard(Vertical):
    """A box beside the main line of the text."""

    DEFAULT_CSS = """
    NoteCard { height: auto; margin: 1 0; padding: 0 1; border-left: outer $secondary; background: $surface; }
    NoteCard.trap { border-left: outer $warning; }
    NoteCard .kind { text-style: bold; color: $secondary; }
    NoteCard.trap .kind { color: $warning; }
    NoteCard Collapsible { background: transparent; border: none; padding: 0; }
    NoteCard CollapsibleTitle { color: $secondary; padding: 0; }
    NoteCard Markdown { height: auto; padding: 0; margin: 0; background: transparent; }
    """

    def __init__(self, note: Note) -> None:
        super().__init__(classes=note.kind)
        self._note = note

    def compose(self) -> ComposeResult:
        title, text = f"{NOTE_WORDS[self._note.kind]}: {self._note.title}", Markdown(self._note.text, open_links=False)
        if self._note.folded:
            words: Any = Content(title)  # A string would be read as markup.
            yield Collapsible(text, title=words)
        else:
            yield Static(title, classes="kind", markup=False)
            yield text


class Reading(VerticalScroll):
    """The scrolling text of a lesson."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "next_question", "Next question", tooltip="Go to the next question", id="text.next", show=False)
    ]
    HELP = (
        "Up, down, page up and page down scroll. Tab goes to the next question, enter answers it. A number opens the "
        "bench of that number."
    )

    DEFAULT_CSS = """
    Reading { height: 1fr; padding: 0 1 1 1; scrollbar-size-vertical: 1; }
    Reading Markdown { padding: 0; margin: 0; height: auto; background: transparent; }
    Reading #summary { color: $muted; margin-bottom: 1; }
    """

    class Reached(Message):
        """The reader scrolled to `share` of the text; `bench` is the number of the last pointer in view or above."""

        def __init__(self, share: float, bench: int | None) -> None:
            super().__init__()
            self.share = share
            self.bench = bench

    def __init__(
        self, lesson: Lesson, predictions: dict[str, int], answers: dict[str, list[int]], glyphs: Glyphs
    ) -> None:
        super().__init__(can_focus=True)
        self._lesson = lesson
        self._predictions = predictions
        self._answers = answers
        self._glyphs = glyphs

    def compose(self) -> ComposeResult:
        lesson = self._lesson
        yield Markdown(f"# {lesson.section} {lesson.title}")
        yield Static(f"{lesson.summary} About {lesson.minutes} minutes.", id="summary", markup=False)
        number = 0
        for part in lesson.parts:
            number += not isinstance(part, Prose | Note | Predict | Quiz)
            yield self._widget(part, number)

    def _widget(self, part: Part, number: int) -> Markdown | NoteCard | PredictCard | QuizCard | BenchPointer:
        match part:
            case Prose():
                return Markdown(part.markdown, open_links=False)
            case Note():
                return NoteCard(part)
            case Predict():
                return PredictCard(part, self._predictions.get(part.id), self._glyphs)
            case Quiz():
                return QuizCard(part, self._answers.get(part.id, ()), self._glyphs)
        bench: Bench = part
        return BenchPointer(number, bench.title, self._glyphs)

    def take_kept(self, predictions: Mapping[str, int], answers: Mapping[str, Sequence[int]]) -> None:
        """Show kept choices that could not be read when the lesson was opened."""
        for predict in self.query(PredictCard):
            predict.take_kept(predictions)
        for quiz in self.query(QuizCard):
            quiz.take_kept(answers)

    def on_choices_page_wanted(self, event: Choices.PageWanted) -> None:
        event.stop()
        if event.down:
            self.scroll_page_down()
        else:
            self.scroll_page_up()

    def action_next_question(self) -> None:
        """Focus the first question in view or below; past the last one, what comes after the text."""
        later = [choices for choices in self.query(Choices) if choices.region.y >= self.region.y]
        if self.has_focus and later:
            later[0].focus()
        else:
            self.screen.focus_next()

    def on_markdown_link_clicked(self, event: Markdown.LinkClicked) -> None:
        """There may be no browser at the other end of the line: show the address."""
        event.stop()
        self.notify(event.href, title="Link", timeout=12)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        # Not by the regions on the screen: these are still those from before the scroll.
        edge = new_value + self.size.height
        passed = [pointer.number for pointer in self.query(BenchPointer) if pointer.virtual_region.y < edge]
        self.post_message(self.Reached(self.share, max(passed, default=None)))

    @property
    def share(self) -> float:
        """How much of the text has been in view, from the scroll position, in [0, 1]."""
        if self.max_scroll_y <= 0:
            return 1.0
        return min(1.0, self.scroll_target_y / self.max_scroll_y)
