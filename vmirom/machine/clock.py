"""What a machine takes the time from: its devices, its hypervisor, and the guest that reads the counter.

One machine has one clock, its engine's. It never goes back, and whoever asks it, by whichever of its forms,
sees the same time. Deadlines of runs are given in it.

There are two. The host's goes on by itself. The virtual one goes on as the guest executes, and no load of the
host has a hand in it: the same guest on the same machine sees the same time at each instruction, every time.
"""

from __future__ import annotations

import ctypes
import datetime
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

__all__ = [
    "CLOCKS",
    "EXIT_NS",
    "HOST",
    "PORT_NS",
    "STEP_NS",
    "TSC_NS",
    "VIRTUAL",
    "Clock",
    "HostClock",
    "Steps",
    "VirtualClock",
    "date",
    "nanoseconds",
]

HOST: Final = "host"
VIRTUAL: Final = "virtual"
CLOCKS: Final = (HOST, VIRTUAL)

STEP_NS: Final = 20
"""Virtual time of one step: a basic block of some five instructions."""
TSC_NS: Final = 4_000
"""... of an RDTSC, as where one is an exit: who waits by looking at the counter need not look so often."""
PORT_NS: Final = 5_000
"""... of an access to a port, which is an exit."""
EXIT_NS: Final = 5_000
"""... of what a hypervisor does between two runs of the guest."""

_NAP_NS: Final = 50_000_000
"""Longest sleep at a time, so that a KeyboardInterrupt, or what another thread did, is noticed."""

_EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def date(wall_ns: int) -> datetime.datetime:
    """That moment, to a microsecond."""
    return _EPOCH + datetime.timedelta(microseconds=wall_ns // 1000)


def nanoseconds(moment: datetime.datetime) -> int:
    """Since 1970, UTC; a moment without a zone is taken for UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
    return (aware - _EPOCH) // datetime.timedelta(microseconds=1) * 1000


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

    @property
    def exact(self) -> bool:
        """Whether a deadline ends a run in front of the first block that begins after it."""

    def spend(self, ns: int) -> None:
        """So much has passed by the machine's own account; nothing to a clock that goes on by itself."""

    def sleep(self, until_ns: int, woken: threading.Event | None = None) -> None:
        """The processor is halted: come back at ``until_ns`` of :meth:`now_ns`, sooner if ``woken`` is set
        (which clears it), and sooner for no reason now and then."""


class HostClock:
    """The host's time. ``tsc`` and ``tsc_hz`` read the counter that the engine's processor has."""

    name: Final = HOST
    exact: Final = False

    def __init__(self, tsc: Callable[[], int], tsc_hz: Callable[[], int]) -> None:
        self.tsc = tsc
        self.tsc_hz = tsc_hz
        self.now_ns = time.monotonic_ns
        self.wall_ns = time.time_ns

    def spend(self, ns: int) -> None:
        """See :class:`Clock`."""

    def sleep(self, until_ns: int, woken: threading.Event | None = None) -> None:
        """See :class:`Clock`."""
        left = max(0, min(until_ns - self.now_ns(), _NAP_NS)) / 1e9
        if woken is None:
            time.sleep(left)
        elif left and woken.wait(left):
            woken.clear()


class Steps:
    """What the guest has executed, counted in words that code of the host's own reaches.

    A step is a basic block that is entered, or each repetition of a string instruction. Other things that
    take time are worth a number of steps.
    """

    def __init__(self) -> None:
        self._words = (ctypes.c_int64 * 4)()
        self.address = ctypes.addressof(self._words)
        """Of the words: steps taken; the last without a look whether an interrupt can be taken; the counter's
        value at step 0; the last step that may be taken."""

    @property
    def taken(self) -> int:
        """Steps so far."""
        return self._words[0]

    @taken.setter
    def taken(self, steps: int) -> None:
        self._words[0] = steps

    @property
    def last(self) -> int:
        """The step behind which the engine asks what to do."""
        return self._words[3]

    def allow(self, last: int, look: bool = False) -> None:
        """Steps up to ``last``; with ``look``, it is looked at each whether an interrupt can be taken."""
        self._words[3] = last
        self._words[1] = 0 if look else last

    @property
    def ticks(self) -> int:
        """The time-stamp counter at step 0, were it only for the steps."""
        return self._words[2]

    @ticks.setter
    def ticks(self, value: int) -> None:
        self._words[2] = value


class VirtualClock:
    """Time that the guest makes: STEP_NS for each step, and a halted processor's time passes at once.

    ``start_ns`` is the date at which the machine begins, ns since 1970; ``age_ns`` how long the host has been
    up by then. ``patience_ns``: how long it may take by the host's time, from now on; None for ever. When
    that is over, all time is: the clock stands at its end, so that every deadline has passed.
    """

    name: Final = VIRTUAL
    exact: Final = True
    HZ: Final = 2_000_000_000
    """Of the time-stamp counter."""
    TICKS: Final = STEP_NS * HZ // 1_000_000_000
    """Of the time-stamp counter in a step."""
    START_NS: Final = 1_767_268_800 * 1_000_000_000
    """1 January 2026, 12:00 UTC."""
    AGE_NS: Final = 1_000_000_000
    _END_NS: Final = 1 << 61

    def __init__(
        self, start_ns: int = START_NS, age_ns: int = AGE_NS, patience_ns: int | None = None
    ) -> None:
        self.steps = Steps()
        self._ahead = age_ns
        self._boot = start_ns - age_ns
        self.gave_up = False
        """Whether the host's time was over."""
        self._until = None if patience_ns is None else time.monotonic_ns() + patience_ns
        self._tell()

    def _tell(self) -> None:
        self.steps.ticks = self._ahead * self.HZ // 1_000_000_000

    def now_ns(self) -> int:
        """See :class:`Clock`."""
        return self._ahead + self.steps.taken * STEP_NS

    def wall_ns(self) -> int:
        """See :class:`Clock`."""
        return self._boot + self.now_ns()

    def tsc(self) -> int:
        """See :class:`Clock`."""
        return self.now_ns() * self.HZ // 1_000_000_000

    def tsc_hz(self) -> int:
        """See :class:`Clock`."""
        return self.HZ

    def spend(self, ns: int) -> None:
        """See :class:`Clock`; in whole steps, one at least."""
        self.steps.taken += max(ns // STEP_NS, 1)

    def sleep(self, until_ns: int, woken: threading.Event | None = None) -> None:
        """See :class:`Clock`. Nothing else happens meanwhile: the time is there at once."""
        self.spend(STEP_NS)
        self._ahead += max(0, until_ns - self.now_ns())
        self._tell()
        self.check_patience()

    def step_at(self, ns: int) -> int:
        """The number of steps at which the time is ``ns``, or has just passed it."""
        return -((self._ahead - ns) // STEP_NS)

    def be_patient(self, ns: int) -> None:
        """From now on, by the host's time."""
        self._until = time.monotonic_ns() + ns

    def check_patience(self) -> bool:
        """Whether there is host's time left. If not, the clock goes to its end."""
        if self._until is None or time.monotonic_ns() < self._until:
            return True
        self.gave_up = True
        self._ahead = max(self._ahead, self._END_NS)
        self._tell()
        return False
