"""What is kept of runs, from their list: names, tags, exports, an end, and two of them side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from engine.analysis.comparison import compare
from engine.laboratory import Laboratory
from engine.learners.kinds import presets
from engine.learners.settings import ConfigError
from engine.storage import labels
from engine.storage.export import FORMS, export_run
from engine.storage.records import RunRecord, StoreError
from tui_lab.screens.ask_screen import AskScreen, SureScreen
from tui_lab.screens.compare_screen import CompareScreen
from tui_lab.screens.run_work import RunWork, named


class RunRecords(RunWork):
    """The keys that act on the marked runs, else on the chosen one."""

    # --- labels

    def action_rename(self) -> None:
        row = self.chosen
        if row is None or row.record is None:
            return
        record, store = row.record, self.lab.store

        def done(answer: tuple[int, str] | None) -> None:
            if answer is not None:
                self._try(lambda: labels.rename(store, record, answer[1] or None))

        def check(_: int, text: str) -> None:
            if text and text != record.name:
                labels.check_free_name(store, text, record.id)

        hint = "Nothing takes the name away. Where it still trains, its agent will be saved under the name."
        question = f"A name for run {record.id}"
        self.app.push_screen(AskScreen(question, check, text=record.name or "", hint=hint), done)

    def action_tag(self) -> None:
        records, store = self.targets, self.lab.store
        if not records:
            return
        alone = len(records) == 1

        def done(answer: tuple[int, str] | None) -> None:
            if answer is not None:
                self._work(lambda: tag_all(answer[1].split()))

        def tag_all(tags: Sequence[str]) -> str:
            for record in records:
                labels.set_tags(store, record.id, tags if alone else {*record.tags, *tags})
            return f"{named(records)}: {'tagged' if tags else 'no tags'}."

        text = " ".join(records[0].tags) if alone else ""
        hint = "Words with spaces between them." + ("" if alone else " They are added to those that the runs have.")
        check = lambda _, text: [labels.check_tag(tag) for tag in text.split()]  # noqa: E731
        self.app.push_screen(AskScreen(f"Tags for {named(records)}", check, text=text, hint=hint), done)

    # --- out of the lab

    def action_export(self) -> None:
        records, store = self.targets, self.lab.store
        if not records:
            return
        alone = len(records) == 1
        text = str(Path.cwd() / (f"run-{records[0].id}" if alone else "runs"))

        def place(form: int, text: str) -> Path:
            path = Path(text).expanduser()
            return path.with_name(path.name + ".json") if alone and FORMS[form] == "json" else path

        def check(form: int, text: str) -> None:
            if not text:
                raise ConfigError("Say where to write it.")
            if place(form, text).exists():
                raise ConfigError(f"{place(form, text)} exists already; choose another name.")

        def write(form: int, text: str) -> str:
            for record in records:
                target = place(form, text)
                if not alone:
                    target = target / (record.id + (".json" if FORMS[form] == "json" else ""))
                export_run(store, record, FORMS[form], target)
            return f"{named(records)} written to {place(form, text)}."

        def done(answer: tuple[int, str] | None) -> None:
            if answer is not None:
                self._work(lambda: write(*answer))

        choices = ("csv: a folder of tables", "json: one file", "tensorboard: event files")
        hint = "Up and down choose the format." if alone else "A folder, with one run each in it."
        self.app.push_screen(AskScreen(f"Export {named(records)}", check, text=text, hint=hint, choices=choices), done)

    def action_delete(self) -> None:
        records = self.targets
        if not records:
            return

        def done(yes: bool | None) -> None:
            if yes:
                self._work(lambda: delete_all(self.lab, records))

        about = "Metrics, evaluations, checkpoints and agents go with it; an agent saved under a name stays."
        self.app.push_screen(SureScreen(f"Delete {named(records)}?", about, "Delete"), done)

    def action_compare(self) -> None:
        """The two marked runs; one marked run and the chosen one; else the chosen one and its preset."""
        records = self.targets
        row = self.chosen
        if row is not None and row.record is not None and row.record.id not in {one.id for one in records}:
            records = [*records, row.record] if len(records) == 1 else records
        if not records:
            return
        if len(records) > 2:
            self.notify("Two runs are compared; mark two, m takes a mark away.", severity="warning")
            return
        first = records[0]
        if len(records) == 2:
            second, name = records[1], f"{records[1].title} {records[1].id}"
        elif first.preset in presets():
            preset = presets()[first.preset]
            spec = preset.spec.with_seed(first.seed).to_dict()
            second, name = replace(first, kind=preset.spec.kind, spec=spec), "its preset"
        else:
            second, name = first, "itself"
        self.app.push_screen(CompareScreen(f"{first.title} {first.id}", name, compare(first, second)))


def delete_all(lab: Laboratory, records: Sequence[RunRecord]) -> str:
    """Delete runs; those that cannot be are named.

    Raises:
        StoreError: some are left.
    """
    left: list[str] = []
    for record in records:
        try:
            lab.delete_run(record.id)
        except StoreError as error:
            left.append(str(error))
    if left:
        raise StoreError(" ".join(left))
    return f"{named(records)} deleted."
