"""Real machines: a Multiboot 1 header (GRUB, QEMU -kernel), and a PVH note (Xen, QEMU microvm).

QEMU's Multiboot loader runs at C0000h itself and copies everything from the lowest to the highest address of
a file in one piece, so nothing of a bundle may lie below 1 MiB: ROM and state are carried behind the guest.

Facts: Multiboot Specification 0.6.96, 3.1; Xen public header elfnote.h, XEN_ELFNOTE_PHYS32_ENTRY.
"""

from __future__ import annotations

import struct

from vmirom.bundle.notes import XEN_OWNER, Note
from vmirom.bundle.protocols import Dress, Stub
from vmirom.overlays import native

__all__ = ["dress"]


def dress(stub: Stub) -> Dress:
    """Both, so that whichever the loader prefers works; the entry is physical, where the ROM is carried."""
    moved = stub.carried - stub.rom
    flags = int(native.MultibootHeaderFlag.PAGE_ALIGN | native.MultibootHeaderFlag.MEMORY_INFO)
    magic = int(native.Multiboot.HEADER_MAGIC)
    header = struct.pack("<3I", magic, flags, -(magic + flags) & 0xFFFFFFFF)
    notes: tuple[Note, ...] = ()
    if stub.pvh is not None:
        notes = (Note(XEN_OWNER, int(native.ElfNote.PHYS32_ENTRY), struct.pack("<I", stub.pvh + moved)),)
    return Dress(stub.boot + moved, notes, header, carried=True)
