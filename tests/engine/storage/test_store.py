"""The store: what is written is read back whole, and a home of a newer lab is left alone."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import platformdirs
import pytest

from engine.learners.metrics import Episode, MetricLog
from engine.storage.migrations import SCHEMA_VERSION
from engine.storage.records import RunRecord, StoreError
from engine.storage.store import Store, home_folder

VERSION_1 = """
CREATE TABLE runs (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, preset TEXT, name TEXT, spec TEXT NOT NULL, seed INTEGER NOT NULL,
    status TEXT NOT NULL, created TEXT NOT NULL, updated TEXT NOT NULL, seconds REAL NOT NULL DEFAULT 0,
    progress REAL NOT NULL DEFAULT 0, counters TEXT NOT NULL DEFAULT '{}', state_hash TEXT, message TEXT
) STRICT;
INSERT INTO runs VALUES (
    'babe2', 'dqn', 'bad', NULL, '{"x": 1}', 7, 'finished', '2026-01-01', '2026-01-02', 2.5, 1.0, '{"episodes": 3}',
    'abc', NULL
);
PRAGMA user_version = 1;
"""


@pytest.fixture
def store(home: Path) -> Store:
    return Store(home)


def add(store: Store, preset: str | None = None, name: str | None = None) -> RunRecord:
    spec = {"config": {"seed": 2**62}, "episodes": 200, "max_env_steps": None, "x": [1, None]}
    return store.add_run("dqn", spec, 2**62, preset, name)


def log_of(count: int, *names: str, episodes: int = 0) -> MetricLog:
    log = MetricLog()
    for x in range(count):
        for name in names:
            log.append(name, x, x / 3)
    for index in range(episodes):
        log.add_episode(Episode(index, 10 * index, 1.5, 10, 0.25, index % 2 == 0, index % 2 == 1))
    return log


def points(store: Store, run: RunRecord, name: str = "loss") -> list[float]:
    x, y = store.load_metrics(run.id).read(name)
    assert y.tolist() == [value / 3 for value in x]
    return [float(value) for value in x]


# --- home and schema


def test_the_home_is_the_given_one_else_the_environments_else_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DQN_LAB_HOME", str(tmp_path / "environment"))
    assert home_folder(tmp_path / "given") == tmp_path / "given"
    assert home_folder() == tmp_path / "environment"
    monkeypatch.delenv("DQN_LAB_HOME")
    assert home_folder() == Path(platformdirs.user_data_dir("dqn-lab", appauthor=False))


def test_a_new_home_is_made_with_the_current_schema(store: Store, home: Path) -> None:
    with sqlite3.connect(home / "lab.db") as db:
        assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_opening_a_home_again_keeps_what_is_in_it(store: Store, home: Path) -> None:
    run = add(store)
    assert Store(home).run(run.id) == run


def test_a_home_of_schema_version_1_opens_with_all_that_is_in_it(home: Path) -> None:
    home.mkdir()
    with closing(sqlite3.connect(home / "lab.db")) as db:
        db.executescript(VERSION_1)
    for _ in range(2):
        (run,) = Store(home).runs()
        assert (run.id, run.spec, run.seconds, run.counters) == ("babe2", {"x": 1}, 2.5, {"episodes": 3})
        assert (run.progress, run.state_hash, run.message) == (1.0, "abc", None)
        assert run.first_perfect_seconds is None
        with closing(sqlite3.connect(home / "lab.db")) as db:
            assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    Store(home).update_run("babe2", first_perfect_seconds=1.5)
    assert Store(home).run("babe2").first_perfect_seconds == 1.5


def test_a_home_of_schema_version_1_comes_to_the_schema_of_a_new_one(home: Path, tmp_path: Path) -> None:
    def columns(folder: Path) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(folder / "lab.db")) as db:
            return db.execute("PRAGMA table_info(runs)").fetchall()

    home.mkdir()
    with closing(sqlite3.connect(home / "lab.db")) as db:
        db.executescript(VERSION_1)
    Store(home)
    Store(tmp_path / "new")
    assert columns(home) == columns(tmp_path / "new")


def test_a_home_of_a_newer_lab_is_refused_and_left_alone(store: Store, home: Path) -> None:
    with sqlite3.connect(home / "lab.db") as db:
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    sentence = (
        rf"lab\.db was written by a newer dqn-lab \(schema {SCHEMA_VERSION + 1}, this one knows {SCHEMA_VERSION}\)"
    )
    with pytest.raises(StoreError, match=sentence):
        Store(home)
    with sqlite3.connect(home / "lab.db") as db:
        assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION + 1,)


def test_a_home_that_cannot_be_used_is_reported_with_the_way_out(home: Path) -> None:
    home.write_text("a file")
    with pytest.raises(StoreError, match=r"the home folder .* cannot be used: .*; choose another with --home"):
        Store(home)


def test_a_damaged_database_is_reported(home: Path) -> None:
    home.mkdir()
    (home / "lab.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreError, match="cannot be used"):
        Store(home)


# --- runs


def test_a_run_is_read_back_as_it_was_added(store: Store) -> None:
    run = add(store, "bad", "mine")
    assert (run.kind, run.preset, run.name, run.seed, run.status) == ("dqn", "bad", "mine", 2**62, "starting")
    assert run.spec == {"config": {"seed": 2**62}, "episodes": 200, "max_env_steps": None, "x": [1, None]}
    assert (run.progress, run.counters, run.state_hash, run.message) == (0, {}, None, None)
    assert run.first_perfect_seconds is None
    assert run.title == "mine"
    assert add(store, "bad").title == "bad"
    assert add(store).title == "dqn"


def test_ids_are_typeable_and_unique(store: Store) -> None:
    ids = [add(store).id for _ in range(60)]
    assert len(set(ids)) == 60
    for run in ids:
        assert len(run) == 5
        assert run.isascii()
        assert run.isalnum()
        assert run == run.lower()


def test_runs_are_listed_newest_first(store: Store) -> None:
    ids = [add(store).id for _ in range(4)]
    assert [run.id for run in store.runs()] == ids[::-1]


def test_an_unknown_run_is_named(store: Store) -> None:
    for ask in (store.run, store.delete_run):
        with pytest.raises(StoreError, match="there is no run 'zzz'; `dqn-lab runs list` names them"):
            ask("zzz")


def test_an_update_sets_its_fields_and_no_others(store: Store) -> None:
    run, other = add(store), add(store)
    store.update_run(run.id, status="finished", counters={"episodes": 3}, progress=1.0, state_hash="abc")
    after = store.run(run.id)
    assert (after.status, after.counters, after.progress, after.state_hash) == ("finished", {"episodes": 3}, 1, "abc")
    assert (after.spec, after.seed, after.created) == (run.spec, run.seed, run.created)
    assert store.run(other.id) == other


def test_the_latest_run_of_a_preset_is_a_finished_one(store: Store) -> None:
    first, second, third = add(store, "bad"), add(store, "bad"), add(store, "robust")
    for run in (first, third):
        store.update_run(run.id, status="finished")
    latest = store.latest_run("bad")
    assert latest is not None
    assert latest.id == first.id
    assert store.latest_run("good-1") is None
    assert store.run_of("latest:bad") == first.id
    assert store.run_of("latest:good-1") is None
    assert store.run_of(f"{second.id}:best") == store.run_of(second.id) == second.id
    assert store.run_of("perfect") is None


# --- metrics


def test_metrics_appended_in_pieces_are_read_back_whole(store: Store) -> None:
    run, whole = add(store), log_of(700, "loss", "q", episodes=5)
    piece = log_of(300, "loss", episodes=2)
    store.save_metrics(run.id, piece, {}, 0)
    store.save_metrics(run.id, whole, piece.lengths(), 2)
    store.save_metrics(run.id, whole, whole.lengths(), 5)
    assert points(store, run) == points(store, run, "q") == list(range(700))
    assert store.load_metrics(run.id).episodes() == whole.episodes()


def test_rows_from_after_the_last_checkpoint_are_dropped(store: Store) -> None:
    run = add(store)
    store.save_metrics(run.id, log_of(10, "loss", episodes=1), {}, 0)
    store.save_metrics(run.id, log_of(30, "loss", episodes=6), {"loss": 10}, 1)
    # Killed before the state of 30 rows was saved: the run is at 10 rows again and takes a shorter way.
    store.save_metrics(run.id, log_of(15, "loss", episodes=2), {"loss": 10}, 1)
    assert points(store, run) == list(range(15))
    assert store.load_metrics(run.id).episode_count == 2


def test_metrics_of_runs_are_kept_apart(store: Store) -> None:
    first, second = add(store), add(store)
    store.save_metrics(first.id, log_of(3, "loss", episodes=1), {}, 0)
    store.save_metrics(second.id, log_of(5, "loss", episodes=2), {}, 0)
    assert len(points(store, first)) == 3
    assert len(points(store, second)) == 5
    assert store.load_metrics(first.id).episode_count == 1


def test_values_that_are_no_numbers_are_kept(store: Store) -> None:
    run, log = add(store), MetricLog()
    for y in (np.inf, -np.inf, np.nan):
        log.append("grad_norm", 0, y)
    store.save_metrics(run.id, log, {}, 0)
    np.testing.assert_array_equal(store.load_metrics(run.id).read("grad_norm")[1], [np.inf, -np.inf, np.nan])


def test_deleting_a_run_takes_everything_of_it_and_nothing_else(store: Store, home: Path) -> None:
    gone, kept = add(store), add(store)
    for run in (gone, kept):
        store.save_metrics(run.id, log_of(3, "loss", episodes=1), {}, 0)
        store.add_evaluation(run.id, run.id, 0, 0, 0.1, np.ones(2))
        (store.run_folder(run.id) / "checkpoint").mkdir(parents=True)
    store.delete_run(gone.id)
    assert [run.id for run in store.runs()] == [kept.id]
    assert not store.run_folder(gone.id).exists()
    assert store.run_folder(kept.id).exists()
    with sqlite3.connect(home / "lab.db") as db:
        for table in ("metrics", "episodes", "evaluations"):
            assert {row[0] for row in db.execute(f"SELECT run FROM {table}")} == {kept.id}


# --- evaluations


def test_evaluations_are_found_by_agent_and_by_run_newest_first(store: Store) -> None:
    run = add(store)
    store.add_evaluation("perfect", None, 1, 2, 0.5, np.array([500.0, 500.0]))
    store.add_evaluation(run.id, run.id, 2, 0, 0.5, np.array([9.0]))
    store.add_evaluation(f"{run.id}:best", run.id, 3, 1, 0.5, np.array([10.5, 500.0]))
    assert [e.seed for e in store.evaluations()] == [3, 2, 1]
    assert [e.seed for e in store.evaluations(agent="perfect")] == [1]
    assert [e.seed for e in store.evaluations(run=run.id)] == [3, 2]
    newest = store.evaluations()[0]
    assert (newest.agent, newest.run, newest.perfect, newest.returns.tolist()) == (
        f"{run.id}:best",
        run.id,
        1,
        [10.5, 500.0],
    )


# --- the reader's own


def test_the_first_prediction_stays(store: Store) -> None:
    store.add_prediction("ceiling", 2)
    store.add_prediction("ceiling", 1)
    store.add_prediction("collapse", 0)
    assert store.predictions() == {"ceiling": 2, "collapse": 0}


def test_every_answer_is_kept_in_order(store: Store) -> None:
    for choice, correct in ((2, False), (0, False), (1, True)):
        store.add_answer("q1", choice, correct)
    store.add_answer("q2", 3, True)
    assert store.answers() == {"q1": [2, 0, 1], "q2": [3]}


def test_lesson_progress_is_the_latest(store: Store) -> None:
    store.set_lesson_progress("intro", "open", 0.25)
    store.set_lesson_progress("intro", "done", 1.0)
    store.set_lesson_progress("dqn", "open", 0.5)
    progress = store.lesson_progress()
    assert {name: (p.state, p.position) for name, p in progress.items()} == {
        "intro": ("done", 1.0),
        "dqn": ("open", 0.5),
    }


def test_threads_write_side_by_side(store: Store) -> None:
    runs: list[RunRecord] = []

    def work() -> None:
        for _ in range(10):
            run = add(store)
            store.save_metrics(run.id, log_of(4, "loss"), {}, 0)
            runs.append(run)
        store.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({run.id for run in runs}) == 30
    assert all(points(store, run) == [0, 1, 2, 3] for run in runs)
