"""A chart as a file: SVG and PNG from the same shapes, CSV from the data before they were reduced for a screen."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from engine.learners.charts import Chart
from tui_lab.look import Look
from tui_lab.picture import Picture
from tui_lab.themes import css_color
from tui_lab.vector import PAPER, Area, Sheet, Stroke, Words, sheet
from tui_lab.views import Curve

Row = Sequence[object]
Table = Callable[[], Iterable[Row]]
"""Makes the header and the rows of a CSV file; called where the file is made, for it may take long."""
PIXELS = 2
"""Pixels of a PNG for each unit of a sheet."""
FONT = "ui-sans-serif, Helvetica, Arial, sans-serif"


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is saved of a chart, under which name."""

    name: str
    title: str
    picture: Picture
    notes: tuple[str, ...]
    table: Table

    def files(self) -> Iterator[tuple[str, bytes]]:
        """The ending and the content of each file."""
        made = sheet(self.picture, self.title, self.notes)
        yield "svg", svg(made).encode()
        yield "png", png(made)
        yield "csv", csv_bytes(self.table())


def svg(made: Sheet) -> str:
    """An SVG document that needs nothing from elsewhere."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {made.width:g} {made.height:g}" font-family="{FONT}">',
        f'<rect width="100%" height="100%" fill="{css_color(PAPER)}"/>',
    ]
    for shape in made.shapes:
        match shape:
            case Stroke():
                dash = f' stroke-dasharray="{" ".join(f"{part:g}" for part in shape.dash)}"' if shape.dash else ""
                lines.append(
                    f'<polyline points="{_points(shape.points)}" fill="none" stroke="{css_color(shape.color)}" '
                    f'stroke-width="{shape.width:g}" stroke-linejoin="round"{dash}/>'
                )
            case Area():
                lines.append(f'<polygon points="{_points(shape.points)}" fill="{css_color(shape.color)}"/>')
            case Words():
                weight = ' font-weight="bold"' if shape.bold else ""
                lines.append(
                    f'<text x="{shape.x:.1f}" y="{shape.y:.1f}" font-size="{shape.size:g}" '
                    f'text-anchor="{shape.anchor}" fill="{css_color(shape.color)}"{weight}>{escape(shape.text)}</text>'
                )
    return "\n".join([*lines, "</svg>\n"])


def _points(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def png(made: Sheet) -> bytes:
    """The same as pixels."""
    from PIL import Image, ImageDraw, ImageFont

    size = round(made.width * PIXELS), round(made.height * PIXELS)
    image = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(image)
    anchors = {"start": "ls", "middle": "ms", "end": "rs"}
    for shape in made.shapes:
        match shape:
            case Stroke():
                for piece in _dashed(shape.points, shape.dash):
                    at = [(x * PIXELS, y * PIXELS) for x, y in piece]
                    pen.line(at, shape.color, round(shape.width * PIXELS), joint="curve")
            case Area():
                pen.polygon([(x * PIXELS, y * PIXELS) for x, y in shape.points], shape.color)
            case Words():
                font = ImageFont.load_default(shape.size * PIXELS)
                place = shape.x * PIXELS, shape.y * PIXELS
                weight = 1 if shape.bold else 0
                pen.text(place, shape.text, shape.color, font, anchors[shape.anchor], stroke_width=weight)
    held = io.BytesIO()
    image.save(held, "PNG")
    return held.getvalue()


def _dashed(points: Sequence[tuple[float, float]], dash: Sequence[float]) -> Iterator[list[tuple[float, float]]]:
    """The pieces of a line that are drawn."""
    if not dash:
        yield list(points)
        return
    part, left, piece = 0, dash[0], [points[0]]
    for (x, y), (to_x, to_y) in pairwise(points):
        length = math.hypot(to_x - x, to_y - y)
        gone = 0.0
        while length - gone > left:
            gone += left
            place = x + (to_x - x) * gone / length, y + (to_y - y) * gone / length
            if part % 2 == 0:
                yield [*piece, place]
            part, piece = part + 1, [place]
            left = dash[part % len(dash)]
        left -= length - gone
        piece.append((to_x, to_y))
    if part % 2 == 0 and len(piece) > 1:
        yield piece


# --- data


def csv_bytes(rows: Iterable[Row]) -> bytes:
    held = io.StringIO()
    csv.writer(held, lineterminator="\n").writerows(rows)
    return held.getvalue().encode()


def picture_table(picture: Picture) -> Iterator[Row]:
    """What a picture shows, where there is nothing behind it that it was reduced from."""
    yield "series", "x", "y"
    for index, one in enumerate(picture.series, 1):
        yield from ((one.name or str(index), x, y) for x, y in zip(one.x, one.y, strict=True))
    if picture.heat is not None:
        for row, shares in enumerate(picture.heat.rows):
            yield from ((f"{picture.heat.name} row {row}", column, share) for column, share in enumerate(shares))


def runs_table(chart: Chart, curves: Sequence[Curve], look: Look) -> Iterator[Row]:
    """Every value of the series in view, as it was logged: infinite and missing ones are written as inf and nan."""
    yield "run", "seed", "series", chart.by.replace(" ", "_"), "value"
    part = look.part_of(chart.by)
    for curve in curves:
        for trace in look.traces(chart.traces, len(curves)):
            window = look.window(trace)
            y = curve.log.trailing(trace.series, window)
            x = curve.log.places(trace.series)[: len(y)]
            if part is not None:
                inside = (part[0] <= x) & (x <= part[1])
                x, y = x[inside], y[inside]
            name = f"{trace.series}, mean of {window}" if window > 1 else trace.series
            told = curve.preset, curve.spec.config.seed, name
            yield from ((*told, at, value) for at, value in zip(x.tolist(), y.tolist(), strict=True))
