"""Faults of ROMs that a guest hardly can see: a register, a flag, a segment that it does not look at behind a
call, a store where it does not look, hypercalls that cost time only. Code is i386, in hexadecimal."""

from __future__ import annotations

from typing import Final

from vmirom.conform.faults.fault import Fault, RomPatch
from vmirom.conform.faults.routines import around, before, before_relocation, by_slot, instead

__all__ = ["FAULTS"]

_FREE: Final = "00 00 80 C0"
"""C0800000h: memory of the guest that nobody uses."""
_XEN_VERSION: Final = "50 53 51 B8 11 00 00 00 31 DB 31 C9 CD 82 59 5B 58"
"""push eax, ebx, ecx; xen_version(0, 0); pop ecx, ebx, eax"""
_FLUSH_ASYNC: Final = "50 53 31 C0 31 DB CD 1F 5B 58"
"""push eax, ebx; FLUSH_ASYNC; pop ebx, eax"""


def _fault(backend: str, name: str, sentence: str, breaks: tuple[str, ...], patch: RomPatch) -> Fault:
    return Fault(f"{backend}-outside-{name}", sentence, backend, breaks, patch)


FAULTS: Final[tuple[Fault, ...]] = (
    _fault(
        "native",
        "slot-esi",
        "CancelAlarm by its slot loses ESI",
        ("VMI-CALL-01",),
        by_slot("CancelAlarm", "31 F6"),
    ),
    _fault("native", "direction", "CancelAlarm leaves DF set", ("VMI-CALL-09",), around("CancelAlarm", "FD")),
    _fault(
        "native",
        "flag-off",
        "GetCycleCounter turns interrupts off",
        ("VMI-CALL-09",),
        around("GetCycleCounter", "FA"),
    ),
    _fault(
        "native",
        "stray-store",
        "CancelAlarm stores a word in memory of the guest",
        ("VMI-CALL-10",),
        before("CancelAlarm", f"C7 05 {_FREE} 78 56 34 12"),
    ),
    _fault(
        "native",
        "number-loops",
        "get_reloc does not come back for numbers with the highest bit",
        ("VMI-REL-01",),
        before_relocation("85 C0 78 FE"),
    ),
    _fault(
        "kvm",
        "stack-word",
        "GetRomInfo stores above its caller's stack",
        ("VMI-CALL-10",),
        before("GetRomInfo", "C7 44 24 08 01 00 00 00"),
    ),
    _fault(
        "kvm",
        "one-by-one",
        "SetLazyMode does nothing, so that no update waits",
        ("VMI-MMU-25",),
        instead("SetLazyMode"),
    ),
    _fault("kvm", "gs-loaded", "APICRead loads GS", ("VMI-CALL-09",), around("APICRead", "8C D1 8E E9")),
    _fault(
        "xen",
        "slot-ecx",
        "GetInterruptMask by its slot loses ECX",
        ("VMI-IRQ-07",),
        by_slot("GetInterruptMask", "31 C9"),
    ),
    _fault("xen", "flags-lost", "OUTL changes the flags", ("VMI-IO-02",), around("OUTL", "83 C4 00")),
    _fault(
        "xen",
        "one-by-one",
        "SetLazyMode does nothing, so that no update waits",
        ("VMI-MMU-25",),
        instead("SetLazyMode"),
    ),
    _fault(
        "xen",
        "flag-asks",
        "DisableInterrupts asks Xen for its version",
        ("VMI-IRQ-17",),
        before("DisableInterrupts", _XEN_VERSION),
    ),
    _fault("xen", "fs-loaded", "GetCR4 loads FS", ("VMI-CALL-09",), around("GetCR4", "8C D1 8E E1")),
    _fault(
        "lguest",
        "slot-edx",
        "SetInterruptMask by its slot loses EDX",
        ("VMI-IRQ-07",),
        by_slot("SetInterruptMask", "31 D2"),
    ),
    _fault(
        "lguest",
        "flag-asks",
        "DisableInterrupts makes a hypercall",
        ("VMI-IRQ-17",),
        before("DisableInterrupts", _FLUSH_ASYNC),
    ),
    _fault(
        "lguest",
        "one-by-one",
        "SetPxELong ends the lazy mode",
        ("VMI-MMU-25",),
        before("SetPxELong", _FLUSH_ASYNC),
    ),
    _fault(
        "lguest",
        "stray-store",
        "GetWallclockTime stores a word in memory of the guest",
        ("VMI-CALL-10",),
        before("GetWallclockTime", f"C7 05 {_FREE} 78 56 34 12"),
    ),
    _fault(
        "lguest",
        "level",
        "CancelAlarm leaves NT set",
        ("VMI-CALL-09",),
        around("CancelAlarm", "9C 81 0C 24 00 40 00 00 9D"),
    ),
    _fault(
        "kvm",
        "available-is-real",
        "SetAlarm takes the real counter for the available one",
        ("VMI-TIME-16",),
        before("SetAlarm", "83 E0 FE"),
    ),
    _fault(
        "xen",
        "available-is-real",
        "SetAlarm takes the real counter for the available one",
        ("VMI-TIME-16",),
        before("SetAlarm", "83 E0 FE"),
    ),
)
"""One of each kind a backend at least."""
