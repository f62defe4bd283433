"""How late the event loop is beside training and evaluation, and what live charts cost a run."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
from textual.pilot import Pilot

from engine.laboratory import Laboratory
from engine.learners.dqn import DQNLearner
from engine.learners.metrics import MetricLog
from engine.learners.presets import GOOD_2
from engine.learners.specs import DQNSpec
from engine.runs.run import Run
from tests.benchmarks.measuring import Row, in_turns
from tui_lab.app import LabApp

SECONDS = 6.0
ROUNDS = 3
BEAT = 0.01
GOOD_LESSON = 4
SIZES = ((80, 24), (160, 48))


def headless_rate() -> float:
    """Gradient steps a second of the same run with no screen."""
    learner = DQNLearner(GOOD_2.replace(seed=1), MetricLog(), episodes=100_000)
    while learner.env_steps < 1_200:
        learner.advance()
    before, start = learner.gradient_steps, time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        learner.advance()
    return (learner.gradient_steps - before) / (time.perf_counter() - start)


@asynccontextmanager
async def _lesson(size: tuple[int, int]) -> AsyncIterator[tuple[Laboratory, LabApp, Pilot[None]]]:
    """The lab with a lesson on the screen, in a home of its own."""
    with tempfile.TemporaryDirectory() as home:
        lab = Laboratory(Path(home))
        app = LabApp(Path(home), low_bandwidth="off", glyphs="braille", lab=lab)
        async with app.run_test(size=size) as pilot:
            app.open_lesson(app.course[GOOD_LESSON])
            await pilot.pause()
            yield lab, app, pilot
            lab.close()


async def beside_the_screen(size: tuple[int, int], *, charts: bool = True) -> tuple[float, list[float]]:
    """Gradient steps a second, and how late each beat of the event loop was, with the lesson on the screen.

    Args:
        charts: whether its bench is in view; else its text alone, on a narrow terminal.
    """
    async with _lesson(size) as (lab, app, pilot):
        if charts:
            await pilot.press("1")
        run = lab.start(DQNSpec(GOOD_2.replace(seed=1), episodes=100_000), preset="good-2")
        app.screen.query_one("RunBench").find_runs()  # type: ignore[attr-defined]
        while _gradient_steps(run) == 0:
            await asyncio.sleep(0.05)
        before, start = _gradient_steps(run), time.perf_counter()
        late = await _lateness(lambda: time.perf_counter() - start >= SECONDS)
        rate = (_gradient_steps(run) - before) / (time.perf_counter() - start)
    return rate, late


async def beside_an_evaluation(size: tuple[int, int]) -> list[float]:
    """How late the event loop was while the perfect agent played 1,000 episodes, with the lesson on the screen."""
    async with _lesson(size) as (lab, _, _):
        job = lab.evaluation("perfect", 1_000, 0)
        job.start()
        return await _lateness(lambda: job.wait(0))


async def _lateness(over: Callable[[], bool]) -> list[float]:
    """How late each beat of the event loop is, in seconds, until it is over."""
    late = []
    while not over():
        asked = time.perf_counter()
        await asyncio.sleep(BEAT)
        late.append(time.perf_counter() - asked - BEAT)
    return late


def _gradient_steps(run: Run) -> int:
    return run.counters.get("gradient_steps", 0)


def responsiveness() -> list[Row]:
    late: dict[str, list[list[float]]] = {}

    def shown(size: tuple[int, int]) -> Callable[[], float]:
        def rate() -> float:
            found, beats = asyncio.run(beside_the_screen(size))
            late.setdefault(_name(size), []).append(beats)
            return found

        return rate

    def hidden() -> float:
        return asyncio.run(beside_the_screen(SIZES[0], charts=False))[0]

    sides = {"alone": headless_rate, "hidden": hidden, **{_name(size): shown(size) for size in SIZES}}
    rates = in_turns(sides, ROUNDS)
    share = f"{100 * rates.ratio('hidden', 'alone'):.0f} %"
    rows = [Row(f"{_name(SIZES[0])}, training good-2 behind the text: share of headless speed", share, "98 %")]
    for size in map(_name, SIZES):
        share = f"{100 * rates.ratio(size, 'alone'):.0f} %"
        work = f"{size}, training good-2 live: share of headless speed"
        rows += [Row(work, share, "90 %"), _late(late[size][-ROUNDS:])]
    evaluating = [asyncio.run(beside_an_evaluation(SIZES[0])) for _ in range(ROUNDS)]
    return [*rows, Row(f"{_name(SIZES[0])}, an evaluation in the background", ""), _late(evaluating)]


def _name(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _late(rounds: list[list[float]]) -> Row:
    middle, high = np.percentile(np.concatenate(rounds), (50, 95)) * 1000
    return Row("  event loop late, median and 95th percentile", f"{middle:.0f} and {high:.0f} ms")


ALL = (responsiveness,)
