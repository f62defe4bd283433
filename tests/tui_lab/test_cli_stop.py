"""Signals and import hygiene: what only a process of its own, or a signal to this one, can show."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import FIT_KEYS, TRAIN_KEYS, lab, lab_json, refusal, rows

from tui_lab.commands import outcome

# Some seconds of work in few environment steps, so that a stop comes long before the end.
HEAVY = ["train", "--episodes", "1000", "--max-steps", "100", "--set", "freq_steps_train=1"]
HEAVY += ["--set", "n_steps_warm_up_memory=10", "--set", "n_gradient_steps=40", "--seed", "1"]
ONE_LIGHT_PROCESS = """
import sys
from tui_lab.cli import cli
for words in {words!r}:
    try:
        cli(words.split(), prog_name="dqn-lab")
    except SystemExit as end:
        assert end.code == 0, (words, end.code)
    heavy = {{"torch", "gymnasium", "pandas", "textual", "numpy", "plotext", "optuna", "sqlalchemy"}} & set(sys.modules)
    assert not heavy, (words, heavy)
"""
HELP = ["--help", "--version"] + [
    f"{command} --help"
    for command in ["train", "resume", "evaluate", "generate", "fit", "tune", "grade", "doctor", "runs", "agents"]
    + [f"runs {verb}" for verb in ["list", "show", "export", "delete"]]
    + [f"agents {verb}" for verb in ["list", "show", "import", "export", "delete"]]
]


def test_help_loads_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ONE_LIGHT_PROCESS.format(words=HELP)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Usage: dqn-lab") == len(HELP) - 1


def test_tui_lab_names_no_heavy_package_of_the_engine() -> None:
    import ast

    folder = Path(outcome.__file__).parent
    for path in [folder.parent / "cli.py", *folder.glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.partition(".")[0] for name in names} & {"torch", "gymnasium", "pandas"}, path


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_saves_the_run_and_resume_ends_where_an_undisturbed_run_ends() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", "from tui_lab.cli import main; main()", *HEAVY, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    first = process.stderr.readline()
    assert "is under way" in first
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    stopped = json.loads(out)
    assert process.returncode == 130, errors
    assert list(stopped) == TRAIN_KEYS
    assert (stopped["status"], stopped["last"], stopped["agent"]) == ("stopped", None, stopped["run"])
    assert stopped["env_steps"] < 100
    assert f"dqn-lab resume {stopped['run']}" in errors
    assert lab_json("evaluate", stopped["agent"], "--episodes", "3")["episodes"] == 3

    resumed = lab_json("resume", stopped["run"])
    undisturbed = lab_json(*HEAVY)
    assert list(resumed) == TRAIN_KEYS
    assert (resumed["run"], resumed["status"], resumed["env_steps"]) == (stopped["run"], "finished", 100)
    assert resumed["state_hash"] == undisturbed["state_hash"]
    assert resumed["last"] == undisturbed["last"]
    assert "finished" in refusal("resume", stopped["run"])


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_sigterm_stops_a_fit_which_resume_continues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train, test = rows(tmp_path / "train.csv", 0), rows(tmp_path / "test.csv", 1)
    handler = signal.getsignal(signal.SIGTERM)
    tell = outcome.note

    def note_then_terminate(text: str) -> None:
        tell(text)
        if "is under way" in text:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(outcome, "note", note_then_terminate)
    result = lab("fit", "--train", train, "--test", test, "--hidden", "256,256", "--epochs", "300", "--json", code=143)
    monkeypatch.undo()
    monkeypatch.setenv("DQN_LAB_HOME", str(tmp_path / "home"))
    stopped = json.loads(result.stdout)
    assert list(stopped) == [*FIT_KEYS, "status"]
    assert stopped["status"] == "stopped"
    assert signal.getsignal(signal.SIGTERM) is handler
    train.unlink()
    resumed = lab_json("resume", stopped["run"])
    assert list(resumed) == FIT_KEYS
    assert lab_json("runs", "show", stopped["run"])["counters"]["epochs"] == 300


def test_without_a_terminal_the_lab_says_which_commands_work() -> None:
    said = refusal()
    assert "needs a terminal" in said
    for command in ("train", "resume", "evaluate", "generate", "fit", "tune", "runs", "agents", "grade", "doctor"):
        assert command in said
