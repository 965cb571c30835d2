"""Faults of the Xen and lguest ROMs. Code is i386, in hexadecimal, with what it says beside it."""

from __future__ import annotations

from typing import Final

from vmirom.conform.faults.fault import Fault, RomPatch
from vmirom.conform.faults.routines import around, before, exchange, instead

__all__ = ["FAULTS"]

_STORE: Final = "89 01 89 51 04"  # mov %eax, (%ecx); mov %edx, 4(%ecx)


def _xen(name: str, sentence: str, breaks: str, patch: RomPatch) -> Fault:
    return Fault(f"xen-{name}", sentence, "xen", breaks, patch)


def _lguest(name: str, sentence: str, breaks: str, patch: RomPatch) -> Fault:
    return Fault(f"lguest-{name}", sentence, "lguest", breaks, patch)


_XEN: Final = (
    _xen(
        "enable-delivers-nothing",
        "EnableInterrupts forgets what is pending",
        "IRQ",
        exchange("EnableInterrupts", "jne .*", "", fast=True),
    ),
    _xen(
        "mask-delivers-nothing",
        "SetInterruptMask forgets what is pending",
        "IRQ",
        exchange("SetInterruptMask", "je .*", "", fast=True),
    ),
    _xen(
        "mask-inverted",
        "GetInterruptMask tells the flag the wrong way round",
        "IRQ",
        around("GetInterruptMask", "35 00 02 00 00"),
    ),
    _xen("disable-lost", "DisableInterrupts does nothing", "IRQ", instead("DisableInterrupts")),
    _xen("flags-clobber-eax", "EnableInterrupts changes EAX", "IRQ", around("EnableInterrupts", "31 C0")),
    _xen("task-switched-lost", "SetCR0 loses TS", "CPU", before("SetCR0", "83 E0 F7")),
    _xen("clts-lost", "CLTS does nothing", "CPU", instead("CLTS")),
    _xen("cr2-not-set", "SetCR2 does nothing", "CPU", instead("SetCR2")),
    _xen("cr3-without-bits", "GetCR3 loses the low bits", "CPU", around("GetCR3", "24 00")),
    _xen("space-kept", "SetCR3 does nothing but remember", "CPU", instead("SetCR3")),
    _xen("page-not-flushed", "InvalPage does nothing", "MMU", instead("InvalPage")),
    _xen("tlb-not-flushed", "FlushTLB does nothing", "MMU", instead("FlushTLB")),
    _xen(
        "batch-forgotten",
        "leaving a lazy mode puts nothing in force",
        "MMU",
        before("SetLazyMode", "85 C0 75 01 C3"),
    ),
    _xen(
        "entries-untold",
        "SetPxELong stores the entry and tells Xen nothing",
        "MMU",
        instead("SetPxELong", _STORE),
    ),
    _xen("entry-one-off", "SetPxELong stores into the entry behind", "MMU", before("SetPxELong", "83 C1 08")),
    _xen("stack-kept", "UpdateKernelStack does nothing", "DT", instead("UpdateKernelStack")),
    _xen(
        "gdt-limit-8-less",
        "GetGDT tells a limit that is 8 less",
        "DT",
        around("GetGDT", "58 66 83 28 08", "50"),
    ),
    _xen(
        "descriptor-words-swapped",
        "WriteGDTEntry takes the two words the wrong way round",
        "DT",
        before("WriteGDTEntry", "87 4C 24 04"),
    ),
    _xen(
        "gate-words-swapped",
        "WriteIDTEntry takes the two words the wrong way round",
        "DT",
        before("WriteIDTEntry", "87 4C 24 04"),
    ),
    _xen(
        "gate-untold",
        "WriteIDTEntry stores the gate and tells Xen nothing",
        "DT",
        instead("WriteIDTEntry", "89 0C D0 8B 4C 24 04 89 4C D0 04"),
    ),
    _xen("ldt-ignored", "SetLDT does nothing", "DT", instead("SetLDT")),
    _xen("task-register-lost", "SetTR does nothing", "DT", instead("SetTR")),
    _xen("debug-register-next", "SetDR sets the register beside", "CPU", before("SetDR", "83 F0 01")),
    _xen("privilege-lost", "SetIOPLMask does nothing", "IO", instead("SetIOPLMask")),
    _xen("no-pae", "CPUID hides PAE", "CPU", around("CPUID", "83 E2 BF")),
    _xen("tsc-stands", "RDTSC answers the same, always", "CPU", instead("RDTSC", "31 C0 31 D2")),
    _xen(
        "transmitter-busy",
        "the line status never says that the transmitter is empty",
        "CONS",
        around("INB", "24 9F"),
    ),
    # pushf; cmp $0x20, %al; je 1f; popf; jmp; 1: popf; ret
    _xen(
        "end-of-interrupt-lost",
        "the 8259 forgets the unspecific end of interrupt",
        "CONS",
        before("OUTB", "9C 3C 20 75 02 9D C3 9D"),
    ),
    _xen("alarm-cancelled", "SetAlarm sets nothing", "TIME", instead("SetAlarm")),
    _xen("string-stays", "INSB does not move EDI", "IO", around("INSB", "5F", "57")),
    _xen("output-short", "OUTSB drops the last byte", "IO", before("OUTSB", "85 C9 74 01 49")),
    _xen("halt-at-once", "Halt comes back at once, and interrupts stay off", "IRQ", instead("Halt")),
)

_LGUEST: Final = (
    _lguest(
        "enable-delivers-nothing",
        "EnableInterrupts forgets what is pending",
        "IRQ",
        exchange("EnableInterrupts", "jne .*", "", fast=True),
    ),
    _lguest(
        "mask-delivers-nothing",
        "SetInterruptMask forgets what is pending",
        "IRQ",
        exchange("SetInterruptMask", "jne .*", "", 1, fast=True),
    ),
    _lguest(
        "mask-always-on",
        "GetInterruptMask says that interrupts are on",
        "IRQ",
        around("GetInterruptMask", "0D 00 02 00 00"),
    ),
    _lguest("page-not-flushed", "InvalPage does nothing", "MMU", instead("InvalPage")),
    _lguest("tlb-not-flushed", "FlushTLB does nothing", "MMU", instead("FlushTLB")),
    _lguest("space-kept", "SetCR3 does nothing", "CPU", instead("SetCR3")),
    _lguest(
        "batch-forgotten",
        "leaving a lazy mode puts nothing in force",
        "MMU",
        before("SetLazyMode", "85 C0 75 01 C3"),
    ),
    _lguest("stack-kept", "UpdateKernelStack does nothing", "DT", instead("UpdateKernelStack")),
    _lguest("clts-lost", "CLTS does nothing", "CPU", instead("CLTS")),
    _lguest("task-switched-lost", "SetCR0 loses TS", "CPU", before("SetCR0", "83 E0 F7")),
    _lguest("cr2-zero", "GetCR2 answers 0", "CPU", instead("GetCR2", "31 C0")),
    _lguest(
        "gdt-limit-8-less",
        "GetGDT tells a limit that is 8 less",
        "DT",
        around("GetGDT", "58 66 83 28 08", "50"),
    ),
    _lguest(
        "descriptor-words-swapped",
        "WriteGDTEntry takes the two words the wrong way round",
        "DT",
        before("WriteGDTEntry", "87 4C 24 04"),
    ),
    _lguest(
        "gate-untold",
        "WriteIDTEntry stores the gate and tells the host nothing",
        "DT",
        instead("WriteIDTEntry", "89 0C D0 8B 4C 24 04 89 4C D0 04"),
    ),
    _lguest(
        "counter-3-answered",
        "GetCycleCounter takes 3 for 0",
        "TIME",
        before("GetCycleCounter", "83 F8 03 75 02 31 C0"),
    ),
    _lguest(
        "alarm-once",
        "SetAlarm takes a periodic alarm for a single one",
        "TIME",
        before("SetAlarm", "25 FF FE FF FF"),
    ),
    _lguest(
        "wallclock-a-year-on",
        "GetWallclockTime is a year ahead",
        "TIME",
        around("GetWallclockTime", "81 C2 D3 09 70 00"),
    ),
    _lguest(
        "end-of-interrupt-lost",
        "the 8259 forgets the unspecific end of interrupt",
        "CONS",
        before("OUTB", "9C 3C 20 75 02 9D C3 9D"),
    ),
    _lguest(
        "transmitter-busy",
        "the line status never says that the transmitter is empty",
        "CONS",
        around("INB", "24 9F"),
    ),
    _lguest("wide-port-narrow", "INW reads one byte", "IO", around("INW", "0F B6 C0")),
    _lguest("apic-priority-lost", "APICWrite does nothing", "IO", instead("APICWrite")),
)

FAULTS: Final[tuple[Fault, ...]] = (*_XEN, *_LGUEST)
