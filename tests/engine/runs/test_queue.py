"""The queue: no more runs train at a time than there are places; the others begin in the order in which they came."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.laboratory import Laboratory
from engine.learners.machine import usable_cores
from engine.runs.jobs import Job
from engine.runs.run import Run
from engine.storage.records import Status, StoreError
from tests.engine.small import dqn_spec

PATIENCE = 60
ENDLESS = replace(dqn_spec(env_steps=10**7), episodes=10**7)


class Heard:
    """What a laboratory's runs said of themselves, and a way to wait for it."""

    def __init__(self, lab: Laboratory) -> None:
        self.said: list[tuple[str, Status]] = []
        self._news = threading.Condition()
        lab.listeners.append(self._hear)

    def _hear(self, job: Job[Run]) -> None:
        with self._news:
            self.said.append((job.name, job.status))
            self._news.notify_all()

    def until(self, condition: Callable[[], bool]) -> None:
        with self._news:
            assert self._news.wait_for(condition, PATIENCE), self.said

    def until_said(self, run: Run, status: Status) -> None:
        self.until(lambda: (run.id, status) in self.said)


@pytest.fixture
def lab(home: Path) -> Iterator[Laboratory]:
    laboratory = Laboratory(home)
    laboratory.places = 1
    yield laboratory
    laboratory.close()


@pytest.fixture
def heard(lab: Laboratory) -> Heard:
    return Heard(lab)


def test_there_are_as_many_places_as_this_process_may_use_cores(home: Path) -> None:
    assert Laboratory(home).places == usable_cores()


def test_a_run_beyond_the_places_is_queued_here_and_in_the_store(lab: Laboratory, heard: Heard) -> None:
    first, second = lab.start(ENDLESS), lab.start(ENDLESS)
    heard.until_said(second, Status.QUEUED)
    heard.until_said(first, Status.RUNNING)
    assert (first.queued, second.queued) == (False, True)
    assert lab.queued_runs == [second]
    assert lab.live_runs == [first, second]
    assert lab.store.run(second.id).status == "queued"
    assert second.counters == {}
    assert lab.at_work == ["dqn", "dqn (queued)"]


def test_queued_runs_begin_in_the_order_in_which_they_came_and_one_at_a_time(lab: Laboratory, heard: Heard) -> None:
    runs = [lab.start(dqn_spec(env_steps=60, seed=seed)) for seed in range(4)]
    for run in runs:
        assert run.wait(PATIENCE)
        assert run.status == Status.FINISHED
    told = [said for said in heard.said if said[1] in (Status.RUNNING, Status.FINISHED)]
    assert told == [(run.id, status) for run in runs for status in (Status.RUNNING, Status.FINISHED)]


def test_a_queued_run_ends_in_the_same_state_as_one_that_began_at_once(lab: Laboratory) -> None:
    spec = dqn_spec(env_steps=120)
    first, second = lab.start(spec), lab.start(spec)
    assert second.wait(PATIENCE)
    assert second.state_hash == first.state_hash


def test_a_run_that_is_paused_leaves_its_place_to_the_next(lab: Laboratory, heard: Heard) -> None:
    first, second = lab.start(ENDLESS), lab.start(ENDLESS)
    first.pause()
    heard.until_said(second, Status.RUNNING)
    assert first.pausing
    first.resume()
    heard.until(lambda: heard.said.count((first.id, Status.RUNNING)) == 2)
    assert lab.queued_runs == []


def test_a_queued_run_that_is_stopped_is_stopped_with_nothing_done_and_can_be_gone_on_with(
    lab: Laboratory, heard: Heard
) -> None:
    first, second, third = (lab.start(ENDLESS), lab.start(dqn_spec(env_steps=60)), lab.start(ENDLESS))
    second.stop()
    assert second.wait(PATIENCE)
    record = lab.store.run(second.id)
    assert (record.status, record.progress, record.counters, record.seconds) == ("stopped", 0.0, {}, 0.0)
    assert lab.live_runs == [first, third]
    again = lab.continue_run(second.id)
    assert lab.queued_runs == [third, again]
    first.stop()
    heard.until_said(third, Status.RUNNING)
    third.stop()
    assert again.wait(PATIENCE)
    assert again.status == Status.FINISHED


def test_a_stopped_run_that_waits_to_go_on_keeps_what_it_has(lab: Laboratory, heard: Heard) -> None:
    class Stopping(Run):
        def _advanced(self) -> None:
            if self.counters["env_steps"] == 60:
                self.stop()

    lab.run_type = Stopping
    run = lab.start(ENDLESS)
    assert run.wait(PATIENCE)
    lab.run_type = Run
    before = lab.store.run(run.id)
    lab.start(ENDLESS)
    again = lab.continue_run(run.id)
    assert again.queued
    assert (again.counters, again.progress) == (before.counters, before.progress)
    shown = lab.log(lab.store.run(run.id))
    again.stop()
    assert again.wait(PATIENCE)
    after = lab.store.run(run.id)
    assert (after.seconds, after.counters, after.state_hash) == (before.seconds, before.counters, before.state_hash)
    assert shown is not again.log, "while it waits, its saved metrics are shown"


def test_a_queued_run_can_be_deleted_and_a_training_one_not(lab: Laboratory) -> None:
    first, second = lab.start(ENDLESS), lab.start(ENDLESS)
    lab.delete_run(second.id)
    assert [record.id for record in lab.store.runs()] == [first.id]
    assert lab.live_runs == [first]
    with pytest.raises(StoreError, match="is still being worked on; stop it first"):
        lab.delete_run(first.id)


def test_a_queued_run_belongs_to_its_process(lab: Laboratory, home: Path, heard: Heard) -> None:
    lab.start(ENDLESS)
    second = lab.start(ENDLESS)
    heard.until_said(second, Status.QUEUED)
    other = Laboratory(home)
    assert other.store.run(second.id).status == "queued", "it is not taken for dead"
    with pytest.raises(StoreError, match="is being worked on by another process"):
        other.continue_run(second.id)
    other.close()


def test_closing_begins_no_queued_run(lab: Laboratory, heard: Heard) -> None:
    runs = [lab.start(ENDLESS) for _ in range(4)]
    heard.until_said(runs[0], Status.RUNNING)
    lab.close()
    assert [lab.store.run(run.id).status for run in runs] == 4 * ["stopped"]
    assert {run for run, status in heard.said if status == Status.RUNNING} == {runs[0].id}
    assert [lab.store.run(run.id).counters for run in runs[1:]] == 3 * [{}]
