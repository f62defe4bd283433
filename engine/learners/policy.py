"""What a learner has learned, able to act: a network with the scaling that its inputs need; knows nothing of files."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from engine.learners.network import MLP

Floats = npt.NDArray[np.float32]


class Policy:
    """Greedy on a network's outputs.

    The network sees (state - state_mean) / state_std where these are given, as training on scaled states needs.
    """

    def __init__(self, network: MLP, *, state_mean: Floats | None = None, state_std: Floats | None = None) -> None:
        self.network = network
        self.state_mean = state_mean
        self.state_std = state_std

    def values(self, states: Floats) -> Floats:
        """Network outputs [n, actions] for states [n, state_size]."""
        if self.state_mean is not None and self.state_std is not None:
            states = (states - self.state_mean) / self.state_std
        return np.asarray(self.network.forward(torch.from_numpy(states)).numpy())

    def act(self, states: Floats) -> npt.NDArray[np.int64]:
        """The action with the largest output, [n], for states [n, state_size]."""
        return np.asarray(self.values(states).argmax(axis=1), np.int64)

    def copy(self) -> Policy:
        """The same policy with a network of its own, which later training leaves alone."""
        network = MLP(self.network.sizes)
        network.flat.copy_(self.network.flat)
        return Policy(network, state_mean=self.state_mean, state_std=self.state_std)
