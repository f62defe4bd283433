"""The mark of a status and the bar of a progress, in a terminal's glyphs and the theme's colours."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from textual.content import Content

from engine.storage.records import Status
from tui_lab.glyphs import Glyphs


def status_mark(status: Status | None, glyphs: Glyphs) -> Content:
    """One coloured character for a status; None is a run that was never started."""
    match status:
        case None:
            return Content.styled(glyphs.new, "$muted")
        case Status.QUEUED:
            return Content.styled(glyphs.queued, "$accent")
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


def small_curve(values: Sequence[float], highest: float, width: int, glyphs: Glyphs) -> str:
    """A curve one line high and at most `width` cells wide, of the highest value in each cell's share of the values.

    Args:
        values: finite numbers; none leave it empty.
        highest: what the top of a cell stands for; its bottom is 0.
    """
    if not values or highest <= 0:
        return ""
    steps = glyphs.steps
    cells = min(width, len(values))
    edges = [index * len(values) // cells for index in range(cells + 1)]
    tops = [max(values[start:end]) for start, end in pairwise(edges)]
    return "".join(steps[min(len(steps) - 1, max(0, int(top / highest * len(steps))))] for top in tops)
