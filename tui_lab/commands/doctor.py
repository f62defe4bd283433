"""`dqn-lab doctor`: what this terminal, this home folder and these versions can do."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import click

from engine.learners.machine import usable_cores
from tui_lab.commands.errors import Failed
from tui_lab.commands.options import Options, json_option, pass_options
from tui_lab.commands.output import emit_json, pairs

PACKAGES = (
    "dqn-lab",
    "torch",
    "gymnasium",
    "numpy",
    "pandas",
    "safetensors",
    "textual",
    "plotext",
    "click",
    "tensorboard",
)
SAMPLES = {"  braille": "⣀⡠⠔⠒▗▞▀▚", "  block": "▄█▀░▒▓█", "  ascii": "_.-'"}


@click.command(short_help="Report what this terminal and this home folder can do.")
@json_option
@pass_options
def doctor(options: Options, as_json: bool) -> None:
    """Report what this terminal, this home folder and these versions can do."""
    facts = {
        "versions": _versions(),
        "home": _home(options.home_folder),
        "terminal": _terminal(options),
        "machine": _machine(),
    }
    if as_json:
        emit_json(facts)
    else:
        for title, part in facts.items():
            rows = {f"  {key.replace('_', ' ')}": _words(value) for key, value in part.items() if key != "error"}
            click.echo(f"{title}\n{pairs(rows)}")
        click.echo("glyphs: each of these should look whole\n" + pairs(_printable_samples()))
    if facts["home"]["error"] is not None:
        raise Failed(facts["home"]["error"])


def _words(value: object) -> object:
    if value is None:
        return "not there"
    return ("yes" if value else "no") if isinstance(value, bool) else value


def _versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def _home(folder: Path) -> dict[str, Any]:
    from engine.storage.records import StoreError
    from engine.storage.store import Store

    facts: dict[str, Any] = {"path": folder, "writable": False, "megabytes": None, "runs": None, "error": None}
    try:
        store = Store(folder)
        facts["runs"] = store.count_runs()
        store.close()
    except StoreError as error:
        return facts | {"error": str(error)}
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return facts | {"writable": os.access(folder, os.W_OK), "megabytes": round(size / 1e6, 1)}


def _terminal(options: Options) -> dict[str, Any]:
    from tui_lab.screens.small_screen import too_small

    columns, lines = shutil.get_terminal_size()
    return {
        "is_a_terminal": sys.stdin.isatty() and sys.stdout.isatty(),
        "size": f"{columns} x {lines}",
        "large_enough": not too_small(columns, lines),
        "TERM": os.environ.get("TERM"),
        "COLORTERM": os.environ.get("COLORTERM"),
        "colours": _colours(),
        "encoding": sys.stdout.encoding,
        "utf8": _utf8(),
        "glyphs": _glyphs(options),
        "drawing": _drawing(options),
        "over_ssh": "SSH_CONNECTION" in os.environ,
    }


def _colours() -> int:
    """How many colours the environment promises; 0 for none."""
    term = os.environ.get("TERM", "")
    if os.environ.get("NO_COLOR") or term == "dumb" or (not term and os.name != "nt"):
        return 0
    if os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit") or os.environ.get("WT_SESSION"):
        return 2**24
    return 256 if "256color" in term else 16


def _utf8() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def _glyphs(options: Options) -> str:
    from tui_lab.glyphs import choose_glyphs

    return choose_glyphs(options.glyphs).name


def _drawing(options: Options) -> str:
    """How often the lab would draw on this terminal, and why."""
    from tui_lab.glyphs import choose_pace

    return f"charts {choose_pace(options.low_bandwidth).told()}"


def _printable_samples() -> dict[str, str]:
    return SAMPLES if _utf8() else {"  ascii": SAMPLES["  ascii"]}


def _machine() -> dict[str, Any]:
    return {
        "system": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "usable_cores": usable_cores(),
    }
