"""The hypercall page, and how 32-bit Xen packs a frame number into CR3."""

from __future__ import annotations

import functools
import struct
from typing import Final

from vmirom.machine.addresses import PAGE_SIZE
from vmirom.overlays.xen import Hypercall, Transport

__all__ = ["cr3_to_frame", "frame_to_cr3", "hypercall_page"]

_CALL: Final = struct.Struct("<BIBBB")
_IRET: Final = struct.Struct("<BBIBB")
_FILL: Final = 0xCC


@functools.cache
def hypercall_page() -> bytes:
    """128 entries ``mov $nr, %eax; int $0x82; ret``; iret's pushes EAX and does not return."""
    page = bytearray([_FILL]) * PAGE_SIZE
    for number in range(PAGE_SIZE // Transport.PAGE_ENTRY_SIZE):
        at = number * Transport.PAGE_ENTRY_SIZE
        if number == Hypercall.IRET:
            _IRET.pack_into(page, at, 0x50, 0xB8, number, 0xCD, Transport.VECTOR)
        else:
            _CALL.pack_into(page, at, 0xB8, number, 0xCD, Transport.VECTOR, 0xC3)
    return bytes(page)


def frame_to_cr3(frame: int) -> int:
    """xen_pfn_to_cr3: the frame number rotated left by 12."""
    return (frame << 12 | frame >> 20) & 0xFFFFFFFF


def cr3_to_frame(cr3: int) -> int:
    """xen_cr3_to_pfn."""
    return (cr3 >> 12 | cr3 << 20) & 0xFFFFFFFF
