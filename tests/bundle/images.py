"""Guests and ROMs for tests, made by hand, so that a test can break any one rule."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from typing import Any

from vmirom.bundle.elf import PF_R, PF_W, PF_X, PT_LOAD, PT_NOTE, ProgramHeader, pack_header
from vmirom.bundle.notes import Note, pack_notes
from vmirom.overlays import vmi

LINEAR = int(vmi.Layout.LINEAR_BASE)
GUEST = int(vmi.Layout.GUEST_GPA)
ABI = (3, 1)


@dataclass(frozen=True)
class Segment:
    """A PT_LOAD; ``vaddr`` None is the linear one."""

    paddr: int
    data: bytes
    memsz: int
    flags: int
    vaddr: int | None = None


@dataclass(frozen=True)
class GuestRecipe:
    """A guest that keeps every rule unless a field is changed."""

    segments: tuple[Segment, ...] = (
        Segment(GUEST, b"\xf4" * 100, 100, PF_R | PF_X),
        Segment(GUEST + 0x1000, b"data", 0x3000, PF_R | PF_W),
    )
    line: int = 3
    major: int = 3
    minor: int = 1
    entry: int = LINEAR + GUEST + 4
    notes: tuple[Note, ...] | None = None

    def with_(self, **changes: Any) -> GuestRecipe:
        return replace(self, **changes)

    def note(self) -> Note:
        words = struct.pack("<IHHII", self.line, self.major, self.minor, self.entry, 0)
        return Note("VMI", int(vmi.NoteType.GUEST), words)

    def build(self) -> bytes:
        notes = pack_notes((self.note(),) if self.notes is None else self.notes)
        at = 52 + 32 * (len(self.segments) + 1)
        table = [ProgramHeader(PT_NOTE, at, 0, 0, len(notes), len(notes), PF_R, 4)]
        body = notes
        for s in self.segments:
            vaddr = s.paddr + LINEAR if s.vaddr is None else s.vaddr
            offset = at + len(body)
            table.append(ProgramHeader(PT_LOAD, offset, vaddr, s.paddr, len(s.data), s.memsz, s.flags, 4096))
            body += s.data
        return pack_header(self.entry, len(table)) + b"".join(h.pack() for h in table) + body


@dataclass(frozen=True)
class RomRecipe:
    """A ROM header with code that only halts; ``private`` and ``header`` override fields."""

    backend: str = "native"
    length: int = 4096
    header: dict[str, int] = field(default_factory=dict)
    private: dict[str, int] = field(default_factory=dict)
    checksum: int = 0

    def build(self) -> bytes:
        header: Any = vmi.ffi.new("struct vmi_rom_header *")
        header.rom_signature = vmi.RomHeader.ROM_SIGNATURE
        header.vrom_signature = vmi.RomHeader.VROM_SIGNATURE
        header.rom_length = self.length // vmi.RomHeader.LENGTH_UNIT
        header.api_version_major, header.api_version_minor = ABI
        header.rom_entry = header.vmi_init = header.get_reloc = b"\xc3"
        header.pci_header_offset, header.license_offset = 0x100, 0x120
        header.jump_slots = 77
        private: Any = vmi.ffi.new("struct vmi_rom_private *")
        private.magic = vmi.Const.PRIVATE_MAGIC
        private.state_gpa, private.state_pages = vmi.Layout.STATE_GPA, vmi.Layout.STATE_PAGES
        private.rom_gpa = vmi.Layout.ROM_GPA
        private.backend = vmi.Backend[self.backend.upper()]
        private.boot_entry, private.pvh_entry = 0x200, 0x220
        private.slots_offset, private.slots_count, private.slot_size = 0x400, 77, vmi.Const.SLOT_SIZE
        for name, value in self.header.items():
            setattr(header, name, value)
        for name, value in self.private.items():
            setattr(private, name, value)
        start, rest = bytes(vmi.ffi.buffer(header)), bytes(vmi.ffi.buffer(private))
        at = vmi.ffi.offsetof("struct vmi_rom_header", "reserved")
        start = start[:at] + rest + start[at + len(rest) :]
        data = bytearray(start + b"\xf4" * (self.length - len(start)))
        pci: Any = vmi.ffi.new("struct vmi_pci_header *")
        pci.signature = vmi.RomHeader.PCI_SIGNATURE
        pci.vendor_id, pci.device_id = vmi.RomHeader.PCI_VENDOR, vmi.RomHeader.PCI_DEVICE
        data[0x100 : 0x100 + vmi.ffi.sizeof(pci[0])] = bytes(vmi.ffi.buffer(pci))
        data[0x120:0x127] = b"GPL v2\0"
        data[-1] = 0
        data[-1] = (self.checksum - sum(data)) & 0xFF
        return bytes(data)
