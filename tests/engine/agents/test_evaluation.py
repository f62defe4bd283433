"""Evaluation: fixed starts, first episodes only, and known rules at their known returns."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
import pytest
import torch

from engine.agents.agent import Agent
from engine.agents.evaluation import Evaluator, evaluate
from engine.agents.names import AgentError
from engine.agents.recording import record, record_episode
from engine.agents.rules import scripted_agent
from engine.agents.starts import Evaluated, Start
from engine.learners.greedy import LANE_EPISODES
from engine.learners.network import MLP
from engine.storage.agent_folders import load_agent
from engine.storage.names import SHIPPED
from tests.engine import probes
from tests.engine.small import clone

PERFECT_RULE = "linear:0.1,0.2,1,0.5"
DECENT_RULE = "linear:0,0,1,1"


def rule(text: str) -> Agent:
    agent = scripted_agent(text)
    assert agent is not None
    return agent


@pytest.mark.parametrize("episodes", [50, LANE_EPISODES + 50])
@pytest.mark.parametrize("name", ["random", "angle"])
def test_the_same_agent_episodes_and_seed_give_the_same_returns(name: str, episodes: int) -> None:
    first = evaluate(rule(name), episodes, 7)
    np.testing.assert_array_equal(evaluate(rule(name), episodes, 7).returns, first.returns)
    assert not np.array_equal(evaluate(rule(name), episodes, 8).returns, first.returns)


def test_the_random_agents_returns_do_not_depend_on_how_many_steps_are_taken_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = evaluate(rule("random"), LANE_EPISODES + 50, 7)
    monkeypatch.setattr("engine.learners.greedy.STEPS_AT_ONCE", 3)
    np.testing.assert_array_equal(evaluate(rule("random"), LANE_EPISODES + 50, 7).returns, first.returns)


def test_an_agent_that_evaluated_before_evaluates_the_same_again() -> None:
    agent = rule("random")
    np.testing.assert_array_equal(evaluate(agent, 50, 7).returns, evaluate(agent, 50, 7).returns)


def test_a_networks_returns_do_not_depend_on_how_many_cores_play_its_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    network = MLP((4, 8, 2), torch.Generator().manual_seed(0))
    agent = clone(network)
    act, threads, found = agent.act, set[str](), []

    def act_and_tell(states: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        threads.add(threading.current_thread().name)
        return act(states)

    monkeypatch.setattr(agent, "act", act_and_tell)
    for cores in (1, 3):
        monkeypatch.setattr("engine.learners.greedy.usable_cores", lambda cores=cores: cores)
        found.append(evaluate(agent, 2 * LANE_EPISODES + 10, 0).returns)
    assert len(threads) > 2, "the test's own thread alone, then several"
    np.testing.assert_array_equal(found[0], found[1])
    first, second = found[0][:LANE_EPISODES], found[0][LANE_EPISODES : 2 * LANE_EPISODES]
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, evaluate(agent, LANE_EPISODES, 0).returns)


@pytest.mark.parametrize(
    ("name", "mean", "tolerance"),
    [("random", 22.2, 1.5), ("angle", 42, 1.2), ("left", 9.4, 0.15), ("right", 9.4, 0.15), (PERFECT_RULE, 500, 0)],
)
def test_known_rules_get_their_known_mean_return(name: str, mean: float, tolerance: float) -> None:
    assert evaluate(rule(name), 1_000, 0).returns.mean() == pytest.approx(mean, abs=tolerance)


def test_the_perfect_agent_lasts_500_steps_in_all_of_1000_episodes() -> None:
    summary = evaluate(load_agent(SHIPPED / "perfect"), 1_000, 0).summary()
    assert summary == {"mean": 500, "std": 0, "min": 500, "max": 500, "perfect": 1_000, "episodes": 1_000}


def single_returns(agent: Agent, starts: npt.NDArray[np.float32], exact: npt.NDArray[np.float64]) -> list[float]:
    """Returns of one episode in an environment of its own for each start."""
    returns = []
    for observation, start in zip(starts, exact, strict=True):
        env = gymnasium.make("CartPole-v1")
        env.reset(seed=0)
        env.unwrapped.state = start  # type: ignore[attr-defined]
        state, total, over = observation, 0.0, False
        while not over:
            state, reward, terminated, truncated, _ = env.step(int(agent.act(state[None])[0]))
            total += float(reward)
            over = terminated or truncated
        returns.append(total)
    return returns


@pytest.mark.parametrize("name", ["angle", "left", DECENT_RULE])
def test_only_the_first_episode_of_each_start_counts(name: str) -> None:
    vector: Any = gymnasium.make_vec("CartPole-v1", num_envs=25)
    starts, _ = vector.reset(seed=3)
    exact = np.array(vector.unwrapped.state, np.float64).T
    expected = single_returns(rule(name), starts, exact)
    assert evaluate(rule(name), 25, 3).returns.tolist() == expected
    assert len(set(expected)) > 2


def test_returns_of_another_environment_count_every_reward_of_the_first_episode() -> None:
    evaluation = evaluate(rule("left"), 4, 0, probes.ODD_ACTIONS)
    assert evaluation.returns.tolist() == [15.0] * 4
    assert evaluation.perfect is None, "nobody says what the best return is there"


def test_perfect_counts_the_episodes_that_reach_the_time_limit() -> None:
    evaluation = evaluate(rule(DECENT_RULE), 200, 0)
    assert evaluation.perfect == int((evaluation.returns == 500).sum())
    assert 0 < evaluation.perfect < 200
    assert evaluate(rule("left"), 6, 0, probes.ENDLESS).perfect == 6


def test_the_summary_is_of_the_returns() -> None:
    evaluation = evaluate(rule("angle"), 40, 0)
    returns = evaluation.returns
    summary = evaluation.summary()
    assert summary["mean"] == pytest.approx(returns.sum() / 40)
    assert summary["std"] == pytest.approx(np.sqrt(((returns - returns.mean()) ** 2).mean()))
    assert (summary["min"], summary["max"], summary["episodes"]) == (returns.min(), returns.max(), 40)
    assert (evaluation.agent, evaluation.seed) == ("angle", 0)


def test_progress_never_falls_and_ended_returns_never_change() -> None:
    evaluator = Evaluator(rule("angle"), LANE_EPISODES + 10, 0)
    progress, final = [evaluator.progress], np.full(LANE_EPISODES + 10, np.nan)
    while not evaluator.finished:
        evaluator.advance()
        progress.append(evaluator.progress)
        known = ~np.isnan(final)
        np.testing.assert_array_equal(evaluator.returns[known], final[known])
        final[evaluator.ended] = evaluator.returns[evaluator.ended]
    assert progress == sorted(progress)
    assert (progress[0], progress[-1]) == (0, pytest.approx(1))
    assert len(progress) > 10


@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [
        ((6, 8, 2), "agent 'net' reads states of 6 values, but CartPole-v1 has 4"),
        ((4, 8, 3), "agent 'net' chooses among 3 actions, but CartPole-v1 has 2"),
    ],
)
def test_an_agent_that_does_not_fit_is_refused(sizes: tuple[int, ...], sentence: str) -> None:
    agent = clone(MLP(sizes))
    with pytest.raises(AgentError, match=sentence):
        Evaluator(agent, 3, 0)
    with pytest.raises(AgentError, match=sentence):
        record_episode(agent, 0)


def test_evaluation_and_recording_leave_the_global_generators_alone(
    global_generators: Callable[[], list[Any]],
) -> None:
    torch.manual_seed(1)
    before = global_generators()
    evaluate(rule("random"), 20, 0)
    evaluate(rule("left"), 3, 0, probes.ODD_ACTIONS)
    record_episode(rule("random"), 0)
    assert global_generators() == before


# --- recordings


@pytest.mark.parametrize("name", ["random", "angle", PERFECT_RULE])
def test_a_recording_holds_t_steps_and_the_state_after_the_last(name: str) -> None:
    recording = record_episode(rule(name), 5)
    steps = len(recording.actions)
    assert recording.states.shape == (steps + 1, 4)
    assert recording.states.dtype == np.float32
    assert recording.rewards.tolist() == [1.0] * steps
    assert recording.total_reward == steps
    assert recording.values is None
    assert recording.terminated == (steps < 500)
    position, angle = abs(recording.states[:, 0]), abs(recording.states[:, 2])
    out = (position > 2.4) | (angle > 12 * 2 * np.pi / 360)
    assert out.tolist() == [False] * steps + [recording.terminated]


def test_a_recording_of_a_network_keeps_the_values_that_it_acted_on() -> None:
    agent = clone(MLP((4, 8, 2), torch.Generator().manual_seed(0)))
    recording = record_episode(agent, 5)
    assert recording.values is not None
    np.testing.assert_array_equal(recording.values.argmax(1), recording.actions)
    np.testing.assert_allclose(recording.values, agent.values(recording.states[:-1]), rtol=1e-5, atol=1e-6)


def test_the_same_seed_records_the_same_episode() -> None:
    first, again, other = (record_episode(rule("random"), seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.states, again.states)
    assert not np.array_equal(first.states[0], other.states[0])


def test_recording_and_evaluation_agree_on_the_return_from_the_same_start() -> None:
    for seed in range(5):
        recording = record_episode(rule(DECENT_RULE), seed)
        env = gymnasium.make("CartPole-v1")
        start = env.reset(seed=seed)[0]
        exact = np.array([env.unwrapped.state], np.float64)  # type: ignore[attr-defined]
        assert [recording.total_reward] == single_returns(rule(DECENT_RULE), start[None], exact)


def test_recordings_and_evaluations_take_the_same_actions_in_an_action_space_that_starts_elsewhere() -> None:
    assert record_episode(rule("right"), 0, probes.ODD_ACTIONS).total_reward == 18.0
    assert evaluate(rule("right"), 1, 0, probes.ODD_ACTIONS).returns.tolist() == [18.0]


# --- recordings of an evaluation's episodes


@pytest.mark.parametrize("name", ["random", "angle", DECENT_RULE])
def test_any_episode_of_an_evaluation_of_a_rule_can_be_played_again(name: str) -> None:
    episodes = LANE_EPISODES + 20
    returns = evaluate(rule(name), episodes, 7).returns
    for episode in (0, 1, LANE_EPISODES - 1, LANE_EPISODES, episodes - 1, int(returns.argmin()), int(returns.argmax())):
        recording = record(rule(name), Start(7, Evaluated(episode, episodes)))
        assert recording.total_reward == returns[episode]
        assert recording.terminated == (returns[episode] < 500)
        assert recording.states.shape == (len(recording.actions) + 1, 4)


def test_an_episode_of_a_networks_evaluation_is_played_again_with_the_values_that_it_acted_on() -> None:
    agent = clone(MLP((4, 8, 2), torch.Generator().manual_seed(0)))
    episodes = LANE_EPISODES + 20
    returns = evaluate(agent, episodes, 3).returns
    for episode in (0, 17, LANE_EPISODES + 3, int(returns.argmin()), int(returns.argmax())):
        recording = record(agent, Start(3, Evaluated(episode, episodes)))
        assert recording.total_reward == returns[episode]
        assert recording.values is not None
        np.testing.assert_array_equal(recording.values.argmax(1), recording.actions)
        np.testing.assert_allclose(recording.values, agent.values(recording.states[:-1]), rtol=1e-4, atol=1e-6)


def test_the_perfect_agents_last_episode_of_a_thousand_is_played_again_in_full() -> None:
    recording = record(load_agent(SHIPPED / "perfect"), Start(12345, Evaluated(999, 1_000)))
    assert (recording.total_reward, recording.terminated) == (500, False)


@pytest.mark.parametrize("episode", [3, LANE_EPISODES + 3])
def test_an_evaluated_start_is_the_evaluations_own_and_the_same_for_every_agent(episode: int) -> None:
    start = Start(7, Evaluated(episode, LANE_EPISODES + 20))
    first, second = record(rule("left"), start), record(rule("right"), start)
    np.testing.assert_array_equal(first.states[0], second.states[0])
    seed = 7 if episode < LANE_EPISODES else int(np.random.SeedSequence(7).generate_state(1)[0])
    size = LANE_EPISODES if episode < LANE_EPISODES else 20
    starts, _ = gymnasium.make_vec("CartPole-v1", num_envs=size).reset(seed=seed)
    np.testing.assert_array_equal(first.states[0], starts[episode % LANE_EPISODES])


def test_a_recording_of_an_evaluation_follows_the_environments_own_rewards_and_actions() -> None:
    recording = record(rule("right"), Start(0, Evaluated(1, 3)), probes.ODD_ACTIONS)
    assert recording.total_reward == evaluate(rule("right"), 3, 0, probes.ODD_ACTIONS).returns[1]


def test_an_episode_that_the_evaluation_does_not_have_is_refused() -> None:
    with pytest.raises(IndexError, match="an evaluation of 3 episodes has none at 3"):
        record(rule("left"), Start(0, Evaluated(3, 3)))


def test_a_start_without_an_evaluation_is_that_of_an_environment_reset_to_its_seed() -> None:
    np.testing.assert_array_equal(record(rule("angle"), Start(5)).states, record_episode(rule("angle"), 5).states)
