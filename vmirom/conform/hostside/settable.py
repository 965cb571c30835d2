"""The clock of a machine that is looked at from outside."""

from __future__ import annotations

import threading
from typing import Final

from vmirom.machine.clock import Clock

__all__ = ["SettableClock"]


class SettableClock:
    """A machine's clock whose wall time can be set, as an administrator sets the host's."""

    name: Final = "settable"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.ahead_ns = 0
        """Of the time that the clock beneath tells."""

    def now_ns(self) -> int:
        """See :class:`Clock`."""
        return self._clock.now_ns()

    def wall_ns(self) -> int:
        """See :class:`Clock`."""
        return self._clock.wall_ns() + self.ahead_ns

    def tsc(self) -> int:
        """See :class:`Clock`."""
        return self._clock.tsc()

    def tsc_hz(self) -> int:
        """See :class:`Clock`."""
        return self._clock.tsc_hz()

    @property
    def exact(self) -> bool:
        """See :class:`Clock`."""
        return self._clock.exact

    def spend(self, ns: int) -> None:
        """See :class:`Clock`."""
        self._clock.spend(ns)

    def sleep(self, until_ns: int, woken: threading.Event | None = None) -> None:
        """See :class:`Clock`."""
        self._clock.sleep(until_ns, woken)
