"""Guest-virtual memory as the hypervisor sees it: a page walk with the guest's permissions.

The processor is given a PDPT of Xen's own whose four entries follow the guest's L3 (on a 64-bit Xen the L3 is
the third of four levels and carries bits that a real PDPT may not have). Accesses set the accessed and dirty
bits in the guest's entries as the processor would. Pointers into the hypervisor's hole are refused.
"""

from __future__ import annotations

from typing import Any, Final

from vmirom.hypervisors.xen.answers import GuestFault
from vmirom.hypervisors.xen.layout import (
    ACCESSED,
    DIRTY,
    FRAME_MASK,
    LARGE,
    LARGE_SIZE,
    NX,
    PRESENT,
    USER,
    WRITE,
    Hole,
)
from vmirom.machine.addresses import PAGE_SIZE
from vmirom.machine.engine import Engine
from vmirom.machine.lookaside import Lookaside
from vmirom.machine.memory import Memory
from vmirom.machine.paging import Mode
from vmirom.overlays.native import PageFault
from vmirom.overlays.xen import ffi

__all__ = ["Space"]

_PAE: Final = Mode(paging=True, pae=True, nx=True)
_ERROR_PRESENT: Final = int(PageFault.PRESENT)
_ERROR_WRITE: Final = int(PageFault.WRITE)
_ERROR_USER: Final = int(PageFault.USER)
_ERROR_FETCH: Final = int(PageFault.FETCH)


class Space:
    """The address space the processor uses now. ``pdpt`` is the machine address of Xen's own PDPT,
    ``limit`` the start of the hole. A single argument may be read from the machine-to-physical table in the
    hole; a list is refused there, and so is every store."""

    def __init__(self, memory: Memory, engine: Engine, pdpt: int, hole: Hole) -> None:
        self.memory = memory
        self.engine = engine
        self.pdpt = pdpt
        self.limit = hole.start
        self._m2p = range(hole.m2p_start, hole.m2p_end)
        self.l3 = 0
        self._pages = Lookaside(memory)

    def load(self, l3: int) -> None:
        """Make L3 frame ``l3`` the current one, forgetting all translations."""
        self.l3 = l3
        self._pages.use(l3, _PAE)
        for slot in range(4):
            entry = self.memory.u64((l3 << 12) + slot * 8)
            self.memory.put64(self.pdpt + slot * 8, entry & (FRAME_MASK | PRESENT) if entry & PRESENT else 0)
        self.engine.cr3 = self.pdpt

    def entry_address(self, gva: int) -> int | None:
        """Machine address of the L1 entry that maps ``gva``, or None where there is no L1."""
        upper = self.memory.u64(self.pdpt + (gva >> 30) * 8)
        if not upper & PRESENT:
            return None
        middle = self.memory.u64((upper & FRAME_MASK) + (gva >> 21 & 511) * 8)
        if not middle & PRESENT or middle & LARGE:
            return None
        return (middle & FRAME_MASK) + (gva >> 12 & 511) * 8

    def translate(self, gva: int, write: bool = False, user: bool = False, fetch: bool = False) -> int:
        """Machine address of ``gva`` for one access. Raises GuestFault."""
        if not fetch and (known := self._pages.find(gva, write, user)) is not None:
            return known
        memory = self.memory
        error = _ERROR_WRITE * write | _ERROR_USER * user | _ERROR_FETCH * fetch
        upper_at = self.pdpt + (gva >> 30) * 8
        upper = memory.u64(upper_at)
        if not upper & PRESENT:
            raise GuestFault(gva, error)
        middle_at = (upper & FRAME_MASK) + (gva >> 21 & 511) * 8
        middle = memory.u64(middle_at) if middle_at < memory.size else 0
        if not middle & PRESENT:
            raise GuestFault(gva, error)
        if middle & LARGE:
            return self._allowed(gva, middle, error, (middle & FRAME_MASK) + gva % LARGE_SIZE)
        leaf_at = (middle & FRAME_MASK) + (gva >> 12 & 511) * 8
        leaf = memory.u64(leaf_at) if leaf_at < memory.size else 0
        if not leaf & PRESENT:
            raise GuestFault(gva, error)
        rights = (leaf & middle & (WRITE | USER)) | PRESENT | ((leaf | middle) & NX)
        gpa = self._allowed(gva, rights, error, (leaf & FRAME_MASK) + gva % PAGE_SIZE)
        if gpa >= memory.size:
            raise GuestFault(gva, error | _ERROR_PRESENT)
        used = leaf | ACCESSED | (DIRTY if write else 0)
        if used != leaf:
            memory.put64(leaf_at, used)
        if not middle & ACCESSED:
            memory.put64(middle_at, middle | ACCESSED)
        if not fetch:
            self._pages.keep(gva, gpa & ~(PAGE_SIZE - 1), (upper_at, middle_at, leaf_at), write, user)
        return gpa

    @staticmethod
    def _allowed(gva: int, rights: int, error: int, gpa: int) -> int:
        if (
            (error & _ERROR_WRITE and not rights & WRITE)
            or (error & _ERROR_USER and not rights & USER)
            or (error & _ERROR_FETCH and rights & NX)
        ):
            raise GuestFault(gva, error | _ERROR_PRESENT)
        return gpa

    def _spans(self, gva: int, length: int) -> list[tuple[int, int]]:
        """(address, length) of the parts of a range within one page each. Raises GuestFault for the hole."""
        if gva + length > self.limit:
            raise GuestFault(max(gva, self.limit) & 0xFFFFFFFF, _ERROR_PRESENT)
        spans = []
        while length:
            part = min(length, PAGE_SIZE - gva % PAGE_SIZE)
            spans.append((gva, part))
            gva += part
            length -= part
        return spans

    def read(self, gva: int, length: int) -> bytes:
        """Bytes of guest-virtual memory as ring 1 may read them. Raises GuestFault."""
        if gva % PAGE_SIZE + length <= PAGE_SIZE and (gva + length <= self.limit or gva in self._m2p):
            return self.memory.read(self.translate(gva), length)
        return self.read_list(gva, length)

    def read_list(self, gva: int, length: int) -> bytes:
        """The same of a list, which has to lie below the hole. Raises GuestFault."""
        return b"".join(self.memory.read(self.translate(at), part) for at, part in self._spans(gva, length))

    def write(self, gva: int, data: bytes) -> None:
        """Store in guest-virtual memory as ring 1 may, up to where it faults. Raises GuestFault."""
        done = 0
        for at, part in self._spans(gva, len(data)):
            self.memory.write(self.translate(at, write=True), data[done : done + part])
            done += part

    def struct(self, at: int, ctype: str) -> Any:
        """A copy of the structure at ``at``. Raises GuestFault."""
        copy = ffi.new(f"{ctype} *")
        ffi.buffer(copy)[:] = self.read(at, ffi.sizeof(ctype))
        return copy

    def put_struct(self, at: int, value: Any) -> None:
        """Store a structure got from :meth:`struct`. Raises GuestFault."""
        self.write(at, bytes(ffi.buffer(value)))

    def u32(self, gva: int) -> int:
        """A word of guest-virtual memory. Raises GuestFault."""
        return int.from_bytes(self.read(gva, 4), "little")

    def put32(self, gva: int, value: int) -> None:
        """Store a word in guest-virtual memory. Raises GuestFault."""
        self.write(gva, (value & 0xFFFFFFFF).to_bytes(4, "little"))

    def code(self, gva: int, length: int, user: bool) -> bytes:
        """Up to ``length`` bytes of code at ``gva``: fewer where a page that can't be fetched begins."""
        found = bytearray()
        while length:
            part = min(length, PAGE_SIZE - gva % PAGE_SIZE)
            try:
                gpa = self.translate(gva & 0xFFFFFFFF, user=user, fetch=True)
            except GuestFault:
                break
            found += self.memory.read(gpa, part)
            gva += part
            length -= part
        return bytes(found)
