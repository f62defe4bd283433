"""How a reader looks at the charts of a bench: what is smoothed, banded, pinned, zoomed, and where the cursor is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from engine.learners.charts import Trace, Unit

Means = Literal["own", "none", "all"]
Seeds = Literal["each", "middle half", "all of them", "last values"]
MEANS: tuple[Means, ...] = ("own", "none", "all")
SEEDS: tuple[Seeds, ...] = ("each", "middle half", "all of them", "last values")
WINDOW = 20
"""Points whose mean is taken where a chart has no window of its own."""
ZOOM = 2.0
NARROWEST = 4
"""Points of the axis that are still in view in the narrowest part."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place along the axes that count `unit`."""

    at: float
    unit: Unit


@dataclass(frozen=True, slots=True)
class Look:
    """What a reader chose.

    means: the trailing means that the chart draws by itself, none, or one of every series.
    seeds: each run of a preset as a curve; or the median of them in a band, of the middle half or of all; or a strip of
        what they come to.
    pinned: the letter of the curve that the others are behind.
    part: the part of the axis that counts `part_unit`; None for the whole.
    """

    means: Means = "own"
    seeds: Seeds = "each"
    log: bool = False
    pinned: str = ""
    part: tuple[float, float] | None = None
    part_unit: Unit | None = None
    cursor: Cursor | None = None

    def window(self, trace: Trace) -> int:
        """Length of the trailing mean that a trace is drawn with; 1 for none."""
        if self.means == "none":
            return 1
        return max(trace.smooth, WINDOW) if self.means == "all" and trace.smooth == 1 else trace.smooth

    def traces(self, traces: tuple[Trace, ...], runs: int) -> tuple[Trace, ...]:
        """Which traces are drawn: of a series that has two, one where only single values or only means are wanted."""
        shown = [trace for trace in traces if not trace.alone or runs == 1]
        if self.means == "own":
            return tuple(shown)
        last = {trace.series: trace for trace in shown}
        return tuple(trace for trace in shown if last[trace.series] is trace)

    def next_pin(self, letters: Sequence[str]) -> str:
        """The letter after the one that is pinned; none after the last."""
        round_trip = ["", *filter(None, letters), ""]
        known = self.pinned if self.pinned in round_trip else ""
        return round_trip[round_trip.index(known) + 1]

    def part_of(self, unit: Unit) -> tuple[float, float] | None:
        """The part that is in view of an axis that counts `unit`; None for all of it."""
        return self.part if self.part_unit == unit else None

    def zoomed(self, unit: Unit, whole: tuple[float, float], factor: float) -> Look:
        """Closer by `factor`, or farther, around the cursor; without one around the middle. Never beyond the whole."""
        low, high = self.part_of(unit) or whole
        middle = self.cursor.at if self.cursor is not None and self.cursor.unit == unit else (low + high) / 2
        span = max((high - low) / factor, min(NARROWEST, whole[1] - whole[0]))
        if span >= whole[1] - whole[0]:
            return replace(self, part=None, part_unit=None)
        # What is under the cursor stays where it is on the screen.
        share = (min(max(middle, low), high) - low) / (high - low)
        return self._at(unit, whole, middle - share * span, span)

    def _at(self, unit: Unit, whole: tuple[float, float], low: float, span: float) -> Look:
        low = min(max(low, whole[0]), whole[1] - span)
        return replace(self, part=(low, low + span), part_unit=unit)

    def moved(self, unit: Unit, whole: tuple[float, float], cells: int, columns: int) -> Look:
        """The cursor so many cells on, on whole places; the part in view follows it. The first move puts it down."""
        low, high = self.part_of(unit) or whole
        step = max(1.0, round((high - low) / max(1, columns)))
        known = self.cursor is not None and self.cursor.unit == unit
        at = self.cursor.at + cells * step if known and self.cursor is not None else high if cells < 0 else low
        at = float(round(min(max(at, whole[0]), whole[1])))
        look = replace(self, cursor=Cursor(at, unit))
        if low <= at <= high:
            return look
        return look._at(unit, whole, at - (high - low) / 2, high - low)
