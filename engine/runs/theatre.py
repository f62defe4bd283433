"""Episodes to look at and to play in a home folder: an agent's, an evaluation's worst, a person's own. Torch-free."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Literal

import numpy as np

from engine.agents.names import AgentError
from engine.agents.starts import Evaluated, Start
from engine.learners.kinds import preset_spec
from engine.learners.samples import DataError
from engine.learners.specs import DataSource, ImitationSpec
from engine.runs.workshop import Workshop
from engine.storage.names import LATEST, agent_names, best_of, run_of, weights_of
from engine.storage.plays import KeptPlay, count_rows, keep_play, kept_plays, write_rows
from engine.storage.records import EvaluationRecord, StoreError

if TYPE_CHECKING:
    from engine.agents.playing import Play
    from engine.agents.recording import Recording
    from engine.runs.run import Run

EPISODES_TO_WATCH = 1_000
"""Starts of the evaluation whose worst and best are shown."""
CLONE_PRESET = "mlp-1"
"""What a person's clone is trained with: few rows, so not the largest network."""
CLONE_NAME = "my-clone"


class Theatre(Workshop):
    """A workshop whose agents can be watched, and that keeps what a person plays."""

    # --- episodes to look at

    def evaluation_to_watch(self, agent: str) -> EvaluationRecord | None:
        """The newest kept evaluation, from any seed and of the course's size, of what an agent's name means now."""
        run, names = run_of(self.store, agent), {agent}
        if run is not None and (agent.startswith(LATEST) or ":" not in agent):
            # The same weights go by the run's id too, and by the name that its training was evaluated under.
            names |= {run, *(f"{run}:{best_of(weights)}" for weights in [weights_of(self.store, run)] if weights)}
        return self.store.newest_evaluation(names, run, None, EPISODES_TO_WATCH)

    def recording(self, agent: str, start: Start) -> Recording:
        """Play and record one episode. Takes up to a second: not for the screen's thread.

        Raises:
            AgentError: there is no such agent.
        """
        from engine.agents.recording import record
        from engine.storage.library import environment_of, find_agent

        found = find_agent(self.store, agent)
        return record(found, start, environment_of(found))

    def evaluated_recording(self, agent: str, kept: EvaluationRecord, which: Literal["worst", "best"]) -> Recording:
        """The episode of a kept evaluation with the lowest or the highest return, the first of several, played again.

        Raises:
            AgentError: there is no such agent, or it does not do any more what it did when it was evaluated.
            StoreError: the returns of the evaluation are gone.
        """
        returns = self.store.returns(kept.id)
        if len(returns) != kept.episodes:
            raise StoreError(f"the returns of the evaluation of {agent!r} are gone; evaluate it again.")
        episode = int(returns.argmin() if which == "worst" else returns.argmax())
        recording = self.recording(agent, Start(kept.seed, Evaluated(episode, kept.episodes)))
        if recording.total_reward != returns[episode]:
            raise AgentError(
                f"{agent!r} now returns {recording.total_reward:g} where its evaluation has {returns[episode]:g}: "
                f"the agent, the machine or PyTorch has changed since. Evaluate it again."
            )
        return recording

    # --- playing it oneself

    def play(self, seed: int) -> Play:
        """An episode for a person to play. The first one takes half a second: not for the screen's thread."""
        from engine.agents.playing import Play

        return Play(seed)

    def kept_plays(self) -> list[KeptPlay]:
        """The episodes that were played to their end, oldest first."""
        return kept_plays(self.store.home)

    def keep_play(self, play: Play, speed: float) -> KeptPlay:
        """Keep an episode that was played to its end, at so many times real time.

        Raises:
            OSError: it cannot be written.
        """
        return keep_play(self.store.home, play.recording(), speed)

    def played_recording(self, kept: KeptPlay) -> Recording:
        """A kept episode for replay: its actions lead through the same states once more.

        Raises:
            DataError: its file is damaged, or its actions lead elsewhere now.
        """
        from engine.agents.playing import replay
        from engine.storage.data_sets import read_csv

        samples = read_csv(kept.path)
        recording = replay(kept.seed, samples.actions).recording()
        if not np.array_equal(recording.states[:-1], samples.states):
            raise DataError(f"{kept.path} cannot be played again: its actions lead elsewhere from its start.")
        return recording

    def train_played_clone(self) -> Run:
        """Start the run that trains a clone on everything that was played; it is saved as the next `my-clone-N`.

        Writes files: not for the screen's thread.

        Raises:
            DataError: too little was played.
            StoreError, OSError: the home folder cannot be written.
        """
        paths, counts = write_rows(self.store.home, plays := self.kept_plays()), count_rows(plays)
        preset = preset_spec(CLONE_PRESET)
        assert isinstance(preset, ImitationSpec)
        train, test = (
            DataSource(path=str(path.resolve()), samples=rows)
            for path, rows in zip(paths, (counts.train, counts.test), strict=True)
        )
        taken = {*agent_names(self.store), *(run.name for run in self.store.runs())}
        name = next(name for number in count(1) if (name := f"{CLONE_NAME}-{number}") not in taken)
        return self.start(ImitationSpec(preset.config, train, test), name=name)
