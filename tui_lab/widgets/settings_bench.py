"""The bench of settings to play with: change them, say what you expect, run that against the preset, and see."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from engine.analysis.experiments import Experiment
from engine.learners.draft import Draft
from engine.learners.kinds import preset
from engine.learners.settings import ConfigError
from tui_lab.lesson import Settings as SettingsBlock
from tui_lab.widgets.ask_page import AskPage
from tui_lab.widgets.bench import Bench
from tui_lab.widgets.experiments_page import ExperimentsPage
from tui_lab.widgets.settings_page import SettingsPage, first_draft

SETTINGS, ASK, EXPERIMENTS = "settings", "ask", "experiments"
"""The pages."""


class SettingsBench(Bench):
    """Three pages, one at a time; where there is room the experiments stay beside the settings."""

    HELP = (
        "Change a setting with left and right, or type a value after enter. r asks whether you expect better, the same "
        "or worse, then trains your settings and the preset from the same seeds and lays them over each other. e shows "
        "the experiments, those of other days too. Every run is kept like any other."
    )
    ACTIONS: ClassVar[frozenset[str]] = frozenset({"start", "stop", "next_chart"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "turn", "Experiments", tooltip="Change between settings and experiments", id="settings.turn"),
    ]

    DEFAULT_CSS = """
    SettingsBench > .page { display: none; height: 1fr; }
    SettingsBench.-on-settings > #page-settings, SettingsBench.-on-ask > #page-ask,
    SettingsBench.-on-experiments > #page-experiments { display: block; }
    """

    def __init__(self, block: SettingsBlock, place: str) -> None:
        """
        Args:
            place: where it is, so that what was changed here is here when the reader comes back.
        """
        super().__init__(block)
        self.settings_block = block
        self._place = place
        self._page = SETTINGS

    def compose(self) -> ComposeResult:
        yield from super().compose()
        block = self.settings_block
        draft = first_draft(block.preset, block.settings, block.episodes or block.samples)
        preset = None if block.settings is None else block.preset
        yield SettingsPage(draft, self._place, id="page-settings").add_class("page")
        yield AskPage(block.seeds, id="page-ask").add_class("page")
        yield ExperimentsPage(preset, id="page-experiments").add_class("page")

    def on_mount(self) -> None:
        self._turn_to(SETTINGS)
        super().on_mount()

    @property
    def _settings(self) -> SettingsPage:
        return self.query_one(SettingsPage)

    @property
    def _experiments(self) -> ExperimentsPage:
        return self.query_one(ExperimentsPage)

    def find_runs(self) -> None:
        self._experiments.find_runs()
        self.update_view()

    def can(self, action: str) -> bool:
        if not self.is_mounted:
            return False
        if action == "stop":
            return super().can(action) and self._experiments.under_way
        return super().can(action) and (action != "next_chart" or self._experiments.display)

    def update_view(self) -> None:
        if self.in_view:
            self._settings.update_view()
            if self._experiments.display:
                self._experiments.update_view()

    # --- pages

    def _turn_to(self, page: str) -> None:
        self._page = page
        for name in (SETTINGS, ASK, EXPERIMENTS):
            self.set_class(name == page, f"-on-{name}")
        self.screen.refresh_bindings()

    def focus_rows(self) -> None:
        """Focus the rows of the open page."""
        (self._experiments if self._page == EXPERIMENTS else self._settings).focus_rows()

    @property
    def _on_experiments(self) -> bool:
        """Whether the keys mean the experiments: where both pages are shown, the one that has the focus counts."""
        return self._page == EXPERIMENTS and not self._settings.has_focus_within

    def action_turn(self) -> None:
        if self._on_experiments:
            self.on_experiments_page_left()
        else:
            self._turn_to(EXPERIMENTS)
            self._experiments.focus_rows()
            self.call_after_refresh(self.context.attempt, self.find_runs, None)

    def on_experiments_page_left(self) -> None:
        self._turn_to(SETTINGS)
        self._settings.focus_rows()

    def on_ask_page_left(self) -> None:
        self.on_experiments_page_left()

    # --- experiments

    def start(self) -> None:
        """Ask what is expected of the settings, or go on with the chosen experiment."""
        if self._on_experiments:
            self._experiments.start()
            return
        draft = self._settings.draft
        problem = draft.problem
        if problem is not None:
            self.notify(problem, severity="error")
        elif not draft.changes:
            self.notify(f"Nothing differs from {draft.preset.name} yet. Change a setting first: left, right or enter.")
        else:
            self._turn_to(ASK)
            self.query_one(AskPage).ask(draft)

    def on_ask_page_answered(self, event: AskPage.Answered) -> None:
        try:
            job = self.context.attempt(
                lambda: self.lab.begin_experiment(self._settings.draft, event.seeds, event.expected), None
            )
        except ConfigError as error:
            self.notify(str(error), severity="error")
            return
        if job is None:
            return
        self._turn_to(EXPERIMENTS)
        self.context.wake()
        self.call_after_refresh(self.context.attempt, lambda: self._experiments.open(job.experiment.id), None)

    def stop(self) -> None:
        self._experiments.stop()

    def next_chart(self) -> None:
        self._experiments.next_chart()

    def on_experiments_page_used(self, event: ExperimentsPage.Used) -> None:
        """Take an experiment's settings back to the list."""
        try:
            self._settings.take(self._draft_of(event.experiment))
        except ConfigError as error:
            self.notify(str(error))
        else:
            self.on_experiments_page_left()

    def _draft_of(self, experiment: Experiment) -> Draft:
        """
        Raises:
            ConfigError: its preset is not known any more, or its settings may not be changed here.
        """
        draft = Draft(preset(experiment.preset), self.settings_block.settings)
        for name, (_, value) in experiment.changes.items():
            draft = draft.put(name, value)
        draft = draft.put("seed", experiment.seeds[0]) if draft.only is None else draft
        return replace(draft, budget=draft.budget_in(experiment.changed))
