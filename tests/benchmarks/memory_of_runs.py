"""What a process holds on to after many runs: finished learners let go of their network and their replay buffer."""

from __future__ import annotations

import gc
import tempfile
from pathlib import Path

from engine.laboratory import Laboratory
from engine.learners.kinds import preset_spec
from tests.benchmarks.measuring import Row, resident_megabytes

RUNS, FIRST = 50, 10


def memory_of_finished_runs() -> list[Row]:
    """Growth of the process over the last 40 of 50 runs, each of some 2,000 transitions with its log looked at."""
    with tempfile.TemporaryDirectory() as folder:
        lab = Laboratory(Path(folder))
        for number in range(RUNS):
            if number == FIRST:
                gc.collect()
                before = resident_megabytes()
            run = lab.start(preset_spec("good-2", seed=number, episodes=60), preset="good-2")
            assert run.wait(600)
            lab.log(run.record).view("loss", 100)
        gc.collect()
        grown = (resident_megabytes() - before) / (RUNS - FIRST)
        lab.close()
    return [Row("memory a process keeps of each finished run", f"{grown:.2f} MB", "0")]


ALL = (memory_of_finished_runs,)
