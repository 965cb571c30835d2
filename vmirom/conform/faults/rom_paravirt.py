"""Faults of the Xen and lguest ROMs. Code is i386, in hexadecimal, with what it says beside it."""

from __future__ import annotations

from typing import Final

from vmirom.conform.faults.fault import Fault, RomPatch
from vmirom.conform.faults.routines import around, before, exchange, instead

__all__ = ["FAULTS"]

_STORE: Final = "89 01 89 51 04"  # mov %eax, (%ecx); mov %edx, 4(%ecx)


def _xen(name: str, sentence: str, breaks: tuple[str, ...], patch: RomPatch) -> Fault:
    return Fault(f"xen-{name}", sentence, "xen", breaks, patch)


def _lguest(name: str, sentence: str, breaks: tuple[str, ...], patch: RomPatch) -> Fault:
    return Fault(f"lguest-{name}", sentence, "lguest", breaks, patch)


_XEN: Final = (
    _xen(
        "enable-delivers-nothing",
        "EnableInterrupts forgets what is pending",
        ("VMI-IRQ-03",),
        exchange("EnableInterrupts", "jne .*", "", fast=True),
    ),
    _xen(
        "mask-delivers-nothing",
        "SetInterruptMask forgets what is pending",
        ("VMI-IRQ-04",),
        exchange("SetInterruptMask", "je .*", "", fast=True),
    ),
    _xen(
        "mask-inverted",
        "GetInterruptMask tells the flag the wrong way round",
        ("VMI-IRQ-01", "VMI-IRQ-02"),
        around("GetInterruptMask", "35 00 02 00 00"),
    ),
    _xen("disable-lost", "DisableInterrupts does nothing", ("VMI-IRQ-02",), instead("DisableInterrupts")),
    _xen(
        "flags-clobber-eax",
        "EnableInterrupts changes EAX",
        ("VMI-IRQ-07",),
        around("EnableInterrupts", "31 C0"),
    ),
    _xen("task-switched-lost", "SetCR0 loses TS", ("VMI-CPU-08",), before("SetCR0", "83 E0 F7")),
    _xen("clts-lost", "CLTS does nothing", ("VMI-CPU-08",), instead("CLTS")),
    _xen("cr2-not-set", "SetCR2 does nothing", ("VMI-CPU-05",), instead("SetCR2")),
    _xen("cr3-without-bits", "GetCR3 loses the low bits", ("VMI-CPU-07",), around("GetCR3", "24 00")),
    _xen("space-kept", "SetCR3 does nothing but remember", ("VMI-CPU-07",), instead("SetCR3")),
    _xen("page-not-flushed", "InvalPage does nothing", ("VMI-MMU-07", "VMI-MMU-13"), instead("InvalPage")),
    _xen("tlb-not-flushed", "FlushTLB does nothing", ("VMI-MMU-07", "VMI-MMU-12"), instead("FlushTLB")),
    _xen(
        "batch-forgotten",
        "leaving a lazy mode puts nothing in force",
        ("VMI-MMU-09",),
        before("SetLazyMode", "85 C0 75 01 C3"),
    ),
    _xen(
        "entries-untold",
        "SetPxELong stores the entry and tells Xen nothing",
        ("VMI-MMU-26",),
        instead("SetPxELong", _STORE),
    ),
    _xen(
        "entry-one-off",
        "SetPxELong stores what is deferred into the entry behind",
        ("VMI-MMU-07",),
        before(
            "SetPxELong", "F6 44 24 04 20 74 03 83 C1 08"
        ),  # testb $0x20, 4(%esp); jz 1f; add $8, %ecx; 1:
    ),
    _xen("stack-kept", "UpdateKernelStack does nothing", ("VMI-DT-15",), instead("UpdateKernelStack")),
    _xen(
        "gdt-limit-8-less",
        "GetGDT tells a limit that is 8 less",
        ("VMI-DT-03",),
        around("GetGDT", "58 66 83 28 08", "50"),
    ),
    _xen(
        "descriptor-words-swapped",
        "WriteGDTEntry takes the two words the wrong way round",
        ("VMI-DT-05",),
        before("WriteGDTEntry", "87 4C 24 04"),
    ),
    _xen(
        "gate-words-swapped",
        "WriteIDTEntry takes the two words the wrong way round",
        ("VMI-DT-05",),
        before("WriteIDTEntry", "87 4C 24 04"),
    ),
    _xen(
        "gate-untold",
        "WriteIDTEntry stores the gate and tells Xen nothing",
        ("VMI-DT-05",),
        instead("WriteIDTEntry", "89 0C D0 8B 4C 24 04 89 4C D0 04"),
    ),
    _xen("ldt-ignored", "SetLDT does nothing", ("VMI-DT-04",), instead("SetLDT")),
    _xen("task-register-lost", "SetTR does nothing", ("VMI-DT-04",), instead("SetTR")),
    _xen(
        "debug-register-next", "SetDR sets the register beside", ("VMI-CPU-09",), before("SetDR", "83 F0 01")
    ),
    _xen("privilege-lost", "SetIOPLMask does nothing", ("VMI-IO-04",), instead("SetIOPLMask")),
    _xen("no-pae", "CPUID hides PAE", ("VMI-CPU-02",), around("CPUID", "83 E2 BF")),
    _xen("tsc-stands", "RDTSC answers the same, always", ("VMI-TIME-05",), instead("RDTSC", "31 C0 31 D2")),
    _xen(
        "transmitter-busy",
        "the line status never says that the transmitter is empty",
        ("VMI-CONS-02",),
        around("INB", "24 9F"),
    ),
    # pushf; cmp $0x20, %al; je 1f; popf; jmp; 1: popf; ret
    _xen(
        "end-of-interrupt-lost",
        "the 8259 forgets the unspecific end of interrupt",
        ("VMI-CONS-07",),
        before("OUTB", "9C 3C 20 75 02 9D C3 9D"),
    ),
    _xen("alarm-cancelled", "SetAlarm sets nothing", ("VMI-TIME-15",), instead("SetAlarm")),
    _xen("string-stays", "INSB does not move EDI", ("VMI-IO-03",), around("INSB", "5F", "57")),
    _xen("output-short", "OUTSB drops the last byte", ("VMI-IO-03",), before("OUTSB", "85 C9 74 01 49")),
    _xen(
        "halt-at-once", "Halt comes back at once, and interrupts stay off", ("VMI-IRQ-11",), instead("Halt")
    ),
)

_LGUEST: Final = (
    _lguest(
        "enable-delivers-nothing",
        "EnableInterrupts forgets what is pending",
        ("VMI-IRQ-03",),
        exchange("EnableInterrupts", "jne .*", "", fast=True),
    ),
    _lguest(
        "mask-delivers-nothing",
        "SetInterruptMask forgets what is pending",
        ("VMI-IRQ-04",),
        exchange("SetInterruptMask", "jne .*", "", 1, fast=True),
    ),
    _lguest(
        "mask-always-on",
        "GetInterruptMask says that interrupts are on",
        ("VMI-IRQ-02",),
        around("GetInterruptMask", "0D 00 02 00 00"),
    ),
    _lguest("page-not-flushed", "InvalPage does nothing", ("VMI-MMU-07", "VMI-MMU-13"), instead("InvalPage")),
    _lguest("tlb-not-flushed", "FlushTLB does nothing", ("VMI-MMU-07", "VMI-MMU-12"), instead("FlushTLB")),
    _lguest("space-kept", "SetCR3 does nothing", ("VMI-CPU-07",), instead("SetCR3")),
    _lguest(
        "batch-forgotten",
        "leaving a lazy mode puts nothing in force",
        ("VMI-MMU-09",),
        exchange("SetLazyMode", "je .*", ""),
    ),
    _lguest("stack-kept", "UpdateKernelStack does nothing", ("VMI-DT-15",), instead("UpdateKernelStack")),
    _lguest("clts-lost", "CLTS does nothing", ("VMI-CPU-08",), instead("CLTS")),
    _lguest("task-switched-lost", "SetCR0 loses TS", ("VMI-CPU-08",), before("SetCR0", "83 E0 F7")),
    _lguest("cr2-zero", "GetCR2 answers 0", ("VMI-CPU-06",), instead("GetCR2", "31 C0")),
    _lguest(
        "gdt-limit-8-less",
        "GetGDT tells a limit that is 8 less",
        ("VMI-DT-03",),
        around("GetGDT", "58 66 83 28 08", "50"),
    ),
    _lguest(
        "descriptor-words-swapped",
        "WriteGDTEntry takes the two words the wrong way round",
        ("VMI-DT-05",),
        before("WriteGDTEntry", "87 4C 24 04"),
    ),
    _lguest(
        "gate-untold",
        "WriteIDTEntry stores the gate and tells the host nothing",
        ("VMI-DT-05",),
        instead("WriteIDTEntry", "89 0C D0 8B 4C 24 04 89 4C D0 04"),
    ),
    _lguest(
        "counter-3-answered",
        "GetCycleCounter takes 3 for 0",
        ("VMI-TIME-07",),
        before("GetCycleCounter", "83 F8 03 75 02 31 C0"),
    ),
    _lguest(
        "alarm-once",
        "SetAlarm takes a periodic alarm for a single one",
        ("VMI-TIME-19",),
        before("SetAlarm", "25 FF FE FF FF"),
    ),
    _lguest(
        "wallclock-a-year-on",
        "GetWallclockTime is a year ahead",
        ("VMI-TIME-01",),
        around("GetWallclockTime", "81 C2 D3 09 70 00"),
    ),
    _lguest(
        "end-of-interrupt-lost",
        "the 8259 forgets the unspecific end of interrupt",
        ("VMI-CONS-07",),
        before("OUTB", "9C 3C 20 75 02 9D C3 9D"),
    ),
    _lguest(
        "transmitter-busy",
        "the line status never says that the transmitter is empty",
        ("VMI-CONS-02",),
        around("INB", "24 9F"),
    ),
    _lguest(
        "wide-port-narrow", "INW reads one byte", ("VMI-IO-01", "VMI-CONS-08"), around("INW", "0F B6 C0")
    ),
    _lguest("apic-priority-lost", "APICWrite does nothing", ("VMI-APIC-01",), instead("APICWrite")),
)

FAULTS: Final[tuple[Fault, ...]] = (*_XEN, *_LGUEST)
