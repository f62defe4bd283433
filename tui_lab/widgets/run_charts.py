"""Charts of runs, one under the other, which a reader looks at in one way: one cursor, one zoom, one pinned curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual.app import ComposeResult
from textual.containers import Vertical

from engine.learners.charts import Chart as What
from tui_lab.drawings import Drawing, runs_table
from tui_lab.glyphs import Glyphs
from tui_lab.legends import legend, notes, reading
from tui_lab.look import MEANS, SEEDS, ZOOM, Look
from tui_lab.picture import Picture
from tui_lab.views import Curve, letters, picture, whole_axis
from tui_lab.widgets.chart import Chart
from tui_lab.widgets.words import Words

LOOKS = frozenset({"move", "no_cursor", "zoom", "whole", "means", "log"})
SEVERAL = frozenset({"pin"})
SAME_PRESET = frozenset({"seeds"})
DRAWN_COLUMNS = 600
"""Columns that data are reduced to for a file."""


class RunCharts(Vertical):
    """Shows some of a bench's charts. Its cursor reads all of them, those that are not shown too."""

    DEFAULT_CSS = """
    RunCharts { height: 1fr; }
    RunCharts #reading { height: auto; max-height: 4; padding: 0 1; }
    """

    def __init__(self, glyphs: Glyphs, places: int) -> None:
        """
        Args:
            places: how many charts are shown at once, where there are so many.
        """
        super().__init__()
        self.look = Look()
        self._glyphs = glyphs
        self._suffixes = ["", *(f"-{number}" for number in range(2, places + 1))]
        self._charts: Sequence[What] = ()
        self._first = 0
        self._curves: Sequence[Curve] = ()
        self._before: dict[str, tuple[object, Picture]] = {}

    def compose(self) -> ComposeResult:
        for suffix in self._suffixes:
            yield Words(classes="bench-legend", id=f"legend{suffix}")
            yield Chart(self._glyphs, id=f"chart{suffix}")
        yield Words(id="reading")

    def on_mount(self) -> None:
        self.query_one("#reading").display = False

    def show(self, charts: Sequence[What], first: int, curves: Sequence[Curve]) -> None:
        """Show the charts from the one at place `first` on, over these runs."""
        self._charts, self._first, self._curves = charts, first, curves
        if self.look.pinned not in ("", *letters(curves)):
            self.look = replace(self.look, pinned="")
        for place, suffix in enumerate(self._suffixes):
            if place < len(charts):
                self._show_one(suffix, charts[(first + place) % len(charts)])
        words, told = self.query_one("#reading", Words), reading(charts, curves, self.look)
        words.show(told)
        words.display = bool(told.plain)

    def _show_one(self, suffix: str, what: What) -> None:
        widget = self.query_one(f"#chart{suffix}", Chart)
        if not widget.size.height:
            return
        curves, dark = self._curves, self.app.current_theme.dark
        # Heights stand still for as long as the same thing is shown.
        key = what.name, replace(self.look, cursor=None), [id(curve.log) for curve in curves]
        known, before = self._before.get(suffix, (None, None))
        shown = picture(what, curves, widget.columns, self.look, before if known == key else None)
        self._before[suffix] = key, shown
        words = legend(what, curves, self._glyphs, shown, self.look, dark=dark)
        self.query_one(f"#legend{suffix}", Words).show(words)
        widget.looks = self._looks()
        widget.drawing = lambda: self._drawing(what)
        widget.show(shown, what.title)

    def _looks(self) -> frozenset[str]:
        """What there is to choose with these runs."""
        if not self._curves:
            return frozenset()
        same = len({curve.preset for curve in self._curves}) < len(self._curves)
        return LOOKS | (SEVERAL if len(self._curves) > 1 else frozenset()) | (SAME_PRESET if same else frozenset())

    def _drawing(self, what: What) -> Drawing:
        curves, look = tuple(self._curves), self.look
        shown = picture(what, curves, DRAWN_COLUMNS, look)
        # The names of the marks stand beside them.
        told = notes(what, curves, replace(shown, marks=()), look)
        names = [curve.label for curve in curves] if len(curves) == 1 else []
        return Drawing(
            f"{what.name} {' '.join(dict.fromkeys(curve.preset for curve in curves))}",
            what.title,
            shown,
            (*names, *told),
            lambda: runs_table(what, curves, look),
        )

    def on_chart_asked(self, event: Chart.Asked) -> None:
        """Look in another way, as a key on one of the charts asks for."""
        event.stop()
        suffix = (event.chart.id or "").removeprefix("chart")
        what = self._charts[(self._first + self._suffixes.index(suffix)) % len(self._charts)]
        whole, look = whole_axis(what, self._curves), self.look
        match event.what:
            case "move":
                look = look.moved(what.by, whole, event.amount, event.chart.columns)
            case "no_cursor":
                look = replace(look, cursor=None)
            case "zoom":
                look = look.zoomed(what.by, whole, ZOOM**event.amount)
            case "whole":
                look = replace(look, part=None, part_unit=None)
            case "means":
                look = replace(look, means=MEANS[(MEANS.index(look.means) + 1) % len(MEANS)])
            case "seeds":
                look = replace(look, seeds=SEEDS[(SEEDS.index(look.seeds) + 1) % len(SEEDS)])
            case "log":
                look = replace(look, log=not look.log)
            case "pin":
                look = replace(look, pinned=look.next_pin(letters(self._curves)))
        self.look = look
        self.show(self._charts, self._first, self._curves)
