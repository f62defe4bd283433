"""What this terminal can draw: the characters of charts and marks, and how often to send anything at all."""

from __future__ import annotations

import locale
import os
from dataclasses import dataclass
from typing import Literal

GlyphChoice = Literal["auto", "braille", "block", "ascii"]
BandwidthChoice = Literal["auto", "on", "off"]


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Characters for one kind of terminal.

    lines, faint: plotext's markers, or characters, of curves that matter, one a colour, and of those behind them.
        Blocks are strokes in any font, where braille is dots; so the two are told apart without colours too.
    points: shapes of single points, one a series.
    fills: shades of bands, one a series.
    shades: from nothing to most.
    level, upright: of lines across and up that lie behind the data.
    steps: from low to high, for curves as small as a line.
    plainer: characters that the terminal's font may lack, and what is drawn in their place.
    """

    name: str
    lines: tuple[str, ...]
    faint: str
    bar: str
    full: str
    empty: str
    done: str
    open: str
    new: str
    running: str
    paused: str
    stopped: str
    failed: str
    pointer: str
    steps: str
    points: tuple[str, ...]
    fills: tuple[str, ...]
    shades: str
    level: str
    upright: str
    queued: str
    plainer: tuple[str, str] = ("", "")
    ascii_frame: bool = False


# The fonts of the Linux console have half blocks and shades, but no quadrants, and no dashes.
HALVES = ("▘▝▖▗▙▛▜▟▚▞", "▀▀▄▄██████")
BRAILLE = Glyphs(
    "braille", ("hd",), "braille", "█", "━", "─", "✓", "◐", "○", "●", "‖", "■", "✗", "▸", "▁▂▃▄▅▆▇█",
    ("•", "×", "+", "▴", "▪"), ("░", "∙", "▒", ":", "'"), " ░▒▓█", "╌", "┊", "◌",
)  # fmt: skip
BLOCK = Glyphs(
    "block", ("hd",), "·", "█", "━", "─", "√", "◐", "○", "●", "‖", "■", "x", "►", "▁▂▃▄▅▆▇█",
    ("o", "x", "+", "#", "%"), ("░", ":", "▒", "'", ","), " ░▒▓█", "─", "│", "·", HALVES,
)  # fmt: skip
ASCII = Glyphs(
    "ascii", ("*", "o", "x", "%", "&"), ".", "#", "=", "-", "+", "~", " ", ">", "=", "#", "!", ">", "_.-=+*#",
    ("o", "x", "+", "#", "%"), (":", "'", ",", "`", ";"), " .:+#", "-", "|", ".", ascii_frame=True,
)  # fmt: skip


def choose_glyphs(choice: GlyphChoice = "auto") -> Glyphs:
    """The glyphs asked for; `auto` takes ASCII outside UTF-8 and blocks on the Linux console, which has no braille."""
    if choice == "auto":
        if "utf" not in locale.getpreferredencoding(False).lower():
            choice = "ascii"
        else:
            choice = "block" if os.environ.get("TERM") == "linux" else "braille"
    return {"braille": BRAILLE, "block": BLOCK, "ascii": ASCII}[choice]


@dataclass(frozen=True, slots=True)
class Pace:
    """Redraws a second, of charts and of the moving cart, and why so many."""

    charts: float
    frames: float
    reason: str

    def told(self) -> str:
        """`2 times a second and the cart 10 times: a connection`."""
        times = "once" if self.charts == 1 else f"{self.charts:g} times"
        return f"{times} a second and the moving cart {self.frames:g} times: {self.reason}"


def choose_pace(choice: BandwidthChoice = "auto") -> Pace:
    """Less over a connection: `auto` slows down where the session came over SSH."""
    if choice == "on":
        return Pace(charts=0.7, frames=4, reason="--low-bandwidth on")
    if choice == "off":
        return Pace(charts=3, frames=16, reason="--low-bandwidth off")
    if os.environ.get("SSH_CONNECTION"):
        return Pace(charts=2, frames=10, reason="the session came over SSH")
    return Pace(charts=3, frames=16, reason="the terminal is on this machine")
