"""A run on its way from one home folder to another: whole, in place of what was there, anew if it came half."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.laboratory import Laboratory
from engine.runs.run import Run
from engine.storage.parcels import Parcel, ParcelStore
from engine.storage.records import Status, StoreError
from tests.engine.small import dqn_spec

PATIENCE = 60
SPEC = dqn_spec(env_steps=120)


def finished(lab: Laboratory) -> Run:
    run = lab.start(SPEC)
    assert run.wait(PATIENCE)
    assert run.status == Status.FINISHED
    return run


def stopped(lab: Laboratory) -> Run:
    class Stopping(Run):
        def _advanced(self) -> None:
            if self.counters["env_steps"] == 60:
                self.stop()

    lab.run_type = Stopping
    run = lab.start(SPEC)
    assert run.wait(PATIENCE)
    lab.run_type = Run
    return run


def test_a_run_arrives_as_it_was_sent(tmp_path: Path) -> None:
    here, there = Laboratory(tmp_path / "here"), Laboratory(tmp_path / "there")
    run = finished(here)
    job = here.evaluation(f"{run.id}:last", 5, 1)
    job.start()
    assert job.wait(PATIENCE)
    parcel = here.store.pack(run.id)
    there.store.unpack(parcel)
    there.store.unpack(parcel)
    assert there.store.run(run.id) == here.store.run(run.id)
    again = there.store.pack(run.id)
    assert again.files == parcel.files
    assert again.tables["metrics"] == parcel.tables["metrics"]
    assert len(again.tables["evaluations"]) == 1, "once, however often it arrives"
    kept = there.store.evaluations(run=run.id)[0]
    assert there.store.returns(kept.id).tolist() == here.store.returns(here.store.evaluations()[0].id).tolist()
    assert parcel.size > sum(map(len, parcel.files.values()))
    for lab in (here, there):
        lab.close()


def test_what_lies_there_under_its_id_goes(tmp_path: Path) -> None:
    here, there = Laboratory(tmp_path / "here"), Laboratory(tmp_path / "there")
    old = finished(there)
    fresh = here.store.pack(here.store.add_run(SPEC.with_seed(5)).id)
    there.store.unpack(replace(fresh, row={**fresh.row, "id": old.id}))
    assert there.store.pack(old.id).files == {}, "no checkpoint of another run is gone on with"
    run = there.continue_run(old.id)
    assert run.wait(PATIENCE)
    alone = here.start(SPEC.with_seed(5))
    assert alone.wait(PATIENCE)
    assert run.state_hash == alone.state_hash
    for lab in (here, there):
        lab.close()


def test_a_run_of_which_the_files_arrived_alone_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = Laboratory(tmp_path / "here"), Laboratory(tmp_path / "there")
    run = stopped(here)
    parcel = here.store.pack(run.id)
    there.store.unpack(Parcel({**parcel.row, "status": "interrupted"}, {table: [] for table in parcel.tables}, {}))

    def full(*_arguments: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("engine.storage.parcels._insert", full)
    with pytest.raises(StoreError, match="full"):
        there.store.unpack(parcel)
    monkeypatch.undo()
    assert there.store.pack(run.id).files.keys() == parcel.files.keys()
    again = there.continue_run(run.id)
    assert again.wait(PATIENCE)
    assert (again.status, again.warning) == (
        Status.FINISHED,
        "its saved metrics do not reach as far as its checkpoint; the run begins anew.",
    )
    whole = finished(here)
    assert again.state_hash == whole.state_hash
    assert there.store.load_metrics(run.id).lengths() == here.store.load_metrics(whole.id).lengths()
    for lab in (here, there):
        lab.close()


def test_a_run_that_is_none_cannot_be_sent(home: Path) -> None:
    lab = Laboratory(home)
    assert isinstance(lab.store, ParcelStore)
    with pytest.raises(StoreError, match="there is no run 'nobody'"):
        lab.store.pack("nobody")
    lab.close()
