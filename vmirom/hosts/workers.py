"""Boots in worker processes: backends side by side, and an engine that dies takes only its worker.

Each worker boots one request, or all requests of a host that boots several at once, and reports over a
pipe: its progress at most ten times a second, then its results. A worker that does not come back in time is
ended and becomes an error. Ctrl-C reaches only the parent, which ends the workers.
"""

from __future__ import annotations

import gc
import itertools
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Final

from vmirom.hosts import registry
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.request import BootRequest
from vmirom.trace.tally import Tally

__all__ = ["Tick", "Watcher", "boot_all", "boot_stream", "cpus"]

_PERIOD: Final = 0.1
"""Seconds between two reports of a worker."""
_COLLECT_AFTER: Final = 20_000
"""Objects that a worker makes between two looks of the collector."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Where a boot is: ``phase`` is ``wait``, ``load``, ``run`` or ``done``; totals so far; seconds."""

    index: int
    phase: str
    calls: int = 0
    hypercalls: int = 0
    seconds: float = 0.0
    result: BootResult | None = None


Watcher = Callable[[Tick], None]


def boot_all(
    requests: Sequence[BootRequest], watcher: Watcher | None = None, jobs: int | None = None
) -> list[BootResult]:
    """Boot every request, ``jobs`` at a time (default: one a CPU); results in the order of requests.

    Raises OSError when a trace can't be written. KeyboardInterrupt passes through; no worker outlives
    this call.
    """
    results: dict[int, BootResult] = {}
    groups = ([(index, requests[index]) for index in group] for group in _slowest_first(requests))
    pool = _Pool(groups, watcher or (lambda tick: None), jobs or cpus())
    try:
        for index, result in pool.run():
            results[index] = result
    finally:
        pool.end()
    return [results[index] for index in range(len(requests))]


def boot_stream(
    groups: Iterable[Sequence[BootRequest]], watcher: Watcher | None = None, jobs: int | None = None
) -> Iterator[tuple[int, BootResult]]:
    """Boot requests as they come, ``jobs`` workers at a time; yields (number of the request, its result) once
    a boot is over. One worker takes one group: a single request, or several of one host that gathers. The
    next group is asked for when a worker is free. Raises as :func:`boot_all` does; no worker outlives the
    iterator, if it is closed.
    """
    pool = _Pool(_numbered(groups), watcher or (lambda tick: None), jobs or cpus())
    try:
        yield from pool.run()
    finally:
        pool.end()


def _numbered(groups: Iterable[Sequence[BootRequest]]) -> Iterator[list[tuple[int, BootRequest]]]:
    number = itertools.count()
    for group in groups:
        yield [(next(number), request) for request in group]


def cpus() -> int:
    """CPUs that this process may use: the number of workers where nobody says otherwise."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(slots=True)
class _Worker:
    requests: dict[int, BootRequest]
    """By number, those that it has not answered yet."""
    process: BaseProcess
    pipe: Connection
    deadline: float
    patience: str
    """What is said if it does not come back."""


class _Pool:
    def __init__(self, groups: Iterator[list[tuple[int, BootRequest]]], watcher: Watcher, jobs: int) -> None:
        self._groups = groups
        self._watcher = watcher
        self._jobs = max(1, jobs)
        self._busy: list[_Worker] = []
        self._over: list[tuple[int, BootResult]] = []
        # forking shares what is imported already; elsewhere than on Linux it is not safe
        self._forks = sys.platform == "linux"
        self._context: Any = multiprocessing.get_context("fork" if self._forks else "spawn")
        self._prepared: set[str] = set()

    def run(self) -> Iterator[tuple[int, BootResult]]:
        more = True
        while True:
            while more and len(self._busy) < self._jobs:
                if group := next(self._groups, None):
                    self._start(group)
                else:
                    more = False
            if not self._busy:
                return
            wait([worker.pipe for worker in self._busy], timeout=_PERIOD)
            for worker in list(self._busy):
                self._listen(worker)
            yield from self._over
            self._over.clear()

    def end(self) -> None:
        for worker in self._busy:
            worker.process.kill()
            worker.process.join()
            worker.pipe.close()
        self._busy.clear()

    def _prepare(self, host: str) -> None:
        """What a fork shares need not be done by each worker, nor looked at by its collector."""
        if self._forks and host not in self._prepared:
            self._prepared.add(host)
            registry.prepare(host)
            gc.freeze()

    def _start(self, group: list[tuple[int, BootRequest]]) -> None:
        mine, theirs = self._context.Pipe(duplex=False)
        indices, requests = [index for index, _ in group], [request for _, request in group]
        self._prepare(requests[0].host)
        process = self._context.Process(target=_work, args=(requests, indices, theirs), daemon=True)
        with _interrupts_held():
            process.start()
        theirs.close()
        budget, grace = sum(r.patience for r in requests), registry.grace_of(requests[0].host)
        patience = f"the engine did not stop {grace:g} s after its budget of {budget:g} s"
        deadline = time.monotonic() + budget + grace
        self._busy.append(_Worker(dict(group), process, mine, deadline, patience))

    def _listen(self, worker: _Worker) -> None:
        while worker.pipe.poll():
            try:
                message = worker.pipe.recv()
            except (EOFError, OSError):
                worker.process.join()
                code = worker.process.exitcode or 0
                how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
                self._lose(worker, f"the engine's process died: {how}")
                return
            if isinstance(message, OSError):
                raise message
            if message.result is None:
                self._watcher(message)
                continue
            self._finish(worker, message.index, message.result)
            if not worker.requests:
                return
        if time.monotonic() > worker.deadline:
            worker.process.kill()
            self._lose(worker, worker.patience)

    def _lose(self, worker: _Worker, reason: str) -> None:
        for index, request in list(worker.requests.items()):
            self._finish(worker, index, _lost(request, reason))

    def _finish(self, worker: _Worker, index: int, result: BootResult) -> None:
        del worker.requests[index]
        if not worker.requests:
            self._busy.remove(worker)
            worker.process.join()
            worker.pipe.close()
        self._over.append((index, result))
        done = Tick(index, "done", result.call_total, result.hypercall_total, result.seconds, result)
        self._watcher(done)


def _groups(requests: Sequence[BootRequest]) -> list[list[int]]:
    """Which requests one worker takes: one, or all of a host that boots several at once."""
    groups: dict[object, list[int]] = {}
    for index, request in enumerate(requests):
        groups.setdefault(request.host if registry.gathers(request.host) else index, []).append(index)
    return list(groups.values())


def _slowest_first(requests: Sequence[BootRequest]) -> list[list[int]]:
    """The groups in the order in which they are started: what takes longest must not be left to the end."""

    def rank(group: list[int]) -> int:
        slow = registry.slow_backends(requests[group[0]].host)
        return min(slow.index(b) if (b := requests[i].backend) in slow else len(slow) for i in group)

    return sorted(_groups(requests), key=rank)


def _lost(request: BootRequest, reason: str) -> BootResult:
    return BootResult(request.backend, Outcome.ERROR, reason, host=request.host)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Keep SIGINT pending while a worker starts, so that it never sees one before it ignores it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(requests: list[BootRequest], indices: list[int], pipe: Connection) -> None:
    """A worker's whole life, in which hardly anything is made that only the collector could free."""
    gc.set_threshold(_COLLECT_AFTER)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    reporter = _Reporter(indices, pipe)
    try:
        if len(requests) == 1:
            results = [registry.boot(requests[0], reporter.progress)]
        else:
            results = registry.boot_together(requests, reporter.progress)
    except OSError as error:
        reporter.stop()
        pipe.send(OSError(error.errno, error.strerror or str(error)))
        return
    reporter.stop()
    for index, result in zip(indices, results, strict=True):
        pipe.send(Tick(index, "done", result=result))
    pipe.close()


class _Reporter:
    """Sends a tick of each boot when the phase changes and every tenth of a second."""

    def __init__(self, indices: list[int], pipe: Connection) -> None:
        self._indices = indices
        self._pipe = pipe
        self._start = time.monotonic()
        self._phase = "load"
        self._tally: Tally | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    def progress(self, phase: str, tally: Tally | None) -> None:
        self._phase, self._tally = phase, tally

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _loop(self) -> None:
        while not self._stopping.wait(_PERIOD):
            tally = self._tally
            try:
                calls = tally.call_total if tally else 0
                hypercalls = tally.hypercall_total if tally else 0
            except RuntimeError:
                continue  # a first hit of a call changed the table while it was summed
            seconds = time.monotonic() - self._start
            try:
                for index in self._indices:
                    self._pipe.send(Tick(index, self._phase, calls, hypercalls, seconds))
            except OSError:
                os._exit(1)  # nobody listens any more: the parent is gone, however it went
