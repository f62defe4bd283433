"""Figures and small pieces of text as the lab writes them, the same on every screen."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from textual.content import Content

from engine.jobs import Status
from engine.store import LATEST
from tui_lab.glyphs import Glyphs


def status_mark(status: Status | None, glyphs: Glyphs) -> Content:
    """One coloured character for a status; None is a run that was never started."""
    match status:
        case None:
            return Content.styled(glyphs.new, "$muted")
        case Status.RUNNING | Status.STARTING:
            return Content.styled(glyphs.running, "$accent")
        case Status.PAUSED:
            return Content.styled(glyphs.paused, "$warning")
        case Status.FINISHED:
            return Content.styled(glyphs.done, "$success")
        case Status.FAILED:
            return Content.styled(glyphs.failed, "$error")
        case _:
            return Content.styled(glyphs.stopped, "$warning")


def progress_bar(share: float, width: int, glyphs: Glyphs, style: str = "$primary") -> Content:
    """A bar of `width` cells."""
    full = round(width * min(1.0, max(0.0, share)))
    return Content.assemble((glyphs.full * full, style), (glyphs.empty * (width - full), "$faint"))


def percent(share: float) -> str:
    """A share as `43 %`, four cells wide; never 100 before it is done."""
    return f"{min(99, int(share * 100)) if share < 1 else 100:>3} %"


def seconds(value: float) -> str:
    """`3.2 s`, `48 s`, `2 min 05 s`."""
    if value < 10:
        return f"{value:.1f} s"
    if value < 120:
        return f"{value:.0f} s"
    return f"{int(value) // 60} min {int(value) % 60:02d} s"


def count(value: float) -> str:
    """A whole number with thousands separated."""
    return f"{value:,.0f}"


def accuracy(share: float) -> str:
    """An accuracy as the course prints it: `.687`."""
    return f"{share:.3f}".removeprefix("0")


def returns_summary(returns: npt.NDArray[np.float64], perfect: int) -> str:
    """`500.0 ± 0.0, lowest 500, all 1,000 perfect` for the returns of an evaluation."""
    episodes = len(returns)
    share = f"all {count(episodes)}" if perfect == episodes else f"{count(perfect)} of {count(episodes)}"
    return f"{returns.mean():.1f} ± {returns.std():.1f}, lowest {returns.min():.0f}, {share} perfect"


def agent_title(agent: str) -> str:
    """What a reader calls an agent: `latest:bad` is "your bad run"."""
    return f"your {agent.removeprefix(LATEST)}" if agent.startswith(LATEST) else agent
