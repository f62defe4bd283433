"""Imitation as a kind of learner: its entry in the registry."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from engine.analysis.findings import imitation_findings
from engine.learners.environment_facts import CARTPOLE
from engine.learners.kind import Chart, Figure, Finding, Headline, Kind, Learner, Level, Mark, Rows, Trace
from engine.learners.kinds import register
from engine.learners.metrics import MetricLog
from engine.learners.presets import IMITATION_PRESETS
from engine.learners.specs import ImitationSpec


def _epochs(spec: ImitationSpec) -> float:
    return spec.config.epochs


class Imitation(Kind):
    """A network learns the actions that an agent took in given states of CartPole."""

    name = "imitation"
    title = "imitation"
    spec_type = ImitationSpec
    presets = IMITATION_PRESETS
    values_are = "score"
    headline = Headline("test accuracy", "test_accuracy", "accuracy")
    score = headline
    forkable = frozenset({"learning_rate", "epochs"})
    space = Path(__file__).parent / "spaces" / "imitation.toml"
    practice_words: ClassVar[Mapping[str, str]] = {
        "minibatches_per_epoch": "{} minibatches an epoch",
        "gradient_steps": "{} gradient steps in all",
        "parameters": "{} parameters",
    }
    charts = (
        Chart(
            "accuracy",
            "accuracy by epoch",
            (Trace("train_accuracy", faint=True, name="train"), Trace("test_accuracy", name="test")),
            by="epoch",
            reach=_epochs,
            span=lambda spec: (0.5, 1.0),
            levels=lambda spec: (Level(0.5, "guessing 0.5"),),
        ),
        Chart(
            "loss",
            "loss by epoch",
            (Trace("train_loss", faint=True, name="train"), Trace("test_loss", name="test")),
            by="epoch",
            reach=_epochs,
            span=lambda spec: (0.0, 0.75),  # A network that knows nothing yet has ln 2 = 0.69.
            cut_spikes=True,
        ),
    )

    def learner(self, spec: ImitationSpec, log: MetricLog, rows: Rows) -> Learner:
        from engine.learners.imitation import ImitationLearner

        return ImitationLearner(spec.config, log, rows("train"), rows("test"))

    def environment(self, config: Any) -> str:
        return CARTPOLE

    def standing(self, spec: ImitationSpec, log: MetricLog, counters: Mapping[str, int]) -> tuple[Figure, ...]:
        train, test, epoch = log.last("train_accuracy"), log.last("test_accuracy"), counters.get("epochs", 0)
        if train is None or test is None:
            return ()
        if epoch >= spec.config.epochs:
            return Figure("train", train, "accuracy"), Figure("test", test, "accuracy")
        return Figure("epoch", epoch, "count"), Figure("test", test, "accuracy")

    def best(self, spec: ImitationSpec, log: MetricLog) -> tuple[Figure, ...]:
        epochs, accuracy = log.read("test_accuracy")
        if not len(accuracy):
            return ()
        at = int(accuracy.argmax())
        return Figure("best test", float(accuracy[at]), "accuracy"), Figure("at epoch", float(epochs[at]), "count")

    def figures(self, spec: ImitationSpec, log: MetricLog) -> dict[str, float | int | None]:
        """Parameters, the last epoch's accuracies and losses, the best test accuracy and its first epoch, from 1 on.

        Figures of epochs are None before the first one is over.
        """
        best = {figure.name: figure.value for figure in self.best(spec, log)}
        epoch = best.get("at epoch")
        return {
            "parameters": self.parameters(spec.config),
            **{name: log.last(name) for name in ("train_accuracy", "test_accuracy", "train_loss", "test_loss")},
            "best_test_accuracy": best.get("best test"),
            "best_epoch": None if epoch is None else int(epoch),
        }

    def practice(self, spec: ImitationSpec) -> dict[str, float | int | None]:
        """Minibatches and gradient steps are None where the rows lie in a file, which would have to be read."""
        rows = spec.train.samples if spec.train.path is None else None
        batches = None if rows is None else math.ceil(rows / spec.config.batch_size)
        return {
            "minibatches_per_epoch": batches,
            "gradient_steps": None if batches is None else batches * spec.config.epochs,
            "parameters": self.parameters(spec.config),
        }

    def marks(self, spec: ImitationSpec, log: MetricLog) -> tuple[Mark, ...]:
        """Where the test loss was lowest, and the test accuracy highest."""
        marks = []
        for name, series, sign in (("lowest test loss", "test_loss", -1), ("best test", "test_accuracy", 1)):
            values = log.trailing(series, 1)
            if len(values):
                epoch = log.places(series)[int((sign * values).argmax())]
                marks.append(Mark(float(epoch), name, "epoch"))
        return tuple(marks)

    def findings(self, spec: ImitationSpec, log: MetricLog) -> list[Finding]:
        return imitation_findings(log)


register(Imitation())
