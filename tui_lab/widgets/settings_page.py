"""The page on which settings are changed: rows, what the chosen one does, and what all of them amount to."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList

from engine.learners.draft import Draft
from engine.learners.kinds import presets
from engine.learners.settings import ConfigError, parse_settings, read_settings
from engine.storage.files import write_whole
from tui_lab.context import Context, context
from tui_lab.experiment_text import practice_text, whole
from tui_lab.text import counted
from tui_lab.widgets.setting_rows import NAME_CELLS, PRESET, SettingList, SettingRows, ValueInput, holds_settings
from tui_lab.widgets.words import Words


class SettingsPage(Vertical):
    """Holds the draft. What was changed of a preset stays while the lab is open, whichever screen is left."""

    DEFAULT_CSS: ClassVar[str] = """
    SettingsPage SettingRows { height: 1fr; min-height: 3; }
    SettingsPage Words { height: auto; padding: 0 1; }
    SettingsPage #meaning { min-height: 3; }
    SettingsPage #practice { color: $muted; max-height: 35%; }
    SettingsPage #problem { color: $error; }
    SettingsPage #file { display: none; height: 1; border: none; padding: 0 1; background: $panel; }
    """

    def __init__(self, draft: Draft, place: str, *, id: str) -> None:
        """
        Args:
            draft: where it begins; with a choice of presets where it may change everything.
            place: the name under which the draft is kept; other places keep others.
        """
        super().__init__(id=id)
        self._place = place
        self._first = draft
        self._choosing = draft.only is None
        self._told: object = None
        self._problem = ""
        self.draft = draft

    @property
    def context(self) -> Context:
        return context(self)

    def compose(self) -> ComposeResult:
        self.draft = self._kept(self._first)
        yield SettingRows(self._names(), self.context.glyphs)
        yield ValueInput(placeholder="a file of settings: hparams.json", id="file")
        yield Words(id="problem")
        yield Words(id="meaning")
        yield Words(id="practice")

    def _names(self) -> tuple[str, ...]:
        return ((PRESET,) if self._choosing else ()) + self.draft.names

    def on_mount(self) -> None:
        self.update_view()
        self.query_one(SettingRows).choose(self.draft.names[0])
        self.update_view()

    def focus_rows(self) -> None:
        self.query_one(SettingList).focus()

    # --- the draft

    def _key(self, draft: Draft) -> str:
        return f"{self._place}/{draft.preset.name}"

    def _kept(self, draft: Draft) -> Draft:
        """What was changed of this preset before, here."""
        return self.context.lab.drafts.get(self._key(draft), draft)

    def take(self, draft: Draft) -> None:
        """Show another draft, which may be of another preset."""
        rows = self.query_one(SettingRows)
        self.draft = self.context.lab.drafts[self._key(draft)] = draft
        if rows.names != self._names():
            chosen = rows.chosen
            rows.names = self._names()
            self.update_view()
            rows.choose(chosen if chosen in rows.names else rows.names[0])
        self._problem = ""
        self.update_view()

    def _try(self, make: str, *arguments: object, **named: object) -> bool:
        """Change the draft; where that is refused, say why."""
        try:
            self.take(getattr(self.draft, make)(*arguments, **named))
        except ConfigError as error:
            self._problem = str(error)
            self.update_view()
            return False
        return True

    # --- what the keys do

    def on_setting_list_stepped(self, event: SettingList.Stepped) -> None:
        chosen = self.query_one(SettingRows).chosen
        if chosen == PRESET:
            self._next_preset(1 if event.up else -1)
        else:
            before = self.draft
            if self._try("step", chosen, up=event.up) and self.draft == before:
                self.notify("There is no further step; enter lets you type any value.")

    def _next_preset(self, by: int) -> None:
        known = list(presets().values())
        names = [preset.name for preset in known]
        at = names.index(self.draft.preset.name) if self.draft.preset.name in names else 0
        self.take(self._kept(Draft(known[(at + by) % len(known)])))

    def on_setting_list_reset(self) -> None:
        chosen = self.query_one(SettingRows).chosen
        if chosen != PRESET:
            self.take(self.draft.reset(chosen))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        rows = self.query_one(SettingRows)
        if rows.typed is not None:
            rows.stay()
        elif rows.chosen == PRESET:
            self._next_preset(1)
        else:
            self._problem = ""
            rows.edit(self.draft.value(rows.chosen))
            self.update_view()

    def on_input_changed(self) -> None:
        self.update_view()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.input.id == "file":
            self._read_file(event.value.strip())
            return
        rows = self.query_one(SettingRows)
        if self._try("put_text", rows.chosen, event.value):
            rows.close()
            self.update_view()

    def on_value_input_left(self) -> None:
        self._problem = ""
        self.query_one("#file").display = False
        self.query_one(SettingRows).close()
        self.update_view()

    def on_setting_list_file_wanted(self) -> None:
        field = self.query_one("#file", ValueInput)
        field.display = True
        field.focus()

    def _read_file(self, path: str) -> None:
        try:
            self._take_settings(_settings_in(path))
        except ConfigError as error:
            self._problem = str(error)
            self.update_view()
            return
        self.on_value_input_left()

    def on_setting_list_pasted(self, event: SettingList.Pasted) -> None:
        """A dict of settings, or the path of a file that holds one."""
        self.on_value_input_left()
        try:
            if holds_settings(event.text):
                # A terminal pastes carriage returns.
                self._take_settings(parse_settings(event.text.replace("\r", "\n"), "what was pasted"))
            else:
                self._take_settings(_settings_in(event.text.strip()))
        except ConfigError as error:
            self._problem = str(error)
            self.update_view()

    def _take_settings(self, given: dict[str, Any]) -> None:
        """
        Raises:
            ConfigError: they are no settings, or may not be changed here.
        """
        draft, unsaid = self.draft.paste(given), self.draft.unsaid(given)
        self.take(draft)
        words = f"Taken: {counted(len(draft.values), 'setting')} differ from {draft.preset.name}."
        if unsaid:
            added = " and ".join(f"{name}={whole(value)}" for name, value in unsaid.items())
            words += f" They are the course's settings alone, so it does as the course's code does: {added}."
        self.notify(words)

    def on_setting_list_copied(self) -> None:
        try:
            text = self.draft.to_json()
        except ConfigError as error:
            self.notify(str(error), severity="error")
            return
        self.app.copy_to_clipboard(text)
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        path = self.context.lab.store.home / "settings" / f"hparams-{digest}.json"

        def write() -> bool:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, text.encode())
            return True

        if self.context.attempt(write, False):
            self.notify(f"Copied, and written to {path}")

    # --- what is shown

    def update_view(self) -> None:
        """Bring everything up to date with the draft and with what is being typed."""
        rows = self.query_one(SettingRows)
        typed, chosen = rows.typed, rows.chosen
        state = (self.draft, chosen, typed, self._problem)
        if state == self._told:
            return
        self._told = state
        draft, problem = self.draft, self._problem
        if typed is not None:
            try:
                draft, problem = self.draft.put_text(chosen, typed), ""
            except ConfigError as error:
                problem = str(error)
        rows.show(self.draft, self._preset_row())
        problem = problem or draft.problem or ""
        self.query_one("#problem", Words).show(problem)
        self.query_one("#problem").display = bool(problem)
        self.query_one("#meaning", Words).show(self._meaning(chosen))
        self.query_one("#practice", Words).show(practice_text(draft.practice()))

    def _preset_row(self) -> Content:
        draft = self.draft
        return Content.assemble(
            f"  {PRESET:<{NAME_CELLS}}", (draft.preset.name, "bold"), (f"  {draft.preset.title}", "$muted")
        )

    def _meaning(self, name: str) -> Content:
        if name == PRESET:
            return Content(
                f"What your settings are compared with. Left and right choose. From: {self.draft.preset.source}."
            )
        meaning = self.draft.meaning(name)
        if not meaning.about:
            return Content(f"{name}: nothing more is told of it.")
        lines = [Content.styled(meaning.about, "bold")]
        names = ("false", "true") if isinstance(self.draft.value(name), bool) else ("low", "high")
        for label, words in zip(names, (meaning.low, meaning.high), strict=True):
            if words:
                lines.append(Content.assemble((f"{label:>5}  ", "$accent"), words))
        return Content("\n").join(lines)


def _settings_in(path: str) -> dict[str, Any]:
    """The settings in a file.

    Raises:
        ConfigError: the file cannot be read, or holds no dict.
    """
    try:
        return read_settings(Path(path).expanduser())
    except RuntimeError as error:  # A ~ of somebody who is not known here.
        raise ConfigError(f"{path} cannot be read: {error}") from None


def first_draft(preset: str, only: tuple[str, ...] | None = None, budget: int | None = None) -> Draft:
    """A preset as a page begins with it."""
    return replace(Draft(presets()[preset], only), budget=budget)
