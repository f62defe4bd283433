"""Rules that name what a run shows, each with the figures it rests on. Pure functions of a metric log and a config."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.config import Config, DQNConfig
from engine.metrics import MetricLog, trailing_mean
from engine.schedules import schedule_facts

RETURN_WINDOW = 20
EPOCH_WINDOW = 20
TIME_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Finding:
    """What a run shows: a name for it and one sentence with the figures."""

    name: str
    text: str


def diagnose(config: Config, log: MetricLog) -> list[Finding]:
    """Findings on a run so far, the weightiest first; none while there is too little to judge."""
    return _diagnose_dqn(config, log) if isinstance(config, DQNConfig) else _diagnose_imitation(log)


def _diagnose_imitation(log: MetricLog) -> list[Finding]:
    _, train_loss = log.read("train_loss")
    _, test_loss = log.read("test_loss")
    _, test_accuracy = log.read("test_accuracy")
    _, train_accuracy = log.read("train_accuracy")
    if len(test_loss) < 10:
        return []
    lowest = int(test_loss.argmin())
    # Single epochs jump; medians of the last ones do not.
    train, test, accuracy, own = (
        float(np.median(series[-EPOCH_WINDOW:])) for series in (train_loss, test_loss, test_accuracy, train_accuracy)
    )
    if train_loss[-1] >= train_loss[0]:
        return [
            Finding(
                "not learning", f"train loss went from {train_loss[0]:.3f} to {train_loss[-1]:.3f}: look for a bug."
            )
        ]
    if test > 1.25 * train and own - accuracy > 0.01:
        return [
            Finding(
                "overfitting",
                f"train loss {train:.3f}, test loss {test:.3f} (lowest: {test_loss[lowest]:.3f}, epoch {lowest + 1}).",
            )
        ]
    if len(test_loss) >= 100 and accuracy < 0.8 and abs(own - accuracy) < 0.05:
        return [
            Finding("underfitting", f"train and test accuracy level off together, at {own:.3f} and {accuracy:.3f}.")
        ]
    return [Finding("fitting", f"train loss {train:.3f}, test loss {test:.3f}: they move together.")]


def _diagnose_dqn(config: DQNConfig, log: MetricLog) -> list[Finding]:
    facts = schedule_facts(config)
    findings = []
    _, returns = log.read("return")
    if len(returns) >= RETURN_WINDOW:
        mean = trailing_mean(returns, RETURN_WINDOW)[RETURN_WINDOW - 1 :]
        peak, now = float(mean.max()), float(mean[-1])
        if peak >= 100 and now < peak / 2:
            at = int(mean.argmax()) + RETURN_WINDOW
            findings.append(
                Finding(
                    "collapse",
                    f"mean return of {RETURN_WINDOW} episodes fell from {peak:.0f} (episode {at}) to {now:.0f}.",
                )
            )
        elif now >= 0.95 * TIME_LIMIT:
            findings.append(
                Finding("solved while exploring", f"mean return of the last {RETURN_WINDOW} episodes is {now:.0f}.")
            )
    value = log.last("q")
    if value is not None and np.isfinite(facts.value_ceiling) and value > 1.05 * facts.value_ceiling:
        findings.append(
            Finding(
                "overestimation",
                f"mean Q-value {value:.0f} is above the ceiling 1/(1 - discount) = {facts.value_ceiling:.0f}.",
            )
        )
    if facts.epsilon_floor_step <= facts.first_training_step:
        findings.append(
            Finding(
                "no exploration while learning",
                f"epsilon is at its floor {config.epsilon_end:.2f} when the first gradient step is taken, "
                f"at step {facts.first_training_step}.",
            )
        )
    return findings
