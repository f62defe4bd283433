"""What this machine and its packages are: usable cores, and the versions that a figure may depend on. No torch."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version


def usable_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def versions() -> dict[str, str]:
    """The versions that a figure may depend on."""
    packages = ("dqn-lab", "torch", "gymnasium", "numpy")
    return {"python": platform.python_version(), "machine": platform.machine()} | {p: version(p) for p in packages}
