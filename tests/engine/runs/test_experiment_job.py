"""An experiment seen through: runs are trained once, kept like any other, and the expectation stays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.analysis.experiments import Shown
from engine.laboratory import Laboratory
from engine.learners.draft import Draft
from engine.learners.kind import Preset
from engine.learners.kinds import preset
from engine.learners.settings import ConfigError
from engine.learners.specs import Spec
from engine.runs.experiment_job import ExperimentJob
from engine.runs.seed_work import EVALUATION_EPISODES, EVALUATION_SEED
from engine.storage.records import Status
from tests.engine.runs.inline_crew import InlineCrew
from tests.engine.small import dqn_spec, imitation_spec

PATIENCE = 120


def draft(spec: Spec | None = None, **changes: Any) -> Draft:
    """Small settings with a change, against small settings."""
    made = Draft(Preset("small", "small settings", spec or dqn_spec(env_steps=60), "the tests' own"))
    for name, value in (changes or {"learning_rate": 0.01}).items():
        made = made.put(name, value)
    return made


@pytest.fixture
def crew(monkeypatch: pytest.MonkeyPatch) -> InlineCrew:
    made = InlineCrew()
    monkeypatch.setattr("engine.runs.experiment_job.LocalCrew", lambda *_args, **_extra: made)
    return made


@pytest.fixture
def lab(home: Path) -> Any:
    made = Laboratory(home)
    yield made
    made.close()


def seen_through(job: ExperimentJob) -> ExperimentJob:
    assert job.wait(PATIENCE)
    assert job.status == Status.FINISHED, job.error
    return job


def test_an_experiment_trains_both_sides_from_the_same_seeds_and_is_there_another_day(
    lab: Laboratory, crew: InlineCrew, home: Path
) -> None:
    assert lab.runs_to_train(draft(), 2) == 4
    job = seen_through(lab.begin_experiment(draft(), 2, "better"))
    assert crew.sent == [("baseline", 0), ("changed", 0), ("baseline", 1), ("changed", 1)]
    assert crew.closed
    found = job.experiment
    assert found.complete
    assert found.difference is not None
    assert lab.runs_to_train(draft(), 2) == 0
    for score in found.scores:
        record = lab.store.run(score.run)
        assert (record.seed, record.status, record.preset) == (score.seed, Status.FINISHED, "small")
        kept = lab.kept_evaluation(f"{record.id}:last", EVALUATION_EPISODES, EVALUATION_SEED)
        assert kept is not None
        assert score.score == kept.mean

    later = Laboratory(home)
    assert later.experiments() == [found]
    assert later.experiments()[0].expected == "better"
    later.close()


def test_runs_that_are_there_are_used_and_not_trained_again(lab: Laboratory, crew: InlineCrew) -> None:
    seen_through(lab.begin_experiment(draft(), 1, "better"))
    job = seen_through(lab.begin_experiment(draft(learning_rate=0.02), 1, "same"))
    assert crew.sent == [("baseline", 0), ("changed", 0), ("changed", 0)]
    assert lab.store.count_runs() == 3
    assert job.experiment.shown == Shown.ONE_SEED
    assert [one.expected for one in lab.experiments()] == ["same", "better"]


def test_the_same_experiment_again_keeps_what_was_expected_first(lab: Laboratory, crew: InlineCrew) -> None:
    first = seen_through(lab.begin_experiment(draft(), 1, "better"))
    again = seen_through(lab.begin_experiment(draft(), 1, "worse"))
    assert again.experiment == first.experiment
    assert len(lab.experiments()) == 1


def test_an_experiment_that_was_stopped_goes_on(lab: Laboratory, crew: InlineCrew) -> None:
    crew.allowed = 1
    job = lab.begin_experiment(draft(), 2, "better")
    while not job.experiment.scores:
        assert job.status in (Status.STARTING, Status.RUNNING), job.error
    assert lab.at_work == ["experiment with small"]
    job.stop()
    assert job.wait(PATIENCE)
    assert job.status == Status.STOPPED
    left = len(job.experiment.scores)
    assert 1 <= left < 4
    crew.allowed = None
    job = seen_through(lab.continue_experiment(job.experiment))
    assert job.experiment.complete
    assert lab.store.count_runs() == 4, "what was begun was gone on with"


def test_an_experiment_of_imitation_is_scored_by_its_kinds_own_figure(lab: Laboratory, crew: InlineCrew) -> None:
    made = draft(imitation_spec(epochs=2), epochs=1)
    job = seen_through(lab.begin_experiment(made, 2, "worse"))
    for score in job.experiment.scores:
        assert score.score == pytest.approx(lab.store.last_values(score.run, "test_accuracy")[-1])
    assert job.experiment.difference is not None


def test_a_process_that_dies_is_told_and_its_run_is_tried_again(lab: Laboratory, crew: InlineCrew) -> None:
    crew.lost = {("changed", 0)}
    job = seen_through(lab.begin_experiment(draft(), 1, "better"))
    (failed,) = [one for one in job.experiment.scores if one.score is None]
    assert failed.message == "its process was ended by SIGKILL; what it saved until then is kept."
    assert not failed.diverged
    crew.lost = set()
    assert seen_through(lab.continue_experiment(job.experiment)).experiment.complete


def test_settings_that_diverge_are_no_score_and_are_not_trained_again(lab: Laboratory, crew: InlineCrew) -> None:
    wild = draft(dqn_spec(env_steps=400), learning_rate=1.0, max_grad_norm=1e30)
    wild = wild.put("state_scale", [1e-30, 1e-30, 1e-30, 1e-30])
    job = seen_through(lab.begin_experiment(wild, 1, "worse"))
    assert job.experiment.diverged == {"baseline": 0, "changed": 1}
    assert job.experiment.complete
    assert job.experiment.shown == Shown.NOTHING_YET


def test_nothing_is_kept_of_what_cannot_be_compared(lab: Laboratory, crew: InlineCrew) -> None:
    with pytest.raises(ConfigError, match="change a setting first"):
        lab.begin_experiment(Draft(preset("bad")), 3, "better")
    with pytest.raises(ConfigError, match="never starts"):
        lab.begin_experiment(draft(memory_size=1), 3, "better")
    assert lab.experiments() == []


def test_an_experiment_of_an_unknown_kind_or_a_damaged_one_hides_no_other(lab: Laboratory, crew: InlineCrew) -> None:
    seen_through(lab.begin_experiment(draft(), 1, "better"))
    spec = dqn_spec().to_dict()
    lab.store.add_experiment("alien", "alien", {}, {}, (1,), "better")
    lab.store.add_experiment("small", "dqn", spec, replace(dqn_spec()).to_dict() | {"config": {}}, (1,), "better")
    assert [one.preset for one in lab.experiments()] == ["small"]


@pytest.mark.slow
def test_processes_of_this_machine_do_the_same(lab: Laboratory) -> None:
    job = seen_through(lab.begin_experiment(draft(), 1, "better"))
    assert job.experiment.complete
