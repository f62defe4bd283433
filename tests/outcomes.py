"""Measures what presets and ladders of causes come to over many seeds, for the lessons: writes `lessons/outcomes.json`.

Run as `python -m tests.outcomes`; at full size it takes an hour or two, and the same command goes on where it was
stopped. What is finished in its home folder counts as it is: after a change to the engine or to versions give it a
fresh `--home`. The lessons' file is written only when everything was measured at its full budget; `--output` writes in
any case.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.analysis.statistics import paired_difference
from engine.laboratory import Laboratory
from engine.learners.environment_facts import CARTPOLE, environment_facts
from engine.learners.kinds import presets
from engine.learners.machine import versions
from engine.runs.crew import Crew, open_crew
from engine.runs.seed_work import kept_evaluation
from engine.runs.seeds import SeedOutcome, run_seeds, summarise
from engine.storage.files import write_whole
from tests.ladders import LADDERS, LEFT_OUT, PUT_IN, Ladder, Rung, episodes_spec
from tui_lab.commands.output import table
from tui_lab.commands.seeds import SUMMARY_HEADER, SUMMARY_RIGHT, seed_line, summary_row
from tui_lab.commands.waiting import Stop, stop_signals

ROOT = Path(__file__).parent.parent
LESSONS_FILE = ROOT / "lessons" / "outcomes.json"
FIRST_SEED = 1  # So none of the course's own seeds, 0 and 2386916045, is among them.
SEEDS = 20
Q_WINDOW = 20
"""Bursts whose mean Q-value says how high a run ended."""
Entry = dict[str, Any]


def rungs() -> list[Rung]:
    """What is measured, each once: the presets that learn from an environment, then the rungs of the ladders."""
    own = [name for name, preset in presets().items() if preset.episodes is not None]
    every = [Rung(name, name, episodes_spec(name), {}) for name in own]
    every += [rung for ladder in LADDERS for rung in ladder.rungs()]
    every += LEFT_OUT + PUT_IN
    found: dict[str, Rung] = {}
    for rung in every:
        found.setdefault(rung.spec.recipe, rung)
    return list(found.values())


def main(arguments: list[str] | None = None) -> int:
    """Measure, print tables, write the file; returns the exit code."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    known = {rung.name: rung for rung in rungs()}
    names = asked.only.split(",") if asked.only else list(known)
    if unknown := [name for name in names if name not in known]:
        parser.error(f"{unknown[0]!r} is none of {', '.join(known)}.")
    whole = names == list(known) and asked.episodes is None and asked.seeds == SEEDS
    measured: dict[str, Entry] = {}
    lab = Laboratory(asked.home)
    told = partial(print, file=sys.stderr)
    try:
        with stop_signals() as stop:
            for name in names:
                rung = _budgeted(known[name], asked.episodes)
                outcomes = _measure(lab, rung, asked.seeds, stop, open_crew(asked.cluster, told))
                if stop.signal is not None or len(outcomes) < asked.seeds or not all(map(_counts, outcomes)):
                    print("not every seed came to its end; the same command goes on.", file=sys.stderr)
                    return stop.exit_code or 1
                measured[name] = _entry(lab, rung, outcomes)
    finally:
        lab.close()
    print_table(measured)
    climbed = {ladder.name: climb(ladder, measured) for ladder in LADDERS if _is_measured(ladder, measured)}
    for name, steps in climbed.items():
        print_ladder(name, steps)
    around = [step_aside(rung, measured) for rung in LEFT_OUT + PUT_IN if {rung.name, rung.preset} <= measured.keys()]
    print_around(around)
    output = asked.output or (LESSONS_FILE if whole else None)
    if output is None:
        print(f"{LESSONS_FILE.relative_to(ROOT)} is written when all is measured.")
        return 0
    own = presets().keys() & measured.keys()
    found = {
        "command": "python -m tests.outcomes",
        "versions": versions(),
        "presets": {name: entry for name, entry in measured.items() if name in own},
        "rungs": {name: entry for name, entry in measured.items() if name not in own},
        "ladders": climbed,
        "around_robust": around,
    }
    write_whole(output, (json.dumps(found, indent=1, allow_nan=False) + "\n").encode())
    print(f"written to {output}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.outcomes", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"seeds 1 to this ({SEEDS})")
    parser.add_argument("--only", help="presets and rungs, joined by commas (all)")
    parser.add_argument("--home", type=Path, default=ROOT / ".outcomes", help="where the runs are kept (.outcomes)")
    parser.add_argument("--output", type=Path, help="the file to write (lessons/outcomes.json)")
    parser.add_argument("--cluster", help="a Dask cluster: its scheduler's address or file, or a YAML file")
    parser.add_argument("--episodes", type=int, help="another budget, to try it out")
    return parser


def _budgeted(rung: Rung, episodes: int | None) -> Rung:
    return rung if episodes is None else replace(rung, spec=replace(rung.spec, episodes=episodes))


def _measure(lab: Laboratory, rung: Rung, seeds: int, stop: Stop, crew: Crew) -> list[SeedOutcome]:
    print(f"{rung.name}: {rung.flags}", flush=True)
    numbers = range(FIRST_SEED, FIRST_SEED + seeds)
    outcomes = []
    with closing(
        run_seeds(lab, rung.spec, numbers, crew=crew, preset=rung.preset, stopping=lambda: stop.signal is not None)
    ) as running:
        for outcome in running:
            outcomes.append(outcome)
            print("  " + seed_line(outcome, len(str(numbers[-1]))), flush=True)
    return sorted(outcomes, key=lambda outcome: outcome.seed)


def _counts(outcome: SeedOutcome) -> bool:
    return outcome.complete or outcome.diverged


def _entry(lab: Laboratory, rung: Rung, outcomes: list[SeedOutcome]) -> Entry:
    """What the file says of one rung."""
    spec = rung.spec
    command = f"dqn-lab train {rung.flags} --seed {FIRST_SEED} --seeds {len(outcomes)} --episodes {spec.episodes}"
    return {
        "command": command,
        **summarise(outcomes),
        "by_seed": [
            {
                "seed": outcome.seed,
                "last": outcome.last and outcome.last["mean"],
                "best": outcome.best and outcome.best["mean"],
                "q_at_end": _q_at_end(lab, outcome),
                "last_returns": _returns(lab, outcome, "last"),
                "best_returns": _returns(lab, outcome, "best"),
                "env_steps": outcome.env_steps,
                "first_perfect_env_steps": outcome.first_perfect_env_steps,
                "first_perfect_seconds": outcome.first_perfect_seconds and round(outcome.first_perfect_seconds, 1),
                "seconds": round(outcome.seconds, 1),
                "diverged": outcome.diverged,
            }
            for outcome in outcomes
        ],
    }


def _q_at_end(lab: Laboratory, outcome: SeedOutcome) -> float | None:
    """Mean largest Q-value over the last bursts of a run; None where there was none."""
    values = lab.store.last_values(outcome.run, "q", Q_WINDOW)
    return round(float(np.mean(values)), 2) if len(values) else None


def _returns(lab: Laboratory, outcome: SeedOutcome, which: str) -> str | None:
    """Every return of an agent's greedy episodes with how often it came: "9x250 10x750"."""
    record = lab.store.run(outcome.run)
    kept = kept_evaluation(lab, record, which) if record is not None and outcome.complete else None
    if kept is None:
        return None
    values, counts = np.unique(lab.store.returns(kept.id), return_counts=True)
    return " ".join(f"{value:g}x{count}" for value, count in zip(values, counts, strict=True))


# --- ladders


def _is_measured(ladder: Ladder, measured: dict[str, Entry]) -> bool:
    return all(rung.name in measured for rung in ladder.rungs())


def climb(ladder: Ladder, measured: dict[str, Entry]) -> list[Entry]:
    """Each rung of a ladder: what changed, and what that made of the last weights of each seed."""
    steps: list[Entry] = []
    before: Entry | None = None
    for rung in ladder.rungs():
        entry = measured[rung.name]
        step: Entry = {"rung": rung.name, "change": rung.change, "perfect": entry["last"]["perfect"]}
        step |= {"iqm": entry["last"]["iqm"], "iqm_interval": entry["last"]["iqm_interval"]}
        if before is not None:
            step["return_difference"] = _difference(_means(before), _means(entry))
            step["perfect_difference"] = _difference(_perfect(before), _perfect(entry))
        steps.append(step)
        before = entry
    return steps


def step_aside(rung: Rung, measured: dict[str, Entry]) -> Entry:
    """What another setting makes of a preset that keeps its best network: perfect seeds, and steps of training.

    A run that is never perfect takes all its budget, so the steps tell of both.
    """
    entry, whole = measured[rung.name], measured[rung.preset]
    best, whole_best = (np.array([seed["best"] or 0.0 for seed in one["by_seed"]]) for one in (entry, whole))
    steps, whole_steps = (np.array([seed["env_steps"] for seed in one["by_seed"]]) for one in (entry, whole))
    return {
        "rung": rung.name,
        "change": rung.change,
        "perfect": entry["best"]["perfect"],
        "env_steps": float(np.median(steps)),
        "env_steps_difference": _difference(whole_steps, steps),
        "return_difference": _difference(whole_best, best),
    }


def _means(entry: Entry) -> npt.NDArray[np.float64]:
    """Mean return of each seed's last weights; 0 where the run diverged."""
    return np.array([seed["last"] or 0.0 for seed in entry["by_seed"]])


def _perfect(entry: Entry) -> npt.NDArray[np.bool_]:
    """Which seeds' last weights had the highest return in every episode."""
    return _means(entry) == environment_facts(CARTPOLE).best_return


def _difference(before: npt.NDArray[Any], after: npt.NDArray[Any]) -> Entry:
    found = paired_difference(before, after)
    return {**asdict(found), "shown": found.shown}


# --- in words


def print_table(measured: dict[str, Entry]) -> None:
    rows = [
        summary_row(f"{name}, {which}", found[which])
        for name, found in measured.items()
        for which in ("last", "best")
        if found[which]
    ]
    print("\n" + table(SUMMARY_HEADER, rows, SUMMARY_RIGHT) + "\n")


def print_ladder(name: str, steps: Sequence[Entry]) -> None:
    header = ("change", "perfect", "IQM", "difference of the mean return", "")
    rows = []
    for step in steps:
        changes = ", ".join(f"{key} {json.dumps(value)}" for key, value in step["change"].items())
        found = step.get("return_difference")
        told = found and "{mean:+.0f} ({low:+.0f} to {high:+.0f})".format(**found)
        verdict = "" if found is None or found["shown"] else "no difference that these seeds could show"
        rows.append((changes or step["rung"], step["perfect"], f"{step['iqm']:.0f}", told, verdict))
    print(f"{name}\n{table(header, rows, frozenset(header[1:4]))}\n")


def print_around(found: Sequence[Entry]) -> None:
    header = ("", "perfect", "median steps", "difference of the steps", "difference of the return")
    rows = [
        (
            one["rung"],
            one["perfect"],
            f"{one['env_steps']:,.0f}",
            "{mean:+,.0f} ({low:+,.0f} to {high:+,.0f})".format(**one["env_steps_difference"]),
            "{mean:+.1f} ({low:+.1f} to {high:+.1f})".format(**one["return_difference"]),
        )
        for one in found
    ]
    if rows:
        print(f"kept best, one setting changed\n{table(header, rows, frozenset(header[1:]))}\n")


if __name__ == "__main__":
    sys.exit(main())
