"""Agents: scripted rules by hand, and folders that load bit for bit or say in one sentence why not."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from engine.agents.agent import NetworkAgent
from engine.agents.names import AgentError
from engine.agents.rules import scripted_agent
from engine.learners.config import ImitationConfig
from engine.learners.network import MLP
from engine.learners.policy import Policy
from engine.learners.settings import Settings
from engine.storage.agent_folders import CARD, HPARAMS, MODEL, load_agent, save_agent
from engine.storage.names import SHIPPED
from tests.engine.small import dqn_config


def states(*rows: list[float]) -> npt.NDArray[np.float32]:
    return np.array(rows, np.float32)


def made(config: Settings | None = None, *, scaled: bool = False) -> NetworkAgent:
    scaling: dict[str, Any] = {}
    if scaled:
        scaling = {"state_mean": states([0.1, 0, -0.2, 0])[0], "state_std": states([1, 2, 0.3, 4])[0]}
    policy = Policy(MLP((4, 16, 2), torch.Generator().manual_seed(3)), **scaling)
    kind = "imitation" if isinstance(config, ImitationConfig) else "dqn"
    return NetworkAgent("made", policy, kind, config or dqn_config(), {"seed": 3})


# --- scripted rules


def test_left_and_right_are_constant() -> None:
    for name, action in (("left", 0), ("right", 1)):
        agent = scripted_agent(name)
        assert agent is not None
        assert agent.act(states([0, 0, 1, 0], [0, 0, -1, 0])).tolist() == [action] * 2


def test_angle_pushes_toward_the_lean() -> None:
    agent = scripted_agent("angle")
    assert agent is not None
    assert agent.act(states([9, 9, 0.1, -9], [-9, -9, -0.1, 9])).tolist() == [1, 0]


def test_a_linear_rule_weighs_all_four_values() -> None:
    agent = scripted_agent("linear:1,-2,3,0.5")
    assert agent is not None
    assert agent.act(states([1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 1, 0, 1])).tolist() == [
        1,
        0,
        1,
        1,
        0,
    ]


def test_random_draws_both_actions_from_its_own_seed() -> None:
    agent = scripted_agent("random")
    assert agent is not None
    batch = np.zeros((2_000, 4), np.float32)
    agent.begin(1)
    first = agent.act(batch)
    agent.begin(1)
    np.testing.assert_array_equal(agent.act(batch), first)
    agent.begin(2)
    assert not np.array_equal(agent.act(batch), first)
    assert first.mean() == pytest.approx(0.5, abs=0.034)


@pytest.mark.parametrize("text", ["", "perfect", "Left", "linear", "angle "])
def test_other_names_are_no_rule(text: str) -> None:
    assert scripted_agent(text) is None


@pytest.mark.parametrize(
    "text", ["linear:", "linear:1,2,3", "linear:1,2,3,4,5", "linear:1,2,3,x", "linear:1,2,3,nan", "linear:inf,0,0,0"]
)
def test_bad_linear_weights_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(AgentError, match=f"'{text}' should give four numbers, such as linear:0.1,0.2,1,0.5"):
        scripted_agent(text)


# --- network agents


def test_a_network_agent_takes_the_action_with_the_largest_output() -> None:
    agent = made()
    batch = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    assert agent.act(batch).tolist() == agent.values(batch).argmax(1).tolist()
    assert set(agent.act(batch)) == {0, 1}


@pytest.mark.parametrize("config", [dqn_config(), ImitationConfig(nn_hidden_layers=(16,))], ids=["dqn", "imitation"])
@pytest.mark.parametrize("scaled", [False, True])
def test_an_agent_is_loaded_bit_for_bit_as_it_was_saved(tmp_path: Path, config: Settings, scaled: bool) -> None:
    agent = made(config, scaled=scaled)
    save_agent(tmp_path / "agent", agent)
    loaded = load_agent(tmp_path / "agent")
    assert torch.equal(loaded.network.flat, agent.network.flat)
    assert (loaded.name, loaded.config, loaded.card) == ("agent", config, {"seed": 3})
    batch = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    np.testing.assert_array_equal(loaded.values(batch), agent.values(batch))
    assert (loaded.kind, loaded.values_are) == (agent.kind, "Q" if agent.kind == "dqn" else "score")
    assert load_agent(tmp_path / "agent", "other").name == "other"


def test_saving_over_an_agent_leaves_nothing_of_the_old_one_and_nothing_beside_it(tmp_path: Path) -> None:
    save_agent(tmp_path / "agent", made(scaled=True))
    save_agent(tmp_path / "agent", made())
    assert load_agent(tmp_path / "agent").state_mean is None
    assert sorted(p.name for p in tmp_path.iterdir()) == [".lock", "agent"]


@pytest.mark.parametrize("neighbour", ["agent.old", "agent.new"])
def test_saving_an_agent_does_not_touch_one_whose_name_goes_on(tmp_path: Path, neighbour: str) -> None:
    save_agent(tmp_path / neighbour, made())
    save_agent(tmp_path / "agent", made())
    save_agent(tmp_path / "agent", made())
    assert torch.equal(load_agent(tmp_path / neighbour).network.flat, made().network.flat)


def test_anyone_can_load_the_tensors_without_the_lab(tmp_path: Path) -> None:
    agent = made()
    save_agent(tmp_path, agent)
    module = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
    module.load_state_dict(safetensors.torch.load_file(tmp_path / MODEL), strict=True)
    batch = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    np.testing.assert_allclose(module(torch.from_numpy(batch)).detach(), agent.values(batch), rtol=1e-5, atol=1e-6)
    assert json.loads((tmp_path / HPARAMS).read_text())["nn_hidden_layers"] == [16]


def test_the_shipped_perfect_agent_is_a_valid_dqn_agent() -> None:
    agent = load_agent(SHIPPED / "perfect")
    assert (agent.network.sizes[0], agent.network.sizes[-1]) == (4, 2)
    assert (agent.kind, agent.environment) == ("dqn", "CartPole-v1")


def change_tensors(change: Callable[[dict[str, Tensor]], Any]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        tensors = safetensors.torch.load((folder / MODEL).read_bytes())
        change(tensors)
        (folder / MODEL).write_bytes(safetensors.torch.save(tensors))

    return damage


def change_hparams(**changes: Any) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        (folder / HPARAMS).write_text(json.dumps(json.loads((folder / HPARAMS).read_text()) | changes))

    return damage


def write(name: str, content: bytes) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return damage


ZEROS, ONES = torch.zeros(4), torch.ones(4)
DAMAGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no model": (lambda f: (f / MODEL).unlink(), "has no model.safetensors; an agent folder holds"),
    "no hparams": (lambda f: (f / HPARAMS).unlink(), "has no hparams.json; an agent folder holds"),
    "model no safetensors": (write(MODEL, b"pickle?"), "cannot be read"),
    "model cut off": (lambda f: (f / MODEL).write_bytes((f / MODEL).read_bytes()[:-5]), "cannot be read"),
    "hparams no JSON": (write(HPARAMS, b"{"), "hparams.json is neither JSON nor a Python dict"),
    "hparams a list": (write(HPARAMS, b"[]"), "must hold a dict of hyper-parameters, not a list"),
    "card no JSON": (write(CARD, b"{"), "cannot be read"),
    "card a list": (write(CARD, b"[1]"), "card.json should hold a JSON object, not list"),
    "unknown key": (change_hparams(learning_rat=1), "hparams.json: 'learning_rat' is not a setting; did you mean"),
    "value out of range": (change_hparams(batch_size=0), "hparams.json: batch_size must be a whole number from 1"),
    "more layers": (change_hparams(nn_hidden_layers=[16, 16]), "has no weight matrix 4.weight"),
    "other width": (change_hparams(nn_hidden_layers=[8]), "tensor 0.weight should have shape [8, 4], not [16, 4]"),
    "fewer layers": (change_hparams(nn_hidden_layers=[]), "the difference is 2.bias, 2.weight"),
    "extra tensor": (change_tensors(lambda t: t.update(extra=ZEROS)), "the difference is extra"),
    "missing tensor": (change_tensors(lambda t: t.pop("0.bias")), "the difference is 0.bias"),
    "missing matrix": (change_tensors(lambda t: t.pop("0.weight")), "has no weight matrix 0.weight"),
    "flat matrix": (
        change_tensors(lambda t: t.update({"0.weight": torch.zeros(64)})),
        "has no weight matrix 0.weight",
    ),
    "wrong shape": (
        change_tensors(lambda t: t.update({"2.weight": torch.zeros(2, 15)})),
        "tensor 2.weight should have shape [2, 16], not [2, 15]",
    ),
    "wrong dtype": (
        change_tensors(lambda t: t.update({"2.bias": torch.zeros(2, dtype=torch.float16)})),
        "tensor 2.bias should be float32, not float16",
    ),
    "NaN": (change_tensors(lambda t: t["2.bias"].fill_(math.nan)), "tensor 2.bias holds values that are not finite"),
    "mean alone": (change_tensors(lambda t: t.update(state_mean=ZEROS)), "state_mean and state_std come together"),
    "std alone": (change_tensors(lambda t: t.update(state_std=ONES)), "state_mean and state_std come together"),
    "std of another size": (
        change_tensors(lambda t: t.update(state_mean=ZEROS, state_std=torch.ones(3))),
        "state_std should be 4 float32 values",
    ),
    "std not above 0": (
        change_tensors(lambda t: t.update(state_mean=ZEROS, state_std=torch.zeros(4))),
        "state_std holds values that are not finite and above 0",
    ),
    "mean not finite": (
        change_tensors(lambda t: t.update(state_mean=ONES / 0, state_std=ONES)),
        "state_mean holds values that are not finite",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_bad_folder_is_answered_with_one_sentence_that_names_it(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "broken"
    save_agent(folder, made())
    inflict, sentence = DAMAGES[damage]
    inflict(folder)
    with pytest.raises(AgentError) as refused:
        load_agent(folder)
    message = str(refused.value)
    assert sentence in message
    assert str(folder) in message
    assert "\n" not in message
    assert message[-1] in ".?"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="nowhere is not a folder; an agent is a folder with"):
        load_agent(tmp_path / "nowhere")


def test_an_agent_without_a_card_is_an_agent(tmp_path: Path) -> None:
    save_agent(tmp_path / "agent", made())
    (tmp_path / "agent" / CARD).unlink()
    assert load_agent(tmp_path / "agent").card == {}
