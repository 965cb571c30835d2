"""The lguest ROM's C against a model of its host.

Nothing the guest has taken away is left in a shadow, calls keep their order on either road, and the host's
descriptors are the guest's.
"""

from __future__ import annotations

import struct
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.effort import examples
from tests.rom.hostc import Library
from tests.rom.lguest_model import FRAME, LINEAR, NX, PAGES, A, D, LguestHost, P, U, W, compile_host
from vmirom.overlays.lguest import Constants, Gdt, Hcall
from vmirom.overlays.vmi import LazyMode, PageType, PteFlag

TOPS: Final = (290 << 12, 291 << 12, 292 << 12, 293 << 12, 294 << 12, 295 << 12)
KERNEL_DIRECTORY: Final = 300
KERNEL_TABLE: Final = 301
DIRECTORIES: Final = tuple(range(310, 310 + 3 * len(TOPS)))
"""One for each user slot of each top table (PAE)."""
TABLES: Final = range(340, 360)
FRAMES: Final = (500, 501, 502, PAGES - 1)
KERNEL_VA: Final = LINEAR + 0x300000  # not where tables are
PGE: Final = 0x80


@pytest.fixture(scope="module")
def built() -> Library:
    return compile_host()


class Guest:
    """Six address spaces with two user page tables each at most, and a kernel that all share.

    Every page table has one address in one space, so that an address that goes along with a change is the
    only one concerned.
    """

    def __init__(self, built: Library, pae: bool) -> None:
        self.host = LguestHost(built, pae, TOPS[0])
        self.lib, self.pae, self.size = self.host.lib, pae, self.host.size
        self.table_shift = self.host.shifts[-1]
        self.pages = (0, 1, 511) if pae else (0, 1, 1023)
        self.kernel_index = self.host.index(LINEAR, self.table_shift)
        if pae:
            self.host.store((KERNEL_DIRECTORY << 12) + 8 * self.kernel_index, KERNEL_TABLE << 12 | 0x67)
        for number, top in enumerate(TOPS):
            if pae:
                self.host.store(top + 24, KERNEL_DIRECTORY << 12 | P)
                for slot in range(3):
                    self.host.store(top + 8 * slot, DIRECTORIES[3 * number + slot] << 12 | P)
            else:
                self.host.store(top + 4 * self.kernel_index, KERNEL_TABLE << 12 | 0x67)
        for which in range(2 * len(TOPS)):
            self.host.store(self.place(which)[2], TABLES[which] << 12 | 0x67)
            for page in range(3):
                self.host.store(self.leaf(which, page)[0], FRAMES[page] << 12 | 0x67)
        for index in range(512):
            self.host.store((KERNEL_TABLE << 12) + self.size * index, index << 12 | 0x63)

    def place(self, which: int) -> tuple[int, int, int]:
        """(space, gva of the first page, gpa of the directory entry) of user table ``which``."""
        space, second = divmod(which, 2)
        gva = 0x40000000 if second else 0
        if self.pae:
            return space, gva, DIRECTORIES[3 * space + (gva >> 30)] << 12
        return space, gva, TOPS[space] + self.host.index(gva, 22) * 4

    def addresses(self) -> list[int]:
        first = [gva for _, gva, _ in map(self.place, range(2))]
        return [gva + (page << 12) for gva in first for page in self.pages] + [
            KERNEL_VA + (page << 12) for page in range(3)
        ]

    def leaf(self, which: int, page: int) -> tuple[int, int, bool]:
        """(gpa of the entry, its gva, whether that is an address of the current space)."""
        if which == 12:  # the kernel's
            gva = KERNEL_VA + ((page % 3) << 12)
            return (KERNEL_TABLE << 12) + self.host.index(gva, 12) * self.size, gva, True
        space, gva, _ = self.place(which)
        index = self.pages[page]
        at = (TABLES[which] << 12) + index * self.size
        return at, gva + (index << 12), TOPS[space] == self.host.current

    def set(self, gpa: int, value: int, flags: int) -> None:
        if self.pae:
            self.lib.vmi_SetPxELong(value & 0xFFFFFFFF, value >> 32, LINEAR + gpa, flags)
        else:
            self.lib.vmi_SetPxE(value & 0xFFFFFFFF, LINEAR + gpa, flags)

    def update(self, gpa: int, flags: int) -> None:
        (self.lib.vmi_UpdatePxELong if self.pae else self.lib.vmi_UpdatePxE)(LINEAR + gpa, flags)

    def store(self, gpa: int, value: int) -> None:
        self.host.store(gpa, value if self.pae else value & 0xFFFFFFFF)

    def touch(self, va: int, write: bool, user: bool) -> None:
        """An access that the guest's tables allow must not be held up by what the host remembers."""
        levels = self.host.levels(va)
        if levels is not None and levels[-1] >> 12 & 0xFFFFF >= PAGES and levels[-1] & P:
            return  # such a frame ends the guest, and should
        wanted = P | W * write | U * user
        allowed = levels is not None and levels[-1] & levels[-2] & wanted == wanted
        assert self.host.touch(va, write, user) == allowed, f"{va:#x}: {'refused' if allowed else 'allowed'}"

    def check(self) -> None:
        """What the processor would use now is no more than the guest's tables give, frame and rights."""
        host = self.host
        assert self.lib.wild() == 0
        for va in self.addresses():
            shown = host.shown(va)
            if shown is None:
                continue
            levels = host.levels(va)
            assert levels is not None and levels[-1] & P, f"{va:#x} is shown and gone: {shown[0]:#x}"
            entry, rights = shown
            *above, own = levels
            assert entry & FRAME == own & FRAME, f"{va:#x}: frame {entry:#x}, the guest's {own:#x}"
            allowed = own & above[-1] & (W | U)
            assert rights & ~allowed == 0, f"{va:#x}: rights {rights:#x}, the guest's {allowed:#x}"
            assert own & A, f"{va:#x}: used without the accessed bit"
            assert not rights & W or own & D, f"{va:#x}: written without the dirty bit"
            assert not own & NX or entry & NX, f"{va:#x}: executable"


rights = st.sampled_from(
    [P, P | W, P | U, P | W | U, P | W | U | A | D, P | U | A, P | W | U | A, 0, W | U | A | D]
)
leaves = st.tuples(st.sampled_from([0, 0, 0, 1, 1, 12, 12, *range(2, 12)]), st.integers(0, 2))
values = st.tuples(
    st.sampled_from((*FRAMES, *FRAMES, PAGES + 5)), rights, st.sampled_from([0, 0, 0, NX])
).map(lambda v: v[0] << 12 | v[1] | v[2])
directory_rights = st.sampled_from([0, P | 0x66, P | 0x66, P | 0x64, P | 0x62])
actions = st.one_of(
    st.tuples(st.just("set"), leaves, values, st.booleans(), st.booleans()),
    st.tuples(st.just("set"), leaves, values, st.booleans(), st.booleans()),
    st.tuples(st.just("update"), leaves, values, st.booleans(), st.booleans()),
    st.tuples(st.just("inval"), leaves, values),
    st.tuples(st.just("flush"), st.lists(st.tuples(leaves, values), max_size=4)),
    st.tuples(st.just("directory"), st.sampled_from([0, 0, 1, 1, 2, 3]), directory_rights),
    st.tuples(st.just("directory raw"), st.sampled_from([0, 0, 1, 1, 2, 3]), directory_rights, st.booleans()),
    st.tuples(st.just("top"), st.sampled_from([0, 0, 1, 5]), st.integers(0, 2), st.booleans()),
    st.tuples(
        st.just("switch"),
        st.sampled_from([0, 0, 1, 1, 2, 3, 4, 5]),
        st.lists(st.tuples(leaves, values), max_size=3),
    ),
    st.tuples(
        st.just("switch"),
        st.sampled_from([0, 1]),
        st.lists(st.tuples(leaves, values), min_size=1, max_size=6),
    ),
    st.tuples(st.just("directory"), st.sampled_from([0, 1]), directory_rights),
    st.tuples(st.just("pge")),
    st.tuples(st.just("touch"), leaves, st.booleans(), st.booleans()),
    st.tuples(st.just("touch"), leaves, st.booleans(), st.booleans()),
    st.tuples(st.just("touch all"), st.booleans()),
)


def do(guest: Guest, action: tuple[Any, ...]) -> None:
    """One action; afterwards the ROM has been told of everything (but may not have told the host yet)."""
    lib = guest.lib
    match action:
        case ("set" | "update" as how, leaf, value, addressed, defer):
            at, va, current = guest.leaf(*leaf)
            flags = int(PageType.PT)
            if addressed and current:
                flags |= va | PteFlag.CURRENT_AS | (PteFlag.DEFER if defer else 0)
            if how == "set":
                guest.set(at, value, flags)
            else:
                guest.store(at, value)
                guest.update(at, flags)
        case ("inval", leaf, value):
            at, va, current = guest.leaf(*leaf)
            if current:
                guest.store(at, value)
                lib.vmi_InvalPage(va)
        case ("flush", stores):
            for leaf, value in stores:
                guest.store(guest.leaf(*leaf)[0], value)
            lib.vmi_FlushTLB(3)
        case ("directory", which, value):
            guest.set(guest.place(which)[2], TABLES[which] << 12 | value if value else 0, PageType.PD)
        case ("directory raw", which, value, whole):
            guest.store(guest.place(which)[2], TABLES[which] << 12 | value if value else 0)
            if whole:
                lib.vmi_FlushTLB(3)
            else:
                guest.update(guest.place(which)[2], int(PageType.PD))
        case ("top", space, slot, there) if guest.pae:
            entry = DIRECTORIES[3 * space + slot] << 12 | P if there else 0
            guest.set(TOPS[space] + 8 * slot, entry, PageType.PDP)
        case ("switch", space, stores):
            for leaf, value in stores:
                if leaf[0] != 12:
                    guest.store(guest.leaf(*leaf)[0], value)
            lib.vmi_SetCR3(TOPS[space])
        case ("pge",):
            lib.vmi_SetCR4(PGE | 0x20)
        case ("touch", leaf, write, user):
            guest.touch(guest.leaf(*leaf)[1], write, user)
        case ("touch all", write):
            for va in guest.addresses():
                guest.touch(va, write, va < LINEAR)


def changes_lazily(action: tuple[Any, ...]) -> bool:
    return action[0] not in ("touch", "touch all", "switch")


@examples(400)
@given(history=st.lists(actions, min_size=3, max_size=40), pae=st.booleans(), busy=st.booleans())
def test_no_shadow_outlives_what_it_was_made_from(
    built: Library, history: list[tuple[Any, ...]], pae: bool, busy: bool
) -> None:
    """``busy``: the guest uses all its memory between any two changes, so that every shadow is full."""
    guest = Guest(built, pae)
    for action in history:
        if busy:
            do(guest, ("touch all", True))
        do(guest, action)
        deferred = action[0] in ("set", "update") and action[4]
        if deferred:
            guest.lib.vmi_SetLazyMode(LazyMode.NONE)
        guest.check()
        assert guest.host.current == guest.lib.vmi_GetCR3()
    for va in guest.addresses():
        for write in (False, True):
            guest.touch(va, write, va < LINEAR)
    guest.check()


@given(history=st.lists(actions.filter(changes_lazily), max_size=90), pae=st.booleans())
def test_the_ring_changes_neither_order_nor_content(
    built: Library, history: list[tuple[Any, ...]], pae: bool
) -> None:
    """What the host does for a history is the same in lazy mode; nothing waits when the mode is over."""
    told = []
    for mode in (LazyMode.NONE, LazyMode.MMU):
        guest = Guest(built, pae)
        guest.lib.vmi_SetLazyMode(mode)
        for action in history:
            do(guest, action)
        guest.lib.vmi_SetLazyMode(LazyMode.NONE)
        assert all(status == Constants.RING_FREE for status in guest.host.data.hcall_status)
        guest.check()
        told.append([call for call in guest.host.calls if call[0] != Hcall.FLUSH_ASYNC])
    assert told[0] == told[1]


@pytest.mark.parametrize("pae", [True, False])
def test_a_ring_full_leaves_at_once(built: Library, pae: bool) -> None:
    """Sixty-four changes wait and leave with the next: more than half of all hypercalls are saved."""
    guest = Guest(built, pae)
    guest.lib.vmi_SetLazyMode(LazyMode.MMU)
    at, va, _ = guest.leaf(0, 0)
    for number in range(64):
        guest.store(at, FRAMES[0] << 12 | 0x67)
        guest.update(at, PageType.PT | PteFlag.CURRENT_AS | (va + (number << 12)))
    assert guest.host.entered == 0
    guest.lib.vmi_SetLazyMode(LazyMode.NONE)
    assert guest.host.entered == 1
    told = [call[2] for call in guest.host.calls if call[0] == Hcall.SET_PTE]
    assert told == [va + (number << 12) for number in range(64)]


entries = st.tuples(st.integers(0, 40), st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFFFFFF))


@given(
    limits=st.lists(
        st.sampled_from([0, 7, 8 * 6 + 7, 8 * 31 + 7, 8 * 32 - 1, 0xFFFF]), min_size=1, max_size=3
    ),
    writes=st.lists(entries, max_size=12),
    lazy=st.booleans(),
)
def test_the_hosts_descriptors_are_the_guests(
    built: Library, limits: list[int], writes: list[tuple[int, int, int]], lazy: bool
) -> None:
    guest = Guest(built, True)
    table, dtr = 600 << 12, 601 << 12
    for limit in limits:
        struct.pack_into("<HI", guest.host.memory, dtr, limit, LINEAR + table)
        guest.lib.vmi_SetGDT(LINEAR + dtr)
        guest.lib.vmi_SetLazyMode(LazyMode.CPU if lazy else LazyMode.NONE)
        for entry, low, high in writes:
            guest.lib.vmi_WriteGDTEntry(LINEAR + table, entry, low, high)
            assert guest.host.memory[table + 8 * entry : table + 8 * entry + 8] == struct.pack(
                "<II", low, high
            )
        guest.lib.vmi_SetLazyMode(LazyMode.NONE)
        own = [guest.host.load(table + 8 * entry) for entry in range(int(Gdt.ENTRIES))]
        inside = [entry if 8 * n + 7 <= limit else 0 for n, entry in enumerate(own)]
        assert guest.host.gdt == inside
