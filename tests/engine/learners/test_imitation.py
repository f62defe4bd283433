"""Imitation: data from an agent, their CSV, the loaders, and the supervised learner."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import nn

from engine.agents.evaluation import evaluate
from engine.agents.generation import Generator, generate
from engine.agents.names import AgentError
from engine.agents.rules import scripted_agent
from engine.learners.config import ImitationConfig
from engine.learners.divergence import DivergenceError
from engine.learners.imitation import ImitationLearner, OptimalPolicyDataset, cross_entropy, data_loader
from engine.learners.metrics import MetricLog
from engine.learners.network import MLP
from engine.learners.samples import DataError, Samples
from engine.storage.agent_folders import load_agent
from engine.storage.checkpoint import load_checkpoint, save_checkpoint, state_hash
from engine.storage.data_sets import read_csv, write_csv
from engine.storage.names import SHIPPED
from tests.engine.small import agent_of, clone, finish, series

RULE = "linear:0.1,0.2,1,0.5"
HEADER = "s1,s2,s3,s4,action\n"
GOOD = "0.1,0.2,0.3,0.4,1\n"


def rule_samples(count: int, seed: int = 0) -> Samples:
    rule = scripted_agent(RULE)
    assert rule is not None
    return generate(rule, count, seed)


def numbered(count: int) -> Samples:
    """Row k holds the state [k, k, k, k] and the action k % 2."""
    states = np.repeat(np.arange(count, dtype=np.float32)[:, None], 4, axis=1)
    return Samples(states, np.arange(count, dtype=np.int64) % 2)


# --- generated data


def test_generated_data_are_the_same_for_the_same_seed_and_others_for_another() -> None:
    first, again, other = rule_samples(300), rule_samples(300), rule_samples(300, seed=1)
    np.testing.assert_array_equal(first.states, again.states)
    np.testing.assert_array_equal(first.actions, again.actions)
    assert not np.array_equal(first.states, other.states)


def test_each_action_is_the_one_that_the_agent_takes_in_that_state() -> None:
    perfect = load_agent(SHIPPED / "perfect")
    samples = generate(perfect, 300, 0)
    assert (samples.states.dtype.name, samples.actions.dtype.name) == ("float32", "int64")
    np.testing.assert_array_equal(samples.actions, perfect.act(samples.states))


def test_the_rows_are_what_cartpole_does_with_these_actions() -> None:
    samples = rule_samples(700)
    env = gymnasium.make("CartPole-v1")
    state = env.reset(seed=0)[0]
    for row, action in zip(samples.states, samples.actions, strict=True):
        np.testing.assert_array_equal(row, state)
        state, _, terminated, truncated, _ = env.step(int(action))
        if terminated or truncated:
            state = env.reset()[0]


@pytest.mark.parametrize(("rows", "episodes"), [(1, 1), (500, 1), (501, 2), (1_000, 2), (1_001, 3)])
def test_a_rule_that_never_fails_fills_500_rows_an_episode(rows: int, episodes: int) -> None:
    samples = rule_samples(rows)
    assert (len(samples), samples.episodes) == (rows, episodes)


def test_the_balance_counts_each_action() -> None:
    samples = Samples(np.zeros((5, 4), np.float32), np.array([1, 1, 0, 1, 1]))
    assert samples.balance() == [1, 4]
    assert Samples(np.zeros((2, 4), np.float32), np.array([0, 0])).balance() == [2, 0]
    assert sum(rule_samples(1_000).balance()) == 1_000


def test_progress_of_a_generator_is_its_share_of_rows() -> None:
    rule = scripted_agent(RULE)
    assert rule is not None
    generator = Generator(rule, 4, 0)
    seen = []
    while not generator.finished:
        seen.append(generator.progress)
        generator.advance()
    assert seen == [0, 0.25, 0.5, 0.75]
    assert len(generator.result()) == 4


def test_an_agent_of_another_environment_is_refused() -> None:
    agent = clone(MLP((6, 8, 3)))
    with pytest.raises(AgentError, match="agent 'net' reads states of 6 values, but CartPole-v1 has 4"):
        generate(agent, 10, 0)


# --- CSV

# Bit patterns, because a torch thread of the lab takes subnormal numbers as zero, and hypothesis's floats mind that.
FLOAT32_BITS = st.sampled_from([0, 2**31]) | st.builds(
    lambda sign, exponent, fraction: (sign << 31) + (exponent << 23) + fraction,
    st.integers(0, 1),
    st.integers(1, 254),
    st.integers(0, 2**23 - 1),
)


@settings(max_examples=60)
@given(bits=hnp.arrays(np.uint32, st.tuples(st.integers(1, 6), st.just(4)), elements=FLOAT32_BITS), data=st.data())
def test_csv_gives_every_float32_back_bit_for_bit(
    tmp_path: Path, bits: npt.NDArray[np.uint32], data: st.DataObject
) -> None:
    states = bits.view(np.float32)
    actions = np.array(data.draw(st.lists(st.integers(0, 1), min_size=len(bits), max_size=len(bits))), np.int64)
    write_csv(tmp_path / "data.csv", Samples(states, actions))
    read = read_csv(tmp_path / "data.csv")
    assert read.states.dtype == np.float32
    np.testing.assert_array_equal(read.states.view(np.uint32), bits)
    np.testing.assert_array_equal(read.actions, actions)


def test_generated_data_survive_csv_bit_for_bit(tmp_path: Path) -> None:
    samples = rule_samples(1_000)
    write_csv(tmp_path / "data.csv", samples)
    read = read_csv(tmp_path / "data.csv")
    np.testing.assert_array_equal(read.states.view(np.uint32), samples.states.view(np.uint32))
    np.testing.assert_array_equal(read.actions, samples.actions)


def test_the_csv_has_the_articles_header_and_a_line_for_each_row(tmp_path: Path) -> None:
    write_csv(tmp_path / "data.csv", Samples(np.full((2, 4), 0.1, np.float32), np.array([0, 1])))
    assert (tmp_path / "data.csv").read_bytes() == b"s1,s2,s3,s4,action\n0.1,0.1,0.1,0.1,0\n0.1,0.1,0.1,0.1,1\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "data.csv cannot be read as CSV: No columns to parse from file."),
        (HEADER, "data.csv has a header but no rows."),
        ("s0,s1,s2,s3,action\n" + GOOD, "should begin with the header s1,s2,s3,s4,action, not s0,s1,s2,s3,action."),
        (GOOD, "should begin with the header s1,s2,s3,s4,action, not 0.1,0.2,0.3,0.4,1."),
        (HEADER + GOOD + "0.1,0.2,x,0.4,1\n", "data.csv, line 3, column s3: 'x' is not a finite number."),
        (HEADER + GOOD + "0.1,0.2,,0.4,1\n", "data.csv, line 3, column s3: '' is not a finite number."),
        (HEADER + "nan,0.2,0.3,0.4,1\n", "data.csv, line 2, column s1: 'nan' is not a finite number."),
        (HEADER + GOOD + GOOD + "0.1,-inf,0.3,0.4,1\n", "line 4, column s2: '-inf' is not a finite number."),
        (HEADER + "0.1,1e39,0.3,0.4,1\n", "line 2, column s2: '1e39' is not a finite number."),
        (HEADER + GOOD + "0.1,0.2,0.3,0.4,2\n", "line 3, column action: 2 should be 0 or 1."),
        (HEADER + "0.1,0.2,0.3,0.4,0.5\n", "line 2, column action: 0.5 should be 0 or 1."),
        (HEADER + "0.1,0.2,0.3,0.4,-1\n", "line 2, column action: -1 should be 0 or 1."),
        (HEADER + GOOD + "0.1,0.2,0.3,1\n", "line 3, column action: "),
        (HEADER + GOOD + "7," + GOOD, "line 3, saw 6."),
        (HEADER + "7," + GOOD + "8," + GOOD, "line 2: the rows should have 5 values, as the header does, not more."),
    ],
)
def test_bad_csv_is_reported_in_one_sentence_with_its_place(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "data.csv").write_text(text)
    with pytest.raises(DataError) as refused:
        read_csv(tmp_path / "data.csv")
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)
    assert str(refused.value).endswith(".")


def test_a_missing_file_and_one_that_is_no_text_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no file .*nowhere\.csv"):
        read_csv(tmp_path / "nowhere.csv")
    (tmp_path / "data.csv").write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(DataError, match=r"data\.csv cannot be read as CSV"):
        read_csv(tmp_path / "data.csv")


# --- Dataset and DataLoader


def test_the_data_set_has_the_three_methods_of_the_course() -> None:
    data = OptimalPolicyDataset(numbered(5))
    assert len(data) == 5
    state, action = data[3]
    assert (state.tolist(), int(action)) == ([3, 3, 3, 3], 1)
    assert (state.dtype, action.dtype) == (torch.float32, torch.int64)


def rows(loader: Any) -> list[list[int]]:
    """The batches of one pass, by row number; each batch's actions are checked on the way."""
    batches = []
    for states, actions in loader:
        assert states.shape == (len(actions), 4)
        assert (states[:, 0] % 2).tolist() == actions.tolist()
        batches.append([int(value) for value in states[:, 0]])
    return batches


def test_the_training_loader_covers_every_row_once_an_epoch_in_an_order_of_its_generator() -> None:
    def epochs(seed: int) -> list[list[int]]:
        loader = data_loader(OptimalPolicyDataset(numbered(150)), 64, torch.Generator().manual_seed(seed), shuffle=True)
        passes = [rows(loader), rows(loader)]
        assert [[len(batch) for batch in batches] for batches in passes] == [[64, 64, 22]] * 2
        return [[row for batch in batches for row in batch] for batches in passes]

    first, second = epochs(0)
    assert sorted(first) == sorted(second) == list(range(150))
    assert list(range(150)) != first != second
    assert epochs(0) == [first, second]
    assert epochs(1)[0] != first


def test_the_test_loader_goes_in_order() -> None:
    loader = data_loader(OptimalPolicyDataset(numbered(150)), 64, torch.Generator(), shuffle=False)
    assert [row for batch in rows(loader) for row in batch] == list(range(150))


# --- the learner


@settings(max_examples=30)
@given(
    rows=st.integers(1, 9), actions=st.integers(2, 4), scale=st.sampled_from([0.1, 1, 50]), seed=st.integers(0, 10_000)
)
def test_cross_entropy_and_its_gradient_are_torchs(rows: int, actions: int, scale: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    outputs = (torch.randn(rows, actions, generator=generator) * scale).requires_grad_()
    targets = torch.randint(actions, (rows,), generator=generator)
    loss, gradient = cross_entropy(outputs.detach(), targets)
    reference = nn.functional.cross_entropy(outputs, targets)
    reference.backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(loss, reference.detach())
    torch.testing.assert_close(gradient, outputs.grad)


def imitation(epochs: int = 3, count: int = 1_000, **settings: Any) -> ImitationLearner:
    config = ImitationConfig(**{"nn_hidden_layers": (16,), "epochs": epochs, **settings})
    return ImitationLearner(config, MetricLog(), rule_samples(count), rule_samples(200, seed=1))


def test_a_thousand_rows_are_sixteen_batches_an_epoch_with_metrics_for_both() -> None:
    run = finish(imitation())
    assert run.counters() == {"epochs": 3, "gradient_steps": 48}
    per_batch, per_epoch = list(range(1, 49)), [1, 2, 3]
    assert {name: run.log.read(name)[0].tolist() for name in run.log.names} == {
        "batch_loss": per_batch,
        "batch_accuracy": per_batch,
        "train_loss": per_epoch,
        "train_accuracy": per_epoch,
        "test_loss": per_epoch,
        "test_accuracy": per_epoch,
    }
    assert run.progress == 1.0


def test_epoch_figures_are_those_of_the_batches_and_of_the_network_after_the_epoch() -> None:
    run = finish(imitation(epochs=1, learning_rate=0.02))
    sizes = np.array([64] * 15 + [40])
    for name in ("loss", "accuracy"):
        by_batch = run.log.read(f"batch_{name}")[1]
        assert run.log.last(f"train_{name}") == pytest.approx(np.average(by_batch, weights=sizes))
    test = rule_samples(200, seed=1)
    outputs = run.network.forward(torch.from_numpy(test.states))
    targets = torch.from_numpy(test.actions)
    assert run.log.last("test_loss") == pytest.approx(float(nn.functional.cross_entropy(outputs, targets)), rel=1e-5)
    accuracy = float((outputs.argmax(1) == targets).float().mean())
    assert accuracy > 0.6
    assert run.log.last("test_accuracy") == pytest.approx(accuracy)


def test_the_first_gradient_step_is_autograds_and_adams() -> None:
    run = imitation(count=64, learning_rate=0.01)
    module = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
    module.load_state_dict(run.network.named_parameters())
    adam = torch.optim.Adam(module.parameters(), lr=0.01)
    samples = rule_samples(64)  # one batch, so the order does not matter
    loss = nn.functional.cross_entropy(module(torch.from_numpy(samples.states)), torch.from_numpy(samples.actions))
    loss.backward()  # type: ignore[no-untyped-call]
    adam.step()
    run.advance()
    reference = torch.cat([parameter.detach().flatten() for parameter in module.parameters()])
    torch.testing.assert_close(run.network.flat, reference, rtol=1e-4, atol=1e-6)
    assert run.log.last("batch_loss") == pytest.approx(float(loss.detach()), rel=1e-5)


def test_weights_that_are_no_longer_finite_stop_the_run_with_the_likely_cause() -> None:
    run = imitation(count=64, learning_rate=1.0)
    run.adam.learning_rate = 3e38
    with pytest.raises(DivergenceError, match=r"finite gradient step was 1, .* largest output of .* learning_rate 1;"):
        finish(run)
    assert np.isfinite(run.log.read("batch_loss")[1]).all()


def test_the_loss_falls_and_the_clone_balances_the_pole_longer_than_chance() -> None:
    run = finish(imitation(epochs=10, learning_rate=0.01))
    losses = run.log.read("train_loss")[1]
    assert losses[-1] < 0.6 * losses[0]
    clone = agent_of(run)
    assert evaluate(clone, episodes=30, seed=0).returns.mean() > 100


def test_the_linear_model_has_ten_parameters() -> None:
    assert imitation(nn_hidden_layers=()).network.flat.numel() == 10


def test_the_same_seed_gives_the_same_run_and_no_global_generator_moves(
    global_generators: Callable[[], list[Any]],
) -> None:
    before = global_generators()
    first = finish(imitation())
    assert global_generators() == before
    torch.manual_seed(123)
    assert state_hash(finish(imitation()).state()) == state_hash(first.state())
    assert state_hash(finish(imitation(seed=1)).state()) != state_hash(first.state())


@pytest.mark.parametrize("cut", [0, 5, 16, 23, 48])
def test_a_restored_learner_ends_in_the_same_state_wherever_it_was_cut(cut: int, tmp_path: Path) -> None:
    whole, first, second = finish(imitation()), imitation(), imitation()
    for _ in range(cut):
        first.advance()
    save_checkpoint(tmp_path / "checkpoint", first.state())
    second.restore(load_checkpoint(tmp_path / "checkpoint").state)
    second.log.take(first.log)
    assert state_hash(second.state()) == state_hash(first.state())
    assert state_hash(finish(second).state()) == state_hash(whole.state())
    assert series(second.log) == series(whole.log)


def test_a_state_is_refused_by_a_learner_with_other_data() -> None:
    with pytest.raises(DataError, match="not those that this run began with"):
        imitation(count=999).restore(imitation().state())
