"""What `train`, `fit` and `resume` do with a run that was started: wait, evaluate, print, and the exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tui_lab.commands.errors import FAILED, Failed, Misuse, engine_code
from tui_lab.commands.options import DEFAULT_EPISODES, Options
from tui_lab.commands.output import RETURN_HEADER, RIGHT, SAME_HASH, emit_json, note, number, pairs, return_row, table
from tui_lab.commands.waiting import Stop, training_detail, wait_for

if TYPE_CHECKING:
    from engine.laboratory import Laboratory
    from engine.runs import Run
    from engine.store import RunRecord

SEED = 0
Figures = dict[str, float | int]


def free_name(lab: Laboratory, name: str | None) -> None:
    """Refuse a name under which an agent could not be saved, before any work is done for it.

    Raises:
        AgentError: it is not a name, or belongs to an agent that comes with the lab.
        Misuse: an agent or a run has it already.
    """
    if name is None:
        return
    from engine.library import check_name

    check_name(name)
    if (lab.store.agents_folder() / name).exists():
        raise Misuse(f"there is an agent {name!r} already; choose another name or delete it first.")
    for record in lab.store.runs():
        unfinished = record.status not in ("finished", "failed")
        if name == record.id or (name == record.name and unfinished):
            raise Misuse(f"the name {name!r} belongs to run {record.id} ({record.status}); choose another name.")


def see_through(options: Options, lab: Laboratory, run: Run, stop: Stop, as_json: bool) -> None:
    """Wait for a run's end, evaluate what it learned, print it, and exit with 1 or more unless it finished."""
    seed = run.spec.config.seed
    note(f"run {run.id} ({run.title}, seed {seed}) is under way.")
    wait_for(run, stop, run.id, lambda: training_detail(run))
    record = lab.store.run(run.id)
    if record.kind == "dqn":
        _print_training(lab, record, _evaluations(lab, record, stop), as_json)
    else:
        _print_fit(lab, record, as_json)
    _exit(options, run, stop)


def _exit(options: Options, run: Run, stop: Stop) -> None:
    if run.exception is not None:
        raise Failed(f"run {run.id} failed: {run.error}")
    if run.status == "stopped":
        note(f"run {run.id} is stopped and saved; `{options.command(f'resume {run.id}')}` continues it.")
    elif stop.signal is not None:
        note(f"run {run.id} is finished and saved; `{options.command(f'evaluate {run.id}')}` evaluates it.")
    if stop.signal is not None:
        raise click.exceptions.Exit(stop.exit_code)


def _evaluations(lab: Laboratory, record: RunRecord, stop: Stop) -> dict[str, Figures | None]:
    """1,000 greedy episodes of a finished run's last and best weights; None for what is not there."""
    figures: dict[str, Figures | None] = {"last": None, "best": None}
    for which in figures:
        saved = lab.store.run_folder(record.id) / "agents" / which
        if record.status == "finished" and stop.signal is None and saved.is_dir():
            figures[which] = evaluate(lab, f"{record.id}:{which}", DEFAULT_EPISODES, SEED, stop)
    return figures


def evaluate(lab: Laboratory, agent: str, episodes: int, seed: int, stop: Stop) -> Figures | None:
    """Evaluate an agent and keep the result in the home folder; None when a signal stopped it.

    Raises:
        ClickException: the evaluation failed.
    """
    job = lab.evaluation(agent, episodes, seed)
    job.start()
    wait_for(job, stop, f"evaluate {agent}")
    if job.exception is not None:
        raise (Misuse if engine_code(job.exception) != FAILED else Failed)(job.error or "the evaluation failed.")
    if job.status != "finished":
        return None
    assert job.work is not None
    result = job.work.result()
    return {**result.summary(), "seconds": result.seconds}


def _agent_of(lab: Laboratory, record: RunRecord) -> str | None:
    """What names the run's agent in later commands, once there is one."""
    if not (lab.store.run_folder(record.id) / "agents").is_dir():
        return None
    return record.name or record.id


def _print_training(lab: Laboratory, record: RunRecord, found: dict[str, Figures | None], as_json: bool) -> None:
    keys = ("mean", "std", "min", "max", "perfect", "episodes")
    summaries = {which: figures and {key: figures[key] for key in keys} for which, figures in found.items()}
    counters = {key: record.counters.get(key, 0) for key in ("episodes", "env_steps", "gradient_steps")}
    agent = _agent_of(lab, record)
    if as_json:
        emit_json(
            {
                "run": record.id,
                "preset": record.preset,
                "seed": record.seed,
                "status": record.status,
                **counters,
                "seconds": record.seconds,
                **summaries,
                "agent": agent,
                "state_hash": record.state_hash,
            }
        )
        return
    labels = {"episodes": "episodes", "env_steps": "environment steps", "gradient_steps": "gradient steps"}
    _print_head(record, {labels[key]: f"{value:,}" for key, value in counters.items()})
    rows = [return_row(f"{which} weights", figures) for which, figures in summaries.items() if figures]
    if rows:
        click.echo("\n" + table(RETURN_HEADER, rows, RIGHT))
    _print_tail(lab, record, agent)


def _print_fit(lab: Laboratory, record: RunRecord, as_json: bool) -> None:
    from engine.config import ImitationConfig
    from engine.figures import imitation_figures, run_config

    config = run_config(record)
    assert isinstance(config, ImitationConfig)
    figures: dict[str, Any] = imitation_figures(config, lab.log(record.id))
    agent = _agent_of(lab, record)
    if as_json:
        end = {"seconds": record.seconds, "agent": agent, "state_hash": record.state_hash}
        unfinished = {} if record.status == "finished" else {"status": record.status}
        emit_json({"run": record.id, **figures, **end, **unfinished})
        return
    _print_head(record, {"parameters": f"{figures['parameters']:,}", "epochs": record.counters.get("epochs", 0)})
    rows = [
        (side, *(number(figures[f"{side}_{what}"], 4) for what in ("accuracy", "loss"))) for side in ("train", "test")
    ]
    click.echo("\n" + table(("", "accuracy", "loss"), rows, frozenset({"accuracy", "loss"})))
    if figures["best_epoch"] is not None:
        click.echo(f"best test accuracy {figures['best_test_accuracy']:.4f} in epoch {figures['best_epoch']}")
    _print_tail(lab, record, agent)


def _print_head(record: RunRecord, figures: dict[str, object]) -> None:
    head = {"run": f"{record.id} ({record.title}, seed {record.seed})", "status": record.status}
    click.echo(pairs({**head, **figures, "seconds": number(record.seconds, 1)}))


def _print_tail(lab: Laboratory, record: RunRecord, agent: str | None) -> None:
    from engine.diagnosis import diagnose
    from engine.figures import run_config

    findings = {finding.name: finding.text for finding in diagnose(run_config(record), lab.log(record.id))}
    tail = pairs({**findings, "agent": agent, "state hash": record.state_hash})
    if tail:
        click.echo("\n" + tail)
    if record.state_hash is not None:
        click.echo(SAME_HASH)
