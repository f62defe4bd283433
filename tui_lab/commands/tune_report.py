"""What a search came to, as text and pictures for a terminal; asks the study, computes nothing about learning."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tui_lab.commands.output import pairs, table
from tui_lab.search_text import score_text, short, slice_picture
from tui_lab.text import count, percent

if TYPE_CHECKING:
    from engine.runs.study import Study
    from engine.runs.study_records import TrialRecord
    from tui_lab.glyphs import Glyphs

BAR_CELLS, CHART_ROWS, WIDEST, SLICES = 30, 12, 100, 3
FIGURES_HEADER = ("", "seeds", "score", "95 % interval", "success", "95 % interval ")
RIGHT = frozenset(FIGURES_HEADER[1:])


def report(study: Study, winner: TrialRecord, found: Mapping[str, Any], glyphs: Glyphs) -> str:
    """The winner, its two figures, what mattered, and pictures of that.

    Args:
        found: what `--json` prints.
    """
    parts = [_head(found), _settings(study, found), _figures(study, found), _curse(study, found)]
    parts += _importance(found["importance"], glyphs)
    parts += _slices(study, found["importance"], glyphs)
    text = "\n\n".join(part for part in parts if part)
    if glyphs.ascii_frame:
        from tui_lab.ascii_filter import to_ascii

        return to_ascii(text)
    return text


def _head(found: Mapping[str, Any]) -> str:
    states = ", ".join(f"{number} {state}" for state, number in found["trials"].items() if number)
    rows = {"study": found["study"], "trials": states, "winner": f"trial {found['best']['trial']}"}
    if found["env_steps"]:
        rows["environment steps"] = count(found["env_steps"])
    return pairs({**rows, "exported to": found["export"]})


def _settings(study: Study, found: Mapping[str, Any]) -> str:
    base = study.plan.space.base.config
    rows = [(name, short(chosen), short(getattr(base, name))) for name, chosen in found["best"]["settings"].items()]
    return table(("setting", "winner", found["preset"]), rows, frozenset({"winner", found["preset"]}))


def _figures(study: Study, found: Mapping[str, Any]) -> str:
    best, check = found["best"], found["check"]
    searched = ("in the search", len(found["seeds"]), score_text(study.plan.space.base, best["score"]), None)
    rows: list[tuple[object, ...]] = [(*searched, _share(best["successes"], len(best["scores"])), None)]
    if check is not None:
        mean, seeds = check["mean"], len(check["seeds"])
        spread = check["interval"] and " to ".join(score_text(study.plan.space.base, end) for end in check["interval"])
        shares = check["success_interval"] and "{:.0f} to {:.0f} %".format(
            *(100 * end for end in check["success_interval"])
        )
        figure = None if mean is None else score_text(study.plan.space.base, mean)
        rows.append(("on fresh seeds", seeds, figure, spread, _share(check["successes"], seeds), shares))
    text = table(("", "seeds", study.score_name, *FIGURES_HEADER[3:]), rows, RIGHT | {study.score_name})
    if check is not None and check["failed"]:
        text += f"\n{check['failed']} of the fresh seeds diverged or failed, and count in no mean."
    return text


def _share(successes: int | None, seeds: int) -> str | None:
    return None if successes is None else f"{successes} of {seeds}"


def _curse(study: Study, found: Mapping[str, Any]) -> str:
    trials = found["trials"]["complete"]
    text = (
        f"The search score is the highest of {trials} on the very seeds that chose it, so luck is part of it (the "
        "winner's curse); "
    )
    check = found["check"]
    if check is None or check["mean"] is None:
        return text + "only fresh seeds tell what to expect."
    less = found["best"]["score"] - check["mean"]
    side = "lower" if less > 0 else "higher"
    return text + f"expect what the fresh seeds show, which is {score_text(study.plan.space.base, abs(less))} {side}."


def _importance(shares: Mapping[str, float] | None, glyphs: Glyphs) -> list[str]:
    if shares is None:
        return []
    widest, largest = max(map(len, shares)), max(shares.values()) or 1.0
    lines = [
        f"{name:<{widest}}  {glyphs.full * max(1, round(BAR_CELLS * share / largest)):<{BAR_CELLS}}  {percent(share)}"
        for name, share in shares.items()
    ]
    return ["importance: the share of each setting in what sets the best trials apart\n" + "\n".join(lines)]


def _slices(study: Study, shares: Mapping[str, float] | None, glyphs: Glyphs) -> list[str]:
    """The complete trials' scores by the settings that matter most."""
    records = [record for record in study.trials() if record.state == "complete" and record.score is not None]
    if len(records) < 2:
        return []
    from tui_lab.plotting import draw
    from tui_lab.themes import series_color

    width = max(40, min(WIDEST, shutil.get_terminal_size().columns))
    axes = study.plan.space.axes
    pictures = []
    for name in list(shares or axes)[:SLICES]:
        picture = slice_picture(axes[name], [(record.labels[name], record.score or 0.0) for record in records])
        rows = draw(picture, width, CHART_ROWS, glyphs, lambda index, dim: series_color(index, dark=True, dim=dim))
        pictures.append("\n".join([f"{study.score_name} by {name}", *(row.plain.rstrip() for row in rows)]))
    return pictures
