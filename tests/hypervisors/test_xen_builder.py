"""The domain builder: xen-host.md sections 3 and 4."""

from __future__ import annotations

import itertools
import struct

import pytest

from tests.hypervisors.xen_counts import check_counts
from tests.hypervisors.xen_kernels import GUEST_SECTION, NOTES, PAGES, TEXT, VIRT_BASE, Bench, elf
from vmirom.hypervisors.hypervisor import EndKind, LoadError
from vmirom.hypervisors.xen.pages import PageType
from vmirom.machine.engine import SegmentName
from vmirom.overlays.xen import ElfNote, ffi


def notes(**changes: bytes | None) -> dict[int, bytes]:
    changed: dict[int, bytes] = dict(NOTES)
    for name, value in changes.items():
        if value is None:
            del changed[ElfNote[name]]
        else:
            changed[ElfNote[name]] = value
    return changed


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"LOADER": None}, "generic loader or Linux"),
        ({"LOADER": b"other\0"}, "generic loader or Linux"),
        ({"XEN_VERSION": None}, "XEN_VERSION"),
        ({"XEN_VERSION": b"xen-2.0\0"}, "XEN_VERSION"),
        ({"PAE_MODE": None}, "PAE_MODE"),
        ({"PAE_MODE": b"no\0"}, "PAE_MODE"),
        ({"ENTRY": b"\0\0\0\x10"}, "ENTRY"),
        ({"VIRT_BASE": b"\0\0\0"}, "VIRT_BASE"),
        ({"VIRT_BASE": b"\1\0\0\xc0"}, "VIRT_BASE"),
        ({"HYPERCALL_PAGE": b"\x10\0\x10\xc0"}, "HYPERCALL_PAGE"),
        ({"HYPERCALL_PAGE": b"\0\0\x20\xc0"}, "HYPERCALL_PAGE"),
        ({"FEATURES": b"!auto_translated_physmap\0"}, "FEATURES"),
        ({"FEATURES": b"!no_such_thing\0"}, "FEATURES"),
        ({"HV_START_LOW": b"\0\xf0\xff\xff"}, "HV_START_LOW"),
    ],
)
def test_refused_kernels(changes: dict[str, bytes | None], rule: str) -> None:
    with pytest.raises(LoadError, match=rule):
        Bench(notes=notes(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"LOADER": None, "GUEST_OS": b"linux\0"},
        {"PAE_MODE": b"bimodal\0"},
        {"FEATURES": b"!writable_page_tables|pae_pgdir_above_4gb\0"},
        {"L1_MFN_VALID": bytes(16), "SUSPEND_CANCEL": b"\1\0\0\0"},
        {"PADDR_OFFSET": struct.pack("<Q", 0)},
    ],
)
def test_accepted_kernels(changes: dict[str, bytes | None]) -> None:
    Bench(notes=notes(**changes)).close()


@pytest.mark.parametrize("cut", [0, 4, 40, 52, 100, 0x210, 0x1000])
def test_files_cut_short(cut: int) -> None:
    bench = Bench()
    with pytest.raises(LoadError):
        bench.hypervisor.load(elf(b"\x0f\x0b")[:cut])
    bench.close()


def test_a_builder_of_before_notes_reads_the_section_alone() -> None:
    """3.0: what notes say is not heard, be it right or wrong."""
    nonsense = {ElfNote.VIRT_BASE: b"x", ElfNote.XEN_VERSION: b"xen-9\0"}
    bench = Bench(notes=nonsense, section=GUEST_SECTION.encode() + b"\0", release="3.0")
    assert bench.domain.engine.eip == TEXT
    with pytest.raises(LoadError, match=r"no __xen_guest section; ELF notes came with Xen 3\.0\.3"):
        bench.hypervisor.load(elf(b"\x0f\x0b"))
    bench.close()


def test_guest_section_instead_of_notes() -> None:
    bench = Bench(notes={}, section=GUEST_SECTION.encode() + b"\0")
    assert bench.domain.engine.eip == TEXT
    assert bench.domain.space.read(0xC0101000, 8) == bytes.fromhex("b800000000cd82c3")
    bench.close()
    with pytest.raises(LoadError, match="notes"):
        Bench(notes={})


def test_hypercall_page_by_note() -> None:
    bench = Bench(notes=notes(HYPERCALL_PAGE=b"\0\x20\x10\xc0"))
    page = bench.domain.space.read(0xC0102000, 4096)
    assert page[29 * 32 : 29 * 32 + 9] == bytes.fromhex("b81d000000cd82c3cc")
    assert page[23 * 32 : 23 * 32 + 9] == bytes.fromhex("50b817000000cd82cc")
    bench.close()


@pytest.mark.parametrize(("memory", "module"), [(4, b""), (16, b""), (64, b"module" * 2000), (512, b"m")])
def test_layout(memory: int, module: bytes) -> None:
    bench = Bench(memory_mib=memory, module=module, command_line="one two")
    domain = bench.domain
    engine = domain.engine
    info = domain.space.struct(engine.esi, "struct xen_start_info")
    assert ffi.sizeof("struct xen_start_info") == 1112
    assert ffi.string(info.magic) == b"xen-3.0-x86_32p"
    assert info.nr_pages == memory * 256
    assert info.flags == 0x303
    assert (info.store_mfn, info.store_evtchn) == (0, 0)
    assert (info.console_mfn, info.console_evtchn) == (0x490, 0x28)
    assert (info.first_p2m_pfn, info.nr_p2m_frames) == (0x400, 0)
    assert ffi.string(info.cmd_line) == b"one two"
    image_end = TEXT + PAGES * 4096
    pages = -(-len(module) // 4096)
    assert (info.mod_start, info.mod_len) == ((image_end, len(module)) if module else (0, 0))
    assert info.mfn_list == image_end + pages * 4096
    assert engine.esi == info.mfn_list + -(-memory * 1024 // 4096) * 4096
    assert info.pt_base == engine.esi + 4096
    assert info.nr_pt_frames == 7
    assert engine.esp == info.pt_base + 8 * 4096
    assert domain.space.entry_address(0xC03FF000) is not None
    assert domain.space.entry_address(0xC0400000) is None or info.nr_pt_frames > 7
    listed = struct.unpack(f"<{info.nr_pages}I", domain.space.read(info.mfn_list, info.nr_pages * 4))
    assert [domain.m2p(frame) for frame in listed] == list(range(info.nr_pages))
    assert [b - a for a, b in itertools.pairwise(listed)].count(1) >= info.nr_pages - 14
    assert listed[:1024] == tuple(range(listed[0], listed[0] + 1024))
    assert sum(b - a != 1 for a, b in itertools.pairwise(listed)) >= (3 if memory > 4 else 0)
    check_counts(domain)
    bench.close()


def test_large_module_makes_the_mapping_longer() -> None:
    bench = Bench(memory_mib=16, module=b"x" * 0x2C0000)
    info = bench.domain.space.struct(bench.domain.engine.esi, "struct xen_start_info")
    end = VIRT_BASE + 0x800000
    assert bench.domain.engine.esp <= end - 0x80000
    assert bench.domain.space.entry_address(end - 4096) is not None
    assert bench.domain.space.entry_address(end) is None
    assert info.nr_pt_frames == 5 + 4
    bench.close()


def test_memory_that_is_too_small() -> None:
    with pytest.raises(LoadError, match="memory"):
        Bench(memory_mib=2)


def test_first_registers() -> None:
    bench = Bench()
    engine = bench.domain.engine
    assert [engine.eax, engine.ebx, engine.ecx, engine.edx, engine.edi, engine.ebp] == [0] * 6
    assert engine.eip == TEXT
    assert engine.eflags == 0x202
    assert engine.cpl == 1
    assert engine.segment(SegmentName.CS).selector == 0xE019
    for name in set(SegmentName) - {SegmentName.CS}:
        assert engine.segment(name).selector == 0xE021
    assert bench.domain.shared.vcpu.evtchn_upcall_mask == 1
    assert bench.domain.shared.vcpu.time.version % 2 == 0
    bench.close()


def test_boot_tables() -> None:
    bench = Bench()
    domain = bench.domain
    base = domain.mmu.base
    kinds = [PageType(domain.tables.kind[base + i]) for i in range(7)]
    l1, l2 = PageType.L1, PageType.L2
    assert kinds == [PageType.L3, l1, PageType.TOP_L2, l1, l2, l2, l2]
    entries = domain.tables.entries(base)
    assert [e & 0xFFF for e in entries[:4]] == [0x067] * 4
    assert not any(entries[4:])
    for i in range(7):
        va = bench.domain.space.struct(domain.engine.esi, "struct xen_start_info").pt_base + i * 4096
        assert domain.memory.u64(domain.space.entry_address(va) or 0) & 0xFFF == 0x021
    assert domain.memory.u64(domain.space.entry_address(TEXT) or 0) & 0xFFF in (0x063, 0x023)
    bench.close()


def test_order_of_frames_follows_the_seed() -> None:
    benches = [Bench(seed=seed) for seed in (1, 1, 2)]
    lists = [bench.domain.free for bench in benches]
    assert lists[0] == lists[1] != lists[2]
    for bench in benches:
        bench.close()


@pytest.mark.parametrize(
    ("memory", "start"), [(16, 0xFFC00000), (128, 0xFFC00000), (512, 0xFFC00000), (1024, 0xFFC00000)]
)
def test_hole_moves_up_for_the_note(memory: int, start: int) -> None:
    bench = Bench(memory_mib=memory, notes=notes(HV_START_LOW=struct.pack("<I", 0xF5800000)))
    assert bench.domain.hole.start == start
    at = start + bench.frame(TEXT) * 4
    assert bench.domain.memory.u32(bench.domain.space.translate(at)) == 0x100
    bench.close()


def test_m2p_is_readable_and_not_writable_by_the_guest() -> None:
    bench = Bench()
    at = 0xF5800000 + bench.frame(TEXT) * 4
    bench.close()
    code = b"\xa1" + struct.pack("<I", at) + b"\xa3" + struct.pack("<I", TEXT + 0x3000)
    code += b"\xa3" + struct.pack("<I", at)
    bench = Bench(code)
    ending = bench.run()
    assert ending.kind is EndKind.CRASH
    assert "vec 14" in ending.reason
    assert "error 0x3" in ending.reason
    assert bench.domain.space.u32(TEXT + 0x3000) == 0x100
    bench.close()
