"""Hypercalls: effects, kills, and the order that the ring promises."""

from __future__ import annotations

import pytest

from tests.hypervisors.lguest_machine import (
    CODE,
    DATA,
    KERNEL,
    LOW,
    MIB,
    STACK,
    STRINGS,
    HandClock,
    Machine,
    hypercall,
    leave,
    put,
)
from vmirom.hypervisors.hypervisor import EndKind
from vmirom.hypervisors.lguest.death import BadNotify, Killed, ShutDown
from vmirom.machine.engine import SegmentName
from vmirom.overlays import lguest as abi

Hcall = abi.Hcall
LIMIT = (MIB << 20) + 7 * 4096  # RAM, the descriptor page and the queues of the console


def killed(machine: Machine, reason: str, number: int, *arguments: int) -> None:
    with pytest.raises(Killed) as death:
        machine.call(number, *arguments)
    assert str(death.value) == reason
    assert machine.trace.calls[-1][2] == reason.strip()


# -- life ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 2, 4, 13, 19, 20, 0xFFFFFFFF])
def test_nothing_before_init(number: int) -> None:
    shown = number - (1 << 32) if number >> 31 else number
    killed(Machine(), f"hypercall {shown} before INIT", number)


def test_init_writes_and_reads() -> None:
    machine = Machine(clock=HandClock())
    machine.prepare()
    machine.data.noirq_start, machine.data.noirq_end = 0x1234, 0x5678
    machine.call(Hcall.LGUEST_INIT, DATA)
    data = machine.data
    assert (data.time_sec, data.time_nsec) == (1_600_000_000, 123_456_789)
    data.noirq_start = 0
    assert machine.host.interrupts.data is not None
    assert machine.host.interrupts.data.noirq_start == 0x1234, "read once"
    assert machine.host.shadows.kernel_address == KERNEL
    killed(machine, "already have lguest_data", Hcall.LGUEST_INIT, DATA)


def test_init_without_a_trusted_tsc() -> None:
    assert Machine(stable_tsc=False).init().data.tsc_khz == 0


@pytest.mark.parametrize("release", ["2.6.32", "2.6.35"])
@pytest.mark.parametrize(
    ("gpa", "good"), [(LIMIT - 1396, False), (LIMIT - 1397, True), (0xFFFFFFFC, False), (LIMIT, False)]
)
def test_range_check_at_the_limit(release: str, gpa: int, good: bool) -> None:
    machine = Machine(release=release)
    if not good:
        killed(machine, "bad guest page (null)", Hcall.LGUEST_INIT, gpa)
    else:
        killed(machine, "bad syscall vector", Hcall.LGUEST_INIT, gpa)


@pytest.mark.parametrize(("pae", "address"), [(True, 0xFFE00000), (False, 0xFFC00000)])
def test_init_refuses_a_kernel_in_the_hole(pae: bool, address: int) -> None:
    machine = Machine(pae=pae)
    machine.prepare(kernel_address=address)
    killed(machine, f"bad kernel address {address:#x}", Hcall.LGUEST_INIT, DATA)


def test_unknown_numbers() -> None:
    for number in (3, 11, 12, 20, 0x80000000):
        shown = number - (1 << 32) if number >> 31 else number
        killed(Machine().init(), f"Bad hypercall {shown}\n", number)
    killed(Machine(pae=False).init(), "Bad hypercall 13\n", Hcall.SET_PMD)
    Machine().init().call(Hcall.SET_PMD)


def test_the_reason_reaches_the_user() -> None:
    machine = Machine(hypercall(1, DATA) + hypercall(3))
    machine.prepare()
    ending = machine.run()
    assert (ending.kind, ending.reason, ending.status) == (EndKind.CRASH, "lguest: Bad hypercall 3", None)
    assert machine.trace.events[-1] == ("kill", "lguest: Bad hypercall 3")


def test_shutdown_messages() -> None:
    machine = Machine().init()
    machine.memory.write(STRINGS, b"x" * 200)
    with pytest.raises(ShutDown) as wish:
        machine.call(Hcall.SHUTDOWN, STRINGS, 1)
    assert wish.value.message == b"x" * 127 and not wish.value.restart
    killed(machine, f"bad read address {LIMIT - 128:#x} len 128", Hcall.SHUTDOWN, LIMIT - 128, 1)


@pytest.mark.parametrize("text", ["vmi exit", "vmi exit x", "vmi exit 1 2", "so long", "", "two\n lines\n"])
def test_other_last_words_set_no_status(text: str) -> None:
    machine = Machine(hypercall(1, DATA) + leave(16))
    machine.prepare()
    machine.memory.write(STRINGS, text.encode() + b"\0")
    ending = machine.run()
    line = " ".join(("lguest: CRASH:", *text.split()))
    assert (ending.kind, ending.status, ending.reason) == (EndKind.SHUTDOWN, None, line)


# -- processor ----------------------------------------------------------------------------------------


def test_no_register_changes() -> None:
    machine = Machine().init()
    e = machine.engine
    before = [e.ebx, e.ecx, e.edx, e.esi, e.edi, e.ebp, e.esp]
    machine.call(Hcall.FLUSH_TLB)
    assert e.eax == Hcall.FLUSH_TLB
    assert before == [e.ebx, e.ecx, e.edx, e.esi, e.edi, e.ebp, e.esp]


def test_ts() -> None:
    machine = Machine().init()
    machine.call(Hcall.TS, 5)
    assert machine.engine.cr0 & 8
    machine.call(Hcall.TS, 0)
    assert not machine.engine.cr0 & 8


def test_set_stack() -> None:
    machine = Machine().init()
    machine.call(Hcall.SET_STACK, 0x69, STACK, 2)
    stack = machine.host.shadows.stack
    assert (stack.ss, stack.esp, stack.pages) == (0x69, STACK, 2)
    assert machine.shadow(STACK - 1) & 3 == 3 and machine.shadow(STACK - 0x1001) & 3 == 3
    killed(machine, "bad stack segment 104", Hcall.SET_STACK, 0x68, STACK, 1)
    killed(machine, "bad stack pages 3", Hcall.SET_STACK, 0x69, STACK, 3)
    killed(machine, f"bad stack page {LOW - 1:#x}", Hcall.SET_STACK, 0x69, LOW, 1)


@pytest.mark.parametrize(
    ("selector", "high", "dies"),
    [
        (0xA1, 0, True),
        (0xA1, 0x00CF3200, True),  # not present
        (0xA1, 0x00CFB800, True),  # code that can't be read
        (0xA1, 0x00CFBA00, False),
        (0xA1, 0x00CFBC00, True),
        (0xA1, 0x00CFBE00, False),  # conforming
        (0xA1, 0x00CFA200, True),  # of the system
        (0xA3, 0x00CFF200, False),
        (0xA3, 0x00CFB200, True),  # RPL 3, DPL 1
        (0xA0, 0x00CF9200, False),
    ],
)
def test_what_a_segment_register_holds_must_stay_loadable(selector: int, high: int, dies: bool) -> None:
    machine = Machine().init()
    machine.call(Hcall.LOAD_GDT_ENTRY, 20, 0xFFFF, 0x00CFF200)
    machine.engine.set_segment(SegmentName.FS, machine.host.segments.segment(selector))
    machine.call(Hcall.LOAD_GDT_ENTRY, 20, 0xFFFF, high)
    reason = f"unhandled trap 256 at {machine.engine.eip:#x} (0x0)"
    if not dies:
        machine.host.segments.check()
        return
    with pytest.raises(Killed) as death:
        machine.host.segments.check()
    assert str(death.value) == reason


def test_a_descriptor_taken_away_and_given_back_is_not_missed() -> None:
    machine = Machine().init()
    machine.call(Hcall.LOAD_GDT_ENTRY, 20, 0xFFFF, 0x00CFF200)
    machine.engine.set_segment(SegmentName.FS, machine.host.segments.segment(0xA3))
    machine.place(Hcall.LOAD_GDT_ENTRY, 20, 0, 0, at=0)
    machine.call(Hcall.LOAD_GDT_ENTRY, 20, 0xFFFF, 0x00CFF200)
    machine.host.segments.check()


def test_the_kernels_own_code_segment_taken_away() -> None:
    machine = Machine(hypercall(1, DATA) + hypercall(Hcall.LOAD_GDT_ENTRY, 12, 0, 0))
    machine.prepare()
    reason = machine.run().reason
    assert reason.startswith("lguest: unhandled trap 256 at 0x") and reason.endswith(" (0x82)")


@pytest.mark.parametrize("pae", [True, False])
@pytest.mark.parametrize("esp", [0, 0xFFFFF000])
def test_a_stack_in_the_hole(pae: bool, esp: int) -> None:
    killed(Machine(pae=pae).init(), "attempt to access switcher pages", Hcall.SET_STACK, 0x69, esp, 1)


def test_the_stack_is_pinned_again_and_must_be_there() -> None:
    machine = Machine().init()
    machine.call(Hcall.SET_STACK, 0x69, STACK, 1)
    machine.call(Hcall.FLUSH_TLB, 1)
    assert machine.shadow(STACK - 1) & 3 == 3
    machine.set_entry(machine.entry_gpa(STACK - 1), 0)
    killed(machine, f"bad stack page {STACK - 1:#x}", Hcall.FLUSH_TLB, 1)


def test_gdt_rules() -> None:
    machine = Machine().init()
    machine.call(Hcall.LOAD_GDT_ENTRY, 9, 0x5678FFFF, 0x12CF9234)
    segment = machine.host.segments.segment(9 << 3 | 1)
    assert (segment.base, segment.limit, segment.attributes) == (0x12345678, 0xFFFFFFFF, 0xCFB300 & 0xF0FF00)
    machine.call(Hcall.LOAD_GDT_ENTRY, 15, 0xFFFF, 0x00CFF200)
    assert machine.host.segments.segment(0x7B).attributes & 0x6100 == 0x6100, "DPL 3 is kept"
    for reserved in (10, 11, 16, 31):
        before = machine.host.segments.segment(reserved << 3)
        machine.call(Hcall.LOAD_GDT_ENTRY, reserved, 0xFFFF, 0x00CFF300)
        assert machine.host.segments.segment(reserved << 3) == before
    killed(machine, "too many gdt entries 32", Hcall.LOAD_GDT_ENTRY, 32, 0, 0)
    killed(machine, "too many gdt entries -1", Hcall.LOAD_GDT_ENTRY, 0xFFFFFFFF, 0, 0)


def test_a_changed_descriptor_is_in_force_at_once() -> None:
    machine = Machine().init()
    machine.call(Hcall.LOAD_GDT_ENTRY, 6, 0x1000FFFF, 0x00CFF200)
    machine.engine.set_segment(SegmentName.FS, machine.host.segments.segment(0x33))
    machine.memory.write(STRINGS, bytes.fromhex("ffff002000f2cf00") + bytes(16))
    machine.call(Hcall.LOAD_TLS, STRINGS, 0)
    assert machine.engine.segment(SegmentName.FS).base == 0x2000
    killed(machine, "bad read address 0xfffffff0 len 24", Hcall.LOAD_TLS, 0xFFFFFFF0, 0)


# -- launcher -----------------------------------------------------------------------------------------


def test_notify_prints_strings() -> None:
    machine = Machine().init()
    machine.memory.write(STRINGS, b"hello\n\0not this")
    machine.call(Hcall.NOTIFY, STRINGS)
    machine.call(Hcall.NOTIFY, 0)
    machine.call(Hcall.NOTIFY, MIB << 20)  # the console's status
    assert machine.printed == [b"hello\n"]
    machine.memory.write(LIMIT - 3, b"end")
    machine.call(Hcall.NOTIFY, LIMIT - 3)
    assert machine.printed[-1] == b"end", "cut off at the limit"
    with pytest.raises(BadNotify, match=f"Bad NOTIFY {LIMIT:#x}"):
        machine.call(Hcall.NOTIFY, LIMIT)


def test_bad_notify_ends_the_launcher() -> None:
    machine = Machine(hypercall(1, DATA) + hypercall(Hcall.NOTIFY, 0xFFFFFFFF))
    machine.prepare()
    assert machine.run().reason == "lguest: Bad NOTIFY 0xffffffff"


# -- ring ---------------------------------------------------------------------------------------------


def names(machine: Machine) -> list[str]:
    return [name for name, _, _ in machine.trace.calls]


def test_ring_runs_in_order_before_the_real_call() -> None:
    machine = Machine().init()
    machine.place(Hcall.TS, 1, at=0)
    machine.place(Hcall.SET_PTE, machine.top, LOW, 0, at=1)
    machine.place(Hcall.TS, 0, at=2)
    machine.call(Hcall.FLUSH_TLB, 0)
    assert names(machine)[1:] == ["TS", "SET_PTE", "TS", "FLUSH_TLB"]
    assert list(machine.data.hcall_status[0:3]) == [0xFF] * 3


def test_ring_stops_at_the_first_free_entry_and_keeps_its_place() -> None:
    machine = Machine().init()
    machine.place(Hcall.TS, 1, at=1)
    machine.call(Hcall.FLUSH_ASYNC)
    assert names(machine)[1:] == ["FLUSH_ASYNC"]
    for at in (0, 2):
        machine.place(Hcall.TS, at, at=at)
    machine.call(Hcall.FLUSH_ASYNC)
    assert machine.trace.calls[2:] == [("TS", (n,), "") for n in (0, 1, 2)] + [("FLUSH_ASYNC", (), "")]
    machine.place(Hcall.TS, 9, at=0)
    machine.call(Hcall.FLUSH_ASYNC)
    assert names(machine)[-1] == "FLUSH_ASYNC"
    assert machine.data.hcall_status[0] == 0, "the cursor stands at 3 and is never reset"


def test_ring_wraps_and_takes_64_at_most() -> None:
    machine = Machine().init()
    for at in range(64):
        machine.place(Hcall.TS, at, at=at)
    machine.call(Hcall.FLUSH_ASYNC)
    assert [arguments for name, arguments, _ in machine.trace.calls if name == "TS"] == [
        (n,) for n in range(64)
    ]
    assert bytes(machine.data.hcall_status) == b"\xff" * 64


def test_notify_in_the_ring_comes_before_what_follows() -> None:
    machine = Machine().init()
    machine.memory.write(STRINGS, b"one\0")
    machine.memory.write(STRINGS + 16, b"two\0")
    machine.place(Hcall.NOTIFY, STRINGS, at=0)
    machine.place(Hcall.TS, 1, at=1)
    machine.call(Hcall.NOTIFY, STRINGS + 16)
    assert machine.printed == [b"one", b"two"]
    assert names(machine)[1:] == ["NOTIFY", "TS", "NOTIFY"]


def test_a_bad_entry_kills_at_the_drain() -> None:
    machine = Machine().init()
    machine.place(77, at=0)
    with pytest.raises(Killed, match="Bad hypercall 77"):
        machine.call(Hcall.FLUSH_ASYNC)


@pytest.mark.parametrize("in_ring", [True, False])
def test_a_guest_that_was_killed_is_still_heard(in_ring: bool) -> None:
    machine = Machine().init()
    machine.memory.write(STRINGS, b"last\0")
    machine.place(77, at=0)
    if in_ring:
        machine.place(Hcall.NOTIFY, STRINGS, at=1)
    with pytest.raises(BadNotify, match="Bad NOTIFY 0x20646142"):  # "Bad ", the reason's first letters
        machine.call(*((Hcall.FLUSH_ASYNC,) if in_ring else (Hcall.NOTIFY, STRINGS)))
    assert machine.printed == [b"last"]


def test_of_several_deaths_the_first_counts_but_for_one_that_starts_over() -> None:
    machine = Machine().init()
    machine.place(77, at=0)
    machine.place(78, at=1)
    with pytest.raises(Killed, match="Bad hypercall 77"):
        machine.call(Hcall.SHUTDOWN, STRINGS, 1)
    machine.place(77, at=2)
    with pytest.raises(ShutDown) as wish:
        machine.call(Hcall.SHUTDOWN, STRINGS, 2)
    assert wish.value.restart
    machine.place(Hcall.SHUTDOWN, STRINGS, 2, at=3)
    with pytest.raises(ShutDown) as wish:
        machine.call(Hcall.SHUTDOWN, STRINGS, 1)
    assert wish.value.restart


def test_a_bad_notify_hides_the_death_before_it() -> None:
    machine = Machine().init()
    machine.place(77, at=0)
    with pytest.raises(BadNotify, match="Bad NOTIFY 0xffffffff"):
        machine.call(Hcall.NOTIFY, 0xFFFFFFFF)


def test_starting_over_needs_no_message() -> None:
    machine = Machine().init()
    with pytest.raises(ShutDown) as wish:
        machine.call(Hcall.SHUTDOWN, 0xFFFFFF80, 2)
    assert wish.value.restart


def test_ring_is_not_looked_at_before_init() -> None:
    machine = Machine()
    machine.prepare()
    machine.place(77, at=0)
    machine.call(Hcall.LGUEST_INIT, DATA)
    assert machine.data.hcall_status[0] == 0


def test_a_guest_that_shuts_down_through_the_ring() -> None:
    code = hypercall(1, DATA) + put(DATA + 24, 0xFFFFFF00) + hypercall(Hcall.FLUSH_ASYNC)
    machine = Machine(code)
    machine.prepare()
    machine.place(Hcall.SHUTDOWN, STRINGS, 1)
    machine.data.hcall_status[0] = 0xFF
    ending = machine.run()
    assert ending.status == 16 and machine.engine.eip > CODE
