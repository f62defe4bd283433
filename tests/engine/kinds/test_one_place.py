"""What a run's kind is, is asked of the registry alone: engine and app know nothing of the lab's own two kinds."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import engine
from engine.learners.kinds import OWN, kinds
from engine.learners.settings import Settings

ROOT = Path(engine.__file__).parent.parent
OWN_LEARNERS = ("config", "specs", "presets", "schedules", "dqn", "imitation", "kinds")
OWN_FILES = {
    *(ROOT / "engine" / "kinds").glob("*.py"),
    *(ROOT / "engine" / "learners" / f"{name}.py" for name in OWN_LEARNERS),
    ROOT / "engine" / "analysis" / "findings.py",
}
"""Where the lab's own kinds are at home."""
OWN_MODULES = {*OWN, *(f"engine.learners.{name}" for name in ("presets", "schedules", "dqn", "imitation"))}
OWN_KINDS = [kind for kind in kinds().values() if type(kind).__module__ in OWN]
CLASSES = {of.__name__ for kind in OWN_KINDS for of in (type(kind), kind.spec_type, kind.spec_type.config_type)}
NAMES = {kind.name for kind in OWN_KINDS} | {preset.name for kind in OWN_KINDS for preset in kind.presets}
EVERYDAY = {"environment", "epochs"}
"""Settings whose names are also those of other things."""
SETTINGS = {name for kind in OWN_KINDS for name in kind.spec_type.config_type.names()} - EVERYDAY
SETTINGS -= set(Settings.__annotations__)
DRAWN = {chart.name for kind in OWN_KINDS for chart in kind.charts}
DRAWN |= {trace.series for kind in OWN_KINDS for chart in kind.charts for trace in chart.traces}
LOOK_UPS = {"chart", "chart_named", "read", "view", "last", "length", "trailing", "last_values", "first_point"}
"""Functions that are asked for a chart or a series by its name."""
EXCEPTIONS = {
    # What `train` does where nothing is said.
    ("tui_lab/commands/train.py", "'dqn'"),
    ("tui_lab/commands/train.py", "'robust'"),
    # `fit` is the imitation's own command: it makes such runs and asks nothing.
    ("tui_lab/commands/fit.py", "ImitationConfig"),
    ("tui_lab/commands/fit.py", "ImitationSpec"),
    # A clone of one's own play is an imitation, of the size that the course's smallest is.
    ("engine/runs/theatre.py", "ImitationSpec"),
    ("engine/runs/theatre.py", "'mlp-1'"),
}


def knowledge(source: str) -> Iterator[str]:
    """Whatever in a module's code knows one of the lab's own kinds; documentation may."""
    tree = ast.parse(source)
    words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names if alias.name in OWN_MODULES)
            case ast.ImportFrom(module=module, names=names):
                yield from (f"{module}" for _ in names[:1] if module in OWN_MODULES)
                yield from (alias.name for alias in names if alias.name in CLASSES)
            case ast.Name(id=name) if name in CLASSES:
                yield name
            case ast.Attribute(attr=name) if name in CLASSES:
                yield name
            case ast.Attribute(value=ast.Name(id="config") | ast.Attribute(attr="config"), attr=name) if (
                name in SETTINGS | EVERYDAY
            ):
                yield f"config.{name}"
            case ast.Constant(value=str(text)) if node not in words and text in NAMES | SETTINGS:
                yield repr(text)
            case ast.Call(func=ast.Name(id=asked) | ast.Attribute(attr=asked), args=args) if asked in LOOK_UPS:
                yield from (f"{asked}({a.value!r})" for a in args if isinstance(a, ast.Constant) and a.value in DRAWN)


def test_no_module_but_their_own_knows_the_labs_kinds() -> None:
    """A place found here should ask the registry, by `kind_of(spec)` or `kind_named(name)`, for what a kind offers."""
    modules = [path for package in ("engine", "tui_lab") for path in (ROOT / package).rglob("*.py")]
    assert len(modules) > 80
    assert set(modules) > OWN_FILES, "the places that are left out are still there"
    found = {
        (path.relative_to(ROOT).as_posix(), what)
        for path in modules
        if path not in OWN_FILES
        for what in knowledge(path.read_text(encoding="utf-8"))
    }
    assert found - EXCEPTIONS == set()
    assert EXCEPTIONS - found == set(), "an exception that nobody needs any more"


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("isinstance(spec, DQNSpec)", "DQNSpec"),
        ("issubclass(kind.spec_type, specs.ImitationSpec)", "ImitationSpec"),
        ("from engine.learners.config import DQNConfig", "DQNConfig"),
        ("from engine.learners.dqn import DQNLearner", "engine.learners.dqn"),
        ("import engine.kinds.imitation", "engine.kinds.imitation"),
        ("if record.kind == 'dqn': pass", "'dqn'"),
        ("colors = {'imitation': 1}", "'imitation'"),
        ("match kind:\n    case 'dqn': pass", "'dqn'"),
        ("match spec:\n    case ImitationSpec(): pass", "ImitationSpec"),
        ("'discount_factor' in settings", "'discount_factor'"),
        ("record.spec['config']['batch_size']", "'batch_size'"),
        ("rate = run.spec.config.epsilon_end", "config.epsilon_end"),
        ("config.environment", "config.environment"),
        ("preset_spec('bad')", "'bad'"),
        ("kind.chart('q')", "chart('q')"),
        ("log.last('test_accuracy')", "last('test_accuracy')"),
    ],
)
def test_such_knowledge_is_found(source: str, what: str) -> None:
    assert what in list(knowledge(source))


@pytest.mark.parametrize(
    "source",
    [
        "isinstance(spec, RowsSpec)",
        "spec.config.seed, spec.config.nn_hidden_layers, spec.config.to_dict()",
        "kind_of(spec).environment(spec.config)",
        "class A:\n    '''bad'''\n    b = 1\n    'dqn'",
        "log.last(trace.series)",
        "Figure('greedy', mean, 'return')",
    ],
)
def test_what_every_kind_has_may_be_used_and_words_may_name_anything(source: str) -> None:
    assert list(knowledge(source)) == []
