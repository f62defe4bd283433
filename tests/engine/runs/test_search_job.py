"""A search in sittings, for a screen: what it found so far, where it goes on, and when its time is used up."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from engine.laboratory import Laboratory
from engine.learners.settings import ConfigError
from engine.runs.search_job import Findings, Part, Request, SearchJob
from engine.storage.records import Status
from tests.engine.runs.made_crew import MadeCrew

REQUEST = Request("one-hidden", minutes=1, seeds=3, check_seeds=4)
PATIENCE = 30


def sitting(home: Path, part: Part, crew: MadeCrew, request: Request = REQUEST) -> SearchJob:
    home.mkdir(exist_ok=True)
    return SearchJob(home, request, part, crew=lambda: crew)


def until_told(job: SearchJob, crew: MadeCrew) -> None:
    """Wait until all that the crew may tell was told, and stop."""
    deadline = time.monotonic() + PATIENCE
    while crew.allowed or not job.findings.trials:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    job.stop()
    assert job.wait(PATIENCE)


def searched(home: Path, outcomes: int = 40) -> SearchJob:
    crew = MadeCrew(allowed=outcomes)
    job = sitting(home, "search", crew)
    job.start()
    until_told(job, crew)
    assert job.status == Status.STOPPED
    assert crew.closed
    return job


def test_a_search_tells_its_trials_and_goes_on_in_another_sitting(home: Path) -> None:
    first = searched(home)
    found = first.findings
    ended = [trial for trial in found.trials if trial.state in ("complete", "pruned")]
    assert sum(len(trial.outcomes) for trial in found.trials) == 40
    assert found.best == max(
        (trial for trial in ended if trial.state == "complete"), key=lambda trial: (trial.score, -trial.number)
    )
    assert found.importance is not None
    assert sum(found.importance.values()) == pytest.approx(1)
    assert next(iter(found.importance)) == "learning_rate", "the score depends on nothing else"
    assert 0 < found.spent < 60

    second = searched(home, 10).findings
    assert sum(len(trial.outcomes) for trial in second.trials) == 50
    assert second.spent > found.spent

    look = sitting(home, "look", MadeCrew())
    look.start()
    assert look.wait(PATIENCE)
    assert look.status == Status.FINISHED
    assert look.findings == second, "another day shows what was found"


def test_a_search_whose_time_is_used_up_begins_nothing(home: Path) -> None:
    request = Request("one-hidden", minutes=1e-9, seeds=3, check_seeds=4)
    job = sitting(home, "search", crew := MadeCrew(), request)
    job.start()
    assert job.wait(PATIENCE)
    assert (job.status, job.progress, crew.sent) == (Status.FINISHED, 1.0, [])


def test_the_winner_is_trained_from_seeds_that_no_trial_had(home: Path) -> None:
    best = searched(home).findings.best
    assert best is not None
    job = sitting(home, "check", crew := MadeCrew())
    job.start()
    assert job.wait(PATIENCE)
    assert job.status == Status.FINISHED
    assert sorted(spec.config.seed for spec in crew.sent) == [3, 4, 5, 6]
    assert {spec.to_dict()["config"]["learning_rate"] for spec in crew.sent} == {best.labels["learning_rate"]}
    assert sorted(outcome.seed for outcome in job.findings.checked) == [3, 4, 5, 6]
    assert job.findings.best == best

    again = sitting(home, "check", crew := MadeCrew())
    again.start()
    assert again.wait(PATIENCE)
    assert crew.sent == []


def test_a_check_without_a_winner_does_nothing(home: Path) -> None:
    job = sitting(home, "check", crew := MadeCrew())
    job.start()
    assert job.wait(PATIENCE)
    assert (job.status, job.findings, crew.sent) == (Status.FINISHED, Findings(), [])


def test_what_goes_wrong_ends_the_job_and_the_crew(home: Path) -> None:
    class Broken(MadeCrew):
        def listen(self, seconds: float) -> list[tuple[object, object]]:  # type: ignore[override]
            raise OSError("the disk is gone")

    job = sitting(home, "search", crew := Broken())
    job.start()
    assert job.wait(PATIENCE)
    assert job.status == Status.FAILED
    assert "the disk is gone" in (job.error or "")
    assert crew.closed


def test_a_preset_that_is_none_is_told(home: Path) -> None:
    with pytest.raises(ConfigError, match="nobody"):
        Request("nobody", 1, 3, 4).plan()


# --- in a laboratory


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> MadeCrew:
    crew = MadeCrew(allowed=0)
    monkeypatch.setattr("engine.runs.search_job.LocalCrew", lambda *_args, **_extra: crew)
    return crew


def test_a_laboratory_has_one_search_of_a_kind_and_ends_it_when_it_closes(home: Path, made: MadeCrew) -> None:
    lab = Laboratory(home)
    assert lab.kept_search(REQUEST) is None, "there are no studies to look at"
    heard: list[Status] = []
    lab.listeners.append(lambda job: heard.append(job.status))
    job = lab.search(REQUEST, "search")
    assert lab.search(REQUEST, "search") is job
    assert lab.search(REQUEST, "check") is job, "what is under way goes on"
    assert lab.kept_search(REQUEST) is job
    assert lab.at_work == ["search around one-hidden"]
    lab.close()
    assert job.status == Status.STOPPED
    assert lab.at_work == []
    assert heard[-1] == Status.STOPPED

    later = Laboratory(home)
    look = later.kept_search(REQUEST)
    assert look is not None
    assert later.at_work == [], "to look is no work"
    assert look.wait(PATIENCE)
    assert [trial.state for trial in look.findings.trials if trial.outcomes] == []
    later.close()
