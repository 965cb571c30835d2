"""Two-level page tables on the native and kvm ROMs: four-byte entries, their neighbours untouched.

VMI 3.1 enters its guests with PAE on; a guest of 3.0 that takes a ROM by itself may run without.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from tests.rom.bare_machine import CODE, DATA, LINEAR, BareMachine
from tests.rom.kvm_machine import KvmMachine
from vmirom.overlays.kvm import Feature
from vmirom.overlays.native import Cr0, Cr4
from vmirom.overlays.vmi import LazyMode, PageType, PteFlag

Start = Callable[..., BareMachine]
OLD = (Feature.CLOCKSOURCE, Feature.MMU_OP)
HOSTS = [("native", {}), ("kvm", {}), ("kvm", {"features": OLD})]
DIRECTORY, TABLE, FIRST, SECOND = 0x800000, 0x801000, 0x802000, 0x803000  # gpa
AREA = 0x40000000
ALL = 0x63
LARGE = 0xE3


def ready(start: Start, backend: str, options: dict[str, object], pae: bool = False) -> BareMachine:
    """A guest that has left PAE behind: memory at LINEAR and at 0, both by large pages."""
    machine = start(backend, **options)
    machine.boot()
    machine.settle()
    if pae:
        return machine
    engine = machine.engine
    entries = [0] * 1024
    for number in range(4):
        entries[number] = entries[768 + number] = number << 22 | LARGE
    machine.memory.write(DIRECTORY, struct.pack("<1024I", *entries))
    engine.cr0 &= ~int(Cr0.PG)
    engine.cr4 = engine.cr4 & ~int(Cr4.PAE) | int(Cr4.PSE)
    engine.cr3 = DIRECTORY
    engine.cr0 |= int(Cr0.PG)
    return machine


def peek(machine: BareMachine, gva: int) -> int:
    """A word as the guest's processor reads it."""
    machine.put(CODE + 0x40, b"\xa1" + struct.pack("<I", gva) + b"\xc3")  # mov eax, [gva]; ret
    return machine.run_code(CODE + 0x40)["EAX"]


@pytest.mark.parametrize(("backend", "options"), HOSTS, ids=["native", "kvm", "kvm with MMU_OP"])
@pytest.mark.parametrize("lazy", [LazyMode.NONE, LazyMode.MMU])
def test_entries_are_in_force(start: Start, backend: str, options: dict[str, object], lazy: LazyMode) -> None:
    machine = ready(start, backend, options)
    for gpa, word in ((FIRST, 0x1111), (SECOND, 0x2222)):
        machine.memory.put32(gpa, word)
    machine.memory.write(TABLE, b"\0" * 4096)
    if backend == "kvm":
        machine.call("SetLazyMode", eax=lazy)
    for at, value, flags in (
        (TABLE, FIRST | ALL, PageType.PT),
        (TABLE + 4, SECOND | ALL, AREA + 0x1000 | PteFlag.CURRENT_AS | PageType.PT),
        (DIRECTORY + (AREA >> 22) * 4, TABLE | ALL, PageType.PD),
    ):
        machine.call("SetPxE", eax=value, edx=LINEAR + at, ecx=int(flags))
    if backend == "kvm":
        machine.call("SetLazyMode", eax=0)
    assert [peek(machine, AREA), peek(machine, AREA + 0x1000)] == [0x1111, 0x2222]
    for number, forget in enumerate(("InvalPage", "FlushTLB", "SetCR3")):
        there, other = (FIRST, SECOND) if number % 2 else (SECOND, FIRST)
        machine.call("SetPxE", eax=there | ALL, edx=LINEAR + TABLE, ecx=int(PageType.PT))
        if backend == "native":  # the instructions do
            machine.engine.flush_tlb()
        else:
            machine.call(forget, eax={"InvalPage": AREA, "FlushTLB": 1, "SetCR3": DIRECTORY}[forget])
        assert peek(machine, AREA) == machine.memory.u32(there) != machine.memory.u32(other)
    assert machine.memory.u32(TABLE + 8) == 0, "the entry behind the last is nobody's"


@pytest.mark.parametrize(("backend", "options"), HOSTS, ids=["native", "kvm", "kvm with MMU_OP"])
@pytest.mark.parametrize("pae", [False, True])
@pytest.mark.parametrize("upper", [0, 4])
def test_a_short_entry_is_four_bytes(
    start: Start, backend: str, options: dict[str, object], pae: bool, upper: int
) -> None:
    """With PAE on it is one half of an entry, on every backend."""
    machine = ready(start, backend, options, pae)
    machine.put(DATA, bytes(range(0x40, 0x58)))
    machine.call("SetPxE", eax=0xA5A5A5A1, edx=DATA + 8 + upper, ecx=1)
    expected = bytearray(range(0x40, 0x58))
    expected[8 + upper : 12 + upper] = b"\xa1\xa5\xa5\xa5"
    assert machine.memory.read(DATA - LINEAR, 24) == bytes(expected)
    if isinstance(machine, KvmMachine) and options:
        ((_, at, value),) = machine.batches[-1]
        whole = DATA - LINEAR + 8 if pae else DATA - LINEAR + 8 + upper
        assert at == whole and value == (machine.memory.u64(at) if pae else 0xA5A5A5A1)
