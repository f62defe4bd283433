"""`dqn-lab train --seeds N`: one line a seed as each ends, then what they amount to."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from tui_lab.commands.errors import Failed
from tui_lab.commands.output import emit_json, note, number, pairs, table
from tui_lab.commands.waiting import Stop, progress_bar
from tui_lab.text import counted

if TYPE_CHECKING:
    from engine.laboratory import Laboratory
    from engine.learners.specs import EpisodesSpec
    from engine.runs.seeds import SeedOutcome

SUMMARY_HEADER = ("", "success", "95 % interval", "IQM of returns", "95 % interval ")
SUMMARY_RIGHT = frozenset(SUMMARY_HEADER[1:])


def train_seeds(
    lab: Laboratory,
    spec: EpisodesSpec,
    count: int,
    preset: str | None,
    stop: Stop,
    cluster: str | None,
    as_json: bool,
) -> None:
    """Train `count` seeds from the config's own on, print them, and exit with 1 or more unless all finished."""
    from engine.learners.kinds import kind_of
    from engine.runs.crew import open_crew
    from engine.runs.seeds import run_seeds, summarise

    started = time.perf_counter()
    seeds = range(spec.config.seed, spec.config.seed + count)
    spec.with_seed(seeds[-1])  # Refuses a seed that is too large before anything begins.
    crew = open_crew(cluster, note)
    note(f"{counted(count, 'seed')} of {preset or spec.kind}, up to {crew.size} at a time.")
    outcomes: list[SeedOutcome] = []
    with progress_bar(counted(count, "seed")) as bar:

        def report(share: float) -> None:
            bar.update(share - bar.n)

        running = run_seeds(
            lab, spec, seeds, crew=crew, preset=preset, stopping=lambda: stop.signal is not None, report=report
        )
        with closing(crew), closing(running):
            for outcome in running:
                outcomes.append(outcome)
                bar.clear()
                click.echo(seed_line(outcome, len(str(seeds[-1]))), err=as_json)
    outcomes.sort(key=lambda outcome: outcome.seed)
    environment = kind_of(spec).environment(spec.config)
    summary = summarise(outcomes, environment)
    if as_json:
        rows = [asdict(outcome) for outcome in outcomes]
        emit_json({"preset": preset, "seeds": rows, **summary, "seconds": time.perf_counter() - started})
    elif summary["last"] is not None:
        click.echo("\n" + summary_text(summary, outcomes))
    _exit(outcomes, count, stop)


def _exit(outcomes: list[SeedOutcome], count: int, stop: Stop) -> None:
    if stop.signal is not None:
        complete = sum(outcome.complete for outcome in outcomes)
        note(
            f"{complete} of {counted(count, 'seed')} finished and evaluated; the same command goes on with the others."
        )
        raise click.exceptions.Exit(stop.exit_code)
    failed = sum(not outcome.complete for outcome in outcomes)
    if failed:
        raise Failed(f"{failed} of {counted(count, 'seed')} did not finish; the same command tries again.")


def seed_line(outcome: SeedOutcome, width: int = 1) -> str:
    """One seed's end in a line; `width` is that of the largest seed."""
    head = f"seed {outcome.seed:>{width}}  {outcome.run:<5}  {outcome.status:<8}"
    if outcome.message is not None:
        return f"{head}  {outcome.message}"
    parts = [f"{outcome.env_steps:>9,} environment steps", f"{outcome.seconds:>7,.1f} s"]
    for which, figures in (("last", outcome.last), ("best", outcome.best)):
        if figures is not None:
            parts.append(f"{which} {figures['mean']:>6.2f}")
    return "  ".join([head, *parts])


def summary_text(summary: dict[str, Any], outcomes: list[SeedOutcome]) -> str:
    """What `summarise` gave, as a table with the words it needs."""
    rows = [summary_row(f"{which} weights", summary[which]) for which in ("last", "best") if summary[which]]
    words = {
        "success": _success_means(summary["last"]),
        "IQM": "mean of the middle half of the seeds' mean returns",
    }
    if summary["best"] is not None and summary["last"]["perfect"] is not None:
        reached = sum(outcome.first_perfect_env_steps is not None for outcome in outcomes)
        steps, seconds = summary["first_perfect_env_steps"], summary["first_perfect_seconds"]
        and_seconds = "" if seconds is None else f" and {seconds:,.0f} s"
        after = "" if steps is None else f", median after {steps:,.0f} environment steps{and_seconds}"
        words["first perfect selection"] = f"{reached} of {counted(len(outcomes), 'seed')}{after}"
    left_out = len(outcomes) - summary["last"]["seeds"]
    if left_out:
        words["left out"] = f"{counted(left_out, 'seed')} without an evaluation"
    return f"{table(SUMMARY_HEADER, rows, SUMMARY_RIGHT)}\n\n{pairs(words)}"


def _success_means(side: dict[str, Any]) -> str:
    """What counts as a seed's success in its environment."""
    if side["perfect"] is not None:
        return "each of a seed's greedy episodes has the highest return there is"
    if side["solved"] is not None:
        return "a seed's mean return reaches the environment's registered threshold"
    return "nothing is known of what this environment counts as one"


def summary_row(label: str, side: dict[str, Any]) -> tuple[object, ...]:
    """The seeds' last or best weights as a row under `SUMMARY_HEADER`."""
    spread = side["iqm_interval"] and "{:.2f} to {:.2f}".format(*side["iqm_interval"])
    successes = side["perfect"] if side["perfect"] is not None else side["solved"]
    if successes is None:
        return (label, None, None, number(side["iqm"]), spread)
    low, high = side["success_interval"]
    word = "perfect" if side["perfect"] is not None else "solved"
    share = f"{successes} of {side['seeds']} {word}"
    return (label, share, f"{100 * low:.0f} to {100 * high:.0f} %", number(side["iqm"]), spread)
