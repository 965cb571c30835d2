"""Boot stubs of the native and kvm ROMs: from the loader's state to the entry contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.rom.bare_machine import CODE, GUEST, IMAGE_END, LINEAR, LOADER, MEMORY, BareMachine, Surprise
from vmirom.machine.devices import RequestKind
from vmirom.machine.engine import SegmentName
from vmirom.overlays import vmi
from vmirom.overlays.native import Cr0, Cr4, Efer, Pte

Start = Callable[..., BareMachine]
INITRD = bytes(range(256)) * 40

P, W, NX = int(Pte.PRESENT), int(Pte.WRITE), int(Pte.NX)
PRESET = int(Pte.ACCESSED | Pte.DIRTY)


def boot_info(machine: BareMachine) -> Any:
    return machine.memory.view(machine.engine.esi - LINEAR, vmi.ffi, "struct vmi_boot_info")


def leaves(machine: BareMachine) -> Iterator[tuple[int, int]]:
    """Address and entry of everything that the first page tables map."""
    memory, root = machine.memory, machine.engine.cr3
    for top in range(4):
        directory = memory.u64(root + 8 * top)
        for middle in range(512 if directory & P else 0):
            table = memory.u64((directory & 0xFFFFF000) + 8 * middle)
            for low in range(512 if table & P else 0):
                entry = memory.u64((table & 0xFFFFF000) + 8 * low)
                if entry & P:
                    yield top << 30 | middle << 21 | low << 12, entry


@pytest.mark.parametrize("backend", ["native", "kvm"])
@pytest.mark.parametrize("pvh", [False, True], ids=["multiboot", "pvh"])
def test_the_guest_finds_the_entry_contract(start: Start, backend: str, pvh: bool) -> None:
    machine = start(backend)
    machine.boot(pvh=pvh)
    engine = machine.engine
    assert engine.eip == CODE + 1  # it executed one HLT
    assert engine.eax == vmi.Const.ENTRY_MAGIC
    assert engine.esi == LINEAR + vmi.Layout.STATE_GPA + 4096 * vmi.Layout.STATE_BOOT_INFO
    assert engine.esp == LINEAR + vmi.Layout.STATE_GPA + 4096 * (vmi.Layout.STATE_STACK + 1)
    assert engine.eflags & 0x600 == 0  # IF, DF
    assert engine.cpl == 0
    for name in (SegmentName.CS, SegmentName.SS, SegmentName.DS, SegmentName.ES):
        part = engine.segment(name)
        assert (part.base, part.limit) == (0, 0xFFFFFFFF)
    assert engine.segment(SegmentName.FS).selector == engine.segment(SegmentName.GS).selector == 0
    assert engine.cr0 & Cr0.PG and engine.cr0 & Cr0.WP and engine.cr4 & Cr4.PAE and engine.efer & Efer.NXE
    assert engine.idtr[1] == 0 or machine.memory.read(engine.idtr[0] - LINEAR, 8) == bytes(8)


@pytest.mark.parametrize("pvh", [False, True], ids=["multiboot", "pvh"])
def test_boot_info_tells_what_there_is(start: Start, pvh: bool) -> None:
    machine = start()
    machine.boot(pvh=pvh, initrd=(0x800000, INITRD))
    info = boot_info(machine)
    area = machine.image.private
    assert area is not None
    assert info.magic == vmi.Const.BOOT_INFO_MAGIC
    assert info.size == vmi.ffi.sizeof("struct vmi_boot_info")
    assert (info.abi_major, info.abi_minor) == machine.image.abi
    assert info.mem_pages == MEMORY >> 12
    assert info.root_gpa == machine.engine.cr3
    assert (info.rom_gpa, info.rom_length) == (area.rom_gpa, machine.image.length)
    assert (info.state_gpa, info.state_pages) == (area.state_gpa, area.state_pages)
    assert info.backend == vmi.Backend.NATIVE
    assert machine.memory.read(info.command_line_gpa, info.command_line_length + 1) == b"quiet\0"
    assert info.initrd_length == len(INITRD)
    assert machine.memory.read(info.initrd_gpa, len(INITRD)) == INITRD
    below = info.first_free_pfn << 12
    assert info.initrd_gpa >= IMAGE_END
    assert info.initrd_gpa + info.initrd_length <= below
    assert IMAGE_END <= info.root_gpa < below < MEMORY


def test_page_tables_map_all_memory_by_its_rights(start: Start) -> None:
    machine = start()
    machine.boot()
    mapped = dict(leaves(machine))
    assert sorted(mapped) == [LINEAR + 4096 * i for i in range(MEMORY >> 12)]
    rom = range(vmi.Layout.ROM_GPA, vmi.Layout.ROM_GPA + machine.image.length)
    for gva, entry in mapped.items():
        gpa = gva - LINEAR
        rights = 0 if gpa in rom or GUEST <= gpa < GUEST + 4096 else W | NX
        assert entry == gpa | P | PRESET | rights, f"{gva:#x}"


def test_pages_of_two_segments_have_the_rights_of_both(start: Start) -> None:
    machine = start()
    bundle = machine.memory.view(vmi.Layout.STATE_GPA, vmi.ffi, "struct vmi_bundle")
    bundle.segments[0].length = 0x1004  # four bytes of code in the page where data begins
    machine.boot()
    mapped = dict(leaves(machine))
    assert mapped[LINEAR + GUEST] & (W | NX) == 0
    assert mapped[LINEAR + GUEST + 0x1000] & (W | NX) == W
    assert mapped[LINEAR + GUEST + 0x2000] & (W | NX) == W | NX


def test_a_long_command_line_is_cut(start: Start) -> None:
    machine = start()
    machine.command_line = b"x" * 1500
    machine.boot()
    info = boot_info(machine)
    assert info.command_line_length == vmi.Const.COMMAND_LINE_MAX - 1
    assert machine.memory.read(info.command_line_gpa, 1024) == b"x" * 1023 + b"\0"


def test_an_initrd_that_touches_the_image_is_taken_along(start: Start) -> None:
    machine = start()
    machine.boot(initrd=(IMAGE_END + 0x800, INITRD))  # overlaps where it is moved to
    info = boot_info(machine)
    assert machine.memory.read(info.initrd_gpa, len(INITRD)) == INITRD


@pytest.mark.parametrize(
    ("what", "damage"),
    [
        ("bundle", lambda machine: machine.memory.write(vmi.Layout.STATE_GPA, bytes(4))),
        ("segments", lambda machine: machine.memory.write(vmi.Layout.STATE_GPA + 20, b"\xff\xff\xff\xff")),
        ("memory", lambda machine: machine.memory.write(vmi.Layout.STATE_GPA + 16, b"\x00\xf0\xff\x00")),
    ],
)
def test_what_cannot_be_booted_says_so(
    start: Start, what: str, damage: Callable[[BareMachine], None]
) -> None:
    machine = start()
    damage(machine)
    with pytest.raises(Surprise):
        machine.boot()
    assert machine.console.startswith(b"vmirom: no guest"), what
    assert machine.requests[0].kind is RequestKind.EXIT
    assert machine.requests[0].value == vmi.ExitStatus.ERROR


def test_the_guest_may_initialise_the_rom_again(start: Start) -> None:
    machine = start()
    machine.boot()
    machine.settle()
    before = machine.call("GetCycleFrequency").pair
    assert machine.run_code(machine.rom + 0x80)["EAX"] == 0
    assert machine.call("GetCycleFrequency").pair == before
    machine.call("GetIDT", eax=CODE + 0x3000)
    assert machine.u32(CODE + 0x3000) & 0xFFFF == 0x7FF


def test_a_guest_that_scans_finds_a_rom_that_starts_itself(start: Start) -> None:
    """vmi_init without a boot stub: the state pages hold whatever memory held."""
    machine = start()
    machine.boot()
    machine.put(LINEAR + vmi.Layout.STATE_GPA + 4096 * vmi.Layout.STATE_ROM, bytes(0x100) + b"\xa5" * 0x3000)
    assert machine.run_code(machine.rom + 0x80)["EAX"] == 0
    hz = machine.call("GetCycleFrequency").pair
    assert abs(hz - machine.engine.tsc_hz()) < machine.engine.tsc_hz() // 20
    assert LOADER  # the loader's page is above the state
