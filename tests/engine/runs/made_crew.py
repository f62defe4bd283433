"""A crew that trains nothing: it makes the outcomes of trials up, as many as a test allows."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from engine.learners.specs import Spec
from engine.runs.crew import Call, Lost
from engine.runs.trial import Outcome, Trial
from tests.engine.runs.small_study import outcome


def by_learning_rate(spec: Spec) -> Outcome:
    """A score that rises with the learning rate, and falls by one a seed."""
    config = spec.to_dict()["config"]
    return outcome(spec.config.seed, min(500.0, 1e5 * config["learning_rate"]) - spec.config.seed)


class MadeCrew:
    """A `Crew`. `allowed` outcomes are still told; None tells all. `sent` are the specs, in order."""

    away = False
    size = 2

    def __init__(self, score: Callable[[Spec], Outcome] = by_learning_rate, allowed: int | None = None) -> None:
        self.score = score
        self.allowed = allowed
        self.sent: list[Spec] = []
        self.closed = False
        self._under_way: list[tuple[Any, Spec]] = []

    @property
    def tasks(self) -> list[Any]:
        return [task for task, _ in self._under_way]

    @property
    def has_room(self) -> bool:
        return len(self._under_way) < self.size

    @property
    def shares(self) -> dict[Any, float]:
        return {}

    def send(self, task: Any, call: Call) -> None:
        assert isinstance(call, Trial)
        self.sent.append(call.spec)
        self._under_way.append((task, call.spec))

    def listen(self, seconds: float) -> list[tuple[Any, Outcome | Lost]]:
        if not self._under_way or self.allowed == 0:
            time.sleep(min(seconds, 0.01))
            return []
        if self.allowed is not None:
            self.allowed -= 1
        task, spec = self._under_way.pop(0)
        return [(task, self.score(spec))]

    def stop(self) -> None:
        self.allowed = 0

    def drop(self) -> None:
        self._under_way.clear()

    def close(self) -> None:
        self._under_way.clear()
        self.closed = True
