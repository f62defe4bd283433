"""The table of keys: where it comes from, what `keys.toml` may change, and that a changed key works."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.tui_lab.fakes import screen_text
from tests.tui_lab.pilot import Open, until
from tui_lab.cli import cli
from tui_lab.keys import FILE, KeysError, key_table, read_keymap


def changed(home: Path, text: str) -> dict[str, str]:
    (home / FILE).write_text(text)
    return read_keymap(home)


def test_every_key_has_a_name_and_a_meaning_of_its_own() -> None:
    table = key_table()
    assert len({key.id for key in table}) == len(table)
    assert {"app.help", "bench.start", "map.open", "quiz.hint", "settings.edit"} <= {key.id for key in table}
    assert all(key.meaning for key in table)
    assert all("." in key.id for key in table)


def test_without_a_file_nothing_is_changed(tmp_path: Path) -> None:
    assert read_keymap(tmp_path) == {}


@pytest.mark.parametrize("text", ['bench.start = "f5"', '[bench]\nstart = "f5"', '"bench.start" = "f5"'])
def test_a_line_gives_an_action_another_key(tmp_path: Path, text: str) -> None:
    assert changed(tmp_path, text) == {"bench.start": "f5"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('bench.strat = "f5"', "there is no key bench.strat; did you mean bench.start?"),
        ('xyz = "f5"', "there is no key xyz; `dqn-lab keys` lists them."),
        ("bench.start = 5", 'bench.start takes a text such as "f5"'),
        ('bench.start = "hyper"', "'hyper' is no key"),
        ("bench.start", "is not valid TOML"),
        ('bench.start = "x"', "bench.start and bench.stop cannot both be on x."),
        ('bench.start = "?"', "bench.start and app.help cannot both be on ?."),
        ('bench.start = "b"', "bench.start and lesson.change_over cannot both be on b."),
        ('app.settings = "r"', "app.settings and bench.start cannot both be on r."),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_a_sentence(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(KeysError) as refused:
        changed(tmp_path, text)
    assert told in str(refused.value)
    assert str(tmp_path / FILE) in str(refused.value)


def test_two_actions_may_change_their_keys_with_each_other(tmp_path: Path) -> None:
    text = 'bench.start = "x"\nbench.stop = "r"'
    assert changed(tmp_path, text) == {"bench.start": "x", "bench.stop": "r"}


async def test_a_changed_key_works_and_is_the_one_that_is_shown(open_lab: Open) -> None:
    def before(lab: object) -> None:
        (lab.store.home / FILE).write_text('app.theme = "f2"\napp.help = "f3"')  # type: ignore[attr-defined]

    async with open_lab(before=before) as (app, pilot):
        await pilot.press("t")
        assert app.theme == "lab-dark"
        await pilot.press("f2")
        assert app.theme == "lab-light"
        await until(pilot, lambda: "f3 Help" in screen_text(app).split("\n")[-1])


async def test_a_file_that_cannot_be_used_leaves_the_usual_keys(open_lab: Open) -> None:
    def before(lab: object) -> None:
        (lab.store.home / FILE).write_text("not = [toml")  # type: ignore[attr-defined]

    async with open_lab(before=before, toasts=True) as (app, pilot):
        await until(pilot, lambda: "not valid TOML" in " ".join(screen_text(app).split()))
        await pilot.press("t")
        assert app.theme == "lab-light"


def test_the_command_lists_changed_keys_and_says_where_they_are_changed(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('bench.start = "f5"')
    told = CliRunner().invoke(cli, ["--home", str(tmp_path), "keys"]).stdout
    assert any(line.split()[:2] == ["bench.start", "f5"] for line in told.split("\n"))
    assert str(tmp_path / FILE) in told


def test_the_readme_names_keys_that_there_are() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    rows = readme.split("| key | what it does |")[1].split("\n\n")[0].splitlines()[2:]
    signs = {"?": "question_mark", "[": "left_square_bracket", "]": "right_square_bracket", "esc": "escape"}
    named = {cell for row in rows for cell in row.split("|")[1].replace("...", ",").split("`")[1::2]}
    known = {key for entry in key_table() for key in entry.keys.split(",")} | {"ctrl+p"}
    assert {signs.get(key, key) for key in named} <= known
