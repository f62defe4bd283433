"""What benches name is checked when the course is opened, with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui_lab.course import open_course
from tui_lab.lesson import LessonError

LESSON = """+++
title = "T"
section = "9"
summary = "S."
minutes = 1
+++

```{kind}
title = "Bench"
{keys}
```

```predict
id = "guess"
question = "Which?"
options = ["a", "b"]
reveal = "See."
```
"""
RUN = """```run
title = "Train"
presets = ["bad"]
charts = ["return"]
```
"""


def write(folder: Path, kind: str, keys: str) -> Path:
    path = folder / "01-one.md"
    path.write_text(LESSON.format(kind=kind, keys=keys), encoding="utf-8")
    return path


def test_the_shipped_course_opens() -> None:
    assert len(open_course()) >= 8


@pytest.mark.parametrize(
    ("kind", "keys", "sentence"),
    [
        ("run", 'presets = ["robsut"]\ncharts = ["return"]', "names the preset 'robsut'; did you mean 'robust'"),
        ("run", 'presets = ["bad", "linear"]\ncharts = ["loss"]', "mixes deep Q-learning and imitation; give each"),
        ("run", 'presets = ["bad"]\ncharts = ["accuracy"]', "has the chart 'accuracy', which these presets do not"),
        ("chart", 'presets = ["mlp-1"]\nchart = "return"', "has the chart 'return', which these presets do not"),
        ("watch", 'agents = ["perfekt"]', "names the agent 'perfekt'; did you mean 'perfect'"),
        ("evaluate", 'agents = ["latest:god-2"]\nseed = 1', "names the agent 'latest:god-2'; did you mean 'good-2'"),
        ("watch", 'agents = ["linear:foo"]', "names the agent 'linear:foo' should give four numbers, such as linear:"),
        (
            "run",
            'presets = ["bad"]\ncharts = ["loss"]\nsamples = 5',
            "has `samples`, but its presets learn from episodes",
        ),
        (
            "run",
            'presets = ["linear"]\ncharts = ["loss"]\nepisodes = 5',
            "has `episodes`, but its presets learn from rows",
        ),
        (
            "chart",
            'presets = ["bad"]\nchart = "loss"',
            "shows a run of 'bad', which no bench before it trains; place a run",
        ),
        ("watch", 'agents = ["latest:bad"]', "shows a run of 'bad', which no bench before it trains"),
        ("settings", 'preset = "robsut"', "names the preset 'robsut'; did you mean 'robust'"),
        (
            "settings",
            'preset = "bad"\nsettings = ["learning_rat"]',
            "names the setting 'learning_rat'; did you mean 'learning_rate'",
        ),
        ("settings", 'preset = "bad"\nsettings = ["epochs"]', "names the setting 'epochs'; there are learning_rate"),
        ("settings", 'preset = "bad"\nseeds = 6', "has `seeds` = 6, which must be 1 to 5"),
        ("settings", 'preset = "bad"\nsamples = 6', "has `samples`, but its presets learn from episodes"),
        ("settings", 'preset = "mlp-1"\nepisodes = 6', "has `episodes`, but its presets learn from rows"),
    ],
)
def test_a_bench_that_cannot_be_is_named_with_file_and_line(
    tmp_path: Path, kind: str, keys: str, sentence: str
) -> None:
    path = write(tmp_path, kind, keys)
    with pytest.raises(LessonError) as caught:
        open_course(tmp_path)
    assert str(caught.value).startswith(f"{path}:8: ")
    assert sentence in str(caught.value)


def write_lesson(folder: Path, text: str, name: str = "01-one.md") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


WHOLE = LESSON.format(kind="watch", keys='agents = ["left"]')


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        (WHOLE.split("```watch")[0] + WHOLE[WHOLE.index("```predict") :], 1, "has no bench, such as a run or a watch"),
        (WHOLE.split("```predict")[0], 1, "has no question, which is a predict or a quiz block"),
        (WHOLE + "\nWords.\n\n| a | b |\n|" + "-" * 60 + "|\n", 23, "this table row has 62 columns; 60 fit"),
    ],
)
def test_a_lesson_that_breaks_a_rule_is_named_with_file_and_line(
    tmp_path: Path, text: str, line: int, sentence: str
) -> None:
    path = write_lesson(tmp_path, text)
    with pytest.raises(LessonError) as caught:
        open_course(tmp_path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert sentence in str(caught.value)


def test_what_an_earlier_bench_or_lesson_trains_may_be_shown(tmp_path: Path) -> None:
    shows = LESSON.format(kind="watch", keys='agents = ["latest:bad"]')
    write_lesson(tmp_path, shows.replace("```watch", RUN + "\n```watch", 1))
    write_lesson(tmp_path, shows.replace("guess", "guess-2"), "02-two.md")
    assert len(open_course(tmp_path)) == 2


def test_a_run_with_another_budget_is_not_what_the_name_of_its_preset_stands_for(tmp_path: Path) -> None:
    shows = LESSON.format(kind="watch", keys='agents = ["latest:bad"]')
    short = RUN.replace('["return"]', '["return"]\nepisodes = 5')
    write_lesson(tmp_path, shows.replace("```watch", short + "\n```watch", 1))
    with pytest.raises(LessonError, match="no bench before it trains; place a run block first, without `episodes`"):
        open_course(tmp_path)
