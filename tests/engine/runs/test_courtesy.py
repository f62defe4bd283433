"""Giving way: steps come later, and are the same steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.learners.kinds import preset_spec
from engine.runs import courtesy
from engine.runs.courtesy import LONGEST_WAIT, Courtesy
from engine.runs.workshop import Workshop


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(courtesy, "time", clock)
    return clock


def test_nobody_waits_where_nobody_asked(clock: Clock) -> None:
    clock.now = 5.0
    Courtesy().give_way()
    assert clock.slept == []


def test_steps_wait_in_short_pieces_until_the_time_is_over(clock: Clock) -> None:
    asked = Courtesy()
    asked.ask(2.5 * LONGEST_WAIT)
    for _ in range(5):
        asked.give_way()
    assert clock.slept == pytest.approx([LONGEST_WAIT, LONGEST_WAIT, LONGEST_WAIT / 2])


def test_a_run_that_gives_way_learns_the_same(tmp_path: Path) -> None:
    lab = Workshop(tmp_path)
    spec = preset_spec("smallest", episodes=3)
    hashes = []
    for asks in (False, True):
        run = lab.start(spec)
        while not run.wait(0.005):
            if asks:
                lab.courtesy.ask(0.01)
        hashes.append(lab.store.run(run.id).state_hash)
    assert hashes[0] == hashes[1] is not None
    lab.close()
