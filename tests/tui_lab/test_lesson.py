"""What the course as text promises: the shipped lessons are whole, and a broken one is named with file and line."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tui_lab.lesson import (
    Bench,
    Chart,
    Data,
    Evaluate,
    Lesson,
    LessonError,
    Note,
    Predict,
    Prose,
    Quiz,
    Run,
    Watch,
    load_course,
    load_lesson,
)

PRESETS = {
    "linear",
    "mlp-1",
    "mlp-2",
    "mlp-3",
    "bad",
    "good-1",
    "good-2",
    "as-written",
    "tuned",
    "robust",
    "one-hidden",
    "smallest",
}

FRONT_MATTER = '+++\ntitle = "T"\nsection = "5"\nsummary = "S"\nminutes = 3\n+++\n'  # 6 lines

WHOLE_LESSON = (
    FRONT_MATTER
    + '''
Read this.

```python
loss = 1
```

```run
title = "Train"
presets = ["mlp-1"]
charts = ["accuracy", "loss"]
samples = 10_000
```
Between.
```chart
title = "Compare"
presets = ["bad", "good-2"]
chart = "return"
```
```watch
title = "Look"
agents = ["linear:0.1,0.2,1,0.5"]
```
```evaluate
title = "Score"
agents = ["latest:bad"]
seed = 7
```
```data
title = "Collect"
agent = "perfect"
train_samples = 1000
train_seed = 0
test_samples = 500
test_seed = 1
hint = "Count."
```
```predict
id = "guess"
question = "Which?"
options = ["a", "b"]
reveal = "See."
```
```quiz
id = "sum"
question = "1 + 1?"
options = ["1", "2"]
answer = 1
explanations = ["Too few.", "Right."]
```
````note
kind = "trap"
title = "Fence in a fence"
text = """
```text
y = r
```
"""
````
'''
)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def course() -> tuple[Lesson, ...]:
    return load_course()


def placed_benches(course: tuple[Lesson, ...]) -> list[tuple[str, Bench]]:
    """Every bench of the course, with its `file:line`."""
    return [(f"{lesson.path}:{bench.line}", bench) for lesson in course for bench in lesson.benches]


# The shipped course


def test_the_shipped_course_covers_the_six_sections_in_order(course: tuple[Lesson, ...]) -> None:
    sections = list(dict.fromkeys(lesson.section for lesson in course))
    wanted = ["1", "2.1", "2.2", "3", "4", "5", "6"]
    assert [section for section in sections if section in wanted] == wanted


def test_every_lesson_file_of_the_folder_is_in_the_course(course: tuple[Lesson, ...]) -> None:
    folder = course[0].path.parent
    assert [lesson.path.name for lesson in course] == sorted(
        path.name for path in folder.iterdir() if path.suffix == ".md" and path.name != "README.md"
    )


def test_every_preset_can_be_run_in_some_lesson(course: tuple[Lesson, ...]) -> None:
    assert {name for _, bench in placed_benches(course) if isinstance(bench, Run) for name in bench.presets} >= PRESETS


def test_right_answers_are_spread_over_the_positions(course: tuple[Lesson, ...]) -> None:
    answers = [question.answer for lesson in course for question in lesson.questions if isinstance(question, Quiz)]
    assert max(answers.count(position) for position in set(answers)) < 0.5 * len(answers)


def test_every_trap_of_the_course_has_its_box(course: tuple[Lesson, ...]) -> None:
    traps = [part for lesson in course for part in lesson.parts if isinstance(part, Note) and part.kind == "trap"]
    assert len({trap.title for trap in traps}) >= 10
    assert [trap.title for trap in traps if "**The lab**" not in trap.text] == []


def test_reading_the_course_imports_only_the_standard_library() -> None:
    code = (
        "import sys; before = set(sys.modules)\n"
        "from tui_lab.lesson import load_course; load_course()\n"
        "print({name.split('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{'tui_lab'}"


# Reading one lesson


def test_a_lesson_keeps_its_parts_in_reading_order_with_their_lines(tmp_path: Path) -> None:
    lesson = load_lesson(write(tmp_path, "04-all-blocks.md", WHOLE_LESSON))
    lines = WHOLE_LESSON.split("\n")
    assert [type(part) for part in lesson.parts] == [
        Prose,
        Run,
        Prose,
        Chart,
        Watch,
        Evaluate,
        Data,
        Predict,
        Quiz,
        Note,
    ]
    assert (lesson.slug, lesson.order, lesson.section, lesson.minutes) == ("all-blocks", 4, "5", 3)
    for part in lesson.parts:
        first = part.markdown.split("\n")[0] if isinstance(part, Prose) else type(part).__name__.lower()
        assert lines[part.line - 1].lstrip("`") == first


def test_values_arrive_as_written_and_left_out_keys_have_their_defaults(tmp_path: Path) -> None:
    run, chart, watch, evaluate, data = load_lesson(write(tmp_path, "04-all.md", WHOLE_LESSON)).benches
    assert run == Run(
        line=run.line, title="Train", presets=("mlp-1",), charts=("accuracy", "loss"), samples=10_000, episodes=None
    )
    assert isinstance(evaluate, Evaluate)
    assert (evaluate.episodes, evaluate.seed, evaluate.hint) == (1000, 7, "")
    assert isinstance(chart, Chart)
    assert chart.chart == "return"
    assert isinstance(watch, Watch)
    assert isinstance(data, Data)
    assert (data.train_samples, data.test_samples, data.train_seed, data.hint) == (1000, 500, 0, "Count.")


def test_other_fences_stay_prose_even_with_a_lesson_inside(tmp_path: Path) -> None:
    text = FRONT_MATTER + "````markdown\n```run\nnothing\n```\n````\n\n~~~\n+++\n~~~\n```toml\na = 1\n```"
    (prose,) = load_lesson(write(tmp_path, "01-a.md", text)).parts
    assert isinstance(prose, Prose)
    assert prose.markdown == text.removeprefix(FRONT_MATTER)


@pytest.mark.parametrize("language", ["python", "text", "toml", "rust", "ruby", "dart", "json", "console", "r", "node"])
def test_common_languages_are_not_taken_for_misspelt_blocks(tmp_path: Path, language: str) -> None:
    path = write(tmp_path, "01-a.md", f"{FRONT_MATTER}```{language}\nx\n```\n")
    assert [type(part) for part in load_lesson(path).parts] == [Prose]


def test_windows_line_ends_and_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    unix = load_lesson(write(tmp_path, "01-a.md", WHOLE_LESSON))
    path = tmp_path / "02-a.md"
    path.write_bytes(b"\xef\xbb\xbf" + WHOLE_LESSON.replace("\n", "\r\n").encode())
    assert load_lesson(path).parts == unix.parts


# Mistakes

QUIZ = '```quiz\nid = "q"\nquestion = "?"\noptions = ["a", "b"]\nanswer = 0\nexplanations = ["x", "y"]\n```\n'
RUN = '```run\ntitle = "T"\npresets = ["bad"]\ncharts = ["loss"]\n```\n'


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        pytest.param("Hello\n", 1, "first line must be +++", id="no front matter"),
        pytest.param('+++\ntitle = "T"\n', 1, "second line with +++", id="front matter unclosed"),
        pytest.param(FRONT_MATTER.replace('"S"', "S"), 4, "not valid TOML", id="front matter is no TOML"),
        pytest.param(FRONT_MATTER.replace("minutes = 3\n", ""), 1, "lacks the key `minutes`", id="front matter key"),
        pytest.param(FRONT_MATTER.replace("= 3", '= "3"'), 5, "a whole number, 1 or more", id="front matter type"),
        pytest.param(FRONT_MATTER.replace("minutes", "minute"), 5, "unknown key `minute`", id="front matter unknown"),
        pytest.param(FRONT_MATTER.replace('"5"', "5"), 3, "`section` = 5, which must be a string", id="section number"),
        pytest.param(FRONT_MATTER + "\n" + RUN.replace('["bad"]', "[bad]"), 10, "not valid TOML", id="block no TOML"),
        pytest.param(FRONT_MATTER + RUN.replace('"T"', '"""T'), 8, "not valid TOML", id="string never ends"),
        pytest.param(FRONT_MATTER + RUN.replace('"T"', '"T"\ntitle = "U"'), 9, "not valid TOML", id="key twice"),
        pytest.param(FRONT_MATTER + RUN.replace("presets", "preset"), 9, "unknown key `preset`", id="unknown key"),
        pytest.param(
            FRONT_MATTER + RUN.replace('"T"', '"""\ncolour = 1\n"""\n# colour\ncolour = 2'),
            12,
            "unknown key `colour`",
            id="unknown key after a long string that names it",
        ),
        pytest.param(FRONT_MATTER + RUN + QUIZ.replace("id", "i"), 13, "unknown key `i`", id="second block"),
        pytest.param(FRONT_MATTER + RUN.replace('title = "T"\n', ""), 7, "lacks the key `title`", id="missing key"),
        pytest.param(FRONT_MATTER + RUN.replace('["bad"]', '"bad"'), 9, "a list of 1 or more", id="text for a list"),
        pytest.param(FRONT_MATTER + RUN.replace('["bad"]', "[]"), 9, "a list of 1 or more", id="empty list"),
        pytest.param(FRONT_MATTER + RUN.replace('["bad"]', "[\n1,\n]"), 9, "a string that", id="number in a list"),
        pytest.param(FRONT_MATTER + RUN.replace('"T"', '" "'), 8, "not empty", id="blank text"),
        pytest.param(FRONT_MATTER + RUN.replace('"T"', '"T"\nepisodes = 0'), 9, "1 or more", id="no episodes"),
        pytest.param(FRONT_MATTER + RUN.replace('"T"', '"T"\nsamples = true'), 9, "a whole number", id="truth value"),
        pytest.param(FRONT_MATTER + QUIZ.replace('["a", "b"]', "[]"), 10, "a list of 2 or more", id="no options"),
        pytest.param(FRONT_MATTER + QUIZ.replace('["a", "b"]', '["a"]'), 10, "2 or more", id="one option"),
        pytest.param(FRONT_MATTER + QUIZ.replace("= 0", "= 2"), 11, "must be 0 to 1", id="answer too high"),
        pytest.param(FRONT_MATTER + QUIZ.replace("= 0", "= -1"), 11, "0 or more", id="answer below 0"),
        pytest.param(FRONT_MATTER + QUIZ.replace(', "y"', ""), 12, "must be 2, one per option", id="explanations"),
        pytest.param(
            FRONT_MATTER + '```note\nkind = "joke"\ntitle = "T"\ntext = "x"\n```\n', 8, 'one of "trap"', id="note kind"
        ),
        pytest.param(
            FRONT_MATTER + '```evaluate\ntitle = "T"\nagents = ["left"]\n```\n', 7, "lacks the key `seed`", id="no seed"
        ),
        pytest.param(FRONT_MATTER + "Text.\n\n```runn\n```\n", 9, "write `run`", id="misspelt block"),
        pytest.param(FRONT_MATTER + "```Quiz\n```\n", 7, "write `quiz`", id="block in capitals"),
        pytest.param(FRONT_MATTER + "```qiuz\n```\n", 7, "write `quiz`", id="letters swapped"),
        pytest.param(FRONT_MATTER + RUN.replace("run", "run fast"), 7, "lines of their own", id="words after the name"),
        pytest.param(FRONT_MATTER + RUN.removesuffix("```\n"), 7, "never closed", id="block unclosed"),
        pytest.param(FRONT_MATTER + RUN.removesuffix("```\n") + QUIZ, 7, "never closed", id="block unclosed, one more"),
        pytest.param(FRONT_MATTER + "\n```python\nx = 1\n", 8, "never closed", id="code unclosed"),
    ],
)
def test_a_mistake_is_reported_with_its_file_and_line(tmp_path: Path, text: str, line: int, says: str) -> None:
    path = write(tmp_path, "01-broken.md", text)
    with pytest.raises(LessonError) as error:
        load_lesson(path)
    message = str(error.value)
    assert message.startswith(f"{path}:{line}: ")
    assert says in message
    assert "\n" not in message


def test_text_that_is_not_utf8_is_reported_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "01-a.md"
    path.write_bytes(FRONT_MATTER.encode() + b"fine\n\xe9t\xe9\n")
    with pytest.raises(LessonError, match=re.escape(f"{path}:8: ") + ".*UTF-8"):
        load_lesson(path)


def test_a_file_name_without_number_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "my-lesson.md", FRONT_MATTER)
    with pytest.raises(LessonError, match=re.escape(f"{path}:1: ") + ".*two digits"):
        load_lesson(path)


# The folder


def test_a_teachers_added_file_appears_in_its_place(tmp_path: Path, course: tuple[Lesson, ...]) -> None:
    for lesson in course:
        write(tmp_path, lesson.path.name, lesson.path.read_text(encoding="utf-8"))
    write(tmp_path, "04-before-the-bad-settings.md", FRONT_MATTER + QUIZ)
    write(tmp_path, "README.md", "Not a lesson.")
    slugs = [lesson.slug for lesson in load_course(tmp_path)]
    assert slugs.index("before-the-bad-settings") == slugs.index("imitation-models") + 1
    assert len(slugs) == len(course) + 1


def test_the_example_in_the_teachers_page_is_a_lesson(tmp_path: Path, course: tuple[Lesson, ...]) -> None:
    page = (course[0].path.parent / "README.md").read_text(encoding="utf-8")
    example = page.split("````markdown\n")[1].split("````")[0]
    lesson = load_lesson(write(tmp_path, "09-small-nets.md", example))
    assert (len(lesson.benches), len(lesson.questions)) == (1, 2)


def test_a_question_id_used_twice_names_both_places(tmp_path: Path) -> None:
    write(tmp_path, "01-a.md", FRONT_MATTER + QUIZ)
    second = write(tmp_path, "02-b.md", FRONT_MATTER + "\n" + QUIZ)
    with pytest.raises(LessonError, match=re.escape(f"{second}:8: the id q is taken by 01-a.md:7")):
        load_course(tmp_path)


def test_a_slug_used_twice_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "01-a.md", FRONT_MATTER)
    second = write(tmp_path, "02-a.md", FRONT_MATTER)
    with pytest.raises(LessonError, match=re.escape(f"{second}:1: the slug a is taken by 01-a.md")):
        load_course(tmp_path)


def test_a_folder_without_lessons_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LessonError, match=re.escape(f"{tmp_path}:1: ")):
        load_course(tmp_path)
