"""Where an episode begins, as a value that any agent can be put to. No torch, no environment in here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The start of one episode of an evaluation: its index, from 0, and how many episodes the evaluation has."""

    episode: int
    episodes: int


@dataclass(frozen=True, slots=True)
class Start:
    """A start that a seed names: of an environment reset to it, or of an evaluation from it, the episode in that."""

    seed: int
    evaluated: Evaluated | None = None
