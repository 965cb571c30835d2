"""What the kvm ROM asks of KVM, and that it does without what is not offered."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from tests.rom.bare_machine import CODE, DATA, IDT, KERNEL_CS, LINEAR, RETURN, SCRATCH, STACK, BareMachine
from tests.rom.kvm_machine import BOOT_SECONDS, STOLEN_NS, SYSTEM_NS, KvmMachine
from vmirom.machine.engine import Trap
from vmirom.overlays.kvm import Feature, MmuLimit, MmuOp, Msr
from vmirom.overlays.vmi import LazyMode, PteFlag

Start = Callable[..., KvmMachine]
OLD = (Feature.CLOCKSOURCE, Feature.MMU_OP)
WRITE = int(MmuOp.WRITE_PTE)


def ready(start: Start, **attributes: object) -> KvmMachine:
    machine = start("kvm", **attributes)
    machine.boot()
    machine.settle()
    return machine


def gpa(gva: int) -> int:
    return gva - LINEAR


@pytest.mark.parametrize(
    ("features", "system", "wall"),
    [
        ((Feature.CLOCKSOURCE,), Msr.SYSTEM_TIME, Msr.WALL_CLOCK),
        ((Feature.CLOCKSOURCE2,), Msr.SYSTEM_TIME_NEW, Msr.WALL_CLOCK_NEW),
        ((Feature.CLOCKSOURCE, Feature.CLOCKSOURCE2), Msr.SYSTEM_TIME_NEW, Msr.WALL_CLOCK_NEW),
    ],
)
@pytest.mark.parametrize("khz", [800_000, 2_500_000, 4_700_000])
def test_rate_and_date_come_from_the_clock(
    start: Start, features: tuple[Feature, ...], system: Msr, wall: Msr, khz: int
) -> None:
    machine = ready(start, features=features, khz=khz)
    assert abs(machine.call("GetCycleFrequency").pair - khz * 1000) <= 2000
    stamp = machine.engine.tsc()
    shown = machine.call("GetWallclockTime").pair
    assert set(machine.msrs) == {system, wall}
    assert machine.msrs[system] & 1
    epoch = BOOT_SECONDS * 10**9 + 500 + SYSTEM_NS
    assert epoch < shown < epoch + (machine.engine.tsc() + 10**9) * 10**6 // khz
    assert stamp < machine.engine.tsc()


def test_without_features_the_machine_itself_has_to_do(start: Start) -> None:
    machine = ready(start, features=())
    assert machine.msrs == {}
    hz = machine.engine.tsc_hz()
    assert abs(machine.call("GetCycleFrequency").pair - hz) < hz // 20
    assert machine.call("GetCycleCounter", eax=2).pair == 0
    assert machine.call("GetWallclockTime").pair > 1_700_000_000 * 10**9


def test_stolen_time_is_told_in_cycles(start: Start) -> None:
    machine = ready(start)
    stolen = machine.call("GetCycleCounter", eax=2).pair
    rate = machine.call("GetCycleFrequency").pair
    assert abs(stolen - STOLEN_NS * rate // 10**9) <= 1
    available, real = (machine.call("GetCycleCounter", eax=n).pair for n in (1, 0))
    assert available + stolen <= real


@pytest.mark.parametrize("offered", [True, False])
def test_a_delay_that_is_not_needed_is_not_made(start: Start, offered: bool) -> None:
    machine = ready(start, features=(Feature.NOP_IO_DELAY,) if offered else ())
    written: list[int] = []
    original = machine.devices.bus.port_out

    def port_out(port: int, size: int, value: int) -> None:
        written.append(port)
        original(port, size, value)

    machine.devices.bus.port_out = port_out  # type: ignore[method-assign]
    machine.call("IODelay")
    assert written == ([] if offered else [0x80])


@pytest.mark.parametrize("vendor", [b"GenuineIntel", b"AuthcAMDenti", b"HygouineonGe"])
def test_an_entry_is_in_force_when_the_call_returns(start: Start, vendor: bytes) -> None:
    machine = ready(start, features=OLD, vendor=vendor)
    machine.call("SetPxELong", stack=(1,), eax=0x1067, edx=0x80000000, ecx=DATA)
    assert machine.batches == [[(WRITE, gpa(DATA), 0x8000000000001067)]]
    assert machine.u64(DATA) == 0x8000000000001067


def test_lazy_mode_makes_batches(start: Start) -> None:
    machine = ready(start, features=OLD)
    machine.put(DATA, bytes(800))
    machine.call("SetLazyMode", eax=LazyMode.MMU)
    for n in range(40):
        machine.call("SetPxELong", stack=(1,), eax=n + 1, ecx=DATA + 8 * n)
    assert [len(batch) for batch in machine.batches] == [MmuLimit.BATCH]
    machine.call("SetLazyMode", eax=LazyMode.NONE)
    assert [len(batch) for batch in machine.batches] == [32, 8]
    assert [machine.u64(DATA + 8 * n) for n in range(40)] == list(range(1, 41))


@pytest.mark.parametrize(
    "leave",
    [
        lambda m: m.call("InvalPage", eax=DATA),
        lambda m: m.call("FlushTLB", eax=1),
        lambda m: m.call("FlushTLB", eax=3),
        lambda m: m.call("SetCR3", eax=m.root),
        lambda m: m.call("ReleasePage", eax=5, edx=0x51),
        lambda m: m.call("SetLazyMode", eax=0),
        lambda m: m.call("SetPxELong", stack=(1,), eax=9, ecx=DATA + 64),
    ],
    ids=["InvalPage", "FlushTLB", "FlushTLB global", "SetCR3", "ReleasePage", "SetLazyMode", "plain SetPxE"],
)
def test_deferred_entries_leave_with(start: Start, leave: Callable[[BareMachine], object]) -> None:
    machine = ready(start, features=OLD)
    machine.put(DATA, bytes(128))
    defer = int(PteFlag.DEFER | PteFlag.CURRENT_AS) | 1
    machine.call("SetPxELong", stack=(defer,), eax=7, ecx=DATA)
    assert machine.batches == [] and machine.u64(DATA) == 7  # memory reads as written, KVM is told later
    leave(machine)
    assert machine.u64(DATA) == 7
    assert machine.batches[0][0] == (WRITE, gpa(DATA), 7)


def test_a_page_fault_puts_queued_entries_in_force(start: Start) -> None:
    """The instruction is tried again: a fault that came from a queued entry never reaches the guest."""
    machine = ready(start, features=OLD)
    machine.call("SetPxELong", stack=(0x31,), eax=7, ecx=DATA + 0x40)
    machine.put(CODE + 0x40, b"\xa1" + DATA.to_bytes(4, "little") + b"\xc3")  # mov eax, [DATA]; ret
    machine.put(DATA, struct.pack("<I", 0xCAFE))
    handler = CODE + 0x60
    gate = (KERNEL_CS << 16 | handler & 0xFFFF, handler & 0xFFFF0000 | 0x8E00)
    machine.call("WriteIDTEntry", stack=(gate[1],), eax=IDT, edx=14, ecx=gate[0])
    engine = machine.engine
    for arrives_at in (RETURN, handler):  # the second time nothing is queued: the fault is the guest's
        machine.put(STACK - 0x100, struct.pack("<I", RETURN))
        engine.esp, engine.eip, engine.eflags, engine.cr2 = STACK - 0x100, CODE + 0x40, 2, DATA
        assert machine.delivery.trap(Trap(14, 2)) is None  # as a host that keeps shadow tables does
        machine.run(arrives_at)
        assert engine.cr2 == DATA
    assert engine.esp == STACK - 0x100 - 16
    assert [machine.u32(engine.esp + 4 * n) for n in range(3)] == [2, CODE + 0x40, KERNEL_CS]
    assert machine.batches == [[(WRITE, gpa(DATA) + 0x40, 7)]]


def test_what_the_guest_wrote_itself_is_not_overwritten(start: Start) -> None:
    machine = ready(start, features=OLD)
    machine.call("SetLazyMode", eax=LazyMode.MMU)
    machine.call("SetPxELong", stack=(1,), eax=0x1111, ecx=DATA)
    machine.put(DATA, struct.pack("<Q", 0x2222))
    machine.call("SetLazyMode", eax=LazyMode.NONE)
    assert machine.u64(DATA) == 0x2222


def test_a_refused_batch_is_carried_out_by_stores(start: Start) -> None:
    machine = ready(start, features=OLD)
    machine.refuse = True
    machine.call("SetLazyMode", eax=LazyMode.MMU)
    for n in range(3):
        machine.call("SetPxELong", stack=(1,), eax=n + 5, ecx=DATA + 8 * n)
    machine.call("SetLazyMode", eax=LazyMode.NONE)
    assert [machine.u64(DATA + 8 * n) for n in range(3)] == [5, 6, 7]


def test_a_linear_map_of_the_guests_own_is_understood(start: Start) -> None:
    machine = ready(start, features=OLD)
    page = gpa(DATA) >> 12
    machine.call("SetLinearMapping", stack=(0,), eax=0, edx=LINEAR, ecx=1)
    machine.call("SetPxELong", stack=(0x31,), eax=3, edx=0, ecx=DATA)  # in no linear map: just stored
    machine.call("SetLinearMapping", stack=(page,), eax=1, edx=DATA, ecx=1)
    machine.call("SetPxELong", stack=(0x31,), eax=3, edx=0, ecx=DATA + 8)
    machine.call("SetLazyMode", eax=LazyMode.NONE)
    assert machine.batches == [[(WRITE, gpa(DATA) + 8, 3)]]
    assert machine.u64(DATA) == machine.u64(DATA + 8) == 3


def test_new_hosts_get_native_instructions(start: Start) -> None:
    machine = ready(start)
    machine.put(DATA, bytes(16))
    machine.call("SetLazyMode", eax=LazyMode.MMU)
    machine.call("SetPxELong", stack=(0x31,), eax=1, edx=2, ecx=DATA)
    assert machine.u64(DATA) == 2 << 32 | 1
    machine.call("FlushTLB", eax=3)
    machine.call("InvalPage", eax=DATA)
    machine.call("ReleasePage", eax=5, edx=0x51)
    assert machine.batches == []
    machine.call("GetIDT", eax=SCRATCH)
    assert machine.engine.idtr[0] == IDT  # nothing stands before the guest's gates
