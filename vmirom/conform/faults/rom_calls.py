"""Faults of ROMs in single clauses about calls: how they are left, registers, descriptors, returns, the flag,
the console's ports. Code is i386, in hexadecimal, with what it says beside it."""

from __future__ import annotations

from typing import Final

from vmirom.conform.faults.fault import Fault, RomPatch
from vmirom.conform.faults.routines import around, before, exchange, instead

__all__ = ["FAULTS"]

_BY_DS: Final = "50 A1 00 00 10 C0 58"
"""push %eax; mov 0xC0100000, %eax; pop %eax: DS is needed"""


def _fault(backend: str, name: str, sentence: str, breaks: tuple[str, ...], patch: RomPatch) -> Fault:
    return Fault(f"{backend}-{name}", sentence, backend, breaks, patch)


def _port(number: int, code: str) -> RomPatch:
    """``code`` runs in OUTB for one port, before the flags are taken back that the question changed."""
    length = len(bytes.fromhex(code))
    low, high = number & 0xFF, number >> 8
    # pushf; cmp $number, %dx; jne 1f; code; 1: popf
    return before("OUTB", f"9C 66 81 FA {low:02X} {high:02X} 75 {length:02X} {code} 9D")


_CALLING: Final = (
    _fault(
        "native",
        "far-return",
        "CancelAlarm leaves by a far return",
        ("VMI-REL-03",),
        around("CancelAlarm", "CB"),
    ),
    _fault(
        "kvm",
        "high-half-lost",
        "GetWallclockTime has the low half of its result only",
        ("VMI-CALL-03",),
        around("GetWallclockTime", "31 D2"),
    ),
    _fault(
        "kvm",
        "arguments-taken",
        "SetAlarm takes its words off the stack",
        ("VMI-CALL-04",),
        instead("SetAlarm", "C2 08 00"),
    ),
    _fault(
        "native",
        "store-to-itself",
        "GetRomInfo stores in the ROM's own image",
        ("VMI-ROM-18",),
        before("GetRomInfo", "C7 05 00 01 0C C0 78 56 34 12"),
    ),
    _fault(
        "native",
        "frame-taken",
        "GetCycleCounter stores in a frame that is the guest's",
        ("VMI-ENTRY-17",),
        before("GetCycleCounter", "C7 05 00 00 F0 C0 78 56 34 12"),
    ),
)
_FLAG: Final = (
    _fault(
        "xen",
        "mask-always-on",
        "SetInterruptMask turns interrupts on whatever it is given",
        ("VMI-IRQ-05",),
        before("SetInterruptMask", "B8 00 02 00 00"),
    ),
    _fault(
        "lguest",
        "flag-by-ds",
        "EnableInterrupts needs DS",
        ("VMI-IRQ-08",),
        before("EnableInterrupts", _BY_DS),
    ),
    _fault(
        "native",
        "halt-leaves-off",
        "Halt comes back with interrupts off",
        ("VMI-IRQ-11",),
        around("Halt", "FA"),
    ),
    _fault("xen", "shutdown-lost", "Shutdown comes back", ("VMI-IRQ-12",), instead("Shutdown")),
    _fault("lguest", "reboot-lost", "Reboot comes back", ("VMI-IRQ-16",), instead("Reboot")),
)
_SEGMENTS: Final = (
    _fault(
        "lguest",
        "table-not-loaded",
        "SetGDT leaves segment registers as they were",
        ("VMI-DT-02",),
        exchange("SetGDT", "test esi, esi", "31 F6"),
    ),
    _fault(
        "lguest",
        "entry-not-loaded",
        "WriteGDTEntry leaves registers that hold the entry as they were",
        ("VMI-DT-06",),
        exchange("WriteGDTEntry", "test ebx, ebx", "31 DB"),
    ),
    _fault(
        "xen",
        "entry-not-taken-away",
        "WriteGDTEntry only stores an entry that is not present",
        ("VMI-DT-07",),
        # testb $0x80, 5(%esp); jne 1f; store both words; ret; 1:
        before("WriteGDTEntry", "F6 44 24 05 80 75 0C 89 0C D0 8B 4C 24 04 89 4C D0 04 C3"),
    ),
)
_PROCESSOR: Final = (
    _fault("xen", "cpuid-esi", "CPUID changes ESI", ("VMI-CPU-01",), before("CPUID", "46")),
    _fault(
        "xen", "large-pages-shown", "CPUID offers large pages", ("VMI-CPU-02",), around("CPUID", "83 CA 08")
    ),
    _fault(
        "lguest",
        "write-protection-off",
        "SetCR0 takes PE, PG and WP for what it is given",
        ("VMI-CPU-03",),
        exchange("SetCR0", "and edx, 0x80010001", "31 D2"),
    ),
    _fault(
        "lguest",
        "pae-off",
        "SetCR4 takes PGE, PSE and PAE for what it is given",
        ("VMI-CPU-04",),
        exchange("SetCR4", "and edx, 0xb0", "31 D2"),
    ),
    _fault("xen", "msr-zero", "RDMSR answers 0, always", ("VMI-CPU-10",), instead("RDMSR", "31 C0 31 D2")),
)
_RETURNS: Final = (
    _fault(
        "native",
        "iret-carry",
        "IRET loses the carry flag of its frame",
        ("VMI-RET-01",),
        before("IRET", "83 64 24 08 FE"),  # and $~1, 8(%esp)
    ),
    _fault(
        "native",
        "v86-segments",
        "IRET to V86 mode takes ES for DS",
        ("VMI-RET-04",),
        # testb $2, 10(%esp); je 1f; push %eax; 24(%esp) and 28(%esp) change places; pop %eax; 1:
        before("IRET", "F6 44 24 0A 02 74 0E 50 8B 44 24 18 87 44 24 1C 89 44 24 18 58"),
    ),
    _fault("lguest", "iret-by-ds", "IRET needs DS", ("VMI-RET-06",), before("IRET", _BY_DS)),
    _fault("kvm", "sysexit-ecx", "SYSEXIT goes on 1 above ECX", ("VMI-RET-07",), before("SYSEXIT", "41")),
)
_PORTS: Final = (
    _fault(
        "xen",
        "second-mask-lost",
        "the second 8259 takes no data",
        ("VMI-CONS-03", "VMI-CONS-04"),
        _port(0xA1, "9D C3"),
    ),
    _fault(
        "lguest",
        "strings-elsewhere",
        "INSB asks no device, and reads ones",
        ("VMI-CONS-09",),
        instead("INSB", "9C 50 B0 FF F3 AA 58 9D"),  # pushf; push %eax; mov $-1, %al; rep stosb; pop; popf
    ),
    _fault(
        "xen",
        "status-lost",
        "the machine ends with a status of 0, always",
        ("VMI-EXIT-01",),
        _port(0x501, "31 C0"),
    ),
)

FAULTS: Final[tuple[Fault, ...]] = (*_CALLING, *_FLAG, *_SEGMENTS, *_PROCESSOR, *_RETURNS, *_PORTS)
