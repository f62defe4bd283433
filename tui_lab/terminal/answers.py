"""Takes a terminal's answers out of what is typed."""

from __future__ import annotations

from tui_lab.terminal.flow import ANSWER


class Answers:
    """Answers come between keys, and the bytes of one may come in two pieces."""

    def __init__(self) -> None:
        self._held = b""

    def take(self, data: bytes, *, expected: bool = True) -> tuple[bytes, int]:
        """What was typed, without the answers in it, and how many these are.

        Args:
            expected: whether an answer is under way, so that an end that may become one is held for a moment.
        """
        data = self._held + data
        count = data.count(ANSWER)
        data = data.replace(ANSWER, b"")
        lengths = range(len(ANSWER) - 1, 0, -1) if expected else ()
        begun = next((length for length in lengths if data.endswith(ANSWER[:length])), 0)
        self._held = data[len(data) - begun :]
        return data[: len(data) - begun], count

    def release(self) -> bytes:
        """What was held: nothing came after it, so it was typed."""
        held, self._held = self._held, b""
        return held
