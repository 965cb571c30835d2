"""Page walks, compared with what unicorn's processor does on the same tables."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.effort import examples
from tests.machine.rig import CODE, STACK, code_segment, data_segment
from vmirom.machine.engine import Stray, Trap
from vmirom.machine.memory import BadAddress, Memory
from vmirom.machine.paging import Access, Mode, PageFault, read_virtual, translate, walk, write_virtual
from vmirom.machine.unicorn import UnicornEngine

SIZE = 8 << 20
ROOT, PD0, PD1, PT0, PT1 = 0x10000, 0x11000, 0x12000, 0x13000, 0x14000
GVA = 0x40123004
DONE = b"\xcd\x77"  # int $0x77
NX = 1 << 63

FLAGS = st.sampled_from([0, 1, 3, 5, 7, 7, 7, 0x67, 0x27, 0x87, 0xE7, 0x107])
FRAMES = st.sampled_from([0x200000, 0x3FF000, 0x400000, 0x600000, 0x7FF000, 0x800000, 0x12345000])
HIGH = st.sampled_from([0, 0, 0, 0, NX, NX, 1 << 52, 1 << 40, 1 << 39, 1 << 62])


@pytest.fixture(scope="module")
def engine() -> Iterator[UnicornEngine]:
    engine = UnicornEngine(Memory(SIZE))
    for frame in range(0x20000, SIZE, 0x1000):
        engine.memory.put32(frame + 4, 0x77CD | frame << 4)  # what GVA's page holds: DONE, and which page
    yield engine
    engine.close()


def attempt(engine: UnicornEngine, access: Access, user: bool) -> Trap | Stray:
    ring = 3 if user else 0
    code = {
        Access.READ: b"\xa1" + GVA.to_bytes(4, "little") + DONE,
        Access.WRITE: b"\xc6\x05" + (GVA + 2).to_bytes(4, "little") + b"\x55" + DONE,
        Access.EXECUTE: b"",
    }[access]
    engine.memory.write(CODE, code)
    eip = GVA if access == Access.EXECUTE else CODE
    engine.enter(code_segment(ring), data_segment(ring), STACK, eip)
    found = engine.run(time.monotonic_ns() + 1_000_000_000)
    assert isinstance(found, (Trap, Stray))
    return found


def compare(engine: UnicornEngine, access: Access, user: bool) -> None:
    mode = Mode.of(engine.cr0, engine.cr4, engine.efer)
    expected = translate(engine.memory, engine.cr3, mode, GVA, access, user)
    found = attempt(engine, access, user)
    if isinstance(expected, PageFault):
        assert found == Trap(14, expected.error)
        assert engine.cr2 & ~3 == expected.gva == GVA
    elif expected >= SIZE:
        assert isinstance(found, Stray)
        assert found.gpa & ~3 == expected
    else:
        assert found == Trap(0x77, None, soft=True)
        if access == Access.READ:
            assert engine.eax == engine.memory.u32(expected)
        if access == Access.WRITE:
            assert engine.memory.read(expected + 2, 1) == b"\x55"
            engine.memory.write(expected + 2, b"\0")


@examples(150)
@given(
    pde_flags=FLAGS,
    pte_flags=FLAGS,
    frame=FRAMES,
    pse=st.booleans(),
    wp=st.booleans(),
    access=st.sampled_from(Access),
    user=st.booleans(),
)
def test_two_levels_as_the_processor(
    engine: UnicornEngine,
    pde_flags: int,
    pte_flags: int,
    frame: int,
    pse: bool,
    wp: bool,
    access: Access,
    user: bool,
) -> None:
    memory = engine.memory
    engine.cr0 = 0x11
    memory.put32(ROOT, PT0 | 7)
    for i in range(1024):
        memory.put32(PT0 + 4 * i, i << 12 | 7)
    large = pde_flags & 0x80 and pse
    memory.put32(ROOT + 4 * (GVA >> 22), (frame & 0xFFC00000 if large else PT1) | pde_flags)
    memory.put32(PT1 + 4 * (GVA >> 12 & 0x3FF), frame | pte_flags)
    engine.efer = 0
    engine.cr4 = 0x10 if pse else 0
    engine.cr3 = ROOT
    engine.cr0 = 0x80000011 | (0x10000 if wp else 0)
    compare(engine, access, user)


@examples(250)
@given(
    pdpte=st.sampled_from([0, 1, 1, 1, 1, 1, 1 | 1 << 52, 1 | NX, 1 | 1 << 41]),
    pde_flags=FLAGS,
    pde_high=HIGH,
    pte_flags=FLAGS,
    pte_high=HIGH,
    frame=FRAMES,
    nx=st.booleans(),
    wp=st.booleans(),
    access=st.sampled_from(Access),
    user=st.booleans(),
)
def test_pae_as_the_processor(
    engine: UnicornEngine,
    pdpte: int,
    pde_flags: int,
    pde_high: int,
    pte_flags: int,
    pte_high: int,
    frame: int,
    nx: bool,
    wp: bool,
    access: Access,
    user: bool,
) -> None:
    memory = engine.memory
    engine.cr0 = 0x11
    for i in range(4):
        memory.put64(ROOT + 8 * i, 0)
    memory.put64(ROOT, PD0 | 1)
    memory.put64(PD0, PT0 | 7)
    for i in range(512):
        memory.put64(PT0 + 8 * i, i << 12 | 7)
    memory.put64(ROOT + 8, PD1 | pdpte)
    large = pde_flags & 0x80
    memory.put64(PD1 + 8 * (GVA >> 21 & 0x1FF), (frame & ~0x1FFFFF if large else PT1) | pde_flags | pde_high)
    memory.put64(PT1 + 8 * (GVA >> 12 & 0x1FF), frame | pte_flags | pte_high)
    engine.efer = 0x800 if nx else 0
    engine.cr4 = 0x20
    engine.cr3 = ROOT
    engine.cr0 = 0x80000011 | (0x10000 if wp else 0)
    compare(engine, access, user)


def test_no_paging_is_the_identity() -> None:
    memory = Memory(0x2000)
    assert translate(memory, 0, Mode(paging=False), 0xFFFFF123, Access.WRITE, True) == 0xFFFFF123


def test_tables_outside_memory_are_not_present() -> None:
    memory = Memory(0x2000)
    for pae in (False, True):
        mode = Mode(paging=True, pae=pae)
        assert translate(memory, 0x7FFFF000, mode, 0x1234, Access.READ, False) == PageFault(0x1234, 0)


def two_pages(second: int) -> Memory:
    """2-level tables at 0x1000: gva 0 to frame 3, gva 0x1000 to ``second``."""
    memory = Memory(0x8000)
    memory.put32(0x1000, 0x2007)
    memory.put32(0x2000, 0x3007)
    memory.put32(0x2004, second)
    return memory


def test_reads_and_writes_cross_pages_and_mark_them() -> None:
    memory = two_pages(0x5007)
    mode = Mode(paging=True)
    assert write_virtual(memory, 0x1000, mode, 0xFFE, b"abcd") is None
    assert memory.read(0x3FFE, 2) + memory.read(0x5000, 2) == b"abcd"
    assert read_virtual(memory, 0x1000, mode, 0xFFE, 4) == b"abcd"
    assert memory.u32(0x2000) == 0x3067
    assert memory.u32(0x2004) == 0x5067
    assert memory.u32(0x1000) == 0x2027


def test_a_write_that_faults_halfway_writes_nothing() -> None:
    memory = two_pages(0x5005)
    mode = Mode(paging=True)
    assert write_virtual(memory, 0x1000, mode, 0xFFE, b"abcd") == PageFault(0x1000, 3)
    assert memory.read(0x3FFE, 2) == bytes(2)
    assert memory.u32(0x2000) == 0x3007, "nothing is marked either"
    outside = two_pages(0x99000 | 7)
    with pytest.raises(BadAddress):
        write_virtual(outside, 0x1000, mode, 0xFFE, b"abcd")
    assert outside.read(0x3FFE, 2) == bytes(2)


def test_walk_tells_rights_and_length() -> None:
    found = walk(two_pages(0x5005), 0x1000, Mode(paging=True), 0x1010, Access.READ, True)
    assert not isinstance(found, PageFault)
    assert (found.gpa, found.length, found.writable, found.user) == (0x5010, 0xFF0, False, True)
    assert found.entries == (0x1000, 0x2004)
