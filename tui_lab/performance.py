"""What is to be watched, and the recordings that this takes; must not draw, and is called in a thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from engine.agents.names import YOU
from engine.agents.starts import Start
from tui_lab.text import agent_title, count, counted

if TYPE_CHECKING:
    from engine.agents.recording import Recording
    from engine.laboratory import Laboratory
    from engine.storage.plays import KeptPlay

Which = Literal["worst", "best"]


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wants to see.

    agents: one, or two from the same start; the first one decides about that.
    turn: which start, from 0 on.
    which: instead of a turn, the worst or the best start of the first agent's kept evaluation.
    """

    agents: tuple[str, ...]
    turn: int = 0
    which: Which | None = None


@dataclass(frozen=True, slots=True)
class Performance:
    """The recordings of what was asked for, in the order of its agents; in place of one, why there is none.

    about: which start this is, in words.
    """

    request: Request
    about: str
    acts: tuple[Recording | str, ...]


class NotEvaluatedError(ValueError):
    """No evaluation is kept that would say which start is the worst."""


def perform(lab: Laboratory, request: Request) -> Performance:
    """Let the agents play. Takes up to a second.

    Raises:
        ValueError, OSError: the first agent cannot play, in a sentence.
        NotEvaluatedError: its worst or best start is asked for, and none is known.
    """
    first, about = _first(lab, request)
    acts = [first, *(_beside(lab, agent, first) for agent in request.agents[1:])]
    return Performance(request, about, tuple(acts))


def _first(lab: Laboratory, request: Request) -> tuple[Recording, str]:
    """The first agent's episode, and which start it has."""
    agent = request.agents[0]
    if YOU in request.agents and (request.which is None or agent == YOU):
        kept = _own(lab, request)
        about = _about_own(lab, kept, request.which)
        return (lab.played_recording(kept) if agent == YOU else lab.recording(agent, Start(kept.seed))), about
    if request.which is None:
        return lab.recording(agent, Start(request.turn)), f"start {request.turn}"
    evaluation = lab.evaluation_to_watch(agent)
    if evaluation is None:
        raise NotEvaluatedError(f"no evaluation of {agent_title(agent)} is kept.")
    recording = lab.evaluated_recording(agent, evaluation, request.which)
    assert recording.start.evaluated is not None
    number, whole = count(recording.start.evaluated.episode + 1), count(evaluation.episodes)
    if evaluation.min == evaluation.max:
        return recording, f"start {number} of seed {evaluation.seed}: all {whole} starts return {evaluation.min:.0f}"
    return recording, f"{request.which} of {whole} starts: number {number} of seed {evaluation.seed}"


def _own(lab: Laboratory, request: Request) -> KeptPlay:
    """The reader's own episode: the newest one at turn 0 and then back in time, or the worst or best there is."""
    plays = lab.kept_plays()
    if not plays:
        raise ValueError("you have not played an episode to its end yet.")
    if request.which is not None:
        return (min if request.which == "worst" else max)(plays, key=lambda kept: kept.steps)
    return plays[-1 - request.turn % len(plays)]


def _about_own(lab: Laboratory, kept: KeptPlay, which: Which | None) -> str:
    plays = lab.kept_plays()
    number = plays.index(kept) + 1
    whole = counted(len(plays), "episode")
    return f"your {which} of {whole}" if which else f"your episode {number} of {len(plays)}, start {kept.seed}"


def _beside(lab: Laboratory, agent: str, first: Recording) -> Recording | str:
    """Another agent from the start that the first one had."""
    try:
        if agent == YOU:
            own = [kept for kept in lab.kept_plays() if Start(kept.seed) == first.start]
            return lab.played_recording(own[-1]) if own else "you did not play from this start."
        recording = lab.recording(agent, first.start)
    except (ValueError, OSError) as error:
        return str(error)
    if recording.facts.id != first.facts.id:
        return f"{agent_title(agent)} acts in {recording.facts.id}, not in {first.facts.id}."
    return recording
