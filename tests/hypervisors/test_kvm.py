"""The embedded KVM: identification, hypercalls and their errors, clocks, steal time, both eras."""

from __future__ import annotations

import itertools
import struct
import time

import pytest

from tests.hypervisors.pc_kernels import (
    BASE,
    DATA,
    EAX,
    EBX,
    ECX,
    EDI,
    EDX,
    ESI,
    RESULT,
    STACK,
    Code,
    Recorder,
    boot,
)
from vmirom.hypervisors.hypervisor import EndKind, LoadError
from vmirom.hypervisors.kvm import KvmMachine, make
from vmirom.hypervisors.kvm.clock import scale
from vmirom.hypervisors.native import Machine
from vmirom.machine.unicorn import UnicornEngine
from vmirom.overlays.kvm import Feature, Hypercall, Msr

VMCALL, VMMCALL = "0f01c1", "0f01d9"
NEW, OLD = "2026", "2008"


def signed(value: int) -> int:
    return value - (1 << 32) if value >> 31 else value


def start() -> Code:
    return Code().tables(v13="fault")


def end(code: Code) -> bytes:
    """Exit 0x10, or 0x11 with EIP and error code in RESULT + 0xF0 after #GP."""
    code.exit(0x10).label("fault").raw("8b0424").store(RESULT + 0xF4).raw("8b442404").store(RESULT + 0xF0)
    return code.exit(0x11).finish()


def call(code: Code, number: int, *arguments: int, opcode: str = VMCALL) -> Code:
    for register, value in zip((EBX, ECX, EDX, ESI), arguments, strict=False):
        code.mov(register, value)
    return code.mov(EAX, number).raw(opcode)


def wrmsr(code: Code, index: int, low: int, high: int = 0) -> Code:
    return code.mov(ECX, index).mov(EAX, low).mov(EDX, high).raw("0f30")


def one(number: int, *arguments: int, era: str = NEW) -> tuple[int, Recorder, Machine]:
    """The result of one hypercall."""
    code = call(start(), number, *arguments).store(RESULT)
    ending, machine, recorder = boot(make, end(code), host_era=era)
    assert ending.status == 0x10, ending
    return signed(machine.memory.u32(RESULT)), recorder, machine


# identification


@pytest.mark.parametrize(("era", "leaf", "bits"), [(OLD, 0, 0b111), (NEW, 0x40000001, None)])
def test_cpuid_leaves(era: str, leaf: int, bits: int | None) -> None:
    code = start()
    for i, number in enumerate((0x40000000, 0x40000001, 1)):
        code.mov(EAX, number).raw("0fa2")
        for j, register in enumerate((EAX, EBX, ECX, EDX)):
            code.store(RESULT + 16 * i + 4 * j, register)
    _, machine, _ = boot(make, end(code), host_era=era)
    words = struct.unpack("<12I", machine.memory.read(RESULT, 48))
    assert words[0] == leaf
    assert struct.pack("<3I", *words[1:4]) == b"KVMKVMKVM\0\0\0"
    assert words[10] >> 31 == 1, "the hypervisor bit"
    assert isinstance(machine, KvmMachine)
    assert words[4] == machine.era.mask
    if bits is not None:
        assert words[4] == bits
    else:
        assert words[4] & 1 << Feature.CLOCKSOURCE2
        assert not words[4] & (1 << Feature.CLOCKSOURCE | 1 << Feature.MMU_OP)


def test_an_unknown_era_is_refused() -> None:
    with pytest.raises(LoadError, match="host_era: 1999 is not one of 2008, 2026"):
        make(UnicornEngine, 4, lambda data: None, Recorder(), host_era="1999")


# the instruction


def test_a_hypercall_changes_eax_only() -> None:
    registers = (EBX, ECX, EDX, ESI)
    code = call(start(), Hypercall.SCHED_YIELD, 0, 0x22, 0x33, 0x44)
    for i, register in enumerate(registers):
        code.store(RESULT + 4 * i, register)
    _, machine, recorder = boot(make, end(code))
    assert struct.unpack("<4I", machine.memory.read(RESULT, 16)) == (0, 0x22, 0x33, 0x44)
    assert recorder.calls == [("SCHED_YIELD", (0, 0x22, 0x33, 0x44), 0, "")]


def test_the_foreign_instruction_is_rewritten_in_memory() -> None:
    code = start()
    at = len(code.data) + 5
    call(code, 777, opcode=VMMCALL).store(RESULT)
    ending, machine, recorder = boot(make, end(code))
    assert ending.status == 0x10
    assert signed(machine.memory.u32(RESULT)) == -1000
    assert machine.memory.read(BASE + at, 3) == bytes.fromhex(VMCALL)
    assert any(kind == "device" and "rewritten" in detail for kind, detail in recorder.events)


@pytest.mark.parametrize("ring", [1, 3])
def test_above_ring_0_the_own_one_is_eperm_and_the_foreign_one_gp(ring: int) -> None:
    for opcode in (VMCALL, VMMCALL):
        code = start()
        if ring == 1:  # descriptors of ring 1 at 0x30 and 0x38
            for i, access in enumerate((0x00CFBB00, 0x00CFB300)):
                code.mov(EAX, 0xFFFF).store(DATA + 0x30 + 8 * i).mov(EAX, access).store(DATA + 0x34 + 8 * i)
            code.raw("6668 4700".replace(" ", "")).raw("83c402")
            code.raw("68").raw(struct.pack("<I", DATA)).raw("66683f00").raw("0f011424").raw("83c406")
        cs, ss = (0x1B, 0x23) if ring == 3 else (0x31, 0x39)
        code.raw(bytes((0x6A, ss, 0x68)) + struct.pack("<I", STACK - 0x400))
        code.raw("6802300000" + f"6a{cs:02x}68")._word("outer", False).raw("cf").label("outer")
        call(code, Hypercall.SCHED_YIELD).label("after").raw(opcode).store(RESULT)
        code.data[-9 - 3 : -9] = b"\x90\x90\x90"  # only the instruction behind the label
        ending, machine, recorder = boot(make, end(code))
        if opcode == VMCALL:
            assert signed(machine.memory.u32(RESULT)) == -1
            assert recorder.calls[0][3] == f"from CPL {ring}"
        else:
            assert ending.status == 0x11
            assert machine.memory.u32(RESULT + 0xF0) == code.labels["after"]
            assert not recorder.calls


def test_a_foreign_instruction_in_rom_kills_with_a_reason() -> None:
    code = Code().mov(EAX, 0xC0000).raw("ffe0")
    ending, _, _ = boot(
        make,
        code.finish(),
        before=lambda m: m.memory.write(0xC0000, bytes.fromhex(VMMCALL)),
    )
    assert ending.kind is EndKind.CRASH
    assert "in ROM at gpa 0xc0000" in ending.reason


# errors


@pytest.mark.parametrize("number", [0, 3, 4, 6, 7, 8, 12, 13, 0xFFFFFFFF])
def test_unknown_and_unserved_numbers(number: int) -> None:
    result, recorder, _ = one(number)
    assert result == -1000
    assert recorder.calls[0][3]


def test_eras_serve_what_they_advertise() -> None:
    for era, numbers in ((OLD, (5, 9, 10, 11)), (NEW, (2,))):
        for number in numbers:
            result, recorder, _ = one(number, era=era)
            assert result == -1000
            assert recorder.calls[0][3] == "not advertised by this host"
    assert one(1)[0] == one(1, era=OLD)[0] == 0


def test_clock_pairing() -> None:
    assert one(9, RESULT + 0x100, 1)[0] == -95
    assert one(9, 0x7FFFFFF0, 0)[0] == -14
    result, _, machine = one(9, RESULT + 0x100, 0)
    assert result == 0
    seconds, ns, tsc = struct.unpack("<qqQ", machine.memory.read(RESULT + 0x100, 24))
    assert abs(seconds - time.time()) < 5
    assert 0 <= ns < 1_000_000_000
    assert tsc > 0


def test_send_ipi_counts_and_delivers() -> None:
    assert one(10, 1, 0, 0, 0x800 | 0x41)[0] == -22
    assert one(10, 0b10, 0, 0, 0x41)[0] == 0, "nobody has that id"
    code = Code().tables(v65="ipi")
    call(code, 10, 1, 0, 0, 0x41).store(RESULT).raw("fb90ebfe").label("ipi").exit(0x10)
    ending, machine, _ = boot(make, code.finish())
    assert ending.status == 0x10
    assert machine.memory.u32(RESULT) == 1


def test_kick_cpu_ends_a_halt() -> None:
    code = call(start(), 5, 0, 0).raw("fbf4").exit(0x10).label("fault")
    ending, _, _ = boot(make, code.finish(), seconds=2)
    assert ending.status == 0x10


# MMU_OP


def mmu_op(buffer: bytes, length: int | None = None) -> tuple[int, Machine, Recorder, object]:
    code = start()
    at = RESULT + 0x200
    call(code, 2, len(buffer) if length is None else length, at, 0).store(RESULT)
    ending, machine, recorder = boot(
        make, end(code), host_era=OLD, before=lambda m: m.memory.write(at, buffer)
    )
    return signed(machine.memory.u32(RESULT)), machine, recorder, ending


def write_pte(gpa: int, value: int) -> bytes:
    return struct.pack("<IIQQ", 1, 0, gpa, value)


FLUSH = struct.pack("<II", 2, 0)


def release(gpa: int) -> bytes:
    return struct.pack("<IIQ", 3, 0, gpa)


def test_a_batch_is_done_in_order_and_counted() -> None:
    at = RESULT + 0x800
    batch = write_pte(at, 0x11223344) + FLUSH + write_pte(at + 4, 0x55667788) + release(0x200000)
    result, machine, _, _ = mmu_op(batch)
    assert result == len(batch)
    assert machine.memory.read(at, 8) == bytes.fromhex("4433221188776655"), "four bytes each without PAE"


def test_unknown_and_cut_operations_end_the_batch() -> None:
    assert mmu_op(FLUSH + struct.pack("<II", 9, 0) + FLUSH)[0] == 8
    assert mmu_op(FLUSH + write_pte(RESULT, 1), length=8 + 23)[0] == 8
    assert mmu_op(FLUSH * 40)[0] == 8 * 32
    assert mmu_op(b"")[0] == 0


def test_a_batch_on_no_memory_ends_the_machine() -> None:
    _, _, _, ending = mmu_op(write_pte(0x7FFFFFFF0, 1))
    assert "MMU_OP: gpa 0x7fffffff0" in str(ending)
    _, _, _, ending = mmu_op(b"", length=0x7FFFFFFF)
    assert "BUDGET" not in str(ending)


# MSRs and clocks


def test_clock_structure_and_protocol() -> None:
    at = RESULT + 0x100
    code = wrmsr(start(), Msr.SYSTEM_TIME_NEW, at | 1).mov(ECX, Msr.SYSTEM_TIME_NEW).raw("0f32").store(RESULT)
    code.raw("0f31").store(RESULT + 4, EAX).store(RESULT + 8, EDX)
    before = time.monotonic_ns()
    ending, machine, _ = boot(make, end(code))
    assert ending.status == 0x10, ending
    memory = machine.memory
    assert memory.u32(RESULT) == at | 1
    version, _, stamp, system, mul, shift, flags = struct.unpack("<IIQQIbB", memory.read(at, 30))
    assert version % 2 == 0
    assert version > 0
    assert flags == 1
    tsc = memory.u64(RESULT + 4)
    assert tsc > stamp
    ticks = tsc - stamp
    guest = system + ((ticks << shift if shift >= 0 else ticks >> -shift) * mul >> 32)
    assert 0 < guest < time.monotonic_ns() - before + 1_000_000


def test_the_clock_never_steps_back_when_it_is_published_again() -> None:
    recorder = Recorder()
    machine = make(UnicornEngine, 2, recorder.console, recorder)
    try:
        clock, memory = machine.system_time, machine.memory
        assert clock.enable(0x1001)
        last = 0
        for i in range(2000):
            if i % 3 == 0:
                clock.enable(0x1001)
            stamp, system, mul, shift = struct.unpack("<QQIb", memory.read(0x1008, 21))
            ticks = machine.engine.tsc() - stamp
            now = system + ((ticks << shift if shift >= 0 else ticks >> -shift) * mul >> 32)
            assert now >= last
            last = now
        assert memory.u32(0x1000) == 2 * (667 + 1)
    finally:
        machine.close()


@pytest.mark.parametrize(
    "hz", [1_000_000, 999_999_999, 1_000_000_000, 2_600_000_000, 5_000_000_001, 12_345_678_901]
)
def test_scale_is_exact_to_a_part_in_a_billion(hz: int) -> None:
    mul, shift = scale(hz)
    ticks = hz * 10
    ns = (ticks << shift if shift >= 0 else ticks >> -shift) * mul >> 32
    assert abs(ns - 10_000_000_000) <= 20
    assert mul < 1 << 32


def test_wall_clock_plus_system_time_is_now() -> None:
    at = RESULT + 0x100
    code = wrmsr(start(), Msr.WALL_CLOCK_NEW, at)
    _, machine, _ = boot(make, end(code))
    version, seconds, ns = struct.unpack("<III", machine.memory.read(at, 12))
    assert version % 2 == 0
    assert abs(seconds + ns / 1e9 - time.time()) < 5


@pytest.mark.parametrize(
    ("era", "index"),
    [
        (NEW, Msr.WALL_CLOCK),
        (NEW, Msr.SYSTEM_TIME),
        (OLD, Msr.SYSTEM_TIME_NEW),
        (OLD, Msr.STEAL_TIME),
        (NEW, Msr.ASYNC_PF_EN),
        (NEW, Msr.PV_EOI_EN),
        (NEW, Msr.POLL_CONTROL),
        (NEW, 0x4B564DFF),
        (NEW, 0x12345678),
    ],
)
def test_registers_of_features_not_advertised_fault(era: str, index: int) -> None:
    code = wrmsr(start().label("begin"), index, 0)
    bundle = end(code)
    ending, machine, _ = boot(make, bundle, host_era=era)
    assert ending.status == 0x11
    assert machine.memory.u32(RESULT + 0xF0) == code.labels["begin"] + 15
    assert machine.memory.u32(RESULT + 0xF4) == 0
    ending, _, _ = boot(make, end(start().mov(ECX, index).raw("0f32")), host_era=era)
    assert ending.status == 0x11


def test_the_old_clock_on_an_old_host_is_not_called_stable() -> None:
    at = RESULT + 0x100
    ending, machine, _ = boot(make, end(wrmsr(start(), Msr.SYSTEM_TIME, at | 1)), host_era=OLD)
    assert ending.status == 0x10
    assert machine.memory.u32(at) % 2 == 0
    assert machine.memory.read(at + 29, 1) == b"\0"


def test_a_clock_outside_memory_is_ignored_loudly() -> None:
    ending, _, recorder = boot(make, end(wrmsr(start(), Msr.SYSTEM_TIME_NEW, 0x7FFFF001)))
    assert ending.status == 0x10
    assert any(kind == "timer" and "not memory" in detail for kind, detail in recorder.events)


def test_steal_time_grows_and_reserved_bits_fault() -> None:
    at = RESULT + 0x100
    code = wrmsr(start(), Msr.STEAL_TIME, at | 1)
    code.mov(ECX, 30_000_000).label("spin").raw("4975fd").load(EAX, at).store(RESULT)
    code.mov(ECX, 30_000_000).raw("4975fd")
    call(code, 1)
    ending, machine, _ = boot(make, end(code))
    assert ending.status == 0x10
    assert isinstance(machine, KvmMachine)
    memory = machine.memory
    assert memory.u64(at) >= memory.u32(RESULT)
    assert memory.u32(at + 8) % 2 == 0
    assert memory.u32(at + 8) > 0
    assert machine.steal.stolen_ns >= memory.u64(at)
    ending, _, _ = boot(make, end(wrmsr(start(), Msr.STEAL_TIME, at | 3)))
    assert ending.status == 0x11


def test_steal_time_counts_what_passes_between_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = make(UnicornEngine, 2, lambda data: None, Recorder())
    try:
        steal, memory = machine.steal, machine.memory
        assert steal.enable(0x1001)
        times = iter([2000, 2500, 9000, 9100])
        monkeypatch.setattr(machine.clock, "now_ns", lambda: next(times))
        steal.entering()
        steal.left()  # 2000
        steal.entering()  # 2500
        assert steal.stolen_ns == memory.u64(0x1000) == 500
        steal.left()  # 9000: the run itself is not stolen
        steal.entering()
        monkeypatch.undo()
        assert memory.u64(0x1000) == 600
    finally:
        machine.close()


def test_the_available_time_never_steps_back() -> None:
    """Clock less stolen time, read by the guest after every kind of exit."""
    at, clock = RESULT + 0x100, RESULT + 0x140
    code = wrmsr(wrmsr(start(), Msr.STEAL_TIME, at | 1), Msr.SYSTEM_TIME_NEW, clock | 1)
    code.mov(ESI, RESULT + 0x1000).mov(EDI, 300).label("again")
    code.load(EBX, at).raw("0f318906").raw("895e04").raw("83c608").raw("e680")
    call(code.raw("56"), 1).raw("5e4f").jump("again", "0f85")
    ending, machine, _ = boot(make, end(code))
    assert ending.status == 0x10, ending
    assert isinstance(machine, KvmMachine)
    pairs = list(struct.iter_unpack("<II", machine.memory.read(RESULT + 0x1000, 8 * 300)))
    hz = 1 << 32
    ticks, steal = (list(column) for column in zip(*pairs, strict=True))
    mul, shift = struct.unpack("<Ib", machine.memory.read(clock + 24, 5))
    assert steal == sorted(steal)
    assert steal[-1] > 0
    for (t0, s0), (t1, s1) in itertools.pairwise(pairs):
        passed = (t1 - t0) % hz
        passed = (passed << shift if shift >= 0 else passed >> -shift) * mul >> 32
        assert passed >= s1 - s0
    assert len(ticks) == 300


def test_native_has_none_of_this() -> None:
    from vmirom.hypervisors import native

    ending, _, _ = boot(native.make, end(Code().tables(v13="fault", v6="fault").raw(VMCALL)))
    assert ending.status == 0x11
