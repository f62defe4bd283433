"""Diagnosis: each finding from a log that was written to show it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from engine.analysis.findings import dqn_findings, imitation_findings
from engine.learners.config import DQNConfig
from engine.learners.kind import Finding
from engine.learners.metrics import MetricLog
from engine.learners.presets import BAD, GOOD_2
from engine.learners.specs import DQNSpec
from tests.engine import probes
from tests.engine.small import dqn_config


def log_of(**named: Sequence[float]) -> MetricLog:
    log = MetricLog()
    for name, values in named.items():
        for x, y in enumerate(values):
            log.append(name, x, y)
    return log


def diagnose(config: DQNConfig, log: MetricLog) -> list[Finding]:
    return dqn_findings(DQNSpec(config), log)


def names(config: DQNConfig, log: MetricLog) -> list[str]:
    return [finding.name for finding in diagnose(config, log)]


def fit(train_loss: Sequence[float], test_loss: Sequence[float], train: float, test: float) -> list[Finding]:
    count = len(train_loss)
    log = log_of(
        train_loss=train_loss, test_loss=test_loss, train_accuracy=[train] * count, test_accuracy=[test] * count
    )
    return imitation_findings(log)


def falling(start: float, end: float, count: int) -> list[float]:
    return [float(value) for value in np.linspace(start, end, count)]


def test_a_run_that_ended_early_says_why_and_says_it_first() -> None:
    config = dqn_config(keep_best_every_episodes=5, end_when_perfect=True)
    log = log_of(**{"return": [400.0] * 40, "q": [150.0] * 3, "selection": [480.0, 500.0]})
    assert "perfect" not in names(config, log)
    log.append("first_perfect", 9_000, 1)
    assert names(config, log)[0] == "perfect"
    assert "each of 5,000 confirming episodes after episode 1 had a return of 500" in diagnose(config, log)[0].text
    assert "perfect" not in names(dqn_config(keep_best_every_episodes=5), log)


def test_too_few_epochs_are_not_judged() -> None:
    assert fit(falling(0.7, 0.1, 9), falling(0.7, 0.9, 9), 0.99, 0.8) == []
    assert imitation_findings(MetricLog()) == []


def test_a_train_loss_that_does_not_fall_is_a_bug_until_shown_otherwise() -> None:
    (finding,) = fit([0.693] * 12, [0.693] * 12, 0.5, 0.5)
    assert finding.name == "not learning"
    assert "0.693 to 0.693" in finding.text


def test_a_test_loss_far_above_the_train_loss_is_overfitting_and_the_lowest_epoch_is_told() -> None:
    (finding,) = fit(falling(0.7, 0.05, 50), [*falling(0.7, 0.3, 20), *falling(0.31, 0.5, 30)], 0.99, 0.9)
    assert finding.name == "overfitting"
    assert "0.300" in finding.text
    assert "epoch 20" in finding.text


def test_low_accuracies_that_level_off_together_are_underfitting() -> None:
    (finding,) = fit(falling(0.69, 0.6, 150), falling(0.69, 0.61, 150), 0.682, 0.687)
    assert finding.name == "underfitting"
    assert "0.682 and 0.687" in finding.text


def test_losses_that_fall_together_are_fitting() -> None:
    (finding,) = fit(falling(0.69, 0.30, 60), falling(0.69, 0.32, 60), 0.88, 0.87)
    assert finding.name == "fitting"


def test_half_of_the_peak_lost_is_a_collapse_with_its_figures() -> None:
    log = log_of(**{"return": [20.0] * 40 + [400.0] * 30 + [30.0] * 30})
    (finding,) = diagnose(GOOD_2, log)
    assert finding.name == "collapse"
    assert "fell from 400 (episode 60) to 30" in finding.text


@pytest.mark.parametrize(
    "returns", [[400.0] * 30 + [300.0] * 30, [50.0] * 30 + [10.0] * 30, [400.0] * 5 + [10.0] * 10, falling(10, 300, 60)]
)
def test_a_smaller_fall_or_a_short_run_is_no_collapse(returns: list[float]) -> None:
    assert "collapse" not in names(GOOD_2, log_of(**{"return": returns}))


def test_twenty_episodes_near_the_limit_are_solved_while_exploring() -> None:
    (finding,) = diagnose(GOOD_2, log_of(**{"return": [20.0] * 40 + [490.0] * 20}))
    assert finding.name == "solved while exploring"
    assert "490" in finding.text
    assert diagnose(GOOD_2, log_of(**{"return": [20.0] * 40 + [460.0] * 20})) == []


MOUNTAIN_CAR = GOOD_2.replace(environment="MountainCar-v0")
UNKNOWN = GOOD_2.replace(environment=probes.COUNTING)


def test_where_lasting_is_bad_the_way_up_begins_at_the_time_limit() -> None:
    fallen = log_of(**{"return": [-200.0] * 40 + [-120.0] * 30 + [-195.0] * 30})
    (finding,) = diagnose(MOUNTAIN_CAR, fallen)
    assert finding.name == "collapse"
    assert "fell from -120 (episode 60) to -195" in finding.text
    assert diagnose(MOUNTAIN_CAR, log_of(**{"return": [-200.0] * 60})) == []
    assert names(MOUNTAIN_CAR, log_of(**{"return": [-105.0] * 30})) == ["solved while exploring"]


def test_where_nobody_says_what_a_return_or_a_value_is_worth_nothing_is_said() -> None:
    assert diagnose(UNKNOWN, log_of(**{"return": [300.0] * 30 + [1.0] * 30, "q": [1e6]})) == []


def test_a_value_above_what_rewards_below_0_can_be_worth_is_overestimation() -> None:
    (finding,) = diagnose(MOUNTAIN_CAR, log_of(q=[-50, 6]))
    assert finding.text == "mean Q-value 6 is above the ceiling 0."
    assert diagnose(MOUNTAIN_CAR, log_of(q=[4])) == []


def test_q_values_above_the_ceiling_are_overestimation() -> None:
    (finding,) = diagnose(GOOD_2, log_of(q=[50, 106]))
    assert finding.name == "overestimation"
    assert "106 is above the ceiling 1/(1 - discount) = 100" in finding.text
    assert diagnose(GOOD_2, log_of(q=[150, 104])) == []
    assert "overestimation" not in names(dqn_config(discount_factor=1), log_of(q=[1e9]))


def test_the_bad_settings_explore_no_more_when_they_learn() -> None:
    (finding,) = diagnose(BAD, MetricLog())
    assert finding.name == "no exploration while learning"
    assert "0.20" in finding.text
    assert "step 1000" in finding.text
    assert diagnose(GOOD_2, MetricLog()) == []


def test_the_weightiest_finding_comes_first() -> None:
    log = log_of(**{"return": [400.0] * 30 + [30.0] * 30, "q": [99.0]})
    assert names(BAD, log) == ["collapse", "overestimation", "no exploration while learning"]
