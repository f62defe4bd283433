"""`dqn-lab tune`, from outside: exact JSON keys, figures as `train` gives them, stops, kills, and several at work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import lab, lab_json, refusal

from engine.runs.study_storage import FILE

KEYS = ["study", "storage", "preset", "kind", "status", "maximised", "seeds", "trials", "env_steps", "best", "check"]
KEYS += ["importance", "export", "seconds"]
BEST_KEYS = ["trial", "score", "scores", "successes", "settings"]
CHECK_KEYS = ["seeds", "scores", "mean", "interval", "failed", "successes", "success_interval"]
SPACE = "[learning_rate]\nlow = 1e-3\nhigh = 1e-2\nlog = true\n[batch_size]\nchoices = [8, 16]\n"
HELD = ["--set", "nn_hidden_layers=[8]", "--set", "n_steps_warm_up_memory=10", "--set", "keep_best_every_episodes=1"]
SHORT = ["tune", "--episodes", "3", *HELD]
# Seconds of work in few environment steps, so that a stop finds a trial under way.
HEAVY = [*SHORT, "--set", "freq_steps_train=1", "--set", "n_gradient_steps=100", "--check-seeds", "0", "--trials", "3"]
HEAVY += ["--pruner", "none", "--seeds", "2"]
PATIENCE_SECONDS = 60


@pytest.fixture
def space(tmp_path: Path) -> Path:
    file = tmp_path / "space.toml"
    file.write_text(SPACE)
    return file


def started(*args: str | Path) -> subprocess.Popen[str]:
    """`dqn-lab ARGS --json` in a process group of its own, as a terminal starts it."""
    return subprocess.Popen(
        [sys.executable, "-c", "from tui_lab.cli import main; main()", *map(str, args), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def trials(url: str) -> list[tuple[str, str | None]]:
    """State and worker of each trial of the only study there, by number; none before there is one. Changes nothing."""
    from sqlalchemy import create_engine, pool, text
    from sqlalchemy.exc import DatabaseError

    query = (
        "SELECT trials.state, named.value_json FROM trials LEFT JOIN trial_user_attributes AS named "
        "ON named.trial_id = trials.trial_id AND named.key = 'worker' ORDER BY trials.number"
    )
    try:
        with create_engine(url, poolclass=pool.NullPool).connect() as connection:
            return [(row[0], row[1]) for row in connection.execute(text(query))]
    except DatabaseError:
        return []


def states(url: str) -> list[str]:
    return [state for state, _ in trials(url)]


def wait_until(condition: Callable[[], bool]) -> None:
    """Look until it holds; fails where it does not for a minute."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline


def read_until(process: subprocess.Popen[str], words: str) -> None:
    """Wait for a line on standard error with these words."""
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return
    raise AssertionError(f"it never said {words!r}")


def freeze_when(process: subprocess.Popen[str], condition: Callable[[], bool]) -> None:
    """Hold a process as soon as the condition is found to be true, and is still true when it is held."""

    def caught() -> bool:
        assert process.poll() is None, "it ended before it could be caught"
        if not condition():
            return False
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        if condition():
            return True
        process.send_signal(signal.SIGCONT)
        return False

    wait_until(caught)


def test_a_search_prints_one_object_and_the_same_command_only_reports(space: Path, tmp_path: Path) -> None:
    command = [*SHORT, "--space", space, "--trials", "3", "--seeds", "2", "--check-seeds", "2", "--export"]
    found = lab_json(*command, tmp_path / "winner.toml")
    assert list(found) == KEYS
    assert (list(found["best"]), list(found["check"])) == (BEST_KEYS, CHECK_KEYS)
    assert (found["kind"], found["preset"], found["status"]) == ("dqn", "robust", "finished")
    assert (found["seeds"], found["check"]["seeds"]) == ([0, 1], [2, 3])
    assert found["trials"] == {"complete": 3, "pruned": 0, "failed": 0, "running": 0, "waiting": 0}
    assert found["best"]["score"] == sum(found["best"]["scores"]) / 2
    assert lab_json("runs", "list")["runs"] == [], "trials are no runs"

    again = lab_json(*command, tmp_path / "winner.json")
    same = set(KEYS) - {"seconds", "export"}
    assert {key: again[key] for key in same} == {key: found[key] for key in same}

    seeds = [*found["seeds"], *found["check"]["seeds"]]
    scores = [*found["best"]["scores"], *found["check"]["scores"]]
    for file, seed, score in zip([tmp_path / "winner.toml", tmp_path / "winner.json"] * 2, seeds, scores, strict=True):
        trained = lab_json("train", "--preset", file, "--seed", str(seed))
        assert trained["best"]["mean"] == score
        assert (trained["preset"], trained["episodes"]) == (file.name, 3)
    said = lab("train", "--preset", tmp_path / "winner.toml").stderr
    assert f"trial {found['best']['trial']} of study {found['study']}" in said

    text = lab("--glyphs", "ascii", *command, tmp_path / "winner.toml").stdout
    assert text.isascii()
    for words in ("in the search", "on fresh seeds", "winner's curse", "mean return by learning_rate", "0 of 2"):
        assert words in text


def test_imitation_is_searched_by_its_test_accuracy(tmp_path: Path) -> None:
    space = tmp_path / "space.toml"
    space.write_text("[nn_hidden_layers]\nchoices = [[], [8]]\n[epochs]\nlow = 2\nhigh = 3\n")
    preset = tmp_path / "small.toml"
    preset.write_text(
        "kind = 'imitation'\n[settings]\nnn_hidden_layers = [8]\n[train]\nagent = 'angle'\nsamples = 200\n"
        "[test]\nagent = 'angle'\nsamples = 100\nseed = 1\n"
    )
    found = lab_json(
        *("tune", "--preset", preset, "--space", space, "--trials", "2", "--seeds", "1", "--check-seeds", "2"),
        *("--sampler", "random", "--export", tmp_path / "winner.json"),
    )
    assert (found["kind"], found["maximised"], found["env_steps"]) == ("imitation", "test accuracy", 0)
    assert found["best"]["successes"] is None
    assert found["check"]["successes"] is None
    assert "trains on rows" in refusal("train", "--preset", tmp_path / "winner.json")

    files = {}
    for side, samples, seed in (("train", 200, 0), ("test", 100, 1)):
        files[side] = tmp_path / f"{side}.csv"
        lab("generate", "angle", "--samples", str(samples), "--seed", str(seed), "--output", files[side])
    settings = found["best"]["settings"]
    hidden = ",".join(map(str, settings["nn_hidden_layers"])) or "none"
    fitted = lab_json(
        *("fit", "--train", files["train"], "--test", files["test"]),
        *("--hidden", hidden, "--epochs", str(settings["epochs"])),
    )
    assert fitted["test_accuracy"] == found["best"]["score"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_after_ctrl_c_the_same_command_goes_on_with_the_trial_it_was_at(space: Path, home: Path) -> None:
    url = f"sqlite:///{home / FILE}"
    process = started(*HEAVY, "--space", space)
    read_until(process, "trial 0 complete")
    freeze_when(process, lambda: "RUNNING" in states(url))
    os.killpg(process.pid, signal.SIGINT)
    os.killpg(process.pid, signal.SIGCONT)
    out, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130, errors
    assert "the same command goes on" in errors
    assert "Traceback" not in errors
    stopped: dict[str, Any] = json.loads(out)
    assert list(stopped) == KEYS
    assert (stopped["status"], stopped["check"]) == ("stopped", None)
    assert stopped["trials"]["running"] == 0
    assert stopped["trials"]["waiting"] >= 1

    done = lab_json(*HEAVY, "--space", space)
    assert done["study"] == stopped["study"]
    assert done["trials"] == {"complete": 3, "pruned": 0, "failed": 0, "running": 0, "waiting": 0}


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_after_kill_9_completed_trials_stay_and_the_running_one_is_tried_again(space: Path, home: Path) -> None:
    url = f"sqlite:///{home / FILE}"
    process = started(*HEAVY, "--space", space)
    read_until(process, "trial 0 complete")
    freeze_when(process, lambda: "RUNNING" in states(url))
    process.kill()
    process.communicate(timeout=PATIENCE_SECONDS)
    before = states(url)
    done = lab_json(*HEAVY, "--space", space)
    after = states(url)
    assert done["trials"] == {"complete": 3, "pruned": 0, "failed": 0, "running": 0, "waiting": 0}
    assert after.count("FAIL") == before.count("RUNNING") > 0
    assert [state for state in after[: len(before)] if state == "COMPLETE"] == ["COMPLETE"] * before.count("COMPLETE")


def test_two_processes_share_one_study_and_do_no_trial_twice(space: Path, home: Path) -> None:
    command = [*SHORT, "--space", space, "--trials", "7", "--check-seeds", "2", "--pruner", "none"]
    both = [started(*command), started(*command)]
    found = []
    for process in both:
        out, errors = process.communicate(timeout=2 * PATIENCE_SECONDS)
        assert process.returncode == 0, errors
        found.append(json.loads(out))
    assert states(f"sqlite:///{home / FILE}") == ["COMPLETE"] * 7
    assert found[0]["best"] == found[1]["best"]
    assert found[0]["check"] == found[1]["check"]


@pytest.mark.parametrize(
    ("args", "words", "code"),
    [
        (["--storage", "nonsense"], "--storage should be the URL of a database", 2),
        (["--storage", "postgresql+psycopg://127.0.0.1:1/none"], "cannot be reached", 1),
        (["--storage", "sqlite:////nowhere/x.db"], "/nowhere", 2),
        (["--sampler", "best"], "no sampler 'best'", 2),
        (["--pruner", "best"], "no pruner 'best'", 2),
        (["--preset", "robsut"], "did you mean 'robust'?", 2),
        (["--preset", "nowhere.toml"], "nowhere.toml cannot be read", 2),
        (["--space", "nowhere.toml"], "nowhere.toml cannot be read", 2),
        (["--set", "batch_size=8"], "batch_size is in the search space", 2),
        (["--set", "batch_sise=8"], "did you mean 'batch_size'?", 2),
        (["--export", "winner.txt"], ".toml or .json", 2),
        (["--preset", "mlp-1", "--env-steps", "9"], "--env-steps", 2),
        (["--preset", "mlp-1", "--episodes", "9"], "learns from rows", 2),
        (["--trials", "0"], "--trials", 2),
        (["--minutes", "0"], "--minutes", 2),
    ],
)
def test_misuse_is_one_sentence(args: list[str], words: str, code: int) -> None:
    assert words in refusal("tune", *args, code=code)


def test_another_plan_under_the_same_name_is_refused(space: Path) -> None:
    command = [*SHORT, "--space", space, "--study", "mine", "--check-seeds", "0", "--trials", "1", "--seeds"]
    assert lab_json(*command, "1")["study"] == "mine"
    assert "the seeds 0, not 0, 1" in refusal(*command, "2")


def test_a_search_in_which_nothing_works_fails_with_the_reason(tmp_path: Path) -> None:
    space = tmp_path / "space.toml"
    space.write_text("[n_steps_warm_up_memory]\nchoices = [20, 30]\n")
    result = lab("tune", "--space", space, "--set", "memory_size=30", "--set", "n_steps_warm_up_memory=10", code=2)
    assert "in the search space" in result.stderr
    space.write_text("[memory_size]\nchoices = [5, 6]\n")
    result = lab(*SHORT, "--space", space, "--trials", "2", "--json", code=1)
    found = json.loads(result.stdout)
    assert list(found) == KEYS
    assert (found["best"], found["trials"]["failed"]) == (None, 2)
    assert "must be at most memory_size" in result.stderr


def test_a_search_without_time_for_a_trial_fails_and_its_next_one_has_all_to_do(space: Path) -> None:
    command = [*SHORT, "--space", space, "--check-seeds", "0", "--seeds", "1"]
    result = lab(*command, "--minutes", "0.00001", "--json", code=1)
    assert json.loads(result.stdout)["best"] is None
    assert "no trial" in result.stderr
    assert lab_json(*command, "--trials", "1")["trials"]["complete"] == 1
