"""The host's clocks and the guest's one-shot timer.

SET_CLOCKEVENT is a delta, but what the host arms is an absolute time of its wall clock: a stepped host
clock moves the guest's timer with it.
"""

from __future__ import annotations

import time
from typing import Final

__all__ = ["Clock", "ClockEvent"]

_SLICE_NS: Final = 50_000_000
"""Longest sleep at a time, so that a KeyboardInterrupt or another thread's interrupt is noticed."""


class Clock:
    """Nanoseconds of the host; a test replaces it by one it can turn."""

    def wall(self) -> int:
        """Since 1970."""
        return time.time_ns()

    def monotonic(self) -> int:
        """The clock that run deadlines are given in."""
        return time.monotonic_ns()

    def sleep(self, duration: int) -> None:
        """At most ``duration``, and never longer than a slice."""
        time.sleep(max(0, min(duration, _SLICE_NS)) / 1e9)


class ClockEvent:
    """The guest's timer: armed with a delta, expires once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._expiry: int | None = None

    def set(self, delta: int) -> None:
        """Expire ``delta`` ns from now; 0 switches off. Replaces what was set before."""
        self._expiry = self._clock.wall() + delta if delta else None

    def expired(self) -> bool:
        """True once, when the time has come."""
        if self._expiry is None or self._clock.wall() < self._expiry:
            return False
        self._expiry = None
        return True

    def deadline(self) -> int | None:
        """When it will expire on the monotonic clock, or None."""
        if self._expiry is None:
            return None
        return self._clock.monotonic() + max(0, self._expiry - self._clock.wall())
