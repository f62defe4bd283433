"""The mark of a status and the bar of a progress, in a terminal's glyphs and the theme's colours."""

from __future__ import annotations

from textual.content import Content

from engine.storage.records import Status
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
