"""The first line of every screen: where one is, and what is training."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from tui_lab.context import context
from tui_lab.marks import status_mark
from tui_lab.text import percent
from tui_lab.widgets.words import Words

MOST = 3


class TopBar(Horizontal):
    """`dqn-lab > where` on the left; each live run with its progress on the right."""

    DEFAULT_CSS = """
    TopBar { height: 1; background: $panel; padding: 0 1; dock: top; }
    TopBar #where { width: 1fr; text-wrap: nowrap; text-overflow: ellipsis; }
    TopBar #live { width: auto; max-width: 60%; text-align: right; }
    """

    def __init__(self, where: str) -> None:
        super().__init__()
        self._where = where
        self._live = Words(id="live")

    def compose(self) -> ComposeResult:
        yield Static(Content.assemble(("dqn-lab", "bold $primary"), ("  " + self._where, "$muted")), id="where")
        yield self._live

    def on_mount(self) -> None:
        self.update_live()

    def update_live(self) -> None:
        """Show the live runs."""
        app = context(self)
        runs = app.lab.live_runs
        pieces: list[Content] = []
        for run in runs[:MOST]:
            status = "paused" if run.pausing else "queued" if run.queued else percent(run.progress).strip()
            if run.steps_per_second is not None:
                status += " slowed"
            pieces.append(Content.assemble(status_mark(run.status, app.glyphs), f" {run.title} {status}"))
        if len(runs) > MOST:
            pieces.append(Content(f"+{len(runs) - MOST}"))
        self._live.show(Content("  ").join(pieces))
