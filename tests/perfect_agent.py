"""Makes `saved/perfect`: trains it with the command that its card records, measures it, and writes card and agent.

Run as `python -m tests.perfect_agent`; it takes about three minutes. Bit for bit the same agent comes out only on the
same kind of machine with the same versions; the card says which those were.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import fmean
from typing import Any

from engine.agents.agent import NetworkAgent
from engine.agents.evaluation import evaluate
from engine.agents.generation import generate
from engine.learners.imitation import ImitationLearner
from engine.learners.kinds import presets
from engine.learners.machine import versions
from engine.learners.metrics import MetricLog
from engine.learners.samples import Samples
from engine.storage.agent_folders import load_agent, save_agent
from engine.storage.names import SHIPPED

COMMAND = (
    "train --preset as-written --set double_q=true --set target_soft_update_rate=0.1 "
    "--seed 100 --episodes 232 --name teacher"
)
EVALUATION_SEEDS = range(12)
TRAINING_SEEDS = range(3)
MODELS = ("linear", "mlp-1", "mlp-2", "mlp-3")


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        subprocess.run([Path(sys.executable).with_name("dqn-lab"), "--home", home, *COMMAND.split()], check=True)
        agent = load_agent(Path(home) / "agents" / "teacher", "perfect")
    agent.card = {
        "command": f"dqn-lab {COMMAND}",
        "seed": 100,
        "why_this_one": "its imitation task tells the course's story; see imitation",
        "state_hash": agent.card["state_hash"],
        "versions": versions(),
        "evaluations": [{"seed": seed, **evaluate(agent, 1_000, seed).summary()} for seed in EVALUATION_SEEDS],
        "imitation": imitation_table(agent),
    }
    save_agent(SHIPPED / "perfect", agent)
    print(json.dumps(agent.card["imitation"], indent=2))


def imitation_table(agent: NetworkAgent) -> dict[str, Any]:
    """Means over the training seeds, after the last epoch, of the course's four models; and the same with more rows."""
    train, more, test = generate(agent, 1_000, 0), generate(agent, 10_000, 0), generate(agent, 1_000, 1)
    return {
        "train": "1,000 rows from seed 0",
        "test": "1,000 rows from seed 1",
        "training_seeds": list(TRAINING_SEEDS),
        "models": {name: story(name, train, test) for name in MODELS},
        "mlp-2 with 10,000 train rows": story("mlp-2", more, test),
    }


def story(preset: str, train: Samples, test: Samples) -> dict[str, float]:
    """Figures of a model's last epoch and its lowest test loss, means over the training seeds."""
    logs = []
    for seed in TRAINING_SEEDS:
        log = MetricLog()
        learner = ImitationLearner(presets()[preset].config.replace(seed=seed), log, train, test)  # type: ignore[arg-type]
        while not learner.finished:
            learner.advance()
        logs.append(log)
    figures = {
        name: fmean(log.last(name) or 0.0 for log in logs)
        for name in ("train_accuracy", "test_accuracy", "train_loss", "test_loss")
    }
    figures["lowest_test_loss"] = fmean(float(log.read("test_loss")[1].min()) for log in logs)
    return {name: round(value, 4) for name, value in figures.items()}


if __name__ == "__main__":
    main()
