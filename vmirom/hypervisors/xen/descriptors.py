"""Segment descriptors: which ones a guest may have, and what a selector refers to.

Facts: xen-host.md section 6, "GDT and LDT". Present code and data descriptors of DPL 0 become DPL 1 in
place. Of the system descriptors only call gates to a guest's code are allowed, of the fixed selectors only to
the kernel's with its own RPL. A gate's DPL goes into its selector's RPL and is stored as 0, so that its use
traps. The descriptors behind the fixed selectors stand in a page of Xen's own after the 14 pages that a guest
may fill.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Final

from vmirom.machine.addresses import PAGE_SIZE
from vmirom.machine.engine import Segment
from vmirom.overlays.xen import Gdt, Selector

__all__ = [
    "CALL_GATE",
    "FIRST_RESERVED_ENTRY",
    "GDT_BYTES",
    "GDT_LIMIT",
    "GUEST_GDT_PAGES",
    "NULL_SEGMENT",
    "PRESENT_BIT",
    "checked",
    "checked_page",
    "decode",
    "reserved_page",
]

FIRST_RESERVED_ENTRY: Final = int(Gdt.ENTRIES_MAX)
GUEST_GDT_PAGES: Final = int(Gdt.FIRST_RESERVED_PAGE)
GDT_LIMIT: Final = (GUEST_GDT_PAGES + 1) * PAGE_SIZE - 1
"""What SGDT shows: the guest's pages and Xen's first."""
GDT_BYTES: Final = Gdt.FRAMES * PAGE_SIZE

NULL_SEGMENT: Final = Segment(0, 0, 0, 0)

_PAIR: Final = struct.Struct("<II")
_PAIRS: Final = struct.Struct("<1024I")
PRESENT_BIT: Final = 1 << 15
_CODE_OR_DATA: Final = 1 << 12
_LONG: Final = 1 << 21
_DPL: Final = 3 << 13
_DPL1: Final = 1 << 13
_TYPE: Final = 0xF << 8
CALL_GATE: Final = 0xC << 8
_GATE_RESERVED: Final = 0xE0
_GRANULAR: Final = 1 << 23
_ATTRIBUTES: Final = 0x00F0FF00
_TSS_LIMIT: Final = 0x67
_FIXED_CODE: Final = (Selector.KERNEL_CS & ~3, Selector.USER_CS & ~3)


def checked(low: int, high: int) -> tuple[int, int] | None:
    """A descriptor as Xen stores it, or None if a guest may not have it."""
    if not high & PRESENT_BIT:
        return low, high
    if high & _LONG:
        return None
    if high & _CODE_OR_DATA:
        return low, high if high & _DPL else high | _DPL1
    if high & _TYPE == 0:
        return low, high
    selector = low >> 16
    if high & _TYPE != CALL_GATE or high & _GATE_RESERVED or not _guest_code(selector):
        return None
    if selector & ~3 in _FIXED_CODE and selector != Selector.KERNEL_CS:
        return None
    return low | (high & _DPL) >> 13 << 16, high & ~_DPL


def _guest_code(selector: int) -> bool:
    """A gate may lead to the guest's own descriptors or to the fixed guest selectors, not to Xen's."""
    if selector >> 3 < FIRST_RESERVED_ENTRY or selector & 4:
        return True
    return selector & ~3 in _FIXED_CODE


def checked_page(page: bytes) -> bytes | None:
    """A page of 512 descriptors as Xen stores it, or None."""
    words = list(_PAIRS.unpack(page))
    for at in range(0, 1024, 2):
        high = words[at + 1]
        if high & PRESENT_BIT:
            fixed = checked(words[at], high)
            if fixed is None:
                return None
            words[at : at + 2] = fixed
    return _PAIRS.pack(*words)


def _flat(code: bool, dpl: int) -> int:
    """A present, accessed, flat 4 GiB 32-bit descriptor."""
    high = 0x00CF9B00 if code else 0x00CF9300
    return (high | dpl << 13) << 32 | 0xFFFF


def reserved_page(tss: int) -> bytes:
    """Xen's first own GDT page: the fixed selectors and the TSS at linear address ``tss``."""
    page = bytearray(PAGE_SIZE)
    first = FIRST_RESERVED_ENTRY * 8
    for selector, code, dpl in (
        (Selector.KERNEL_CS, True, 1),
        (Selector.KERNEL_DS, False, 1),
        (Selector.USER_CS, True, 3),
        (Selector.USER_DS, False, 3),
    ):
        struct.pack_into("<Q", page, (selector & ~7) - first, _flat(code, dpl))
    low = _TSS_LIMIT | (tss & 0xFFFF) << 16
    high = (tss >> 16 & 0xFF) | 0x8900 | tss & 0xFF000000
    _PAIR.pack_into(page, 0x40, low, high)
    return bytes(page)


@lru_cache(maxsize=1024)
def decode(selector: int, low: int, high: int) -> Segment:
    """The hidden part that a descriptor gives a segment register."""
    limit = low & 0xFFFF | high & 0xF0000
    if high & _GRANULAR:
        limit = limit << 12 | 0xFFF
    base = low >> 16 | (high & 0xFF) << 16 | high & 0xFF000000
    return Segment(selector, base, limit, high & _ATTRIBUTES)
