"""Rows of states and the actions that an agent took in them, as the course's data sets hold them. No torch in here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

STATE_COLUMNS = ("s1", "s2", "s3", "s4")
ACTION_COLUMN = "action"
ACTIONS = 2


class DataError(ValueError):
    """One sentence on what is wrong with a data set: which, where, and what would be right."""


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
