"""The native ROM's timer and IDT code on the host: shots of the PIT, and the shadow table."""

from __future__ import annotations

import functools
import struct
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from tests.rom.pc_model import LINEAR, STATE, STUBS, HostPc, compile_pc
from vmirom.overlays.native import Apic, Pit, Vector
from vmirom.overlays.vmi import Alarm, Eflags, Layout

NEVER: Final = (1 << 64) - 1
TABLE: Final = 0x140000
DTR: Final = 0x160000
SHADOW: Final = STATE + 4096 * int(Layout.STATE_BACKEND)
HANDLERS: Final = 0xC0200000
HALT_START: Final = 0xF8000
HALT_END: Final = 0xF8001
RETURN_FAULTS: Final = (Vector.TS, Vector.NP, Vector.SS, Vector.GP)


@functools.cache
def compiled() -> HostPc:
    return compile_pc("native")


def fresh(khz: int = 2_500_000) -> HostPc:
    """A machine at its start."""
    pc = compiled()
    pc.start(khz)
    return pc


deadlines = st.one_of(st.integers(-(1 << 30), 1 << 30), st.integers(0, 1 << 62), st.just(NEVER))


@given(khz=st.integers(100_000, 6_000_000), now=st.integers(0, 1 << 62), distance=deadlines)
def test_a_shot_ends_neither_early_nor_long_after(khz: int, now: int, distance: int) -> None:
    """Ticks cover the time to the deadline, rounded up by at most two, or are a whole shot."""
    pc = fresh(khz)
    deadline = NEVER if distance == NEVER else max(0, now + distance)
    pc.lib.set_counter(now, 0)
    pc.lib.platform_arm(deadline)
    if deadline == NEVER:
        assert pc.written == []
        return
    (_, _), (first, low), (second, high) = pc.written
    assert first == second == 0x40
    ticks = (low | high << 8) or 65536
    exact = max(0, deadline - now) * int(Pit.HZ) / (khz * 1000)
    assert ticks == 65536 if exact > 65536 else exact <= ticks + 0.001 and ticks <= exact + 2


gates = st.tuples(st.integers(0, 255), st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFFFFFF))


@given(
    limit=st.sampled_from([0, 7, 8 * 0x21 - 1, 8 * 0x80 + 3, 8 * 256 - 1, 0xFFFF]),
    first=st.lists(gates, max_size=8),
    later=st.lists(gates, max_size=8),
    base=st.sampled_from([None, 0x20, 0x30, 0x68, 0xF8]),
    armed=st.booleans(),
)
def test_the_shadow_is_the_guests_table_but_for_the_timer(
    limit: int,
    first: list[tuple[int, int, int]],
    later: list[tuple[int, int, int]],
    base: int | None,
    armed: bool,
) -> None:
    pc = fresh()
    lib, memory = pc.lib, pc.memory
    for vector, low, high in first:
        struct.pack_into("<II", memory, TABLE + 8 * vector, low, high)
    struct.pack_into("<HI", memory, DTR, limit, LINEAR + TABLE)
    lib.vmi_SetIDT(LINEAR + DTR)
    if armed:
        lib.platform_arm(1 << 60)
    if base is not None:
        for value, port in ((0x11, 0x20), (base, 0x21), (4, 0x21), (1, 0x21)):
            lib.native_snoop(value, port)
    for vector, low, high in later:
        lib.vmi_WriteIDTEntry(LINEAR + TABLE, vector, low, high)
        assert memory[TABLE + 8 * vector : TABLE + 8 * vector + 8] == struct.pack("<II", low, high)
    lib.vmi_GetIDT(LINEAR + DTR)
    assert struct.unpack_from("<HI", memory, DTR) == (limit, LINEAR + TABLE)
    assert lib.wild() == lib.interrupts_saved() == 0
    if not armed:
        assert (lib.idt_base(), lib.idt_limit()) == (LINEAR + TABLE, limit)
        return
    assert (lib.idt_base(), lib.idt_limit()) == (LINEAR + SHADOW, min(limit, 8 * 256 - 1))
    for vector in range(256):
        low, high = (
            struct.unpack_from("<II", memory, TABLE + 8 * vector) if 8 * vector + 7 <= limit else (0, 0)
        )
        timer = vector == base if base is not None else vector >= 0x20 and vector % 8 == 0
        assert lib.native_gate(vector) == ((high & 0xFFFF0000 | low & 0xFFFF) if high & 0x8000 else 0)
        if (timer or vector in RETURN_FAULTS) and high & 0x8000:
            stub = STUBS + vector
            low, high = low & 0xFFFF0000 | stub & 0xFFFF, stub & 0xFFFF0000 | high & 0xFFFF
        assert struct.unpack_from("<II", memory, SHADOW + 8 * vector) == (low, high), f"{vector:#x}"


words = st.integers(0, 0xFFFFFFFF)
IRET, AS_USER = 0xF9000, 0xF9008
"""Where pc_host.h has the ROM's IRET, and the way to a handler whose frame is moved."""


@given(
    vector=st.sampled_from(RETURN_FAULTS),
    eip=st.sampled_from([IRET, IRET + 1, 0x1000]),
    cs=st.sampled_from([0x60, 0x61, 0x73]),
    error=words,
    above=st.tuples(words, words, words),
)
def test_a_return_to_the_user_faults_as_the_users(
    vector: int, eip: int, cs: int, error: int, above: tuple[int, int, int]
) -> None:
    """Its own frame is dropped; a fault of anything else goes to the guest's handler as it is."""
    pc = fresh()
    give_gates(pc)
    seen = pc.ffi.new("uint32_t[7]", [error, eip, cs, 2, *above])
    target = pc.lib.fault_of(vector, seen)
    if (eip, cs) == (IRET, 0x60) and above[1] & 3 == 3 and not above[2] & 1 << 17:
        assert target == AS_USER
        assert list(seen[2:4]) == [HANDLERS + vector, error], "the two words that are left of the frame"
    else:
        assert target == HANDLERS + vector
        assert list(seen[0:4]) == [error, eip, cs, 2]
    assert list(seen[4:7]) == list(above)


SECOND: Final = 8 * 257 - 1
"""Limit of a shadow that is loaded on the second processor."""


@given(
    there=st.booleans(),
    gates=st.lists(gates, max_size=8),
    vectors=st.lists(st.integers(0x20, 0xFF), max_size=3),
)
def test_a_table_of_another_processor_is_not_looked_at_again(
    there: bool, gates: list[tuple[int, int, int]], vectors: list[int]
) -> None:
    """It may be mapped no longer, or be something else by now. Its shadow gets the stubs that are new."""
    pc = fresh()
    lib, memory = pc.lib, pc.memory
    give_gates(pc)
    lib.processors(2)
    lib.set_idt(LINEAR + SHADOW, SECOND)  # what SetInitialAPState gives a processor to start with
    other = TABLE + 0x1000 if there else 0x3FFF_0000
    for vector, low, high in gates:
        struct.pack_into("<II", memory, TABLE + 0x1000 + 8 * vector, low, high)
    struct.pack_into("<HI", memory, DTR, 8 * 256 - 1, (LINEAR + other) & 0xFFFFFFFF)
    lib.vmi_SetIDT(LINEAR + DTR)
    shadow, wild = lib.idt_base() - LINEAR, lib.wild()
    copied = bytes(memory[shadow : shadow + 8 * 256])
    memory[TABLE + 0x1000 : TABLE + 0x1800] = b"\xcc" * 0x800
    lib.set_idt(LINEAR + TABLE, 8 * 256 - 1)
    lib.processors(1)
    lib.platform_arm(1 << 60)
    for vector in vectors:
        lib.native_idt_stub(vector)
    assert lib.wild() == wild
    assert lib.interrupts_saved() == 0
    for vector in range(256):
        low, high = struct.unpack_from("<II", copied, 8 * vector)
        if high & 0x8000 and (vector in vectors or (vector >= 0x20 and vector % 8 == 0)):
            stub = STUBS + vector
            low, high = low & 0xFFFF0000 | stub & 0xFFFF, stub & 0xFFFF0000 | high & 0xFFFF
        assert struct.unpack_from("<II", memory, shadow + 8 * vector) == (low, high), f"{vector:#x}"


def give_gates(pc: HostPc) -> None:
    """A gate for every vector, its handler at HANDLERS + vector."""
    for vector in range(256):
        handler = HANDLERS + vector
        struct.pack_into(
            "<II", pc.memory, TABLE + 8 * vector, 0x600000 | handler & 0xFFFF, handler & 0xFFFF0000 | 0x8E00
        )
    struct.pack_into("<HI", pc.memory, DTR, 8 * 256 - 1, LINEAR + TABLE)
    pc.lib.vmi_SetIDT(LINEAR + DTR)


class Shots:
    """The PIT's first channel: the shots that the ROM asked for, run by hand, and IRQ 0 in the master PIC."""

    def __init__(self, pc: HostPc, khz: int) -> None:
        self.pc, self.khz = pc, khz
        self.bytes: list[int] = []
        self.now = 0
        self.in_service = False
        pc.on_out, pc.on_in = self.out, self.read

    def out(self, port: int, value: int) -> None:
        if port == 0x43:
            self.bytes = []
        elif port == 0x40:
            self.bytes.append(value)
        elif port == 0x20 and value & 0x20:
            self.in_service = False

    def read(self, port: int) -> int:
        return int(self.in_service) if port == 0x20 else 0

    @property
    def waiting(self) -> bool:
        return len(self.bytes) == 2

    def elapse(self, vector: int, eip: int, flags: int) -> tuple[int, int, int]:
        """The shot in the PIT to its end: where the interrupt goes, and the frame's EIP and flags."""
        ticks = (self.bytes[0] | self.bytes[1] << 8) or 65536
        self.bytes = []
        self.now += -(-ticks * self.khz * 1000 // int(Pit.HZ))
        self.pc.lib.set_counter(self.now, 0)
        self.in_service = True
        frame = self.pc.ffi.new("uint32_t[2]", [eip, flags])
        handler = self.pc.lib.timer(vector, 0x60, frame, frame + 1)
        return handler, frame[0], frame[1]


@given(
    khz=st.integers(500_000, 5_000_000),
    ms=st.one_of(st.integers(0, 60), st.integers(0, 1000)),
    told=st.booleans(),
    halted=st.booleans(),
    lvtt=st.booleans(),
)
def test_a_chain_of_shots_ends_at_the_alarm_and_only_there(
    khz: int, ms: int, told: bool, halted: bool, lvtt: bool
) -> None:
    """Before it no handler runs, and a Halt begins anew with interrupts off."""
    pc = fresh(khz)
    give_gates(pc)
    if told:
        for value, port in ((0x11, 0x20), (0x20, 0x21), (4, 0x21), (1, 0x21)):
            pc.lib.native_snoop(value, port)
    shots = Shots(pc, khz)
    expiry = ms * khz
    vector = 0x51 if lvtt else 0x20
    pc.lib.vmi_APICWrite(int(Apic.LVTT), vector)
    wired = int(Alarm.WIRED_LVTT) if lvtt else 0
    pc.lib.vmi_SetAlarm(wired, expiry & 0xFFFFFFFF, expiry >> 32, 0, 0)
    eip, flags = (HALT_END, 0x202) if halted else (0xC0123456, 0x202)
    longest = khz * 1000 * 65536 // int(Pit.HZ)
    for _ in range(2 + expiry // longest):
        assert shots.waiting, "nothing will wake the guest"
        before = shots.now
        handler, eip_after, flags_after = shots.elapse(0x20, eip, flags)
        if handler:
            break
        assert shots.now < expiry, "time passed, and the guest was not told"
        assert not shots.in_service, "an interrupt that the guest never sees is not ended"
        if halted:
            assert (eip_after, flags_after) == (HALT_START, flags & ~int(Eflags.IF))
        else:
            assert (eip_after, flags_after) == (eip, flags)
    assert handler == HANDLERS + vector
    assert (eip_after, flags_after) == (eip, flags)
    assert shots.in_service is not lvtt, "the guest ends IRQ 0, and knows of none with LVTT"
    assert shots.now >= expiry
    assert before <= expiry or before == 0
    assert pc.lib.wild() == pc.lib.interrupts_saved() == 0
