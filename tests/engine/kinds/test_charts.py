"""What the built-in kinds say of charts: levels with names, marks, and one axis in terms of another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.learners.charts import Mark
from engine.learners.kinds import kind_of, preset_spec
from engine.learners.metrics import MetricLog
from engine.learners.specs import Spec

BAD, LINEAR = preset_spec("bad"), preset_spec("linear")


def dqn_log(returns: list[float], steps: int = 10) -> MetricLog:
    """A run whose episodes all took as many steps."""
    log = MetricLog()
    for episode, value in enumerate(returns):
        log.append("return", episode, value)
        log.append("epsilon", (episode + 1) * steps, 0.1)
    return log


def levels(spec: Spec, chart: str) -> list[tuple[float, str]]:
    return [(level.at, level.name) for level in kind_of(spec).chart(chart).levels(spec)]


def marks(spec: Spec, log: MetricLog) -> dict[str, tuple[float, str]]:
    return {mark.name: (mark.at, mark.unit) for mark in kind_of(spec).marks(spec, log)}


def test_levels_have_names() -> None:
    assert levels(BAD, "return") == [(475, "solved 475"), (500, "perfect 500")]
    assert levels(BAD, "q") == [(pytest.approx(20), "ceiling 20")]
    assert levels(preset_spec("good-2"), "q") == [(pytest.approx(100), "ceiling 100")]
    assert levels(LINEAR, "accuracy") == [(0.5, "guessing 0.5")]


def test_an_environment_whose_best_return_nobody_knows_has_the_levels_that_are_known() -> None:
    car = replace(BAD, config=BAD.config.replace(environment="MountainCar-v0"))
    assert levels(car, "return") == [(-110, "solved -110")]


def test_what_the_settings_fix_is_marked_from_the_start() -> None:
    assert marks(BAD, MetricLog()) == {
        "learning starts": (1_000, "environment step"),
        "epsilon at its floor": (BAD.config.steps_epsilon_decay, "environment step"),
    }


def test_what_happened_is_marked_where_it_happened() -> None:
    log = dqn_log([100.0] * 30)
    for episode, score in ((10, 90.0), (20, 300.0), (30, 200.0)):
        log.append("selection", episode, score)
    log.append("first_perfect", 170, 17)
    told = marks(BAD, log)
    assert told["best kept"] == (20, "episode")
    assert told["first perfect"] == (170, "environment step")
    assert "collapse" not in told


def test_a_collapse_is_marked_where_half_of_what_was_gained_is_lost() -> None:
    fallen = dqn_log([400.0] * 40 + [0.0] * 20)
    # The mean of 20 is below 200 once eleven of them are 0.
    assert marks(BAD, fallen)["collapse"] == (50, "episode")
    assert "collapse" not in marks(BAD, dqn_log([400.0] * 40 + [0.0] * 20 + [400.0] * 20))


def test_imitation_marks_its_best_epochs() -> None:
    log = MetricLog()
    for epoch, (loss, accuracy) in enumerate([(0.7, 0.5), (0.3, 0.8), (0.4, 0.9)], 1):
        log.append("test_loss", epoch, loss)
        log.append("test_accuracy", epoch, accuracy)
    assert kind_of(LINEAR).marks(LINEAR, log) == (Mark(2, "lowest test loss", "epoch"), Mark(3, "best test", "epoch"))
    assert kind_of(LINEAR).marks(LINEAR, MetricLog()) == ()


def test_a_step_belongs_to_the_episode_that_was_played_then_and_an_episode_is_where_it_ended() -> None:
    kind, log = kind_of(BAD), dqn_log([10.0] * 5)
    steps = [kind.place(log, step, "environment step", "episode") for step in (1, 10, 11, 50, 51)]
    assert steps == [0, 0, 1, 4, None]
    episodes = [kind.place(log, episode, "episode", "environment step") for episode in (0, 4, 5, 6, -1)]
    assert episodes == [10, 50, 50, None, None]
    assert kind.place(log, 99, "episode", "episode") == 99


def test_where_nothing_tells_one_axis_is_not_another() -> None:
    assert kind_of(BAD).place(MetricLog(), 3, "episode", "environment step") is None
    assert kind_of(BAD).place(dqn_log([1.0]), 0, "episode", "epoch") is None
    assert kind_of(LINEAR).place(MetricLog(), 3, "episode", "environment step") is None
