"""GDT, LDT and selectors: xen-host.md section 6, "GDT and LDT"."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from tests.hypervisors.xen_counts import check_counts
from tests.hypervisors.xen_kernels import RESULTS, TEXT, ZERO, Bench, Code
from vmirom.hypervisors.hypervisor import EndKind
from vmirom.overlays.xen import Errno, Hypercall, Mmuext

P = 1
HANDLER = TEXT + 0x800
GP_TABLE = TEXT + 0x700


@pytest.fixture
def xen() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    check_counts(bench.domain)
    bench.close()


def descriptors(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}Q", *values)


def segment(kind: int, dpl: int = 1, more: int = 0) -> int:
    """A flat descriptor of access type ``kind`` (with S), present."""
    return (0x00CF0000 | 0x8000 | kind << 8 | dpl << 13 | more) << 32 | 0xFFFF


CODE, DATA = 0x1A, 0x12
GATE_KERNEL = 0xE019 << 16 | (0x8000 | 0xC << 8) << 32
GATE_XEN = 0xE008 << 16 | (0x8000 | 0xC << 8) << 32

DESCRIPTORS = [
    (segment(DATA, 0), 0, segment(DATA, 1)),
    (segment(CODE, 0), 0, segment(CODE, 1)),
    (segment(DATA, 2), 0, segment(DATA, 2)),
    (segment(CODE, 3), 0, segment(CODE, 3)),
    (segment(CODE | 4, 1), 0, segment(CODE | 4, 1)),
    (segment(DATA | 4, 1), 0, segment(DATA | 4, 1)),
    (segment(CODE, 1) & ~(1 << 54), 0, segment(CODE, 1) & ~(1 << 54)),
    (segment(DATA, 0) & ~(1 << 47), 0, segment(DATA, 0) & ~(1 << 47)),
    (segment(CODE, 1, 1 << 21), -Errno.EINVAL, None),
    (segment(0x9, 1), -Errno.EINVAL, None),
    (segment(0x2, 1), -Errno.EINVAL, None),
    (segment(0xE, 1), -Errno.EINVAL, None),
    (GATE_KERNEL, 0, 0xE019 << 16 | 0x8C00 << 32),
    (GATE_KERNEL | 3 << 45, 0, 0xE01B << 16 | 0x8C00 << 32),
    (GATE_XEN, -Errno.EINVAL, None),
    (0, 0, 0),
]


@pytest.mark.parametrize(("value", "result", "stored"), DESCRIPTORS)
def test_update_descriptor(xen: Bench, value: int, result: int, stored: int | None) -> None:
    at = (xen.frame(xen.spare(0)) << 12) + 8
    answer = xen.call(Hypercall.UPDATE_DESCRIPTOR, at, 0, value & 0xFFFFFFFF, value >> 32)
    assert answer == result
    assert xen.domain.memory.u64(at) == (stored or 0)


@pytest.mark.parametrize("where", ["misaligned", "table", "foreign", "huge"])
def test_update_descriptor_in_wrong_places(xen: Bench, where: str) -> None:
    at = {
        "misaligned": (xen.frame(xen.spare(0)) << 12) + 4,
        "table": xen.domain.mmu.base << 12,
        "foreign": 0x100000,
        "huge": 0xFF_0000_0000,
    }[where]
    assert xen.call(Hypercall.UPDATE_DESCRIPTOR, at & 0xFFFFFFFF, at >> 32, 0, 0) == -Errno.EINVAL


def gdt(xen: Bench, number: int, data: bytes) -> int:
    frame = xen.frame(xen.spare(number))
    xen.domain.memory.write(frame << 12, data.ljust(4096, b"\0"))
    return frame


def set_gdt(xen: Bench, entries: int, *frames: int) -> int:
    return xen.call(Hypercall.SET_GDT, xen.argument(struct.pack(f"<{len(frames)}I", *frames)), entries)


def test_set_gdt_rewrites_in_place_and_keeps_the_page(xen: Bench) -> None:
    frame = gdt(xen, 0, descriptors(0, segment(CODE, 0), segment(DATA, 0)))
    assert set_gdt(xen, 3, frame) == -Errno.EINVAL, "mapped writable"
    xen.read_only(xen.spare(0))
    assert set_gdt(xen, 3, frame) == 0
    assert xen.domain.memory.u64((frame << 12) + 8) == segment(CODE, 1)
    assert xen.map(xen.spare(0), frame << 12 | 3) == -Errno.EBUSY
    assert xen.call(Hypercall.UPDATE_DESCRIPTOR, (frame << 12) + 24, 0, 0xFFFF, 0x00CF9300) == 0
    assert set_gdt(xen, 0) == 0
    assert xen.map(xen.spare(0), frame << 12 | 3) == 0


@pytest.mark.parametrize(("entries", "result"), [(7169, -Errno.EINVAL), (0, 0), (512, -Errno.EINVAL)])
def test_set_gdt_counts(xen: Bench, entries: int, result: int) -> None:
    assert set_gdt(xen, entries, 0x100) == result


def test_set_gdt_with_a_bad_descriptor(xen: Bench) -> None:
    frame = gdt(xen, 0, descriptors(*[0] * 511, segment(0x9)))
    xen.read_only(xen.spare(0))
    assert set_gdt(xen, 1, frame) == -Errno.EINVAL, "all 512 of a page count"
    assert xen.call(Hypercall.SET_GDT, 0x40000000, 1) == -Errno.EFAULT


@pytest.mark.parametrize(
    ("base", "entries", "result"),
    [
        (TEXT, 8192, 0),
        (TEXT + 8, 1, -Errno.EINVAL),
        (TEXT, 8193, -Errno.EINVAL),
        (0, 0, 0),
        (0x40000000, 10, 0),
    ],
)
def test_set_ldt(xen: Bench, base: int, entries: int, result: int) -> None:
    assert xen.extended(Mmuext.SET_LDT, base, entries) == result


def handler() -> bytes:
    """#GP and #PF: leave error code and cr2, then power off."""
    return bytes(Code().raw("58").keep_eax(RESULTS).raw("0f20d0").keep_eax(RESULTS + 4).off().bytes)


def trap_table() -> bytes:
    entries = b"".join(struct.pack("<BBHI", vector, 0, 0xE019, HANDLER) for vector in (11, 13, 14))
    return entries + bytes(8)


def run_loading(selector: int, ldt: bytes, entries: int, read_only: bool = True) -> Bench:
    """A guest that sets its LDT and loads ``selector`` into FS."""
    ldt_va = TEXT + 4 * 4096
    code = Code().hypercall(Hypercall.SET_TRAP_TABLE, GP_TABLE)
    op = TEXT + 0x600
    code.hypercall(Hypercall.MMUEXT_OP, op, 1, 0, 0x7FF0).keep_eax(RESULTS + 8)
    code.raw("b8").bytes.extend(struct.pack("<I", selector))
    code.raw("8ee0 64a10000 0000").keep_eax(RESULTS + 12).store(RESULTS + 16, 1).off()
    image = code.image(
        {
            op: struct.pack("<3I", Mmuext.SET_LDT, ldt_va, entries),
            GP_TABLE: trap_table(),
            HANDLER: handler(),
            ldt_va: ldt.ljust(4096, b"\0"),
        }
    )
    bench = Bench(image)
    if read_only:
        bench.read_only(ldt_va)
    ending = bench.run()
    assert ending.kind is EndKind.SHUTDOWN, ending
    assert bench.domain.space.u32(RESULTS + 8) == 0
    return bench


def results(bench: Bench, count: int = 5) -> tuple[int, ...]:
    return struct.unpack(f"<{count}I", bench.domain.space.read(RESULTS, 4 * count))


def test_ldt_segment_is_loaded_and_marked_accessed() -> None:
    base = TEXT
    value = segment(DATA, 0) | (base & 0xFFFFFF) << 16 | (base >> 24) << 56
    bench = run_loading(0xD, descriptors(0, value), 2)
    assert results(bench)[4] == 1
    assert results(bench)[3] == struct.unpack("<I", bench.domain.space.read(TEXT, 4))[0]
    stored = struct.unpack("<Q", bench.domain.space.read(TEXT + 4 * 4096 + 8, 8))[0]
    assert stored == value | 1 << 45 | 1 << 40, "DPL 1 and accessed"
    bench.close()


def test_ldt_with_a_bad_descriptor_faults_at_its_own_address() -> None:
    bench = run_loading(0xD, descriptors(0, segment(DATA), segment(0x9)), 3)
    error, cr2, _, _, done = results(bench)
    assert not done
    assert cr2 & ~7 == TEXT + 4 * 4096 + 8
    assert error & 4 == 0
    bench.close()


def test_ldt_mapped_writable_faults_likewise() -> None:
    bench = run_loading(0xD, descriptors(0, segment(DATA)), 2, read_only=False)
    assert results(bench)[1] & ~0xFFF == TEXT + 4 * 4096
    bench.close()


@pytest.mark.parametrize("selector", [0x14, 0x2000 | 7, 0x33, 0xE009])
def test_selectors_that_fault(selector: int) -> None:
    bench = run_loading(selector, descriptors(0, segment(DATA)), 2)
    error, _, _, _, done = results(bench)
    assert not done
    assert error == selector & 0xFFFC
    bench.close()


@pytest.mark.parametrize("selector", [0xE021, 0xE033, 0xE02B, 0])
def test_fixed_selectors_are_there(selector: int) -> None:
    code = Code()
    code.raw("b8").bytes.extend(struct.pack("<I", selector))
    code.raw("8ee0 8cc0").hypercall(Hypercall.XEN_VERSION, 0).keep_eax(RESULTS).raw("668ce0")
    code.keep_eax(RESULTS + 4).off()
    bench = Bench(code.image())
    assert bench.run().kind is EndKind.SHUTDOWN
    assert bench.domain.space.u32(RESULTS) == 0x40011
    assert bench.domain.space.u32(RESULTS + 4) & 0xFFFF == selector
    assert bench.domain.space.u32(ZERO) == 0
    bench.close()


def test_guests_own_gdt() -> None:
    """A data segment of the guest's GDT, with a base, loaded after set_gdt; the fixed ones stay."""
    gdt_va, frames = TEXT + 5 * 4096, TEXT + 0x600
    value = segment(DATA, 0) | (TEXT & 0xFFFFFF) << 16 | (TEXT >> 24) << 56
    code = Code().hypercall(Hypercall.SET_GDT, frames, 2).keep_eax(RESULTS)
    code.raw("b809000000 8ee0 64a1 00000000").keep_eax(RESULTS + 4).off()
    bench = Bench(code.image({gdt_va: descriptors(0, value), frames: bytes(4)}))
    frame = bench.read_only(gdt_va)
    bench.domain.space.put32(frames, frame)
    assert bench.run().kind is EndKind.SHUTDOWN
    assert bench.domain.space.u32(RESULTS) == 0
    assert bench.domain.space.u32(RESULTS + 4) == bench.domain.space.u32(TEXT)
    assert bench.domain.memory.u64((frame << 12) + 8) >> 40 & 1, "the processor marked it accessed"
    check_counts(bench.domain)
    bench.close()
