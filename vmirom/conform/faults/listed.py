"""All faults by id."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from vmirom.conform.faults import (
    host_clocks,
    host_lguest,
    host_pc,
    host_ports,
    host_xen,
    rom_alarms,
    rom_beginning,
    rom_boot,
    rom_calls,
    rom_devices,
    rom_older,
    rom_outside,
    rom_paravirt,
    rom_pc,
    rom_tables,
)
from vmirom.conform.faults.fault import Fault
from vmirom.schema import AbiError
from vmirom.schema.clauses import ClauseSet, load_clauses

__all__ = ["all_faults", "checked", "fault_of"]


@cache
def all_faults() -> tuple[Fault, ...]:
    """ROMs first, then hypervisors; by backend. Raises AbiError where one breaks no clause that there is."""
    found = (
        *rom_older.FAULTS,
        *rom_pc.FAULTS,
        *rom_paravirt.FAULTS,
        *rom_outside.FAULTS,
        *rom_boot.FAULTS,
        *rom_alarms.FAULTS,
        *rom_tables.FAULTS,
        *rom_devices.FAULTS,
        *rom_beginning.FAULTS,
        *rom_calls.FAULTS,
        *host_pc.FAULTS,
        *host_xen.FAULTS,
        *host_lguest.FAULTS,
        *host_clocks.FAULTS,
        *host_ports.FAULTS,
    )
    return checked(found, load_clauses())


def checked(faults: Iterable[Fault], clauses: ClauseSet) -> tuple[Fault, ...]:
    """The same, each with an id of its own and clauses that are declared. Raises AbiError."""
    found: dict[str, Fault] = {}
    for fault in faults:
        if fault.id in found:
            raise AbiError(f"fault {fault.id}: there are two of that name")
        if not fault.breaks:
            raise AbiError(f"fault {fault.id}: breaks no clause")
        for name in fault.breaks:
            if name not in clauses.clauses:
                raise AbiError(f"fault {fault.id}: no clause is called {name!r}")
        found[fault.id] = fault
    return tuple(found.values())


def fault_of(name: str) -> Fault:
    """The fault of that id. Raises KeyError."""
    return {fault.id: fault for fault in all_faults()}[name]
