"""The replay buffer: the last `capacity` transitions in preallocated arrays, overwritten oldest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Batch:
    """Transitions drawn from the buffer; every array has the shape of the indices, states one axis more."""

    states: Floats
    actions: npt.NDArray[np.int64]
    rewards: Floats
    next_states: Floats
    terminated: Flags
    truncated: Flags


class ReplayBuffer:
    """A ring of transitions. Both end flags are kept apart, because only `terminated` ends the return.

    Pages of the arrays are taken from the machine as they fill, so a large capacity costs nothing until it is used.
    """

    def __init__(self, capacity: int, state_size: int) -> None:
        self.capacity = capacity
        self._next = 0
        self._size = 0
        self._arrays: dict[str, npt.NDArray[np.generic]] = {
            "states": np.empty((capacity, state_size), np.float32),
            "actions": np.empty(capacity, np.int64),
            "rewards": np.empty(capacity, np.float32),
            "next_states": np.empty((capacity, state_size), np.float32),
            "terminated": np.empty(capacity, np.bool_),
            "truncated": np.empty(capacity, np.bool_),
        }

    def __len__(self) -> int:
        return self._size

    def add(
        self, state: Floats, action: int, reward: float, next_state: Floats, *, terminated: bool, truncated: bool
    ) -> None:
        """Store one transition over the oldest one. `next_state` is the state reached, never one after a reset."""
        row = self._next
        arrays = self._arrays
        arrays["states"][row] = state
        arrays["actions"][row] = action
        arrays["rewards"][row] = reward
        arrays["next_states"][row] = next_state
        arrays["terminated"][row] = terminated
        arrays["truncated"][row] = truncated
        self._next = (row + 1) % self.capacity
        self._size = min(self._size + 1, self.capacity)

    def take(self, indices: npt.NDArray[np.int64]) -> Batch:
        """The transitions at `indices`, each in [0, len(self)), of any shape."""
        return Batch(**{name: array.take(indices, axis=0) for name, array in self._arrays.items()})  # type: ignore[arg-type]

    def state(self) -> dict[str, Any]:
        """The filled part of every array, and where the next transition goes."""
        return {"next": self._next, **{name: array[: self._size].copy() for name, array in self._arrays.items()}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave, into a buffer of the same capacity."""
        self._next = int(state["next"])
        self._size = len(state["actions"])
        for name, array in self._arrays.items():
            array[: self._size] = state[name]
