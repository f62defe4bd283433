"""A learner that learns nothing, fast and always the same, for tests of the screens; and screens as plain text."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from textual.app import App

from engine.laboratory import Laboratory
from engine.learners.kind import Learner
from engine.learners.metrics import Episode, MetricLog
from engine.learners.specs import RowsSpec
from engine.runs.run import Run

STEP_SECONDS = 0.002


@dataclass
class Fakes:
    """What the fake learners of a laboratory do, from now on.

    hold_at: the unit at which they stay, so that a test can look at a run in progress; None lets them go on.
    failure: what they fail with at their next step.
    """

    hold_at: int | None = None
    failure: Exception | None = None


class FakeLearner:
    """Counts. Of an imitation run it reports rising accuracies, of a DQN run rising returns."""

    def __init__(self, run: Run, units: int, fakes: Fakes) -> None:
        self.log: MetricLog = run.log
        self._supervised = isinstance(run.spec, RowsSpec)
        self._units = units
        self._fakes = fakes
        self._unit = 0
        self._between_steps = threading.Event()

    @property
    def finished(self) -> bool:
        return self._unit >= self._units

    @property
    def progress(self) -> float:
        return self._unit / self._units

    def advance(self) -> None:
        if self._fakes.failure is not None:
            raise self._fakes.failure
        if self._fakes.hold_at is not None and self._unit >= self._fakes.hold_at:
            self._between_steps.wait(STEP_SECONDS)  # As long as a real step: a thread that spins starves the screen.
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
        steps = {"epochs": self._unit} if self._supervised else {"episodes": self._unit, "env_steps": 50 * self._unit}
        return {**steps, "gradient_steps": 10 * self._unit}

    def state(self) -> dict[str, Any]:
        return {"unit": self._unit, "weights": np.zeros(2, np.float32), "counters": self.counters()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._unit = state["unit"]

    def policies(self) -> dict[str, Any]:
        return {}


def use_fake_learners(lab: Laboratory, *, hold_at: int | None = None) -> Fakes:
    """Let every run of this laboratory drive a `FakeLearner`; what these do can be changed at any time."""
    told = Fakes(hold_at)

    class FakeRun(Run):
        fakes = told

        def _learner(self) -> Learner:
            spec: Any = self.spec
            units = spec.config.epochs if isinstance(spec, RowsSpec) else spec.episodes
            return FakeLearner(self, units, told)

    lab.run_type = FakeRun
    return told


def fakes(app: Any) -> Fakes:
    """What the fake learners of an app's laboratory do."""
    found: Fakes = app.lab.run_type.fakes
    return found


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
