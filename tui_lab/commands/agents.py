"""`dqn-lab agents`: list, show, import, export and delete saved agents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tui_lab.commands.errors import Misuse
from tui_lab.commands.options import Options, json_option, pass_options, yes_option
from tui_lab.commands.output import RETURN_HEADER, RIGHT, emit_json, pairs, return_row, table
from tui_lab.commands.runs import ask_first

if TYPE_CHECKING:
    from engine.storage.store import Store

FOLDER = click.Path(path_type=Path)


@click.group(no_args_is_help=False)
def agents() -> None:
    """List, show, import, export and delete agents."""


@agents.command("list")
@json_option
@pass_options
def list_agents(options: Options, as_json: bool) -> None:
    """The agents that come with the lab, the saved ones, and the rules."""
    from engine.agents.names import SCRIPTED, AgentError
    from engine.storage.names import agent_names

    with options.laboratory() as lab:
        found = []
        for name in agent_names(lab.store):
            try:
                found.append(_facts(lab.store, name))
            except AgentError as error:
                found.append({"agent": name, "kind": "damaged", "made_by": str(error)})
    if as_json:
        keys = ("agent", "kind", "origin", "hidden_layers", "parameters", "made_by")
        emit_json({"agents": [{key: agent.get(key) for key in keys} for agent in found], "rules": SCRIPTED})
        return
    rows = [(a["agent"], a["kind"], _layers(a.get("hidden_layers")), a.get("parameters"), a["made_by"]) for a in found]
    click.echo(table(("agent", "kind", "hidden layers", "parameters", "made by"), rows, frozenset({"parameters"})))
    click.echo(f"rules: {', '.join(SCRIPTED)}")


def _layers(widths: list[int] | None) -> str | None:
    return None if widths is None else ", ".join(map(str, widths)) or "none"


def _facts(store: Store, text: str) -> dict[str, Any]:
    """What is known of a network agent."""
    from engine.agents.agent import NetworkAgent
    from engine.storage.library import find_agent
    from engine.storage.names import SHIPPED, agent_folder

    agent = find_agent(store, text)
    if not isinstance(agent, NetworkAgent):
        raise Misuse(f"{text!r} is a rule; there is nothing more to show.")
    folder = agent_folder(store, text)
    assert folder is not None
    return {
        "agent": text,
        "kind": agent.kind,
        "origin": "shipped" if folder.parent == SHIPPED else "saved",
        "folder": folder,
        "hidden_layers": list(agent.config.nn_hidden_layers),
        "parameters": agent.network.flat.numel(),
        "made_by": agent.card.get("made_by"),
        "settings": agent.config.to_dict(),
        "card": agent.card,
        "evaluations": [
            {"environment": kept.environment, "seed": kept.seed, "created": kept.created, **kept.figures()}
            for kept in store.evaluations(agent=text)
        ],
    }


@agents.command()
@click.argument("agent")
@json_option
@pass_options
def show(options: Options, agent: str, as_json: bool) -> None:
    """How AGENT was made, and what it scored."""
    with options.laboratory() as lab:
        facts = _facts(lab.store, agent)
    if as_json:
        emit_json(facts)
        return
    head = {key: facts[key] for key in ("agent", "kind", "folder", "parameters")}
    card = {key.replace("_", " "): value for key, value in facts["card"].items() if isinstance(value, str | int)}
    settings = {f"  {key}": json.dumps(value) for key, value in facts["settings"].items()}
    click.echo(pairs({**head, **card}) + "\n\nsettings\n" + pairs(settings))
    if facts["evaluations"]:
        rows = [return_row(f"seed {kept['seed']}", kept["environment"], kept) for kept in facts["evaluations"]]
        click.echo("\n" + table(RETURN_HEADER, rows, RIGHT))


@agents.command("import")
@click.argument("folder", type=FOLDER)
@click.option("--name", help="Name to save it under.  [default: the folder's]")
@json_option
@pass_options
def import_folder(options: Options, folder: Path, name: str | None, as_json: bool) -> None:
    """Check the agent in FOLDER and keep a copy of it under a name."""
    from engine.storage.library import import_agent

    with options.laboratory() as lab:
        agent = import_agent(lab.store, folder, name or folder.resolve().name)
    if as_json:
        emit_json({"agent": agent.name})
    else:
        click.echo(f"the agent is saved as {agent.name}.")


@agents.command()
@click.argument("name")
@click.argument("folder", type=FOLDER)
@json_option
@pass_options
def export(options: Options, name: str, folder: Path, as_json: bool) -> None:
    """Write the agent NAME (a saved agent, or a run's id) to a new FOLDER."""
    from engine.storage.export import export_agent

    with options.laboratory() as lab:
        export_agent(lab.store, name, folder)
    if as_json:
        emit_json({"agent": name, "folder": folder})
    else:
        click.echo(f"agent {name} is in {folder}")


@agents.command()
@click.argument("name")
@yes_option
@json_option
@pass_options
def delete(options: Options, name: str, yes: bool, as_json: bool) -> None:
    """Delete the saved agent NAME."""
    from engine.storage.library import delete_agent

    with options.laboratory() as lab:
        if (lab.store.agents_folder() / name).is_dir():
            ask_first(f"Delete agent {name}?", yes)
        delete_agent(lab.store, name)
    if as_json:
        emit_json({"deleted": name})
    else:
        click.echo(f"agent {name} is deleted.")
