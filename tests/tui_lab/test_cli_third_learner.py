"""A third kind of learner on the command line: every command treats its runs and agents like those of the lab's own."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from command_line import FIGURES, TRAIN_KEYS, lab, lab_json, refusal

from engine.laboratory import Laboratory
from engine.learners.config import ImitationConfig
from engine.learners.kinds import kind_named, preset, register, unregister
from engine.learners.metrics import MetricLog
from engine.learners.specs import DataSource, RowsSpec, Spec
from engine.runs.run import Run
from engine.storage.records import Status
from tests.engine.kinds.third import third_kind

PATIENCE = 60
TRAIN = ["train", "--preset", "sarsa", "--episodes", "3"]
RULE = "linear:0.1,0.2,1,0.5"


@pytest.fixture(autouse=True)
def third() -> Iterator[None]:
    with third_kind():
        yield


@pytest.fixture
def run() -> str:
    """A finished run, whose agent is also kept as `mine`."""
    return str(lab_json(*TRAIN, "--name", "mine")["run"])


def stop_at_once(home: Path, spec: Spec, preset_name: str | None = None) -> str:
    """Starts a run that stops after its first step; returns its id."""

    class StoppingRun(Run):
        def _advanced(self) -> None:
            self.stop()

    laboratory = Laboratory(home)
    laboratory.run_type = StoppingRun
    stopped = laboratory.start(spec, preset=preset_name)
    assert stopped.wait(PATIENCE)
    assert stopped.status == Status.STOPPED
    laboratory.close()
    return stopped.id


# --- train


def test_a_preset_is_trained_and_evaluated() -> None:
    found = lab_json(*TRAIN)
    assert list(found) == TRAIN_KEYS
    assert (found["preset"], found["status"], found["episodes"]) == ("sarsa", "finished", 3)
    assert found["env_steps"] == found["gradient_steps"] > 0
    assert list(found["last"]) == FIGURES
    assert (found["best"], found["agent"]) == (None, found["run"])
    assert lab_json(*TRAIN)["state_hash"] == found["state_hash"]
    text = lab(*TRAIN).stdout
    assert found["state_hash"] in text
    assert "the TD error went from" in text


def test_settings_come_from_the_preset_a_file_and_the_command(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"kind": "sarsa", "nn_hidden_layers": [8], "recent": 50, "batch_size": 4}))

    def settings(*args: str | Path) -> dict[str, Any]:
        shown = lab_json("runs", "show", lab_json("train", *args, "--episodes", "2")["run"])
        assert shown["kind"] == "sarsa"
        return dict(shown["settings"])

    alone = settings("--config", file)
    assert (alone["nn_hidden_layers"], alone["recent"], alone["batch_size"]) == ([8], 50, 4)
    assert alone["steps_per_target"] == 50, "what the file leaves out has its default"
    over = settings("--preset", "sarsa-car", "--config", file, "--set", "batch_size=6", "--seed", "4")
    assert (over["environment"], over["recent"], over["batch_size"], over["seed"]) == ("MountainCar-v0", 50, 6, 4)
    named = settings("--config", file, "--set", "kind=sarsa")
    assert named == alone


def test_without_a_budget_of_its_own_a_training_has_the_whole_one_of_its_preset() -> None:
    """Then it is the preset's run, whoever asks: the app, `latest:`, another seed."""
    found = lab_json("train", "--preset", "sarsa-car")
    budget = lab_json("runs", "show", found["run"])["budget"]
    assert budget == {"episodes": 20, "max_env_steps": 5_000}
    assert lab_json("evaluate", "latest:sarsa-car", "--episodes", "5")["mean"] < 0
    shorter = lab_json("train", "--preset", "sarsa-car", "--max-steps", "150")["run"]
    assert lab_json("runs", "show", shorter)["budget"] == {"episodes": 20, "max_env_steps": 150}


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--set", "recent=x"], "recent must be a whole number from 1 to 100000, not 'x'"),
        (["--set", "recnt=5"], "'recnt' is not a setting; did you mean 'recent'?"),
        (["--set", "epsilon_end=1"], "epsilon_end (1) must be at most epsilon_start (0.9)"),
        (["--set", "environment=Nowhere-v0"], "Nowhere-v0"),
        (["--set", "kind=sarsas"], "there is no kind of learner 'sarsas' here; there are dqn, imitation, sarsa"),
        (["--set", "kind=5"], "kind should name a kind of learner"),
        (["--set", "kind=dqn"], "'recent' is not a setting"),
        (["--set", "kind=imitation"], "is not a setting"),
    ],
)
def test_a_wrong_setting_is_named_and_starts_nothing(args: list[str], words: str) -> None:
    assert words in refusal(*TRAIN, *args)
    assert lab_json("runs", "list")["total"] == 0


def test_a_misspelt_preset_is_set_right() -> None:
    assert "did you mean 'sarsa'?" in refusal("train", "--preset", "sarsas")


def test_many_seeds_are_trained_in_processes_and_each_as_if_alone() -> None:
    found = lab_json(*TRAIN, "--seeds", "2")
    assert [(seed["seed"], seed["status"], seed["message"]) for seed in found["seeds"]] == [
        (0, "finished", None),
        (1, "finished", None),
    ]
    assert (found["preset"], found["last"]["seeds"], found["best"]) == ("sarsa", 2, None)
    alone = lab_json(*TRAIN, "--seed", "1")
    assert (found["seeds"][1]["state_hash"], found["seeds"][1]["last"]) == (alone["state_hash"], alone["last"])


# --- resume


def test_a_stopped_run_resumes_to_the_state_of_one_straight_through(home: Path) -> None:
    straight = lab_json("train", "--preset", "sarsa-car")
    stopped = stop_at_once(home, preset("sarsa-car").spec, "sarsa-car")
    assert lab_json("runs", "show", stopped)["counters"]["env_steps"] == 1
    resumed = lab_json("resume", stopped)
    assert list(resumed) == TRAIN_KEYS
    assert (resumed["run"], resumed["status"]) == (stopped, "finished")
    assert (resumed["state_hash"], resumed["last"]) == (straight["state_hash"], straight["last"])
    assert "finished" in refusal("resume", stopped)


# --- what is kept


def test_a_run_is_listed_and_shown(run: str) -> None:
    (listed,) = lab_json("runs", "list")["runs"]
    assert (listed["run"], listed["kind"], listed["preset"], listed["name"]) == (run, "sarsa", "sarsa", "mine")
    assert listed["headline"]["name"] == "greedy"
    assert run in lab("runs", "list").stdout
    other = lab_json(*TRAIN, "--set", "recent=70")["run"]
    shown = lab_json("runs", "show", other)
    assert shown["changed_from_preset"] == {"recent": 70}
    assert shown["in_practice"] == {"times_a_transition_is_learned_from": 32, "value_ceiling": pytest.approx(100 / 3)}
    assert shown["figures"]["parameters"] == 4 * 64 + 64 + 64 * 2 + 2
    assert [finding["name"] for finding in shown["findings"]] in (["surer"], ["less sure"])
    text = lab("runs", "show", other).stdout
    for words in (
        "70 (not the preset)",
        "times a transition is learned from  32",
        "best mean return",
        f"{other}:last",
        shown["findings"][0]["text"],
    ):
        assert words in text


def test_its_agent_is_evaluated_under_every_name(run: str) -> None:
    by_run = lab_json("evaluate", run, "--episodes", "30")
    for name in ("mine", f"{run}:last"):
        found = lab_json("evaluate", name, "--episodes", "30")
        assert [found[key] for key in ("mean", "std", "perfect")] == [by_run[key] for key in ("mean", "std", "perfect")]
    assert "there is no finished run of preset 'sarsa' yet" in refusal("evaluate", "latest:sarsa")


def test_its_agent_is_listed_shown_exported_imported_and_deleted(run: str, tmp_path: Path) -> None:
    listed = {agent["agent"]: agent for agent in lab_json("agents", "list")["agents"]}
    assert (listed["mine"]["kind"], listed["mine"]["hidden_layers"], listed["mine"]["parameters"]) == (
        "sarsa",
        [64],
        450,
    )
    assert "sarsa" in lab("agents", "list").stdout
    assert lab_json("agents", "show", "mine")["settings"]["recent"] == 2_000
    lab("agents", "export", run, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "hparams.json").read_text())["kind"] == "sarsa"
    lab("agents", "import", tmp_path / "out", "--name", "yours")
    assert lab_json("agents", "show", "yours")["kind"] == "sarsa"
    assert (
        lab_json("evaluate", "yours", "--episodes", "9")["mean"] == lab_json("evaluate", run, "--episodes", "9")["mean"]
    )
    lab("agents", "delete", "mine", "--yes")
    assert "mine" not in {agent["agent"] for agent in lab_json("agents", "list")["agents"]}


def test_its_settings_file_trains_the_same_again(run: str, tmp_path: Path) -> None:
    lab("agents", "export", run, tmp_path / "out")
    again = lab_json("train", "--config", tmp_path / "out" / "hparams.json", "--episodes", "3", "--max-steps", "5000")
    assert again["state_hash"] == lab_json("runs", "show", run)["state_hash"]


def test_a_run_is_exported_as_csv_and_json(run: str, tmp_path: Path) -> None:
    lab("runs", "export", run, "--output", tmp_path / "csv")
    whole = json.loads(lab("runs", "export", run, "--format", "json").stdout)
    with (tmp_path / "csv" / "metrics.csv").open(encoding="utf-8") as file:
        errors = [float(row["y"]) for row in csv.DictReader(file) if row["series"] == "td_error"]
    assert errors == whole["metrics"]["td_error"]["y"] != []
    assert (whole["run"]["kind"], len(whole["episodes"])) == ("sarsa", 3)


def test_it_is_graded_for_what_it_does(run: str) -> None:
    graded = lab_json("grade", "2", run, code=1)
    assert (graded["passed"], graded["measured"]["hidden_layers"]) == (False, [64])
    assert "of 1,000 episodes reached 500" in graded["reason"]
    assert "learned from rewards" in lab_json("grade", "1", "mine", code=1)["reason"]


def test_its_agent_can_be_imitated(run: str, tmp_path: Path) -> None:
    lab("generate", run, "--samples", "30", "--seed", "0", "--output", tmp_path / "rows.csv")
    rows = ("--train", tmp_path / "rows.csv", "--test", tmp_path / "rows.csv")
    assert lab_json("fit", *rows, "--hidden", "8", "--epochs", "2")["parameters"] == 58


def test_without_its_kind_a_run_is_still_listed_and_the_rest_is_refused_in_a_sentence(run: str) -> None:
    unregister("sarsa")
    assert lab_json("runs", "list")["runs"][0]["kind"] == "sarsa"
    for command in (("runs", "show", run), ("evaluate", run), ("resume", run), ("agents", "show", "mine")):
        said = refusal(*command)
        assert "there is no kind of learner 'sarsa' here" in said or "is finished" in said
    assert len(lab_json("agents", "list")["agents"]) == 2


# --- a kind that learns from rows


@dataclass(frozen=True, slots=True)
class CopySpec(RowsSpec):
    kind: ClassVar[str] = "copy"
    config_type: ClassVar[type[ImitationConfig]] = ImitationConfig

    config: ImitationConfig


def test_a_kind_that_learns_from_rows_is_resumed_with_whatever_figures_it_has(home: Path) -> None:
    class Copy(type(kind_named("imitation"))):  # type: ignore[misc]
        name = "copy"
        spec_type = CopySpec
        presets = ()

        def figures(self, spec: CopySpec, log: MetricLog) -> dict[str, float | int | None]:
            return {"epochs_seen": log.length("test_loss"), "last_loss": log.last("test_loss"), "unknown": None}

    register(Copy())
    try:
        rows = DataSource(agent=RULE, samples=60, seed=0)
        config = ImitationConfig(nn_hidden_layers=(4,), epochs=2, batch_size=32)
        found = lab_json("resume", stop_at_once(home, CopySpec(config, rows, rows)))
        assert (found["epochs_seen"], found["unknown"]) == (2, None)
        text = lab("resume", stop_at_once(home, CopySpec(config, rows, rows))).stdout
        assert f"epochs seen  2\nlast loss    {found['last_loss']:.4f}\n" in text
        assert "unknown" not in text
    finally:
        unregister("copy")


def test_a_search_for_its_settings_needs_no_more_than_a_space(tmp_path: Path) -> None:
    assert "no search space for deep SARSA yet" in refusal("tune", "--preset", "sarsa")
    space = tmp_path / "space.toml"
    space.write_text("[recent]\nlow = 10\nhigh = 100\n[epsilon_end]\nchoices = [0.0, 0.1]\n")
    winner = tmp_path / "winner.toml"
    found = lab_json(
        *("tune", "--preset", "sarsa", "--space", space, "--episodes", "2", "--trials", "2", "--seeds", "1"),
        *("--check-seeds", "1", "--export", winner),
    )
    assert (found["kind"], found["maximised"]) == ("sarsa", "mean return")
    assert lab_json("train", "--preset", winner)["last"]["mean"] == found["best"]["score"]
