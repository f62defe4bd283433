"""The loop over a study: budgets, deaths, stops and the check, with processes that make their outcomes up."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from engine.runs.crew import Call, CrewProcess, LocalCrew, Result
from engine.runs.search import Event, Search, SeedTold, TrialTold, Trouble, verdict
from engine.runs.study_records import Budget
from engine.runs.study_storage import StudyError
from engine.runs.trial import Outcome, Trial
from tests.engine.runs.small_study import open_study, outcome, plan


class Made(CrewProcess):
    """Answers at once: the batch size, less ten for each seed; None means that it dies, once each."""

    deaths: int = 0
    fails = False

    def __init__(self, name: str, silent: bool) -> None:
        self.task = None
        self.share = 0.0
        self.pipe, self._theirs = multiprocessing.Pipe()

    def send(self, task: object, call: Call) -> None:
        self.task = task
        if Made.deaths:
            Made.deaths -= 1
            self._theirs.close()
            return
        assert isinstance(call, Trial)
        spec = call.spec
        score = spec.to_dict()["config"]["batch_size"] - 10 * spec.config.seed
        self._theirs.send(Result(outcome(spec.config.seed, None if Made.fails else score)))

    def stop(self) -> None:
        self.task = None

    def join(self) -> str:
        self.pipe.close()
        return "was ended by SIGKILL"


@pytest.fixture(autouse=True)
def nobody_dies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Made, "deaths", 0)
    monkeypatch.setattr(Made, "fails", False)


def _search(home: Path, budget: Budget, **changes: object) -> Search:
    study = open_study(home, plan(home, seeds=(0, 1)))
    return Search(study, LocalCrew(2, Made), budget, **changes)  # type: ignore[arg-type]


def _ended(events: list[Event]) -> list[int]:
    return [event.record.number for event in events if isinstance(event, TrialTold)]


def test_a_budget_of_trials_is_used_up_and_not_again(home: Path) -> None:
    search = _search(home, Budget(trials=5))
    assert sorted(_ended(list(search.run()))) == [0, 1, 2, 3, 4]
    assert search.share() == 1
    assert list(_search(home, Budget(trials=5)).run()) == []
    assert sorted(_ended(list(_search(home, Budget(trials=6)).run()))) == [5]


def test_a_budget_of_environment_steps_begins_no_trial_beyond_it(home: Path) -> None:
    events = list(_search(home, Budget(env_steps=50)).run())
    steps = sum(event.outcome.env_steps for event in events if isinstance(event, SeedTold))
    assert 50 <= steps <= 50 + 2 * 20, "two trials of 20 steps may have been under way"


def test_no_time_left_begins_nothing(home: Path) -> None:
    assert list(_search(home, Budget(), seconds=1e-9).run()) == []


def test_a_stop_gives_back_what_is_under_way(home: Path) -> None:
    asked = iter([False, False, True])
    search = _search(home, Budget(trials=9), stopping=lambda: next(asked, True))
    assert _ended(list(search.run())) == []
    assert [(record.state, record.given_back) for record in search.study.trials()] == [
        ("failed", True),
        ("failed", True),
        ("waiting", False),
        ("waiting", False),
    ]


def test_a_trial_whose_process_dies_is_tried_again_and_counts_once(home: Path) -> None:
    Made.deaths = 2
    search = _search(home, Budget(trials=3))
    events = list(search.run())
    assert [event.text.partition(":")[2] for event in events if isinstance(event, Trouble)] == [
        " its process was ended by SIGKILL; it is tried again."
    ] * 2
    assert len(_ended(events)) == 3
    records = search.study.trials()
    assert sum(record.state == "complete" for record in records) == 3
    assert sum(record.given_back for record in records) == 2


def test_failure_after_failure_ends_the_search_with_its_reason(home: Path) -> None:
    Made.fails = True
    with pytest.raises(StudyError, match="10 trials in a row failed"):
        list(_search(home, Budget(trials=50)).run())


def test_the_winner_is_trained_from_fresh_seeds_once(home: Path) -> None:
    search = _search(home, Budget(trials=6))
    list(search.run())
    winner = search.study.best()
    assert winner is not None
    assert verdict(search.study, winner, 4) is None
    told = [event for event in search.check(winner, 4) if isinstance(event, SeedTold)]
    assert sorted(event.outcome.seed for event in told) == [2, 3, 4, 5]
    found = verdict(search.study, winner, 4)
    assert found is not None
    assert found["seeds"] == [2, 3, 4, 5]
    assert found["mean"] == (winner.score or 0) - 30, "its seeds are 3 further on the average"
    assert found["interval"][0] < found["mean"] < found["interval"][1]
    assert (found["successes"], found["failed"]) == (0, 0)
    assert list(search.check(winner, 4)) == []


def test_fresh_seeds_that_fail_are_no_successes_and_no_part_of_the_mean(home: Path) -> None:
    search = _search(home, Budget(trials=1))
    list(search.run())
    winner = search.study.best()
    assert winner is not None
    search.study.keep_check(winner.number, Outcome(2, 500.0, 1, 1.0, True))
    search.study.keep_check(winner.number, outcome(3, None, diverged=True))
    found = verdict(search.study, winner, 2)
    assert found is not None
    assert (found["mean"], found["failed"], found["successes"], found["interval"]) == (500.0, 1, 1, None)
    assert found["success_interval"][0] < 0.5 < found["success_interval"][1]


def test_a_search_whose_every_process_dies_comes_to_an_end(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Made, "deaths", 1_000)
    with pytest.raises(StudyError, match=r"10 trials in a row were lost; .* was ended by SIGKILL"):
        list(_search(home, Budget(trials=2)).run())
