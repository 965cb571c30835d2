"""The guest's one-shot timer.

SET_CLOCKEVENT is a delta, but what the host arms is an absolute time of its wall clock: a stepped host
clock moves the guest's timer with it.
"""

from __future__ import annotations

from vmirom.machine.clock import Clock

__all__ = ["ClockEvent"]


class ClockEvent:
    """The guest's timer: armed with a delta, expires once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._expiry: int | None = None

    def set(self, delta: int) -> None:
        """Expire ``delta`` ns from now; 0 switches off. Replaces what was set before."""
        self._expiry = self._clock.wall_ns() + delta if delta else None

    def due(self) -> bool:
        """Whether the time has come."""
        return self._expiry is not None and self._clock.wall_ns() >= self._expiry

    def expired(self) -> bool:
        """True once, when the time has come."""
        if not self.due():
            return False
        self._expiry = None
        return True

    def deadline(self) -> int | None:
        """When it will expire in the time of deadlines, or None."""
        if self._expiry is None:
            return None
        return self._clock.now_ns() + max(0, self._expiry - self._clock.wall_ns())
