"""Every built-in chart, by hand on small logs: which points, how far the axes go, what the legend says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.learners.kind import Chart, Level, Trace
from engine.learners.kinds import preset_spec
from engine.learners.metrics import MetricLog
from engine.learners.specs import DQNSpec, Spec
from tui_lab.look import Look
from tui_lab.plotting import Picture, Series
from tui_lab.views import Curve, chart_named, picture

BAD, LINEAR = preset_spec("bad"), preset_spec("linear")
COLUMNS = 20


def mountain_car() -> DQNSpec:
    """Deep Q-learning where every step costs one, for at most 200 steps."""
    assert isinstance(BAD, DQNSpec)
    return replace(BAD, config=BAD.config.replace(environment="MountainCar-v0"))


def log(**series: list[float]) -> MetricLog:
    """Points at 0, 10, 20, ... of each series."""
    whole = MetricLog()
    for name, values in series.items():
        for index, y in enumerate(values):
            whole.append(name, 10 * index, y)
    return whole


def shown(name: str, spec: Spec, *logs: MetricLog, columns: int = COLUMNS) -> Picture:
    curves = [Curve(f"run {i}", i, spec, one) for i, one in enumerate(logs)]
    return picture(chart_named(name, spec), curves, columns)


# --- the charts of deep Q-learning


def test_one_run_shows_its_returns_faint_behind_their_mean() -> None:
    assert shown("return", BAD, log(**{"return": [10, 20, 60]})) == Picture(
        (
            Series((0, 10, 20), (10, 20, 60), 0, dim=True, name="run 0 each episode"),
            Series((0, 10, 20), (10, 15, 30), 0, name="run 0"),
        ),
        x_limits=(0, 200),
        y_limits=(0, 500),
        levels=((475, "solved 475"), (500, "perfect 500")),
    )


def test_several_runs_show_only_the_means_of_their_returns() -> None:
    both = shown("return", BAD, log(**{"return": [10, 20]}), log(**{"return": [100]}))
    assert both.series == (
        Series((0, 10), (10, 15), 0, name="run 0", letter="A"),
        Series((0,), (100,), 1, name="run 1", letter="B"),
    )


def test_the_mean_return_is_that_of_twenty_episodes() -> None:
    (_, means) = shown("return", BAD, log(**{"return": [0.0] * 10 + [100.0] * 20}), columns=40).series
    assert means.y[9] == 0
    assert means.y[10] == pytest.approx(100 / 11)
    assert means.y[19] == 50
    assert means.y[29] == 100


def test_the_longest_budget_decides_how_far_returns_go() -> None:
    short, long = replace(BAD, episodes=30), replace(BAD, episodes=80)  # type: ignore[call-arg]
    curves = [Curve("short", 0, short, log()), Curve("long", 1, long, log())]
    assert picture(chart_named("return", short), curves, COLUMNS).x_limits == (0, 80)


def test_the_axis_of_returns_is_what_the_environment_can_give() -> None:
    assert shown("return", mountain_car(), log(**{"return": [-200, -150]})).y_limits == (-200, 0)


def test_loss_is_drawn_from_zero_to_a_round_number_by_step() -> None:
    assert shown("loss", BAD, log(loss=[0.5, 0.2, 0.42])) == Picture(
        (Series((0, 10, 20), (0.5, 0.2, 0.42), 0, name="run 0"),), x_limits=(0, 20), y_limits=(0, 0.5)
    )


def test_one_spike_does_not_flatten_the_loss() -> None:
    spiky = log(loss=[1.0] * 300 + [1000.0] + [1.0] * 99)
    assert shown("loss", BAD, spiky, columns=400).y_limits == (0, 1)
    assert shown("grad_norm", BAD, log(grad_norm=[3.0] * 300 + [900.0]), columns=400).y_limits == (0, 3)


def test_q_values_are_shown_below_the_ceiling_that_they_cannot_truly_pass() -> None:
    q = shown("q", BAD, log(q=[1, 5, 12]))
    assert q.series == (Series((0, 10, 20), (1, 5, 12), 0, name="run 0"),)
    assert q.levels == ((pytest.approx(20), "ceiling 20"),)
    assert q.y_limits == (0, 30)


def test_overestimated_q_values_stay_in_view() -> None:
    assert shown("q", BAD, log(q=[1, 47])).y_limits == (0, 50)


def test_q_values_of_costs_lie_between_their_floor_and_zero() -> None:
    q = shown("q", mountain_car(), log(q=[-1, -8]))
    assert q.levels == ((0.0, "ceiling 0"),)
    assert q.y_limits == pytest.approx((-20, 0))
    assert shown("q", mountain_car(), log(q=[-1, -45])).y_limits == pytest.approx((-50, 0))


def test_epsilon_is_a_share() -> None:
    assert shown("epsilon", BAD, log(epsilon=[0.4, 0.2])) == Picture(
        (Series((0, 10), (0.4, 0.2), 0, name="run 0"),), x_limits=(0, 10), y_limits=(0, 1)
    )


def test_gradient_norms_start_at_zero() -> None:
    assert shown("grad_norm", BAD, log(grad_norm=[3, 4])).y_limits == (0, 5)


# --- the charts of imitation


def test_accuracy_is_shown_above_guessing_with_training_faint() -> None:
    rising = log(train_accuracy=[0.6, 0.9], test_accuracy=[0.55, 0.8])
    assert shown("accuracy", LINEAR, rising) == Picture(
        (
            Series((0, 10), (0.6, 0.9), 0, dim=True, name="run 0 train"),
            Series((0, 10), (0.55, 0.8), 0, name="run 0 test"),
        ),
        x_limits=(0, 150),
        y_limits=(0.5, 1),
        levels=((0.5, "guessing 0.5"),),
        marks=((10, "best test"),),
    )


def test_training_accuracy_stays_when_models_are_compared() -> None:
    one = log(train_accuracy=[0.6], test_accuracy=[0.5])
    assert [(s.color, s.dim) for s in shown("accuracy", LINEAR, one, one).series] == [
        (0, True), (1, True), (0, False), (1, False)
    ]  # fmt: skip


def test_an_accuracy_below_guessing_widens_the_axis() -> None:
    low, high = shown("accuracy", LINEAR, log(test_accuracy=[0.42, 0.8])).y_limits
    assert (low, high) == pytest.approx((0.4, 1))


def test_the_loss_of_imitation_has_room_for_a_network_that_knows_nothing() -> None:
    assert shown("loss", LINEAR, log(train_loss=[0.69, 0.1], test_loss=[0.69, 0.2])).y_limits == (0, 0.75)
    assert shown("loss", LINEAR, log(train_loss=[0.69, 0.1], test_loss=[0.7, 1.2])).y_limits == (0, 1.5)


# --- bands, pins and parts


def seeds(*logs: MetricLog) -> list[Curve]:
    return [Curve(f"bad {i}", 0, BAD, one, "bad") for i, one in enumerate(logs)]


def of(name: str, curves: list[Curve], **look: object) -> Picture:
    return picture(chart_named(name, BAD), curves, COLUMNS, Look(**look))  # type: ignore[arg-type]


def test_a_band_is_the_middle_half_or_all_around_the_median_of_a_presets_runs() -> None:
    runs = seeds(*(log(loss=[value] * 101) for value in (0.0, 10.0, 20.0, 30.0, 100.0)))
    for which, low, high in (("middle half", 10, 30), ("all of them", 0, 100)):
        drawn = of("loss", runs, seeds=which)
        (median,), (band,) = drawn.series, drawn.bands
        assert set(median.y) == {20}
        assert (set(band.low), set(band.high)) == ({low}, {high})
        assert band.x[0] == 0
        assert band.x[-1] == 1000


def test_where_a_run_has_ended_the_band_is_that_of_the_others() -> None:
    drawn = of("loss", seeds(log(loss=[0.0] * 51), log(loss=[8.0] * 101), log(loss=[4.0] * 101)), seeds="all of them")
    (band,) = drawn.bands
    assert (band.low[0], band.low[-1], band.high[-1]) == (0, 4, 8)


def test_a_preset_with_one_run_stays_a_curve_beside_a_band() -> None:
    alone = Curve("good-1", 1, preset_spec("good-1"), log(loss=[1.0] * 11), "good-1")
    drawn = of("loss", [*seeds(log(loss=[0.0] * 11), log(loss=[8.0] * 11)), alone], seeds="middle half")
    assert [series.letter for series in drawn.series] == ["C", "A"]
    assert len(drawn.bands) == 1


def test_what_is_pinned_is_in_front_and_all_others_behind() -> None:
    drawn = of("loss", seeds(log(loss=[1.0]), log(loss=[2.0]), log(loss=[3.0])), pinned="B")
    assert [series.dim for series in drawn.series] == [True, False, True]


def test_a_part_of_the_axis_has_its_own_points_in_full() -> None:
    drawn = of("loss", seeds(log(loss=[float(i) for i in range(1000)])), part=(100, 200), part_unit="environment step")
    assert drawn.x_limits == (100, 200)
    assert drawn.series[0].x == tuple(range(100, 201, 10))


def test_a_chart_of_another_unit_is_not_zoomed() -> None:
    assert of("return", seeds(log(**{"return": [1.0]})), part=(100, 200), part_unit="environment step").x_limits[0] == 0


# --- any chart


@pytest.mark.parametrize("name", ["return", "loss", "q", "epsilon", "grad_norm"])
def test_before_the_first_point_there_are_axes_and_no_points(name: str) -> None:
    empty = shown(name, BAD, MetricLog())
    assert not any(series.x for series in empty.series)
    assert empty.x_limits == ((0, 200) if name == "return" else (0, 1000))
    assert empty.y_limits[0] == 0 < empty.y_limits[1]


def test_without_runs_there_is_no_picture() -> None:
    assert picture(chart_named("loss", BAD), [], COLUMNS) == Picture()


def test_a_long_series_keeps_two_points_a_column_and_its_extremes() -> None:
    noisy = log(loss=[float(i % 7) for i in range(5000)])
    (series,) = shown("loss", BAD, noisy).series
    assert len(series.x) <= 2 * COLUMNS
    assert (min(series.y), max(series.y)) == (0, 6)


def test_values_that_are_no_numbers_are_left_out() -> None:
    broken = log(loss=[0.5, float("nan"), float("inf"), 0.4])
    (series,) = shown("loss", BAD, broken).series
    assert series == Series((0, 30), (0.5, 0.4), 0, name="run 0", gaps=(1,))


def test_however_large_finite_values_are_the_axes_stay_finite() -> None:
    (low, high), drawn = heights(free_chart(), -1.7e308, 1.7e308), shown("loss", BAD, log(loss=[1e308, 1.0]))
    assert -1e101 < low < 0 < high < 1e101
    assert max(drawn.series[0].y) <= drawn.y_limits[1] < 1e101


def test_one_point_and_none_but_missing_values_can_be_drawn() -> None:
    assert shown("loss", BAD, log(loss=[0.5])).series[0].x == (0,)
    nothing = shown("loss", BAD, log(loss=[float("nan")] * 3000))
    assert (nothing.series[0].x, nothing.missing) == ((), 3000)


def free_chart(**changes: object) -> Chart:
    """A chart without limits of its own."""
    return Chart("free", "free", (Trace("y"),), span=lambda spec: (None, None), **changes)  # type: ignore[arg-type]


def heights(chart: Chart, *values: float) -> tuple[float, float]:
    return picture(chart, [Curve("a", 0, BAD, log(y=list(values)))], COLUMNS).y_limits


def test_an_axis_without_limits_follows_the_data_in_round_steps() -> None:
    assert heights(free_chart(), 7.3, 9.6) == (7, 10)
    assert heights(free_chart(), 730.0, 960.0) == (700, 1000)
    assert heights(free_chart(), -31.0, -12.0) == (-50, 0)
    assert heights(free_chart(), -31.0, 12.0) == (-50, 15)
    assert heights(free_chart(), 0.3, 96.0) == (0, 100)


def test_an_axis_without_any_data_or_limits_is_one_high() -> None:
    assert heights(free_chart()) == (0, 1)
    assert heights(free_chart(), 0.0) == (0, 1)


def test_a_level_beyond_the_data_is_in_view_with_some_room() -> None:
    assert heights(free_chart(levels=lambda spec: (Level(98.0, "top"),)), 0.0, 3.0) == (0, 150)


def test_a_run_that_ends_elsewhere_widens_the_heights_of_all() -> None:
    chart = Chart("y", "y", (Trace("y"),), span=lambda spec: (0.0, float(spec.episodes)))
    curves = [Curve("a", 0, BAD, log(y=[3.0])), Curve("b", 1, replace(BAD, episodes=300), log(y=[3.0]))]  # type: ignore[call-arg]
    assert picture(chart, curves, COLUMNS).y_limits == (0, 300)
