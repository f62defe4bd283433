"""Checkpoints that are kept under their step, and runs that branch off from one. Torch-free; trains nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.learners.kinds import kind_named, spec_from_dict
from engine.learners.settings import integer, optional
from engine.learners.specs import Spec
from engine.storage.checkpoint import CheckpointError, Loaded, State, load_checkpoint, save_checkpoint, state_hash
from engine.storage.files import read_whole, remove_folder, write_whole
from engine.storage.records import RunRecord, Status, step_in
from engine.storage.store import Store

BUDGET = {"episodes": integer(1), "max_env_steps": optional(integer(1))}
"""What a run may spend, where that is no setting."""


class ForkError(ValueError):
    """One sentence on why a run cannot be forked as asked, and what would be right."""


def kept_folder(store: Store, run: str) -> Path:
    """Where a run's kept checkpoints lie, each in a folder that is named by its step."""
    return store.run_folder(run) / "kept"


def kept_steps(store: Store, run: str) -> list[int]:
    """The steps at which a checkpoint of a run was kept, in their order."""
    folder = kept_folder(store, run)
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit()) if folder.is_dir() else []


def keep_checkpoint(store: Store, run: str) -> int:
    """Keep a copy of a run's latest checkpoint, so that it can be forked from when the run has gone on; tells its step.

    Raises:
        CheckpointError: there is none.
    """
    state = load_checkpoint(store.run_folder(run) / "checkpoint").state
    step = step_in(state["learner"].get("counters", {}))
    if step not in kept_steps(store, run):
        save_checkpoint(kept_folder(store, run) / str(step), state)
    return step


def changed_spec(record: RunRecord, changes: Mapping[str, Any]) -> Spec:
    """What a fork of a run with these changes is started with: settings that its state fits whatever they are, or a
    budget.

    Raises:
        ForkError: a setting may not be changed in the middle of a run.
        ConfigError: a value is out of range, or the kind of learner is not known.
    """
    spec, kind = spec_from_dict(record.kind, record.spec), kind_named(record.kind)
    budget = BUDGET.keys() & spec.to_dict().keys()
    fixed = sorted(changes.keys() - kind.forkable - budget)
    if fixed:
        free = ", ".join([name for name in spec.config.names() if name in kind.forkable] + sorted(budget))
        why = "cannot change in the middle of a run" if fixed[0] in spec.config.names() else "is not a setting"
        raise ForkError(f"{fixed[0]!r} {why}; these can: {free or 'none of this kind of learner'}.")
    values = spec.to_dict()
    values["config"] |= {key: value for key, value in changes.items() if key not in budget}
    values |= {key: BUDGET[key](key, changes[key]) for key in budget & changes.keys()}
    changed = spec_from_dict(record.kind, values)
    kind.check(changed)
    return changed


def check_fork(store: Store, record: RunRecord, at: int | None, changes: Mapping[str, Any]) -> tuple[Spec, State]:
    """What a fork would be started with, and the state that it would begin in; nothing is written.

    Raises:
        ForkError, ConfigError, CheckpointError: see `make_fork`.
    """
    spec = changed_spec(record, changes)
    state = _checkpoint_at(store, record, at).state
    _refuse_what_is_over(record, spec, state["learner"].get("counters", {}))
    return spec, state


def make_fork(
    store: Store, record: RunRecord, at: int | None, changes: Mapping[str, Any], name: str | None = None
) -> RunRecord:
    """Register a run that stands where another one stood, with its metrics up to there, and begins with other settings.

    An unchanged fork ends in the same state as the run itself would.

    Args:
        at: the step of a kept checkpoint, or of the latest one; None for the latest one.

    Raises:
        ForkError: there is no checkpoint at that step, or a setting cannot change. ConfigError: a value is wrong.
        CheckpointError: the checkpoint is damaged.
    """
    spec, state = check_fork(store, record, at, changes)
    counters = state["learner"].get("counters", {})
    log = store.load_metrics(record.id)
    log.truncate(state["log"].get("lengths", {}), state["log"]["episodes"])
    folder = store.claim_run_folder()
    try:
        for rows in store.run_folder(record.id).glob("*.csv"):
            write_whole(folder / rows.name, read_whole(rows))
        save_checkpoint(folder / "checkpoint", state)
        return store.add_fork(
            folder.name,
            spec,
            log,
            preset=record.preset,
            name=name,
            parent=record.id,
            forked_at=counters,
            counters=counters,
            progress=spec.used(counters),
            seconds=state["seconds"],
            first_perfect_seconds=state.get("first_perfect_seconds"),
            state_hash=state_hash(state["learner"]),
        )
    except BaseException:
        remove_folder(folder)
        raise


def _checkpoint_at(store: Store, record: RunRecord, at: int | None) -> Loaded:
    """
    Raises:
        ForkError: there is none at that step.
        CheckpointError: it is damaged, or there is none at all.
    """
    kept = kept_steps(store, record.id)
    if at in kept:
        return load_checkpoint(kept_folder(store, record.id) / str(at))
    try:
        latest = load_checkpoint(store.run_folder(record.id) / "checkpoint")
    except CheckpointError as error:
        if kept:
            raise CheckpointError(f"{str(error).removesuffix('.')}; there are kept ones at {_listed(kept)}.") from None
        raise
    step = step_in(latest.state["learner"].get("counters", {}))
    if at not in (None, step):
        raise ForkError(f"run {record.id} has no checkpoint at step {at:,}; it has those at {_listed([*kept, step])}.")
    return latest


def _refuse_what_is_over(record: RunRecord, spec: Spec, counters: Mapping[str, int]) -> None:
    """
    Raises:
        ForkError: with these settings there is nothing left to do from a checkpoint with these counters.
    """
    step = step_in(counters)
    if spec.used(counters) >= 1:
        more = "epochs=300" if "epochs" in counters else "episodes=300"
        raise ForkError(
            f"at step {step:,} the fork's budget is used up; give it more, such as {more}, or fork earlier."
        )
    early = kind_named(record.kind).ends_early
    before = spec_from_dict(record.kind, record.spec)
    over = record.status == Status.FINISHED and counters == record.counters and before.used(counters) < 1
    if over and early is not None and getattr(spec.config, early):
        raise ForkError(f"at step {step:,} the run ended by {early}; set {early}=false too, or fork earlier.")


def _listed(steps: list[int]) -> str:
    return ", ".join(f"{step:,}" for step in sorted(set(steps)))
