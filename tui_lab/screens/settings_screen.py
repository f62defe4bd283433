"""The screen of settings: every setting of every kind of learner, and all experiments, outside any lesson."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from engine.learners.kinds import presets
from tui_lab.lesson import Settings
from tui_lab.screens.lab_screen import LabScreen
from tui_lab.widgets.key_line import KeyLine
from tui_lab.widgets.settings_bench import SettingsBench
from tui_lab.widgets.top_bar import TopBar


class SettingsScreen(LabScreen[None]):
    """A bench of settings with everything to choose from. Its experiments go on when it is left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "bench('start')", "Run", tooltip="Say what you expect, and run an experiment", id="settings.run"),
        Binding("x", "bench('stop')", "Stop", tooltip="Stop the experiment; r goes on with it", id="settings.stop"),
        Binding("c", "bench('next_chart')", "Chart", tooltip="Show the next chart", id="settings.chart"),
        Binding("escape", "leave", "Back", tooltip="Leave; what trains goes on", id="settings.leave"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.bench = SettingsBench(Settings(line=0, title="Settings", preset=next(iter(presets()))), "screen")

    def compose(self) -> ComposeResult:
        yield TopBar("settings")
        yield self.bench
        yield KeyLine()

    def on_mount(self) -> None:
        self.bench.focus_rows()

    @property
    def about(self) -> list[str]:
        return [self.bench.HELP]

    def beat(self) -> None:
        super().beat()
        self.bench.update_view()

    def runs_changed(self) -> None:
        if self.bench.is_mounted:
            self.context.attempt(self.bench.find_runs, None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.bench.can(str(parameters[0])) if action == "bench" else True

    def action_bench(self, name: str) -> None:
        self.context.attempt(getattr(self.bench, name), None)

    def action_leave(self) -> None:
        self.dismiss()
