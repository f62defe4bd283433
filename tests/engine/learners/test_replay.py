"""The replay buffer: what is stored, what is overwritten, and that a reset never leaks into a transition."""

from __future__ import annotations

import numpy as np
import pytest

from engine.learners.replay import ReplayBuffer
from tests.engine import probes
from tests.engine.small import dqn_config, learner


def filled(capacity: int, count: int) -> ReplayBuffer:
    """Transition k: state [k, -k], action k % 2, reward k / 10, next state [k + 1, -k - 1], ends by k % 4."""
    buffer = ReplayBuffer(capacity, 2)
    for k in range(count):
        state, reached = np.array([k, -k], np.float32), np.array([k + 1, -k - 1], np.float32)
        buffer.add(state, k % 2, k / 10, reached, terminated=k % 4 in (1, 3), truncated=k % 4 in (2, 3))
    return buffer


def test_it_grows_to_its_capacity_and_no_further() -> None:
    assert [len(filled(3, count)) for count in range(6)] == [0, 1, 2, 3, 3, 3]


def test_the_oldest_transition_is_overwritten_first() -> None:
    batch = filled(3, 5).take(np.arange(3))
    assert batch.states[:, 0].tolist() == [3, 4, 2]
    assert batch.next_states.tolist() == [[4, -4], [5, -5], [3, -3]]
    assert batch.actions.tolist() == [1, 0, 0]
    np.testing.assert_array_equal(batch.rewards, np.array([0.3, 0.4, 0.2], np.float32))


def test_both_end_flags_are_kept_apart() -> None:
    batch = filled(4, 4).take(np.arange(4))
    assert batch.terminated.tolist() == [False, True, False, True]
    assert batch.truncated.tolist() == [False, False, True, True]


def test_indices_of_any_shape_give_batches_of_that_shape() -> None:
    batch = filled(4, 4).take(np.array([[0, 1, 2], [3, 3, 0]]))
    assert batch.states.shape == (2, 3, 2)
    assert batch.rewards.shape == (2, 3)
    assert batch.states[1, :, 0].tolist() == [3, 3, 0]


def test_a_stored_transition_does_not_follow_its_source_array() -> None:
    buffer, state = ReplayBuffer(2, 2), np.zeros(2, np.float32)
    buffer.add(state, 0, 0.0, state, terminated=False, truncated=False)
    state += 7
    assert not buffer.take(np.array([0])).states.any()
    assert not buffer.take(np.array([0])).next_states.any()


@pytest.mark.parametrize("count", [0, 2, 3, 5])
def test_a_restored_buffer_goes_on_like_the_original(count: int) -> None:
    original, restored = filled(3, count), ReplayBuffer(3, 2)
    restored.restore(original.state())
    for buffer in (original, restored):
        extra = np.full(2, 99, np.float32)
        buffer.add(extra, 1, 9.0, extra, terminated=True, truncated=False)
    assert len(original) == len(restored) == min(3, count + 1)
    first, second = original.state(), restored.state()
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


def test_a_saved_state_does_not_change_with_the_buffer() -> None:
    buffer = filled(3, 3)
    state = buffer.state()
    buffer.add(np.zeros(2, np.float32), 0, 0.0, np.zeros(2, np.float32), terminated=False, truncated=False)
    assert state["states"][:, 0].tolist() == [0, 1, 2]


def test_the_learner_stores_the_reached_state_at_every_kind_of_end_and_never_the_reset_state() -> None:
    run = learner(dqn_config(environment=probes.COUNTING), env_steps=90)
    while not run.finished:
        run.advance()
    batch = run.replay.take(np.arange(90))
    np.testing.assert_array_equal(batch.states[:, 0], np.tile([100, 101, 102], 30))
    np.testing.assert_array_equal(batch.next_states[:, 0], np.tile([101, 102, 103], 30))
    np.testing.assert_array_equal(batch.next_states[:, 1], batch.states[:, 1])
    np.testing.assert_array_equal(batch.rewards, batch.next_states[:, 0])
    last = np.tile([False, False, True], 30)
    kind = batch.states[:, 1]
    assert set(kind) == {0, 1, 2}
    np.testing.assert_array_equal(batch.terminated, last & (kind != 1))
    np.testing.assert_array_equal(batch.truncated, last & (kind != 0))
