"""One seed's run as a call for a crew: train it or go on with it, then evaluate what it came to; nothing is printed.

Torch-free to import: the run's own thread loads torch.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from engine.learners.divergence import DivergenceError
from engine.learners.machine import versions
from engine.learners.specs import EpisodesSpec, Spec
from engine.runs.crew import Desk
from engine.runs.jobs import Job
from engine.runs.workshop import Workshop
from engine.storage.names import weights_of
from engine.storage.parcels import Parcel
from engine.storage.records import EvaluationRecord, RunRecord, Status, StoreError
from engine.storage.store import home_folder

# As the command line evaluates a single seed's run; a test holds the two together.
EVALUATION_EPISODES, EVALUATION_SEED = 1_000, 0
POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Ended:
    """The call did what it could. `message` tells what failed outside the run; the store tells the rest."""

    message: str | None = None
    diverged: bool = False


class _SettledWorkshop(Workshop):
    """A home folder in which the caller has settled what earlier processes left.

    Settling tries the lock of every live run; a sibling that starts or ends at that moment would be taken for dead.
    """

    def _settle(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class SeedWork:
    """The `Call` that sees a registered run through in its own home folder.

    spec: the run's own; where it arrives, its kind of learner becomes known.
    """

    home: Path
    run: str
    spec: Spec

    def __call__(self, desk: Desk) -> Ended:
        try:
            lab = _SettledWorkshop(self.home)
            try:
                return _see_through(lab, self.run, desk)
            finally:
                lab.close()
        except (StoreError, OSError) as error:
            return Ended(str(error))


def _see_through(lab: Workshop, run_id: str, desk: Desk) -> Ended:
    if lab.store.run(run_id).status != Status.FINISHED:
        run = lab.continue_run(run_id)
        while not run.wait(POLL_SECONDS):
            desk.tell(run.progress)
            _stop_if_asked(run, desk)
        if run.status != Status.FINISHED:
            return Ended(diverged=isinstance(run.exception, DivergenceError))
    return _evaluate(lab, lab.store.run(run_id), desk)


def _evaluate(lab: Workshop, record: RunRecord, desk: Desk) -> Ended:
    for which in weights_of(lab.store, record.id):
        if kept_evaluation(lab, record, which) is not None or desk.stopping:
            continue
        job = lab.evaluation(f"{record.id}:{which}", EVALUATION_EPISODES, EVALUATION_SEED)
        job.start()
        while not job.wait(POLL_SECONDS):
            _stop_if_asked(job, desk)
        if job.error is not None:
            return Ended(f"the {which} weights of run {record.id} could not be evaluated: {job.error}")
    return Ended()


def _stop_if_asked(job: Job[Any], desk: Desk) -> None:
    if desk.stopping:
        job.stop()


def kept_evaluation(lab: Workshop, record: RunRecord, which: str) -> EvaluationRecord | None:
    """The kept evaluation of a finished run's weights; one from before its end was of other weights."""
    kept = lab.kept_evaluation(f"{record.id}:{which}", EVALUATION_EPISODES, EVALUATION_SEED)
    over = record.status == Status.FINISHED
    return kept if over and kept is not None and kept.created >= record.updated else None


# --- where the home folder is not at hand


@dataclass(frozen=True, slots=True)
class Returned:
    """How a run ended elsewhere, and the run; None where it never came to be there."""

    end: Ended
    parcel: Parcel | None = None


@dataclass(frozen=True, slots=True)
class AwaySeedWork:
    """The `Call` that sees a run through on another machine, in a home folder of that machine, and sends it back.

    What lies there of an earlier try is gone on with. It stays there until `forget` is called, so that whoever asks
    again after a broken connection finds what was done.

    origin: of `origin_of`, so that the runs of several homes lie apart.
    spec: as in `SeedWork`.
    versions: those that the run's bits depend on; elsewhere they have to be the same.
    """

    origin: str
    parcel: Parcel
    spec: EpisodesSpec
    versions: dict[str, str]

    @property
    def key(self) -> str:
        """A name of this work, the same for whoever asks for it again."""
        return f"seed-{self.origin}-{self.parcel.run}"

    def __call__(self, desk: Desk) -> Returned:
        for package, wanted in self.versions.items():
            if (there := versions().get(package)) != wanted:
                return Returned(
                    Ended(f"{platform.node()} has {package} {there} and not {wanted}, so its runs would differ.")
                )
        try:
            lab = _SettledWorkshop(away_home(self.origin))
            try:
                if not self._is_free(lab, desk):
                    return Returned(Ended())
                self._unpack(lab)
                ended = _see_through(lab, self.parcel.run, desk)
                return Returned(ended, lab.store.pack(self.parcel.run))
            finally:
                lab.close()
        except (StoreError, OSError) as error:
            return Returned(Ended(f"on {platform.node()} {error}"))

    def _is_free(self, lab: Workshop, desk: Desk) -> bool:
        """Wait for another worker of this machine that is still at it, of an earlier try; False where told to stop."""
        folder = lab.store.run_folder(self.parcel.run)
        while folder.is_dir():
            try:
                with FileLock(folder / "lock").acquire(timeout=POLL_SECONDS):
                    return True
            except Timeout:
                if desk.stopping:
                    return False
        return True

    def _unpack(self, lab: Workshop) -> None:
        known = lab.store.find_run(self.parcel.run)
        same = known is not None and known.created == self.parcel.row["created"]
        if known is None or not same or known.progress < self.parcel.progress:
            lab.store.unpack(self.parcel)


def origin_of(home: Path) -> str:
    """What a home folder is called on other machines."""
    return hashlib.sha256(f"{platform.node()}\0{home.resolve()}".encode()).hexdigest()[:12]


def away_home(origin: str) -> Path:
    """The folder on this machine for runs that another one sent."""
    return home_folder() / "cluster" / origin


def held(origin: str) -> list[str]:
    """The runs that lie on this machine."""
    home = away_home(origin)
    if not home.is_dir():
        return []
    lab = _SettledWorkshop(home)
    try:
        return [record.id for record in lab.store.runs()]
    finally:
        lab.close()


def forget(origin: str, runs: Iterable[str]) -> None:
    """Delete runs on this machine that have arrived where they belong; what is still worked on here stays."""
    home = away_home(origin)
    if not home.is_dir():
        return
    lab = _SettledWorkshop(home)
    try:
        for run in runs:
            try:
                lab.delete_run(run)
            except (StoreError, OSError):
                continue
    finally:
        lab.close()


def bits_depend_on() -> dict[str, str]:
    """The versions that another machine needs for the same results."""
    return {package: version for package, version in versions().items() if package != "python"}
