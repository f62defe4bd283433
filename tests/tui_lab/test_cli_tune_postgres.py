"""Two workers on one study in a real PostgreSQL server on this machine, one of them killed: each trial counts once."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from test_cli_tune import (
    HEAVY,
    PATIENCE_SECONDS,
    SPACE,
    freeze_when,
    read_until,
    started,
    states,
    trials,
    wait_until,
)

pytestmark = pytest.mark.slow
FOLDERS = [str(folder) for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
SEARCHED = os.pathsep.join([*FOLDERS, "/usr/local/bin", os.environ.get("PATH", "")])


def _program(name: str) -> str:
    found = shutil.which(name, path=SEARCHED)
    if found is None:
        pytest.skip(f"no PostgreSQL server is installed: there is no {name}")
    return found


def _as_server(folder: Path) -> list[str]:
    """What runs a program as a user that a server agrees to run as."""
    if os.getuid() != 0:
        return []
    import pwd

    names = {entry.pw_name for entry in pwd.getpwall()}
    user = next((name for name in ("postgres", "nobody") if name in names), None)
    if user is None or shutil.which("setpriv") is None:
        pytest.skip("PostgreSQL does not run as root, and there is no other user to run it as")
    entry = pwd.getpwnam(user)
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    return ["setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]


@dataclass
class Server:
    """A server with an empty database at `url`, which ends with the test."""

    url: str
    process: subprocess.Popen[bytes]

    def end(self) -> None:
        """Throw out whoever is connected, and end."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=PATIENCE_SECONDS)


@pytest.fixture
def server() -> Iterator[Server]:
    initdb, postgres = _program("initdb"), _program("postgres")
    pytest.importorskip("psycopg", reason="the driver psycopg is not installed")
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # Where another user may go, and short enough for a socket.
    prefix = _as_server(folder)
    data = folder / "data"
    environment = {**os.environ, "LC_ALL": "C"}
    subprocess.run(
        [*prefix, initdb, "-D", data, "-U", "lab", "-A", "trust", "-E", "UTF8", "-N"],
        check=True,
        capture_output=True,
        env=environment,
        cwd=folder,
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1", "-k", folder, "-F"]
    with (folder.parent / f"{folder.name}.log").open("wb") as log:
        process = subprocess.Popen([*prefix, postgres, *options], stdout=log, stderr=log, env=environment, cwd=folder)
    try:
        wait_until(lambda: process.poll() is not None or _answers(port))
        assert process.poll() is None, Path(log.name).read_text()
        yield Server(f"postgresql+psycopg://lab@127.0.0.1:{port}/postgres", process)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=PATIENCE_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)
        Path(log.name).unlink()


def _answers(port: int) -> bool:
    import psycopg

    try:
        psycopg.connect(host="127.0.0.1", port=port, user="lab", dbname="postgres", connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_two_workers_share_a_study_and_what_the_killed_one_was_at_is_tried_again(
    server: Server, tmp_path: Path
) -> None:
    space = tmp_path / "space.toml"
    space.write_text(SPACE)
    command = [*HEAVY, "--space", space, "--storage", server.url, "--trials", "12", "--check-seeds", "2"]
    killed = started(*command)
    read_until(killed, "trial 0 complete")
    worker = trials(server.url)[0][1]
    lived = started(*command)
    read_until(lived, "at a time")

    def both_at_work() -> bool:
        found = trials(server.url)
        return ("RUNNING", worker) in found and any(other not in (None, worker) for _, other in found)

    freeze_when(killed, both_at_work)
    killed.kill()
    killed.communicate(timeout=PATIENCE_SECONDS)
    out, errors = lived.communicate(timeout=4 * PATIENCE_SECONDS)
    assert lived.returncode == 0, errors
    found = json.loads(out)
    assert found["trials"] == {"complete": 12, "pruned": 0, "failed": 0, "running": 0, "waiting": 0}
    after = states(server.url)
    assert after.count("COMPLETE") == 12
    assert after.count("FAIL") == len(after) - 12 >= 1, "only what the killed one was at was begun twice"
    assert len(found["check"]["scores"]) == 2


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_two_workers_that_begin_an_empty_database_together_do_each_trial_once(server: Server, tmp_path: Path) -> None:
    space = tmp_path / "space.toml"
    space.write_text(SPACE)
    command = [*HEAVY, "--space", space, "--storage", server.url, "--trials", "4"]
    both = [started(*command), started(*command)]
    found = []
    for process in both:
        out, errors = process.communicate(timeout=4 * PATIENCE_SECONDS)
        assert process.returncode == 0, errors
        found.append(json.loads(out))
    assert states(server.url) == ["COMPLETE"] * 4
    assert found[0]["best"] == found[1]["best"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_server_that_goes_away_ends_the_search_in_one_sentence(server: Server, tmp_path: Path) -> None:
    space = tmp_path / "space.toml"
    space.write_text(SPACE)
    process = started(*HEAVY, "--space", space, "--storage", server.url)
    read_until(process, "trial 0 complete")
    freeze_when(process, lambda: "RUNNING" in states(server.url))
    server.end()
    process.send_signal(signal.SIGCONT)
    out, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, out) == (1, "")
    assert "cannot be reached" in errors.splitlines()[-1]
    assert "the same command goes on" in errors.splitlines()[-1]
    assert "Traceback" not in errors
