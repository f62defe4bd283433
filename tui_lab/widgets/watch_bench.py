"""The bench that shows an agent at work: one recorded episode after another, with what the network says."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult

from tui_lab.lesson import Watch as WatchBlock
from tui_lab.widgets.agent_stage import AgentStage
from tui_lab.widgets.bench import Bench


class WatchBench(Bench):
    """Plays episodes of the lesson's agents; see `AgentStage`."""

    HELP = AgentStage.HELP
    ACTIONS: ClassVar[frozenset[str]] = frozenset({"start", "toggle_pause"})

    def __init__(self, block: WatchBlock) -> None:
        super().__init__(block)
        self.watch_block = block

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield AgentStage(self.watch_block.agents)

    @property
    def stage(self) -> AgentStage:
        return self.query_one(AgentStage)

    def find_runs(self) -> None:
        for stage in self.query(AgentStage):  # There is none while the bench is being made or taken away.
            stage.look_again()

    def update_view(self) -> None:
        if self.in_view:
            self.stage.update_view()

    def start(self) -> None:
        self.stage.next_start()

    @property
    def busy(self) -> bool:
        player = self.stage.player
        return player.moving or (player.held and not player.over)

    def toggle_pause(self) -> None:
        self.stage.toggle_hold()
