"""What a home with years of work in it costs: each read that a screen makes, and commands that list or match runs."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np

from engine.laboratory import Laboratory
from engine.learners.kinds import preset, preset_spec, presets
from engine.learners.metrics import MetricLog
from engine.learners.specs import EpisodesSpec, Spec
from engine.runs.seed_work import EVALUATION_EPISODES, EVALUATION_SEED
from engine.runs.seeds import furthest, is_complete
from engine.storage.names import agent_names, run_of
from engine.storage.records import LIVE, Status
from engine.storage.store import Store
from tests.benchmarks.measuring import Row, seconds
from tui_lab.screens.course_map import MOST_RESULTS, MOST_RUNS

RUNS, EVALUATIONS = 5_000, 10_000
EPISODES, POINTS, LONG_POINTS = 200, 200, 20_000
CHUNKS = 4
"""Checkpoints that the metrics of a run were saved in."""
LONG_EVERY = 100
"""One run in so many has `LONG_POINTS` points in each of its series."""
SEEDS = 20
SERIES = {
    "dqn": ("return", "loss", "q", "epsilon", "grad_norm"),
    "imitation": ("train_accuracy", "test_accuracy", "train_loss", "test_loss", "grad_norm"),
}
FILES = (
    *("lock", "checkpoint/1.state", "checkpoint/2.state"),
    *("agents/best/model.safetensors", "agents/best/hparams.json", "agents/best/card.json"),
    *("agents/last/model.safetensors", "agents/last/hparams.json", "agents/last/card.json"),
)
"""What stands in the folder of a run."""
BUSY = "good-2"
"""The preset of every fourth run: a recipe that was run again and again."""
SCREEN, LISTING, MATCHING, LOADING = "5 ms", "500 ms", "50 ms", "100 ms"
ROUNDS, PROCESSES = 15, 5


# --- a home


def fill(home: Path, runs: int, evaluations: int) -> list[str]:
    """Make a home's database as years of work leave it, in one transaction; tells the ids of its runs, oldest first."""
    store = Store(home)
    start = datetime(2024, 1, 1, tzinfo=UTC)
    moments = [(start + timedelta(minutes=10 * index)).isoformat(timespec="seconds") for index in range(runs)]
    specs = list(_specs(runs))
    ids = [f"run{index:05}" for index in range(runs)]
    statuses = [_status(index) for index in range(runs)]
    counters = json.dumps({"env_steps": 30_000, "gradient_steps": 60_000, "episodes": EPISODES})
    with store._transaction() as db:
        db.executemany(
            "INSERT INTO runs (id, kind, preset, name, spec, seed, status, created, updated, seconds, progress, "
            "counters, state_hash, recipe) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                (
                    *(ids[index], spec.kind, name, f"name-{index}" if index % 50 == 0 else None),
                    *(json.dumps(spec.to_dict()), spec.config.seed, str(statuses[index]), moments[index]),
                    *(moments[index], 60.0, 1.0, counters, 64 * "a", spec.recipe),
                )
                for index, (name, spec) in enumerate(specs)
            ),
        )
        kinds = [spec.kind for _, spec in specs]
        db.executemany("INSERT INTO metrics VALUES (?,?,?,?,?)", _chunks(ids, kinds))
        db.executemany(
            "INSERT INTO episodes VALUES (?,?,?,?,?,?,?,?)",
            (
                (run, episode, 150 * episode, 150.0, 150, 0.1, 1, 0)
                for run, kind in zip(ids, kinds, strict=True)
                if kind == "dqn"
                for episode in range(EPISODES)
            ),
        )
        returns = np.random.default_rng(0).integers(8, 501, EVALUATION_EPISODES).astype(np.float64)
        figures = (EVALUATION_EPISODES, returns.mean(), returns.std(), returns.min(), returns.max(), 10, 3.0)
        db.executemany(
            "INSERT INTO evaluations (id, agent, run, environment, seed, episodes, mean, std, min, max, perfect, "
            "seconds, created) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                (at, agent, run, "CartPole-v1", EVALUATION_SEED, *figures, moments[-1])
                for at, (agent, run) in enumerate(_evaluated(ids, evaluations), 1)
            ),
        )
        blob = returns.tobytes()
        db.executemany("INSERT INTO returns VALUES (?,?)", ((at, blob) for at in range(1, evaluations + 1)))
    for lesson in range(8):
        store.set_lesson_progress(f"lesson-{lesson}", "open", 0.5)
    store.close()
    return ids


def add_folders(home: Path, ids: list[str]) -> None:
    """Make the folders of runs, with as many files as they usually have."""
    for run in ids:
        folder = home / "runs" / run
        for parent in sorted({(folder / file).parent for file in FILES}):
            parent.mkdir(parents=True)
        for file in FILES:
            (folder / file).touch()


def _specs(runs: int) -> Iterator[tuple[str, Spec]]:
    """Presets in turns, from ever new seeds; every third run of them with a setting changed."""
    names = list(presets())
    for index in range(runs):
        name = BUSY if index % 4 == 0 else names[index % len(names)]
        spec = preset(name).spec.with_seed(index)
        if index % 3 == 2:
            spec = replace(spec, config=spec.config.replace(batch_size=1 + index))
        yield name, spec


def _status(index: int) -> Status:
    unfinished = (Status.STOPPED, Status.INTERRUPTED, Status.FAILED)
    return unfinished[index // 10 % 3] if index % 10 == 9 else Status.FINISHED


def _chunks(ids: list[str], kinds: list[str]) -> Iterator[tuple[str, str, int, bytes, bytes]]:
    columns = {points: np.linspace(0.0, 1.0, points) for points in (POINTS, LONG_POINTS)}
    for index, (run, kind) in enumerate(zip(ids, kinds, strict=True)):
        column = columns[LONG_POINTS if index % LONG_EVERY == 0 else POINTS]
        for start, stop in pairwise(range(0, len(column) + 1, len(column) // CHUNKS)):
            piece = column[start:stop].tobytes()
            for name in SERIES[kind]:
                yield run, name, start, piece, piece


def _evaluated(ids: list[str], evaluations: int) -> Iterator[tuple[str, str | None]]:
    """Names that were evaluated, with the runs they meant: four of five runs, and some names again and again."""
    for index in range(evaluations):
        run = ids[2 * index // 5]
        if index % 10 == 0:
            yield "perfect", None
        elif index % 10 == 1:
            yield f"latest:{BUSY}", run
        else:
            yield f"{run}:{'last' if index % 2 else 'best'}", run


# --- what is measured


def course_map(lab: Laboratory) -> None:
    """What the course map asks when it is refreshed."""
    store = lab.store
    store.lesson_progress()
    newest = [*store.runs(statuses=LIVE, limit=MOST_RUNS), *store.runs(limit=MOST_RUNS)]
    for record in newest[:MOST_RUNS]:
        lab.outcome(record)
    store.evaluations(limit=MOST_RESULTS)


def latest_runs(lab: Laboratory) -> None:
    """What a bench with all presets of deep Q-learning asks when it opens."""
    for name, one in presets().items():
        if isinstance(one.spec, EpisodesSpec):
            lab.latest(preset_spec(name))


def match_seeds(lab: Laboratory) -> None:
    """What `train --seeds` asks before it starts anything."""
    spec = preset(BUSY).spec
    assert isinstance(spec, EpisodesSpec)
    known = furthest(lab, spec)
    for seed in range(0, 4 * SEEDS, 4):
        if seed in known:
            is_complete(lab, known[seed])


def screens(lab: Laboratory, ids: list[str]) -> dict[str, Callable[[], object]]:
    """Every read of a screen, by what it is for."""
    store, never = lab.store, preset_spec(BUSY, episodes=7)
    kept = store.evaluations(limit=1)[0]
    return {
        "course map: all of a refresh": lambda: course_map(lab),
        "  lesson_progress": store.lesson_progress,
        "  live runs": lambda: store.runs(statuses=LIVE, limit=MOST_RUNS),
        "  newest runs": lambda: store.runs(limit=MOST_RUNS),
        "  outcome of a run, evaluated": lambda: lab.outcome(store.run(ids[0])),
        "  outcome of a run, not evaluated": lambda: lab.outcome(store.run(ids[-1])),
        "  newest evaluations": lambda: store.evaluations(limit=MOST_RESULTS),
        "run bench: newest runs of 6 presets": lambda: latest_runs(lab),
        "  of a recipe without one": lambda: lab.latest(never),
        f"  next seed of {BUSY}": lambda: lab.next_seed(preset_spec(BUSY)),
        f"evaluate bench: run of latest:{BUSY}": lambda: run_of(store, f"latest:{BUSY}"),
        "  of a preset without a finished run": lambda: store.latest_run(never.recipe, Status.FINISHED),
        "  kept evaluation of it": lambda: lab.kept_evaluation(f"latest:{BUSY}", EVALUATION_EPISODES, EVALUATION_SEED),
        "  kept evaluation of perfect": lambda: lab.kept_evaluation("perfect", EVALUATION_EPISODES, EVALUATION_SEED),
        "  kept evaluation of a run": lambda: lab.kept_evaluation(
            f"{ids[4]}:best", EVALUATION_EPISODES, EVALUATION_SEED
        ),
        "  its returns": lambda: store.returns(kept.id),
    }


def commands(home: Path, ids: list[str]) -> dict[str, tuple[list[str], str]]:
    """Commands, each a process of its own, with their goals."""
    return {
        "runs list": (["runs", "list"], LISTING),
        "runs list --page 100": (["runs", "list", "--page", "100"], LISTING),
        "runs list --per-page 5000 --json": (["runs", "list", "--per-page", "5000", "--json"], ""),
        "runs show, 20,000 points a series": (["runs", "show", ids[0]], ""),
        "agents list": (["agents", "list"], ""),
        "doctor": (["doctor"], ""),
        "--version, for comparison": (["--version"], ""),
    }


def store_scale() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        ids: list[str] = []
        built = seconds(lambda: ids.extend(fill(home, RUNS, EVALUATIONS)))
        add_folders(home, ids)
        size = (home / "lab.db").stat().st_size / 1e6
        rows = [
            Row(f"a home of {RUNS:,} runs and {EVALUATIONS:,} evaluations: built", f"{size:.0f} MB in {built:.0f} s")
        ]
        rows.append(_timed("opening a laboratory", lambda: Laboratory(home).store.close(), SCREEN))
        lab = Laboratory(home)
        rows += [_timed(what, read, SCREEN) for what, read in screens(lab, ids).items()]
        rows.append(_timed(f"train --seeds {SEEDS}: what is there already", lambda: match_seeds(lab), MATCHING))
        rows.append(_timed("agents: their names", lambda: agent_names(lab.store)))
        rows += [_as_process(home, words, what, goal) for what, (words, goal) in commands(home, ids).items()]
        rows.append(_timed("deleting a run", lambda: lab.delete_run(ids.pop())))
        lab.close()
    return rows


def long_metrics() -> list[Row]:
    """Three series of 500,000 points, saved in 1,000 checkpoints, as a screen reads them."""
    points, checkpoints, names = 500_000, 1_000, ("loss", "q", "grad_norm")
    column = np.linspace(0.0, 1.0, points // checkpoints)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        run = store.add_run(preset_spec(BUSY)).id
        piece = column.tobytes()
        with store._transaction() as db:
            db.executemany(
                "INSERT INTO metrics VALUES (?,?,?,?,?)",
                ((run, name, at * len(column), piece, piece) for at in range(checkpoints) for name in names),
            )
        logs: list[MetricLog] = []
        row = _timed(
            "loading three series of 500,000 points",
            lambda: logs.append(store.load_metrics(run, episodes=False)),
            LOADING,
        )
        assert logs[-1].lengths() == dict.fromkeys(names, points)
        store.close()
    return [row]


def _timed(what: str, work: Callable[[], object], goal: str = "") -> Row:
    """The median and the longest of some rounds, after one that does not count."""
    work()
    taken = [1000 * seconds(work) for _ in range(ROUNDS)]
    return Row(what, f"{median(taken):.2f} ms, at most {max(taken):.2f}", goal)


def _as_process(home: Path, words: list[str], what: str, goal: str) -> Row:
    command = [sys.executable, "-c", "from tui_lab.cli import main; main()", "--home", str(home), *words]
    taken = [1000 * seconds(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(PROCESSES)]
    return Row(f"dqn-lab {what}", f"{median(taken):.0f} ms, at most {max(taken):.0f}", goal)


ALL = (store_scale, long_metrics)
