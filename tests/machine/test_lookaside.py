"""What is remembered of a page walk never says anything that a walk of now would not say."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from vmirom.machine.lookaside import Lookaside
from vmirom.machine.memory import Memory
from vmirom.machine.paging import Access, Mode, PageFault, mark, walk

SIZE = 1 << 20
ROOT, DIRECTORY, TABLE, OTHER_TABLE = 0x10000, 0x11000, 0x12000, 0x13000
PAE = Mode.of(0x80010000, 0x20, 0x800)
PAE_WITHOUT_NX = Mode.of(0x80010000, 0x20, 0)
TWO_LEVEL = Mode.of(0x80010000, 0x10, 0)
NX = 1 << 63
GVAS = (0x400000, 0x400FFC, 0x401000)

ENTRIES = st.sampled_from([0, 1, 3, 5, 7, 0x67, 7 | NX])
PLACES = st.sampled_from(
    [(ROOT, 0), (DIRECTORY, 2), (DIRECTORY, 1), (TABLE, 0), (TABLE, 1), (OTHER_TABLE, 0)]
)
FRAMES = st.sampled_from([DIRECTORY, TABLE, OTHER_TABLE, 0x20000, 0x21000, SIZE - 0x1000, SIZE])
STORES = st.tuples(PLACES, FRAMES, ENTRIES)
MODES = st.sampled_from([PAE, PAE_WITHOUT_NX, TWO_LEVEL])


def tables(memory: Memory, mode: Mode) -> None:
    """GVAS mapped, one page each."""
    if mode.pae:
        memory.put64(ROOT, DIRECTORY | 1)
        memory.put64(DIRECTORY + 8 * 2, TABLE | 7)
        for page in range(2):
            memory.put64(TABLE + 8 * page, 0x20000 + 0x1000 * page | 7)
    else:
        memory.put32(ROOT + 4, TABLE | 7)
        for page in range(2):
            memory.put32(TABLE + 4 * page, 0x20000 + 0x1000 * page | 7)


def store(memory: Memory, mode: Mode, place: tuple[int, int], entry: int) -> None:
    table, index = place
    if mode.pae:
        memory.put64(table + 8 * index, entry)
    else:
        memory.put32(table + 4 * index, entry & 0xFFFFFFFF)


@given(st.lists(st.one_of(STORES, STORES, MODES), min_size=1, max_size=12))
def test_it_finds_what_a_walk_finds_or_nothing(steps: list[Any]) -> None:
    memory = Memory(SIZE)
    known = Lookaside(memory)
    mode = PAE
    tables(memory, mode)
    known.use(ROOT, mode)
    for step in (mode, *steps):
        if isinstance(step, Mode):
            mode = step
            tables(memory, mode)
            known.use(ROOT, mode)
        else:
            place, frame, flags = step
            store(memory, mode, place, frame | flags)
        for gva, write, user in itertools.product(GVAS, (False, True), (False, True)):
            found = walk(memory, ROOT, mode, gva, Access.WRITE if write else Access.READ, user)
            remembered = known.find(gva, write, user)
            if isinstance(found, PageFault):
                assert remembered is None
                continue
            assert remembered in (None, found.gpa)
            before = bytes(memory.raw[ROOT : OTHER_TABLE + 0x1000])
            mark(memory, found, write)
            if remembered is not None:
                assert memory.raw[ROOT : OTHER_TABLE + 0x1000] == before, "its bits were set already"
            known.learn(gva, found, write, user)


def test_what_was_walked_is_found_again_until_an_entry_changes() -> None:
    memory = Memory(SIZE)
    tables(memory, PAE)
    known = Lookaside(memory)
    known.use(ROOT, PAE)
    found = walk(memory, ROOT, PAE, 0x400010, Access.WRITE, False)
    assert not isinstance(found, PageFault)
    mark(memory, found, True)
    known.learn(0x400010, found, True, False)
    assert known.find(0x400024, True, False) == 0x20024
    assert known.find(0x400024, False, False) is None, "each kind of access is walked once"
    for place in (ROOT, DIRECTORY + 16, TABLE):
        entry = memory.u64(place)
        memory.put64(place, entry ^ 2)
        assert known.find(0x400024, True, False) is None
        memory.put64(place, entry)
        assert known.find(0x400024, True, False) == 0x20024


def test_address_spaces_and_modes_are_kept_apart() -> None:
    memory = Memory(SIZE)
    tables(memory, PAE)
    known = Lookaside(memory)
    known.use(ROOT, PAE)
    found = walk(memory, ROOT, PAE, 0x400000, Access.READ, False)
    assert not isinstance(found, PageFault)
    mark(memory, found, False)
    known.learn(0x400000, found, False, False)
    known.use(0x14000, PAE)
    assert known.find(0x400000, False, False) is None
    known.use(ROOT, PAE)
    assert known.find(0x400000, False, False) == 0x20000
    known.use(ROOT, TWO_LEVEL)
    assert known.find(0x400000, False, False) is None


def test_pages_outside_memory_are_not_kept() -> None:
    memory = Memory(SIZE)
    tables(memory, PAE)
    memory.put64(TABLE, SIZE | 0x67)
    known = Lookaside(memory)
    known.use(ROOT, PAE)
    found = walk(memory, ROOT, PAE, 0x400000, Access.READ, False)
    assert not isinstance(found, PageFault) and found.gpa == SIZE
    known.learn(0x400000, found, False, False)
    assert known.find(0x400000, False, False) is None
