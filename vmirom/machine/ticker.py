"""One thread that stops engines: at their deadline, when kicked, and often enough for Ctrl-C.

A stop that reaches unicorn before its loop has begun is lost, so a single shot would hang now and then:
the ticker repeats a stop until the engine has left its run. It also stops a run every ATTENTION seconds,
because Python's signal handlers wait while C code executes. The thread sleeps until the earliest thing to
do, and ends by itself when no engine has run for a while. A forked process has the memory of a thread but
not the thread, so it begins anew.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Final, Protocol

__all__ = ["ATTENTION_NS", "Stoppable", "Ticker", "ticker"]

ATTENTION_NS: Final = 20_000_000
"""Longest time that a run goes without giving Python a chance."""
_REPEAT_NS: Final = 500_000
_IDLE_NS: Final = 500_000_000


class Stoppable(Protocol):
    """What the ticker needs of an engine."""

    stop_at_ns: int
    """``time.monotonic_ns`` value from which the engine is to be stopped."""

    def stop(self) -> None:
        """Ask the running engine to leave; harmless when it does not run."""


class Ticker:
    """The thread and the engines that are running now."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """No thread and no engine: the state of a process that has run none."""
        self.lock = threading.RLock()
        """Held while an engine is stopped or freed, so that none is stopped after its end. The thread that
        holds it may be the one in which the collector frees another engine."""
        self._condition = threading.Condition()
        self._running: set[Stoppable] = set()
        self._thread: threading.Thread | None = None
        self._next_ns = 0

    def enter(self, engine: Stoppable) -> None:
        """The engine is about to run; ``stop_at_ns`` is set."""
        self._running.add(engine)
        if self._thread is None or engine.stop_at_ns < self._next_ns:
            self._wake()

    def leave(self, engine: Stoppable) -> None:
        """The engine has left its run."""
        self._running.discard(engine)

    def urge(self) -> None:
        """Look at the engines now: one of them has been kicked."""
        self._wake()

    def _wake(self) -> None:
        with self._condition:
            self._next_ns = 0
            if self._thread is None:
                self._next_ns = time.monotonic_ns()
                self._thread = threading.Thread(target=self._loop, name="vmirom-ticker", daemon=True)
                self._thread.start()
            else:
                self._condition.notify()

    def _loop(self) -> None:
        idle_since = time.monotonic_ns()
        while True:
            now = time.monotonic_ns()
            running = tuple(self._running)
            if running:
                idle_since = now
            earliest = now + (ATTENTION_NS if running else _IDLE_NS)
            for engine in running:
                if engine.stop_at_ns <= now:
                    engine.stop()
                    earliest = min(earliest, now + _REPEAT_NS)
                else:
                    earliest = min(earliest, engine.stop_at_ns)
            with self._condition:
                if not running and not self._running and now - idle_since >= _IDLE_NS:
                    self._thread = None
                    return
                if self._next_ns == 0 and running != tuple(self._running):
                    self._next_ns = now  # someone came while we looked: look again
                    continue
                self._next_ns = earliest
                self._condition.wait(max(0, earliest - time.monotonic_ns()) / 1e9)


ticker: Final = Ticker()
"""The process's one ticker."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=ticker.begin)
