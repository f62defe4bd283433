"""Import hygiene, proved in fresh processes: the engine's front door is light, and the engine never draws."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys

import pytest

import engine

PRINT_MODULES = "import json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"


def modules_after(statements: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{statements}\n{PRINT_MODULES}"], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    "module", ["engine", "engine.laboratory", "engine.presets", "engine.store", "engine.diagnosis"]
)
def test_the_front_door_does_not_load_torch_gymnasium_or_pandas(module: str) -> None:
    assert modules_after(f"import {module}") & {"torch", "gymnasium", "pandas"} == set()


def test_no_module_of_the_engine_loads_what_draws() -> None:
    names = [module.name for module in pkgutil.iter_modules(engine.__path__, "engine.")]
    assert len(names) > 15
    loaded = modules_after("\n".join(f"import {name}" for name in names))
    assert "torch" in loaded
    assert loaded & {"textual", "rich", "plotext", "click", "tui_lab"} == set()
