"""Page tables: xen-host.md section 6, "Page tables", row by row."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from tests.hypervisors.xen_counts import check_counts
from tests.hypervisors.xen_kernels import ARGUMENTS, TEXT, ZERO, Bench
from vmirom.hypervisors.xen.pages import PageType
from vmirom.overlays.xen import Domid, Errno, Hypercall, Mmuext

P, W, U, PWT, PCD, A, D, PAT, G = 1, 2, 4, 8, 16, 32, 64, 128, 256
NX = 1 << 63
PT_BASE_VA_SLOT = 3


@pytest.fixture
def xen() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    check_counts(bench.domain)
    bench.close()


def boot_tables(xen: Bench) -> tuple[int, int, int]:
    """Frames of the boot L3, first L1 and top L2."""
    base = xen.domain.mmu.base
    return base, base + 1, base + 2


@pytest.mark.parametrize("bits", [0, NX, PAT, G, PCD, PWT, 0xE00, NX | PAT | G | PCD | PWT | 0xE00])
def test_l1_bits_accepted(xen: Bench, bits: int) -> None:
    va = xen.spare(0)
    entry = xen.frame(va) << 12 | P | W | bits
    assert xen.map(va, entry) == 0
    assert xen.domain.memory.u64(xen.domain.space.entry_address(va) or 0) == entry


@pytest.mark.parametrize(
    ("frame", "errno"),
    [(0x0FFF_FFFF_F, Errno.EPERM), (1 << 30, Errno.EPERM), (0xFEE00, Errno.EPERM)],
)
def test_l1_of_what_is_nobodys(xen: Bench, frame: int, errno: int) -> None:
    assert xen.map(xen.spare(0), frame << 12 | P) == -errno


@pytest.mark.parametrize("frame", [0x100, 0x1FF, 0x200, 0x3FF])
@pytest.mark.parametrize("rights", [P, P | W])
def test_l1_of_another_owner(xen: Bench, frame: int, rights: int) -> None:
    assert xen.map(xen.spare(0), frame << 12 | rights) == -Errno.EBUSY


def test_l1_of_a_free_frame_is_another_owners(xen: Bench) -> None:
    assert xen.map(xen.spare(0), xen.domain.free[0] << 12 | P) == -Errno.EBUSY


def test_writable_mapping_of_a_page_table(xen: Bench) -> None:
    for frame in boot_tables(xen):
        assert xen.map(xen.spare(0), frame << 12 | P | W) == -Errno.EBUSY
        assert xen.map(xen.spare(0), frame << 12 | P) == 0


@pytest.mark.parametrize("va", [0xF5800000, 0xFFFFF000, 0xFFE00000, 0x00400000, 0xD0000000])
def test_va_in_the_hole_or_without_l1(xen: Bench, va: int) -> None:
    assert xen.map(va, xen.frame(xen.spare(0)) << 12 | P) == -Errno.EINVAL


@pytest.mark.parametrize(
    ("frame", "asked", "stored"), [(0xB8, P | W, 0x1B), (0xF0000, P | W, 0x1B), (0xFEC00, P | W, 0x19)]
)
def test_io_frames_are_mapped_uncached(xen: Bench, frame: int, asked: int, stored: int) -> None:
    va = xen.spare(0)
    assert xen.map(va, frame << 12 | asked) == 0
    assert xen.domain.memory.u64(xen.domain.space.entry_address(va) or 0) == frame << 12 | stored


@pytest.mark.parametrize("bits", [0, U, W, A, D, 0xE00, NX, U | W | A | D | NX])
def test_l2_bits_accepted(xen: Bench, bits: int) -> None:
    _, _l1, l2 = boot_tables(xen)
    table = xen.table(0, {})
    assert xen.update((l2 << 12) + 5 * 8, table << 12 | P | bits) == 0
    assert xen.update((l2 << 12) + 5 * 8, 0) == 0


@pytest.mark.parametrize("bits", [PAT, G, PCD, PWT])
def test_l2_bits_refused(xen: Bench, bits: int) -> None:
    _, _, l2 = boot_tables(xen)
    table = xen.table(0, {})
    assert xen.update((l2 << 12) + 5 * 8, table << 12 | P | bits) == -Errno.EINVAL


@pytest.mark.parametrize("bits", [0, W, U, W | U, A])
def test_l3_entries_are_stored_with_all_rights(xen: Bench, bits: int) -> None:
    l3, _, _ = boot_tables(xen)
    table = xen.table(0, {})
    assert xen.update((l3 << 12) + 8, table << 12 | P | bits) == 0
    assert xen.domain.memory.u64((l3 << 12) + 8) == table << 12 | P | W | U | bits


@pytest.mark.parametrize("bits", [PCD, PWT, PAT, NX])
def test_l3_bits_refused(xen: Bench, bits: int) -> None:
    l3, _, _ = boot_tables(xen)
    table = xen.table(0, {})
    assert xen.update((l3 << 12) + 8, table << 12 | P | bits) == -Errno.EINVAL


def test_slot_three_stays(xen: Bench) -> None:
    l3, _, l2 = boot_tables(xen)
    table = xen.table(0, {})
    for entry in (0, table << 12 | P, l2 << 12 | P):
        assert xen.update((l3 << 12) + 3 * 8, entry) == -Errno.EINVAL


def test_slots_below_three_can_be_cleared(xen: Bench) -> None:
    l3, _, _ = boot_tables(xen)
    for slot in range(3):
        assert xen.update((l3 << 12) + slot * 8, 0) == 0


def test_new_l3_needs_its_own_slot_three(xen: Bench) -> None:
    _, _, l2 = boot_tables(xen)
    assert xen.extended(Mmuext.PIN_L3_TABLE, xen.table(0, {})) == -Errno.EINVAL
    assert xen.extended(Mmuext.PIN_L3_TABLE, xen.table(1, {3: l2 << 12 | P})) == -Errno.EINVAL
    top = xen.table(2, {})
    l3 = xen.table(3, {3: top << 12 | P, 4: 0xDEAD0001})
    assert xen.extended(Mmuext.PIN_L3_TABLE, l3) == 0
    tables = xen.domain.tables
    first = xen.domain.hole.first_slot
    assert tables.entries(top)[first:] == tables.entries(l2)[first:]
    assert tables.entries(l3)[4] == 0, "what follows the four slots is cleared"
    assert tables.kind[top] == PageType.TOP_L2
    assert xen.extended(Mmuext.PIN_L3_TABLE, xen.table(4, {3: top << 12 | P})) == -Errno.EINVAL


def test_l2_pinned_as_such_can_not_be_slot_three(xen: Bench) -> None:
    top = xen.table(0, {})
    assert xen.extended(Mmuext.PIN_L2_TABLE, top) == 0
    assert xen.extended(Mmuext.PIN_L3_TABLE, xen.table(1, {3: top << 12 | P})) == -Errno.EINVAL


def test_xens_slots_of_the_top_l2_are_not_the_guests(xen: Bench) -> None:
    _, _, l2 = boot_tables(xen)
    assert xen.update((l2 << 12) + xen.domain.hole.first_slot * 8, 0) == -Errno.EPERM


@pytest.mark.parametrize("command", [0, 2, 3])
def test_mmu_update_commands(xen: Bench, command: int) -> None:
    _, _l1, _ = boot_tables(xen)
    va = xen.spare(0)
    at = xen.domain.space.entry_address(va) or 0
    frame = xen.frame(va)
    xen.domain.memory.put64(at, frame << 12 | P | W | A | D)
    assert xen.update(at | command, frame << 12 | P | W) == 0
    kept = A | D if command == 2 else 0
    assert xen.domain.memory.u64(at) == frame << 12 | P | W | kept


def test_mmu_update_machphys(xen: Bench) -> None:
    frame = xen.frame(xen.spare(0))
    assert xen.update(frame << 12 | 1, 0x1234) == 0
    assert xen.domain.m2p(frame) == 0x1234
    assert xen.update(0x100 << 12 | 1, 0) == -Errno.EINVAL


@pytest.mark.parametrize("command", [4, 5, 7])
def test_mmu_update_unknown_command(xen: Bench, command: int) -> None:
    frame = xen.frame(xen.spare(0))
    assert xen.update(frame << 12 | command, 0) == -Errno.ENOSYS


def test_a_batch_stops_at_the_first_error(xen: Bench) -> None:
    va = xen.spare(0)
    at = xen.domain.space.entry_address(va) or 0
    frame = xen.frame(va)
    good = struct.pack("<QQ", at, frame << 12 | P)
    bad = struct.pack("<QQ", at, 0x100 << 12 | P)
    requests = xen.argument(good + good + bad + good)
    assert xen.call(Hypercall.MMU_UPDATE, requests, 4, ZERO) == -Errno.EBUSY
    assert xen.domain.space.u32(ZERO) == 2
    assert xen.call(Hypercall.MMU_UPDATE, requests, 2, ZERO) == 0
    assert xen.domain.space.u32(ZERO) == 2


def test_mmu_update_of_plain_memory_writes(xen: Bench) -> None:
    frame = xen.frame(xen.spare(0))
    assert xen.update((frame << 12) + 16, 0x1122334455667788) == 0
    assert xen.domain.memory.u64((frame << 12) + 16) == 0x1122334455667788


def test_a_batch_that_can_not_be_read_to_its_end_is_done_up_to_there(xen: Bench) -> None:
    edge = xen.spare(7) + 4096
    request = struct.pack("<QQ", xen.frame(xen.spare(0)) << 12, 7)
    xen.domain.space.write(edge - 32, request * 2)
    xen.map(edge, 0)
    assert xen.call(Hypercall.MMU_UPDATE, edge - 32, 4, ZERO) == -Errno.EFAULT
    assert xen.domain.space.u32(ZERO) == 2


@pytest.mark.parametrize(
    ("domid", "result", "done"),
    [
        (Domid.SELF, 0, 1),
        (Domid.SELF | 1 << 16, 0, 1),
        (Domid.SELF | 2 << 16, -Errno.ESRCH, 9),
        (0, -Errno.ESRCH, 0),
        (5, -Errno.ESRCH, 0),
    ],
)
def test_the_domain_number_names_whose_frames_and_above_whose_tables(
    xen: Bench, domid: int, result: int, done: int
) -> None:
    request = xen.argument(struct.pack("<QQ", xen.frame(xen.spare(0)) << 12, 7))
    xen.domain.space.put32(ZERO, 9)
    assert xen.call(Hypercall.MMU_UPDATE, request, 1, ZERO, domid) == result
    assert xen.domain.space.u32(ZERO) == done


@pytest.mark.parametrize(
    ("frame", "result", "stored"),
    [
        (0xFEC00, 0, 0x19),
        (0xFED00, 0, 0x19),
        (0xFED01, 0, 0x1B),
        (0xFEE00, -Errno.EPERM, 0),
        (0xFEEFF, -Errno.EPERM, 0),
        (0xFEF00, 0, 0x1B),
        (0xFD00000, -Errno.EPERM, 0),
        (0xFFFFFFFFFF, -Errno.EINVAL, 0),
    ],
)
def test_frames_of_devices(xen: Bench, frame: int, result: int, stored: int) -> None:
    page = xen.spare(3)
    assert xen.map(page, frame << 12 | 3) == result
    if not result:
        assert xen.domain.memory.u64(xen.domain.space.entry_address(page) or 0) & 0xFFF == stored


def test_an_unknown_kind_of_flush_looks_at_no_mask(xen: Bench) -> None:
    page = xen.spare(0)
    assert xen.map(page, xen.frame(page) << 12 | 3, 0x40000001) == -Errno.EFAULT
    assert xen.map(page, xen.frame(page) << 12 | 3, 0x40000003) == 0


def test_bad_pointers_are_faults(xen: Bench) -> None:
    for at in (0, 0xFFFFFFF8, 0x40000000):
        assert xen.call(Hypercall.MMU_UPDATE, at, 1) == -Errno.EFAULT
    for at in (0, 0xF5800000, 0xFFFFFFF8, 0x40000000):
        assert xen.call(Hypercall.MMUEXT_OP, at, 1) == -Errno.EFAULT
    good = xen.argument(struct.pack("<QQ", xen.frame(xen.spare(0)) << 12, 0))
    assert xen.call(Hypercall.MMU_UPDATE, good, 1, 0x40000000) == 0


def test_foreign_domains_do_not_exist(xen: Bench) -> None:
    assert xen.call(Hypercall.MMU_UPDATE, ARGUMENTS, 0, 0, 5) == -Errno.ESRCH
    assert xen.call(Hypercall.MMUEXT_OP, ARGUMENTS, 0, 0, Domid.COW) == -Errno.ESRCH


# Pins


def test_pin_of_a_page_mapped_writable(xen: Bench) -> None:
    frame = xen.frame(xen.spare(0))
    for pin in (Mmuext.PIN_L1_TABLE, Mmuext.PIN_L2_TABLE, Mmuext.PIN_L3_TABLE):
        assert xen.extended(pin, frame) == -Errno.EINVAL


def test_pin_twice_at_any_level(xen: Bench) -> None:
    table = xen.table(0, {})
    assert xen.extended(Mmuext.PIN_L1_TABLE, table) == 0
    for pin in (Mmuext.PIN_L1_TABLE, Mmuext.PIN_L2_TABLE, Mmuext.PIN_L3_TABLE):
        assert xen.extended(pin, table) == -Errno.EINVAL
    assert xen.extended(Mmuext.UNPIN_TABLE, table) == 0
    assert xen.extended(Mmuext.UNPIN_TABLE, table) == -Errno.EINVAL


def test_pin_with_a_bad_entry(xen: Bench) -> None:
    good = xen.frame(xen.spare(5))
    for bad, errno in ((0x0FFF_FFFF_F, Errno.EPERM), (0xFEE00, Errno.EPERM)):
        table = xen.table(0, {0: good << 12 | P | W, 7: bad << 12 | P})
        assert xen.extended(Mmuext.PIN_L1_TABLE, table) == -errno
        check_counts(xen.domain)
        assert xen.map(xen.spare(0), table << 12 | P | W) == 0, "what failed is no table"
    table = xen.table(0, {0: good << 12 | P | PAT})
    assert xen.extended(Mmuext.PIN_L2_TABLE, table) == -Errno.EINVAL


def test_pin_with_garbage_that_is_not_present(xen: Bench) -> None:
    table = xen.table(0, dict.fromkeys(range(512), 18446744073709551614))
    assert xen.extended(Mmuext.PIN_L1_TABLE, table) == 0


def test_pin_of_a_table_that_maps_itself_writable(xen: Bench) -> None:
    frame = xen.frame(xen.spare(0))
    table = xen.table(0, {1: frame << 12 | P | W})
    assert xen.extended(Mmuext.PIN_L1_TABLE, table) == -Errno.EBUSY


@pytest.mark.parametrize(
    ("command", "result"),
    [
        (Mmuext.PIN_L4_TABLE, 0),
        (Mmuext.NEW_USER_BASEPTR, -Errno.EINVAL),
        (Mmuext.MARK_SUPER, -Errno.EOPNOTSUPP),
        (Mmuext.UNMARK_SUPER, -Errno.EOPNOTSUPP),
        (14, -Errno.ENOSYS),
        (21, -Errno.ENOSYS),
        (Mmuext.TLB_FLUSH_LOCAL, 0),
        (Mmuext.INVLPG_LOCAL, 0),
        (Mmuext.TLB_FLUSH_ALL, 0),
        (Mmuext.INVLPG_ALL, 0),
        (Mmuext.FLUSH_CACHE, 0),
        (Mmuext.TLB_FLUSH_MULTI, -Errno.EINVAL),
        (Mmuext.UNPIN_TABLE, -Errno.EINVAL),
    ],
)
def test_other_extended_operations(xen: Bench, command: int, result: int) -> None:
    assert xen.extended(command, xen.frame(xen.spare(0))) == result


def test_clear_and_copy_page(xen: Bench) -> None:
    one, two = xen.frame(xen.spare(0)), xen.frame(xen.spare(1))
    xen.domain.memory.write(one << 12, b"x" * 4096)
    assert xen.extended(Mmuext.COPY_PAGE, two, one) == 0
    assert xen.domain.memory.read(two << 12, 4096) == b"x" * 4096
    assert xen.extended(Mmuext.CLEAR_PAGE, one) == 0
    assert xen.domain.memory.read(one << 12, 4096) == bytes(4096)
    assert xen.extended(Mmuext.CLEAR_PAGE, xen.domain.mmu.base) == -Errno.EINVAL


def space(xen: Bench) -> int:
    """A second pinned L3 that maps the boot L1s; its frame."""
    l2 = boot_tables(xen)[2]
    links = {i: e for i, e in enumerate(xen.domain.tables.entries(l2)[:400]) if e & 1}
    top = xen.table(0, links)
    l3 = xen.table(1, {3: top << 12 | P})
    assert xen.extended(Mmuext.PIN_L3_TABLE, l3) == 0
    return l3


def test_new_base_pointer(xen: Bench) -> None:
    old = xen.domain.mmu.base
    l3 = space(xen)
    assert xen.extended(Mmuext.NEW_BASEPTR, l3) == 0
    assert xen.domain.mmu.base == l3
    assert xen.domain.space.u32(TEXT) == 0x0B0F
    assert xen.extended(Mmuext.UNPIN_TABLE, old) == 0
    assert xen.domain.tables.types[old] == 0, "the boot tables are plain memory again"
    assert xen.map(xen.spare(3), old << 12 | P | W) == 0


@pytest.mark.parametrize("number", [0, 1, 2])
def test_new_base_pointer_to_what_is_no_l3(xen: Bench, number: int) -> None:
    frames = (xen.frame(xen.spare(0)), boot_tables(xen)[1], 0x100)
    assert xen.extended(Mmuext.NEW_BASEPTR, frames[number]) == -Errno.EINVAL


def test_linear_map_of_the_own_l2(xen: Bench) -> None:
    _, _, l2 = boot_tables(xen)
    assert xen.update((l2 << 12) + 100 * 8, l2 << 12 | P | W) == -Errno.EINVAL
    assert xen.update((l2 << 12) + 100 * 8, l2 << 12 | P) == 0
    assert xen.update((l2 << 12) + 100 * 8, 0) == 0


def test_linear_maps_do_not_nest(xen: Bench) -> None:
    one, two, three = (xen.table(i, {}) for i in range(3))
    for table in (one, two, three):
        assert xen.extended(Mmuext.PIN_L2_TABLE, table) == 0
    assert xen.update((one << 12), two << 12 | P | W) == -Errno.EINVAL
    assert xen.update((one << 12), two << 12 | P) == 0
    assert xen.update((two << 12), three << 12 | P) == -Errno.EINVAL
    assert xen.update((three << 12), one << 12 | P) == -Errno.EINVAL
    assert xen.update((one << 12), 0) == 0
    assert xen.update((two << 12), three << 12 | P) == 0


def test_an_l1_linked_twice_stays_typed(xen: Bench) -> None:
    _, _, l2 = boot_tables(xen)
    table = xen.table(0, {})
    for slot in (20, 21):
        assert xen.update((l2 << 12) + slot * 8, table << 12 | P) == 0
    assert xen.update((l2 << 12) + 20 * 8, 0) == 0
    assert xen.map(xen.spare(0), table << 12 | P | W) == -Errno.EBUSY
    assert xen.update((l2 << 12) + 21 * 8, 0) == 0
    assert xen.map(xen.spare(0), table << 12 | P | W) == 0


def test_a_frame_given_up_while_mapped_stays(xen: Bench) -> None:
    va = xen.spare(0)
    frame = xen.frame(va)
    at = xen.argument(struct.pack("<4IHH", ARGUMENTS + 64, 1, 0, 0, Domid.SELF, 0))
    xen.argument(struct.pack("<I", frame), 64)
    assert xen.call(Hypercall.MEMORY_OP, 1, at) == 1
    assert xen.domain.tables.owned(frame)
    assert xen.map(va, 0) == 0
    assert not xen.domain.tables.owned(frame)
    assert xen.map(va, frame << 12 | P) == -Errno.EBUSY
