"""Finding agents: shipped, saved, of a run, scripted, or in a folder; and the card that says how one was made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.agents.agent import Agent, NetworkAgent
from engine.agents.names import SCRIPTED, AgentError
from engine.agents.rules import scripted_agent
from engine.learners.environment_facts import CARTPOLE
from engine.learners.machine import versions
from engine.storage.agent_folders import load_agent, save_agent
from engine.storage.files import remove_folder
from engine.storage.names import NAME, agent_folder, agent_names, check_name
from engine.storage.records import RunRecord
from engine.storage.store import Store


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
    """The environment that an agent acts in: what its run trained in, and CartPole for rules."""
    return agent.environment if isinstance(agent, NetworkAgent) else CARTPOLE


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
    remove_folder(folder)


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
