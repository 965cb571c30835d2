"""A Dask cluster boots a campaign's jobs: the extra ``cluster``.

Each thread of a worker has a boot server beside it (:mod:`vmirom.hosts.bootserver`), so that a guest which
takes its engine down costs its job and not the worker. A worker that is killed loses what it was about; the
scheduler gives that to another. What the cluster runs twice is stored once.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import logging
import queue
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from vmirom import __version__
from vmirom.conform.campaign.crew import Done, Unit
from vmirom.conform.campaign.refused import ClusterError
from vmirom.hosts.bootserver import BootServer
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.request import BootRequest

__all__ = ["DaskCrew", "boot_there"]

_CONNECT: Final = 10.0
"""Seconds to reach a scheduler."""
_ALONE: Final = 60.0
"""Seconds to wait for a first worker, or for another when all are gone."""
_PERIOD: Final = 0.2
_mine = threading.local()


def boot_there(version: str, requests: list[BootRequest]) -> tuple[list[BootResult], str]:
    """What runs in a worker: results in the order of requests, and the worker's address."""
    from distributed import get_worker

    if version != __version__:
        raise ImportError(f"vmirom {__version__} is installed on the worker, {version} here")
    if not hasattr(_mine, "server"):
        _mine.server = BootServer()
    results: list[BootResult] = _mine.server.boot(requests, 1)
    return results, str(get_worker().address)


class DaskCrew:
    """The workers of the scheduler at ``address`` (``tcp://HOST:PORT``). Raises ClusterError, within
    ``patience`` seconds for each step, where there is no scheduler or no worker."""

    def __init__(self, address: str, *, connect: float = _CONNECT, alone: float = _ALONE) -> None:
        try:
            import distributed
        except ImportError:
            raise ClusterError("--scheduler needs distributed: pip install 'vmirom[cluster]'") from None
        _silence()
        wrong = ""
        self._address = address
        self._alone = alone
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # versions are checked below, by what boots
                make: Any = distributed.Client
                self._client = make(address, timeout=connect, set_as_default=False, name="vmirom")
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            wrong = _words(error)
        if wrong:
            # a client that failed closes itself when it is collected, and may not do so while another starts:
            # both want the lock of its library
            gc.collect()
            raise ClusterError(f"no scheduler at {address}: {wrong}")
        self._first_worker()

    def _first_worker(self) -> None:
        end = time.monotonic() + self._alone
        while not self._threads():
            if time.monotonic() > end:
                self.close()
                raise ClusterError(f"the scheduler at {self._address} has no worker after {self._alone:g} s")
            time.sleep(_PERIOD)

    @property
    def workers(self) -> int:
        """Threads that boot, at this moment."""
        return self._threads()

    def _threads(self) -> int:
        try:
            return sum(self._client.sync(self._client.scheduler.ncores, callback_timeout=_CONNECT).values())
        except (OSError, RuntimeError, TimeoutError) as error:
            raise self._gone(error) from None

    def _gone(self, error: BaseException) -> ClusterError:
        return ClusterError(f"the scheduler at {self._address} is gone: {_words(error)}")

    def close(self) -> None:
        """Leave the cluster; what it has not begun of ours, it forgets."""
        with contextlib.suppress(OSError, RuntimeError, TimeoutError):
            self._client.close(timeout=2)

    def boot(self, units: Iterable[Unit], idle: Callable[[], None]) -> Iterator[Done]:
        """See :class:`vmirom.conform.campaign.crew.Crew`."""
        waiting, out = iter(units), _Outstanding(self._client)
        lonely_since: float | None = None
        try:
            while True:
                threads = self._threads()
                # one a thread: the scheduler blames a worker's death on all that waited there, too
                for unit in itertools.islice(waiting, max(0, max(threads, 1) - len(out))):
                    out.submit(unit)
                if not len(out):
                    return
                yield from self._collect(out, idle)
                lonely_since = None if threads else lonely_since or time.monotonic()
                if lonely_since is not None and time.monotonic() - lonely_since > self._alone:
                    raise ClusterError(f"no worker left at {self._address} for {self._alone:g} s")
        finally:
            out.cancel()

    def _collect(self, out: _Outstanding, idle: Callable[[], None]) -> Iterator[Done]:
        """Units that are over by now; waits a moment for the first."""
        for unit, future in out.over(_PERIOD):
            error = future.exception() if future.status == "error" else None
            if future.status == "cancelled":
                raise ClusterError(f"the scheduler at {self._address} is gone, or dropped what it was given")
            if error is None:
                try:
                    results, worker = future.result(timeout=_CONNECT)
                except TimeoutError:  # it died with the result in its memory: somebody boots that again
                    out.await_again(unit, future)
                    continue
            elif type(error).__name__ == "KilledWorker":
                results, worker = _killed(unit, error), "killed"
            else:
                raise ClusterError(f"a worker of {self._address} can't boot: {_words(error)}")
            for job, result in zip(unit.jobs, results, strict=True):
                yield Done(job, result, worker)
        idle()


def _silence() -> None:
    """What the libraries log about a lost connection is told here in one line. They set the level of each of
    their loggers when they are imported."""
    for name in [*logging.root.manager.loggerDict]:
        if name.partition(".")[0] in ("distributed", "tornado", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)


class _Outstanding:
    """Units that the cluster has: a queue is told as each ends."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._units: dict[Any, Unit] = {}
        self._over: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def __len__(self) -> int:
        return len(self._units)

    def submit(self, unit: Unit) -> None:
        future = self._client.submit(
            boot_there, __version__, list(unit.requests), key=f"vmirom-{uuid.uuid4().hex}", pure=False
        )
        self._units[future] = unit
        future.add_done_callback(self._over.put)

    def await_again(self, unit: Unit, future: Any) -> None:
        self._units[future] = unit
        future.add_done_callback(self._over.put)

    def over(self, wait: float) -> Iterator[tuple[Unit, Any]]:
        with contextlib.suppress(queue.Empty):
            future = self._over.get(timeout=wait)
            while True:
                if future in self._units:
                    yield self._units.pop(future), future
                future = self._over.get_nowait()

    def cancel(self) -> None:
        if self._units:
            with contextlib.suppress(Exception):
                self._client.cancel(list(self._units), force=True)
            self._units.clear()


def _killed(unit: Unit, error: BaseException) -> list[BootResult]:
    reason = f"the workers that had it died, one after the other: {_words(error)}"
    return [BootResult(job.backend, Outcome.ERROR, reason, host=job.host) for job in unit.jobs]


def _words(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
