"""A study shared by workers: budgets of the whole, pruning between seeds, and nothing lost when a worker goes away."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from engine.runs.study_records import Budget, try_again
from engine.runs.study_storage import FILE, StudyAwayError, StudyError, StudyStorage
from tests.engine.runs.small_study import SPACE, begin, open_study, outcome, plan, see_through


def test_a_trials_score_is_the_mean_over_its_seeds_and_the_best_one_wins(home: Path) -> None:
    study = open_study(home, plan(home))
    first, second = begin(study), begin(study)
    assert first.next_spec(study.plan.seeds).config.seed == 0
    assert see_through(study, first, 10, 20, 60) == "complete"
    assert see_through(study, second, 30, 30, 31) == "complete"
    winner = study.best()
    assert winner is not None
    assert (winner.number, winner.score) == (second.number, pytest.approx(30.333333))
    assert study.spec_of(winner).config == second.spec.config
    study.close()


def test_settings_that_do_worse_than_the_median_are_given_up_after_a_seed(home: Path) -> None:
    study = open_study(home, plan(home), pruner="median")
    for _ in range(5):
        assert see_through(study, begin(study), 100, 100, 100) == "complete"
    assert see_through(study, begin(study), 99) == "pruned"
    assert see_through(study, begin(study), 101) == "next seed"
    assert [record.state for record in study.trials()] == [*["complete"] * 5, "pruned", "running"]
    assert study.trials()[5].reason == "after 1 of 3 seeds"
    study.close()


def test_a_seed_that_diverges_is_judged_and_one_that_fails_is_told(home: Path) -> None:
    study = open_study(home, plan(home))
    assert study.add(begin(study), outcome(0, None, diverged=True)) == "pruned"
    assert study.add(begin(study), outcome(0, None)) == "failed"
    assert study.best() is None
    assert study.trials()[1].reason == "seed 0: it went wrong."
    assert study.begin(Budget(trials=2)) is None, "both count"
    study.close()


def test_budgets_are_those_of_the_study_and_count_what_is_under_way(home: Path) -> None:
    one, other = open_study(home, plan(home)), open_study(home, plan(home))
    budget = Budget(trials=3)
    begun = [begin(one, budget), begin(other, budget), begin(one, budget)]
    assert [trial.number for trial in begun] == [0, 1, 2]
    assert one.begin(budget) is None
    assert other.begin(budget) is None
    assert one.others_at_work()
    see_through(one, begun[0], 1, 2, 3)
    see_through(one, begun[2], 1, 2, 3)
    assert one.begin(budget) is None
    assert one.begin(Budget(env_steps=60)) is None, "each seed took 10"
    assert begin(one, Budget(env_steps=61)).number == 3
    one.close()
    other.close()


def test_a_trial_that_is_given_back_goes_on_with_its_settings_at_the_seed_it_was_at(home: Path) -> None:
    study = open_study(home, plan(home))
    begun = begin(study)
    study.add(begun, outcome(0, 40))
    study.give_back(begun)
    study.close()
    again = open_study(home, plan(home))
    taken = begin(again, Budget(trials=1))
    assert taken.number != begun.number
    assert taken.spec == begun.spec
    assert taken.next_spec(again.plan.seeds).config.seed == 1
    assert see_through(again, taken, 50, 60) == "complete"
    assert again.begin(Budget(trials=1)) is None
    winner = again.best()
    assert winner is not None
    assert winner.score == 50
    assert [record.given_back for record in again.trials()] == [True, False]
    again.close()


def test_what_a_dead_worker_was_at_is_marked_failed_and_tried_again_once(home: Path) -> None:
    dead, one, other = (open_study(home, plan(home)) for _ in range(3))
    begun = begin(dead)
    alive = begin(other)
    dead._worker._lock.release()  # As the system does when a process ends, however it ends.
    taken = [begin(one), begin(other)]
    assert [trial.spec == begun.spec for trial in taken] == [True, False]
    states = [(record.state, record.given_back) for record in one.trials()]
    assert states == [("failed", True), ("running", False), ("running", False), ("running", False)]
    assert see_through(dead, begun, 1) == "lost", "it was not dead after all"
    assert see_through(other, alive, 1, 2, 3) == "complete"
    one.close()
    other.close()


def test_settings_whose_process_dies_each_time_are_given_up(home: Path) -> None:
    study = open_study(home, plan(home))
    first = begin(study)
    tries = 1
    study.give_back(first)
    while (again := begin(study)).spec == first.spec and tries < 10:
        tries += 1
        study.give_back(again)
    assert tries == 4
    study.close()


def test_a_worker_that_was_silent_elsewhere_is_taken_for_dead(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere, here = open_study(home, plan(home)), open_study(home, plan(home))
    begun = begin(elsewhere)
    monkeypatch.setattr(here._worker, "is_dead", lambda worker: False)  # No lock of another machine can be seen.
    assert begin(here).spec != begun.spec
    here._storage.storage.grace_period = -1  # Every silence is too long.
    assert begin(here).spec == begun.spec
    here.close()
    elsewhere.close()


def test_the_same_plan_goes_on_and_another_is_refused_with_what_differs(home: Path) -> None:
    open_study(home, plan(home)).close()
    open_study(home, plan(home)).close()
    for other, words in [
        (plan(home, seeds=(0, 1)), "the seeds 0, 1, 2, not 0, 1"),
        (plan(home, space=SPACE.replace("32", "64")), "another search space"),
    ]:
        with pytest.raises(StudyError, match=words):
            open_study(home, other)


def test_a_study_of_another_program_is_left_alone(home: Path) -> None:
    import optuna

    storage = StudyStorage(f"sqlite:///{home.parent / 'theirs.db'}", try_again)
    optuna.create_study(storage=storage.storage, study_name="small").ask()
    with pytest.raises(StudyError, match="another program"):
        open_study_in(storage, home)


def open_study_in(storage: StudyStorage, home: Path) -> None:
    from engine.runs.study import Study

    home.mkdir(exist_ok=True)
    Study(storage, home, "small", plan(home))


def test_an_undisturbed_search_draws_the_same_settings_and_a_stopped_one_others_than_before(home: Path) -> None:
    def drawn(folder: Path, *, stops: bool) -> list[dict[str, object]]:
        study = open_study(folder, plan(folder), sampler="tpe")
        for _ in range(6):
            if stops:
                study.close()
                study = open_study(folder, plan(folder), sampler="tpe")
            see_through(study, begin(study), 1, 2, 3)
        study.close()
        return [dict(record.labels) for record in study.trials()]

    first = drawn(home / "a", stops=False)
    assert first == drawn(home / "b", stops=True)
    assert len({str(labels) for labels in first}) == 6


def test_combinations_that_the_learner_refuses_count_and_are_not_tried_for_ever(home: Path) -> None:
    space = "[n_steps_warm_up_memory]\nchoices = [1000, 2000]\n"  # The replay buffer of the base holds 200.
    study = open_study(home, plan(home, space=space))
    assert study.begin(Budget(trials=4)) is None
    assert [record.state for record in study.trials()] == ["failed"] * 4
    assert "must be at most memory_size" in (study.trials()[0].reason or "")
    with pytest.raises(StudyError, match="cannot go together"):
        study.begin(Budget())
    study.close()


def test_importance_names_the_setting_that_decides(home: Path) -> None:
    study = open_study(home, plan(home, seeds=(0,)))
    for _ in range(9):
        begun = begin(study)
        see_through(study, begun, float(begun.spec.to_dict()["config"]["batch_size"]))
    assert study.importance() is None, "too few to tell"
    for _ in range(21):
        begun = begin(study)
        see_through(study, begun, float(begun.spec.to_dict()["config"]["batch_size"]))
    shares = study.importance()
    assert shares is not None
    assert list(shares) == ["batch_size", "learning_rate"]
    assert sum(shares.values()) == pytest.approx(1)
    study.close()


def test_fresh_seeds_are_none_of_the_searchs_and_their_outcomes_are_kept(home: Path) -> None:
    study = open_study(home, plan(home, seeds=(7, 8)))
    assert study.fresh_seeds(3) == (9, 10, 11)
    study.keep_check(0, outcome(9, 12.5))
    study.close()
    again = open_study(home, plan(home, seeds=(7, 8)))
    assert again.checked(0) == {9: outcome(9, 12.5)}
    assert again.checked(1) == {}
    again.close()


def test_the_homes_studies_are_its_owners_alone(home: Path) -> None:
    open_study(home, plan(home)).close()
    assert stat.S_IMODE((home / FILE).stat().st_mode) == 0o600
    assert list((home / "workers").iterdir()) == []


@pytest.mark.parametrize(
    ("url", "error", "words"),
    [
        ("nonsense", StudyError, "URL of a database"),
        ("oracle://host/name", StudyError, "not 'oracle'"),
        ("sqlite://", StudyError, "would be lost"),
        ("sqlite:////nowhere/at/all/x.db", StudyError, "/nowhere/at/all"),
        ("postgresql+nothing://host/name", StudyError, "postgresql+nothing"),
        ("postgresql+pg8000://me:secret@host/name", StudyError, "pip install pg8000"),
        ("postgresql+psycopg://me:secret@127.0.0.1:1/name", StudyAwayError, "cannot be reached"),
    ],
)
def test_a_wrong_url_is_one_sentence_without_its_password(url: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as refused:
        StudyStorage(url, try_again)
    assert type(refused.value) is error
    assert words in str(refused.value)
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_sampler_that_keeps_pickles_is_refused_where_others_may_write(home: Path) -> None:
    home.mkdir(parents=True)
    open_study(home, plan(home), sampler="cmaes").close()
    from engine.runs.study import Study

    storage = StudyStorage(f"sqlite:///{home.parent / 'shared.db'}", try_again)
    with pytest.raises(StudyError, match="pickles"):
        Study(storage, home, "small", plan(home), sampler="cmaes")


@pytest.mark.parametrize("sampler", ["tpe", "random", "gp", "cmaes"])
@pytest.mark.parametrize("pruner", ["median", "percentile", "halving", "none"])
def test_each_sampler_works_with_each_pruner(home: Path, sampler: str, pruner: str) -> None:
    pytest.importorskip({"gp": "scipy", "cmaes": "cmaes"}.get(sampler, "optuna"))
    study = open_study(home, plan(home, seeds=(0, 1)), sampler=sampler, pruner=pruner)
    ends = [see_through(study, begin(study), score) for score in (5, 4, 3)]
    assert set(ends) <= {"next seed", "pruned"}
    assert len(study.trials()) == 3
    study.close()


def test_an_unknown_sampler_or_pruner_is_named(home: Path) -> None:
    for methods, words in [({"sampler": "best"}, "no sampler 'best'"), ({"pruner": "all"}, "no pruner 'all'")]:
        with pytest.raises(StudyError, match=words):
            open_study(home, plan(home), **methods)
