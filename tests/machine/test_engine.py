"""The unicorn engine: exits, registers, rings, and one test for each work-around that unicorn needs."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.machine.rig import (
    CODE,
    FOREVER,
    HALT,
    MS,
    STACK,
    code_segment,
    data_segment,
    descriptor,
    gate,
    identity_2level,
    machine,
    mov,
)
from vmirom.machine.engine import (
    EngineError,
    Halted,
    Preempted,
    Segment,
    SegmentName,
    Stray,
    Trap,
)
from vmirom.machine.memory import Memory
from vmirom.machine.ticker import Stoppable, ticker
from vmirom.machine.unicorn import UnicornEngine, calibration, hostcode, library, scratch

HLT = b"\xf4"
SPIN = b"\xeb\xfe"
MODES = pytest.mark.parametrize("live", [True, False], ids=["in place", "context"])


def soon(ms: float = 1000) -> int:
    return time.monotonic_ns() + int(ms * MS)


@MODES
def test_general_registers_survive_the_way_in_and_out(live: bool) -> None:
    with machine(b"\x40\x41\x42\x43\x45\x46\x47" + HALT, live=live) as engine:  # inc of all but esp
        names = ("eax", "ecx", "edx", "ebx", "ebp", "esi", "edi")
        for i, name in enumerate(names):
            setattr(engine, name, 0x11110000 * (i + 1) & 0xFFFFFFFF)
        assert engine.run(soon()) == Halted()
        assert [getattr(engine, name) for name in names] == [
            (0x11110000 * (i + 1) & 0xFFFFFFFF) + 1 for i in range(7)
        ]
        assert engine.esp == STACK
        assert engine.eip == CODE + 8


@MODES
def test_arithmetic_flags_are_exact(live: bool) -> None:
    with machine(mov(0, 1) + b"\x48" + b"\xf9" + HALT, live=live) as engine:  # dec to zero, stc
        engine.eflags = 0x202
        engine.run(soon())
        assert engine.eflags & 0x8D5 == 0x45  # ZF PF CF
        assert engine.eflags & 0x200
        engine.eflags = 0x2 | 0x800 | 0x400
        assert engine.eflags & 0xFFF == 0xC02


@MODES
def test_int_is_soft_with_eip_behind_it(live: bool) -> None:
    with machine(b"\xcd\x80\xcc\xcd\x0e\xcd\x06\x0f\x0b" + HALT, live=live) as engine:
        assert engine.run(soon()) == Trap(0x80, None, soft=True)
        assert engine.eip == CODE + 2
        assert engine.run(soon()) == Trap(3, None, soft=True)
        assert engine.run(soon()) == Trap(14, None, soft=True)  # INT 14 is no page fault
        assert engine.run(soon()) == Trap(6, None, soft=True)  # nor is INT 6 an undefined instruction
        assert engine.run(soon()) == Trap(6)
        engine.eip += 2
        assert engine.run(soon()) == Halted()


@MODES
def test_the_same_fault_for_ever_never_becomes_a_double_fault(live: bool) -> None:
    with machine(b"\x8e\xd8", live=live) as engine:
        for selector in (0x7318, 0x2BE8, 0x6650, 0x7318, 0x7318):
            engine.eax = selector
            assert engine.run(soon()) == Trap(13, selector)
            assert engine.eip == CODE


@MODES
def test_undefined_opcodes_and_hypercalls_are_vector_6(live: bool) -> None:
    for opcode in (b"\x0f\x0b", b"\x0f\x01\xc1", b"\x0f\x01\xd9", b"\x0f\x34", b"\x0f\x05"):
        with machine(b"\x90" + opcode + HALT, live=live) as engine:
            for _ in range(3):
                assert engine.run(soon()) == Trap(6), opcode.hex()
                assert engine.eip == CODE + 1
            engine.eip += len(opcode)
            assert engine.run(soon()) == Halted()


@MODES
@pytest.mark.parametrize("ring", [1, 3])
@pytest.mark.parametrize(
    "opcode", ["fa", "fb", "f4", "0f22d8", "0f20c0", "0f06", "0f0138", "0f30", "0f32", "0f00d8"]
)
def test_privileged_instructions_trap_outside_ring_0(live: bool, ring: int, opcode: str) -> None:
    with machine(b"\x90" + bytes.fromhex(opcode), ring=ring, live=live) as engine:
        assert engine.run(soon()) == Trap(13, 0)
        assert (engine.cpl, engine.eip) == (ring, CODE + 1)


@MODES
def test_any_ring_can_be_entered_from_any_other(live: bool) -> None:
    with machine(b"\xcd\x20", live=live) as engine:
        for ring in (0, 3, 1, 0, 1, 3, 2, 0):
            engine.enter(code_segment(ring), data_segment(ring), STACK, CODE)
            assert engine.cpl == ring
            assert engine.run(soon()) == Trap(0x20, None, soft=True)
            assert engine.cpl == ring
            assert engine.segment(SegmentName.CS).selector & 3 == ring


@MODES
def test_ss_sets_cpl_and_bases_are_honoured(live: bool) -> None:
    with machine(b"\xa1\x10\0\0\0" + HALT, live=live) as engine:
        engine.memory.put32(0x5010, 0xCAFE)
        base = Segment(0x50, 0x5000, 0xFFFF, 0x0040F300)
        engine.set_segment(SegmentName.DS, base)
        assert engine.segment(SegmentName.DS) == base
        assert engine.run(soon()) == Halted()
        assert engine.eax == 0xCAFE
        engine.set_segment(SegmentName.SS, data_segment(3))
        assert engine.cpl == 3


def test_system_registers() -> None:
    with machine(HLT) as engine:
        engine.gdtr, engine.idtr = (0x2000, 0x7F), (0x3000, 0x7FF)
        assert (engine.gdtr, engine.idtr) == ((0x2000, 0x7F), (0x3000, 0x7FF))
        engine.cr2 = 0xDEAD0000
        engine.efer = 0x800
        engine.cr4 = 0x20
        assert (engine.cr2, engine.cr4, engine.efer) == (0xDEAD0000, 0x20, 0x800)
        ldt = Segment(0x88, 0x4000, 0x1F, 0x8200)
        engine.set_local_table(ldt)
        assert engine.local_table() == ldt
        assert engine.task_register().attributes & 0x0F00 == 0x0900


@MODES
def test_host_writes_reach_code_that_has_run(live: bool) -> None:
    with machine(mov(0, 1) + HALT, live=live) as engine:
        engine.run(soon())
        engine.memory.write(CODE + 1, b"\x02")
        engine.eip = CODE
        engine.run(soon())
        assert engine.eax == 2


def test_host_writes_reach_code_in_split_memory_and_through_an_alias() -> None:
    with machine(HLT, size=4 << 20) as engine:
        engine.unmap(0xA0000, 0x20000)
        engine.protect(0xC0000, 0x8000)
        memory = engine.memory
        engine.cr3 = identity_2level(memory)
        memory.put32(0x10000 + 4 * 0x300, memory.u32(0x10000))  # 0xC0000000 too
        engine.cr0 |= 0x80000000
        for gpa in (0x9F000, 0xC0000, 0xC7000, 0x110000, 0x3FF000):
            for value in (1, 2, 3):
                memory.write(gpa, mov(0, value) + HLT)
                engine.eip = 0xC0000000 + gpa
                assert engine.run(soon()) == Halted()
                assert engine.eax == value, hex(gpa)


def test_page_table_changes_need_a_flush_and_get_it() -> None:
    with machine(b"\xa1\x00\x40\0\0" + HLT, size=4 << 20) as engine:
        memory = engine.memory
        engine.cr3 = identity_2level(memory)
        engine.cr0 |= 0x80000000
        memory.put32(0x4000, 4)
        memory.put32(0x5000, 5)
        engine.run(soon())
        memory.put32(0x11000 + 4 * 4, 0x5007)
        engine.flush_tlb()
        engine.eip = CODE
        engine.run(soon())
        assert engine.eax == 5
        memory.put32(0x11000 + 4 * 4, 0x4007)
        engine.cr3 = 0x10000
        engine.eip = CODE
        engine.run(soon())
        assert engine.eax == 4


@MODES
def test_strays_name_the_physical_address(live: bool) -> None:
    with machine(b"\xa1\0\0\0\x20", live=live) as engine:
        assert engine.run(soon()) == Stray(0x20000000, write=False)
        assert engine.eip == CODE
        engine.memory.write(CODE, b"\x90\xa3\0\0\0\x20")
        assert engine.run(soon()) == Stray(0x20000000, write=True)
        assert engine.eip == CODE + 1
        engine.eip = 0x30000000
        assert engine.run(soon()) == Stray(0x30000000, write=False, fetch=True)
        engine.protect(0x4000, 0x1000)
        engine.memory.write(CODE, b"\xa3\x04\x40\0\0")
        engine.eip = CODE
        assert engine.run(soon()) == Stray(0x4004, write=True, read_only=True)
        assert engine.memory.u32(0x4004) == 0
        engine.unmap(0x5000, 0x2000)
        engine.memory.write(CODE, b"\xa1\xfc\x5f\0\0")
        engine.eip = CODE
        assert engine.run(soon()) == Stray(0x5FFC, write=False)


def test_an_open_bus_reads_ones_and_forgets() -> None:
    store = b"\xc7\x05\0\x60\0\0\x01\0\0\0"
    with machine(store + b"\xa1\0\x60\0\0\x66\x8b\x1d\0\0\0\x80" + HLT) as engine:
        engine.unmap(0x6000, 0x1000)
        engine.open_bus(0x6000, 0x1000)
        engine.open_bus(0x100000, (1 << 32) - 0x100000)
        assert engine.run(soon()) == Halted()
        assert (engine.eax, engine.ebx) == (0xFFFFFFFF, 0xFFFF)
        engine.eip = 0x200000
        assert engine.run(soon()) == Stray(0x200000, write=False, fetch=True)


# stopping


@MODES
def test_a_deadline_ends_a_spin(live: bool) -> None:
    with machine(SPIN, live=live) as engine:
        for ms in (0, 1, 5, 30):
            start = time.monotonic_ns()
            assert engine.run(start + ms * MS) == Preempted()
            late = time.monotonic_ns() - start - ms * MS
            assert 0 <= late < FOREVER * 1000 * MS
        assert engine.eip == CODE


def test_no_stop_is_ever_lost() -> None:
    """A stop that comes while the run is starting must still work: kick at every phase of a start."""
    with machine(SPIN) as engine:
        for delay in range(60):
            thread = threading.Timer(delay * 20e-6, engine.kick)
            thread.start()
            start = time.monotonic()
            assert engine.run() == Preempted()
            assert time.monotonic() - start < FOREVER
            thread.join()


@MODES
def test_a_stop_in_the_moment_of_a_halt_leaves_the_guest_halted(
    live: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, or at its next HLT where the stop can't be told from what wakes it."""
    with machine(HALT, live=live) as engine:
        stops, left = [True], ticker.leave

        def leave(running: Stoppable) -> None:
            engine._stopped = bool(stops and stops.pop())
            left(running)

        monkeypatch.setattr(ticker, "leave", leave)
        assert engine.run(soon()) == Halted()
        assert (engine.eip, stops) == (CODE + 1, [])


@MODES
def test_a_stop_is_no_halt_even_behind_a_byte_f4(live: bool) -> None:
    code = mov(3, 0xF4F4F4F4) + SPIN  # the spin stands behind the bytes f4 f4 f4 f4
    with machine(code, live=live) as engine:
        for _ in range(10):
            assert engine.run(soon(1)) == Preempted()


def test_ctrl_c_is_prompt() -> None:
    with machine(SPIN) as engine:
        timer = threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGINT))
        timer.start()
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            engine.run(soon(60_000))
        assert time.monotonic() - start < FOREVER
        timer.join()
        assert engine.run(soon(1)) == Preempted()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc to see memory")
def test_many_engines_leave_neither_threads_nor_memory() -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    for _ in range(4):
        with machine(SPIN) as engine:
            engine.run(soon(1))
    before, threads = resident(), threading.active_count()
    for _ in range(30):
        with machine(SPIN) as engine:
            engine.run(soon(1))
    assert resident() - before < 24 << 20
    assert threading.active_count() <= threads + 1
    deadline = time.monotonic() + 5
    while any(t.name == "vmirom-ticker" for t in threading.enumerate()):
        assert time.monotonic() < deadline, "the ticker outlives its engines"
        time.sleep(0.05)


def test_a_closed_engine_says_so() -> None:
    engine = UnicornEngine(Memory(0x10000))
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        engine.run()


# surroundings


def test_an_unknown_build_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "_layout", None)
    monkeypatch.setattr(calibration, "_SELECTORS", (0, 0, 0))  # what no image can tell apart
    with pytest.raises(EngineError, match=r"unknown build|vector"):
        calibration.calibrate()


def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library.Library, "VERSION", "9.9.9")
    with pytest.raises(EngineError, match=r"not the tested 9\.9\.9"):
        library.Library()


def test_cpuid_can_be_answered_and_hides_what_unicorn_does_not_do() -> None:
    with machine(b"\x0f\xa2" + HLT) as engine:
        engine.run(soon())
        assert engine.ebx == int.from_bytes(b"Genu", "little")
        engine.eip, engine.eax = CODE, 1
        engine.run(soon())
        assert not engine.edx & (1 << 11 | 1 << 9), "SEP and APIC"
        assert engine.edx & 1 << 6, "PAE"
        engine.set_cpuid(lambda leaf, sub: (leaf, 2, sub, 4) if leaf == 0x40000000 else None)
        engine.eip, engine.eax, engine.ecx = CODE, 0x40000000, 7
        engine.run(soon())
        assert (engine.eax, engine.ebx, engine.ecx, engine.edx) == (0x40000000, 2, 7, 4)


def test_tsc_agrees_with_the_guest_and_the_clock() -> None:
    with machine(b"\x0f\x31" + HLT) as engine:
        before = engine.tsc()
        engine.run(soon())
        guest = engine.edx << 32 | engine.eax
        assert before < guest < engine.tsc()
        hz = engine.tsc_hz()
        clock = [time.monotonic_ns()]
        first = engine.tsc()
        clock.append(time.monotonic_ns())
        time.sleep(0.05)
        clock.append(time.monotonic_ns())
        elapsed = (engine.tsc() - first) * 1_000_000_000 // hz
        clock.append(time.monotonic_ns())
        assert (clock[2] - clock[1]) * 0.95 < elapsed < (clock[3] - clock[0]) * 1.05


@contextmanager
def with_an_absent_page(code: bytes, live: bool = True) -> Iterator[tuple[UnicornEngine, Callable[[], None]]]:
    """Page 4 is absent; the second part maps it to a page that holds 5."""
    with machine(code, size=4 << 20, live=live) as engine:
        memory = engine.memory
        engine.cr3 = identity_2level(memory)
        memory.put32(0x11000 + 4 * 4, 0)
        memory.put32(0x5000, 5)
        engine.cr0 |= 0x80000000
        yield engine, lambda: memory.put32(0x11000 + 4 * 4, 0x5007)


@MODES
def test_a_page_fault_can_be_mended_where_it_is_met(live: bool) -> None:
    with with_an_absent_page(b"\xa1\x08\x40\0\0\xa1\x00\x40\0\0" + HLT, live) as (engine, mend):
        asked = []

        def mends(address: int, error: int) -> bool:
            asked.append((address, error, engine.eip))
            mend()
            return True

        engine.set_mender(mends)
        found = engine.run(soon())
        if live:
            assert asked == [(0x4008, 0, CODE)]
        else:
            assert found == Trap(14, 0) and not asked, "where the state is a copy nobody is asked"
            mend()
            found = engine.run(soon())
        assert found == Halted() and engine.eax == 5


def test_faults_that_are_not_mended_come_out_of_the_run() -> None:
    with with_an_absent_page(b"\xc6\x05\x00\x40\0\0\x01" + HLT) as (engine, mend):
        engine.set_mender(lambda address, error: False)
        for _ in range(3):
            assert engine.run(soon()) == Trap(14, 2) and engine.cr2 == 0x4000 and engine.eip == CODE
        mend()
        assert engine.run(soon()) == Halted() and engine.memory.u32(0x5000) == 1


def test_only_page_faults_are_to_be_mended() -> None:
    with with_an_absent_page(b"\xcd\x0e\x0f\x0b") as (engine, _):
        engine.set_mender(lambda address, error: pytest.fail("asked"))
        assert engine.run(soon()) == Trap(14, None, soft=True)
        assert engine.run(soon()) == Trap(6)


def test_an_exception_of_the_mender_comes_out_of_the_run() -> None:
    def mends(address: int, error: int) -> bool:
        raise KeyError(address)

    with with_an_absent_page(b"\xa1\x00\x40\0\0" + HLT) as (engine, mend):
        engine.set_mender(mends)
        with pytest.raises(KeyError):
            engine.run(soon())
        mend()
        assert engine.run(soon()) == Halted() and engine.eax == 5


def test_a_mender_that_mends_nothing_can_be_stopped() -> None:
    with with_an_absent_page(b"\xa1\x00\x40\0\0" + HLT) as (engine, _):
        engine.set_mender(lambda address, error: True)
        assert engine.run(time.monotonic_ns() + 20 * MS) == Preempted()
        assert engine.eip == CODE


@pytest.mark.parametrize("host_code", [True, False])
@pytest.mark.parametrize("live", [True, False])
def test_looks_come_at_the_guest_s_own_blocks(
    monkeypatch: pytest.MonkeyPatch, host_code: bool, live: bool
) -> None:
    """Behind the first slice and each one after it, to the block."""
    if not host_code:
        monkeypatch.setattr(hostcode, "placed", lambda code: None)
    with machine(b"\x40\xeb\xfd", live=live) as engine:  # inc %eax; jmp back
        engine.look_every(1000, 7)
        for count in (7, 1007, 2007):
            assert engine.run(soon()) == Preempted() and engine.eax == count
        assert engine.run(1) == Preempted() and engine.eax == 2007


def test_a_kick_ends_a_slice() -> None:
    with machine(b"\x40\x0f\x31\xeb\xfb") as engine:  # inc %eax; rdtsc; jmp back
        engine.look_every(1 << 40, 1 << 40)
        engine.set_tsc(lambda: (engine.kick(), 5)[1])
        assert engine.run(soon()) == Preempted() and engine.eax == 5


def test_rdtsc_can_be_answered_and_a_kick_from_there_ends_the_run() -> None:
    with machine(b"\x0f\x31\xeb\x00\x0f\x31" + HLT) as engine:
        answers = [0x1_23456789, 0x2_00000005]

        def answer() -> int:
            engine.kick()
            return answers.pop(0)

        engine.set_tsc(answer)
        assert engine.run(soon()) == Preempted()
        assert (engine.edx, engine.eax, engine.eip) == (1, 0x23456789, CODE + 4)
        engine.set_tsc(lambda: answers.pop(0))
        assert engine.run(soon()) == Halted()
        assert (engine.edx, engine.eax) == (2, 5)
        engine.eip, engine.eflags = CODE, 2
        engine.set_tsc(lambda: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            engine.run(soon())


def test_time_is_the_same_by_the_host_and_by_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = scratch.tsc()
    slow = scratch._executed_tsc()
    assert quick <= slow <= scratch.tsc()
    scratch._counter.cache_clear()
    monkeypatch.setattr(scratch, "counter", lambda: lambda: 5)
    assert scratch.tsc() > slow  # a counter that is another is not taken
    scratch._counter.cache_clear()


def test_watch_sees_blocks_that_start_in_its_range() -> None:
    code = b"\xeb\x0e" + b"\x90" * 14 + b"\xeb\x0e" + b"\x90" * 14 + HLT
    with machine(code) as engine:
        seen: list[int] = []
        engine.watch(CODE + 0x10, 0x10, seen.append)
        assert engine.run(soon()) == Halted()
        assert seen == [CODE + 0x10]


@MODES
def test_trap_opcode_stops_before_the_instruction_only(live: bool) -> None:
    inside = mov(3, 0x00300F00)  # holds the bytes 0f 30, but no instruction begins there
    code = inside + b"\x41\x0f\x30\x41" + HALT
    with machine(code, live=live) as engine:
        seen: list[tuple[int, int]] = []

        def skip() -> bool:
            seen.append((engine.eip, engine.ecx))
            engine.eip += 2
            return True

        engine.trap_opcode(b"\x0f\x30", skip)
        engine.code(CODE, code)
        assert engine.run(soon()) == Halted()
        assert seen == [(CODE + 6, 1)]
        assert engine.ecx == 2


def test_trap_opcode_can_leave_the_instruction_to_the_processor() -> None:
    code = mov(1, 0xC0000080) + mov(0, 0x800) + mov(2, 0) + b"\x0f\x30" + HLT
    with machine(code) as engine:
        calls: list[int] = []

        def look() -> bool:
            calls.append(engine.ecx)
            return False

        engine.trap_opcode(b"\x0f\x30", look)
        engine.code(CODE, code)
        for _ in range(2):
            engine.eip = CODE
            assert engine.run(soon()) == Halted()
        assert calls == [0xC0000080] * 2
        assert engine.efer & 0x800


def test_sse_and_x87_start_with_their_exceptions_masked() -> None:
    code = b"\xd9\xe8\xd9\xee\xde\xf9\xdf\xe0" + b"\x0f\xae\x1d\0\x50\0\0" + HLT  # 1/0; stmxcsr 0x5000
    with machine(code) as engine:
        engine.cr4 = 0x200
        assert engine.run(soon()) == Halted()
        assert engine.memory.u32(0x5000) == 0x1F80


def test_a_call_gate_to_an_inner_ring_never_meets_a_busy_or_missing_tss() -> None:
    lcall = b"\x9a\0\0\0\0\x63\0"
    with machine(lcall, ring=3) as engine:
        memory = engine.memory
        gdt = bytearray(0x100)
        for ring in range(4):
            gdt[8 * (ring + 1) : 8 * (ring + 1) + 8] = descriptor(code_segment(ring))
            gdt[0x40 + 8 * ring : 0x48 + 8 * ring] = descriptor(data_segment(ring))
        gdt[0x60:0x68] = gate(0x08, 0x3000, 0xC, dpl=3)
        memory.write(0x2000, bytes(gdt))
        memory.write(0x3000, HLT)
        engine.gdtr = (0x2000, 0xFF)
        trap = engine.run(soon())
        assert isinstance(trap, Trap)
        assert trap.vector == 10  # the preset TSS has no room for a stack
        memory.put32(0x6004, 0x7000)
        memory.put32(0x6008, 0x40)
        engine.set_task_register(Segment(0x70, 0x6000, 0x67, 0x8B00))
        assert engine.run(soon()) == Halted()
        assert (engine.cpl, engine.eip, engine.esp) == (0, 0x3001, 0x7000 - 16)


def test_an_engine_may_be_collected_while_another_is_being_stopped() -> None:
    """The collector runs where it likes, also in a thread that holds the ticker's lock."""

    def collect() -> None:
        engine = UnicornEngine(Memory(1 << 20))
        with ticker.lock:
            del engine
            gc.collect()

    thread = threading.Thread(target=collect, daemon=True)
    thread.start()
    thread.join(FOREVER)
    assert not thread.is_alive()
