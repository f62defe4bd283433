"""The engine against the textbook loop, and against Stable-Baselines3 where that is installed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file

from engine.agents.evaluation import evaluate
from engine.agents.generation import generate
from engine.learners.dqn import DQNLearner
from engine.learners.imitation import ImitationLearner
from engine.learners.kinds import presets
from engine.learners.machine import usable_cores
from engine.learners.metrics import MetricLog
from engine.learners.network import prepare_thread
from engine.learners.presets import GOOD_2
from engine.storage.agent_folders import load_agent
from engine.storage.checkpoint import save_checkpoint
from engine.storage.data_sets import read_csv, write_csv
from engine.storage.names import SHIPPED
from tests.benchmarks.measuring import Row, in_turns, seconds
from tests.benchmarks.textbook import TextbookDQN, sequential, textbook_evaluate, textbook_imitation

MODELS = ("linear", "mlp-1", "mlp-2", "mlp-3")


def as_the_lab_does(side: Callable[[], float]) -> Callable[[], float]:
    """Measure a side as the lab sets torch up."""

    def measured() -> float:
        prepare_thread()
        return side()

    return measured


def as_others_do(side: Callable[[], float]) -> Callable[[], float]:
    """Measure a side on one torch thread too, but with subnormal numbers as torch has them unless told otherwise."""

    def measured() -> float:
        torch.set_flush_denormal(False)
        return side()

    return measured


def training() -> list[Row]:
    """Gradient steps a second with the good settings, environment steps included, after the warm-up."""
    lab = DQNLearner(GOOD_2.replace(seed=1), MetricLog(), episodes=100_000)
    textbook = TextbookDQN(GOOD_2.replace(seed=1))
    sides: dict[str, Callable[[], float]] = {
        "lab": as_the_lab_does(lambda: _rate(lab, 2_000)),
        "textbook": as_others_do(lambda: _rate(textbook, 1_000)),
    }
    for learner in (lab, textbook):
        while learner.env_steps < 1_200:
            learner.advance()
    baseline = _stable_baselines()
    if baseline is not None:
        sides["sb3"] = baseline
    rates = in_turns(sides, 7)
    against = f"{rates.ratio('lab', 'sb3'):.1f} x" if baseline else "not installed"
    return [
        Row("DQN training, gradient steps a second", f"{rates.median('lab'):,.0f}"),
        Row("  against the textbook loop", f"{rates.ratio('lab', 'textbook'):.1f} x", "6 x"),
        Row("  against Stable-Baselines3", against, "4 x"),
    ]


def _rate(learner: DQNLearner | TextbookDQN, env_steps: int) -> float:
    before, end = learner.gradient_steps, learner.env_steps + env_steps
    start = time.perf_counter()
    while learner.env_steps < end:
        learner.advance()
    return (learner.gradient_steps - before) / (time.perf_counter() - start)


def _stable_baselines() -> Callable[[], float] | None:
    """Its DQN with the same network, batch, update ratio and one thread."""
    try:
        import gymnasium
        from stable_baselines3 import DQN
    except ImportError:
        return None
    config = GOOD_2
    model = DQN(
        "MlpPolicy",
        gymnasium.make("CartPole-v1"),
        learning_rate=config.learning_rate,
        buffer_size=config.memory_size,
        learning_starts=config.n_steps_warm_up_memory,
        batch_size=config.batch_size,
        gamma=config.discount_factor,
        train_freq=config.freq_steps_train,
        gradient_steps=config.n_gradient_steps,
        target_update_interval=config.freq_steps_update_target,
        max_grad_norm=config.max_grad_norm,
        policy_kwargs={"net_arch": list(config.nn_hidden_layers)},
        seed=1,
        device="cpu",
    )
    prepare_thread()
    model.learn(1_200)

    def rate() -> float:
        before = model._n_updates
        start = time.perf_counter()
        model.learn(1_000, reset_num_timesteps=False)
        return (model._n_updates - before) / (time.perf_counter() - start)

    return as_others_do(rate)


def evaluation() -> list[Row]:
    """The perfect agent, episodes of 500 steps; the textbook loop, which uses one core, on fewer episodes, scaled."""
    cores = f"{min(2, usable_cores())} cores"
    agent = load_agent(SHIPPED / "perfect")
    module = sequential([4, 256, 256, 2])
    module.load_state_dict(load_file(SHIPPED / "perfect" / "model.safetensors"))
    times = in_turns(
        {
            "lab": as_the_lab_does(lambda: seconds(lambda: evaluate(agent, 1_000, 0))),
            "textbook": as_others_do(lambda: 50 * seconds(lambda: textbook_evaluate(module, 20, 0))),
        },
        9,
    )
    return [
        Row(f"evaluation, 1,000 episodes of 500 steps, {cores}", f"{times.median('lab'):.2f} s"),
        Row("  against the textbook loop", f"{times.ratio('textbook', 'lab'):.0f} x", "50 x"),
    ]


def imitation() -> list[Row]:
    """Four models, 150 epochs, 1,000 + 1,000 rows; the textbook loop on fewer epochs, scaled."""
    agent = load_agent(SHIPPED / "perfect")
    with tempfile.TemporaryDirectory() as folder:
        train, test = Path(folder) / "train.csv", Path(folder) / "test.csv"
        write_csv(train, generate(agent, 1_000, 0))
        write_csv(test, generate(agent, 1_000, 1))

        def lab() -> None:
            for name in MODELS:
                config = presets()[name].config
                learner = ImitationLearner(config, MetricLog(), read_csv(train), read_csv(test))  # type: ignore[arg-type]
                while not learner.finished:
                    learner.advance()

        def textbook() -> None:
            for name in MODELS:
                textbook_imitation(list(presets()[name].config.nn_hidden_layers), train, test, 3)

        sides = {
            "lab": as_the_lab_does(lambda: seconds(lab)),
            "textbook": as_others_do(lambda: 50 * seconds(textbook)),
        }
        times = in_turns(sides, 3)
    return [
        Row("imitation, four models of 150 epochs", f"{times.median('lab'):.1f} s"),
        Row("  against the textbook loop", f"{times.ratio('textbook', 'lab'):.0f} x", "15 x"),
    ]


def checkpoint() -> list[Row]:
    """Full checkpoints with 100,000 transitions in the buffer, one every 5 seconds."""
    learner = DQNLearner(GOOD_2.replace(n_steps_warm_up_memory=100_000), MetricLog(), episodes=100_000)
    while learner.env_steps < 100_000:
        learner.advance()
    with tempfile.TemporaryDirectory() as folder:
        once = in_turns({"lab": lambda: seconds(lambda: save_checkpoint(Path(folder) / "c", learner.state()))}, 5)
    share = 100 * once.median("lab") / 5
    return [Row("checkpoint every 5 s, 100,000 transitions", f"{share:.1f} % of the time", "2 %")]


MEMORY = """
import torch, gymnasium
from pathlib import Path

def kilobytes(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))

Path("/proc/self/clear_refs").write_text("5")  # Importing torch peaks higher than a run ever gets; begin again.
before = kilobytes("VmRSS")
from engine.learners.dqn import DQNLearner
from engine.learners.metrics import MetricLog
from engine.learners.presets import GOOD_2
learner = DQNLearner(GOOD_2.replace(seed=2), MetricLog())
while not learner.finished:
    learner.advance()
print((kilobytes("VmHWM") - before) / 1024)
"""


def memory() -> list[Row]:
    """Peak memory of a headless good run above a process that has only imported torch and gymnasium."""
    if not Path("/proc/self/clear_refs").exists():
        return [Row("peak memory of a good run", "measured on Linux only", "120 MB")]
    out = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True).stdout
    return [Row("peak memory of a good run", f"{float(out):.0f} MB above the imports", "120 MB")]


def startup() -> list[Row]:
    """Fresh processes."""
    command = Path(sys.executable).with_name("dqn-lab")
    times = in_turns(
        {
            "help": lambda: seconds(lambda: subprocess.run([command, "--help"], capture_output=True, check=True)),
            "import": lambda: seconds(lambda: subprocess.run([sys.executable, "-c", "import engine"], check=True)),
        },
        5,
    )
    return [
        Row("dqn-lab --help", f"{times.median('help'):.2f} s", "0.4 s"),
        Row("import engine", f"{times.median('import'):.2f} s", "0.4 s"),
    ]


ALL = (training, evaluation, imitation, checkpoint, memory, startup)
