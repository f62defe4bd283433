"""The third kind of learner, known to the lab for as long as a test needs it and to no other test."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.learners.kinds import register, unregister

if TYPE_CHECKING:
    from tests.engine.kinds.sarsa import Sarsa


@contextmanager
def third_kind() -> Iterator[Sarsa]:
    """Registers deep SARSA, by importing its module for the first time, and forgets it in the end."""
    kind: Sarsa = importlib.import_module("tests.engine.kinds.sarsa").KIND
    register(kind)  # A module that was imported before does not do it again.
    try:
        yield kind
    finally:
        unregister(kind.name)
