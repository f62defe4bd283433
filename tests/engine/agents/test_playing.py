"""An episode that a person acts in: stepped one by one, the same as an agent's with the same actions."""

from __future__ import annotations

import numpy as np

from engine.agents.playing import Play, replay
from engine.agents.recording import record_episode
from engine.agents.rules import scripted_agent
from engine.agents.starts import Start


def test_a_play_begins_where_an_agents_episode_of_that_seed_begins() -> None:
    agent = scripted_agent("left")
    assert agent is not None
    play = Play(7)
    np.testing.assert_array_equal(play.state, record_episode(agent, 7).states[0])
    assert (play.over, play.steps, play.total_reward) == (False, 0, 0.0)


def test_an_agents_actions_played_by_hand_give_its_episode() -> None:
    agent = scripted_agent("angle")
    assert agent is not None
    recorded = record_episode(agent, 3)
    played = replay(3, recorded.actions).recording()
    np.testing.assert_array_equal(played.states, recorded.states)
    np.testing.assert_array_equal(played.actions, recorded.actions)
    assert (played.total_reward, played.terminated, played.start) == (recorded.total_reward, True, Start(3))
    assert (played.agent, played.values) == ("you", None)


def test_a_play_that_is_over_takes_no_further_step() -> None:
    play = replay(0, [0] * 30)
    assert play.over
    steps = play.steps
    assert steps < 12
    play.step(1)
    assert play.steps == steps


def test_a_play_that_lasts_is_truncated_at_the_time_limit() -> None:
    agent = scripted_agent("linear:0.1,0.2,1,0.5")
    assert agent is not None
    play = replay(1, record_episode(agent, 1).actions)
    assert (play.truncated, play.terminated, play.over, play.total_reward) == (True, False, True, 500)


def test_an_unfinished_play_can_be_looked_at_too() -> None:
    play = Play(0)
    assert play.recording().states.shape == (1, 4)
    play.step(1)
    assert play.recording().actions.tolist() == [1]
