"""The screen with all runs over a home with thousands of them: how long opening, filtering and moving hold it up."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from statistics import median
from typing import Any

from textual.pilot import Pilot

from tests.benchmarks.measuring import Row
from tests.benchmarks.store_scale import fill
from tui_lab.app import LabApp
from tui_lab.screens.runs_screen import RunsScreen

RUNS, EVALUATIONS = 5_000, 2_500
ROUNDS = 5
SIZES = ((80, 24), (160, 48))
FILTERED = "bad"
PAGES = 10
GOAL = "100 ms"

Step = Callable[[LabApp, Pilot[None]], Coroutine[Any, Any, float]]


async def _work(steps: Coroutine[Any, Any, object]) -> float:
    """Seconds that this thread was at work until the app was idle again."""
    before = time.thread_time()
    await steps
    return time.thread_time() - before


async def _opened(app: LabApp, pilot: Pilot[None]) -> None:
    await app.push_screen(RunsScreen())
    await pilot.pause()


async def _open(app: LabApp, pilot: Pilot[None]) -> float:
    return await _work(_opened(app, pilot))


async def _type(app: LabApp, pilot: Pilot[None]) -> float:
    """The costliest of some letters."""
    await pilot.press("slash")
    spent = [await _work(pilot.press(letter)) for letter in FILTERED]
    await pilot.press("escape")
    return max(spent)


async def _move(app: LabApp, pilot: Pilot[None]) -> float:
    """The costliest of some moves, most of them by a page, so that every line is another one."""
    return max([await _work(pilot.press(key)) for key in ("end", "home", "down", *PAGES * ["pagedown"])])


async def _measure(home: Path, size: tuple[int, int]) -> dict[str, float]:
    app = LabApp(home, low_bandwidth="off", glyphs="braille")
    found: dict[str, list[float]] = {}
    steps: dict[str, Step] = {"open": _open, "filter, a letter": _type, "move": _move}
    async with app.run_test(size=size) as pilot:
        for counts in [False] + ROUNDS * [True]:
            for name, step in steps.items():
                spent = await step(app, pilot)
                if counts:
                    found.setdefault(name, []).append(spent)
            await pilot.press("escape")
    app.lab.close()
    return {name: median(spent) for name, spent in found.items()}


def runs_screen() -> list[Row]:
    rows = [Row(f"the screen of {RUNS:,} runs, work of its thread", "")]
    with tempfile.TemporaryDirectory() as full, tempfile.TemporaryDirectory() as empty:
        fill(Path(full), RUNS, EVALUATIONS)
        for size in SIZES:
            found, bare = (asyncio.run(_measure(Path(home), size)) for home in (full, empty))
            # The rest is what the toolkit takes to lay out any screen of so many parts.
            share = {"open, beyond an empty one": found["open"] - bare["open"]}
            for name, spent in (share | {name: found[name] for name in ("filter, a letter", "move")}).items():
                rows.append(Row(f"  {size[0]}x{size[1]}, {name}", f"{1000 * spent:.0f} ms", GOAL))
    return rows


ALL = (runs_screen,)
