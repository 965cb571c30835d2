"""Counters and alarms: vmi 10.12.

Time itself is not modelled: a counter only has to go on, and an alarm is either far away, then it must not
fire and CancelAlarm says so, or due, then it has fired.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vmirom.conform.model.steps import Expected
from vmirom.overlays.vmi import Alarm, Counter

__all__ = ["Alarms", "Counters"]

_COUNTER, _PERIODIC, _WIRED = (int(f) for f in (Alarm.COUNTER_MASK, Alarm.PERIODIC, Alarm.WIRED_LVTT))
_REAL, _AVAILABLE, _STOLEN = (int(counter) for counter in (Counter.REAL, Counter.AVAILABLE, Counter.STOLEN))
FAR = 1 << 61
"""A counter value that no run reaches: 2.3 billion seconds at 1 GHz."""
U64 = (1 << 64) - 1


@dataclass
class Counters:
    """Least values by what was seen. Counters only grow, real always; it is the sum of the two others."""

    least: dict[int, int] = field(default_factory=lambda: {0: 0, 1: 0, 2: 0})
    tsc: int = 0

    def expected(self, counter: int) -> Expected:
        """What GetCycleCounter may return."""
        if counter not in self.least:
            return Expected(0, mask=U64)
        low = self.least[counter]
        if counter == _REAL:
            low = max(low + 1, self.least[_AVAILABLE] + self.least[_STOLEN])
        return Expected(low=low, high=FAR - 1)

    def seen(self, counter: int, value: int) -> None:
        """What it did return."""
        if counter in self.least:
            self.least[counter] = value


@dataclass
class Alarms:
    """One alarm on real and one on available; True while it is still to fire."""

    armed: dict[int, bool] = field(default_factory=lambda: {0: False, 1: False})

    @staticmethod
    def counter(flags: int) -> int | None:
        """The counter whose alarm is meant, None if it has none."""
        number = flags & _COUNTER
        return number if number in (_REAL, _AVAILABLE) else None

    def set(self, flags: int, expiry: int, period: int) -> bool:
        """SetAlarm; whether it has fired at IRQ 0 when the call returns."""
        counter = self.counter(flags)
        if counter is None:
            return False
        due = expiry < FAR
        periodic = bool(flags & _PERIODIC) and period > 0
        self.armed[counter] = periodic or not due
        return due and not flags & _WIRED

    def cancel(self, flags: int) -> int:
        """CancelAlarm; what it returns."""
        counter = self.counter(flags)
        if counter is None:
            return 0
        was, self.armed[counter] = self.armed[counter], False
        return int(was)
