"""Episodes that a person played: one CSV file each in the home folder, and the rows that a clone learns from them."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.learners.samples import DataError, Samples

if TYPE_CHECKING:
    from engine.agents.recording import Recording

FOLDER = "play"
LEAST_ROWS = 100
"""Fewer rows than this say next to nothing of how somebody plays."""
TEST_EVERY = 5
"""One episode in so many is kept for testing, as long as there are two."""
_NAME = re.compile(r"(?P<when>\d{14})-seed(?P<seed>\d+)-speed(?P<speed>\d+)-return(?P<steps>\d+)-[0-9a-f]{6}\.csv")


@dataclass(frozen=True, slots=True)
class KeptPlay:
    """An episode that somebody played to its end.

    when: the moment of its end, as yyyymmddhhmmss in UTC.
    seed: names its start.
    speed: how fast it was played, in percent of real time.
    steps: how many steps it lasted, which is its return too.
    """

    path: Path
    when: str
    seed: int
    speed: int
    steps: int


@dataclass(frozen=True, slots=True)
class PlayedRows:
    """How many rows a clone of what was played would learn from and be tested on, of how many episodes in all."""

    train: int
    test: int
    episodes: int


def keep_play(home: Path, recording: Recording, speed: float) -> KeptPlay:
    """Keep an episode that is over; two processes at once keep both.

    Args:
        speed: as a factor of real time.

    Raises:
        OSError: it cannot be written.
    """
    from engine.storage.data_sets import write_csv

    when = time.strftime("%Y%m%d%H%M%S", time.gmtime())
    seed, steps, percent = recording.start.seed, len(recording.actions), round(100 * speed)
    path = home / FOLDER / f"{when}-seed{seed}-speed{percent}-return{steps}-{secrets.token_hex(3)}.csv"
    write_csv(path, Samples(recording.states[:-1], recording.actions, 1))
    return KeptPlay(path, when, seed, percent, steps)


def kept_plays(home: Path) -> list[KeptPlay]:
    """The episodes that were played to their end, oldest first.

    Raises:
        OSError: the folder cannot be read.
    """
    folder = home / FOLDER
    if not folder.is_dir():
        return []
    found = sorted((match[0], match) for path in folder.iterdir() if (match := _NAME.fullmatch(path.name)))
    return [
        KeptPlay(folder / name, match["when"], int(match["seed"]), int(match["speed"]), int(match["steps"]))
        for name, match in found
    ]


def split(plays: Sequence[KeptPlay]) -> tuple[list[KeptPlay], list[KeptPlay]]:
    """Episodes to learn from, and episodes to test on: ordered by length, the second of every five is for testing.

    Whole episodes, since neighbouring states of one are all but the same; and never the longest one for testing.
    """
    ordered = sorted(plays, key=lambda play: (-play.steps, play.when, play.path.name))
    train = [play for index, play in enumerate(ordered) if index % TEST_EVERY != 1]
    return train, [play for index, play in enumerate(ordered) if index % TEST_EVERY == 1]


def count_rows(plays: Sequence[KeptPlay]) -> PlayedRows:
    train, test = split(plays)
    return PlayedRows(sum(play.steps for play in train), sum(play.steps for play in test), len(plays))


def too_few(plays: Sequence[KeptPlay]) -> str | None:
    """Why a clone cannot be trained yet, in a sentence; None where it can."""
    rows = count_rows(plays)
    if rows.episodes < 2:
        return (
            f"a clone needs two episodes, one to learn from and one to be tested on; you have played {rows.episodes}."
        )
    if rows.train < LEAST_ROWS:
        return f"a clone needs {LEAST_ROWS} rows to learn from; your episodes have {rows.train} so far. Play on."
    return None


def write_rows(home: Path, plays: Sequence[KeptPlay]) -> tuple[Path, Path]:
    """The data sets for training and for testing, as files of the home folder that are named by their rows.

    Raises:
        DataError: there is too little, or an episode's file is damaged.
        OSError: they cannot be written.
    """
    from engine.storage.data_sets import write_csv

    if (reason := too_few(plays)) is not None:
        raise DataError(reason)
    digest = hashlib.sha256("\n".join(sorted(play.path.name for play in plays)).encode()).hexdigest()[:8]
    paths = []
    for side, chosen in zip(("train", "test"), split(plays), strict=True):
        samples = _joined(chosen)
        if side == "train" and min(samples.balance()) == 0:
            raise DataError("you pushed to one side only; a clone has nothing to decide there. Play on.")
        path = home / "data" / f"{FOLDER}-{digest}-{side}.csv"
        write_csv(path, samples)
        paths.append(path)
    return paths[0], paths[1]


def _joined(plays: Sequence[KeptPlay]) -> Samples:
    from engine.storage.data_sets import read_csv

    parts = [read_csv(play.path) for play in sorted(plays, key=lambda play: play.path.name)]
    states, actions = np.concatenate([part.states for part in parts]), np.concatenate([part.actions for part in parts])
    return Samples(states, actions, len(parts))
