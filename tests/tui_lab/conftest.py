"""The fixtures of the lab's tests."""

from tests.tui_lab.pilot import open_lab

__all__ = ["open_lab"]
