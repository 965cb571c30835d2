"""The Xen ROM's machine tables against a plain model of paging.

The C code runs on the host over a machine that types its frames as Xen does (xen_machine.py). Whatever a
guest does with its tables, after it has told the ROM: what the machine translates is what the guest's own
tables translate, with no more rights than they give; what the machine does not show is repaired by a fault
exactly if the guest's tables allow the access; A and D come and go in the guest's entries as a processor
would set them, and nothing else in its memory ever changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rom.hostc import Library
from tests.rom.xen_machine import FRAME, LINEAR, NX, PS, A, D, Machine, P, U, W, compile_host
from vmirom.overlays.vmi import LazyMode, PteFlag

MEMORY: Final = 1024  # pages
TABLES: Final = range(300, 316)  # frames the guest uses as directories and page tables
TOPS: Final = (290 << 12, 291 << 12, (291 << 12) + 0x40)
INDICES: Final = (0, 1, 5, 200, 425, 511)
ROM: Final = 0xC0
FETCH, RSVD = 0x10, 0x08
GUEST_BITS: Final = P | W | U | A | D | NX


@pytest.fixture(scope="module")
def host() -> Library:
    return compile_host()


class Guest:
    """A guest's memory and the calls it makes."""

    def __init__(self, host: Library, pool: int = 160) -> None:
        self.machine = Machine(host, MEMORY, pool)
        self.lib = self.machine.lib
        self.current = 0
        for top in TOPS:
            # every address space shares the kernel's directory; one page table in it is linear memory
            self.store(top + 8 * 3, TABLES[0] << 12 | P)
        self.store(TABLES[0] << 12, TABLES[1] << 12 | P | W | A)
        for index in range(512):
            self.store((TABLES[1] << 12) + 8 * index, index << 12 | P | W | A | D)
        self.switch(0)

    def store(self, gpa: int, value: int) -> None:
        self.machine.write(self.machine.p2m[gpa >> 12], (gpa & 0xFFF) >> 3, value)

    def load(self, gpa: int) -> int:
        return self.machine.read(self.machine.p2m[gpa >> 12], (gpa & 0xFFF) >> 3)

    def switch(self, which: int) -> None:
        self.current = which
        self.lib.vmi_SetCR3(TOPS[which])

    def set(self, gpa: int, value: int, flags: int) -> None:
        self.lib.vmi_SetPxELong(value & 0xFFFFFFFF, value >> 32, LINEAR + gpa, flags)

    def entries(self, va: int) -> tuple[int, int, int, int] | None:
        """(gpa of directory entry, it, gpa of table entry, it), whether present or not, or None."""
        top = self.tops[va >> 30]
        if not top & P:
            return None
        at = (top & FRAME) + (va >> 21 & 511) * 8
        directory = self.load(at)
        if not directory & P or directory & PS or directory >> 32 & 0x7FFFFFFF or not table_frame(directory):
            return at, directory, -1, 0
        entry_at = (directory & FRAME) + (va >> 12 & 511) * 8
        return at, directory, entry_at, self.load(entry_at)

    @property
    def tops(self) -> list[int]:
        return [self.load(TOPS[self.current] + 8 * slot) for slot in range(4)]

    def expected_error(self, va: int, access: int) -> int | None:
        """Error code of the fault that the guest's own tables give, or None if they allow the access."""
        found = self.entries(va)
        if found is None or not found[1] & P:
            return access
        _, directory, at, entry = found
        if at < 0:
            return access | P | RSVD
        if not entry & P:
            return access
        if entry >> 32 & 0x7FFFFFFF or (entry & 0xFFFFF000) >> 12 >= MEMORY:
            return access | P | RSVD
        both = directory & entry
        if (
            (access & W and not both & W)
            or (access & U and not both & U)
            or (access & FETCH and (directory | entry) & NX)
            or (access & W and ROM <= (entry & FRAME) >> 12 < ROM + 8)
        ):
            return access | P
        return None

    def check(self, va: int) -> None:
        """What the machine shows is the guest's, with A, and writable only with D."""
        shown = self.machine.walk(va)
        if shown is None:
            return
        found = self.entries(va)
        assert found is not None and found[2] >= 0, f"{va:#x} is mapped, but not by the guest"
        _, directory, _, entry = found
        assert directory & entry & P and directory & entry & A, f"{va:#x}: {directory:#x} {entry:#x}"
        frame, rights = shown
        assert frame == self.machine.p2m[(entry & FRAME) >> 12]
        allowed = (directory & entry & (W | U)) | ((directory | entry) & NX)
        if not entry & D or ROM <= (entry & FRAME) >> 12 < ROM + 8:
            allowed &= ~W
        assert rights == allowed, f"{va:#x}: {rights:#x}, guest {allowed:#x}"

    def touch(self, va: int, access: int) -> None:
        """One access, as the processor makes it; faults go to the ROM."""
        expected = self.expected_error(va, access)
        shown = self.machine.walk(va)
        before = self.entries(va)
        if shown and permits(shown[1], access):
            assert expected is None, f"{va:#x}: the machine allows what the guest does not ({expected:#x})"
            return
        answer = self.lib.fault(va, access | (P if shown else 0))
        if expected is not None:
            assert answer == expected + 1, f"{va:#x}: error {answer - 1:#x}, expected {expected:#x}"
            assert self.entries(va) == before
            return
        assert answer == 0, f"{va:#x}: reflected with {answer - 1:#x}"
        assert before is not None
        after = self.entries(va)
        assert after == (before[0], before[1] | A, before[2], before[3] | A | (D if access & W else 0))
        shown = self.machine.walk(va)
        assert shown and permits(shown[1], access)
        self.check(va)


def table_frame(entry: int) -> bool:
    frame = (entry & FRAME) >> 12
    return frame < MEMORY and not ROM <= frame < ROM + 8


def permits(rights: int, access: int) -> bool:
    return not (
        (access & W and not rights & W) or (access & U and not rights & U) or (access & FETCH and rights & NX)
    )


@pytest.fixture
def guest(host: Library) -> Iterator[Guest]:
    one = Guest(host)
    yield one
    one.machine.close()


def addresses() -> list[int]:
    tables = [(slot, index) for slot in range(4) for index in INDICES if (slot, index) != (3, 511)]
    return [slot << 30 | index << 21 | page << 12 for slot, index in tables for page in INDICES]


bits = st.integers(0, 31).map(
    lambda n: sum(bit for i, bit in enumerate((W, U, A, D, NX)) if n >> i & 1) | P
) | st.sampled_from([0, 0, P | W | A | D, P | W | U | A | D])
frames = st.sampled_from([*TABLES, *TABLES, 0, 7, ROM, ROM + 7, 500, MEMORY - 1, MEMORY, 0x100000, 290, 291])
# the kernel's first table (stack and handlers) stays what it is: without it there is no guest
places = st.tuples(st.sampled_from(TABLES[2:]), st.sampled_from(INDICES)).map(
    lambda p: (p[0] << 12) + 8 * p[1]
)
kernel = st.sampled_from([i for i in INDICES[1:] if i < 426]).map(lambda i: (TABLES[0] << 12) + 8 * i)
values = st.tuples(frames, bits, st.sampled_from([0] * 12 + [PS])).map(lambda v: v[0] << 12 | v[1] | v[2])
vas = st.sampled_from(addresses())
tops = st.tuples(st.sampled_from(range(3)), st.integers(0, 2), st.sampled_from([0, *TABLES[2:]]))
actions = st.one_of(
    st.tuples(st.just("set"), places | kernel, values, st.sampled_from([1, 1, 2, 1 | PteFlag.CURRENT_AS])),
    st.tuples(st.just("deferred"), places | kernel, values),
    st.tuples(st.just("update"), places | kernel, values),
    st.tuples(st.just("flush"), st.lists(st.tuples(places | kernel, values), max_size=6)),
    st.tuples(st.just("inval"), vas, values),
    st.tuples(st.just("switch"), st.integers(0, 2), st.lists(st.tuples(places, values), max_size=3)),
    st.tuples(st.just("top"), tops, st.integers(0, 2)),
    st.tuples(st.just("lazy"), st.lists(st.tuples(places | kernel, values), max_size=8)),
    st.tuples(st.just("release"), st.sampled_from(TABLES[2:])),
    st.tuples(st.just("clone"), st.sampled_from(TABLES[2:]), st.sampled_from(TABLES[2:])),
    st.tuples(st.just("touch"), vas, st.sampled_from([0, W, U, U | W, FETCH, U | FETCH])),
    st.tuples(st.just("touch"), vas, st.sampled_from([0, W, U, U | W, FETCH, U | FETCH])),
)


def do(guest: Guest, action: tuple[Any, ...]) -> None:
    """One action; when it returns the guest has told the ROM of everything."""
    lib = guest.lib
    match action:
        case ("set", at, value, flags):
            guest.set(at, value, flags)
        case ("deferred", at, value):
            guest.set(at, value, 1 | PteFlag.CURRENT_AS | PteFlag.DEFER)
            lib.vmi_FlushTLB(1)
        case ("update", at, value):
            guest.store(at, value)
            lib.vmi_UpdatePxELong(LINEAR + at, 1)
        case ("flush", stores):
            for at, value in stores:
                guest.store(at, value)
            lib.vmi_FlushTLB(3)
        case ("inval", va, value):
            found = guest.entries(va)
            if found and TABLES[2] << 12 <= found[2] < TABLES[-1] + 1 << 12:
                guest.store(found[2], value)
                lib.vmi_InvalPage(va)
                lib.vmi_UpdatePxELong(LINEAR + found[2], 1)  # its other addresses
        case ("switch", which, stores):
            for at, value in stores:
                guest.store(at, value)
            guest.switch(which)
            lib.vmi_FlushTLB(1)  # what the stores did to the kernel's part
        case ("top", (which, slot, frame), then):
            guest.store(TOPS[which] + 8 * slot, frame << 12 | P if frame else 0)
            guest.switch(then)
            if then != which:
                guest.switch(which)
        case ("lazy", stores):
            lib.vmi_SetLazyMode(LazyMode.MMU)
            for at, value in stores:
                guest.set(at, value, 1)
            lib.vmi_SetLazyMode(LazyMode.NONE)
        case ("release", frame):
            lib.vmi_ReleasePage(frame, 0x51)
        case ("clone", frame, source):
            for index in range(512):
                guest.store((frame << 12) + 8 * index, guest.load((source << 12) + 8 * index))
            lib.vmi_AllocatePage(frame, 0x71, source, 0, 512)
        case ("touch", va, access):
            guest.touch(va, access)


def settle(guest: Guest) -> None:
    machine = guest.machine
    assert machine.refusals == []
    assert guest.lib.refused() == 0
    assert guest.lib.waiting() == 0
    assert guest.lib.links_wrong() == 0
    for va in addresses():
        guest.check(va)


@given(history=st.lists(actions, max_size=25), pool=st.sampled_from([32, 48, 160]))
def test_machine_follows_guest(host: Library, history: list[tuple[Any, ...]], pool: int) -> None:
    guest = Guest(host, pool)
    try:
        for action in history:
            do(guest, action)
            settle(guest)
        for va in addresses():
            guest.touch(va, 0)
        settle(guest)
    finally:
        guest.machine.close()


USER: Final = 0x00400000
DIRECTORY, TABLE = TABLES[2], TABLES[3]
ALL: Final = P | W | U | A | D


@pytest.fixture
def mapped(guest: Guest) -> Guest:
    """A guest with one user page at USER, by a directory and a table of its own."""
    guest.store((TABLE << 12) + 8 * (USER >> 12 & 511), 500 << 12 | ALL)
    guest.store((DIRECTORY << 12) + 8 * (USER >> 21), TABLE << 12 | ALL)
    guest.store(TOPS[0], DIRECTORY << 12 | P)
    guest.switch(0)
    guest.touch(USER, U | W)
    return guest


def test_an_update_undone_while_it_waits(mapped: Guest) -> None:
    at = (TABLE << 12) + 8 * (USER >> 12 & 511)
    mapped.lib.vmi_SetLazyMode(LazyMode.MMU)
    mapped.set(at, 501 << 12 | ALL, 1)
    mapped.set(at, 500 << 12 | ALL, 1)
    mapped.lib.vmi_SetLazyMode(LazyMode.NONE)
    assert mapped.machine.walk(USER) == (mapped.machine.p2m[500], W | U)
    settle(mapped)


def test_a_directory_in_use_is_rewritten_and_announced(mapped: Guest) -> None:
    mapped.store((DIRECTORY << 12) + 8 * (USER >> 21), 0)
    mapped.lib.vmi_AllocatePage(DIRECTORY, 0x52, 0, 0, 0)
    assert mapped.machine.walk(USER) is None
    settle(mapped)


def test_a_table_in_use_is_rewritten_and_announced(mapped: Guest) -> None:
    mapped.store((TABLE << 12) + 8 * (USER >> 12 & 511), 0)
    mapped.lib.vmi_AllocatePage(TABLE, 0x51, 0, 0, 0)
    assert mapped.machine.walk(USER) is None
    settle(mapped)


def test_a_page_fault_sends_what_waits(mapped: Guest) -> None:
    at = (TABLE << 12) + 8 * (USER >> 12 & 511)
    mapped.lib.vmi_SetLazyMode(LazyMode.MMU)
    mapped.set(at, 0, 1)
    assert mapped.lib.fault(USER + 0x1000, U) == U + 1
    assert mapped.machine.walk(USER) is None
    assert mapped.lib.waiting() == 0


def test_sharing_after_a_fork(mapped: Guest) -> None:
    """Two spaces with tables of their own on the same frames, write-protected; each writes after its copy."""
    other_directory, other_table = TABLES[4], TABLES[5]
    index = USER >> 12 & 511
    for frame in (other_directory, other_table):
        mapped.lib.vmi_AllocatePage(frame, 0x51, 0, 0, 0)
    mapped.lib.vmi_SetLazyMode(LazyMode.MMU)
    mapped.set((TABLE << 12) + 8 * index, 500 << 12 | P | U | A | D, 1)
    mapped.set((other_table << 12) + 8 * index, 500 << 12 | P | U | A | D, 1)
    mapped.lib.vmi_SetLazyMode(LazyMode.NONE)
    mapped.set((other_directory << 12) + 8 * (USER >> 21), other_table << 12 | ALL, 2)
    mapped.set(TOPS[1], other_directory << 12 | P, 4)
    mapped.touch(USER, U | W)  # refused: the guest's fault
    mapped.switch(1)
    mapped.touch(USER, U)
    mapped.touch(USER, U | W)
    mapped.set((other_table << 12) + 8 * index, 501 << 12 | ALL, 1 | PteFlag.CURRENT_AS)
    mapped.touch(USER, U | W)
    assert mapped.machine.walk(USER) == (mapped.machine.p2m[501], W | U)
    mapped.switch(0)
    assert mapped.machine.walk(USER) == (mapped.machine.p2m[500], U)
    settle(mapped)


def test_what_xen_refuses_is_left_out_and_does_not_hold_up_the_rest(mapped: Guest) -> None:
    """Should the p2m name a frame that is not ours, its entry stays empty, the others come."""
    first = (TABLE << 12) + 8 * 8
    p2m = mapped.machine.own[17]
    mapped.machine.memory[(p2m << 12) + 600 * 4 : (p2m << 12) + 601 * 4] = (3).to_bytes(4, "little")
    mapped.lib.vmi_SetLazyMode(LazyMode.MMU)
    for index, frame in enumerate((501, 600, 502)):
        mapped.set(first + 8 * index, frame << 12 | ALL, 1)
    mapped.lib.vmi_SetLazyMode(LazyMode.NONE)
    assert mapped.machine.walk(0x00408000) == (mapped.machine.p2m[501], W | U)
    assert mapped.machine.walk(0x00409000) is None
    assert mapped.machine.walk(0x0040A000) == (mapped.machine.p2m[502], W | U)
    assert mapped.lib.refused() == 1
    assert mapped.lib.fault(0x00409000, U) == (U | P | RSVD) + 1


def test_many_spaces(guest: Guest) -> None:
    """Forty top tables, one after the other, twice: the sixteen places are used again, none is lost."""
    for _ in range(2):
        for number in range(40):
            top = (400 + number) << 12
            guest.store(top + 8 * 3, TABLES[0] << 12 | P)
            guest.lib.vmi_SetCR3(top)
            assert guest.machine.walk(LINEAR + 0x5000) == (guest.machine.p2m[5], W)
            assert guest.lib.links_wrong() == 0
    free = guest.lib.free_pages()
    for number in range(39):
        guest.lib.vmi_ReleasePage(400 + number, 0x52)
    assert guest.lib.free_pages() == free + 15 * 6
    assert guest.machine.refusals == []
