"""compose: one guest and one ROM become one ELF file that a backend's loader starts.

The file holds, as PT_LOADs at p_vaddr = 0xC0000000 + p_paddr: the ROM's state pages (the first filled
with struct vmi_bundle, from which the ROM's boot stub learns where the guest is), the ROM where option
ROMs live, and the guest's segments byte for byte. The boot protocol adds its notes and the entry. For
a PC, ROM and first state page lie behind the guest instead, and the ROM's boot stub moves them. The same
input gives the same bytes, always.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from vmirom.bundle.elf import (
    EHDR_SIZE,
    PF_R,
    PF_W,
    PF_X,
    PHDR_SIZE,
    PT_LOAD,
    PT_NOTE,
    ProgramHeader,
    pack_header,
    pack_sections,
)
from vmirom.bundle.guest import Abi, Guest, read_guest
from vmirom.bundle.notes import VMI_OWNER, Note, pack_notes
from vmirom.bundle.protocols import Dress, Stub, protocol
from vmirom.bundle.refused import BundleError, RomRefused
from vmirom.bundle.romfile import RomFile, read_rom
from vmirom.machine.addresses import PAGE_SIZE
from vmirom.overlays import vmi

__all__ = ["compose"]


@dataclass(frozen=True, slots=True)
class _Part:
    """A PT_LOAD to be: ``content`` is what the file holds, ``memsz`` what memory does."""

    paddr: int
    content: bytes
    memsz: int
    flags: int


def compose(guest: bytes, rom: bytes, backend: str, abi: Abi) -> bytes:
    """The bundle of ``guest`` (an ELF file) and ``rom`` (a blob) for ``backend`` at version ``abi``.

    Raises GuestError, RomRefused or BundleError, each one line with field and rule.
    """
    checked = read_guest(guest, abi)
    blob = read_rom(rom, backend)
    if blob.image.abi != abi:
        found = blob.image.abi
        raise RomRefused("api_version", f"{found[0]}.{found[1]}, not {abi[0]}.{abi[1]}")
    layout = vmi.Layout
    entry = layout.ROM_GPA + blob.private.boot_entry
    pvh = layout.ROM_GPA + blob.private.pvh_entry if blob.private.pvh_entry else None
    behind = -(-checked.end // PAGE_SIZE) * PAGE_SIZE
    carried = behind + PAGE_SIZE
    stub = Stub(entry, pvh, layout.LINEAR_BASE, f"{abi[0]}.{abi[1]}", layout.ROM_GPA, carried)
    dress = protocol(backend)(stub)
    record = Note(VMI_OWNER, int(vmi.NoteType.BUNDLE), _record(checked, blob, abi))
    state, placed = _state(checked), blob.placed()
    image = [_Part(s.paddr, checked.image.content(s), s.memsz, s.flags) for s in checked.segments]
    if dress.carried:
        content = state.ljust(PAGE_SIZE, b"\0") + placed
        parts = [*image, _Part(behind, content, len(content), PF_R | PF_W | PF_X)]
    else:
        parts = [
            _Part(layout.STATE_GPA, state, layout.STATE_PAGES * PAGE_SIZE, PF_R | PF_W),
            _Part(layout.ROM_GPA, placed, blob.image.length, PF_R | PF_X),
            *image,
        ]
    return _file(dress, pack_notes([*dress.notes, record]), parts)


def _state(guest: Guest) -> bytes:
    """The first state page: where the guest is, for the ROM's boot stub."""
    bundle: Any = vmi.ffi.new("struct vmi_bundle *")
    bundle.magic = int(vmi.Const.BUNDLE_MAGIC)
    bundle.size = vmi.ffi.sizeof(bundle[0])
    bundle.entry = guest.note.entry
    bundle.image_start_gpa = guest.start
    bundle.image_end_gpa = guest.end
    bundle.nr_segments = len(guest.segments)
    for slot, segment in zip(bundle.segments, guest.segments, strict=False):
        slot.gpa, slot.length, slot.flags = segment.paddr, segment.memsz, segment.flags
    return bytes(vmi.ffi.buffer(bundle))


def _record(guest: Guest, rom: RomFile, abi: Abi) -> bytes:
    note: Any = vmi.ffi.new("struct vmi_bundle_note *")
    note.backend = rom.private.backend
    note.abi_major, note.abi_minor = abi
    note.guest_sha256 = bytes.fromhex(guest.sha256)
    note.rom_sha256 = hashlib.sha256(rom.data).digest()
    return bytes(vmi.ffi.buffer(note))


def _file(dress: Dress, notes: bytes, parts: list[_Part]) -> bytes:
    """Headers, protocol header, notes, then each part at an offset congruent to its address, in pages of its
    own: a loader that maps the file (lguest's does) finds zeros behind it. Sections come last."""
    at = EHDR_SIZE + (len(parts) + 1) * PHDR_SIZE
    note_at = at + len(dress.header)
    table = [ProgramHeader(PT_NOTE, note_at, 0, 0, len(notes), len(notes), PF_R, 4)]
    body = bytearray(dress.header + notes)
    for part in parts:
        end = -(-(at + len(body)) // PAGE_SIZE) * PAGE_SIZE
        offset = end + part.paddr % PAGE_SIZE
        body += bytes(offset - at - len(body)) + part.content
        table.append(
            ProgramHeader(
                PT_LOAD,
                offset,
                vmi.Layout.LINEAR_BASE + part.paddr,
                part.paddr,
                len(part.content),
                part.memsz,
                part.flags,
                PAGE_SIZE,
            )
        )
    if parts[-1].paddr + parts[-1].memsz > (1 << 32) - vmi.Layout.LINEAR_BASE:
        raise BundleError("PT_LOAD", "the guest does not fit under the top of the address space")
    sections, sections_at, count = b"", 0, 0
    if dress.sections:
        sections, sections_at, count = pack_sections(dress.sections, at + len(body))
    head = pack_header(dress.entry, len(table), sections_at, count)
    return b"".join([head, *(h.pack() for h in table), bytes(body), sections])
