"""Lets whoever answers a key have the interpreter for a moment: jobs wait between two steps until then."""

from __future__ import annotations

import time

LONGEST_WAIT = 0.02
"""Seconds that a job waits at a time, so that it answers a stop or a pause as promptly as ever."""


class Courtesy:
    """Asked for by one thread, given by others. It changes when steps are taken, never what they do."""

    def __init__(self) -> None:
        self._until = 0.0

    def ask(self, seconds: float) -> None:
        """From now on, for so long, jobs are to give way."""
        self._until = time.monotonic() + seconds

    def give_way(self) -> None:
        """Between two steps: wait a little, while that is asked for."""
        left = self._until - time.monotonic()
        if left > 0:
            time.sleep(min(left, LONGEST_WAIT))
