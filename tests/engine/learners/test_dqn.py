"""The DQN learner: what each environment step does, recomputed outside of it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from engine.agents.evaluation import evaluate
from engine.learners.config import CONFIRMATION_EPISODES, DQNConfig
from engine.learners.divergence import DivergenceError
from engine.learners.dqn import DQNLearner, td_targets
from engine.learners.replay import Batch
from engine.learners.schedules import epsilon_at, schedule_facts
from engine.learners.settings import ConfigError
from engine.storage.checkpoint import load_checkpoint, save_checkpoint, state_hash
from tests.engine import probes
from tests.engine.small import agent_of, dqn_config, finish, learner, series, trained

Doubles = npt.NDArray[np.float64]


def tensor(*values: Any) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)


# --- TD targets


def test_a_td_target_is_reward_plus_the_discounted_largest_next_value() -> None:
    targets = td_targets(tensor(1, 2), tensor(0, 0), tensor([3, 5], [-1, -4]), 0.9)
    torch.testing.assert_close(targets, tensor(5.5, 1.1))


def test_where_the_return_has_ended_the_td_target_is_the_reward() -> None:
    assert td_targets(tensor(1, 2), tensor(1, 1), tensor([3, 5], [-1, -4]), 0.9).tolist() == [1, 2]


def test_double_q_values_the_online_choice_by_the_target_network() -> None:
    target, online = tensor([3, 5], [7, 2]), tensor([9, 1], [0, 4])
    torch.testing.assert_close(td_targets(tensor(1, 1), tensor(0, 1), target, 0.5, online), tensor(2.5, 1))
    torch.testing.assert_close(td_targets(tensor(1, 1), tensor(0, 0), target, 0.5, online), tensor(2.5, 2))


# --- the loss and the burst, recomputed


def outputs(flat: npt.NDArray[np.float32], sizes: tuple[int, ...], states: npt.NDArray[np.float32]) -> Doubles:
    """The network in float64 NumPy, from its flat parameters."""
    values, start = states.astype(np.float64), 0
    weights = flat.astype(np.float64)
    for layer, (inputs, count) in enumerate(pairwise(sizes)):
        end = start + inputs * count
        values = values @ weights[start:end].reshape(count, inputs).T + weights[end : end + count]
        start = end + count
        if layer < len(sizes) - 2:
            values = np.maximum(values, 0)
    return values


def drawn(before: dict[str, Any], after: DQNLearner) -> Batch:
    """The batches [bursts, rows] that the sampling generator of `before` draws from the replay buffer of `after`."""
    generator = np.random.default_rng()
    generator.bit_generator.state = before["sampling"]
    config = after.config
    return after.replay.take(generator.integers(len(after.replay), size=(config.n_gradient_steps, config.batch_size)))


def expected_loss(before: dict[str, Any], after: DQNLearner) -> float:
    """Mean squared TD error of a burst of one gradient step."""
    config, sizes = after.config, after.network.sizes
    batch = drawn(before, after)
    rows = np.arange(config.batch_size)
    next_values = outputs(before["target"], sizes, batch.next_states[0])
    if config.double_q:
        following = next_values[rows, outputs(before["network"], sizes, batch.next_states[0]).argmax(1)]
    else:
        following = next_values.max(1)
    goes_on = ~batch.terminated[0] if config.bootstrap_on_truncation else ~(batch.terminated[0] | batch.truncated[0])
    targets = batch.rewards[0] + config.discount_factor * goes_on * following
    taken = outputs(before["network"], sizes, batch.states[0])[rows, batch.actions[0]]
    return float(np.mean((taken - targets) ** 2))


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**63 - 1),
    double_q=st.booleans(),
    rate=st.sampled_from([None, 0.3, 1.0]),
    bootstrap=st.booleans(),
    discount=st.sampled_from([0.0, 0.5, 0.99, 1.0]),
    memory=st.sampled_from([12, 200]),
    hidden=st.sampled_from([[], [5], [6, 4]]),
)
def test_the_logged_loss_is_the_mean_squared_td_error_of_the_stored_transitions(
    seed: int,
    double_q: bool,
    rate: float | None,
    bootstrap: bool,
    discount: float,
    memory: int,
    hidden: list[int],
) -> None:
    run = learner(
        dqn_config(
            environment=probes.RANDOM_ENDS,
            seed=seed,
            double_q=double_q,
            target_soft_update_rate=rate,
            bootstrap_on_truncation=bootstrap,
            discount_factor=discount,
            memory_size=memory,
            nn_hidden_layers=hidden,
            n_steps_warm_up_memory=10,
            freq_steps_train=3,
            freq_steps_update_target=7,
            n_gradient_steps=1,
            learning_rate=0.05,
        ),
        env_steps=45,
    )
    bursts = 0
    while not run.finished:
        before = run.state()
        run.advance()
        if run.gradient_steps > before["counters"]["gradient_steps"]:
            bursts += 1
            logged = run.log.last("loss")
            assert logged == pytest.approx(expected_loss(before, run), rel=1e-4, abs=1e-6)
    assert bursts == 12  # at steps 12, 15, ..., 45


@pytest.mark.parametrize("double_q", [False, True])
@pytest.mark.parametrize("max_norm", [0.05, 100])
def test_a_burst_is_autograd_clipping_and_adam_against_a_target_that_stands_still(
    double_q: bool, max_norm: float
) -> None:
    config = dqn_config(
        environment=probes.RANDOM_ENDS,
        double_q=double_q,
        n_gradient_steps=6,
        max_grad_norm=max_norm,
        learning_rate=0.01,
        learning_rate_final_fraction=0.1,
    )
    run = learner(config, env_steps=40)
    while run.env_steps < 19:
        run.advance()
    before = run.state()
    named = run.network.named_parameters()
    run.advance()
    assert run.gradient_steps == 6
    online, target = (nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 2)) for _ in range(2))
    online.load_state_dict(named)
    target.load_state_dict(named)
    # Half of the budget is used: the rate has fallen half of the way.
    adam = torch.optim.Adam(online.parameters(), lr=0.01 * (1 - 0.9 * 0.5))
    batch, norms = drawn(before, run), []
    for i in range(6):
        states, next_states = torch.from_numpy(batch.states[i]), torch.from_numpy(batch.next_states[i])
        with torch.no_grad():
            chosen = (online if double_q else target)(next_states).argmax(1, keepdim=True)
            following = target(next_states).gather(1, chosen).squeeze(1)
            goes_on = torch.from_numpy(~batch.terminated[i]).float()
            wanted = torch.from_numpy(batch.rewards[i]) + config.discount_factor * goes_on * following
        taken = online(states).gather(1, torch.from_numpy(batch.actions[i]).unsqueeze(1)).squeeze(1)
        adam.zero_grad()
        nn.functional.mse_loss(taken, wanted).backward()  # type: ignore[no-untyped-call]
        norms.append(float(nn.utils.clip_grad_norm_(online.parameters(), max_norm)))
        adam.step()
    reference = torch.cat([parameter.detach().flatten() for parameter in online.parameters()])
    torch.testing.assert_close(run.network.flat, reference, rtol=1e-3, atol=1e-5)
    assert run.log.last("grad_norm") == pytest.approx(np.mean(norms), rel=1e-3)


# --- when things happen


@pytest.mark.parametrize("rate", [None, 0.25])
def test_the_target_network_is_updated_on_the_promised_steps_and_no_others(rate: float | None) -> None:
    run = learner(dqn_config(target_soft_update_rate=rate, freq_steps_update_target=7), env_steps=120)
    updates = []
    while not run.finished:
        before = run.target.flat.clone()
        run.advance()
        if run.env_steps % 7:
            assert torch.equal(run.target.flat, before)
        else:
            share = 1.0 if rate is None else rate
            torch.testing.assert_close(run.target.flat, before + share * (run.network.flat - before))
            updates.append(not torch.equal(run.target.flat, before))
    assert any(updates)
    if rate is None:
        assert torch.equal(learner().target.flat, learner().network.flat)


def test_behind_the_training_check_the_target_is_updated_on_training_steps_alone() -> None:
    config = dqn_config(
        n_steps_warm_up_memory=21, freq_steps_train=4, freq_steps_update_target=6, target_check_behind_training=True
    )
    run = learner(config, env_steps=60)
    updated_at = []
    while not run.finished:
        before = run.target.flat.clone()
        run.advance()
        if not torch.equal(run.target.flat, before):
            assert torch.equal(run.target.flat, run.network.flat)
            updated_at.append(run.env_steps)
    assert updated_at == [24, 36, 48, 60]


def test_the_network_changes_on_training_steps_with_a_warm_memory_and_no_others() -> None:
    config = dqn_config(n_steps_warm_up_memory=21, freq_steps_train=4, n_gradient_steps=3)
    run = learner(config, env_steps=60)
    trained_at = []
    while not run.finished:
        before = run.network.flat.clone()
        run.advance()
        if not torch.equal(run.network.flat, before):
            trained_at.append(run.env_steps)
    assert trained_at == list(range(24, 61, 4))
    assert trained_at[0] == schedule_facts(config).first_training_step
    assert run.gradient_steps == 3 * len(trained_at)
    assert run.counters()["gradient_steps"] == run.gradient_steps
    assert run.log.read("loss")[0].tolist() == trained_at


def test_the_budget_of_episodes_ends_the_run_at_the_end_of_an_episode() -> None:
    run = trained(env_steps=100_000, episodes=3)
    assert run.episode_index == run.log.episode_count == 3
    assert run.env_steps == sum(episode.length for episode in run.log.episodes())
    assert run.progress == 1.0


def test_the_budget_of_steps_ends_the_run_in_the_middle_of_an_episode() -> None:
    run = trained(env_steps=123)
    assert run.env_steps == 123
    assert run.progress == 1.0


def test_episodes_are_logged_with_their_return_length_and_ends() -> None:
    run = trained(dqn_config(environment=probes.COUNTING), env_steps=30)
    episodes = run.log.episodes()
    assert [(e.index, e.env_step, e.total_reward, e.length) for e in episodes] == [
        (i, 3 * i + 3, 306.0, 3) for i in range(10)
    ]
    batch = run.replay.take(np.arange(2, 30, 3))
    assert [e.terminated for e in episodes] == batch.terminated.tolist()
    assert [e.truncated for e in episodes] == batch.truncated.tolist()
    assert [e.epsilon for e in episodes] == [epsilon_at(run.config, e.env_step - 1) for e in episodes]


def greedy_choices(run: DQNLearner) -> tuple[list[bool], list[int]]:
    """Whether each action of the run was the one with the largest Q-value at that time, and the actions."""
    greedy: list[bool] = []
    actions: list[int] = []
    while not run.finished:
        flat, steps = run.network.flat.numpy().copy(), run.env_steps
        run.advance()
        stored = run.replay.take(np.array([steps]))
        best = int(outputs(flat, run.network.sizes, stored.states).argmax())
        actions.append(int(stored.actions[0]))
        greedy.append(actions[-1] == best)
    return greedy, actions


def test_without_epsilon_every_action_has_the_largest_q_value() -> None:
    greedy, _ = greedy_choices(learner(dqn_config(epsilon_start=0, epsilon_end=0), env_steps=150))
    assert all(greedy)


def test_exploration_ends_where_epsilon_reaches_zero() -> None:
    config = dqn_config(epsilon_start=1, epsilon_end=0, steps_epsilon_decay=100)
    greedy, _ = greedy_choices(learner(config, env_steps=200))
    assert greedy[:50].count(False) > 10
    assert all(greedy[100:])


def test_half_of_the_actions_are_random_at_epsilon_one_half() -> None:
    config = dqn_config(epsilon_start=0.5, epsilon_end=0.5, memory_size=2_000, n_steps_warm_up_memory=2_000)
    greedy, _ = greedy_choices(learner(config, env_steps=2_000))
    # Half of the random actions happen to be greedy; three standard deviations around 0.25.
    assert greedy.count(False) / 2_000 == pytest.approx(0.25, abs=0.03)


def test_at_epsilon_one_both_actions_come_equally_often() -> None:
    config = dqn_config(epsilon_start=1, epsilon_end=1, memory_size=2_000, n_steps_warm_up_memory=2_000)
    _, actions = greedy_choices(learner(config, env_steps=2_000))
    assert np.mean(actions) == pytest.approx(0.5, abs=0.034)


# --- scaling of states


def test_state_scale_divides_what_the_network_sees() -> None:
    explore: dict[str, Any] = {"epsilon_start": 1, "epsilon_end": 1}
    scale = np.array([2.4, 2.0, 0.21, 4.0], np.float32)
    raw = trained(dqn_config(**explore), env_steps=100)
    scaled = trained(dqn_config(**explore, state_scale=[2.4, 2.0, 0.21, 4.0]), env_steps=100)
    rows = np.arange(100)
    np.testing.assert_allclose(scaled.replay.take(rows).states, raw.replay.take(rows).states / scale, rtol=1e-6)
    np.testing.assert_allclose(
        scaled.replay.take(rows).next_states, raw.replay.take(rows).next_states / scale, rtol=1e-6
    )


def test_normalised_states_have_mean_0_and_deviation_1_under_a_random_policy() -> None:
    config = dqn_config(normalize_state=True, epsilon_start=1, epsilon_end=1, memory_size=4_000)
    states = trained(config.replace(n_steps_warm_up_memory=4_000), env_steps=4_000).replay.take(np.arange(4_000)).states
    np.testing.assert_allclose(states.mean(0), 0, atol=0.25)
    np.testing.assert_allclose(states.std(0), 1, atol=0.15)


def test_normalising_takes_the_mean_away_before_it_divides() -> None:
    run = trained(dqn_config(environment=probes.COUNTING, normalize_state=True), env_steps=30)
    # The states 100, 101, 102 come equally often: mean 101, deviation sqrt(2 / 3).
    expected = np.tile([-np.sqrt(1.5), 0, np.sqrt(1.5)], 10)
    np.testing.assert_allclose(run.replay.take(np.arange(30)).states[:, 0], expected, atol=2e-3)


@pytest.mark.parametrize("changes", [{"normalize_state": True}, {"state_scale": [2.4, 2.0, 0.21, 4.0]}, {}])
def test_the_agent_scales_raw_states_as_the_learner_did(changes: dict[str, Any]) -> None:
    run = trained(dqn_config(**changes), env_steps=100)
    agent = run.policies()["last"]
    raw = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    mean = np.zeros(4, np.float32) if agent.state_mean is None else agent.state_mean
    std = np.ones(4, np.float32) if agent.state_std is None else agent.state_std
    np.testing.assert_allclose(
        agent.values(raw), outputs(run.network.flat.numpy(), (4, 16, 2), (raw - mean) / std), 1e-4
    )
    assert (agent.state_std is None) == (not changes)


def test_a_state_scale_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ConfigError, match="one divisor for each of the 4 state values, not 3"):
        learner(dqn_config(state_scale=[1, 2, 3]))


# --- keeping the best


def test_keeping_the_best_does_not_change_training() -> None:
    without, kept = trained(), trained(dqn_config(keep_best_every_episodes=2))
    assert kept.log.length("selection") > 3
    mine, other = without.state(), kept.state()
    parts = set(mine) - {"best", "best_score", "selection_due"}
    assert state_hash({part: mine[part] for part in parts}) == state_hash({part: other[part] for part in parts})
    logged = series(kept.log)
    del logged["selection"]
    assert logged == series(without.log)


def test_the_best_agent_has_the_weights_of_the_highest_selection_score() -> None:
    run = learner(dqn_config(keep_best_every_episodes=2, learning_rate=0.02))
    scored: list[tuple[float, npt.NDArray[np.float32]]] = []
    while not run.finished:
        run.advance()
        if run.log.length("selection") > len(scored):
            scored.append((run.log.last("selection") or 0.0, run.network.flat.numpy().copy()))
    scores = [score for score, _ in scored]
    assert len(set(scores)) > 2
    newest_best = max(i for i, score in enumerate(scores) if score == max(scores))
    np.testing.assert_array_equal(run.policies()["best"].network.flat.numpy(), scored[newest_best][1])
    np.testing.assert_array_equal(run.policies()["last"].network.flat.numpy(), run.network.flat.numpy())


class Scripted:
    """Stands in for the greedy episodes of a run, in turn: so many of so many episodes are perfect."""

    def __init__(self, *results: tuple[int, int]) -> None:
        self.results = iter(results)

    def __call__(self, _learner: DQNLearner, episodes: int, seed: int) -> Scripted:
        perfect, expected = next(self.results)
        assert episodes == expected
        self.returns = np.where(np.arange(episodes) < perfect, 500.0, 499.0)
        return self

    finished = True

    def advance(self) -> None:
        pass


def test_the_first_selection_that_is_perfect_when_confirmed_is_logged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    confirmed = (CONFIRMATION_EPISODES, CONFIRMATION_EPISODES)
    missed = (CONFIRMATION_EPISODES - 1, CONFIRMATION_EPISODES)
    script = Scripted((99, 100), (100, 100), missed, *[(100, 100), confirmed] * 20)
    monkeypatch.setattr(DQNLearner, "_greedy_episodes", lambda *given: script(*given))
    run, selected_at = learner(dqn_config(keep_best_every_episodes=2)), []
    while not run.finished:
        run.advance()
        if run.log.length("selection") > len(selected_at):
            selected_at.append((run.env_steps, run.episode_index))
            assert run.log.length("first_perfect") == (len(selected_at) >= 3)
    assert len(selected_at) > 4
    assert series(run.log)["first_perfect"] == [selected_at[2]]


def test_without_a_perfect_selection_there_is_no_first_one() -> None:
    run = trained(dqn_config(keep_best_every_episodes=2))
    assert run.log.length("selection") > 3
    assert run.log.length("first_perfect") == 0


def test_where_nobody_says_what_the_best_return_is_lasting_to_the_time_limit_is_not_perfect() -> None:
    run = trained(dqn_config(environment=probes.UNTOLD, keep_best_every_episodes=2), env_steps=60)
    assert run.log.length("selection") > 1
    assert run.log.length("first_perfect") == 0


def test_without_keeping_the_best_there_is_only_the_last() -> None:
    assert set(trained(env_steps=40).policies()) == {"last"}


def test_agents_are_copies() -> None:
    run = learner()
    agent = run.policies()["last"]
    before = agent.network.flat.clone()
    while not run.finished:
        run.advance()
    assert torch.equal(agent.network.flat, before)


# --- state and randomness

VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "everything": {
        "double_q": True,
        "target_soft_update_rate": 0.1,
        "learning_rate_final_fraction": 0.1,
        "state_scale": [2.4, 2.0, 0.21, 2.0],
        "keep_best_every_episodes": 3,
    },
    "normalised": {"normalize_state": True, "bootstrap_on_truncation": False, "target_check_behind_training": True},
    "another environment": {"environment": "Acrobot-v1"},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_restored_learner_ends_in_the_same_state_wherever_it_was_cut(variant: str, tmp_path: Path) -> None:
    config = dqn_config(**VARIANTS[variant], memory_size=100)
    whole = trained(config, env_steps=240)
    for cut in (0, 17, 118, 131, 260):
        first = learner(config, env_steps=240)
        for _ in range(cut):
            if not first.finished:
                first.advance()
        save_checkpoint(tmp_path / "checkpoint", first.state())
        second = learner(config, env_steps=240)
        second.restore(load_checkpoint(tmp_path / "checkpoint").state)
        assert state_hash(second.state()) == state_hash(first.state())
        assert second.counters() == first.counters()
        while not second.finished:
            second.advance()
        assert state_hash(second.state()) == state_hash(whole.state())


def test_a_taken_state_does_not_change_with_the_run() -> None:
    run = learner()
    while run.env_steps < 100:
        run.advance()
    state = run.state()
    before = state_hash(state)
    while not run.finished:
        run.advance()
    assert state_hash(state) == before
    assert state_hash(run.state()) != before


def test_the_same_seed_gives_the_same_run_and_another_seed_another() -> None:
    assert state_hash(trained(env_steps=100).state()) == state_hash(trained(env_steps=100).state())
    assert state_hash(trained(env_steps=100).state()) != state_hash(trained(dqn_config(seed=1), env_steps=100).state())


def test_no_global_generator_is_read_or_moved(global_generators: Callable[[], list[Any]]) -> None:
    config = dqn_config(keep_best_every_episodes=2, normalize_state=True)
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    before = global_generators()
    first = trained(config, env_steps=150)
    assert global_generators() == before
    torch.manual_seed(2)
    np.random.seed(2)  # noqa: NPY002
    assert state_hash(trained(config, env_steps=150).state()) == state_hash(first.state())


def test_evaluating_in_the_middle_does_not_disturb_training() -> None:
    undisturbed, disturbed = trained(env_steps=150), learner(env_steps=150)
    while not disturbed.finished:
        disturbed.advance()
        if disturbed.env_steps == 75:
            evaluate(agent_of(disturbed), episodes=3, seed=0)
    assert state_hash(disturbed.state()) == state_hash(undisturbed.state())


# --- what goes wrong


def test_a_run_that_diverges_at_once_says_so_and_logs_nothing_infinite() -> None:
    run = learner(dqn_config(environment=probes.EXPLODING))
    with pytest.raises(DivergenceError, match=r"the first gradient step gave none\. Likely cause: states or rew"):
        finish(run)
    for name in run.log.names:
        assert np.isfinite(run.log.read(name)[1]).all()


def test_a_run_that_diverges_later_tells_how_far_it_was_sound() -> None:
    run = learner(env_steps=10_000)
    while run.env_steps < 100:
        run.advance()
    steps, norm, value = run.gradient_steps, run.log.last("grad_norm"), run.log.last("q")
    run.network.flat.fill_(1e30)
    with pytest.raises(
        DivergenceError, match=f"was {steps}, in a burst with .* norm of {norm:.3g} and .* of {value:.3g}"
    ):
        finish(run)


@pytest.mark.parametrize("array", ["states", "rewards", "next_states"])
def test_a_number_of_the_environment_that_is_not_finite_is_named_as_the_cause(array: str) -> None:
    run = learner(env_steps=10_000)
    while run.env_steps < 100:
        run.advance()
    run.replay._arrays[array][:] = np.nan
    with pytest.raises(
        DivergenceError, match="the environment or the data gave a state or a reward that is not a finite"
    ):
        finish(run)


def test_a_step_inside_a_burst_is_found_as_the_last_finite_one() -> None:
    run = learner(dqn_config(n_gradient_steps=4), env_steps=10_000)
    while run.gradient_steps < 40:
        run.advance()
    steps, done, clip = run.gradient_steps, [], run.network.clip_gradient

    def clip_and_break(max_norm: float) -> float:
        done.append(clip(max_norm))
        if len(done) == 2:
            run.network.gradient.fill_(np.nan)
        return done[-1]

    run.network.clip_gradient = clip_and_break  # type: ignore[method-assign]
    with pytest.raises(DivergenceError, match=f"last finite gradient step was {steps + 2}, with gradient norm"):
        finish(run)


def test_weights_that_overflow_in_the_last_step_of_a_burst_are_noticed_before_anything_is_saved() -> None:
    run = learner(dqn_config(learning_rate=0.5, n_gradient_steps=2), env_steps=10_000)
    while run.gradient_steps < 10:
        run.advance()
    steps, step = [], run.adam.step

    def step_and_overflow() -> None:
        step()
        steps.append(1)
        if len(steps) == 2:
            run.network.flat[0] = np.inf

    run.adam.step = step_and_overflow  # type: ignore[method-assign]
    with pytest.raises(
        DivergenceError, match=r"step was 12, .* Likely cause: learning_rate 0\.5; Adam's usual is 0\.001"
    ):
        finish(run)
    assert run.gradient_steps == 12


@pytest.mark.parametrize("environment", ["Acrobot-v1", "MountainCar-v0"])
def test_other_environments_with_the_right_spaces_are_learned_on(environment: str) -> None:
    run = trained(dqn_config(environment=environment), env_steps=60)
    assert run.gradient_steps > 0
    assert set(run.replay.take(np.arange(60)).actions.tolist()) == {0, 1, 2}


@pytest.mark.parametrize("environment", ["Pendulum-v1", "Blackjack-v1", "NoSuchThing-v0"])
def test_an_environment_of_another_kind_is_refused_by_name(environment: str) -> None:
    with pytest.raises(ConfigError, match=f"^environment '{environment}'"):
        learner(dqn_config(environment=environment))


def test_a_linear_q_function_learns_too() -> None:
    config: DQNConfig = dqn_config(nn_hidden_layers=None)
    run = trained(config, env_steps=60)
    assert run.network.sizes == (4, 2)
    assert run.gradient_steps > 0
