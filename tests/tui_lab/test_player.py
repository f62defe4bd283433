"""The player: speeds, single steps, places, two recordings in step; and that nothing ticks while nothing moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.screen import Screen

from engine.agents.recording import Recording, record_episode
from engine.agents.rules import scripted_agent
from tui_lab.glyphs import BRAILLE, Pace
from tui_lab.themes import DARK
from tui_lab.widgets.cart import Cart
from tui_lab.widgets.player import MOST_FRAMES_LATE, SPEEDS, STEPS_PER_SECOND, Player
from tui_lab.widgets.words import Words


def episode(rule: str, seed: int = 0) -> Recording:
    agent = scripted_agent(rule)
    assert agent is not None
    return record_episode(agent, seed)


LONG, SHORT, SHORTER = episode("linear:0.1,0.2,1,0.5"), episode("angle"), episode("left")


class OnePlayer(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.pace = Pace(charts=3, frames=16, reason="a test")
        self.register_theme(DARK)
        self.theme = DARK.name

    def compose(self) -> ComposeResult:
        yield Player(BRAILLE)

    @property
    def player(self) -> Player:
        return self.query_one(Player)

    def stand(self, number: int) -> list[str]:
        return str(self.query_one(f"#stand-{number} .figures", Words).words).split("\n")

    @property
    def position(self) -> str:
        return str(self.query_one("#position", Words).words)

    def cart(self, number: int = 1) -> Cart:
        return self.query_one(f"#stand-{number}").query_one(Cart)


@asynccontextmanager
async def opened(*acts: Recording | str, held: bool = True) -> AsyncIterator[tuple[OnePlayer, Pilot[None]]]:
    app = OnePlayer()
    async with app.run_test(size=(100, 24)) as pilot:
        await pilot.pause()
        app.player.play(acts, ["first", "second"], held=held)
        await pilot.pause()
        yield app, pilot


def state_at(recording: Recording, step: int) -> tuple[float, float]:
    return float(recording.states[step][0]), float(recording.states[step][2])


@pytest.mark.parametrize("speed", SPEEDS)
async def test_a_speed_is_a_factor_of_real_time(speed: float) -> None:
    async with opened(LONG) as (app, _):
        app.player.change_speed(SPEEDS.index(speed) - SPEEDS.index(1.0))
        assert app.player.speed == speed
        assert f"< {speed:g} x >" in app.position
        app.player.advance(1.0)
        assert app.player.step == round(STEPS_PER_SECOND * speed)
        assert app.cart().state == state_at(LONG, round(STEPS_PER_SECOND * speed))


async def test_speeds_go_from_a_tenth_to_eight_times_and_no_further() -> None:
    async with opened(LONG) as (app, _):
        for by, end in ((-100, 0.1), (100, 8.0)):
            app.player.change_speed(by)
            assert app.player.speed == end


async def test_slow_steps_add_up() -> None:
    async with opened(LONG) as (app, _):
        app.player.change_speed(-100)
        for _ in range(20):
            app.player.advance(0.05)
        assert app.player.step == 5


async def test_single_steps_hold_the_picture() -> None:
    async with opened(LONG, held=False) as (app, _):
        assert app.player.moving
        app.player.go_to(10)
        app.player.go_by(1, hold=True)
        assert (app.player.step, app.player.held, app.player.moving) == (11, True, False)
        app.player.go_by(-1, hold=True)
        assert app.player.step == 10
        assert app.cart().state == state_at(LONG, 10)
        assert "10 of 500" in app.position
        assert app.position.endswith("held")


async def test_places_end_at_the_first_and_the_last_step() -> None:
    async with opened(SHORT) as (app, _):
        steps = len(SHORT.actions)
        for place, shown in ((-5, 0), (7, 7), (10_000, steps)):
            app.player.go_to(place)
            assert app.player.step == shown
            assert app.cart().state == state_at(SHORT, shown)
        assert app.position.endswith("over")
        app.player.go_by(-10)
        assert app.player.step == steps - 10
        app.player.go_by(-1_000)
        assert app.player.step == 0


async def test_the_bar_fills_with_the_steps() -> None:
    async with opened(LONG) as (app, _):
        filled = []
        for step in (0, 125, 250, 500):
            app.player.go_to(step)
            filled.append(app.position.count("━"))
        cells = app.position.count("━") + app.position.count("─")
        assert filled == [0, round(cells / 4), round(cells / 2), cells]


async def test_two_recordings_play_in_step_each_to_its_own_end() -> None:
    async with opened(SHORT, SHORTER) as (app, _):
        assert [str(words.words) for words in app.query(".name").results(Words)] == ["first", "second"]
        assert app.player.steps == len(SHORT.actions) > len(SHORTER.actions)
        app.player.go_to(5)
        assert (app.stand(1)[0], app.stand(2)[0]) == ("return   5", "return   5")
        assert app.cart(2).state == state_at(SHORTER, 5)
        app.player.go_to(20)
        assert app.stand(1)[0] == "return  20"
        assert app.stand(2)[0] == f"return  {len(SHORTER.actions)}  terminated: the pole fell"
        assert app.cart(2).state == state_at(SHORTER, len(SHORTER.actions))
        assert not app.player.over


async def test_one_recording_has_the_whole_width_and_no_name() -> None:
    async with opened(SHORT, SHORTER) as (app, pilot):
        narrow = app.cart().size.width
        app.player.play([SHORT], ["first"], held=True)
        await pilot.pause()
        assert app.cart().size.width == 100 > 2 * narrow - 2
        assert not app.query_one("#stand-1 .name").display


async def test_where_one_cannot_play_the_other_does() -> None:
    async with opened(SHORT, "there is no agent.") as (app, _):
        app.player.go_to(3)
        assert app.stand(1)[0] == "return   3"
        assert app.stand(2) == ["there is no agent."]


async def test_a_sentence_takes_the_place_of_an_episode() -> None:
    async with opened(LONG, held=False) as (app, _):
        app.player.say("Nothing to see.")
        assert (app.stand(1), app.position, app.player.moving) == (["Nothing to see."], "", False)
        app.player.go_by(1)
        app.player.toggle_hold()
        assert app.player.step == 0


# --- time


async def test_it_moves_by_itself_to_the_end_and_then_rests() -> None:
    async with opened(SHORTER, held=False) as (app, pilot):
        assert app.player.moving
        for _ in range(600):
            if app.player.over:
                break
            await pilot.pause(0.02)
        await pilot.pause()
        assert (app.player.over, app.player.moving) == (True, False)
        app.player.toggle_hold()
        assert (app.player.step, app.player.moving) == (0, True)


async def test_no_timer_runs_while_held_hidden_or_under_another_screen() -> None:
    async with opened(LONG, held=False) as (app, pilot):
        app.player.toggle_hold()
        assert not app.player.moving
        app.player.toggle_hold()
        assert app.player.moving
        app.player.display = False
        await pilot.pause()
        assert not app.player.moving
        app.player.display = True
        await pilot.pause()
        assert app.player.moving
        app.push_screen(Screen())
        for _ in range(600):
            if not app.player.moving:
                break
            await pilot.pause(0.02)
        assert not app.player.moving
        app.pop_screen()
        await pilot.pause()
        app.player.look()
        assert app.player.moving


async def test_frames_come_at_the_terminals_pace_and_never_more_often_than_steps() -> None:
    async with opened(LONG) as (app, _):
        intervals = []
        for frames in (30.0, 16.0, 4.0):
            app.pace = Pace(charts=1, frames=frames, reason="a test")
            intervals.append(app.player._interval)
        assert intervals == [1 / 30, 1 / 16, 1 / 4]
        app.player.change_speed(-100)
        app.pace = Pace(charts=1, frames=30.0, reason="a test")
        assert app.player._interval == pytest.approx(1 / 5)


async def test_a_terminal_that_stalls_does_not_make_the_cart_leap() -> None:
    async with opened(LONG) as (app, _):
        player = app.player
        player.toggle_hold()
        player._seen_at -= 1_000.0
        player._frame()
        assert player.step == int(MOST_FRAMES_LATE / 16 * STEPS_PER_SECOND)
        player.toggle_hold()


async def test_the_push_is_shown_until_the_end() -> None:
    async with opened(SHORT) as (app, _):
        pushes = []
        for step in range(len(SHORT.actions) + 1):
            app.player.go_to(step)
            pushes.append(app.cart().push)
        assert pushes == [*np.where(SHORT.actions, 1, -1).tolist(), 0]


async def test_a_frame_that_was_on_its_way_when_the_picture_was_held_moves_nothing() -> None:
    async with opened(LONG, held=False) as (app, _):
        app.player.go_by(0, hold=True)
        before = app.player.step
        app.player._frame()
        assert (app.player.step, app.player.moving) == (before, False)


async def test_in_motion_numbers_are_shown_no_more_often_than_they_can_be_read() -> None:
    async with opened(LONG) as (app, _):
        seen = []
        for _ in range(8):
            app.player.advance(1 / 16)
            assert app.cart().state == state_at(LONG, app.player.step), "the picture is always the newest"
            seen.append(app.stand(1)[0])
            assert f" {int(app.stand(1)[0].split()[1])} of 500" in app.position
        assert seen == ["return   0"] * 3 + ["return  12"] * 4 + ["return  25"]
        app.player.go_by(1, hold=True)
        assert app.stand(1)[0] == "return  26"
        app.player.go_to(499)
        app.player.advance(1 / 16)
        assert app.stand(1)[0] == "return 500  truncated: time is up"
