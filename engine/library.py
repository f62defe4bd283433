"""Finding agents: shipped, saved, of a run, scripted, or in a folder; and the card that says how one was made."""

from __future__ import annotations

import platform
import re
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

from engine.agents import SCRIPTED, SHIPPED, Agent, AgentError, NetworkAgent, load_agent, save_agent, scripted_agent
from engine.config import DQNConfig
from engine.database import StoreError
from engine.evaluation import CARTPOLE
from engine.runs import best_of
from engine.store import LATEST, RunRecord, Store

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def find_agent(store: Store, text: str) -> Agent:
    """The agent that `text` names: a scripted rule, a saved or shipped agent, a run's id (`ID`, `ID:last`, `ID:best`),
    `latest:PRESET` for the newest finished run of a preset, or a path.

    Raises:
        AgentError: there is none, or its folder is damaged.
    """
    rule = scripted_agent(text)
    if rule is not None:
        return rule
    folder = agent_folder(store, text)
    if folder is None:
        raise AgentError(
            f"there is no agent {text!r}; it should be a saved agent ({', '.join(agent_names(store)) or 'none yet'}), "
            f"a run's id, a folder, or a rule ({', '.join(SCRIPTED)})."
        )
    return load_agent(folder, text)


def environment_of(agent: Agent) -> str:
    """The environment that an agent acts in: what its run trained in, and CartPole for clones and rules."""
    config = agent.config if isinstance(agent, NetworkAgent) else None
    return config.environment if isinstance(config, DQNConfig) else CARTPOLE


def agent_folder(store: Store, text: str) -> Path | None:
    """The folder of a network agent, or None where the text names none."""
    if text.startswith(LATEST):
        run = store.latest_run(text.removeprefix(LATEST))
        if run is None:
            raise AgentError(f"there is no finished run of preset {text.removeprefix(LATEST)!r} yet; train one first.")
        return run_agent_folder(store, run.id)
    if NAME.fullmatch(text):
        for parent in (store.agents_folder(), SHIPPED):
            if (parent / text).is_dir():
                return parent / text
    run_id, _, which = text.partition(":")
    try:
        store.run(run_id)
    except StoreError:
        return Path(text) if Path(text).is_dir() else None
    return run_agent_folder(store, run_id, which or None)


def run_agent_folder(store: Store, run_id: str, which: str | None = None) -> Path:
    """The folder of a run's agent: `which` is last or best; without it the best where one was kept."""
    agents = store.run_folder(run_id) / "agents"
    names = sorted(p.name for p in agents.iterdir() if p.is_dir()) if agents.is_dir() else []
    if not names:
        raise AgentError(f"run {run_id} has no agent yet; it saves one when it finishes or is stopped.")
    chosen = which or best_of(dict.fromkeys(names))
    if chosen not in names:
        raise AgentError(f"run {run_id} has no agent {chosen!r}; it has {' and '.join(names)}.")
    return agents / chosen


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
    if (SHIPPED / name).is_dir() or name in SCRIPTED:
        raise AgentError(f"the name {name!r} belongs to an agent that comes with the lab; choose another.")
    return name


def import_agent(store: Store, folder: Path, name: str) -> NetworkAgent:
    """Copy a valid agent folder into the home folder under `name`.

    Raises:
        AgentError: the folder holds no valid agent, or the name is not free.
    """
    agent = load_agent(folder, check_name(name))
    target = store.agents_folder() / name
    if target.exists():
        raise AgentError(f"there is an agent {name!r} already; choose another name or delete it first.")
    save_agent(target, agent)
    return agent


def delete_agent(store: Store, name: str) -> None:
    """Delete a saved agent.

    Raises:
        AgentError: there is no saved agent of that name.
    """
    folder = store.agents_folder() / name
    if not NAME.fullmatch(name) or not folder.is_dir():
        raise AgentError(f"there is no saved agent {name!r} to delete.")
    shutil.rmtree(folder)


def run_card(record: RunRecord, which: str, counters: dict[str, int], state_hash: str | None) -> dict[str, Any]:
    """How a run's agent was made."""
    return {
        "made_by": f"run {record.id} ({record.title}), {which} weights",
        "kind": record.kind,
        "preset": record.preset,
        "seed": record.seed,
        "spec": record.spec,
        **counters,
        "state_hash": state_hash,
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """The versions that a figure may depend on."""
    packages = ("dqn-lab", "torch", "gymnasium", "numpy")
    return {"python": platform.python_version(), "machine": platform.machine()} | {p: version(p) for p in packages}
