"""Seeds and trials on a real Dask cluster: the same bits as here, each once, whoever of those at work dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from engine.laboratory import Laboratory
from engine.learners.specs import EpisodesSpec
from engine.runs.cluster import DaskCrew, open_cluster
from engine.runs.crew import CrewError, LocalCrew
from engine.runs.seed_work import origin_of
from engine.runs.seeds import SeedOutcome, run_seeds
from engine.runs.trial import Trial
from engine.storage.store import Store
from tests.engine.runs.small_cluster import ROOT, SmallCluster, until
from tests.engine.small import dqn_spec, imitation_spec

pytest.importorskip("distributed")

SPEC = dqn_spec(env_steps=120, keep_best_every_episodes=4)
# Some seconds of work, so that something can happen before its end.
HEAVY = dqn_spec(env_steps=700, freq_steps_train=1, n_gradient_steps=40, nn_hidden_layers=[64])


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """A home folder in which seeds are trained by processes of this machine."""
    lab = Laboratory(tmp_path_factory.mktemp("local"))
    yield lab
    lab.close()


@pytest.fixture
def lab(home: Path) -> Iterator[Laboratory]:
    laboratory = Laboratory(home)
    yield laboratory
    laboratory.close()


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallCluster]:
    """A cluster that nothing happens to."""
    small = SmallCluster(tmp_path_factory.mktemp("calm"))
    small.start("a", "b")
    yield small
    small.close()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[SmallCluster]:
    small = SmallCluster(tmp_path)
    small.start("a", "b", "c")
    yield small
    small.close()


def outcomes(lab: Laboratory, spec: EpisodesSpec, *seeds: int, **extra: Any) -> list[SeedOutcome]:
    return sorted(run_seeds(lab, spec, seeds, **extra), key=lambda outcome: outcome.seed)


def kept(lab: Laboratory, run: str) -> dict[str, Any]:
    """What a home folder has of a run that does not depend on the clock."""
    log = lab.store.load_metrics(run)
    evaluations = lab.store.evaluations(run=run)
    files = lab.store.pack(run).files
    return {
        "series": {name: [part.tolist() for part in log.read(name)] for name in log.names},
        "episodes": log.episodes(),
        "returns": sorted((one.agent.split(":")[1], lab.store.returns(one.id).tolist()) for one in evaluations),
        "weights": {name: content for name, content in files.items() if name.endswith("model.safetensors")},
        "checkpointed": any(name.startswith("checkpoint/") for name in files),
    }


def assert_same(lab: Laboratory, found: list[SeedOutcome], local: Laboratory, spec: EpisodesSpec) -> None:
    """Every seed is there once and finished, with the bits that it has where it is trained on this machine alone."""
    here = outcomes(local, spec, *(outcome.seed for outcome in found))
    assert [(o.seed, o.status, o.message) for o in found] == [(o.seed, "finished", None) for o in here]
    assert len(lab.store.runs()) == len(found)
    for one, other in zip(found, here, strict=True):
        assert one.state_hash == other.state_hash
        assert kept(lab, one.run) == kept(local, other.run)


def test_a_clusters_seeds_arrive_whole_with_the_bits_they_have_here(
    cluster: SmallCluster, lab: Laboratory, local: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares: list[float] = []
    crew = open_cluster(cluster.address, pytest.fail)
    until(lambda: crew.size == 3)
    found = outcomes(lab, SPEC, 1, 2, 3, 4, 5, crew=crew, report=shares.append, preset="bad")
    assert_same(lab, found, local, SPEC)
    assert shares[-1] == 1
    assert {record.preset for record in lab.store.runs()} == {"bad"}
    assert [cluster.runs(name) for name in "abc"] == [{}, {}, {}], "what has arrived does not stay there"

    monkeypatch.setattr(DaskCrew, "send", None)
    assert outcomes(lab, SPEC, 1, 2, 3, 4, 5, crew=open_cluster(cluster.address, pytest.fail)) == found


def test_a_killed_workers_seed_is_done_by_another(cluster: SmallCluster, lab: Laboratory, local: Laboratory) -> None:
    killed: list[int] = []

    def kill_b(_share: float) -> None:
        at_work = [seed for seed, status in cluster.runs("b").items() if status == "running"]
        if at_work and not killed:
            cluster.kill("b")
            killed.extend(at_work)

    found = outcomes(lab, HEAVY, 1, 2, 3, 4, crew=open_cluster(cluster.address, pytest.fail), report=kill_b)
    assert killed
    assert_same(lab, found, local, HEAVY)


@pytest.mark.slow
def test_seeds_outlast_their_scheduler(cluster: SmallCluster, lab: Laboratory, local: Laboratory) -> None:
    told: list[str] = []

    def restart(_share: float) -> None:
        at_work = [name for name in "abc" if "running" in cluster.runs(name).values()]
        if len(at_work) == 3 and not told:
            cluster.restart_scheduler()
            told.append("restarted")
            for name in "abc":
                cluster.workers[name].wait()  # Without a scheduler they end.
            cluster.start("a", "b", "c")

    found = outcomes(lab, HEAVY, 1, 2, 3, 4, crew=open_cluster(cluster.address, told.append), report=restart)
    assert told == ["restarted", "the cluster's scheduler is gone; its calls are sent again when it is back."]
    assert_same(lab, found, local, HEAVY)


@pytest.mark.slow
def test_a_caller_killed_and_started_again_finds_what_its_cluster_did(
    cluster: SmallCluster, home: Path, local: Laboratory
) -> None:
    (home.parent / "heavy.json").write_text(json.dumps(HEAVY.config.to_dict()))
    flags = ("train", "--config", "heavy.json", "--episodes", str(HEAVY.episodes), "--max-steps", "700", "--seed", "1")
    entry = (sys.executable, "-c", "from tui_lab.cli import main; main()", "--home", str(home))
    command = [*entry, *flags, "--seeds", "5", "--cluster"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    caller = subprocess.Popen([*command, cluster.address], cwd=home.parent, env=environment)
    until(lambda: sum(len(cluster.runs(name)) for name in "abc") >= 3)
    caller.send_signal(signal.SIGKILL)
    caller.wait()
    before = {run for name in "abc" for run in cluster.runs(name)}
    told = subprocess.run(
        [*command, cluster.address, "--json"], cwd=home.parent, env=environment, capture_output=True, check=True
    )
    seeds = json.loads(told.stdout)["seeds"]
    assert [seed["seed"] for seed in seeds] == [1, 2, 3, 4, 5]
    assert before <= {1, 2, 3, 4, 5}
    lab = Laboratory(home)
    assert_same(lab, outcomes(lab, HEAVY, 1, 2, 3, 4, 5), local, HEAVY)
    lab.close()


def test_a_stop_brings_a_checkpoint_home_with_which_this_machine_goes_on(
    cluster: SmallCluster, lab: Laboratory, local: Laboratory
) -> None:
    def at_work() -> bool:
        return any("running" in cluster.runs(name).values() for name in "abc")

    (stopped,) = outcomes(lab, HEAVY, 1, crew=open_cluster(cluster.address, pytest.fail), stopping=at_work)
    assert (stopped.status, stopped.message, stopped.last) == ("stopped", None, None)
    assert 0 < stopped.env_steps < 700
    assert (lab.store.run_folder(stopped.run) / "checkpoint").is_dir()
    assert [cluster.runs(name) for name in "abc"] == [{}, {}, {}]
    assert_same(lab, outcomes(lab, HEAVY, 1), local, HEAVY)


def test_a_checkpoint_from_here_is_gone_on_with_there(
    cluster: SmallCluster, lab: Laboratory, local: Laboratory
) -> None:
    def running() -> bool:
        return any(record.status == "running" for record in lab.store.runs())

    (stopped,) = outcomes(lab, HEAVY, 2, stopping=running)
    assert stopped.status == "stopped"
    (found,) = outcomes(lab, HEAVY, 2, crew=open_cluster(cluster.address, pytest.fail))
    assert found.run == stopped.run
    assert_same(lab, [found], local, HEAVY)


def test_a_stop_does_not_reach_those_who_ask_again_at_once(
    cluster: SmallCluster, lab: Laboratory, local: Laboratory
) -> None:
    def at_work() -> bool:
        return any("running" in cluster.runs(name).values() for name in "abc")

    (stopped,) = outcomes(lab, HEAVY, 3, crew=open_cluster(cluster.address, pytest.fail), stopping=at_work)
    assert stopped.status == "stopped"
    found = outcomes(lab, HEAVY, 3, crew=open_cluster(cluster.address, pytest.fail))
    assert_same(lab, found, local, HEAVY)


@pytest.mark.slow
def test_seeds_wait_for_a_scheduler_that_is_long_away(
    cluster: SmallCluster, lab: Laboratory, local: Laboratory
) -> None:
    told: list[str] = []

    def power_cut(_share: float) -> None:
        if not told and any("running" in cluster.runs(name).values() for name in "abc"):
            told.append("away")
            cluster.scheduler.kill()
            threading.Timer(15, lambda: (cluster.restart_scheduler(), cluster.start("a", "b", "c"))).start()

    seeds = range(1, 9)
    found = outcomes(lab, HEAVY, *seeds, crew=open_cluster(cluster.address, told.append), report=power_cut)
    assert told == ["away", "the cluster's scheduler is gone; its calls are sent again when it is back."]
    assert_same(lab, found, local, HEAVY)


def test_a_named_runs_agent_arrives_under_its_name(calm: SmallCluster, lab: Laboratory) -> None:
    record = lab.store.add_run(SPEC.with_seed(9), name="mine")
    (found,) = outcomes(lab, SPEC, 9, crew=open_cluster(calm.address, pytest.fail))
    assert found.run == record.id
    weights = (lab.store.agents_folder() / "mine" / "model.safetensors").read_bytes()
    assert weights == lab.store.pack(record.id).files["agents/best/model.safetensors"]


def test_a_run_that_a_worker_of_the_same_machine_is_still_at_is_waited_for(calm: SmallCluster, lab: Laboratory) -> None:
    record = lab.store.add_run(SPEC.with_seed(8))
    locks = []
    for name in "ab":
        away = Store(calm.home(name) / "cluster" / origin_of(lab.store.home))
        away.run_folder(record.id).mkdir(parents=True)
        locks.append(FileLock(away.run_folder(record.id) / "lock"))
        locks[-1].acquire()
        away.close()
    asked = iter(range(5))

    def let_go(_share: float) -> None:
        if next(asked, None) is None:
            for lock in locks:
                lock.release()

    found = outcomes(lab, SPEC, 8, crew=open_cluster(calm.address, pytest.fail), report=let_go)
    assert [outcome.status for outcome in found] == ["finished"]


def test_what_is_dropped_leaves_a_crew_that_goes_on(calm: SmallCluster, home: Path) -> None:
    home.mkdir()
    for crew in (LocalCrew(1), open_cluster(calm.address, pytest.fail)):
        crew.send("heavy", Trial(HEAVY, home))
        crew.drop()
        assert crew.tasks == []
        crew.send("light", Trial(SPEC, home))
        heard: list[tuple[Any, Any]] = []
        until(lambda crew=crew, heard=heard: bool(heard.extend(crew.listen(0.2)) or heard))  # type: ignore[misc]
        assert heard[0][0] == "light"
        assert heard[0][1].score is not None
        crew.close()
        crew.close()


def test_a_worker_with_other_versions_does_nothing_and_says_so(
    calm: SmallCluster, lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.runs.seeds.bits_depend_on", lambda: {"torch": "1.0"})
    (found,) = outcomes(lab, SPEC, 1, crew=open_cluster(calm.address, pytest.fail))
    assert (found.status, found.env_steps, found.last) == ("failed", 0, None)
    assert "and not 1.0, so its runs would differ." in (found.message or "")
    assert [calm.runs(name) for name in "ab"] == [{}, {}]


def test_a_seed_that_another_process_works_on_is_not_sent(calm: SmallCluster, lab: Laboratory) -> None:
    record = lab.store.add_run(SPEC.with_seed(6))
    lab.store.run_folder(record.id).mkdir(parents=True)
    with FileLock(lab.store.run_folder(record.id) / "lock"):
        (found,) = outcomes(lab, SPEC, 6, crew=open_cluster(calm.address, pytest.fail))
    assert (found.run, found.status) == (record.id, "failed")
    assert "being worked on by another process" in (found.message or "")


def test_a_diverging_seed_comes_home_as_such(calm: SmallCluster, lab: Laboratory) -> None:
    spec = replace(SPEC, config=SPEC.config.replace(state_scale=[1e-30, 1, 1, 1]))
    (found,) = outcomes(lab, spec, 1, crew=open_cluster(calm.address, pytest.fail))
    assert (found.status, found.diverged) == ("failed", True)
    assert "stopped being finite numbers" in (found.message or "")


def test_trials_score_there_as_here_and_take_their_rows_along(calm: SmallCluster, home: Path) -> None:
    home.mkdir()
    fit = imitation_spec()
    crews = (LocalCrew(2), open_cluster(calm.address, pytest.fail))
    told: list[dict[Any, Any]] = []
    for crew in crews:
        for name, trial in (("dqn", Trial(SPEC, home)), ("fit", Trial(fit, home))):
            crew.send(name, trial.packed() if crew.away else trial)
        found: dict[Any, Any] = {}
        while len(found) < 2:
            found |= crew.listen(0.2)
        told.append({name: replace(outcome, seconds=0.0) for name, outcome in found.items()})
        crew.close()
    assert told[0] == told[1]
    assert told[0]["dqn"].score is not None


def test_what_fails_of_itself_is_told_and_not_tried_for_ever(calm: SmallCluster) -> None:
    crew = open_cluster(calm.address, pytest.fail)
    crew.send("wrong", len)  # type: ignore[arg-type]
    heard: list[tuple[Any, Any]] = []
    until(lambda: bool(heard.extend(crew.listen(0.1)) or heard))
    ((task, lost),) = heard
    assert task == "wrong"
    assert lost.how.startswith("failed with TypeError:")
    crew.close()


# --- which cluster


def test_a_schedulers_file_and_a_clusters_file_lead_to_workers(tmp_path: Path) -> None:
    made = tmp_path / "cluster.yaml"
    made.write_text(
        "module: dask.distributed\nclass: LocalCluster\nargs: []\n"
        'kwargs: {n_workers: 1, threads_per_worker: 1, dashboard_address: ":0", processes: false}\n'
    )
    crew = open_cluster(str(made), pytest.fail)
    until(lambda: bool(crew.everywhere(os.getpid)))
    scheduler = tmp_path / "scheduler.json"
    scheduler.write_text(json.dumps({"address": crew.address}))
    other = open_cluster(str(scheduler), pytest.fail)
    assert other.everywhere(os.getpid) == crew.everywhere(os.getpid)
    other.close()
    crew.close()


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.yaml", "module: dask.distributed\nclass: Client\n", "dask.distributed.Client is no cluster of Dask's."),
        ("a.yaml", "module: nowhere\nclass: Cluster\n", "nowhere.Cluster cannot be made: ModuleNotFoundError"),
        ("a.yaml", "module: os\nclass: Cluster\njobs: 3\n", "should have module, class, a list args and a table"),
        ("a.yaml", "- 1\n", "should have the `address` of a scheduler, or the `module` and `class`"),
        ("a.yaml", "{", "cannot be read: while parsing"),
        ("a.json", "{}", "should have the `address` of a scheduler"),
        ("a.json", "{", "cannot be read: Expecting property name"),
        ("a.json", '{"address": 7}', "should have the `address` of a scheduler"),
        ("a.json", '{"address": "tcp://127.0.0.1:9"}', "no scheduler answers at"),
    ],
)
def test_a_wrong_file_is_one_sentence(
    tmp_path: Path, name: str, text: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.runs.cluster.CONNECT_SECONDS", 1.0)
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(CrewError) as raised:
        open_cluster(str(file), pytest.fail)
    assert str(file) in str(raised.value)
    assert sentence in str(raised.value)


@pytest.mark.parametrize("where", ["tcp://127.0.0.1:9", "127.0.0.1:9", "nobody://x"])
def test_an_address_where_nobody_answers_is_one_sentence(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.runs.cluster.CONNECT_SECONDS", 1.0)
    with pytest.raises(CrewError, match=f"no scheduler answers at {where}: "):
        open_cluster(where, pytest.fail)


def test_a_file_that_is_not_there_is_told_from_an_address() -> None:
    with pytest.raises(CrewError, match=r"there is no file my\.yaml; --cluster takes an address"):
        open_cluster("my.yaml", pytest.fail)
