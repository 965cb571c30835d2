"""Faults of hypervisors in what they tell of time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from vmirom.conform.faults.fault import Fault, HostPatch

__all__ = ["FAULTS"]

_NEW: Final = {"host_era": "2026"}


def _fault(
    backend: str,
    name: str,
    sentence: str,
    breaks: tuple[str, ...],
    target: str,
    make: Callable[[Any], Any],
    options: Mapping[str, Any] | None = None,
) -> Fault:
    patch = HostPatch(f"hypervisors.{backend}.{target}", make)
    return Fault(f"{backend}-host-{name}", sentence, backend, breaks, patch, options or {})


def _nothing(original: Any) -> Any:
    return lambda *arguments, **named: None


def _first_only(original: Any) -> Any:
    """The wall clock stays where it was at first."""
    first: dict[int, int] = {}

    def write_time(self: Any, wall: int) -> None:
        original(self, first.setdefault(id(self), wall))

    return write_time


def _asleep(original: Any) -> Any:
    def next_due(self: Any) -> int | None:
        return None if self.blocked else original(self)

    return next_due


FAULTS: Final[tuple[Fault, ...]] = (
    _fault(
        "xen",
        "wall-never-set",
        "the wall clock stays as it was when the domain began",
        ("VMI-TIME-02", "VMI-TIME-03"),
        "clock:Clock._follow",
        _nothing,
    ),
    _fault(
        "lguest",
        "wall-stands",
        "the wall clock stays as it was at first",
        ("VMI-TIME-02",),
        "data:LguestData.write_time",
        _first_only,
    ),
    _fault(
        "xen",
        "held-untold",
        "what the host takes is told as time in which the processor ran",
        ("VMI-TIME-10", "VMI-TIME-11"),
        "scheduling:Scheduling.held",
        _nothing,
    ),
    _fault(
        "kvm",
        "held-untold",
        "no time is stolen, whatever the host takes",
        ("VMI-TIME-10", "VMI-TIME-11"),
        "clock:StealTime.left",
        _nothing,
        _NEW,
    ),
    _fault(
        "xen",
        "timer-sleeps",
        "the timer stands while the processor is halted",
        ("VMI-TIME-17",),
        "scheduling:Scheduling.next_due",
        _asleep,
    ),
)
