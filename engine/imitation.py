"""Imitation of an agent: data generation, CSV, Dataset and DataLoader, and the supervised learner."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, SequentialSampler

from engine.agents import Agent, NetworkAgent, check_fit
from engine.checkpoint import write_whole
from engine.config import ImitationConfig
from engine.divergence import DivergenceError, divergence
from engine.environment import make_environment
from engine.metrics import MetricLog
from engine.network import MLP, Adam, prepare_thread

STATE_COLUMNS = ("s1", "s2", "s3", "s4")
ACTION_COLUMN = "action"
ACTIONS = 2


class DataError(ValueError):
    """One sentence on what is wrong with a data file: which, where, and what would be right."""


@dataclass(frozen=True, slots=True)
class Samples:
    """States [n, 4] float32 and the actions [n] int64 that an agent took in them, over `episodes` episodes."""

    states: npt.NDArray[np.float32]
    actions: npt.NDArray[np.int64]
    episodes: int = 0

    def __len__(self) -> int:
        return len(self.actions)

    def balance(self) -> list[int]:
        """Number of rows for each action."""
        return [int(count) for count in np.bincount(self.actions, minlength=ACTIONS)]


class Generator:
    """Lets an agent act in CartPole until `samples` pairs of state and action are collected; `advance` is one step.

    Episodes follow one another from one seeded start, as in the course: a perfect agent fills 1,000 rows in two.
    """

    def __init__(self, agent: Agent, samples: int, seed: int) -> None:
        prepare_thread()
        check_fit(agent, "CartPole-v1", len(STATE_COLUMNS), ACTIONS)
        self._agent = agent
        self._samples = samples
        self._env = make_environment("CartPole-v1")
        self._states: list[npt.NDArray[np.float32]] = []
        self._actions: list[int] = []
        self._episodes = 1
        agent.begin(seed)
        self._state = np.asarray(self._env.reset(seed=seed)[0], np.float32)

    @property
    def finished(self) -> bool:
        return len(self._actions) >= self._samples

    @property
    def progress(self) -> float:
        return len(self._actions) / self._samples

    def advance(self) -> None:
        """One pair, one environment step."""
        action = int(self._agent.act(self._state[None])[0])
        self._states.append(self._state)
        self._actions.append(action)
        state, _, terminated, truncated, _ = self._env.step(action)
        if (terminated or truncated) and not self.finished:
            state, _ = self._env.reset()
            self._episodes += 1
        self._state = np.asarray(state, np.float32)

    def result(self) -> Samples:
        """The pairs collected so far."""
        states = np.stack(self._states) if self._states else np.empty((0, len(STATE_COLUMNS)), np.float32)
        return Samples(states, np.array(self._actions, np.int64), self._episodes)


def generate(agent: Agent, samples: int, seed: int) -> Samples:
    """`samples` pairs of state and action; see `Generator`."""
    generator = Generator(agent, samples, seed)
    while not generator.finished:
        generator.advance()
    return generator.result()


def write_csv(path: Path, samples: Samples) -> None:
    """Write `s1,s2,s3,s4,action`, float32 values in the shortest form that reads back exactly."""
    frame = pd.DataFrame(samples.states, columns=list(STATE_COLUMNS))
    frame[ACTION_COLUMN] = samples.actions
    buffer = io.StringIO()
    frame.to_csv(buffer, index=False, lineterminator="\n")
    write_whole(path, buffer.getvalue().encode())


def read_csv(path: Path) -> Samples:
    """Read a data set.

    Raises:
        DataError: no such file, not this header, a row that is longer, a value that is not a finite number, an action
            other than 0 and 1.
    """
    header = [*STATE_COLUMNS, ACTION_COLUMN]
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise DataError(f"there is no file {path}.") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as CSV: {str(error).strip().removesuffix('.')}.") from None
    if list(frame.columns) != header:
        raise DataError(
            f"{path} should begin with the header {','.join(header)}, not {','.join(map(str, frame.columns))}."
        )
    if frame.empty:
        raise DataError(f"{path} has a header but no rows.")
    if not isinstance(frame.index, pd.RangeIndex):
        # pandas takes a first column that the header does not name for row labels.
        raise DataError(f"{path}, line 2: the rows should have {len(header)} values, as the header does, not more.")
    numbers = frame.apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    with np.errstate(over="ignore"):
        bad = np.argwhere(~np.isfinite(numbers.astype(np.float32)))
    if len(bad):
        row, column = bad[0]
        raise DataError(
            f"{path}, line {row + 2}, column {header[column]}: {frame.iat[row, column]!r} is not a finite number."
        )
    actions = numbers[:, -1]
    odd = np.flatnonzero((actions != 0) & (actions != 1))
    if len(odd):
        raise DataError(f"{path}, line {odd[0] + 2}, column action: {actions[odd[0]]:g} should be 0 or 1.")
    return Samples(numbers[:, :-1].astype(np.float32), actions.astype(np.int64))


class OptimalPolicyDataset(Dataset[tuple[Tensor, Tensor]]):
    """The pairs of one data set as torch sees them. An index may be one row or a list of rows, which is how batches
    are taken without collating row by row."""

    def __init__(self, samples: Samples) -> None:
        self.states = torch.from_numpy(samples.states)
        self.actions = torch.from_numpy(samples.actions)

    def __len__(self) -> int:
        return len(self.actions)

    def __getitem__(self, index: int | list[int]) -> tuple[Tensor, Tensor]:
        return self.states[index], self.actions[index]


Loader = DataLoader[tuple[Tensor, Tensor]]


def data_loader(dataset: OptimalPolicyDataset, batch_size: int, generator: torch.Generator, *, shuffle: bool) -> Loader:
    """Batches of states [b, 4] and actions [b]; the last one may be shorter. Shuffled from `generator` alone."""
    order = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
    batches = BatchSampler(order, batch_size, drop_last=False)
    return DataLoader(dataset, sampler=batches, batch_size=None, generator=generator)


def cross_entropy(outputs: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
    """Mean cross-entropy and its derivative by the outputs, (softmax(outputs) - one_hot(actions)) / n.

    Args:
        outputs: [n, actions] scores
        actions: [n] the targets
    """
    log_probabilities = torch.log_softmax(outputs, 1)
    picked = actions.unsqueeze(1)
    loss = -log_probabilities.gather(1, picked).mean()
    gradient = log_probabilities.exp().scatter_add_(1, picked, torch.full_like(picked, -1.0, dtype=outputs.dtype))
    return loss, gradient.div_(len(actions))


class ImitationLearner:
    """A supervised run in progress: `advance` until `finished`, in any thread. All randomness comes from `config.seed`.

    Series: `batch_loss`, `batch_accuracy` by minibatch; by epoch, counted from 1: `train_loss`, `train_accuracy` (means
    over the epoch's batches, as the network learned) and `test_loss`, `test_accuracy` (after the epoch).
    """

    def __init__(self, config: ImitationConfig, log: MetricLog, train: Samples, test: Samples) -> None:
        prepare_thread()
        self.config = config
        self.log = log
        self.network = MLP(
            (len(STATE_COLUMNS), *config.nn_hidden_layers, ACTIONS), torch.Generator().manual_seed(config.seed)
        )
        self.adam = Adam(self.network, config.learning_rate)
        self._train = OptimalPolicyDataset(train)
        self._test = OptimalPolicyDataset(test)
        self._data_digest = _digest(train, test)
        self._shuffling = torch.Generator().manual_seed(config.seed + 1)
        self._loader = data_loader(self._train, config.batch_size, self._shuffling, shuffle=True)
        self.epoch = 0
        self.gradient_steps = 0
        self._begin_epoch()

    def _begin_epoch(self) -> None:
        self._epoch_generator_state = self._shuffling.get_state()
        self._batches: Iterator[tuple[Tensor, Tensor]] = iter(self._loader)
        self._batch_index = 0
        self._loss_sum = 0.0
        self._right = 0
        self._seen = 0

    @property
    def finished(self) -> bool:
        return self.epoch >= self.config.epochs

    @property
    def progress(self) -> float:
        return min(1.0, (self.epoch + self._seen / len(self._train)) / self.config.epochs)

    def counters(self) -> dict[str, int]:
        return {"epochs": self.epoch, "gradient_steps": self.gradient_steps}

    def advance(self) -> None:
        """One minibatch; after the last one of an epoch, also loss and accuracy on the test rows.

        Raises:
            DivergenceError: the loss or the weights are no longer finite.
        """
        states, actions = next(self._batches)
        activations = self.network.activations(states)
        loss, gradient = cross_entropy(activations[-1], actions)
        self.network.backward(activations, gradient)
        self.adam.step()
        if not math.isfinite(float(loss) + float(self.network.flat.sum())):
            raise self._divergence(states, activations[-1])
        self.gradient_steps += 1
        self._batch_index += 1
        right, count = int((activations[-1].argmax(1) == actions).sum()), len(actions)
        self._loss_sum += float(loss) * count
        self._right += right
        self._seen += count
        self.log.append("batch_loss", self.gradient_steps, float(loss))
        self.log.append("batch_accuracy", self.gradient_steps, right / count)
        if self._seen == len(self._train):
            self._end_epoch()

    def _divergence(self, states: Tensor, outputs: Tensor) -> DivergenceError:
        norm, largest = float(torch.linalg.vector_norm(self.network.gradient)), float(outputs.abs().max())
        finite = math.isfinite(norm + largest)  # Then it was this step's update that went too far.
        return divergence(
            self.config,
            last_finite_step=self.gradient_steps + finite,
            figures=f"with gradient norm {norm:.3g} and a largest output of {largest:.3g}" if finite else "",
            largest_output=largest if finite else None,
            largest_input=float(states.abs().max()),
        )

    def _end_epoch(self) -> None:
        self.epoch += 1
        outputs = self.network.forward(self._test.states)
        loss, _ = cross_entropy(outputs, self._test.actions)
        accuracy = float((outputs.argmax(1) == self._test.actions).float().mean())
        self.log.append("train_loss", self.epoch, self._loss_sum / self._seen)
        self.log.append("train_accuracy", self.epoch, self._right / self._seen)
        self.log.append("test_loss", self.epoch, float(loss))
        self.log.append("test_accuracy", self.epoch, accuracy)
        self._begin_epoch()

    def agents(self) -> dict[str, NetworkAgent]:
        """A copy of the network as a clone that can act, under `last`."""
        network = MLP(self.network.sizes)
        network.flat.copy_(self.network.flat)
        return {"last": NetworkAgent("last", network, self.config)}

    def state(self) -> dict[str, Any]:
        """Everything the future of this run depends on, and a digest of the data it was trained on."""
        return {
            "network": self.network.flat.numpy().copy(),
            "adam": {name: tensor.numpy() for name, tensor in self.adam.state().items()},
            "epoch_generator": self._epoch_generator_state.numpy().copy(),
            "counters": self.counters(),
            "batch_index": self._batch_index,
            "loss_sum": self._loss_sum,
            "right": self._right,
            "seen": self._seen,
            "data": self._data_digest,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave, in a learner made with the same config and data.

        Raises:
            DataError: the data are not those of the saved state.
        """
        if state["data"] != self._data_digest:
            raise DataError("the training or test rows are not those that this run began with.")
        self.network.flat.copy_(torch.from_numpy(state["network"]))
        self.adam.restore({name: torch.from_numpy(array) for name, array in state["adam"].items()})
        self._shuffling.set_state(torch.from_numpy(state["epoch_generator"].copy()))
        self._begin_epoch()
        for _ in range(state["batch_index"]):
            next(self._batches)
        self.epoch = state["counters"]["epochs"]
        self.gradient_steps = state["counters"]["gradient_steps"]
        self._batch_index = state["batch_index"]
        self._loss_sum = state["loss_sum"]
        self._right = state["right"]
        self._seen = state["seen"]


def _digest(*sets: Samples) -> str:
    digest = hashlib.sha256()
    for samples in sets:
        digest.update(samples.states.tobytes())
        digest.update(samples.actions.tobytes())
    return digest.hexdigest()
