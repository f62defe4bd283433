"""Charts as files: the same picture as SVG and PNG, and as CSV everything that it was reduced from."""

from __future__ import annotations

import csv
import io
import math
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine.learners.metrics import MetricLog
from tests.tui_lab.test_views import BAD, log
from tui_lab.drawings import csv_bytes, picture_table, png, runs_table, svg
from tui_lab.look import Look
from tui_lab.picture import Band, Heat, Picture, Series
from tui_lab.vector import DASHES, sheet
from tui_lab.views import Curve, chart_named, picture

SVG = "{http://www.w3.org/2000/svg}"
FULL = Picture(
    (
        Series((0, 50, 100), (0, 400, 300), 0, name="bad & co", letter="A", gaps=(2,)),
        Series((0, 100), (10, 20), 1, name="good", letter="B"),
        Series((20, 80), (100, 200), 2, "points", name="dots"),
    ),
    (0, 100),
    (0, 500),
    levels=((475, "solved 475"),),
    marks=((40, "learning starts"),),
    bands=(Band((0, 100), (0, 10), (100, 110), 1),),
    cursor=60.0,
)


def texts(drawn: str) -> list[str]:
    return [node.text or "" for node in ElementTree.fromstring(drawn).iter(f"{SVG}text")]


def lines(drawn: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(drawn).iter(f"{SVG}polyline"))


def test_an_svg_has_title_notes_axes_levels_marks_and_a_key() -> None:
    found = texts(svg(sheet(FULL, "return by episode", ("mean of 20",))))
    for words in (
        "return by episode",
        "mean of 20",
        "0",
        "500",
        "solved 475",
        "1 learning starts",
        "A bad & co",
        "dots",
    ):
        assert words in found


def test_curves_are_lines_that_dashes_tell_apart_and_a_gap_is_a_gap() -> None:
    drawn = svg(sheet(FULL, "t"))
    dashes = {line.get("stroke-dasharray") for line in lines(drawn)}
    assert " ".join(f"{part:g}" for part in DASHES[1]) in dashes
    whole = Picture((Series((0, 30, 60, 100), (0, 400, 300, 200)),), (0, 100), (0, 500))
    broken = Picture((Series((0, 30, 60, 100), (0, 400, 300, 200), gaps=(2,)),), (0, 100), (0, 500))
    assert points_of(whole) == [4]
    assert points_of(broken) == [2, 2]


def points_of(one: Picture) -> list[int]:
    """How many points each piece of a curve has; curves alone are thicker than axes."""
    found = [line for line in lines(svg(sheet(one, "t"))) if float(line.get("stroke-width", "1")) > 2]
    return [len((line.get("points") or "").split()) for line in found]


def test_a_png_shows_the_same_in_colour() -> None:
    image = Image.open(io.BytesIO(png(sheet(FULL, "return by episode"))))
    assert image.format == "PNG"
    assert image.size[0] > image.size[1] > 1000
    assert len(image.getcolors(1 << 24) or ()) > 20


def test_a_heat_map_and_bars_are_drawn_too() -> None:
    heat = Picture(heat=Heat(((0.0, 1.0), (0.5, 0.0))))
    areas = list(ElementTree.fromstring(svg(sheet(heat, "t"))).iter(f"{SVG}polygon"))
    assert len(areas) == 2
    bars = Picture((Series((1, 2), (3, 4), kind="bars"),), (0, 3), (0, 5))
    assert len(list(ElementTree.fromstring(svg(sheet(bars, "t"))).iter(f"{SVG}polygon"))) == 2
    assert png(sheet(heat, "t"))[:4] == png(sheet(bars, "t"))[:4] == b"\x89PNG"


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(-1e300, 1e300)), max_size=12))
def test_whatever_is_drawn_stays_on_the_sheet(points: list[tuple[float, float]]) -> None:
    points.sort()
    one = Picture((Series(tuple(x for x, _ in points), tuple(y for _, y in points)),), (0, 10), (-5, 5))
    made = sheet(one, "t")
    for line in lines(svg(made)):
        for place in (line.get("points") or "").split():
            x, y = map(float, place.split(","))
            assert 0 <= x <= made.width
            assert 0 <= y <= made.height


# --- data


def rows(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode())))


def test_a_csv_holds_every_value_as_it_was_logged() -> None:
    long = MetricLog()
    for place in range(5_000):
        long.append("loss", place, math.inf if place == 7 else math.nan if place == 8 else place / 2)
    chart, curves = chart_named("loss", BAD), [Curve("bad", 0, BAD, long)]
    assert len(picture(chart, curves, 80).series[0].x) < 200
    found = rows(csv_bytes(runs_table(chart, curves, Look())))
    assert found[0] == ["run", "seed", "series", "environment_step", "value"]
    assert len(found) == 5_001
    assert found[8][3:] == ["7.0", "inf"]
    assert found[9][3:] == ["8.0", "nan"]
    assert found[-1] == ["bad", str(BAD.config.seed), "loss", "4999.0", "2499.5"]


def test_a_csv_has_the_series_and_the_part_in_view() -> None:
    chart = chart_named("return", BAD)
    curves = [Curve("bad", 0, BAD, log(**{"return": [10.0, 20.0, 60.0]}))]
    whole = rows(csv_bytes(runs_table(chart, curves, Look())))
    assert [row[2] for row in whole[1:]] == ["return"] * 3 + ["return, mean of 20"] * 3
    assert [float(row[4]) for row in whole[1:]] == [10, 20, 60, 10, 15, 30]
    part = rows(csv_bytes(runs_table(chart, curves, Look(means="none", part=(5, 15), part_unit="episode"))))
    assert part[1:] == [["bad", str(BAD.config.seed), "return", "10.0", "20.0"]]


def test_what_is_no_run_is_written_as_it_is_shown() -> None:
    found = rows(csv_bytes(picture_table(FULL)))
    assert found[:2] == [["series", "x", "y"], ["bad & co", "0", "0"]]
    assert len(found) == 1 + 3 + 2 + 2


@pytest.mark.parametrize("name", ["return", "loss"])
def test_a_chart_without_points_can_be_saved(name: str) -> None:
    chart, curves = chart_named(name, BAD), [Curve("bad", 0, BAD, MetricLog())]
    made = sheet(picture(chart, curves, 80), chart.title)
    assert svg(made).startswith("<svg")
    assert png(made)
    assert len(rows(csv_bytes(runs_table(chart, curves, Look())))) == 1
