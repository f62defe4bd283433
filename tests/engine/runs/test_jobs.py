"""Jobs: a thread that drives work and answers to pause, resume and stop between any two steps."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from engine.runs.jobs import Job
from engine.storage.records import Status

PATIENCE = 30


class Steps:
    """Work of `count` steps. With `paced`, each step waits for one release of the semaphore."""

    def __init__(self, count: int = 5, *, paced: bool = False, fail_at: int | None = None) -> None:
        self.done = 0
        self.gate = threading.Semaphore(0)
        self.threads: set[threading.Thread] = set()
        self._count = count
        self._paced = paced
        self._fail_at = fail_at

    @property
    def finished(self) -> bool:
        return self.done >= self._count

    @property
    def progress(self) -> float:
        return self.done / self._count

    def advance(self) -> None:
        if self._paced:
            assert self.gate.acquire(timeout=PATIENCE)
        if self.done == self._fail_at:
            raise RuntimeError("step went wrong")
        self.threads.add(threading.current_thread())
        self.done += 1


class Watched:
    """A job on `work` with every status it was in, and a way to wait for one."""

    def __init__(self, work: Steps) -> None:
        self.work = work
        self.job: Job[Steps] = Job("steps", lambda: work)
        self.seen: list[Status] = []
        self._change = threading.Condition()
        self.job.listeners.append(self._listen)

    def _listen(self, job: Job[Steps]) -> None:
        with self._change:
            self.seen.append(job.status)
            self._change.notify_all()

    def wait_for(self, status: Status, times: int = 1) -> None:
        with self._change:
            assert self._change.wait_for(lambda: self.seen.count(status) >= times, PATIENCE)

    def end(self) -> None:
        self.work.gate.release(1_000)
        self.job.stop()
        assert self.job.wait(PATIENCE)


@pytest.fixture
def paced() -> Iterator[Watched]:
    watched = Watched(Steps(100, paced=True))
    yield watched
    watched.end()


def test_a_job_runs_from_start_to_finish_in_a_daemon_thread_of_its_own() -> None:
    watched = Watched(Steps())
    assert (watched.job.status, watched.job.progress) == (Status.STARTING, 0)
    watched.job.start()
    assert watched.job.wait(PATIENCE)
    assert watched.seen == [Status.RUNNING, Status.FINISHED]
    assert (watched.work.done, watched.job.progress, watched.job.error) == (5, 1, None)
    (thread,) = watched.work.threads
    assert thread.daemon
    assert thread is not threading.current_thread()


def test_the_work_is_made_in_the_thread() -> None:
    made_in: list[threading.Thread] = []

    def make() -> Steps:
        made_in.append(threading.current_thread())
        return Steps()

    job: Job[Steps] = Job("steps", make)
    assert made_in == []
    job.start()
    assert job.wait(PATIENCE)
    assert made_in != [threading.current_thread()]


def test_a_paused_job_takes_no_step_until_it_is_resumed(paced: Watched) -> None:
    paced.job.start()
    paced.wait_for(Status.RUNNING)
    paced.job.pause()
    paced.work.gate.release(100)
    paced.wait_for(Status.PAUSED)
    done, seconds = paced.work.done, paced.job.seconds
    assert done <= 1  # the step that was under way
    assert paced.job.pausing
    assert paced.job.status.live
    assert not paced.job.wait(0.05)
    assert (paced.work.done, paced.job.seconds) == (done, seconds)
    paced.job.resume()
    assert paced.job.wait(PATIENCE)
    assert paced.seen == [Status.RUNNING, Status.PAUSED, Status.RUNNING, Status.FINISHED]
    assert paced.work.done == 100
    assert paced.job.seconds >= seconds


def test_a_job_can_be_paused_before_it_starts(paced: Watched) -> None:
    paced.job.pause()
    paced.job.start()
    paced.wait_for(Status.PAUSED)
    assert paced.work.done == 0


def test_stop_ends_a_running_job_at_its_next_step(paced: Watched) -> None:
    paced.job.start()
    paced.wait_for(Status.RUNNING)
    paced.job.stop()
    paced.work.gate.release()
    assert paced.job.wait(PATIENCE)
    assert paced.work.done <= 1
    assert paced.seen == [Status.RUNNING, Status.STOPPED]
    assert not paced.job.status.live


def test_stop_ends_a_paused_job_without_another_step(paced: Watched) -> None:
    paced.job.pause()
    paced.job.start()
    paced.wait_for(Status.PAUSED)
    paced.job.stop()
    assert paced.job.wait(PATIENCE)
    assert paced.work.done == 0
    assert paced.seen == [Status.RUNNING, Status.PAUSED, Status.STOPPED]


def test_a_failure_ends_the_job_and_carries_its_message() -> None:
    watched = Watched(Steps(fail_at=2))
    watched.job.start()
    assert watched.job.wait(PATIENCE)
    assert watched.seen == [Status.RUNNING, Status.FAILED]
    assert watched.job.error == "RuntimeError: step went wrong"
    assert watched.work.done == 2


def test_a_failure_to_make_the_work_is_the_jobs_and_one_of_our_sentences_stands_alone() -> None:
    def make() -> Steps:
        raise ValueError("the file is not there.")

    job: Job[Steps] = Job("steps", make)
    job.start()
    assert job.wait(PATIENCE)
    assert (job.status, job.error, job.progress) == (Status.FAILED, "the file is not there.", 0)


def test_a_job_that_was_never_started_has_nothing_to_wait_for() -> None:
    assert Job("steps", Steps).wait(0)


def test_a_stop_while_a_job_is_coming_to_rest_is_not_lost_to_a_pause_that_follows() -> None:
    work, resting, asked = Steps(100), threading.Event(), threading.Event()

    class SlowToRest(Job[Steps]):
        def _paused(self) -> None:
            resting.set()
            assert asked.wait(PATIENCE)

    job = SlowToRest("steps", lambda: work)
    job.pause()
    job.start()
    assert resting.wait(PATIENCE)
    job.stop()
    job.pause()
    asked.set()
    assert job.wait(PATIENCE)
    assert (job.status, work.done) == (Status.STOPPED, 0)


def test_a_listener_that_fails_changes_nothing_but_is_told(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched(Steps())

    def careless(job: Job[Steps]) -> None:
        raise RuntimeError("not my day")

    watched.job.listeners.insert(0, careless)
    watched.job.start()
    assert watched.job.wait(PATIENCE)
    assert watched.seen == [Status.RUNNING, Status.FINISHED]
    assert (watched.job.status, watched.job.error) == (Status.FINISHED, None)
    assert "not my day" in caplog.text


@pytest.mark.parametrize("fail_at", [None, 3])
def test_a_job_that_has_ended_lets_its_work_go_and_keeps_how_far_it_came(fail_at: int | None) -> None:
    work = Steps(fail_at=fail_at)
    job: Job[Steps] = Job("steps", lambda: work)
    job.start()
    assert job.wait(PATIENCE)
    assert job.work is None
    assert job.progress == (1 if fail_at is None else 0.6)
