"""What a machine takes the time from: its devices, its hypervisor, and the guest that reads the counter.

One machine has one clock, its engine's. It never goes back, and whoever asks it, by whichever of its forms,
sees the same time. Deadlines of runs are given in it.
"""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

__all__ = ["Clock", "HostClock", "date"]

_NAP_NS: Final = 50_000_000
"""Longest sleep at a time, so that a KeyboardInterrupt, or what another thread did, is noticed."""

_EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def date(wall_ns: int) -> datetime.datetime:
    """That moment, to a microsecond."""
    return _EPOCH + datetime.timedelta(microseconds=wall_ns // 1000)


class Clock(Protocol):
    """Time in ns, and the time-stamp counter that goes with it."""

    @property
    def name(self) -> str:
        """What it is called in traces and reports."""

    def now_ns(self) -> int:
        """Since some moment before the machine was made."""

    def wall_ns(self) -> int:
        """Since 1970, UTC."""

    def tsc(self) -> int:
        """What RDTSC gives now."""

    def tsc_hz(self) -> int:
        """Rate of the time-stamp counter."""

    def sleep(self, until_ns: int, woken: threading.Event | None = None) -> None:
        """The processor is halted: come back at ``until_ns`` of :meth:`now_ns`, sooner if ``woken`` is set
        (which clears it), and sooner for no reason now and then."""


class HostClock:
    """The host's time. ``tsc`` and ``tsc_hz`` read the counter that the engine's processor has."""

    name: Final = "host"

    def __init__(self, tsc: Callable[[], int], tsc_hz: Callable[[], int]) -> None:
        self.tsc = tsc
        self.tsc_hz = tsc_hz
        self.now_ns = time.monotonic_ns
        self.wall_ns = time.time_ns

    def sleep(self, until_ns: int, woken: threading.Event | None = None) -> None:
        """See :class:`Clock`."""
        left = max(0, min(until_ns - self.now_ns(), _NAP_NS)) / 1e9
        if woken is None:
            time.sleep(left)
        elif left and woken.wait(left):
            woken.clear()
