"""The Textual app: screens over one laboratory. It pulls from runs on timers; runs never touch a widget."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from textual import work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.events import Event, InputEvent, Resize
from textual.filter import LineFilter
from textual.message import Message
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.timer import Timer

from engine.laboratory import Laboratory
from engine.runs.jobs import Job
from engine.runs.run import Run
from engine.storage.records import Status, StoreBusyError, StoreError
from engine.storage.store import Store
from tui_lab.ascii_filter import with_ascii
from tui_lab.course import open_course
from tui_lab.farewell import farewell
from tui_lab.glyphs import BandwidthChoice, GlyphChoice, choose_glyphs, choose_pace
from tui_lab.keys import FILE, KeysError, read_keymap
from tui_lab.lesson import Lesson
from tui_lab.palette import LabCommands
from tui_lab.screens.course_map import CourseMap
from tui_lab.screens.help_screen import HelpScreen
from tui_lab.screens.lab_screen import LabScreen
from tui_lab.screens.quit_screen import QuitScreen
from tui_lab.screens.small_screen import SmallScreen, too_small
from tui_lab.terminal.painter import Painter
from tui_lab.themes import DARK, LIGHT, OWN_VARIABLES

SCREEN_PATIENCE = 0.05
"""Seconds that the screen waits for another program to finish writing to the database."""
FOLLOW_SECONDS = 2.0
"""How often the lab looks for what other processes did, and tries again what could not be read or written."""
ANSWER_SECONDS = 0.06
"""For how long training gives way to what was typed."""
READ_SECONDS = 0.2
"""After the start: when to load what the map does not need."""
PROBLEM_SECONDS = 8.0
"""How long a problem is shown."""
T = TypeVar("T")
HANG_UP_SECONDS, LEAST_SECONDS = 2.5, 0.5
"""After a hang-up: how long the process may take to end, and how long at least once the checkpoints are kept."""
STYLES = Path(__file__).parent / "styles"
PLACES = {
    "play": ("play_screen", "PlayScreen"),
    "runs": ("runs_screen", "RunsScreen"),
    "settings": ("settings_screen", "SettingsScreen"),
}
"""Screens beside the course, by name: the module and the class of each. They are loaded when they are opened."""


class JobChanged(Message):
    """A job's status changed; posted from the job's thread."""

    def __init__(self, job: Job[Any], status: Status) -> None:
        super().__init__()
        self.job = job
        self.status = status


class Stirred(Message):
    """Something begins to move; posted from whatever thread."""


class LabApp(App[None]):
    """dqn-lab in a terminal."""

    TITLE = "dqn-lab"
    CSS_PATH = STYLES / "lab.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012 - an instance variable in Textual's types
    VERTICAL_BREAKPOINTS = [(0, "-short"), (36, "-tall")]  # noqa: RUF012
    COMMANDS = App.COMMANDS | {LabCommands}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "Help", key_display="?", tooltip="Help on what has the focus", id="app.help"),
        Binding("t", "theme", "Theme", tooltip="Change between dark and light", id="app.theme", show=False),
        Binding("R", "place('runs')", "Runs", tooltip="All runs: compare, fork, go on, export", id="app.runs"),
        Binding(
            "S", "place('settings')", "Settings", tooltip="Settings to play with, and experiments", id="app.settings"
        ),
        Binding("P", "place('play')", "Play", tooltip="Drive the cart yourself", id="app.play"),
        Binding("q", "quit", "Quit", tooltip="Quit; asks while something trains", id="app.quit"),
        Binding("ctrl+q,ctrl+c", "quit", "Quit", show=False, priority=True),
        Binding(
            "ctrl+z",
            "suspend_process",
            "To the shell",
            tooltip="To the shell; fg comes back. Training waits as well",
            id="app.suspend",
            show=False,
            priority=True,
        ),
        Binding(
            "ctrl+l", "repaint", "Repaint", tooltip="Paint the screen anew", id="app.repaint", show=False, priority=True
        ),
    ]

    def __init__(
        self,
        home: Path,
        low_bandwidth: BandwidthChoice = "auto",
        glyphs: GlyphChoice = "auto",
        *,
        lab: Laboratory | None = None,
    ) -> None:
        """
        Args:
            home: the home folder.
            lab: a laboratory to use instead of one over `home`.

        Raises:
            StoreError: the home folder cannot be used.
            LessonError: a lesson file is broken.
        """
        super().__init__()
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        self.theme = DARK.name
        self.lab = lab or Laboratory(home)
        self.glyphs = choose_glyphs(glyphs)
        self.pace = choose_pace(low_bandwidth)
        self.course = open_course()
        self.lab.listeners.append(self._tell)
        self.lab.on_moving.append(self._tell_stirred)
        self._pending: deque[Callable[[Store], None]] = deque()
        self._behind = False
        self._shown_until: dict[str, float] = {}
        self._pulse: Timer | None = None
        self._began = datetime.now(UTC)
        self._worked_on: dict[str, None] = {}
        if low_bandwidth == "on":
            self.animation_level = "none"

    def on_mount(self) -> None:
        self.lab.store.be_patient(SCREEN_PATIENCE)
        self._pulse = self.set_interval(1 / self.pace.charts, self._beat)
        self.set_interval(FOLLOW_SECONDS, self._follow)
        self._take_keymap()
        self.push_screen(CourseMap())
        self.set_timer(READ_SECONDS, self._load_ahead)

    def _take_keymap(self) -> None:
        """Give actions the keys that the reader wants for them; a file that cannot be used changes nothing."""
        if not (self.lab.store.home / FILE).exists():
            return
        try:
            self.set_keymap(read_keymap(self.lab.store.home))
        except KeysError as error:
            self.notify(str(error), severity="error", timeout=PROBLEM_SECONDS)

    def _load_ahead(self) -> None:
        threading.Thread(target=_import_the_rest, name="import", daemon=True).start()

    def get_driver_class(self) -> type[Driver]:
        usual = super().get_driver_class()
        if usual.__name__ != "LinuxDriver":
            return usual
        from tui_lab.terminal.driver import LabDriver

        return LabDriver

    # --- what reaches the terminal

    @property
    def _painter(self) -> Painter | None:
        """Sends what changed; none where there is no terminal, or one of another system."""
        return getattr(self._driver, "painter", None)

    @property
    def drawing(self) -> str:
        """How much is drawn and sent, and why, in a sentence or two."""
        line = "" if self._painter is None else f" {self._painter.flow.told()}."
        return f"Charts are drawn {self.pace.told()}.{line}"

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        # Textual has no public place between what its screens want to show and the terminal.
        painter = self._painter
        if painter is None or self._batch_count or self._closed or not painter.takes(renderable):
            super()._display(screen, renderable)
            return
        painter.synchronised = self._sync_available
        size, cursor = self.size, self.cursor_position
        painter.show(renderable, (size.width, size.height), (cursor.x, cursor.y))
        self.post_display_hook()

    def action_repaint(self) -> None:
        """Paint everything anew: something else wrote to the terminal."""
        if self._painter is not None:
            self._painter.forget()
        self.refresh()

    def get_line_filters(self) -> Sequence[LineFilter]:
        filters = super().get_line_filters()
        return with_ascii(filters) if self.glyphs.ascii_frame else filters

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return OWN_VARIABLES

    # --- when to look: this is the one place that decides it

    def typed(self) -> None:
        """In any thread: something was typed, and is to be answered before anything else."""
        self.lab.courtesy.ask(ANSWER_SECONDS)

    def wake(self) -> None:
        """Something may move from now on: the open screen is to look again until nothing does."""
        if self._pulse is not None:
            self._pulse.resume()

    def _tell_stirred(self) -> None:
        """In any thread."""
        self.post_message(Stirred())

    def on_stirred(self) -> None:
        self.wake()

    async def on_event(self, event: Event) -> None:
        await super().on_event(event)
        if isinstance(event, InputEvent):
            self.wake()
        elif isinstance(event, Resize):
            if self._painter is not None:
                # Terminals shift what they show, each in its own way.
                self._painter.forget()
            self._say_whether_there_is_room(event.size.width, event.size.height)

    def _say_whether_there_is_room(self, width: int, height: int) -> None:
        small = isinstance(self.screen, SmallScreen)
        if too_small(width, height) and not small:
            self.push_screen(SmallScreen())
        elif small and not too_small(width, height):
            self.pop_screen()

    def _beat(self) -> None:
        """Let the open screen look again; the last time once nothing moves any more."""
        if not self.is_running or (self._painter is not None and self._painter.behind):
            # Its widgets are just being taken away, or what it drew could not be sent yet.
            return
        if self._pulse is not None and not self.lab.moving:
            self._pulse.pause()
        if isinstance(self.screen, LabScreen):
            self.screen.beat()

    def _follow(self) -> None:
        """Catch up with the home folder: with what could not be written or read, and with what others did to it."""
        self._write_pending()
        behind, self._behind = self._behind, False
        if self.attempt(self.lab.changed_elsewhere, False) or behind:
            self._refresh_screens()

    # --- jobs

    def _tell(self, job: Job[Any]) -> None:
        """In a job's thread: hand the news to the screen's thread."""
        self.post_message(JobChanged(job, job.status))

    def on_job_changed(self, message: JobChanged) -> None:
        self._refresh_screens()
        if isinstance(message.job, Run):
            self._worked_on[message.job.id] = None
        if isinstance(message.job, Run) and message.status == Status.FINISHED:
            self.notify(f"{message.job.title} has finished.", timeout=3)
        elif isinstance(message.job, Run) and message.status == Status.FAILED:
            self.notify(message.job.error or "unknown error", title=f"{message.job.title} failed", severity="error")

    def _refresh_screens(self) -> None:
        """Have the open screen look up everything; those below it do so when they are open again."""
        if self.is_running:
            if isinstance(self.screen, LabScreen):
                self.screen.runs_changed()
            self.wake()

    # --- the home folder, as it is at the moment

    def attempt(self, action: Callable[[], T], otherwise: T) -> T:
        """What `action` returns; where the home folder cannot be used just now, say so once and take `otherwise`.

        What could not be read is read again as soon as that is possible.
        """
        try:
            return action()
        except (StoreError, OSError) as error:
            self._say_once(str(error))
            self._behind = True
            return otherwise

    def keep(self, write: Callable[[Store], None]) -> None:
        """Write to the home folder now, or as soon as it can be written; in the order of the calls."""
        self._pending.append(write)
        self._write_pending()

    def _write_pending(self) -> None:
        while self._pending:
            try:
                self._pending[0](self.lab.store)
            except StoreBusyError as error:
                self._say_once(str(error))
                return
            except StoreError as error:
                self._say_once(str(error))
            self._pending.popleft()

    def _say_once(self, problem: str) -> None:
        """Show a problem, unless it is being shown."""
        # Not by what is on the screen: a notification is there only once the screen has had its turn.
        now = time.monotonic()
        if now >= self._shown_until.get(problem, now):
            self._shown_until[problem] = now + PROBLEM_SECONDS
            self.notify(problem, severity="error", timeout=PROBLEM_SECONDS)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a notification. It is text: names, files and errors are never read as markup, whatever is asked for."""
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=False)

    # --- navigation

    def open_lesson(self, lesson: Lesson) -> None:
        """Open a lesson, in place of the one that is open and of a page over it."""
        while isinstance(self.screen, HelpScreen | QuitScreen):
            self.pop_screen()
        from tui_lab.screens.lesson_screen import LessonScreen

        screen = LessonScreen(lesson)
        if isinstance(self.screen, LessonScreen):
            self.switch_screen(screen)
        else:
            self.push_screen(screen)

    def open_neighbour(self, lesson: Lesson, by: int) -> None:
        """Open the lesson after (1) or before (-1) another one."""
        index = self.course.index(lesson) + by
        if 0 <= index < len(self.course):
            self.open_lesson(self.course[index])
        else:
            self.notify("This is the last lesson." if by > 0 else "This is the first lesson.")

    def action_place(self, name: str) -> None:
        """Open a screen beside the course over the one that is open, or go back to it."""
        module, screen = PLACES[name]
        wanted: type[LabScreen[None]] = getattr(import_module(f"tui_lab.screens.{module}"), screen)
        while isinstance(self.screen, HelpScreen | QuitScreen):
            self.pop_screen()
        if any(isinstance(open_screen, wanted) for open_screen in self.screen_stack):
            while not isinstance(self.screen, wanted):
                self.pop_screen()
        else:
            self.push_screen(wanted())

    def action_map(self) -> None:
        while not isinstance(self.screen, CourseMap):
            self.pop_screen()

    def action_theme(self) -> None:
        self.theme = LIGHT.name if self.theme == DARK.name else DARK.name

    def action_help(self) -> None:
        if isinstance(self.screen, HelpScreen):
            return
        about: list[str] = []
        widget: Any = self.focused or self.screen
        while widget is not None:
            words = getattr(widget, "HELP", None)
            if words and words not in about:
                about.append(words)
            widget = widget.parent
        if isinstance(self.screen, LabScreen):
            about += [words for words in self.screen.about if words not in about]
        keys = [
            (
                active.binding.key_display or self.get_key_display(active.binding),
                active.binding.tooltip or active.binding.description,
            )
            for active in self.screen.active_bindings.values()
            if active.enabled and active.binding.id and not active.binding.system
        ]
        words = about or ["Up and down choose, enter opens."]
        self.push_screen(HelpScreen(words, list(dict.fromkeys(keys)), self.drawing))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        for command in super().get_system_commands(screen):
            if command.title in ("Theme", "Screenshot"):
                yield command
        yield SystemCommand("Help", "Help on what has the focus", self.action_help)
        yield SystemCommand("Quit", "Quit the lab", self.action_quit)

    # --- the end

    async def action_quit(self) -> None:
        if not self.lab.at_work:
            self._leave()
        elif not isinstance(self.screen, QuitScreen):
            self.push_screen(QuitScreen(), self._answered)

    def _answered(self, keep: bool | None) -> None:
        if keep:
            self.notify("Keeping checkpoints ...", timeout=10)
            self._leave()

    @work(thread=True, exclusive=True, group="leave")
    def _leave(self) -> None:
        """Runs answer within a step; waiting for their checkpoints must not freeze the screen."""
        self.lab.close()
        self.call_from_thread(self.exit)

    def hung_up(self, number: int) -> None:
        """In any thread: a closed connection or a polite kill ends the lab like the quit key does, with checkpoints."""
        threading.Thread(target=self._end, args=(128 + number,), name="end", daemon=True).start()

    def _end(self, code: int) -> None:
        """In a thread: keep checkpoints and leave. Where something holds the process even so, it ends here."""
        latest = time.monotonic() + HANG_UP_SECONDS
        try:
            self.lab.close()
        finally:
            self.call_later(self.exit, return_code=code)
            time.sleep(max(LEAST_SECONDS, latest - time.monotonic()))
            os._exit(code)

    def wind_up(self) -> list[str]:
        """After the last screen: what could not be written until now is tried once more, and every run is stopped.

        Returns what this sitting came to, in lines for the shell.
        """
        for write in self._pending:
            with suppress(StoreError):
                write(self.lab.store)
        self._pending.clear()
        self.lab.close()
        with suppress(StoreError):
            return farewell(self.lab, list(self._worked_on), self._began)
        return []


def _import_the_rest() -> None:
    """Load what draws lessons, and torch, while the reader reads the map: both take longer than the map to show."""
    for module in ("tui_lab.screens.lesson_screen", "engine.agents.evaluation"):
        import_module(module)
