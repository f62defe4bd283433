"""Training from the list of runs: go on, pause, stop, a longer budget, a checkpoint to keep, a fork."""

from __future__ import annotations

from typing import Any

from engine.learners.settings import ConfigError, setting_from_text
from engine.storage.forks import check_fork, kept_steps
from engine.storage.records import RunRecord, Status, step_in
from tui_lab.screens.ask_screen import AskScreen
from tui_lab.screens.run_work import RunWork
from tui_lab.text import count
from tui_lab.widgets.run_bench import ELSEWHERE


class RunActions(RunWork):
    """The keys that train the chosen run."""

    # --- training

    def action_go_on(self) -> None:
        row = self.chosen
        if row is None or row.record is None:
            return
        if row.elsewhere:
            self.notify(ELSEWHERE, severity="warning")
        elif row.status == Status.QUEUED:
            self.notify("Queued: it begins when another run ends or is paused; x takes it out of the queue.")
        elif row.status == Status.FINISHED:
            self.notify("Finished; + gives it a longer budget, f branches off from it.")
        else:
            run = row.record.id
            self._try(lambda: self.lab.continue_run(run))

    def action_pause(self) -> None:
        row = self.chosen
        if row is None:
            return
        if row.run is None:
            self.notify(ELSEWHERE if row.live else "This run is not training; r goes on with a stopped one.")
        elif row.run.pausing:
            row.run.resume()
        else:
            row.run.pause()
        self.context.wake()

    def action_stop(self) -> None:
        row = self.chosen
        if row is None:
            return
        if row.run is None:
            self.notify(ELSEWHERE if row.live else "This run is not training.")
            return
        row.run.stop()
        self.notify(f"Stopping {row.run.title}; r goes on with it.")

    def action_more(self) -> None:
        row = self.chosen
        if row is None or row.record is None:
            return
        record = row.record
        if record.status != Status.FINISHED:
            self.notify("Only a finished run can be given a longer budget; r goes on with a stopped one.")
            return
        noun = "epochs" if "epochs" in record.counters else "episodes"

        def done(answer: tuple[int, str] | None) -> None:
            if answer is not None:
                self._try(lambda: self.lab.extend_run(record.id, whole(answer[1])))

        hint = "It goes on from where it ended: same seed, same state."
        question = f"How many more {noun} for {record.title} {record.id}?"
        self.app.push_screen(AskScreen(question, lambda _, text: whole(text), text="100", hint=hint), done)

    # --- branching off

    def action_keep_checkpoint(self) -> None:
        row = self.chosen
        if row is not None and row.record is not None:
            run = row.record.id
            self._work(lambda: f"Step {count(self.lab.keep_checkpoint(run))} of run {run} is kept; f branches off.")

    def action_fork(self) -> None:
        row = self.chosen
        if row is None or row.record is None:
            return
        record, store = row.record, self.lab.store
        steps: list[int | None] = [None, *reversed(kept_steps(store, record.id))]
        latest = count(step_in(row.run.counters if row.run is not None else record.counters))
        choices = [f"the latest checkpoint, step {latest}"]
        choices += [f"the one kept at step {count(step)}" for step in steps if step is not None]

        def done(answer: tuple[int, str] | None) -> None:
            if answer is not None:
                place, text = answer
                self._work(lambda: self._forked(record, steps[place], text))

        budget = "epochs" if "epochs" in row.spec.config.names() else "episodes"
        hint = (
            f"Such as learning_rate=0.0005 {budget}=300, with spaces between; without any it goes the same way again."
        )
        self.app.push_screen(
            AskScreen(
                f"Branch off from {record.title} {record.id}, with which settings?",
                lambda place, text: check_fork(store, record, steps[place], changes_in(text)),
                hint=hint,
                choices=choices,
            ),
            done,
        )

    def _forked(self, record: RunRecord, at: int | None, text: str) -> str:
        run = self.lab.fork(record.id, changes_in(text), at)
        self._chosen_id = run.id  # Where it is listed, it is what one wants to see next.
        return f"Run {run.id} branches off from {record.id} at step {count(run.record.forked_step)}."


def changes_in(text: str) -> dict[str, Any]:
    """Settings as they were typed.

    Raises:
        ConfigError: one is not of the form KEY=VALUE.
    """
    return dict(map(setting_from_text, text.split()))


def whole(text: str) -> int:
    """A whole number above 0 as it was typed.

    Raises:
        ConfigError: it is none.
    """
    if not text.isdecimal() or not 0 < int(text) < 10**9:
        raise ConfigError(f"it should be a whole number of at least 1, not {text!r}.")
    return int(text)
