"""Takes a terminal's answers out of what is typed."""

from __future__ import annotations

from tui_lab.terminal.flow import ANSWER


class Answers:
    """Answers come between keys, and the bytes of one may come in two pieces."""

    def __init__(self) -> None:
        self._held = b""

    def take(self, data: bytes) -> tuple[bytes, int]:
        """What was typed, without the answers in it, and how many these are. An end that may become one is held."""
        data = self._held + data
        count = data.count(ANSWER)
        data = data.replace(ANSWER, b"")
        begun = next((length for length in range(len(ANSWER) - 1, 0, -1) if data.endswith(ANSWER[:length])), 0)
        self._held = data[len(data) - begun :]
        return data[: len(data) - begun], count

    def release(self) -> bytes:
        """What was held: nothing came after it, so it was typed."""
        held, self._held = self._held, b""
        return held
