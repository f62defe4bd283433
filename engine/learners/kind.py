"""What a kind of learner is: the base class of its entry in the registry, and the values that an entry is made of.

Torch-free; an entry loads its learner late.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from engine.learners.charts import Chart, Level, Mark, Span, Trace, Unit
from engine.learners.config import parameter_count
from engine.learners.environment_facts import environment_facts
from engine.learners.settings import Settings
from engine.learners.specs import EpisodesSpec, Spec

__all__ = [
    "Chart", "Figure", "Finding", "Headline", "Kind", "Learner", "Level", "Mark", "Preset", "Rows", "Span", "Trace",
    "Unit",
]  # fmt: skip

if TYPE_CHECKING:
    from engine.learners.metrics import MetricLog
    from engine.learners.policy import Policy
    from engine.learners.samples import Samples


class Learner(Protocol):
    """What every learner can do: the one loop drives any of them."""

    log: MetricLog

    @property
    def finished(self) -> bool: ...

    @property
    def progress(self) -> float:
        """Share of the budget that is used, in [0, 1]."""

    def advance(self) -> None:
        """One bounded piece of work, of some milliseconds."""

    def counters(self) -> dict[str, int]:
        """Steps taken by name: `gradient_steps`, and `env_steps` and `episodes`, or `epochs`."""

    def state(self) -> dict[str, Any]:
        """Everything its future depends on: nested dicts of NumPy arrays and JSON values."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave, in a learner made alike."""

    def policies(self) -> dict[str, Policy]:
        """Copies of what was learned: `last`, and `best` where the run keeps one."""


Rows = Callable[[Literal["train", "test"]], "Samples"]
"""The training or the test rows of a run; making them may take seconds."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a run shows: a name for it and one sentence with the figures."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its name. `form` says how it is written: 1,234; 212; .893; 0.0417."""

    name: str
    value: float
    form: Literal["count", "return", "accuracy", "number"] = "number"


@dataclass(frozen=True, slots=True)
class Headline:
    """The one figure that sums up a run: the mean of the last `window` values of a series."""

    name: str
    series: str
    form: Literal["count", "return", "accuracy", "number"] = "number"
    window: int = 1

    def figure(self, value: float) -> Figure:
        return Figure(self.name, value, self.form)


@dataclass(frozen=True, slots=True)
class Preset:
    """A spec with a name, one line on what it is, and its source."""

    name: str
    title: str
    spec: Spec
    source: str

    @property
    def config(self) -> Settings:
        return self.spec.config

    @property
    def episodes(self) -> int | None:
        """The budget of training episodes, where it has one."""
        return self.spec.episodes if isinstance(self.spec, EpisodesSpec) else None


class Kind(ABC):
    """One kind of learner.

    name: in the database, on the command line and in files; it never changes.
    title: what a reader calls it.
    spec_type: what a run is started with; the type of its config is `spec_type.config_type`.
    presets: its named settings.
    charts: what can be drawn of its runs.
    headline: the figure that its runs are listed with.
    clock: the series that has a point an episode, at the environment step that ended it; None where there is none.
    values_are: what its networks' outputs are: "Q" for action values, "score" for scores.
    score: the figure, higher being better, that a search for settings maximises at the end of a run; None for the mean
        return of the greedy evaluation.
    forkable: the settings that may change in the middle of a run, for its state fits whatever they are.
    ends_early: the setting that lets a run end before its budget is used up; None where nothing does.
    space: the file of settings that such a search varies where nothing else is said; None where it has to be given.
    practice_words: what a reader is told of each figure of `practice`, which stands at the {}; without one, its name.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    spec_type: ClassVar[type[Spec]]
    presets: ClassVar[tuple[Preset, ...]] = ()
    charts: ClassVar[tuple[Chart, ...]] = ()
    headline: ClassVar[Headline | None] = None
    clock: ClassVar[str | None] = None
    values_are: ClassVar[str] = "Q"
    score: ClassVar[Headline | None] = None
    forkable: ClassVar[frozenset[str]] = frozenset()
    ends_early: ClassVar[str | None] = None
    space: ClassVar[Path | None] = None
    practice_words: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def learner(self, spec: Any, log: MetricLog, rows: Rows) -> Learner:
        """A learner at its start, which appends to `log`. Called in the run's thread; loads torch.

        Raises:
            ConfigError: the settings do not fit the environment.
        """

    @abstractmethod
    def environment(self, config: Any) -> str:
        """The environment that an agent of these settings acts in."""

    def check(self, spec: Any) -> None:
        """Refuse what only the environment can tell to be wrong; cheap, and builds no learner.

        Raises:
            ConfigError: the environment is unknown, or a setting does not fit it.
        """
        environment_facts(self.environment(spec.config))

    def unsaid(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Settings that a dict from elsewhere leaves unsaid because the code that it was made for decides them."""
        return {}

    def layer_sizes(self, config: Any) -> tuple[int, ...]:
        """Widths of the network's layers, input and output included."""
        facts = environment_facts(self.environment(config))
        return (facts.state_size, *config.nn_hidden_layers, facts.action_count)

    def parameters(self, config: Any) -> int:
        """Number of weights and biases of the network."""
        return parameter_count(self.layer_sizes(config))

    def chart(self, name: str) -> Chart:
        """The chart of that name.

        Raises:
            KeyError: there is none.
        """
        return {chart.name: chart for chart in self.charts}[name]

    def headline_of(self, log: MetricLog) -> Figure | None:
        """The headline as the log has it now; None before there is any."""
        headline = self.headline
        if headline is None or not log.length(headline.series):
            return None
        _, values = log.read(headline.series, max(0, log.length(headline.series) - headline.window))
        return headline.figure(float(values.mean()))

    def standing(self, spec: Any, log: MetricLog, counters: Mapping[str, int]) -> tuple[Figure, ...]:
        """Where a run stands, in a figure or two; none before there is any."""
        headline = self.headline_of(log)
        return () if headline is None else (headline,)

    def best(self, spec: Any, log: MetricLog) -> tuple[Figure, ...]:
        """The run's best moment."""
        return ()

    def figures(self, spec: Any, log: MetricLog) -> dict[str, float | int | None]:
        """What a finished run comes to, beside what its agent scores; by names fit for JSON."""
        return {}

    def practice(self, spec: Any) -> dict[str, float | int | None]:
        """What the settings amount to: derived numbers that their names do not show."""
        return {}

    def findings(self, spec: Any, log: MetricLog) -> list[Finding]:
        """What a run shows so far, the weightiest first; none while there is too little to judge."""
        return []

    def marks(self, spec: Any, log: MetricLog) -> tuple[Mark, ...]:
        """What is worth a mark on the time axis of this run, by the settings and by what happened so far."""
        return ()

    def place(self, log: MetricLog, at: float, unit: Unit, wanted: Unit) -> float | None:
        """A place along one axis on another one, by the run's clock.

        An episode is where it ended; an environment step belongs to the episode that was played then.

        Returns:
            None where the run has not come so far, or nothing tells.
        """
        if unit == wanted:
            return at
        if self.clock is None or {unit, wanted} != {"episode", "environment step"}:
            return None
        steps = log.places(self.clock)
        if wanted == "environment step":
            # What happened after so many episodes happened at the end of the last of them.
            return float(steps[min(int(at), len(steps) - 1)]) if 0 <= at <= len(steps) and len(steps) else None
        episode = int(steps.searchsorted(at))
        return float(episode) if episode < len(steps) else None
