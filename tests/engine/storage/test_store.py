"""The store: what is written is read back whole, what fails writes nothing, and no look-up reads a whole table."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import platformdirs
import pytest

from engine.laboratory import Laboratory
from engine.learners.kinds import preset, preset_spec
from engine.learners.metrics import Episode, MetricLog
from engine.learners.specs import DQNSpec, Spec
from engine.runs.seed_work import EVALUATION_EPISODES, EVALUATION_SEED
from engine.storage import store as store_module
from engine.storage.migrations import SCHEMA_VERSION
from engine.storage.names import run_of
from engine.storage.records import LIVE, RunRecord, Status, StoreBusyError, StoreError
from engine.storage.store import Store, home_folder
from tests.benchmarks import store_scale
from tests.engine.small import dqn_spec, imitation_spec


@pytest.fixture
def store(home: Path) -> Store:
    return Store(home)


def add(store: Store, spec: Spec | None = None, preset: str | None = None, name: str | None = None) -> RunRecord:
    return store.add_run(spec or dqn_spec(), preset, name)


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


def evaluate(store: Store, agent: str, run: str | None = None, *returns: float, seed: int = 0) -> int:
    return store.add_evaluation(agent, run, "CartPole-v1", seed, 0, 0.5, np.array(returns or (9.0, 11.0)))


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


def test_a_home_that_another_process_makes_at_the_moment_is_waited_for(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir()
    with closing(sqlite3.connect(home / "lab.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        naps: list[float] = []

        def nap(seconds: float) -> None:
            naps.append(seconds)
            other.execute("COMMIT")

        monkeypatch.setattr("engine.storage.database.time.sleep", nap)
        add(Store(home))
        assert len(naps) == 1


def test_a_home_that_cannot_be_used_is_reported_with_the_way_out(home: Path) -> None:
    home.write_text("a file")
    with pytest.raises(StoreError, match=r"the home folder .* cannot be used: .*; choose another with --home"):
        Store(home)


def test_a_database_that_cannot_be_written_just_now_may_be_later(home: Path) -> None:
    store = Store(home)
    with store._read() as db:
        db.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreBusyError, match=r"lab\.db cannot be used just now: .*; look at the disk and its permis"):
        add(store)
    with store._read() as db:
        db.execute("PRAGMA query_only = OFF")
    add(store)


def test_a_damaged_database_is_reported(home: Path) -> None:
    home.mkdir()
    (home / "lab.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreError, match="cannot be used"):
        Store(home)


# --- runs


def test_a_run_is_read_back_as_it_was_added(store: Store) -> None:
    spec = dqn_spec(seed=2**62)
    run = add(store, spec, "bad", "mine")
    assert (run.kind, run.preset, run.name, run.seed, run.status) == ("dqn", "bad", "mine", 2**62, "starting")
    assert (run.spec, run.recipe) == (spec.to_dict(), spec.recipe)
    assert DQNSpec.from_dict(run.spec) == spec
    assert (run.progress, run.counters, run.state_hash, run.message) == (0, {}, None, None)
    assert run.first_perfect_seconds is None
    assert run.title == "mine"
    assert add(store, preset="bad").title == "bad"
    assert add(store, imitation_spec()).title == "imitation"


def test_ids_are_typeable_and_unique(store: Store) -> None:
    ids = [add(store).id for _ in range(60)]
    assert len(set(ids)) == 60
    for run in ids:
        assert len(run) == 5
        assert run.isascii()
        assert run.isalnum()
        assert run == run.lower()


def test_a_new_run_takes_no_id_under_which_a_folder_was_left(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = iter(("baba2", "baba2", "dede3", "fufu4"))
    monkeypatch.setattr(store_module, "_short_ids", lambda: ids)
    assert add(store).id == "baba2"
    store.run_folder("dede3").mkdir(parents=True)
    assert add(store).id == "fufu4"


def test_runs_are_listed_newest_first_and_in_pages(store: Store) -> None:
    ids = [add(store).id for _ in range(5)][::-1]
    assert [run.id for run in store.runs()] == ids
    assert [run.id for run in store.runs(limit=2)] == ids[:2]
    assert [run.id for run in store.runs(limit=2, offset=4)] == ids[4:]
    assert store.runs(limit=2, offset=6) == []
    assert store.count_runs() == 5


def test_runs_are_found_by_all_that_is_asked_for_at_once(store: Store) -> None:
    specs = (dqn_spec(seed=0), dqn_spec(seed=1), dqn_spec(batch_size=9), imitation_spec(), dqn_spec(seed=1))
    ids = [add(store, spec, name=name).id for spec, name in zip(specs, ("a", "b", "a", None, "a"), strict=True)]
    store.update_run(ids[0], status=str(Status.FINISHED))
    store.update_run(ids[4], status=str(Status.STOPPED))

    def found(**asked: object) -> list[int]:
        return [ids.index(run.id) for run in store.runs(**asked)]  # type: ignore[arg-type]

    recipe = specs[0].recipe
    assert found(recipe=recipe) == [4, 1, 0]
    assert found(recipe=recipe, name="a", limit=1) == [4]
    assert found(kinds=["imitation", "other"]) == [3]
    assert found(statuses=LIVE) == [3, 2, 1]
    assert found(statuses=[Status.FINISHED, Status.STOPPED], name="a") == [4, 0]
    assert found(statuses=[]) == []
    assert found(recipe="another") == []


def test_a_run_is_found_by_its_id_or_else_the_newest_by_its_name(store: Store) -> None:
    old, new = add(store, name="mine"), add(store, name="mine")
    twin = add(store, name=old.id)
    assert store.find_run("mine") == store.named_run("mine") == new
    assert store.find_run(old.id) == old
    assert store.find_run(twin.id) == twin
    assert store.find_run("nobody") is None


def test_an_unknown_run_is_named(store: Store) -> None:
    for ask in (store.run, store.named_run, store.delete_run):
        with pytest.raises(StoreError, match="there is no run 'zzz'; `dqn-lab runs list` names them"):
            ask("zzz")


def test_an_update_sets_its_fields_and_no_others(store: Store) -> None:
    run, other = add(store), add(store)
    store.update_run(run.id, status="finished", counters={"episodes": 3}, progress=1.0, state_hash="abc")
    after = store.run(run.id)
    assert (after.status, after.counters, after.progress, after.state_hash) == ("finished", {"episodes": 3}, 1, "abc")
    assert (after.spec, after.seed, after.created) == (run.spec, run.seed, run.created)
    assert store.run(other.id) == other


def test_the_latest_run_of_a_recipe_may_have_to_be_finished(store: Store) -> None:
    bad = preset_spec("bad")
    first, second = add(store, bad, "bad"), add(store, bad.with_seed(1), "bad")
    other = add(store, preset_spec("robust"), "robust")
    longer = add(store, preset_spec("bad", episodes=201), "bad")
    for run in (first, other, longer):
        store.update_run(run.id, status=str(Status.FINISHED))
    latest, finished = store.latest_run(bad.recipe), store.latest_run(bad.recipe, Status.FINISHED)
    assert latest is not None
    assert finished is not None
    assert (latest.id, finished.id) == (second.id, first.id)
    assert store.latest_run(preset("good-1").spec.recipe) is None
    assert store.seeds_of(bad.recipe) == {0, 1}
    assert run_of(store, "latest:bad") == first.id
    assert run_of(store, "latest:good-1") is None
    assert run_of(store, f"{second.id}:best") == run_of(store, second.id) == second.id
    assert run_of(store, "perfect") is None


@pytest.mark.parametrize("text", ["", "{no JSON", "[1]", "null", '"config"', "[" * 100_000])
def test_a_run_whose_row_is_damaged_can_still_be_listed_and_deleted(store: Store, home: Path, text: str) -> None:
    run = add(store)
    with closing(sqlite3.connect(home / "lab.db")) as db, db:
        db.execute("UPDATE runs SET spec = ?, counters = ?", (text, text))
    (found,) = store.runs()
    assert (found.id, found.recipe, found.spec, found.counters) == (run.id, run.recipe, {}, {})
    store.delete_run(run.id)
    assert store.count_runs() == 0


# --- metrics


def test_metrics_appended_in_pieces_are_read_back_whole(store: Store) -> None:
    run, whole = add(store), log_of(700, "loss", "q", episodes=5)
    piece = log_of(300, "loss", episodes=2)
    store.save_metrics(run.id, piece, {}, 0)
    store.save_metrics(run.id, whole, piece.lengths(), 2)
    store.save_metrics(run.id, whole, whole.lengths(), 5)
    assert points(store, run) == points(store, run, "q") == list(range(700))
    assert store.load_metrics(run.id).episodes() == whole.episodes()
    alone = store.load_metrics(run.id, episodes=False)
    assert (alone.lengths(), alone.episodes()) == (whole.lengths(), [])


def test_the_ends_of_a_series_are_found_without_the_rest(store: Store) -> None:
    run, log = add(store), MetricLog()
    for stop in (3, 5, 6):
        saved = log.lengths()
        for x in range(log.length("loss"), stop):
            log.append("loss", x, 10.0 * x)
        store.save_metrics(run.id, log, saved, 0)
    assert store.first_point(run.id, "loss") == (0.0, 0.0)
    assert store.last_values(run.id, "loss").tolist() == [50.0]
    assert store.last_values(run.id, "loss", 4).tolist() == [20.0, 30.0, 40.0, 50.0]
    assert store.last_values(run.id, "loss", 100).tolist() == [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]
    assert store.first_point(run.id, "q") is None
    assert len(store.last_values(run.id, "q")) == 0


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


# --- evaluations


def test_an_evaluation_is_kept_with_its_figures_and_its_returns(store: Store) -> None:
    run = add(store)
    number = store.add_evaluation(f"{run.id}:best", run.id, "Acrobot-v1", 3, None, 0.5, np.array([-10.0, -500.0]))
    (kept,) = store.evaluations()
    assert (kept.id, kept.agent, kept.run, kept.environment) == (number, f"{run.id}:best", run.id, "Acrobot-v1")
    assert (kept.seed, kept.seconds) == (3, 0.5)
    figures = {"mean": -255.0, "std": 245.0, "min": -500.0, "max": -10.0, "perfect": None, "episodes": 2}
    assert kept.figures() == figures
    assert store.returns(number).tolist() == [-10.0, -500.0]
    assert len(store.returns(number + 1)) == 0


def test_evaluations_are_found_by_all_that_is_asked_for_newest_first(store: Store) -> None:
    run = add(store)
    evaluate(store, "perfect", None, 500.0, 500.0, seed=1)
    evaluate(store, run.id, run.id, 9.0, seed=2)
    evaluate(store, f"{run.id}:best", run.id, 10.5, 500.0, seed=3)
    evaluate(store, "perfect", None, 500.0, seed=1)
    assert [kept.seed for kept in store.evaluations()] == [1, 3, 2, 1]
    assert [kept.seed for kept in store.evaluations(limit=2)] == [1, 3]
    assert [kept.id for kept in store.evaluations(agent="perfect")] == [4, 1]
    assert [kept.id for kept in store.evaluations(agent="perfect", seed=1, episodes=2)] == [1]
    assert [kept.seed for kept in store.evaluations(run=run.id)] == [3, 2]


def test_the_newest_evaluation_is_that_of_what_a_name_means_now(store: Store) -> None:
    old, new = add(store), add(store)
    numbers = [evaluate(store, "latest:bad", run) for run in (None, old.id, new.id, old.id)]

    def newest(run: str | None, seed: int = 0, episodes: int = 2) -> int | None:
        found = store.newest_evaluation("latest:bad", run, seed, episodes)
        return None if found is None else found.id

    assert [newest(run) for run in (None, old.id, new.id)] == [numbers[0], numbers[3], numbers[2]]
    assert newest("nobody") is newest(old.id, seed=1) is newest(old.id, episodes=3) is None


def test_the_newest_evaluations_of_many_runs_are_found_at_once(store: Store) -> None:
    runs = [add(store).id for _ in range(300)]
    for run in (*runs[:3], *runs[:2]):
        evaluate(store, f"{run}:last", run)
    found = store.newest_evaluations(runs)
    assert {run: kept.id for run, kept in found.items()} == {runs[0]: 4, runs[1]: 5, runs[2]: 3}
    assert store.newest_evaluations(runs[1:2]) == {runs[1]: found[runs[1]]}
    assert store.newest_evaluations([]) == {}


@pytest.mark.parametrize("returns", [[], [1.0, np.nan], [np.inf], [-np.inf, 2.0], [1e308, 1e308]])
@pytest.mark.filterwarnings("ignore:overflow")
def test_returns_that_cannot_be_summed_up_are_refused_in_a_sentence(store: Store, returns: list[float]) -> None:
    with pytest.raises(
        StoreError, match=r"the returns of 'odd' are no finite numbers; their evaluation cannot be kept"
    ):
        store.add_evaluation("odd", None, "CartPole-v1", 0, None, 0.5, np.array(returns))
    assert store.evaluations() == []


def test_an_evaluation_of_a_run_that_was_deleted_meanwhile_says_so(store: Store) -> None:
    run = add(store).id
    store.delete_run(run)
    with pytest.raises(StoreError, match=f"there is no run '{run}'"):
        evaluate(store, run, run)
    assert store.evaluations() == []


# --- deleting


def test_deleting_a_run_takes_everything_of_it_and_nothing_else(store: Store, home: Path) -> None:
    gone, kept = add(store), add(store)
    numbers = {}
    for run in (gone, kept):
        store.save_metrics(run.id, log_of(3, "loss", episodes=1), {}, 0)
        numbers[run.id] = [evaluate(store, f"{run.id}:{which}", run.id) for which in ("last", "best")]
        (store.run_folder(run.id) / "checkpoint").mkdir(parents=True)
    rule = evaluate(store, "angle")
    store.delete_run(gone.id)
    store.remove_run_folder(gone.id)
    assert [run.id for run in store.runs()] == [kept.id]
    assert not store.run_folder(gone.id).exists()
    assert store.run_folder(kept.id).exists()
    with sqlite3.connect(home / "lab.db") as db:
        for table in ("metrics", "episodes"):
            assert {row[0] for row in db.execute(f"SELECT run FROM {table}")} == {kept.id}
        assert {row[0] for row in db.execute("SELECT id FROM evaluations")} == {*numbers[kept.id], rule}
        assert {row[0] for row in db.execute("SELECT evaluation FROM returns")} == {*numbers[kept.id], rule}


def test_a_run_that_never_had_a_folder_is_deleted_like_any_other(store: Store) -> None:
    run = add(store).id
    store.delete_run(run)
    store.remove_run_folder(run)
    assert store.runs() == []


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


# --- side by side with others, and where there is no room


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


Write = Callable[[Store, str], object]
WRITES: dict[str, Write] = {
    "add_run": lambda store, run: add(store),
    "update_run": lambda store, run: store.update_run(run, message=9_999 * "much to say "),
    "delete_run": lambda store, run: store.delete_run(run),
    "save_metrics": lambda store, run: store.save_metrics(run, log_of(9_999, "loss", "q", episodes=999), {}, 0),
    "add_evaluation": lambda store, run: evaluate(store, run, run, *9_999 * [500.0]),
    "set_lesson_progress": lambda store, run: store.set_lesson_progress("dqn", "open", 0.5),
    "add_prediction": lambda store, run: store.add_prediction(9_999 * "a long question ", 1),
    "add_answer": lambda store, run: store.add_answer(9_999 * "a long question ", 1, True),
}


FITS_ALWAYS = ("add_run", "delete_run", "set_lesson_progress")
"""What needs no new page."""


def contents(home: Path) -> list[str]:
    with closing(sqlite3.connect(home / "lab.db")) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return list(db.iterdump())


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Another program writes to the database."""
    with closing(sqlite3.connect(home / "lab.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def full(store: Store) -> Iterator[None]:
    """The database cannot grow by a single page."""
    db = store._connection()
    usual = db.execute("PRAGMA max_page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').fetchone()[0]}")
    yield
    db.execute(f"PRAGMA max_page_count = {usual}")


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_write_to_a_locked_database_writes_nothing_says_so_and_can_be_tried_again(
    store: Store, home: Path, write: Write
) -> None:
    run = add(store).id
    store.save_metrics(run, log_of(3, "loss", episodes=1), {}, 0)
    store.run_folder(run).mkdir(parents=True)
    store.be_patient(0.0)
    before = contents(home)
    with locked(home):
        with pytest.raises(StoreBusyError) as refused:
            write(store, run)
        assert [one.id for one in store.runs()] == [run], "readers are not locked out"
        assert Store(home).run(run).id == run
    sentence = f"{home / 'lab.db'} is locked by another program, and can be written when that one is done."
    assert str(refused.value) == sentence
    assert contents(home) == before
    assert store.run_folder(run).exists()
    write(store, run)
    assert contents(home) != before


@pytest.mark.parametrize("write", [name for name in WRITES if name not in FITS_ALWAYS])
def test_a_write_to_a_full_disk_writes_nothing_says_so_and_can_be_tried_again(
    store: Store, home: Path, write: str
) -> None:
    run = add(store).id
    before = contents(home)
    with full(store):
        with pytest.raises(StoreBusyError) as refused:
            WRITES[write](store, run)
        assert store.run(run).message is None, "it can still be read"
    assert str(refused.value) == f"the disk that holds {home / 'lab.db'} is full; make room there."
    assert contents(home) == before
    WRITES[write](store, run)
    assert contents(home) != before


def test_what_fails_within_a_transaction_takes_all_of_it_back(store: Store, home: Path) -> None:
    before = contents(home)

    def predict_and_fail() -> None:
        with store._transaction() as db:
            db.execute("INSERT INTO predictions VALUES ('q', 1, '')")
            raise KeyError

    with pytest.raises(KeyError):
        predict_and_fail()
    assert contents(home) == before
    store.add_prediction("q", 2)


# --- what a look-up reads of a large home

SMALL, LARGE = 60, 600
READ_WHOLE = {"SCAN progress"}
NEWEST_FIRST = {"SCAN runs USING INDEX runs_by_age", "SCAN evaluations"}
"""Walks from the newest row on, which a limit ends."""
FEW = "status IN ('queued','starting','running','paused')"
"""However large a home is, a few runs are live."""


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> dict[int, tuple[Path, list[str]]]:
    """A small home and one ten times as large, with the ids of their runs."""
    folder = tmp_path_factory.mktemp("homes")
    return {runs: (folder / str(runs), store_scale.fill(folder / str(runs), runs, 2 * runs)) for runs in (SMALL, LARGE)}


def plans(store: Store, read: Callable[[], object]) -> list[tuple[str, str]]:
    """Each statement that a read makes, with each line of the plan that SQLite has for it."""
    db, statements = store._connection(), list[str]()
    db.set_trace_callback(statements.append)
    read()
    db.set_trace_callback(None)
    assert statements
    return [(one, row["detail"]) for one in statements for row in db.execute(f"EXPLAIN QUERY PLAN {one}")]


def test_no_read_of_a_screen_goes_through_a_whole_table(homes: dict[int, tuple[Path, list[str]]]) -> None:
    home, ids = homes[LARGE]
    lab = Laboratory(home)
    reads = {
        **store_scale.screens(lab, ids),
        "seeds": lambda: store_scale.match_seeds(lab),
        "opening": lambda: lab.store.runs(statuses=LIVE),
        "list": lambda: lab.store.newest_evaluations(ids[:50]),
        "older page": lambda: lab.store.runs(limit=50, offset=100),
        "named": lambda: lab.store.find_run("name-0"),
        "metrics": lambda: lab.store.load_metrics(ids[0]),
        "first point": lambda: lab.store.first_point(ids[0], "loss"),
    }
    for what, read in reads.items():
        for statement, line in plans(lab.store, read):
            told = f"{what}: {statement}: {line}"
            if line in NEWEST_FIRST:
                assert "WHERE" not in statement, told
                assert "LIMIT -1" not in statement, told
            elif line.startswith("USE TEMP B-TREE"):
                assert FEW in statement, told
            else:
                assert line in READ_WHOLE or line.startswith(("SEARCH", "LIST", "CORRELATED")), told
    lab.close()


def steps(store: Store, work: Callable[[Store], object]) -> int:
    """How many steps SQLite's machine takes for it."""
    taken, db = [0], store._connection()

    def step() -> int:
        taken[0] += 1
        return 0

    db.set_progress_handler(step, 1)
    work(store)
    db.set_progress_handler(None, 1)
    return taken[0]


BUSY = preset_spec(store_scale.BUSY)
SAME_AT_ANY_SIZE: dict[str, Callable[[Store], object]] = {
    "live runs": lambda store: store.runs(statuses=LIVE),
    "newest runs": lambda store: store.runs(limit=6),
    "newest run of a recipe": lambda store: store.latest_run(BUSY.recipe),
    "newest finished run of a recipe": lambda store: store.latest_run(BUSY.recipe, Status.FINISHED),
    "run of a recipe in a state that none is in": lambda store: store.latest_run(BUSY.recipe, Status.PAUSED),
    "finished run of a recipe without one": lambda store: store.latest_run("never", Status.FINISHED),
    "run by name": lambda store: store.find_run("name-0"),
    "newest evaluations": lambda store: store.evaluations(limit=4),
    "evaluations of a run": lambda store: store.evaluations(run="run00004"),
    "newest evaluation of a rule": lambda store: store.newest_evaluation(
        "perfect", None, EVALUATION_SEED, EVALUATION_EPISODES
    ),
    "newest evaluations of a page": lambda store: store.newest_evaluations([f"run{i:05}" for i in range(30)]),
    "returns": lambda store: store.returns(7),
    "end of a series": lambda store: store.last_values("run00004", "return", 100),
    "start of a series": lambda store: store.first_point("run00004", "return"),
    "metrics": lambda store: store.load_metrics("run00004"),
    "new run": lambda store: store.add_run(BUSY.with_seed(2**40)),
    "progress of a run": lambda store: store.update_run("run00005", status="paused", progress=0.5),
    "checkpoint": lambda store: store.save_metrics("run00005", log_of(9, "loss", episodes=3), {}, 0),
    "evaluation": lambda store: evaluate(store, "perfect", None),
    "deleting a run": lambda store: store.delete_run("run00008"),
}


@pytest.mark.parametrize("work", SAME_AT_ANY_SIZE.values(), ids=SAME_AT_ANY_SIZE)
def test_a_home_ten_times_as_large_is_no_more_work(
    homes: dict[int, tuple[Path, list[str]]], work: Callable[[Store], object]
) -> None:
    small, large = (steps(Store(homes[runs][0]), work) for runs in (SMALL, LARGE))
    assert 0 < large <= 1.1 * small + 10


def test_the_seeds_of_a_recipe_are_read_from_an_index_alone(homes: dict[int, tuple[Path, list[str]]]) -> None:
    store = Store(homes[LARGE][0])
    ((_, line),) = plans(store, lambda: store.seeds_of(BUSY.recipe))
    assert line.startswith("SEARCH runs USING COVERING INDEX")
