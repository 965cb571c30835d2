"""Faults of ROMs in ports, the local APIC and counting entries, one of each clause. Code is i386, in
hexadecimal, with what it says beside it."""

from __future__ import annotations

from typing import Final

from vmirom.conform.faults.fault import Fault, RomPatch
from vmirom.conform.faults.routines import around, before, exchange, instead, rewritten

__all__ = ["FAULTS"]


def _fault(backend: str, name: str, sentence: str, breaks: tuple[str, ...], patch: RomPatch) -> Fault:
    return Fault(f"{backend}-{name}", sentence, backend, breaks, patch)


FAULTS: Final[tuple[Fault, ...]] = (
    _fault("xen", "port-register-moved", "INB counts EDX up", ("VMI-IO-01",), around("INB", "42")),
    _fault(
        "xen",
        "wide-input-narrow",
        "INL reads two bytes",
        ("VMI-IO-01",),
        around("INL", "0F B7 C0"),  # movzwl %ax, %eax
    ),
    _fault(
        "xen",
        "wide-output-narrow",
        "OUTW writes one byte",
        ("VMI-IO-02",),
        exchange("OUTW", "mov edx, 2", "BA 01 00 00 00"),
    ),
    _fault(
        "lguest",
        "wide-string-narrow",
        "INSW reads single bytes",
        ("VMI-IO-03",),
        exchange("INSW", "mov edx, 2", "BA 01 00 00 00"),
    ),
    _fault(
        "xen",
        "any-level-opens",
        "SetIOPLMask opens the ports by any level but 0",
        ("VMI-IO-04",),
        before("SetIOPLMask", "85 C0 74 05 B8 00 30 00 00"),  # test %eax, %eax; jz 1f; mov $0x3000, %eax; 1:
    ),
    _fault(
        "native",
        "delay-turns-on",
        "IODelay turns interrupts on",
        ("VMI-IO-07",),
        around("IODelay", "FB"),
    ),
    _fault(
        "xen",
        "apic-end-lost",
        "APICWrite does nothing for EOI",
        ("VMI-APIC-01",),
        before("APICWrite", "3D B0 00 00 00 75 01 C3"),  # cmp $0xb0, %eax; jne 1f; ret; 1:
    ),
    _fault(
        "lguest",
        "apic-task-lost",
        "APICWrite does nothing for the task's priority",
        ("VMI-APIC-01",),
        before("APICWrite", "3D 80 00 00 00 75 01 C3"),
    ),
    _fault(
        "native",
        "state-turns-on",
        "SetInitialAPState turns interrupts on",
        ("VMI-AP-07",),
        before("SetInitialAPState", "FB"),
    ),
    _fault(
        "lguest",
        "counts-nothing",
        "SetCounters says that calls are counted, and none is",
        ("VMI-COUNT-01",),
        instead("SetCounters", "31 C0"),
    ),
    _fault(
        "xen",
        "counts-on",
        "SetCounters with address 0 does not stop the counting",
        ("VMI-COUNT-02",),
        before("SetCounters", "85 C0 75 01 C3"),  # test %eax, %eax; jne 1f; ret; 1:
    ),
    _fault(
        "kvm",
        "counters-aligned",
        "SetCounters takes an array that is not aligned, from the word before",
        ("VMI-COUNT-03",),
        before("SetCounters", "83 E0 FC"),  # and $~3, %eax
    ),
    _fault(
        "native",
        "counts-beyond",
        "calls are counted beyond the array's end",
        ("VMI-COUNT-04",),
        before("SetCounters", "85 D2 74 05 BA 00 01 00 00"),  # test %edx, %edx; jz 1f; mov $256, %edx; 1:
    ),
    _fault(
        "xen",
        "counting-exchanges",
        "an entry that counts exchanges EAX and ECX",
        ("VMI-COUNT-05",),
        rewritten(
            "89 44 24 0C 59 58 9D C3", "89 44 24 0C 58 59 9D C3"
        ),  # pop %eax, %ecx instead of %ecx, %eax
    ),
)
