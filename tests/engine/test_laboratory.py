"""The front door: finding agents by every kind of name, evaluating and recording them, keeping and deleting."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.agents.agent import NetworkAgent
from engine.agents.evaluation import evaluate
from engine.agents.names import AgentError
from engine.agents.recording import record_episode
from engine.agents.starts import Evaluated, Start
from engine.laboratory import KEPT_LOGS, Laboratory
from engine.learners.config import DQNConfig
from engine.learners.kind import Figure
from engine.learners.kinds import kind_named, preset, preset_spec
from engine.learners.metrics import MetricLog
from engine.learners.samples import DataError
from engine.learners.settings import ConfigError
from engine.learners.specs import DQNSpec, Spec
from engine.runs.run import Run
from engine.storage.agent_folders import load_agent
from engine.storage.checkpoint import load_checkpoint
from engine.storage.data_sets import read_csv
from engine.storage.library import delete_agent, find_agent, import_agent
from engine.storage.names import SHIPPED, agent_names
from engine.storage.plays import KeptPlay
from engine.storage.records import EvaluationRecord, Status, StoreError
from tests.engine.small import dqn_spec, imitation_spec

PATIENCE = 60
RULE = "linear:0.1,0.2,1,0.5"


@pytest.fixture
def lab(home: Path) -> Iterator[Laboratory]:
    laboratory = Laboratory(home)
    yield laboratory
    laboratory.close()


def finished(lab: Laboratory, spec: Spec, **labels: str) -> Run:
    run = lab.start(spec, preset=labels.get("preset"))
    assert run.wait(PATIENCE)
    assert run.status == Status.FINISHED
    return run


@pytest.fixture(autouse=True)
def short_budgets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two episodes are the whole budget of these presets here."""
    kind = kind_named("dqn")
    short = [replace(one, spec=replace(one.spec, episodes=2)) for one in kind.presets]  # type: ignore[call-arg]
    monkeypatch.setattr(type(kind), "presets", tuple(short))


def course_run(name: str = "bad", *, seed: int = 0) -> DQNSpec:
    """A preset's run with its whole budget."""
    config = preset(name).config
    assert isinstance(config, DQNConfig)
    return DQNSpec(config.replace(seed=seed), episodes=2)


def weights(lab: Laboratory, text: str) -> list[float]:
    agent = find_agent(lab.store, text)
    assert isinstance(agent, NetworkAgent)
    assert agent.name == text
    return agent.network.flat.tolist()


def wait_until(condition: Callable[[], bool]) -> None:
    """Let other threads work until something is so."""
    turn = threading.Event()
    for _ in range(PATIENCE * 100):
        if condition():
            return
        turn.wait(0.01)
    raise AssertionError("waited in vain")


def arrived(log: MetricLog) -> MetricLog:
    """A log that is read in the background, once it is there."""
    wait_until(lambda: bool(log.names))
    return log


# --- finding agents


@pytest.mark.parametrize("rule", ["random", "left", "right", "angle", RULE])
def test_a_rule_is_found_by_its_name(lab: Laboratory, rule: str) -> None:
    assert find_agent(lab.store, rule).name == rule


def test_shipped_and_saved_agents_and_folders_are_found(lab: Laboratory, tmp_path: Path) -> None:
    shipped = load_agent(SHIPPED / "perfect").network.flat.tolist()
    assert weights(lab, "perfect") == shipped
    assert weights(lab, str(SHIPPED / "perfect")) == shipped
    import_agent(lab.store, SHIPPED / "perfect", "copy")
    assert weights(lab, "copy") == shipped


def test_a_run_is_found_by_its_id_its_best_standing_for_it(lab: Laboratory) -> None:
    run = finished(lab, dqn_spec(env_steps=400, keep_best_every_episodes=3, learning_rate=0.02))
    learner = load_checkpoint(lab.store.run_folder(run.id) / "checkpoint").state["learner"]
    agents = {"last": learner["network"].tolist(), "best": learner["best"].tolist()}
    assert agents["last"] != agents["best"]
    assert weights(lab, f"{run.id}:last") == agents["last"]
    assert weights(lab, f"{run.id}:best") == weights(lab, run.id) == agents["best"]
    plain = finished(lab, dqn_spec(env_steps=30))
    assert weights(lab, plain.id) == weights(lab, f"{plain.id}:last")
    with pytest.raises(AgentError, match=f"run {plain.id} has no agent 'best'; it has last"):
        find_agent(lab.store, f"{plain.id}:best")


def test_latest_is_the_newest_finished_run_of_the_preset_as_it_is(lab: Laboratory) -> None:
    finished(lab, course_run(seed=1), preset="bad")
    newest = finished(lab, course_run(seed=2), preset="bad")
    finished(lab, course_run("robust", seed=3), preset="robust")
    finished(lab, dqn_spec(env_steps=30), preset="bad")  # begun from the preset, but with settings changed
    for budget in ({"episodes": 1}, {"max_env_steps": 20}):  # or with another budget
        finished(lab, replace(course_run(seed=5), **budget), preset="bad")
    unfinished = lab.store.add_run(course_run(seed=4), "bad")
    lab.store.update_run(unfinished.id, status="stopped")
    assert weights(lab, "latest:bad") == weights(lab, newest.id)
    latest = lab.latest(preset_spec("bad"))
    assert latest is not None
    assert latest.id == unfinished.id


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nobody", r"^there is no agent 'nobody'; it should be a saved agent \(perfect.*or a rule \(random, left"),
        ("latest:bad", "^there is no finished run of preset 'bad' yet; train one first"),
        ("latest:nothing", "^there is no preset 'nothing'"),
        ("linear:1,2", "should give four numbers"),
        ("zzzz9:best", "^there is no agent 'zzzz9:best'"),
        ("../perfect", "^there is no agent"),
        ("/nowhere/agent", "^there is no agent '/nowhere/agent'"),
    ],
)
def test_a_name_of_no_agent_gets_one_sentence(lab: Laboratory, name: str, sentence: str) -> None:
    with pytest.raises((AgentError, ConfigError), match=sentence) as refused:
        find_agent(lab.store, name)
    assert "\n" not in str(refused.value)


def test_a_run_without_an_agent_yet_says_so(lab: Laboratory) -> None:
    record = lab.store.add_run(dqn_spec())
    with pytest.raises(AgentError, match=f"run {record.id} has no agent yet; it saves one when"):
        find_agent(lab.store, record.id)


# --- saved agents


def test_an_imported_agent_is_listed_until_it_is_deleted(lab: Laboratory) -> None:
    shipped = agent_names(lab.store)
    assert "perfect" in shipped
    import_agent(lab.store, SHIPPED / "perfect", "mine")
    assert agent_names(lab.store) == sorted([*shipped, "mine"])
    delete_agent(lab.store, "mine")
    assert agent_names(lab.store) == shipped


@pytest.mark.parametrize("name", ["", "../mine", "a b", ".hidden", "a/b", "a:b", "x" * 65])
def test_a_name_that_cannot_be_typed_is_refused(lab: Laboratory, name: str) -> None:
    with pytest.raises(AgentError, match="should be a name of letters, digits, dots, dashes and underscores"):
        import_agent(lab.store, SHIPPED / "perfect", name)


@pytest.mark.parametrize("name", ["perfect", "random", "left", "right", "angle"])
def test_the_names_of_what_comes_with_the_lab_are_taken(lab: Laboratory, name: str) -> None:
    with pytest.raises(AgentError, match=f"the name '{name}' belongs to an agent that comes with the lab"):
        import_agent(lab.store, SHIPPED / "perfect", name)


def test_an_import_never_overwrites_and_takes_only_valid_agents(lab: Laboratory, tmp_path: Path) -> None:
    import_agent(lab.store, SHIPPED / "perfect", "mine")
    with pytest.raises(AgentError, match="there is an agent 'mine' already"):
        import_agent(lab.store, SHIPPED / "perfect", "mine")
    with pytest.raises(AgentError, match=r"has no model\.safetensors"):
        import_agent(lab.store, tmp_path, "other")
    assert not (lab.store.agents_folder() / "other").exists()


@pytest.mark.parametrize("name", ["perfect", "nobody", "..", "../runs"])
def test_only_saved_agents_can_be_deleted(lab: Laboratory, name: str) -> None:
    lab.store.agents_folder().mkdir(parents=True)
    (lab.store.home / "runs").mkdir()
    with pytest.raises(AgentError, match="there is no saved agent"):
        delete_agent(lab.store, name)
    assert (SHIPPED / "perfect").is_dir()
    assert (lab.store.home / "runs").is_dir()


# --- evaluations, data and recordings


def test_an_evaluation_job_keeps_the_result_that_evaluate_gives(lab: Laboratory) -> None:
    run = finished(lab, course_run(), preset="bad")
    for agent, of_run in (("angle", None), ("latest:bad", run.id), (f"{run.id}:last", run.id)):
        job = lab.evaluation(agent, 20, 4)
        job.start()
        assert job.wait(PATIENCE)
        assert job.status == Status.FINISHED
        (kept,) = lab.store.evaluations(agent=agent)
        expected = evaluate(find_agent(lab.store, agent), 20, 4)
        assert (kept.run, kept.seed, kept.perfect) == (of_run, 4, expected.perfect)
        np.testing.assert_array_equal(lab.store.returns(kept.id), expected.returns)


def test_a_kept_evaluation_is_found_again_for_the_same_question_only(lab: Laboratory) -> None:
    finished(lab, course_run(), preset="bad")
    job = lab.evaluation("latest:bad", 5, 4)
    job.start()
    assert job.wait(PATIENCE)
    assert lab.kept_evaluation("latest:bad", 5, 4) is not None
    assert lab.kept_evaluation("latest:bad", 6, 4) is None
    assert lab.kept_evaluation("latest:bad", 5, 3) is None
    finished(lab, course_run(seed=1), preset="bad")
    assert lab.kept_evaluation("latest:bad", 5, 4) is None


def test_a_stopped_evaluation_is_not_kept_and_an_unknown_agent_is_the_jobs_error(lab: Laboratory) -> None:
    job = lab.evaluation(RULE, 5, 0)
    job.pause()
    job.start()
    job.stop()
    assert job.wait(PATIENCE)
    assert job.status == Status.STOPPED
    unknown = lab.evaluation("nobody", 5, 0)
    unknown.start()
    assert unknown.wait(PATIENCE)
    assert unknown.error is not None
    assert unknown.error.startswith("there is no agent 'nobody'")
    assert lab.store.evaluations() == []


@pytest.mark.parametrize("agent", [RULE, "perfect", str(SHIPPED / "perfect")])
def test_a_data_set_is_kept_as_csv_inside_the_home_folder(lab: Laboratory, home: Path, agent: str) -> None:
    job = lab.data_set(agent, 30, 2)
    job.start()
    assert job.wait(PATIENCE)
    assert job.path.parent == home / "data"
    assert job.samples is not None
    np.testing.assert_array_equal(read_csv(job.path).states, job.samples.states)
    assert len(job.samples) == 30


def test_a_recording_is_the_agents_episode(lab: Laboratory) -> None:
    recording = lab.recording("angle", Start(3))
    np.testing.assert_array_equal(recording.states, record_episode(find_agent(lab.store, "angle"), 3).states)


def evaluated(lab: Laboratory, agent: str, seed: int = 4) -> EvaluationRecord:
    job = lab.evaluation(agent, 1_000, seed)
    job.start()
    assert job.wait(PATIENCE)
    kept = lab.evaluation_to_watch(agent)
    assert kept is not None
    return kept


@pytest.mark.parametrize("agent", ["random", "angle", "linear:0,0,1,1"])
def test_the_worst_and_the_best_start_of_an_evaluation_are_its_episodes_to_the_bit(lab: Laboratory, agent: str) -> None:
    kept = evaluated(lab, agent)
    returns = lab.store.returns(kept.id)
    worst, best = (lab.evaluated_recording(agent, kept, which) for which in ("worst", "best"))
    assert (worst.total_reward, best.total_reward) == (kept.min, kept.max)
    assert worst.start == Start(4, Evaluated(int(returns.argmin()), 1_000))
    assert best.start == Start(4, Evaluated(int(returns.argmax()), 1_000))
    again = lab.recording(agent, worst.start)
    np.testing.assert_array_equal(again.states, worst.states)


def test_the_evaluation_to_watch_is_the_newest_of_a_thousand_starts_from_any_seed(lab: Laboratory) -> None:
    assert lab.evaluation_to_watch("angle") is None
    small = lab.evaluation("angle", 10, 1)
    small.start()
    assert small.wait(PATIENCE)
    assert lab.evaluation_to_watch("angle") is None
    assert evaluated(lab, "angle", 8).seed == 8
    assert evaluated(lab, "angle", 9).seed == 9


def test_a_run_is_watched_by_the_evaluation_of_its_weights_under_whichever_name(lab: Laboratory) -> None:
    run = finished(lab, imitation_spec(epochs=1))
    evaluated(lab, f"{run.id}:last")
    kept = lab.evaluation_to_watch(run.id)
    assert kept is not None
    assert lab.evaluated_recording(run.id, kept, "worst").total_reward == kept.min


def test_an_agent_that_has_changed_since_its_evaluation_is_not_passed_off_as_it_was(lab: Laboratory) -> None:
    kept = evaluated(lab, "angle")
    lab.store.add_evaluation("angle", None, kept.environment, 4, 0, 1.0, lab.store.returns(kept.id) + 1)
    newer = lab.evaluation_to_watch("angle")
    assert newer is not None
    with pytest.raises(AgentError, match="or PyTorch has changed since"):
        lab.evaluated_recording("angle", newer, "worst")


# --- playing it oneself


def play_like(lab: Laboratory, rule: str, *seeds: int) -> list[KeptPlay]:
    kept = []
    for seed in seeds:
        play = lab.play(seed)
        for action in lab.recording(rule, Start(seed)).actions:
            play.step(int(action))
        kept.append(lab.keep_play(play, 0.5))
    return kept


def test_what_was_played_is_replayed_as_it_was(lab: Laboratory) -> None:
    (kept,) = play_like(lab, "angle", 5)
    assert lab.kept_plays() == [kept]
    replayed, recorded = lab.played_recording(kept), lab.recording("angle", Start(5))
    np.testing.assert_array_equal(replayed.states, recorded.states)
    np.testing.assert_array_equal(replayed.actions, recorded.actions)
    assert (replayed.agent, replayed.start) == ("you", Start(5))


def test_a_play_whose_file_was_changed_is_refused(lab: Laboratory) -> None:
    (kept,) = play_like(lab, "angle", 5)
    lines = kept.path.read_text().splitlines()
    lines[-2] = lines[-2][:-1] + str(1 - int(lines[-2][-1]))
    kept.path.write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match="its actions lead elsewhere"):
        lab.played_recording(kept)


def test_a_clone_is_trained_on_what_was_played_and_each_has_a_name_of_its_own(lab: Laboratory) -> None:
    play_like(lab, RULE, 1)
    with pytest.raises(DataError, match="two episodes"):
        lab.train_played_clone()
    play_like(lab, RULE, 2)
    first = lab.train_played_clone()
    assert first.wait(PATIENCE)
    assert (first.status, first.title) == (Status.FINISHED, "my-clone-1")
    assert (first.kind.name, first.log.length("test_accuracy")) == ("imitation", first.spec.config.epochs)  # type: ignore[attr-defined]
    assert lab.recording("my-clone-1", Start(1)).values_are == "score"
    second = lab.train_played_clone()
    assert second.title == "my-clone-2"
    assert second.wait(PATIENCE)
    assert {"my-clone-1", "my-clone-2"} <= set(agent_names(lab.store))


# --- runs


def test_deleting_a_run_takes_its_agents_and_spares_a_live_one(lab: Laboratory) -> None:
    run = finished(lab, imitation_spec(epochs=1))
    lab.delete_run(run.id)
    assert not lab.store.run_folder(run.id).exists()
    with pytest.raises(StoreError, match=f"there is no run '{run.id}'"):
        lab.delete_run(run.id)
    live = lab.start(dqn_spec(env_steps=10**7))
    with pytest.raises(StoreError, match=f"run {live.id} is still being worked on"):
        lab.delete_run(live.id)


def test_the_metrics_of_a_run_are_the_live_log_or_what_was_saved(lab: Laboratory, home: Path) -> None:
    run = lab.start(dqn_spec(env_steps=60))
    assert lab.log(run.record) is run.log
    assert run.wait(PATIENCE)
    later = Laboratory(home)
    saved = arrived(later.log(run.record))
    assert saved.lengths() == run.log.lengths()
    assert later.log(run.record) is saved, "what was read once is not read again"


def test_a_run_that_has_just_ended_never_shows_an_empty_chart(lab: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Laboratory, "_fill", lambda *_: None)
    run = lab.start(dqn_spec(env_steps=60))
    wait_until(lambda: run.id not in lab.runs)
    assert lab.log(lab.store.run(run.id)).lengths() == run.log.lengths()


def test_a_log_follows_what_another_process_writes(lab: Laboratory, home: Path) -> None:
    other = Laboratory(home)
    run = finished(other, dqn_spec(env_steps=60))
    before = run.record
    log = arrived(lab.log(before))
    run.log.append("loss", 61, 1.0)
    lab.store.save_metrics(run.id, run.log, {}, 0)
    later = dataclasses.replace(before, progress=0.5)  # Two looks may fall into the same second.
    version = log.version
    assert lab.log(later) is log
    wait_until(lambda: log.version != version)
    assert log.last("loss") == 1.0


def test_a_second_reading_of_a_run_is_waited_for_when_the_first_is_over(
    lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(lab, dqn_spec(env_steps=60))
    record = lab.store.run(run.id)
    saved = lab.store.load_metrics(run.id, episodes=False)
    gates = [threading.Event(), threading.Event()]
    waiting, ended, fill = list(gates), list[int](), lab._fill

    def load(*_: object, **__: object) -> MetricLog:
        waiting.pop(0).wait(PATIENCE)
        return saved

    def filled(run_id: str, log: MetricLog) -> None:
        fill(run_id, log)
        ended.append(1)

    monkeypatch.setattr(lab.store, "load_metrics", load)
    monkeypatch.setattr(lab, "_fill", filled)
    lab.log(dataclasses.replace(record, progress=0.1))
    lab.log(dataclasses.replace(record, progress=0.2))
    wait_until(lambda: not waiting)
    gates[0].set()
    wait_until(lambda: len(ended) == 1)
    assert lab.moving, "a screen would not look again, and never show what the second one finds"
    gates[1].set()
    wait_until(lambda: len(ended) == 2 and not lab.moving)


def test_only_the_logs_looked_at_last_are_kept(lab: Laboratory) -> None:
    records = [lab.store.add_run(dqn_spec(seed=seed)) for seed in range(KEPT_LOGS + 1)]
    first = lab.log(records[0])
    for record in records[1:]:
        lab.log(record)
    assert lab.log(records[0]) is not first
    assert lab.log(records[-1]) is lab.log(records[-1])


def test_a_run_that_trained_on_is_not_listed_with_what_its_former_agent_scored(lab: Laboratory) -> None:
    run = lab.start(replace(dqn_spec(env_steps=10**6), episodes=5))
    assert run.wait(PATIENCE)
    lab.store.label_run(run.id, updated="2020-01-01T00:00:00+00:00")
    lab.store.add_evaluation("x", run.id, "CartPole-v1", 0, 0, 1.0, np.array([77.0]))
    before = lab.outcome(lab.store.run(run.id))
    assert before == Figure("greedy", 77.0, "return")
    assert lab.store.run_heads()[0].mean == 77.0
    lab.store.label_run(run.id, updated="2999-01-01T00:00:00+00:00")
    after = lab.outcome(lab.store.run(run.id))
    assert after is not None
    assert after.name == "mean return"
    assert lab.store.run_heads()[0].mean is None
    assert lab.headline(lab.store.run_heads()[0]) == after
