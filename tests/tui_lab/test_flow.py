"""When the next frame may go: by the terminal's answers, or by how long it takes what is written."""

from __future__ import annotations

import pytest

from tui_lab.terminal.answers import Answers
from tui_lab.terminal.flow import AHEAD, BUFFERED, LEAST_AHEAD, MOST_AHEAD, MOST_STALLS, STALLED, UNKNOWN_SECONDS, Flow


class Line:
    """A line of some rate and delay with a terminal at its end that answers, and a clock that this moves."""

    def __init__(self, bytes_a_second: float, delay: float = 0.0) -> None:
        self.now = 0.0
        self.flow = Flow(lambda: self.now)
        self._rate, self._delay = bytes_a_second, delay
        self._free_at = 0.0
        self._answers: list[float] = []

    def send(self, size: int) -> None:
        self._free_at = max(self._free_at, self.now) + size / self._rate
        if self.flow.asks:
            self._answers.append(self._free_at + self._delay)
        self.flow.sent(size)

    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        while self._answers and self._answers[0] <= end:
            self.now = self._answers.pop(0)
            self.flow.answered()
        self.now = end

    @property
    def queue(self) -> float:
        """Seconds that a key's frame would wait behind what is under way."""
        return max(0.0, self._free_at - self.now)

    def use(self, seconds: float, size: int, each: float) -> list[float]:
        """Offer a frame again and again, send it when the flow says so; returns the queue after each moment."""
        queues = []
        until = self.now + seconds
        while self.now < until:
            if not self.flow.wait:
                self.send(min(size, self.flow.room))
            self.pass_time(each)
            queues.append(self.queue)
        return queues


def test_at_first_everything_may_go() -> None:
    flow = Flow(lambda: 0.0)
    flow.sent(10_000)
    assert flow.wait == 0
    assert not flow.slow


def test_before_the_first_answer_no_more_than_some_screens_go_and_not_for_long() -> None:
    now = [0.0]
    flow = Flow(lambda: now[0])
    flow.sent(10_000)
    flow.sent(10_000)
    assert 0 < flow.wait <= UNKNOWN_SECONDS
    now[0] = UNKNOWN_SECONDS
    assert flow.wait == 0


def test_only_the_first_frame_asks_until_that_is_answered() -> None:
    flow = Flow(lambda: 0.0)
    assert flow.asks
    flow.sent(10)
    assert not flow.asks
    flow.answered()
    assert flow.asks


def test_no_frame_goes_while_much_is_unanswered() -> None:
    line = Line(20_000)
    line.send(1_000)
    line.pass_time(1)
    line.send(int(2 * AHEAD))
    assert line.flow.wait > 0
    line.pass_time(1)
    assert line.flow.wait == 0


@pytest.mark.parametrize("delay", [0.001, 0.05, 0.3])
def test_on_a_slow_line_little_lies_before_a_key(delay: float) -> None:
    line = Line(20_000, delay)
    line.use(3, 8_000, 0.02)
    queues = line.use(30, 8_000, 0.02)
    assert sorted(queues)[int(0.95 * len(queues))] < 0.25
    assert line.flow.slow


@pytest.mark.parametrize("delay", [0.001, 0.1, 0.3])
def test_a_fast_line_is_used_however_far_the_terminal_is(delay: float) -> None:
    line = Line(10_000_000, delay)
    line.use(20, 8_000, 0.02)
    assert line.flow.room == MOST_AHEAD / 4
    assert not line.flow.slow


def test_a_line_that_becomes_slow_is_noticed() -> None:
    line = Line(10_000_000, 0.01)
    line.use(10, 8_000, 0.02)
    line._rate = 20_000
    line.use(10, 8_000, 0.02)
    assert line.flow.slow


def test_a_terminal_that_stops_answering_does_not_hold_the_screen_for_ever() -> None:
    line = Line(20_000)
    line.send(10)
    line.pass_time(1)
    line.send(20_000)
    line._answers.clear()
    assert 0 < line.flow.wait <= STALLED
    line.pass_time(STALLED)
    assert line.flow.wait == 0
    assert line.flow.unanswered == 0


def test_an_answer_that_nobody_waits_for_is_no_harm() -> None:
    flow = Flow(lambda: 0.0)
    flow.answered()
    flow.answered()
    assert flow.wait == 0


# --- terminals that never answer


def test_a_write_that_had_to_wait_tells_how_fast_the_line_is() -> None:
    now = [0.0]
    flow = Flow(lambda: now[0])
    flow.sent(4_096)
    flow.wrote(4_096, 0.2)
    assert flow.rate == pytest.approx(20_480)
    assert flow.slow
    assert flow.wait == pytest.approx((BUFFERED - LEAST_AHEAD) / 20_480)
    now[0] = BUFFERED / 20_480
    assert flow.wait == 0


def test_a_short_write_that_was_late_tells_nothing() -> None:
    flow = Flow(lambda: 0.0)
    flow.wrote(4, 0.5)
    assert flow.rate is None
    assert flow.wait == 0


def test_a_line_that_takes_everything_at_once_again_becomes_faster() -> None:
    now = [0.0]
    flow = Flow(lambda: now[0])
    flow.wrote(4_096, 0.4)
    for _ in range(300):
        now[0] += 1
        flow.sent(1_000)
        flow.wrote(1_000, 0.0)
    assert flow.rate is not None
    assert flow.rate > 1_000_000


# --- answers between keys


def test_answers_are_taken_out_of_what_is_typed() -> None:
    assert Answers().take(b"ab\x1b[0nc\x1b[0n") == (b"abc", 2)


@pytest.mark.parametrize("cut", range(1, 4))
def test_an_answer_in_two_pieces_is_no_key(cut: int) -> None:
    answers, answer = Answers(), b"\x1b[0n"
    assert answers.take(b"x" + answer[:cut]) == (b"x", 0)
    assert answers.take(answer[cut:] + b"y") == (b"y", 1)


def test_a_lone_escape_is_typed_once_nothing_follows() -> None:
    answers = Answers()
    assert answers.take(b"\x1b") == (b"", 0)
    assert answers.release() == b"\x1b"
    assert answers.release() == b""


def test_an_arrow_key_is_not_held() -> None:
    assert Answers().take(b"\x1b[A") == (b"\x1b[A", 0)


def test_escape_before_an_answer_stays_a_key() -> None:
    answers = Answers()
    typed = answers.take(b"\x1b")[0] + answers.take(b"\x1b[0n")[0]
    assert typed + answers.release() == b"\x1b"


def test_where_no_answer_is_expected_an_escape_is_a_key_at_once() -> None:
    assert Answers().take(b"\x1b", expected=False) == (b"\x1b", 0)
    assert Answers().take(b"\x1b[0n", expected=False) == (b"", 1)


def test_the_first_answer_is_waited_for_but_not_for_long() -> None:
    line = Line(1e9)
    line.flow.sent(100)
    assert line.flow.unanswered == 1, "the first half of its answer is not to be taken for keys"
    line.now = UNKNOWN_SECONDS
    assert line.flow.unanswered == 0


def test_answers_that_come_after_a_stall_are_not_taken_for_quick_ones() -> None:
    now = 0.0
    flow = Flow(lambda: now)

    def frame() -> None:
        nonlocal now
        flow.sent(800)
        now += 0.3
        flow.answered()

    for _ in range(30):
        frame()
    for _ in range(4):
        flow.sent(800)
    now += STALLED
    assert flow.wait == 0
    flow.sent(800)
    now += 0.001
    for _ in range(4):
        flow.answered()
    assert flow.unanswered == 1
    now += 0.299
    flow.answered()
    for _ in range(30):
        frame()
    assert "within 300 ms" in flow.told()
    assert flow.room > LEAST_AHEAD


def test_a_terminal_that_answers_no_longer_is_not_waited_for_again_and_again() -> None:
    now = [0.0]
    flow = Flow(lambda: now[0])
    flow.sent(10)
    flow.answered()
    for _ in range(MOST_STALLS):
        flow.sent(100_000)
        assert flow.wait > 0
        now[0] += STALLED
        assert flow.wait == 0
    assert not flow.asks
    flow.sent(10_000)
    assert flow.wait == 0
    flow.answered()
    assert flow.asks
