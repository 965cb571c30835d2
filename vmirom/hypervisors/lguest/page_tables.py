"""Shadow page tables: what the processor really walks while the guest runs.

The guest's tables are plain memory that the host reads when it must. Promises to the guest: a fault that its
tables can answer is filled and never seen by it; accessed and dirty bits appear in its own entries, the dirty
bit exactly at the first write; a change it doesn't report is not noticed as long as the old mapping is
shadowed. Four top-level tables are kept, found by the address of the guest's; above kernel_address all are
assumed alike.

Entries of a shadow name engine frames; guest frames keep their numbers, the host's own lie above the guest's
limit, which is why every frame number is checked before use, and not before.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

from vmirom.hypervisors.lguest.death import HostBug, Killed, c_hex
from vmirom.hypervisors.lguest.guest_memory import GuestMemory
from vmirom.hypervisors.lguest.host_pages import HostPages
from vmirom.hypervisors.lguest.paging_format import (
    ACCESSED,
    DIRTY,
    GLOBAL,
    PRESENT,
    PSE,
    RW,
    USER,
    PagingFormat,
)
from vmirom.machine.addresses import PAGE_SHIFT, PAGE_SIZE
from vmirom.machine.engine import Engine
from vmirom.overlays import lguest as abi

__all__ = ["ERROR_FETCH", "ERROR_USER", "ERROR_WRITE", "KernelStack", "ShadowTables"]

ERROR_WRITE: Final = 2
"""Page-fault error code: the access was a write."""
ERROR_USER: Final = 4
"""Page-fault error code: the access came from CPL3."""
ERROR_FETCH: Final = 0x10
"""Page-fault error code: an instruction was fetched."""


@dataclass(slots=True)
class KernelStack:
    """What SET_STACK said: stack for entries from CPL3, with ``pages`` pinned below it."""

    ss: int = 0
    esp: int = 0
    pages: int = 0


@dataclass(frozen=True, slots=True)
class _Path:
    """How a region was reached in the guest's tables: places (gpa / size) of its two upper entries, which
    with two levels are one, and what stood there; ``guest`` and ``shadow`` are the places of the page tables
    it led to. Of a top table whose entries lie across words, and of a page table that is not all memory,
    nothing is kept."""

    top_at: int
    top: int
    middle_at: int
    middle: int
    guest: int
    shadow: int


@dataclass(slots=True)
class _Shadow:
    """One top-level shadow. ``top`` is its engine address, None while it was never used.

    ``directories`` (PAE): index in the top table to engine address. ``tables``: number of the region one page
    table covers (gva >> format.table_shift) to the engine address of that table.
    """

    guest_top: int = 0
    top: int | None = None
    directories: dict[int, int] = field(default_factory=dict)
    tables: dict[int, int] = field(default_factory=dict)
    paths: dict[int, _Path] = field(default_factory=dict)
    """By the same number; what it says is tried before it is believed."""


class ShadowTables:
    """The four shadows, the one in use, and the rules for filling, changing and dropping them."""

    def __init__(
        self,
        engine: Engine,
        guest: GuestMemory,
        pages: HostPages,
        paging: PagingFormat,
        switcher_table: int,
        chance: random.Random,
    ) -> None:
        self._engine = engine
        self._memory = engine.memory
        self._guest = guest
        self._pages = pages
        self._paging = paging
        self._switcher_table = switcher_table
        self._entries = self._memory.quads if paging.pae else self._memory.words
        self._size = paging.entry_size
        self._table_shift = paging.table_shift
        self._index_mask, self._frame_mask = paging.index_mask, paging.frame_mask
        self._chance = chance
        self._shadows = [_Shadow() for _ in range(abi.Constants.SHADOWS)]
        self._current = 0
        self._loaded: int | None = None
        self._stale = False
        self.kernel_address = 0
        self.stack = KernelStack()

    # -- what the guest's tables say ------------------------------------------------------------------

    def start(self, guest_top: int) -> None:
        """Begin with the boot tables whose top is at gpa ``guest_top``."""
        self._shadows[0].guest_top = guest_top
        self._make_top(self._shadows[0])

    @property
    def current_top(self) -> int:
        """gpa of the guest's top table in use."""
        return self._shadows[self._current].guest_top

    @property
    def first_top(self) -> int:
        """gpa of the top table that shadow 0 stands for: what INIT reports as pgdir."""
        return self._shadows[0].guest_top

    def guest_physical(self, gva: int) -> int:
        """gpa of ``gva`` by the guest's tables, whatever the permissions. Raises Killed ``Bad address``, and
        HostBug where PAE's middle entry is absent or can't be read: the host notes the kill, goes on with
        that entry and stops at its own check of it."""
        size = self._paging.entry_size
        at = self._shadows[self._current].guest_top
        for shift in self._paging.upper_shifts:
            try:
                entry = self._guest.entry(at + self._paging.offset(gva, shift), size)
            except Killed:
                if shift == self._paging.top_shift:
                    raise
                entry = 0
            if not entry & PRESENT:
                if shift == self._paging.top_shift:
                    raise Killed(f"Bad address {c_hex(gva)}")
                raise HostBug(f"no middle entry for {c_hex(gva)}")
            at = self._paging.address(entry)
        entry = self._guest.entry(at + self._paging.offset(gva, PAGE_SHIFT), size)
        if not entry & PRESENT:
            raise Killed(f"Bad address {c_hex(gva)}")
        return self._paging.address(entry) | gva & (PAGE_SIZE - 1)

    # -- filling --------------------------------------------------------------------------------------

    def fill(self, gva: int, error: int) -> bool:
        """Answer the page fault at ``gva`` from the guest's tables; False = reflect it. Raises Killed."""
        shadow = self._shadows[self._current]
        path = shadow.paths.get(gva >> self._table_shift)
        entries = self._entries
        if path is None or entries[path.top_at] != path.top or entries[path.middle_at] != path.middle:
            path = self._walk(shadow, gva)
            if path is None:
                return False
        number = gva >> PAGE_SHIFT & self._index_mask
        place = path.guest + number
        found = entry = entries[place]
        if (
            not entry & PRESENT
            or (error & ERROR_WRITE and not entry & RW)
            or (error & ERROR_USER and not entry & USER)
        ):
            return False
        self._check_leaf(entry)
        entry |= ACCESSED | (DIRTY if error & ERROR_WRITE else 0)
        self._install(path.shadow + number, entry if entry & DIRTY else entry & ~RW)
        if entry != found:
            self._guest.put_entry(place * self._size, self._size, entry)
        return True

    def _walk(self, shadow: _Shadow, gva: int) -> _Path | None:
        """Go down the guest's tables to the page table for ``gva``, making the shadow's levels; None where an
        entry is not present. Raises Killed, for an entry of the page table outside memory, too."""
        size = self._size
        at = shadow.guest_top
        upper = []
        for shift in self._paging.upper_shifts:
            place = at + self._paging.offset(gva, shift)
            entry = self._guest.entry(place, size)
            if not entry & PRESENT:
                return None
            self._descend(shadow, gva, shift, entry)
            upper.append((place // size, entry))
            at = self._paging.address(entry)
        self._guest.entry(at + self._paging.offset(gva, PAGE_SHIFT), size)
        region = gva >> self._table_shift
        (top_at, top), (middle_at, middle) = upper[0], upper[-1]
        path = _Path(top_at, top, middle_at, middle, at // size, shadow.tables[region] // size)
        if not shadow.guest_top % size and self._guest.inside(at, PAGE_SIZE):
            shadow.paths[region] = path
        return path

    def _descend(self, shadow: _Shadow, gva: int, shift: int, entry: int) -> None:
        """Make sure that the shadow has the level below the guest's ``entry`` at ``shift``."""
        if shift == self._paging.table_shift:
            self._keep_out(gva)
        below = shadow.tables if shift == self._paging.table_shift else shadow.directories
        if gva >> shift in below:
            return
        page = self._pages.take()
        flags = self._paging.flags(entry)
        allowed, complaint = self._paging.upper_rule(shift)
        if flags & ~allowed or self._paging.frame(entry) >= self._guest.page_limit:
            self._pages.give(page)
            raise Killed(complaint)
        below[gva >> shift] = page
        self._store(self._upper_entry(shadow, gva, shift), page | flags)

    def _keep_out(self, gva: int) -> None:
        if gva >= self._paging.hole:
            raise Killed("attempt to access switcher pages")

    def _check_leaf(self, entry: int) -> None:
        if entry & PSE or (entry & self._frame_mask) >> PAGE_SHIFT >= self._guest.page_limit:
            raise Killed("bad page table entry")

    def _install(self, place: int, entry: int) -> None:
        """Put ``entry`` into a shadow; ``place`` is an engine address / size."""
        old, new = self._entries[place], entry & ~GLOBAL
        if old and ((old & PRESENT and old | RW | DIRTY != new | RW | DIRTY) or old & ~new & RW):
            self._stale = True
        self._entries[place] = new

    def _upper_entry(self, shadow: _Shadow, gva: int, shift: int) -> int:
        """Engine address of the shadow's own entry for ``gva`` at an upper level."""
        assert shadow.top is not None
        if shift == self._paging.top_shift:
            return shadow.top + self._paging.offset(gva, shift)
        return shadow.directories[gva >> self._paging.top_shift] + self._paging.offset(gva, shift)

    # -- the processor's view -------------------------------------------------------------------------

    def activate(self) -> None:
        """Let the processor see all changes; called before every entry to the guest."""
        top = self._shadows[self._current].top
        assert top is not None
        if top != self._loaded:
            self._engine.cr3 = top
            self._loaded = top
        elif self._stale:
            self._engine.flush_tlb()
        else:
            return
        self._stale = False

    def shadowed(self, gva: int) -> int:
        """The lowest-level shadow entry for ``gva``, 0 if there is none."""
        table = self._shadows[self._current].tables.get(gva >> self._paging.table_shift)
        return 0 if table is None else self._load(table + self._paging.offset(gva, PAGE_SHIFT))

    def push_address(self, gva: int) -> int | None:
        """Engine address of a supervisor store to ``gva``, filling as a fault would; None = it faults."""
        for _ in range(2):
            entry = self.shadowed(gva)
            if entry & PRESENT and entry & RW:
                return self._paging.frame(entry) << PAGE_SHIFT | gva & (PAGE_SIZE - 1)
            if not self.fill(gva, ERROR_WRITE):
                return None
        return None

    # -- hypercalls -----------------------------------------------------------------------------------

    def use(self, guest_top: int) -> None:
        """NEW_PGTABLE: an old shadow of that address as it is, else a random one without its user part."""
        for number, shadow in enumerate(self._shadows):
            if shadow.top is not None and shadow.guest_top == guest_top:
                self._current = number
                return
        number = self._chance.randrange(len(self._shadows))
        shadow = self._shadows[number]
        fresh = shadow.top is None
        if fresh:
            self._make_top(shadow)
        shadow.guest_top = guest_top
        shadow.paths.clear()
        self._drop(shadow, self.kernel_address)
        self._current = number
        if fresh:
            self.pin_stack()

    def set_entry(self, guest_top: int, gva: int, entry: int) -> None:
        """SET_PTE. Raises Killed."""
        for shadow in self._shadows:
            if shadow.top is None or (gva < self.kernel_address and shadow.guest_top != guest_top):
                continue
            self._change(shadow, gva, entry)
            if gva < self.kernel_address:
                return

    def _change(self, shadow: _Shadow, gva: int, entry: int) -> None:
        self._keep_out(gva)
        table = shadow.tables.get(gva >> self._paging.table_shift)
        if table is None:
            return
        # The present bit is not looked at, and the entry goes in as writable as it is given: the host's word
        # about "writable" only concerns its own page, so a clean writable entry loses its dirty bit.
        at = table + self._paging.offset(gva, PAGE_SHIFT)
        if entry & (ACCESSED | DIRTY):
            self._check_leaf(entry)
            self._install(at // self._size, entry)
        else:
            self._store(at, 0)
            self._stale = True

    def drop_top_entry(self, guest_top: int, index: int) -> None:
        """SET_PGD: forget what one top entry of one table leads to."""
        if index >= self._paging.hole_top_index:
            return
        for shadow in self._shadows:
            if shadow.top is not None and shadow.guest_top == guest_top:
                self._release_top(shadow, index)
                return

    def flush_user(self) -> None:
        """FLUSH_TLB 0: drop the current table's part below kernel_address."""
        self._drop(self._shadows[self._current], self.kernel_address)

    def clear(self) -> None:
        """FLUSH_TLB 1, SET_PMD, INIT: drop all shadows and pin the kernel's stack again. Raises Killed."""
        for shadow in self._shadows:
            if shadow.top is not None:
                self._drop(shadow, None)
        self.pin_stack()

    def pin_stack(self) -> None:
        """Map the pages below the kernel's stack top for writing. Raises Killed."""
        for number in range(self.stack.pages):
            gva = (self.stack.esp - 1 - number * PAGE_SIZE) & 0xFFFFFFFF
            self._keep_out(gva)
            entry = self.shadowed(gva)
            if not (entry & PRESENT and entry & RW) and not self.fill(gva, ERROR_WRITE):
                raise Killed(f"bad stack page {c_hex(gva)}")

    # -- making and dropping --------------------------------------------------------------------------

    def _make_top(self, shadow: _Shadow) -> None:
        shadow.top = at = self._pages.take()
        hole = self._paging.hole
        if self._paging.top_shift != self._paging.table_shift:
            directory = self._pages.take()
            shadow.directories[hole >> self._paging.top_shift] = directory
            self._store(at + self._paging.offset(hole, self._paging.top_shift), directory | PRESENT)
            at = directory
        self._store(
            at + self._paging.offset(hole, self._paging.table_shift), self._switcher_table | PRESENT | RW
        )

    def _drop(self, shadow: _Shadow, below: int | None) -> None:
        """Forget whole top entries below gva ``below``, or with None everything but the hole."""
        end = self._paging.hole_top_index if below is None else below >> self._paging.top_shift
        shift = self._paging.top_shift - self._paging.table_shift
        for index in {region >> shift for region in shadow.tables} | set(shadow.directories):
            if index < end:
                self._release_top(shadow, index)
        if below is None:
            # PAE: the directory with the hole stays, what it leads to besides goes.
            for region in list(shadow.tables):
                self._release_table(shadow, region)

    def _release_top(self, shadow: _Shadow, index: int) -> None:
        shift = self._paging.top_shift - self._paging.table_shift
        for region in [region for region in shadow.tables if region >> shift == index]:
            self._release_table(shadow, region)
        if index in shadow.directories:
            assert shadow.top is not None
            self._pages.give(shadow.directories.pop(index))
            self._store(shadow.top + index * self._paging.entry_size, 0)
        self._stale = True

    def _release_table(self, shadow: _Shadow, region: int) -> None:
        gva = region << self._paging.table_shift
        self._store(self._upper_entry(shadow, gva, self._paging.table_shift), 0)
        self._pages.give(shadow.tables.pop(region))
        shadow.paths.pop(region, None)
        self._stale = True

    def _load(self, at: int) -> int:
        return self._entries[at // self._size]

    def _store(self, at: int, entry: int) -> None:
        self._entries[at // self._size] = entry
