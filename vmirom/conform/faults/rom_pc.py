"""Faults of the native and KVM ROMs. Code is i386, in hexadecimal, with what it says beside it."""

from __future__ import annotations

from typing import Final

from vmirom.conform.faults.fault import Fault
from vmirom.conform.faults.routines import around, before, byte_of, instead, type_of
from vmirom.overlays.vmi import Reloc, ffi

__all__ = ["FAULTS"]

_YEAR: Final = "81 C2 D3 09 70 00"  # add $0x7009D3, %edx: 365 days of nanoseconds
_OLD, _NEW = {"host_era": "2008"}, {"host_era": "2026"}
_PCI: Final = ffi.offsetof("struct vmi_rom_header", "pci_header_offset")


def _native(name: str, sentence: str, breaks: tuple[str, ...], patch: object) -> Fault:
    return Fault(f"native-{name}", sentence, "native", breaks, patch)  # type: ignore[arg-type]


def _kvm(name: str, sentence: str, breaks: tuple[str, ...], patch: object, options: dict[str, str]) -> Fault:
    return Fault(f"kvm-{name}", sentence, "kvm", breaks, patch, options)  # type: ignore[arg-type]


_NATIVE: Final = (
    _native("idt-lost", "SetIDT does nothing", ("VMI-DT-01",), instead("SetIDT")),
    _native(
        "gate-words-swapped",
        "WriteIDTEntry stores the two words of a gate the wrong way round",
        ("VMI-DT-05",),
        before("WriteIDTEntry", "87 4C 24 04"),  # xchg %ecx, 4(%esp)
    ),
    _native(
        "idt-limit-short",
        "GetIDT tells a limit that is one less",
        ("VMI-DT-03",),
        around("GetIDT", "58 66 FF 08", "50"),  # push %eax ... pop %eax; decw (%eax)
    ),
    _native(
        "kernel-stack-kept", "UpdateKernelStack does nothing", ("VMI-DT-15",), instead("UpdateKernelStack")
    ),
    _native(
        "cancel-says-yes",
        "CancelAlarm says that an alarm was set, always",
        ("VMI-TIME-26", "VMI-TIME-27"),
        around("CancelAlarm", "B8 01 00 00 00"),
    ),
    _native(
        "counter-3-answered",
        "GetCycleCounter takes 3 for 0",
        ("VMI-TIME-07",),
        before("GetCycleCounter", "83 F8 03 75 02 31 C0"),  # cmp $3, %eax; jne 1f; xor %eax, %eax; 1:
    ),
    _native(
        "wallclock-a-year-on",
        "GetWallclockTime is a year ahead",
        ("VMI-TIME-01",),
        around("GetWallclockTime", _YEAR),
    ),
    _native(
        "frequency-doubled",
        "GetCycleFrequency tells twice the rate of the counters",
        ("VMI-TIME-05",),
        around("GetCycleFrequency", "01 C0 11 D2"),
    ),
    _native(
        "alarm-once",
        "SetAlarm takes a periodic alarm for a single one",
        ("VMI-TIME-19",),
        before("SetAlarm", "25 FF FE FF FF"),  # and $~0x100, %eax
    ),
    _native(
        "alarm-drifts",
        "a periodic alarm's period is a quarter too long",
        ("VMI-TIME-19",),
        # push %eax; mov 8(%esp), %eax; shr $2, %eax; add %eax, 8(%esp); pop %eax
        before("SetAlarm", "50 8B 44 24 08 C1 E8 02 01 44 24 08 58"),
    ),
    _native(
        "alarm-at-irq-0",
        "an alarm that is wired to LVTT fires at IRQ 0",
        ("VMI-TIME-29",),
        before("SetAlarm", "25 FF FF FE FF"),
    ),
    _native("apic-writes-lost", "APICWrite does nothing", ("VMI-APIC-01",), instead("APICWrite")),
    _native("apic-reads-zero", "APICRead answers 0", ("VMI-APIC-01",), instead("APICRead", "31 C0")),
    _native(
        "entry-register-clobbered",
        "SetPxELong changes EBX",
        ("VMI-CALL-01",),
        before("SetPxELong", "43"),  # inc %ebx
    ),
    _native(
        "direction-left-set",
        "GetRomInfo comes back with DF set",
        ("VMI-CALL-09",),
        around("GetRomInfo", "FD"),
    ),
    _native(
        "port-flags-clobbered",
        "OUTB changes the arithmetic flags",
        ("VMI-IO-02",),
        around("OUTB", "85 C0"),  # test %eax, %eax
    ),
    _native(
        "stack-unbalanced",
        "CancelAlarm takes a word off the caller's stack",
        ("VMI-CALL-01",),
        around("CancelAlarm", "C2 04 00"),
    ),
    _native(
        "call-info-next",
        "GetCallInfo answers for the next call",
        ("VMI-PROBE-04",),
        before("GetCallInfo", "40"),
    ),
    _native(
        "info-overruns",
        "GetRomInfo writes all of its structure, whatever room there is",
        ("VMI-PROBE-01",),
        before("GetRomInfo", "BA 2C 00 00 00"),
    ),
    _native(
        "counters-unchecked",
        "SetCounters takes any array, and counts nothing",
        ("VMI-COUNT-01", "VMI-COUNT-03"),
        instead("SetCounters", "31 C0"),
    ),
    _native(
        "entry-high-half-lost",
        "SetPxELong stores the low word only",
        ("VMI-MMU-05",),
        instead("SetPxELong", "89 01"),
    ),
    _native(
        "iret-as-call",
        "get_reloc says that IRET is to be called, and it takes its frame at ESP all the same",
        ("VMI-RET-05",),
        type_of("IRET", int(Reloc.CALL_REL)),
    ),
    _native(
        "enable-as-nothing",
        "get_reloc says that EnableInterrupts is nothing to do",
        ("VMI-IRQ-01",),
        type_of("EnableInterrupts", int(Reloc.NOP)),
    ),
    _native(
        "halt-at-once", "Halt comes back at once, and interrupts stay off", ("VMI-IRQ-11",), instead("Halt")
    ),
    _native(
        "checksum",
        "the bytes of the ROM do not add up to zero",
        ("VMI-ROM-03",),
        byte_of(-1, 0x5A, mend=False),
    ),
    _native("no-pci-header", "the header names no PCI header", ("VMI-ROM-07",), byte_of(_PCI, 0)),
)

_KVM: Final = (
    _kvm(
        "wallclock-a-year-on",
        "GetWallclockTime is a year ahead",
        ("VMI-TIME-01",),
        around("GetWallclockTime", _YEAR),
        _OLD,
    ),
    _kvm(
        "stolen-twice",
        "GetCycleCounter counts stolen time twice",
        ("VMI-TIME-08",),
        # push %eax ... pop %ecx; cmp $2, %ecx; jne 1f; add %eax, %eax; adc %edx, %edx; 1:
        around("GetCycleCounter", "59 83 F9 02 75 04 01 C0 11 D2", "50"),
        _NEW,
    ),
    _kvm("page-not-flushed", "InvalPage drops no translation", ("VMI-MMU-13",), instead("InvalPage"), _OLD),
    _kvm(
        "page-not-flushed-now", "InvalPage drops no translation", ("VMI-MMU-13",), instead("InvalPage"), _NEW
    ),
    _kvm("tlb-not-flushed", "FlushTLB drops no translation", ("VMI-MMU-12",), instead("FlushTLB"), _NEW),
    _kvm("root-not-loaded", "SetCR3 does nothing", ("VMI-CPU-07",), instead("SetCR3"), _NEW),
    _kvm(
        "deferred-not-stored",
        "SetPxELong stores nothing that is deferred",
        ("VMI-MMU-07",),
        before("SetPxELong", "F6 44 24 04 20 74 01 C3"),  # testb $0x20, 4(%esp); jz 1f; ret; 1:
        _OLD,
    ),
    _kvm(
        "alarm-early",
        "SetAlarm takes an expiry to be due that lies in the far future",
        ("VMI-TIME-14", "VMI-TIME-15"),
        before("SetAlarm", "31 C9 31 D2"),
        _NEW,
    ),
    _kvm(
        "updated-always",
        "WallclockUpdated says 1, always",
        ("VMI-TIME-03",),
        instead("WallclockUpdated", "B8 01 00 00 00"),
        _NEW,
    ),
    _kvm("idt-lost", "SetIDT does nothing", ("VMI-DT-01",), instead("SetIDT"), _OLD),
)

FAULTS: Final[tuple[Fault, ...]] = (*_NATIVE, *_KVM)
