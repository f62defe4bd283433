"""Anything that acts: saved networks, clones, scripted rules; and agent folders, read and written without pickles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.torch
import torch
from torch import Tensor

from engine.checkpoint import replace_folder, settle_folder
from engine.config import Config, ConfigError, DQNConfig, ImitationConfig, read_settings
from engine.network import MLP

Floats = npt.NDArray[np.float32]
Actions = npt.NDArray[np.int64]

MODEL, HPARAMS, CARD = "model.safetensors", "hparams.json", "card.json"
SHIPPED = Path(__file__).parent.parent / "saved"
SCRIPTED = ("random", "left", "right", "angle", "linear:w1,w2,w3,w4")


class AgentError(ValueError):
    """One sentence on why an agent cannot be had, and what would be right."""


class Agent(Protocol):
    """Maps a batch of states to actions."""

    name: str

    def begin(self, seed: int) -> None:
        """Start an evaluation: an agent with randomness of its own seeds it here."""

    def act(self, states: Floats) -> Actions:
        """Actions [n] for states [n, state_size]."""


class RandomAgent:
    """Each of `action_count` actions with the same probability, from a generator of its own."""

    def __init__(self, action_count: int = 2) -> None:
        self.name = "random"
        self._action_count = action_count
        self.begin(0)

    def begin(self, seed: int) -> None:
        self._generator = np.random.default_rng([seed, 0xAC7])

    def act(self, states: Floats) -> Actions:
        return self._generator.integers(self._action_count, size=len(states))


class ConstantAgent:
    """The same action always."""

    def __init__(self, name: str, action: int) -> None:
        self.name = name
        self._action = action

    def begin(self, seed: int) -> None:
        """Nothing to seed."""

    def act(self, states: Floats) -> Actions:
        return np.full(len(states), self._action, np.int64)


class LinearAgent:
    """Action 1 where the weighted sum of the state is above 0, else action 0."""

    def __init__(self, name: str, weights: npt.ArrayLike) -> None:
        self.name = name
        self._weights = np.asarray(weights, np.float64)

    def begin(self, seed: int) -> None:
        """Nothing to seed."""

    def act(self, states: Floats) -> Actions:
        return np.asarray(states @ self._weights > 0, np.int64)


class NetworkAgent:
    """Greedy on a network's outputs: Q-values for a DQN agent, action scores for a clone.

    The network sees (state - state_mean) / state_std where these are given, as training on scaled states needs.
    """

    def __init__(
        self,
        name: str,
        network: MLP,
        config: Config,
        *,
        state_mean: Floats | None = None,
        state_std: Floats | None = None,
        card: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.network = network
        self.config = config
        self.state_mean = state_mean
        self.state_std = state_std
        self.card = dict(card or {})

    def begin(self, seed: int) -> None:
        """Nothing to seed: a greedy agent is deterministic."""

    def values(self, states: Floats) -> Floats:
        """Network outputs [n, actions] for states [n, state_size]."""
        if self.state_mean is not None and self.state_std is not None:
            states = (states - self.state_mean) / self.state_std
        return np.asarray(self.network.forward(torch.from_numpy(states)).numpy())

    def act(self, states: Floats) -> Actions:
        return np.asarray(self.values(states).argmax(axis=1), np.int64)

    @property
    def is_clone(self) -> bool:
        """True for an imitation network, whose outputs are scores and not values."""
        return isinstance(self.config, ImitationConfig)


def check_fit(agent: Agent, environment_id: str, state_size: int, action_count: int) -> None:
    """Refuse a network whose inputs or outputs are not the states or actions of the environment that it should act in.

    Raises:
        AgentError: they are not.
    """
    if not isinstance(agent, NetworkAgent):
        return
    inputs, outputs = agent.network.sizes[0], agent.network.sizes[-1]
    if inputs != state_size:
        raise AgentError(
            f"agent {agent.name!r} reads states of {inputs} values, but {environment_id} has {state_size}."
        )
    if outputs != action_count:
        raise AgentError(
            f"agent {agent.name!r} chooses among {outputs} actions, but {environment_id} has {action_count}."
        )


def scripted_agent(text: str) -> Agent | None:
    """The scripted rule of that name, or None where the text names no rule.

    Raises:
        AgentError: a linear rule whose weights are not four finite numbers.
    """
    match text:
        case "random":
            return RandomAgent()
        case "left" | "right":
            return ConstantAgent(text, int(text == "right"))
        case "angle":
            return LinearAgent(text, [0, 0, 1, 0])
    if not text.startswith("linear:"):
        return None
    try:
        weights = [float(word) for word in text.removeprefix("linear:").split(",")]
    except ValueError:
        weights = []
    if len(weights) != 4 or not np.isfinite(weights).all():
        raise AgentError(f"{text!r} should give four numbers, such as linear:0.1,0.2,1,0.5.")
    return LinearAgent(text, weights)


def agent_files(agent: NetworkAgent) -> dict[str, bytes]:
    """The files of an agent folder: model.safetensors, hparams.json, card.json."""
    tensors: dict[str, Tensor] = agent.network.named_parameters()
    if agent.state_mean is not None and agent.state_std is not None:
        tensors["state_mean"] = torch.tensor(agent.state_mean)
        tensors["state_std"] = torch.tensor(agent.state_std)
    return {
        MODEL: safetensors.torch.save(tensors),
        HPARAMS: _json_bytes(agent.config.to_dict()),
        CARD: _json_bytes(agent.card),
    }


def save_agent(folder: Path, agent: NetworkAgent) -> None:
    """Write an agent folder, whole or not at all, over whatever agent stood there."""
    replace_folder(folder, agent_files(agent))


def _json_bytes(value: Any) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()


def load_agent(folder: Path, name: str | None = None) -> NetworkAgent:
    """Read an agent folder.

    Raises:
        AgentError: a file is missing or unreadable, or tensors do not fit the hyper-parameters.
    """
    settle_folder(folder)
    if not folder.is_dir():
        raise AgentError(f"{folder} is not a folder; an agent is a folder with {MODEL} and {HPARAMS}.")
    for file in (MODEL, HPARAMS):
        if not (folder / file).is_file():
            raise AgentError(f"{folder} has no {file}; an agent folder holds {MODEL} and {HPARAMS}.")
    try:
        settings = read_settings(folder / HPARAMS)
        config_type = DQNConfig if "discount_factor" in settings else ImitationConfig
        config: Config = config_type.from_dict(settings)
        tensors = safetensors.torch.load((folder / MODEL).read_bytes())
        card = json.loads((folder / CARD).read_text(encoding="utf-8")) if (folder / CARD).is_file() else {}
        if not isinstance(card, dict):
            raise ValueError(f"{CARD} should hold a JSON object, not {type(card).__name__}")
        scaling: dict[str, Tensor] = {key: tensors.pop(key) for key in ("state_mean", "state_std") if key in tensors}
        network = _network_for(config, tensors)
        mean, std = _scaling(scaling, network.sizes[0])
    except ConfigError as error:
        raise AgentError(f"{folder / HPARAMS}: {error}") from None
    except (ValueError, OSError, safetensors.SafetensorError) as error:
        raise AgentError(f"the agent in {folder} cannot be read: {error}.") from None
    return NetworkAgent(name or folder.name, network, config, state_mean=mean, state_std=std, card=card)


def _network_for(config: Config, tensors: Mapping[str, Tensor]) -> MLP:
    last = f"{2 * len(config.nn_hidden_layers)}.weight"
    for name in ("0.weight", last):
        if name not in tensors or tensors[name].ndim != 2:
            raise ValueError(f"{MODEL} has no weight matrix {name}, which nn_hidden_layers in {HPARAMS} asks for")
    network = MLP([tensors["0.weight"].shape[1], *config.nn_hidden_layers, tensors[last].shape[0]])
    network.load_named_parameters(tensors)
    return network


def _scaling(tensors: Mapping[str, Tensor], state_size: int) -> tuple[Floats | None, Floats | None]:
    if not tensors:
        return None, None
    for name in ("state_mean", "state_std"):
        tensor = tensors.get(name)
        if tensor is None or tensor.shape != (state_size,) or tensor.dtype != torch.float32:
            raise ValueError(f"{name} should be {state_size} float32 values; state_mean and state_std come together")
        if not bool(torch.isfinite(tensor).all()) or (name == "state_std" and not bool((tensor > 0).all())):
            raise ValueError(f"{name} holds values that are not finite{' and above 0' * (name == 'state_std')}")
    return tensors["state_mean"].numpy(), tensors["state_std"].numpy()
