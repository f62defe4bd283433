"""Agent folders: model.safetensors, hparams.json and card.json, read and written whole and without pickles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.torch
import torch
from torch import Tensor

from engine.agents.agent import NetworkAgent
from engine.agents.names import AgentError
from engine.learners.kinds import settings_from_dict, settings_to_dict
from engine.learners.network import MLP
from engine.learners.policy import Policy
from engine.learners.settings import ConfigError, Settings, parse_settings
from engine.storage.files import read_folder, replace_folder

Floats = npt.NDArray[np.float32]

MODEL, HPARAMS, CARD = "model.safetensors", "hparams.json", "card.json"


def agent_files(agent: NetworkAgent) -> dict[str, bytes]:
    """The files of an agent folder: model.safetensors, hparams.json, card.json."""
    tensors: dict[str, Tensor] = agent.network.named_parameters()
    if agent.state_mean is not None and agent.state_std is not None:
        tensors["state_mean"] = torch.tensor(agent.state_mean)
        tensors["state_std"] = torch.tensor(agent.state_std)
    return {
        MODEL: safetensors.torch.save(tensors),
        HPARAMS: _json_bytes(settings_to_dict(agent.kind, agent.config)),
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
    try:
        files = read_folder(folder, (MODEL, HPARAMS, CARD))
    except (FileNotFoundError, NotADirectoryError):
        raise AgentError(f"{folder} is not a folder; an agent is a folder with {MODEL} and {HPARAMS}.") from None
    except OSError as error:
        raise AgentError(f"the agent in {folder} cannot be read: {error}.") from None
    for file in (MODEL, HPARAMS):
        if file not in files:
            raise AgentError(f"{folder} has no {file}; an agent folder holds {MODEL} and {HPARAMS}.")
    try:
        kind, config = settings_from_dict(parse_settings(files[HPARAMS].decode("utf-8"), HPARAMS))
        tensors = safetensors.torch.load(files[MODEL])
        card = json.loads(files[CARD].decode("utf-8")) if CARD in files else {}
        if not isinstance(card, dict):
            raise ValueError(f"{CARD} should hold a JSON object, not {type(card).__name__}")
        scaling: dict[str, Tensor] = {key: tensors.pop(key) for key in ("state_mean", "state_std") if key in tensors}
        network = _network_for(config, tensors)
        mean, std = _scaling(scaling, network.sizes[0])
    except ConfigError as error:
        raise AgentError(f"{folder / HPARAMS}: {error}") from None
    except (ValueError, safetensors.SafetensorError) as error:
        raise AgentError(f"the agent in {folder} cannot be read: {error}.") from None
    return NetworkAgent(name or folder.name, Policy(network, state_mean=mean, state_std=std), kind.name, config, card)


def _network_for(config: Settings, tensors: Mapping[str, Tensor]) -> MLP:
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
