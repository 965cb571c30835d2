"""Xen PV: notes for the domain builder, and the same words in a ``__xen_guest`` section for one that is older
than notes are (they came with 3.0.3).

``LOADER`` or a known ``GUEST_OS`` is required, ``XEN_VERSION`` must be ``xen-3.0``, ``PAE_MODE`` must be
``yes`` for 32-bit. The ROM needs no hypercall page (``int $0x82`` always works), and no
``HV_START_LOW``: it asks for the hole.
"""

from __future__ import annotations

import struct
from typing import Final

from vmirom.bundle.notes import XEN_OWNER, Note
from vmirom.bundle.protocols import Dress, Stub
from vmirom.overlays.xen import ElfNote

__all__ = ["dress"]

_SECTION: Final = "__xen_guest"
_WORDS: Final = {
    ElfNote.GUEST_OS: "GUEST_OS",
    ElfNote.GUEST_VERSION: "GUEST_VER",
    ElfNote.LOADER: "LOADER",
    ElfNote.XEN_VERSION: "XEN_VER",
    ElfNote.VIRT_BASE: "VIRT_BASE",
    ElfNote.PADDR_OFFSET: "ELF_PADDR_OFFSET",
    ElfNote.ENTRY: "VIRT_ENTRY",
    ElfNote.PAE_MODE: "PAE",
    ElfNote.FEATURES: "FEATURES",
}
"""What each note is called in the section."""


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
    notes = tuple(Note(XEN_OWNER, int(kind), _describe(value)) for kind, value in values)
    words = ",".join(f"{_WORDS[kind]}={_word(kind, value)}" for kind, value in values)
    return Dress(entry, notes, sections={_SECTION: words.encode("ascii") + b"\0"})


def _word(kind: ElfNote, value: str | int) -> str:
    if kind is ElfNote.PAE_MODE:
        return "yes[extended-cr3]"  # what pae_pgdir_above_4gb is called there
    return f"{value:#x}" if isinstance(value, int) else value


def _describe(value: str | int) -> bytes:
    return struct.pack("<I", value) if isinstance(value, int) else value.encode("ascii") + b"\0"
