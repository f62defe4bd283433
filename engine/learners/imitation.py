"""Imitation: a network learns the actions that an agent took, supervised, a minibatch at a time.

Each epoch is one pass over the training rows, shuffled: cross-entropy of the outputs against the actions, its gradient,
an Adam step; and at its end loss and accuracy on the test rows.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, SequentialSampler

from engine.learners.config import ImitationConfig
from engine.learners.divergence import DivergenceError, divergence
from engine.learners.metrics import MetricLog
from engine.learners.network import MLP, Adam, prepare_thread
from engine.learners.policy import Policy
from engine.learners.samples import ACTIONS, STATE_COLUMNS, DataError, Samples


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
            learning_rate=self.config.learning_rate,
            value_ceiling=None,
            cures=("learning_rate",),
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

    def policies(self) -> dict[str, Policy]:
        """A copy of the network as a clone that can act, under `last`."""
        return {"last": Policy(self.network).copy()}

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
