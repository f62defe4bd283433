"""Reads the course, one Markdown file a lesson, into typed lessons; must not draw, run anything or know the presets.

A lesson file is named `NN-slug.md`. It opens with TOML front matter between `+++` lines. The rest is Markdown in which
a fence whose info string is a block's name (run, chart, ...) holds that block as TOML; every other fence is prose.
`lessons/README.md` shows the format to a teacher.
"""

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tui_lab.checked_toml import LessonError as LessonError
from tui_lab.checked_toml import TomlLines, build

NoteKind = Literal["trap", "course", "tip", "figure"]
# The number is the least value of an integer, or the least length of a list.
Count = Annotated[int, 1]
Index = Annotated[int, 0]
Seed = Annotated[int, 0]
Options = Annotated[tuple[str, ...], 2]


@dataclass(frozen=True, slots=True)
class Prose:
    """Markdown between two blocks; `line` is the file's line (from 1) where it starts."""

    markdown: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A bench that trains presets and shows charts while they learn.

    `episodes` counts training episodes where the presets learn from an environment, `samples` training rows where they
    learn from rows; None leaves the number to the preset.
    """

    line: int
    title: str
    presets: tuple[str, ...]
    charts: tuple[str, ...]
    episodes: Count | None = None
    samples: Count | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A bench that lays the latest run of each preset over one another in one chart."""

    line: int
    title: str
    presets: tuple[str, ...]
    chart: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A bench that shows the cart moving, driven by one of the agents."""

    line: int
    title: str
    agents: tuple[str, ...]
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluate:
    """A bench that evaluates agents greedily over the same `episodes` starts, drawn from `seed`."""

    line: int
    title: str
    agents: tuple[str, ...]
    episodes: Count = 1000
    seed: Seed
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """A bench that lets `agent` act to fill a train and a test table of state and action, and shows them."""

    line: int
    title: str
    agent: str
    train_samples: Count
    train_seed: Seed
    test_samples: Count
    test_seed: Seed
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tune:
    """A bench that searches for settings around `preset` for so many `minutes`, `seeds` a trial, and then trains the
    winner from `check_seeds` fresh ones."""

    line: int
    title: str
    preset: str
    minutes: Count = 2
    seeds: Count = 3
    check_seeds: Count = 10
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A bench that changes settings of `preset` and runs experiments with them against it, from `seeds` seeds at first.

    `settings` names those that may be changed; None allows all, and another preset too. `episodes` and `samples` are
    the budget, as in a run block.
    """

    line: int
    title: str
    preset: str
    settings: tuple[str, ...] | None = None
    seeds: Count = 3
    episodes: Count | None = None
    samples: Count | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Predict:
    """Asks for a guess before the learner runs something; no option is wrong, `reveal` follows once one is chosen."""

    line: int
    id: str
    question: str
    options: Options
    reveal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiz:
    """A question with one right option (`answer`, from 0) and one explanation per option."""

    line: int
    id: str
    question: str
    options: Options
    answer: Index
    explanations: tuple[str, ...]
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A boxed aside in Markdown: a trap in the course's code, a word about the course, a tip or a figure."""

    line: int
    kind: NoteKind
    title: str
    text: str
    folded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _FrontMatter:
    line: int
    title: str
    section: str
    summary: str
    minutes: Count


Bench = Run | Chart | Watch | Evaluate | Data | Tune | Settings
Question = Predict | Quiz
Block = Bench | Question | Note
Part = Prose | Block

BLOCKS: dict[str, Callable[..., Block]] = {
    block.__name__.lower(): block for block in (Run, Chart, Watch, Evaluate, Data, Tune, Settings, Predict, Quiz, Note)
}


@dataclass(frozen=True, slots=True)
class Lesson:
    """One file of the course: the section it teaches, a reader's time in minutes, and its parts in reading order."""

    slug: str
    path: Path
    section: str
    order: int
    title: str
    summary: str
    minutes: int
    parts: tuple[Part, ...]

    @property
    def benches(self) -> tuple[Bench, ...]:
        """The run, chart, watch, evaluate, data, tune and settings blocks, in reading order."""
        return tuple(part for part in self.parts if isinstance(part, Bench))

    @property
    def questions(self) -> tuple[Question, ...]:
        """The predict and quiz blocks, in reading order."""
        return tuple(part for part in self.parts if isinstance(part, Question))


def _build_block(name: str, toml: TomlLines) -> Block:
    block = build(BLOCKS[name], toml)
    if isinstance(block, Quiz):
        count = len(block.options)
        if block.answer >= count:
            raise toml.error(
                f"has `answer` = {block.answer}, which must be 0 to {count - 1}, the first option is 0", "answer"
            )
        if len(block.explanations) != count:
            problem = f"has {len(block.explanations)} `explanations`, which must be {count}, one per option"
            raise toml.error(problem, "explanations")
    return block


def _near_miss(name: str) -> str | None:
    """Return the block that `name` misspells, if any: one letter too many, too few, swapped, or in capitals."""
    lower = name.lower()
    swapped = [block for block in BLOCKS if sorted(block) == sorted(lower)]
    close = swapped or difflib.get_close_matches(lower, BLOCKS, n=1, cutoff=0.8)
    return close[0] if close and name not in BLOCKS else None


_FENCE = re.compile(r" {0,3}(?P<mark>`{3,}|~{3,})(?P<info>[^`]*)$")


def _fence_end(path: Path, lines: list[str], start: int, mark: str) -> int:
    """Return the index of the line that closes the fence opened with `mark` at index `start`."""
    for index in range(start + 1, len(lines)):
        fence = _FENCE.match(lines[index])
        if fence and fence["mark"].startswith(mark):
            if not fence["info"].strip():
                return index
            break  # another fence opens before this one is closed
    raise LessonError(path, start + 1, f"the fence opened here is never closed, it needs a line with {mark} below it")


def _parts(path: Path, lines: list[str], start: int) -> Iterator[Part]:
    """Yield prose and blocks from the index `start` on, in reading order."""
    prose_start = index = start
    while index < len(lines):
        fence = _FENCE.match(lines[index])
        if fence is None:
            index += 1
            continue
        name, _, rest = fence["info"].strip().partition(" ")
        if meant := _near_miss(name):
            raise LessonError(path, index + 1, f"there is no block `{name}`, write `{meant}` if you mean that one")
        end = _fence_end(path, lines, index, fence["mark"])
        if name in BLOCKS:
            if rest:
                raise LessonError(
                    path, index + 1, f"`{rest}` follows `{name}`, its keys go on lines of their own below"
                )
            yield from _prose(lines, prose_start, index)
            yield _build_block(name, TomlLines(path, index + 1, lines[index + 1 : end], f"the `{name}` block"))
            prose_start = end + 1
        index = end + 1
    yield from _prose(lines, prose_start, len(lines))


def _prose(lines: list[str], start: int, end: int) -> Iterator[Prose]:
    text = [index for index in range(start, end) if lines[index].strip()]
    if text:
        yield Prose("\n".join(lines[text[0] : text[-1] + 1]), text[0] + 1)


def _read_lines(path: Path) -> list[str]:
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")  # some editors on Windows put a byte order mark first
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise LessonError(path, line, "this line is not UTF-8 text, save the file as UTF-8") from error
    return text.replace("\r\n", "\n").split("\n")


def load_lesson(path: Path) -> Lesson:
    """Read one lesson file. Raises LessonError for what is wrong in it and OSError if it cannot be read."""
    named = re.fullmatch(r"(\d\d)-(.+)\.md", path.name)
    if named is None:
        raise LessonError(path, 1, "the file's name must be two digits, a dash, a slug and .md, like 09-my-lesson.md")
    lines = _read_lines(path)
    if lines[0].rstrip() != "+++":
        raise LessonError(path, 1, "the front matter is missing, the first line must be +++")
    end = next((index for index, line in enumerate(lines) if index and line.rstrip() == "+++"), None)
    if end is None:
        raise LessonError(path, 1, "the front matter opened here is never closed, it needs a second line with +++")
    head = build(_FrontMatter, TomlLines(path, 1, lines[1:end], "the front matter"))
    return Lesson(
        slug=named[2],
        path=path,
        section=head.section,
        order=int(named[1]),
        title=head.title,
        summary=head.summary,
        minutes=head.minutes,
        parts=tuple(_parts(path, lines, end + 1)),
    )


def load_course(folder: Path | None = None) -> tuple[Lesson, ...]:
    """Read every `NN-*.md` in `folder` (the shipped lessons when None), sorted by file name.

    Raises LessonError for a broken lesson, a slug or a question id used twice, and a folder without lessons.
    """
    folder = Path(__file__).parent.parent / "lessons" if folder is None else folder
    lessons = tuple(load_lesson(path) for path in sorted(folder.glob("[0-9][0-9]-*.md")))
    if not lessons:
        raise LessonError(folder, 1, "this folder holds no lesson, it needs a file such as 01-my-lesson.md")
    slugs: dict[str, Lesson] = {}
    ids: dict[str, str] = {}
    for lesson in lessons:
        first = slugs.setdefault(lesson.slug, lesson)
        if first is not lesson:
            problem = f"the slug {lesson.slug} is taken by {first.path.name}, rename this file"
            raise LessonError(lesson.path, 1, problem)
        for question in lesson.questions:
            if question.id in ids:
                problem = f"the id {question.id} is taken by {ids[question.id]}, give this question one of its own"
                raise LessonError(lesson.path, question.line, problem)
            ids[question.id] = f"{lesson.path.name}:{question.line}"
    return lessons
