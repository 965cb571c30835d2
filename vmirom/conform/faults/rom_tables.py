"""Faults of ROMs in page tables: what waits and what does not, and where an entry lies. Code is i386, in
hexadecimal, with what it says beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vmirom.conform.faults.fault import Fault, RomPatch
from vmirom.conform.faults.routines import before, exchange, instead

__all__ = ["FAULTS"]

_OLD, _NEW = {"host_era": "2008"}, {"host_era": "2026"}
_LOW_FIRST: Final = "89 01 89 51 04"  # mov %eax, (%ecx); mov %edx, 4(%ecx)
_CLEARED: Final = "F6 C2 01 74 16 57 89 C7 C1 E7 0C 81 C7 00 00 00 C0 31 C0 B9 00 04 00 00 F3 AB 5F"
_VERSION: Final = "50 53 51 B8 11 00 00 00 31 DB 31 C9 CD 82 59 5B 58"
"""push eax, ebx, ecx; xen_version(0, 0); pop ecx, ebx, eax"""


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
        "native",
        "entry-in-two-stores",
        "SetPxELong stores the present half of an entry before the other",
        ("VMI-MMU-05",),
        instead("SetPxELong", _LOW_FIRST),
    ),
    _fault(
        "xen",
        "entry-in-two-stores",
        "SetPxELong stores the present half of an entry before the other",
        ("VMI-MMU-05",),
        exchange("SetPxELong", "call .*", _LOW_FIRST, 1),
    ),
    _fault(
        "xen",
        "page-leaves-others",
        "InvalPage leaves waiting what waits",
        ("VMI-MMU-07",),
        exchange("InvalPage", "call .*", "", 3),
    ),
    _fault(
        "kvm",
        "page-only",
        "InvalPage drops a translation and tells KVM nothing of what waits",
        ("VMI-MMU-07",),
        instead("InvalPage", "0F 01 38"),  # invlpg (%eax)
        _OLD,
    ),
    _fault(
        "kvm",
        "flush-only",
        "FlushTLB loads CR3 and tells KVM nothing of what waits",
        ("VMI-MMU-07",),
        instead("FlushTLB", "0F 20 D8 0F 22 D8"),  # mov %cr3, %eax; mov %eax, %cr3
        _OLD,
    ),
    _fault(
        "kvm",
        "batch-forgotten",
        "leaving a lazy mode tells KVM nothing of what waits",
        ("VMI-MMU-09",),
        exchange("SetLazyMode", "je .*", ""),
        _OLD,
    ),
    _fault(
        "xen",
        "mode-flushes",
        "SetLazyMode asks Xen for its version when a mode is entered as well",
        ("VMI-MMU-09",),
        before("SetLazyMode", _VERSION),
    ),
    _fault(
        "xen",
        "linear-mapping-off",
        "SetLinearMapping takes the frame behind the one that it is told",
        ("VMI-MMU-16",),
        before("SetLinearMapping", "FF 44 24 04"),  # incl 4(%esp)
    ),
    _fault(
        "xen",
        "slot-4-taken",
        "SetLinearMapping takes a slot that is none for the first",
        ("VMI-MMU-16",),
        before("SetLinearMapping", "83 F8 04 72 02 31 C0"),  # cmp $4, %eax; jb 1f; xor %eax, %eax; 1:
    ),
    _fault(
        "xen",
        "set-always-deferred",
        "SetPxELong lets every entry wait",
        ("VMI-MMU-26",),
        before("SetPxELong", "83 4C 24 04 20"),  # orl $0x20, 4(%esp)
    ),
    _fault(
        "xen",
        "told-always-deferred",
        "UpdatePxELong lets every entry wait",
        ("VMI-MMU-26",),
        before("UpdatePxELong", "83 CA 20"),  # or $0x20, %edx
    ),
    _fault(
        "xen",
        "tables-cleared",
        "AllocatePage clears the page that is to be a table",
        ("VMI-MMU-27",),
        # test $1, %dl; jz 1f; push %edi; mov %eax, %edi; shl $12, %edi; add $0xC0000000, %edi;
        # xor %eax, %eax; mov $1024, %ecx; rep stosl; pop %edi; 1:
        instead("AllocatePage", _CLEARED),
    ),
    _fault(
        "native",
        "entry-half-stored",
        "SetPxELong stores half of an entry and then takes the fault on the other",
        ("VMI-MMU-28",),
        before("SetPxELong", "C7 01 00 00 00 00"),  # movl $0, (%ecx)
    ),
    _fault(
        "lguest",
        "entry-aligned",
        "SetPxELong rounds an entry's address down",
        ("VMI-MMU-28",),
        before("SetPxELong", "83 E1 F8"),  # and $~7, %ecx
    ),
    _fault(
        "kvm",
        "flush-of-all-lost",
        "FlushTLB(3) drops no translation",
        ("VMI-MMU-12",),
        instead("FlushTLB", "A8 02 75 06 0F 20 D8 0F 22 D8"),  # test $2, %al; jnz 1f; reload CR3; 1:
        _NEW,
    ),
)
