"""The Xen ROM's boot stub on the host: from start_info to the guest's entry, and what can't be booted."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.effort import examples
from tests.rom.hostc import Library
from tests.rom.xen_boot_machine import BootMachine
from tests.rom.xen_calls import DTR, TABLE, CallMachine
from tests.rom.xen_machine import FRAME, LINEAR, NX, WINDOW, P, Refused, W, compile_host
from vmirom.overlays import vmi, xen
from vmirom.overlays.vmi import Layout
from vmirom.overlays.xen import Errno, Mmuext, Shutdown, Virq

words = st.integers(0, 0xFFFFFFFF)
GUEST: Final = int(Layout.GUEST_GPA)
INFO: Final = int(Layout.STATE_GPA) + 4096 * int(Layout.STATE_BOOT_INFO)
STACK: Final = int(Layout.STATE_GPA) + 4096 * (int(Layout.STATE_STACK) + 1)


@pytest.fixture(scope="module")
def lib() -> Library:
    return compile_host()


@pytest.fixture(scope="module")
def machines(lib: Library) -> Iterator[Any]:
    """Makes machines; the one before is closed."""
    made: list[CallMachine] = []

    def make(kind: Any = CallMachine, *arguments: Any) -> CallMachine:
        while made:
            made.pop().close()
        made.append(kind(lib, *arguments))
        return made[0]

    yield make
    while made:
        made.pop().close()


def info_of(machine: BootMachine) -> Any:
    data = machine.peek(INFO, vmi.ffi.sizeof("struct vmi_boot_info"))
    info = vmi.ffi.new("struct vmi_boot_info *")
    vmi.ffi.memmove(info, data, len(data))
    return info


# -- a domain that boots --------------------------------------------------------------------------------


@examples(25)
@given(
    pages=st.integers(1700, 4000),
    image_pages=st.integers(1, 300),
    line=st.binary(max_size=100).map(lambda text: text.replace(b"\0", b" ")),
    module=st.sampled_from([0, 1, 4096, 9000, 40000]),
    by_pfn=st.booleans(),
    seed=st.integers(0, 1 << 16),
)
def test_start_info_becomes_the_guests_machine(
    machines: Any, pages: int, image_pages: int, line: bytes, module: int, by_pfn: bool, seed: int
) -> None:
    """Entered in tables of its own, all of them accepted by Xen and the old ones given up."""
    content = bytes(n % 251 for n in range(module))
    machine = machines(BootMachine, pages, image_pages, line, content, seed, by_pfn)
    assert machine.start()
    assert (machine.refusals, machine.shutdowns) == ([], [])
    assert list(machine.lib.entry()[0:3]) == [LINEAR + GUEST, LINEAR + INFO, LINEAR + STACK]
    info = info_of(machine)
    assert (info.magic, info.mem_pages) == (vmi.Const.BOOT_INFO_MAGIC, machine.guest_pages)
    at = info.command_line_gpa
    assert machine.peek(at, len(line) + 1) == line + b"\0"
    assert info.initrd_length == len(content)
    assert machine.peek(info.initrd_gpa, len(content)) == content
    behind = machine.stack_pfn + 1
    assert behind <= info.root_gpa >> 12 < info.first_free_pfn < info.mem_pages, "Xen's things lie below"

    for pfn in (0, GUEST >> 12, (GUEST >> 12) + image_pages, machine.guest_pages - 1):
        entry = machine.guest_entry(info.root_gpa, LINEAR + (pfn << 12))
        assert entry & FRAME == pfn << 12
        in_image = GUEST >> 12 <= pfn < (GUEST >> 12) + image_pages
        assert bool(entry & W) is not in_image
        assert bool(entry & NX) is not in_image
    assert not machine.guest_entry(info.root_gpa, LINEAR + (machine.guest_pages << 12)) & P

    assert machine.base != machine.old_base
    assert machine.old_base not in machine.level, "it is no page table any more"
    assert machine.pinned == {machine.base}
    machine.lib.vmi_FlushTLB(3)
    assert machine.lib.refused() == machine.lib.links_wrong() == 0
    for pfn in (0, GUEST >> 12, info.first_free_pfn, machine.guest_pages - 1):
        va = LINEAR + (pfn << 12)
        wants = 0 if GUEST >> 12 <= pfn < (GUEST >> 12) + image_pages else 2
        assert machine.lib.fault(va, wants) == 0
        found = machine.walk(va)
        assert found is not None and found[0] == machine.p2m[pfn]
        assert bool(found[1] & W) is bool(wants)


def test_what_xen_is_told_before_the_guest_runs(machines: Any) -> None:
    machine = machines(BootMachine, 2048, 16, b"", b"", 7, False)
    assert machine.start()
    assert machine.gdt == machine.pool_mfn[2]
    assert Virq.TIMER in machine.ports
    assert set(machine.traps) == {14}, "what the ROM itself lives by"
    assert machine.ts == 0
    assert machine.masked, "no upcall before the guest asks for interrupts"
    window = [machine.read(machine.pool_mfn[page // 512], page % 512) for page in range(1024)]
    assert window[0] & FRAME == machine.own[0] << 12
    executable = [page for page, entry in enumerate(window) if entry & P and not entry & NX]
    assert executable == list(range(16, 24)), "the ROM alone"
    assert not any(window[page] & W for page in executable)


@given(missing=st.integers(0, 40))
def test_a_domain_whose_pool_xen_still_uses_is_told(machines: Any, missing: int) -> None:
    """The top of memory, where the ROM's pool goes, lies in what Xen's own tables map writable."""
    machine = machines(BootMachine, 600 + missing, 16, b"", b"", missing, False)
    assert machine.start()
    assert list(machine.shutdowns) == [Shutdown.CRASH]
    assert bytes(machine.printed).startswith(b"vmi: ")


@pytest.mark.parametrize("number", [Mmuext.PIN_L3_TABLE, Mmuext.NEW_BASEPTR])
def test_tables_that_xen_refuses_end_the_domain_with_a_word(
    machines: Any, number: Mmuext, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = machines(BootMachine, 2048, 16, b"", b"", 3, False)
    extended = machine._extended

    def refuse(command: Mmuext, first: int) -> None:
        if command is number:
            raise Refused(Errno.EINVAL, "not today")
        extended(command, first)

    monkeypatch.setattr(machine, "_extended", refuse)
    assert machine.start()
    assert bytes(machine.printed) == b"vmi: Xen refused the first page tables\n"
    assert machine.shutdowns == [Shutdown.CRASH]


# -- what can't be booted -------------------------------------------------------------------------------


@given(
    virt_start=st.one_of(st.sampled_from([0xF5800000, 0xF57FFFFF, 0xFC000000, 0]), words),
    pages=st.integers(0, 128),
    stack_pages=st.integers(1, 900),
)
def test_a_domain_that_cannot_hold_the_rom_ends_with_a_word(
    machines: Any, virt_start: int, pages: int, stack_pages: int
) -> None:
    """Xen's range in the window's place, or less memory than the pool takes: told, then a crash."""
    xen_machine = machines()
    xen_machine.virt_start = virt_start
    info = xen.ffi.new("struct xen_start_info *")
    info.nr_pages, info.mfn_list, info.pt_base = pages, LINEAR + TABLE, LINEAR
    xen_machine.put(DTR & ~0xFFF, bytes(xen.ffi.buffer(info)))
    assert xen_machine.lib.ended_starting(LINEAR + (DTR & ~0xFFF), LINEAR + (stack_pages << 12))
    range_taken = virt_start < WINDOW + (1 << 22)
    said = "this Xen's range begins below 0xF5800000" if range_taken else "not enough memory"
    assert bytes(xen_machine.printed).decode() == f"vmi: {said}\n"
    assert xen_machine.shutdowns == [Shutdown.CRASH]


@given(khz=st.integers(1_000_000, 6_000_000))
def test_the_rate_is_xens(machines: Any, khz: int) -> None:
    xen_machine = machines()
    scaled = min((1_000_000 << 32) // khz, 0xFFFFFFFF)
    at = int(xen.ffi.offsetof("struct xen_vcpu_info", "time"))
    struct.pack_into("<IIQQIb", xen_machine.shared, at, 2, 0, 0, 0, scaled, 0)
    xen_machine.lib.time_start()
    assert abs(xen_machine.lib.khz() - khz) <= 1
