"""What a run is called: its name, and its tags. Nothing here touches what it learned."""

from __future__ import annotations

from collections.abc import Iterable

from engine.storage.names import NAME, check_name
from engine.storage.records import RunRecord, Status, StoreError
from engine.storage.store import Store

UNFINISHED = [status for status in Status if status not in (Status.FINISHED, Status.FAILED)]


def check_free_name(store: Store, name: str, run: str | None = None) -> None:
    """Refuse a name under which an agent could not be saved.

    Args:
        run: the run that the name is for, where it is there already.

    Raises:
        AgentError: it is not a name, or belongs to an agent that comes with the lab.
        StoreError: an agent or a run has it already.
    """
    check_name(name)
    if (store.agents_folder() / name).exists():
        raise StoreError(f"there is an agent {name!r} already; choose another name or delete it first.")
    taken = [one for one in (store.find_run(name),) if one is not None and one.id == name]
    for record in taken or store.runs(name=name, statuses=UNFINISHED, limit=1):
        if record.id != run:
            raise StoreError(f"the name {name!r} belongs to run {record.id} ({record.status}); choose another name.")


def rename(store: Store, record: RunRecord, name: str | None) -> None:
    """Give a run another name, or none; an agent that was saved under the old one stays.

    Raises:
        AgentError, StoreError: the name is not free; see `check_free_name`.
    """
    if name == record.name:
        return
    if name is not None:
        check_free_name(store, name, record.id)
    store.label_run(record.id, name=name)


def check_tag(tag: str) -> str:
    """A tag as it may be given to a run.

    Raises:
        StoreError: it is no word.
    """
    if not NAME.fullmatch(tag):
        raise StoreError(f"{tag!r} should be a tag of letters, digits, dots, dashes and underscores.")
    return tag


def set_tags(store: Store, run: str, tags: Iterable[str]) -> tuple[str, ...]:
    """Give a run these tags in place of those that it has; returns them as they are kept.

    Raises:
        StoreError: one of them is no word.
    """
    kept = tuple(sorted({check_tag(tag) for tag in tags}))
    store.label_run(run, tags=list(kept))
    return kept
