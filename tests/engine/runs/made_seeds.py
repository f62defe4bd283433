"""A crew that trains nothing: it leaves runs in the home folder as if they had been trained and evaluated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.learners.specs import Spec
from engine.runs.crew import Call
from engine.runs.seed_work import EVALUATION_EPISODES, EVALUATION_SEED, Ended, SeedWork
from engine.storage.records import Status
from engine.storage.store import Store
from tests.engine.runs.inline_crew import InlineCrew


def by_learning_rate(spec: Spec) -> float:
    """A score that rises with the learning rate, and by ten a seed."""
    rate: float = spec.to_dict()["config"]["learning_rate"]
    return min(500.0, round(1e5 * rate) + 10.0 * (spec.config.seed % 10))


@dataclass
class MadeSeeds(InlineCrew):
    """A `Crew`. `score` says what a run's evaluation came to."""

    score: Callable[[Spec], float] = by_learning_rate

    def send(self, task: Any, call: Call) -> None:
        assert isinstance(call, SeedWork)
        super().send(task, lambda desk: self._made(call) if not desk.stopping else Ended())

    def _made(self, work: SeedWork) -> Ended:
        store = Store(work.home)
        (store.run_folder(work.run) / "agents" / "last").mkdir(parents=True, exist_ok=True)
        store.update_run(work.run, status=str(Status.FINISHED), progress=1.0)
        returns = np.full(EVALUATION_EPISODES, self.score(work.spec))
        agent = f"{work.run}:last"
        store.add_evaluation(agent, work.run, "CartPole-v1", EVALUATION_SEED, 0, 1.0, returns)
        store.close()
        return Ended()
