"""Playing it oneself: the cart under the keys, what is kept of it, the ladder, and the clone that learns from it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.agents.starts import Start
from engine.laboratory import Laboratory
from engine.runs.run import Run
from engine.storage.data_sets import read_csv
from tests.tui_lab.fakes import drawn_text
from tests.tui_lab.pilot import LabPilot, Open, flat, said, until
from tui_lab.app import LabApp
from tui_lab.screens.play_screen import PlayScreen
from tui_lab.screens.watch_screen import WatchScreen
from tui_lab.widgets.agent_stage import AgentStage
from tui_lab.widgets.cart import Cart
from tui_lab.widgets.play_ground import LEFT, LONGEST_GAP, RIGHT, PlayGround
from tui_lab.widgets.player import STEPS_PER_SECOND
from tui_lab.widgets.words import Words

RULE = "linear:0.1,0.2,1,0.5"


class Clock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def ground(app: LabApp) -> PlayGround:
    return app.screen.query_one(PlayGround)


def told(app: LabApp) -> str:
    return str(app.screen.query_one("#told", Words).words)


def rows_line(app: LabApp) -> str:
    return str(app.screen.query_one("#rows", Words).words)


def ladder(app: LabApp) -> list[str]:
    return str(app.screen.query_one("#ladder", Words).words).split("\n")


async def at_play(app: LabApp, pilot: LabPilot) -> Clock:
    """The screen with an episode that waits for its first push, and the clock that it goes by."""
    await app.push_screen(PlayScreen())
    clock = Clock()
    ground(app)._clock = clock
    await until(pilot, lambda: ground(app).play is not None)
    return clock


def let_pass(app: LabApp, clock: Clock, steps: int) -> None:
    """Let the time of so many steps pass."""
    for _ in range(steps):
        clock.now += 1.0001 / (STEPS_PER_SECOND * ground(app).speed)
        ground(app)._catch_up()


async def fall(app: LabApp, pilot: LabPilot, clock: Clock, key: str = "left") -> int:
    """Push to one side until the pole has fallen and the episode is kept; returns how many are kept then."""
    kept = len(app.lab.kept_plays())
    await pilot.press(key)
    let_pass(app, clock, 20)
    await until(pilot, lambda: len(app.lab.kept_plays()) == kept + 1 and f"of {kept + 1} episode" in rows_line(app))
    return kept + 1


def played(like: str, *seeds: int) -> Callable[[Laboratory], None]:
    """What the reader played on an earlier day, at a quarter of the speed."""

    def before(lab: Laboratory) -> None:
        for seed in seeds:
            play = lab.play(seed)
            for action in lab.recording(like, Start(seed)).actions:
                play.step(int(action))
            lab.keep_play(play, 0.25)

    return before


# --- the cart under the keys


async def test_an_episode_waits_for_its_first_push(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        clock = await at_play(app, pilot)
        assert "press left or right to begin" in told(app)
        assert not ground(app).running
        clock.now += 100
        ground(app)._catch_up()
        play = ground(app).play
        assert play is not None
        assert play.steps == 0
        await pilot.press("left")
        assert ground(app).running
        assert "pushing left" in told(app)


@pytest.mark.parametrize(
    ("key", "other", "action"), [("left", "right", LEFT), ("right", "left", RIGHT), ("a", "d", LEFT)]
)
async def test_a_push_holds_until_the_other_one(open_lab: Open, key: str, other: str, action: int) -> None:
    async with open_lab() as (app, pilot):
        clock = await at_play(app, pilot)
        play = ground(app).play
        assert play is not None
        await pilot.press(key)
        let_pass(app, clock, 4)
        await pilot.press(other)
        let_pass(app, clock, 3)
        await pilot.press(other)
        let_pass(app, clock, 1)
        assert play.recording().actions.tolist() == [action] * 4 + [1 - action] * 4
        assert app.screen.query_one(Cart).push == (1 if action == LEFT else -1)


async def test_a_push_counts_from_the_moment_of_its_key(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        clock = await at_play(app, pilot)
        play = ground(app).play
        assert play is not None
        await pilot.press("left")
        clock.now += 3.001 / (STEPS_PER_SECOND * ground(app).speed)
        ground(app).push(RIGHT)
        assert play.recording().actions.tolist() == [LEFT] * 3, "the time before the key belongs to the earlier push"


@pytest.mark.parametrize(
    ("keys", "speed"), [(["<"], 0.25), ([], 0.25), ([">"], 0.5), (["+", "+", "+"], 1.0), ([">", ">", "-"], 0.5)]
)
async def test_a_second_has_fifty_steps_at_full_speed(open_lab: Open, keys: list[str], speed: float) -> None:
    async with open_lab() as (app, pilot):
        clock = await at_play(app, pilot)
        await pilot.press(*keys)
        assert ground(app).speed == speed
        assert f"< {speed:g} x >" in told(app)
        play = ground(app).play
        assert play is not None
        await pilot.press("left")
        clock.now += 0.1601
        ground(app)._catch_up()
        assert play.steps == round(8 * speed)


async def test_the_speed_stays_through_an_episode(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        clock = await at_play(app, pilot)
        await pilot.press("left")
        let_pass(app, clock, 2)
        await pilot.press(">")
        assert ground(app).speed == 0.25
        assert said(app) == ["The speed can be changed before an episode begins."]


async def test_a_terminal_that_stalls_does_not_let_the_cart_run_on(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        clock = await at_play(app, pilot)
        play = ground(app).play
        assert play is not None
        await pilot.press("left")
        clock.now += 1_000
        ground(app)._catch_up()
        assert play.steps == int(LONGEST_GAP * STEPS_PER_SECOND * 0.25)


async def test_a_pause_stops_the_time_and_no_timer_runs(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        clock = await at_play(app, pilot)
        play = ground(app).play
        assert play is not None
        await pilot.press("left")
        let_pass(app, clock, 3)
        await pilot.press("space")
        assert not ground(app).running
        assert "paused: space goes on" in told(app)
        clock.now += 50
        await pilot.press("space")
        assert play.steps == 3
        let_pass(app, clock, 1)
        assert play.steps == 4
        await pilot.press("space", "right")
        assert (ground(app).paused, ground(app).direction) == (False, RIGHT)


async def test_under_another_screen_the_episode_pauses(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        clock = await at_play(app, pilot)
        await pilot.press("left")
        let_pass(app, clock, 2)
        await pilot.press("question_mark")
        await pilot.pause()
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, PlayScreen))
        assert ground(app).paused
        assert not ground(app).running


async def test_the_numbers_are_those_of_the_state(open_lab: Open) -> None:
    async with open_lab((160, 48)) as (app, pilot):
        clock = await at_play(app, pilot)
        await pilot.press("left")
        let_pass(app, clock, 5)
        ground(app).pause()
        await pilot.pause()
        recorded = app.lab.recording("left", Start(0))
        s1, s2, s3, s4 = (float(value) for value in recorded.states[5])
        numbers = str(app.screen.query_one("#numbers", Words).words)
        assert numbers == f"return   5\nstate  s1 {s1:+.2f}  s2 {s2:+.2f}  s3 {s3:+.3f}  s4 {s4:+.2f}"
        assert app.screen.query_one(Cart).state == (s1, s3)


# --- what is kept


async def test_an_episode_that_is_over_is_kept_and_says_why_it_ended(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        clock = await at_play(app, pilot)
        await fall(app, pilot, clock)
        assert "terminated: the pole fell   r plays on" in told(app)
        assert not ground(app).running
        (kept,) = app.lab.kept_plays()
        recorded = app.lab.recording("left", Start(0))
        assert (kept.seed, kept.speed, kept.steps) == (0, 25, len(recorded.actions))
        samples = read_csv(kept.path)
        np.testing.assert_array_equal(samples.states, recorded.states[:-1])
        np.testing.assert_array_equal(samples.actions, recorded.actions)


async def test_r_plays_another_start_each_time_and_gives_up_what_was_under_way(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        clock = await at_play(app, pilot)
        await fall(app, pilot, clock)
        for seed in (1, 2):
            await pilot.press("r")
            await until(pilot, lambda seed=seed: ground(app).play is not None and ground(app).play.seed == seed)
            assert "press left or right" in told(app)
            await pilot.press("left")
            let_pass(app, clock, 3)
        assert [kept.seed for kept in app.lab.kept_plays()] == [0]


async def test_the_next_day_begins_at_a_start_that_was_not_played(open_lab: Open) -> None:
    async with open_lab(before=played("left", 0, 7)) as (app, pilot):
        await at_play(app, pilot)
        play = ground(app).play
        assert play is not None
        assert play.seed == 8
        assert "rows kept of 2 episodes" in rows_line(app)


async def test_what_cannot_be_kept_is_told(open_lab: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("the disk is full")

    async with open_lab() as (app, pilot):
        clock = await at_play(app, pilot)
        monkeypatch.setattr(app.lab, "keep_play", refuse)
        await pilot.press("left")
        let_pass(app, clock, 20)
        await until(pilot, lambda: said(app) == ["this episode could not be kept: the disk is full"])


# --- the ladder


async def test_the_return_climbs_the_ladder(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        clock = await at_play(app, pilot)
        assert [line.split()[0] for line in ladder(app)] == ["500", "485", "178", "42", "22", "9"]
        await pilot.press("left")
        let_pass(app, clock, 5)
        await until(pilot, lambda: "5 ▸ you, now" in ladder(app)[-1])
        let_pass(app, clock, 20)
        await until(pilot, lambda: any("your best at 0.25 x" in line for line in ladder(app)))
        best = app.lab.kept_plays()[0].steps
        assert any(line.strip() == f"{best} ▸ your best at 0.25 x" for line in ladder(app))
        assert "above always one side (9)" in ladder(app)[-1]


async def test_best_and_mean_are_those_of_the_speed_that_is_played(open_lab: Open) -> None:
    async with open_lab(before=played("angle", 1, 2)) as (app, pilot):
        await at_play(app, pilot)
        steps = [kept.steps for kept in app.lab.kept_plays()]
        shown = [line.strip() for line in ladder(app)]
        assert f"{max(steps)} ▸ your best at 0.25 x" in shown
        assert f"{sum(steps) / 2:.0f} ▸ your mean of 2" in shown
        await pilot.press(">")
        assert not any("your best" in line for line in ladder(app))


# --- the clone


async def test_with_too_few_rows_no_clone_is_trained_and_the_reason_is_told(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        clock = await at_play(app, pilot)
        await pilot.press("c")
        assert "a clone needs two episodes" in rows_line(app)
        await fall(app, pilot, clock)
        await pilot.press("r")
        await until(pilot, lambda: not ground(app).begun and "begin" in told(app))
        await fall(app, pilot, clock)
        await pilot.press("c")
        assert "a clone needs 100 rows to learn from" in rows_line(app)
        assert app.lab.store.count_runs() == 0


async def test_pushes_to_one_side_teach_nothing(open_lab: Open) -> None:
    async with open_lab(before=played("left", *range(20))) as (app, pilot):
        await at_play(app, pilot)
        await pilot.press("c")
        await until(pilot, lambda: "you pushed to one side only" in rows_line(app))
        assert app.lab.store.count_runs() == 0


async def test_c_trains_a_clone_and_w_shows_it_beside_the_reader_from_the_same_start(open_lab: Open) -> None:
    async with open_lab(before=played(RULE, 4, 5)) as (app, pilot):
        app.lab.run_type = Run
        await at_play(app, pilot)
        assert "(the course's had 1,000)" in rows_line(app)
        await pilot.press("c")
        await until(pilot, lambda: "my-clone-1: accuracy train " in rows_line(app))
        assert "w shows it beside you" in rows_line(app)
        (record,) = app.lab.store.runs()
        assert (record.kind, record.name) == ("imitation", "my-clone-1")
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.screen, WatchScreen))
        stage = app.screen.query_one(AgentStage)
        await until(pilot, lambda: len(stage.player.recordings) == 2)
        clone, you = stage.player.recordings
        assert (clone.values_are, you.agent) == ("score", "you")
        assert clone.start == you.start == Start(5)
        np.testing.assert_array_equal(clone.states[0], you.states[0])
        names = [str(words.words) for words in stage.query(".name").results(Words)]
        assert names == ["my-clone-1", "you"]


async def test_w_without_a_clone_shows_the_reader_alone_and_without_a_play_says_so(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        clock = await at_play(app, pilot)
        await pilot.press("w")
        assert "Play an episode to its end first" in rows_line(app)
        await fall(app, pilot, clock)
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.screen, WatchScreen))
        stage = app.screen.query_one(AgentStage)
        await until(pilot, lambda: [act.agent for act in stage.player.recordings] == ["you"])


# --- the screen


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (160, 48)])
async def test_it_fits_every_size(open_lab: Open, size: tuple[int, int]) -> None:
    async with open_lab(size) as (app, pilot):
        clock = await at_play(app, pilot)
        await pilot.press("left")
        let_pass(app, clock, 3)
        await pilot.press("space")
        await pilot.pause()
        shown = drawn_text(app)
        for words in ("return   3", "paused", "-2.4 m", "s4", "Nothing played yet."):
            assert words in shown
        assert ("the course's bad agent" in shown) == (size[0] >= 80)
        assert max(map(len, shown.split("\n"))) <= size[0]


async def test_the_help_says_how_it_is_played(open_lab: Open) -> None:
    async with open_lab((100, 60)) as (app, pilot):
        await at_play(app, pilot)
        await pilot.press("question_mark")
        await until(pilot, lambda: "The arrow keys left and right push the cart" in flat(app))
        for words in ("Push left from now on", "Train a clone on everything", "Play the next episode slower"):
            assert words in flat(app)


async def test_escape_leaves_and_gives_up_the_episode(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        clock = await at_play(app, pilot)
        await pilot.press("left")
        let_pass(app, clock, 3)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, PlayScreen))
        assert app.lab.kept_plays() == []
