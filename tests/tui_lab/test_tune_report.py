"""Pictures of a search: a point a trial, at the place that its setting has on the axis."""

from __future__ import annotations

import pytest

from engine.runs.search_space import Choices, Range
from tui_lab.glyphs import ASCII
from tui_lab.plotting import draw
from tui_lab.search_text import settings_text, slice_picture


def test_choices_stand_side_by_side_under_their_names() -> None:
    picture = slice_picture(Choices(((), (64,), (256, 256))), [("[]", 10.0), ("[256, 256]", 30.0), ("[]", 20.0)])
    (series,) = picture.series
    assert (series.x, series.y, series.kind) == ((0.0, 2.0, 0.0), (10.0, 30.0, 20.0), "points")
    assert picture.x_ticks == ((0.0, "[]"), (1.0, "[64]"), (2.0, "[256, 256]"))
    rows = [row.plain for row in draw(picture, 60, 10, ASCII, lambda index, dim: (0, 0, 0))]
    assert "[256, 256]" in rows[-1]
    assert sum(row.count("o") for row in rows) == 3


def test_powers_of_ten_are_equally_far_apart() -> None:
    picture = slice_picture(Range(1e-5, 1e-2, log=True), [(1e-5, 1.0), (1e-3, 1.0)])
    assert picture.series[0].x == pytest.approx((-5, -3))
    assert picture.x_limits == pytest.approx((-5, -2))
    assert picture.x_ticks == ((-5, "1e-05"), (-4, "0.0001"), (-3, "0.001"), (-2, "0.01"))
    low, high = picture.y_limits
    assert low < 1 < high, "equal scores still have a height"


def test_settings_are_written_as_their_files_write_them() -> None:
    labels = {"learning_rate": 0.00045095481485457226, "double_q": True, "state_scale": None, "nn_hidden_layers": "[8]"}
    assert settings_text(labels) == "learning_rate=0.000451, double_q=true, state_scale=null, nn_hidden_layers=[8]"
