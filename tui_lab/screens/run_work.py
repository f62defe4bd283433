"""What acting on runs comes down to on a screen: which runs, quick work at once, and slow work in a thread."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Sequence

from textual.message import Message

from engine.laboratory import Laboratory
from engine.storage.records import RunRecord
from tui_lab.screens.lab_screen import LabScreen
from tui_lab.text import counted
from tui_lab.widgets.run_row import RunRow


class Told(Message):
    """What work in a thread has come to."""

    def __init__(self, words: str, failed: bool) -> None:
        super().__init__()
        self.words = words
        self.failed = failed


class RunWork(LabScreen[None]):
    """The base of what acts on runs; what it acts on is the list's business."""

    def __init__(self) -> None:
        super().__init__()
        self._chosen_id: str | None = None

    @property
    @abstractmethod
    def chosen(self) -> RunRow | None:
        """The run that is chosen, as it is now; None where there is none, or it cannot be read."""

    @property
    @abstractmethod
    def targets(self) -> list[RunRecord]:
        """The marked runs, else the chosen one."""

    @property
    def lab(self) -> Laboratory:
        return self.context.lab

    def _work(self, action: Callable[[], str]) -> None:
        """Do something that may take a while, beside the screen; then say what came of it."""

        def work() -> None:
            try:
                told = Told(action(), failed=False)
            except (ValueError, OSError) as error:
                told = Told(str(error), failed=True)
            finally:
                self.lab.store.close()
            self.post_message(told)

        threading.Thread(target=work, name="runs screen", daemon=True).start()

    def on_told(self, message: Told) -> None:
        self.notify(message.words, severity="error" if message.failed else "information")
        self.runs_changed()
        self.context.wake()

    def _try(self, action: Callable[[], object]) -> None:
        """Do something quick; where it cannot be done, say why."""
        try:
            action()
        except (ValueError, OSError) as error:
            self.notify(str(error), severity="error")
        self.runs_changed()
        self.context.wake()


def named(records: Sequence[RunRecord]) -> str:
    """Runs as a question names them."""
    if len(records) > 3:
        return counted(len(records), "run")
    return ", ".join(f"{record.title} {record.id}" for record in records)
