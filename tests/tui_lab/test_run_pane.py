"""Forks in a picture: an upright line where one branched off, within the picture and once each."""

from __future__ import annotations

from tui_lab.plotting import Picture, Series
from tui_lab.widgets.run_pane import with_marks

SHOWN = Picture((Series((0.0, 9.0), (1.0, 2.0), 3),), (0.0, 10.0), (-1.0, 5.0))


def test_a_fork_is_an_upright_line_behind_the_curves() -> None:
    assert with_marks(SHOWN, [4.0, 4.0]).series == (Series((4.0, 4.0), (-1.0, 5.0), -1), *SHOWN.series)


def test_a_place_beyond_the_axis_and_a_picture_without_curves_have_no_line() -> None:
    assert with_marks(SHOWN, [10.5, -1.0]) == SHOWN
    assert with_marks(Picture(), [0.5]) == Picture()
