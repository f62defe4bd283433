"""Measures what the presets come to over many seeds, for the lessons to quote: writes `lessons/outcomes.json`.

Run as `python -m tests.outcomes`; at full size it takes hours, and the same command goes on where it was stopped. What
is finished in its home folder counts as it is: after a change to the engine or to versions give it a fresh `--home`.
The lessons' file is written only when every preset was measured at its full budget; `--output` writes in any case.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from engine.laboratory import Laboratory
from engine.learners.kinds import preset as find_preset
from engine.learners.kinds import preset_spec
from engine.learners.machine import versions
from engine.learners.specs import DQNSpec
from engine.runs.seeds import SeedOutcome, run_seeds, summarise
from engine.storage.files import write_whole
from tui_lab.commands.output import table
from tui_lab.commands.seeds import SUMMARY_HEADER, SUMMARY_RIGHT, seed_line, summary_row
from tui_lab.commands.waiting import Stop, stop_signals

ROOT = Path(__file__).parent.parent
LESSONS_FILE = ROOT / "lessons" / "outcomes.json"
PRESETS = ("bad", "good-1", "good-2", "robust", "one-hidden", "smallest")
FIRST_SEED = 1  # So none of the course's own seeds, 0 and 2386916045, is among them.


def main(arguments: list[str] | None = None) -> int:
    """Measure, print a table, write the file; returns the exit code."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    presets = asked.presets.split(",")
    unknown = [name for name in presets if name not in PRESETS]
    if unknown:
        parser.error(f"{unknown[0]!r} is none of {', '.join(PRESETS)}.")
    small = asked.episodes is not None or asked.max_steps is not None
    if small and asked.output is None:
        parser.error("with --episodes or --max-steps the lessons' file is not written; give --output.")
    measured: dict[str, dict[str, Any]] = {}
    lab = Laboratory(asked.home)
    try:
        with stop_signals() as stop:
            for name in presets:
                spec = budgeted(name, asked.episodes, asked.max_steps)
                outcomes = _measure(lab, name, spec, asked.seeds, stop)
                if stop.signal is not None or len(outcomes) < asked.seeds or not all(map(_counts, outcomes)):
                    print("not every seed came to its end; the same command goes on.", file=sys.stderr)
                    return stop.exit_code or 1
                measured[name] = entry(name, spec, outcomes)
    finally:
        lab.close()
    print_table(measured)
    output = asked.output or (LESSONS_FILE if set(presets) == set(PRESETS) else None)
    if output is None:
        print(f"{LESSONS_FILE.relative_to(ROOT)} is written when all presets are measured.")
        return 0
    own = {"seeds": asked.seeds, "presets": asked.presets, "episodes": asked.episodes, "max-steps": asked.max_steps}
    flags = " ".join(f"--{key} {value}" for key, value in own.items() if value is not None)
    found = {"command": f"python -m tests.outcomes {flags}", "versions": versions(), "presets": measured}
    write_whole(output, (json.dumps(found, indent=1, allow_nan=False) + "\n").encode())
    print(f"written to {output}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.outcomes", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20, help="seeds 1 to this (20)")
    parser.add_argument("--presets", default=",".join(PRESETS), help="which, joined by commas (all)")
    parser.add_argument("--home", type=Path, default=ROOT / ".outcomes", help="where the runs are kept (.outcomes)")
    parser.add_argument("--output", type=Path, help="the file to write (lessons/outcomes.json)")
    parser.add_argument("--episodes", type=int, help="another budget, to try it out")
    parser.add_argument("--max-steps", type=int, help="another budget, to try it out")
    return parser


def budgeted(name: str, episodes: int | None, max_steps: int | None) -> DQNSpec:
    """A preset's spec with its own budget, or with another."""
    spec = preset_spec(name, seed=FIRST_SEED, episodes=episodes)
    assert isinstance(spec, DQNSpec)
    return DQNSpec(spec.config, spec.episodes, max_steps)


def _measure(lab: Laboratory, name: str, spec: DQNSpec, seeds: int, stop: Stop) -> list[SeedOutcome]:
    print(f"{name}: {find_preset(name).title}", flush=True)
    numbers = range(FIRST_SEED, FIRST_SEED + seeds)
    outcomes = []
    with closing(run_seeds(lab, spec, numbers, preset=name, stopping=lambda: stop.signal is not None)) as running:
        for outcome in running:
            outcomes.append(outcome)
            print("  " + seed_line(outcome, len(str(numbers[-1]))), flush=True)
    return sorted(outcomes, key=lambda outcome: outcome.seed)


def _counts(outcome: SeedOutcome) -> bool:
    return outcome.complete or outcome.diverged


def entry(name: str, spec: DQNSpec, outcomes: list[SeedOutcome]) -> dict[str, Any]:
    """What the file says of one preset."""
    steps = "" if spec.max_env_steps is None else f" --max-steps {spec.max_env_steps}"
    command = f"dqn-lab train --preset {name} --seed {FIRST_SEED} --seeds {len(outcomes)} --episodes {spec.episodes}"
    return {
        "command": command + steps,
        **summarise(outcomes),
        "by_seed": [
            {
                "seed": outcome.seed,
                "last": outcome.last and outcome.last["mean"],
                "best": outcome.best and outcome.best["mean"],
                "env_steps": outcome.env_steps,
                "first_perfect_env_steps": outcome.first_perfect_env_steps,
                "first_perfect_seconds": outcome.first_perfect_seconds and round(outcome.first_perfect_seconds, 1),
                "seconds": round(outcome.seconds, 1),
                "diverged": outcome.diverged,
            }
            for outcome in outcomes
        ],
    }


def print_table(measured: dict[str, dict[str, Any]]) -> None:
    rows = [
        summary_row(f"{name}, {which}", found[which])
        for name, found in measured.items()
        for which in ("last", "best")
        if found[which]
    ]
    print("\n" + table(SUMMARY_HEADER, rows, SUMMARY_RIGHT) + "\n")


if __name__ == "__main__":
    sys.exit(main())
