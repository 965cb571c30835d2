"""Real machines: a Multiboot 1 header (GRUB, QEMU -kernel), and a PVH note (Xen, QEMU microvm).

Facts: Multiboot Specification 0.6.96, 3.1; Xen public header elfnote.h, XEN_ELFNOTE_PHYS32_ENTRY.
"""

from __future__ import annotations

import struct

from vmirom.bundle.notes import XEN_OWNER, Note
from vmirom.bundle.protocols import Dress, Stub
from vmirom.overlays import native

__all__ = ["dress"]


def dress(stub: Stub) -> Dress:
    """Both, so that whichever the loader prefers works; the entry is physical."""
    flags = int(native.MultibootHeaderFlag.PAGE_ALIGN | native.MultibootHeaderFlag.MEMORY_INFO)
    magic = int(native.Multiboot.HEADER_MAGIC)
    header = struct.pack("<3I", magic, flags, -(magic + flags) & 0xFFFFFFFF)
    notes: tuple[Note, ...] = ()
    if stub.pvh is not None:
        notes = (Note(XEN_OWNER, int(native.ElfNote.PHYS32_ENTRY), struct.pack("<I", stub.pvh)),)
    return Dress(stub.boot, notes, header)
