"""Forks: a run branches off at a kept checkpoint; unchanged it ends where the run itself ends, to the last bit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.laboratory import Laboratory
from engine.learners.kinds import kinds
from engine.learners.settings import ConfigError
from engine.learners.specs import Spec
from engine.runs.run import Run
from engine.storage.agent_folders import load_agent
from engine.storage.checkpoint import CheckpointError, load_checkpoint
from engine.storage.forks import ForkError, kept_folder, kept_steps
from engine.storage.records import RunRecord, Status, StoreError
from tests.engine import probes
from tests.engine.small import dqn_spec, imitation_spec, series

PATIENCE = 60
SPECS: dict[str, Spec] = {
    "dqn": dqn_spec(env_steps=300),
    "dqn with everything": dqn_spec(
        env_steps=300, double_q=True, target_soft_update_rate=0.1, normalize_state=True, keep_best_every_episodes=4
    ),
    "imitation": imitation_spec(epochs=6),
}
CUT = {"dqn": 137, "dqn with everything": 137, "imitation": 13}
"""Steps after which a run of each stops: in the middle of an episode, of an epoch."""


@pytest.fixture
def lab(home: Path) -> Iterator[Laboratory]:
    laboratory = Laboratory(home)
    laboratory.places = 2
    yield laboratory
    laboratory.close()


def stopped_at(lab: Laboratory, spec: Spec, step: int) -> RunRecord:
    class Stopping(Run):
        steps = 0

        def _advanced(self) -> None:
            super()._advanced()
            self.steps += 1
            if self.steps == step:
                self.stop()

    lab.run_type = Stopping
    run = lab.start(spec, preset="bad")
    assert run.wait(PATIENCE)
    lab.run_type = Run
    assert run.status == Status.STOPPED
    return lab.store.run(run.id)


def ended(run: Run) -> Run:
    assert run.wait(PATIENCE)
    assert run.status == Status.FINISHED, run.error
    return run


def weights(lab: Laboratory, run: Run) -> list[float]:
    found: list[float] = load_agent(lab.store.run_folder(run.id) / "agents" / "last").network.flat.tolist()
    return found


# --- unchanged


@pytest.mark.parametrize("kind", SPECS)
def test_an_unchanged_fork_ends_in_the_state_of_the_run_that_went_on(lab: Laboratory, kind: str) -> None:
    parent = stopped_at(lab, SPECS[kind], CUT[kind])
    step = lab.keep_checkpoint(parent.id)
    original = ended(lab.continue_run(parent.id))
    fork = ended(lab.fork(parent.id, {}, at=step))
    assert fork.id != original.id
    assert fork.state_hash == original.state_hash
    assert weights(lab, fork) == weights(lab, original)
    assert series(fork.log) == series(original.log)
    assert series(lab.store.load_metrics(fork.id)) == series(lab.store.load_metrics(original.id))
    assert lab.store.load_metrics(fork.id).episodes() == lab.store.load_metrics(original.id).episodes()


def test_a_fork_of_the_latest_checkpoint_leaves_the_run_as_it_is(lab: Laboratory) -> None:
    parent = stopped_at(lab, SPECS["dqn"], 100)
    fork = ended(lab.fork(parent.id, {}))
    assert lab.store.run(parent.id) == parent
    assert fork.state_hash == ended(lab.continue_run(parent.id)).state_hash


# --- changed


def test_a_changed_fork_shares_the_metrics_up_to_the_fork_and_goes_its_own_way(lab: Laboratory) -> None:
    parent = stopped_at(lab, SPECS["dqn"], 150)
    before = series(lab.store.load_metrics(parent.id))
    fork = ended(lab.fork(parent.id, {"learning_rate": 0.01, "max_env_steps": 400}))
    original = ended(lab.continue_run(parent.id))
    after, beside = (series(lab.store.load_metrics(run.id)) for run in (fork, original))
    for name, points in before.items():
        assert after[name][: len(points)] == beside[name][: len(points)] == points
    assert after["loss"][len(before["loss"])] != beside["loss"][len(before["loss"])]
    assert fork.counters["env_steps"] == 400
    record = lab.store.run(fork.id)
    assert (record.parent, record.forked_at) == (parent.id, parent.counters)
    assert record.forked_at["env_steps"] == 150
    assert (record.preset, record.seed) == ("bad", parent.seed)
    assert record.spec["config"] == {**parent.spec["config"], "learning_rate": 0.01}
    assert record.seconds > parent.seconds


def test_a_fork_is_never_taken_for_a_run_of_its_settings(lab: Laboratory) -> None:
    parent = stopped_at(lab, SPECS["dqn"], 50)
    fork = ended(lab.fork(parent.id, {"learning_rate": 0.01}))
    like_it = replace(SPECS["dqn"], config=SPECS["dqn"].config.replace(learning_rate=0.01))
    assert lab.latest(like_it) is None
    assert lab.store.seeds_of(like_it.recipe) == set()
    newest = lab.latest(SPECS["dqn"])
    assert newest is not None
    assert newest.id == parent.id != fork.id


def test_a_fork_of_a_run_on_rows_keeps_its_rows(lab: Laboratory, tmp_path: Path) -> None:
    parent = stopped_at(lab, SPECS["imitation"], 5)
    fork = ended(lab.fork(parent.id, {"learning_rate": 0.01, "epochs": 8}))
    assert fork.counters["epochs"] == 8
    rows = (lab.store.run_folder(run) / "train.csv" for run in (parent.id, fork.id))
    first, second = (file.read_bytes() for file in rows)
    assert first == second


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        (
            "dqn",
            {"nn_hidden_layers": [8]},
            r"'nn_hidden_layers' cannot change in the middle of a run; these can: learn",
        ),
        ("dqn", {"memory_size": 10}, r"'memory_size' cannot change in the middle of a run; these can: learning_rate, "),
        ("dqn", {"environment": "Acrobot-v1"}, "'environment' cannot change"),
        ("dqn", {"seed": 3}, "'seed' cannot change"),
        ("dqn", {"learning_rat": 0.1}, "'learning_rat' is not a setting; these can: learning_rate, "),
        ("imitation", {"batch_size": 8}, "these can: learning_rate, epochs"),
        ("imitation", {"episodes": 8}, "'episodes' is not a setting"),
    ],
)
def test_a_setting_that_the_state_was_made_for_is_refused(
    lab: Laboratory, kind: str, changes: dict[str, Any], words: str
) -> None:
    parent = stopped_at(lab, SPECS[kind], 5)
    with pytest.raises(ForkError, match=words):
        lab.fork(parent.id, changes)
    assert [record.id for record in lab.store.runs()] == [parent.id]
    assert [path.name for path in (lab.store.home / "runs").iterdir()] == [parent.id]


@pytest.mark.parametrize("changes", [{"learning_rate": -1}, {"episodes": 0}, {"max_env_steps": "many"}])
def test_a_wrong_value_is_refused_as_everywhere(lab: Laboratory, changes: dict[str, Any]) -> None:
    parent = stopped_at(lab, SPECS["dqn"], 5)
    with pytest.raises(ConfigError, match=next(iter(changes))):
        lab.fork(parent.id, changes)


def test_every_setting_that_may_change_is_one_of_its_kind() -> None:
    for kind in kinds().values():
        assert kind.forkable <= set(kind.spec_type.config_type.names())


# --- where from


def test_several_checkpoints_are_kept_and_one_that_is_not_there_is_named(lab: Laboratory) -> None:
    parent = stopped_at(lab, SPECS["dqn"], 40)
    assert lab.keep_checkpoint(parent.id) == 40
    assert lab.keep_checkpoint(parent.id) == 40
    ended(lab.continue_run(parent.id))
    assert lab.keep_checkpoint(parent.id) == 300
    assert kept_steps(lab.store, parent.id) == [40, 300]
    with pytest.raises(ForkError, match=f"run {parent.id} has no checkpoint at step 41; it has those at 40, 300"):
        lab.fork(parent.id, {}, at=41)
    assert load_checkpoint(kept_folder(lab.store, parent.id) / "40").state["learner"]["counters"]["env_steps"] == 40


def test_a_live_run_is_kept_as_it_is_at_that_moment(lab: Laboratory) -> None:
    run = lab.start(replace(dqn_spec(env_steps=10**7), episodes=10**7))
    while not run.counters.get("env_steps"):
        assert run.status.live
    first = lab.keep_checkpoint(run.id)
    while run.counters["env_steps"] < first + 10:
        assert run.status.live
    second = lab.keep_checkpoint(run.id)
    assert second >= first + 10
    fork = lab.fork(run.id, {"max_env_steps": second + 5}, at=second)
    assert ended(fork).counters["env_steps"] == second + 5


def test_what_never_began_has_nothing_to_fork(lab: Laboratory) -> None:
    record = lab.store.add_run(SPECS["dqn"])
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        lab.fork(record.id, {})
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        lab.keep_checkpoint(record.id)


def test_a_fork_with_nothing_left_to_do_is_refused(lab: Laboratory) -> None:
    run = lab.start(SPECS["dqn"])
    ended(run)
    with pytest.raises(ForkError, match="at step 300 the fork's budget is used up; give it more, such as episodes=300"):
        lab.fork(run.id, {"learning_rate": 0.1})
    assert ended(lab.fork(run.id, {"max_env_steps": 310})).counters["env_steps"] == 310


# --- a longer budget


@pytest.mark.parametrize("kind", ["dqn", "imitation"])
def test_a_finished_run_with_more_to_do_ends_like_one_that_had_it_from_the_start(lab: Laboratory, kind: str) -> None:
    short = replace(dqn_spec(env_steps=10**6), episodes=8) if kind == "dqn" else imitation_spec(epochs=4)
    long = replace(dqn_spec(env_steps=10**6), episodes=12) if kind == "dqn" else imitation_spec(epochs=8)
    straight = ended(lab.start(long))
    run = ended(lab.start(short))
    longer = ended(lab.extend_run(run.id, 4))
    assert longer.id == run.id
    assert longer.state_hash == straight.state_hash
    assert series(longer.log) == series(straight.log)
    record = lab.store.run(run.id)
    assert (record.status, record.progress, record.recipe) == ("finished", 1.0, None)


def test_only_a_finished_run_can_be_given_more(lab: Laboratory) -> None:
    parent = stopped_at(lab, SPECS["dqn"], 5)
    with pytest.raises(StoreError, match=f"run {parent.id} is stopped; only a finished run"):
        lab.extend_run(parent.id, 5)


def test_a_run_that_ended_because_it_was_perfect_goes_on_only_without_that_rule(
    lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.learners.dqn.SELECTION_EPISODES", 3)
    monkeypatch.setattr("engine.learners.dqn.CONFIRMATION_EPISODES", 4)
    settings = {"keep_best_every_episodes": 2, "end_when_perfect": True, "environment": probes.ENDLESS}
    run = ended(lab.start(replace(dqn_spec(env_steps=10**6, **settings), episodes=200)))
    spent = run.counters["episodes"]
    assert spent < 200
    with pytest.raises(StoreError, match="ended by end_when_perfect before its budget did; `dqn-lab fork"):
        lab.extend_run(run.id, 5)
    with pytest.raises(ForkError, match="the run ended by end_when_perfect; set end_when_perfect=false too"):
        lab.fork(run.id, {"learning_rate": 0.01})
    fork = ended(lab.fork(run.id, {"end_when_perfect": False, "episodes": spent + 5}))
    assert fork.counters["episodes"] == spent + 5
