"""Agents at work, on a screen of their own: all that there are, or those that somebody asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from engine.agents.names import YOU
from engine.storage.names import agent_names
from engine.storage.records import Status
from tui_lab.screens.lab_screen import LabScreen
from tui_lab.widgets.agent_stage import AgentRows, AgentStage
from tui_lab.widgets.key_line import KeyLine
from tui_lab.widgets.top_bar import TopBar

RULES = ("random", "left", "angle", "linear:0,0,1,1", "linear:0.1,0.2,1,0.5")
MOST_RUNS = 30
_RULES_ALONE: tuple[Sequence[str], dict[str, str]] = (RULES, {})


class WatchScreen(LabScreen[None]):
    """See `AgentStage`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "next_start", "Next start", tooltip="Play the next start", id="watch.next"),
        Binding("space", "toggle_hold", "Hold", tooltip="Hold the picture, or go on", id="watch.hold"),
        Binding("escape", "leave", "Back", tooltip="Back to where you came from", id="watch.leave"),
    ]

    def __init__(self, agents: Sequence[str] = (), beside: str | None = None) -> None:
        """
        Args:
            agents: names of agents, `you` for what the reader played; the first one plays at once. Without any, all.
            beside: one of them that plays along from the same start.
        """
        super().__init__()
        self._given = tuple(agents)
        self._stage = AgentStage(agents, beside)

    def compose(self) -> ComposeResult:
        yield TopBar("agents at work")
        yield self._stage
        yield KeyLine()

    def on_mount(self) -> None:
        self._find_agents()
        self.query_one(AgentRows).focus()
        self.call_after_refresh(self._stage.update_view)

    def _find_agents(self) -> None:
        if not self._given:
            agents, titles = self.context.attempt(self._all, _RULES_ALONE)
            self._stage.set_agents(agents, titles)

    def _all(self) -> tuple[Sequence[str], dict[str, str]]:
        """The reader, saved agents, runs and rules; and what the reader calls those whose names are ids."""
        lab = self.context.lab
        runs = lab.store.runs(statuses=(Status.FINISHED,), limit=MOST_RUNS)
        titles = {run.id: f"{run.title} {run.id}" for run in runs if run.name is None}
        own = (YOU,) if lab.kept_plays() else ()
        return (*own, *agent_names(lab.store), *titles, *RULES), titles

    def beat(self) -> None:
        super().beat()
        self._stage.update_view()

    def runs_changed(self) -> None:
        for stage in self.query(AgentStage):
            self._find_agents()
            stage.look_again()

    def action_next_start(self) -> None:
        self._stage.next_start()

    def action_toggle_hold(self) -> None:
        self._stage.toggle_hold()

    def action_leave(self) -> None:
        self.dismiss()
