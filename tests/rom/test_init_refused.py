"""vmi_init where the ROM's boot stub never ran: it says that it failed, and the guest goes on without it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.rom.bare_machine import CODE, DATA, LINEAR, BareMachine
from tests.rom.lguest_rom_machine import LguestRomMachine
from tests.rom.xen_rom_machine import XenRomMachine
from vmirom.overlays import vmi
from vmirom.rom.image import load_rom

STATE = LINEAR + int(vmi.Layout.STATE_GPA) + 4096 * int(vmi.Layout.STATE_ROM)
MACHINES: dict[str, Callable[[bytes], XenRomMachine | LguestRomMachine]] = {
    "xen": XenRomMachine,
    "lguest": LguestRomMachine,
}
NATIVE = b"\xb8\x78\x56\x34\x12\xa3" + (DATA + 0x40).to_bytes(4, "little") + b"\xc3"
"""mov eax, 0x12345678; mov [DATA + 0x40], eax; ret"""


@pytest.mark.parametrize("backend", MACHINES)
def test_a_rom_without_its_boot_stub_fails_and_leaves_its_guest_alone(backend: str) -> None:
    machine = MACHINES[backend](load_rom(backend).data)
    try:
        guest = [machine.u32(DATA + at) for at in range(0, 0x1000, 4)]
        machine.put(STATE, bytes(0x4000))
        kept = {"ebx": 0x11, "esi": 0x22, "edi": 0x33, "ebp": 0x44}
        after = machine.run_code(machine.rom + int(vmi.RomHeader.INIT_OFFSET), **kept)
        assert after["EAX"] == 0xFFFFFFFF
        assert {name: after[name.upper()] for name in kept} == kept
        assert [machine.u32(DATA + at) for at in range(0, 0x1000, 4)] == guest
        again = machine.run_code(machine.rom + int(vmi.RomHeader.INIT_OFFSET))
        assert again["EAX"] == 0xFFFFFFFF
        machine.put(CODE + 0x100, NATIVE)
        assert machine.run_code(CODE + 0x100)["EAX"] == 0x12345678
        assert machine.u32(DATA + 0x40) == 0x12345678
    finally:
        machine.close()


@pytest.mark.parametrize("backend", MACHINES)
def test_on_a_pc_it_fails_as_well(backend: str) -> None:
    """As an option ROM that a guest in ring 0 found by scanning, beside state pages that nobody filled."""
    machine = BareMachine(load_rom("native").data)
    try:
        machine.boot()
        machine.settle()
        machine.put(STATE, bytes(0x4000))
        machine.memory.write(int(vmi.Layout.ROM_GPA), load_rom(backend).data)
        assert machine.run_code(machine.rom + int(vmi.RomHeader.INIT_OFFSET))["EAX"] == 0xFFFFFFFF
        answer = machine.run_code(machine.rom + int(vmi.RomHeader.GET_RELOC_OFFSET), eax=int(vmi.Call.SetCR3))
        assert answer["EDX"] == vmi.Reloc.CALL_REL
    finally:
        machine.close()
