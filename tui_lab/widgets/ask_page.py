"""The page that asks, before an experiment runs, what is expected of it, and how many seeds it is to have."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList

from engine.analysis.experiments import EXPECTED, MOST_SEEDS, Expected, Experiment
from engine.learners.draft import Draft
from tui_lab.context import context
from tui_lab.experiment_text import EXPECTED_WORDS, budget_text, changes_text, score_name
from tui_lab.text import counted
from tui_lab.widgets.rows import RowList
from tui_lab.widgets.words import Words


class Expectations(RowList):
    """What may be expected. Nothing is chosen at first: a guess that nobody made is none."""

    HELP = (
        "Up and down choose what you expect, left and right how many seeds. Enter runs the experiment; escape goes "
        "back."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "seeds(-1)", "Fewer seeds", tooltip="One seed less", id="ask.fewer", show=False),
        Binding("right", "seeds(1)", "More seeds", tooltip="One seed more", id="ask.more", show=False),
        Binding("enter", "select", "Run", tooltip="Run the experiment", id="ask.run"),
        Binding("escape", "leave", "Back", tooltip="Back to the settings", id="ask.leave"),
    ]

    def action_seeds(self, by: int) -> None:
        self.post_message(AskPage.SeedsChanged(by))

    def action_leave(self) -> None:
        self.post_message(AskPage.Left())


class AskPage(Vertical):
    """One question and one number."""

    DEFAULT_CSS: ClassVar[str] = """
    AskPage { height: auto; }
    AskPage Words { height: auto; padding: 0 1; }
    AskPage #ask-what { text-style: bold; }
    AskPage Expectations { margin: 1 0; }
    AskPage #ask-keys { color: $muted; margin-top: 1; }
    """

    class SeedsChanged(Message):
        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    class Left(Message):
        """The reader goes back."""

    class Answered(Message):
        def __init__(self, expected: Expected, seeds: int) -> None:
            super().__init__()
            self.expected = expected
            self.seeds = seeds

    def __init__(self, seeds: int, *, id: str) -> None:
        super().__init__(id=id)
        self._seeds = seeds
        self._draft: Draft | None = None

    def compose(self) -> ComposeResult:
        yield Words(id="ask-what")
        yield Words(id="ask-question")
        yield Expectations()
        yield Words(id="ask-seeds")
        yield Words(id="ask-keys")

    def ask(self, draft: Draft) -> None:
        """Ask of a draft that makes a run and differs from its preset."""
        self._draft = draft
        rows = self.query_one(Expectations)
        rows.show([Content(f"   {words}") for words in EXPECTED_WORDS.values()])
        rows.highlighted = None
        rows.focus()
        changes = {name: (draft.usual(name), value) for name, value in draft.changes.items()}
        self.query_one("#ask-what", Words).show(f"{draft.preset.name} with {changes_text(changes, most=6)}")
        question = f"What do you expect of its {score_name(draft.spec)}, compared with the preset's?"
        self.query_one("#ask-question", Words).show(question)
        self._show_seeds()

    def _show_seeds(self) -> None:
        assert self._draft is not None
        draft, lab = self._draft, context(self).lab
        seeds = draft.seeds(self._seeds)
        runs = 2 * len(seeds)
        missing = context(self).attempt(lambda: lab.runs_to_train(draft, self._seeds), runs)
        known: Experiment | None = context(self).attempt(lambda: lab.kept_experiment(draft, self._seeds), None)
        span = str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
        budget = f" of {words}" if (words := budget_text(draft.spec)) else ""
        lines = [
            Content.assemble(("seeds  ", "$accent"), (f"{len(seeds)}", "bold"), f"  ({span}), the same for both sides"),
            Content(f"{counted(runs, 'run')}{budget}: {runs - missing} there already, {missing} to train."),
        ]
        if len(seeds) == 1:
            lines.append(Content("One seed has no interval, so it cannot tell a difference from chance."))
        if known is not None:
            lines.append(_known_words(known))
        self.query_one("#ask-seeds", Words).show(Content("\n").join(lines))
        keys = f"up and down: what you expect   left and right: 1 to {MOST_SEEDS} seeds   enter: run   esc: back"
        self.query_one("#ask-keys", Words).show(keys)

    def on_ask_page_seeds_changed(self, event: AskPage.SeedsChanged) -> None:
        event.stop()
        self._seeds = min(MOST_SEEDS, max(1, self._seeds + event.by))
        self._show_seeds()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.Answered(EXPECTED[event.option_index], self._seeds))


def _known_words(known: Experiment) -> Content:
    words = f"This experiment is there: you expected {EXPECTED_WORDS[known.expected]}, and that stays. Enter opens it."
    return Content.styled(words, "$warning")
