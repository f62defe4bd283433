"""A kind of learner is one entry: a third one, which lives in the tests alone, does all that the lab's own two do."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import torch

import engine
import tui_lab
from engine.agents.agent import NetworkAgent
from engine.agents.evaluation import evaluate
from engine.agents.recording import record_episode
from engine.analysis.grading import grade
from engine.laboratory import Laboratory
from engine.learners import kinds as registry
from engine.learners.kind import Kind, Preset
from engine.learners.kinds import (
    kind_named,
    kinds,
    preset_spec,
    presets,
    register,
    settings_from_dict,
    settings_to_dict,
    spec_from_dict,
    unregister,
)
from engine.learners.metrics import MetricLog
from engine.learners.settings import ConfigError
from engine.learners.specs import EpisodesSpec, Spec
from engine.runs.run import Run
from engine.runs.seeds import run_seeds
from engine.storage.agent_folders import load_agent, save_agent
from engine.storage.export import export_agent, export_csv, export_json
from engine.storage.library import find_agent, import_agent
from engine.storage.records import Status
from tests.engine import probes
from tests.engine.kinds.third import third_kind
from tests.engine.small import dqn_config, dqn_spec, finish, series

if TYPE_CHECKING:
    from tests.engine.kinds.sarsa import Sarsa
    from tests.engine.kinds.sarsa_learner import SarsaLearner

PATIENCE = 60
ROOT = Path(engine.__file__).parent.parent
PRESETS = ("sarsa", "sarsa-car")


@pytest.fixture(autouse=True)
def third() -> Iterator[Sarsa]:
    with third_kind() as kind:
        yield kind


@pytest.fixture
def lab(home: Path) -> Iterator[Laboratory]:
    laboratory = Laboratory(home)
    yield laboratory
    laboratory.close()


def short(name: str = "sarsa", env_steps: int = 300, **settings: Any) -> EpisodesSpec:
    """A preset's spec that is over soon."""
    spec = preset_spec(name)
    assert isinstance(spec, EpisodesSpec)
    return replace(spec, config=spec.config.replace(**settings), max_env_steps=env_steps)


def learner_of(spec: Spec) -> SarsaLearner:
    learner = kind_named("sarsa").learner(spec, MetricLog(), lambda side: pytest.fail("it asked for rows"))
    return cast("SarsaLearner", learner)


def finished(lab: Laboratory, spec: Spec, **labels: str) -> Run:
    run = lab.start(spec, **labels)
    assert run.wait(PATIENCE)
    assert run.status == Status.FINISHED, run.error
    return run


# --- the entry


def test_importing_its_module_is_all_that_it_takes() -> None:
    statements = (
        "import json, sys, tests.engine.kinds.sarsa\n"
        "from engine.learners.kinds import kinds, presets\n"
        "print(json.dumps([list(kinds()), list(presets())[-2:], 'torch' in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", statements], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [["dqn", "imitation", "sarsa"], list(PRESETS), False]


def test_neither_engine_nor_app_names_it() -> None:
    for package in (engine, tui_lab):
        for path in Path(package.__path__[0]).rglob("*.py"):
            assert "sarsa" not in path.read_text(encoding="utf-8").lower(), path


def test_a_kind_is_there_from_its_registration_until_it_is_forgotten(third: Sarsa) -> None:
    assert list(kinds()) == ["dqn", "imitation", "sarsa"]
    assert kind_named("sarsa") is third
    unregister("sarsa")
    assert "sarsa" not in presets()
    with pytest.raises(ConfigError, match="there is no kind of learner 'sarsa' here; there are dqn, imitation"):
        kind_named("sarsa")
    assert register(third) is register(third), "twice is once"
    assert kinds()["sarsa"] is third


def test_a_name_belongs_to_one_kind_even_where_both_classes_are_called_alike(third: Sarsa) -> None:
    other: type[Kind] = type("Sarsa", (type(third),), {"__module__": "elsewhere"})
    with pytest.raises(ValueError, match="there is a kind of learner 'sarsa' already"):
        register(other())
    specs = type("OtherSpec", (third.spec_type,), {"kind": "other"})
    body = {"name": "other", "spec_type": specs, "presets": (Preset("bad", "", third.presets[0].spec, ""),)}
    taken: type[Kind] = type("Other", (type(third),), body)
    with pytest.raises(ValueError, match="the preset 'bad' belongs to the kind 'dqn'"):
        register(taken())
    assert list(kinds()) == ["dqn", "imitation", "sarsa"]


def test_a_kind_whose_specs_name_another_is_refused(third: Sarsa) -> None:
    other: type[Kind] = type("Other", (type(third),), {"name": "other"})
    with pytest.raises(ValueError, match="the specs of kind 'other' should name it, not 'sarsa'"):
        register(other())


def test_another_package_makes_its_kinds_known_by_an_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    module = "tests.engine.kinds.sarsa"
    entry = EntryPoint(name="sarsa", value=module, group="dqn_lab.kinds")
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry] if group == entry.group else [])
    monkeypatch.delitem(sys.modules, module, raising=False)
    registry._load.cache_clear()
    try:
        assert list(kinds()) == ["dqn", "imitation", "sarsa"]
    finally:
        unregister("sarsa")
        registry._load.cache_clear()


def test_its_settings_say_what_is_wrong_and_name_their_kind_in_a_file(third: Sarsa) -> None:
    config = preset_spec("sarsa").config
    values = settings_to_dict("sarsa", config)
    assert values["kind"] == "sarsa"
    assert settings_from_dict(json.loads(json.dumps(values))) == (third, config)
    del values["kind"]
    with pytest.raises(ConfigError, match="'recent' is not a setting"):
        settings_from_dict(values)  # Without a kind, settings with a discount factor are the course's.
    assert settings_from_dict(values, usual="sarsa") == (third, config)
    with pytest.raises(ConfigError, match="did you mean 'batch_size'"):
        settings_from_dict({"kind": "sarsa", "nn_hidden_layers": [8], "batch_sise": 3})
    with pytest.raises(ConfigError, match=r"epsilon_end \(0.95\) must be at most epsilon_start \(0.9\)"):
        config.replace(epsilon_end=0.95)
    with pytest.raises(ConfigError, match="Nowhere-v0"):
        third.check(short(environment="Nowhere-v0"))
    course = dqn_config().to_dict()
    assert settings_to_dict("dqn", dqn_config()) == course, "the course's own settings stay as the course has them"


# --- the learner


def test_a_transition_holds_the_action_that_was_really_taken_next() -> None:
    learner = finish(learner_of(short(env_steps=200, recent=200)))
    rows = learner.state()["recent"]
    begun_anew = {int(episode.env_step) for episode in learner.log.episodes()}
    inside = np.array([row for row in range(199) if row + 1 not in begun_anew])
    assert len(inside) > 150
    assert (rows["next_actions"][inside] == rows["actions"][inside + 1]).all()
    assert (rows["next_states"][inside] == rows["states"][inside + 1]).all()
    assert rows["ended"].sum() == sum(episode.terminated for episode in learner.log.episodes())


def test_the_td_error_is_measured_against_the_value_of_that_action() -> None:
    learner = learner_of(short(batch_size=1, discount_factor=0.5))
    before, target = learner.network.flat.clone(), learner.target
    learner.advance()
    first = {name: torch.from_numpy(column[:1]) for name, column in learner.state()["recent"].items()}
    learned = learner.network.flat.clone()
    learner.network.flat.copy_(before)
    said = learner.network.forward(first["states"])[0, int(first["actions"])]
    following = target.forward(first["next_states"])[0, int(first["next_actions"])]
    assert learner.log.last("td_error") == pytest.approx(float(abs(1 + 0.5 * following - said)), rel=1e-5)
    assert not torch.equal(learned, before)


def test_it_learns_to_balance_the_pole() -> None:
    """A random agent balances for 22 steps."""
    learner = finish(learner_of(preset_spec("sarsa")))
    agent = NetworkAgent("last", learner.policies()["last"], "sarsa", learner.config)
    assert evaluate(agent, 100).returns.mean() > 100


@pytest.mark.parametrize("name", PRESETS)
def test_all_its_randomness_is_its_own(name: str, global_generators: Callable[[], list[Any]]) -> None:
    before = global_generators()
    first = finish(learner_of(short(name)))
    assert global_generators() == before
    assert series(finish(learner_of(short(name))).log) == series(first.log)
    assert series(finish(learner_of(short(name, seed=1))).log) != series(first.log)


# --- runs


@pytest.mark.parametrize("name", PRESETS)
def test_a_run_is_kept_with_its_kind_metrics_and_agent(lab: Laboratory, name: str) -> None:
    spec = short(name)
    run = finished(lab, spec, preset=name)
    record = lab.store.run(run.id)
    assert (record.kind, record.preset, record.status, record.progress) == ("sarsa", name, "finished", 1.0)
    assert (record.title, record.counters["env_steps"], record.counters["gradient_steps"]) == (name, 300, 300)
    assert spec_from_dict(record.kind, record.spec) == spec
    assert series(lab.store.load_metrics(run.id)) == series(run.log)
    assert {"return", "td_error"} == set(run.log.names)
    agent = load_agent(lab.store.run_folder(run.id) / "agents" / "last")
    assert (agent.kind, agent.config, agent.environment) == ("sarsa", spec.config, spec.config.to_dict()["environment"])
    assert agent.values_are == "Q"
    assert lab.latest(spec) == record
    assert lab.next_seed(spec) == 1


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


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("cuts", [(1,), (37, 64), (299,)])
def test_stopped_and_continued_in_a_new_laboratory_it_ends_like_one_straight_through(
    lab: Laboratory, home: Path, tmp_path: Path, name: str, cuts: tuple[int, ...]
) -> None:
    spec = short(name, recent=100)
    undisturbed = finished(lab, spec)
    lab.run_type = stopping_at(cuts[0])
    run = lab.start(spec)
    assert run.wait(PATIENCE)
    for cut in [*cuts[1:], 10_000]:
        assert run.status == Status.STOPPED
        again = Laboratory(home)
        again.run_type = stopping_at(cut)
        run = again.continue_run(run.id)
        assert run.wait(PATIENCE)
        again.close()
    assert run.status == Status.FINISHED
    assert run.state_hash == undisturbed.state_hash
    assert run.counters == undisturbed.counters
    assert series(run.log) == series(undisturbed.log)
    assert run.log.episodes() == undisturbed.log.episodes()


def test_a_run_that_diverges_fails_with_a_sentence_and_keeps_nothing_that_is_not_finite(lab: Laboratory) -> None:
    run = lab.start(short(environment=probes.EXPLODING, nn_hidden_layers=[4], learning_rate=1.0))
    assert run.wait(PATIENCE)
    assert (run.status, lab.store.run(run.id).status) == (Status.FAILED, "failed")
    assert run.error is not None
    assert "stopped being finite numbers; try a lower learning_rate." in run.error
    assert lab.store.load_metrics(run.id).names == ()


def test_seeds_are_trained_in_processes_that_know_the_kind_from_the_spec(lab: Laboratory) -> None:
    spec = short()
    outcomes = {outcome.seed: outcome for outcome in run_seeds(lab, spec, (0, 1), preset="sarsa")}
    assert {outcome.status for outcome in outcomes.values()} == {"finished"}
    assert all(outcome.complete for outcome in outcomes.values())
    assert outcomes[0].state_hash == finished(lab, spec).state_hash
    assert outcomes[1].state_hash == finished(lab, spec.with_seed(1)).state_hash
    assert {lab.store.run(outcome.run or "").kind for outcome in outcomes.values()} == {"sarsa"}


# --- what is made of them


def test_a_run_is_listed_with_its_headline_and_then_with_what_it_scored(lab: Laboratory) -> None:
    run = finished(lab, short(), preset="sarsa")
    record = lab.store.run(run.id)
    mean = float(run.log.read("return")[1][-10:].mean())
    listed = lab.outcome(record)
    assert listed is not None
    assert (listed.name, listed.form) == ("mean return", "return")
    assert listed.value == pytest.approx(mean)
    job = lab.evaluation(run.id, 20, 0)
    job.start()
    assert job.wait(PATIENCE)
    assert job.result is not None
    listed = lab.outcome(record)
    assert listed is not None
    assert (listed.name, listed.value) == ("greedy", job.result.returns.mean())


def test_latest_means_the_newest_finished_run_of_a_preset_and_its_agent_acts_where_it_learned(lab: Laboratory) -> None:
    finished(lab, short("sarsa-car"), preset="sarsa-car")  # With another budget it is not the preset's.
    with pytest.raises(ValueError, match="there is no finished run of preset 'sarsa-car' yet"):
        find_agent(lab.store, "latest:sarsa-car")
    finished(lab, preset_spec("sarsa-car", seed=3), preset="sarsa-car")
    agent = find_agent(lab.store, "latest:sarsa-car")
    assert isinstance(agent, NetworkAgent)
    recording = record_episode(agent, 0, agent.environment)
    assert recording.facts.id == "MountainCar-v0"
    assert recording.values is not None
    assert recording.values.shape[1] == 3
    assert recording.values_are == "Q"


def test_a_run_is_exported_like_any_other(lab: Laboratory, tmp_path: Path) -> None:
    run = finished(lab, short())
    export_csv(tmp_path / "csv", lab.store.load_metrics(run.id))
    with (tmp_path / "csv" / "metrics.csv").open(encoding="utf-8") as file:
        points = [float(row["y"]) for row in csv.DictReader(file) if row["series"] == "td_error"]
    assert points == run.log.read("td_error")[1].tolist()
    whole = json.loads(json.dumps(export_json(lab.store, lab.store.run(run.id)), allow_nan=False))
    assert whole["run"]["kind"] == "sarsa"
    assert whole["metrics"]["td_error"]["y"] == points
    assert len(whole["episodes"]) == run.counters["episodes"]


def test_an_agent_folder_names_the_kind_and_comes_back_as_it(lab: Laboratory, tmp_path: Path) -> None:
    run = finished(lab, short())
    export_agent(lab.store, run.id, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "hparams.json").read_text())["kind"] == "sarsa"
    agent = import_agent(lab.store, tmp_path / "out", "kept")
    assert (agent.kind, agent.config) == ("sarsa", run.spec.config)
    save_agent(tmp_path / "again", agent)
    for name in ("hparams.json", "model.safetensors", "card.json"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()


def test_homework_is_graded_by_what_the_agent_is_not_by_who_trained_it(lab: Laboratory) -> None:
    run, car = finished(lab, short()), finished(lab, short("sarsa-car"))
    two_layers = finished(lab, short(nn_hidden_layers=[8, 8]))
    simple = grade(lab.store, 2, run.id)
    assert (simple.passed, simple.measured["hidden_layers"], simple.measured["episodes"]) == (False, [64], 1_000)
    assert "of 1,000 episodes reached 500" in simple.reason
    assert "MountainCar-v0; the challenge is about CartPole-v1" in grade(lab.store, 2, car.id).reason
    assert "has 2 hidden layers" in grade(lab.store, 2, two_layers.id).reason
    assert "learned from rewards" in grade(lab.store, 1, run.id).reason
    assert grade(lab.store, 2).measured["agent"] == run.id, "the newest that fits, not the newest"
    assert "there is no run on 10,000 training rows yet" in grade(lab.store, 1).reason


def test_runs_of_a_kind_that_is_not_there_any_more_stay_and_are_told_in_a_sentence(
    lab: Laboratory, third: Sarsa
) -> None:
    run = finished(lab, short())
    other = finished(lab, dqn_spec(env_steps=60))
    unregister("sarsa")
    records = {record.id: record for record in lab.store.runs()}
    assert set(records) == {run.id, other.id}
    assert lab.outcome(records[run.id]) is None
    assert lab.outcome(records[other.id]) is not None
    assert series(lab.store.load_metrics(run.id)) == series(run.log)
    with pytest.raises(ValueError, match="there is no kind of learner 'sarsa' here"):
        find_agent(lab.store, run.id)
    register(third)
    assert isinstance(find_agent(lab.store, run.id), NetworkAgent)
