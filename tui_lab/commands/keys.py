"""`dqn-lab keys`: every key of the lab, and how to change one."""

from __future__ import annotations

import click

from tui_lab.commands.options import Options, json_option, pass_options
from tui_lab.commands.output import emit_json, table


@click.command(short_help="List every key of the lab.")
@json_option
@pass_options
def keys(options: Options, as_json: bool) -> None:
    """List every key of the lab by the name that keys.toml in the home folder knows it by.

    A line such as bench.start = "f5" in that file gives an action another key.
    """
    from tui_lab.keys import FILE, key_table, read_keymap, sign

    changed = read_keymap(options.home_folder)
    rows = {key.id: (changed.get(key.id, key.keys), key.meaning) for key in key_table()}
    if as_json:
        emit_json({name: {"keys": given.split(","), "meaning": meaning} for name, (given, meaning) in rows.items()})
        return
    shown = [(name, " ".join(map(sign, given.split(","))), meaning) for name, (given, meaning) in rows.items()]
    click.echo(table(("name", "keys", "what it does"), shown))
    click.echo(f'\n{options.home_folder / FILE} changes them, with lines like bench.start = "f5".')
