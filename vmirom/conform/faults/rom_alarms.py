"""Faults of ROMs in counters, clocks and alarms, one of each clause. Code is i386, in hexadecimal, with what
it says beside it; ``{Name}`` is the address of a call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vmirom.conform.faults.fault import Fault, RomPatch
from vmirom.conform.faults.routines import around, before, instead

__all__ = ["FAULTS"]

_NEW: Final = {"host_era": "2026"}


def _fault(
    backend: str,
    name: str,
    sentence: str,
    breaks: tuple[str, ...],
    patch: RomPatch,
    options: Mapping[str, Any] | None = None,
) -> Fault:
    return Fault(f"{backend}-{name}", sentence, backend, breaks, patch, options or {})


FAULTS: Final[tuple[Fault, ...]] = (
    _fault(
        "lguest",
        "updated-never",
        "WallclockUpdated says 0, always",
        ("VMI-TIME-03",),
        instead("WallclockUpdated", "31 C0"),
    ),
    _fault(
        "xen",
        "counters-swapped",
        "GetCycleCounter takes 1 for 2, and 2 for 1",
        ("VMI-TIME-06",),
        before("GetCycleCounter", "85 C0 74 03 83 F0 03"),  # test %eax, %eax; jz 1f; xor $3, %eax; 1:
    ),
    _fault(
        "kvm",
        "stolen-before",
        "GetCycleCounter tells a stolen counter that began far from 0",
        ("VMI-TIME-09",),
        # push %eax ... pop %ecx; cmp $2, %ecx; jne 1f; add $0x100, %edx; 1:
        around("GetCycleCounter", "59 83 F9 02 75 06 81 C2 00 01 00 00", "50"),
        _NEW,
    ),
    _fault(
        "xen",
        "stolen-half",
        "GetCycleCounter tells half of what was stolen",
        ("VMI-TIME-10",),
        # push %eax ... pop %ecx; cmp $2, %ecx; jne 1f; shr %edx; rcr %eax; 1:
        around("GetCycleCounter", "59 83 F9 02 75 04 D1 EA D1 D8", "50"),
    ),
    _fault(
        "kvm",
        "available-is-real",
        "GetCycleCounter tells the real counter for the available one",
        ("VMI-TIME-11",),
        before("GetCycleCounter", "83 F8 01 75 02 31 C0"),  # cmp $1, %eax; jne 1f; xor %eax, %eax; 1:
        _NEW,
    ),
    _fault(
        "native",
        "expiry-low-word",
        "SetAlarm looks at the low word of an expiry only",
        ("VMI-TIME-14",),
        before("SetAlarm", "31 C9"),  # xor %ecx, %ecx
    ),
    _fault(
        "kvm",
        "halt-without-alarm",
        "Halt cancels the alarm that is to end it",
        ("VMI-TIME-17",),
        before("Halt", "31 C0 B9 {CancelAlarm} FF D1"),  # xor %eax, %eax; mov $CancelAlarm, %ecx; call *%ecx
        _NEW,
    ),
    _fault(
        "lguest",
        "alarm-again-and-again",
        "SetAlarm makes every alarm a periodic one",
        ("VMI-TIME-18",),
        # or $1, %ah; movl $0x100000, 4(%esp)
        before("SetAlarm", "80 CC 01 C7 44 24 04 00 00 10 00"),
    ),
    _fault(
        "xen",
        "period-an-eighth",
        "a periodic alarm fires eight times for one",
        ("VMI-TIME-19", "VMI-TIME-20"),
        before("SetAlarm", "C1 6C 24 04 03"),  # shrl $3, 4(%esp)
    ),
    _fault(
        "native",
        "period-of-none",
        "SetAlarm takes a period of 0 for a short one",
        ("VMI-TIME-21",),
        # cmpl $0, 4(%esp); jne 1f; movl $0x100000, 4(%esp); 1:
        before("SetAlarm", "83 7C 24 04 00 75 08 C7 44 24 04 00 00 10 00"),
    ),
    _fault(
        "xen",
        "alarm-on-stolen",
        "SetAlarm takes the stolen counter for the real one",
        ("VMI-TIME-22",),
        before("SetAlarm", "3C 02 75 02 30 C0"),  # cmp $2, %al; jne 1f; xor %al, %al; 1:
    ),
    _fault(
        "lguest",
        "alarm-set-once",
        "SetAlarm on an alarm that is set cancels it, and sets none",
        ("VMI-TIME-23",),
        # push %eax, %edx, %ecx; mov $CancelAlarm, %ecx; call *%ecx; test %eax, %eax; pop %ecx, %edx, %eax;
        # jz 1f; ret; 1:
        before("SetAlarm", "50 52 51 B9 {CancelAlarm} FF D1 85 C0 59 5A 58 74 01 C3"),
    ),
    _fault(
        "native",
        "one-alarm-of-two",
        "SetAlarm cancels the alarm of the other counter",
        ("VMI-TIME-24",),
        # push %eax, %edx, %ecx; xor $1, %al; mov $CancelAlarm, %ecx; call *%ecx; pop %ecx, %edx, %eax
        before("SetAlarm", "50 52 51 34 01 B9 {CancelAlarm} FF D1 59 5A 58"),
    ),
    _fault(
        "xen",
        "cancel-says-no",
        "CancelAlarm says that no alarm was set, always",
        ("VMI-TIME-26",),
        around("CancelAlarm", "31 C0"),
    ),
    _fault(
        "lguest",
        "cancel-says-yes",
        "CancelAlarm says that an alarm was set, always",
        ("VMI-TIME-26", "VMI-TIME-27"),
        around("CancelAlarm", "31 C0 40"),  # xor %eax, %eax; inc %eax
    ),
    _fault(
        "xen",
        "cancel-lost",
        "CancelAlarm cancels nothing",
        ("VMI-TIME-28",),
        instead("CancelAlarm", "31 C0 40"),
    ),
    _fault(
        "kvm",
        "lvtt-periodic-only",
        "SetAlarm wires to LVTT what is periodic, and nothing else",
        ("VMI-TIME-29",),
        # and $~0x10000, %eax; test $1, %ah; jz 1f; or $0x10000, %eax; 1:
        before("SetAlarm", "25 FF FF FE FF F6 C4 01 74 05 0D 00 00 01 00"),
        _NEW,
    ),
    _fault(
        "xen",
        "expiry-0-never",
        "SetAlarm takes an expiry of 0 for none",
        ("VMI-TIME-30",),
        # test %ecx, %ecx; jne 1f; test %edx, %edx; jne 1f; ret; 1:
        before("SetAlarm", "85 C9 75 05 85 D2 75 01 C3"),
    ),
)
