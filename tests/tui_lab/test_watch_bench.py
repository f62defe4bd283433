"""The bench that shows an agent at work: whom it plays, how its playback moves, and what it says of each step."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.agents.agent import NetworkAgent
from engine.agents.recording import Recording
from engine.agents.starts import Start
from engine.laboratory import Laboratory
from engine.learners.environment_facts import environment_facts
from engine.learners.kinds import preset_spec
from engine.learners.network import MLP
from engine.learners.policy import Policy
from engine.storage.agent_folders import save_agent
from tests.tui_lab.fakes import screen_text
from tests.tui_lab.pilot import LabPilot, Open, bench, block, lesson_screen, make_lesson, until, words
from tui_lab.app import LabApp
from tui_lab.lesson import Lesson
from tui_lab.widgets.cart import Cart
from tui_lab.widgets.player import Player
from tui_lab.widgets.reading import Reading
from tui_lab.widgets.rows import RowList
from tui_lab.widgets.stand import ending_of, state_lines, value_lines
from tui_lab.widgets.watch_bench import WatchBench

AHEAD = "Playing the episode ahead ..."
LEAVES_THE_TRACK = "linear:-0.1,0,1,1"
STANDS = "linear:0.1,0.2,1,0.5"
MOUNTAIN_CAR = "MountainCar-v0"


def watch(folder: Path, *agents: str) -> Lesson:
    return make_lesson(folder, block("watch", title="At work", agents=list(agents), hint="Press [r] or [/b]."))


def network(sizes: list[int], weights: list[list[float]] | None = None, **settings: str) -> NetworkAgent:
    """A network without hidden layers whose outputs are the weighted sums of the state; without weights all are 0."""
    policy = Policy(MLP(sizes))
    policy.network.flat.zero_()
    if weights is not None:
        named = policy.network.named_parameters()
        named["0.weight"][:] = type(policy.network.flat)(weights)
        policy.network.load_named_parameters(named)
    return NetworkAgent("made", policy, "dqn", preset_spec("bad").config.replace(nn_hidden_layers=[], **settings), {})


def finished_bad(lab: Laboratory, agent: NetworkAgent | None = None) -> str:
    run = lab.start(preset_spec("bad"), preset="bad")
    assert run.wait(10)
    if agent is not None:
        save_agent(lab.store.run_folder(run.id) / "agents" / "last", agent)
    return run.id


def saved(name: str, agent: NetworkAgent) -> Callable[[Laboratory], None]:
    return lambda lab: save_agent(lab.store.agents_folder() / name, agent)


def player(app: LabApp) -> Player:
    return bench(app, WatchBench).stage.player


def recording(app: LabApp) -> Recording:
    (found,) = player(app).recordings
    return found


def cart(app: LabApp) -> Cart:
    return bench(app, WatchBench).query_one("#stand-1").query_one(Cart)


def drawn(app: LabApp) -> tuple[tuple[float, float], int]:
    """Position and angle that the picture shows, and the push."""
    return cart(app).state, cart(app).push


def said_there(app: LabApp) -> str:
    """What stands below the picture."""
    return words(app, "#stand-1 .figures")


def figures(app: LabApp) -> list[str]:
    return said_there(app).split("\n")


async def playing(app: LabApp, pilot: LabPilot, agent: str, seed: int = 0) -> Recording:
    """The episode that is played, once it is this one."""
    await until(pilot, lambda: _plays(app, agent, seed))
    return recording(app)


def _plays(app: LabApp, agent: str, seed: int) -> bool:
    found = player(app).recordings
    return bool(found) and (found[0].agent, found[0].start) == (agent, Start(seed))


def at_step(app: LabApp, step: int) -> list[str]:
    """What the figures say at a step."""
    player(app).go_to(step)
    return figures(app)


async def held(app: LabApp, pilot: LabPilot, agent: str, seed: int = 0) -> Recording:
    """The episode of that agent and seed, held, so that only the test moves it."""
    found = await playing(app, pilot, agent, seed)
    player(app).go_by(0, hold=True)
    assert not player(app).moving
    return found


def made(**changes: Any) -> Recording:
    """Three steps to the right in CartPole, with values."""
    states = np.array([[0, 0, 0.01, 0], [0.1, 1, 0.02, 2], [0.2, -1, -0.03, -2], [0.3, 0, 0.3, 0]], np.float32)
    values = np.array([[0, 1], [2, 4], [3, 3.5]], np.float32)
    usual = Recording(
        "made", Start(0), states, np.ones(3, np.int64), np.ones(3), values, "Q", True, environment_facts("CartPole-v1")
    )
    return dataclasses.replace(usual, **changes)


# --- whom it plays


async def test_the_first_agent_plays_from_the_first_start(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=watch(tmp_path, "left", "right")) as (app, pilot):
        await pilot.press("1")
        played = await playing(app, pilot, "left")
        assert (played.actions == 0).all()
        assert [str(option.prompt) for option in bench(app, WatchBench).query_one(RowList).options] == ["left", "right"]
        assert "Press [r] or [/b]." in screen_text(app)


async def test_rows_call_an_agent_of_a_run_the_readers_own(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=watch(tmp_path, "perfect", "latest:bad")) as (app, pilot):
        await pilot.press("1")
        rows = bench(app, WatchBench).query_one(RowList)
        assert [str(option.prompt) for option in rows.options] == ["perfect", "your bad"]


async def test_up_and_down_play_the_chosen_agent_and_no_other(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=watch(tmp_path, "left", "right")) as (app, pilot):
        await pilot.press("1")
        await playing(app, pilot, "left")
        await pilot.press("r")
        await playing(app, pilot, "left", 1)
        await pilot.press("down")
        assert (await playing(app, pilot, "right", 0)).actions.tolist() == [1] * 8
        await pilot.press("up")
        await playing(app, pilot, "left", 0)


async def test_the_agent_that_is_played_plays_on_when_the_bench_is_updated(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=watch(tmp_path, "left")) as (app, pilot):
        await pilot.press("1")
        played = await held(app, pilot, "left")
        bench(app, WatchBench).update_view()
        bench(app, WatchBench).find_runs()
        await pilot.pause()
        assert recording(app) is played


async def test_r_plays_the_next_start_each_time(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=watch(tmp_path, STANDS)) as (app, pilot):
        await pilot.press("1")
        starts = [(await playing(app, pilot, STANDS, 0)).states[0].tolist()]
        for seed in (1, 2):
            player(app).go_to(400)
            await pilot.press("r")
            starts.append((await playing(app, pilot, STANDS, seed)).states[0].tolist())
            assert player(app).step < 100
            assert words(app, "#about") == f"start {seed}"
        assert len({tuple(start) for start in starts}) == 3


async def test_an_episode_is_announced_while_it_is_played_ahead(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=watch(tmp_path, STANDS)) as (app, pilot):
        await pilot.press("1")
        await held(app, pilot, STANDS)
        at_step(app, 30)
        shown = bench(app, WatchBench)
        shown.start()
        assert (said_there(app), player(app).recordings, player(app).held) == (AHEAD, [], False)
        assert not shown.busy
        assert not player(app).moving
        await until(pilot, lambda: player(app).recordings)
        assert shown.busy
        assert player(app).step < 30


async def test_held_before_it_begins_an_episode_waits_at_its_first_step(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=watch(tmp_path, STANDS)) as (app, pilot):
        await pilot.press("1")
        await playing(app, pilot, STANDS)
        shown = bench(app, WatchBench)
        shown.start()
        shown.toggle_pause()
        ahead = await playing(app, pilot, STANDS, 1)
        assert (player(app).held, player(app).moving, figures(app)[0]) == (True, False, "return   0")
        assert words(app, "#position").endswith("held")
        assert drawn(app)[0] == (float(ahead.states[0][0]), float(ahead.states[0][2]))


# --- how it moves


async def test_the_playback_moves_with_time(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=watch(tmp_path, STANDS)) as (app, pilot):
        await pilot.press("1")
        played = await held(app, pilot, STANDS)
        player(app).go_to(0)
        for step in (3, 6):  # 50 steps a second, so 3 in a sixteenth.
            player(app).advance(1 / 16)
            assert drawn(app)[0] == (float(played.states[step][0]), float(played.states[step][2]))


async def test_it_plays_by_itself(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=watch(tmp_path, STANDS)) as (app, pilot):
        await pilot.press("1")
        await playing(app, pilot, STANDS)
        before = player(app).step
        await until(pilot, lambda: player(app).step > before + 5)


async def test_space_holds_the_picture_and_goes_on(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=watch(tmp_path, STANDS)) as (app, pilot):
        await pilot.press("1")
        await playing(app, pilot, STANDS)
        await pilot.press("space")
        shown = player(app)
        assert (shown.held, shown.moving) == (True, False)
        assert words(app, "#position").endswith("held")
        before = shown.step
        await pilot.press("space")
        assert (shown.held, shown.moving) == (False, True)
        assert not words(app, "#position").endswith("held")
        await until(pilot, lambda: shown.step > before)


async def test_space_in_the_text_holds_the_picture_rather_than_scrolls(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab((160, 48), lesson=watch(tmp_path, STANDS)) as (app, pilot):
        await playing(app, pilot, STANDS)
        lesson_screen(app).query_one(Reading).focus()
        await pilot.press("space")
        assert player(app).held


async def test_nothing_runs_while_the_bench_is_out_of_sight(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=watch(tmp_path, STANDS)) as (app, pilot):
        await pilot.press("1")
        await playing(app, pilot, STANDS)
        shown = player(app)
        assert shown.moving
        await pilot.press("b")
        await until(pilot, lambda: not shown.moving)
        assert not bench(app, WatchBench).busy
        await pilot.press("b")
        await until(pilot, lambda: shown.moving)
        await pilot.press("question_mark")
        await until(pilot, lambda: not shown.moving)
        await pilot.press("escape")
        await until(pilot, lambda: shown.moving)


async def test_an_episode_that_is_over_stands_still_until_another_key(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=watch(tmp_path, "left")) as (app, pilot):
        await pilot.press("1")
        await playing(app, pilot, "left")
        shown = player(app)
        await until(pilot, lambda: shown.over)
        assert not shown.moving
        assert figures(app)[0] == "return  11  terminated: the pole fell"
        assert words(app, "#position").endswith("over")
        await pilot.press("space")
        await until(pilot, lambda: not shown.over or shown.moving)
        await until(pilot, lambda: shown.over)
        await pilot.press("r")
        await playing(app, pilot, "left", 1)


# --- what it says


async def test_each_step_tells_return_and_state_and_shows_the_push(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=watch(tmp_path, "angle")) as (app, pilot):
        await pilot.press("1")
        played = await held(app, pilot, "angle")
        assert at_step(app, 0) == [
            "return   0",
            "state  s1 +0.01  s2 -0.02  s3 -0.046  s4 -0.05",
        ]
        assert drawn(app) == ((float(played.states[0][0]), float(played.states[0][2])), -1)
        assert at_step(app, 5) == [
            "return   5",
            "state  s1 -0.03  s2 -1.00  s3 +0.005  s4 +1.36",
        ]
        assert drawn(app) == ((float(played.states[5][0]), float(played.states[5][2])), 1)
        assert cart(app).display
        assert at_step(app, 500)[0] == "return  41  terminated: the pole fell"
        assert drawn(app) == ((float(played.states[41][0]), float(played.states[41][2])), 0)


@pytest.mark.parametrize(
    ("agent", "seed", "line"),
    [
        (LEAVES_THE_TRACK, 0, "return 163  terminated: it left the track"),
        (LEAVES_THE_TRACK, 1, "return 500  truncated: time is up"),
        ("right", 0, "return   8  terminated: the pole fell"),
    ],
)
async def test_the_end_says_why_the_episode_is_over(
    open_lab: Open, tmp_path: Path, agent: str, seed: int, line: str
) -> None:
    async with open_lab(lesson=watch(tmp_path, agent)) as (app, pilot):
        await pilot.press("1")
        for started in range(seed):
            await playing(app, pilot, agent, started)
            await pilot.press("r")
        played = await held(app, pilot, agent, seed)
        assert "minated" not in at_step(app, len(played.actions) - 1)[0]
        assert "truncated" not in figures(app)[0]
        assert at_step(app, len(played.actions))[0] == line


async def test_a_network_shows_its_values_as_bars(open_lab: Open, tmp_path: Path) -> None:
    agent = network([4, 2], [[0, 0, 0, 0], [0, 0, 1, 0]])
    async with open_lab(lesson=watch(tmp_path, "tilt"), before=saved("tilt", agent)) as (app, pilot):
        await pilot.press("1")
        played = await held(app, pilot, "tilt")
        assert played.values is not None
        # It values a push to the right by the angle, a push to the left always 0.
        assert played.values[:, 0].tolist() == [0.0] * len(played.actions)
        assert played.values[:, 1] == pytest.approx(played.states[:-1, 2])
        lines = at_step(app, 0)
        assert lines[1] == "state  s1 +0.01  s2 -0.02  s3 -0.046  s4 -0.05"
        low, high = float(played.values.min()), float(played.values.max())
        share = {name: round(24 * (value - low) / (high - low)) for name, value in (("left", 0.0), ("right", -0.0459))}
        assert lines[2:] == [
            f"Q left      0.00 {'━' * share['left']}{'─' * (24 - share['left'])} <",
            f"Q right    -0.05 {'━' * share['right']}{'─' * (24 - share['right'])}",
        ]
        assert at_step(app, 5)[3].endswith(" <")
        assert not figures(app)[2].endswith(" <")
        last = at_step(app, 1_000)
        assert last[2:] == at_step(app, len(played.actions) - 1)[2:]


async def test_a_clone_shows_scores(open_lab: Open, tmp_path: Path) -> None:
    config = preset_spec("linear").config

    def before(lab: Laboratory) -> None:
        policy = Policy(MLP([4, 2]))
        policy.network.flat.zero_()
        save_agent(lab.store.agents_folder() / "clone", NetworkAgent("clone", policy, "imitation", config, {}))

    async with open_lab(lesson=watch(tmp_path, "clone"), before=before) as (app, pilot):
        await pilot.press("1")
        await held(app, pilot, "clone")
        # Where all values are equal there is nothing to compare: no bar, and the first action.
        assert at_step(app, 0)[2:] == [f"score left      0.00 {'─' * 24} <", f"score right     0.00 {'─' * 24}"]


async def test_bars_span_the_values_of_the_whole_episode(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=watch(tmp_path, "left")) as (app, pilot):
        await pilot.press("1")
        await held(app, pilot, "left")
        player(app).play([made()], ["made"], held=True)
        seen = [at_step(app, step)[2:] for step in range(4)]
        assert seen == [
            [f"Q left      0.00 {'─' * 24}", f"Q right     1.00 {'━' * 6}{'─' * 18} <"],
            [f"Q left      2.00 {'━' * 12}{'─' * 12}", f"Q right     4.00 {'━' * 24} <"],
            [f"Q left      3.00 {'━' * 18}{'─' * 6}", f"Q right     3.50 {'━' * 21}{'─' * 3} <"],
            [f"Q left      3.00 {'━' * 18}{'─' * 6}", f"Q right     3.50 {'━' * 21}{'─' * 3} <"],
        ]
        colors = [[str(span.style) for span in line.spans] for line in value_lines(made(), 1, 60, app.glyphs)]
        assert [line[0] for line in colors] == ["$primary", "$accent"]


async def test_the_return_is_the_sum_of_the_rewards_up_to_the_step(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=watch(tmp_path, "left")) as (app, pilot):
        await pilot.press("1")
        await held(app, pilot, "left")
        player(app).play([made(rewards=np.array([2.0, 30.0, -500.0]))], ["made"], held=True)
        assert [at_step(app, step)[0][:11].rstrip() for step in range(4)] == [
            "return   0",
            "return   2",
            "return  32",
            "return -468",
        ]


# --- other environments


async def test_another_environment_is_told_in_numbers_without_a_cart(open_lab: Open, tmp_path: Path) -> None:
    def before(lab: Laboratory) -> None:
        finished_bad(lab, network([2, 3], environment=MOUNTAIN_CAR))

    async with open_lab(lesson=watch(tmp_path, "latest:bad", "left"), before=before) as (app, pilot):
        await pilot.press("1")
        played = await held(app, pilot, "latest:bad")
        position, velocity = played.states[3]
        assert at_step(app, 3) == [
            "return  -3",
            f"position {position:+.3f}",
            f"velocity {velocity:+.3f}",
            f"Q left      0.00 {'─' * 24} <",
            f"Q coast     0.00 {'─' * 24}",
            f"Q right     0.00 {'─' * 24}",
        ]
        assert not cart(app).display
        assert at_step(app, 200)[0] == "return -200  truncated: time is up"
        for word in ("cart", "pole", "s1", "2.4 m"):
            assert word not in screen_text(app)
        await pilot.press("down")
        await playing(app, pilot, "left")
        assert cart(app).display


def test_an_end_by_itself_is_told_in_the_environments_words_or_in_none() -> None:
    assert ending_of(made()) == "terminated: the pole fell"
    off = np.array([[0, 0, 0, 0], [-2.5, 0, 0, 0]], np.float32)
    assert ending_of(made(states=off)) == "terminated: it left the track"
    assert ending_of(made(terminated=False)) == "truncated: time is up"
    hill = environment_facts(MOUNTAIN_CAR)
    assert ending_of(made(facts=hill)) == "terminated: it reached the flag"
    assert ending_of(made(facts=dataclasses.replace(hill, ending=None))) == "terminated"


def test_states_are_named_beside_the_picture_by_column_and_elsewhere_by_name() -> None:
    assert [str(line) for line in state_lines(made().states[1], made().facts)] == [
        "state  s1 +0.10  s2 +1.00  s3 +0.020  s4 +2.00"
    ]
    hill = made(facts=environment_facts("Acrobot-v1"), states=np.array([[1, 0, -0.5, 0.25, 2, -3.1234]], np.float32))
    assert [str(line) for line in state_lines(hill.states[0], hill.facts)] == [
        "cos 1      +1.000",
        "sin 1      +0.000",
        "cos 2      -0.500",
        "sin 2      +0.250",
        "velocity 1 +2.000",
        "velocity 2 -3.123",
    ]


# --- agents that are not there


async def test_an_agent_that_nobody_trained_yet_appears_once_its_run_has_finished(
    open_lab: Open, tmp_path: Path
) -> None:
    async with open_lab(lesson=watch(tmp_path, "latest:bad")) as (app, pilot):
        await pilot.press("1")
        problem = "there is no finished run of preset 'bad' yet; train one first."
        await until(pilot, lambda: said_there(app) == problem)
        assert not bench(app, WatchBench).busy
        bench(app, WatchBench).update_view()
        assert said_there(app) == problem
        finished_bad(app.lab, network([4, 2]))
        bench(app, WatchBench).find_runs()
        await playing(app, pilot, "latest:bad")
        assert problem not in said_there(app)


async def test_an_unknown_agent_is_told_as_text_and_the_others_play(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=watch(tmp_path, "[red]no[/b]", "left")) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: said_there(app).startswith("there is no agent '[red]no[/b]'; it should be "))
        assert "[red]no[/b]" in screen_text(app)
        await pilot.press("space")
        assert said_there(app).startswith("there is no agent")
        await pilot.press("down")
        await playing(app, pilot, "left")
        await until(pilot, lambda: figures(app)[0].startswith("return"))
        await pilot.press("up")
        await until(pilot, lambda: said_there(app).startswith("there is no agent"))
        assert player(app).recordings == []


async def test_an_agent_that_plays_is_not_begun_anew_because_a_run_has_ended(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=watch(tmp_path, "latest:bad", "left")) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: said_there(app).startswith("there is no finished run"))
        await pilot.press("down")
        await held(app, pilot, "left")
        played = recording(app)
        finished_bad(app.lab, network([4, 2]))
        bench(app, WatchBench).find_runs()
        await pilot.pause()
        assert recording(app) is played


# --- keys


async def test_the_lesson_offers_two_keys_and_its_help_names_them(open_lab: Open, tmp_path: Path) -> None:
    async with open_lab(lesson=watch(tmp_path, "left")) as (app, pilot):
        await pilot.press("1")
        shown = bench(app, WatchBench)
        assert app.focused is shown.query_one(RowList)
        keys = ("start", "toggle_pause", "stop", "start_all", "start_new", "next_chart", "change_pace")
        assert [shown.can(key) for key in keys] == [True, True] + [False] * 5
        for words_of_help in ("r plays its next episode", "space holds the picture"):
            assert words_of_help in WatchBench.HELP
