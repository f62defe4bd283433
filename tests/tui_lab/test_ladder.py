"""The score ladder is what the rules return when they are measured, and what the lesson tells of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from engine.agents.evaluation import evaluate
from engine.agents.rules import scripted_agent
from tui_lab.glyphs import BRAILLE
from tui_lab.ladder import FILE, Rung, ladder_lines, rungs, standing

LESSON = Path(__file__).parent.parent.parent / "lessons" / "01-lets-go-deep.md"
LADDER = (Rung("low", 9.3, "left"), Rung("high", 178.0, None))


@pytest.mark.parametrize("rung", [rung for rung in rungs() if rung.agent is not None], ids=lambda rung: str(rung.agent))
def test_a_rung_is_what_its_command_measures(rung: Rung) -> None:
    command = json.loads(FILE.read_text())["command"]
    match = re.fullmatch(r"dqn-lab evaluate AGENT --episodes (\d+) --seed (\d+)", command)
    assert match is not None
    agent = scripted_agent(str(rung.agent))
    assert agent is not None
    assert evaluate(agent, int(match[1]), int(match[2])).returns.mean() == pytest.approx(rung.mean)


def test_a_rung_that_the_lab_cannot_measure_names_its_source() -> None:
    found = json.loads(FILE.read_text())["rungs"]
    assert [bool(rung.get("source")) for rung in found] == [rung["agent"] is None for rung in found]


def test_the_ladder_is_that_of_the_lesson() -> None:
    rows = re.findall(r"^\| ([^|]+) \| (?:about )?([\d.]+) \|$", LESSON.read_text(), re.M)
    assert len(rows) == len(rungs()) == 6
    for (_, told), rung in zip(rows, rungs(), strict=True):
        assert float(told) == pytest.approx(rung.mean, abs=1.0), "another seed, another thousand starts"


def test_it_goes_up() -> None:
    means = [rung.mean for rung in rungs()]
    assert means == sorted(means)
    assert (round(means[0]), means[-1]) == (9, 500)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (5, "below low (9)"),
        (9.3, "above low (9), below high (178)"),
        (100, "above low (9), below high (178)"),
        (178, "above high (178)"),
        (500, "above high (178)"),
    ],
)
def test_a_return_stands_between_rungs(value: float, words: str) -> None:
    assert standing(value, LADDER) == words


def test_the_readers_values_stand_where_they_belong_below_a_rung_of_the_same_height() -> None:
    lines = [str(line).split(maxsplit=1) for line in ladder_lines({"you, now": 500.0, "your best": 30.0}, BRAILLE)]
    names = [line[1].lstrip("▸ ") for line in lines]
    assert names[:2] == ["rule of four numbers", "you, now"]
    assert names.index("sign of the angle") < names.index("your best") < names.index("random")
    assert [int(line[0]) for line in lines] == sorted((int(line[0]) for line in lines), reverse=True)
