"""Trains many seeds of one config, by a crew, and sums them up. Torch-free to import; no drawing.

What is done is known from the store alone: a finished run of exactly the same spec is read and not trained again, an
unfinished one is continued. So asking for the same seeds again goes on wherever it was left.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, cast

from filelock import FileLock, Timeout

from engine.analysis.statistics import bootstrap_interval, interquartile_mean, wilson_interval
from engine.learners.environment_facts import CARTPOLE, EnvironmentFacts, environment_facts
from engine.learners.specs import EpisodesSpec, Spec
from engine.runs.crew import AwayCrew, Crew, Lost, open_crew
from engine.runs.processes import PATIENCE_SECONDS
from engine.runs.run import LOCK_SECONDS, worked_on_elsewhere
from engine.runs.seed_work import (
    POLL_SECONDS,
    AwaySeedWork,
    Ended,
    Returned,
    SeedWork,
    bits_depend_on,
    forget,
    held,
    kept_evaluation,
    origin_of,
)
from engine.runs.workshop import Workshop
from engine.storage.names import weights_of
from engine.storage.records import RunRecord, Status

Figures = dict[str, Any]
FORGET_EVERY = 50
"""How many runs that came back lie where they were trained before they are deleted there."""


@dataclass(frozen=True, slots=True)
class SeedOutcome:
    """Where one seed's run stands at its end, as far as it came.

    run: its id.
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
    run: str
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
    crew: Crew | None = None,
    preset: str | None = None,
    stopping: Callable[[], bool] = lambda: False,
    report: Callable[[float], None] = lambda share: None,
) -> Generator[SeedOutcome, None, None]:
    """Train and evaluate `spec` with each of `seeds`, as many at once as the crew does.

    Each seed's run is the same, to the last bit, as the one that a single-seed training gives, and is kept in the home
    folder of `lab`, wherever it was trained. Close the generator to stop early: every run then ends with a checkpoint.

    Args:
        seeds: different from one another; the seed in `spec` is not used.
        crew: who does the work, and nothing else; without one, processes of this machine, one a usable core.
        preset: the name that the runs are registered under.
        stopping: asked a few times a second; once true, nothing new starts and every run stops with a checkpoint.
            Seeds that have not begun yield nothing.
        report: told a few times a second what share of all training is done, in [0, 1].

    Yields:
        An outcome as each seed ends, those first that were finished before.

    Raises:
        ConfigError: a seed is out of range.
        CrewError: the crew can work no more; what had arrived is kept.
    """
    specs = {seed: spec.with_seed(seed) for seed in seeds}
    found = furthest(lab, spec)
    complete = [seed for seed in seeds if seed in found and is_complete(lab, found[seed])]
    known = set(complete)
    waiting = deque(seed for seed in seeds if seed not in known)
    ended = len(complete)
    crew = crew or open_crew(None)
    hands: _Hands = _AwayHands(lab, cast(AwayCrew, crew)) if crew.away else _Hands(lab, crew)
    try:
        for seed in complete:
            yield _read(lab, seed, found[seed], Ended())
        while waiting or crew.tasks:
            if stopping():
                waiting.clear()
                crew.stop()
            while waiting and crew.has_room:
                seed = waiting.popleft()
                record = found.get(seed) or next(iter(lab.store.runs(recipe=spec.recipe, seed=seed, limit=1)), None)
                refusal = hands.send(specs[seed], record or lab.store.add_run(specs[seed], preset))
                if refusal is not None:
                    ended += 1
                    yield refusal
            for outcome in hands.listen():
                ended += 1
                yield outcome
            report((ended + sum(crew.shares.values())) / len(seeds))
    finally:
        hands.close()


class _Hands:
    """Gives runs to a crew and takes them back. Here the crew's processes work in the home folder itself."""

    def __init__(self, lab: Workshop, crew: Crew) -> None:
        self.lab = lab
        self.crew = crew
        self._runs: dict[int, str] = {}

    def send(self, spec: EpisodesSpec, record: RunRecord) -> SeedOutcome | None:
        """Have a registered run seen through; an outcome where that is refused."""
        self._runs[record.seed] = record.id
        self.crew.send(record.seed, SeedWork(self.lab.store.home.resolve(), record.id, spec))
        return None

    def listen(self) -> Iterator[SeedOutcome]:
        for seed, what in self.crew.listen(POLL_SECONDS):
            run = self._runs.pop(seed)
            end = self._taken(run, what)
            if isinstance(end, Lost):
                end = Ended(f"the process of seed {seed} {end.how}; what it saved until then is kept.")
            yield _read(self.lab, seed, self.lab.store.run(run), end)

    def _taken(self, run: str, what: Any) -> Ended | Lost:
        """The result of a call, once the run is in the home folder."""
        return what  # type: ignore[no-any-return]

    def close(self) -> None:
        """Every run under way ends with a checkpoint; those that still come back are kept."""
        self.crew.stop()
        deadline = time.monotonic() + PATIENCE_SECONDS
        try:
            while self.crew.tasks and time.monotonic() < deadline:
                for _ in self.listen():
                    pass
            self._forget()
        finally:
            self.crew.close()

    def _forget(self) -> None:
        """Delete what lies elsewhere of runs that are here."""


class _AwayHands(_Hands):
    """For a crew on other machines: a run goes out and comes back as a parcel, and is locked here meanwhile."""

    def __init__(self, lab: Workshop, crew: AwayCrew) -> None:
        super().__init__(lab, crew)
        self._away = crew
        self._origin = origin_of(lab.store.home)
        self._versions = bits_depend_on()
        self._locks: dict[str, FileLock] = {}
        self._arrived: list[str] = []
        self._where: dict[str, list[str]] = {}
        for address, runs in crew.everywhere(held, self._origin).items():
            for run in runs:
                self._where.setdefault(run, []).append(address)

    def send(self, spec: EpisodesSpec, record: RunRecord) -> SeedOutcome | None:
        folder = self.lab.store.run_folder(record.id)
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "lock", thread_local=False)
        try:
            lock.acquire(timeout=LOCK_SECONDS)
        except Timeout:
            return _read(self.lab, record.seed, record, Ended(worked_on_elsewhere(record.id)))
        self._locks[record.id] = lock
        self._runs[record.seed] = record.id
        work = AwaySeedWork(self._origin, self.lab.store.pack(record.id), spec, self._versions)
        self._away.send(record.seed, work, at=self._where.get(record.id, ()))
        return None

    def _taken(self, run: str, what: Any) -> Ended | Lost:
        try:
            if isinstance(what, Lost):
                return what
            assert isinstance(what, Returned)
            if what.parcel is not None:
                self.lab.store.unpack(what.parcel)
                self.lab.store.save_named_agent(what.parcel)
                self._arrived.append(run)
            return what.end
        finally:
            self._locks.pop(run).release()
            if len(self._arrived) >= FORGET_EVERY:
                self._forget()

    def _forget(self) -> None:
        arrived, self._arrived = self._arrived, []
        if arrived:
            self._away.everywhere(forget, self._origin, arrived)

    def close(self) -> None:
        try:
            super().close()
        finally:
            for lock in self._locks.values():
                lock.release()


def furthest(lab: Workshop, spec: Spec) -> dict[int, RunRecord]:
    """For each seed the run of exactly that spec that is the furthest."""
    order = {Status.FINISHED: 0, Status.STOPPED: 1, Status.INTERRUPTED: 1, Status.FAILED: 2}
    furthest: dict[int, RunRecord] = {}
    for record in sorted(
        lab.store.runs(recipe=spec.recipe), key=lambda one: (order.get(Status(one.status), 3), -one.progress)
    ):
        furthest.setdefault(record.seed, record)
    return furthest


def is_complete(lab: Workshop, record: RunRecord) -> bool:
    """Whether a run is trained to its end, and all its weights are evaluated."""
    return record.status == Status.FINISHED and all(
        kept_evaluation(lab, record, which) is not None for which in weights_of(lab.store, record.id)
    )


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
