"""ELF32 for i386: headers as frozen records, read strictly, written in one fixed layout.

Only what a boot loader looks at: the ELF header and the program headers. Sections, symbols and
dynamic linking are none of a loader's business and are never read; a section is written where an old loader
wants its words in one. Layouts are those of the System
V ABI, chapter 4 and 5, and its i386 supplement.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from vmirom.bundle.refused import Refused

__all__ = [
    "EHDR_SIZE",
    "ET_EXEC",
    "PF_R",
    "PF_W",
    "PF_X",
    "PHDR_SIZE",
    "PT_LOAD",
    "PT_NOTE",
    "ElfError",
    "ElfImage",
    "ProgramHeader",
    "pack_header",
    "pack_sections",
    "read_elf",
]

ET_EXEC: Final = 2
EM_386: Final = 3
PT_LOAD: Final = 1
PT_DYNAMIC: Final = 2
PT_INTERP: Final = 3
PT_NOTE: Final = 4
PF_X: Final = 1
PF_W: Final = 2
PF_R: Final = 4

_IDENT: Final = b"\x7fELF\x01\x01\x01"  # class 32, little-endian, version 1
_EHDR: Final = struct.Struct("<16sHHIIIIIHHHHHH")
_PHDR: Final = struct.Struct("<8I")
_SHDR: Final = struct.Struct("<10I")
_SHT_PROGBITS: Final = 1
_SHT_STRTAB: Final = 3
_NAMES: Final = ".shstrtab"
EHDR_SIZE: Final = _EHDR.size
PHDR_SIZE: Final = _PHDR.size
_MAX_HEADERS: Final = 64


class ElfError(Refused):
    """A file that is not what it should be."""


@dataclass(frozen=True, slots=True)
class ProgramHeader:
    """One program header; addresses and sizes in bytes."""

    type: int
    offset: int
    vaddr: int
    paddr: int
    filesz: int
    memsz: int
    flags: int
    align: int

    def pack(self) -> bytes:
        """The 32 bytes as they stand in a file."""
        return _PHDR.pack(
            self.type,
            self.offset,
            self.vaddr,
            self.paddr,
            self.filesz,
            self.memsz,
            self.flags,
            self.align,
        )

    @property
    def permissions(self) -> str:
        """``r-x`` and the like."""
        return "".join(c if self.flags & bit else "-" for c, bit in (("r", PF_R), ("w", PF_W), ("x", PF_X)))


@dataclass(frozen=True, slots=True)
class ElfImage:
    """An i386 executable: entry as ``e_entry`` says, headers in file order, and the file itself."""

    entry: int
    headers: tuple[ProgramHeader, ...]
    data: bytes

    @property
    def loads(self) -> tuple[ProgramHeader, ...]:
        """The PT_LOAD headers that occupy memory."""
        return tuple(h for h in self.headers if h.type == PT_LOAD and h.memsz)

    def content(self, header: ProgramHeader) -> bytes:
        """What the file holds for ``header``."""
        return self.data[header.offset : header.offset + header.filesz]


def read_elf(data: bytes) -> ElfImage:
    """The headers of a statically linked i386 executable. Raises ElfError for anything else."""
    if data[:4] != _IDENT[:4]:
        raise ElfError("e_ident", "not an ELF file")
    if len(data) < EHDR_SIZE:
        raise ElfError("e_ident", f"file is cut short: {len(data)} bytes, an ELF header has {EHDR_SIZE}")
    ident, kind, machine, version, entry, phoff, _, _, ehsize, phentsize, phnum, *_ = _EHDR.unpack_from(data)
    if ident[4] != _IDENT[4]:
        raise ElfError("e_ident.class", f"{ident[4]} is not 1 (32-bit)")
    if ident[5] != _IDENT[5]:
        raise ElfError("e_ident.data", f"{ident[5]} is not 1 (little-endian)")
    if machine != EM_386:
        raise ElfError("e_machine", f"{machine} is not {EM_386} (i386)")
    if kind != ET_EXEC:
        raise ElfError("e_type", f"{kind} is not {ET_EXEC} (ET_EXEC): link the guest statically, not as PIE")
    if ident[6] != 1 or version != 1:
        raise ElfError("e_version", "is not 1")
    if ehsize < EHDR_SIZE or phentsize != PHDR_SIZE:
        raise ElfError("e_phentsize", f"{phentsize} is not {PHDR_SIZE}")
    if not 0 < phnum <= _MAX_HEADERS:
        raise ElfError("e_phnum", f"{phnum} is not between 1 and {_MAX_HEADERS}")
    if phoff + phnum * PHDR_SIZE > len(data):
        raise ElfError("e_phoff", "program headers reach past the end of the file (cut short?)")
    headers = tuple(ProgramHeader(*_PHDR.unpack_from(data, phoff + n * PHDR_SIZE)) for n in range(phnum))
    for number, header in enumerate(headers):
        _check(number, header, len(data))
    return ElfImage(entry, headers, data)


def _check(number: int, header: ProgramHeader, length: int) -> None:
    if header.type in (PT_DYNAMIC, PT_INTERP):
        raise ElfError(f"program header {number}", "asks for a dynamic linker; a guest is linked statically")
    if header.type not in (PT_LOAD, PT_NOTE):
        return
    if header.offset + header.filesz > length:
        raise ElfError(f"program header {number}", "contents reach past the end of the file (cut short?)")
    if header.type != PT_LOAD:
        return
    if header.filesz > header.memsz:
        raise ElfError(f"program header {number}", "p_filesz is greater than p_memsz")
    if header.paddr + header.memsz > 1 << 32 or header.vaddr + header.memsz > 1 << 32:
        raise ElfError(f"program header {number}", "wraps around the end of the address space")


def pack_header(entry: int, headers: int, sections_at: int = 0, sections: int = 0) -> bytes:
    """An ELF header for ``headers`` program headers that follow it at once. ``sections`` headers of sections
    stand at ``sections_at``, the last of them that of their names; none where that is 0."""
    size, names = (_SHDR.size, sections - 1) if sections else (0, 0)
    return _EHDR.pack(
        _IDENT + bytes(9),
        ET_EXEC,
        EM_386,
        1,
        entry,
        EHDR_SIZE,
        sections_at,
        0,
        EHDR_SIZE,
        PHDR_SIZE,
        headers,
        size,
        sections,
        names,
    )


def pack_sections(sections: Mapping[str, bytes], at: int) -> tuple[bytes, int, int]:
    """Sections that are not loaded, for offset ``at`` of a file: their bytes with the headers behind, the
    headers' offset (4-byte aligned), and how many there are."""
    names, body = b"\0", b""
    rows = [(0,) * 10]
    for name, content in sections.items():
        rows.append((len(names), _SHT_PROGBITS, 0, 0, at + len(body), len(content), 0, 0, 1, 0))
        names += name.encode("ascii") + b"\0"
        body += content
    own, names = len(names), names + _NAMES.encode("ascii") + b"\0"
    rows.append((own, _SHT_STRTAB, 0, 0, at + len(body), len(names), 0, 0, 1, 0))
    body += names
    body += bytes(-(at + len(body)) % 4)
    return body + b"".join(_SHDR.pack(*row) for row in rows), at + len(body), len(rows)
