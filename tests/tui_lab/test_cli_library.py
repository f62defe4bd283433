"""`runs`, `agents`, `grade` and `doctor`: what is kept can be found, shown, taken out and deleted."""

from __future__ import annotations

import csv
import importlib.util
import json
from pathlib import Path

import pytest
from command_line import FIGURES, SMALL, lab, lab_json, refusal, rows


@pytest.fixture
def run() -> str:
    """A finished DQN run with some gradient steps."""
    found = lab_json("train", *SMALL, "--set", "n_steps_warm_up_memory=20", "--name", "kept")
    assert found["gradient_steps"] > 0
    return str(found["run"])


# --- runs


def test_runs_are_listed_newest_first(run: str) -> None:
    newer = lab_json("train", *SMALL, "--preset", "bad")["run"]
    listed = lab_json("runs", "list")
    assert list(listed) == ["runs", "page", "per_page", "total"]
    assert (listed["page"], listed["total"]) == (1, 2)
    assert [(item["run"], item["preset"], item["status"]) for item in listed["runs"]] == [
        (newer, "bad", "finished"),
        (run, "robust", "finished"),
    ]
    text = lab("runs", "list").stdout
    assert text.index(newer) < text.index(run)


def test_runs_are_listed_a_page_at_a_time(run: str) -> None:
    newer = lab_json("train", *SMALL, "--preset", "bad")["run"]
    pages = [lab_json("runs", "list", "--per-page", "1", "--page", str(page))["runs"] for page in (1, 2, 3)]
    assert [[item["run"] for item in page] for page in pages] == [[newer], [run], []]
    shown = lab("runs", "list", "--per-page", "1")
    assert newer in shown.stdout
    assert run not in shown.stdout
    assert "1 of 2 runs; `dqn-lab runs list --page 2 --per-page 1` shows older ones" in shown.stderr
    assert "there is no page 3; 2 runs fill 2 pages of 1" in refusal("runs", "list", "--per-page", "1", "--page", "3")
    assert lab("runs", "list", "--per-page", "1", "--page", "2").stderr == "", "the last page leads nowhere"


def test_the_list_shows_what_each_run_reached(run: str, tmp_path: Path) -> None:
    data = rows(tmp_path / "rows.csv", 0)
    fitted = lab_json("fit", "--train", data, "--test", data, "--hidden", "8", "--epochs", "3")
    newest, oldest = lab_json("runs", "list")["runs"]
    accuracy = {"name": "test accuracy", "value": fitted["test_accuracy"]}
    assert (newest["run"], newest["headline"], newest["mean"]) == (fitted["run"], accuracy, None)
    assert (oldest["run"], oldest["headline"]) == (run, {"name": "greedy", "value": oldest["mean"]})
    assert oldest["mean"] > 0
    assert f"greedy {oldest['mean']:.0f}" in lab("runs", "list").stdout


def test_show_tells_settings_figures_and_findings(run: str) -> None:
    shown = lab_json("runs", "show", run)
    assert shown["settings"]["nn_hidden_layers"] == [8]
    assert shown["changed_from_preset"] == {"nn_hidden_layers": [8], "n_steps_warm_up_memory": 20}
    assert shown["budget"] == {"episodes": 3, "max_env_steps": None}
    assert set(FIGURES) < set(shown["evaluations"][0])
    assert len(shown["state_hash"]) == 64
    text = lab("runs", "show", run).stdout
    for words in ("[8] (not the preset)", shown["state_hash"], f"{run}:last"):
        assert words in text
    assert "'nothere'" in refusal("runs", "show", "nothere")


def test_csv_export_reads_back_exactly(run: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    lab("runs", "export", run, "--format", "csv", "--output", folder)
    whole = json.loads(lab("runs", "export", run, "--format", "json").stdout)
    with (folder / "metrics.csv").open(encoding="utf-8") as file:
        points = [(row["series"], float(row["x"]), float(row["y"])) for row in csv.DictReader(file)]
    expected = [(name, *point) for name, s in whole["metrics"].items() for point in zip(s["x"], s["y"], strict=True)]
    assert points == expected
    with (folder / "episodes.csv").open(encoding="utf-8") as file:
        lengths = [int(row["length"]) for row in csv.DictReader(file)]
    assert lengths == [episode["length"] for episode in whole["episodes"]]
    assert len(lengths) == 3
    assert "--force" in refusal("runs", "export", run, "--output", folder)
    assert "--output" in refusal("runs", "export", run)


def test_json_export_goes_to_a_file_and_never_over_one_unasked(run: str, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    lab("runs", "export", run, "--format", "json", "--output", path)
    assert json.loads(path.read_text())["run"]["id"] == run
    assert "--force" in refusal("runs", "export", run, "--format", "json", "--output", path)


def test_tensorboard_export_writes_events_or_says_how_to_get_them(run: str, tmp_path: Path) -> None:
    args = ["runs", "export", run, "--format", "tensorboard", "--output", tmp_path / "events"]
    if importlib.util.find_spec("tensorboard") is None:
        assert 'pip install "dqn-lab[tensorboard]"' in refusal(*args, code=1)
    else:
        lab(*args)
        assert list((tmp_path / "events").glob("events.out.tfevents.*"))


def test_deleting_a_run_asks_first(run: str, home: Path) -> None:
    lab("runs", "delete", run, answer="n\n", code=1)
    lab("runs", "delete", run, answer="", code=2)
    assert (home / "runs" / run).is_dir()
    lab("runs", "delete", run, answer="y\n")
    assert not (home / "runs" / run).exists()
    assert lab_json("runs", "list")["runs"] == []
    assert lab_json("evaluate", "kept", "--episodes", "2")["episodes"] == 2, "the saved copy of its agent stays"
    assert f"'{run}'" in refusal("runs", "delete", run, "--yes")


# --- agents


def test_agents_are_listed_and_shown(run: str) -> None:
    listed = lab_json("agents", "list")
    assert [(item["agent"], item["origin"]) for item in listed["agents"]] == [("kept", "saved"), ("perfect", "shipped")]
    shown = lab_json("agents", "show", "kept")
    assert (shown["kind"], shown["hidden_layers"], shown["parameters"]) == ("dqn", [8], 4 * 8 + 8 + 8 * 2 + 2)
    assert run in shown["made_by"]
    assert "kept" in lab("agents", "list").stdout
    assert "n_steps_warm_up_memory" in lab("agents", "show", "kept").stdout


def test_a_damaged_agent_does_not_spoil_the_list(run: str, home: Path) -> None:
    (home / "agents" / "kept" / "model.safetensors").write_bytes(b"no tensors")
    assert [item["kind"] for item in lab_json("agents", "list")["agents"]] == ["damaged", "dqn"]
    assert "cannot be read" in refusal("agents", "show", "kept")


def test_an_agent_goes_out_and_comes_back_unchanged(run: str, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    lab("agents", "export", "kept", folder)
    assert lab_json("agents", "import", folder) == {"agent": "mine"}
    assert lab_json("agents", "show", "mine")["card"] == lab_json("agents", "show", "kept")["card"]
    assert lab_json("evaluate", "mine")["mean"] == lab_json("evaluate", "kept")["mean"]
    assert "exists already" in refusal("agents", "export", "kept", folder)
    assert "'mine' already" in refusal("agents", "import", folder)
    assert "no model.safetensors" in refusal("agents", "import", tmp_path)
    assert "a rule" in refusal("agents", "export", "angle", tmp_path / "angle")


def test_deleting_an_agent_asks_first_and_touches_only_saved_ones(run: str, home: Path) -> None:
    lab("agents", "delete", "kept", answer="n\n", code=1)
    assert (home / "agents" / "kept").is_dir()
    lab("agents", "delete", "kept", "--yes")
    assert not (home / "agents" / "kept").exists()
    assert "'perfect'" in refusal("agents", "delete", "perfect", "--yes")
    assert "../runs" in refusal("agents", "delete", "../runs", "--yes")
    assert (home / "runs").is_dir()


# --- grade


def test_grade_without_anything_to_grade_says_what_to_do() -> None:
    found = lab_json("grade", "1", code=1)
    assert list(found) == ["challenge", "passed", "reason", "measured"]
    assert (found["challenge"], found["passed"]) == (1, False)
    assert "dqn-lab fit" in found["reason"]
    assert "one-hidden" in lab_json("grade", "2", code=1)["reason"]
    refusal("grade", "3")
    assert "'nobody'" in refusal("grade", "1", "nobody")


def test_challenge_1_wants_enough_rows_that_are_not_the_test_rows(tmp_path: Path) -> None:
    few, seen = rows(tmp_path / "few.csv", 0), rows(tmp_path / "seen.csv", 1)
    fit = ["fit", "--hidden", "8", "--epochs", "1", "--test", seen]
    lab(*fit, "--train", few, "--name", "few")
    lab(*fit, "--train", seen, "--name", "seen")
    found = lab_json("grade", "1", "few", code=1)
    assert found["measured"]["train_rows"] == 300
    assert found["measured"]["shared_rows"] == 0
    assert "10,000" in found["reason"]
    cheat = lab_json("grade", "1", "seen", code=1)
    assert cheat["measured"]["shared_rows"] == 300
    assert "test rows" in cheat["reason"]
    assert "rewards" in lab_json("grade", "1", "perfect", code=1)["reason"]


def test_challenge_1_measures_the_newest_run_on_enough_rows(tmp_path: Path) -> None:
    many, test = rows(tmp_path / "many.csv", 0, 10_000), rows(tmp_path / "test.csv", 1, 1_000)
    good = ["fit", "--train", many, "--test", test]
    fitted = lab_json(*good, "--hidden", "8", "--epochs", "1")
    lab(*good[:2], test, *good[3:], "--hidden", "8", "--epochs", "1")
    found = lab_json("grade", "1", code=1)
    assert found["measured"]["agent"] == fitted["run"], "the newer run has too few rows to fit the challenge"
    assert found["measured"]["train_rows"] == 10_000
    assert found["measured"]["test_accuracy"] == pytest.approx(fitted["test_accuracy"])


def test_challenge_2_wants_one_hidden_layer_and_all_episodes() -> None:
    assert "2 hidden layers" in lab_json("grade", "2", "perfect", code=1)["reason"]
    assert "rule" in lab_json("grade", "2", "angle", code=1)["reason"]
    run = lab_json("train", *SMALL, "--preset", "one-hidden")["run"]
    found = lab_json("grade", "2", code=1)
    assert (found["measured"]["agent"], found["measured"]["hidden_layers"]) == (run, [8])
    assert (found["measured"]["perfect"], found["measured"]["episodes"]) == (0, 1_000)


def test_challenge_2_passes_a_simple_network_that_never_falls(tmp_path: Path) -> None:
    """A hidden layer of two units can carry the perfect linear rule: max(z, 0) - max(-z, 0) = z."""
    import torch
    from safetensors.torch import save_file

    rule = torch.tensor([0.1, 0.2, 1.0, 0.5])
    folder = tmp_path / "two-units"
    folder.mkdir()
    (folder / "hparams.json").write_text('{"nn_hidden_layers": [2]}')
    zero = torch.zeros(2)
    tensors = {"0.weight": torch.stack([rule, -rule]), "0.bias": zero, "2.bias": zero.clone()}
    save_file(tensors | {"2.weight": torch.tensor([[0.0, 1.0], [1.0, 0.0]])}, folder / "model.safetensors")
    found = lab_json("grade", "2", folder)
    assert (found["passed"], found["measured"]["perfect"], found["measured"]["parameters"]) == (True, 1_000, 16)
    assert "passed" in lab("grade", "2", folder).stdout


# --- doctor


def test_doctor_reports_versions_home_and_terminal(home: Path) -> None:
    found = lab_json("doctor")
    assert list(found) == ["versions", "home", "terminal", "machine"]
    assert found["versions"]["torch"].startswith("2.13.0")
    assert (found["home"]["path"], found["home"]["writable"], found["home"]["runs"]) == (str(home), True, 0)
    assert "home" in lab("doctor").stdout


def test_a_home_folder_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    bad = tmp_path / "file" / "home"
    assert "cannot be used" in refusal("--home", bad, "runs", "list")
    assert lab_json("--home", bad, "doctor", code=1)["home"]["writable"] is False
