"""What the command palette offers, beside what is on the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui_lab.context import context


class LabCommands(Provider):
    """Lessons to open, runs to pause, resume or stop."""

    def _commands(self) -> Iterator[tuple[str, str, Callable[[], None]]]:
        app = context(self.app)
        for lesson in app.course:
            yield (
                f"Lesson {lesson.section}: {lesson.title}",
                lesson.summary,
                partial(app.open_lesson, lesson),
            )
        for run in app.lab.live_runs:
            if run.pausing:
                yield f"Resume {run.title} ({run.id})", "Go on with a paused run", run.resume
            else:
                yield f"Pause {run.title} ({run.id})", "Hold a run", run.pause
            yield f"Stop {run.title} ({run.id})", "Stop a run with a checkpoint", run.stop
        yield "Course map", "All lessons, runs and results", app.action_map

    async def discover(self) -> Hits:
        for title, about, action in self._commands():
            yield DiscoveryHit(title, action, help=about)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for title, about, action in self._commands():
            score = matcher.match(title)
            if score > 0:
                yield Hit(score, matcher.highlight(title), action, help=about)
