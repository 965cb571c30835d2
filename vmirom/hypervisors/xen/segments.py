"""The domain's GDT and LDT: the hypercalls that set them, and what the processor finds behind selectors.

The processor reads both through a window in the hypervisor's hole that is read-only to the guest, so a first
load of a segment faults there to have the accessed bit set, and an LDT page faults there until it is checked
and mapped: a page of bad descriptors shows as a #PF at the LDT's own address (xen-host.md section 6).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from vmirom.hypervisors.xen.answers import DomainCrash, GuestFault, Refused
from vmirom.hypervisors.xen.descriptors import (
    FIRST_RESERVED_ENTRY,
    GDT_BYTES,
    GDT_LIMIT,
    GUEST_GDT_PAGES,
    checked,
    decode,
)
from vmirom.hypervisors.xen.layout import (
    ACCESSED,
    DIRTY,
    FRAME_MASK,
    GDT_VA,
    LDT_VA,
    NX,
    PRESENT,
    TSS_VA,
    WINDOW_VA,
)
from vmirom.hypervisors.xen.pages import PageType
from vmirom.machine.addresses import PAGE_SIZE
from vmirom.machine.engine import Segment
from vmirom.overlays.xen import Errno, Gdt

if TYPE_CHECKING:
    from vmirom.hypervisors.xen.domain import Domain

__all__ = ["Segments"]

_LDT_PAGES: Final = 16
_LDT_SELECTOR: Final = 0xE050
_LDT_ATTRIBUTES: Final = 0x8200
_WINDOW_RIGHTS: Final = PRESENT | ACCESSED | DIRTY | NX
_SET_ACCESSED: Final = 1 << 8
_CODE_OR_DATA: Final = 1 << 12
_IN_PLACE: Final = 1 << 15
_FLAT_DATA: Final = (0xFFFF, 0x00CFB300)
"""Of ring 1."""


class Segments:
    """GDT, LDT and the window through which the processor sees them.

    ``window`` is the frame of the window's L1, ``reserved`` of Xen's own GDT page, ``empty`` of a page of
    zeros, ``tss`` of the TSS.
    """

    def __init__(self, domain: Domain, window: int, reserved: int, empty: int, tss: int) -> None:
        self.domain = domain
        self._window = window
        self._empty = empty
        self.gdt_frames: list[int] = []
        self.gdt_entries = 0
        self.ldt_base = 0
        self.ldt_entries = 0
        self._ldt_frames: dict[int, int] = {}
        self.changed = False
        """Whether a hypercall has changed descriptors that CS or SS may have been loaded from."""
        for page in range(GUEST_GDT_PAGES):
            self._map(GDT_VA + page * PAGE_SIZE, empty)
        self._map(GDT_VA + GUEST_GDT_PAGES * PAGE_SIZE, reserved)
        self._map(GDT_VA + (GUEST_GDT_PAGES + 1) * PAGE_SIZE, empty)
        self._map(TSS_VA, tss)

    @property
    def ldt_frames(self) -> list[int]:
        """Frames of the LDT pages that were checked and mapped."""
        return list(self._ldt_frames.values())

    def _map(self, va: int, frame: int | None) -> None:
        at = (self._window << 12) + (va - WINDOW_VA >> 12) * 8
        self.domain.memory.put64(at, 0 if frame is None else frame << 12 | _WINDOW_RIGHTS)

    # Hypercalls

    def set_gdt(self, frames_at: int, entries: int) -> int:
        """set_gdt: use ``entries`` descriptors in the machine frames listed at ``frames_at``."""
        domain = self.domain
        if entries > FIRST_RESERVED_ENTRY:
            raise Refused(Errno.EINVAL, f"{entries} GDT entries are more than {FIRST_RESERVED_ENTRY}")
        count = -(-entries // 512)
        frames = list(struct.unpack(f"<{count}I", domain.space.read(frames_at, count * 4))) if count else []
        taken: list[int] = []
        try:
            for frame in frames:
                domain.tables.take_both(frame, PageType.SEGDESC)
                taken.append(frame)
        except Refused:
            for frame in taken:
                domain.tables.drop_both(frame)
            raise
        old, self.gdt_frames, self.gdt_entries = self.gdt_frames, frames, entries
        for page in range(GUEST_GDT_PAGES):
            self._map(GDT_VA + page * PAGE_SIZE, frames[page] if page < count else self._empty)
        for frame in old:
            domain.tables.drop_both(frame)
        domain.engine.gdtr = (GDT_VA, GDT_LIMIT)
        domain.engine.flush_tlb()
        self.changed = True
        return 0

    def update_descriptor(self, maddr: int, low: int, high: int) -> int:
        """update_descriptor: check and store one descriptor at a machine address."""
        tables = self.domain.tables
        frame = maddr >> 12
        if maddr % 8:
            raise Refused(Errno.EINVAL, f"descriptor address {maddr:#x} is not aligned")
        tables.need_owned(frame)
        fixed = checked(low, high)
        if fixed is None:
            raise Refused(Errno.EINVAL, f"descriptor {high:08x}{low:08x} is not allowed")
        segdesc = tables.types[frame] and tables.kind[frame] == PageType.SEGDESC
        if not segdesc:
            tables.take_type(frame, PageType.WRITABLE)
        self.domain.memory.write(maddr, struct.pack("<II", *fixed))
        self.changed = True
        if not segdesc:
            tables.drop_type(frame)
        return 0

    def set_ldt(self, base: int, entries: int) -> None:
        """MMUEXT_SET_LDT. The contents are looked at when a selector is first loaded. Raises Refused."""
        if entries and (base % PAGE_SIZE or entries > Gdt.LDT_ENTRIES_MAX):
            raise Refused(Errno.EINVAL, f"LDT at {base:#x} with {entries} entries")
        self.forget_ldt()
        self.ldt_base, self.ldt_entries = base, entries
        limit = entries * 8 - 1 if entries else 0
        table = Segment(_LDT_SELECTOR if entries else 0, LDT_VA if entries else 0, limit, _LDT_ATTRIBUTES)
        self.domain.engine.set_local_table(table)
        self.changed = True

    def forget_ldt(self) -> None:
        """Unmap the LDT pages; they are checked again at the next use."""
        for page, frame in self._ldt_frames.items():
            self._map(LDT_VA + page * PAGE_SIZE, None)
            self.domain.tables.drop_both(frame)
        if self._ldt_frames:
            self._ldt_frames.clear()
            self.domain.engine.flush_tlb()

    # Faults of the processor in the window

    def fault(self, address: int, error: int) -> tuple[int, int] | None:
        """Answer a #PF at ``address`` in the window: None when dealt with, else the (address, error) that
        the guest is to see."""
        if LDT_VA <= address < LDT_VA + _LDT_PAGES * PAGE_SIZE:
            page = (address - LDT_VA) // PAGE_SIZE
            if page not in self._ldt_frames:
                return None if self._map_ldt(page) else (self.ldt_base + address - LDT_VA, error)
        elif not GDT_VA <= address < GDT_VA + GDT_BYTES:
            return address, error
        at = self.domain.memory.u64((self._window << 12) + (address - WINDOW_VA >> 12) * 8)
        place = (at & FRAME_MASK) + address % PAGE_SIZE & ~7
        high = self.domain.memory.u32(place + 4)
        if not error & 2 or not high & _IN_PLACE or not high & _CODE_OR_DATA or high & _SET_ACCESSED:
            return address, error
        self.domain.memory.put32(place + 4, high | _SET_ACCESSED)
        return None

    def _map_ldt(self, page: int) -> bool:
        domain = self.domain
        try:
            frame = domain.space.translate(self.ldt_base + page * PAGE_SIZE) >> 12
            domain.tables.take_both(frame, PageType.SEGDESC)
        except (GuestFault, Refused):
            return False
        self._ldt_frames[page] = frame
        self._map(LDT_VA + page * PAGE_SIZE, frame)
        return True

    # Selectors

    def find(self, selector: int) -> Segment | None:
        """The segment that ``selector`` names in GDT or LDT, or None where there is no present code or
        data descriptor."""
        at = GDT_VA + (selector & ~7)
        if selector & 4:
            if selector >> 3 >= self.ldt_entries:
                return None
            page = (selector >> 3) // 512
            if page not in self._ldt_frames and not self._map_ldt(page):
                return None
            at = LDT_VA + (selector & ~7)
        elif not selector >> 3:
            return None
        place = self._place(at)
        both = self.domain.memory.u64(place)
        low, high = both & 0xFFFFFFFF, both >> 32
        if not high & _IN_PLACE or not high & _CODE_OR_DATA:
            return None
        if not high & _SET_ACCESSED:
            high |= _SET_ACCESSED
            self.domain.memory.put32(place + 4, high)
        return decode(selector, low, high)

    def _place(self, at: int) -> int:
        """Machine address of what the window shows at ``at``."""
        entry = self.domain.memory.u64((self._window << 12) + (at - WINDOW_VA >> 12) * 8)
        return (entry & FRAME_MASK) + at % PAGE_SIZE

    def raw(self, selector: int) -> tuple[int, int] | None:
        """The two words of a descriptor of the guest's own tables, of any kind, or None."""
        index = selector >> 3
        if selector & 4:
            page = index // 512
            if index >= self.ldt_entries or (page not in self._ldt_frames and not self._map_ldt(page)):
                return None
            place = self._place(LDT_VA + (selector & ~7))
        elif 0 < index < FIRST_RESERVED_ENTRY:
            place = self._place(GDT_VA + (selector & ~7))
        else:
            return None
        return self.domain.memory.u32(place), self.domain.memory.u32(place + 4)

    def code(self, selector: int) -> Segment | None:
        """A code segment that can be entered at the selector's RPL, or None."""
        segment = self.find(selector)
        if segment is None or not segment.attributes & 0x800:
            return None
        dpl = segment.attributes >> 13 & 3
        conforming = segment.attributes & 0x400
        rpl = selector & 3
        return segment if (dpl <= rpl if conforming else dpl == rpl) and rpl else None

    def stack(self, selector: int, ring: int) -> Segment | None:
        """A writable data segment that can be SS in ``ring``, or None."""
        segment = self.find(selector)
        if segment is None or segment.attributes & 0x800 or not segment.attributes & 0x200:
            return None
        return segment if selector & 3 == ring and segment.attributes >> 13 & 3 == ring else None

    def need_stack(self, selector: int, ring: int) -> Segment:
        """Like :meth:`stack`, and a null selector is flat, as in long mode. Raises DomainCrash where there is
        none."""
        if not selector & ~3:
            return decode(selector, *_FLAT_DATA)
        segment = self.stack(selector, ring)
        if segment is None:
            raise DomainCrash(f"stack selector {selector:#x} can't be used in ring {ring}")
        return segment
