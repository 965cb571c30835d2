"""The lguest ROM: fast roads, delivery, what it tells the host, and its ends."""

from __future__ import annotations

import random
import struct
import time
from collections.abc import Iterator

import capstone
import pytest

from tests.rom.bare_machine import CODE, DATA, GDT, LINEAR, SCRATCH, STACK
from tests.rom.builds import built
from tests.rom.lguest_rom_machine import HANDLER, LguestRomMachine
from tests.rom.slotcall import Arguments, check_slot, names_with
from vmirom.hypervisors.hypervisor import EndKind
from vmirom.overlays import lguest as abi
from vmirom.overlays import vmi
from vmirom.overlays.vmi import Answer, Call, Reloc
from vmirom.rom.build import BuiltRom

pytestmark = pytest.mark.toolchain

IF = 0x200
P, RW, US, A, D = 1, 2, 4, 0x20, 0x40
PT, PD, PDP, AS, DEFER = 1, 2, 4, 0x10, 0x20
VA = 0x08048000
TABLE = DATA + 0x800  # a page-table page of nobody's, in the linear map


@pytest.fixture(params=["zig", "gnu"])
def rom(request: pytest.FixtureRequest) -> BuiltRom:
    return built("lguest", request.param)


@pytest.fixture
def machine(rom: BuiltRom) -> Iterator[LguestRomMachine]:
    made = LguestRomMachine(rom.data)
    made.settle()
    yield made
    made.close()


# -- boot ---------------------------------------------------------------------------------------------


def test_boot_says_what_it_must_and_no_more(rom: BuiltRom) -> None:
    machine = LguestRomMachine(rom.data)
    e = machine.engine
    assert e.eax == vmi.Const.ENTRY_MAGIC and e.cpl == 1
    assert e.esi == LINEAR + vmi.Layout.STATE_GPA + 0x1000 * vmi.Layout.STATE_BOOT_INFO
    assert machine.data.irq_enabled == 0 and machine.data.blocked_interrupts == 0xFFFFFFFE
    assert machine.data.syscall_vec == 0x80 and machine.data.kernel_address == LINEAR
    names = [name for name, *_ in machine.calls.take()]
    assert names == ["LGUEST_INIT", "LOAD_IDT_ENTRY", "NEW_PGTABLE", "FLUSH_TLB"]
    assert machine.call("GetCR3")["EAX"] == machine.root == machine.data.pgdir
    machine.close()


def test_a_host_that_knows_no_tsc_rate_is_measured(rom: BuiltRom) -> None:
    machine = LguestRomMachine(rom.data, stable_tsc=False)
    hz = machine.call("GetCycleFrequency").pair
    assert abs(hz - machine.engine.tsc_hz()) < machine.engine.tsc_hz() // 10
    machine.close()


def test_a_host_without_pae_is_told_why(rom: BuiltRom) -> None:
    with pytest.raises(AssertionError, match="the host has no PAE"):
        LguestRomMachine(rom.data, pae=False)


# -- the contract of every slot -----------------------------------------------------------------------


def test_every_slot_keeps_what_it_must(machine: LguestRomMachine) -> None:
    rng = random.Random(3)
    machine.put(SCRATCH + 0x10, struct.pack("<HI", 8 * 32 - 1, GDT))
    given = {
        Call.SetGDT: Arguments({"EAX": SCRATCH + 0x10}),
        Call.WriteGDTEntry: Arguments({"EAX": GDT, "EDX": 9, "ECX": 0xFFFF}, (0x00CF9300,)),
        Call.WriteLDTEntry: Arguments({"EAX": DATA, "EDX": 9, "ECX": 0xFFFF}, (0x00CF9300,)),
    }
    tried = 0
    for number, eip in names_with(machine, Reloc.CALL_REL).items():
        for _ in range(4):
            tried += check_slot(machine, number, eip, rng, given.get(Call(number))) is not None
    assert tried > 100


def test_answers(machine: LguestRomMachine) -> None:
    answers = {call.name: machine.call("GetCallInfo", eax=int(call))["EAX"] for call in Call}
    assert {name for name, answer in answers.items() if answer == Answer.NATIVE} == {
        "WRMSR", "RDMSR", "RDPMC", "RDTSC", "SetInitialAPState",
    }  # fmt: skip
    assert {name for name, answer in answers.items() if answer == Answer.NOTHING} == {
        "WBINVD", "IODelay", "SetIOPLMask", "SetDR", "SetLinearMapping", "AllocatePage", "ReleasePage",
        "SetLDT",
    }  # fmt: skip


# -- the interrupt flag -------------------------------------------------------------------------------


def instructions(rom: BuiltRom, start: int) -> list[str]:
    """From ``start`` to the first return."""
    found = []
    for each in capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_32).disasm(
        rom.data[start : start + 64], start
    ):
        found.append(f"{each.mnemonic} {each.op_str}".strip())
        if each.mnemonic in ("ret", "iretd"):
            return found
    raise AssertionError(found)


@pytest.mark.parametrize(
    ("name", "most"),
    [("EnableInterrupts", 3), ("DisableInterrupts", 1), ("GetInterruptMask", 1), ("SetInterruptMask", 4)],
)
def test_flag_calls_are_short_and_touch_memory_through_ss(rom: BuiltRom, name: str, most: int) -> None:
    code = instructions(rom, rom.symbols[f"fast_{name}"])
    assert len(code) - 1 <= most <= 4 and code[-1] == "ret"
    for each in code[:-1]:
        if "ptr" in each or "[" in each:
            assert "ss:[0xc009" in each


def test_get_reloc_picks_the_fast_road_in_the_linear_map(machine: LguestRomMachine, rom: BuiltRom) -> None:
    for name in ("EnableInterrupts", "DisableInterrupts", "GetInterruptMask", "SetInterruptMask", "IRET"):
        assert machine.entry(name) == machine.rom + rom.symbols[f"fast_{name}"]
    assert machine.slot("IRET") != machine.entry("IRET")


def test_the_noirq_range_holds_what_must_not_be_interrupted(rom: BuiltRom) -> None:
    start, end = rom.symbols["lguest_noirq_start"], rom.symbols["lguest_noirq_end"]
    for name in ("fast_IRET", "fast_SetInterruptMask", "lguest_traps", "lguest_system_call"):
        assert start <= rom.symbols[name] < end
    assert end - start < 0x400


@pytest.mark.parametrize("road", ["entry", "slot"])
def test_flags_by_both_roads(machine: LguestRomMachine, road: str) -> None:
    def call(name: str, eax: int = 0) -> int:
        eip = machine.entry(name) if road == "entry" else machine.slot(name)
        return machine.run_code(eip, eax=eax)["EAX"]

    for mask, state in ((IF, IF), (0xFFFFFFFF, IF), (0xFFFFFDFF, 0), (0x246, IF), (0x46, 0)):
        assert call("SetInterruptMask", mask) == mask, "EAX survives"
        assert machine.data.irq_enabled == state, "nothing but IF gets into the word"
        assert call("GetInterruptMask") == state
    call("EnableInterrupts")
    assert machine.data.irq_enabled == IF
    call("DisableInterrupts")
    assert machine.data.irq_enabled == 0


@pytest.mark.parametrize("road", ["entry", "slot"])
@pytest.mark.parametrize("name", ["EnableInterrupts", "SetInterruptMask"])
@pytest.mark.parametrize("held_by", ["host", "pic"])
def test_enabling_delivers_before_it_returns(
    machine: LguestRomMachine, road: str, name: str, held_by: str
) -> None:
    now = machine.engine.tsc()
    if held_by == "host":
        machine.call("SetAlarm", (0, 0), edx=now + 100_000 & 0xFFFFFFFF, ecx=now + 100_000 >> 32)
        time.sleep(0.01)
        machine.run_code(machine.slot("GetInterruptMask"))
    else:
        machine.call("SetAlarm", (0, 0))
        assert machine.call("INB", edx=0x20)["EAX"] & 1, "in the virtual PIC's request register"
    assert machine.interrupts == 0 and machine.data.irq_pending == IF
    eip = machine.entry(name) if road == "entry" else machine.slot(name)
    after = machine.run_code(eip, eax=IF, ecx=1, edx=2, ebx=3, esi=4, edi=5, ebp=6)
    assert machine.interrupts == 1
    assert [after[r] for r in ("EAX", "ECX", "EDX", "EBX", "ESI", "EDI", "EBP")] == [IF, 1, 2, 3, 4, 5, 6]
    assert machine.data.irq_enabled == IF
    machine.run_code(eip, eax=IF)
    assert machine.interrupts == 1


@pytest.mark.parametrize("road", ["entry", "slot"])
def test_iret_honours_bit_9_only_and_delivers_when_it_enables(machine: LguestRomMachine, road: str) -> None:
    eip = machine.entry("IRET") if road == "entry" else machine.slot("IRET")

    def iret(flags: int) -> None:
        machine._enter(eip, (abi.Constants.KERNEL_CS, flags), 2, {})
        machine.run()

    machine.data.irq_enabled = IF
    iret(0x3046)
    assert machine.data.irq_enabled == 0 and machine.engine.eflags & 0x3200 == IF
    machine.call("SetAlarm", (0, 0))
    iret(0x46)
    assert machine.interrupts == 0
    iret(0x246)
    assert machine.interrupts == 1 and machine.data.irq_enabled == IF and machine.engine.eflags & 0x40


def test_a_trap_gate_shows_the_virtual_flag(machine: LguestRomMachine) -> None:
    """int3 through a trap gate is direct: hardware pushes IF = 1, the ROM's stub corrects the frame."""
    catcher = CODE + 0xA00
    machine.put(
        catcher, b"\x8b\x44\x24\x08\x36\xa3" + struct.pack("<I", SCRATCH) + b"\x58\x83\xc4\x08\x50\xc3"
    )
    machine.put(CODE + 0xB00, b"\xcc\xc3")
    for kind, after in ((0xF, None), (0xE, 0)):
        high = catcher & 0xFFFF0000 | 0xE000 | kind << 8
        machine.call("WriteIDTEntry", (high,), eax=DATA + 0x1000, edx=3, ecx=0x600000 | catcher & 0xFFFF)
        for flag in (0, IF):
            machine.data.irq_enabled = flag
            machine.run_code(CODE + 0xB00)
            assert machine.u32(SCRATCH) & IF == flag
            assert machine.data.irq_enabled == (flag if after is None else after)


def test_the_hosts_gates(machine: LguestRomMachine, rom: BuiltRom) -> None:
    """An interrupt gate goes to the host as it is, a page fault and a system call behind a stub."""
    gate = machine.host.interrupts.gate
    divide, fault, system_call, clock = gate(0), gate(14), gate(0x80), gate(32)
    assert divide and fault and system_call and clock
    assert divide.offset == HANDLER and not divide.trap
    assert fault.offset == machine.rom + rom.symbols["lguest_page_fault_stub"]
    assert system_call.trap and system_call.offset == machine.rom + rom.symbols["lguest_system_call"]
    assert clock.offset == machine.rom + rom.symbols["lguest_clock_stub"]
    assert gate(33) is None, "vectors of the virtual PIC are no affair of the host's"


# -- page tables --------------------------------------------------------------------------------------

FRAME_A, FRAME_B = 0x200000, 0x201000
READY = P | RW | US | A | D
TABLE_OF_CHANGES = [
    # old, new, flags, hypercalls ("top" stands for the current top table)
    (0, FRAME_A | READY, PT, []),
    (0, FRAME_A | READY, PT | AS | VA, []),
    (FRAME_A, FRAME_A | READY, PT | AS | VA, []),
    (FRAME_A | P | US | A, FRAME_A | READY, PT | AS | VA, []),
    (FRAME_A | READY, FRAME_A | READY, PT, []),
    (FRAME_A | P | US | A, FRAME_A | READY, PT, [("FLUSH_TLB", 1)]),
    (FRAME_A | READY, 0, PT, [("FLUSH_TLB", 1)]),
    (FRAME_A | READY, 0, PT | AS | VA, [("SET_PTE", "top", VA, 0, 0)]),
    (FRAME_A | READY, FRAME_B | READY, PT | AS | VA, [("SET_PTE", "top", VA, FRAME_B | READY, 0)]),
    (
        FRAME_A | READY,
        FRAME_A | P | US | A | D,
        PT | AS | VA,
        [("SET_PTE", "top", VA, FRAME_A | P | US | A | D, 0)],
    ),
    (FRAME_A | READY, FRAME_A | P | RW | US | A, PT | AS | VA, [("SET_PTE", "top", VA, 0, 0)]),
    (FRAME_A | READY, FRAME_A | P | RW | US | D, PT | AS | VA, [("SET_PTE", "top", VA, 0, 0)]),
    (FRAME_A | READY, FRAME_A | RW | US | A | D, PT | AS | VA, [("SET_PTE", "top", VA, 0, 0)]),
    (FRAME_A | READY, 0xE0000000 | READY, PT | AS | VA, [("SET_PTE", "top", VA, 0, 0)]),
    (FRAME_A | READY, FRAME_A | READY | 0x80, PT | AS | VA, [("SET_PTE", "top", VA, 0, 0)]),
    (
        FRAME_A | READY,
        1 << 63 | FRAME_A | READY,
        PT | AS | VA,
        [("SET_PTE", "top", VA, FRAME_A | READY, 1 << 31)],
    ),
    (1 << 63 | FRAME_A | READY, FRAME_A | READY, PT | AS | VA, []),
    (FRAME_A | READY, 0, PT | AS | 0xFFFFF000, []),
    (0, FRAME_A | 7, PD, []),
    (FRAME_A | 7, FRAME_A | 0x27, PD, []),
    (FRAME_A | 5, FRAME_A | 7, PD, [("SET_PMD", TABLE - LINEAR & ~0xFFF, (TABLE & 0xFFF) // 8)]),
    (FRAME_A | 7, 0, PD, [("SET_PMD", TABLE - LINEAR & ~0xFFF, (TABLE & 0xFFF) // 8)]),
    (0, FRAME_A | 1, PDP, []),
    (FRAME_A | 1, 0, PDP, [("SET_PGD", TABLE - LINEAR, 0)]),
]


@pytest.mark.parametrize(("old", "new", "flags", "expected"), TABLE_OF_CHANGES)
@pytest.mark.parametrize("lazy", [0, 1])
def test_what_the_host_is_told(
    machine: LguestRomMachine, old: int, new: int, flags: int, expected: list[tuple[object, ...]], lazy: int
) -> None:
    machine.call("SetLazyMode", eax=lazy)
    machine.put(TABLE, struct.pack("<Q", old))
    machine.calls.take()
    wanted = [tuple(machine.root if word == "top" else word for word in each) for each in expected]
    machine.call("SetPxELong", (flags,), eax=new & 0xFFFFFFFF, edx=new >> 32, ecx=TABLE)
    assert machine.memory.u64(TABLE - LINEAR) == new
    if lazy:
        assert machine.calls.take() == [], "queued"
        machine.call("SetLazyMode", eax=0)
        wanted += [("FLUSH_ASYNC",)] if wanted else []
    assert machine.calls.take() == wanted


def test_top_entry_of_the_kernels_part_drops_everything(machine: LguestRomMachine) -> None:
    machine.put(TABLE + 24, struct.pack("<Q", FRAME_A | 1))
    machine.call("SetPxELong", (PDP,), ecx=TABLE + 24)
    assert machine.calls.take() == [("FLUSH_TLB", 1)]


def test_update_always_tells_and_defer_waits_for_the_flush(machine: LguestRomMachine) -> None:
    machine.put(TABLE, struct.pack("<Q", FRAME_A | READY))
    machine.call("UpdatePxELong", eax=TABLE, edx=PT | AS | DEFER | VA)
    assert machine.calls.take() == []
    machine.call("InvalPage", eax=VA | 0x123)
    top = machine.root
    assert machine.calls.take() == [("SET_PTE", top, VA, FRAME_A | READY, 0), ("SET_PTE", top, VA, 0, 0)]
    machine.call("UpdatePxELong", eax=TABLE, edx=PT)
    machine.call("UpdatePxELong", eax=TABLE, edx=PD)
    assert [name for name, *_ in machine.calls.take()] == ["FLUSH_TLB", "SET_PMD"]
    machine.call("InvalPage", eax=0xFFFFF000)
    assert machine.calls.take() == [], "the hole is no address of the guest's"


def test_a_full_ring_becomes_real_calls_in_order(machine: LguestRomMachine) -> None:
    machine.call("SetLazyMode", eax=1)
    machine.calls.take()
    for number in range(70):
        machine.put(TABLE, struct.pack("<Q", FRAME_A | READY))
        machine.call("UpdatePxELong", eax=TABLE, edx=PT | AS | VA + 0x1000 * number)
    machine.call("SetLazyMode", eax=0)
    told = [each for each in machine.calls.take() if each[0] == "SET_PTE"]
    assert [each[2] for each in told] == [VA + 0x1000 * number for number in range(70)]


def test_set_cr3_switches_and_leaves_nothing_of_before(machine: LguestRomMachine) -> None:
    top = machine.root
    machine.call("SetCR3", eax=top | 0x18)
    assert machine.calls.take() == [("NEW_PGTABLE", top), ("FLUSH_TLB", 1)]
    assert machine.call("GetCR3")["EAX"] == top | 0x18
    machine.call("SetCR4", eax=0xA0)
    machine.calls.take()
    machine.call("SetCR3", eax=top)
    assert machine.calls.take() == [("NEW_PGTABLE", top), ("FLUSH_TLB", 0)], (
        "with PGE the kernel part is global"
    )
    machine.call("FlushTLB", eax=1)
    machine.call("FlushTLB", eax=3)
    assert machine.calls.take() == [("FLUSH_TLB", 0), ("FLUSH_TLB", 1)]


# -- processor ----------------------------------------------------------------------------------------


def test_context_switch_is_one_hypercall(machine: LguestRomMachine) -> None:
    machine.call("SetLazyMode", eax=2)
    machine.call("SetCR3", eax=machine.root)
    machine.call("UpdateKernelStack", eax=0x68, edx=STACK)
    assert machine.calls.take() == []
    machine.call("SetLazyMode", eax=0)
    assert machine.calls.take() == [
        ("NEW_PGTABLE", machine.root),
        ("FLUSH_TLB", 1),
        ("SET_STACK", 0x69, STACK, 1),
        ("FLUSH_ASYNC",),
    ]


@pytest.mark.parametrize("esp", [0, 0xFFFFFFFF, 0x40000000, 0xC00C1000, 0xFFE00800])
def test_a_stack_that_is_not_there_is_not_pinned(machine: LguestRomMachine, esp: int) -> None:
    machine.call("UpdateKernelStack", eax=0x68, edx=esp)
    assert machine.calls.take() == [("SET_STACK", 0x69, esp, 0)]


def test_sticky_control_registers(machine: LguestRomMachine) -> None:
    machine.call("SetCR0", eax=8)
    assert machine.call("GetCR0")["EAX"] & 0x80010009 == 0x80010009
    machine.call("CLTS")
    assert machine.calls.take() == [("TS", 1), ("TS", 0)]
    machine.call("SetCR2", eax=0x12345)
    assert machine.call("GetCR2")["EAX"] == 0x12345 == machine.data.cr2


def test_cpuid_shows_what_there_is(machine: LguestRomMachine) -> None:
    assert machine.call("CPUID", eax=0)["EAX"] <= 5
    one = machine.call("CPUID", eax=1)
    assert one["EAX"] >> 8 & 0xF == 5 and not one["ECX"] & ~0x2201 and not one["EDX"] & ~0x0780A151
    assert one["EDX"] & 0x2000
    assert machine.call("CPUID", eax=0x80000000)["EAX"] <= 0x80000008
    assert not machine.call("CPUID", eax=0x80000001)["EDX"] & 1 << 20


# -- time and ends ------------------------------------------------------------------------------------


def test_halt_returns_after_an_interrupt_of_the_guests(machine: LguestRomMachine) -> None:
    now = machine.engine.tsc() + machine.engine.tsc_hz() // 200
    machine.call("SetAlarm", (0, 0), edx=now & 0xFFFFFFFF, ecx=now >> 32)
    machine.call("Halt")
    assert machine.interrupts == 1 and machine.engine.tsc() >= now
    assert machine.data.irq_enabled == IF


def test_wallclock(machine: LguestRomMachine) -> None:
    assert abs(machine.call("GetWallclockTime").pair - time.time_ns()) < 2_000_000_000


@pytest.mark.parametrize("status", [0, 16, 19, 255])
def test_exit_port(machine: LguestRomMachine, status: int) -> None:
    for byte in b"no newline":
        machine.call("OUTB", eax=byte, edx=0x3F8)
    ending = machine.ending("OUTB", eax=status, edx=int(vmi.Port.EXIT))
    assert (ending.kind, ending.status) == (EndKind.SHUTDOWN, status)
    assert machine.console.endswith(b"no newline"), "flushed before the end"


def test_shutdown_and_reboot(machine: LguestRomMachine) -> None:
    assert (machine.ending("Shutdown").kind, machine.ending("Reboot").kind) == (
        EndKind.SHUTDOWN,
        EndKind.REBOOT,
    )
