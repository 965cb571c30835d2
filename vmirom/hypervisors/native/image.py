"""An ELF32 image as a boot loader sees it: program headers and the entry, read strictly.

Everything that is refused is one LoadError that names the field and the rule.
"""

from __future__ import annotations

import itertools
import struct
from dataclasses import dataclass
from typing import Final

from vmirom.hypervisors.hypervisor import LoadError

__all__ = ["Image", "Segment", "read_image"]

_EHDR: Final = struct.Struct("<16sHHIIIIIHHHHHH")
_PHDR: Final = struct.Struct("<8I")
_IDENT: Final = b"\x7fELF\x01\x01\x01"
_EXEC: Final = 2
_I386: Final = 3
_LOAD: Final = 1
_EXECUTE: Final = 1
_MOST: Final = 64


@dataclass(frozen=True, slots=True)
class Segment:
    """A PT_LOAD: ``data`` at ``paddr``, then zeros up to ``memsz`` bytes."""

    paddr: int
    vaddr: int
    memsz: int
    data: bytes
    executable: bool

    @property
    def end(self) -> int:
        """First physical address behind it."""
        return self.paddr + self.memsz


@dataclass(frozen=True, slots=True)
class Image:
    """What is to be loaded, in the file's order, and the physical address to enter at."""

    segments: tuple[Segment, ...]
    entry: int


def _refuse(field: str, rule: str) -> LoadError:
    return LoadError(f"{field}: {rule}")


def read_image(data: bytes) -> Image:
    """Read an executable for i386. Raises LoadError."""
    if len(data) < _EHDR.size:
        raise _refuse("ELF header", f"the file has {len(data)} bytes, fewer than {_EHDR.size}")
    ident, kind, machine, version, entry, phoff, _, _, _, phentsize, phnum, *_ = _EHDR.unpack_from(data)
    if ident[: len(_IDENT)] != _IDENT:
        raise _refuse("e_ident", "not a 32-bit little-endian ELF file")
    if (kind, machine, version) != (_EXEC, _I386, 1):
        raise _refuse(
            "e_type, e_machine, e_version", f"({kind}, {machine}, {version}), not an i386 executable"
        )
    if phentsize != _PHDR.size or not 0 < phnum <= _MOST:
        raise _refuse("e_phentsize, e_phnum", f"({phentsize}, {phnum}), not {_PHDR.size} and 1 to {_MOST}")
    if phoff + phnum * _PHDR.size > len(data):
        raise _refuse("e_phoff", "the program headers lie outside the file")
    segments = tuple(
        segment for i in range(phnum) if (segment := _segment(data, phoff + i * _PHDR.size, i)) is not None
    )
    if not segments:
        raise _refuse("PT_LOAD", "there is nothing to load")
    _check_overlap(segments)
    return Image(segments, _physical(segments, entry))


def _segment(data: bytes, at: int, number: int) -> Segment | None:
    kind, offset, vaddr, paddr, filesz, memsz, flags, _ = _PHDR.unpack_from(data, at)
    if kind != _LOAD or memsz == 0:
        return None
    name = f"program header {number}"
    if filesz > memsz:
        raise _refuse(name, f"p_filesz {filesz:#x} is more than p_memsz {memsz:#x}")
    if offset + filesz > len(data):
        raise _refuse(name, "its contents lie outside the file")
    if paddr + memsz > 1 << 32:
        raise _refuse(name, f"p_paddr {paddr:#x} and p_memsz {memsz:#x} pass 4 GiB")
    return Segment(paddr, vaddr, memsz, data[offset : offset + filesz], bool(flags & _EXECUTE))


def _check_overlap(segments: tuple[Segment, ...]) -> None:
    ordered = sorted(segments, key=lambda s: s.paddr)
    for below, above in itertools.pairwise(ordered):
        if below.end > above.paddr:
            raise _refuse("PT_LOAD", f"segments at {below.paddr:#x} and {above.paddr:#x} overlap")


def _physical(segments: tuple[Segment, ...], entry: int) -> int:
    """The entry is a physical address, or a virtual one of a segment, which is how linkers write it."""
    if any(s.paddr <= entry < s.end for s in segments):
        return entry
    for s in segments:
        if s.vaddr <= entry < s.vaddr + s.memsz:
            return entry - s.vaddr + s.paddr
    raise _refuse("e_entry", f"{entry:#x} lies in no segment")
