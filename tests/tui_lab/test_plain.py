"""The course as plain lines: driven through text streams, and once as a real process through a pipe."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.laboratory import Laboratory
from engine.storage.records import Status
from tests.tui_lab.command_line import refusal
from tests.tui_lab.fakes import use_fake_learners
from tests.tui_lab.pilot import block, make_lesson
from tui_lab.course import open_course
from tui_lab.lesson import Lesson
from tui_lab.plain import Plain
from tui_lab.spoken import WIDTH, read_out

Read = Callable[..., str]
COMMAND = [sys.executable, "-c", "from tui_lab.cli import main; main()", "--plain"]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Laboratory]:
    lab = Laboratory(tmp_path / "home")
    use_fake_learners(lab)
    yield lab
    lab.close()


@pytest.fixture
def read(lab: Laboratory, lesson: Lesson) -> Read:
    """What a sitting prints after these lines were typed, with single spaces."""

    def sit(*lines: str) -> str:
        target = io.StringIO()
        assert Plain(lab, [lesson], io.StringIO("".join(f"{line}\n" for line in lines)), target).sit() == 0
        assert all(len(line) <= WIDTH for line in target.getvalue().split("\n"))
        return " ".join(target.getvalue().split())

    return sit


@pytest.fixture
def lesson(tmp_path: Path) -> Lesson:
    options = ["one", "two"]
    parts = [
        "Some **bold** text.",
        block("predict", id="guess", question="Which?", options=options, reveal="It is *two*."),
        block(
            "quiz",
            id="sum",
            question="And?",
            options=options,
            answer=1,
            explanations=["No.", "Right. Yes."],
            hint="Add.",
        ),
        block("run", title="Train", presets=["good-2"], charts=["return"], episodes=40),
        "The end.",
    ]
    return make_lesson(tmp_path, "\n\n".join(parts))


def test_it_opens_with_the_lessons_and_leaves_at_the_end_of_the_input(read: Read) -> None:
    said = read()
    assert "Lesson 1, section 9.1: A lesson; 10 minutes, not begun." in said
    assert said.endswith("Goodbye.")


def test_enter_reads_on_and_back_goes_back(read: Read) -> None:
    said = read("1", "", "back")
    assert said.count("Some bold text. Part 1 of 5.") == 2
    assert said.count("Predict first: Which?") == 1


def test_progress_is_kept_and_a_lesson_read_to_its_end_is_done(read: Read, lab: Laboratory, lesson: Lesson) -> None:
    read("1", "")
    kept = lab.store.lesson_progress()[lesson.slug]
    assert (kept.state, kept.position) == ("open", 0.4)
    assert "You go on at part 3 of 5" in read("open 1", "", "", "")
    assert lab.store.lesson_progress()[lesson.slug].state == "done"


def test_a_prediction_is_kept_and_the_first_one_stays(read: Read, lab: Laboratory) -> None:
    said = read("1", "", "2", "1")
    assert "Your prediction is kept: 2, two. It is two." in said
    assert lab.store.predictions() == {"guess": 1}
    assert "Your prediction is kept: 2, two." in read("1", "back", "")


def test_a_quiz_explains_each_answer_and_lets_one_try_again(read: Read, lab: Laboratory) -> None:
    said = read("1", "", "", "hint", "7", "1", "2")
    for words in ("Hint: Add.", "Answers are 1 to 2.", "Not this one. No.", "Right. Yes."):
        assert words in said
    assert lab.store.answers() == {"sum": [0, 1]}


def test_run_trains_tells_its_chart_in_words_and_is_listed(read: Read, lab: Laboratory) -> None:
    said = read("1", "run good-2", "run 1", "runs", "chart 1")
    (record,) = lab.store.runs()
    assert (record.status, record.preset) == (Status.FINISHED, "good-2")
    assert "good-2: finished at episode 40, mean return" in said
    assert re.search(r"return by episode \(mean of 20\): first \d+.* lowest .* highest .* last \d+ at episode 40", said)
    assert f"run {record.id}, seed {record.seed}, finished" in said
    assert "run 1 again trains it with the next seed" in said


def test_run_again_takes_the_next_seed(read: Read, lab: Laboratory) -> None:
    read("1", "run 1", "run 1 again")
    assert len({record.seed for record in lab.store.runs()}) == 2


def test_what_is_not_understood_gets_a_sentence(read: Read) -> None:
    said = read("run 1", "1", "run 9", "dance", "open 4")
    assert "There is nothing to run here" in said
    assert "run takes a number or a name: 1 good-2." in said
    assert "There is no word 'dance'." in said
    assert "open takes a lesson's number, 1 to 1." in said


def test_tables_are_read_row_by_row_and_code_is_kept() -> None:
    said = read_out("| a | `b` |\n|---|---|\n| 1 | [x](http://y) |\n\n```text\n**as it is**\n```")
    assert "  row 1, a: 1; b: x (http://y)." in said
    assert "    **as it is**" in said


def test_every_lesson_is_read_in_78_columns_without_escapes_or_boxes(lab: Laboratory) -> None:
    target = io.StringIO()
    course = open_course()
    typed = "".join(f"open {number}\n" + "\n" * len(lesson.parts) for number, lesson in enumerate(course, 1))
    Plain(lab, course, io.StringIO(typed), target).sit()
    for line in target.getvalue().split("\n"):
        assert len(line) <= WIDTH
        assert not re.search("[\x00-\x1f\x7f\u2500-\u259f\u2800-\u28ff]", line), line
    assert {kept.state for kept in lab.store.lesson_progress().values()} == {"done"}


def test_a_process_reads_a_pipe_and_loads_neither_torch_nor_textual(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom tui_lab.cli import cli\n"
        "try: cli(['--plain', '--home', sys.argv[1]], prog_name='dqn-lab')\n"
        "except SystemExit as end: assert end.code == 0\n"
        "print({'torch', 'textual'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], input="5\n", capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Deep Q-learning with good settings" in done.stdout
    assert done.stdout.endswith("Goodbye.\nset()\n")


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_stops_what_trains_with_a_checkpoint(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "--home", str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("5\nrun good-2\n")
    process.stdin.flush()
    assert any(line.startswith("good-2: episode") for line in iter(process.stdout.readline, ""))
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Checkpoints are being kept." in said
    lab = Laboratory(tmp_path)
    (record,) = lab.store.runs()
    assert (record.status, record.progress > 0) == (Status.STOPPED, True)
    lab.close()


def test_without_a_terminal_the_lab_names_plain() -> None:
    assert "--plain" in refusal()
