"""Grading: what each challenge measures, and the one reason that decides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.agents.agent import NetworkAgent
from engine.agents.generation import generate
from engine.analysis.grading import EPISODE_SEED, TEST_SEED, TRAIN_ROWS, Grade, grade
from engine.laboratory import Laboratory
from engine.learners.config import ImitationConfig
from engine.learners.network import MLP
from engine.learners.policy import Policy
from engine.learners.settings import ConfigError
from engine.learners.specs import DataSource, DQNSpec, ImitationSpec
from engine.storage.agent_folders import load_agent, save_agent
from engine.storage.data_sets import write_csv
from engine.storage.library import find_agent
from engine.storage.names import SHIPPED
from engine.storage.records import Status
from engine.storage.store import Store
from tests.engine.small import dqn_config

HIDDEN = (256, 256)


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    lab = Laboratory(home)
    yield lab.store
    lab.close()


def imitation_run(store: Store, rows: int, *, status: Status = Status.FINISHED) -> str:
    spec = ImitationSpec(ImitationConfig(nn_hidden_layers=HIDDEN), DataSource(samples=rows), DataSource())
    run = store.add_run(spec).id
    store.update_run(run, status=str(status))
    return run


def clone(store: Store, name: str, card: dict[str, Any], *, flipped: int = 0) -> str:
    """The perfect agent's own network as a clone; with `flipped` its first so many units of the last layer are off."""
    policy = load_agent(SHIPPED / "perfect").copy()
    policy.network.layers[-1][0][:, :flipped] = 0
    agent = NetworkAgent(name, policy, "imitation", ImitationConfig(nn_hidden_layers=HIDDEN), card)
    save_agent(store.agents_folder() / name, agent)
    return name


def card(rows: object) -> dict[str, Any]:
    return {"spec": {"train": {"samples": rows}}}


def reason(found: Grade) -> str:
    assert not found.passed
    assert found.passed is False
    return found.reason


def test_there_are_two_challenges(store: Store) -> None:
    for number in (0, 3):
        with pytest.raises(ConfigError, match=f"there is no challenge {number}; the challenges are 1 and 2"):
            grade(store, number)


@pytest.mark.parametrize(
    ("challenge", "sentence"), [(1, "no run on 10,000 training rows yet"), (2, "no run in CartPole-v1 has one hidden")]
)
def test_without_a_run_that_fits_it_says_how_to_make_one(store: Store, challenge: int, sentence: str) -> None:
    imitation_run(store, TRAIN_ROWS - 1)
    imitation_run(store, TRAIN_ROWS, status=Status.STOPPED)
    found = grade(store, challenge)
    assert sentence in reason(found)
    assert "`dqn-lab " in found.reason
    assert (found.challenge, found.measured) == (challenge, {})


@pytest.mark.parametrize("challenge", [1, 2])
def test_a_rule_is_no_network(store: Store, challenge: int) -> None:
    found = grade(store, challenge, "angle")
    assert reason(found) == "angle is a rule, not a network."
    assert (found.challenge, found.measured) == (challenge, {"agent": "angle"})


# --- challenge 1


def test_a_clone_that_acts_like_the_perfect_agent_passes(store: Store) -> None:
    found = grade(store, 1, clone(store, "mine", card(TRAIN_ROWS)))
    assert found.passed is True
    assert found.reason == "test accuracy 1.000 reaches 0.95 with 10,000 rows."
    assert found.measured == {
        "agent": "mine",
        "test_accuracy": 1.0,
        "test_rows": 1_000,
        "test_seed": TEST_SEED,
        "train_rows": TRAIN_ROWS,
        "shared_rows": None,
    }


def test_a_clone_that_often_acts_otherwise_is_below(store: Store) -> None:
    found = grade(store, 1, clone(store, "mine", card(TRAIN_ROWS), flipped=250))
    test = generate(find_agent(store, "perfect"), 1_000, TEST_SEED)
    accuracy = float((find_agent(store, "mine").act(test.states) == test.actions).mean())
    assert found.measured["test_accuracy"] == accuracy < 0.95
    assert reason(found) == f"test accuracy {accuracy:.3f} is below 0.95 with 10,000 rows."


def test_an_accuracy_at_the_mark_passes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = clone(store, "mine", card(TRAIN_ROWS), flipped=250)
    reached = grade(store, 1, mine).measured["test_accuracy"]
    monkeypatch.setattr("engine.analysis.grading.ACCURACY", reached)
    assert grade(store, 1, mine).passed


def test_a_clone_of_too_few_rows_or_of_none_told_does_not_pass(store: Store) -> None:
    found = grade(store, 1, clone(store, "few", card(TRAIN_ROWS - 1)))
    assert reason(found) == "few was trained on 9,999 rows; the challenge asks for 10,000."
    for number, odd in enumerate((card("many"), card(None), {}, {"spec": 3}, {"spec": {"train": []}})):
        silent = grade(store, 1, clone(store, f"silent-{number}", odd))
        assert reason(silent) == f"silent-{number} does not tell how many rows it was trained on."
        assert silent.measured["train_rows"] is None


def test_the_rows_of_the_clones_run_are_counted_and_held_against_the_test_rows(store: Store) -> None:
    run = imitation_run(store, TRAIN_ROWS)
    rows = generate(find_agent(store, "perfect"), 1_000, TEST_SEED)
    write_csv(store.run_folder(run) / "train.csv", rows)
    found = grade(store, 1, clone(store, "mine", card(TRAIN_ROWS) | {"made_by": f"run {run} (mlp-2), last weights"}))
    assert reason(found) == "1000 of the training rows are test rows; test only on rows never seen."
    assert (found.measured["train_rows"], found.measured["shared_rows"]) == (1_000, 1_000)
    write_csv(store.run_folder(run) / "train.csv", generate(find_agent(store, "perfect"), 1_000, TEST_SEED + 1))
    other = grade(store, 1, "mine")
    assert other.measured["shared_rows"] == 0
    assert reason(other) == "mine was trained on 1,000 rows; the challenge asks for 10,000."


def test_what_learned_from_rewards_is_no_clone(store: Store) -> None:
    found = grade(store, 1, "perfect")
    assert reason(found) == "perfect learned from rewards; challenge 1 wants a clone that learned from rows."
    assert found.measured == {"agent": "perfect"}


def test_without_a_name_the_newest_run_that_fits_is_graded(store: Store) -> None:
    run = imitation_run(store, TRAIN_ROWS)
    imitation_run(store, TRAIN_ROWS - 1)
    agent = load_agent(SHIPPED / "perfect")
    clones = NetworkAgent("last", agent, "imitation", ImitationConfig(nn_hidden_layers=HIDDEN), card(TRAIN_ROWS))
    save_agent(store.run_folder(run) / "agents" / "last", clones)
    found = grade(store, 1)
    assert (found.passed, found.measured["agent"]) == (True, run)


# --- challenge 2


def simple(store: Store, name: str, hidden: tuple[int, ...], environment: str = "CartPole-v1") -> str:
    """A network of these layers; with two units in one layer it carries a perfect linear rule."""
    sizes = (2, *hidden, 3) if environment == "MountainCar-v0" else (4, *hidden, 2)
    network = MLP(sizes)
    if sizes == (4, 2, 2):
        rule = torch.tensor([0.1, 0.2, 1.0, 0.5])
        network.layers[0][0].copy_(torch.stack([rule, -rule]))
        network.layers[1][0].copy_(torch.tensor([[0.0, 1.0], [1.0, 0.0]]))
    config = dqn_config(nn_hidden_layers=list(hidden), environment=environment)
    save_agent(store.agents_folder() / name, NetworkAgent(name, Policy(network), "dqn", config))
    return name


def test_one_hidden_layer_that_never_falls_passes(store: Store) -> None:
    found = grade(store, 2, simple(store, "mine", (2,)))
    assert found.passed is True
    assert found.reason == "1,000 of 1,000 episodes reached 500 (mean 500.00)."
    assert found.measured["hidden_layers"] == [2]
    assert (found.measured["parameters"], found.measured["seed"]) == (16, EPISODE_SEED)
    assert (found.measured["mean"], found.measured["perfect"], found.measured["episodes"]) == (500.0, 1_000, 1_000)


def test_one_that_falls_does_not(store: Store) -> None:
    found = grade(store, 2, simple(store, "still", (3,)))
    assert reason(found).startswith("0 of 1,000 episodes reached 500 (mean 9.")
    assert found.measured["agent"] == "still"


@pytest.mark.parametrize(("hidden", "count"), [((), 0), ((4, 4), 2)])
def test_another_number_of_hidden_layers_is_not_measured(store: Store, hidden: tuple[int, ...], count: int) -> None:
    found = grade(store, 2, simple(store, "mine", hidden))
    assert reason(found) == f"mine has {count} hidden layers; the challenge asks for exactly one."
    assert "mean" not in found.measured


def test_another_environment_is_not_what_it_is_about(store: Store) -> None:
    found = grade(store, 2, simple(store, "car", (2,), "MountainCar-v0"))
    assert reason(found) == "car acts in MountainCar-v0; the challenge is about CartPole-v1."
    assert found.challenge == 2


def test_the_newest_run_with_one_hidden_layer_in_cartpole_is_graded_and_a_damaged_one_passed_by(store: Store) -> None:
    specs = [
        dqn_config(nn_hidden_layers=[2]),
        dqn_config(nn_hidden_layers=[2, 2]),
        dqn_config(nn_hidden_layers=[2], environment="MountainCar-v0"),
        dqn_config(nn_hidden_layers=[4]),
    ]
    runs = [store.add_run(DQNSpec(config)).id for config in specs]
    for run in runs:
        store.update_run(run, status=str(Status.FINISHED))
    store.update_run(runs[-1], spec={})
    clone_run = store.add_run(ImitationSpec(ImitationConfig(nn_hidden_layers=(2,)), DataSource(), DataSource())).id
    store.update_run(clone_run, status=str(Status.FINISHED))
    simple(store, "mine", (2,))
    folder = store.run_folder(runs[0]) / "agents" / "last"
    save_agent(folder, load_agent(store.agents_folder() / "mine"))
    found = grade(store, 2)
    assert (found.passed, found.measured["agent"]) == (True, runs[0])
