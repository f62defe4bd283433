"""How late the event loop is while a DQN run trains beside live charts, and what the charts cost the run."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

import numpy as np

from engine.dqn import DQNLearner
from engine.laboratory import Laboratory
from engine.metrics import MetricLog
from engine.presets import GOOD_2
from engine.runs import DQNSpec, Run
from tests.benchmarks.measuring import Row
from tui_lab.app import LabApp

SECONDS = 12.0
BEAT = 0.01
GOOD_LESSON = 4


def headless_rate() -> float:
    """Gradient steps a second of the same run with no screen."""
    learner = DQNLearner(GOOD_2.replace(seed=1), MetricLog(), episodes=100_000)
    while learner.env_steps < 1_200:
        learner.advance()
    before, start = learner.gradient_steps, time.perf_counter()
    while time.perf_counter() - start < SECONDS / 2:
        learner.advance()
    return (learner.gradient_steps - before) / (time.perf_counter() - start)


async def beside_the_screen(size: tuple[int, int]) -> tuple[float, list[float]]:
    """Gradient steps a second, and how late each beat of the event loop was, with the lesson's bench on the screen."""
    with tempfile.TemporaryDirectory() as home:
        lab = Laboratory(Path(home))
        app = LabApp(Path(home), low_bandwidth="off", glyphs="braille", lab=lab)
        async with app.run_test(size=size) as pilot:
            app.open_lesson(app.course[GOOD_LESSON])
            await pilot.pause()
            await pilot.press("1")
            run = lab.start(DQNSpec(GOOD_2.replace(seed=1), episodes=100_000), preset="good-2")
            app.screen.query_one("RunBench").find_runs()  # type: ignore[attr-defined]
            while _gradient_steps(run) == 0:
                await asyncio.sleep(0.05)
            late: list[float] = []
            before, start = _gradient_steps(run), time.perf_counter()
            while time.perf_counter() - start < SECONDS:
                asked = time.perf_counter()
                await asyncio.sleep(BEAT)
                late.append(time.perf_counter() - asked - BEAT)
            rate = (_gradient_steps(run) - before) / (time.perf_counter() - start)
            lab.close()
    return rate, late


def _gradient_steps(run: Run) -> int:
    return run.counters.get("gradient_steps", 0)


def responsiveness() -> list[Row]:
    alone = headless_rate()
    rows = []
    for size in ((80, 24), (160, 48)):
        rate, late = asyncio.run(beside_the_screen(size))
        name = f"{size[0]}x{size[1]}, training good-2 live"
        rows.append(Row(f"{name}: share of headless speed", f"{100 * rate / alone:.0f} %"))
        middle, high = np.percentile(late, (50, 95)) * 1000
        rows.append(Row("  event loop late, median and 95th percentile", f"{middle:.0f} and {high:.0f} ms"))
    return rows


ALL = (responsiveness,)
