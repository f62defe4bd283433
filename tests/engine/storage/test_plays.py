"""What a person played: one file an episode, none lost, and the rows that a clone learns from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.agents.playing import replay
from engine.agents.recording import record_episode
from engine.agents.rules import scripted_agent
from engine.learners.samples import DataError
from engine.storage.data_sets import read_csv
from engine.storage.plays import KeptPlay, count_rows, keep_play, kept_plays, split, too_few, write_rows

SHORT, LONG = "left", "angle"


def played(home: Path, rule: str, seed: int, speed: float = 0.5) -> KeptPlay:
    """An episode that somebody played like a rule."""
    agent = scripted_agent(rule)
    assert agent is not None
    return keep_play(home, replay(seed, record_episode(agent, seed).actions).recording(), speed)


def of_length(steps: int, name: str = "x") -> KeptPlay:
    return KeptPlay(Path(f"{name}.csv"), "20300101000000", 0, 50, steps)


def test_an_episode_is_kept_as_a_data_set_with_its_start_speed_and_return(home: Path) -> None:
    kept = played(home, LONG, 3, 0.25)
    (found,) = kept_plays(home)
    assert found == kept
    assert (found.seed, found.speed, found.path.parent) == (3, 25, home / "play")
    samples = read_csv(found.path)
    assert len(samples) == found.steps
    assert found.path.read_text().splitlines()[0] == "s1,s2,s3,s4,action"
    again = replay(found.seed, samples.actions).recording()
    np.testing.assert_array_equal(again.states[:-1], samples.states)
    assert again.total_reward == found.steps


def test_the_same_episode_kept_twice_is_there_twice(home: Path) -> None:
    played(home, SHORT, 1)
    played(home, SHORT, 1)
    assert len(kept_plays(home)) == 2


def test_without_any_play_there_is_none_and_other_files_do_not_count(home: Path) -> None:
    assert kept_plays(home) == []
    kept = played(home, SHORT, 0)
    (kept.path.parent / "notes.csv").write_text("mine")
    assert kept_plays(home) == [kept]


def test_whole_episodes_are_for_testing_and_never_the_longest() -> None:
    plays = [of_length(steps, str(steps)) for steps in (10, 50, 40, 30, 20, 60, 5)]
    train, test = split(plays)
    assert [play.steps for play in test] == [50, 5]
    assert sorted(play.steps for play in train) == [10, 20, 30, 40, 60]
    rows = count_rows(plays)
    assert (rows.train, rows.test, rows.episodes) == (160, 55, 7)


@pytest.mark.parametrize(
    ("lengths", "reason"),
    [
        ([], "a clone needs two episodes, one to learn from and one to be tested on; you have played 0."),
        ([400], "a clone needs two episodes, one to learn from and one to be tested on; you have played 1."),
        ([60, 50], "a clone needs 100 rows to learn from; your episodes have 60 so far. Play on."),
    ],
)
def test_too_few_rows_are_told(home: Path, lengths: list[int], reason: str) -> None:
    plays = [of_length(steps) for steps in lengths]
    assert too_few(plays) == reason
    with pytest.raises(DataError, match=reason):
        write_rows(home, plays)


def test_enough_rows_are_written_as_two_data_sets(home: Path) -> None:
    plays = [played(home, LONG, seed) for seed in range(6)]
    assert too_few(plays) is None
    train, test = write_rows(home, plays)
    rows = count_rows(plays)
    assert (len(read_csv(train)), len(read_csv(test))) == (rows.train, rows.test)
    assert train.parent == test.parent == home / "data"
    first = read_csv(sorted(split(plays)[0], key=lambda play: play.path.name)[0].path)
    np.testing.assert_array_equal(read_csv(train).states[: len(first)], first.states)
    assert write_rows(home, plays) == (train, test), "the same episodes are the same files"
    assert write_rows(home, [*plays, played(home, LONG, 9)])[0] != train, "a run's own rows stay what they were"


def test_pushes_to_one_side_only_teach_nothing(home: Path) -> None:
    plays = [played(home, SHORT, seed) for seed in range(20)]
    assert too_few(plays) is None
    with pytest.raises(DataError, match="you pushed to one side only"):
        write_rows(home, plays)
