"""Page walks of an i386 processor: no paging, two levels with 4 MiB pages, PAE with NX.

What the processor would do with a linear address, as a function of memory and control registers; Intel
SDM volume 3, chapter 4. Tables outside memory read as zero, so that a wild CR3 gives a page fault as on
an open bus. A leaf may point outside memory: the answer is its address, and whoever uses it meets
BadAddress. PDPT entries are read at each walk, as the emulated processor does.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

from vmirom.machine.addresses import PAGE_MASK, PAGE_SIZE, Gpa
from vmirom.machine.memory import Memory

__all__ = [
    "Access",
    "Mode",
    "PageFault",
    "Translation",
    "mark",
    "pieces",
    "read_virtual",
    "translate",
    "walk",
    "write_virtual",
]

_P: Final = 1
_RW: Final = 2
_US: Final = 4
_A: Final = 0x20
_D: Final = 0x40
_PS: Final = 0x80
_NX: Final = 1 << 63
_ADDRESS: Final = 0x000FFFFFFFFFF000
_PHYSICAL_BITS: Final = 40
_RESERVED: Final = ((1 << 63) - 1) & ~((1 << _PHYSICAL_BITS) - 1)
_PDPTE_RESERVED: Final = _RESERVED | _NX


class Access(enum.IntEnum):
    """What is being done at the address."""

    READ = 0
    WRITE = 1
    EXECUTE = 2


class _Error(enum.IntFlag):
    PRESENT = 1
    WRITE = 2
    USER = 4
    RESERVED = 8
    FETCH = 16


@dataclass(frozen=True, slots=True)
class Mode:
    """The control bits that a walk depends on."""

    paging: bool
    write_protect: bool = True
    page_size: bool = True
    pae: bool = False
    nx: bool = False
    smep: bool = False

    @classmethod
    def of(cls, cr0: int, cr4: int, efer: int) -> Mode:
        """From CR0 (PG, WP), CR4 (PSE, PAE, SMEP) and EFER (NXE)."""
        return _mode(cr0 & 0x80010000, cr4 & 0x100030, efer & 0x800)


@cache
def _mode(cr0: int, cr4: int, efer: int) -> Mode:
    """Of the bits that count alone: there are few."""
    return Mode(
        paging=bool(cr0 >> 31),
        write_protect=bool(cr0 & 0x10000),
        page_size=bool(cr4 & 0x10),
        pae=bool(cr4 & 0x20),
        nx=bool(cr4 & 0x20 and efer),
        smep=bool(cr4 & 0x100000),
    )


@dataclass(frozen=True, slots=True)
class PageFault:
    """What the processor would raise: the linear address (CR2) and the error code."""

    gva: int
    error: int


class Translation(NamedTuple):
    """A successful walk. ``entries`` are the gpas of the entries used, the leaf last; ``leaf`` its value;
    ``length`` the bytes from ``gpa`` to the end of the page."""

    gpa: Gpa
    length: int
    leaf: int
    entries: tuple[int, ...]
    writable: bool
    user: bool


def _u32(memory: Memory, gpa: int) -> int:
    return memory.u32(gpa) if gpa + 4 <= memory.size else 0


def _u64(memory: Memory, gpa: int) -> int:
    return memory.u64(gpa) if gpa + 8 <= memory.size else 0


class _Refused(Exception):
    """A walk ended early; the argument is PRESENT and RESERVED as they go into the error code."""

    def __init__(self, bits: int) -> None:
        self.bits = bits


class _Leaf(NamedTuple):
    page: int
    size: int
    entry: int
    entries: tuple[int, ...]
    rights: int  # RW and US common to all levels, NX if any level has it


def _two_level(memory: Memory, cr3: int, mode: Mode, gva: int) -> _Leaf:
    pde_at = (cr3 & PAGE_MASK) + (gva >> 22) * 4
    pde = _u32(memory, pde_at)
    if not pde & _P:
        raise _Refused(0)
    if pde & _PS and mode.page_size:
        if pde & 0x200000:
            raise _Refused(_Error.PRESENT | _Error.RESERVED)
        page = pde & 0xFFC00000 | (pde & 0x1FE000) << 19
        return _Leaf(page, 0x400000, pde, (pde_at,), pde & (_RW | _US))
    pte_at = (pde & PAGE_MASK) + (gva >> 12 & 0x3FF) * 4
    pte = _u32(memory, pte_at)
    if not pte & _P:
        raise _Refused(0)
    return _Leaf(pte & PAGE_MASK, PAGE_SIZE, pte, (pde_at, pte_at), pde & pte & (_RW | _US))


def _pae(memory: Memory, cr3: int, mode: Mode, gva: int) -> _Leaf:
    reserved = _RESERVED if mode.nx else _RESERVED | _NX
    pdpte = _u64(memory, (cr3 & 0xFFFFFFE0) + (gva >> 30) * 8)
    if not pdpte & _P:
        raise _Refused(0)
    if pdpte & _PDPTE_RESERVED:
        raise _Refused(_Error.PRESENT | _Error.RESERVED)
    pde_at = (pdpte & _ADDRESS) + (gva >> 21 & 0x1FF) * 8
    pde = _u64(memory, pde_at)
    if not pde & _P:
        raise _Refused(0)
    if pde & reserved:
        raise _Refused(_Error.PRESENT | _Error.RESERVED)
    if pde & _PS:
        if pde & 0x1FE000:
            raise _Refused(_Error.PRESENT | _Error.RESERVED)
        return _Leaf(pde & _ADDRESS & ~0x1FFFFF, 0x200000, pde, (pde_at,), pde & (_RW | _US | _NX))
    pte_at = (pde & _ADDRESS) + (gva >> 12 & 0x1FF) * 8
    pte = _u64(memory, pte_at)
    if not pte & _P:
        raise _Refused(0)
    if pte & reserved:
        raise _Refused(_Error.PRESENT | _Error.RESERVED)
    rights = pde & pte & (_RW | _US) | (pde | pte) & _NX
    return _Leaf(pte & _ADDRESS, PAGE_SIZE, pte, (pde_at, pte_at), rights)


def _error(mode: Mode, access: Access, user: bool, bits: int) -> int:
    error = bits
    if access == Access.WRITE:
        error |= _Error.WRITE
    elif access == Access.EXECUTE and (mode.nx or mode.smep):
        error |= _Error.FETCH
    return int(error | (_Error.USER if user else 0))


def _forbidden(mode: Mode, access: Access, user: bool, rights: int) -> bool:
    if user and not rights & _US:
        return True
    if access == Access.WRITE:
        return not rights & _RW and (user or mode.write_protect)
    if access == Access.EXECUTE:
        return bool(rights & _NX) or (mode.smep and not user and bool(rights & _US))
    return False


def walk(
    memory: Memory, cr3: int, mode: Mode, gva: int, access: Access, user: bool
) -> Translation | PageFault:
    """Look ``gva`` up. ``user`` is CPL 3; rings 0 to 2 are all supervisor. Memory is only read."""
    gva &= 0xFFFFFFFF
    if not mode.paging:
        return Translation(Gpa(gva), PAGE_SIZE - (gva & 0xFFF), 0, (), True, True)
    try:
        leaf = (_pae if mode.pae else _two_level)(memory, cr3, mode, gva)
    except _Refused as refused:
        return PageFault(gva, _error(mode, access, user, refused.bits))
    if _forbidden(mode, access, user, leaf.rights):
        return PageFault(gva, _error(mode, access, user, _Error.PRESENT))
    offset = gva & leaf.size - 1
    return Translation(
        Gpa(leaf.page + offset),
        leaf.size - offset,
        leaf.entry,
        leaf.entries,
        bool(leaf.rights & _RW),
        bool(leaf.rights & _US),
    )


def translate(memory: Memory, cr3: int, mode: Mode, gva: int, access: Access, user: bool) -> Gpa | PageFault:
    """The guest-physical address behind ``gva``, or the fault. Memory is only read."""
    found = walk(memory, cr3, mode, gva, access, user)
    return found if isinstance(found, PageFault) else found.gpa


def mark(memory: Memory, found: Translation, write: bool) -> None:
    """Set accessed in the entries used, and dirty in the leaf of a write, as the processor does."""
    for entry in found.entries:
        bits = _A | (_D if write and entry == found.entries[-1] else 0)
        old = memory.u32(entry)
        if old & bits != bits:
            memory.put32(entry, old | bits)


def pieces(
    memory: Memory, cr3: int, mode: Mode, gva: int, length: int, access: Access, user: bool
) -> list[tuple[Translation, int]] | PageFault:
    """[gva, gva+length) cut at page borders, as (translation, bytes) pairs, or the first fault. Memory is
    only read, and the answers may lie outside it."""
    found_pieces: list[tuple[Translation, int]] = []
    while length > 0:
        found = walk(memory, cr3, mode, gva, access, user)
        if isinstance(found, PageFault):
            return found
        part = min(length, found.length)
        found_pieces.append((found, part))
        gva += part
        length -= part
    return found_pieces


def read_virtual(
    memory: Memory, cr3: int, mode: Mode, gva: int, length: int, user: bool = False
) -> bytes | PageFault:
    """``length`` bytes at ``gva`` as the processor would read them, setting accessed bits.

    Raises BadAddress if a page lies outside memory.
    """
    parts = pieces(memory, cr3, mode, gva, length, Access.READ, user)
    if isinstance(parts, PageFault):
        return parts
    for found, _ in parts:
        mark(memory, found, False)
    return b"".join(memory.read(found.gpa, part) for found, part in parts)


def write_virtual(
    memory: Memory, cr3: int, mode: Mode, gva: int, data: bytes, user: bool = False
) -> PageFault | None:
    """Store ``data`` at ``gva``, setting accessed and dirty bits; all of it, or nothing and the fault.

    Raises BadAddress if a page lies outside memory.
    """
    parts = pieces(memory, cr3, mode, gva, len(data), Access.WRITE, user)
    if isinstance(parts, PageFault):
        return parts
    for found, part in parts:
        memory.check(found.gpa, part)
    at = 0
    for found, part in parts:
        mark(memory, found, True)
        memory.write(found.gpa, data[at : at + part])
        at += part
    return None
