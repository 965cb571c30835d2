"""The rest of the table: versions, memory, registers, console, multicall, callbacks, and what is unknown."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator

import pytest

from tests.hypervisors.xen_counts import check_counts
from tests.hypervisors.xen_kernels import ARGUMENTS, TEXT, ZERO, Bench, Code
from vmirom.overlays.xen import (
    AssistType,
    CallbackOp,
    CallbackType,
    Consoleio,
    Domid,
    Errno,
    Hypercall,
    NmiOp,
    Physdevop,
    VmAssist,
    Xenmem,
    Xenver,
)


@pytest.fixture
def xen() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    check_counts(bench.domain)
    bench.close()


@pytest.mark.parametrize(
    ("number", "errno"),
    [
        *((number, Errno.ENOSYS) for number in (11, 25, 27, 34, 37, 38, 39, 41, 42, 55, 60, 0xFFFFFFFF)),
        *((number, Errno.EFAULT) for number in (7, 31, 35, 36, 48, 49)),
        (22, Errno.ESRCH),
        (40, Errno.EOPNOTSUPP),
    ],
)
def test_what_is_not_offered(xen: Bench, number: int, errno: int) -> None:
    assert xen.call(number) == -errno
    assert xen.story.hypercalls[-1][3], "the trace says why"


def test_result_is_left_in_eax() -> None:
    code = Code().hypercall(60).keep_eax(TEXT + 0x3000).hypercall(Hypercall.XEN_VERSION, 0)
    bench = Bench(code.keep_eax(TEXT + 0x3004).off().image())
    bench.run()
    assert struct.unpack("<iI", bench.domain.space.read(TEXT + 0x3000, 8)) == (-38, 0x40011)
    bench.close()


# xen_version


@pytest.mark.parametrize(
    ("command", "size", "start"),
    [
        (Xenver.EXTRAVERSION, 16, b"."),
        (Xenver.COMPILE_INFO, 144, b""),
        (Xenver.CAPABILITIES, 1024, b"xen-3.0-x86_64 xen-3.0-x86_32p"),
        (Xenver.CHANGESET, 64, b""),
        (Xenver.PLATFORM_PARAMETERS, 4, b"\x00\x00\x80\xf5"),
        (Xenver.GET_FEATURES, 8, b"\0\0\0\0\xf0\x28\x02\x00"),
        (Xenver.GUEST_HANDLE, 16, b""),
        (Xenver.COMMANDLINE, 1024, b"console=com1\0"),
    ],
)
def test_xen_version(xen: Bench, command: int, size: int, start: bytes) -> None:
    at = xen.argument(bytes(4) + b"\xee" * (size + 4))
    assert xen.call(Hypercall.XEN_VERSION, command, at) == 0
    data = xen.domain.space.read(at, size + 8)
    assert data.startswith(start)
    assert data[max(size, 4) : size + 4] == b"\xee" * len(data[max(size, 4) : size + 4])
    assert xen.call(Hypercall.XEN_VERSION, command, 0x40000000) == -Errno.EFAULT
    assert xen.call(Hypercall.XEN_VERSION, command, 0xFFFFFFF0) == -Errno.EFAULT


def test_xen_version_without_argument(xen: Bench) -> None:
    assert xen.call(Hypercall.XEN_VERSION, Xenver.VERSION) == 0x40011
    assert xen.call(Hypercall.XEN_VERSION, Xenver.PAGESIZE) == 4096
    assert xen.call(Hypercall.XEN_VERSION, Xenver.BUILD_ID) == 20, "the length of the build id"
    assert xen.call(Hypercall.XEN_VERSION, Xenver.BUILD_ID, xen.argument(b"\0\0\0\0")) == -Errno.EINVAL
    assert xen.call(Hypercall.XEN_VERSION, Xenver.BUILD_ID, xen.argument(b"\4\0\0\0")) == -Errno.ENOBUFS
    assert xen.call(Hypercall.XEN_VERSION, 77, ARGUMENTS) == -Errno.ENOSYS
    assert xen.call(Hypercall.XEN_VERSION, Xenver.GET_FEATURES, xen.argument(b"\1\0\0\0")) == -Errno.EINVAL


# memory_op


def reservation(xen: Bench, extents: list[int], order: int = 0, domid: int = Domid.SELF) -> int:
    at = xen.argument(struct.pack(f"<{len(extents)}I", *extents), 64)
    return xen.argument(struct.pack("<4IHH", at, len(extents), order, 0, domid, 0))


def test_frames_given_up_and_asked_for_again(xen: Bench) -> None:
    frames = [xen.frame(xen.spare(i)) for i in range(3)]
    for i in range(3):
        assert xen.map(xen.spare(i), 0) == 0
    assert xen.call(Hypercall.MEMORY_OP, Xenmem.DECREASE_RESERVATION, reservation(xen, frames)) == 3
    assert [xen.domain.m2p(frame) for frame in frames] == [0xFFFFFFFF] * 3
    assert xen.call(Hypercall.MEMORY_OP, Xenmem.CURRENT_RESERVATION, xen.argument(b"\xf0\x7f\0\0")) == 4093
    assert xen.call(Hypercall.MEMORY_OP, Xenmem.POPULATE_PHYSMAP, reservation(xen, [0x102, 0x103])) == 2
    given = struct.unpack("<2I", xen.domain.space.read(ARGUMENTS + 64, 8))
    assert [xen.domain.m2p(frame) for frame in given] == [0x102, 0x103]
    assert xen.map(xen.spare(0), given[0] << 12 | 3) == 0
    assert xen.domain.space.read(xen.spare(0), 4096) == bytes(4096)
    assert xen.call(Hypercall.MEMORY_OP, Xenmem.POPULATE_PHYSMAP, reservation(xen, [1, 2])) == 1


def test_frames_that_can_not_be_given_up(xen: Bench) -> None:
    foreign = [0x100, xen.domain.shared.gpa >> 12, 0xFFFFFFFF]
    for frame in foreign:
        assert xen.call(Hypercall.MEMORY_OP, Xenmem.DECREASE_RESERVATION, reservation(xen, [frame])) == 0
    assert xen.call(Hypercall.MEMORY_OP, Xenmem.DECREASE_RESERVATION, reservation(xen, [0], 40)) == 0
    at = reservation(xen, [0], 0, 5)
    assert xen.call(Hypercall.MEMORY_OP, Xenmem.DECREASE_RESERVATION, at) == 0


def test_what_memory_op_tells(xen: Bench) -> None:
    at = xen.argument(bytes(12))
    assert xen.call(Hypercall.MEMORY_OP, Xenmem.MACHPHYS_MAPPING, at) == 0
    assert struct.unpack("<3I", xen.domain.space.read(at, 12)) == (0xF5800000, 0xFFE00000, 0x297FFFF)
    assert xen.call(Hypercall.MEMORY_OP, Xenmem.MEMORY_MAP, at) == -Errno.ENOSYS
    assert xen.call(Hypercall.MEMORY_OP, Xenmem.MAXIMUM_RAM_PAGE) == xen.domain.tables.count
    assert xen.call(Hypercall.MEMORY_OP, Xenmem.ADD_TO_PHYSMAP, xen.argument(bytes(16))) == -Errno.EACCES
    at = xen.argument(struct.pack("<II", 16, ARGUMENTS + 64))
    assert xen.call(Hypercall.MEMORY_OP, Xenmem.MACHINE_MEMORY_MAP, at) == 0
    count = xen.domain.space.u32(at)
    areas = list(struct.iter_unpack("<QQI", xen.domain.space.read(ARGUMENTS + 64, 20 * count)))
    assert areas[-1][0] + areas[-1][1] == xen.domain.tables.count * 4096
    assert all(a + n == b for (a, n, _), (b, _, _) in itertools.pairwise(areas))
    at = xen.argument(struct.pack("<III", 4, ARGUMENTS + 64, 0))
    assert xen.call(Hypercall.MEMORY_OP, Xenmem.MACHPHYS_MFN_LIST, at) == 0
    assert xen.domain.space.u32(ARGUMENTS + 64) == xen.domain.m2p_frames[0]


# Registers and assists


def test_debug_registers(xen: Bench) -> None:
    for number, value in ((0, 0x1000), (3, 0xC0100000)):
        assert xen.call(Hypercall.SET_DEBUGREG, number, value) == 0
        assert xen.call(Hypercall.GET_DEBUGREG, number) == value
    assert xen.call(Hypercall.SET_DEBUGREG, 1, 0xF5800000) == 0
    assert xen.call(Hypercall.SET_DEBUGREG, 7, 0x20001) == -Errno.EPERM
    assert xen.call(Hypercall.SET_DEBUGREG, 7, 0x2000) == -Errno.EPERM
    assert xen.call(Hypercall.SET_DEBUGREG, 7, 1) == 0
    assert xen.call(Hypercall.GET_DEBUGREG, 7) == 0x401
    assert xen.call(Hypercall.GET_DEBUGREG, 5) == 0x401
    assert xen.call(Hypercall.GET_DEBUGREG, 8) == -19


@pytest.mark.parametrize("kind", [*AssistType, 6, 100])
def test_assists(xen: Bench, kind: int) -> None:
    expected = 0 if kind in set(AssistType) else -Errno.EINVAL
    assert xen.call(Hypercall.VM_ASSIST, VmAssist.ENABLE, kind) == expected
    assert xen.call(Hypercall.VM_ASSIST, VmAssist.DISABLE, kind) == expected
    assert xen.call(Hypercall.VM_ASSIST, 2, kind) in (-Errno.EINVAL, -Errno.ENOSYS)


@pytest.mark.parametrize(("level", "result"), [(0, 0), (1, 0), (3, 0), (4, -Errno.EINVAL)])
def test_iopl(xen: Bench, level: int, result: int) -> None:
    at = xen.argument(struct.pack("<I", level))
    assert xen.call(Hypercall.PHYSDEV_OP, Physdevop.SET_IOPL, at) == result


# Callbacks


@pytest.mark.parametrize(
    ("kind", "result"),
    [
        (CallbackType.EVENT, 0),
        (CallbackType.FAILSAFE, 0),
        (CallbackType.NMI, 0),
        (CallbackType.SYSENTER, 0),
        (CallbackType.SYSCALL32, 0),
        (CallbackType.SYSCALL, -Errno.ENOSYS),
        (99, -Errno.ENOSYS),
    ],
)
def test_callback_operation(xen: Bench, kind: int, result: int) -> None:
    at = xen.argument(struct.pack("<HHII", kind, 1, 0xE019, TEXT))
    assert xen.call(Hypercall.CALLBACK_OP, CallbackOp.REGISTER, at) == result
    unregistered = 0 if kind == CallbackType.NMI else -Errno.ENOSYS if result else -Errno.EINVAL
    assert xen.call(Hypercall.CALLBACK_OP, CallbackOp.UNREGISTER, at) == unregistered
    assert xen.call(Hypercall.CALLBACK_OP, 5, at) == -Errno.EINVAL


def test_nmi_operation(xen: Bench) -> None:
    assert xen.call(Hypercall.NMI_OP, NmiOp.REGISTER_CALLBACK, xen.argument(struct.pack("<II", TEXT, 0))) == 0
    registered = xen.domain.traps.gates[2]
    assert registered is not None
    assert (registered.cs, registered.eip) == (0xE019, TEXT)
    assert xen.call(Hypercall.NMI_OP, NmiOp.UNREGISTER_CALLBACK) == 0
    assert xen.domain.traps.gates[2:3] == [None], "it is the trap table's entry"
    assert xen.call(Hypercall.NMI_OP, 2) == -Errno.ENOSYS


def test_trap_table_without_an_end(xen: Bench) -> None:
    entry = struct.pack("<BBHI", 1, 0, 0xE019, TEXT)
    for page in range(8):
        xen.domain.memory.write(xen.frame(xen.spare(page)) << 12, entry * 512)
    assert xen.call(Hypercall.SET_TRAP_TABLE, xen.spare(0)) in (0, -Errno.EFAULT)
    assert xen.call(Hypercall.SET_TRAP_TABLE, 0x40000000) == -Errno.EFAULT


# Console and multicall


def test_console_write(xen: Bench) -> None:
    xen.argument(b"one\ntwo\0three")
    assert xen.call(Hypercall.CONSOLE_IO, Consoleio.WRITE, 13, ARGUMENTS) == 0
    assert xen.story.console == b"one\ntwo\0three"
    assert xen.call(Hypercall.CONSOLE_IO, Consoleio.WRITE, 0, 0) == 0
    assert xen.call(Hypercall.CONSOLE_IO, Consoleio.WRITE, 10, 0x40000000) == -Errno.EFAULT
    assert xen.call(Hypercall.CONSOLE_IO, Consoleio.WRITE, 0xFFFFFFFF, 0x40000000) == -Errno.EFAULT
    assert xen.call(Hypercall.CONSOLE_IO, 2, 1, ARGUMENTS) == -Errno.ENOSYS


def test_multicall_answers_each_entry(xen: Bench) -> None:
    calls = [
        (Hypercall.XEN_VERSION, (Xenver.VERSION,)),
        (60, ()),
        (Hypercall.FPU_TASKSWITCH, (0,)),
        (Hypercall.MULTICALL, (0, 0)),
        (Hypercall.IRET, ()),
        (Hypercall.XEN_VERSION, (Xenver.PLATFORM_PARAMETERS, 0x40000000)),
    ]
    data = b"".join(struct.pack("<Ii6I", nr, 77, *args, *(0,) * (6 - len(args))) for nr, args in calls)
    at = xen.argument(data)
    xen.story.hypercalls.clear()
    assert xen.call(Hypercall.MULTICALL, at, len(calls)) == 0
    results = [entry[1] for entry in struct.iter_unpack("<Ii6I", xen.domain.space.read(at, len(data)))]
    assert results == [0x40011, -38, 0, -22, -38, -14]
    names = [name for name, *_ in xen.story.hypercalls]
    assert names[:2] == ["multicall", "xen_version.VERSION"]
    assert len(names) == 1 + len(calls)


def test_multicall_with_bad_lists(xen: Bench) -> None:
    assert xen.call(Hypercall.MULTICALL, 0x40000000, 1) == -Errno.EFAULT
    assert xen.call(Hypercall.MULTICALL, 0, 0) == 0
    assert xen.call(Hypercall.MULTICALL, ZERO, 0xFFFFFFFF) == -Errno.EFAULT
    assert xen.call(Hypercall.MULTICALL, 0, 0) == 0


def test_names_of_sub_operations(xen: Bench) -> None:
    xen.call(Hypercall.MEMORY_OP, Xenmem.MAXIMUM_RAM_PAGE)
    xen.extended(6)
    assert [name for name, *_ in xen.story.hypercalls[-2:]] == [
        "memory_op.MAXIMUM_RAM_PAGE",
        "mmuext_op.TLB_FLUSH_LOCAL",
    ]
