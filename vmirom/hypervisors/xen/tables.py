"""The rules of page-table entries: what Xen accepts at each level, with the error codes it answers.

Facts: xen-host.md section 6, "Page tables". L1 entries may map the domain's own memory (writable only if
the frame is not a table or descriptors) and I/O; L2 and L3 entries must name frames that are, or can become,
tables of the next level. The L2 of slot 3 carries Xen's own entries from the hole on and belongs to one L3.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from vmirom.hypervisors.xen.answers import Refused
from vmirom.hypervisors.xen.descriptors import checked_page
from vmirom.hypervisors.xen.layout import (
    ACCESSED,
    CACHE_BITS,
    ENTRIES,
    FRAME_MASK,
    GLOBAL,
    HIGH_BITS,
    LARGE,
    NX,
    PRESENT,
    USER,
    WRITE,
    Hole,
)
from vmirom.hypervisors.xen.pages import Owner, Pages, PageType
from vmirom.machine.addresses import PAGE_SIZE
from vmirom.machine.memory import Memory
from vmirom.overlays.xen import Errno

__all__ = ["Tables"]

_PAGE: Final = struct.Struct("<512Q")
_WORD: Final = struct.Struct("<Q")
_EMPTY: Final = bytes(PAGE_SIZE)
_L2_FORBIDDEN: Final = LARGE | GLOBAL | CACHE_BITS | HIGH_BITS
_L3_FORBIDDEN: Final = LARGE | GLOBAL | CACHE_BITS | HIGH_BITS | NX
_L3_SLOTS: Final = 4
_MACHINE_WIDTH_FRAMES: Final = 1 << 28  # a 40-bit physical address, as qemu64 has
_INTERRUPT_FRAMES: Final = range(0xFEE00, 0xFEF00)
"""The local APIC and what messages of interrupts are written to."""
_TRANSPORT_FRAMES: Final = range(0xFD00000, 0x10000000)
"""The last 12 GiB of an AMD machine's 40-bit addresses."""
_NO_FRAME: Final = FRAME_MASK >> 12
_READ_ONLY_FRAMES: Final = frozenset({0xFEC00, 0xFED00})
"""The I/O APIC and the HPET."""
_SAME_L1: Final = FRAME_MASK | WRITE | PRESENT | HIGH_BITS
_SAME_L2: Final = FRAME_MASK | PRESENT


class Tables(Pages):
    """Frames whose page tables are checked. ``top_entries`` are Xen's own L2 entries from the hole on."""

    def __init__(self, memory: Memory, count: int, retyped: Callable[[], None], hole: Hole) -> None:
        super().__init__(memory, count, retyped)
        self.hole = hole
        self.linear_to: dict[int, int] = {}
        self.linear_from: dict[int, int] = {}
        self.top_entries = bytes((ENTRIES - hole.first_slot) * 8)

    # L1 entries

    def take_l1(self, entry: int) -> int:
        """Hold what a present L1 entry maps; the entry as it is to be stored. Raises Refused."""
        if entry & HIGH_BITS:
            raise Refused(Errno.EINVAL, f"L1 entry {entry:#x} has reserved bits")
        frame = (entry & FRAME_MASK) >> 12
        if frame >= self.count or self.owner[frame] == Owner.IO:
            return self._take_io(entry, frame)
        if self.owner[frame] != Owner.DOMAIN:
            raise Refused(Errno.EBUSY, f"frame {frame:#x} belongs to another owner")
        if entry & WRITE:
            self.take_type(frame, PageType.WRITABLE, Errno.EBUSY)
        self.refs[frame] += 1
        return entry

    def _take_io(self, entry: int, frame: int) -> int:
        if frame == _NO_FRAME:
            raise Refused(Errno.EINVAL, "the frame number that stands for none")
        if frame >= _MACHINE_WIDTH_FRAMES or frame in _INTERRUPT_FRAMES or frame in _TRANSPORT_FRAMES:
            raise Refused(Errno.EPERM, f"frame {frame:#x} can't be mapped by a guest")
        if frame in _READ_ONLY_FRAMES:
            entry &= ~WRITE
        return entry | CACHE_BITS

    def drop_l1(self, entry: int) -> None:
        """Let go of what a present L1 entry maps."""
        frame = (entry & FRAME_MASK) >> 12
        if frame < self.count and self.owner[frame] == Owner.DOMAIN:
            if entry & WRITE:
                self.drop_type(frame)
            self.drop_ref(frame)

    # L2 entries

    def take_l2(self, entry: int, table: int) -> None:
        """Hold the L1 that a present entry of L2 ``table`` links. Raises Refused."""
        if entry & _L2_FORBIDDEN:
            raise Refused(Errno.EINVAL, f"L2 entry {entry:#x} has forbidden bits")
        frame = (entry & FRAME_MASK) >> 12
        if frame == table:
            if entry & WRITE:
                raise Refused(Errno.EINVAL, f"L2 frame {table:#x} maps itself writable")
            return
        self.need_owned(frame)
        if self.types[frame] and self.kind[frame] in (PageType.L2, PageType.TOP_L2):
            self._take_linear(entry, frame, table)
        else:
            self.take_both(frame, PageType.L1)

    def _take_linear(self, entry: int, frame: int, table: int) -> None:
        """A read-only linear mapping of another L2. Not nested: a table is mapped so or maps so."""
        if entry & WRITE or self.linear_from.get(frame) or self.linear_to.get(table):
            raise Refused(Errno.EINVAL, f"L2 frame {table:#x} can't map L2 frame {frame:#x}")
        self.types[frame] += 1
        self.refs[frame] += 1
        self.linear_from[table] = self.linear_from.get(table, 0) + 1
        self.linear_to[frame] = self.linear_to.get(frame, 0) + 1

    def drop_l2(self, entry: int, table: int) -> None:
        """Let go of what a present entry of L2 ``table`` links."""
        frame = (entry & FRAME_MASK) >> 12
        if frame == table:
            return
        if self.kind[frame] in (PageType.L2, PageType.TOP_L2):
            self.linear_from[table] -= 1
            self.linear_to[frame] -= 1
        self.drop_both(frame)

    # L3 entries

    def take_l3(self, entry: int, slot: int) -> int:
        """Hold the L2 that a present L3 entry links; the entry as it is to be stored. Raises Refused."""
        if entry & _L3_FORBIDDEN:
            raise Refused(Errno.EINVAL, f"L3 entry {entry:#x} has forbidden bits")
        frame = (entry & FRAME_MASK) >> 12
        want = PageType.TOP_L2 if slot == _L3_SLOTS - 1 else PageType.L2
        if want is PageType.TOP_L2 and self.owned(frame) and self.types[frame]:
            raise Refused(Errno.EINVAL, f"L2 frame {frame:#x} of slot 3 is in use already")
        self.take_both(frame, want)
        return entry | PRESENT | WRITE | USER

    # Whole tables

    def entries(self, frame: int) -> tuple[int, ...]:
        """The 512 words of a frame."""
        return _PAGE.unpack_from(self.memory.raw, frame << 12)

    def guest_slots(self, kind: int) -> int:
        """How many entries of a table of this kind are the guest's."""
        if kind == PageType.TOP_L2:
            return self.hole.first_slot
        return _L3_SLOTS if kind == PageType.L3 else ENTRIES

    def validate(self, frame: int, want: PageType) -> None:
        raw = self.memory.raw
        at = frame << 12
        if want is PageType.SEGDESC:
            self._validate_descriptors(at)
            return
        if want is PageType.L1:
            if raw[at : at + PAGE_SIZE] != _EMPTY:
                self._validate_l1(frame)
        elif want is PageType.L3:
            self._validate_l3(frame)
            raw[at + _L3_SLOTS * 8 : at + PAGE_SIZE] = _EMPTY[_L3_SLOTS * 8 :]
        else:
            self._validate_l2(frame, self.guest_slots(want))
            if want is PageType.TOP_L2:
                raw[at + self.hole.first_slot * 8 : at + PAGE_SIZE] = self.top_entries

    def _validate_descriptors(self, at: int) -> None:
        page = checked_page(self.memory.raw[at : at + PAGE_SIZE])
        if page is None:
            raise Refused(Errno.EINVAL, f"frame {at >> 12:#x} holds a descriptor that is not allowed")
        self.memory.raw[at : at + PAGE_SIZE] = page

    def _validate_l1(self, frame: int) -> None:
        """The loop every new table goes through: entries of plain memory in line, the rest by the rule."""
        owner, kind, types, refs, count = self.owner, self.kind, self.types, self.refs, self.count
        entries = self.entries(frame)
        for slot, entry in enumerate(entries):
            if not entry & 1:
                continue
            mapped = (entry & 0x7FFF_FFFF_FFFF_FFFF) >> 12
            if (
                mapped < count
                and owner[mapped] == 1
                and (not entry & 2 or kind[mapped] == 1 or not types[mapped])
            ):
                if entry & 2:
                    kind[mapped] = 1
                    types[mapped] += 1
                refs[mapped] += 1
                continue
            try:
                stored = self.take_l1(entry)
            except Refused as refusal:
                for earlier in entries[:slot]:
                    if earlier & 1:
                        self.drop_l1(earlier)
                refusal.why = f"L1 frame {frame:#x} slot {slot}: {refusal.why}"
                raise
            if stored != entry:
                self.store(frame, slot, stored)

    def _validate_l2(self, frame: int, slots: int) -> None:
        entries = self.entries(frame)[:slots]
        if not any(entries):
            return
        for slot, entry in enumerate(entries):
            if not entry & PRESENT:
                continue
            try:
                self.take_l2(entry, frame)
            except Refused as refusal:
                for earlier in entries[:slot]:
                    if earlier & PRESENT:
                        self.drop_l2(earlier, frame)
                refusal.why = f"L2 frame {frame:#x} slot {slot}: {refusal.why}"
                raise

    def _validate_l3(self, frame: int) -> None:
        entries = self.entries(frame)[:_L3_SLOTS]
        if not entries[-1] & PRESENT:
            raise Refused(Errno.EINVAL, f"L3 frame {frame:#x} has no slot 3")
        for slot, entry in enumerate(entries):
            if not entry & PRESENT:
                continue
            try:
                self.store(frame, slot, self.take_l3(entry, slot))
            except Refused as refusal:
                for earlier in entries[:slot]:
                    if earlier & PRESENT:
                        self.drop_both((earlier & FRAME_MASK) >> 12)
                refusal.why = f"L3 frame {frame:#x} slot {slot}: {refusal.why}"
                raise

    def release(self, frame: int, kind: PageType) -> None:
        for slot, entry in enumerate(self.entries(frame)[: self.guest_slots(kind)]):
            if not entry & PRESENT:
                continue
            if kind is PageType.L1:
                self.drop_l1(entry)
            elif kind is PageType.L3:
                # The bits that were added when the entry was taken go again.
                self.store(frame, slot, entry & ~(WRITE | USER | ACCESSED))
                self.drop_both((entry & FRAME_MASK) >> 12)
            else:
                self.drop_l2(entry, frame)

    # Single entries

    def store(self, frame: int, slot: int, entry: int) -> None:
        """Write an entry that is known to be right."""
        _WORD.pack_into(self.memory.raw, (frame << 12) + slot * 8, entry)

    def change_l1(self, table: int, slot: int, entry: int, keep: int = 0) -> None:
        """Replace an L1 entry, keeping the bits ``keep`` of the old one. Raises Refused."""
        at = (table << 12) + slot * 8
        (old,) = _WORD.unpack_from(self.memory.raw, at)
        if entry & PRESENT:
            entry |= old & keep if old & PRESENT else 0
            if not (entry ^ old) & _SAME_L1 and self.owned((entry & FRAME_MASK) >> 12):
                _WORD.pack_into(self.memory.raw, at, entry)
                return
            entry = self.take_l1(entry)
        _WORD.pack_into(self.memory.raw, at, entry)
        if old & PRESENT:
            self.drop_l1(old)

    def change_l2(self, table: int, slot: int, entry: int, keep: int = 0) -> None:
        """Replace an L2 entry. Raises Refused."""
        if slot >= self.guest_slots(self.kind[table]):
            raise Refused(Errno.EPERM, f"L2 slot {slot} is the hypervisor's")
        at = (table << 12) + slot * 8
        (old,) = _WORD.unpack_from(self.memory.raw, at)
        if entry & PRESENT:
            entry |= old & keep if old & PRESENT else 0
            self.take_l2(entry, table)
        _WORD.pack_into(self.memory.raw, at, entry)
        if old & PRESENT:
            self.drop_l2(old, table)

    def change_l3(self, table: int, slot: int, entry: int, keep: int = 0) -> None:
        """Replace an L3 entry of slots 0 to 2. Raises Refused."""
        if slot >= _L3_SLOTS - 1:
            raise Refused(Errno.EINVAL, f"L3 slot {slot} can't be changed in a live table")
        at = (table << 12) + slot * 8
        (old,) = _WORD.unpack_from(self.memory.raw, at)
        if entry & PRESENT:
            entry |= old & keep if old & PRESENT else 0
            entry = self.take_l3(entry, slot)
        _WORD.pack_into(self.memory.raw, at, entry)
        if old & PRESENT:
            self.drop_both((old & FRAME_MASK) >> 12)
