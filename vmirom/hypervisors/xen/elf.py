"""The parts of a 32-bit ELF file that a domain builder reads: load segments, notes, named sections."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from vmirom.hypervisors.hypervisor import LoadError

__all__ = ["Kernel", "Load", "read_kernel"]

_HEADER: Final = struct.Struct("<16sHHIIIIIHHHHHH")
_PROGRAM: Final = struct.Struct("<8I")
_SECTION: Final = struct.Struct("<10I")
_NOTE: Final = struct.Struct("<3I")
_CLASS32_LITTLE: Final = b"\x7fELF\x01\x01\x01"
_EM_386: Final = 3
_PT_LOAD: Final = 1
_PT_NOTE: Final = 4
_SHT_NOTE: Final = 7
_OWNER: Final = b"Xen\0"
_GUEST_SECTION: Final = b"__xen_guest"


@dataclass(frozen=True, slots=True)
class Load:
    """One load segment: where in physical terms, what, and how long with its zeros."""

    paddr: int
    data: bytes
    memory_size: int


@dataclass(frozen=True, slots=True)
class Kernel:
    """An ELF kernel. ``notes`` are Xen's by type; ``guest_section`` the text of ``__xen_guest`` or None."""

    entry: int
    loads: tuple[Load, ...]
    notes: dict[int, bytes]
    guest_section: str | None

    @property
    def start(self) -> int:
        """First physical address."""
        return min(load.paddr for load in self.loads)

    @property
    def end(self) -> int:
        """First physical address behind the image."""
        return max(load.paddr + load.memory_size for load in self.loads)


def _cut(data: bytes, offset: int, length: int, what: str) -> bytes:
    if offset + length > len(data):
        raise LoadError(f"kernel: {what} reaches past the end of the file")
    return data[offset : offset + length]


def read_kernel(data: bytes) -> Kernel:
    """Parse a kernel. Raises LoadError with the field that is wrong."""
    if len(data) < _HEADER.size or not data.startswith(_CLASS32_LITTLE):
        raise LoadError("kernel: not a 32-bit little-endian ELF file")
    _, _, machine, _, entry, phoff, shoff, _, _, phentsize, phnum, shentsize, shnum, shstrndx = (
        _HEADER.unpack_from(data)
    )
    if machine != _EM_386:
        raise LoadError(f"kernel: e_machine is {machine}, not i386")
    if phnum and phentsize != _PROGRAM.size:
        raise LoadError(f"kernel: e_phentsize is {phentsize}, not {_PROGRAM.size}")
    programs = list(_PROGRAM.iter_unpack(_cut(data, phoff, phnum * _PROGRAM.size, "program header table")))
    sections: list[tuple[int, ...]] = []
    if shnum and shentsize == _SECTION.size and shoff + shnum * _SECTION.size <= len(data):
        sections = list(_SECTION.iter_unpack(data[shoff : shoff + shnum * _SECTION.size]))
    loads = []
    for kind, offset, _, paddr, filesz, memsz, _, _ in programs:
        if kind != _PT_LOAD or not memsz:
            continue
        if filesz > memsz:
            raise LoadError("kernel: a load segment's p_filesz is larger than its p_memsz")
        if paddr + memsz > 1 << 32:
            raise LoadError("kernel: a load segment wraps around the address space")
        loads.append(Load(paddr, _cut(data, offset, filesz, "load segment"), memsz))
    if not loads:
        raise LoadError("kernel: no load segment")
    notes: dict[int, bytes] = {}
    for kind, offset, _, _, filesz, *_ in programs:
        if kind == _PT_NOTE:
            notes |= _notes(_cut(data, offset, filesz, "note segment"))
    if not notes:
        for section in sections:
            if section[1] == _SHT_NOTE:
                notes |= _notes(_cut(data, section[4], section[5], "note section"))
    return Kernel(entry, tuple(loads), notes, _guest_section(data, sections, shstrndx))


def _notes(data: bytes) -> dict[int, bytes]:
    """Xen's notes by type; a later one wins. A note cut short ends the list."""
    found: dict[int, bytes] = {}
    at = 0
    while at + _NOTE.size <= len(data):
        name_size, size, kind = _NOTE.unpack_from(data, at)
        at += _NOTE.size
        name = data[at : at + name_size]
        at += name_size + -name_size % 4
        if at + size > len(data):
            break
        if name == _OWNER:
            found[kind] = data[at : at + size]
        at += size + -size % 4
    return found


def _guest_section(data: bytes, sections: list[tuple[int, ...]], names: int) -> str | None:
    if names >= len(sections):
        return None
    table = data[sections[names][4] : sections[names][4] + sections[names][5]]
    for section in sections:
        if table[section[0] :].split(b"\0", 1)[0] == _GUEST_SECTION:
            text = _cut(data, section[4], section[5], "section __xen_guest")
            return text.split(b"\0", 1)[0].decode("ascii", "replace")
    return None
