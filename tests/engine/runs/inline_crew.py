"""A crew that does its calls in the caller's own thread, one at a time, for tests of whoever has a crew."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.runs.crew import Call, Lost


@dataclass
class _Desk:
    stopping: bool = False

    def tell(self, share: float) -> None:
        pass


@dataclass
class InlineCrew:
    """A `Crew`.

    lost: tasks whose process dies. allowed: how many calls are done; None does all, and others are waited for in vain.
    sent: the tasks, in order.
    """

    lost: set[Any] = field(default_factory=set)
    allowed: int | None = None
    sent: list[Any] = field(default_factory=list)
    closed: bool = False
    away = False
    size = 2
    _under_way: list[tuple[Any, Call]] = field(default_factory=list)
    _desk: _Desk = field(default_factory=_Desk)

    @property
    def tasks(self) -> list[Any]:
        return [task for task, _ in self._under_way]

    @property
    def has_room(self) -> bool:
        return len(self._under_way) < self.size

    @property
    def shares(self) -> dict[Any, float]:
        return dict.fromkeys(self.tasks, 0.5)

    def send(self, task: Any, call: Call) -> None:
        self.sent.append(task)
        self._under_way.append((task, call))

    def listen(self, seconds: float) -> list[tuple[Any, Any]]:
        if not self._under_way or (self.allowed == 0 and not self._desk.stopping):
            return []
        if self.allowed is not None:
            self.allowed -= 1
        task, call = self._under_way.pop(0)
        return [(task, Lost("was ended by SIGKILL") if task in self.lost else call(self._desk))]

    def stop(self) -> None:
        self._desk.stopping = True

    def drop(self) -> None:
        self._under_way.clear()

    def close(self) -> None:
        """What was closed can be opened again."""
        self._under_way.clear()
        self._desk = _Desk()
        self.closed = True
