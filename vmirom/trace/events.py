"""The events of a trace, one JSON object a line.

An event speaks of the *call*; what it became on one backend is a detail inside it. That is what makes
traces of different backends comparable. ``seq`` counts from 0 over all events of a run
that are in the trace.
"""

from __future__ import annotations

import msgspec

__all__ = ["CallEvent", "Event", "HostEvent", "HypercallRecord", "RunEnd", "RunStart", "TraceCut"]


class HypercallRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """One hypercall. ``result`` is None where the ABI returns nothing; ``why`` says why it was refused."""

    name: str
    arguments: tuple[int, ...] = ()
    result: int | None = None
    why: str = ""


class RunStart(msgspec.Struct, frozen=True, tag="run", tag_field="event"):
    """First event of a run."""

    seq: int
    backend: str
    abi: str
    guest_sha256: str
    rom_sha256: str
    clock: str = "host"
    """What the machine's time, and that of its events, goes by: ``host`` or ``virtual``."""


class CallEvent(msgspec.Struct, frozen=True, omit_defaults=True, tag="call", tag_field="event"):
    """One paravirt call; ``us`` is time since the start, by the machine's clock, in microseconds.
    Hypercalls that no call made (boot stub, interrupt stubs of the ROM) stand under a call named ``-``,
    number -1."""

    seq: int
    backend: str
    call: str
    number: int
    us: int
    hypercalls: tuple[HypercallRecord, ...] = ()


class HostEvent(msgspec.Struct, frozen=True, tag="host", tag_field="event"):
    """Anything else the hypervisor told: an interrupt, a trap, a timer, a kill, a device."""

    seq: int
    backend: str
    kind: str
    detail: str
    us: int


class TraceCut(msgspec.Struct, frozen=True, tag="cut", tag_field="event"):
    """The event before the last of a run whose trace came to its limit: ``dropped`` events are not in it,
    all of them between the event before and this one. ``limit`` in bytes."""

    seq: int
    backend: str
    dropped: int
    limit: int


class RunEnd(msgspec.Struct, frozen=True, tag="end", tag_field="event"):
    """Last event of a run, with its totals."""

    seq: int
    backend: str
    outcome: str
    reason: str
    calls: int
    hypercalls: int


Event = RunStart | CallEvent | HostEvent | TraceCut | RunEnd
