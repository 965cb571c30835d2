"""Traps: gates, who sees what, frames, emulation, and the vmcall that becomes an int."""

from __future__ import annotations

import pytest

from tests.hypervisors.lguest_machine import (
    CODE,
    DATA,
    EAX,
    LOW,
    RESULT,
    SPIN,
    STACK,
    Machine,
    hypercall,
    leave,
    mov,
    store,
)
from vmirom.hypervisors.hypervisor import EndKind
from vmirom.hypervisors.lguest.death import Killed
from vmirom.machine.engine import Trap
from vmirom.overlays import lguest as abi

Hcall = abi.Hcall
HANDLER = 0x180000
IF = 0x200


def ready(**options: object) -> Machine:
    machine = Machine(**options).init()  # type: ignore[arg-type]
    machine.engine.esp = STACK
    machine.memory.write(HANDLER, SPIN)
    return machine


def after_init(code: bytes, **options: object) -> Machine:
    """A machine that has run INIT and stands at ``code`` with a stack."""
    machine = ready(**options)
    machine.memory.write(CODE, code)
    machine.engine.eip = CODE
    return machine


# -- gates --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", [2, 8, 15, 0x1F])
def test_ignored_vectors(vector: int) -> None:
    machine = ready()
    machine.gate(vector, HANDLER)
    machine.call(Hcall.LOAD_IDT_ENTRY, vector, 0, 0x8500)
    assert machine.host.interrupts.gate(vector) is None


def test_gate_rules() -> None:
    machine = ready()
    machine.gate(3, HANDLER, kind=0xF, dpl=3)
    gate = machine.host.interrupts.gate(3)
    assert gate is not None and (gate.offset, gate.dpl, gate.trap) == (HANDLER, 3, True)
    machine.call(Hcall.LOAD_IDT_ENTRY, 3, 0xFFFF, 0xFFFF0500)
    assert machine.host.interrupts.gate(3) is None, "not present clears, whatever its type"
    with pytest.raises(Killed, match=r"^bad IDT type 5$"):
        machine.call(Hcall.LOAD_IDT_ENTRY, 3, 0, 0x8500)
    with pytest.raises(Killed, match=r"^Setting idt entry 256$"):
        machine.call(Hcall.LOAD_IDT_ENTRY, 256, 0, 0x8E00)


@pytest.mark.parametrize("vector", [0, 1, 3, 4, 5, 9, 10, 11, 12, 16, 17, 18, 19, 30])
def test_direct_traps_show_if_and_leave_the_flag_alone(vector: int) -> None:
    machine = ready()
    machine.gate(vector, HANDLER, kind=0xF)
    machine.data.irq_enabled = 0
    machine.engine.eflags |= 0x100
    error = 0x58 if vector in (10, 11, 12, 17) else None
    assert machine.host.traps.handle(Trap(vector, error)) is False
    frame = machine.words(machine.engine.esp, (STACK - machine.engine.esp) // 4)
    assert frame[-3:] == [CODE, 0x61, machine.engine.eflags | 0x100]
    assert frame[-1] & IF, "defect 4: the real flag"
    assert frame[:-3] == ([] if error is None else [error])
    assert machine.engine.eip == HANDLER and not machine.engine.eflags & 0x100
    assert not [event for event in machine.trace.events if event[0] == "trap"], "the host does not see it"


@pytest.mark.parametrize("vector", [6, 7, 13, 14])
def test_traps_that_always_go_to_the_host(vector: int) -> None:
    machine = ready()
    machine.gate(vector, HANDLER, kind=0xF)
    machine.host.traps.task_switched = True
    machine.engine.cr2 = 0x12345678
    machine.data.irq_enabled = IF
    machine.host.traps.handle(Trap(vector, 0x10 if vector > 7 else None))
    assert machine.engine.eip == HANDLER
    assert machine.data.irq_enabled == IF, "a trap gate leaves the flag"
    assert machine.data.cr2 == (0x12345678 if vector == 14 else 0)
    assert machine.trace.events[-1][0] == "trap"


@pytest.mark.parametrize(("enabled", "shown"), [(IF, IF), (0, 0), (0xFFFFFDFF, 0), (0x2, 0)])
def test_reflected_frame_shows_bit_9_of_the_guests_flag(enabled: int, shown: int) -> None:
    machine = ready()
    machine.gate(0, HANDLER)
    machine.data.irq_enabled = enabled
    machine.host.traps.handle(Trap(0))
    frame = machine.words(machine.engine.esp, 3)
    assert frame[:2] == [CODE, 0x61] and frame[2] & IF == shown
    assert machine.engine.esp == STACK - 12
    assert machine.data.irq_enabled == 0, "an interrupt gate clears it"
    assert machine.engine.eflags & IF, "the real one stays"


def test_frame_from_user_code() -> None:
    machine = ready()
    machine.call(Hcall.SET_STACK, 0x69, STACK, 1)
    machine.gate(13, HANDLER)
    machine.user(0xBFFF0000)
    machine.engine.eip = 0x8048000
    machine.host.traps.handle(Trap(13, 0x10))
    frame = machine.words(STACK - 24, 6)
    assert frame[:3] == [0x10, 0x8048000, 0x73] and frame[4:] == [0xBFFF0000, 0x7B]
    assert (machine.cs, machine.ss, machine.engine.esp, machine.engine.cpl) == (0x61, 0x69, STACK - 24, 1)


def test_direct_frame_from_user_code() -> None:
    machine = ready()
    machine.call(Hcall.SET_STACK, 0x69, STACK, 1)
    machine.gate(0x80, HANDLER, kind=0xF, dpl=3)
    machine.user(0xBFFF0000)
    machine.engine.eip = 0x8048002
    machine.host.traps.handle(Trap(0x80, soft=True))
    assert machine.words(STACK - 20, 2) == [0x8048002, 0x73]
    assert (machine.cs, machine.engine.esp) == (0x61, STACK - 20)


def test_stack_is_translated_once() -> None:
    machine = ready()
    machine.map(LOW, 0x260000)
    machine.map(LOW + 0x1000, 0x280000)
    machine.gate(0, HANDLER)
    machine.engine.esp = LOW + 0x1004
    machine.host.traps.handle(Trap(0))
    assert machine.words(0x27FFF8, 2) == [CODE, 0x61], "below the page, physically"
    assert machine.engine.esp == LOW + 0xFF8
    machine.engine.esp = LOW + 0x2000
    with pytest.raises(Killed, match=r"^Bad address 0x40002000$"):
        machine.host.traps.handle(Trap(0))


@pytest.mark.parametrize("pae", [True, False])
def test_a_stack_below_which_a_table_is_missing(pae: bool) -> None:
    """With PAE the host goes on from a middle entry that it has found absent, and stops at its own check."""
    machine = after_init(b"\xbc" + (0x0F000100).to_bytes(4, "little") + bytes.fromhex("0f 0b"), pae=pae)
    machine.gate(6, HANDLER)
    ending = machine.run()
    words = (
        "the host's kernel stops at a bug of its own (no middle entry for 0xf000100)"
        if pae
        else "Bad address"
    )
    assert ending.kind is EndKind.CRASH and ending.reason.startswith(f"lguest: {words}")


def test_no_gate_kills() -> None:
    machine = ready()
    with pytest.raises(Killed, match=rf"^unhandled trap 0 at {CODE:#x} \(0x0\)$"):
        machine.host.traps.handle(Trap(0))
    machine.engine.cr2 = 0xDEAD0000
    with pytest.raises(Killed, match=rf"^unhandled trap 14 at {CODE:#x} \(0xdead0000\)$"):
        machine.host.traps.handle(Trap(14, 2))
    with pytest.raises(Killed, match=r"\(0x1234\)$"):
        machine.host.traps.handle(Trap(13, 0x1234))


def test_a_direct_push_fills_or_faults() -> None:
    machine = ready()
    at = machine.map(LOW, 0x260000)
    machine.gate(3, HANDLER, kind=0xF, dpl=3)
    machine.engine.esp = LOW + 0x10
    machine.host.traps.handle(Trap(3))
    assert machine.engine.eip == HANDLER and machine.memory.u32(at) & 0x40, "dirty, as by a real push"
    machine.set_entry(at, 0x260000 | 5)
    machine.call(Hcall.FLUSH_TLB, 1)
    machine.memory.write(CODE, b"\xcd\x03" + SPIN)
    machine.engine.eip, machine.engine.esp = CODE + 2, LOW + 0x10
    machine.gate(14, HANDLER)
    machine.host.traps.handle(Trap(3, soft=True))
    assert machine.data.cr2 == LOW + 0xC
    assert machine.memory.u32(0x260000 + 0x10 - 12) == CODE, (
        "at the instruction; the host ignores permissions"
    )


# -- int n --------------------------------------------------------------------------------------------


def test_hypercall_from_user_code_is_a_protection_fault() -> None:
    machine = ready()
    machine.call(Hcall.SET_STACK, 0x69, STACK, 1)
    machine.gate(13, HANDLER)
    machine.user()
    machine.engine.eip = CODE + 2
    assert machine.host.traps.handle(Trap(0x1F, soft=True)) is False
    assert machine.words(STACK - 24, 2) == [0xFA, CODE]


@pytest.mark.parametrize("vector", [2, 7, 8, 13, 14, 15, 32, 0x21, 0x7F, 0x80, 0x81, 255])
def test_int_n_of_the_hosts_gates(vector: int) -> None:
    machine = after_init(bytes((0xCD, vector)) + SPIN)
    machine.gate(13, HANDLER)
    if vector not in (2, 8, 13, 14, 15, 0x80):
        machine.gate(vector, 0x999, kind=0xF, dpl=3)
    machine.settle()
    assert machine.words(machine.engine.esp, 2) == [8 * vector + 2, CODE]


@pytest.mark.parametrize("code", [b"\xcc", b"\xcd\x03"])
@pytest.mark.parametrize("kind", [0xE, 0xF])
def test_breakpoints_by_privilege(code: bytes, kind: int) -> None:
    """int3 from user code works with either gate type if the guest gave it DPL 3, and faults otherwise."""
    for dpl in (3, 1):
        machine = ready()
        machine.call(Hcall.SET_STACK, 0x69, STACK, 1)
        machine.gate(3, HANDLER, kind=kind, dpl=dpl)
        machine.gate(13, HANDLER + 0x100)
        machine.memory.write(HANDLER + 0x100, SPIN)
        machine.memory.write(CODE, code + SPIN)
        machine.user()
        machine.engine.eip = CODE
        machine.settle()
        assert machine.engine.eip == (HANDLER if dpl == 3 else HANDLER + 0x100)
        if dpl == 3:
            assert machine.words(machine.engine.esp, 1) == [CODE + len(code)]
        else:
            assert machine.words(machine.engine.esp, 2) == [0x1A, CODE]


def test_system_call_gate_of_type_e_swallows() -> None:
    machine = after_init(b"\xcd\x80" + leave())
    machine.gate(0x80, 0x999, kind=0xE, dpl=3)
    assert machine.run().status == 16


# -- emulation ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "eax"),
    [
        ("e4 60", 0x1234FFFF),
        ("ec", 0x1234FFFF),
        ("66 e4 60", 0xFFFF5678),
        ("66 ec", 0xFFFF5678),
        ("e5 60", 0xFFFFFFFF),
        ("ed", 0xFFFFFFFF),
        ("66 ed", 0xFFFFFFFF),
        ("66 e5 60", 0xFFFFFFFF),
        ("e6 60", 0x12345678),
        ("e7 60", 0x12345678),
        ("ee", 0x12345678),
        ("ef", 0x12345678),
        ("66 ef", 0x12345678),
        ("66 e7 60", 0x12345678),
        ("fa", 0x12345678),
        ("9c 9d", 0x12345678),
    ],
)
def test_emulated_instructions(code: str, eax: int) -> None:
    machine = after_init(mov(EAX, 0x12345678) + bytes.fromhex(code) + store(RESULT) + leave())
    machine.data.irq_enabled = IF
    assert machine.run().status == 16
    assert machine.memory.u32(RESULT) == eax
    assert machine.data.irq_enabled == IF, "cli has no effect on it"


@pytest.mark.parametrize(
    "code",
    [
        "fb", "f4", "0f 32", "0f 30", "0f 01 15 00 00 25 00", "0f 01 1d 00 00 25 00", "0f 00 d8", "0f 00 d0",
        "0f 20 c0", "0f 22 c0", "0f 21 c0", "0f 23 c0", "0f 01 3d 00 00 25 00", "0f 06", "0f 09", "6c", "6e",
        "66 66 ee", "f3 ee",
    ],
)  # fmt: skip
def test_instructions_that_are_reflected(code: str) -> None:
    machine = after_init(bytes.fromhex(code) + SPIN)
    machine.gate(13, HANDLER)
    machine.settle()
    assert machine.engine.eip == HANDLER
    assert machine.words(machine.engine.esp, 2) == [0, CODE]


def test_2_6_32_does_not_skip_cli() -> None:
    machine = after_init(b"\xfa" + leave(), release="2.6.32")
    assert machine.run().reason == f"lguest: unhandled trap 13 at {CODE:#x} (0x0)"


@pytest.mark.parametrize("code", ["e4 60", "fa", "ee", "f4"])
def test_nothing_is_emulated_for_user_code(code: str) -> None:
    machine = ready()
    machine.memory.write(CODE, bytes.fromhex(code) + SPIN)
    machine.call(Hcall.SET_STACK, 0x69, STACK, 1)
    machine.gate(13, HANDLER)
    machine.user()
    machine.engine.eip = CODE
    machine.settle()
    assert machine.words(STACK - 24, 3) == [0, CODE, 0x73]


def test_instruction_across_pages_is_misread() -> None:
    """Bytes are fetched through one translated address (defect 5)."""
    machine = ready()
    machine.map(LOW, 0x260000)
    machine.map(LOW + 0x1000, 0x280000)
    machine.memory.write(0x260FFF, b"\x66")
    machine.memory.write(0x280000, b"\xee" + SPIN)
    machine.gate(13, HANDLER)
    machine.engine.eip = LOW + 0xFFF
    machine.settle()
    assert machine.engine.eip == HANDLER


# -- vmcall -------------------------------------------------------------------------------------------


def test_vmcall_is_rewritten_and_runs_again() -> None:
    code = mov(EAX, Hcall.TS) + mov(3, 1) + b"\x0f\x01\xc1" + leave()
    machine = after_init(code)
    assert machine.run().status == 16
    assert machine.memory.read(CODE + 10, 3) == b"\xcd\x1f\x90"
    assert ("TS", (1,), "") in machine.trace.calls


def test_vmcall_is_rewritten_in_read_only_pages_and_before_init() -> None:
    machine = Machine(SPIN)
    machine.memory.write(CODE, mov(EAX, Hcall.LGUEST_INIT) + mov(3, DATA) + b"\x0f\x01\xc1" + leave())
    machine.prepare()
    machine.set_entry(machine.entry_gpa(CODE), CODE | 5)
    assert machine.run().status == 16
    assert machine.memory.read(CODE + 10, 3) == b"\xcd\x1f\x90"


def test_vmcall_from_user_code_is_undefined() -> None:
    machine = ready()
    machine.memory.write(CODE, b"\x0f\x01\xc1" + SPIN)
    machine.call(Hcall.SET_STACK, 0x69, STACK, 1)
    machine.gate(6, HANDLER)
    machine.user()
    machine.engine.eip = CODE
    machine.settle()
    assert machine.engine.eip == HANDLER and machine.memory.read(CODE, 3) == b"\x0f\x01\xc1"


# -- FPU ----------------------------------------------------------------------------------------------


def test_fpu_traps_only_with_ts() -> None:
    machine = after_init(b"\xdb\xe3" + leave())
    assert machine.run().status == 16
    machine = after_init(hypercall(Hcall.TS, 1) + b"\xdb\xe3" + SPIN)
    machine.gate(7, HANDLER)
    machine.settle()
    assert machine.engine.eip == HANDLER


# -- by running ---------------------------------------------------------------------------------------


def test_a_fault_through_the_whole_machine() -> None:
    code = hypercall(Hcall.LGUEST_INIT, DATA) + mov(4, STACK)
    code += hypercall(Hcall.LOAD_IDT_ENTRY, 14, HANDLER & 0xFFFF, HANDLER & 0xFFFF0000 | 0x8E00)
    code += b"\xa1" + (0x90000000).to_bytes(4, "little")
    machine = Machine(code)
    machine.prepare()
    machine.memory.write(HANDLER, leave(19))
    ending = machine.run()
    assert (ending.kind, ending.status) == (EndKind.SHUTDOWN, 19)
    assert machine.data.cr2 == 0x90000000
    assert machine.words(STACK - 16, 2) == [0, CODE + len(code) - 5]


def test_no_gate_through_the_whole_machine() -> None:
    machine = Machine(b"\x0f\x0b")
    assert machine.run().reason == f"lguest: unhandled trap 6 at {CODE:#x} (0x0)"
