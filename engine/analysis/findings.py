"""Rules that name what a run shows, each with the figures it rests on. Pure functions of a metric log and a spec."""

from __future__ import annotations

import numpy as np

from engine.learners.charts import Mark
from engine.learners.config import CONFIRMATION_EPISODES
from engine.learners.environment_facts import EnvironmentFacts, environment_facts
from engine.learners.kind import Finding
from engine.learners.metrics import MetricLog, Values
from engine.learners.schedules import schedule_facts
from engine.learners.specs import DQNSpec

RETURN_WINDOW = 20
"""Episodes whose mean return counts as how well a run does."""
EPOCH_WINDOW = 20
CLIMB = 0.2
"""Share of the way up that a run must have come before a fall is worth a name."""


def imitation_findings(log: MetricLog) -> list[Finding]:
    """Whether a supervised run fits, underfits or overfits; nothing in the first epochs."""
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


def dqn_findings(spec: DQNSpec, log: MetricLog) -> list[Finding]:
    """What the returns, the Q-values and the schedule of a DQN run show."""
    facts = environment_facts(spec.config.environment)
    found = [
        _early_end(spec, log),
        _returns_finding(facts, log.trailing("return", RETURN_WINDOW)[RETURN_WINDOW - 1 :]),
        _overestimation(facts, spec.config.discount_factor, log.last("q")),
        _no_exploration(spec),
    ]
    return [finding for finding in found if finding is not None]


def _early_end(spec: DQNSpec, log: MetricLog) -> Finding | None:
    episodes, scores = log.read("selection")
    if not spec.config.end_when_perfect or not log.length("first_perfect"):
        return None
    return Finding(
        "perfect",
        f"each of {CONFIRMATION_EPISODES:,} confirming episodes after episode {episodes[-1]:.0f} had a return of "
        f"{scores[-1]:.0f}, so the run ended there.",
    )


def _returns_finding(facts: EnvironmentFacts, means: Values) -> Finding | None:
    """Collapse, or solved; `means` are those of each full window of episodes."""
    if not len(means):
        return None
    now, at = float(means[-1]), int(means.argmax())
    if _collapse(facts, means) is not None:
        return Finding(
            "collapse",
            f"mean return of {RETURN_WINDOW} episodes fell from {means[at]:.0f} (episode {at + RETURN_WINDOW}) to "
            f"{now:.0f}.",
        )
    if facts.solved(now):
        return Finding("solved while exploring", f"mean return of the last {RETURN_WINDOW} episodes is {now:.0f}.")
    return None


def _collapse(facts: EnvironmentFacts, means: Values) -> int | None:
    """Which mean was the first to have lost half of what the highest had gained; None where the last one has not."""
    if not len(means):
        return None
    at = int(means.argmax())
    peak = float(means[at])
    bottom, top = facts.return_range
    # Where nobody says how low returns can be, the way up begins at the lowest mean seen before the peak.
    bottom = float(means[: at + 1].min()) if bottom is None else bottom
    top = facts.reward_threshold if top is None else top
    if top is None or not peak - bottom >= CLIMB * (top - bottom) > 0:
        return None
    lost = means[at:] - bottom < (peak - bottom) / 2
    return at + int(lost.argmax()) if lost[-1] else None


def dqn_marks(spec: DQNSpec, log: MetricLog) -> tuple[Mark, ...]:
    """What the settings fix in time, and what the run did: its best, its first perfect evaluation, its collapse."""
    facts = schedule_facts(spec.config)
    marks = [
        Mark(facts.first_training_step, "learning starts", "environment step"),
        Mark(facts.epsilon_floor_step, "epsilon at its floor", "environment step"),
    ]
    scores = log.trailing("selection", 1)
    episodes = log.places("selection")  # Asked for last: the run goes on, and no score may lack its episode.
    if len(scores):
        best = len(scores) - 1 - int(scores[::-1].argmax())
        marks.append(Mark(float(episodes[best]), "best kept", "episode"))
    marks += [Mark(float(step), "first perfect", "environment step") for step in log.places("first_perfect")[:1]]
    means = log.trailing("return", RETURN_WINDOW)[RETURN_WINDOW - 1 :]
    fell = _collapse(environment_facts(spec.config.environment), means)
    if fell is not None:
        marks.append(Mark(float(fell + RETURN_WINDOW - 1), "collapse", "episode"))
    return tuple(sorted(marks, key=lambda mark: (mark.unit, mark.at)))


def _overestimation(facts: EnvironmentFacts, discount: float, value: float | None) -> Finding | None:
    low, ceiling = facts.value_range(discount)
    if value is None or ceiling is None or low is None or value <= ceiling + 0.05 * (ceiling - low):
        return None
    why = f"1/(1 - discount) = {ceiling:.0f}" if facts.step_reward == 1 else f"{ceiling:.0f}"
    return Finding("overestimation", f"mean Q-value {value:.0f} is above the ceiling {why}.")


def _no_exploration(spec: DQNSpec) -> Finding | None:
    facts = schedule_facts(spec.config)
    if facts.epsilon_floor_step > facts.first_training_step:
        return None
    return Finding(
        "no exploration while learning",
        f"epsilon is at its floor {spec.config.epsilon_end:.2f} when the first gradient step is taken, "
        f"at step {facts.first_training_step}.",
    )
