"""The commands that learn, from outside: exact JSON keys, one object on standard output, exit codes, short errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from command_line import FIGURES, FIT_KEYS, SMALL, TRAIN_KEYS, lab, lab_json, refusal, rows

from engine.learners.presets import AS_WRITTEN, COURSE_ACCIDENTS, GOOD_1, GOOD_2
from tui_lab.commands import outcome

# --- train


def test_train_prints_the_keys_of_the_contract() -> None:
    found = lab_json("train", *SMALL, "--seed", "5")
    assert list(found) == TRAIN_KEYS
    assert (found["preset"], found["seed"], found["status"], found["episodes"]) == ("robust", 5, "finished", 3)
    assert list(found["last"]) == FIGURES
    assert found["last"]["episodes"] == 1_000
    assert found["best"] is None, "three episodes of warm-up take no gradient step, so no best is kept"
    assert found["agent"] == found["run"]
    assert len(found["state_hash"]) == 64


def test_train_evaluates_last_and_best() -> None:
    quick = ["--set", "n_steps_warm_up_memory=20", "--set", "n_gradient_steps=1", "--set", "keep_best_every_episodes=1"]
    found = lab_json("train", *SMALL, *quick)
    assert list(found["best"]) == FIGURES
    assert found["gradient_steps"] > 0
    kept = lab_json("runs", "show", found["run"])["evaluations"]
    assert [(item["agent"], item["mean"]) for item in kept] == [
        (f"{found['run']}:best", found["best"]["mean"]),
        (f"{found['run']}:last", found["last"]["mean"]),
    ]


def test_the_same_settings_and_seed_give_the_same_state() -> None:
    one, two = (lab_json("train", *SMALL, "--set", "n_steps_warm_up_memory=20") for _ in range(2))
    assert one["run"] != two["run"]
    assert one["state_hash"] == two["state_hash"]


def test_max_steps_ends_a_run() -> None:
    found = lab_json("train", *SMALL, "--episodes", "1000", "--max-steps", "50")
    assert (found["env_steps"], found["status"]) == (50, "finished")


def test_a_settings_file_stands_alone_or_over_a_preset_and_single_settings_over_both(tmp_path: Path) -> None:
    whole, part = tmp_path / "whole.json", tmp_path / "part.txt"
    whole.write_text(json.dumps(GOOD_1.to_dict()))
    part.write_text("hyper_parameters = {'batch_size': 7, 'nn_hidden_layers': [9], 'double_q': True}")
    alone = lab_json("train", "--config", whole, *SMALL)
    assert alone["preset"] is None
    assert lab_json("runs", "show", alone["run"])["settings"] == GOOD_1.to_dict() | {"nn_hidden_layers": [8]}
    over = lab_json("train", "--preset", "bad", "--config", part, "--episodes", "1", "--set", "batch_size=11")
    assert over["preset"] == "bad"
    changed = lab_json("runs", "show", over["run"])["changed_from_preset"]
    assert changed == {"batch_size": 11, "nn_hidden_layers": [9], "double_q": True}
    assert "'batch_size' is missing" in refusal("train", "--config", _file(tmp_path, "{'learning_rate': 0.1}"))


def test_a_dict_with_the_courses_keys_alone_runs_like_the_courses_code_and_is_told_so(tmp_path: Path) -> None:
    course = {key: value for key, value in GOOD_2.given().items() if key not in COURSE_ACCIDENTS}
    told = "bootstrap_on_truncation=false and target_check_behind_training=true"
    file = _file(tmp_path, f"HYPER_PARAMS = {course}")
    result = lab("train", "--config", file, *SMALL, "--json")
    assert [line for line in result.stderr.splitlines() if told in line]
    assert settings_of(result) == GOOD_2.to_dict() | {"nn_hidden_layers": [8]}
    otherwise = lab("train", "--config", file, *SMALL, "--set", "bootstrap_on_truncation=true", "--json")
    assert "bootstrap_on_truncation=true and target_check_behind_training=true" in otherwise.stderr
    assert settings_of(otherwise)["bootstrap_on_truncation"] is True
    literal = lab("train", "--config", _file(tmp_path, repr(course | {"double_q": False})), *SMALL, "--json")
    assert "target_check_behind_training" not in literal.stderr
    assert settings_of(literal) == AS_WRITTEN.to_dict() | {"nn_hidden_layers": [8]}


def settings_of(trained: Result) -> dict[str, Any]:
    return dict(lab_json("runs", "show", json.loads(trained.stdout)["run"])["settings"])


def _file(folder: Path, text: str) -> Path:
    path = folder / "settings.txt"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("setting", "key", "value"),
    [
        ("double_q=true", "double_q", True),
        ("double_q=True", "double_q", True),
        ("double_q=FALSE", "double_q", False),
        ("target_soft_update_rate=None", "target_soft_update_rate", None),
        ("learning_rate=1e-3", "learning_rate", 0.001),
        ("nn_hidden_layers=[]", "nn_hidden_layers", []),
        ("nn_hidden_layers=(4, 4)", "nn_hidden_layers", [4, 4]),
        ("environment=CartPole-v1", "environment", "CartPole-v1"),
        ('environment="CartPole-v1"', "environment", "CartPole-v1"),
    ],
)
def test_set_reads_json_python_and_plain_text(setting: str, key: str, value: object) -> None:
    run = lab_json("train", "--episodes", "1", "--set", setting)["run"]
    assert lab_json("runs", "show", run)["settings"][key] == value


def test_a_named_run_saves_an_agent_that_can_be_evaluated(home: Path) -> None:
    found = lab_json("train", *SMALL, "--name", "first")
    assert found["agent"] == "first"
    assert sorted(p.name for p in (home / "agents" / "first").iterdir()) == [
        "card.json",
        "hparams.json",
        "model.safetensors",
    ]
    assert lab_json("evaluate", "first")["mean"] == found["last"]["mean"]


def test_a_taken_name_is_refused_before_anything_is_trained() -> None:
    run = lab_json("train", *SMALL, "--name", "first")["run"]
    assert "'first'" in refusal("train", *SMALL, "--name", "first")
    assert "comes with the lab" in refusal("train", *SMALL, "--name", "perfect")
    assert "letters" in refusal("train", *SMALL, "--name", "../first")
    assert run in refusal("train", *SMALL, "--name", run)
    assert len(lab_json("runs", "list")["runs"]) == 1


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--preset", "robsut"], "did you mean 'robust'"),
        (["--preset", "mlp-2"], "dqn-lab fit"),
        (["--set", "learning_rate"], "KEY=VALUE"),
        (["--set", "learning_rate=fast"], "learning_rate must be a number"),
        (["--set", "learning_rat=1"], "did you mean 'learning_rate'"),
        (["--set", "environment=Nowhere-v0"], "Nowhere-v0"),
        (["--set", "state_scale=[1,1]"], "state_scale"),
        (["--config", "/no/such/file"], "/no/such/file"),
        (["--seed", "-1"], "--seed"),
        (["--episodes", "0"], "--episodes"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_misuse_of_train_is_one_sentence_and_starts_no_run(args: list[str], words: str) -> None:
    assert words in refusal("train", *args)
    assert lab_json("runs", "list")["runs"] == []


def test_a_diverging_run_is_an_object_a_sentence_and_exit_code_1() -> None:
    result = lab("train", "--set", "state_scale=[1e-30,1,1,1]", "--set", "n_steps_warm_up_memory=50", "--json", code=1)
    found = json.loads(result.stdout)
    assert list(found) == TRAIN_KEYS
    assert (found["status"], found["last"], found["best"], found["agent"]) == ("failed", None, None, None)
    assert "stopped being finite numbers" in result.stderr
    assert "Traceback" not in result.stderr


# --- evaluate, generate, fit


def test_evaluate_prints_the_keys_of_the_contract_and_repeats_itself() -> None:
    one, two = (lab_json("evaluate", "random", "--episodes", "40", "--seed", "3") for _ in range(2))
    assert list(one) == ["agent", "episodes", "seed", "mean", "std", "min", "max", "perfect", "seconds"]
    assert {**one, "seconds": 0} == {**two, "seconds": 0}
    assert lab_json("evaluate", "random", "--episodes", "40", "--seed", "4")["mean"] != one["mean"]


def test_evaluate_takes_rules_names_run_ids_and_folders(tmp_path: Path) -> None:
    assert lab_json("evaluate", "linear:0.1,0.2,1,0.5", "--episodes", "20")["perfect"] == 20
    assert lab_json("evaluate", "perfect", "--episodes", "20")["perfect"] == 20
    run = lab_json("train", *SMALL)
    assert lab_json("evaluate", f"{run['run']}:last")["mean"] == run["last"]["mean"]
    lab("agents", "export", run["run"], tmp_path / "copy")
    assert lab_json("evaluate", tmp_path / "copy")["mean"] == run["last"]["mean"]


def test_evaluate_refuses_what_is_no_agent() -> None:
    assert "'nobody'" in refusal("evaluate", "nobody")
    assert "four numbers" in refusal("evaluate", "linear:1,2")


def test_evaluate_plays_an_agent_in_the_environment_that_it_was_trained_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcome, "DEFAULT_EPISODES", 3)
    acrobot = ["--set", "environment=Acrobot-v1", "--set", "state_scale=null", "--max-steps", "20"]
    assert lab_json("train", *SMALL, *acrobot)["last"]["max"] < 0


def test_generate_writes_rows_and_never_over_a_file_unasked(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    args = ["generate", "perfect", "--samples", "600", "--seed", "0", "--output", path]
    found = lab_json(*args)
    assert list(found) == ["rows", "episodes", "balance", "path"]
    assert (found["rows"], found["episodes"], sum(found["balance"])) == (600, 2, 600)
    lines = path.read_text().splitlines()
    assert (lines[0], len(lines)) == ("s1,s2,s3,s4,action", 601)
    path.write_text("mine")
    assert "--force" in refusal(*args)
    assert path.read_text() == "mine"
    lab(*args, "--force")
    assert path.read_text().splitlines() == lines


def test_fit_learns_from_generated_rows_and_its_clone_acts(tmp_path: Path) -> None:
    train, test = rows(tmp_path / "train.csv", 0), rows(tmp_path / "test.csv", 1)
    args = ["fit", "--train", train, "--test", test, "--hidden", "16", "--epochs", "12"]
    found = lab_json(*args, "--name", "copy")
    assert list(found) == FIT_KEYS
    assert found["parameters"] == 4 * 16 + 16 + 16 * 2 + 2
    assert found["best_test_accuracy"] >= found["test_accuracy"] > 0.5
    assert 1 <= found["best_epoch"] <= 12
    assert lab_json("evaluate", "copy", "--episodes", "5")["agent"] == "copy"
    assert lab_json(*args)["state_hash"] == found["state_hash"]
    assert lab_json(*args[:-4], "--hidden", "none", "--epochs", "1")["parameters"] == 10


def test_fit_refuses_bad_files_and_settings_before_it_starts(tmp_path: Path) -> None:
    good, bad = rows(tmp_path / "good.csv", 0, 20), tmp_path / "bad.csv"
    bad.write_text("s1,s2,s3,s4,action\n0,0,0,nought,1\n")
    assert "bad.csv, line 2, column s4" in refusal("fit", "--train", good, "--test", bad)
    assert "there is no file" in refusal("fit", "--train", tmp_path / "none.csv", "--test", good)
    assert "--hidden" in refusal("fit", "--train", good, "--test", good, "--hidden", "wide")
    assert "epochs" in refusal("fit", "--train", good, "--test", good, "--epochs", "0")
    assert "'perfect'" in refusal("fit", "--train", good, "--test", good, "--name", "perfect")
    assert lab_json("runs", "list")["runs"] == []
