"""How much may be under way to the terminal: the next frame waits until what was sent before has arrived.

Over a connection, buffers of many seconds lie between a program and what its user sees: who fills them answers a key
late. So each frame ends with a question that terminals answer at once (DSR, `ESC [ 5 n`), and little is sent ahead of
the answers. A terminal that never answers is known by how long it takes to take what is written.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

QUESTION = "\x1b[5n"
ANSWER = b"\x1b[0n"
AHEAD, LEAST_AHEAD, MOST_AHEAD = 4_096.0, 1_024.0, 65_536.0
"""Bytes that may be sent ahead of the answers: at first, at least and at most."""
STEP = 256.0
"""Bytes more that are sent ahead after each answer that came soon."""
SOON, LATE = 0.04, 0.12
"""Seconds that an answer takes beyond the quickest: below the first more is sent ahead, above the second less."""
UNKNOWN, UNKNOWN_SECONDS = 16_384.0, 1.0
"""Bytes that may be sent before the first answer, for so many seconds; then it is taken that none will come."""
STALLED = 3.0
"""Seconds without an answer after which frames are no longer held back for it."""
MOST_STALLS = 3
"""How often in a row that happens before the terminal is taken for one that no longer answers."""
BUFFERED = 16_384.0
"""Bytes that lie between this program and a reader who is slower than it, when a write has to wait (Linux)."""
BLOCKED, TELLING = 0.05, 1_024
"""Seconds that a write takes when it has to wait, and bytes from which it tells how fast the line is."""
MOST_MEMORY = 1.001
"""How fast the quickest answer is forgotten: the way to the terminal may have become longer."""


@dataclass(slots=True)
class _Sent:
    size: int
    at: float


class Flow:
    """Told of each frame, each answer and each write; says when the next frame may go."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            clock: seconds, of which only differences count.
        """
        self._clock = clock
        self._ahead = AHEAD
        self._under_way: deque[_Sent] = deque()
        self._quickest: float | None = None
        self._less_at: float | None = None
        self._asked_at: float | None = None
        self.answers = False
        """Whether the terminal answers."""
        self.rate: float | None = None
        """Bytes a second that the line takes, where a write had to wait for it."""
        self._given_up = 0
        """Questions whose answers may still come, too late to tell anything."""
        self._unanswered = 0
        self._stalls = 0
        self._backlog, self._backlog_at = 0.0, clock()

    @property
    def asks(self) -> bool:
        """Whether the next frame is to end with a question: the first one, and all where that was answered."""
        return self.answers or self._asked_at is None

    @property
    def wait(self) -> float:
        """Seconds until the next frame may go as far as one knows now: 0 is at once; an answer may make it sooner."""
        now = self._clock()
        if self.answers and self._under_way and now - self._under_way[0].at >= STALLED:
            self._give_up(now)
        if self.answers:
            if sum(sent.size for sent in self._under_way) < self._ahead:
                return 0.0
            return max(0.001, self._under_way[0].at + STALLED - now)
        if self._asked_at is not None and self._unanswered >= UNKNOWN and now < self._asked_at + UNKNOWN_SECONDS:
            return self._asked_at + UNKNOWN_SECONDS - now
        if self.rate is None:
            return 0.0
        over = self._waiting(now) - LEAST_AHEAD
        return 0.0 if over < 0 else min(STALLED, max(0.001, over / self.rate))

    def _give_up(self, now: float) -> None:
        """Wait no longer for the answers under way; a terminal of which several are lost is asked no more."""
        self._given_up += len(self._under_way)
        self._under_way.clear()
        self._ahead = LEAST_AHEAD
        self._stalls += 1
        if self._stalls == MOST_STALLS:
            self.answers, self._asked_at, self._unanswered = False, now, 0

    @property
    def room(self) -> int:
        """Bytes that the next frame should have at most: a part of what may go ahead, so that answers come often."""
        if self.answers:
            return int(max(LEAST_AHEAD, self._ahead / 4))
        return int(LEAST_AHEAD if self.rate is not None else MOST_AHEAD)

    def sent(self, size: int) -> None:
        """A frame of so many bytes was given to the line, with a question at its end where `asks` was true."""
        now = self._clock()
        self._backlog, self._backlog_at = self._waiting(now) + size, now
        if self.asks:
            self._asked_at = now if self._asked_at is None else self._asked_at
            self._under_way.append(_Sent(size, now))
        self._unanswered += size

    def answered(self) -> None:
        """The terminal answered the oldest question."""
        self.answers, self._stalls = True, 0
        if not self._under_way:
            self._given_up = max(0, self._given_up - 1)
            return
        took = self._clock() - self._under_way[0].at
        if self._given_up and took < (self._quickest or 0.0) / 2:
            # Sooner than one can come: it belongs to a question that was given up.
            self._given_up -= 1
            return
        self._given_up = 0
        sent = self._under_way.popleft()
        self._quickest = took if self._quickest is None else min(took, self._quickest * MOST_MEMORY)
        late = took - self._quickest
        if late < SOON:
            # By leaps until the line has once been too slow, as TCP does it; then step by step.
            more = STEP if self._less_at is not None else self._ahead / 2
            self._ahead = min(MOST_AHEAD, self._ahead + more)
        elif late > LATE and (self._less_at is None or sent.at >= self._less_at):
            # Once for all that was under way together.
            self._ahead, self._less_at = max(LEAST_AHEAD, self._ahead / 2), self._clock()

    def wrote(self, size: int, seconds: float) -> None:
        """A write of so many bytes took so long: where that is long, buffers are full and the line sets the pace."""
        if seconds >= BLOCKED and size >= TELLING:
            rate = size / seconds
            self.rate = rate if self.rate is None else (self.rate + rate) / 2
            self._backlog, self._backlog_at = BUFFERED, self._clock()
        elif self.rate is not None:
            # As long as nothing has to wait, the line may be faster than it seemed.
            self.rate *= 1.02

    def _waiting(self, now: float) -> float:
        """Bytes that a line of the known rate has not taken yet."""
        return max(0.0, self._backlog - (self.rate or 0.0) * (now - self._backlog_at)) if self.rate else 0.0

    @property
    def unanswered(self) -> int:
        """Questions whose answers are still to come; before the first answer, for as long as it is waited for."""
        waited_for = self._asked_at is not None and self._clock() < self._asked_at + UNKNOWN_SECONDS
        return len(self._under_way) if self.answers or waited_for else 0

    @property
    def slow(self) -> bool:
        """Whether frames are left out now because of the line."""
        return self.rate is not None if not self.answers else self._less_at is not None and self._ahead < UNKNOWN

    def told(self) -> str:
        """In a sentence without its full stop: what is known of the line."""
        if self.answers:
            took = 1000 * (self._quickest or 0.0)
            words = f"The terminal answers within {took:.0f} ms; up to {self._ahead / 1024:.0f} KB are sent ahead of it"
            return f"{words}, so that keys are answered soon" if self.slow else words
        if self.rate is not None:
            return f"The line takes about {self.rate / 1024:.0f} KB a second; frames are left out, keys come first"
        return "The terminal takes everything at once, as far as one can see"
