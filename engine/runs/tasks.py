"""Jobs that are no runs: evaluating an agent, and collecting a data set; both keep their result. Torch loads late."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from engine.runs.jobs import Job
from engine.storage.names import run_of
from engine.storage.records import Status
from engine.storage.store import Store

if TYPE_CHECKING:
    from engine.agents.evaluation import Evaluation, Evaluator
    from engine.agents.generation import Generator
    from engine.learners.samples import Samples


class EvaluationJob(Job["Evaluator"]):
    """Evaluates an agent and keeps what it scored in the store; `result` is there once it has finished."""

    def __init__(self, store: Store, agent: str, episodes: int, seed: int) -> None:
        super().__init__(f"evaluate {agent}", self._build)
        self.result: Evaluation | None = None
        self._store = store
        self._agent = agent
        self._episodes = episodes
        self._seed = seed
        self._run: str | None = None

    def _build(self) -> Evaluator:
        from engine.agents.evaluation import Evaluator
        from engine.storage.library import environment_of, find_agent

        self._run = run_of(self._store, self._agent)
        agent = find_agent(self._store, self._agent)
        return Evaluator(agent, self._episodes, self._seed, environment_of(agent))

    def _end(self, status: Status) -> None:
        if status == Status.FINISHED and self.work is not None:
            result = self.result = self.work.result()
            self._store.add_evaluation(
                self._agent,
                self._run,
                result.environment,
                result.seed,
                result.perfect,
                result.seconds,
                result.returns,
            )
        self._store.close()


class DataSetJob(Job["Generator"]):
    """Lets an agent act until so many pairs are collected, and keeps them as a CSV file and in `samples`."""

    def __init__(self, store: Store, agent: str, samples: int, seed: int, path: Path | None = None) -> None:
        """
        Args:
            path: the file to write; without one, a place in the home folder.
        """
        super().__init__(f"generate {agent}", self._build)
        typeable = re.sub(r"[^A-Za-z0-9.,_-]", "-", agent)  # an agent may be a path, and must not lead out of the home
        self.path = path or store.home / "data" / f"{typeable}-{samples}-seed{seed}.csv"
        self.samples: Samples | None = None
        self._store = store
        self._request = (agent, samples, seed)

    def _build(self) -> Generator:
        from engine.agents.generation import Generator
        from engine.storage.library import find_agent

        agent, samples, seed = self._request
        return Generator(find_agent(self._store, agent), samples, seed)

    def _end(self, status: Status) -> None:
        from engine.storage.data_sets import write_csv

        if status == Status.FINISHED and self.work is not None:
            samples = self.work.result()
            write_csv(self.path, samples)
            self.samples = samples
        self._store.close()
