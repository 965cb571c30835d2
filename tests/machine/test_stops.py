"""A stop from another thread is taken between two instructions, so that each is executed once."""

from __future__ import annotations

import platform
import struct
import sys
import threading
from pathlib import Path

import pytest

from tests.effort import share
from tests.machine.rig import CODE, machine
from vmirom.machine.engine import Halted, Preempted
from vmirom.machine.unicorn import UnicornEngine, boundaries, library, linkage
from vmirom.machine.unicorn.boundaries import stop_at_boundaries
from vmirom.machine.unicorn.calibration import Probe

pytestmark = [
    pytest.mark.sampled,
    pytest.mark.skipif(
        sys.platform != "linux" or platform.machine() != "x86_64",
        reason="elsewhere stops are taken as unicorn takes them",
    ),
]
HLT = b"\xf4"
KICKS = share(400)
WORD, OTHER, END, FUNCTION = 0x6000, 0x6004, 0x6100, 0x7000
FROM, TO, LENGTH = 0x20000, 0x60000, 0x8000


def operand(at: int) -> bytes:
    return struct.pack("<I", at)


def looped(body: bytes) -> bytes:
    """1: body; inc %ebp; cmpl $0,END; je 1b; hlt"""
    loop = body + b"\x45\x83\x3d" + operand(END) + b"\0"
    return loop + b"\x0f\x84" + struct.pack("<i", -(len(loop) + 6)) + HLT


def rounds(engine: UnicornEngine) -> int:
    """Run while another thread stops the engine KICKS times, each time as soon as it runs again, then let the
    guest's loop end; how often it went round, which no store and so no stop can change."""
    again = threading.Semaphore(0)

    def kick() -> None:
        for _ in range(KICKS):
            again.acquire()
            engine.kick()

    thread = threading.Thread(target=kick, daemon=True)
    thread.start()
    for _ in range(KICKS):
        again.release()
        assert engine.run() == Preempted()
    thread.join()
    engine.memory.put32(END, 1)
    assert engine.run() == Halted()
    assert engine.ebp > 0
    return engine.ebp


INCREMENTS = {
    "inc": b"\xff\x05" + operand(WORD),
    "lock inc": b"\xf0\xff\x05" + operand(WORD),
    "add": b"\x83\x05" + operand(WORD) + b"\x01",
    "lock xadd": b"\xb8\x01\0\0\0\xf0\x0f\xc1\x05" + operand(WORD),
    "byte and carry": b"\x80\x05" + operand(WORD) + b"\x01\x66\x83\x15" + operand(WORD + 1) + b"\0",
    "behind another store": b"\xa3" + operand(OTHER) + b"\xff\x05" + operand(WORD) + b"\xa3" + operand(OTHER),
    "call through memory": b"\xff\x15" + operand(OTHER),
}


@pytest.mark.parametrize("live", [True, False], ids=["in place", "context"])
@pytest.mark.parametrize("body", INCREMENTS.values(), ids=list(INCREMENTS))
def test_memory_is_counted_up_once(body: bytes, live: bool) -> None:
    with machine(looped(body), live=live) as engine:
        memory = engine.memory
        if body[:2] == b"\xff\x15":
            memory.put32(OTHER, FUNCTION)
            memory.write(FUNCTION, INCREMENTS["inc"] + b"\xc3")
        stack = engine.esp
        made = rounds(engine)
        assert (memory.u32(WORD) & 0xFFFFFF, engine.esp) == (made & 0xFFFFFF, stack)


def test_an_exchange_gives_what_was_there() -> None:
    """xchg %eax,WORD; inc %eax: two numbers that go up in turn, the larger one the number of turns."""
    with machine(looped(b"\x87\x05" + operand(WORD) + b"\x40")) as engine:
        engine.eax = 1 << 30
        made = rounds(engine)
        assert engine.eax + engine.memory.u32(WORD) == (1 << 30) + made


def test_a_spinlock_is_got() -> None:
    """Taken by XCHG and given back, over and over: a repeated XCHG finds it taken, by itself."""
    take = b"\xb8\x01\0\0\0" + b"\x87\x05" + operand(WORD) + b"\x01\x05" + operand(OTHER)
    give = b"\xc7\x05" + operand(WORD) + operand(0)
    with machine(looped(take + give)) as engine:
        rounds(engine)
        assert (engine.memory.u32(WORD), engine.memory.u32(OTHER)) == (0, 0)


def test_pushes_and_pops_keep_the_stack() -> None:
    """inc %eax; push %eax; pushl 0(%esp); pop %ebx; pop WORD; add %ebx,%edx"""
    body = b"\x40\x50\xff\x34\x24\x5b\x8f\x05" + operand(WORD) + b"\x01\xda"
    with machine(looped(body)) as engine:
        stack = engine.esp
        made = rounds(engine)
        assert (engine.esp, engine.eax, engine.memory.u32(WORD)) == (stack, made, made)
        assert engine.edx == made * (made + 1) // 2 & 0xFFFFFFFF


@pytest.mark.parametrize("code", ["aa", "f3aa", "f3a4", "f3a5"], ids=["stosb", "rep stosb", "movsb", "movsd"])
def test_string_instructions_go_on_where_they_were(code: str) -> None:
    """Many rounds over the same memory, each of LENGTH bytes, with ESI and EDI counted on."""
    width = 4 if code == "f3a5" else 1
    instruction = bytes.fromhex(code)
    each = instruction if code != "aa" else b"\xaa\xe2\xfd"  # stosb; loop .-1
    body = (
        b"\xbe" + operand(FROM) + b"\xbf" + operand(TO) + b"\xb9" + operand(LENGTH // width) + each
        + b"\x01\x3d" + operand(WORD)  # add %edi,WORD
        + b"\x29\x0d" + operand(OTHER)  # sub %ecx,OTHER
    )  # fmt: skip
    with machine(looped(body)) as engine:
        memory = engine.memory
        memory.write(FROM, bytes(range(251)) * (LENGTH // 251) + bytes(LENGTH % 251))
        engine.eax = 0xA5
        made = rounds(engine)
        assert (engine.edi, engine.ecx) == (TO + LENGTH, 0)
        assert memory.u32(WORD) == made * (TO + LENGTH) & 0xFFFFFFFF
        assert memory.u32(OTHER) == 0
        expected = memory.read(FROM, LENGTH) if "a4" in code or "a5" in code else b"\xa5" * LENGTH
        assert memory.read(TO, LENGTH) == expected
        assert memory.read(TO + LENGTH, 4) == bytes(4)


def test_one_long_step_is_stopped_in_bounded_time() -> None:
    """A REP of 2^32 - 1 steps that has no end to speak of, and a jump to itself."""
    for code in (b"\xf3\xac", b"\xeb\xfe"):  # rep lodsb
        with machine(code + HLT) as engine:
            engine.ecx, engine.esi = 0xFFFFFFFF, FROM
            engine.open_bus(1 << 20, 1 << 30)
            begun = False
            while not begun:  # a kick may be there before the run
                threading.Timer(0.01, engine.kick).start()
                assert engine.run() == Preempted()
                assert engine.eip == CODE
                assert engine.esi - FROM == 0xFFFFFFFF - engine.ecx
                begun = engine.esi > FROM or code != b"\xf3\xac"


def test_a_stop_from_a_store_waits_for_the_end_of_its_block() -> None:
    """What the others show by chance: a stop that is asked for at a store is taken behind the block."""
    assert stop_at_boundaries()
    u, x = library.constants("unicorn_const"), library.constants("x86_const")
    increment = b"\xff\x05\0\x30\0\0"
    probe = Probe(increment * 3 + b"\xeb\0" + increment + HLT)
    machine = probe.machine
    try:

        def stored(*_: object) -> bool:
            machine.c.uc_emu_stop(machine.handle)
            return True

        machine.hook(u.UC_HOOK_MEM_WRITE, library.MEMORY_CALLBACK, stored)
        probe.run()
        assert machine.read_register(x.UC_X86_REG_EIP) == 0x2000 + 3 * len(increment) + 2
        assert probe.ram[0x3000] == 3
    finally:
        probe.close()


@pytest.mark.parametrize("missing", ["the slot", "the library's code", "a page for code", "its effect"])
def test_where_it_can_not_be_had_unicorn_is_left_as_it_is(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise ValueError("another build")

    place = linkage.slot("check_exit_request_x86_64")
    before = place.value
    name, instead = {
        "the slot": ("slot", refuse),
        "the library's code": ("address_of", refuse),
        "a page for code": ("placed", lambda code: None),
        "its effect": ("_works", lambda: False),
    }[missing]
    monkeypatch.setattr(boundaries, name, instead)
    assert not stop_at_boundaries.__wrapped__()
    assert place.value == before
    with pytest.raises(ValueError, match="no symbol"):
        linkage._slot(Path(library.library().c._name), "no_such_function", 0)
