"""Deep SARSA as a kind of learner, which lives in the tests alone: importing this module is all that the lab needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from engine.learners.environment_facts import environment_facts
from engine.learners.kind import Chart, Figure, Finding, Headline, Kind, Learner, Preset, Rows, Trace
from engine.learners.kinds import register
from engine.learners.metrics import MetricLog
from engine.learners.settings import ConfigError, Settings, integer, layer_widths, number, setting, text
from engine.learners.specs import EpisodesSpec

WINDOW = 10
"""Episodes, or updates, whose mean is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SarsaConfig(Settings):
    """Settings of deep SARSA.

    recent: how many transitions, the newest, are learned from.
    batch_size: how many of them, drawn at random, a gradient step takes; there is one step for every environment step.
    steps_per_target: environment steps between copies of the network into the target network.
    epsilon_start, epsilon_end, steps_epsilon_decay: exploration falls linearly over that many environment steps.
    """

    nn_hidden_layers: tuple[int, ...] = setting(layer_widths)
    learning_rate: float = setting(number(above=0, high=1), 1e-3)
    discount_factor: float = setting(number(0, 1), 0.97)
    recent: int = setting(integer(1, 100_000), 2_000)
    batch_size: int = setting(integer(1, 65_536), 32)
    steps_per_target: int = setting(integer(1), 50)
    epsilon_start: float = setting(number(0, 1), 0.9)
    epsilon_end: float = setting(number(0, 1), 0.05)
    steps_epsilon_decay: int = setting(integer(1), 2_000)
    seed: int = setting(integer(0, 2**63 - 1), 0)
    environment: str = setting(text, "CartPole-v1")

    def _check_together(self) -> None:
        if self.epsilon_end > self.epsilon_start:
            raise ConfigError(
                f"epsilon_end ({self.epsilon_end:g}) must be at most epsilon_start ({self.epsilon_start:g})."
            )


@dataclass(frozen=True, slots=True)
class SarsaSpec(EpisodesSpec):
    """A SARSA run."""

    kind: ClassVar[str] = "sarsa"
    config_type: ClassVar[type[Settings]] = SarsaConfig

    config: SarsaConfig


def _preset(name: str, title: str, budget: int, **settings: Any) -> Preset:
    spec = SarsaSpec(SarsaConfig(nn_hidden_layers=(64,), **settings), budget, max_env_steps=5_000)
    return Preset(name, title, spec, "the tests' own")


class Sarsa(Kind):
    """A network learns the values of what it does, exploration included."""

    name = "sarsa"
    title = "deep SARSA"
    spec_type = SarsaSpec
    presets = (
        _preset("sarsa", "SARSA that balances the pole for a while", 100),
        _preset("sarsa-car", "SARSA in the valley", 20, environment="MountainCar-v0", discount_factor=0.99),
    )
    headline = Headline("mean return", "return", "return", WINDOW)
    charts = (
        Chart(
            "return",
            "return by episode",
            (Trace("return", smooth=WINDOW),),
            by="episode",
            reach=lambda spec: spec.episodes,
            span=lambda spec: environment_facts(spec.config.environment).return_range,
        ),
        Chart("td_error", "size of the TD error by step", (Trace("td_error", smooth=WINDOW),), note="mean of a batch"),
    )

    def learner(self, spec: SarsaSpec, log: MetricLog, rows: Rows) -> Learner:
        from tests.engine.kinds.sarsa_learner import SarsaLearner

        return SarsaLearner(spec, log)

    def environment(self, config: SarsaConfig) -> str:
        return config.environment

    def best(self, spec: SarsaSpec, log: MetricLog) -> tuple[Figure, ...]:
        means = log.trailing("return", WINDOW)
        if not len(means):
            return ()
        at = int(means.argmax())
        return Figure("best mean", float(means[at]), "return"), Figure("at episode", at, "count")

    def figures(self, spec: SarsaSpec, log: MetricLog) -> dict[str, float | int | None]:
        best = {figure.name: figure.value for figure in self.best(spec, log)}
        return {
            "parameters": self.parameters(spec.config),
            "best_mean_return": best.get("best mean"),
            "td_error": log.last("td_error"),
        }

    def practice(self, spec: SarsaSpec) -> dict[str, float | int | None]:
        facts, config = environment_facts(spec.config.environment), spec.config
        return {
            "times_a_transition_is_learned_from": config.batch_size,
            "value_ceiling": facts.value_ceiling(config.discount_factor),
        }

    def findings(self, spec: SarsaSpec, log: MetricLog) -> list[Finding]:
        _, errors = log.read("td_error")
        if len(errors) < 2 * WINDOW:
            return []
        first, last = float(errors[:WINDOW].mean()), float(errors[-WINDOW:].mean())
        name = "surer" if last < first else "less sure"
        return [Finding(name, f"the TD error went from {first:.3g} to {last:.3g}.")]


KIND = register(Sarsa())
