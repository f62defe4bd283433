"""Deep Q-learning as a kind of learner: its entry in the registry."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from engine.analysis.findings import RETURN_WINDOW, dqn_findings, dqn_marks
from engine.learners.config import DQNConfig
from engine.learners.environment_facts import check_state_scale, environment_facts
from engine.learners.kind import Chart, Figure, Finding, Headline, Kind, Learner, Level, Mark, Rows, Span, Trace
from engine.learners.kinds import register
from engine.learners.metrics import MetricLog
from engine.learners.presets import COURSE_ACCIDENTS, DQN_PRESETS
from engine.learners.schedules import schedule_facts
from engine.learners.specs import DQNSpec

LAB_SETTINGS = {f.name for f in dataclasses.fields(DQNConfig) if f.default is not dataclasses.MISSING} - {"seed"}
"""The settings that the course does not know."""

FORKABLE = frozenset(
    {
        *("learning_rate", "discount_factor", "batch_size", "freq_steps_train", "freq_steps_update_target"),
        *("n_steps_warm_up_memory", "n_gradient_steps", "max_grad_norm", "epsilon_start", "epsilon_end"),
        *("steps_epsilon_decay", "double_q", "target_soft_update_rate", "learning_rate_final_fraction"),
        *("bootstrap_on_truncation", "target_check_behind_training", "keep_best_every_episodes", "end_when_perfect"),
    }
)
"""All but the shape of the network and of the buffer, the scale of what lies in it, and what the random streams and
the episode come from."""


def _returns(spec: DQNSpec) -> Span:
    return environment_facts(spec.config.environment).return_range


def _values(spec: DQNSpec) -> Span:
    return environment_facts(spec.config.environment).value_range(spec.config.discount_factor)[0], None


def _goals(spec: DQNSpec) -> tuple[Level, ...]:
    facts = environment_facts(spec.config.environment)
    goals = (("solved", facts.reward_threshold), ("perfect", facts.best_return))
    return tuple(Level(at, f"{name} {at:g}") for name, at in goals if at is not None)


def _ceiling(spec: DQNSpec) -> tuple[Level, ...]:
    ceiling = schedule_facts(spec.config).value_ceiling
    return () if ceiling is None else (Level(ceiling, f"ceiling {ceiling:.4g}"),)


class DQN(Kind):
    """A network learns action values from what it does in an environment."""

    name = "dqn"
    title = "deep Q-learning"
    spec_type = DQNSpec
    presets = DQN_PRESETS
    clock = "epsilon"
    headline = Headline("mean return", "return", "return", RETURN_WINDOW)
    forkable = FORKABLE
    ends_early = "end_when_perfect"
    space = Path(__file__).parent / "spaces" / "dqn.toml"
    practice_words: ClassVar[Mapping[str, str]] = {
        "first_training_step": "learning starts at environment step {}",
        "epsilon_at_first_training": "epsilon is then at {}",
        "epsilon_floor_step": "epsilon is at its floor from environment step {}",
        "epsilon_floor_episode_soonest": "that is in episode {} if all last to the time limit",
        "epsilon_floor_episode_latest": "or in episode {} if all are as short as a random agent's",
        "gradient_steps_per_env_step": "{} gradient steps per environment step",
        "target_update_steps": "target network updated every {} environment steps",
        "target_updates_per_1000_env_steps": "that is {} times in 1,000",
        "value_ceiling": "ceiling of Q {}",
        "parameters": "{} parameters",
    }
    charts = (
        Chart(
            "return",
            "return by episode",
            (Trace("return", faint=True, alone=True, name="each episode"), Trace("return", smooth=RETURN_WINDOW)),
            by="episode",
            reach=lambda spec: spec.episodes,
            span=_returns,
            levels=_goals,
        ),
        Chart("loss", "loss (mean squared TD error) by step", (Trace("loss"),), cut_spikes=True),
        Chart("q", "mean largest Q-value by step", (Trace("q"),), span=_values, levels=_ceiling),
        Chart("epsilon", "epsilon by step", (Trace("epsilon"),), span=lambda spec: (0.0, 1.0)),
        Chart("grad_norm", "gradient norm by step, before clipping", (Trace("grad_norm"),), cut_spikes=True),
    )

    def learner(self, spec: DQNSpec, log: MetricLog, rows: Rows) -> Learner:
        from engine.learners.dqn import DQNLearner

        return DQNLearner(spec.config, log, episodes=spec.episodes, max_env_steps=spec.max_env_steps)

    def environment(self, config: Any) -> str:
        return str(config.environment)

    def check(self, spec: DQNSpec) -> None:
        check_state_scale(spec.config.state_scale, environment_facts(spec.config.environment).state_size)

    def standing(self, spec: DQNSpec, log: MetricLog, counters: Mapping[str, int]) -> tuple[Figure, ...]:
        mean = self.headline_of(log)
        return () if mean is None else (Figure("episode", counters.get("episodes", 0), "count"), mean)

    def best(self, spec: DQNSpec, log: MetricLog) -> tuple[Figure, ...]:
        episodes, means = log.read("selection")
        if not len(means):
            return ()
        at = len(means) - 1 - int(means[::-1].argmax())
        return Figure("kept best: episode", float(episodes[at]), "count"), Figure("greedy", float(means[at]), "return")

    def unsaid(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """A dict that has only the course's keys was made for the course's code."""
        return {} if LAB_SETTINGS & settings.keys() else dict(COURSE_ACCIDENTS)

    def practice(self, spec: DQNSpec) -> dict[str, float | int | None]:
        return {**dataclasses.asdict(schedule_facts(spec.config)), "parameters": self.parameters(spec.config)}

    def marks(self, spec: DQNSpec, log: MetricLog) -> tuple[Mark, ...]:
        return dqn_marks(spec, log)

    def findings(self, spec: DQNSpec, log: MetricLog) -> list[Finding]:
        return dqn_findings(spec, log)


register(DQN())
