"""The PC on KVM: what is done with each way of leaving the guest, on a KVM that follows a script."""

from __future__ import annotations

import mmap
import struct
import time
from collections.abc import Iterator

import pytest

from tests.machine.kvm_fake import DATA_AT, FakeKernel, Run, ends, port
from vmirom.machine.devices import Request, RequestKind
from vmirom.machine.kvm import Device, Fault, KvmError, KvmPc, OutOfTime, Setting, Stop, Stopped
from vmirom.machine.kvm.interface import (
    MEMORY_SLOT,
    MMIO_EXIT,
    QUEUE_HEAD,
    QUEUED_STORE,
    Capability,
    ExitReason,
    Io,
    RunPage,
)
from vmirom.machine.memory import Memory
from vmirom.overlays.native import Exit, Uart

HOLES = ((0xA0000, 0xC0000), (0xC8000, 0x100000))
ROM = (0xC0000, 0xC8000)
LATER = 10**12
DATA = Uart.BASE + Uart.DATA


class Rig:
    """A PC, what it printed, and the KVM beneath."""

    def __init__(self, *runs: Run, setting: Setting | None = None, **capabilities: int) -> None:
        self.kernel = FakeKernel(iter(runs))
        for name, value in capabilities.items():
            self.kernel.capabilities[Capability[name]] = value
        self.printed = bytearray()
        self.memory = Memory(2 << 20)
        device = Device(self.kernel)
        heeds = lambda asked: asked.kind is not RequestKind.A20_OFF  # noqa: E731
        setting = setting or Setting()
        self.pc = KvmPc(device, self.memory, HOLES, ROM, self.printed.extend, heeds, setting)

    def run(self) -> Stop:
        return self.pc.run(time.monotonic_ns() + LATER)

    def slots(self) -> list[tuple[int, int, int]]:
        """(gpa, length, flags) of all memory."""
        slots = []
        for request, data in self.kernel.asked:
            if request == Io.SET_USER_MEMORY_REGION and isinstance(data, bytes):
                _, flags, gpa, length, _ = MEMORY_SLOT.unpack(data)
                slots.append((gpa, length, flags))
        return slots


EXIT = port(Exit.PORT, b"\x10")


def mmio(gpa: int, write: bool) -> Run:
    def run(kernel: FakeKernel) -> None:
        kernel.leave(ExitReason.MMIO)
        MMIO_EXIT.pack_into(kernel.page, RunPage.EXIT, gpa, bytes(8), 4, write)

    return run


def test_memory_is_a_pcs_with_a_read_only_rom() -> None:
    assert Rig().slots() == [
        (0, 0xA0000, 0),
        (0xC0000, 0x4000, 2),
        (0xC4000, 0x4000, 2),
        (0x100000, 0x100000, 0),
    ]


def test_the_host_bridge_unlocks_and_locks_the_halves_of_the_rom() -> None:
    address = port(0xCF8, struct.pack("<I", 0x80000058), size=4)
    rig = Rig(address, port(0xCFE, b"\x31"), port(0xCFE, b"\x11"), EXIT)
    rig.run()
    assert rig.slots()[4:] == [
        *((0xC4000, 0, 0), (0xC4000, 0x4000, 0)),
        *((0xC4000, 0, 0), (0xC4000, 0x4000, 2)),
    ]


def test_the_exit_port_ends_the_run_with_its_value() -> None:
    assert Rig(EXIT).run() == Stopped(Request(RequestKind.EXIT, "exit port", 0x10))


def test_a_string_of_bytes_is_printed_in_its_order() -> None:
    rig = Rig(port(DATA, b"abc"), port(DATA, b"d"), EXIT)
    rig.run()
    assert rig.printed == b"abcd"


def test_bytes_that_waited_in_kvm_are_printed_before_what_came_after_them() -> None:
    def queued(kernel: FakeKernel) -> None:
        at = mmap.PAGESIZE
        for number, letter in enumerate(b"xy"):
            entry = QUEUED_STORE.pack(DATA, 1, 1, bytes((letter,)))
            start = at + QUEUE_HEAD.size + number * QUEUED_STORE.size
            kernel.page[start : start + len(entry)] = entry
        QUEUE_HEAD.pack_into(kernel.page, at, 0, 2)
        kernel.leave_for_port(DATA, b"z")

    rig = Rig(queued, EXIT, COALESCED_MMIO=1, COALESCED_PIO=1)
    rig.run()
    assert rig.printed == b"xyz"
    assert QUEUE_HEAD.unpack_from(rig.kernel.page, mmap.PAGESIZE) == (2, 2)


def test_bytes_wait_only_while_the_guest_can_not_notice() -> None:
    enable = port(Uart.BASE + Uart.IER, b"\x02")
    rig = Rig(enable, EXIT, COALESCED_MMIO=1, COALESCED_PIO=1)
    before = [r for r, _ in rig.kernel.asked if r == Io.REGISTER_COALESCED_MMIO]
    rig.run()
    after = [r for r, _ in rig.kernel.asked if r == Io.UNREGISTER_COALESCED_MMIO]
    assert (len(before), len(after)) == (1, 1)


def test_without_the_ring_nothing_waits() -> None:
    rig = Rig(EXIT)
    assert all(request != Io.REGISTER_COALESCED_MMIO for request, _ in rig.kernel.asked)


def test_the_line_of_the_serial_port_is_kvms() -> None:
    rig = Rig(port(Uart.BASE + Uart.MCR, b"\x08"), port(Uart.BASE + Uart.IER, b"\x02"), EXIT)
    rig.run()
    assert (Io.IRQ_LINE, struct.pack("<II", 4, 1)) in rig.kernel.asked


def test_ports_where_nothing_is_read_as_ones() -> None:
    rig = Rig(port(0x2F8, b"\0\0\0\0", out=False, size=4), EXIT)
    seen: list[bytes] = []
    rig.kernel.runs = _noting(rig.kernel.runs, lambda: seen.append(rig.kernel.page[DATA_AT : DATA_AT + 4]))
    rig.run()
    assert seen[-1] == b"\xff\xff\xff\xff"


def _noting(runs: Iterator[Run], note: object) -> Iterator[Run]:
    for run in runs:
        note()  # type: ignore[operator]
        yield run


def test_loads_from_nothing_are_ones_and_stores_are_forgotten() -> None:
    rig = Rig(mmio(0xA0000, False), mmio(0xD0000, True), EXIT)
    assert isinstance(rig.run(), Stopped)


def test_a_load_from_nothing_gives_ones() -> None:
    rig = Rig(mmio(0xFEE00000, False))
    with pytest.raises(KvmError, match="KVM_RUN fails: Bad address"):
        rig.run()
    assert rig.kernel.page[RunPage.EXIT + 8 : RunPage.EXIT + 12] == b"\xff\xff\xff\xff"


def test_a_store_to_the_rom_ends_the_run() -> None:
    assert Rig(mmio(0xC0010, True)).run() == Fault("store to ROM at gpa 0xc0010")


@pytest.mark.parametrize(
    ("reason", "detail", "sentence"),
    [
        (ExitReason.SHUTDOWN, 0, "triple fault"),
        (ExitReason.INTERNAL_ERROR, 1, "KVM gives up on an instruction that it can't emulate"),
        (ExitReason.INTERNAL_ERROR, 9, "KVM gives up on internal error 9"),
        (ExitReason.FAIL_ENTRY, 0x80000021, "the processor refuses this guest's state (0x80000021)"),
        (55, 0, "KVM leaves with reason 55"),
    ],
)
def test_what_a_guest_can_not_survive_is_a_fault(reason: int, detail: int, sentence: str) -> None:
    def run(kernel: FakeKernel) -> None:
        kernel.leave(reason)
        struct.pack_into("<Q", kernel.page, RunPage.EXIT, detail)

    assert Rig(run).run() == Fault(sentence)


def _stopped(kernel: FakeKernel) -> None:
    raise InterruptedError(4, "stopped")


def test_a_guest_that_halts_with_interrupts_off_is_found_out() -> None:
    rig = Rig(_stopped)
    rig.kernel.halted = True
    assert rig.run() == Fault("halted with interrupts off", halted=True)


def test_a_guest_that_halts_with_interrupts_on_is_left_alone() -> None:
    rig = Rig(_stopped, EXIT)
    rig.kernel.halted = True
    struct.pack_into("<Q", rig.kernel.regs, 17 * 8, 0x202)
    assert isinstance(rig.run(), Stopped)


def test_the_deadline_ends_a_run() -> None:
    rig = Rig(_stopped)
    assert rig.pc.run(time.monotonic_ns()) == OutOfTime()


def test_a_request_that_nobody_heeds_ends_nothing() -> None:
    rig = Rig(port(0x92, b"\0"), EXIT)
    assert rig.run() == Stopped(Request(RequestKind.EXIT, "exit port", 0x10))


def test_where_it_stands_is_read_behind_the_instruction_that_left() -> None:
    rig = Rig(EXIT)
    rig.run()
    struct.pack_into("<Q", rig.kernel.regs, 16 * 8, 0xC0101234)
    struct.pack_into("<Q", rig.kernel.sregs, 224, 0x80000011)
    assert rig.pc.eip() == 0xC0101234
    assert "eip c0101234" in rig.pc.describe()
    assert rig.kernel.page[RunPage.IMMEDIATE_EXIT] == 0


def test_registers_that_kvm_has_reset_are_not_shown() -> None:
    rig = Rig(ends(ExitReason.SHUTDOWN))
    rig.run()
    assert rig.pc.reset()
    assert rig.pc.describe() == ""


def test_the_first_state_is_flat_protected_mode() -> None:
    rig = Rig()
    rig.pc.enter(0x100020, 0x2BADB002, 0x1000, 0x08, 0x10)
    regs = struct.unpack("<18Q", rig.kernel.regs)
    assert (regs[0], regs[1], regs[16], regs[17]) == (0x2BADB002, 0x1000, 0x100020, 2)
    base, limit, selector, kind, present, dpl, big = struct.unpack_from("<QIHBBBB", rig.kernel.sregs, 0)
    assert (base, limit, selector, kind, present, dpl, big) == (0, 0xFFFFFFFF, 0x08, 11, 1, 0, 1)
    assert struct.unpack_from("<Q", rig.kernel.sregs, 224)[0] & 0x80000001 == 1


def test_what_cpuid_hides_can_be_enforced_and_code_can_be_kept() -> None:
    rig = Rig(setting=Setting(enforce=True, keep_code=True))
    enabled = [struct.unpack_from("<II", d)[0] for r, d in rig.kernel.asked if r == Io.ENABLE_CAP]  # type: ignore[arg-type]
    assert enabled == [Capability.DISABLE_QUIRKS2, Capability.ENFORCE_PV_FEATURE_CPUID]


def test_a_kvm_without_interrupt_controllers_is_refused() -> None:
    kernel = FakeKernel()
    kernel.refuses = {Io.CREATE_IRQCHIP}
    with pytest.raises(KvmError, match="KVM refuses CREATE_IRQCHIP: Invalid argument"):
        KvmPc(Device(kernel), Memory(2 << 20), HOLES, ROM, lambda text: None, lambda asked: True, Setting())
