"""Plays one recording, or two in step: at any speed, step by step, from any place. It has a timer only in motion."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.css.query import NoMatches
from textual.events import Hide, Resize, Show
from textual.timer import Timer

from tui_lab.context import context
from tui_lab.glyphs import Glyphs
from tui_lab.marks import progress_bar
from tui_lab.widgets.stand import Stand
from tui_lab.widgets.words import Words

if TYPE_CHECKING:
    from engine.agents.recording import Recording

STEPS_PER_SECOND = 50
"""CartPole's own: a step is 0.02 s."""
SPEEDS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
REAL_TIME = SPEEDS.index(1.0)
JUMP = 10
"""Steps that an arrow key goes."""
MOST_FRAMES_LATE = 3
"""A frame that comes later than this many intervals does not make up for the whole time, so that nothing leaps."""
FIGURES_SECONDS = 0.2
"""While the cart moves its numbers are shown no more often than they can be read."""
AFTER_BAR = 31
"""Cells that the words after the position bar need."""


class Player(Vertical):
    """Where the recordings are, and how fast they go."""

    DEFAULT_CSS = """
    Player { height: 1fr; }
    Player #stands { height: 1fr; }
    Player #position { height: 1; padding: 0 1; text-wrap: nowrap; }
    """

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__()
        self._glyphs = glyphs
        self.acts: tuple[Recording | str, ...] = ()
        """What is played, side by side; a sentence where there is no recording."""
        self.held = False
        self._place = 0.0
        self._speed = REAL_TIME
        self._timer: Timer | None = None
        self._seen_at = 0.0
        self._unread = 0.0

    def compose(self) -> ComposeResult:
        with Horizontal(id="stands"):
            yield Stand(self._glyphs, id="stand-1")
            yield Stand(self._glyphs, series=2, id="stand-2")
        yield Words(id="position")

    def on_mount(self) -> None:
        self.query_one("#stand-2").display = False

    # --- what is played

    def play(self, acts: Sequence[Recording | str], names: Sequence[str], *, held: bool = False) -> None:
        """Play from the first step.

        Args:
            acts: one or two recordings; a sentence where there is none.
            names: whose they are; shown where there are two.
        """
        self.acts = tuple(acts)
        self.held = held
        self._place = 0.0
        second = self.query_one("#stand-2", Stand)
        second.display = len(acts) > 1
        for stand, name in zip(self.query(Stand), names, strict=False):
            stand.show_name(name if len(acts) > 1 else None)
        self._show_step()
        self._go_on()

    def say(self, words: str) -> None:
        """Play nothing, and show a sentence."""
        self._rest()
        self.acts = ()
        self.query_one("#stand-2").display = False
        self.query_one("#stand-1", Stand).show_name(None)
        self.query_one("#stand-1", Stand).say(words)
        self._show_position()

    @property
    def recordings(self) -> list[Recording]:
        return [act for act in self.acts if not isinstance(act, str)]

    @property
    def steps(self) -> int:
        """Steps of the longest recording."""
        return max((len(recording.actions) for recording in self.recordings), default=0)

    @property
    def step(self) -> int:
        """The step that is shown, from 0 to `steps`."""
        return min(self.steps, int(self._place))

    @property
    def speed(self) -> float:
        """As a factor of real time."""
        return SPEEDS[self._speed]

    @property
    def over(self) -> bool:
        return self.step >= self.steps

    @property
    def moving(self) -> bool:
        """Whether a next frame will come by itself."""
        return self._timer is not None

    # --- what its keys do

    def toggle_hold(self) -> None:
        """Hold the picture, or go on; from the first step again where the end is reached."""
        if self.over and self.acts:
            self._place, self.held = 0.0, False
        else:
            self.held = not self.held
        self._show_step()
        self._go_on()

    def change_speed(self, by: int) -> None:
        self._speed = min(len(SPEEDS) - 1, max(0, self._speed + by))
        self._rest()
        self._show_position()
        self._go_on()

    def go_by(self, steps: int, *, hold: bool = False) -> None:
        """Move on or back.

        Args:
            hold: hold the picture there.
        """
        self.go_to(self.step + steps)
        if hold:
            self.held = True
            self._rest()
            self._show_position()

    def go_to(self, step: int) -> None:
        """Show a step, or the one nearest to it that there is."""
        if not self.acts:
            return
        self._place = float(min(self.steps, max(0, step)))
        self._show_step()
        self._go_on()

    # --- time

    def on_show(self, event: Show) -> None:
        self._go_on()

    def on_hide(self, event: Hide) -> None:
        self._rest()

    def on_resize(self, event: Resize) -> None:
        # The stands have their new size only after the layout.
        self.call_after_refresh(self._shown_anew)

    def _shown_anew(self) -> None:
        self._show_step()
        self._go_on()

    def look(self) -> None:
        """Go on if something may be seen again, on a screen that was under another."""
        self._go_on()

    @property
    def _in_sight(self) -> bool:
        return self.is_mounted and self.size.width > 0 and self.app.screen is self.screen

    def _go_on(self) -> None:
        """Let the next frame come, if there is any."""
        if self.held or not self.recordings or self.over or not self._in_sight:
            self._rest()
        elif self._timer is None:
            self._seen_at = time.monotonic()
            self._timer = self.set_timer(self._interval, self._frame)

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    @property
    def _interval(self) -> float:
        """Seconds to the next frame: as the terminal has it, and no more frames than there are steps."""
        return max(1 / context(self).pace.frames, 1 / (STEPS_PER_SECOND * self.speed))

    def _frame(self) -> None:
        if self._timer is None:
            return  # Held since this frame was called for.
        self._timer = None
        passed = min(time.monotonic() - self._seen_at, MOST_FRAMES_LATE * self._interval)
        with suppress(NoMatches):  # Its parts go before it does.
            if self._in_sight:
                self.advance(passed)
            self._go_on()

    def advance(self, seconds: float) -> None:
        """Let so much of the reader's time pass."""
        self._place = min(float(self.steps), self._place + seconds * STEPS_PER_SECOND * self.speed)
        self._unread += seconds
        self._show_step(figures=self.over or self._unread >= FIGURES_SECONDS)

    # --- what is shown

    def _show_step(self, *, figures: bool = True) -> None:
        if not self.is_mounted:
            return
        if figures:
            self._unread = 0.0
        for stand, act in zip(self.query(Stand), self.acts, strict=False):
            if isinstance(act, str):
                stand.say(act)
            else:
                stand.show(act, self.step, figures=figures)
        if figures:
            self._show_position()

    def _show_position(self) -> None:
        """A bar, the step, the speed, and whether it is held."""
        position = self.query_one("#position", Words)
        if not self.recordings:
            position.show("")
            return
        cells = max(5, min(60, self.size.width - AFTER_BAR - 2))
        share = self.step / self.steps if self.steps else 1.0
        state = "over" if self.over else "held" if self.held else ""
        words = f" {self.step:>3} of {self.steps:<3}  < {self.speed:g} x >"
        position.show(Content.assemble(progress_bar(share, cells, self._glyphs), words, (f"  {state}", "$accent")))
