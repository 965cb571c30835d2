"""Every slot of the Xen ROM under the embedded Xen, called directly, by every road, as declared."""

from __future__ import annotations

import random
import struct
import time
from collections.abc import Iterator

import pytest

from tests.rom.bare_machine import CODE, DATA, GDT, GENERAL, IDT, KERNEL_CS, SCRATCH, STACK
from tests.rom.builds import TOOLCHAINS, image
from tests.rom.slotarguments import CALLS_WITHOUT_RETURN, give, zeros_for
from tests.rom.slotcall import check_slot, names_with, relocation
from tests.rom.xen_rom_machine import XenRomMachine
from vmirom.machine.engine import Segment, SegmentName
from vmirom.overlays.vmi import Answer, Call, Reloc
from vmirom.schema.tree import load_abi

IF = 0x200
NULL = Segment(0, 0, 0, 0)
ROWS = {call: load_abi().resolve("vmi3").call(int(call)) for call in Call}
FLAG_CALLS = ("EnableInterrupts", "DisableInterrupts", "GetInterruptMask", "SetInterruptMask")
CALLS = len(Call)
ABSENT = {"MachineToPhysical", "PhysicalToMachine", "SetCallbacks", "SetInitialAPState", "RDPMC"}
ROADS = ("entry", "slot")


@pytest.fixture(scope="module", params=TOOLCHAINS)
def machine(request: pytest.FixtureRequest) -> Iterator[XenRomMachine]:
    """A guest that has set itself up; tests leave it as they found it."""
    made = XenRomMachine(image("xen", request.param))
    made.settle()
    made.open_user()
    yield made
    made.close()


@pytest.fixture
def null_segments(machine: XenRomMachine) -> Iterator[None]:
    """Within: DS and ES hold nothing."""
    kept = {name: machine.engine.segment(name) for name in (SegmentName.DS, SegmentName.ES)}
    for name in kept:
        machine.engine.set_segment(name, NULL)
    yield
    for name, segment in kept.items():
        machine.engine.set_segment(name, segment)


def restore(machine: XenRomMachine) -> None:
    """What calls with any arguments may have changed."""
    machine.enabled = False
    for name, eax, edx in (
        *(("SetLazyMode", 0, 0), ("SetCounters", 0, 0), ("CancelAlarm", 0, 0), ("CancelAlarm", 1, 0)),
        *(("SetIOPLMask", 0, 0), ("SetCR0", 0x80050033, 0), ("SetCR3", machine.root, 0), ("SetLDT", 0, 0)),
        ("UpdateKernelStack", KERNEL_CS + 8, STACK),
    ):
        machine.run_code(machine.slot(name), eax=eax, edx=edx)
    for slot in range(4):
        base, pages = (0xC0000000, 4096) if slot == 0 else (0, 0)
        machine.run_code(machine.slot("SetLinearMapping"), (0,), eax=slot, edx=base, ecx=pages)
    for port, value in ((0x20, 0x11), (0x21, 0x30), (0x21, 4), (0x21, 1), (0x21, 0xFE)):
        machine.run_code(machine.slot("OUTB"), eax=value, edx=port)
    machine.put(SCRATCH, struct.pack("<HI", 8 * 256 - 1, IDT))
    machine.run_code(machine.slot("SetIDT"), eax=SCRATCH)


def callable_calls(machine: XenRomMachine) -> list[Call]:
    found = [Call(number) for number in names_with(machine, Reloc.CALL_REL)]
    return [call for call in found if call.name not in CALLS_WITHOUT_RETURN]


def test_every_call_but_the_native_ones_is_translated(machine: XenRomMachine) -> None:
    kinds = {call: relocation(machine, int(call))[1] for call in Call}
    assert {call.name for call, kind in kinds.items() if kind == Reloc.NONE} == ABSENT
    assert {call.name for call, kind in kinds.items() if kind == Reloc.NOP} == {"IODelay"}
    assert {call.name for call, kind in kinds.items() if kind == Reloc.JUMP_REL} == {"IRET", "SYSEXIT"}
    for call, kind in kinds.items():
        answer = machine.call("GetCallInfo", eax=int(call))["EAX"]
        translated = kind in (Reloc.CALL_REL, Reloc.JUMP_REL)
        assert answer == Answer.TRANSLATED if translated else answer != Answer.TRANSLATED, call.name


def test_counting_thunks_keep_as_much(machine: XenRomMachine) -> None:
    array = DATA + 0x400
    machine.put(array, bytes(4 * CALLS))
    direct = names_with(machine, Reloc.CALL_REL)
    assert machine.call("SetCounters", eax=array, edx=CALLS)["EAX"] == 0
    counting = names_with(machine, Reloc.CALL_REL)
    assert counting.keys() == direct.keys()
    assert all(counting[number] != direct[number] for number in direct)
    rng = random.Random(4)
    for call in callable_calls(machine):
        if call not in (Call.SetCounters, Call.GetRomInfo):  # they would switch off or overwrite the array
            before = machine.u32(array + 4 * call)
            given_values = give(machine, ROWS[call], zeros_for(ROWS[call]))
            assert check_slot(machine, int(call), counting[call], rng, given_values)
            assert machine.u32(array + 4 * call) == before + 1, call.name
    machine.run_code(direct[Call.SetCounters])
    assert names_with(machine, Reloc.CALL_REL) == direct
    restore(machine)


# -- results --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("road", ROADS)
def test_what_was_set_is_read_back(machine: XenRomMachine, road: str) -> None:
    def call(name: str, **registers: int) -> int:
        return machine.run_code(getattr(machine, road)(name), (), 2, **registers)["EAX"]

    for value in (0, 0x12345678, 0xFFFFFFFF):
        call("SetCR2", eax=value)
        assert call("GetCR2") == value
        call("SetCR0", eax=value)
        assert call("GetCR0") == value | 0x80010001, "PG, WP and PE stay"
        call("SetTR", eax=value)
        assert call("GetTR") == value & 0xFFFF
    call("SetCR0", eax=0x8005003B)
    call("CLTS")
    assert call("GetCR0") == 0x80050033
    before = call("GetCR4")
    call("SetCR4", eax=before | 0x80)
    call("SetCR4", eax=0)
    assert call("GetCR4") == (before | 0x80) & 0xB0, "PSE, PAE and PGE stay"
    call("SetCR3", eax=machine.root | 0x18)
    assert call("GetCR3") == machine.root | 0x18
    for name, base, limit in (("GDT", GDT, 8 * 32 - 1), ("IDT", IDT, 8 * 256 - 1)):
        call(f"Get{name}", eax=DATA)
        assert struct.unpack("<HI", machine.read(DATA, 6)) == (limit, base)
    restore(machine)


def test_a_local_table_is_one_or_is_none(machine: XenRomMachine) -> None:
    """Selectors of the guest's code, data and TSS name no LDT; a descriptor of a table does."""
    for selector in (0, 4, KERNEL_CS, KERNEL_CS + 8, 0x73, 0x80, 0xFFFF):
        machine.call("SetLDT", eax=selector)
        assert machine.call("GetLDT")["EAX"] == selector
    at, low, high = GDT + 0x88, (DATA & 0xFFFF) << 16 | 0x1F, DATA & 0xFF000000 | 0x8200 | DATA >> 16 & 0xFF
    machine.put(DATA, struct.pack("<II", 0xFFFF, 0x00CFF200) * 4)
    machine.call("WriteGDTEntry", (high,), eax=GDT, edx=17, ecx=low)
    assert machine.u64(at) == high << 32 | low
    machine.call("SetLDT", eax=0x88)
    machine.put(CODE + 0x80, b"\x8e\xe0\x8c\xe0\xc3")  # mov fs, ax; mov ax, fs; ret
    assert machine.run_code(CODE + 0x80, eax=0x1F)["EAX"] & 0xFFFF == 0x1F, "entry 3 is a segment"
    machine.run_code(CODE + 0x80, eax=0)
    restore(machine)


def test_time_goes_on_and_all_clocks_agree(machine: XenRomMachine) -> None:
    hz = machine.call("GetCycleFrequency").pair
    assert abs(hz - machine.engine.tsc_hz()) < machine.engine.tsc_hz() // 100
    real = [machine.call("GetCycleCounter", eax=0).pair for _ in range(3)]
    assert real == sorted(real)
    available, stolen = (machine.call("GetCycleCounter", eax=n).pair for n in (1, 2))
    later = machine.call("GetCycleCounter", eax=0).pair
    assert available + stolen <= later
    assert machine.call("RDTSC").pair < machine.call("RDTSC").pair
    assert abs(machine.call("GetWallclockTime").pair - time.time_ns()) < 2_000_000_000


def test_cpuid_hides_what_xen_keeps(machine: XenRomMachine) -> None:
    one = machine.call("CPUID", eax=1)
    assert not one["EDX"] & (1 << 9 | 1 << 11 | 1 << 13) and one["EDX"] & 1 << 6, "PAE is there"
    for leaf in (0, 2, 0x80000000, 0x40000000, 0xFFFFFFFF):
        after = machine.call("CPUID", eax=leaf, esi=1, edi=2, ebp=3)
        assert [after[name] for name in ("ESI", "EDI", "EBP")] == [1, 2, 3]


# -- the flag, and the ways out ------------------------------------------------------------------------


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.usefixtures("null_segments")
def test_flag_calls_need_no_data_segment(machine: XenRomMachine, road: str) -> None:
    rng = random.Random(6)
    for name in FLAG_CALLS * 2:
        row, eip = ROWS[Call[name]], getattr(machine, road)(name)
        values = {"mask": rng.getrandbits(32)} if row.arguments else {}
        machine.enabled = was = rng.random() < 0.5
        checked = check_slot(machine, int(Call[name]), eip, rng, give(machine, row, values))
        assert checked is not None
        wanted = {"EnableInterrupts": True, "DisableInterrupts": False, "GetInterruptMask": was}
        assert machine.enabled == wanted.get(name, bool(values.get("mask", 0) & IF))
        if name == "GetInterruptMask":
            assert checked["after"]["EAX"] & IF == (IF if was else 0)
        for segment in (SegmentName.DS, SegmentName.ES):
            assert machine.engine.segment(segment).selector == 0
    machine.enabled = False


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("name", ["EnableInterrupts", "SetInterruptMask", "IRET"])
@pytest.mark.parametrize("null", [False, True], ids=["flat", "null"])
def test_enabling_delivers_before_it_returns(
    machine: XenRomMachine, request: pytest.FixtureRequest, road: str, name: str, null: bool
) -> None:
    machine.call("SetAlarm", (0, 0))
    while not machine.call("INB", edx=0x20)["EAX"] & 1:
        pass
    if null:
        request.getfixturevalue("null_segments")
    eip, before = getattr(machine, road)(name), machine.interrupts
    values = {register: 0x200 + n for n, register in enumerate(GENERAL)}
    frame = (KERNEL_CS, IF | 2) if name == "IRET" else ()
    machine._enter(eip, frame, 2, values)
    machine.run()
    assert machine.interrupts == before + 1
    assert {register: getattr(machine.engine, register) for register in GENERAL} == values
    assert machine.enabled
    machine.run_code(machine.slot("EnableInterrupts"))
    assert machine.interrupts == before + 1, "once"
    machine.enabled = False
