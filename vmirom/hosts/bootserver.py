"""Boots for a caller that must not fork: one that has threads, such as a test run or a cluster's worker.

The server is a process that knows vmirom and nothing else. It boots what it is sent in workers of its own
and dies with its caller: when the pipe ends, so do the server and the boot that it was about. A server that
dies takes its boots with it, which become errors; the next call starts a new one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Final

import vmirom
from vmirom.hosts import registry
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.request import BootRequest

__all__ = ["BootServer", "main"]

_START: Final = 60.0
"""Seconds that a server may take beyond its boots: a start of Python, and the ends of workers."""


class BootServer:
    """A process that boots on request. May be used by several threads; one boots at a time."""

    def __init__(self) -> None:
        self._alone = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None

    def __enter__(self) -> BootServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def boot(self, requests: Sequence[BootRequest], jobs: int | None = None) -> list[BootResult]:
        """As :func:`vmirom.hosts.workers.boot_all`, in the server. A server that dies or does not answer in
        time is an error of every request. Raises OSError when a trace can't be written; an exception that
        comes meanwhile (KeyboardInterrupt) ends the server."""
        with self._alone:
            try:
                return self._ask(list(requests), jobs)
            except BaseException:
                self._end()
                raise

    def close(self) -> None:
        """End the server, and the boot that it is about."""
        with self._alone:
            self._end()

    def _ask(self, requests: list[BootRequest], jobs: int | None) -> list[BootResult]:
        pipe = self._pipe or self._start()
        limit = sum(r.patience + registry.grace_of(r.host) for r in requests) + _START
        try:
            pipe.send((requests, jobs))
            if not pipe.poll(limit):
                return self._lost(requests, f"the boot server did not answer within {limit:g} s")
            answer = pipe.recv()
        except (EOFError, ConnectionError):
            return self._lost(requests, f"the boot server died: {self._how()}")
        if isinstance(answer, OSError):
            raise answer
        assert isinstance(answer, list)
        return answer

    def _start(self) -> Connection:
        mine, theirs = Pipe()
        environment = dict(os.environ)
        here = str(Path(vmirom.__file__).resolve().parent.parent)
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (here, environment.get("PYTHONPATH", ""))))
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "vmirom.hosts.bootserver", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=environment,
            )
        self._pipe = mine
        return mine

    def _how(self) -> str:
        assert self._process is not None
        code = self._process.wait()
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    def _lost(self, requests: Sequence[BootRequest], reason: str) -> list[BootResult]:
        self._end()
        return [BootResult(r.backend, Outcome.ERROR, reason, host=r.host) for r in requests]

    def _end(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._pipe = self._process = None


class _Abandoned(Exception):
    """The caller is gone."""


def main(descriptor: int) -> None:
    """A server's whole life: boot what the pipe brings, until it ends. Ctrl-C is its caller's business."""
    from vmirom.hosts.workers import Tick, boot_all

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pipe = Connection(descriptor)

    def listen(tick: Tick) -> None:
        if pipe.poll():  # nothing is sent during a boot: this is the end of the pipe
            raise _Abandoned

    try:
        while True:
            requests, jobs = pipe.recv()
            try:
                pipe.send(boot_all(requests, listen, jobs))
            except OSError as error:
                pipe.send(OSError(error.errno, error.strerror or str(error)))
    except (EOFError, ConnectionError, _Abandoned):
        return


if __name__ == "__main__":
    main(int(sys.argv[1]))
