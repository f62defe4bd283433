"""Grades the course's two homework challenges by measuring, with starts and rows of its own; torch loads late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.learners.environment_facts import CARTPOLE
from engine.learners.kinds import kind_named, kinds, spec_from_dict
from engine.learners.settings import ConfigError
from engine.learners.specs import RowsSpec
from engine.storage.records import RunRecord, Status
from engine.storage.store import Store

if TYPE_CHECKING:
    from engine.agents.agent import NetworkAgent
    from engine.learners.samples import Samples

CHALLENGES = {
    1: "a clone with at least 95 % test accuracy, trained on 10,000 rows",
    2: "a network with one hidden layer that scores 500 in all of 1,000 episodes",
}
TRAIN_ROWS = 10_000
TEST_ROWS, TEST_SEED = 1_000, 1
ACCURACY = 0.95
EPISODES = 1_000
# A seed of the grader's own: nothing in the lab trains, selects or evaluates with it unless told to.
EPISODE_SEED = 20_500


@dataclass(frozen=True, slots=True)
class Grade:
    """Whether a challenge is passed, one sentence on why, and the figures that were measured for it."""

    challenge: int
    passed: bool
    reason: str
    measured: dict[str, Any]


def grade(store: Store, challenge: int, subject: str | None = None) -> Grade:
    """Measure an agent against a challenge; without a subject, the agent of the newest run that fits it.

    Takes some seconds at most.

    Raises:
        ConfigError: there is no such challenge.
        AgentError: the subject names no agent.
    """
    if challenge not in CHALLENGES:
        raise ConfigError(f"there is no challenge {challenge}; the challenges are 1 and 2.")
    chosen = subject or _newest(store, challenge)
    if chosen is None:
        return Grade(challenge, False, _nothing_to_grade(challenge), {})
    from engine.agents.agent import NetworkAgent
    from engine.storage.library import find_agent

    agent = find_agent(store, chosen)
    if not isinstance(agent, NetworkAgent):
        return Grade(challenge, False, f"{chosen} is a rule, not a network.", {"agent": chosen})
    return _grade_clone(store, chosen, agent) if challenge == 1 else _grade_simple_network(chosen, agent)


def _nothing_to_grade(challenge: int) -> str:
    if challenge == 1:
        return (
            f"there is no run on {TRAIN_ROWS:,} training rows yet: "
            f"`dqn-lab generate perfect --samples {TRAIN_ROWS} --seed 0 --output FILE`, then `dqn-lab fit`."
        )
    return f"no run in {CARTPOLE} has one hidden layer yet: `dqn-lab train --preset one-hidden` starts one."


def _newest(store: Store, challenge: int) -> str | None:
    """The newest finished run that fits: one on enough rows, or one from CartPole's episodes with one hidden layer."""
    from_rows = [name for name in kinds() if _learns_from_rows(name)]
    wanted = from_rows if challenge == 1 else [name for name in kinds() if name not in from_rows]
    for record in store.runs(kinds=wanted, statuses=[Status.FINISHED]):
        if challenge == 1 and (_told_rows(record.spec) or 0) >= TRAIN_ROWS:
            return record.id
        if challenge == 2 and _is_simple(record):
            return record.id
    return None


def _is_simple(record: RunRecord) -> bool:
    """Whether a run's network has one hidden layer, and acts where the challenge is about."""
    try:
        config = spec_from_dict(record.kind, record.spec).config
    except ConfigError:
        return False  # Its record is damaged.
    return len(config.nn_hidden_layers) == 1 and kind_named(record.kind).environment(config) == CARTPOLE


def _learns_from_rows(kind: str) -> bool:
    return issubclass(kind_named(kind).spec_type, RowsSpec)


def _grade_clone(store: Store, name: str, agent: NetworkAgent) -> Grade:
    from engine.agents.generation import generate
    from engine.storage.library import find_agent

    measured: dict[str, Any] = {"agent": name}
    if not _learns_from_rows(agent.kind):
        return Grade(
            1, False, f"{name} learned from rewards; challenge 1 wants a clone that learned from rows.", measured
        )
    test = generate(find_agent(store, "perfect"), TEST_ROWS, TEST_SEED)
    accuracy = float((agent.act(test.states) == test.actions).mean())
    train = _training_rows(store, agent)
    rows = len(train) if train is not None else _told_rows(agent.card.get("spec"))
    measured |= {"test_accuracy": accuracy, "test_rows": TEST_ROWS, "test_seed": TEST_SEED, "train_rows": rows}
    if rows is None:
        return Grade(1, False, f"{name} does not tell how many rows it was trained on.", measured)
    shared = _shared_rows(train, test)
    measured["shared_rows"] = shared
    if shared:
        return Grade(1, False, f"{shared} of the training rows are test rows; test only on rows never seen.", measured)
    if rows < TRAIN_ROWS:
        return Grade(1, False, f"{name} was trained on {rows:,} rows; the challenge asks for {TRAIN_ROWS:,}.", measured)
    passed = accuracy >= ACCURACY
    verdict = "reaches" if passed else "is below"
    return Grade(1, passed, f"test accuracy {accuracy:.3f} {verdict} {ACCURACY:.2f} with {rows:,} rows.", measured)


def _training_rows(store: Store, agent: NetworkAgent) -> Samples | None:
    """The rows that a clone's run keeps, where the run is still there."""
    from engine.storage.data_sets import read_csv

    run = _run_of_card(store, agent.card)
    kept = None if run is None else store.run_folder(run.id) / "train.csv"
    return read_csv(kept) if kept is not None and kept.is_file() else None


def _told_rows(spec: Any) -> int | None:
    """The number of training rows by a spec in plain values, which may come from anywhere; None where it tells none."""
    try:
        return int(spec["train"]["samples"])
    except (KeyError, TypeError, ValueError):
        return None


def _run_of_card(store: Store, card: dict[str, Any]) -> RunRecord | None:
    made_by = str(card.get("made_by", "")).split()
    return store.find_run(made_by[1]) if len(made_by) > 1 and made_by[0] == "run" else None


def _shared_rows(train: Samples | None, test: Samples) -> int | None:
    """How many training states are test states, bit for bit; None where the training rows are gone."""
    if train is None:
        return None
    seen = {state.tobytes() for state in test.states}
    return sum(state.tobytes() in seen for state in train.states)


def _grade_simple_network(name: str, agent: NetworkAgent) -> Grade:
    from engine.agents.evaluation import evaluate
    from engine.learners.environment_facts import environment_facts

    hidden = list(agent.config.nn_hidden_layers)
    measured: dict[str, Any] = {"agent": name, "hidden_layers": hidden, "parameters": agent.network.flat.numel()}
    if len(hidden) != 1:
        return Grade(2, False, f"{name} has {len(hidden)} hidden layers; the challenge asks for exactly one.", measured)
    if agent.environment != CARTPOLE:
        reason = f"{name} acts in {agent.environment}; the challenge is about {CARTPOLE}."
        return Grade(2, False, reason, measured)
    result = evaluate(agent, EPISODES, EPISODE_SEED)
    measured |= {"seed": EPISODE_SEED, **result.summary()}
    best = environment_facts(CARTPOLE).best_return
    reason = f"{result.perfect:,} of {EPISODES:,} episodes reached {best:g} (mean {result.returns.mean():.2f})."
    return Grade(2, result.perfect == EPISODES, reason, measured)
