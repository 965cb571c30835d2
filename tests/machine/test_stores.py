"""Stores to data go the short way, and none to what is code, by whichever address, goes unseen."""

from __future__ import annotations

import platform
import struct
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.machine.rig import CODE, machine
from vmirom.machine.engine import Halted
from vmirom.machine.memory import Memory
from vmirom.machine.unicorn import UnicornEngine, stores

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64",
    reason="elsewhere stores go unicorn's way",
)
HLT = b"\xf4"
TOLD = 0x20000
"""Where the guest keeps what its calls return."""
FRAME = 0x30000
TABLES = 0x10000
ALIASES = (0x30000, 0x40000, 0x41000, 0x42000)
"""Of FRAME; the last but one is not to be executed, the last not to be written."""
WRITABLE, EXECUTABLE = ALIASES[:3], (*ALIASES[:2], ALIASES[3])
P_RW, RW, NX = 3, 2, 1 << 63
NXE, PAE, PG_WP = 1 << 11, 1 << 5, 0x80010001
ROUTINE = struct.pack("<BIB", 0xB8, 0, 0xC3)
"""mov $value, %eax; ret"""


def loop(count: int, body: bytes) -> bytes:
    """mov $count,%ecx; 1: body; loop 1b; hlt"""
    return b"\xb9" + struct.pack("<I", count) + body + b"\xe2" + struct.pack("b", -len(body) - 2) + HLT


def store(at: int, value: int) -> bytes:
    """movl $value, at"""
    return b"\xc7\x05" + struct.pack("<II", at, value)


def forgotten(*frames: int) -> None:
    """As in a process in which no engine has ever run code there."""
    for frame in frames:
        stores._notes[8 + (frame >> 12)] = 0


def paged(engine: UnicornEngine) -> None:
    """PAE tables: the first 2 MiB one to one, but for the aliases."""
    memory: Memory = engine.memory
    memory.put64(TABLES, TABLES + 0x1000 | 1)
    memory.put64(TABLES + 0x1000, TABLES + 0x2000 | P_RW)
    for page in range(512):
        memory.put64(TABLES + 0x2000 + 8 * page, page << 12 | P_RW)
    for alias, flags in zip(ALIASES, (P_RW, P_RW, P_RW | NX, P_RW & ~RW), strict=True):
        memory.put64(TABLES + 0x2000 + 8 * (alias >> 12), FRAME | flags)
    engine.efer, engine.cr3, engine.cr4, engine.cr0 = NXE, TABLES, PAE, PG_WP


@pytest.mark.parametrize("paging", [False, True])
def test_stores_to_data_go_the_short_way(paging: bool) -> None:
    """A thousand of them, in a page that might be executed: the first is looked at, and a few of others."""
    with machine(loop(1000, store(FRAME, 5) + store(TOLD, 6))) as engine:
        if paging:
            paged(engine)
        forgotten(FRAME, TOLD)
        before = stores.long_stores()
        assert engine.run() == Halted()
        assert stores.long_stores() - before < 10
        assert (engine.memory.u32(FRAME), engine.memory.u32(TOLD)) == (5, 6)


def test_stores_beside_code_are_looked_at() -> None:
    with machine(loop(100, store(CODE + 0x800, 5))) as engine:
        before = stores.long_stores()
        assert engine.run() == Halted()
        assert stores.long_stores() - before >= 99


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(WRITABLE), st.integers(0, (1 << 32) - 1)),
        st.tuples(st.sampled_from(EXECUTABLE), st.none()),
    ),
    min_size=1,
    max_size=24,
)


@settings(max_examples=60)
@given(OPERATIONS)
def test_code_that_was_stored_by_any_address_is_what_runs(operations: list[tuple[int, int | None]]) -> None:
    """A routine that returns a number is written through one mapping of its page and called through another:
    each call returns the number that was written last."""
    code, number, wanted = b"", 0, []
    for at, value in operations:
        if value is not None:
            code += store(at + 1, value)
            number = value
        else:
            code += b"\xe8" + struct.pack("<i", at - (CODE + len(code) + 5))
            code += b"\xa3" + struct.pack("<I", TOLD + 4 * len(wanted))  # mov %eax, TOLD
            wanted.append(number)
    with machine(code + HLT) as engine:
        paged(engine)
        engine.memory.write(FRAME, ROUTINE)
        forgotten(FRAME, TOLD)
        assert engine.run() == Halted()
        assert [engine.memory.u32(TOLD + 4 * n) for n in range(len(wanted))] == wanted


def test_another_build_of_unicorn_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(stores, "_FETCH", b"\0\0another\0\0")
        assert not stores.short_stores.__wrapped__()
    with monkeypatch.context() as patch:
        patch.setattr(stores, "_works", lambda: False)
        assert not stores.short_stores.__wrapped__()
    assert stores.short_stores.__wrapped__()
