"""The map of the engine on its page names every module, and none that is not there."""

from __future__ import annotations

import re
from pathlib import Path

ENGINE = Path(__file__).parent.parent / "engine"


def test_the_map_of_the_engine_names_every_module_in_its_room() -> None:
    page = (ENGINE / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z_]+/|laboratory\.py)` \| (.*) \|$", page, re.MULTILINE)
    told = {room: set(re.findall(r"`(\w+\.py)`", text)) for room, text in rows if room.endswith("/")}
    assert told == {
        f"{room.name}/": {path.name for path in room.glob("*.py")} - {"__init__.py"}
        for room in ENGINE.iterdir()
        if (room / "__init__.py").exists()
    }
