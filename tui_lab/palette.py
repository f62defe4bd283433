"""What the command palette offers, beside what is on the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.fuzzy import Matcher

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
        yield "Runs", "All runs: compare, fork, go on, export", partial(app.action_place, "runs")
        yield "Settings", "Settings to play with, and experiments", partial(app.action_place, "settings")
        yield "Play", "Drive the cart yourself", partial(app.action_place, "play")

    async def discover(self) -> Hits:
        for title, about, action in self._commands():
            yield DiscoveryHit(Content(title), action, help=_text(about))

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for title, about, action in self._commands():
            score = matcher.match(title)
            if score > 0:
                yield Hit(score, _highlighted(title, matcher), action, help=_text(about))


def _text(words: str) -> str:
    """Words that the palette shows as they are: it reads a string as markup, and takes content for what it is."""
    content: Any = Content(words)
    return cast(str, content)


def _highlighted(title: str, matcher: Matcher) -> Content:
    """A title with what matched; `Matcher.highlight` would read it as markup."""
    content = Content(title)
    for offset in matcher.fuzzy_search.match(matcher.query, title)[1]:
        content = content.stylize(matcher.match_style, offset, offset + 1)
    return content
