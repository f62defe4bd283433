"""The cart under the reader's own keys: one episode, stepped by the engine at a speed that a hand can follow."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.css.query import NoMatches
from textual.message import Message
from textual.timer import Timer

from tui_lab.context import context
from tui_lab.glyphs import Glyphs
from tui_lab.widgets.cart import Cart
from tui_lab.widgets.player import FIGURES_SECONDS, STEPS_PER_SECOND
from tui_lab.widgets.stand import NARROW, ending_of, state_lines
from tui_lab.widgets.words import Words

if TYPE_CHECKING:
    from engine.agents.playing import Play

SPEEDS = (0.25, 0.5, 1.0)
USUAL_SPEED = SPEEDS.index(0.25)
LONGEST_GAP = 0.25
"""Seconds: after a longer pause of the terminal the cart does not run on by itself."""
LEFT, RIGHT = 0, 1


class PlayGround(Vertical):
    """An episode waits for its first push, runs, pauses, and is over. A push holds until the other one."""

    DEFAULT_CSS = """
    PlayGround { width: 1fr; height: 1fr; }
    PlayGround #told { height: 1; padding: 0 1; }
    PlayGround #numbers { height: 2; padding: 0 1; }
    """

    class Over(Message):
        """An episode has come to its end."""

        def __init__(self, play: Play, speed: float) -> None:
            super().__init__()
            self.play = play
            self.speed = speed

    class Moved(Message):
        """The return has changed."""

    def __init__(self, glyphs: Glyphs, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._glyphs = glyphs
        self._clock = clock
        self.play: Play | None = None
        """The episode; None while it is being made."""
        self.speed = SPEEDS[USUAL_SPEED]
        self.direction: int | None = None
        """The push that holds; None before the first one."""
        self.paused = False
        self._timer: Timer | None = None
        self._seen_at = 0.0
        self._debt = 0.0
        self._told_at = 0.0

    def compose(self) -> ComposeResult:
        yield Words("Loading the environment ...", id="told")
        yield Cart(self._glyphs)
        yield Words(id="numbers")

    def begin(self, play: Play) -> None:
        """Put up an episode, which waits for the first push."""
        self._rest()
        self.play, self.direction, self.paused = play, None, False
        self._debt = 0.0
        self._show()

    def clear(self, words: str) -> None:
        """Say why there is no episode."""
        self._rest()
        self.play = None
        self.query_one("#told", Words).show(words)

    @property
    def running(self) -> bool:
        return self._timer is not None

    @property
    def begun(self) -> bool:
        """Whether an episode is under way, running or paused."""
        return self.play is not None and self.direction is not None and not self.play.over

    def push(self, direction: int) -> None:
        """Push to a side from now on; the first push begins the episode, and any push ends a pause."""
        if self.play is None or self.play.over:
            return
        self._catch_up()
        if self.play.over:
            return
        self.direction, self.paused = direction, False
        self._show()
        self._go_on()

    def change_speed(self, by: int) -> None:
        """Another speed, for an episode that has not begun yet."""
        if not self.begun:
            place = SPEEDS.index(self.speed) + by
            self.speed = SPEEDS[min(len(SPEEDS) - 1, max(0, place))]
            self._show()

    def toggle_pause(self) -> None:
        if self.begun:
            self.pause() if not self.paused else self._resume()

    def pause(self) -> None:
        """Stand still, where an episode is running."""
        if self.begun and not self.paused:
            self._catch_up()
            self.paused = True
            self._rest()
            self._show()

    def _resume(self) -> None:
        self.paused = False
        self._show()
        self._go_on()

    # --- time

    def _go_on(self) -> None:
        if self.begun and not self.paused and self._timer is None:
            self._seen_at = self._clock()
            self._wait()

    def _wait(self) -> None:
        """Let the next frame come."""
        self._timer = self.set_timer(1 / context(self).pace.frames, self._frame)

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _frame(self) -> None:
        if self._timer is None:
            return  # Paused since this frame was called for.
        if self.app.screen is not self.screen:
            self.pause()
            return
        with suppress(NoMatches):  # Its parts go before it does.
            self._catch_up()
            self._show()
            if self._timer is not None:
                self._wait()

    def _catch_up(self) -> None:
        """Take the steps that time has brought, with the push that has held until now."""
        play = self.play
        if self._timer is None or play is None or self.direction is None:
            return
        now = self._clock()
        self._debt += min(LONGEST_GAP, now - self._seen_at) * STEPS_PER_SECOND * self.speed
        self._seen_at = now
        before = play.steps
        while self._debt >= 1 and not play.over:
            play.step(self.direction)
            self._debt -= 1
        if play.steps != before:
            self.post_message(self.Moved())
        if play.over:
            self._rest()
            self._show()
            self.post_message(self.Over(play, self.speed))

    # --- what is shown

    def _show(self) -> None:
        play = self.play
        if play is None or not self.is_mounted:
            return
        push = {None: 0, LEFT: -1, RIGHT: 1}[self.direction]
        self.query_one(Cart).show([float(value) for value in play.state], 0 if play.over else push)
        self.query_one("#told", Words).show(self._told(play))
        if self.running and self._clock() - self._told_at < FIGURES_SECONDS:
            return
        self._told_at = self._clock()
        return_line = Content.assemble(("return ", "$muted"), f"{play.total_reward:3.0f}")
        lines = [return_line, *state_lines(play.state, play.facts, narrow=self.size.width < NARROW)]
        self.query_one("#numbers", Words).show(Content("\n").join(lines))

    def _told(self, play: Play) -> Content:
        """What is to be done now."""
        speed = Content.styled(f"< {self.speed:g} x >  ", "$muted")
        if play.over:
            return Content.assemble((ending_of(play.recording()), "$accent"), "   r plays on")
        if self.direction is None:
            return Content.assemble(speed, ("press left or right to begin", "bold $accent"))
        side = "left" if self.direction == LEFT else "right"
        state = "paused: space goes on" if self.paused else f"pushing {side}"
        return Content.assemble(speed, (state, "$accent" if self.paused else "$primary"))
