"""Figures are written the same way everywhere, and short enough for a narrow terminal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.learners.environment_facts import CARTPOLE, environment_facts
from engine.learners.kind import Figure
from tui_lab.text import accuracy, agent_title, count, figure, percent, returns_summary, seconds, success, value


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "  0 %"),
        (0.004, "  0 %"),
        (0.05, "  5 %"),
        (0.5, " 50 %"),
        (0.29, " 29 %"),
        (1.0, "100 %"),
        (1.7, "100 %"),
    ],
)
def test_a_share_takes_five_cells_whatever_it_is(share: float, text: str) -> None:
    assert percent(share) == text


def test_a_hundred_percent_is_said_only_when_it_is_done() -> None:
    assert percent(0.99999) == " 99 %"


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (0.0, "0.0 s"),
        (3.16, "3.2 s"),
        (9.94, "9.9 s"),
        (10.0, "10 s"),
        (48.4, "48 s"),
        (119.4, "119 s"),
        (120.0, "2 min 00 s"),
        (125.9, "2 min 05 s"),
        (3725.0, "62 min 05 s"),
    ],
)
def test_a_time_is_told_as_finely_as_it_is_worth(time: float, text: str) -> None:
    assert seconds(time) == text


@pytest.mark.parametrize(("number", "text"), [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567.4, "1,234,567")])
def test_thousands_are_set_apart(number: float, text: str) -> None:
    assert count(number) == text


@pytest.mark.parametrize(("share", "text"), [(0.0, ".000"), (0.6874, ".687"), (0.6876, ".688"), (1.0, "1.000")])
def test_an_accuracy_is_printed_as_the_course_prints_it(share: float, text: str) -> None:
    assert accuracy(share) == text


@pytest.mark.parametrize(
    ("form", "text"), [("count", "1,234"), ("return", "1234"), ("accuracy", "1234.500"), ("number", "1234")]
)
def test_a_figure_is_written_as_its_form_asks(form: Any, text: str) -> None:
    # 1234.5 lies between two even numbers, so that rounding to even hides nothing here.
    assert value(Figure("steps", 1234.5, form)) == text


def test_a_number_without_a_form_keeps_four_digits() -> None:
    assert value(Figure("loss", 0.0123456)) == "0.01235"
    assert value(Figure("norm", 123456.0)) == "1.235e+05"


def test_a_figure_says_its_name_first() -> None:
    assert figure(Figure("mean return", 211.6, "return")) == "mean return 212"


# --- evaluations


def figures(**changes: Any) -> dict[str, Any]:
    return {"mean": 480.26, "std": 12.34, "min": 433.0, "max": 500.0, "perfect": 7, "episodes": 1000, **changes}


def test_perfect_episodes_are_counted_where_there_is_a_best_return() -> None:
    facts = environment_facts(CARTPOLE)
    assert success(figures(), facts) == "7 of 1,000 perfect"
    assert success(figures(perfect=0), facts) == "0 of 1,000 perfect"
    assert success(figures(perfect=1000), facts) == "all 1,000 perfect"


def test_where_nothing_is_perfect_the_threshold_decides() -> None:
    facts = environment_facts("MountainCar-v0")
    assert success(figures(perfect=None, mean=-200.0), facts) == "not solved (threshold -110)"
    assert success(figures(perfect=None, mean=-110.0), facts) == "solved (threshold -110)"


def test_an_environment_that_asks_for_nothing_gets_no_verdict() -> None:
    facts = replace(environment_facts("MountainCar-v0"), reward_threshold=None)
    assert success(figures(perfect=None), facts) is None
    assert returns_summary(figures(perfect=None), facts) == "480.3 ± 12.3, lowest 433"


def test_an_evaluation_is_summed_up_in_a_line() -> None:
    assert returns_summary(figures(), environment_facts(CARTPOLE)) == "480.3 ± 12.3, lowest 433, 7 of 1,000 perfect"


def test_the_newest_run_of_a_preset_is_called_the_readers_own() -> None:
    assert agent_title("latest:good-1") == "your good-1"
    assert agent_title("perfect") == "perfect"
    assert agent_title("linear:0,0,1,1") == "linear:0,0,1,1"
