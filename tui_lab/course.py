"""The course as the lab uses it: the lessons, and that what their benches name exists and fits."""

from __future__ import annotations

import difflib
from pathlib import Path

from engine.config import DQNConfig
from engine.presets import PRESETS
from engine.store import LATEST
from tui_lab.lesson import Bench, Chart, Data, Evaluate, Lesson, LessonError, Run, Watch, load_course

IMITATION_CHARTS = ("accuracy", "loss")
DQN_CHARTS = ("return", "loss", "q", "epsilon", "grad_norm")
RULES = ("perfect", "random", "left", "right", "angle")


def open_course(folder: Path | None = None) -> tuple[Lesson, ...]:
    """The lessons of a folder, the lab's own without one.

    Raises:
        LessonError: a file is broken, or a bench names a preset, an agent or a chart that it can not have.
    """
    course = load_course(folder)
    for lesson in course:
        for bench in lesson.benches:
            _check_bench(lesson, bench)
    return course


def _check_bench(lesson: Lesson, bench: Bench) -> None:
    match bench:
        case Run():
            _check_presets(lesson, bench.line, bench.presets, bench.charts)
        case Chart():
            _check_presets(lesson, bench.line, bench.presets, (bench.chart,))
        case Watch() | Evaluate():
            for agent in bench.agents:
                _check_agent(lesson, bench.line, agent)
        case Data():
            _check_agent(lesson, bench.line, bench.agent)


def _check_presets(lesson: Lesson, line: int, presets: tuple[str, ...], charts: tuple[str, ...]) -> None:
    for preset in presets:
        if preset not in PRESETS:
            raise _error(lesson, line, f"names the preset {preset!r}", preset, tuple(PRESETS))
    supervised = {not isinstance(PRESETS[preset].config, DQNConfig) for preset in presets}
    if len(supervised) > 1:
        raise LessonError(
            lesson.path, line, "the bench mixes imitation and deep Q-learning; give each a bench of its own"
        )
    fitting = IMITATION_CHARTS if supervised == {True} else DQN_CHARTS
    for chart in charts:
        if chart not in fitting:
            raise _error(lesson, line, f"has the chart {chart!r}, which these presets do not measure", chart, fitting)


def _check_agent(lesson: Lesson, line: int, agent: str) -> None:
    if agent.startswith(LATEST):
        preset = agent.removeprefix(LATEST)
        if preset not in PRESETS:
            raise _error(lesson, line, f"names the agent {agent!r}", preset, tuple(PRESETS))
    elif not agent.startswith("linear:") and agent not in RULES:
        raise _error(lesson, line, f"names the agent {agent!r}", agent, (*RULES, "linear:w1,w2,w3,w4", "latest:PRESET"))


def _error(lesson: Lesson, line: int, what: str, given: str, known: tuple[str, ...]) -> LessonError:
    near = difflib.get_close_matches(given, known, n=1)
    right = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
    return LessonError(lesson.path, line, f"the bench {what}; {right}")
