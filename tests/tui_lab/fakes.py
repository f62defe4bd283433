"""A learner that learns nothing, fast and always the same, for tests of the screens; and screens as plain text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from textual.app import App

from engine.laboratory import Laboratory
from engine.learners.kinds import Learner
from engine.learners.metrics import Episode, MetricLog
from engine.learners.specs import RowsSpec
from engine.runs.run import Run


class FakeLearner:
    """Counts. Of an imitation run it reports rising accuracies, of a DQN run rising returns. With `hold_at` it stays
    at that unit for ever, so that a test can look at a run in progress."""

    def __init__(self, run: Run, units: int, hold_at: int | None) -> None:
        self.log: MetricLog = run.log
        self._supervised = isinstance(run.spec, RowsSpec)
        self._units = units
        self._hold_at = hold_at
        self._unit = 0

    @property
    def finished(self) -> bool:
        return self._unit >= self._units

    @property
    def progress(self) -> float:
        return self._unit / self._units

    def advance(self) -> None:
        if self._hold_at is not None and self._unit >= self._hold_at:
            return
        self._unit += 1
        share = self._unit / self._units
        if self._supervised:
            for side, gap in (("train", 0.02), ("test", 0.0)):
                self.log.append(f"{side}_accuracy", self._unit, 0.6 + 0.3 * share + gap)
                self.log.append(f"{side}_loss", self._unit, 0.69 - 0.4 * share - gap)
            return
        self.log.append("return", self._unit - 1, 20 + 400 * share)
        for name, value in (("loss", 2 * share), ("q", 60 * share), ("epsilon", 1 - share), ("grad_norm", 1.0)):
            self.log.append(name, 50 * self._unit, value)
        self.log.add_episode(Episode(self._unit - 1, 50 * self._unit, 20 + 400 * share, 50, 1 - share, True, False))

    def counters(self) -> dict[str, int]:
        name = "epochs" if self._supervised else "episodes"
        return {name: self._unit, "gradient_steps": 10 * self._unit}

    def state(self) -> dict[str, Any]:
        return {"unit": self._unit, "weights": np.zeros(2, np.float32)}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._unit = state["unit"]

    def policies(self) -> dict[str, Any]:
        return {}


def use_fake_learners(lab: Laboratory, *, hold_at: int | None = None) -> None:
    """Let every run of this laboratory drive a `FakeLearner`."""

    class FakeRun(Run):
        def _learner(self) -> Learner:
            spec: Any = self.spec
            units = spec.config.epochs if isinstance(spec, RowsSpec) else spec.episodes
            return FakeLearner(self, units, hold_at)

    lab.run_type = FakeRun


def drawn_text(app: App[Any]) -> str:
    """What the terminal shows, as plain text."""
    strips = app.screen._compositor.render_strips(app.size)
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


def screen_text(app: App[Any]) -> str:
    """What the terminal shows, as plain text; what changes from run to run is masked."""
    text = drawn_text(app)
    text = re.sub(r"\b[b-z][aeiou][b-z][aeiou][2-9]\b", "RUNID", text)
    text = re.sub(r"\b\d+\.\d s\b", "T s", text)
    return re.sub(r"state [0-9a-f]{8}", "state HASHHASH", text)
