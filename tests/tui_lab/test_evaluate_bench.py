"""The bench that evaluates: what each key does with each agent, what is kept, and how returns are counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.agents.agent import NetworkAgent
from engine.laboratory import Laboratory
from engine.learners.kinds import preset_spec
from engine.learners.network import MLP
from engine.learners.policy import Policy
from engine.runs.tasks import EvaluationJob
from engine.storage.agent_folders import save_agent
from engine.storage.records import Status
from tests.tui_lab.fakes import screen_text
from tests.tui_lab.pilot import (
    LabPilot,
    Open,
    bench,
    block,
    has_points,
    locked,
    make_lesson,
    rows,
    said,
    train,
    until,
    words,
)
from tui_lab.app import LabApp
from tui_lab.lesson import Lesson
from tui_lab.measured import FILE, seeds_of, strip
from tui_lab.pictures import BINS, histogram
from tui_lab.plotting import Picture, Series
from tui_lab.screens.course_map import CourseMap
from tui_lab.themes import series_color
from tui_lab.widgets.chart import Chart
from tui_lab.widgets.evaluate_bench import EvaluateBench
from tui_lab.widgets.rows import RowList

RULES = block("evaluate", title="Rules", agents=["left", "angle"], episodes=6, seed=3, hint="Press [r] or [/b].")
LEFT = "✓ left            9.0 ± 0.6, lowest 8, 0 of 6 perfect"
ANGLE = "✓ angle           44.0 ± 4.5, lowest 37, 0 of 6 perfect"
PLAN = "6 greedy episodes, seed 3"
MOUNTAIN_CAR = "MountainCar-v0"

Hold = Callable[[LabApp], list[EvaluationJob]]


@pytest.fixture
def rules(tmp_path: Path) -> Lesson:
    return make_lesson(tmp_path, RULES)


@pytest.fixture
def hold(monkeypatch: pytest.MonkeyPatch) -> Hold:
    """From then on every evaluation waits before its first step; returns the list that they come to stand in."""

    def holder(app: LabApp) -> list[EvaluationJob]:
        jobs: list[EvaluationJob] = []
        make = app.lab.evaluation

        def held(agent: str, episodes: int, seed: int) -> EvaluationJob:
            job = make(agent, episodes, seed)
            job.pause()
            jobs.append(job)
            return job

        monkeypatch.setattr(app.lab, "evaluation", held)
        return jobs

    return holder


def one(tmp_path: Path, *agents: str, episodes: int = 4, seed: int = 0) -> Lesson:
    return make_lesson(tmp_path, block("evaluate", title="Agents", agents=list(agents), episodes=episodes, seed=seed))


def picture(app: LabApp) -> Picture:
    return bench(app, EvaluateBench).query_one(Chart).picture


def shown_again(app: LabApp) -> list[str]:
    bench(app, EvaluateBench).update_view()
    return rows(app)


async def waiting(app: LabApp, pilot: LabPilot, jobs: list[EvaluationJob]) -> None:
    """Let every held evaluation come to its first step."""
    await until(pilot, lambda: jobs and all(job.status == Status.PAUSED for job in jobs))
    bench(app, EvaluateBench).update_view()


def counted(app: LabApp) -> dict[float, float]:
    """The bars that are not empty: how many episodes at which middle."""
    (bars,) = picture(app).series
    return {round(x, 6): y for x, y in zip(bars.x, bars.y, strict=True) if y}


def finished_bad(lab: Laboratory) -> str:
    run = lab.start(preset_spec("bad"), preset="bad")
    assert run.wait(10)
    return run.id


def network(name: str, sizes: list[int], **settings: str) -> NetworkAgent:
    """A network that answers 0 to everything, so it always takes the first action."""
    config = preset_spec("bad").config.replace(nn_hidden_layers=[], **settings)
    policy = Policy(MLP(sizes))
    policy.network.flat.zero_()
    return NetworkAgent(name, policy, "dqn", config, {})


# --- one agent and all of them


async def test_before_the_first_evaluation_rows_say_so_and_the_chart_is_empty(open_lab: Open, rules: Lesson) -> None:
    async with open_lab(lesson=rules) as (app, pilot):
        await pilot.press("1")
        assert rows(app) == ["○ left            not evaluated yet", "○ angle           not evaluated yet"]
        assert words(app, "#details") == PLAN
        assert words(app, "#legend") == "left: episodes by return"
        assert picture(app) == Picture()
        assert "Press [r] or [/b]." in screen_text(app)


async def test_r_evaluates_the_chosen_agent_alone(open_lab: Open, rules: Lesson) -> None:
    async with open_lab(lesson=rules) as (app, pilot):
        await pilot.press("1", "down", "r")
        await until(pilot, lambda: rows(app)[1] == ANGLE)
        assert rows(app)[0] == "○ left            not evaluated yet"
        (kept,) = app.lab.store.evaluations()
        assert (kept.agent, kept.run, kept.seed, kept.episodes) == ("angle", None, 3, 6)
        assert (kept.environment, kept.perfect) == ("CartPole-v1", 0)
        assert app.lab.store.returns(kept.id).tolist() == [44, 46, 37, 40, 51, 46]
        assert words(app, "#details") == PLAN


async def test_a_evaluates_every_agent(open_lab: Open, rules: Lesson) -> None:
    async with open_lab(lesson=rules) as (app, pilot):
        await pilot.press("1", "a")
        await until(pilot, lambda: rows(app) == [LEFT, ANGLE])
        assert sorted(kept.agent for kept in app.lab.store.evaluations()) == ["angle", "left"]


async def test_a_is_offered_for_more_than_one_agent(open_lab: Open, rules: Lesson, tmp_path: Path) -> None:
    async with open_lab(lesson=rules) as (app, _):
        can = bench(app, EvaluateBench).can
        assert [can(key) for key in ("start", "start_all", "stop")] == [True] * 3
        assert not any(can(key) for key in ("start_new", "toggle_pause", "next_chart", "change_pace"))
        app.open_lesson(one(tmp_path, "left"))
        await until(_, lambda: not bench(app, EvaluateBench).can("start_all"))
        assert bench(app, EvaluateBench).can("start")


async def test_a_result_is_there_at_the_next_opening(open_lab: Open, rules: Lesson) -> None:
    async with open_lab(lesson=rules) as (app, pilot):
        await pilot.press("1", "a")
        await until(pilot, lambda: rows(app) == [LEFT, ANGLE])
        drawn = picture(app)
    async with open_lab(lesson=rules) as (app, pilot):
        await pilot.press("1")
        assert rows(app) == [LEFT, ANGLE]
        await until(pilot, lambda: picture(app) == drawn)
        assert counted(app) == {10.0: 6.0}


@pytest.mark.parametrize(("episodes", "seed"), [(5, 3), (6, 4)])
async def test_a_result_over_other_starts_is_not_the_benchs(
    open_lab: Open, tmp_path: Path, episodes: int, seed: int
) -> None:
    def before(lab: Laboratory) -> None:
        lab.store.add_evaluation("left", None, "CartPole-v1", 3, 0, 1.0, np.full(6, 9.0))

    async with open_lab(lesson=one(tmp_path, "left", episodes=episodes, seed=seed), before=before) as (app, pilot):
        await pilot.press("1")
        assert rows(app) == ["○ left            not evaluated yet"]
        assert words(app, "#details") == f"{episodes} greedy episodes, seed {seed}"


async def test_the_newest_of_several_results_is_shown(open_lab: Open, tmp_path: Path) -> None:
    def before(lab: Laboratory) -> None:
        for value in (500.0, 20.0):
            lab.store.add_evaluation("left", None, "CartPole-v1", 0, int(value == 500) * 4, 1.0, np.full(4, value))

    async with open_lab(lesson=one(tmp_path, "left"), before=before) as (app, pilot):
        await pilot.press("1")
        assert rows(app) == ["✓ left            20.0 ± 0.0, lowest 20, 0 of 4 perfect"]
        await until(pilot, lambda: picture(app).series and counted(app) == {30.0: 4.0})


async def test_a_newer_result_takes_the_place_of_the_one_that_is_drawn(open_lab: Open, tmp_path: Path) -> None:
    def keep(lab: Laboratory, value: float) -> None:
        lab.store.add_evaluation("left", None, "CartPole-v1", 0, 0, 1.0, np.full(4, value))

    async with open_lab(lesson=one(tmp_path, "left"), before=lambda lab: keep(lab, 490.0)) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: picture(app).series and counted(app) == {490.0: 4.0})
        keep(app.lab, 20.0)
        bench(app, EvaluateBench).find_runs()
        assert rows(app) == ["✓ left            20.0 ± 0.0, lowest 20, 0 of 4 perfect"]
        assert counted(app) == {30.0: 4.0}


async def test_evaluating_again_keeps_a_second_result_and_shows_the_same(open_lab: Open, rules: Lesson) -> None:
    async with open_lab(lesson=rules) as (app, pilot):
        await pilot.press("1", "r")
        await until(pilot, lambda: rows(app)[0] == LEFT)
        await pilot.press("r")
        await until(pilot, lambda: len(app.lab.store.evaluations()) == 2)
        await until(pilot, lambda: rows(app)[0] == LEFT)
        assert said(app) == []


# --- while it plays


async def test_progress_is_a_bar_and_the_chart_counts_the_episodes_that_are_over(
    open_lab: Open, rules: Lesson, hold: Hold
) -> None:
    async with open_lab(lesson=rules) as (app, pilot):
        jobs = hold(app)
        await pilot.press("1", "r")
        await waiting(app, pilot, jobs)
        assert rows(app)[0] == "‖ left            ──────────   0 %"
        assert picture(app) == Picture()
        assert jobs[0].work is not None
        jobs[0].work.advance()  # Ten steps, after which every pole has fallen.
        assert shown_again(app)[0] == "‖ left            ━━━━━━━━━━ 100 %"
        assert counted(app) == {10.0: 6.0}
        jobs[0].resume()
        await until(pilot, lambda: shown_again(app)[0] == LEFT)


async def test_the_chart_grows_as_episodes_end(open_lab: Open, rules: Lesson, hold: Hold) -> None:
    async with open_lab(lesson=rules) as (app, pilot):
        jobs = hold(app)
        await pilot.press("1", "down", "r")
        await waiting(app, pilot, jobs)
        assert jobs[0].work is not None
        seen = []
        for _ in range(6):
            jobs[0].work.advance()
            seen.append((shown_again(app)[1][18:], sum(counted(app).values()) if picture(app).series else 0))
        assert seen == [
            ("──────────   2 %", 0),
            ("──────────   4 %", 0),
            ("━─────────   6 %", 0),
            ("━━━───────  33 %", 2),
            ("━━━━━━━━──  83 %", 5),
            ("━━━━━━━━━━ 100 %", 6),
        ]


async def test_r_says_what_is_being_evaluated_already(open_lab: Open, rules: Lesson, hold: Hold) -> None:
    async with open_lab(lesson=rules) as (app, pilot):
        jobs = hold(app)
        await pilot.press("1", "r")
        await waiting(app, pilot, jobs)
        await pilot.press("r")
        assert said(app) == ["left is being evaluated already."]
        assert len(jobs) == 1


async def test_a_starts_what_is_not_being_evaluated_and_says_nothing_of_the_rest(
    open_lab: Open, rules: Lesson, hold: Hold
) -> None:
    async with open_lab(lesson=rules) as (app, pilot):
        jobs = hold(app)
        await pilot.press("1", "down", "r", "a")
        await waiting(app, pilot, jobs)
        assert [job.name for job in jobs] == ["evaluate angle", "evaluate left"]
        await pilot.press("a")
        assert len(jobs) == 2
        assert said(app) == []


async def test_x_stops_every_evaluation_and_nothing_of_it_is_kept(open_lab: Open, rules: Lesson, hold: Hold) -> None:
    async with open_lab(lesson=rules) as (app, pilot):
        jobs = hold(app)
        await pilot.press("1", "a")
        await waiting(app, pilot, jobs)
        await pilot.press("x")
        await until(pilot, lambda: all(job.status == Status.STOPPED for job in jobs))
        assert shown_again(app) == ["○ left            not evaluated yet", "○ angle           not evaluated yet"]
        assert app.lab.store.evaluations() == []
        await pilot.press("r")
        await until(pilot, lambda: len(jobs) == 3)
        jobs[2].resume()
        await until(pilot, lambda: shown_again(app)[0] == LEFT)


async def test_a_stopped_evaluation_leaves_the_earlier_result(open_lab: Open, rules: Lesson, hold: Hold) -> None:
    async with open_lab(lesson=rules) as (app, pilot):
        await pilot.press("1", "r")
        await until(pilot, lambda: rows(app)[0] == LEFT)
        before = picture(app)
        jobs = hold(app)
        await pilot.press("r")
        await waiting(app, pilot, jobs)
        assert rows(app)[0] == "‖ left            ──────────   0 %"
        assert picture(app) == Picture()
        await pilot.press("x")
        await until(pilot, lambda: shown_again(app)[0] == LEFT)
        assert picture(app) == before


async def test_x_stops_nothing_where_nothing_is_evaluated(open_lab: Open, rules: Lesson) -> None:
    async with open_lab(lesson=rules) as (app, pilot):
        await pilot.press("1", "x")
        assert said(app) == []
        assert rows(app)[0] == "○ left            not evaluated yet"


async def test_leaving_the_lesson_stops_its_evaluations(open_lab: Open, rules: Lesson, hold: Hold) -> None:
    async with open_lab(lesson=rules) as (app, pilot):
        jobs = hold(app)
        await pilot.press("1", "a")
        await waiting(app, pilot, jobs)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, CourseMap))
        assert all(job.wait(10) for job in jobs)
        assert [job.status for job in jobs] == [Status.STOPPED] * 2


# --- agents of runs


async def test_an_agent_that_nobody_trained_yet_is_not_evaluated(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=one(tmp_path, "latest:bad", "left")) as (app, pilot):
        await pilot.press("1")
        assert rows(app) == ["○ your bad        train it first", "○ left            not evaluated yet"]
        assert words(app, "#legend") == "your bad: episodes by return"
        await pilot.press("r")
        assert said(app) == ["There is no finished bad run yet; train one first."]
        assert next(iter(app._notifications)).severity == "warning"
        await pilot.press("a")
        await until(pilot, lambda: rows(app)[1].startswith("✓ left"))
        assert len(said(app)) == 1
        assert [kept.agent for kept in app.lab.store.evaluations()] == ["left"]


async def test_the_row_of_a_run_opens_once_it_has_finished(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=one(tmp_path, "latest:bad")) as (app, pilot):
        await pilot.press("1")
        assert rows(app) == ["○ your bad        train it first"]
        finished_bad(app.lab)
        await until(pilot, lambda: rows(app) == ["○ your bad        not evaluated yet"])


async def test_a_result_belongs_to_the_run_that_the_name_means_now(open_lab: Open, tmp_path: Path) -> None:
    def before(lab: Laboratory) -> None:
        lab.store.add_evaluation("latest:bad", finished_bad(lab), "CartPole-v1", 0, 4, 1.0, np.full(4, 500.0))

    async with open_lab(lesson=one(tmp_path, "latest:bad"), before=before) as (app, pilot):
        await pilot.press("1")
        assert rows(app) == ["✓ your bad        500.0 ± 0.0, lowest 500, all 4 perfect"]
        await until(pilot, lambda: has_points(picture(app)))
        finished_bad(app.lab)
        await until(pilot, lambda: rows(app) == ["○ your bad        not evaluated yet"])
        assert picture(app) == Picture()


async def test_the_agent_of_the_newest_run_is_evaluated_under_its_id(open_lab: Open, tmp_path: Path) -> None:
    def before(lab: Laboratory) -> None:
        save_agent(lab.store.run_folder(finished_bad(lab)) / "agents" / "last", network("last", [4, 2]))

    async with open_lab(lesson=one(tmp_path, "latest:bad", episodes=6, seed=3), before=before) as (app, pilot):
        await pilot.press("1", "r")
        await until(pilot, lambda: rows(app) == ["✓ your bad        9.0 ± 0.6, lowest 8, 0 of 6 perfect"])
        (kept,) = app.lab.store.evaluations()
        assert (kept.agent, kept.run) == ("latest:bad", app.lab.store.runs()[0].id)


# --- failures


async def test_a_failure_is_told_as_text_and_r_tries_again(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=one(tmp_path, "[red]no[/b]", "left")) as (app, pilot):
        await pilot.press("1", "r")
        await until(pilot, lambda: rows(app)[0] == "✗ [red]no[/b]     failed")
        problem = words(app, "#details")
        assert problem.startswith("there is no agent '[red]no[/b]'; it should be a saved agent (perfect), ")
        await pilot.press("down")
        await until(pilot, lambda: words(app, "#details") == "4 greedy episodes, seed 0")
        await pilot.press("up", "r")
        await until(pilot, lambda: words(app, "#details") == problem)
        assert app.lab.store.evaluations() == []
        assert said(app) == []


async def test_a_run_without_an_agent_says_why_it_cannot_be_evaluated(open_lab: Open, tmp_path: Path) -> None:
    lesson = one(tmp_path, "latest:bad")
    async with open_lab(lesson=lesson, before=finished_bad) as (app, pilot):
        await pilot.press("1", "r")
        run = app.lab.store.runs()[0].id
        problem = f"run {run} has no agent yet; it saves one when it finishes or is stopped."
        await until(pilot, lambda: words(app, "#details") == problem)
        details = bench(app, EvaluateBench).query_one("#details")
        assert {str(span.style) for span in details.render().spans} == {"$error"}  # type: ignore[union-attr]
        save_agent(app.lab.store.run_folder(run) / "agents" / "last", network("last", [4, 2]))
        await pilot.press("r")
        await until(pilot, lambda: rows(app)[0].startswith("✓ your bad"))
        assert words(app, "#details").split("\n")[0] == "4 greedy episodes, seed 0"


async def test_a_home_folder_that_cannot_be_read_is_said_and_read_later(open_lab: Open, rules: Lesson) -> None:
    async with open_lab(lesson=rules) as (app, pilot):
        app.lab.store.add_evaluation("left", None, "CartPole-v1", 3, 0, 1.0, np.array([9.0, 9, 9, 8, 10, 9]))
        app.lab.store.be_patient(0)
        with locked(app, reading=True):
            app.open_lesson(rules)
            await pilot.pause()
            await pilot.press("1")
            assert any("is locked by another program" in words for words in said(app))
            assert rows(app) == [] or rows(app)[0] == "○ left            not evaluated yet"
        await until(pilot, lambda: shown_again(app)[:1] == [LEFT])


# --- what is drawn


async def test_the_chart_is_that_of_the_chosen_row_in_its_colour(open_lab: Open, rules: Lesson) -> None:
    async with open_lab(lesson=rules) as (app, pilot):
        await pilot.press("1", "a")
        await until(pilot, lambda: rows(app) == [LEFT, ANGLE])
        assert (picture(app).series[0].color, words(app, "#legend")) == (0, "left: episodes by return")
        assert counted(app) == {10.0: 6.0}
        await pilot.press("down")
        await until(pilot, lambda: words(app, "#legend") == "angle: episodes by return")
        assert picture(app).series[0].color == 1
        assert counted(app) == {30.0: 1.0, 50.0: 5.0}
        assert (picture(app).x_limits, picture(app).y_limits) == ((0, 500), (0, 10))


async def test_the_theme_colours_the_bars(open_lab: Open, rules: Lesson) -> None:
    async with open_lab(lesson=rules) as (app, pilot):
        await pilot.press("1", "r")
        await until(pilot, lambda: rows(app)[0] == LEFT)

        def colors() -> set[object]:
            chart = bench(app, EvaluateBench).query_one(Chart)
            styles = [segment.style for y in range(chart.size.height) for segment in chart.render_line(y)]
            return {tuple(style.color.triplet) for style in styles if style and style.color and style.color.triplet}

        await until(pilot, lambda: series_color(0, dark=True) in colors())
        await pilot.press("t")
        await until(pilot, lambda: series_color(0, dark=False) in colors())
        assert series_color(0, dark=True) not in colors()


async def test_the_bench_follows_the_size_of_the_terminal(open_lab: Open, rules: Lesson) -> None:
    async with open_lab(lesson=rules) as (app, pilot):
        await pilot.press("1", "r")
        await until(pilot, lambda: rows(app)[0] == LEFT)
        await pilot.resize_terminal(120, 40)
        chart = bench(app, EvaluateBench).query_one(Chart)
        await until(pilot, lambda: chart.size.height > 20)
        assert all(chart.render_line(y).cell_length == chart.size.width for y in range(chart.size.height))
        assert counted(app) == {10.0: 6.0}


# --- other environments


async def test_returns_of_another_environment_are_told_in_its_own_words(open_lab: Open, tmp_path: Path) -> None:
    def before(lab: Laboratory) -> None:
        returns = np.array([-200.0, -200, -110, -110])
        lab.store.add_evaluation("latest:bad", finished_bad(lab), MOUNTAIN_CAR, 0, None, 1.0, returns)
        lab.store.add_evaluation("hill", None, MOUNTAIN_CAR, 0, None, 1.0, np.full(4, -105.0))

    async with open_lab(lesson=one(tmp_path, "latest:bad", "hill"), before=before) as (app, pilot):
        await pilot.press("1")
        assert rows(app) == [
            "✓ your bad        -155.0 ± 45.0, lowest -200, not solved (threshold -110)",
            "✓ hill            -105.0 ± 0.0, lowest -105, solved (threshold -110)",
        ]
        await until(pilot, lambda: picture(app).series and picture(app).x_limits == (-200, 0))
        assert counted(app) == {-196.0: 2.0, -108.0: 2.0}
        for word in ("perfect", "cart", "pole", "500"):
            assert word not in screen_text(app).lower()


async def test_a_saved_agent_of_another_environment_plays_there(open_lab: Open, tmp_path: Path, hold: Hold) -> None:
    def before(lab: Laboratory) -> None:
        save_agent(lab.store.agents_folder() / "hill", network("hill", [2, 3], environment=MOUNTAIN_CAR))

    async with open_lab(lesson=one(tmp_path, "hill"), before=before) as (app, pilot):
        jobs = hold(app)
        await pilot.press("1", "r")
        await waiting(app, pilot, jobs)
        assert jobs[0].work is not None
        while not jobs[0].work.finished:
            jobs[0].work.advance()
        assert shown_again(app) == ["‖ hill            ━━━━━━━━━━ 100 %"]
        assert (picture(app).x_limits, counted(app)) == ((-200, 0), {-196.0: 4.0})
        jobs[0].resume()
        await until(
            pilot,
            lambda: shown_again(app) == ["✓ hill            -200.0 ± 0.0, lowest -200, not solved (threshold -110)"],
        )
        assert (picture(app).x_limits, counted(app)) == ((-200, 0), {-196.0: 4.0})


async def test_the_rows_have_the_focus_and_the_help_names_the_keys(open_lab: Open, rules: Lesson) -> None:
    async with open_lab(lesson=rules) as (app, pilot):
        await pilot.press("1")
        assert app.focused is bench(app, EvaluateBench).query_one(RowList)
        for words_of_help in ("r evaluates the chosen one", "a all of them", "x stops"):
            assert words_of_help in EvaluateBench.HELP


async def test_a_long_name_is_cut_so_that_the_columns_stay(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=one(tmp_path, "linear:0.1,0.2,1,0.5", "left")) as (app, pilot):
        await pilot.press("1")
        assert rows(app) == ["○ linear:0.1,0.2, not evaluated yet", "○ left            not evaluated yet"]


# --- the histogram


def bars(counts: dict[int, float], middles: list[float], color: int = 0) -> Series:
    return Series(tuple(middles), tuple(counts.get(i, 0.0) for i in range(BINS)), color, "bars")


def test_nothing_is_drawn_before_an_episode_is_over() -> None:
    assert histogram(np.empty(0), (0.0, 500.0), 1) == Picture()


def test_returns_are_counted_in_25_equal_stretches_of_the_span() -> None:
    returns = np.array([0.0, 19.9, 20.0, 250.0, 500.0, 500.0])
    middles = [10.0 + 20 * i for i in range(25)]
    assert histogram(returns, (0.0, 500.0), 2) == Picture(
        (bars({0: 2.0, 1: 1.0, 12: 1.0, 24: 2.0}, middles, 2),), (0.0, 500.0), (0, 10.0)
    )


@pytest.mark.parametrize(
    ("span", "limits"),
    [
        ((None, None), (10.0, 60.0)),
        ((0.0, None), (0.0, 60.0)),
        ((None, 100.0), (10.0, 100.0)),
        ((0.0, 100.0), (0.0, 100.0)),
    ],
)
def test_an_end_that_nobody_knows_follows_the_returns(
    span: tuple[float | None, float | None], limits: tuple[float, float]
) -> None:
    drawn = histogram(np.array([30.0, 10.0, 60.0]), span, 0)
    assert drawn.x_limits == limits
    assert sum(drawn.series[0].y) == 3
    assert drawn.series[0].x[0] == pytest.approx(limits[0] + (limits[1] - limits[0]) / 50)


def test_equal_returns_without_a_span_get_one_of_width_1() -> None:
    drawn = histogram(np.full(3, -7.0), (None, None), 0)
    assert drawn.x_limits == (-7.0, -6.0)
    assert drawn.series[0].y == (3.0, *[0.0] * 24)


@pytest.mark.parametrize(("count", "top"), [(1, 10), (10, 10), (11, 15), (16, 20), (1_000, 1_000), (1_001, 1_500)])
def test_the_height_is_round_and_holds_ten_at_least(count: int, top: float) -> None:
    drawn = histogram(np.full(count, 100.0), (0.0, 500.0), 0)
    assert drawn.y_limits == (0, top)
    assert max(drawn.series[0].y) == count


async def test_ones_own_run_is_one_dot_among_the_seeds_of_the_lesson(open_lab: Open, tmp_path: Path) -> None:
    def before(lab: Laboratory) -> None:
        train("bad")(lab)
        run = lab.store.runs()[0].id
        lab.store.add_evaluation("latest:bad", run, "CartPole-v1", 3, 0, 0.1, np.array([150.0, 250.0, 200.0, 200.0]))

    lesson = one(tmp_path, "latest:bad", "angle", seed=3)
    async with open_lab(lesson=lesson, size=(100, 30), before=before) as (app, pilot):
        await pilot.press("1")
        title, line, told = words(app, "#details").split("\n")
        seeds = seeds_of("bad")
        assert title == "4 greedy episodes, seed 3"
        below = sum(seed < 200 for seed in seeds)
        assert told == f"yours (● 200) among 20 seeds measured for the lesson: {below} are lower"
        assert line == str(strip(seeds, 200, (0, 500), "●"))
        await pilot.press("down")
        assert "\n" not in words(app, "#details"), "a rule has no seeds"


def test_a_strip_counts_the_seeds_in_each_cell() -> None:
    line = strip([0, 5, 49, 50, 100, *[75.0] * 12], 20, (0, 100), "o", cells=10)
    assert str(line) == "0 2·o·11·+·1 100"


def test_the_seeds_of_a_preset_are_those_that_come_with_the_lab() -> None:
    found = json.loads(FILE.read_text())["presets"]
    assert seeds_of("good-2") == tuple(seed["last"] for seed in found["good-2"]["by_seed"])
    assert seeds_of("robust") == tuple(seed["best"] for seed in found["robust"]["by_seed"])
    assert seeds_of("mine") == ()
