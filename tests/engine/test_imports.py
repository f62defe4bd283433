"""Import hygiene, proved in fresh processes: the front door is light, what learns knows no storage, nothing draws."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys

import pytest

import engine

PRINT_MODULES = "import json, sys; print(json.dumps(sorted(sys.modules)))"
HEAVY = {"torch", "gymnasium", "pandas", "optuna", "sqlalchemy"}


def modules_after(statements: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{statements}\n{PRINT_MODULES}"], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    "module",
    [
        "engine",
        "engine.laboratory",
        "engine.runs.seeds",
        "engine.runs.search",
        "engine.storage.store",
        "engine.storage.names",
        "engine.analysis.findings",
        "engine.analysis.grading",
        "engine.learners.presets",
    ],
)
def test_the_front_door_does_not_load_torch_gymnasium_or_pandas(module: str) -> None:
    assert modules_after(f"import {module}") & HEAVY == set()


def test_looking_up_kinds_and_presets_loads_none_of_them_either() -> None:
    statements = "from engine.learners.kinds import kinds, preset_spec; kinds(); preset_spec('good-2').recipe"
    assert modules_after(statements) & HEAVY == set()


@pytest.mark.parametrize("learner", ["dqn", "imitation"])
def test_what_learns_does_not_know_that_anything_is_ever_stored(learner: str) -> None:
    loaded = modules_after(f"import engine.learners.{learner}")
    assert "torch" in loaded
    assert {name for name in loaded if name.startswith(("engine.storage", "engine.runs", "engine.agents"))} == set()
    assert loaded & {"sqlite3", "filelock", "platformdirs"} == set()


def test_no_module_of_the_engine_loads_what_draws() -> None:
    names = [module.name for module in pkgutil.walk_packages(engine.__path__, "engine.")]
    assert len(names) > 30
    loaded = modules_after("\n".join(f"import {name}" for name in names))
    assert "torch" in loaded
    assert loaded & {"textual", "rich", "plotext", "click", "tui_lab"} == set()
