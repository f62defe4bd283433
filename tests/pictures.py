"""Exports the README's pictures from the app itself, after real training in a temporary home.

Run as `python -m tests.pictures` (or `make pictures`); it takes about two minutes.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from tui_lab.app import LabApp
from tui_lab.widgets.evaluate_bench import EvaluateBench

FOLDER = Path(__file__).parent.parent / ".github" / "pictures"
SIZE = (132, 38)
DATA, MODELS, BAD, GOOD = 1, 2, 3, 4
"""Positions of lessons in the course."""


def keep(app: LabApp, name: str) -> None:
    """Write the screen as an SVG that needs nothing from elsewhere."""
    svg = app.export_screenshot(title="dqn-lab")
    svg = re.sub(r"@font-face\s*\{.*?\}", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code", "ui-monospace, DejaVu Sans Mono, Menlo, Consolas")
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.svg").write_text(svg, encoding="utf-8")


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    while not condition():
        await pilot.pause(0.1)
    await pilot.pause(1.0)


async def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        app = LabApp(Path(home), low_bandwidth="off", glyphs="braille")
        async with app.run_test(size=SIZE, notifications=False) as pilot:
            await pilot.pause(2.0)
            app.open_lesson(app.course[MODELS])
            await pilot.pause(1.0)
            await pilot.press("1", "a")
            await until(pilot, lambda: app.lab.store.count_runs() and not app.lab.live_runs)
            keep(app, "models")

            app.open_lesson(app.course[BAD])
            await pilot.pause(1.0)
            await pilot.press("1", "r")
            await until(pilot, lambda: not app.lab.live_runs)
            await pilot.press("2", "r")
            bench = app.screen.query_one(EvaluateBench)
            await until(pilot, lambda: bench.lab.store.evaluations())
            keep(app, "evaluation")

            app.open_lesson(app.course[GOOD])
            await pilot.pause(1.0)
            await pilot.press("1", "r")
            await until(pilot, lambda: app.lab.live_runs and app.lab.live_runs[0].progress > 0.6)
            keep(app, "training")
            await pilot.press("escape")
            await pilot.pause(1.0)
            keep(app, "map")

            app.lab.close()
            app.open_lesson(app.course[0])
            await pilot.pause(0.5)
            await pilot.press("1", "down", "down", "down")
            await pilot.pause(2.2)
            keep(app, "watch")


if __name__ == "__main__":
    asyncio.run(main())
