"""The rows that a run learns from, read from its file or generated; keeps nothing. Torch loads late."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from engine.learners.specs import DataSource
from engine.runs.jobs import StoppedError
from engine.storage.store import Store

if TYPE_CHECKING:
    from engine.learners.samples import Samples


def rows_of(store: Store, source: DataSource, stopping: Callable[[], bool]) -> Samples:
    """The rows of a source; generating them may take seconds.

    Args:
        stopping: asked every few environment steps whether to give up.

    Raises:
        StoppedError: it was to stop.
        AgentError: there is no such agent.
        DataError: the file holds no rows.
    """
    from engine.agents.generation import Generator
    from engine.storage.data_sets import read_csv
    from engine.storage.library import find_agent

    if source.path is not None:
        return read_csv(Path(source.path))
    generator = Generator(find_agent(store, source.agent or "perfect"), source.samples, source.seed)
    while not generator.finished:
        if stopping():
            raise StoppedError
        generator.advance()
    return generator.result()
