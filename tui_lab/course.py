"""The course as the lab uses it: the lessons, and every rule that one must keep. Asks the registry; knows no kind."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

from engine.agents.names import AgentError, linear_weights
from engine.analysis.experiments import MOST_SEEDS
from engine.learners.kinds import kind_of, presets
from engine.learners.specs import EpisodesSpec, RowsSpec
from engine.storage.names import LATEST
from tui_lab.lesson import (
    Bench,
    Chart,
    Data,
    Evaluate,
    Lesson,
    LessonError,
    Prose,
    Run,
    Settings,
    Tune,
    Watch,
    load_course,
)

RULES = ("perfect", "random", "left", "right", "angle")
WIDEST_TABLE = 60
"""Columns of a table's source, so that it fits the narrowest pane."""


def open_course(folder: Path | None = None) -> tuple[Lesson, ...]:
    """The lessons of a folder, the lab's own without one.

    Raises:
        LessonError: a file is broken, or a lesson breaks one of the rules in `lessons/README.md`.
    """
    course = load_course(folder)
    trained: set[str] = set()
    for lesson in course:
        for bench in lesson.benches:
            _check_bench(lesson, bench)
            trained |= _made_as_named(bench)
            _check_is_trained_before(lesson, bench, trained)
        _check_parts(lesson)
    return course


def _check_parts(lesson: Lesson) -> None:
    """Something to do and something to answer in every lesson, and tables that fit."""
    if not lesson.benches:
        raise LessonError(lesson.path, 1, "the lesson has no bench, such as a run or a watch block")
    if not lesson.questions:
        raise LessonError(lesson.path, 1, "the lesson has no question, which is a predict or a quiz block")
    for part in lesson.parts:
        for line, text in _lines(part) if isinstance(part, Prose) else ():
            if text.startswith("|") and len(text) > WIDEST_TABLE:
                problem = f"this table row has {len(text)} columns; {WIDEST_TABLE} fit the narrowest pane"
                raise LessonError(lesson.path, line, problem)


def _lines(prose: Prose) -> Iterator[tuple[int, str]]:
    return enumerate(prose.markdown.split("\n"), prose.line)


def _check_bench(lesson: Lesson, bench: Bench) -> None:
    match bench:
        case Run():
            _check_presets(lesson, bench.line, bench.presets, bench.charts)
            _check_budget(lesson, bench, bench.presets[0])
        case Chart():
            _check_presets(lesson, bench.line, bench.presets, (bench.chart,))
        case Watch() | Evaluate():
            for agent in bench.agents:
                _check_agent(lesson, bench.line, agent)
        case Data():
            _check_agent(lesson, bench.line, bench.agent)
        case Tune():
            _check_presets(lesson, bench.line, (bench.preset,), ())
            kind = kind_of(presets()[bench.preset].spec)
            if kind.space is None:
                raise LessonError(lesson.path, bench.line, f"there is no search space for {kind.title} yet")
        case Settings():
            _check_presets(lesson, bench.line, (bench.preset,), ())
            _check_budget(lesson, bench, bench.preset)
            _check_settings(lesson, bench)


def _check_settings(lesson: Lesson, bench: Settings) -> None:
    known = presets()[bench.preset].spec.config_type.names()
    for name in bench.settings or ():
        if name not in known:
            raise _error(lesson, bench.line, f"names the setting {name!r}", name, known)
    if bench.seeds > MOST_SEEDS:
        raise LessonError(
            lesson.path, bench.line, f"the bench has `seeds` = {bench.seeds}, which must be 1 to {MOST_SEEDS}"
        )


def _check_presets(lesson: Lesson, line: int, names: tuple[str, ...], charts: tuple[str, ...]) -> None:
    known = presets()
    for name in names:
        if name not in known:
            raise _error(lesson, line, f"names the preset {name!r}", name, tuple(known))
    kinds = {kind_of(known[name].spec).name: kind_of(known[name].spec) for name in names}
    if len(kinds) > 1:
        titles = " and ".join(kind.title for kind in kinds.values())
        raise LessonError(lesson.path, line, f"the bench mixes {titles}; give each a bench of its own")
    (kind,) = kinds.values()
    fitting = tuple(chart.name for chart in kind.charts)
    for chart in charts:
        if chart not in fitting:
            raise _error(lesson, line, f"has the chart {chart!r}, which these presets do not measure", chart, fitting)


def _check_budget(lesson: Lesson, bench: Run | Settings, preset: str) -> None:
    spec = presets()[preset].spec
    if bench.episodes is not None and not isinstance(spec, EpisodesSpec):
        problem = "the bench has `episodes`, but its presets learn from rows; `samples` says how many"
        raise LessonError(lesson.path, bench.line, problem)
    if bench.samples is not None and not isinstance(spec, RowsSpec):
        problem = "the bench has `samples`, but its presets learn from episodes; `episodes` says how many"
        raise LessonError(lesson.path, bench.line, problem)


def _check_is_trained_before(lesson: Lesson, bench: Bench, trained: set[str]) -> None:
    """What a bench shows must be something that the reader can have made by then."""
    for preset in _presets_shown(bench):
        if preset not in trained:
            problem = (
                f"the bench shows a run of {preset!r}, which no bench before it trains; place a run block first, "
                f"without `episodes` and `samples`"
            )
            raise LessonError(lesson.path, bench.line, problem)


def _made_as_named(bench: Bench) -> set[str]:
    """The presets that a bench trains as they are: a run with another budget is not what their names stand for."""
    whole = isinstance(bench, Run) and bench.episodes is None and bench.samples is None
    return set(bench.presets) if isinstance(bench, Run) and whole else set()


def _presets_shown(bench: Bench) -> list[str]:
    if isinstance(bench, Chart):
        return list(bench.presets)
    agents = bench.agents if isinstance(bench, Watch | Evaluate) else (bench.agent,) if isinstance(bench, Data) else ()
    return [agent.removeprefix(LATEST) for agent in agents if agent.startswith(LATEST)]


def _check_agent(lesson: Lesson, line: int, agent: str) -> None:
    if agent.startswith(LATEST):
        preset, known = agent.removeprefix(LATEST), presets()
        if preset not in known:
            raise _error(lesson, line, f"names the agent {agent!r}", preset, tuple(known))
        return
    try:
        linear = linear_weights(agent) is not None
    except AgentError as error:
        raise LessonError(lesson.path, line, f"the bench names the agent {error}") from None
    if not linear and agent not in RULES:
        raise _error(lesson, line, f"names the agent {agent!r}", agent, (*RULES, "linear:w1,w2,w3,w4", "latest:PRESET"))


def _error(lesson: Lesson, line: int, what: str, given: str, known: tuple[str, ...]) -> LessonError:
    near = difflib.get_close_matches(given, known, n=1)
    right = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
    return LessonError(lesson.path, line, f"the bench {what}; {right}")
