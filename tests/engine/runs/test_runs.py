"""Runs: however one was stopped, cut off or crowded, it ends in the state and metrics of one straight through."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.laboratory import Laboratory
from engine.learners.kinds import changed_settings, preset_spec, spec_from_dict
from engine.learners.metrics import Episode
from engine.learners.settings import ConfigError
from engine.learners.specs import DQNSpec, ImitationSpec, Spec
from engine.runs.run import Run
from engine.storage.agent_folders import load_agent
from engine.storage.checkpoint import load_checkpoint, save_checkpoint, state_hash
from engine.storage.records import Status, StoreError
from engine.storage.store import Store
from tests.engine import probes
from tests.engine.small import dqn_config, dqn_spec, imitation_spec, series

PATIENCE = 60
SPECS: dict[str, Spec] = {
    "dqn": dqn_spec(env_steps=300),
    "dqn with everything": dqn_spec(
        env_steps=300, double_q=True, target_soft_update_rate=0.1, normalize_state=True, keep_best_every_episodes=4
    ),
    "imitation": imitation_spec(epochs=4),
}


@pytest.fixture
def lab(home: Path) -> Iterator[Laboratory]:
    laboratory = Laboratory(home)
    laboratory.places = 2  # Whatever this machine has.
    yield laboratory
    laboratory.close()


def stopping_at(step: int) -> type[Run]:
    """A run that asks itself to stop after so many steps."""

    class StoppingRun(Run):
        steps = 0

        def _advanced(self) -> None:
            super()._advanced()
            self.steps += 1
            if self.steps == step:
                self.stop()

    return StoppingRun


def straight(lab: Laboratory, spec: Spec) -> Run:
    run = lab.start(spec)
    assert run.wait(PATIENCE)
    assert run.status == Status.FINISHED
    return run


# --- start to end


@pytest.mark.parametrize("kind", SPECS)
def test_a_finished_run_is_in_the_store_with_hash_metrics_and_agent(lab: Laboratory, kind: str) -> None:
    run = straight(lab, SPECS[kind])
    record = lab.store.run(run.id)
    assert (record.status, record.progress, record.message) == ("finished", 1.0, None)
    assert record.state_hash == run.state_hash
    assert record.counters == run.counters
    stored = lab.store.load_metrics(run.id)
    assert series(stored) == series(run.log) != {}
    assert stored.episodes() == run.log.episodes()
    folder = lab.store.run_folder(run.id)
    learner = load_checkpoint(folder / "checkpoint").state["learner"]
    assert state_hash(learner) == run.state_hash
    assert learner["counters"] == run.counters
    last = load_agent(folder / "agents" / "last")
    assert last.network.flat.tolist() == learner["network"].tolist()
    assert last.card["state_hash"] == run.state_hash
    assert last.card["spec"] == SPECS[kind].to_dict()


def test_the_same_spec_gives_the_same_hash_and_another_seed_another(lab: Laboratory) -> None:
    first = straight(lab, dqn_spec(env_steps=100))
    assert straight(lab, dqn_spec(env_steps=100)).state_hash == first.state_hash
    assert straight(lab, dqn_spec(env_steps=100, seed=1)).state_hash != first.state_hash


def test_a_named_run_leaves_its_best_agent_under_the_name(lab: Laboratory) -> None:
    run = lab.start(dqn_spec(env_steps=300, keep_best_every_episodes=4), name="mine")
    assert run.wait(PATIENCE)
    best = load_agent(lab.store.run_folder(run.id) / "agents" / "best")
    assert load_agent(lab.store.agents_folder() / "mine").network.flat.tolist() == best.network.flat.tolist()


@pytest.mark.parametrize("kind", SPECS)
def test_a_spec_survives_the_store(lab: Laboratory, kind: str) -> None:
    spec = SPECS[kind]
    record = lab.store.add_run(spec)
    assert spec_from_dict(record.kind, record.spec) == spec


def test_preset_specs_are_the_courses_runs() -> None:
    bad, linear = preset_spec("bad", seed=5), preset_spec("linear", samples=10_000)
    assert isinstance(bad, DQNSpec)
    assert (bad.episodes, bad.config.seed, bad.config.learning_rate) == (200, 5, 0.000171782176772688)
    assert isinstance(linear, ImitationSpec)
    assert (linear.train.samples, linear.train.seed, linear.train.agent) == (10_000, 0, "perfect")
    assert (linear.test.samples, linear.test.seed) == (1_000, 1)
    with pytest.raises(ConfigError, match="there is no preset"):
        preset_spec("nothing")


# --- stop, continue, pause


@pytest.mark.parametrize("kind", SPECS)
@pytest.mark.parametrize("cuts", [(1,), (37, 64)])
def test_a_run_stopped_and_continued_ends_like_one_straight_through(
    lab: Laboratory, home: Path, kind: str, cuts: tuple[int, ...]
) -> None:
    spec = SPECS[kind]
    if isinstance(spec, ImitationSpec):
        cuts = tuple(min(cut, 7) for cut in cuts)
    whole = straight(lab, spec)
    lab.run_type = stopping_at(cuts[0])
    stopped = lab.start(spec)
    assert stopped.wait(PATIENCE)
    for cut in [*cuts[1:], 10**9]:
        assert stopped.status == Status.STOPPED
        assert lab.store.run(stopped.id).status == "stopped"
        assert (lab.store.run_folder(stopped.id) / "agents" / "last").is_dir()
        other = Laboratory(home)  # as another process would: with nothing but the files
        other.run_type = stopping_at(cut)
        stopped = other.continue_run(stopped.id)
        assert stopped.wait(PATIENCE)
    assert stopped.status == Status.FINISHED
    assert stopped.state_hash == whole.state_hash
    assert series(stopped.log) == series(whole.log)
    assert stopped.log.episodes() == whole.log.episodes()
    assert series(lab.store.load_metrics(stopped.id)) == series(whole.log)


@pytest.mark.parametrize("kind", SPECS)
def test_metrics_saved_after_the_last_checkpoint_of_a_killed_run_are_forgotten(
    lab: Laboratory, home: Path, kind: str
) -> None:
    whole = straight(lab, SPECS[kind])
    lab.run_type = stopping_at(7 if kind == "imitation" else 101)
    stopped = lab.start(SPECS[kind])
    assert stopped.wait(PATIENCE)
    # What a process leaves that is killed between its metrics and its state.
    log = lab.store.load_metrics(stopped.id)
    lengths, episodes = log.lengths(), log.episode_count
    for name in log.names:
        log.append(name, 1e6, -1.0)
    log.add_episode(Episode(episodes, 10**6, -1.0, 1, 0.5, True, False))
    lab.store.save_metrics(stopped.id, log, lengths, episodes)
    continued = Laboratory(home).continue_run(stopped.id)
    assert continued.wait(PATIENCE)
    assert continued.state_hash == whole.state_hash
    for found in (continued.log, lab.store.load_metrics(stopped.id)):
        assert series(found) == series(whole.log)
        assert found.episodes() == whole.log.episodes()


@pytest.fixture
def perfect_at_once(monkeypatch: pytest.MonkeyPatch) -> DQNSpec:
    """A run whose every selection evaluation is perfect, the first after 20 environment steps and 22 advances."""
    monkeypatch.setattr("engine.learners.dqn.SELECTION_EPISODES", 3)
    monkeypatch.setattr("engine.learners.dqn.CONFIRMATION_EPISODES", 4)
    return dqn_spec(env_steps=60, environment=probes.ENDLESS, keep_best_every_episodes=2)


def test_a_run_continued_after_its_first_perfect_selection_keeps_the_seconds_of_it(
    lab: Laboratory, home: Path, perfect_at_once: DQNSpec
) -> None:
    whole = straight(lab, perfect_at_once)
    assert series(whole.log)["first_perfect"] == [(20, 4)]
    assert len(series(whole.log)["selection"]) > 2
    lab.run_type = stopping_at(25)
    stopped = lab.start(perfect_at_once)
    assert stopped.wait(PATIENCE)
    before = lab.store.run(stopped.id)
    assert before.first_perfect_seconds is not None
    assert 0 < before.first_perfect_seconds < before.seconds
    continued = Laboratory(home).continue_run(stopped.id)
    assert continued.wait(PATIENCE)
    assert lab.store.run(stopped.id).first_perfect_seconds == before.first_perfect_seconds
    assert (continued.state_hash, series(continued.log)) == (whole.state_hash, series(whole.log))


def test_a_run_that_ends_when_perfect_ends_there_finished_and_with_its_best_weights(
    lab: Laboratory, home: Path, perfect_at_once: DQNSpec
) -> None:
    spec = replace(perfect_at_once, config=perfect_at_once.config.replace(end_when_perfect=True))
    run = straight(lab, spec)
    assert (run.status, run.progress, run.counters["env_steps"]) == ("finished", 1.0, 20)
    assert series(run.log)["first_perfect"] == [(20, 4)]
    agents = lab.store.run_folder(run.id) / "agents"
    last, best = ((agents / which / "model.safetensors").read_bytes() for which in ("last", "best"))
    assert last == best
    lab.run_type = stopping_at(21)
    stopped = lab.start(spec)
    assert stopped.wait(PATIENCE)
    continued = Laboratory(home).continue_run(stopped.id)
    assert continued.wait(PATIENCE)
    assert (continued.status, continued.state_hash) == ("finished", run.state_hash)


@pytest.mark.parametrize("older_checkpoint", [False, True])
def test_a_run_resumed_from_before_its_first_perfect_selection_sets_the_seconds_anew(
    lab: Laboratory, home: Path, perfect_at_once: DQNSpec, older_checkpoint: bool
) -> None:
    whole = straight(lab, perfect_at_once)
    lab.run_type = stopping_at(21)
    stopped = lab.start(perfect_at_once)
    assert stopped.wait(PATIENCE)
    before = lab.store.run(stopped.id)
    assert before.first_perfect_seconds is None
    checkpoint = lab.store.run_folder(stopped.id) / "checkpoint"
    state = load_checkpoint(checkpoint).state
    assert state.pop("first_perfect_seconds") is None
    if older_checkpoint:
        save_checkpoint(checkpoint, state)
    # What a process leaves that failed after its first perfect selection, with no checkpoint since.
    log = lab.store.load_metrics(stopped.id)
    lengths, episodes = log.lengths(), log.episode_count
    log.append("first_perfect", 20, 4)
    lab.store.save_metrics(stopped.id, log, lengths, episodes)
    lab.store.update_run(stopped.id, first_perfect_seconds=1e6)
    continued = Laboratory(home).continue_run(stopped.id)
    assert continued.wait(PATIENCE)
    after = lab.store.run(stopped.id)
    assert after.first_perfect_seconds is not None
    assert before.seconds < after.first_perfect_seconds < after.seconds
    assert (continued.state_hash, series(continued.log)) == (whole.state_hash, series(whole.log))


def test_a_paused_run_keeps_a_checkpoint_and_takes_no_step_until_resumed(lab: Laboratory) -> None:
    paused, spec = threading.Event(), dqn_spec(env_steps=300)
    run = Run(lab.store, lab.store.add_run(spec))
    run.listeners.append(lambda job: paused.set() if job.status == Status.PAUSED else None)
    run.pause()
    run.start()
    assert paused.wait(PATIENCE)
    assert lab.store.run(run.id).status == "paused"
    saved = load_checkpoint(lab.store.run_folder(run.id) / "checkpoint").state
    assert run.work is not None
    assert saved["learner"]["counters"] == run.work.counters() == {"episodes": 0, "env_steps": 0, "gradient_steps": 0}
    run.resume()
    assert run.wait(PATIENCE)
    assert run.state_hash == straight(lab, spec).state_hash


def test_a_continued_live_run_is_the_same_run_resumed(lab: Laboratory) -> None:
    paused = threading.Event()
    lab.listeners.append(lambda job: paused.set() if job.status == Status.PAUSED else None)
    run = lab.start(dqn_spec(env_steps=100_000))
    run.pause()
    assert paused.wait(PATIENCE)
    assert lab.live_runs == [run]
    assert lab.continue_run(run.id) is run
    assert not run.pausing


def test_a_finished_run_cannot_be_continued(lab: Laboratory) -> None:
    run = straight(lab, dqn_spec(env_steps=30))
    with pytest.raises(StoreError, match=f"run {run.id} is finished; there is nothing to continue"):
        lab.continue_run(run.id)


def test_closing_the_laboratory_stops_every_run_with_a_checkpoint(home: Path) -> None:
    lab = Laboratory(home)
    lab.places = 2
    runs = [lab.start(dqn_spec(env_steps=10**7, seed=seed)) for seed in (0, 1)]
    lab.close()
    store = Store(home)
    for run in runs:
        assert store.run(run.id).status == "stopped"
        assert (store.run_folder(run.id) / "checkpoint").is_dir()


# --- failure


def test_a_failed_run_carries_its_message_and_keeps_its_metrics(lab: Laboratory) -> None:
    run = lab.start(dqn_spec(environment=probes.EXPLODING))
    assert run.wait(PATIENCE)
    record = lab.store.run(run.id)
    assert (run.status, record.status) == (Status.FAILED, "failed")
    assert record.message == run.error
    assert record.message is not None
    assert record.message.startswith("the loss or the weights stopped being finite numbers")
    assert series(lab.store.load_metrics(run.id)) == series(run.log)
    assert lab.store.load_metrics(run.id).length("return") > 0


def test_a_run_that_cannot_begin_fails_with_one_sentence_and_lets_go(lab: Laboratory) -> None:
    run = lab.start(DQNSpec(dqn_config(environment="Pendulum-v1")))
    assert run.wait(PATIENCE)
    assert run.status == Status.FAILED
    assert run.error is not None
    assert run.error.startswith("environment 'Pendulum-v1' must have a Discrete action")
    lab.delete_run(run.id)
    assert lab.store.runs() == []


def test_a_failed_run_can_be_tried_again_and_its_message_goes_when_it_succeeds(lab: Laboratory, tmp_path: Path) -> None:
    spec = imitation_spec(epochs=1)
    missing = ImitationSpec(spec.config, type(spec.train)(path=str(tmp_path / "rows.csv")), spec.test)
    run = lab.start(missing)
    assert run.wait(PATIENCE)
    assert run.error == f"there is no file {tmp_path / 'rows.csv'}."
    (tmp_path / "rows.csv").write_text("s1,s2,s3,s4,action\n" + "0.1,0.2,0.3,0.4,1\n" * 70)
    again = lab.continue_run(run.id)
    assert again.wait(PATIENCE)
    record = lab.store.run(run.id)
    assert (record.status, record.message, record.counters["gradient_steps"]) == ("finished", None, 2)


# --- side by side


def test_two_runs_in_two_threads_end_as_each_does_alone(lab: Laboratory) -> None:
    specs: list[Spec] = [dqn_spec(env_steps=1_500, seed=3, keep_best_every_episodes=10), imitation_spec(epochs=40)]
    alone = [straight(lab, spec) for spec in specs]
    together = [lab.start(spec) for spec in specs]
    assert len({run.id for run in together}) == 2
    for run, reference in zip(together, alone, strict=True):
        assert run.wait(PATIENCE)
        assert run.state_hash == reference.state_hash
        assert series(run.log) == series(reference.log)


# --- processes

BEGIN = """
import sys
from pathlib import Path
import engine.runs.run
from engine.laboratory import Laboratory
from small import dqn_spec
engine.runs.run.CHECKPOINT_SECONDS = 0.05
lab = Laboratory(Path(sys.argv[1]))
run = lab.start(dqn_spec(env_steps=int(sys.argv[2]), memory_size=1_000, freq_steps_train=8))
run.steps_per_second = 1_000  # So that it is still going when it is looked at, however fast the machine.
print(run.id, flush=True)
run.wait()
"""
CONTINUE = """
import sys
from pathlib import Path
from engine.laboratory import Laboratory
run = Laboratory(Path(sys.argv[1])).continue_run(sys.argv[2])
run.wait()
print(run.status, run.state_hash)
"""


def process(script: str, *arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, text=True, env=environment
    )


def begun(home: Path, env_steps: int) -> tuple[subprocess.Popen[str], str]:
    """A process that works on a run, after the run's second checkpoint."""
    child = process(BEGIN, str(home), str(env_steps))
    assert child.stdout is not None
    run_id = child.stdout.readline().strip()
    store, deadline = Store(home), time.monotonic() + PATIENCE
    hashes: set[str | None] = set()
    between_looks = threading.Event()
    while len(hashes) < 2:
        between_looks.wait(0.02)
        assert child.poll() is None
        assert time.monotonic() < deadline
        hashes |= {store.run(run_id).state_hash} - {None}
    store.close()
    return child, run_id


def test_a_run_whose_process_was_killed_is_continued_by_another_to_the_same_end(lab: Laboratory, home: Path) -> None:
    child, run_id = begun(home, 3_000)
    child.kill()
    assert child.wait(PATIENCE) == -signal.SIGKILL
    assert 0 < lab.store.run(run_id).counters["env_steps"] < 3_000
    follower = process(CONTINUE, str(home), run_id)
    output, _ = follower.communicate(timeout=PATIENCE)
    whole = straight(lab, dqn_spec(env_steps=3_000, memory_size=1_000, freq_steps_train=8))
    assert output.split() == ["finished", whole.state_hash]
    stored = lab.store.load_metrics(run_id)
    assert series(stored) == series(whole.log)
    assert stored.episodes() == whole.log.episodes()


def test_a_run_that_lives_in_another_process_is_left_to_it_and_known_as_interrupted_after_its_death(
    lab: Laboratory, home: Path
) -> None:
    child, run_id = begun(home, 10**7)
    try:
        with pytest.raises(StoreError, match=f"run {run_id} is being worked on by another process; stop it there"):
            lab.continue_run(run_id)
        with pytest.raises(StoreError, match=f"run {run_id} is still being worked on; stop it first"):
            lab.delete_run(run_id)
        assert Laboratory(home).store.run(run_id).status == "running"
    finally:
        child.kill()
        child.wait(PATIENCE)
    assert Laboratory(home).store.run(run_id).status == Status.INTERRUPTED
    continued = lab.continue_run(run_id)
    continued.stop()
    assert continued.wait(PATIENCE)
    assert continued.status == Status.STOPPED


# --- when something cannot be written, or read again


def test_a_checkpoint_that_cannot_be_written_under_way_ends_nothing(
    lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = straight(lab, dqn_spec(env_steps=120))
    tries = 0

    def full_at_first(folder: Path, state: dict[str, Any]) -> None:
        nonlocal tries
        tries += 1
        if tries <= 3:
            raise OSError("No space left on device")
        save_checkpoint(folder, state)

    monkeypatch.setattr("engine.runs.run.CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr("engine.runs.run.save_checkpoint", full_at_first)
    run = straight(lab, dqn_spec(env_steps=120))
    assert run.warning == "no checkpoint could be written: No space left on device"
    assert tries > 4, "it was tried again"
    assert run.state_hash == whole.state_hash
    assert series(lab.store.load_metrics(run.id)) == series(whole.log)


def test_a_run_whose_newest_checkpoint_is_damaged_goes_on_from_the_one_before_to_the_same_end(
    lab: Laboratory, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = straight(lab, dqn_spec(env_steps=300))
    with monkeypatch.context() as often:
        often.setattr("engine.runs.run.CHECKPOINT_SECONDS", 0.0)
        lab.run_type = stopping_at(200)
        stopped = lab.start(dqn_spec(env_steps=300))
        assert stopped.wait(PATIENCE)
    folder = lab.store.run_folder(stopped.id) / "checkpoint"
    _, newest = sorted(folder.glob("*.safetensors"))
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    continued = Laboratory(home).continue_run(stopped.id)
    assert continued.wait(PATIENCE)
    assert continued.warning is not None
    assert newest.name in continued.warning
    assert "goes on from the checkpoint before" in continued.warning
    assert (continued.state_hash, series(continued.log)) == (whole.state_hash, series(whole.log))


def test_a_run_without_a_sound_checkpoint_fails_with_one_sentence_and_keeps_what_there_is(
    lab: Laboratory, home: Path
) -> None:
    lab.run_type = stopping_at(50)
    stopped = lab.start(dqn_spec(env_steps=300))
    assert stopped.wait(PATIENCE)
    files = sorted((lab.store.run_folder(stopped.id) / "checkpoint").glob("*.safetensors"))
    for file in files:
        file.write_bytes(b"")
    continued = Laboratory(home).continue_run(stopped.id)
    assert continued.wait(PATIENCE)
    assert continued.status == Status.FAILED
    assert continued.error is not None
    assert "\n" not in continued.error
    assert sorted((lab.store.run_folder(stopped.id) / "checkpoint").glob("*.safetensors")) == files


def test_an_environment_that_is_not_deterministic_is_found_out_when_a_run_goes_on(lab: Laboratory, home: Path) -> None:
    lab.run_type = stopping_at(33)
    stopped = lab.start(dqn_spec(env_steps=300, environment=probes.UNSEEDED))
    assert stopped.wait(PATIENCE)
    continued = Laboratory(home).continue_run(stopped.id)
    assert continued.wait(PATIENCE)
    assert continued.status == Status.FAILED
    assert continued.error is not None
    assert "cannot be brought back to where the run stopped" in continued.error


# --- names and presets


def test_a_run_is_continued_by_its_name_and_a_live_one_is_the_same_run(lab: Laboratory, home: Path) -> None:
    lab.run_type = stopping_at(20)
    stopped = lab.start(dqn_spec(env_steps=60), name="mine")
    assert stopped.wait(PATIENCE)
    continued = Laboratory(home).continue_run("mine")
    assert continued.wait(PATIENCE)
    assert (continued.id, continued.status) == (stopped.id, Status.FINISHED)


def test_a_presets_budget_can_be_another_where_it_has_one() -> None:
    assert preset_spec("bad", episodes=7).to_dict()["episodes"] == 7
    assert preset_spec("linear", samples=7).to_dict()["train"]["samples"] == 7
    with pytest.raises(ConfigError, match="'linear' learns from rows and has no training episodes"):
        preset_spec("linear", episodes=7)
    with pytest.raises(ConfigError, match="'bad' learns from episodes and has no training rows"):
        preset_spec("bad", samples=7)


def test_what_was_changed_from_a_preset_leaves_the_seed_out() -> None:
    settings = preset_spec("bad").config.to_dict()
    assert changed_settings("bad", settings | {"seed": 9}) == {}
    assert changed_settings("bad", settings | {"seed": 9, "batch_size": 9}) == {"batch_size": 9}
    assert changed_settings("no preset", settings) == changed_settings(None, settings) == {}
