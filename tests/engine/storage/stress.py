"""Readers and writers of one agent folder, one checkpoint and one data file, from several processes at once.

`python -m tests.engine.storage.stress --seconds 60` prints what they counted as JSON. It must not know how files are
kept: it sees only what the engine's functions give.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import secrets
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from engine.storage.checkpoint import load_checkpoint, save_checkpoint
from engine.storage.files import read_folder, read_whole, replace_folder, settle_folder, write_whole

AGENT, CHECKPOINT, DATA = "agents/mine", "checkpoint", "train.csv"
SIZES = {"model.safetensors": 5_000, "hparams.json": 20, "card.json": 50}
"""The files of the agent: how often each one repeats the token of its version."""

Mixture = str
"""What was read where it held parts of two versions."""


def write_agent(home: Path) -> None:
    token = secrets.token_hex(8)
    replace_folder(home / AGENT, {name: token.encode() * times for name, times in SIZES.items()})


def read_agent(home: Path) -> Mixture | None:
    found = read_folder(home / AGENT, [*SIZES, "never"])
    token = found.get("card.json", b"")[:16]
    whole = found == {name: token * times for name, times in SIZES.items()}
    return None if whole else f"an agent of { ({name: (len(text), text[:16]) for name, text in found.items()}) }"


def settle_agent(home: Path) -> None:
    settle_folder(home / AGENT)


def write_checkpoint(home: Path) -> None:
    token = secrets.randbits(60)
    save_checkpoint(home / CHECKPOINT, {"token": token, "deep": {"array": np.full(10_000, token)}, "_kept": token})


def read_checkpoint(home: Path) -> Mixture | None:
    loaded = load_checkpoint(home / CHECKPOINT)
    state = loaded.state
    whole = state["_kept"] == state["token"] and (state["deep"]["array"] == state["token"]).all()
    return None if whole and not loaded.damaged else f"a checkpoint, {loaded.damaged}"


def write_data(home: Path) -> None:
    write_whole(home / DATA, f"{secrets.token_hex(8)}\n".encode() * 1_000)


def read_data(home: Path) -> Mixture | None:
    lines = read_whole(home / DATA).splitlines()
    return None if len(lines) == 1_000 and len(set(lines)) == 1 else f"a file of {len(lines)} lines, {set(lines)}"


WRITERS = (write_agent, write_checkpoint, write_data)
ACTIONS: tuple[Callable[[Path], Mixture | None], ...] = (
    *(WRITERS + (read_agent, read_checkpoint, read_data) * 3),
    settle_agent,
)


def _thread(home: Path, seed: int, until: float, counts: Counter[str], slowest: dict[str, float]) -> None:
    chosen = random.Random(seed)
    while time.time() < until:
        action = chosen.choice(ACTIONS)
        start = time.perf_counter()
        try:
            mixture = action(home)
        except Exception as error:
            counts[f"error: {action.__name__}: {type(error).__name__}: {str(error)[:200]}"] += 1
        else:
            counts[action.__name__ if mixture is None else f"mixture: {mixture[:200]}"] += 1
        slowest[action.__name__] = max(slowest.get(action.__name__, 0), time.perf_counter() - start)


def _process(home: Path, seed: int, threads: int, seconds: float, started: threading.Barrier) -> list[dict[str, float]]:
    # All begin together, however long each took to import.
    started.wait(60)
    until = time.time() + seconds
    counts: list[Counter[str]] = [Counter() for _ in range(threads)]
    slowest: list[dict[str, float]] = [{} for _ in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(_thread, home, 100 * seed + i, until, counts[i], slowest[i]) for i in range(threads)]
    for future in futures:
        future.result()
    slow = {name: max(found.get(name, 0) for found in slowest) for found in slowest for name in found}
    return [dict(sum(counts, Counter())), slow]


def stress(home: Path, seconds: float, processes: int = 4, threads: int = 4) -> dict[str, object]:
    """Counts: of each action, of errors and of mixtures, with what they said; the slowest of each action [ms]."""
    for write in WRITERS:
        write(home)
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, context.Pool(processes) as pool:
        started = manager.Barrier(processes)
        jobs = [pool.apply_async(_process, (home, i, threads, seconds, started)) for i in range(processes)]
        results = [job.get(seconds + 120) for job in jobs]
    counts = sum((Counter(counted) for counted, _ in results), Counter[str]())
    failed = {said: count for said, count in counts.items() if said.startswith(("error", "mixture"))}
    return {
        "errors": sum(count for said, count in failed.items() if said.startswith("error")),
        "mixtures": sum(count for said, count in failed.items() if said.startswith("mixture")),
        "said": dict(sorted(failed.items(), key=lambda item: -item[1])[:10]),
        "done": {action.__name__: counts[action.__name__] for action in dict.fromkeys(ACTIONS)},
        "slowest_ms": {
            action.__name__: round(1000 * max(slow.get(action.__name__, 0) for _, slow in results))
            for action in dict.fromkeys(ACTIONS)
        },
        "left": sorted(str(path.relative_to(home)) for path in home.rglob("*")),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--threads", type=int, default=4)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        print(json.dumps(stress(Path(home), chosen.seconds, chosen.processes, chosen.threads), indent=1))


if __name__ == "__main__":
    main()
