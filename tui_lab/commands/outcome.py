"""What `train`, `fit` and `resume` do with a run that was started: wait, evaluate, print, and the exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engine.storage.records import Status
from tui_lab.commands.errors import FAILED, Failed, Misuse, engine_code
from tui_lab.commands.options import DEFAULT_EPISODES, Options
from tui_lab.commands.output import RETURN_HEADER, RIGHT, SAME_HASH, emit_json, note, number, pairs, return_row, table
from tui_lab.commands.waiting import Stop, training_detail, wait_for

if TYPE_CHECKING:
    from engine.laboratory import Laboratory
    from engine.runs.run import Run
    from engine.storage.records import RunRecord

SEED = 0
Figures = dict[str, Any]


def free_name(lab: Laboratory, name: str | None) -> None:
    """Refuse a name under which an agent could not be saved, before any work is done for it.

    Raises:
        AgentError: it is not a name, or belongs to an agent that comes with the lab.
        StoreError: an agent or a run has it already.
    """
    if name is None:
        return
    from engine.storage.labels import check_free_name

    check_free_name(lab.store, name)


def see_through(options: Options, lab: Laboratory, run: Run, stop: Stop, as_json: bool) -> None:
    """Wait for a run's end, evaluate what it learned, print it, and exit with 1 or more unless it finished."""
    from engine.learners.specs import RowsSpec

    seed = run.spec.config.seed
    note(f"run {run.id} ({run.title}, seed {seed}) is under way.")
    wait_for(run, stop, run.id, lambda: training_detail(run))
    if run.warning is not None:
        note(run.warning)
    record = lab.store.run(run.id)
    if isinstance(run.spec, RowsSpec):
        _print_fit(lab, run, record, as_json)
    else:
        _print_training(lab, run, record, _evaluations(lab, record, stop), as_json)
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
    from engine.storage.names import weights_of

    figures: dict[str, Figures | None] = {"last": None, "best": None}
    saved = weights_of(lab.store, record.id)
    for which in figures:
        if record.status == Status.FINISHED and stop.signal is None and which in saved:
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
    assert job.result is not None
    return {"environment": job.result.environment, **job.result.summary(), "seconds": job.result.seconds}


def _agent_of(lab: Laboratory, record: RunRecord) -> str | None:
    """What names the run's agent in later commands, once there is one."""
    from engine.storage.names import weights_of

    return (record.name or record.id) if weights_of(lab.store, record.id) else None


def _print_training(
    lab: Laboratory, run: Run, record: RunRecord, found: dict[str, Figures | None], as_json: bool
) -> None:
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
                **fork_keys(record),
            }
        )
        return
    labels = {"episodes": "episodes", "env_steps": "environment steps", "gradient_steps": "gradient steps"}
    _print_head(record, {labels[key]: f"{value:,}" for key, value in counters.items()})
    rows = [
        return_row(f"{which} weights", figures["environment"], figures) for which, figures in found.items() if figures
    ]
    if rows:
        click.echo("\n" + table(RETURN_HEADER, rows, RIGHT))
    _print_tail(run, record, agent)


def _print_fit(lab: Laboratory, run: Run, record: RunRecord, as_json: bool) -> None:
    figures: dict[str, Any] = run.kind.figures(run.spec, run.log)
    agent = _agent_of(lab, record)
    if as_json:
        end = {"seconds": record.seconds, "agent": agent, "state_hash": record.state_hash}
        unfinished = {} if record.status == Status.FINISHED else {"status": record.status}
        emit_json({"run": record.id, **figures, **end, **unfinished, **fork_keys(record)})
        return
    _print_head(record, {name.replace("_", " "): f"{steps:,}" for name, steps in record.counters.items()})
    told = pairs({name.replace("_", " "): _exact(value) for name, value in figures.items()})
    if told:
        click.echo("\n" + told)
    _print_tail(run, record, agent)


def fork_keys(record: RunRecord) -> dict[str, Any]:
    """Where a fork branched off, as JSON has it; nothing for another run."""
    return {} if record.parent is None else {"parent": record.parent, "forked_at": record.forked_step}


def _exact(value: float | int | None) -> str | None:
    return number(value, 4) if isinstance(value, float) else number(value, 0)


def _print_head(record: RunRecord, figures: dict[str, object]) -> None:
    head = {"run": f"{record.id} ({record.title}, seed {record.seed})", "status": record.status}
    click.echo(pairs({**head, **figures, "seconds": number(record.seconds, 1)}))


def _print_tail(run: Run, record: RunRecord, agent: str | None) -> None:
    findings = {finding.name: finding.text for finding in run.kind.findings(run.spec, run.log)}
    tail = pairs({**findings, "agent": agent, "state hash": record.state_hash})
    if tail:
        click.echo("\n" + tail)
    if record.state_hash is not None:
        click.echo(SAME_HASH)
