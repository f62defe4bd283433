"""Settings to play with: each key, what is said of a wrong value, an experiment from its question to its verdict."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.events import Paste
from textual.widgets.option_list import Option

from engine.learners.kinds import preset
from engine.learners.presets import GOOD_2
from tests.engine.kinds.third import third_kind
from tests.engine.runs.made_seeds import MadeSeeds
from tests.tui_lab.fakes import screen_text
from tests.tui_lab.pilot import LabPilot, Open, bench, block, flat, make_lesson, only, said, until
from tui_lab.app import LabApp
from tui_lab.lesson import Lesson
from tui_lab.screens.course_map import CourseMap
from tui_lab.screens.quit_screen import QuitScreen
from tui_lab.screens.settings_screen import SettingsScreen
from tui_lab.widgets.ask_page import AskPage, Expectations
from tui_lab.widgets.chart import Chart
from tui_lab.widgets.experiments_page import Experiments, ExperimentsPage
from tui_lab.widgets.rows import RowList
from tui_lab.widgets.setting_rows import SettingList, SettingRows, ValueInput
from tui_lab.widgets.settings_bench import SettingsBench
from tui_lab.widgets.settings_page import SettingsPage
from tui_lab.widgets.words import Words

BLOCK = block("settings", title="Play", preset="tuned", settings=["learning_rate", "double_q"], seeds=2, episodes=20)


@pytest.fixture
def crew(monkeypatch: pytest.MonkeyPatch) -> MadeSeeds:
    made = MadeSeeds()
    monkeypatch.setattr("engine.runs.experiment_job.LocalCrew", lambda *_args, **_extra: made)
    return made


@pytest.fixture
def lesson(tmp_path: Path) -> Lesson:
    return make_lesson(tmp_path, BLOCK)


async def open_screen(app: LabApp, pilot: LabPilot) -> SettingsPage:
    app.push_screen(SettingsScreen())
    await until(pilot, lambda: isinstance(app.screen, SettingsScreen) and app.screen.query(SettingList))
    await until(pilot, lambda: only(app, SettingList).has_focus)
    return only(app, SettingsPage)


def shown(app: LabApp, kind: type[RowList]) -> list[str]:
    rows: list[Option] = list(only(app, kind).options)
    return [str(row.prompt) for row in rows]


def words(app: LabApp, selector: str) -> str:
    return str(app.screen.query_one(selector, Words).words)


def row_of(app: LabApp, name: str) -> str:
    (found,) = [row for row in shown(app, SettingList) if row[2:].startswith(f"{name} ")]
    return found


async def choose(app: LabApp, pilot: LabPilot, name: str) -> None:
    """Go to a setting with the keys."""
    rows = only(app, SettingRows)
    await pilot.press("home", *["down"] * rows.names.index(name))
    assert rows.chosen == name


async def type_value(app: LabApp, pilot: LabPilot, text: str) -> None:
    """Into the field, in place of what stands there."""
    field = next(one for one in app.screen.query(ValueInput) if one.has_focus)
    field.value = ""
    await pilot.press(*(key_of(letter) for letter in text))


def key_of(letter: str) -> str:
    return {".": "full_stop", "-": "minus", "/": "slash", "_": "underscore"}.get(letter, letter)


async def paste(app: LabApp, pilot: LabPilot, text: str) -> None:
    assert app.focused is not None
    app.focused.post_message(Paste(text))
    await pilot.pause()


# --- the way of somebody who has read nothing


async def test_a_change_of_the_learning_rate_over_three_seeds_tells_whether_it_helped(
    open_lab: Open, crew: MadeSeeds
) -> None:
    async with open_lab() as (app, pilot):
        await open_screen(app, pilot)
        assert only(app, SettingRows).chosen == "learning_rate"
        assert "Adam's step size." in screen_text(app)
        await pilot.press("right")
        assert row_of(app, "learning_rate").split()[1:] == ["learning_rate", "0.0003436", "preset", "0.0001718"]
        await pilot.press("r")
        assert "bad with learning_rate 0.0003436 instead of 0.0001718" in flat(app)
        assert "6 runs of 200 episodes: 0 there already, 6 to train." in flat(app)
        await pilot.press("enter")
        assert not crew.sent, "nothing runs before something is expected"
        await pilot.press("down", "enter")
        await until(pilot, lambda: shown(app, Experiments) and shown(app, Experiments)[0].startswith("✓"))
        was = "over 3 seeds the greedy mean return was +17.0 (+17.0 to +17.0)"
        assert words(app, "#verdict") == f"You expected better; {was}: better, as you expected."
        assert words(app, "#seed-scores").startswith("seed 0: 17.0, yours 34.0; seed 1: 27.0, yours 44.0")
        assert shown(app, Experiments) == ["✓ bad        +17.0 (+17.0 to +17.0)  learning_rate 0.0003436, 3 seeds"]
        assert app.lab.store.count_runs() == 6
        assert [one.expected for one in app.lab.experiments()] == ["better"]


# --- changing settings


async def test_the_keys_step_type_and_take_back(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        page = await open_screen(app, pilot)
        await pilot.press("left", "left", "right")
        assert page.draft.value("learning_rate") == pytest.approx(preset("bad").config.learning_rate / 2)  # type: ignore[attr-defined]
        await pilot.press("backspace")
        assert page.draft.changes == {}
        await choose(app, pilot, "nn_hidden_layers")
        await pilot.press("enter")
        assert only(app, SettingRows).typed == "[256, 256]"
        await type_value(app, pilot, "64")
        problem = "nn_hidden_layers must be a list of layer widths such as [256, 256], not 64."
        assert words(app, "#problem") == problem
        await pilot.press("enter")
        assert only(app, SettingRows).typed == "64", "a wrong value is not taken"
        next(iter(app.screen.query(ValueInput))).value = "[64]"
        await pilot.pause()
        assert words(app, "#problem") == ""
        assert "450 parameters" in words(app, "#practice"), "what it amounts to, while it is typed"
        await pilot.press("enter")
        assert page.draft.value("nn_hidden_layers") == (64,)
        assert only(app, SettingList).has_focus


async def test_escape_leaves_a_value_as_it_was_and_then_the_screen(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        page = await open_screen(app, pilot)
        await pilot.press("enter")
        await type_value(app, pilot, "q?rx")
        assert "not 'q?rx'" in words(app, "#problem").replace("question_mark", "?")
        await pilot.press("escape")
        assert page.draft.changes == {}
        assert words(app, "#problem") == ""
        assert isinstance(app.screen, SettingsScreen)
        await pilot.press("escape")
        assert isinstance(app.screen, CourseMap)


async def test_settings_that_cannot_go_together_are_named_and_run_nothing(open_lab: Open, crew: MadeSeeds) -> None:
    async with open_lab() as (app, pilot):
        await open_screen(app, pilot)
        await choose(app, pilot, "memory_size")
        await pilot.press(*["left"] * 4)
        sentence = "n_steps_warm_up_memory (1000) must be at most memory_size (625), or training never starts."
        assert words(app, "#problem") == sentence
        assert words(app, "#practice") == ""
        await pilot.press("r")
        assert said(app) == [sentence]
        assert not only(app, AskPage).display


async def test_every_preset_can_be_chosen_and_what_was_changed_of_each_stays(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        page = await open_screen(app, pilot)
        await pilot.press("right")
        changed = page.draft
        await pilot.press("home", "left")
        assert page.draft.preset.name == "mlp-3"
        assert "epochs" in screen_text(app)
        assert "16 minibatches an epoch; 2,400 gradient steps in all; 133,378 parameters" in flat(app)
        await pilot.press("right")
        assert page.draft == changed
        await pilot.press("escape")
        again = await open_screen(app, pilot)
        assert again.draft == changed


async def test_nothing_changed_is_no_experiment(open_lab: Open, crew: MadeSeeds) -> None:
    async with open_lab() as (app, pilot):
        await open_screen(app, pilot)
        await pilot.press("r")
        assert said(app) == ["Nothing differs from bad yet. Change a setting first: left, right or enter."]
        await pilot.press("e", "r")
        assert said(app)[-1].startswith("There is no experiment yet.")


async def test_the_largest_choice_has_no_next_step(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        await open_screen(app, pilot)
        await choose(app, pilot, "learning_rate_final_fraction")
        await pilot.press("right")
        assert said(app) == ["There is no further step; enter lets you type any value."]


async def test_a_value_goes_to_the_setting_that_it_was_typed_for_wherever_a_click_went(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        page = await open_screen(app, pilot)
        await choose(app, pilot, "batch_size")
        await pilot.press("enter")
        await type_value(app, pilot, "8")
        await pilot.click(SettingList, offset=(5, 4))
        assert only(app, SettingRows).typed == "8"
        await pilot.press("enter")
        assert page.draft.changes == {"batch_size": 8}


# --- paste and copy


async def test_a_dict_from_the_course_is_pasted_as_a_terminal_does_it(open_lab: Open) -> None:
    course = dict(list(GOOD_2.to_dict().items())[:15])
    text = "hparams = " + repr(course).replace(", '", ",\r    '")
    async with open_lab() as (app, pilot):
        page = await open_screen(app, pilot)
        await paste(app, pilot, text)
        assert page.draft.spec.config == GOOD_2
        assert said(app)[0].startswith("Taken: 9 settings differ from bad. They are the course's settings alone")
        assert "bootstrap_on_truncation=false and target_check_behind_training=true" in said(app)[0]


async def test_pasted_into_a_value_a_dict_is_settings_all_the_same(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        page = await open_screen(app, pilot)
        await pilot.press("enter")
        await paste(app, pilot, '{"batch_size": 8}')
        assert page.draft.changes == {"batch_size": 8}
        assert only(app, SettingRows).typed is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"learning_rat": 3}', "'learning_rat' is not a setting; did you mean 'learning_rate'?"),
        ("{oh", "what was pasted is neither JSON nor a Python dict"),
        ("no such file", "no such file cannot be read as a text file"),
        ("x" * 5_000, "cannot be read as a text file"),
        ("a\x00b", "cannot be read as a text file"),
        ("~nobody-of-that-name/file", "cannot be read"),
    ],
)
async def test_what_cannot_be_pasted_is_said_and_changes_nothing(open_lab: Open, text: str, sentence: str) -> None:
    async with open_lab() as (app, pilot):
        page = await open_screen(app, pilot)
        await pilot.press("right")
        before = page.draft
        await paste(app, pilot, text)
        assert sentence in words(app, "#problem")
        assert page.draft == before


async def test_copied_settings_are_in_the_clipboard_and_in_a_file_that_can_be_read_again(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        page = await open_screen(app, pilot)
        await pilot.press("right", "y")
        (told,) = said(app)
        path = Path(told.removeprefix("Copied, and written to "))
        assert path.is_relative_to(app.lab.store.home)
        assert path.read_text() == app.clipboard
        assert json.loads(app.clipboard)["learning_rate"] == page.draft.value("learning_rate")
        before = page.draft
        await pilot.press("backspace", "o")
        await type_value(app, pilot, "")
        app.screen.query_one("#file", ValueInput).value = str(path)
        await pilot.press("enter")
        assert page.draft == before
        assert only(app, SettingList).has_focus


async def test_a_file_that_is_not_there_is_named_and_escape_goes_back(open_lab: Open) -> None:
    async with open_lab() as (app, pilot):
        await open_screen(app, pilot)
        await pilot.press("o", "x", "enter")
        assert words(app, "#problem").startswith("x cannot be read as a text file")
        await pilot.press("escape")
        assert words(app, "#problem") == ""
        assert only(app, SettingList).has_focus


# --- experiments


async def ask(pilot: LabPilot, *keys: str) -> None:
    await pilot.press("right", "r", *keys, "enter")


async def test_an_experiment_is_stopped_goes_on_and_is_there_another_day(open_lab: Open, crew: MadeSeeds) -> None:
    crew.allowed = 1
    async with open_lab() as (app, pilot):
        await open_screen(app, pilot)
        await ask(pilot, "left", "up")
        await until(pilot, lambda: "seed 0: 17.0, yours ..." in words(app, "#seed-scores"))
        assert shown(app, Experiments)[0].startswith("● bad")
        assert words(app, "#verdict") == "You expected worse; no seed has both scores yet."
        await pilot.press("q")
        assert isinstance(app.screen, QuitScreen)
        assert "experiment with bad is still training." in flat(app)
        await pilot.press("s", "x")
        await until(pilot, lambda: shown(app, Experiments)[0].startswith("■ bad"))
        assert words(app, "#verdict").endswith("It was stopped; r goes on with it.")
    crew.allowed = None
    async with open_lab() as (app, pilot):
        await open_screen(app, pilot)
        await pilot.press("e")
        await until(pilot, lambda: shown(app, Experiments) and "seed 0: 17.0" in words(app, "#seed-scores"))
        await pilot.press("r")
        await until(pilot, lambda: shown(app, Experiments)[0].startswith("✓ bad"))
        assert words(app, "#verdict").endswith("was +17.0 (+17.0 to +17.0): better, not as you expected.")
        assert app.lab.store.count_runs() == 4
        await pilot.press("r")
        assert said(app)[-1].startswith("All its runs are done.")


async def test_runs_that_are_there_are_told_and_used_and_an_old_experiment_keeps_its_expectation(
    open_lab: Open, crew: MadeSeeds
) -> None:
    async with open_lab() as (app, pilot):
        await open_screen(app, pilot)
        await ask(pilot, "down")
        await until(pilot, lambda: shown(app, Experiments) and shown(app, Experiments)[0].startswith("✓"))
        await pilot.press("escape", "right", "r")
        assert "6 runs of 200 episodes: 3 there already, 3 to train." in flat(app)
        await pilot.press("escape", "left", "r")
        assert "0 to train. This experiment is there: you expected better, and that stays." in flat(app)
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: only(app, Experiments).has_focus)
        assert len(app.lab.experiments()) == 1
        assert "You expected better;" in words(app, "#verdict")


async def test_one_seed_tells_nothing_of_chance_and_that_is_said(open_lab: Open, crew: MadeSeeds) -> None:
    async with open_lab() as (app, pilot):
        await open_screen(app, pilot)
        await pilot.press("right", "r", "left", "left", "left")
        assert "seeds 1 (0), the same for both sides" in flat(app)
        assert "One seed has no interval" in flat(app)
        await pilot.press("down", "enter")
        await until(pilot, lambda: "was +17.0. One seed has no interval" in words(app, "#verdict"))


async def test_an_experiments_settings_go_back_to_the_list(open_lab: Open, crew: MadeSeeds) -> None:
    async with open_lab() as (app, pilot):
        page = await open_screen(app, pilot)
        await ask(pilot, "down")
        await until(pilot, lambda: shown(app, Experiments) and shown(app, Experiments)[0].startswith("✓"))
        await pilot.press("escape", "backspace")
        assert page.draft.changes == {}
        await pilot.press("e", "enter")
        assert page.draft.value("learning_rate") == 2 * page.draft.usual("learning_rate")
        assert only(app, SettingList).has_focus


async def test_settings_that_do_nothing_are_told_apart_from_no_difference(open_lab: Open, crew: MadeSeeds) -> None:
    crew.score = lambda spec: 20.0
    async with open_lab() as (app, pilot):
        await open_screen(app, pilot)
        await ask(pilot, "down")
        await until(pilot, lambda: "so what you changed did not come into play" in words(app, "#verdict"))


# --- places and sizes


async def test_in_a_lesson_only_what_it_names_may_be_changed(open_lab: Open, lesson: Lesson, crew: MadeSeeds) -> None:
    async with open_lab(lesson=lesson) as (app, pilot):
        await pilot.press("1")
        await until(pilot, lambda: only(app, SettingList).has_focus)
        assert [row.split()[0] for row in shown(app, SettingList)] == ["learning_rate", "double_q", "▸"]
        assert "episodes" in shown(app, SettingList)[2]
        await ask(pilot, "down")
        await until(pilot, lambda: shown(app, Experiments) and shown(app, Experiments)[0].startswith("✓ tuned"))
        assert "20 episodes, seeds 0 to 1" in words(app, "#asked")
        (kept,) = app.lab.experiments()
        assert kept.changed.episodes == 20  # type: ignore[attr-defined]
        await pilot.press("escape")
        await until(pilot, lambda: only(app, SettingList).has_focus)
        assert not bench(app, SettingsBench).can("next_chart")


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (160, 48)])
async def test_every_page_fits_every_size(open_lab: Open, crew: MadeSeeds, size: tuple[int, int]) -> None:
    async with open_lab(size=size) as (app, pilot):
        await open_screen(app, pilot)
        await pilot.press("right")
        assert "0.0003436" in screen_text(app)
        assert ("There is no experiment yet." in flat(app)) == (size[0] == 160)
        await pilot.press("r")
        assert only(app, Expectations).has_focus
        assert "worse" in screen_text(app)
        assert "6 to train." in flat(app)
        await pilot.press("down", "enter")
        await until(pilot, lambda: "better, as you expected" in words(app, "#verdict"))
        assert only(app, Experiments).has_focus
        assert only(app, ExperimentsPage).query_one(Chart).size.height >= 3
        assert only(app, SettingsPage).display == (size[0] == 160)


async def test_where_both_pages_are_shown_the_keys_mean_the_one_with_the_focus(open_lab: Open, crew: MadeSeeds) -> None:
    async with open_lab(size=(160, 48)) as (app, pilot):
        await open_screen(app, pilot)
        await ask(pilot, "down")
        await until(pilot, lambda: "better, as you expected" in words(app, "#verdict"))
        await pilot.press("shift+tab")
        assert only(app, SettingList).has_focus
        await pilot.press("right", "r")
        assert only(app, Expectations).has_focus


async def test_a_third_kind_of_learner_is_played_with_like_the_others(open_lab: Open, crew: MadeSeeds) -> None:
    with third_kind():
        async with open_lab() as (app, pilot):
            page = await open_screen(app, pilot)
            await pilot.press("home", "left", "left")
            assert page.draft.preset.name == "sarsa"
            await choose(app, pilot, "recent")
            assert "nothing more is told of it" in flat(app)
            assert "times a transition is learned from 32" in flat(app)
            await choose(app, pilot, "learning_rate")
            await ask(pilot, "down")
            await until(pilot, lambda: shown(app, Experiments) and shown(app, Experiments)[0].startswith("✓ sarsa"))
            assert "over 3 seeds the greedy mean return was +100.0" in words(app, "#verdict")
