"""`dqn-lab train --seeds`, from outside: exact JSON keys, results as seed by seed, and a command that goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
from command_line import FIGURES, SMALL, lab, lab_json, refusal

from engine.runs import seed_work
from engine.runs.seeds import SeedOutcome, summarise
from tui_lab.commands import options, outcome
from tui_lab.commands.seeds import summary_text

KEYS = ["preset", "seeds", "last", "best", "first_perfect_env_steps", "first_perfect_seconds", "seconds"]
SEED_KEYS = [
    "seed",
    "run",
    "status",
    "episodes",
    "env_steps",
    "gradient_steps",
    "seconds",
    "last",
    "best",
    "first_perfect_env_steps",
    "first_perfect_seconds",
    "state_hash",
    "message",
    "diverged",
]
SUMMARY_KEYS = ["success_rate", "success_interval", "perfect", "solved", "iqm", "iqm_interval", "seeds"]
QUICK = ["--set", "n_steps_warm_up_memory=20", "--set", "n_gradient_steps=1", "--set", "keep_best_every_episodes=1"]
TRAIN = ["train", *SMALL, *QUICK, "--seed", "5"]
HEAVY = ["train", "--preset", "good-2", "--episodes", "1000", "--max-steps", "60", "--set", "freq_steps_train=1"]
HEAVY += ["--set", "n_steps_warm_up_memory=10", "--set", "n_gradient_steps=40", "--seed", "1"]


def test_seeds_are_trained_as_one_by_one_and_the_same_command_only_reports() -> None:
    found = lab_json(*TRAIN, "--seeds", "2")
    assert list(found) == KEYS
    assert found["preset"] == "robust"
    assert [list(seed) for seed in found["seeds"]] == [SEED_KEYS, SEED_KEYS]
    assert [seed["seed"] for seed in found["seeds"]] == [5, 6]
    for which in ("last", "best"):
        assert list(found[which]) == SUMMARY_KEYS
        assert (found[which]["seeds"], found[which]["perfect"]) == (2, 0)
        assert list(found["seeds"][0][which]) == FIGURES

    again = lab(*TRAIN, "--seeds", "2", "--json")
    assert {**json.loads(again.stdout), "seconds": 0} == {**found, "seconds": 0}
    assert len(again.stderr.splitlines()) == 3, "what it does, and a line a seed"
    assert len(lab_json("runs", "list")["runs"]) == 2

    single = lab_json(*TRAIN)
    first = found["seeds"][0]
    same = ("seed", "status", "episodes", "env_steps", "gradient_steps", "last", "best", "state_hash")
    assert {key: first[key] for key in same} == {key: single[key] for key in same}

    lines = lab(*TRAIN, "--seeds", "2").stdout.splitlines()
    assert [line.split()[:2] for line in lines[:2]] == [["seed", "5"], ["seed", "6"]]
    assert any(line.startswith("best weights") and "0 of 2" in line for line in lines)


def test_the_first_perfect_selection_is_told_in_steps_and_seconds() -> None:
    figures = {"mean": 500.0, "std": 0.0, "min": 500.0, "max": 500.0, "perfect": 1_000, "episodes": 1_000}

    def said(*firsts: tuple[int, float] | tuple[None, None]) -> str:
        seeds = [
            SeedOutcome(seed, "run", "finished", 9, 9, 9, 1.0, figures, figures, *first, "hash", None)
            for seed, first in enumerate(firsts)
        ]
        lines = summary_text(summarise(seeds), seeds).splitlines()
        (line,) = [line for line in lines if line.startswith("first perfect selection")]
        return line.removeprefix("first perfect selection").strip()

    assert said((9_000, 14.2), (20_000, 30.0), (13_231, 21.4)) == (
        "3 of 3 seeds, median after 13,231 environment steps and 21 s"
    )
    assert said((9_000, 14.2), (None, None)) == "1 of 2 seeds"


def test_the_evaluation_is_that_of_a_single_seeds_training() -> None:
    assert seed_work.EVALUATION_EPISODES == options.DEFAULT_EPISODES
    assert seed_work.EVALUATION_SEED == outcome.SEED


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_after_ctrl_c_the_same_command_ends_where_an_undisturbed_one_ends() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", "from tui_lab.cli import main; main()", *HEAVY, "--seeds", "2", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    assert "2 seeds of good-2" in process.stderr.readline()
    os.killpg(process.pid, signal.SIGINT)  # As a terminal sends it: to every process of the command.
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "the same command goes on" in errors
    assert "Traceback" not in errors
    stopped = json.loads(out)
    assert list(stopped) == KEYS
    assert {seed["status"] for seed in stopped["seeds"]} <= {"stopped"}

    done = lab_json(*HEAVY, "--seeds", "1")
    assert {seed["run"] for seed in stopped["seeds"] if seed["seed"] == 1} <= {done["seeds"][0]["run"]}
    assert done["seeds"][0]["state_hash"] == lab_json(*HEAVY)["state_hash"]


def test_a_failed_seed_is_an_object_a_sentence_and_exit_code_1() -> None:
    result = lab(*TRAIN, "--set", "state_scale=[1e-30,1,1,1]", "--seeds", "1", "--json", code=1)
    found = json.loads(result.stdout)
    assert list(found) == KEYS
    assert (found["last"], found["seeds"][0]["status"]) == (None, "failed")
    assert "stopped being finite numbers" in found["seeds"][0]["message"]
    assert "1 of 1 seed did not finish" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--seeds", "2", "--name", "mine"], "--name"),
        (["--seeds", "0"], "--seeds"),
        (["--seeds", "2", "--set", "environment=Nowhere-v0"], "Nowhere-v0"),
        (["--seeds", "2", "--seed", str(2**63 - 1)], "seed must be"),
    ],
)
def test_misuse_is_one_sentence_and_starts_no_run(args: list[str], words: str) -> None:
    assert words in refusal("train", *args)
    assert lab_json("runs", "list")["runs"] == []
