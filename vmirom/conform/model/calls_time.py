"""Counters, alarms and the local APIC."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from vmirom.conform.model.steps import ANYTHING, Expected, Result
from vmirom.overlays.vmi import Alarm

if TYPE_CHECKING:
    from vmirom.conform.model.machine import Model

__all__ = ["LEARN", "ROUTINES"]

_WIRED_LVTT: Final = int(Alarm.WIRED_LVTT)
_CLOCK_SLACK_NS: Final = 3600 * 10**9


def _GetCycleCounter(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    return model.counters.expected(a["counter"])


def _learn_counter(model: Model, a: Mapping[str, int], answer: int, result: Result) -> None:
    model.counters.seen(a["counter"], answer)


def _GetCycleFrequency(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    if model.frequency is not None:
        return Expected(model.frequency, mask=(1 << 64) - 1)
    return Expected(low=10**6, high=10**11)


def _learn_frequency(model: Model, a: Mapping[str, int], answer: int, result: Result) -> None:
    model.frequency = answer


def _GetWallclockTime(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    now = model.wall_ns()
    return Expected(low=max(model.wallclock, now - _CLOCK_SLACK_NS), high=now + _CLOCK_SLACK_NS)


def _learn_wallclock(model: Model, a: Mapping[str, int], answer: int, result: Result) -> None:
    model.wallclock = answer


def _WallclockUpdated(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    return Expected(among=(0, 1))


def _RDTSC(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    return Expected(low=model.counters.tsc)


def _learn_tsc(model: Model, a: Mapping[str, int], answer: int, result: Result) -> None:
    model.counters.tsc = answer


def _SetAlarm(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    if model.alarms.set(a["flags"], a["expiry"], a["period"]):
        if a["flags"] & _WIRED_LVTT:
            model.apic.tick()
        else:
            model.pair.edge(0)
    return ANYTHING


def _CancelAlarm(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    return Expected(model.alarms.cancel(a["flags"]))


def _APICWrite(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    model.apic.write(a["reg"], a["value"])
    return ANYTHING


def _APICRead(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    return model.apic.read(a["reg"])


ROUTINES: Final[Mapping[str, Callable[[Model, Mapping[str, int]], Expected]]] = {
    "GetCycleCounter": _GetCycleCounter,
    "GetCycleFrequency": _GetCycleFrequency,
    "GetWallclockTime": _GetWallclockTime,
    "WallclockUpdated": _WallclockUpdated,
    "RDTSC": _RDTSC,
    "SetAlarm": _SetAlarm,
    "CancelAlarm": _CancelAlarm,
    "APICWrite": _APICWrite,
    "APICRead": _APICRead,
}
"""What each call or routine promises."""
LEARN: Final[Mapping[str, Callable[[Model, Mapping[str, int], int, Result], None]]] = {
    "GetCycleCounter": _learn_counter,
    "GetCycleFrequency": _learn_frequency,
    "GetWallclockTime": _learn_wallclock,
    "RDTSC": _learn_tsc,
}
"""What an answer fixes."""
