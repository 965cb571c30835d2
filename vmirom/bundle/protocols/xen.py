"""Xen PV: notes for the domain builder.

``LOADER`` or a known ``GUEST_OS`` is required, ``XEN_VERSION`` must be ``xen-3.0``, ``PAE_MODE`` must be
``yes`` for 32-bit. The ROM needs no hypercall page (``int $0x82`` always works), and no
``HV_START_LOW``: it asks for the hole.
"""

from __future__ import annotations

import struct

from vmirom.bundle.notes import XEN_OWNER, Note
from vmirom.bundle.protocols import Dress, Stub
from vmirom.overlays.xen import ElfNote

__all__ = ["dress"]


def dress(stub: Stub) -> Dress:
    """The notes, and a virtual entry."""
    entry = stub.boot + stub.linear_base
    values: tuple[tuple[ElfNote, str | int], ...] = (
        (ElfNote.GUEST_OS, "vmirom"),
        (ElfNote.GUEST_VERSION, stub.abi),
        (ElfNote.LOADER, "generic"),
        (ElfNote.XEN_VERSION, "xen-3.0"),
        (ElfNote.VIRT_BASE, stub.linear_base),
        (ElfNote.PADDR_OFFSET, 0),
        (ElfNote.ENTRY, entry),
        (ElfNote.PAE_MODE, "yes"),
        (ElfNote.FEATURES, "!writable_page_tables|pae_pgdir_above_4gb"),
    )
    return Dress(entry, tuple(Note(XEN_OWNER, int(kind), _describe(value)) for kind, value in values))


def _describe(value: str | int) -> bytes:
    return struct.pack("<I", value) if isinstance(value, int) else value.encode("ascii") + b"\0"
