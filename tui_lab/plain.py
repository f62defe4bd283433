"""The course as a stream of lines, for screen readers, pipes and logs: it reads words, and prints sentences."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from types import FrameType
from typing import Any, TextIO, TypeVar

import numpy as np

from engine.laboratory import Laboratory
from engine.learners.environment_facts import kept_facts
from engine.learners.kinds import kind_of, preset_spec, spec_from_dict
from engine.learners.metrics import MetricLog
from engine.learners.specs import Spec
from engine.runs.jobs import Job
from engine.runs.run import Run
from engine.storage.names import LATEST, run_of
from engine.storage.records import RunRecord, Status, StoreError
from tui_lab import lesson as blocks
from tui_lab.farewell import farewell
from tui_lab.lesson import Lesson
from tui_lab.spoken import read_out, without_marks, wrapped
from tui_lab.text import agent_title, count, counted, figure, percent, returns_summary, seconds

B = TypeVar("B")
POLL_SECONDS, TELL_SECONDS = 0.1, 10.0
"""How often training is looked at, and after how long a line tells of it even if it has not come 10 % further."""
DONE_AT = 0.98
MOST_RUNS = 20
NOTES = {"trap": "Trap", "course": "From the course", "tip": "Tip", "figure": "Figures"}
STOPPING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
HELP = (
    "A number opens the lesson of that number; where a question was asked, it answers it.",
    "enter: the next part of the text. back: the part before; from the first one, the lessons.",
    "lessons: the lessons with their state. open N: lesson N.",
    "benches: what can be run in this lesson, with its numbers.",
    "run N or run PRESET: train, or go on with a stopped run. run N again: with the next seed.",
    "evaluate N or evaluate AGENT: score an agent. chart N: what the charts of bench N show, in words.",
    "answer N or predict N: answer the question that was asked. hint: its hint.",
    "runs: the newest runs of all lessons. help: these lines. quit, or the end of the input: leave.",
    "Ctrl-C stops what trains, keeps a checkpoint, and leaves.",
)


class SignalledError(Exception):
    """A signal asks to leave."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Signals:
    """The first Ctrl-C, SIGTERM or SIGHUP is noted; it raises where `check` is called or input awaited.

    It raises nowhere else: an exception inside a thread's `join` has Python take the thread for ended.
    """

    def __init__(self) -> None:
        self.waiting = False
        """Whether input is being awaited."""
        self._number: int | None = None
        self._before: dict[int, Any] = {}

    def check(self) -> None:
        if self._number is not None:
            raise SignalledError(self._number)

    def _asked(self, number: int, _frame: FrameType | None) -> None:
        self._restore()
        self._number = number
        if self.waiting:
            self.check()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def noted(self) -> Iterator[None]:
        """A second signal acts as usual; one that the process was started to ignore stays ignored."""
        if threading.current_thread() is threading.main_thread():
            for number in STOPPING:
                if signal.getsignal(number) != signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._asked)
        try:
            yield
        finally:
            self._restore()


class Plain:
    """One sitting. Where nobody types, what is read is printed too, so that a log tells both sides."""

    def __init__(self, lab: Laboratory, course: Sequence[Lesson], source: TextIO, target: TextIO) -> None:
        self._lab, self._course = lab, course
        self._source, self._target = source, target
        self._typed = source.isatty()
        self._signals = Signals()
        self._lesson: Lesson | None = None
        self._read = 0
        """Parts of the open lesson that were read."""
        self._asked: blocks.Question | None = None
        self._worked_on: dict[str, None] = {}
        self._began = datetime.now(UTC)
        self._words: dict[str, Callable[[str], None]] = {
            "": self._next, "back": self._back, "lessons": self._lessons, "open": self._open,
            "benches": self._benches, "run": self._run, "evaluate": self._evaluate, "chart": self._chart,
            "answer": self._answer, "predict": self._answer, "hint": self._hint, "runs": self._runs,
            "help": self._help, "?": self._help,
        }  # fmt: skip

    def sit(self) -> int:
        """Read and answer until the input ends; returns the exit code. What still trains keeps a checkpoint."""
        code = 0
        try:
            with self._signals.noted():
                self._welcome()
                while (line := self._ask()) is not None:
                    self._obey(line)
        except SignalledError as asked:
            code = 128 + asked.number
            self._say("Leaving. Checkpoints are being kept.")
        finally:
            self._lab.close()
        with suppress(StoreError):
            self._say(*farewell(self._lab, list(self._worked_on), self._began))
        self._say("Goodbye.")
        return code

    # --- lines

    def _say(self, *sentences: str) -> None:
        for sentence in sentences:
            self._print(*(wrapped(sentence.strip(), sentence[: len(sentence) - len(sentence.lstrip())]) or [""]))

    def _print(self, *lines: str) -> None:
        for line in lines:
            # Names of runs may hold anything.
            self._target.write("".join(c if c.isprintable() else " " for c in line) + "\n")
        self._target.flush()

    def _ask(self) -> str | None:
        """The next line; None at the end of the input and where the reader leaves."""
        if self._typed:
            self._target.write("> ")
            self._target.flush()
        self._signals.waiting = True
        try:
            self._signals.check()
            line = self._source.readline()
        finally:
            self._signals.waiting = False
        text = " ".join(line.split())
        if not self._typed and line:
            self._print(f"> {text}"[:78])
        return None if not line or text.lower() in ("quit", "q", "exit") else text

    def _obey(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word.isdecimal() and not rest:
            word, rest = ("answer" if self._asked else "open" if self._lesson is None else "number"), word
        try:
            self._lab.changed_elsewhere()
            if word == "number":
                self._say("Nothing is asked here. open N opens a lesson, run N trains; help lists all words.")
            elif (obey := self._words.get(word.lower())) is not None:
                obey(rest)
            else:
                self._say(f"There is no word {word!r}. help lists those that there are.")
        except BrokenPipeError:
            raise
        except (ValueError, OSError) as error:
            self._say(str(error))

    def _help(self, _: str) -> None:
        self._say(*HELP)

    def _welcome(self) -> None:
        self._say("dqn-lab: the course in deep Q-learning, as plain lines.")
        self._lessons("")
        self._say(
            "Reading, questions, training, evaluating and charts in words work here. Watching an agent, collecting "
            "data and searching for settings do not; the text names the commands that do the last two.",
            "Type a lesson's number, or help.",
        )

    # --- the text

    def _lessons(self, _: str) -> None:
        self._lesson = self._asked = None
        kept = self._lab.store.lesson_progress()
        for number, lesson in enumerate(self._course, 1):
            progress = kept.get(lesson.slug)
            state = "not begun"
            if progress is not None:
                done = progress.state == "done"
                state = "done" if done else f"begun, {percent(progress.position).strip()} read"
            self._say(f"Lesson {number}, section {lesson.section}: {lesson.title}; {lesson.minutes} minutes, {state}.")

    def _open(self, which: str) -> None:
        if not which.isdecimal() or not 1 <= int(which) <= len(self._course):
            self._say(f"open takes a lesson's number, 1 to {len(self._course)}.")
            return
        lesson = self._course[int(which) - 1]
        self._lesson, self._asked = lesson, None
        kept = self._lab.store.lesson_progress().get(lesson.slug)
        share = 0.0 if kept is None or kept.position >= DONE_AT else kept.position
        self._read = min(len(lesson.parts) - 1, round(share * len(lesson.parts)))
        self._say("", f"{lesson.section} {lesson.title}", lesson.summary)
        if self._read:
            self._say(f"You go on at part {self._read + 1} of {len(lesson.parts)}; back reads the part before.")
        self._next("")

    def _next(self, _: str) -> None:
        lesson = self._lesson
        if lesson is None:
            self._say("No lesson is open. Type a lesson's number, or help.")
        elif self._read >= len(lesson.parts):
            self._say("This was the last part. lessons lists the lessons.")
        else:
            self._read += 1
            self._tell_part(lesson)

    def _back(self, _: str) -> None:
        if self._lesson is None or self._read <= 1:
            self._lessons("")
        else:
            self._read -= 1
            self._tell_part(self._lesson)

    def _tell_part(self, lesson: Lesson) -> None:
        part = lesson.parts[self._read - 1]
        self._asked = None
        self._say("")
        match part:
            case blocks.Prose():
                self._print(*read_out(part.markdown))
            case blocks.Note():
                self._say(f"{NOTES[part.kind]}: {without_marks(part.title)}.")
                self._print(*read_out(part.text), "End of the note.")
            case blocks.Predict() | blocks.Quiz():
                self._ask_question(part)
            case _:
                self._tell_bench(lesson, part)
        self._keep_progress(lesson)
        more = len(lesson.parts) - self._read
        self._say(
            "", f"Part {self._read} of {len(lesson.parts)}. " + ("enter reads on." if more else "The lesson ends.")
        )

    def _keep_progress(self, lesson: Lesson) -> None:
        share = self._read / len(lesson.parts)
        kept = self._lab.store.lesson_progress().get(lesson.slug)
        done = share >= DONE_AT or (kept is not None and kept.state == "done")
        self._lab.store.set_lesson_progress(lesson.slug, "done" if done else "open", share)

    # --- questions

    def _ask_question(self, part: blocks.Question) -> None:
        predict = isinstance(part, blocks.Predict)
        self._say(f"{'Predict first' if predict else 'Question'}: {without_marks(part.question)}")
        for number, option in enumerate(part.options, 1):
            self._say(f"  {number}: {without_marks(option)}")
        if isinstance(part, blocks.Predict):
            choice = self._lab.store.predictions().get(part.id)
            if choice is not None:
                self._tell_prediction(part, choice)
                return
            self._say("A number commits; you can not take it back.")
        else:
            tried = self._lab.store.answers().get(part.id)
            if tried:
                self._say(f"Your last answer was {tried[-1] + 1}.")
                self._explain(part, tried[-1])
            self._say("A number answers." + (" hint gives a hint." if part.hint else ""))
        self._asked = part

    def _answer(self, which: str) -> None:
        part = self._asked
        if part is None:
            self._say("Nothing is asked here; enter reads on.")
        elif not which.isdecimal() or not 1 <= int(which) <= len(part.options):
            self._say(f"Answers are 1 to {len(part.options)}.")
        elif isinstance(part, blocks.Predict):
            self._lab.store.add_prediction(part.id, int(which) - 1)
            self._tell_prediction(part, self._lab.store.predictions()[part.id])
            self._asked = None
        else:
            choice = int(which) - 1
            self._lab.store.add_answer(part.id, choice, choice == part.answer)
            self._explain(part, choice)
            if choice == part.answer:
                self._asked = None

    def _tell_prediction(self, part: blocks.Predict, choice: int) -> None:
        self._say(f"Your prediction is kept: {choice + 1}, {without_marks(part.options[choice])}.")
        self._print(*read_out(part.reveal))

    def _explain(self, part: blocks.Quiz, choice: int) -> None:
        text = part.explanations[choice].removeprefix("Right. ").removeprefix("Right: ")
        self._say(f"{'Right.' if choice == part.answer else 'Not this one.'} {without_marks(text)}")

    def _hint(self, _: str) -> None:
        hint = self._asked.hint if isinstance(self._asked, blocks.Quiz) else ""
        self._say(f"Hint: {without_marks(hint)}" if hint else "There is no hint here.")

    # --- benches

    def _benches(self, _: str) -> None:
        if self._lesson is None:
            self._say("No lesson is open. Type a lesson's number, or help.")
            return
        for bench in self._lesson.benches:
            self._tell_bench(self._lesson, bench)

    def _tell_bench(self, lesson: Lesson, bench: blocks.Bench) -> None:
        number = next(i for i, other in enumerate(lesson.benches, 1) if other is bench)
        self._say(f"Bench {number}: {bench.title.removesuffix('.')}" + ("" if bench.title.endswith("?") else "."))
        match bench:
            case blocks.Run():
                for place, (other, preset) in enumerate(_runs_of(lesson), 1):
                    if other is bench:
                        self._say(f"  run {place}, {preset}: {self._state(_spec(bench, preset))}.")
                self._say(f"chart {number} tells its charts.")
            case blocks.Evaluate():
                for place, (asked, agent) in enumerate(_agents_of(lesson), 1):
                    if asked is bench:
                        self._say(f"  evaluate {place}, {agent_title(agent)}: {self._scored(bench, agent)}.")
            case blocks.Chart():
                self._say(f"chart {number} tells the {bench.chart} of {', '.join(bench.presets)} in words.")
            case blocks.Data():
                for samples, seed in (bench.train_samples, bench.train_seed), (bench.test_samples, bench.test_seed):
                    words = f"dqn-lab generate {bench.agent} --samples {samples} --seed {seed}"
                    self._say(f"In a shell: {words} --output FILE.")
            case blocks.Tune():
                self._say(f"In a shell: dqn-lab tune --preset {bench.preset}; dqn-lab tune --help tells more.")
            case blocks.Settings():
                self._say(f"In a shell: dqn-lab train --preset {bench.preset} --set NAME=VALUE.")
            case blocks.Watch():
                agents = ", ".join(map(agent_title, bench.agents))
                self._say(f"It shows a cart that moves, driven by {agents}, and needs the screens of the lab.")

    def _state(self, spec: Spec) -> str:
        record = self._lab.latest(spec)
        if record is None:
            return f"not trained yet, {count(kind_of(spec).parameters(spec.config))} parameters"
        return self._told(record)

    def _told(self, record: RunRecord) -> str:
        """Where a run stands, without a full stop."""
        words = f"run {record.id}, seed {record.seed}, {record.status}"
        if record.status != Status.FINISHED:
            return f"{words} at {percent(record.progress).strip()}"
        outcome = self._lab.outcome(record)
        return words if outcome is None else f"{words}, {figure(outcome)}"

    def _scored(self, bench: blocks.Evaluate, agent: str) -> str:
        if agent.startswith(LATEST) and run_of(self._lab.store, agent) is None:
            return "train it first"
        kept = self._lab.kept_evaluation(agent, bench.episodes, bench.seed)
        return "not evaluated yet" if kept is None else returns_summary(kept.figures(), kept_facts(kept.environment))

    def _runs(self, _: str) -> None:
        records = self._lab.store.runs(limit=MOST_RUNS)
        self._say(*(f"{record.title}: {self._told(record)}." for record in records))
        if not records:
            self._say("There is no run yet.")

    # --- what takes its time

    def _run(self, which: str) -> None:
        name, _, again = which.partition(" ")
        found = [] if self._lesson is None else _runs_of(self._lesson)
        chosen = _chosen(name, found)
        if chosen is None or again not in ("", "again"):
            self._say(_choices("run", [preset for _, preset in found]))
            return
        bench, preset = chosen
        spec = _spec(bench, preset)
        record = self._lab.latest(spec)
        if record is not None and Status(record.status).live:
            self._say("Another dqn-lab works on this run; stop it there first.")
            return
        if record is not None and record.status == Status.FINISHED and not again:
            self._say(f"{preset}: {self._told(record)}. run {name} again trains it with the next seed.")
            return
        if again:
            run = self._lab.start(spec.with_seed(self._lab.next_seed(spec)), preset=preset)
        elif record is not None and record.status in (Status.STOPPED, Status.INTERRUPTED):
            run = self._lab.continue_run(record.id)
        else:
            run = self._lab.start(spec, preset=preset)
        self._worked_on[run.id] = None
        self._say(f"{preset} trains: run {run.id}, seed {run.record.seed}. Ctrl-C keeps a checkpoint and leaves.")
        self._wait(run, lambda: f"{preset}: {_standing(run)}.")
        self._tell_end(run, bench)

    def _wait(self, job: Job[Any], words: Callable[[], str]) -> None:
        """Until a job has ended, a line at each 10 %, and one every few seconds where these take long."""
        tenth, told = int(job.progress * 10), time.monotonic()
        while not job.wait(POLL_SECONDS):
            self._signals.check()
            now, here = time.monotonic(), int(job.progress * 10)
            if job.status == Status.RUNNING and (here > tenth or now - told >= TELL_SECONDS):
                tenth, told = here, now
                self._say(words())

    def _tell_end(self, run: Run, bench: blocks.Run) -> None:
        if run.warning:
            self._say(run.warning)
        if run.status == Status.FAILED:
            self._say(f"{run.title} failed: {run.error}")
            return
        self._say(f"{run.title}: {run.status} at {_standing(run)}, after {seconds(run.seconds)}.")
        for finding in run.kind.findings(run.spec, run.log):
            self._say(f"{finding.name}: {finding.text}")
        for chart in bench.charts:
            self._say(*chart_in_words(chart, run.spec, run.log, run.title))

    def _evaluate(self, which: str) -> None:
        found = [] if self._lesson is None else _agents_of(self._lesson)
        chosen = _chosen(which, found)
        if chosen is None:
            self._say(_choices("evaluate", [agent for _, agent in found]))
            return
        bench, agent = chosen
        if agent.startswith(LATEST) and run_of(self._lab.store, agent) is None:
            self._say(f"There is no finished {agent.removeprefix(LATEST)} run yet; train one first.")
            return
        job = self._lab.evaluation(agent, bench.episodes, bench.seed)
        self._say(f"{agent_title(agent)}: {counted(bench.episodes, 'greedy episode')}, seed {bench.seed}.")
        job.start()
        try:
            self._wait(job, lambda: f"{agent_title(agent)}: {percent(job.progress).strip()} done.")
        finally:
            job.stop()
        failed = job.status == Status.FAILED
        self._say(f"{agent_title(agent)}: {job.error if failed else self._scored(bench, agent) + '.'}")

    def _chart(self, which: str) -> None:
        benches = () if self._lesson is None else self._lesson.benches
        numbers = [str(i) for i, bench in enumerate(benches, 1) if isinstance(bench, blocks.Run | blocks.Chart)]
        if which not in numbers:
            self._say(f"chart takes the number of a bench with charts: {', '.join(numbers) or 'there is none here'}.")
            return
        bench = benches[int(which) - 1]
        assert isinstance(bench, blocks.Run | blocks.Chart)
        for chart in bench.charts if isinstance(bench, blocks.Run) else (bench.chart,):
            for preset in bench.presets:
                spec = _spec(bench, preset) if isinstance(bench, blocks.Run) else preset_spec(preset)
                record = self._lab.latest(spec)
                if record is None:
                    self._say(f"{preset} is not trained yet.")
                    continue
                log = self._lab.store.load_metrics(record.id, episodes=False)
                self._say(*chart_in_words(chart, spec_from_dict(record.kind, record.spec), log, preset))


def chart_in_words(name: str, spec: Spec, log: MetricLog, title: str) -> list[str]:
    """A sentence for each line of a chart: its first, lowest, highest and last value, and where they lie."""
    chart = kind_of(spec).chart(name)
    # Logs count episodes from 0, readers from 1.
    from_one = chart.by == "episode"
    told = []
    for trace in chart.traces:
        if trace.faint:
            continue
        places, values = log.places(trace.series), log.trailing(trace.series, trace.smooth)
        # A shorter log has no whole window yet; means of fewer values would be taken for extremes.
        skipped = min(trace.smooth, len(values)) - 1
        sound = np.isfinite(values) & (np.arange(len(values)) >= skipped)
        x, y = places[sound], values[sound]
        smooth = f" (mean of {trace.smooth})" if trace.smooth > 1 else ""
        what = f"{title}, {chart.title}{', ' + trace.name if trace.name else ''}{smooth}"
        if not len(y):
            told.append(f"{what}: no values yet.")
            continue
        at = {"first": 0, "lowest": int(y.argmin()), "highest": int(y.argmax()), "last": len(y) - 1}
        points = [f"{word} {y[i]:.4g} at {chart.by} {count(x[i] + from_one)}" for word, i in at.items()]
        told.append(f"{what}: {', '.join(points)}.")
    return told


def _standing(run: Run) -> str:
    """`episode 120, mean return 212, 60 %`."""
    standing = run.kind.standing(run.spec, run.log, run.counters)
    return ", ".join([*map(figure, standing), percent(run.progress).strip()])


def _spec(bench: blocks.Run, preset: str) -> Spec:
    return preset_spec(preset, samples=bench.samples, episodes=bench.episodes)


def _runs_of(lesson: Lesson) -> list[tuple[blocks.Run, str]]:
    return [(bench, preset) for bench in lesson.benches if isinstance(bench, blocks.Run) for preset in bench.presets]


def _agents_of(lesson: Lesson) -> list[tuple[blocks.Evaluate, str]]:
    return [(bench, agent) for bench in lesson.benches if isinstance(bench, blocks.Evaluate) for agent in bench.agents]


def _chosen(which: str, found: Sequence[tuple[B, str]]) -> tuple[B, str] | None:
    """What a number or a name stands for; None where there is no such."""
    if which.isdecimal():
        return found[int(which) - 1] if 1 <= int(which) <= len(found) else None
    return next((one for one in found if which in (one[1], one[1].removeprefix(LATEST))), None)


def _choices(word: str, names: Sequence[str]) -> str:
    if not names:
        return f"There is nothing to {word} here; open a lesson that has it."
    listed = ", ".join(f"{number} {agent_title(name)}" for number, name in enumerate(names, 1))
    return f"{word} takes a number or a name: {listed}."
