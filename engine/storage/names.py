"""What the name of an agent means in a home folder, and where that agent lies. Loads no agent, and no torch."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from engine.agents.names import SCRIPTED, YOU, AgentError
from engine.learners.kinds import preset
from engine.storage.records import RunRecord, Status
from engine.storage.store import Store

SHIPPED = Path(__file__).parent.parent.parent / "saved"
LATEST = "latest:"
WEIGHTS = ("best", "last")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def latest_run(store: Store, preset_name: str) -> RunRecord | None:
    """The newest finished run of a preset as it is: its settings and its budget, from any seed.

    Raises:
        ConfigError: there is no preset of that name.
    """
    return store.latest_run(preset(preset_name).spec.recipe, Status.FINISHED)


def run_of(store: Store, text: str) -> str | None:
    """The id of the run that an agent's name points to (`ID`, `NAME`, `ID:best`, `latest:PRESET`), or None."""
    if text.startswith(LATEST):
        run = latest_run(store, text.removeprefix(LATEST))
    elif _named_folder(store, text) is not None:
        run = None
    else:
        run = store.find_run(text.partition(":")[0])
    return None if run is None else run.id


def agent_folder(store: Store, text: str) -> Path | None:
    """The folder of a network agent, or None where the text names none."""
    if text.startswith(LATEST):
        run = latest_run(store, text.removeprefix(LATEST))
        if run is None:
            raise AgentError(f"there is no finished run of preset {text.removeprefix(LATEST)!r} yet; train one first.")
        return run_agent_folder(store, run.id)
    named = _named_folder(store, text)
    if named is not None:
        return named
    name, _, which = text.partition(":")
    run = store.find_run(name)
    if run is None:
        return Path(text) if Path(text).is_dir() else None
    return run_agent_folder(store, run.id, which or None)


def _named_folder(store: Store, text: str) -> Path | None:
    """The folder of the saved or shipped agent of that name."""
    if not NAME.fullmatch(text):
        return None
    folders = (parent / text for parent in (store.agents_folder(), SHIPPED))
    return next((folder for folder in folders if folder.is_dir()), None)


def run_agent_folder(store: Store, run_id: str, which: str | None = None) -> Path:
    """The folder of a run's agent: `which` is last or best; without it the best where one was kept."""
    agents = store.run_folder(run_id) / "agents"
    names = weights_of(store, run_id)
    if not names:
        raise AgentError(f"run {run_id} has no agent yet; it saves one when it finishes or is stopped.")
    chosen = which or best_of(names)
    if chosen not in names:
        raise AgentError(f"run {run_id} has no agent {chosen!r}; it has {' and '.join(names)}.")
    return agents / chosen


def weights_of(store: Store, run_id: str) -> list[str]:
    """Which of a run's weights were saved: `best` where the run keeps one, and `last`."""
    agents = store.run_folder(run_id) / "agents"
    return [which for which in WEIGHTS if (agents / which).is_dir()]


def best_of(weights: Collection[str]) -> str:
    """Which of a run's weights stand for it: the kept best, else the last."""
    return next(which for which in WEIGHTS if which in weights)


def agent_names(store: Store) -> list[str]:
    """Names of the saved and the shipped agents."""
    parents = (store.agents_folder(), SHIPPED)
    folders = [p for parent in parents if parent.is_dir() for p in parent.iterdir() if NAME.fullmatch(p.name)]
    return sorted({folder.name for folder in folders if (folder / "hparams.json").is_file()})


def check_name(name: str) -> str:
    """A name that an agent may be saved under.

    Raises:
        AgentError: it would not be typeable, or is taken by a rule or a shipped agent.
    """
    if not NAME.fullmatch(name):
        raise AgentError(f"{name!r} should be a name of letters, digits, dots, dashes and underscores.")
    if (SHIPPED / name).is_dir() or name in (*SCRIPTED, YOU):
        raise AgentError(f"the name {name!r} belongs to an agent that comes with the lab; choose another.")
    return name
