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
        ("run", 'presets = ["bad", "linear"]\ncharts = ["loss"]', "mixes imitation and deep Q-learning"),
        ("run", 'presets = ["bad"]\ncharts = ["accuracy"]', "has the chart 'accuracy', which these presets do not"),
        ("chart", 'presets = ["mlp-1"]\nchart = "return"', "has the chart 'return', which these presets do not"),
        ("watch", 'agents = ["perfekt"]', "names the agent 'perfekt'; did you mean 'perfect'"),
        ("evaluate", 'agents = ["latest:god-2"]\nseed = 1', "names the agent 'latest:god-2'; did you mean 'good-2'"),
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
