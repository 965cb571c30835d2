"""physdev_op, and the tail of memory_op: what the first domain is told of a machine that it does not run."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from tests.hypervisors.xen_counts import check_counts
from tests.hypervisors.xen_kernels import ZERO, Bench
from vmirom.overlays.xen import Domid, Errno, Hypercall, Physdevop, Schedop, Xenmem

NOWHERE = 0x1000
IO_APIC = 0xFEC00000


@pytest.fixture
def xen() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


def physical(xen: Bench, command: int, argument: bytes) -> tuple[int, bytes]:
    """(result, the argument afterwards)."""
    at = xen.argument(argument.ljust(48, b"\0"))
    return xen.call(Hypercall.PHYSDEV_OP, command, at), xen.domain.space.read(at, 48)


@pytest.mark.parametrize("command", [*Physdevop, 34, 99])
def test_every_command_reads_its_argument_first(xen: Bench, command: int) -> None:
    unread = command == Physdevop.IRQ_UNMASK_NOTIFY
    unknown = command not in set(Physdevop)
    expected = 0 if unread else -Errno.ENOSYS if unknown else -Errno.EFAULT
    assert xen.call(Hypercall.PHYSDEV_OP, command, NOWHERE) == expected


@pytest.mark.parametrize(("irq", "result", "flags"), [(0, 0, 1), (207, 0, 1), (208, -Errno.EINVAL, 0)])
def test_any_interrupt_wants_its_end_told(xen: Bench, irq: int, result: int, flags: int) -> None:
    found, after = physical(xen, Physdevop.IRQ_STATUS_QUERY, struct.pack("<II", irq, 0))
    assert (found, struct.unpack_from("<I", after, 4)[0]) == (result, flags)


@pytest.mark.parametrize(
    ("register", "value"), [(0, 0), (1, 0x170020), (0x10, 0x10000), (0x11, 0), (0x40, 0)]
)
def test_the_io_apic_is_as_a_reset_left_it(xen: Bench, register: int, value: int) -> None:
    request = struct.pack("<III", IO_APIC, register, 77)
    found, after = physical(xen, Physdevop.APIC_READ, request)
    assert (found, struct.unpack_from("<I", after, 8)[0]) == (0, value)
    assert physical(xen, Physdevop.APIC_WRITE, request)[0] == 0
    assert physical(xen, Physdevop.APIC_READ, struct.pack("<III", IO_APIC + 1, 0, 0))[0] == -Errno.EINVAL


def test_a_line_is_set_up_once(xen: Bench) -> None:
    assert [physical(xen, Physdevop.SETUP_GSI, struct.pack("<I", line))[0] for line in (0, 2, 2, 23, 24)] == [
        -Errno.EEXIST,
        0,
        -Errno.EEXIST,
        0,
        -Errno.EINVAL,
    ]


def test_free_interrupts_are_given_from_the_top(xen: Bench) -> None:
    given = [physical(xen, Physdevop.GET_FREE_PIRQ, bytes(8))[1] for _ in range(3)]
    assert [struct.unpack_from("<I", after, 4)[0] for after in given] == [207, 206, 205]


def test_pci_devices_are_remembered(xen: Bench) -> None:
    old, new = bytes((0, 8)), bytes((0, 0, 0, 8))
    assert physical(xen, Physdevop.RESTORE_MSI, old)[0] == -Errno.ENODEV
    assert physical(xen, Physdevop.MANAGE_PCI_ADD, old)[0] == 0
    assert physical(xen, Physdevop.PCI_DEVICE_ADD, new)[0] == 0
    assert physical(xen, Physdevop.RESTORE_MSI_EXT, new)[0] == 0
    assert physical(xen, Physdevop.PCI_DEVICE_REMOVE, new)[0] == 0
    assert physical(xen, Physdevop.MANAGE_PCI_REMOVE, old)[0] == -Errno.ENODEV, "both forms name the same one"
    assert physical(xen, Physdevop.PCI_MMCFG_RESERVED, bytes(16))[0] == -Errno.ENODEV


@pytest.mark.parametrize(
    ("domid", "kind", "index", "result"),
    [
        (5, 1, 1, -Errno.ESRCH),
        (Domid.SELF, 1, 0, -Errno.EPERM),
        (Domid.SELF, 1, 24, -Errno.EINVAL),
        (Domid.SELF, 0, 27, -Errno.EPERM),
        (Domid.SELF, 4, 0, -Errno.ENODEV),
        (Domid.SELF, 5, 0, -Errno.EINVAL),
        (Domid.SELF, 1, 5, -Errno.ENOSYS),
    ],
)
def test_interrupts_that_can_not_be_mapped(
    xen: Bench, domid: int, kind: int, index: int, result: int
) -> None:
    assert physical(xen, Physdevop.MAP_PIRQ, struct.pack("<HxxiII", domid, kind, index, index))[0] == result


# memory_op


@pytest.mark.parametrize(
    ("command", "argument", "result"),
    [
        (Xenmem.ADD_TO_PHYSMAP, struct.pack("<HHIII", 5, 0, 0, 0, 0), -Errno.ESRCH),
        (Xenmem.REMOVE_FROM_PHYSMAP, bytes(8), -Errno.EACCES),
        (Xenmem.ADD_TO_PHYSMAP_BATCH, bytes(20), -Errno.EACCES),
        (Xenmem.ADD_TO_PHYSMAP_BATCH, struct.pack("<HHHHI", 5, 0, 1, 0, NOWHERE), -Errno.EFAULT),
        (Xenmem.MAXIMUM_GPFN, bytes(2), 0),
        (Xenmem.MAXIMUM_GPFN, b"\5\0", -Errno.ESRCH),
        (Xenmem.SET_POD_TARGET, bytes(36), -Errno.ENOSYS),
        (Xenmem.GET_SHARING_FREED_PAGES, b"", 0),
        (Xenmem.GET_VNUMAINFO, bytes(40), -Errno.EOPNOTSUPP),
        (Xenmem.GET_VNUMAINFO, b"\0\0\1\0", -Errno.EINVAL),
        (Xenmem.RESERVED_DEVICE_MEMORY_MAP, bytes(16), 0),
        (Xenmem.RESERVED_DEVICE_MEMORY_MAP, b"\2", -Errno.EINVAL),
        (Xenmem.ACQUIRE_RESOURCE, bytes(28), -Errno.EPERM),
        (Xenmem.ACQUIRE_RESOURCE, b"\5", -Errno.ESRCH),
        (Xenmem.MAXIMUM_RAM_PAGE | 1 << 6, b"", -Errno.EINVAL),
        (Xenmem.POPULATE_PHYSMAP | 3 << 6, bytes(20), 3),
        (Xenmem.MACHPHYS_MAPPING | 1 << 6, b"", -Errno.ENOSYS),
        (33, b"", -Errno.ENOSYS),
    ],
)
def test_commands_of_memory_op(xen: Bench, command: int, argument: bytes, result: int) -> None:
    at = xen.argument(argument.ljust(48, b"\0"))
    assert xen.call(Hypercall.MEMORY_OP, command, at) == result
    assert xen.domain.held == xen.domain.maximum


def exchange(xen: Bench, given: tuple[int, ...], wanted: tuple[int, ...], orders: tuple[int, int]) -> int:
    """XENMEM_exchange of lists of frames for lists of pfns; the new frames are written over ``wanted``."""
    one, other = xen.argument(struct.pack(f"<{len(given)}I", *given), 512), ZERO
    xen.domain.space.write(other, struct.pack(f"<{len(wanted)}I", *wanted))
    at = xen.argument(
        struct.pack(
            "<5I5II", one, len(given), orders[0], 0, Domid.SELF, other, len(wanted), orders[1], 0, 0, 0
        )
    )
    xen.domain.space.write(at + 36, struct.pack("<I", Domid.SELF))
    return xen.call(Hypercall.MEMORY_OP, Xenmem.EXCHANGE, at)


def test_frames_are_exchanged_for_contiguous_ones(xen: Bench) -> None:
    pages = [xen.spare(i) for i in range(4)]
    frames = tuple(xen.frame(page) for page in pages)
    pfn = xen.domain.m2p(frames[0])
    assert exchange(xen, frames, (pfn,), (0, 2)) == -Errno.EINVAL, "they are mapped"
    for page in pages:
        assert xen.map(page, 0) == 0
    assert exchange(xen, frames, (pfn,), (0, 2)) == 0
    first = xen.domain.space.u32(ZERO)
    assert first % 4 == 0 and first not in frames
    assert [xen.domain.m2p(first + i) for i in range(4)] == [pfn + i for i in range(4)]
    assert all(xen.map(page, (first + i) << 12 | 3) == 0 for i, page in enumerate(pages))
    assert xen.domain.held == xen.domain.maximum
    check_counts(xen.domain)


@pytest.mark.parametrize(
    ("given", "wanted", "orders", "result"),
    [
        ((1,), (1, 2), (0, 0), -Errno.EINVAL),
        ((1,), (1,), (13, 13), -Errno.EPERM),
        ((0x100,), (1,), (0, 0), -Errno.EINVAL),
        ((), (), (0, 0), 0),
        ((1,), (1,), (0x01010101, 0x01010101), -Errno.EPERM),
    ],
)
def test_exchanges_that_are_refused(
    xen: Bench, given: tuple[int, ...], wanted: tuple[int, ...], orders: tuple[int, int], result: int
) -> None:
    assert exchange(xen, given, wanted, orders) == result
    check_counts(xen.domain)


def test_a_frame_given_up_counts_until_it_is_mapped_no_more(xen: Bench) -> None:
    page = xen.spare(0)
    at = xen.argument(struct.pack("<IIIIH", ZERO, 1, 0, 0, Domid.SELF))
    xen.domain.space.put32(ZERO, xen.frame(page))
    held = xen.domain.held
    assert xen.call(Hypercall.MEMORY_OP, Xenmem.DECREASE_RESERVATION, at) == 1
    assert xen.domain.held == held
    assert xen.map(page, 0) == 0
    assert xen.domain.held == held - 1


# The processor that the one virtual CPU may be pinned to


def test_an_override_is_taken_once_and_let_go(xen: Bench) -> None:
    def override(processor: int) -> int:
        return xen.call(Hypercall.SCHED_OP, Schedop.PIN_OVERRIDE, xen.argument(struct.pack("<i", processor)))

    assert [override(n) for n in (-1, 0, 0, 1, -1, -1)] == [
        -Errno.EINVAL,
        0,
        -Errno.EBUSY,
        -Errno.EINVAL,
        0,
        -Errno.EINVAL,
    ]


def test_the_first_domain_may_shut_itself_down_by_its_number(xen: Bench) -> None:
    at = xen.argument(struct.pack("<HxxI", 7, 0))
    assert xen.call(Hypercall.SCHED_OP, Schedop.REMOTE_SHUTDOWN, at) == -Errno.ESRCH
