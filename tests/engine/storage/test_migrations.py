"""Migrations: a home of an older schema comes to the current one whole or not at all, and a copy of it is kept."""

from __future__ import annotations

import json
import logging
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.laboratory import Laboratory
from engine.learners.kinds import preset
from engine.learners.metrics import Episode
from engine.storage import migrations
from engine.storage.migrations import MIGRATIONS, SCHEMA_VERSION, migrate
from engine.storage.records import Status, StoreBusyError, StoreError
from engine.storage.store import Store

FIRST = """
CREATE TABLE runs (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, preset TEXT, name TEXT, spec TEXT NOT NULL, seed INTEGER NOT NULL,
    status TEXT NOT NULL, created TEXT NOT NULL, updated TEXT NOT NULL, seconds REAL NOT NULL DEFAULT 0,
    progress REAL NOT NULL DEFAULT 0, counters TEXT NOT NULL DEFAULT '{}', state_hash TEXT, message TEXT
) STRICT;
CREATE TABLE metrics (
    run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, series TEXT NOT NULL, start INTEGER NOT NULL,
    x BLOB NOT NULL, y BLOB NOT NULL, PRIMARY KEY (run, series, start)
) STRICT;
CREATE TABLE episodes (
    run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, episode INTEGER NOT NULL, env_step INTEGER NOT NULL,
    total_reward REAL NOT NULL, length INTEGER NOT NULL, epsilon REAL NOT NULL, terminated INTEGER NOT NULL,
    truncated INTEGER NOT NULL, PRIMARY KEY (run, episode)
) STRICT;
CREATE TABLE evaluations (
    id INTEGER PRIMARY KEY, agent TEXT NOT NULL, run TEXT REFERENCES runs ON DELETE CASCADE, seed INTEGER NOT NULL,
    perfect INTEGER NOT NULL, seconds REAL NOT NULL, returns BLOB NOT NULL, created TEXT NOT NULL
) STRICT;
CREATE TABLE progress (
    lesson TEXT PRIMARY KEY, state TEXT NOT NULL, position REAL NOT NULL, updated TEXT NOT NULL
) STRICT;
CREATE TABLE predictions (question TEXT PRIMARY KEY, choice INTEGER NOT NULL, created TEXT NOT NULL) STRICT;
CREATE TABLE answers (
    id INTEGER PRIMARY KEY, question TEXT NOT NULL, choice INTEGER NOT NULL, correct INTEGER NOT NULL,
    created TEXT NOT NULL
) STRICT;
"""
SECOND = "ALTER TABLE runs ADD COLUMN first_perfect_seconds REAL;"
"""The statements that made a home of schema 1, and then of schema 2; they never change."""
OLD_VERSIONS = (1, 2)
DAY = "2026-01-0{}T10:00:00+00:00"
RETURNS = {
    1: ("perfect", None, [500.0, 500.0, 500.0], 3),
    2: ("bad-2:best", "bad-2", [9.0, 10.5, 500.0, 11.0], 1),
    3: ("latest:mlp-1", "clone", [480.0], 0),
    4: ("swing", "swing", [-500.0, -80.0], 1),
    5: ("kept-swing", None, [-500.0, -500.0], 2),
    6: ("alien:last", "alien", [1.0, 3.0], 0),
    7: ("wreck:last", "wreck", [20.0], 0),
}
"""Evaluations by id: agent, run, returns, and how many episodes lasted to the time limit."""
DAMAGED = {8: b"", 9: b"12345", 10: np.array([1.0, np.nan]).tobytes(), 11: np.array([1.0, np.inf]).tobytes()}


def dqn_spec_text(name: str, seed: int, **changes: Any) -> str:
    """A run's spec as a lab left it that knew the course's settings alone, one of them a whole number."""
    spec = preset(name).spec.with_seed(seed).to_dict()
    usual = preset(name).config.given()
    spec["config"] = {key: value for key, value in spec["config"].items() if key in usual or key == "seed"} | changes
    spec["config"]["max_grad_norm"] = int(spec["config"]["max_grad_norm"])
    return json.dumps(spec)


def runs_of_old() -> Iterable[tuple[object, ...]]:
    """Rows of schema 1: what trained, what stopped, and what this lab cannot read."""
    clone = json.dumps(preset("mlp-1").spec.with_seed(3).to_dict())
    swing = dqn_spec_text("bad", 5, environment="Acrobot-v1")
    alien = json.dumps({"config": {"seed": 1, "environment": "CartPole-v0"}})
    for run, kind, named, name, spec, seed, status in (
        ("bad-1", "dqn", "bad", None, dqn_spec_text("bad", 0), 0, Status.FINISHED),
        ("bad-2", "dqn", "bad", "mine", dqn_spec_text("bad", 7), 7, Status.FINISHED),
        ("bad-3", "dqn", "bad", None, dqn_spec_text("bad", 8), 8, Status.STOPPED),
        ("clone", "imitation", "mlp-1", None, clone, 3, Status.FINISHED),
        ("swing", "dqn", "bad", None, swing, 5, Status.FINISHED),
        ("alien", "alien", None, "visitor", alien, 1, Status.FINISHED),
        ("wreck", "dqn", "bad", None, "{no JSON", 2, Status.FAILED),
        ("lists", "dqn", "bad", None, "[1, 2]", 2, Status.FAILED),
        ("parts", "imitation", "mlp-1", None, '{"config": [], "train": null}', 2, Status.FAILED),
        ("wrong", "dqn", "bad", None, '{"config": {"environment": 5}}', 2, Status.FAILED),
    ):
        yield run, kind, named, name, spec, seed, str(status), DAY.format(1), DAY.format(2), 2.5, 1.0, '{"episodes": 3}'


def make_old(home: Path, version: int, *, damaged: bool = False) -> Path:
    """A home as a lab of that schema left it; returns its database."""
    (home / "agents" / "kept-swing").mkdir(parents=True)
    (home / "agents" / "kept-swing" / "hparams.json").write_text('{"environment": "Acrobot-v1"}')
    column = np.arange(3.0).tobytes()
    with closing(sqlite3.connect(home / "lab.db", isolation_level=None)) as db:
        db.executescript(FIRST + (SECOND if version > 1 else ""))
        db.execute("PRAGMA journal_mode = WAL")
        columns = "id, kind, preset, name, spec, seed, status, created, updated, seconds, progress, counters"
        db.executemany(f"INSERT INTO runs ({columns}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", runs_of_old())
        db.execute("UPDATE runs SET state_hash = 'abc' WHERE id = 'bad-2'")
        db.execute("UPDATE runs SET message = 'it diverged.' WHERE id = 'wreck'")
        if version > 1:
            db.execute("UPDATE runs SET first_perfect_seconds = 1.5 WHERE id = 'bad-2'")
        for start, name in ((0, "loss"), (3, "loss"), (0, "return")):
            db.execute("INSERT INTO metrics VALUES ('bad-2', ?, ?, ?, ?)", (name, start, column, column))
        db.execute("INSERT INTO episodes VALUES ('bad-2', 0, 9, 9.0, 9, 0.5, 1, 0)")
        evaluations = [
            (number, agent, run, perfect, np.array(returns).tobytes())
            for number, (agent, run, returns, perfect) in RETURNS.items()
        ]
        evaluations += [(number, "perfect", "bad-1", 0, blob) for number, blob in DAMAGED.items() if damaged]
        db.executemany(
            f"INSERT INTO evaluations VALUES (?,?,?,4,?,0.5,?,'{DAY.format(3)}')",
            evaluations,
        )
        db.execute(f"INSERT INTO progress VALUES ('intro', 'done', 1.0, '{DAY.format(1)}')")
        db.execute(f"INSERT INTO predictions VALUES ('ceiling', 2, '{DAY.format(1)}')")
        for choice in (0, 3):
            db.execute(
                "INSERT INTO answers (question, choice, correct, created) VALUES ('q', ?, 1, ?)",
                (choice, DAY.format(1)),
            )
        db.execute(f"PRAGMA user_version = {min(version, 2)}")
        for statements, fill in MIGRATIONS[2:version]:
            for statement in filter(str.strip, statements.split(";\n")):
                db.execute(statement)
            fill(db, home)
        db.execute(f"PRAGMA user_version = {version}")
    return home / "lab.db"


def dump(file: Path) -> list[str]:
    """Everything in a database, as SQL, its version first."""
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [str(db.execute("PRAGMA user_version").fetchone()), *db.iterdump()]


@pytest.fixture(params=OLD_VERSIONS)
def version(request: pytest.FixtureRequest) -> int:
    return int(request.param)


# --- what is there afterwards


def test_runs_of_an_old_home_are_all_there_as_they_were(home: Path, version: int) -> None:
    make_old(home, version)
    store = Store(home)
    assert {run.id for run in store.runs()} == {row[0] for row in runs_of_old()}
    run = store.named_run("mine")
    assert (run.id, run.kind, run.preset, run.seed, run.status) == ("bad-2", "dqn", "bad", 7, "finished")
    assert (run.created, run.updated, run.seconds, run.progress) == (DAY.format(1), DAY.format(2), 2.5, 1.0)
    assert (run.counters, run.state_hash, run.message) == ({"episodes": 3}, "abc", None)
    assert run.first_perfect_seconds == (1.5 if version > 1 else None)
    assert run.spec == json.loads(dqn_spec_text("bad", 7))
    log = store.load_metrics("bad-2")
    assert {name: log.read(name)[1].tolist() for name in log.names} == {"loss": [0, 1, 2, 0, 1, 2], "return": [0, 1, 2]}
    assert log.episodes() == [Episode(0, 9, 9.0, 9, 0.5, True, False)]


def test_what_a_reader_did_in_an_old_home_stays(home: Path, version: int) -> None:
    make_old(home, version)
    store = Store(home)
    (progress,) = store.lesson_progress().values()
    assert (progress.lesson, progress.state, progress.position) == ("intro", "done", 1.0)
    assert (store.predictions(), store.answers()) == ({"ceiling": 2}, {"q": [0, 3]})


def test_old_runs_are_found_by_what_they_were_started_with(home: Path, version: int) -> None:
    make_old(home, version)
    lab = Laboratory(home)
    bad, mlp = preset("bad").spec, preset("mlp-1").spec
    found = {run.id: run.recipe for run in lab.store.runs(recipe=bad.recipe)}
    assert found == dict.fromkeys(("bad-1", "bad-2", "bad-3"), bad.recipe)
    latest, finished = lab.latest(bad), lab.store.latest_run(bad.recipe, Status.FINISHED)
    assert latest is not None
    assert finished is not None
    assert (latest.id, finished.id) == ("bad-3", "bad-2")
    assert (lab.store.seeds_of(bad.recipe), lab.next_seed(bad)) == ({0, 7, 8}, 1)
    assert [run.id for run in lab.store.runs(recipe=mlp.recipe)] == ["clone"]
    lab.close()


def test_old_evaluations_are_summed_up_and_keep_their_returns(home: Path, version: int) -> None:
    make_old(home, version)
    store = Store(home)
    kept = {one.id: one for one in store.evaluations()}
    assert list(kept) == sorted(RETURNS, reverse=True)
    for number, (agent, run, returns, _) in RETURNS.items():
        one = kept[number]
        assert (one.agent, one.run, one.seed, one.seconds, one.created) == (agent, run, 4, 0.5, DAY.format(3))
        assert (one.episodes, one.mean, one.std) == (len(returns), float(np.mean(returns)), float(np.std(returns)))
        assert (one.min, one.max) == (min(returns), max(returns))
        assert store.returns(number).tolist() == returns
    (newest,) = store.evaluations(agent="bad-2:best", seed=4, episodes=4)
    assert store.newest_evaluations(["bad-1", "bad-2"]) == {"bad-2": newest}


def test_an_old_evaluation_tells_its_environment_and_is_perfect_only_where_lasting_is_good(home: Path) -> None:
    make_old(home, 2)
    found = {one.id: (one.environment, one.perfect) for one in Store(home).evaluations()}
    cartpole = {number: ("CartPole-v1", RETURNS[number][3]) for number in (1, 2, 3, 7)}
    assert found == {**cartpole, 4: ("Acrobot-v1", None), 5: ("Acrobot-v1", None), 6: ("CartPole-v0", 0)}


def test_runs_that_this_lab_cannot_read_are_still_listed_named_and_deleted(home: Path, version: int) -> None:
    make_old(home, version)
    lab = Laboratory(home)
    unread = {"alien", "wreck", "lists", "parts", "wrong"}
    assert {run.id for run in lab.store.runs() if run.recipe is None} == unread
    assert lab.store.run("wreck").spec == lab.store.run("lists").spec == {}
    assert lab.store.run("wreck").message == "it diverged."
    assert lab.store.named_run("visitor").id == "alien"
    for run in unread:
        lab.outcome(lab.store.run(run))
        lab.delete_run(run)
    assert {run.id for run in lab.store.runs()} == {"bad-1", "bad-2", "bad-3", "clone", "swing"}
    lab.close()


def test_an_evaluation_whose_returns_are_damaged_is_left_to_the_copy_and_that_is_said(
    home: Path, version: int, caplog: pytest.LogCaptureFixture
) -> None:
    make_old(home, version, damaged=True)
    with caplog.at_level(logging.WARNING):
        store = Store(home)
    assert {one.id for one in store.evaluations()} == set(RETURNS)
    assert all(len(store.returns(number)) == 0 for number in DAMAGED)
    assert caplog.messages == [
        f"4 of the evaluations in {home / 'lab.db'} had no returns that can be read and are left out; the copy "
        f"lab-schema-{version}.db beside it still has them."
    ]
    with closing(sqlite3.connect(home / f"lab-schema-{version}.db")) as copy:
        assert dict(copy.execute("SELECT id, returns FROM evaluations WHERE id > 7").fetchall()) == DAMAGED


def test_an_evaluation_of_a_run_that_is_gone_stays(home: Path) -> None:
    with closing(sqlite3.connect(make_old(home, 2))) as db, db:
        db.execute("DELETE FROM runs WHERE id = 'swing'")
    (kept,) = Store(home).evaluations(agent="swing")
    assert (kept.run, kept.mean) == (None, -290.0)


def test_an_old_home_comes_to_the_schema_of_a_new_one(home: Path, version: int, tmp_path: Path) -> None:
    def schema(folder: Path) -> list[tuple[object, ...]]:
        Store(folder)
        with closing(sqlite3.connect(folder / "lab.db")) as db:
            assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
            assert db.execute("PRAGMA foreign_key_check").fetchall() == []
            columns = [db.execute(f"PRAGMA table_info({table})").fetchall() for table in ("runs", "evaluations")]
            return [*db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"), *columns]

    make_old(home, version)
    assert schema(home) == schema(tmp_path / "new")


# --- the copy


def test_a_copy_opens_as_what_the_home_was(home: Path, version: int, tmp_path: Path) -> None:
    before = dump(make_old(home, version))
    Store(home)
    copy = home / f"lab-schema-{version}.db"
    assert dump(copy) == before
    (tmp_path / "again").mkdir()
    shutil.copy(copy, tmp_path / "again" / "lab.db")
    assert Store(tmp_path / "again").runs() == Store(home).runs()


def test_a_home_that_is_new_or_current_gets_no_copy(home: Path) -> None:
    Store(home)
    Store(home)
    assert [path.name for path in home.glob("*lab-schema*")] == []


def test_where_no_copy_can_be_kept_the_home_stays_as_it_was(home: Path) -> None:
    before = dump(make_old(home, 2))
    (home / "lab-schema-2.db").mkdir()
    with pytest.raises(StoreError, match="cannot be used"):
        Store(home)
    assert dump(home / "lab.db") == before
    assert list(home.glob(".lab-schema*")) == []
    (home / "lab-schema-2.db").rmdir()
    assert Store(home).run("bad-1").recipe


def test_runs_of_a_home_without_tags_have_none_and_are_no_forks(home: Path) -> None:
    make_old(home, 3)
    store = Store(home)
    (run,) = [run for run in store.runs() if run.id == "bad-2"]
    assert (run.tags, run.parent, run.forked_at, run.recipe) == ((), None, {}, preset("bad").spec.recipe)
    store.label_run("bad-2", tags=["a", "b"])
    assert store.run("bad-2").tags == ("a", "b")


# --- whole or not at all


class BrokenError(Exception):
    """What goes wrong in the middle of a migration."""


class Breaking(sqlite3.Connection):
    """A connection whose statement number `last` goes wrong before it does anything."""

    last: int | None = None
    done = 0

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        self.done += 1
        if self.last == self.done and arguments[0] != "ROLLBACK":
            raise BrokenError(arguments[0])
        return super().execute(*arguments)


def migrated(home: Path, last: int | None) -> int:
    """Migrate a home up to a statement that goes wrong; returns how many statements were tried."""
    with closing(sqlite3.connect(home / "lab.db", isolation_level=None, factory=Breaking)) as db:
        db.execute("PRAGMA foreign_keys = ON")
        db.done, db.last = 0, last
        try:
            migrate(db, home)
        finally:
            db.last = None
            assert not db.in_transaction
        return db.done


def test_a_migration_that_fails_at_any_statement_leaves_the_home_as_it_was(home: Path, version: int) -> None:
    file = make_old(home, version)
    before, bits = dump(file), file.read_bytes()
    whole = home.with_name("whole")
    shutil.copytree(home, whole)
    steps = migrated(whole, None)
    assert steps > 45
    # The last statement only puts the usual patience back.
    for last in range(1, steps):
        with pytest.raises(BrokenError):
            migrated(home, last)
        assert file.read_bytes() == bits
        assert dump(file) == before
    assert Store(home).runs() == Store(whole).runs()
    assert dump(home / f"lab-schema-{version}.db") == before


@pytest.mark.parametrize(
    ("version", "step"), [(old, step) for old in OLD_VERSIONS for step in range(old, SCHEMA_VERSION)]
)
def test_what_fails_beside_the_statements_leaves_the_home_as_it_was(
    home: Path, version: int, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(db: sqlite3.Connection, home: Path) -> None:
        MIGRATIONS[step][1](db, home)
        raise OSError("no more")

    before = dump(make_old(home, version))
    broken = [(sql, fill if number == step else usual) for number, (sql, usual) in enumerate(MIGRATIONS)]
    with monkeypatch.context() as changed:
        changed.setattr(migrations, "MIGRATIONS", tuple(broken))
        with pytest.raises(StoreError, match=r"cannot be used: no more; choose another"):
            Store(home)
    assert dump(home / "lab.db") == before
    assert Store(home).latest_run(preset("bad").spec.recipe)


def _fits(db: sqlite3.Connection, home: Path) -> bool:
    """Whether a migration finds room."""
    try:
        migrate(db, home)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname != "SQLITE_FULL":
            raise
        return False
    return True


def test_a_disk_that_fills_up_at_any_page_leaves_the_home_as_it_was(home: Path, version: int) -> None:
    before = dump(make_old(home, version))
    for pages in range(10_000):
        with closing(sqlite3.connect(home / "lab.db", isolation_level=None)) as db:
            usual = db.execute("PRAGMA page_count").fetchone()[0]
            db.execute(f"PRAGMA max_page_count = {usual + pages}")
            if _fits(db, home):
                break
        assert dump(home / "lab.db") == before
    assert pages > 5
    assert Store(home).latest_run(preset("bad").spec.recipe)


KILLED = """
import os, signal, sqlite3, sys
from pathlib import Path
from engine.storage.migrations import migrate

def look(statement):
    if statement.startswith(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

db = sqlite3.connect(Path(sys.argv[1]) / "lab.db", isolation_level=None)
db.set_trace_callback(look)
migrate(db, Path(sys.argv[1]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("statement", ["INSERT INTO returns", "DROP TABLE", "COMMIT"])
def test_a_process_that_is_killed_while_it_migrates_leaves_the_home_as_it_was(home: Path, statement: str) -> None:
    before = dump(make_old(home, 2))
    killed = subprocess.run([sys.executable, "-c", KILLED, str(home), statement], capture_output=True, check=False)
    assert killed.returncode == -9, killed.stderr
    assert dump(home / "lab.db") == before
    assert Store(home).latest_run(preset("bad").spec.recipe)


OPENED = """
import sys
from pathlib import Path
from engine.storage.store import Store

print("ready", flush=True)
sys.stdin.readline()
store = Store(Path(sys.argv[1]))
store.add_prediction(sys.argv[2], 1)
print(len(store.runs()), len(store.evaluations()))
"""


@pytest.mark.parametrize("old", [True, False])
def test_processes_that_open_a_home_at_once_all_succeed(home: Path, old: bool) -> None:
    runs, evaluations = (len(list(runs_of_old())), len(RETURNS)) if old else (0, 0)
    if old:
        make_old(home, 1)
    command = [sys.executable, "-c", OPENED, str(home)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    opening = [subprocess.Popen([*command, str(number)], text=True, **pipes) for number in range(3)]
    for process in opening:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in opening:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in opening:
        assert process.communicate() == (f"{runs} {evaluations}\n", "")
    assert Store(home).predictions() == {**({"ceiling": 2} if old else {}), "0": 1, "1": 1, "2": 1}


def test_a_home_that_another_process_brings_up_to_date_meanwhile_is_taken_as_it_leaves_it(home: Path) -> None:
    make_old(home, 2)

    class Late(sqlite3.Connection):
        def execute(self, *arguments: Any) -> sqlite3.Cursor:
            if arguments[0] == "BEGIN IMMEDIATE":
                patience = super().execute("PRAGMA busy_timeout").fetchone()[0]
                assert patience == 1000 * migrations.PATIENCE_SECONDS > 60_000, "a large home takes long"
                Store(home)
            return super().execute(*arguments)

    with closing(sqlite3.connect(home / "lab.db", isolation_level=None, factory=Late)) as db:
        migrate(db, home)
        assert db.execute("PRAGMA busy_timeout").fetchone() == (5_000,)
    assert len(Store(home).evaluations()) == len(RETURNS)


def test_an_old_home_that_is_locked_for_too_long_is_busy_and_opens_later(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dump(make_old(home, 2))
    monkeypatch.setattr(migrations, "PATIENCE_SECONDS", 0)
    with closing(sqlite3.connect(home / "lab.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreBusyError, match=r"lab\.db is locked by another program"):
            Store(home)
        other.execute("ROLLBACK")
    assert dump(home / "lab.db") == before
    assert Store(home).latest_run(preset("bad").spec.recipe)


def test_a_home_of_a_newer_lab_is_refused_and_left_alone_even_while_that_lab_writes(home: Path) -> None:
    Store(home).close()
    with closing(sqlite3.connect(home / "lab.db", isolation_level=None)) as newer:
        newer.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
        newer.execute("BEGIN EXCLUSIVE")
        versions = rf"\(schema {SCHEMA_VERSION + 1}, this one knows {SCHEMA_VERSION}\)"
        sentence = rf"lab\.db was written by a newer dqn-lab {versions}; update dqn-lab or choose another home"
        with pytest.raises(StoreError, match=sentence):
            Store(home)
        newer.execute("ROLLBACK")
        assert newer.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION + 1,)
