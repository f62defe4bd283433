"""Optuna's samplers, pruners and measure of importance, by name; decides nothing. Optuna loads late."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING

from engine.runs.study_storage import StudyError

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.study import Study

SAMPLERS = ("tpe", "random", "gp", "cmaes")
PRUNERS = ("median", "percentile", "halving", "none")
NEEDS = {"gp": "scipy", "cmaes": "cmaes"}
"""Packages that samplers need beside Optuna."""
IMPORTANCE_TRIALS = 10
"""Complete trials below which a share of each setting would be noise."""


def quiet() -> None:
    """Keep Optuna's log and its remarks on what it calls experimental off the terminal."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=UserWarning, module=r"optuna\..*")
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


def make_sampler(name: str, seed: int, *, shared: bool = False) -> BaseSampler:
    """A sampler whose draws come from `seed`.

    Args:
        shared: whether the study is in a database that others may write to.

    Raises:
        StudyError: there is none of that name, it lacks a package, or it is not safe with a shared database.
    """
    from optuna import samplers

    if name not in SAMPLERS:
        raise StudyError(f"there is no sampler {name!r}; there are {', '.join(SAMPLERS)}.")
    package = NEEDS.get(name)
    if package is not None and find_spec(package) is None:
        raise StudyError(f"the sampler {name} needs the package {package}: pip install 'dqn-lab[samplers]'.")
    if name == "cmaes" and shared:
        # Optuna keeps its state as a pickle, and reading one runs whatever its writer put there.
        raise StudyError(
            "the sampler cmaes keeps pickles in the study, so it only works in the home folder's own file."
        )
    match name:
        case "random":
            return samplers.RandomSampler(seed=seed)
        case "gp":
            return samplers.GPSampler(seed=seed)
        case "cmaes":
            return samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
        case _:
            # With several workers it counts trials that are under way as bad ones, so that not all try the same.
            return samplers.TPESampler(seed=seed, constant_liar=True)


def make_pruner(name: str) -> BasePruner:
    """A pruner that judges the running mean after each seed; the steps are the seeds, from 1 on.

    Raises:
        StudyError: there is none of that name.
    """
    from optuna import pruners

    match name:
        case "median":
            return pruners.MedianPruner(n_startup_trials=5)
        case "percentile":
            return pruners.PercentilePruner(25.0, n_startup_trials=5)
        case "halving":
            return pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2)
        case "none":
            return pruners.NopPruner()
    raise StudyError(f"there is no pruner {name!r}; there are {', '.join(PRUNERS)}.")


def importances(study: Study) -> dict[str, float] | None:
    """Shares that sum to 1, by PED-ANOVA (Watanabe et al. 2023, arXiv:2304.10255), the largest first.

    Only complete trials count. None where they are fewer than `IMPORTANCE_TRIALS`, or all scored the same.
    """
    import optuna

    complete = [trial for trial in study.get_trials(deepcopy=False) if trial.state.name == "COMPLETE"]
    if len(complete) < IMPORTANCE_TRIALS or len({trial.value for trial in complete}) < 2:
        return None
    found = optuna.importance.get_param_importances(study)
    return dict(sorted(((name, float(share)) for name, share in found.items()), key=lambda item: -item[1]))
