"""A crew on a Dask cluster. All of Dask that the lab uses is in here; it comes with the extra `cluster`.

Torch-free to import: what is called loads what it needs.
"""

from __future__ import annotations

import json
import logging
import queue
import time
import uuid
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.runs.crew import Call, CrewError, Lost

if TYPE_CHECKING:
    from distributed import Client, Future
    from distributed.deploy.cluster import Cluster

TOPIC = "dqn-lab"
"""Under which workers tell what share of a call is done."""
CONNECT_SECONDS = 10.0
PATIENCE_SECONDS = 600.0
"""How long a cluster that does not answer, or has no workers any more, is waited for."""
SILENCE_SECONDS = 10.0
"""How long it may have no workers before that is told."""
LOOK_SECONDS = 1.0
"""How often a worker tells its share, and a stop is said again: workers may join meanwhile."""
STOP_SECONDS = 5.0
"""How long a worker heeds a stop; the same call may be sent again on another day."""
FETCH_SECONDS = 60.0
"""How long a result may take from its worker to here."""
AHEAD = 1.5
"""Calls sent for each that can be done at a time, so that no worker waits for the next one."""

_stops: dict[str, float] = {}
"""In a worker: until when a call is to stop, by its key."""


@dataclass
class _WorkerDesk:
    """A call's desk in a worker; `key` is the call's."""

    key: str
    _told: float = 0.0
    _stopped: bool = False

    @property
    def stopping(self) -> bool:
        self._stopped = self._stopped or _stops.get(self.key, 0.0) > time.monotonic()
        return self._stopped

    def tell(self, share: float) -> None:
        from distributed import get_worker

        if time.monotonic() - self._told >= LOOK_SECONDS:
            self._told = time.monotonic()
            get_worker().log_event(TOPIC, {"key": self.key, "share": share})


def _do(call: Call, key: str) -> Any:
    """In a worker: one call."""
    _stops.pop(key, None)  # It was for who had asked before.
    return call(_WorkerDesk(key))


def _stop(keys: Collection[str]) -> None:
    """In a worker: have these calls stop."""
    _stops.update(dict.fromkeys(keys, time.monotonic() + STOP_SECONDS))


@dataclass
class _Sent:
    """A call under way. `workers` are those that had better do it."""

    task: Any
    call: Call
    key: str
    workers: list[str]
    future: Any = None
    share: float = 0.0


@dataclass
class DaskCrew:
    """A `Crew` of a cluster's workers. `told` hears, in a sentence each, of what the cluster goes through.

    Dask gives a call whose worker died to another one. When the scheduler goes, calls under way are sent again once it
    is back, each under its old key.
    """

    connect: Callable[[], Client]
    told: Callable[[str], None] = lambda text: None
    away: bool = field(default=True, init=False)
    _sent: dict[str, _Sent] = field(default_factory=dict)
    _ended: queue.SimpleQueue[tuple[str, Future]] = field(default_factory=queue.SimpleQueue)
    _stopping: bool = False
    _stop_said: float = 0.0
    _lost_since: float | None = None
    _idle_since: float | None = None
    _idle_told: bool = False

    def __post_init__(self) -> None:
        """
        Raises:
            CrewError: no scheduler answers.
        """
        _quiet()
        self._client = self.connect()
        self._client.subscribe_topic(TOPIC, self._heard)

    @property
    def address(self) -> str:
        """The scheduler's."""
        return str(self._client.scheduler_info(n_workers=0)["address"])

    @property
    def size(self) -> int:
        return max(1, sum(int(worker["nthreads"]) for worker in self._workers().values()))

    def _workers(self) -> dict[str, Any]:
        """The workers by their addresses; none while the scheduler is away."""
        if self._client.status != "running":
            return {}
        return dict(self._client.scheduler_info(n_workers=-1).get("workers", {}))

    @property
    def tasks(self) -> list[Any]:
        return [sent.task for sent in self._sent.values()]

    @property
    def has_room(self) -> bool:
        there = self._lost_since is None and self._client.status == "running"
        return there and not self._stopping and len(self._sent) < AHEAD * self.size

    @property
    def shares(self) -> dict[Any, float]:
        return {sent.task: sent.share for sent in self._sent.values()}

    def send(self, task: Any, call: Call, at: Collection[str] = ()) -> None:
        """Have a call done, by one of the workers `at` these addresses where that is possible."""
        key = getattr(call, "key", None) or f"call-{uuid.uuid4()}"
        sent = self._sent[key] = _Sent(task, call, key, list(at))
        if self._lost_since is None:
            self._submit(sent)

    def _submit(self, sent: _Sent) -> None:
        where: dict[str, Any] = {"workers": sent.workers, "allow_other_workers": True} if sent.workers else {}
        sent.future = self._client.submit(_do, sent.call, sent.key, key=sent.key, pure=False, **where)
        self._await(sent.key, sent.future)

    def _await(self, key: str, future: Any) -> None:
        future.add_done_callback(lambda ended: self._ended.put((key, ended)))

    def _heard(self, event: Any) -> None:
        """In the client's own thread: a worker told its share."""
        _, message = event
        sent = self._sent.get(message.get("key", ""))
        if sent is not None:
            sent.share = message["share"]

    def everywhere(self, function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        """Have every worker call a function at once; returns its results by the workers' addresses.

        What is not reached just now, or fails, is left out.
        """
        try:
            found = self._client.sync(
                self._client._run, function, *arguments, on_error="return", callback_timeout=CONNECT_SECONDS
            )
        except Exception:  # The cluster is going, and whoever waits for a call hears of that.
            return {}
        return {address: result for address, result in found.items() if not isinstance(result, BaseException)}

    def listen(self, seconds: float) -> list[tuple[Any, Any]]:
        """As for any crew.

        Raises:
            CrewError: the cluster does not come back.
        """
        if self._stopping and time.monotonic() - self._stop_said >= LOOK_SECONDS:
            self._stop_said = time.monotonic()
            self.everywhere(_stop, list(self._sent))
        heard = []
        with suppress(queue.Empty):
            key, future = self._ended.get(timeout=seconds)
            while True:
                found = self._result(key, future)
                if found is not None:
                    heard.append((self._sent.pop(key).task, found[0]))
                key, future = self._ended.get_nowait()
        if heard:
            self._idle_since, self._idle_told = None, False
        else:
            self._look_after()
        return heard

    def _result(self, key: str, future: Any) -> tuple[Any] | None:
        """What came of a call; None where it has to be sent again, or was sent again already."""
        from distributed import KilledWorker

        if key not in self._sent or future is not self._sent[key].future:
            return None
        if future.status == "cancelled":
            self._lose()
            return None
        if future.status in ("pending", "lost"):  # Its worker died with the result, and another one does it again.
            self._await(key, future)
            return None
        try:
            return (future.result(FETCH_SECONDS),)
        except KilledWorker:
            return (Lost("died again and again on the cluster's workers"),)
        except Exception as error:
            if future.status in ("pending", "lost"):
                self._await(key, future)
                return None
            if future.status != "error":
                self._lose()
                return None
            return (Lost(f"failed with {type(error).__name__}: {error}"),)

    def _lose(self) -> None:
        if self._lost_since is None:
            self._lost_since = time.monotonic()
            self.told("the cluster's scheduler is gone; its calls are sent again when it is back.")

    def _look_after(self) -> None:
        """Come back to a scheduler that was away, and tell of a cluster without workers."""
        if self._lost_since is None and self._client.status != "running":
            self._lose()
        if self._lost_since is not None:
            self._come_back()
            return
        if not self._sent or self._workers():
            self._idle_since, self._idle_told = None, False
            return
        self._idle_since = self._idle_since or time.monotonic()
        silent = time.monotonic() - self._idle_since
        if silent >= (PATIENCE_SECONDS if not self._stopping else SILENCE_SECONDS):
            raise CrewError("the cluster has no workers; start some, and the same command goes on.")
        if silent >= SILENCE_SECONDS and not self._idle_told:
            self._idle_told = True
            self.told("the cluster has no workers at the moment; the work waits for them.")

    def _come_back(self) -> None:
        assert self._lost_since is not None
        if self._client.status == "closed":
            with suppress(CrewError):
                self._client = self.connect()
        if self._client.status == "running":
            self._client.subscribe_topic(TOPIC, self._heard)
            self._lost_since = None
            for sent in self._sent.values():
                # Workers are others now; those of an address may be anybody.
                sent.workers = []
                self._submit(sent)
        elif self._stopping or time.monotonic() - self._lost_since >= PATIENCE_SECONDS:
            raise CrewError("the cluster's scheduler does not come back; once it does, the same command goes on.")

    def stop(self) -> None:
        self._stopping = True

    def drop(self) -> None:
        """End what is under way without its results."""
        if self._sent:
            self.everywhere(_stop, list(self._sent))
        self._sent.clear()

    def close(self) -> None:
        _quiet()
        self.drop()
        with suppress(Exception):  # The cluster may be gone.
            self._client.close(timeout=CONNECT_SECONDS)
        cluster = getattr(self._client, "cluster", None)
        if cluster is not None:
            cluster.close()


def open_cluster(where: str, told: Callable[[str], None]) -> DaskCrew:
    """The crew of a cluster.

    Args:
        where: a scheduler's address, as in tcp://HOST:8786; a scheduler's own JSON file; or a cluster's YAML file,
            whose `module`, `class`, `args` and `kwargs` make one, as in dask.distributed's SSHCluster or
            dask_jobqueue's SLURMCluster.

    Raises:
        CrewError: Dask is not installed, the file does not say what it should, or no scheduler answers.
    """
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise CrewError("--cluster needs Dask; install it with: pip install 'dqn-lab[cluster]'.") from None
    _quiet()
    file = Path(where)
    if not file.is_file():
        if file.suffix in (".json", ".yaml", ".yml"):
            raise CrewError(f"there is no file {where}; --cluster takes an address (tcp://HOST:8786) or a file.")
        return DaskCrew(lambda: _client(where, where), told)
    content = _read(file)
    if "address" in content:
        return DaskCrew(lambda: _client(str(_read(file).get("address")), where), told)
    cluster = _made(file, content)
    return DaskCrew(lambda: _client(cluster, where), told)


def _client(place: str | Cluster, shown: str) -> Client:
    from distributed import Client
    from distributed.comm.registry import backends

    _quiet()
    # Asked first: a client that cannot even begin tells of it again when it is let go.
    if isinstance(place, str) and "://" in place and (scheme := place.partition("://")[0]) not in backends:
        raise CrewError(f"no scheduler answers at {shown}: {scheme} is none of {', '.join(sorted(backends))}.")
    try:
        return Client(place, timeout=CONNECT_SECONDS, set_as_default=False)
    except Exception as error:  # An address may lead to anything that answers, such as a web server.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CrewError(f"no scheduler answers at {shown}: {reason}") from None


def _read(file: Path) -> dict[str, Any]:
    """A scheduler's JSON file or a cluster's YAML file.

    Raises:
        CrewError: it is neither.
    """
    import yaml

    try:
        text = file.read_text(encoding="utf-8")
        found = json.loads(text) if file.suffix == ".json" else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise CrewError(f"{file} cannot be read: {' '.join(str(error).split())}") from None
    known = isinstance(found, dict) and (isinstance(found.get("address"), str) or {"module", "class"} <= found.keys())
    if not known:
        raise CrewError(f"{file} should have the `address` of a scheduler, or the `module` and `class` of a cluster.")
    return dict(found)


def _made(file: Path, content: dict[str, Any]) -> Cluster:
    """The cluster that a file describes.

    Raises:
        CrewError: there is no such class, or it cannot be made so.
    """
    import importlib

    from distributed.deploy.cluster import Cluster

    module, name = str(content["module"]), str(content["class"])
    args, kwargs = content.get("args") or [], content.get("kwargs") or {}
    unknown = content.keys() - {"version", "module", "class", "args", "kwargs"}
    if unknown or not isinstance(args, list) or not isinstance(kwargs, dict):
        raise CrewError(f"{file} should have module, class, a list args and a table kwargs, and nothing else.")
    try:
        make = getattr(importlib.import_module(module), name)
        # SSHCluster is a function.
        known = issubclass(make, Cluster) if isinstance(make, type) else name.endswith("Cluster")
        made = make(*args, **kwargs) if known else None
        if not isinstance(made, Cluster):
            raise CrewError(f"{file}: {module}.{name} is no cluster of Dask's.")
        return made
    except CrewError:
        raise
    except Exception as error:  # Whatever a cluster's own code raises.
        raise CrewError(f"{file}: {module}.{name} cannot be made: {type(error).__name__}: {error}") from None


def _quiet() -> None:
    """What Dask logs beside its errors is for those who look after clusters."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
