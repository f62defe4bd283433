"""What every command shares: the global options, the laboratory they lead to, and options that many commands take."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from engine.laboratory import Laboratory
    from tui_lab.glyphs import BandwidthChoice, GlyphChoice

SEED = click.IntRange(0, 2**63 - 1)
EVALUATION_SEED = click.IntRange(0, 2**32 - 1)
DEFAULT_EPISODES = 1_000


@dataclass(frozen=True, slots=True)
class Options:
    """The global options as given."""

    home: Path | None
    low_bandwidth: BandwidthChoice
    glyphs: GlyphChoice
    mouse: bool

    @property
    def home_folder(self) -> Path:
        """Where the lab keeps everything."""
        from engine.storage.store import home_folder

        return home_folder(self.home)

    @contextmanager
    def laboratory(self) -> Iterator[Laboratory]:
        """The home folder, opened; whatever still runs at the end is stopped with a checkpoint.

        Raises:
            StoreError: the home folder cannot be used.
        """
        from engine.laboratory import Laboratory

        lab = Laboratory(self.home_folder)
        try:
            yield lab
        finally:
            lab.close()

    def command(self, text: str) -> str:
        """A `dqn-lab` command to suggest, with the same home folder."""
        home = "" if self.home is None else f" --home {shlex.quote(str(self.home))}"
        return f"dqn-lab{home} {text}"


pass_options = click.make_pass_decorator(Options)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask first.")
force_option = click.option("--force", is_flag=True, help="Write over what is there.")
seed_option = click.option("--seed", type=SEED, default=0, show_default=True, help="Names every random stream.")
name_option = click.option("--name", help="Also save the agent under this name.")
cluster_option = click.option(
    "--cluster",
    metavar="ADDRESS|FILE",
    help="Train on a Dask cluster: its scheduler's address or file, or a YAML file that describes one.  "
    "[default: this machine's cores]",
)
