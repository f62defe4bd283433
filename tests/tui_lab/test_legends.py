"""What is written beside charts: everything that the curves do not tell by themselves, and what the cursor reads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from engine.learners.kinds import preset_spec
from engine.learners.metrics import MetricLog
from tests.tui_lab.test_views import BAD, LINEAR, log
from tui_lab.glyphs import BRAILLE
from tui_lab.legends import legend, reading
from tui_lab.look import Cursor, Look
from tui_lab.themes import SERIES_DARK, SERIES_LIGHT, css_color
from tui_lab.views import Curve, chart_named, picture


def curves_of(*logs: MetricLog, preset: str = "bad") -> list[Curve]:
    spec = preset_spec(preset)
    return [Curve(f"{preset} {index}", index, spec, one, preset) for index, one in enumerate(logs)]


def told(name: str, curves: Sequence[Curve], look: Look | None = None, *, dark: bool = True) -> str:
    return content(name, curves, look, dark=dark).plain


def content(name: str, curves: Sequence[Curve], look: Look | None = None, *, dark: bool = True):  # type: ignore[no-untyped-def]
    chart, look = chart_named(name, curves[0].spec), look or Look()
    return legend(chart, curves, BRAILLE, picture(chart, curves, 40, look), look, dark=dark)


def test_a_legend_names_the_chart_and_each_run_by_letter_and_colour() -> None:
    curves = [Curve("bad", 0, BAD, log()), Curve("good [/b]", 2, BAD, log())]
    words = content("q", curves)
    assert words.plain == "mean largest Q-value by step  A bad  B good [/b]"
    styles = [str(span.style) for span in words.spans]
    assert styles == ["bold", f"bold {css_color(SERIES_DARK[0])}", f"bold {css_color(SERIES_DARK[2])}"]


def test_a_legend_follows_the_theme_and_one_run_needs_no_letter() -> None:
    words = content("loss", [Curve("bad", 1, BAD, log())], dark=False)
    assert words.plain.startswith("loss (mean squared TD error) by step  ━━ bad  ")
    assert f"bold {css_color(SERIES_LIGHT[1])}" in [str(span.style) for span in words.spans]


def test_smoothing_thin_lines_and_where_an_axis_starts_are_stated() -> None:
    returns = log(**{"return": [1.0, 2.0]})
    assert told("return", curves_of(returns)).startswith(
        "return by episode  ━━ bad 0  thin: each episode  thick: mean of 20"
    )
    assert "mean of" not in told("return", curves_of(returns), Look(means="none"))
    assert told("loss", curves_of(log(loss=[1.0])), Look(means="all")).endswith("mean of 20")
    accuracy = curves_of(log(test_accuracy=[0.8]), log(test_accuracy=[0.9]), preset="linear")
    assert told("accuracy", accuracy).endswith("thin, small letters: train  axis from 0.5")


def test_an_axis_that_follows_low_values_says_where_it_starts() -> None:
    assert "axis from 0.4" in told("accuracy", curves_of(log(test_accuracy=[0.42]), preset="linear"))


def test_a_part_of_the_axis_and_a_log_axis_are_stated() -> None:
    returns = curves_of(log(**{"return": [1.0, 20.0]}))
    assert "episodes 50 to 150" in told("return", returns, Look(part=(50, 150), part_unit="episode"))
    assert told("loss", curves_of(log(loss=[1.0, 20.0])), Look(log=True)).endswith("log axis")


def test_values_that_are_no_numbers_are_told() -> None:
    broken = curves_of(log(loss=[1.0, math.inf, math.nan, 2.0]))
    assert told("loss", broken).endswith("2 values infinite or missing")


def test_marks_are_named_by_their_numbers_where_one_run_is_shown_or_pinned() -> None:
    stepped = MetricLog()
    for episode in range(200):
        stepped.append("return", episode, 10.0)
        stepped.append("epsilon", 10 * (episode + 1), 0.1)
    assert "2 learning starts" in told("return", curves_of(stepped))
    both = curves_of(stepped, stepped)
    assert "learning" not in told("return", both)
    assert "2 learning starts" in told("return", both, Look(pinned="B"))
    assert "B bad 1 (pinned)" in told("return", both, Look(pinned="B"))


def test_other_seeds_stand_in_brackets_behind_their_preset() -> None:
    curves = [
        Curve("bad", 0, BAD, log(), "bad"),
        Curve("bad seed 3", 0, BAD, log(), "bad", behind=True),
        Curve("bad seed 1", 0, BAD, log(), "bad", behind=True),
        Curve("good-1", 1, BAD, log(), "good-1"),
    ]
    assert told("loss", curves).endswith("A bad (B seed 3, C seed 1)  D good-1")


def test_a_band_says_how_many_seeds_and_what_it_holds() -> None:
    curves = curves_of(*(log(loss=[float(i), 1.0]) for i in range(3)))
    words = told("loss", curves, Look(seeds="middle half"))
    assert words.endswith("A░ bad, 3 seeds  line: median, shaded: middle half")
    strip = told("loss", curves, Look(seeds="last values"))
    assert strip.endswith("• bad, 3 seeds  last value of each seed")


# --- the cursor


def stepped(*returns: float, loss: float = 0.5) -> MetricLog:
    one = MetricLog()
    for episode, value in enumerate(returns):
        one.append("return", episode, value)
        one.append("epsilon", 10 * (episode + 1), 0.1 * (episode + 1))
        one.append("loss", 10 * (episode + 1) - 5, loss + episode)
    return one


CHARTS = [chart_named(name, BAD) for name in ("return", "loss", "epsilon")]


def test_the_cursor_reads_every_chart_at_one_episode() -> None:
    words = reading(CHARTS, curves_of(stepped(10, 20, 30)), Look(cursor=Cursor(1, "episode")))
    assert words.plain == "episode 1  return: each episode 20, mean of 20 15  loss: 1.5  epsilon: 0.2"


def test_each_run_is_read_at_its_own_step_and_by_name() -> None:
    quick, slow = stepped(10, 20, 30), MetricLog()
    for episode in range(3):
        slow.append("return", episode, 100.0)
        slow.append("epsilon", 1000 * (episode + 1), 0.01 * (episode + 1))
    words = reading(CHARTS[::2], curves_of(quick, slow), Look(cursor=Cursor(1, "episode")))
    assert words.plain == "episode 1  return: A bad 0 15, B bad 1 100  epsilon: A bad 0 0.2, B bad 1 0.02"


def test_where_a_run_has_not_come_to_nothing_is_read_and_what_is_infinite_is_told() -> None:
    curves = curves_of(stepped(10, 20, 30, loss=math.inf))
    assert reading(CHARTS, curves, Look(cursor=Cursor(9, "episode"))).plain.endswith("loss: -  epsilon: -")
    assert "loss: infinite" in reading(CHARTS, curves, Look(cursor=Cursor(1, "episode"))).plain


def test_without_a_cursor_nothing_is_read() -> None:
    assert reading(CHARTS, curves_of(stepped(1)), Look()).plain == ""


def test_epochs_are_read_too() -> None:
    one = log(train_accuracy=[0.5, 0.6], test_accuracy=[0.7, 0.8])
    curves = [Curve("linear", 0, replace(LINEAR), one)]
    words = reading([chart_named("accuracy", LINEAR)], curves, Look(cursor=Cursor(10, "epoch")))
    assert words.plain == "epoch 10  accuracy: train 0.6, test 0.8"
