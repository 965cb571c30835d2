"""Slots and get_reloc of the native and kvm ROMs, made by both toolchains, against the declared contract."""

from __future__ import annotations

import random
import struct

from tests.rom.bare_machine import (
    COUNTS,
    DATA,
    GDT,
    IDT,
    KERNEL_CS,
    KERNEL_DS,
    RETURN,
    SCRATCH,
    STACK,
    TSS,
    BareMachine,
)
from tests.rom.slotcall import Arguments, check_slot, names_with, relocation
from vmirom.overlays.vmi import Answer, Call, Reloc
from vmirom.schema.tree import load_abi

CALLS = len(Call)


def test_every_slot_keeps_what_it_must(machine: BareMachine) -> None:
    rng = random.Random(3)
    tried = 0
    for number, eip in names_with(machine, Reloc.CALL_REL).items():
        for _ in range(4):
            tried += check_slot(machine, number, eip, rng) is not None
    assert tried > 40


def test_a_counting_slot_keeps_just_as_much(machine: BareMachine) -> None:
    machine.put(DATA, bytes(4 * CALLS))
    array = DATA + 0x400
    machine.put(array, bytes(4 * CALLS))
    direct = names_with(machine, Reloc.CALL_REL)
    assert machine.call("SetCounters", eax=array, edx=CALLS)["EAX"] == 0
    counting = names_with(machine, Reloc.CALL_REL)
    assert counting.keys() == direct.keys()
    assert all(counting[number] != direct[number] for number in direct)
    rng = random.Random(4)
    keep = {int(Call.SetCounters), int(Call.GetRomInfo)}  # they would switch off or overwrite the array
    for number in counting.keys() - keep:
        given = Arguments({"EDX": 0x80}) if number == Call.OUTB else None
        before = machine.u32(array + 4 * number)
        if check_slot(machine, number, counting[number], rng, given) is not None:
            assert machine.u32(array + 4 * number) == before + 1, Call(number).name
    machine.run_code(direct[Call.SetCounters], eax=0, edx=0)
    assert names_with(machine, Reloc.CALL_REL) == direct


def test_counters_beyond_the_array_are_not_written(machine: BareMachine) -> None:
    machine.put(DATA + 0x400, bytes(4 * CALLS))
    assert machine.call("SetCounters", eax=DATA + 0x400, edx=10)["EAX"] == 0
    machine.call("GetCycleCounter")
    assert machine.u32(DATA + 0x400 + 4 * Call.GetCycleCounter) == 0
    for array, entries in ((DATA + 1, 10), (DATA, 0), (0xFFFFFFF0, 5)):
        assert machine.call("SetCounters", eax=array, edx=entries)["EAX"] == 0xFFFFFFEA


def test_relocation_is_total_and_stable(machine: BareMachine) -> None:
    rng = random.Random(5)
    first = [relocation(machine, number) for number in range(CALLS)]
    assert [relocation(machine, number) for number in range(CALLS)] == first
    end = machine.rom + machine.image.length
    for number, (eip, kind) in enumerate(first):
        if kind in (Reloc.NONE, Reloc.NOP):
            assert eip == 0, Call(number).name
        else:
            assert machine.rom <= eip < end
            assert kind == (Reloc.JUMP_REL if number in (Call.IRET, Call.SYSEXIT) else Reloc.CALL_REL)
    beyond = [CALLS, CALLS + 1, 255, 256, 1 << 31, (1 << 32) - 1, *(rng.getrandbits(32) for _ in range(20))]
    for number in beyond:
        if number >= CALLS:
            assert relocation(machine, number) == (0, Reloc.NONE)


def test_stock_guests_find_what_they_insist_on(machine: BareMachine) -> None:
    kinds = {Call(number): relocation(machine, number)[1] for number in range(CALLS)}
    assert kinds[Call.IRET] == kinds[Call.SYSEXIT] == Reloc.JUMP_REL
    timer = [kinds[Call(number)] for number in range(Call.GetCycleFrequency, Call.WallclockUpdated + 1)]
    assert timer == [Reloc.CALL_REL] * 6


def test_call_info_agrees_with_relocation(machine: BareMachine) -> None:
    expected = {
        Reloc.CALL_REL: Answer.TRANSLATED,
        Reloc.JUMP_REL: Answer.TRANSLATED,
        Reloc.NOP: Answer.NOTHING,
    }
    for number in (*range(CALLS), CALLS, 1 << 31):
        answer = machine.call("GetCallInfo", eax=number)["EAX"]
        kind = relocation(machine, number)[1]
        assert answer == expected.get(Reloc(kind), answer)
        if kind == Reloc.NONE:
            assert answer in (Answer.NATIVE, Answer.ABSENT)
    assert machine.call("GetCallInfo", eax=Call.PhysicalToMachine)["EAX"] == Answer.ABSENT
    assert machine.call("GetCallInfo", eax=CALLS)["EAX"] == Answer.ABSENT


def test_rom_info_says_what_the_header_says(machine: BareMachine) -> None:
    row = load_abi().resolve("vmi3").struct("vmi_rom_info")
    for size in (0, 7, row.size, row.size + 100):
        machine.put(DATA, b"\xee" * 128)
        assert machine.call("GetRomInfo", eax=DATA, edx=size)["EAX"] == row.size
        data = machine.memory.read(DATA - 0xC0000000, 128)
        copied = min(size, row.size)
        assert data[copied:] == b"\xee" * (128 - copied)
    size, minor, major, backend, _, gpa, length = struct.unpack_from("<IHHIIII", data)
    area = machine.image.private
    assert area is not None
    assert (size, major, minor) == (row.size, *machine.image.abi)
    assert (backend, gpa, length) == (area.backend, area.rom_gpa, machine.image.length)
    assert data[24:44] == area.build_id


def test_idt_calls_show_the_guests_own_table(machine: BareMachine) -> None:
    machine.call("SetAlarm", stack=(0, 0), eax=0, edx=0, ecx=1 << 30)  # from now on a shadow is loaded
    assert machine.engine.idtr[0] != IDT
    machine.call("GetIDT", eax=DATA)
    assert struct.unpack("<HI", machine.memory.read(DATA - 0xC0000000, 6)) == (0x7FF, IDT)
    machine.call("WriteIDTEntry", stack=(0xC0108E00,), eax=IDT, edx=0x91, ecx=0x00601234)
    assert machine.u64(IDT + 8 * 0x91) == 0xC0108E0000601234
    assert machine.u64(machine.engine.idtr[0] + 8 * 0x91) == 0xC0108E0000601234
    machine.call("WriteIDTEntry", stack=(1,), eax=DATA, edx=3, ecx=2)  # another table is just written
    assert machine.u64(DATA + 24) == 1 << 32 | 2


def test_kernel_stack_goes_into_the_live_tss(machine: BareMachine) -> None:
    machine.put(CODE_LTR, b"\x0f\x00\xd8\xc3")  # ltr ax; ret
    machine.call("UpdateKernelStack", eax=0x68, edx=1)  # no TSS yet: nothing happens
    machine.run_code(CODE_LTR, eax=0x80)
    machine.call("UpdateKernelStack", eax=0x68, edx=0xC0123400)
    assert machine.u32(TSS + 4) == 0xC0123400
    assert machine.u32(TSS + 8) & 0xFFFF == 0x68
    assert machine.u32(GDT + 0x84) & 0xFF00 == 0x8B00  # the descriptor was not touched but for its busy bit


CODE_LTR = RETURN + 0x40


def test_iret_returns_by_the_frame_alone(machine: BareMachine) -> None:
    eip = machine.entry("IRET")
    engine = machine.engine
    values = {
        name: 0x11110000 + i for i, name in enumerate(("eax", "ecx", "edx", "ebx", "ebp", "esi", "edi"))
    }
    for name, value in values.items():
        setattr(engine, name, value)
    engine.esp = STACK - 0x200
    machine.put(engine.esp, struct.pack("<III", RETURN, KERNEL_CS, 0x0D7))
    engine.eip = eip
    machine.run(RETURN)
    assert {name: getattr(engine, name) for name in values} == values
    assert engine.esp == STACK - 0x200 + 12
    assert engine.eflags & 0xFFF == 0x0D7


def test_long_entries_are_stored_whole(machine: BareMachine) -> None:
    machine.put(DATA, b"\xff" * 24)
    machine.call("SetPxELong", stack=(1,), eax=0x12345067, edx=0x80000001, ecx=DATA + 8)
    assert machine.u64(DATA + 8) == 0x8000000112345067
    assert machine.u64(DATA) == machine.u64(DATA + 16) == (1 << 64) - 1


def test_registers_are_kept_through_the_stubs(machine: BareMachine) -> None:
    """An interrupt that the ROM's stub hands on to the guest finds every register and segment as it was."""
    seen: list[tuple[int, ...]] = []
    engine = machine.engine
    vector = 0x20
    names = ("eax", "ecx", "edx", "ebx", "ebp", "esi", "edi")
    hz = machine.call("GetCycleFrequency").pair
    now = machine.call("GetCycleCounter").pair
    machine.call("SetAlarm", stack=(0, 0), eax=0, edx=now + hz // 50 & 0xFFFFFFFF, ecx=now + hz // 50 >> 32)
    handler = COUNTS - 0x6000 + 0x400 + 8 * vector
    engine.watch(handler, 1, lambda _: seen.append(tuple(getattr(engine, name) for name in (*names, "esp"))))
    machine.put(CODE_LTR, b"\x90\xeb\xfd")  # spin
    wanted = tuple(0xABC00000 + i for i in range(7))
    for name, value in zip(names, wanted, strict=True):
        setattr(engine, name, value)
    engine.esp, engine.eip, engine.eflags = STACK - 0x300, CODE_LTR, 0x202
    machine.run_until(lambda: bool(seen))
    assert seen[0][:7] == wanted
    assert seen[0][7] == STACK - 0x300 - 12
    assert machine.u32(STACK - 0x300 - 4) & 0x200
    assert machine.u32(STACK - 0x300 - 8) == KERNEL_CS
    assert engine.segment(3).selector == KERNEL_DS
    assert SCRATCH  # the table is still where settle() put it
