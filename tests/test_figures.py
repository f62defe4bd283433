"""What lessons and pages say of twenty seeds is what was measured: `lessons/outcomes.json` is the source."""

from __future__ import annotations

import json
import re
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.agents.evaluation import evaluate
from engine.learners.kinds import presets
from engine.storage.library import find_agent
from engine.storage.store import Store

ROOT = Path(__file__).parent.parent
OUTCOMES = json.loads((ROOT / "lessons" / "outcomes.json").read_text())
MEASURED = OUTCOMES["presets"]
GOOD = "lessons/05-deep-q-learning-good.md"


def page(name: str) -> str:
    return " ".join((ROOT / name).read_text().split())


def perfect(preset: str, which: str) -> int:
    return int(MEASURED[preset][which]["perfect"])


def test_every_preset_of_deep_q_learning_was_measured_over_20_seeds_none_of_them_chosen() -> None:
    assert set(MEASURED) == {name for name, preset in presets().items() if preset.episodes is not None}
    for name, found in MEASURED.items():
        assert [seed["seed"] for seed in found["by_seed"]] == list(range(1, 21))
        assert f"--preset {name} --seed 1 --seeds 20 --episodes {presets()[name].episodes}" in found["command"]


def test_the_lesson_on_seeds_says_what_was_measured() -> None:
    words = (
        f"`good-2` ends perfect on {perfect('good-2', 'last')}, `good-1` on {perfect('good-1', 'last')}. "
        f"The kept best of `robust` is perfect on {perfect('robust', 'best')}."
    )
    assert words in page(GOOD)
    assert f"of twenty seeds measured with this lab, {perfect('good-2', 'last')} ended perfect" in page(GOOD)
    words = (
        f"the course's second good set has one run at 500, and ends there on {perfect('good-2', 'last')} of 20 seeds."
    )
    assert words in page("lessons/08-whats-next.md")


def test_the_lesson_on_bad_settings_says_what_they_came_to() -> None:
    means = [seed["last"] for seed in MEASURED["bad"]["by_seed"]]
    words = f"{sum(mean < 100 for mean in means)} ended below 100, and the best at {max(means):.0f}."
    assert words in page("lessons/04-deep-q-learning-bad.md")


def test_the_lesson_shows_the_ladder_of_the_two_accidents_as_it_was_measured() -> None:
    start, check, truncation = OUTCOMES["ladders"]["as-written to good-2, target_check_behind_training first"]
    assert (check["change"], truncation["change"]) == (
        {"target_check_behind_training": True},
        {"bootstrap_on_truncation": False},
    )
    rows = [
        row("`as-written`", start),
        row("+ target check", check),
        row("+ truncation", truncation),
    ]
    assert "\n".join(rows) in (ROOT / GOOD).read_text()
    assert check["return_difference"]["low"] > 0, "the lesson says that it makes the returns"
    assert not truncation["return_difference"]["shown"], "the lesson says that no difference can be shown"
    medians = f"is {truncation['iqm']:.0f} for good-2 and {start['iqm']:.0f} for as-written."
    assert medians in page(GOOD)


def test_the_lesson_shows_the_ladder_from_bad_to_good_as_it_was_measured() -> None:
    steps = OUTCOMES["ladders"]["bad to good-2, discount_factor first"]
    rows = [f"| `bad` | {steps[0]['perfect']} | |"]
    for step in steps[1:]:
        (change,) = step["change"]
        rows.append(f"| `{change}` | {step['perfect']} | {difference(step)} |")
    assert "\n".join(rows) in (ROOT / GOOD).read_text()
    shown = {next(iter(step["change"])) for step in steps[1:] if step["return_difference"]["shown"]}
    gains = {next(iter(step["change"])): step["return_difference"]["mean"] for step in steps[1:]}
    assert gains.keys() - shown == {"learning_rate", "memory_size", "max_grad_norm"}
    assert max(gains, key=lambda key: gains[key]) == "n_gradient_steps"
    assert gains["discount_factor"] < 0 > gains["batch_size"]
    assert max(step["perfect"] for step in steps) > steps[-1]["perfect"], (
        "the lesson says that a set halfway does better"
    )


def difference(step: dict[str, Any]) -> str:
    return "{mean:+.0f} ({low:+.0f} to {high:+.0f})".format(**step["return_difference"])


def row(settings: str, step: dict[str, Any]) -> str:
    told = difference(step) if "return_difference" in step else ""
    cells = [settings, f"{step['perfect']} of 20", f"{step['iqm']:.0f}", told]
    return "|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|"


def test_the_lesson_tells_how_many_runs_end_far_above_the_ceiling() -> None:
    above = {
        name: sum(seed["q_at_end"] > 200 for seed in MEASURED[name]["by_seed"]) for name in ("good-2", "as-written")
    }
    words = (
        f"Of twenty runs of `good-2`, {above['good-2']} end with a mean q above 200, twice the ceiling; "
        f"of `as-written`, {above['as-written']}."
    )
    assert words in page(GOOD)


@pytest.mark.parametrize("ladder", OUTCOMES["ladders"])
def test_a_ladder_follows_from_the_returns_of_its_seeds(ladder: str) -> None:
    every = MEASURED | OUTCOMES["rungs"]
    for step in OUTCOMES["ladders"][ladder]:
        entry = every[step["rung"]]
        means = [seed["last"] for seed in entry["by_seed"]]
        assert step["perfect"] == means.count(500.0)
        for seed in entry["by_seed"]:
            pairs = [pair.split("x") for pair in seed["last_returns"].split()]
            counts = np.array([(float(value), int(count)) for value, count in pairs])
            assert counts[:, 1].sum() == 1_000
            assert counts[:, 0] @ counts[:, 1] / 1_000 == pytest.approx(seed["last"])


@pytest.mark.parametrize("preset", ["one-hidden", "smallest"])
def test_the_homework_says_what_was_measured(preset: str) -> None:
    told = re.search(rf"preset `{preset}`.*?kept best was perfect on (\d+) of 20 seeds", page("lessons/07-homework.md"))
    assert told
    assert int(told[1]) == perfect(preset, "best")


@pytest.mark.parametrize("preset", MEASURED)
def test_the_engines_page_says_what_was_measured(preset: str) -> None:
    found = MEASURED[preset]
    cells = [preset]
    for which in ("last", "best"):
        if found[which] is None:
            cells.append("")
            continue
        low, high = (round(100 * share) for share in found[which]["success_interval"])
        cells.append(f"{found[which]['perfect']} of 20 ({low} to {high} %)")
    steps, seconds = found["first_perfect_env_steps"], found["first_perfect_seconds"]
    cells += ["", ""] if steps is None else [f"{steps:,.0f}", f"{seconds:.0f} s"]
    row = "|".join(f" {cell} " if cell else " " for cell in cells)
    assert f"|{row}|" in (ROOT / "engine" / "README.md").read_text()


def test_the_lesson_on_clones_and_the_readme_say_what_the_perfect_agents_card_says() -> None:
    card = json.loads((ROOT / "saved" / "perfect" / "card.json").read_text())["imitation"]
    accuracies = [f"{found['test_accuracy']:.3f}".removeprefix("0") for found in card["models"].values()]
    lesson = page("lessons/03-imitation-models.md")
    assert f"are {', '.join(accuracies[:-1])} and {accuracies[-1]}." in lesson
    largest = card["models"]["mlp-3"]
    assert f"{largest['test_loss']:.2f} against {largest['train_loss']:.2f} at epoch 150" in lesson
    assert f"the lowest test loss had been {largest['lowest_test_loss']:.2f}." in lesson
    told = (ROOT / "README.md").read_text()
    for found in (*card["models"].values(), card["mlp-2 with 10,000 train rows"]):
        names = ("train_accuracy", "test_accuracy", "lowest_test_loss", "test_loss", "train_loss")
        thousandths = [Decimal(str(found[name])).quantize(Decimal("0.001"), ROUND_HALF_UP) for name in names]
        assert " | ".join(str(value).removeprefix("0") for value in thousandths) in told


@pytest.mark.parametrize(
    ("driver", "rule"),
    [
        ("always one side", "left"),
        ("random", "random"),
        ("sign of the angle", "angle"),
        ("sign of angle + angular velocity", "linear:0,0,1,1"),
        ("linear rule (0.1, 0.2, 1, 0.5)", "linear:0.1,0.2,1,0.5"),
    ],
)
def test_the_score_ladder_of_the_first_lesson_is_what_its_rules_score(driver: str, rule: str, home: Path) -> None:
    told = re.search(rf"\| {re.escape(driver)} \| (?:about )?([\d.]+) \|", page("lessons/01-lets-go-deep.md"))
    assert told
    mean = evaluate(find_agent(Store(home), rule), 1_000, 12345).summary()["mean"]
    assert mean == pytest.approx(float(told[1]), abs=1 if "." not in told[1] else 0.1)


def test_the_lesson_says_what_numbers_alone_reach() -> None:
    own, other = (presets()[name].config.to_dict() for name in ("as-written", "tuned"))
    lesson = page(GOOD)
    part = lesson[lesson.index("## Better numbers") : lesson.index("## Built to survive seeds")]
    told = {key: (one, two) for key, one, two in re.findall(r"\| `(\w+)` \| ([\d.,]+) \| ([\d.,]+) \|", part)}
    assert set(told) == {key for key in own if own[key] != other[key] and key != "seed"}
    for key, pair in told.items():
        assert [float(value.replace(",", "")) for value in pair] == pytest.approx([own[key], other[key]], rel=0.01)
    count = perfect("tuned", "last")
    assert f"as-written ends perfect on {perfect('as-written', 'last')} of 20 seeds. On how many does tuned?" in lesson
    assert f"On {count}. It is the same network" in lesson
    assert f"Of twenty seeds, `tuned` ends perfect on {count}. Four fail" in lesson
    assert count == 16, "four fail"


def test_the_lesson_shows_the_ladder_to_robust_as_it_was_measured() -> None:
    every = MEASURED | OUTCOMES["rungs"]
    words = {
        "target_soft_update_rate": "soft target updates",
        "state_scale": "state scaling",
        "keep_best_every_episodes": "the best is kept",
        "end_when_perfect": "ends when perfect",
        "episodes": "up to 500 episodes",
    }
    rows = []
    for step in OUTCOMES["ladders"]["as-written to robust, target_soft_update_rate first"]:
        found, changes = every[step["rung"]], [words[key] for key in step["change"]]
        name = "".join(f"+ {change}" for change in changes) or "`as-written`"
        best = f" {found['best']['perfect']} of 20 " if found["best"] else " "
        rows.append(f"| {name} | {found['last']['perfect']} of 20 |{best}|")
    assert "\n".join(rows) in (ROOT / GOOD).read_text()


def test_lesson_and_page_say_what_robust_is_without_its_changes_and_with_others() -> None:
    around = {one["rung"]: one for one in OUTCOMES["around_robust"]}
    soft, scale = (around[f"robust without {key}"] for key in ("target_soft_update_rate", "state_scale"))
    steps = [f"{one['env_steps_difference']['mean']:,.0f}" for one in (soft, scale)]
    lesson, engine = page(GOOD), page("engine/README.md")
    assert f"without soft updates by {steps[0]} environment steps, without scaling by {steps[1]}." in lesson
    assert f"its seeds need {steps[0]} and {steps[1]} more environment steps" in engine
    assert all(one["env_steps_difference"]["low"] > 0 for one in (soft, scale)), "each earns its place"
    for other in ("double_q", "learning_rate_final_fraction"):
        assert not around[f"robust with {other}"]["env_steps_difference"]["shown"]
        assert not around[f"robust with {other}"]["return_difference"]["shown"]
    alone, both = around["robust with tuned numbers alone"], around["robust with tuned numbers"]
    assert f"alone they need {alone['env_steps_difference']['mean']:,.0f} steps more than `robust`" in lesson
    assert f"{20 - both['perfect']} of the 20 seeds fail." in lesson
