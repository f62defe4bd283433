"""Many seeds: each as if trained alone, none trained twice, and no seed harmed by what ends another's process."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from engine.agents.evaluation import evaluate
from engine.analysis.statistics import bootstrap_interval, interquartile_mean, wilson_interval
from engine.laboratory import Laboratory
from engine.learners.metrics import MetricLog
from engine.learners.specs import DQNSpec
from engine.runs.crew import LocalCrew
from engine.runs.run import Run
from engine.runs.seeds import SeedOutcome, run_seeds, summarise
from engine.storage.library import find_agent
from engine.storage.records import Status
from tests.engine.small import dqn_spec

PATIENCE = 60
SPEC = dqn_spec(env_steps=120, keep_best_every_episodes=4)
# Some seconds of work, so that a stop comes before its end.
HEAVY = dqn_spec(env_steps=600, freq_steps_train=1, n_gradient_steps=40, nn_hidden_layers=[64])


@pytest.fixture
def lab(home: Path) -> Iterator[Laboratory]:
    laboratory = Laboratory(home)
    yield laboratory
    laboratory.close()


def alone(lab: Laboratory, spec: DQNSpec, seed: int) -> Run:
    """A run of one seed in a thread of this process, as `train` starts it."""
    run = lab.start(spec.with_seed(seed))
    assert run.wait(PATIENCE)
    assert run.status == Status.FINISHED
    return run


def outcomes(lab: Laboratory, spec: DQNSpec, *seeds: int, **extra: Any) -> list[SeedOutcome]:
    return sorted(run_seeds(lab, spec, seeds, **extra), key=lambda outcome: outcome.seed)


# --- one after another, and again


def test_a_seed_comes_out_as_if_trained_alone_and_is_read_when_asked_for_again(
    lab: Laboratory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = alone(lab, SPEC, 4)
    shares: list[float] = []
    found = outcomes(lab, SPEC, 3, 4, report=shares.append)
    elsewhere = Laboratory(tmp_path / "elsewhere")
    single = alone(elsewhere, SPEC, 3)
    assert [(o.seed, o.status, o.message, o.diverged) for o in found] == [
        (3, "finished", None, False),
        (4, "finished", None, False),
    ]
    assert found[1].run == trained.id, "a finished run is evaluated, not trained again"
    assert len(lab.store.runs()) == 2
    assert found[0].state_hash == single.state_hash
    counters = {"episodes": found[0].episodes, "env_steps": found[0].env_steps}
    assert {**counters, "gradient_steps": found[0].gradient_steps} == single.counters
    for which, figures in (("last", found[0].last), ("best", found[0].best)):
        assert figures == evaluate(find_agent(elsewhere.store, f"{single.id}:{which}"), 1_000, 0).summary()
    assert shares[-1] == 1.0
    elsewhere.close()

    monkeypatch.setattr(LocalCrew, "send", None)
    assert outcomes(lab, SPEC, 3, 4) == found, "and without a process"


def test_an_evaluation_from_before_a_runs_end_is_not_taken_for_its_result(lab: Laboratory) -> None:
    class StoppingRun(Run):
        def _advanced(self) -> None:
            if self.counters["env_steps"] == 60:
                self.stop()

    lab.run_type = StoppingRun
    stopped = lab.start(SPEC.with_seed(5))
    assert stopped.wait(PATIENCE)
    assert stopped.status == Status.STOPPED
    early = lab.evaluation(f"{stopped.id}:last", 1_000, 0)
    early.start()
    assert early.wait(PATIENCE)
    (found,) = outcomes(lab, SPEC, 5)
    assert (found.run, found.status, found.env_steps) == (stopped.id, "finished", 120)
    assert found.last == evaluate(find_agent(lab.store, f"{stopped.id}:last"), 1_000, 0).summary()
    assert len(lab.store.evaluations(agent=f"{stopped.id}:last")) == 2


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_killed_and_a_stopped_seed_go_on_to_the_state_of_an_undisturbed_run(lab: Laboratory, tmp_path: Path) -> None:
    def running() -> bool:
        return any(record.seed == 1 and record.status == "running" for record in lab.store.runs())

    def kill_seed_1(_share: float) -> None:
        for process in multiprocessing.active_children():
            if process.name == "worker 1" and running():
                process.kill()

    one, two = outcomes(lab, HEAVY, 1, 2, report=kill_seed_1)
    assert (one.status, one.last, one.diverged) == ("failed", None, False)
    assert one.message == "the process of seed 1 was ended by SIGKILL; what it saved until then is kept."
    assert two.status == "finished"
    assert two.last is not None
    Laboratory(lab.store.home).close()  # A later process finds the run interrupted.
    assert one.run is not None
    assert lab.store.run(one.run).status == "interrupted"

    stopped, same = outcomes(lab, HEAVY, 1, 2, stopping=running)
    assert (stopped.run, stopped.status, stopped.message, stopped.last) == (one.run, "stopped", None, None)
    assert (lab.store.run_folder(one.run) / "checkpoint").is_dir()
    assert same == two

    (done,) = outcomes(lab, HEAVY, 1)
    elsewhere = Laboratory(tmp_path / "elsewhere")
    assert (done.run, done.status) == (one.run, "finished")
    assert done.state_hash == alone(elsewhere, HEAVY, 1).state_hash
    elsewhere.close()


def test_once_asked_to_stop_no_seed_begins(lab: Laboratory) -> None:
    assert outcomes(lab, SPEC, 1, 2, stopping=lambda: True) == []
    assert lab.store.runs() == []


# --- what fails


def test_a_diverging_seed_counts_as_not_perfect(lab: Laboratory) -> None:
    config = SPEC.config.replace(state_scale=[1e-30, 1, 1, 1])
    (found,) = outcomes(lab, replace(SPEC, config=config), 1)
    assert (found.status, found.diverged, found.last, found.best) == ("failed", True, None, None)
    assert "stopped being finite numbers" in (found.message or "")


def test_a_seed_that_another_process_works_on_is_named(lab: Laboratory) -> None:
    record = lab.store.add_run(SPEC.with_seed(6))
    lab.store.run_folder(record.id).mkdir(parents=True)
    with FileLock(lab.store.run_folder(record.id) / "lock"):
        (found,) = outcomes(lab, SPEC, 6)
    assert (found.run, found.status, found.diverged) == (record.id, "failed", False)
    assert "being worked on by another process" in (found.message or "")


# --- reading and summing up


def test_the_first_perfect_selection_is_told_in_environment_steps_and_seconds(lab: Laboratory) -> None:
    for seed, first, seconds in ((1, (130, 3), 9.5), (2, None, None)):
        log = MetricLog()
        log.append("selection", 2, 480.0)
        if first:
            log.append("selection", 3, 500.0)
            log.append("first_perfect", *first)
        record = lab.store.add_run(SPEC.with_seed(seed))
        lab.store.save_metrics(record.id, log, {}, 0)
        lab.store.update_run(record.id, status="finished", seconds=12.0, first_perfect_seconds=seconds)
    one, two = outcomes(lab, SPEC, 1, 2)
    assert (one.first_perfect_env_steps, one.first_perfect_seconds) == (130, 9.5)
    assert (two.first_perfect_env_steps, two.first_perfect_seconds) == (None, None)


def outcome(seed: int, mean: float | None, *, steps: int | None = None, **changes: Any) -> SeedOutcome:
    """A finished seed that kept no best; it trained 100 environment steps a second."""
    perfect = 1_000 if mean == 500 else 7
    figures = mean and {"mean": mean, "std": 0.0, "min": 1.0, "max": 500.0, "perfect": perfect, "episodes": 1_000}
    seconds = None if steps is None else steps / 100
    plain = SeedOutcome(seed, "run", "finished", 9, 9, 9, 1.0, figures or None, None, steps, seconds, "hash", None)
    return replace(plain, **changes)


def test_a_summary_by_hand() -> None:
    found = summarise([outcome(seed, mean) for seed, mean in enumerate([500, 400, 500, 10, 450])])
    assert found["best"] is None
    assert found["last"] == {
        "success_rate": 0.4,
        "success_interval": list(wilson_interval(2, 5)),
        "perfect": 2,
        "solved": None,
        "iqm": pytest.approx((0.75 * 400 + 450 + 0.75 * 500) / 2.5),
        "iqm_interval": list(bootstrap_interval([500, 400, 500, 10, 450], interquartile_mean)),
        "seeds": 5,
    }


def test_a_summary_counts_what_diverged_but_not_what_was_cut_short() -> None:
    best = outcome(0, 500).last
    found = summarise(
        [
            outcome(1, 400, best=best),
            outcome(2, None, status="failed", diverged=True),
            outcome(3, None, status="failed"),
            outcome(4, None, status="stopped"),
            outcome(5, None),
        ]
    )
    assert [(found[which]["perfect"], found[which]["seeds"]) for which in ("last", "best")] == [(0, 2), (1, 2)]
    assert (found["last"]["iqm"], found["last"]["iqm_interval"]) == (400, None)
    nothing = {"last": None, "best": None, "first_perfect_env_steps": None, "first_perfect_seconds": None}
    assert summarise([]) == nothing


@pytest.mark.parametrize(
    ("steps", "middle"), [([30, 10, None], 30), ([30, 10, None, None], None), ([None, 10, 20, 40], 30), ([None], None)]
)
def test_a_seed_that_never_came_to_a_perfect_selection_counts_as_later_than_all(
    steps: list[int | None], middle: float | None
) -> None:
    found = summarise([outcome(seed, 300, steps=step) for seed, step in enumerate(steps)])
    assert found["first_perfect_env_steps"] == middle
    assert found["first_perfect_seconds"] == (middle and pytest.approx(middle / 100))


def test_importing_it_loads_no_torch() -> None:
    heavy = "{'torch', 'gymnasium', 'pandas'}"
    code = f"import engine.runs.seeds, engine.analysis.statistics, sys; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
