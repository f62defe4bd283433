"""Watching agents: the worst and the best start a key away, two from one start, and the reader among them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.agents.recording import Recording
from engine.agents.starts import Evaluated, Start
from engine.laboratory import Laboratory
from tests.tui_lab.fakes import drawn_text
from tests.tui_lab.pilot import LabPilot, Open, bench, block, make_lesson, until
from tui_lab.app import LabApp
from tui_lab.screens.watch_screen import WatchScreen
from tui_lab.widgets.agent_stage import EVALUATION_SEED, STARTS, AgentStage
from tui_lab.widgets.rows import RowList
from tui_lab.widgets.watch_bench import WatchBench
from tui_lab.widgets.words import Words

GOOD = "linear:0,0,1,1"


def stage(app: LabApp) -> AgentStage:
    return app.screen.query_one(AgentStage)


def acts(app: LabApp) -> list[Recording]:
    return stage(app).player.recordings


def about(app: LabApp) -> str:
    return str(stage(app).query_one("#about", Words).words)


def told(app: LabApp, number: int = 1) -> str:
    return str(stage(app).query_one(f"#stand-{number} .figures", Words).words)


def rows(app: LabApp) -> list[str]:
    return [str(option.prompt) for option in stage(app).query_one(RowList).options]


async def watching(app: LabApp, pilot: LabPilot, *agents: str, beside: str | None = None) -> None:
    await app.push_screen(WatchScreen(agents, beside))
    await until(pilot, lambda: acts(app))


def evaluated(agent: str, seed: int = 4) -> object:
    def before(lab: Laboratory) -> None:
        job = lab.evaluation(agent, 1_000, seed)
        job.start()
        assert job.wait(30)

    return before


def played(*seeds: int, like: str = "angle") -> object:
    """The reader played these starts, like a rule."""

    def before(lab: Laboratory) -> None:
        for seed in seeds:
            play = lab.play(seed)
            for action in lab.recording(like, Start(seed)).actions:
                play.step(int(action))
            lab.keep_play(play, 0.5)

    return before


# --- the worst and the best


async def test_w_and_e_play_the_worst_and_the_best_start_of_the_kept_evaluation(open_lab: Open) -> None:
    async with open_lab(before=evaluated("angle")) as (app, pilot):
        await watching(app, pilot, "angle")
        (kept,) = app.lab.store.evaluations()
        returns = app.lab.store.returns(kept.id)
        for key, which, value in (("w", "worst", returns.min()), ("e", "best", returns.max())):
            await pilot.press(key)
            episode = int(returns.argmin() if which == "worst" else returns.argmax())
            start = Start(4, Evaluated(episode, 1_000))
            await until(pilot, lambda start=start: [act.start for act in acts(app)] == [start])
            assert acts(app)[0].total_reward == value
            assert about(app) == f"{which} of 1,000 starts: number {episode + 1} of seed 4"
            stage(app).player.go_to(1_000)
            assert told(app).startswith(f"return  {value:.0f}  terminated")


async def test_the_same_key_again_runs_the_missing_evaluation_and_shows_its_worst_start(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        await watching(app, pilot, "angle")
        await pilot.press("w")
        await until(pilot, lambda: "No evaluation of angle is kept yet" in told(app))
        assert "Press w again to let it play 1,000 starts" in told(app)
        assert app.lab.store.evaluations() == []
        await pilot.press("w")
        await until(pilot, lambda: acts(app))
        (kept,) = app.lab.store.evaluations()
        assert (kept.agent, kept.episodes, kept.seed) == ("angle", STARTS, EVALUATION_SEED)
        assert acts(app)[0].total_reward == kept.min
        await pilot.press("e")
        await until(pilot, lambda: acts(app) and acts(app)[0].total_reward == kept.max)


async def test_another_key_takes_the_offer_back(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        await watching(app, pilot, "angle")
        await pilot.press("w")
        await until(pilot, lambda: "No evaluation" in told(app))
        await pilot.press("e")
        await until(pilot, lambda: "Press e again" in told(app))
        await pilot.press("r")
        await until(pilot, lambda: acts(app))
        assert app.lab.store.evaluations() == []


async def test_the_progress_of_the_evaluation_is_shown(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        await watching(app, pilot, "perfect")
        await pilot.press("w")
        await until(pilot, lambda: "No evaluation" in told(app))
        await pilot.press("w")
        await until(pilot, lambda: "evaluating perfect" in about(app) or acts(app))
        assert "%" in about(app) or acts(app)
        await until(pilot, lambda: acts(app))
        assert (acts(app)[0].total_reward, acts(app)[0].values_are) == (500, "Q")
        assert about(app) == f"start 1 of seed {EVALUATION_SEED}: all 1,000 starts return 500"


async def test_an_agent_that_changed_since_is_not_shown_as_it_was(open_lab: Open) -> None:
    def before(lab: Laboratory) -> None:
        lab.store.add_evaluation("left", None, "CartPole-v1", 4, 0, 1.0, np.full(1_000, 77.0))

    async with open_lab(before=before) as (app, pilot):
        await watching(app, pilot, "left")
        await pilot.press("w")
        await until(pilot, lambda: "has changed since. Evaluate it again" in told(app))
        assert acts(app) == []


async def test_after_the_worst_start_r_goes_back_to_the_usual_ones(open_lab: Open) -> None:
    async with open_lab(before=evaluated("angle")) as (app, pilot):
        await watching(app, pilot, "angle")
        await pilot.press("w")
        await until(pilot, lambda: about(app).startswith("worst"))
        await pilot.press("r")
        await until(pilot, lambda: [act.start for act in acts(app)] == [Start(0)])
        assert about(app) == "start 0"


# --- two from one start


async def test_v_keeps_an_agent_beside_and_both_play_from_the_same_start(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        await watching(app, pilot, "angle", GOOD, "left")
        await pilot.press("v")
        assert rows(app) == ["angle  beside", GOOD, "left"]
        assert [act.agent for act in acts(app)] == ["angle"]
        await pilot.press("down")
        await until(pilot, lambda: [act.agent for act in acts(app)] == [GOOD, "angle"])
        for _ in range(2):
            first, second = acts(app)
            assert first.start == second.start
            np.testing.assert_array_equal(first.states[0], second.states[0])
            assert first.total_reward != second.total_reward
            stage(app).player.go_to(1_000)
            for number, act in enumerate((first, second), 1):
                assert told(app, number).startswith(f"return {act.total_reward:3.0f}")
            await pilot.press("r")
            await until(pilot, lambda first=first: len(acts(app)) == 2 and acts(app)[0].start != first.start)
        await pilot.press("up", "v", "down")
        await until(pilot, lambda: [act.agent for act in acts(app)] == [GOOD])
        assert rows(app) == ["angle", GOOD, "left"]


async def test_the_worst_start_of_one_is_played_by_the_other_too(open_lab: Open) -> None:
    async with open_lab(before=evaluated(GOOD)) as (app, pilot):
        await watching(app, pilot, GOOD, "angle", beside="angle")
        await pilot.press("w")
        await until(pilot, lambda: about(app).startswith("worst") and len(acts(app)) == 2)
        first, second = acts(app)
        assert first.start == second.start
        np.testing.assert_array_equal(first.states[0], second.states[0])
        (kept,) = app.lab.store.evaluations()
        assert first.total_reward == kept.min


async def test_a_second_agent_that_is_not_there_is_told_beside_the_first(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        await watching(app, pilot, "angle", "nobody", beside="nobody")
        assert [act.agent for act in acts(app)] == ["angle"]
        await until(pilot, lambda: told(app, 2).startswith("there is no agent 'nobody'"))


# --- the reader among the agents


async def test_the_readers_own_episode_is_replayed_and_another_agent_starts_where_it_started(open_lab: Open) -> None:
    async with open_lab(before=played(3, 8)) as (app, pilot):
        await watching(app, pilot, GOOD, "you", beside="you")
        await until(pilot, lambda: len(acts(app)) == 2)
        good, you = acts(app)
        assert (good.start, you.start, you.agent) == (Start(8), Start(8), "you")
        np.testing.assert_array_equal(you.actions, app.lab.recording("angle", Start(8)).actions)
        np.testing.assert_array_equal(good.states, app.lab.recording(GOOD, Start(8)).states)
        assert about(app) == "your episode 2 of 2, start 8"
        await pilot.press("r")
        await until(pilot, lambda: [act.start for act in acts(app)] == [Start(3), Start(3)])


async def test_the_readers_worst_and_best_are_those_of_what_was_played(open_lab: Open) -> None:
    async with open_lab(before=played(3, 8, 9)) as (app, pilot):
        await watching(app, pilot, "you")
        steps = [kept.steps for kept in app.lab.kept_plays()]
        await pilot.press("w")
        await until(pilot, lambda: about(app) == "your worst of 3 episodes")
        assert acts(app)[0].total_reward == min(steps)
        await pilot.press("e")
        await until(pilot, lambda: about(app) == "your best of 3 episodes")
        assert acts(app)[0].total_reward == max(steps)


async def test_the_reader_is_not_said_to_have_played_a_start_of_an_evaluation(open_lab: Open) -> None:
    async with open_lab(before=lambda lab: (played(3)(lab), evaluated("angle")(lab))) as (app, pilot):  # type: ignore[operator]
        await watching(app, pilot, "angle", "you", beside="you")
        await pilot.press("w")
        await until(pilot, lambda: told(app, 2) == "you did not play from this start.")


# --- the screen


async def test_without_agents_given_all_there_are_can_be_chosen(open_lab: Open) -> None:
    async with open_lab(before=played(3)) as (app, pilot):
        await watching(app, pilot)
        assert rows(app)[:2] == ["you", "perfect"]
        assert {"random", "angle", "left"} <= set(rows(app))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, WatchScreen))


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (160, 48)])
async def test_one_and_two_agents_fit_every_size(open_lab: Open, size: tuple[int, int]) -> None:
    async with open_lab(size) as (app, pilot):
        await watching(app, pilot, "angle", "perfect", beside="perfect")
        await until(pilot, lambda: len(acts(app)) == 2)
        stage(app).player.go_to(20)
        stage(app).player.go_by(0, hold=True)
        await pilot.pause()
        shown = drawn_text(app)
        for words in ("return  20", "20 of 500", "Q right", "2.4 m" if size[1] > 16 else "+"):
            assert words in shown
        assert max(map(len, shown.split("\n"))) <= size[0]


async def test_every_key_of_the_player_works_on_the_list_of_agents(open_lab: Open, tmp_path: Path) -> None:
    lesson = make_lesson(tmp_path, block("watch", title="At work", agents=["perfect", "left"]))
    for where in ("screen", "bench"):
        async with open_lab(lesson=lesson) as (app, pilot):
            if where == "screen":
                await watching(app, pilot, "perfect", "left")
            else:
                await pilot.press("1")
                await until(pilot, lambda: bench(app, WatchBench).stage.player.recordings)
            player = stage(app).player
            await pilot.press("full_stop", "home")
            assert (player.held, player.step) == (True, 0)
            before = 0
            for key, by in (("full_stop", 1), ("comma", -1), ("right", 10), ("right", 10), ("left", -10)):
                await pilot.press(key)
                assert player.step == before + by
                before += by
            await pilot.press("end")
            assert player.step == 500
            await pilot.press("home")
            assert player.step == 0
            for key, speed in (("<", 0.5), ("-", 0.25), (">", 0.5), ("+", 1.0), ("greater_than_sign", 2.0)):
                await pilot.press(key)
                assert player.speed == speed
            assert stage(app).chosen == "perfect", "home and end move in the episode, not in the list"


async def test_the_help_names_every_key(open_lab: Open) -> None:
    async with open_lab((100, 60)) as (app, pilot):
        await watching(app, pilot, "left")
        await pilot.press("question_mark")
        await until(pilot, lambda: "Play the worst start of the evaluation" in drawn_text(app))
        for words in (
            "One step back, and hold",
            "Ten steps on",
            "Keep this agent beside",
            "Play slower",
            "Go to the last",
        ):
            assert words in drawn_text(app)


async def test_keeping_an_agent_beside_says_what_to_do_next(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        await watching(app, pilot, "angle", "left")
        await pilot.press("v")
        assert about(app) == "angle stays beside: choose another one."


async def test_an_evaluation_that_nobody_waits_for_any_more_says_nothing(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        await watching(app, pilot, "perfect", "angle")
        await pilot.press("w")
        await until(pilot, lambda: "No evaluation" in told(app))
        await pilot.press("w", "down")
        await until(pilot, lambda: [act.agent for act in acts(app)] == ["angle"])
        await until(pilot, lambda: app.lab.store.evaluations() and not app.lab.moving)
        stage(app).update_view()
        assert about(app) == "start 0"
        assert [act.agent for act in acts(app)] == ["angle"]
