"""The screen with all runs: what it lists, what each key does, and what it says where something cannot be done."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from string import ascii_uppercase

import pytest
from textual.widgets import Input

from engine.laboratory import Laboratory
from engine.learners.kinds import preset_spec
from engine.runs.run import Run
from engine.storage.forks import kept_steps
from engine.storage.labels import set_tags
from engine.storage.records import RunRecord, Status
from tests.tui_lab.fakes import drawn_text, fakes, use_fake_learners
from tests.tui_lab.pilot import LabPilot, Open, flat, has_points, only, said, trained, until
from tui_lab.app import LabApp
from tui_lab.plotting import Picture
from tui_lab.screens.ask_screen import AskScreen, SureScreen
from tui_lab.screens.compare_screen import CompareScreen
from tui_lab.screens.course_map import CourseMap
from tui_lab.screens.help_screen import HelpScreen
from tui_lab.screens.runs_screen import Filter, RunsScreen
from tui_lab.widgets.chart import Chart
from tui_lab.widgets.record_list import RecordList
from tui_lab.widgets.run_pane import MOST_CURVES, RunPane
from tui_lab.widgets.words import Words

WIDE = (160, 48)
Opened = tuple[LabApp, LabPilot]


@asynccontextmanager
async def all_runs(
    open_lab: Open,
    *before: Callable[[Laboratory], object],
    size: tuple[int, int] = (80, 24),
    hold_at: int | None = None,
    places: int = 8,
) -> AsyncIterator[Opened]:
    """The screen with all runs, over what was there before."""

    def all_before(lab: Laboratory) -> None:
        for one in before:
            one(lab)

    async with open_lab(size=size, hold_at=hold_at, before=all_before, places=places) as (app, pilot):
        app.push_screen(RunsScreen())
        await until(pilot, lambda: isinstance(app.screen, RunsScreen) and app.screen.query(RunPane))
        yield app, pilot


def stopped(preset: str, at: int, seed: int | None = None) -> Callable[[Laboratory], None]:
    """A run of an earlier day that stopped after so many episodes or epochs."""

    def before(lab: Laboratory) -> None:
        earlier = Laboratory(lab.store.home)
        use_fake_learners(earlier, hold_at=at)
        run = earlier.start(preset_spec(preset, seed=seed), preset=preset)
        while run.status != Status.RUNNING or run.progress * run.spec.to_dict()["episodes"] < at:
            assert not run.wait(0.002)
        earlier.close()

    return before


def tagged(*tags: str) -> Callable[[Laboratory], object]:
    """The newest run has these tags."""
    return lambda lab: set_tags(lab.store, newest(lab).id, tags)


def newest(lab: Laboratory) -> RunRecord:
    return lab.store.runs(limit=1)[0]


def lines(app: LabApp) -> list[str]:
    """The lines of the list that are on the screen, without ids."""
    records = only(app, RecordList)
    screen = app.screen
    assert isinstance(screen, RunsScreen)
    return [" ".join(str(screen._line(place)).split()) for place in range(len(screen._list.shown)) if records]


def titles(app: LabApp) -> list[str]:
    screen = app.screen
    assert isinstance(screen, RunsScreen)
    return [head.title for head in screen._list.shown]


def words(app: LabApp, selector: str) -> str:
    return str(app.screen.query_one(selector, Words).words)


def picture(app: LabApp) -> Picture:
    return only(app, Chart).picture


async def drawn(app: LabApp, pilot: LabPilot, curves: int) -> list[int]:
    """The colours of the curves, once there are so many with their data."""
    await until(pilot, lambda: len(legend(app)) == curves and has_points(picture(app)))
    return [series.color for series in picture(app).series]


def legend(app: LabApp) -> list[str]:
    """The labels of the curves."""
    labels = words(app, "#legend").split("  ")[1:]
    return [label.partition(" ")[2] for label in labels if label.partition(" ")[0] in (*ascii_uppercase, "━━")]


def page(app: LabApp) -> str:
    """The text of the page over the screen, without its frame and its line breaks."""
    return " ".join(flat(app).replace("│", " ").split())


async def answer(app: LabApp, pilot: LabPilot, text: str) -> None:
    """Type an answer over what stands on the line."""
    assert isinstance(app.screen, AskScreen)
    app.screen.query_one(Input).value = text
    await pilot.press("enter")


# --- what is there


async def test_an_empty_home_says_where_runs_come_from(open_lab: Open) -> None:
    async with all_runs(open_lab) as (app, pilot):
        await until(pilot, lambda: "lessons and `dqn-lab train` start some" in words(app, "#run-note"))
        assert words(app, "#found") == "0 runs, newest first"
        for key in "mdfk+nxgwDr ":
            await pilot.press("space" if key == " " else key)
        assert isinstance(app.screen, RunsScreen)


@pytest.mark.parametrize("size", [(80, 24), WIDE, (60, 16)])
async def test_every_run_has_a_line_and_the_chosen_one_its_chart(open_lab: Open, size: tuple[int, int]) -> None:
    async with all_runs(open_lab, trained("mlp-1", "bad"), size=size) as (app, pilot):
        await until(pilot, lambda: "mean 401" in page(app))
        await drawn(app, pilot, 1)
        shown = drawn_text(app)
        assert "✓" in shown
        assert "bad" in shown
        assert "mlp-1" in shown
        assert words(app, "#run-details").startswith(f"run {newest(app.lab).id} · bad · finished · seed 0")
        assert legend(app) == ["bad"]
        assert max(len(line) for line in shown.splitlines()) <= size[0]


async def test_results_are_the_mean_of_an_evaluation_else_the_headline(open_lab: Open) -> None:
    def evaluated(lab: Laboratory) -> None:
        import numpy as np

        lab.store.add_evaluation("x", newest(lab).id, "CartPole-v1", 0, 0, 1.0, np.array([77.0]))

    async with all_runs(open_lab, trained("mlp-1", "bad", "good-1"), evaluated) as (app, pilot):
        await until(pilot, lambda: "test .900" in lines(app)[2])
        assert "greedy 77" in lines(app)[0]
        assert "mean 401" in lines(app)[1]


async def test_moving_shows_another_run(open_lab: Open) -> None:
    async with all_runs(open_lab, trained("mlp-1", "bad")) as (app, pilot):
        await drawn(app, pilot, 1)
        await pilot.press("down")
        await until(pilot, lambda: legend(app) == ["mlp-1"])
        assert "mlp-1" in words(app, "#run-details")
        await pilot.press("c")
        assert words(app, "#legend").startswith("loss by epoch")


async def test_a_run_that_another_process_registers_appears(open_lab: Open) -> None:
    async with all_runs(open_lab, trained("bad")) as (app, pilot):
        other = Laboratory(app.lab.store.home)
        other.store.add_run(preset_spec("good-1"), "good-1", "visitor")
        app._follow()
        await until(pilot, lambda: titles(app) == ["visitor", "bad"])
        await until(pilot, lambda: " · bad · finished" in words(app, "#run-details"))  # The choice stays on its run.
        other.close()


async def test_a_live_run_moves_on_its_line(open_lab: Open) -> None:
    async with all_runs(open_lab, hold_at=50) as (app, pilot):
        app.lab.start(preset_spec("bad"), preset="bad")
        await until(pilot, lambda: lines(app) and "running 25 % mean 1" in lines(app)[0])
        fakes(app).hold_at = 100
        await until(pilot, lambda: "running 50 %" in lines(app)[0])
        await until(pilot, lambda: "50 %" in drawn_text(app))


# --- finding


async def test_typing_filters_and_esc_shows_all_again(open_lab: Open) -> None:
    async with all_runs(open_lab, trained("mlp-1", "good-1"), tagged("slow"), trained("bad")) as (app, pilot):
        await pilot.press("slash", "g", "o", "o")
        assert titles(app) == ["good-1"]
        assert words(app, "#found") == "1 of 3 runs, newest first"
        await pilot.press("escape")
        assert titles(app) == ["bad", "good-1", "mlp-1"]
        await pilot.press("slash", *"slow", "enter", "m")
        assert isinstance(app.focused, RecordList)
        assert words(app, "#found") == "1 marked, 1 of 3 runs, newest first"
        await pilot.press("escape")
        assert titles(app) == ["bad", "good-1", "mlp-1"]
        assert isinstance(app.screen, RunsScreen)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, CourseMap))


async def test_o_sorts_by_the_next_column_and_capital_o_turns(open_lab: Open) -> None:
    async with all_runs(open_lab, trained("mlp-1", "bad", "good-1")) as (app, pilot):
        await pilot.press("o")
        assert titles(app) == ["bad", "good-1", "mlp-1"]
        assert "title▴" in words(app, "#runs-head")
        await pilot.press("O")
        assert titles(app) == ["mlp-1", "good-1", "bad"]
        assert "title▾" in words(app, "#runs-head")


# --- several


async def test_marked_runs_are_laid_over_one_another(open_lab: Open) -> None:
    async with all_runs(open_lab, trained("bad", "good-1"), size=WIDE) as (app, pilot):
        await pilot.press("m", "m")
        assert await drawn(app, pilot, 2) == [0, 1]
        ids = [record.id for record in app.lab.store.runs()]
        assert legend(app) == [f"good-1 {ids[0]}", f"bad {ids[1]}"]
        assert [line[0] for line in lines(app)] == ["*", "*"]
        await pilot.press("M")
        await drawn(app, pilot, 1)
        assert words(app, "#found") == "2 runs, newest first"


async def test_runs_of_another_kind_are_left_out_and_that_is_said(open_lab: Open) -> None:
    async with all_runs(open_lab, trained("mlp-1", "bad")) as (app, pilot):
        await pilot.press("m", "m")
        await until(pilot, lambda: "1 run of another kind left out" in words(app, "#run-note"))
        assert len(legend(app)) == 1


async def test_no_more_curves_are_drawn_than_there_are_colours(open_lab: Open) -> None:
    seeds = [trained("bad", seed=seed, episodes=3) for seed in range(MOST_CURVES + 2)]
    async with all_runs(open_lab, *seeds, size=WIDE) as (app, pilot):
        await pilot.press("M")
        await drawn(app, pilot, MOST_CURVES)
        assert f"{MOST_CURVES} of {MOST_CURVES + 2} drawn" in words(app, "#run-note")


async def test_two_marked_runs_are_compared_differences_first(open_lab: Open) -> None:
    async with all_runs(open_lab, trained("bad", "good-1")) as (app, pilot):
        await pilot.press("m", "m", "d")
        assert isinstance(app.screen, CompareScreen)
        shown = page(app)
        assert shown.index("learning_rate") < shown.index("The same in both") < shown.index("memory_size")
        assert "0.0001615180956 0.0001717821768" in shown
        await pilot.press("escape")
        await pilot.press("home", "m", "d")
        assert isinstance(app.screen, CompareScreen), "one marked run and the chosen one"


async def test_a_run_alone_is_compared_with_its_preset(open_lab: Open) -> None:
    async with all_runs(open_lab, trained("bad", episodes=3)) as (app, pilot):
        await pilot.press("d")
        assert "its preset" in page(app)
        assert "episodes 3 200" in page(app)


async def test_three_runs_are_not_compared(open_lab: Open) -> None:
    async with all_runs(open_lab, trained("bad", "good-1", "mlp-1")) as (app, pilot):
        await pilot.press("M", "d")
        assert said(app) == ["Two runs are compared; mark two, m takes a mark away."]


# --- labels


async def test_n_names_a_run_and_refuses_a_name_that_is_taken(open_lab: Open) -> None:
    async with all_runs(open_lab, trained("bad")) as (app, pilot):
        await pilot.press("n")
        await answer(app, pilot, "perfect")
        assert "belongs to an agent that comes with the lab" in page(app)
        await answer(app, pilot, "mine")
        await until(pilot, lambda: titles(app) == ["mine"])
        await pilot.press("n", "escape")
        assert titles(app) == ["mine"]
        await pilot.press("n")
        await answer(app, pilot, "")
        await until(pilot, lambda: titles(app) == ["bad"])


async def test_g_replaces_the_tags_of_one_run_and_adds_to_those_of_several(open_lab: Open) -> None:
    async with all_runs(open_lab, trained("bad", "good-1")) as (app, pilot):
        await pilot.press("g")
        await answer(app, pilot, "slow, bad")
        assert "should be a tag of letters" in page(app)
        await answer(app, pilot, "slow")
        await until(pilot, lambda: newest(app.lab).tags == ("slow",))
        await pilot.press("M", "g")
        await answer(app, pilot, "both")
        await until(pilot, lambda: [run.tags for run in app.lab.store.runs()] == [("both", "slow"), ("both",)])
        await pilot.press("M", "home", "g")
        await answer(app, pilot, "only")
        await until(pilot, lambda: newest(app.lab).tags == ("only",))
        await until(pilot, lambda: "tags only" in words(app, "#run-details"))


# --- training


async def test_a_stopped_run_goes_on_pauses_and_stops(open_lab: Open) -> None:
    async with all_runs(open_lab, stopped("bad", 20), hold_at=50) as (app, pilot):
        await pilot.press("r")
        await until(pilot, lambda: "running 25 %" in lines(app)[0])
        await pilot.press("space")
        await until(pilot, lambda: "paused" in lines(app)[0])
        await pilot.press("space")
        await until(pilot, lambda: "running" in lines(app)[0])
        await pilot.press("x")
        await until(pilot, lambda: "stopped 25 %" in lines(app)[0])
        fakes(app).hold_at = None
        await pilot.press("r")
        await until(pilot, lambda: "finished 100 %" in lines(app)[0])
        await pilot.press("r")
        assert said(app)[-1] == "Finished; + gives it a longer budget, f branches off from it."
        assert app.lab.store.count_runs() == 1


async def test_a_queued_run_is_shown_as_queued_and_can_be_deleted(open_lab: Open) -> None:
    async with all_runs(open_lab, hold_at=50, places=1) as (app, pilot):
        for preset in ("bad", "good-1"):
            app.lab.start(preset_spec(preset), preset=preset)
        await until(pilot, lambda: lines(app) and "queued 0 %" in lines(app)[0])
        await pilot.press("home", "r")
        assert said(app)[-1].startswith("Queued: it begins when another run ends")
        await pilot.press("D", "y")
        await until(pilot, lambda: titles(app) == ["bad"])
        assert len(app.lab.live_runs) == 1


async def test_plus_gives_a_finished_run_more_episodes(open_lab: Open) -> None:
    async with all_runs(open_lab, stopped("bad", 3), trained("good-1", episodes=5)) as (app, pilot):
        await pilot.press("+")
        await answer(app, pilot, "some")
        assert "a whole number of at least 1, not 'some'" in page(app)
        await answer(app, pilot, "4")
        await until(pilot, lambda: newest(app.lab).counters["episodes"] == 9)
        await until(pilot, lambda: "finished 100 %" in lines(app)[0])
        await pilot.press("down", "+")
        assert said(app)[-1].startswith("Only a finished run can be given a longer budget")


# --- branching off


async def test_a_fork_goes_on_with_another_setting_and_both_are_in_one_chart(open_lab: Open) -> None:
    async with all_runs(open_lab, stopped("bad", 50), size=WIDE) as (app, pilot):
        parent = newest(app.lab)
        await pilot.press("f")
        await answer(app, pilot, "memory_size=4")
        assert "'memory_size' cannot change in the middle of a run; these can: learning_rate" in page(app)
        await answer(app, pilot, "learning_rate")
        assert "a setting is written KEY=VALUE" in page(app)
        await answer(app, pilot, "learning_rate=0.01 episodes=100")
        await until(pilot, lambda: len(titles(app)) == 2 and newest(app.lab).status == Status.FINISHED)
        fork = newest(app.lab)
        assert (fork.parent, fork.forked_at["episodes"], fork.counters["episodes"]) == (parent.id, 50, 100)
        assert fork.spec["config"]["learning_rate"] == 0.01
        await pilot.press("home")
        assert await drawn(app, pilot, 2) == [0, 1]
        assert picture(app).marks == ((50.0, "fork"),)
        assert legend(app) == [f"bad {parent.id}", f"bad {fork.id}"]
        assert "fork" in words(app, "#legend")
        assert f"fork of {parent.id} at step 2,500" in words(app, "#run-details")
        await pilot.press("c")
        await until(pilot, lambda: picture(app).marks == ((2500.0, "fork"),))


async def test_a_kept_checkpoint_can_be_chosen_to_fork_from(open_lab: Open) -> None:
    async with all_runs(open_lab, stopped("bad", 20)) as (app, pilot):
        run = newest(app.lab)
        await pilot.press("k")
        await until(pilot, lambda: said(app) == [f"Step 1,000 of run {run.id} is kept; f branches off."])
        assert kept_steps(app.lab.store, run.id) == [1_000]
        await pilot.press("r")
        await until(pilot, lambda: newest(app.lab).status == Status.FINISHED)
        await pilot.press("f")
        await answer(app, pilot, "")
        assert "budget is used up" in page(app)
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.lab.store.count_runs() == 2)
        assert newest(app.lab).forked_at["env_steps"] == 1_000


# --- out of the lab


@pytest.mark.parametrize(("form", "file"), [(0, "out/metrics.csv"), (1, "out.json")])
async def test_a_run_is_exported(open_lab: Open, tmp_path: Path, form: int, file: str) -> None:
    async with all_runs(open_lab, trained("bad", episodes=3)) as (app, pilot):
        await pilot.press("w", *form * ["down"])
        await answer(app, pilot, str(tmp_path / "out"))
        await until(pilot, lambda: said(app) and "written to" in said(app)[0])
        assert str(tmp_path / file.partition("/")[0]) in said(app)[0]
        assert (tmp_path / file).is_file()
        await pilot.press("w", *form * ["down"])
        await answer(app, pilot, str(tmp_path / "out"))
        assert "exists already; choose another name" in page(app)


async def test_marked_runs_are_exported_side_by_side(open_lab: Open, tmp_path: Path) -> None:
    async with all_runs(open_lab, trained("bad", "good-1", episodes=3)) as (app, pilot):
        await pilot.press("M", "w", "down")
        await answer(app, pilot, str(tmp_path / "out"))
        await until(pilot, lambda: said(app))
        runs = [json.loads(file.read_text())["run"]["id"] for file in sorted((tmp_path / "out").iterdir())]
        assert runs == sorted(record.id for record in app.lab.store.runs())


async def test_marked_runs_are_deleted_only_after_a_yes(open_lab: Open) -> None:
    async with all_runs(open_lab, trained("bad", "good-1", "mlp-1")) as (app, pilot):
        await pilot.press("m", "m", "D")
        assert isinstance(app.screen, SureScreen)
        assert "Delete mlp-1" in page(app)
        await pilot.press("escape")
        assert app.lab.store.count_runs() == 3
        await pilot.press("D", "y")
        await until(pilot, lambda: titles(app) == ["bad"])
        assert words(app, "#found") == "1 run, newest first"


async def test_a_run_that_trains_is_not_deleted(open_lab: Open) -> None:
    async with all_runs(open_lab, hold_at=50) as (app, pilot):
        run = app.lab.start(preset_spec("bad"), preset="bad")
        await until(pilot, lambda: lines(app) and "25 %" in lines(app)[0])
        await pilot.press("home", "D", "y")
        await until(pilot, lambda: said(app) == [f"run {run.id} is still being worked on; stop it first."])


async def test_a_run_of_another_process_is_left_alone(open_lab: Open) -> None:
    async with all_runs(open_lab, trained("good-1")) as (app, pilot):
        other = Laboratory(app.lab.store.home)
        use_fake_learners(other, hold_at=20)
        run: Run = other.start(preset_spec("bad"), preset="bad")
        await until(pilot, lambda: run.status == Status.RUNNING)
        app._follow()
        await until(pilot, lambda: titles(app) == ["bad", "good-1"])
        await pilot.press("home", "x", "space", "r")
        assert [words for words in said(app) if words == "Another dqn-lab works on this run; pause or stop it there."]
        assert len(said(app)) == 3
        other.close()


# --- the screen itself


async def test_v_changes_between_list_and_chart(open_lab: Open) -> None:
    async with all_runs(open_lab, trained("bad")) as (app, pilot):
        both = only(app, RecordList).size.height
        await pilot.press("v")
        await until(pilot, lambda: only(app, RecordList).size.height > both)
        await pilot.press("v")
        await until(pilot, lambda: only(app, Chart).size.height > 10 and not only(app, RecordList).size.height)
        await drawn(app, pilot, 1)
        await pilot.press("v")
        await until(pilot, lambda: only(app, RecordList).size.height == both)


async def test_help_tells_every_key(open_lab: Open) -> None:
    async with all_runs(open_lab, trained("bad"), size=WIDE) as (app, pilot):
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        shown = page(app)
        for words_of_it in ("Type to filter", "Keep the present checkpoint", "Delete the marked runs", "/ filters"):
            assert words_of_it in shown


async def test_every_key_has_an_id_and_says_what_it_does() -> None:
    for owner in (RunsScreen, Filter, RecordList, AskScreen, SureScreen, CompareScreen):
        for binding in owner.BINDINGS:
            for told in ("id", "description", "tooltip"):
                assert getattr(binding, told), binding


async def test_a_run_whose_settings_are_damaged_is_listed_and_can_be_deleted(open_lab: Open) -> None:
    def damage(lab: Laboratory) -> None:
        lab.store.label_run(newest(lab).id, spec="{no JSON")

    async with all_runs(open_lab, trained("bad"), damage) as (app, pilot):
        await until(pilot, lambda: "What is kept of this run cannot be read here" in words(app, "#run-note"))
        for key in ("r", "space", "x", "f", "k", "+", "n", "c"):
            await pilot.press(key)
        assert isinstance(app.screen, RunsScreen)
        await pilot.press("D", "y")
        await until(pilot, lambda: titles(app) == [])


async def test_what_happened_under_a_page_is_there_when_the_page_is_gone(open_lab: Open) -> None:
    async with all_runs(open_lab, trained("bad")) as (app, pilot):
        await pilot.press("question_mark")
        app.lab.store.add_run(preset_spec("good-1"), "good-1", "visitor")
        app._refresh_screens()
        await pilot.press("escape")
        await until(pilot, lambda: titles(app) == ["visitor", "bad"])


async def test_what_a_run_came_to_is_looked_up_even_where_it_ended_during_another_look(
    open_lab: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go, looked = threading.Event(), threading.Event(), list[str]()
    headline = Laboratory.headline

    def slow(lab: Laboratory, record: RunRecord) -> object:
        begun.set()
        go.wait(10)
        looked.append(record.id)
        return headline(lab, record)

    monkeypatch.setattr(Laboratory, "headline", slow)
    monkeypatch.setattr(LabApp, "_follow", lambda app: None)
    async with all_runs(open_lab, stopped("bad", 2)) as (app, pilot):
        await until(pilot, begun.is_set)
        late = app.lab.store.add_run(preset_spec("robust"))
        assert isinstance(app.screen, RunsScreen)
        app.screen.runs_changed()
        go.set()
        await until(pilot, lambda: late.id in looked)
