"""The command line's forks, longer budgets, names and tags."""

from __future__ import annotations

from tests.tui_lab.command_line import SMALL, TRAIN_KEYS, lab, lab_json, refusal


def trained(**options: str) -> str:
    given = [text for key, value in options.items() for text in (f"--{key}", value)]
    run = lab_json("train", *SMALL, *given)["run"]
    assert isinstance(run, str)
    return run


def words(*args: str) -> list[list[str]]:
    """What a command prints, line by line."""
    return [line.split() for line in lab(*args).stdout.splitlines()]


def test_a_fork_goes_on_from_a_kept_checkpoint_and_tells_what_train_tells() -> None:
    run = trained()
    step = lab_json("runs", "keep", run)["step"]
    first = lab_json("fork", run, "--at", str(step), "--set", "episodes=5", "--set", "learning_rate=0.01")
    assert list(first) == [*TRAIN_KEYS, "parent", "forked_at"]
    assert (first["parent"], first["forked_at"], first["episodes"], first["status"]) == (run, step, 5, "finished")
    second = lab_json("fork", run, "--set", "episodes=5", "--set", "learning_rate=0.01")
    assert second["state_hash"] == first["state_hash"]
    shown = lab_json("runs", "show", first["run"])
    assert (shown["parent"], shown["forked_at"], shown["settings"]["learning_rate"]) == (run, step, 0.01)
    assert ["fork", "of", run, "at", "step", f"{step:,}"] in words("runs", "show", first["run"])
    assert ["kept", "steps", f"{step:,}"] in words("runs", "show", run)
    assert lab_json("runs", "show", run)["kept"] == [step]


def test_a_fork_that_cannot_be_is_refused_in_one_sentence() -> None:
    run = trained()
    assert "'memory_size' cannot change in the middle of a run; these can: learning_rate" in refusal(
        "fork", run, "--set", "memory_size=5", "--set", "episodes=9"
    )
    assert f"run {run} has no checkpoint at step 1; it has those at" in refusal("fork", run, "--at", "1")
    assert "budget is used up; give it more, such as episodes=300" in refusal("fork", run)
    assert "there is no run 'nothing'" in refusal("fork", "nothing")
    assert len(lab_json("runs", "list")["runs"]) == 1


def test_a_finished_run_is_given_more_episodes() -> None:
    run = trained()
    more = lab_json("resume", run, "--more", "2")
    assert (more["run"], more["episodes"], more["status"]) == (run, 5, "finished")
    assert "there is nothing to continue" in refusal("resume", run)


def test_runs_are_renamed() -> None:
    run = trained()
    assert lab("runs", "rename", run, "mine").stdout == f"run {run} is called mine.\n"
    assert lab_json("runs", "show", "mine")["run"] == run
    assert "should be a name of letters" in refusal("runs", "rename", "mine", "a b")
    assert lab_json("runs", "rename", "mine") == {"run": run, "name": None}
    assert "there is no run 'mine'" in refusal("runs", "show", "mine")


def test_runs_are_tagged_and_listed_by_tag() -> None:
    run, other = trained(), trained(seed="1")
    assert "tags" not in lab("runs", "list").stdout.splitlines()[0]
    assert lab_json("runs", "tag", run, "good", "first") == {"run": run, "tags": ["first", "good"]}
    assert [one["run"] for one in lab_json("runs", "list", "--tag", "good")["runs"]] == [run]
    assert lab_json("runs", "list", "--tag", "good")["total"] == 1
    listed = lab("runs", "list").stdout
    assert listed.splitlines()[0].endswith("tags")
    assert "first good" in listed
    assert other in listed
    assert lab("runs", "tag", run, "good", "--remove").stdout == f"run {run} has the tags first.\n"
    assert lab("runs", "list", "--tag", "good").stdout == "no run has the tag 'good'.\n"
    assert "should be a tag of letters" in refusal("runs", "tag", run, "two words")


def test_two_runs_are_compared_differences_first() -> None:
    run, other = trained(), trained(seed="4")
    found = lab_json("runs", "compare", run, other)
    assert found["different"] == {"seed": {"run": 0, "other": 4}}
    assert (found["same"]["nn_hidden_layers"], found["same"]["episodes"]) == ([8], 3)
    printed = lab("runs", "compare", run, other).stdout.splitlines()
    assert [line.split() for line in printed[:2]] == [[run, other], ["seed", "0", "4"]]
    assert printed[2:] == [f"{len(found['same'])} settings are the same in both."]
    assert "there is no run 'nothing'" in refusal("runs", "compare", run, "nothing")
