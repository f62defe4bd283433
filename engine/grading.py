"""Grades the course's two homework challenges by measuring, with starts and rows of its own; torch loads late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.config import ConfigError
from engine.store import RunRecord, Store

if TYPE_CHECKING:
    from engine.agents import NetworkAgent
    from engine.imitation import Samples

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
    from engine.agents import NetworkAgent
    from engine.library import find_agent

    agent = find_agent(store, chosen)
    if not isinstance(agent, NetworkAgent):
        return Grade(challenge, False, f"{chosen} is a rule, not a network.", {"agent": chosen})
    return _grade_clone(store, chosen, agent) if challenge == 1 else _grade_simple_network(chosen, agent)


def _nothing_to_grade(challenge: int) -> str:
    if challenge == 1:
        return (
            f"there is no imitation run with {TRAIN_ROWS:,} training rows yet: "
            f"`dqn-lab generate perfect --samples {TRAIN_ROWS} --seed 0 --output FILE`, then `dqn-lab fit`."
        )
    return "there is no DQN run with one hidden layer yet: `dqn-lab train --preset one-hidden` starts one."


def _newest(store: Store, challenge: int) -> str | None:
    """The newest finished run that fits: an imitation run on enough rows, a DQN run with one hidden layer."""
    for record in store.runs():
        if record.status != "finished":
            continue
        spec = record.spec
        if challenge == 1 and record.kind == "imitation" and _rows(spec) >= TRAIN_ROWS:
            return record.id
        if challenge == 2 and record.kind == "dqn" and len(spec["config"]["nn_hidden_layers"]) == 1:
            return record.id
    return None


def _rows(spec: dict[str, Any]) -> int:
    return int(spec["train"]["samples"])


def _grade_clone(store: Store, name: str, agent: NetworkAgent) -> Grade:
    from engine.imitation import generate
    from engine.library import find_agent

    measured: dict[str, Any] = {"agent": name}
    if not agent.is_clone:
        return Grade(
            1, False, f"{name} learned from rewards; challenge 1 wants a clone that learned from rows.", measured
        )
    test = generate(find_agent(store, "perfect"), TEST_ROWS, TEST_SEED)
    accuracy = float((agent.act(test.states) == test.actions).mean())
    train = _training_rows(store, agent)
    rows = len(train) if train is not None else _card_rows(agent.card)
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
    from engine.imitation import read_csv

    run = _run_of_card(store, agent.card)
    kept = None if run is None else store.run_folder(run.id) / "train.csv"
    return read_csv(kept) if kept is not None and kept.is_file() else None


def _card_rows(card: dict[str, Any]) -> int | None:
    """The number of training rows by the agent's own card, which may come from anywhere."""
    try:
        return _rows(card["spec"])
    except (KeyError, TypeError, ValueError):
        return None


def _run_of_card(store: Store, card: dict[str, Any]) -> RunRecord | None:
    made_by = str(card.get("made_by", "")).split()
    return next((run for run in store.runs() if made_by[:2] == ["run", run.id]), None)


def _shared_rows(train: Samples | None, test: Samples) -> int | None:
    """How many training states are test states, bit for bit; None where the training rows are gone."""
    if train is None:
        return None
    seen = {state.tobytes() for state in test.states}
    return sum(state.tobytes() in seen for state in train.states)


def _grade_simple_network(name: str, agent: NetworkAgent) -> Grade:
    from engine.evaluation import evaluate

    hidden = list(agent.config.nn_hidden_layers)
    measured: dict[str, Any] = {"agent": name, "hidden_layers": hidden, "parameters": agent.network.flat.numel()}
    if len(hidden) != 1:
        return Grade(2, False, f"{name} has {len(hidden)} hidden layers; the challenge asks for exactly one.", measured)
    result = evaluate(agent, EPISODES, EPISODE_SEED)
    measured |= {"seed": EPISODE_SEED, **result.summary()}
    reason = f"{result.perfect:,} of {EPISODES:,} episodes reached 500 (mean {result.returns.mean():.2f})."
    return Grade(2, result.perfect == EPISODES, reason, measured)
