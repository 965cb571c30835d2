"""The hypercalls that change page tables: mmu_update, update_va_mapping and mmuext_op.

A batch stops at its first error, answers that, and says in ``done`` how many requests were carried out. No
translation is forgotten unless the guest asks, except where a frame changes its type: a guest that does not
flush sees old translations, as it may on a real machine.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from vmirom.hypervisors.xen.answers import GuestFault, Refused
from vmirom.hypervisors.xen.layout import ACCESSED, DIRTY
from vmirom.hypervisors.xen.pages import Owner, PageType
from vmirom.machine.addresses import PAGE_SIZE
from vmirom.overlays.xen import Domid, Errno, MmuCommand, Mmuext, Uvmf, ffi

if TYPE_CHECKING:
    from vmirom.hypervisors.xen.domain import Domain

__all__ = ["Mmu"]

_REQUEST: Final = struct.Struct("<QQ")
_OPERATION: Final = struct.Struct("<3I")
_BATCH_BYTES: Final = 64 * 1024
_LOOK_AT_TIME: Final = 256
_PREEMPTED: Final = 1 << 31
_FLUSH_TYPE: Final = 3
_SUPER: Final = (Mmuext.MARK_SUPER, Mmuext.UNMARK_SUPER)
_PINS: Final = {
    Mmuext.PIN_L1_TABLE: PageType.L1,
    Mmuext.PIN_L2_TABLE: PageType.L2,
    Mmuext.PIN_L3_TABLE: PageType.L3,
}


class Mmu:
    """Page-table hypercalls of one domain. ``base`` is the frame of the current L3."""

    def __init__(self, domain: Domain) -> None:
        assert _OPERATION.size == ffi.sizeof("struct xen_mmuext_op")
        assert _REQUEST.size == ffi.sizeof("struct xen_mmu_update")
        self.domain = domain
        self.base = 0
        self._extended: dict[int, Callable[[int, int], None]] = {
            Mmuext.UNPIN_TABLE: self._unpin,
            Mmuext.NEW_BASEPTR: self._new_base,
            Mmuext.TLB_FLUSH_LOCAL: self._flush,
            Mmuext.INVLPG_LOCAL: self._flush,
            Mmuext.TLB_FLUSH_MULTI: self._flush_mask,
            Mmuext.INVLPG_MULTI: self._flush_mask,
            Mmuext.TLB_FLUSH_ALL: self._flush,
            Mmuext.INVLPG_ALL: self._flush,
            Mmuext.FLUSH_CACHE: self._nothing,
            Mmuext.FLUSH_CACHE_GLOBAL: self._nothing,
            Mmuext.SET_LDT: domain.segments.set_ldt,
            Mmuext.CLEAR_PAGE: self._clear_page,
            Mmuext.COPY_PAGE: self._copy_page,
        }

    # mmu_update

    def update(self, at: int, count: int, done_at: int, domid: int) -> int:
        """mmu_update: a list of (address | command, value)."""
        domain = self.domain
        self._need_tables_of(domid >> 16)
        done = 0
        if count & _PREEMPTED:
            count &= ~_PREEMPTED
            done = domain.space.u32(done_at) if done_at else 0
        completed = 0
        refusal: Refused | None = None
        try:
            self._need_known(domid & 0xFFFF)
            while completed < count:
                domain.check_time()
                part = min(count - completed, _BATCH_BYTES // _REQUEST.size)
                for pointer, value in self._requests(at + completed * _REQUEST.size, part):
                    self._update_one(pointer, value, domid & 0xFFFF)
                    completed += 1
        except Refused as refused:
            refused.why = f"request {completed}: {refused.why}"
            refusal = refused
        except GuestFault as fault:
            refusal = Refused(Errno.EFAULT, f"request {completed}: {fault}")
        if done_at:
            domain.write_quietly(done_at, (done + completed).to_bytes(4, "little"))
        if refusal is not None:
            raise refusal
        return 0

    def _requests(self, at: int, count: int) -> Iterable[tuple[int, int]]:
        """Requests of a list, which may lie in the machine-to-physical table; one that can't be read counts
        when its turn comes. Raises GuestFault."""
        space = self.domain.space
        try:
            return _REQUEST.iter_unpack(space.read_list(at, count * _REQUEST.size))
        except GuestFault:
            places = range(at, at + count * _REQUEST.size, _REQUEST.size)
            return (_REQUEST.unpack(space.read(place, _REQUEST.size)) for place in places)

    @staticmethod
    def _need_tables_of(owner: int) -> None:
        """The upper half of the domain's number: whose tables, plus one; none for the caller's."""
        if owner > 1:
            raise Refused(Errno.ESRCH, f"no domain {owner - 1}")

    @staticmethod
    def _need_known(domid: int) -> None:
        if domid not in (Domid.SELF, Domid.IO, Domid.XEN):
            raise Refused(Errno.ESRCH, f"no other domain {domid}")

    def _update_one(self, pointer: int, value: int, domid: int) -> None:
        command = pointer & 7
        frame = pointer >> 12
        tables = self.domain.tables
        release = self.domain.release
        release.need("mmu_update command", command, release.mmu_commands)
        if command == MmuCommand.MACHPHYS:
            tables.need_owned(frame)
            self.domain.set_m2p(frame, value & 0xFFFFFFFF)
            return
        if command > MmuCommand.NO_TRANSLATE:
            raise Refused(Errno.ENOSYS, f"mmu_update command {command}")
        tables.need_owned(frame)
        keep = ACCESSED | DIRTY if command == MmuCommand.PRESERVE_AD else 0
        slot = pointer >> 3 & 511
        kind = tables.kind[frame] if tables.types[frame] else PageType.NONE
        if kind == PageType.L1:
            if domid == Domid.SELF:
                tables.change_l1(frame, slot, value, keep)
            else:
                self._map_foreign(frame, slot, value, domid)
        elif kind in (PageType.L2, PageType.TOP_L2):
            tables.change_l2(frame, slot, value, keep)
        elif kind == PageType.L3:
            tables.change_l3(frame, slot, value, keep)
            if frame == self.base:
                self.domain.space.load(frame)
        else:
            tables.take_type(frame, PageType.WRITABLE)
            self.domain.memory.write(pointer & ~7, value.to_bytes(8, "little"))
            tables.drop_type(frame)

    def _map_foreign(self, table: int, slot: int, entry: int, domid: int) -> None:
        """DOMID_IO maps I/O frames as anyone may; nothing of Xen's can be mapped by its domain id. A frame of
        the domain's own can be named by either."""
        tables = self.domain.tables
        frame = entry >> 12 & (1 << 40) - 1
        owner = tables.owner[frame] if frame < tables.count else Owner.IO
        if entry & 1 and owner != Owner.DOMAIN and (domid == Domid.XEN or owner != Owner.IO):
            raise Refused(Errno.EBUSY, f"frame {frame:#x} can't be mapped as domain {domid:#x}'s")
        tables.change_l1(table, slot, entry)

    # update_va_mapping

    def update_va(self, gva: int, entry: int, flags: int) -> int:
        """update_va_mapping: replace the L1 entry of an address in the current tables."""
        domain = self.domain
        at = domain.space.entry_address(gva) if gva < domain.hole.start else None
        if at is None:
            raise Refused(Errno.EINVAL, f"{gva:#x} has no L1 of the guest")
        frame = at >> 12
        if not domain.tables.types[frame] or domain.tables.kind[frame] != PageType.L1:
            raise Refused(Errno.EINVAL, f"{gva:#x} is mapped by frame {frame:#x}, which is no L1")
        domain.tables.change_l1(frame, at >> 3 & 511, entry)
        if flags & _FLUSH_TYPE in (Uvmf.TLB_FLUSH, Uvmf.INVLPG):
            mask_at = flags & ~_FLUSH_TYPE
            mask = 1
            if mask_at not in (0, Uvmf.ALL):
                mask = domain.space.u32(mask_at)
            if mask & 1:
                domain.engine.flush_tlb()
        return 0

    # mmuext_op

    def extended(self, at: int, count: int, done_at: int, domid: int) -> int:
        """mmuext_op: a list of operations."""
        space = self.domain.space
        self._need_known(domid)
        if domid != Domid.SELF:
            if done_at and count:
                self.domain.write_quietly(done_at, bytes(4))
            raise Refused(Errno.EPERM, f"mmuext_op for domain {domid:#x}")
        done = 0
        if count & _PREEMPTED:
            count &= ~_PREEMPTED
            done = space.u32(done_at) if done_at else 0
        completed = 0
        refusal: Refused | None = None
        try:
            while completed < count:
                if completed % _LOOK_AT_TIME == 0:
                    self.domain.check_time()
                raw = space.read_list(at + completed * _OPERATION.size, _OPERATION.size)
                self._extended_one(*_OPERATION.unpack(raw))
                completed += 1
        except Refused as refused:
            refused.why = f"operation {completed}: {refused.why}"
            refusal = refused
        except GuestFault as fault:
            refusal = Refused(Errno.EFAULT, f"operation {completed}: {fault}")
        if done_at and count:
            self.domain.write_quietly(done_at, (done + completed).to_bytes(4, "little"))
        if refusal is not None:
            raise refusal
        return 0

    def _extended_one(self, command: int, first: int, second: int) -> None:
        release = self.domain.release
        release.need("mmuext_op", command, release.extended_commands)
        if command in _PINS:
            self._pin(first, _PINS[Mmuext(command)])
        elif command == Mmuext.PIN_L4_TABLE:
            return
        elif command == Mmuext.NEW_USER_BASEPTR:
            raise Refused(Errno.EINVAL, "a 32-bit domain has one base pointer")
        elif command in _SUPER:
            raise Refused(Errno.EOPNOTSUPP, "superpages are not supported")
        elif command in self._extended:
            self._extended[command](first, second)
        else:
            raise Refused(Errno.ENOSYS, f"mmuext_op {command}")

    def _pin(self, frame: int, want: PageType) -> None:
        tables = self.domain.tables
        tables.take_both(frame, want)
        if tables.pinned[frame]:
            tables.drop_both(frame)
            raise Refused(Errno.EINVAL, f"frame {frame:#x} is pinned already")
        tables.pinned[frame] = 1

    def _unpin(self, frame: int, _: int) -> None:
        tables = self.domain.tables
        tables.need_owned(frame)
        if not tables.pinned[frame]:
            raise Refused(Errno.EINVAL, f"frame {frame:#x} is not pinned")
        tables.pinned[frame] = 0
        tables.drop_both(frame)

    def _new_base(self, frame: int, _: int) -> None:
        self.switch(frame)

    def switch(self, frame: int) -> None:
        """Make ``frame`` the current L3, validating it if need be. Raises Refused."""
        tables = self.domain.tables
        if frame != self.base:
            tables.take_both(frame, PageType.L3)
            old, self.base = self.base, frame
            self.domain.segments.forget_ldt()
            self.domain.space.load(frame)
            tables.drop_both(old)
        else:
            self.domain.space.load(frame)

    def _flush(self, _: int, __: int) -> None:
        self.domain.engine.flush_tlb()

    def _flush_mask(self, _: int, mask_at: int) -> None:
        try:
            mask = self.domain.space.u32(mask_at)
        except GuestFault:
            raise Refused(Errno.EINVAL, f"flush mask at {mask_at:#x}") from None
        if mask & 1:
            self.domain.engine.flush_tlb()

    @staticmethod
    def _nothing(_: int, __: int) -> None:
        """Caches are coherent here."""

    def _clear_page(self, frame: int, _: int) -> None:
        self._fill(frame, bytes(PAGE_SIZE))

    def _copy_page(self, frame: int, source: int) -> None:
        self.domain.tables.need_owned(source)
        self._fill(frame, self.domain.memory.read(source << 12, PAGE_SIZE))

    def _fill(self, frame: int, data: bytes) -> None:
        tables = self.domain.tables
        tables.take_both(frame, PageType.WRITABLE)
        self.domain.memory.write(frame << 12, data)
        tables.drop_both(frame)
