"""`dqn-lab tune`: a search for settings, which goes on where it was left, and the check of its winner."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tui_lab.commands.errors import Failed, Misuse
from tui_lab.commands.options import Options, cluster_option, json_option, pass_options
from tui_lab.commands.output import emit_json, note
from tui_lab.commands.train import DEFAULT_PRESET, read_setting
from tui_lab.commands.waiting import Stop, progress_bar, stop_signals

if TYPE_CHECKING:
    from engine.learners.kind import Preset
    from engine.learners.specs import Spec
    from engine.runs.search import Event, Search
    from engine.runs.search_space import SearchSpace
    from engine.runs.study import Study
    from engine.runs.study_records import Budget, TrialRecord

DEFAULT_TRIALS, DEFAULT_SEEDS, DEFAULT_CHECK_SEEDS = 20, 3, 10


@click.command(short_help="Search for good settings, and check what was found on fresh seeds.")
@click.option(
    "--preset", "preset_name", metavar="NAME|FILE", help=f"Where the search starts from.  [default: {DEFAULT_PRESET}]"
)
@click.option(
    "--space",
    "space_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="What varies: TOML, a table a setting with low and high (log, step), or choices.  [default: the lab's own]",
)
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="A setting that stays so; repeatable.")
@click.option("--episodes", type=click.IntRange(1), help="Training episodes of each seed.  [default: the preset's]")
@click.option(
    "--trials",
    type=click.IntRange(1),
    help=f"Trials of the whole study.  [default: {DEFAULT_TRIALS}, if nothing ends it]",
)
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="End this command's search after so long.")
@click.option("--env-steps", type=click.IntRange(1), help="Begin no trial after so many environment steps of training.")
@click.option("--seeds", type=click.IntRange(1), default=DEFAULT_SEEDS, show_default=True, help="Seeds of each trial.")
@click.option(
    "--check-seeds",
    type=click.IntRange(0),
    default=DEFAULT_CHECK_SEEDS,
    show_default=True,
    help="Fresh seeds that the winner is trained from in the end; 0 leaves that out.",
)
@click.option(
    "--storage",
    metavar="URL",
    help="The study's database, as in postgresql+psycopg://USER@HOST/NAME.  [default: the home folder's studies.db]",
)
@click.option(
    "--study", "study_name", metavar="NAME", help="The study's name.  [default: one made of what is searched]"
)
@click.option(
    "--export",
    "export_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the winner as a preset, .toml or .json, which train --preset takes.",
)
@click.option("--sampler", metavar="NAME", default="tpe", show_default=True, help="tpe, random, gp or cmaes.")
@click.option(
    "--pruner", metavar="NAME", default="median", show_default=True, help="median, percentile, halving or none."
)
@cluster_option
@json_option
@pass_options
def tune(
    options: Options,
    preset_name: str | None,
    space_file: Path | None,
    settings: tuple[str, ...],
    episodes: int | None,
    trials: int | None,
    minutes: float | None,
    env_steps: int | None,
    seeds: int,
    check_seeds: int,
    storage: str | None,
    study_name: str | None,
    export_file: Path | None,
    sampler: str,
    pruner: str,
    cluster: str | None,
    as_json: bool,
) -> None:
    """Search for settings with which a learner does well, several seeds a trial, over the machine's cores.

    The same command goes on with the same study, and several may work on one at a time. Settings that the space does
    not name are the preset's. In the end the winner is trained again from seeds that the search never saw.
    """
    from engine.runs.study_records import Plan
    from engine.storage.preset_files import check_target, find_preset

    started = time.perf_counter()
    chosen = find_preset(preset_name or DEFAULT_PRESET)
    space = _space(chosen, space_file, settings, episodes)
    budget = _budget(space.base, trials, minutes, env_steps)
    if export_file is not None:
        check_target(export_file)
    first = space.base.config.seed
    space.base.with_seed(first + seeds + check_seeds - 1)  # Refuses seeds that are too large before anything begins.
    plan = Plan(space, tuple(range(first, first + seeds)))
    name = study_name or plan.name(Path(chosen.name).stem)
    with (
        stop_signals() as stop,
        _opened(options, storage, name, plan, sampler, pruner, cluster) as (
            study,
            search,
        ),
    ):
        search.budget, search.seconds = budget, None if minutes is None else 60 * minutes
        search.stopping = lambda: stop.signal is not None
        _follow(study, search, check_seeds)
        winner = study.best()
        found = _found(study, chosen, winner, check_seeds, stop)
        exported = None if winner is None or export_file is None else _export(export_file, study, winner, found)
        found |= {"export": exported, "seconds": time.perf_counter() - started}
        if as_json:
            emit_json(found)
        elif winner is not None:
            from tui_lab.commands.tune_report import report
            from tui_lab.glyphs import choose_glyphs

            click.echo(report(study, winner, found, choose_glyphs(options.glyphs)))
        _exit(study, winner, stop)


def _space(chosen: Preset, file: Path | None, settings: tuple[str, ...], episodes: int | None) -> SearchSpace:
    """What is searched, around the preset with what was said beside it.

    Raises:
        ConfigError: a setting or the space is wrong.
    """
    from engine.learners.kinds import kind_of
    from engine.learners.specs import EpisodesSpec
    from engine.runs.search_space import read_space

    base, kind = chosen.spec, kind_of(chosen.spec)
    fixed = dict(read_setting(setting) for setting in settings)
    base = dataclasses.replace(base, config=base.config.replace(**fixed))
    if episodes is not None:
        if not isinstance(base, EpisodesSpec):
            raise Misuse(f"preset {chosen.name!r} learns from rows and has no training episodes.")
        base = dataclasses.replace(base, episodes=episodes)
    kind.check(base)
    file = file or kind.space
    if file is None:
        raise Misuse(f"there is no search space for {kind.title} yet; name one with --space.")
    space = read_space(file, base)
    for key in fixed.keys() & space.axes.keys():
        raise Misuse(f"{key} is in the search space {file}, so --set cannot hold it; leave out one of the two.")
    return space


def _budget(base: Spec, trials: int | None, minutes: float | None, env_steps: int | None) -> Budget:
    from engine.learners.specs import EpisodesSpec
    from engine.runs.study_records import Budget

    if env_steps is not None and not isinstance(base, EpisodesSpec):
        raise Misuse("--env-steps cannot end a search among runs that learn from rows; give --trials or --minutes.")
    if trials is None and minutes is None and env_steps is None:
        trials = DEFAULT_TRIALS
    return Budget(trials, env_steps)


@contextmanager
def _opened(
    options: Options, url: str | None, name: str, plan: Any, sampler: str, pruner: str, cluster: str | None
) -> Iterator[tuple[Study, Search]]:
    """The study and a search in it; what is under way in the end is given back."""
    from engine.runs.crew import open_crew
    from engine.runs.search import Search
    from engine.runs.study import Study
    from engine.runs.study_records import Budget, try_again
    from engine.runs.study_storage import StudyStorage, home_url

    with options.laboratory() as lab:
        home = lab.store.home.resolve()
        storage = StudyStorage(url or home_url(home), try_again)
        try:
            with (
                closing(Study(storage, home, name, plan, sampler=sampler, pruner=pruner)) as study,
                closing(open_crew(cluster, note)) as crew,
            ):
                note(f"study {name} in {storage.shown}, up to {crew.size} at a time.")
                yield study, Search(study, crew, Budget())
        finally:
            storage.close()


def _follow(study: Study, search: Search, check_seeds: int) -> None:
    """The search and the check of its winner, told on standard error."""
    with progress_bar(study.name) as bar:
        with closing(search.run()) as events:
            for event in events:
                bar.clear()
                _tell(study, event)
                bar.update(search.share() - bar.n)
        winner = study.best()
        if winner is None or not check_seeds or search.stopping():
            return
        left = len(set(study.fresh_seeds(check_seeds)) - study.checked(winner.number).keys())
        if left:
            note(f"trial {winner.number} is the best; it is trained again from {left} fresh seeds.")
        bar.set_description_str("check")
        bar.reset()
        with closing(search.check(winner, check_seeds)) as events:
            for event in events:
                bar.clear()
                _tell(study, event)
                bar.update(len(study.checked(winner.number)) / check_seeds - bar.n)


def _tell(study: Study, event: Event) -> None:
    from engine.runs.search import SeedTold, TrialTold
    from tui_lab.search_text import score_text, settings_text

    if isinstance(event, TrialTold):
        record = event.record
        score = "" if record.score is None else f" {study.score_name} {score_text(study.plan.space.base, record.score)}"
        reason = "" if record.reason is None else f" ({record.reason})"
        best = study.best()
        is_best = best is not None and best.number == record.number
        settings = f", the best so far: {settings_text(record.labels)}" if is_best else ""
        note(f"trial {record.number} {record.state}{score}{reason}{settings}.")
    elif not isinstance(event, SeedTold):
        note(event.text)


def _found(study: Study, chosen: Preset, winner: TrialRecord | None, check_seeds: int, stop: Stop) -> dict[str, Any]:
    """What is printed, as plain values."""
    from engine.runs.search import verdict

    records = [record for record in study.trials() if not record.given_back]
    states = ("complete", "pruned", "failed", "running", "waiting")
    return {
        "study": study.name,
        "storage": study.shown,
        "preset": chosen.name,
        "kind": study.plan.space.base.kind,
        "status": "finished" if stop.signal is None else "stopped",
        "maximised": study.score_name,
        "seeds": list(study.plan.seeds),
        "trials": {state: sum(record.state == state for record in records) for state in states},
        "env_steps": sum(outcome.env_steps for record in records for outcome in record.outcomes),
        "best": None if winner is None else _best(study, winner),
        "check": verdict(study, winner, check_seeds) if winner is not None and check_seeds else None,
        "importance": study.importance(),
    }


def _best(study: Study, winner: TrialRecord) -> dict[str, Any]:
    known = [outcome.success for outcome in winner.outcomes if outcome.success is not None]
    space = study.plan.space
    return {
        "trial": winner.number,
        "score": winner.score,
        "scores": [outcome.score for outcome in winner.outcomes],
        "successes": sum(known) if known else None,
        "settings": {name: axis.value(winner.labels[name]) for name, axis in space.axes.items()},
    }


def _export(file: Path, study: Study, winner: TrialRecord, found: dict[str, Any]) -> str:
    from engine.storage.preset_files import write_preset

    score = f"{study.score_name} {winner.score:.4g} over {len(study.plan.seeds)} seeds"
    check = found["check"]
    fresh = (
        "" if check is None or check["mean"] is None else f", {check['mean']:.4g} over {len(check['seeds'])} fresh ones"
    )
    source = f"trial {winner.number} of study {study.name}, around {found['preset']}: {score}{fresh}"
    about = {
        "study": study.name,
        "trial": winner.number,
        "preset": found["preset"],
        "score": winner.score,
        "seeds": list(study.plan.seeds),
        "fresh_mean": check and check["mean"],
        "fresh_seeds": check and check["seeds"],
    }
    write_preset(file, study.spec_of(winner), f"found by tune, from {found['preset']}", source, about)
    return str(file)


def _exit(study: Study, winner: TrialRecord | None, stop: Stop) -> None:
    if stop.signal is not None:
        note(f"study {study.name} is stopped and saved; the same command goes on with it.")
        raise click.exceptions.Exit(stop.exit_code)
    if winner is None:
        reasons = [record.reason for record in study.trials() if record.reason is not None]
        why = f"; the last one ended so: {reasons[-1]}" if reasons else "."
        raise Failed(f"no trial of study {study.name} was completed{why}")
