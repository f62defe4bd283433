"""One recording at one of its steps: the cart, and below it what the numbers and the network say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from engine.learners.environment_facts import CARTPOLE, EnvironmentFacts
from tui_lab.glyphs import Glyphs
from tui_lab.marks import progress_bar
from tui_lab.widgets.cart import Cart
from tui_lab.widgets.words import Words

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from engine.agents.recording import Recording

BAR, SHORTEST_BAR = 24, 4
NARROW = 51
"""Below this width the state is told in fewer characters."""


class Stand(Vertical):
    """The cart where the recording has it, or the state in numbers where there is no picture."""

    DEFAULT_CSS = """
    Stand { width: 1fr; height: 1fr; }
    Stand .figures { height: auto; min-height: 4; padding: 0 1; }
    Stand .name { height: 1; padding: 0 1; text-style: bold; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, glyphs: Glyphs, *, series: int = 0, id: str | None = None) -> None:
        super().__init__(id=id)
        self._glyphs = glyphs
        self._series = series

    def compose(self) -> ComposeResult:
        yield Words(classes="name")
        yield Cart(self._glyphs, series=self._series)
        yield Words(classes="figures")

    def on_mount(self) -> None:
        self.query_one(".name").display = False

    def show_name(self, title: str | None) -> None:
        """Name the agent above the picture; None for no line there."""
        name = self.query_one(".name", Words)
        name.display = title is not None
        name.show(title or "")

    def say(self, words: str) -> None:
        """Show a sentence in place of figures."""
        self.query_one(".figures", Words).show(Content.styled(words, "$muted"))

    def show(self, recording: Recording, step: int, *, figures: bool = True) -> None:
        """Show a step; the last one where the recording is shorter.

        Args:
            figures: whether the numbers too, or the picture alone.
        """
        steps = len(recording.actions)
        step = min(step, steps)
        cart = self.query_one(Cart)
        cart.display = recording.facts.id == CARTPOLE
        if cart.display:
            cart.show(recording.states[step], 0 if step == steps else (1 if recording.actions[step] else -1))
        if figures:
            self.query_one(".figures", Words).show(self._figures(recording, step))

    def _figures(self, recording: Recording, step: int) -> Content:
        steps = len(recording.actions)
        narrow = self.size.width < NARROW
        ending = f"  {ending_of(recording)}" if step == steps else ""
        lines = [
            Content.assemble(("return ", "$muted"), f"{recording.rewards[:step].sum():3.0f}", (ending, "$accent")),
            *state_lines(recording.states[step], recording.facts, narrow=narrow),
        ]
        if recording.values is not None:
            lines += value_lines(recording, min(step, steps - 1), self.size.width - 2, self._glyphs)
        return Content("\n").join(lines)


def value_lines(recording: Recording, step: int, width: int, glyphs: Glyphs) -> list[Content]:
    """A bar for each action's value, over the range that the episode spans; the larger one is what it does.

    Args:
        width: cells for a line.
    """
    assert recording.values is not None
    values = recording.values[step]
    low, high = float(recording.values.min()), float(recording.values.max())
    names = recording.facts.action_names
    wide = max(map(len, names))
    lines = []
    for action, name in enumerate(names):
        chosen = action == recording.actions[step]
        share = (float(values[action]) - low) / ((high - low) or 1)
        style = "$accent" if chosen else "$primary"
        label = f"{recording.values_are} {name:<{wide}} {values[action]:8.2f} "
        room = width - len(label) - len(" <")
        bar = progress_bar(share, max(SHORTEST_BAR, min(BAR, room)), glyphs, style)
        lines.append(Content.assemble(label, bar, (" <" if chosen else "", style)))
    return lines


def state_lines(
    state: Sequence[float] | npt.NDArray[np.float32], facts: EnvironmentFacts, *, narrow: bool = False
) -> list[Content]:
    """The state in numbers: beside a picture by the columns' names of the course, else each value by its own."""
    values = [float(value) for value in state]
    if facts.id == CARTPOLE:
        s1, s2, s3, s4 = values
        words = f"s1 {s1:+.2f}  s2 {s2:+.2f}  s3 {s3:+.3f}  s4 {s4:+.2f}"
        return [Content.styled(words.replace("  ", " ") if narrow else f"state  {words}", "$muted")]
    names = facts.state_names
    wide = max(map(len, names))
    return [Content.styled(f"{name:<{wide}} {value:+.3f}", "$muted") for name, value in zip(names, values, strict=True)]


def ending_of(recording: Recording) -> str:
    """Why an episode is over."""
    if not recording.terminated:
        return "truncated: time is up"
    ending = recording.facts.ending
    return "terminated" if ending is None else f"terminated: {ending(recording.states[-1])}"
