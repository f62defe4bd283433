"""Trains many seeds of one config, each in a process of its own, and sums them up. Torch-free to import; no drawing.

What is done is known from the store alone: a finished run of exactly the same spec is read and not trained again, an
unfinished one is continued. So asking for the same seeds again goes on wherever it was left.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from multiprocessing import connection
from statistics import median
from typing import Any

from engine.analysis.statistics import bootstrap_interval, interquartile_mean, wilson_interval
from engine.learners.environment_facts import CARTPOLE, EnvironmentFacts, environment_facts
from engine.learners.machine import usable_cores
from engine.learners.specs import EpisodesSpec
from engine.runs.seed_process import POLL_SECONDS, Assignment, Ended, SeedProcess, kept_evaluation
from engine.runs.workshop import Workshop
from engine.storage.names import weights_of
from engine.storage.records import RunRecord, Status

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SeedOutcome:
    """Where one seed's run stands at its end, as far as it came.

    run: its id, or None where no run came to be.
    status: finished, stopped (with a checkpoint) or failed.
    episodes, env_steps, gradient_steps, seconds: of training, as at the latest checkpoint.
    last, best: mean, std, min, max, perfect, episodes of the greedy evaluation of a finished run's weights; None for
        what is not there.
    first_perfect_env_steps, first_perfect_seconds: of training until the first selection evaluation whose every
        episode was perfect; None without one.
    message: one sentence on what went wrong.
    diverged: whether it was the learning itself that failed; then the seed counts, as not perfect.
    """

    seed: int
    run: str | None
    status: str
    episodes: int
    env_steps: int
    gradient_steps: int
    seconds: float
    last: Figures | None
    best: Figures | None
    first_perfect_env_steps: int | None
    first_perfect_seconds: float | None
    state_hash: str | None
    message: str | None
    diverged: bool = False

    @property
    def complete(self) -> bool:
        """Trained to the end and evaluated."""
        return self.status == Status.FINISHED and self.last is not None


def run_seeds(
    lab: Workshop,
    spec: EpisodesSpec,
    seeds: Sequence[int],
    *,
    preset: str | None = None,
    stopping: Callable[[], bool] = lambda: False,
    report: Callable[[float], None] = lambda share: None,
) -> Generator[SeedOutcome, None, None]:
    """Train and evaluate `spec` with each of `seeds`, as many at once as there are usable cores.

    Each seed's run is the same, to the last bit, as the one that a single-seed training gives. Close the generator to
    stop early: every process then ends with a checkpoint.

    Args:
        seeds: different from one another; the seed in `spec` is not used.
        preset: the name that the runs are registered under.
        stopping: asked a few times a second; once true, nothing new starts and every process stops its run with a
            checkpoint. Seeds that have not begun yield nothing.
        report: told a few times a second what share of all training is done, in [0, 1].

    Yields:
        An outcome as each seed ends, those first that were finished before.

    Raises:
        ConfigError: a seed is out of range.
    """
    waiting: deque[tuple[int, Assignment]] = deque()
    done: list[SeedOutcome] = []
    for seed, record, assignment in _assignments(lab, spec, seeds, preset):
        if record is not None and _is_complete(lab, record):
            done.append(_read(lab, seed, record, Ended()))
        else:
            waiting.append((seed, assignment))
    ended = len(done)
    yield from done
    live: list[SeedProcess] = []
    try:
        while waiting or live:
            if stopping():
                waiting.clear()
                for process in live:
                    process.stop()
            while waiting and len(live) < usable_cores():
                live.append(SeedProcess(*waiting.popleft()))
            connection.wait([process.pipe for process in live], POLL_SECONDS)
            for process in [process for process in live if process.listen()]:
                live.remove(process)
                process.join()
                ended += 1
                yield _outcome(lab, process.seed, process.run, process.end)
            report((ended + sum(process.share for process in live)) / len(seeds))
    finally:
        for process in live:
            process.stop()
        for process in live:
            process.join()


def _assignments(
    lab: Workshop, spec: EpisodesSpec, seeds: Sequence[int], preset: str | None
) -> list[tuple[int, RunRecord | None, Assignment]]:
    """Each seed with the run of exactly that spec that is the furthest, if there is one, and what is to do."""
    order = {Status.FINISHED: 0, Status.STOPPED: 1, Status.INTERRUPTED: 1, Status.FAILED: 2}
    furthest: dict[int, RunRecord] = {}
    for record in sorted(
        lab.store.runs(recipe=spec.recipe), key=lambda one: (order.get(Status(one.status), 3), -one.progress)
    ):
        furthest.setdefault(record.seed, record)
    found = []
    for seed in seeds:
        known = furthest.get(seed)
        run = None if known is None else known.id
        assignment = Assignment(lab.store.home.resolve(), spec.with_seed(seed), preset, run)
        found.append((seed, known, assignment))
    return found


def _is_complete(lab: Workshop, record: RunRecord) -> bool:
    return record.status == Status.FINISHED and all(
        kept_evaluation(lab, record, which) is not None for which in weights_of(lab.store, record.id)
    )


def _outcome(lab: Workshop, seed: int, run: str | None, end: Ended) -> SeedOutcome:
    if run is None:
        message = end.message or "no run began."
        return SeedOutcome(seed, None, str(Status.FAILED), 0, 0, 0, 0.0, None, None, None, None, None, message)
    return _read(lab, seed, lab.store.run(run), end)


def _read(lab: Workshop, seed: int, record: RunRecord, end: Ended) -> SeedOutcome:
    """What the store knows of a seed's run, and `end` beside it."""
    counters = record.counters
    return SeedOutcome(
        seed=seed,
        run=record.id,
        status=record.status if end.message is None else str(Status.FAILED),
        episodes=counters.get("episodes", 0),
        env_steps=counters.get("env_steps", 0),
        gradient_steps=counters.get("gradient_steps", 0),
        seconds=record.seconds,
        last=_figures(lab, record, "last"),
        best=_figures(lab, record, "best"),
        first_perfect_env_steps=_first_perfect(lab, record),
        first_perfect_seconds=record.first_perfect_seconds,
        state_hash=record.state_hash,
        message=end.message or record.message,
        diverged=end.diverged,
    )


def _figures(lab: Workshop, record: RunRecord, which: str) -> Figures | None:
    kept = kept_evaluation(lab, record, which)
    return None if kept is None else kept.figures()


def _first_perfect(lab: Workshop, record: RunRecord) -> int | None:
    """Environment steps at the first perfect selection evaluation; None without one."""
    first = lab.store.first_point(record.id, "first_perfect")
    return None if first is None else int(first[0])


def summarise(outcomes: Sequence[SeedOutcome], environment_id: str = CARTPOLE) -> dict[str, Any]:
    """The seeds' evaluations in a few figures with 95 % intervals.

    A seed succeeds whose every evaluation episode is perfect; in an environment where nothing is perfect, one whose
    mean return reaches the registered threshold. A seed that diverged has no success and no return; one that was
    stopped, or failed for another reason, does not count at all.

    Returns:
        last, best: success_rate, success_interval [low, high] (Wilson); perfect and solved, how many succeed by which
            of the two (the other is None); iqm (of the seeds' mean returns), iqm_interval [low, high] (bootstrap; None
            for a single value), seeds (how many count); None where no seed has such weights. Without a threshold
            nothing is known of success, which is then None.
        first_perfect_env_steps, first_perfect_seconds: the medians over the seeds that count, or None where half of
            them or more never came there: leaving those out would flatter the settings.
    """
    counted = [outcome for outcome in outcomes if outcome.complete or outcome.diverged]
    facts, diverged = environment_facts(environment_id), sum(o.diverged for o in counted)
    return {
        "last": _summary(facts, [outcome.last for outcome in counted], diverged),
        "best": _summary(facts, [outcome.best for outcome in counted], diverged),
        "first_perfect_env_steps": _middle([outcome.first_perfect_env_steps for outcome in counted]),
        "first_perfect_seconds": _middle([outcome.first_perfect_seconds for outcome in counted]),
    }


def _middle(values: Sequence[float | None]) -> float | None:
    """The median, where None counts as larger than every number; None where it is no number."""
    middle = median([math.inf if value is None else value for value in values] or [math.inf])
    return middle if math.isfinite(middle) else None


def _summary(facts: EnvironmentFacts, evaluations: Sequence[Figures | None], diverged: int) -> dict[str, Any] | None:
    found = [figures for figures in evaluations if figures is not None]
    if not found:
        return None
    means = [float(figures["mean"]) for figures in found]
    verdicts = [facts.succeeded(figures["mean"], figures["perfect"], figures["episodes"]) for figures in found]
    known = None not in verdicts
    successes, seeds = sum(verdict is True for verdict in verdicts), len(found) + diverged
    return {
        "success_rate": successes / seeds if known else None,
        "success_interval": list(wilson_interval(successes, seeds)) if known else None,
        "perfect": successes if known and facts.best_return is not None else None,
        "solved": successes if known and facts.best_return is None else None,
        "iqm": interquartile_mean(means),
        "iqm_interval": list(bootstrap_interval(means, interquartile_mean)) if len(means) > 1 else None,
        "seeds": seeds,
    }
