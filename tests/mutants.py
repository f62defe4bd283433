"""Measures what the tests notice: small faults put into the code one at a time, and how many turn a test red.

`make mutants` takes a random sample of all possible faults; `--sample 0` takes every one, which takes hours. The faults
are mutmut's; what it works on stays in `mutants/`. A survivor that does not matter is listed in `tests/mutants.toml`
with the reason; the others are printed.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parent.parent
WORK = ROOT / "mutants"
LISTED = ROOT / "tests" / "mutants.toml"
MUTMUT = Path(sys.executable).with_name("mutmut")
NO_FAULT = "no.such.fault"
SURVIVED, UNTESTED = "survived", "no tests"
TRIES = 2
SQL = re.compile(r'"(select|insert|update|delete|create|pragma|begin) ', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Group:
    """Files that are measured together, and the share of faults in them that the tests should notice."""

    name: str
    files: tuple[str, ...]
    goal: float


GROUPS = (
    Group(
        "learning, evaluation, storage, runs, grading",
        (
            "engine/learners/*.py",
            "engine/agents/*.py",
            "engine/storage/*.py",
            "engine/runs/job*.py",
            "engine/runs/run.py",
            "engine/runs/tasks.py",
            "engine/runs/workshop.py",
            "engine/analysis/grading.py",
        ),
        0.90,
    ),
    Group("screens and widgets", ("tui_lab/screens/*.py", "tui_lab/widgets/*.py"), 0.75),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=150, help="faults a group; 0 for all (150)")
    parser.add_argument("--seed", type=int, default=0, help="names the sample (0)")
    parser.add_argument("--children", type=int, default=3, help="processes at once (3)")
    asked = parser.parse_args()
    shutil.rmtree(WORK, ignore_errors=True)
    _make_faults()
    samples = {group.name: _sample(group, asked.sample, asked.seed) for group in GROUPS}
    _try(sorted(name for names in samples.values() for name in names), asked.children)
    missed = [missed for group in GROUPS for missed in _report(group, samples[group.name])]
    sys.exit("too few faults were noticed: " + ", ".join(missed) if missed else 0)


def _make_faults() -> None:
    """Let mutmut write all faults down, and learn which test runs which code; it does so before it tries any."""
    for _ in range(TRIES):
        told = subprocess.run([MUTMUT, "run", NO_FAULT], cwd=ROOT, check=False, capture_output=True, text=True)
        if "nothing matches" in told.stderr:
            return
    sys.exit("the tests do not pass on the unchanged code, so nothing was measured:\n" + told.stdout[-4000:])


def _try(names: list[str], children: int) -> None:
    """Try these faults. mutmut begins with all tests on the unchanged code, which a busy machine may make late."""
    command = [MUTMUT, "run", "--max-children", str(children), *names]
    if any(subprocess.run(command, cwd=ROOT, check=False).returncode == 0 for _ in range(TRIES)):
        return
    sys.exit("the tests do not pass on the unchanged code, so nothing was measured.")


def _sample(group: Group, size: int, seed: int) -> list[str]:
    """The names of the faults to try: all of the group, or as many as asked for."""
    names: list[str] = []
    for meta in sorted(WORK.rglob("*.meta")):
        file = meta.relative_to(WORK).as_posix().removesuffix(".meta")
        if any(fnmatch(file, pattern) for pattern in group.files):
            names += json.loads(meta.read_text())["exit_code_by_key"]
    return sorted(random.Random(seed).sample(names, min(size, len(names)) if size else len(names)))


def _results(names: Iterable[str]) -> dict[str, str]:
    """What became of each fault."""
    told = subprocess.run([MUTMUT, "results", "--all", "true"], cwd=ROOT, capture_output=True, text=True, check=True)
    found = dict(line.strip().rsplit(": ", 1) for line in told.stdout.splitlines() if ": " in line)
    return {name: found.get(name, "not checked") for name in names}


def _report(group: Group, names: list[str]) -> list[str]:
    """Print how a group did; returns its name where that is too little."""
    results = _results(names)
    accepted = _accepted()
    counts: Counter[str] = Counter()
    survivors: list[str] = []
    for name, result in results.items():
        if result not in (SURVIVED, UNTESTED):
            counts["noticed" if result != "not checked" else result] += 1
        elif (change := _change(name)) in accepted or _is_sql_in_other_letters(change):
            counts["accepted"] += 1
        else:
            counts["missed"] += 1
            survivors.append(f"{name}\n{change}")
    judged = counts["noticed"] + counts["missed"]
    share = counts["noticed"] / judged if judged else 0.0
    print("\n" + "\n\n".join(survivors))
    print(f"\n{group.name}: {dict(counts)}, noticed {share:.1%} (goal {group.goal:.0%})\n", flush=True)
    return [] if share >= group.goal else [group.name]


def _change(name: str) -> str:
    """A fault as the lines that it takes away and puts in."""
    shown = subprocess.run([MUTMUT, "show", name], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    lines = re.findall(r"^[-+](?![-+]{2} ).*$", shown, re.MULTILINE)
    return "\n".join(f"{line[0]} {line[1:].strip()}" for line in lines)


def _is_sql_in_other_letters(change: str) -> bool:
    """Whether a fault only writes a statement in capital or in small letters, which SQL does not tell apart."""
    before, _, after = change.partition("\n")
    return SQL.search(before) is not None and before[1:].lower() == after[1:].lower()


def _accepted() -> set[str]:
    """The changes listed as not mattering, each with its reason."""
    listed = tomllib.loads(LISTED.read_text(encoding="utf-8"))["accepted"]
    assert all(entry["reason"] for entry in listed)
    return {"\n".join(line.strip() for line in entry["change"].strip().splitlines()) for entry in listed}


if __name__ == "__main__":
    main()
