"""A third kind of learner in the app: a lesson of its own trains it, draws its own chart, watches and evaluates it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine.laboratory import Laboratory
from engine.learners.kinds import unregister
from engine.storage.records import Status
from tests.engine.kinds.third import third_kind
from tests.tui_lab.pilot import LabPilot, bench, block, finish_all, flat, has_points, only, rows, until, words
from tui_lab.app import LabApp
from tui_lab.course import open_course
from tui_lab.lesson import LessonError
from tui_lab.screens.course_map import CourseMap
from tui_lab.widgets.chart import Chart
from tui_lab.widgets.chart_bench import ChartBench
from tui_lab.widgets.evaluate_bench import EvaluateBench
from tui_lab.widgets.watch_bench import WatchBench

HEAD = """+++
title = "On-policy"
section = "9"
summary = "What SARSA learns from."
minutes = 5
+++

"""
QUESTION = block("predict", id="sarsa-guess", question="Which?", options=["this", "that"], reveal="See.")
TRAIN = block("run", title="Train SARSA", presets=["sarsa", "sarsa-car"], charts=["td_error", "return"])
LESSON = [
    TRAIN,
    block("chart", title="Compare", presets=["sarsa", "sarsa-car"], chart="td_error"),
    block("watch", title="Watch", agents=["latest:sarsa", "latest:sarsa-car"]),
    block("evaluate", title="Evaluate", agents=["latest:sarsa", "random"], seed=1, episodes=20),
    QUESTION,
]
ERROR_CHART, RETURN_CHART = "size of the TD error by step", "return by episode"


@pytest.fixture(autouse=True)
def third() -> Iterator[None]:
    with third_kind():
        yield


def write(folder: Path, *blocks: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "01-on-policy.md").write_text(HEAD + "\n".join(blocks), encoding="utf-8")
    return folder


@asynccontextmanager
async def opened(tmp_path: Path, *blocks: str) -> AsyncIterator[tuple[LabApp, LabPilot]]:
    """The lab with a course of one lesson, open at it; its learners are real."""
    lab = Laboratory(tmp_path / "home")
    app = LabApp(tmp_path / "home", glyphs="braille", low_bandwidth="off", lab=lab)
    app.course = open_course(write(tmp_path / "lessons", *(blocks or LESSON)))
    try:
        async with app.run_test(size=(160, 48)) as pilot:
            app.open_lesson(app.course[0])
            await pilot.pause()
            yield app, pilot
    finally:
        lab.close()


async def train(app: LabApp, pilot: LabPilot, *keys: str) -> None:
    await pilot.press("1", *keys)
    await finish_all(app, pilot)


# --- the bench that trains


async def test_r_trains_the_preset_and_its_own_chart_is_drawn(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, pilot):
        await until(pilot, lambda: "not trained yet, 450 parameters" in rows(app)[0])
        assert "not trained yet, 387 parameters" in rows(app)[1]
        await train(app, pilot, "r")
        (record,) = app.lab.store.runs()
        assert (record.kind, record.preset, record.status) == ("sarsa", "sarsa", Status.FINISHED)
        assert words(app, "#legend").startswith(ERROR_CHART)
        assert "sarsa" in words(app, "#legend")
        assert "mean of a batch" in words(app, "#legend")
        assert words(app, "#legend-2").startswith(RETURN_CHART)
        errors, returns = (chart.picture for chart in app.screen.query(Chart).filter("RunBench Chart"))
        assert errors.series
        assert 0.9 * record.counters["env_steps"] < max(errors.series[0].x) <= record.counters["env_steps"]
        assert returns.x_limits == (0, 100)
        assert returns.y_limits == (0, 500)


async def test_the_row_and_the_lines_below_tell_what_the_kind_says_of_a_run(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, pilot):
        await train(app, pilot, "r")
        run = app.lab.store.runs()[0]
        outcome = app.lab.outcome(run)
        assert outcome is not None
        assert f"{outcome.name} {outcome.value:.0f}" in rows(app)[0]
        details = words(app, "#details")
        assert f"run {run.id} · finished · seed 0" in details
        assert f"{run.counters['env_steps']:,} environment steps" in details
        assert "best mean" in details
        assert "at episode" in details
        assert words(app, "#findings").startswith("surer: the TD error went from")


async def test_c_changes_between_its_charts_and_n_takes_the_next_seed(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, pilot):
        await train(app, pilot, "down", "r")
        await pilot.press("c")
        assert words(app, "#legend").startswith(RETURN_CHART)
        assert words(app, "#legend-2").startswith(ERROR_CHART)
        await train(app, pilot, "n")
        assert [record.seed for record in app.lab.store.runs()] == [1, 0]


async def test_a_stopped_run_goes_on_the_next_day(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, pilot):
        await pilot.press("1", "s", "r")  # Slowed down, so that there is something to stop.
        await until(pilot, lambda: app.lab.live_runs and app.lab.live_runs[0].counters.get("env_steps"))
        await pilot.press("x")
        await until(pilot, lambda: not app.lab.live_runs)
        stopped = app.lab.store.runs()[0]
        assert stopped.status == Status.STOPPED
    async with opened(tmp_path) as (app, pilot):
        await until(pilot, lambda: "r goes on with it" in words(app, "#details"))
        await train(app, pilot, "r")
        (record,) = app.lab.store.runs()
        assert (record.id, record.status) == (stopped.id, Status.FINISHED)


async def test_a_lesson_may_give_the_run_a_budget_of_its_own(tmp_path: Path) -> None:
    short = block("run", title="Short", presets=["sarsa"], charts=["td_error"], episodes=3)
    async with opened(tmp_path, short, QUESTION) as (app, pilot):
        await train(app, pilot, "r")
        (record,) = app.lab.store.runs()
        assert (record.status, record.counters["episodes"]) == (Status.FINISHED, 3)


# --- the other benches


async def test_the_chart_bench_lays_its_runs_over_one_another(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, pilot):
        await train(app, pilot, "a")
        await pilot.press("2")
        await until(pilot, lambda: has_points(only(app, ChartBench).query_one(Chart).picture))
        assert words(app, "#legend").startswith(ERROR_CHART)
        assert words(app, "#missing") == ""
        assert len(bench(app, ChartBench).query_one(Chart).picture.series) == 2


async def test_its_agents_are_watched_where_they_learned_to_act(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, pilot):
        await pilot.press("3")
        await until(pilot, lambda: "there is no finished run of preset 'sarsa' yet" in words(app, "#stand-1 .figures"))
        await train(app, pilot, "a")
        await pilot.press("3")
        await until(pilot, lambda: "state  s1" in words(app, "#stand-1 .figures"))
        assert rows(app) == ["your sarsa", "your sarsa-car"]
        assert "Q left" in words(app, "#stand-1 .figures")
        await pilot.press("down")
        await until(pilot, lambda: "velocity" in words(app, "#stand-1 .figures"))
        for action in ("left", "coast", "right"):
            assert f"Q {action}" in words(app, "#stand-1 .figures")
        assert bench(app, WatchBench).can("start")


async def test_its_agent_is_evaluated_and_the_map_lists_run_and_result(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, pilot):
        await pilot.press("4")
        await until(pilot, lambda: "train it first" in rows(app)[0])
        await train(app, pilot, "r")
        await pilot.press("4", "r")
        await until(pilot, lambda: "of 20 perfect" in rows(app)[0])
        (kept,) = app.lab.store.evaluations(agent="latest:sarsa")
        assert (kept.environment, kept.run) == ("CartPole-v1", app.lab.store.runs()[0].id)
        assert f"{kept.mean:.1f}" in rows(app)[0]
        assert only(app, EvaluateBench).query_one(Chart).picture.series[0].kind == "bars"
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, CourseMap))
        await until(pilot, lambda: f"greedy {kept.mean:.0f}" in flat(app))
        assert "your sarsa" in flat(app)


async def test_a_run_whose_kind_is_gone_does_not_take_the_map_down(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, pilot):
        await train(app, pilot, "r")
    unregister("sarsa")
    app = LabApp(tmp_path / "home")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "sarsa" in flat(app))
        assert isinstance(app.screen, CourseMap)
    app.lab.close()


# --- the course


def test_a_course_may_name_its_presets_and_charts(tmp_path: Path) -> None:
    (lesson,) = open_course(write(tmp_path / "lessons", *LESSON))
    assert len(lesson.benches) == 4


@pytest.mark.parametrize(
    ("kind", "keys", "sentence"),
    [
        (
            "run",
            {"presets": ["sarsa"], "charts": ["td_eror"]},
            "has the chart 'td_eror', which these presets do not measure; did you mean 'td_error'",
        ),
        (
            "run",
            {"presets": ["sarsa"], "charts": ["grad_norm"]},
            "has the chart 'grad_norm', which these presets do not",
        ),
        ("run", {"presets": ["bad"], "charts": ["td_error"]}, "has the chart 'td_error', which these presets do not"),
        ("run", {"presets": ["bad", "sarsa"], "charts": ["return"]}, "mixes deep Q-learning and deep SARSA; give each"),
        (
            "run",
            {"presets": ["sarsa"], "charts": ["return"], "samples": 5},
            "has `samples`, but its presets learn from",
        ),
        ("watch", {"agents": ["latest:sarsaa"]}, "names the agent 'latest:sarsaa'; did you mean 'sarsa'"),
        ("watch", {"agents": ["latest:sarsa"]}, "shows a run of 'sarsa', which no bench before it trains"),
    ],
)
def test_what_it_does_not_have_is_refused(tmp_path: Path, kind: str, keys: dict[str, object], sentence: str) -> None:
    folder = write(tmp_path / "lessons", block(kind, title="Bench", **keys), QUESTION)
    with pytest.raises(LessonError, match=r"01-on-policy\.md:8: ") as caught:
        open_course(folder)
    assert sentence in str(caught.value)


def test_a_course_cannot_name_a_kind_that_is_not_there(tmp_path: Path) -> None:
    unregister("sarsa")
    with pytest.raises(LessonError, match="names the preset 'sarsa'"):
        open_course(write(tmp_path / "lessons", *LESSON))
