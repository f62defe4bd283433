"""The lab's dark and light themes, and the colours of series, chosen to stay apart on 16 colours too."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="lab-dark",
    primary="#5fafd7",
    secondary="#87afaf",
    accent="#ffaf5f",
    foreground="#d0d0d0",
    background="#121417",
    surface="#181b1f",
    panel="#22262b",
    success="#87d787",
    warning="#ffd75f",
    error="#ff8787",
    dark=True,
    variables={
        "muted": "#8a9096",
        "faint": "#4e5358",
        "footer-key-foreground": "#ffaf5f",
        "footer-background": "#22262b",
        "scrollbar": "#2e343a",
        "scrollbar-background": "#121417",
    },
)

LIGHT = Theme(
    name="lab-light",
    primary="#005f87",
    secondary="#4e6e6e",
    accent="#af5f00",
    foreground="#262626",
    background="#fafaf7",
    surface="#f2f2ee",
    panel="#e4e4de",
    success="#2f7d32",
    warning="#8a6d00",
    error="#b3261e",
    dark=False,
    variables={
        "muted": "#6a6a66",
        "faint": "#b4b4ae",
        "footer-key-foreground": "#af5f00",
        "footer-background": "#e4e4de",
        "scrollbar": "#d0d0ca",
        "scrollbar-background": "#fafaf7",
    },
)

OWN_VARIABLES = {"muted": "#808080", "faint": "#606060"}
"""Grey text for themes that are not the lab's own."""

Color = tuple[int, int, int]

SERIES_DARK: tuple[Color, ...] = ((95, 175, 255), (255, 175, 95), (110, 225, 110), (255, 135, 215), (255, 110, 110))
SERIES_LIGHT: tuple[Color, ...] = ((0, 95, 175), (175, 95, 0), (0, 120, 60), (160, 0, 120), (170, 0, 0))
MUTED_DARK: Color = (110, 115, 120)
MUTED_LIGHT: Color = (140, 140, 135)


def series_color(index: int, *, dark: bool, dim: bool = False) -> Color:
    """The colour of the series with that index, -1 the muted colour of levels. `dim` leans to the background."""
    if index < 0:
        return MUTED_DARK if dark else MUTED_LIGHT
    colors = SERIES_DARK if dark else SERIES_LIGHT
    red, green, blue = colors[index % len(colors)]
    if not dim:
        return red, green, blue
    ground = 30 if dark else 235
    return (red + ground) // 2, (green + ground) // 2, (blue + ground) // 2


def css_color(color: Color) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)
