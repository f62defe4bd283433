"""Settings and experiments in words: values, what was changed, what was expected and what came of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from engine.analysis.experiments import Expected, Experiment, Shown
from engine.learners.kind import Figure
from engine.learners.kinds import kind_of
from engine.learners.specs import EpisodesSpec, RowsSpec, Spec
from tui_lab.search_text import score_text, short
from tui_lab.text import counted, value

EXPECTED_WORDS: dict[Expected, str] = {"better": "better", "same": "about the same", "worse": "worse"}


def whole(setting: Any) -> str:
    """A setting's value with every digit, as it can be typed."""
    if isinstance(setting, str):
        return setting
    return json.dumps(list(setting) if isinstance(setting, tuple) else setting)


def told_apart(one: Any, other: Any) -> tuple[str, str]:
    """Two values in few characters, or in more where they would look alike."""
    brief = short(one), short(other)
    return brief if brief[0] != brief[1] else (whole(one), whole(other))


def changes_text(changes: Mapping[str, tuple[Any, Any]], most: int = 3) -> str:
    """`learning_rate 0.0009 instead of 0.00045`; of many changes only the first."""
    told = []
    for name, (before, after) in list(changes.items())[:most]:
        old, new = told_apart(before, after)
        told.append(f"{name} {new} instead of {old}")
    return ", ".join(told) + (f" and {len(changes) - most} more" if len(changes) > most else "")


def brief_changes_text(changes: Mapping[str, tuple[Any, Any]], most: int = 2) -> str:
    """`learning_rate 0.0009, batch_size 64`: what the changed values are, for where there is little room."""
    told = [f"{name} {told_apart(before, after)[1]}" for name, (before, after) in list(changes.items())[:most]]
    return ", ".join(told) + (" ..." if len(changes) > most else "")


def practice_text(practice: Mapping[str, float | int | None]) -> str:
    """What settings amount to, as pieces of one sentence; what is not known is left out."""
    known = [(words, figure) for words, figure in practice.items() if figure is not None]
    return "; ".join(
        words.format(f"{figure:,}" if isinstance(figure, int) else f"{figure:,.4g}") for words, figure in known
    )


def score_name(spec: Spec) -> str:
    """What runs like this are compared by."""
    score = kind_of(spec).score
    return "greedy mean return" if score is None else score.name


def signed(spec: Spec, difference: float) -> str:
    """A difference of scores: `+45.2`, `-.012`."""
    score = kind_of(spec).score
    figure = f"{abs(difference):.1f}" if score is None else value(Figure(score.name, abs(difference), score.form))
    return f"{'-' if difference < 0 else '+'}{figure}"


def outcome_text(experiment: Experiment) -> str:
    """`+45.2 (-20.0 to +110.3)` as far as there is any; one seed has no interval."""
    if experiment.mean is None:
        return ""
    words, interval = signed(experiment.baseline, experiment.mean), experiment.difference
    if interval is None:
        return words
    low, high = signed(experiment.baseline, interval.low), signed(experiment.baseline, interval.high)
    return f"{words} ({low} to {high})"


def verdict_text(experiment: Experiment) -> str:
    """What was expected, what it was, and what that shows; one plain sentence, and a word on seeds that diverged."""
    seeds = counted(len(experiment.pairs), "seed")
    head = f"You expected {EXPECTED_WORDS[experiment.expected]}"
    was = f"{head}; over {seeds} the {score_name(experiment.baseline)} was {outcome_text(experiment)}"
    match experiment.shown:
        case Shown.NOTHING_YET:
            words = f"{head}; no seed has both scores yet." if not experiment.complete else f"{head}."
        case Shown.ONE_SEED:
            words = f"{was}. One seed has no interval: this may be chance."
        case Shown.NO_DIFFERENCE if all(before == after for before, after in experiment.pairs.values()):
            words = f"{was}: the same scores on both sides, so what you changed did not come into play."
        case Shown.NO_DIFFERENCE:
            words = f"{was}: no difference shown."
        case shown:
            as_expected = "as you expected" if str(shown) == experiment.expected else "not as you expected"
            words = f"{was}: {shown}, {as_expected}."
    return " ".join([words, *_diverged_texts(experiment)])


def _diverged_texts(experiment: Experiment) -> list[str]:
    sides = {"baseline": "of the preset", "changed": "with your settings"}
    return [
        f"{counted(count, 'seed')} {sides[side]} diverged, without a score."
        for side, count in experiment.diverged.items()
        if count
    ]


def question_text(experiment: Experiment) -> str:
    """`bad with learning_rate 0.001 instead of 0.00017, 20 episodes, seeds 0 to 2`."""
    seeds = experiment.seeds
    budget = budget_text(experiment.changed)
    span = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]} to {seeds[-1]}"
    return f"{experiment.preset} with {changes_text(experiment.changes)}{f', {budget}' if budget else ''}, {span}"


def budget_text(spec: Spec) -> str:
    """`20 episodes`, `1,000 rows`; nothing for another sort of budget."""
    match spec:
        case EpisodesSpec():
            return counted(spec.episodes, "episode")
        case RowsSpec() if spec.train.path is None:
            return counted(spec.train.samples, "row")
    return ""


def seeds_text(experiment: Experiment) -> str:
    """Each seed's two scores: `seed 0: 120.1, yours 165.0`."""
    pieces = []
    for seed in experiment.seeds:
        scores = [experiment.score(side, seed) for side in ("baseline", "changed")]
        if not any(scores):
            continue
        told = ["..." if one is None else _score_text(experiment.baseline, one.score) for one in scores]
        pieces.append(f"seed {seed}: {told[0]}, yours {told[1]}")
    return "; ".join(pieces)


def _score_text(spec: Spec, score: float | None) -> str:
    return "failed" if score is None else score_text(spec, score)


def problems_text(experiment: Experiment) -> str:
    """Why runs have no score, each reason once."""
    return " ".join(dict.fromkeys(one.message for one in experiment.scores if one.message))
