"""All faults by id."""

from __future__ import annotations

from functools import cache

from vmirom.conform.faults import host_lguest, host_pc, host_xen, rom_older, rom_outside, rom_paravirt, rom_pc
from vmirom.conform.faults.fault import Fault

__all__ = ["all_faults", "fault_of"]


@cache
def all_faults() -> tuple[Fault, ...]:
    """ROMs first, then hypervisors; by backend."""
    found = (
        *rom_older.FAULTS,
        *rom_pc.FAULTS,
        *rom_paravirt.FAULTS,
        *rom_outside.FAULTS,
        *host_pc.FAULTS,
        *host_xen.FAULTS,
        *host_lguest.FAULTS,
    )
    assert len({fault.id for fault in found}) == len(found)
    return found


def fault_of(name: str) -> Fault:
    """The fault of that id. Raises KeyError."""
    return {fault.id: fault for fault in all_faults()}[name]
