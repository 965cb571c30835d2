"""The launcher's boot protocol: what a guest finds at its first instruction."""

from __future__ import annotations

import struct

import pytest

from tests.hypervisors.lguest_machine import (
    CODE,
    MIB,
    SPIN,
    STRINGS,
    Machine,
    elf,
    hypercall,
    leave,
    load,
    mov,
)
from vmirom.hypervisors.hypervisor import EndKind, LoadError, NoTrace
from vmirom.hypervisors.lguest import Lguest
from vmirom.machine.engine import SegmentName
from vmirom.machine.unicorn import UnicornEngine
from vmirom.overlays import lguest as abi

RAM = MIB << 20


def host(**options: object) -> Lguest:
    return Lguest(UnicornEngine, MIB, lambda text: None, NoTrace(), **options)  # type: ignore[arg-type]


def test_boot_params() -> None:
    machine = host()
    machine.load(elf(SPIN), "console=vmi quiet")
    page = machine.engine.memory.read(0, 0x1000)
    assert page[0x1E8] == 1
    assert struct.unpack_from("<QQI", page, 0x2D0) == (0, RAM, 1)
    assert struct.unpack_from("<HIB", page, 0x206)[0] == 0x207
    assert page[0x210] == 0 and page[0x211] == 0x40
    assert struct.unpack_from("<II", page, 0x218) == (0, 0)
    assert struct.unpack_from("<I", page, 0x228) == (0x1000,)
    assert struct.unpack_from("<I", page, 0x230) == (0,)
    assert struct.unpack_from("<I", page, 0x23C) == (1,)
    assert machine.engine.memory.read(0x1000, 18) == b"console=vmi quiet\0"


def test_initrd_lies_at_the_end_and_tables_below_it() -> None:
    initrd = b"initrd!" * 1000
    machine = host(initrd=initrd)
    machine.load(elf(SPIN))
    memory = machine.engine.memory
    rounded = 0x2000
    assert memory.read(RAM - rounded, len(initrd)) == initrd
    assert memory.u32(0x218) == RAM - rounded and memory.u32(0x21C) == rounded
    assert memory.read(0x210, 1) == b"\xff"
    assert machine.shadows.current_top == RAM - rounded - 0x1000


def test_two_level_boot_tables() -> None:
    machine = host(pae=False)
    machine.load(elf(SPIN))
    memory, top = machine.engine.memory, RAM - 0x1000
    tables = RAM // 4096 // 1024
    assert [memory.u32(top + 4 * n) for n in range(tables)] == [
        top - (tables - n) * 0x1000 | 7 for n in range(tables)
    ]
    assert memory.read(top, 4 * tables) == memory.read(top + 4 * 768, 4 * tables)
    assert memory.u32(top + 4 * tables) == 0
    assert memory.u32(top - tables * 0x1000 + 4 * 5) == 0x5007


def test_pae_boot_tables() -> None:
    machine = host()
    machine.load(elf(SPIN))
    memory, top = machine.engine.memory, RAM - 0x1000
    tables = RAM // 4096 // 512
    middle = top - tables * 0x1000 - 0x1000
    assert [memory.u64(top + 8 * n) for n in range(5)] == [middle | 1, 0, 0, middle | 1, 0]
    assert memory.u64(middle) == top - tables * 0x1000 | 7
    assert memory.u64(middle + 8 * tables) == 0
    assert memory.u64(top - tables * 0x1000 + 8 * 600) == 600 << 12 | 7


def test_first_registers() -> None:
    machine = Machine()
    e = machine.engine
    assert e.eip == CODE and e.eflags & 0x3202 == 0x202 and e.cpl == 1
    assert [e.eax, e.ebx, e.ecx, e.edx, e.esi, e.edi, e.ebp, e.esp] == [0] * 8
    selectors = {name.name: e.segment(name).selector for name in SegmentName}
    assert selectors == {"CS": 0x61, "SS": 0x69, "DS": 0x69, "ES": 0x69, "FS": 0, "GS": 0}
    assert e.segment(SegmentName.CS).limit == 0xFFFFFFFF


@pytest.mark.parametrize("pae", [True, False])
def test_memory_is_mapped_at_both_places(pae: bool) -> None:
    code = load(0xC0000000 + CODE) + b"\xa3" + struct.pack("<I", CODE + 0x800) + hypercall(0)
    machine = Machine(code, pae=pae)
    ending = machine.run()
    assert ending.reason == "lguest: hypercall 0 before INIT"
    assert machine.memory.u32(CODE + 0x800) == int.from_bytes(code[:4], "little")


@pytest.mark.parametrize("pae", [True, False])
def test_init_and_exit_by_running(pae: bool) -> None:
    machine = Machine(hypercall(abi.Hcall.LGUEST_INIT, 0x200000) + mov(7, 0x1234) + leave(18), pae=pae)
    machine.prepare()
    ending = machine.run()
    assert (ending.kind, ending.status) == (EndKind.SHUTDOWN, 18)
    assert ending.reason == "lguest: CRASH: vmi exit 18"
    assert machine.engine.edi == 0x1234 and machine.engine.eax == abi.Hcall.SHUTDOWN
    assert machine.data.reserve_mem == (0x200000 if pae else 0x400000)
    assert machine.data.pgdir == RAM - 0x1000
    assert machine.data.tsc_khz == machine.engine.tsc_hz() // 1000


def test_restart_is_a_reboot() -> None:
    machine = Machine(hypercall(1, 0x200000) + hypercall(2, STRINGS, abi.ShutdownReason.RESTART))
    machine.prepare()
    assert machine.run().kind is EndKind.REBOOT


@pytest.mark.parametrize(
    ("bundle", "words"),
    [
        (b"", "neither"),
        (b"\x7fELF", "cut off"),
        (elf(SPIN, kind=3), "ET_EXEC"),
        (elf(SPIN, machine=62), "EM_386"),
        (elf(SPIN, phentsize=40), "32-byte"),
        (elf(SPIN, filesz=5000), "cut off"),
        (elf(SPIN, at=RAM), "outside"),
        (b"\0" * 0x202 + b"HdrS" + b"\0" * 4, "bzImage"),
    ],
)
def test_bundles_that_are_refused(bundle: bytes, words: str) -> None:
    with pytest.raises(LoadError, match=words) as refused:
        host().load(bundle)
    assert "\n" not in str(refused.value)


def test_options_that_are_refused() -> None:
    with pytest.raises(LoadError, match=r"release: '2\.4\.0'"):
        host(release="2.4.0")
    with pytest.raises(LoadError, match="memory"):
        Lguest(UnicornEngine, 0, lambda text: None)
    with pytest.raises(LoadError, match="command line"):
        host().load(elf(SPIN), "x" * 5000)
    with pytest.raises(LoadError, match="initrd"):
        host(initrd=bytes(RAM)).load(elf(SPIN))


def test_bzimage_goes_to_one_mib_whole() -> None:
    head = bytearray(1024)
    head[0x1F1] = 1
    head[0x202:0x206] = b"HdrS"
    head[0x214:0x218] = struct.pack("<I", 0x100000)
    machine = host()
    machine.load(bytes(head) + b"kernel")
    assert machine.engine.memory.read(0x100000, 6) == b"kernel"
    assert machine.engine.eip == 0x100000
    assert machine.engine.memory.read(0x202, 4) == bytes(4)


def test_a_guest_without_end_gets_a_budget() -> None:
    assert Machine().run(0.05).kind is EndKind.BUDGET
