"""Grants, management, and the edges of guest memory: what a lone first domain is answered."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from tests.effort import examples
from tests.hypervisors.xen_counts import check_counts
from tests.hypervisors.xen_kernels import RESULTS, TEXT, ZERO, Bench, Code
from vmirom.hypervisors.hypervisor import EndKind
from vmirom.overlays.xen import Domid, Errno, Hypercall, Schedop, Vcpuop, Xenver

GRANT = Hypercall.GRANT_TABLE_OP
EACCES = 13
PAGE = 4096


@pytest.fixture(scope="module")
def xen() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


def status(xen: Bench, command: int, request: bytes, at: int) -> int:
    """The status field of one request, at offset ``at``, after a command that is answered with 0."""
    place = xen.argument(request)
    assert xen.call(GRANT, command, place, 1) == 0
    return int.from_bytes(xen.domain.space.read(place + at, 2), "little", signed=True)


@pytest.mark.parametrize(
    ("command", "request_", "at", "answer"),
    [
        (0, struct.pack("<QIIHHIQ", 0, 0, 0, Domid.SELF, 0, 0, 0), 18, -3),
        (0, struct.pack("<QIIHHIQ", 0, 2, 0, 5, 0, 0, 0), 18, -2),
        (1, struct.pack("<QQIHH", 0, 0, 99, 0, 0), 20, -4),
        (2, struct.pack("<HxxIII", 5, 1, 0, ZERO), 8, -2),
        (2, struct.pack("<HxxIII", Domid.SELF, 1 << 20, 0, ZERO), 8, -1),
        (4, bytes(16), 12, -9),
        (5, bytes(24), 20, -8),
        (11, struct.pack("<III", 1, 2, 0), 8, 0),
        (11, struct.pack("<III", 1, 1 << 20, 0), 8, -3),
    ],
)
def test_uses_of_grants_that_nobody_made(
    xen: Bench, command: int, request_: bytes, at: int, answer: int
) -> None:
    assert status(xen, command, request_, at) == answer


def test_the_table_is_one_frame_that_can_be_mapped_and_given_up_by_nobody(xen: Bench) -> None:
    assert status(xen, 2, struct.pack("<HxxIII", Domid.SELF, 1, 0, ZERO), 8) == 0
    frame = xen.domain.space.u32(ZERO)
    assert xen.map(xen.spare(0), frame << 12 | 3) == 0
    assert xen.domain.tables.owned(frame) and not xen.domain.tables.allocated[frame]
    check_counts(xen.domain)


def test_a_copy_between_frames_of_ourselves(xen: Bench) -> None:
    source, target = xen.spare(1), xen.spare(2)
    xen.domain.space.write(source + 8, b"grants!")
    frames = xen.frame(source), xen.frame(target)
    own = int(Domid.SELF)
    request = struct.pack("<IHHIHHHHhxx", frames[0], own, 8, frames[1], own, 16, 7, 0, 0)
    assert status(xen, 5, request, 20) == 0
    assert xen.domain.space.read(target + 16, 7) == b"grants!"
    beyond = struct.pack("<IHHIHHHHhxx", frames[0], own, 4090, frames[1], own, 16, 7, 0, 0)
    assert status(xen, 5, beyond, 20) == -10


@pytest.mark.parametrize(
    ("call", "version"),
    [
        (Hypercall.PLATFORM_OP, 0x03000001),
        (Hypercall.SYSCTL, 0x15),
        (Hypercall.DOMCTL, 0x15),
        (48, 0x01ECC003),
    ],
)
def test_management_wants_the_version_of_its_interface_first(xen: Bench, call: int, version: int) -> None:
    assert xen.call(call, xen.argument(struct.pack("<II", 0xFFFF, version + 1))) == -EACCES
    assert xen.call(call, xen.argument(struct.pack("<II", 0xFFFF, version))) == -Errno.ENOSYS
    assert xen.call(call, 0x1000) == -Errno.EFAULT


def test_an_argument_may_stand_in_the_machine_to_physical_table_and_a_list_not(xen: Bench) -> None:
    table = xen.domain.hole.m2p_start
    assert xen.call(Hypercall.XEN_VERSION, Xenver.GET_FEATURES, table) == -Errno.EINVAL
    assert xen.call(Hypercall.SCHED_OP, Schedop.PIN_OVERRIDE, table) == -Errno.EINVAL
    assert xen.call(Hypercall.VCPU_OP, Vcpuop.GET_RUNSTATE_INFO, 0, table) == -Errno.EFAULT
    assert xen.call(Hypercall.MULTICALL, table, 1) == -Errno.EFAULT
    assert xen.call(Hypercall.MMUEXT_OP, table, 1) == -Errno.EFAULT
    assert xen.call(Hypercall.XEN_VERSION, Xenver.GET_FEATURES, 0xFFFFFFFC) == -Errno.EFAULT


def test_requests_of_mmu_update_may_stand_there_too_and_are_none(xen: Bench) -> None:
    assert xen.call(Hypercall.MMU_UPDATE, xen.domain.hole.m2p_start, 1) == -Errno.ENOSYS


def test_an_answer_that_faults_half_way_has_arrived_up_to_there(xen: Bench) -> None:
    edge = xen.spare(7) + PAGE
    xen.map(edge, 0)
    xen.domain.space.write(edge - 4, b"\xee" * 4)
    assert xen.call(Hypercall.XEN_VERSION, Xenver.CAPABILITIES, edge - 4) == -Errno.EFAULT
    assert xen.domain.space.read(edge - 4, 4) == b"xen-"


def test_the_time_area_is_a_second_copy_of_the_time_info(xen: Bench) -> None:
    area = xen.spare(4)
    register = (Hypercall.VCPU_OP, Vcpuop.REGISTER_VCPU_TIME_MEMORY_AREA, 0)
    assert xen.call(*register, xen.argument(struct.pack("<Q", area))) == 0
    mul = int(xen.domain.shared.vcpu.time.tsc_to_system_mul)
    assert struct.pack("<I", mul) in xen.domain.space.read(area, 32)
    assert xen.call(*register, xen.argument(struct.pack("<Q", xen.domain.hole.start))) == -Errno.EFAULT
    assert xen.call(*register, xen.argument(bytes(8))) == 0


def test_a_far_call_through_a_gate_of_the_guests_arrives_and_returns() -> None:
    code = Code().raw("9a 00000000 0900").store(RESULTS, 7).off()
    target = code.here
    code.raw("c705").bytes.extend(struct.pack("<II", RESULTS + 4, 9) + b"\xcb")
    gate_va = TEXT + 5 * PAGE
    bench = Bench(code.image({gate_va: bytes(16)}))
    frame = bench.read_only(gate_va)
    assert bench.call(Hypercall.SET_GDT, bench.argument(struct.pack("<I", frame)), 2) == 0
    place, low = (frame << 12) + 8, target & 0xFFFF | 0xE019 << 16
    high = target & 0xFFFF0000 | 0xEC00
    assert bench.call(Hypercall.UPDATE_DESCRIPTOR, place & 0xFFFFFFFF, place >> 32, low, high) == 0
    assert bench.run().kind is EndKind.SHUTDOWN
    assert [bench.domain.space.u32(RESULTS + at) for at in (0, 4)] == [7, 9]
    bench.close()


@given(st.integers(0, 0x1FFF), st.binary(max_size=96), st.integers(0, 0xFFFFFFFF))
@examples(60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_grant_table_op_is_an_answer(xen: Bench, command: int, request_: bytes, count: int) -> None:
    answer = xen.call(GRANT, command, xen.argument(request_.ljust(96, b"\0")), count % 3 or count)
    assert -200 < answer <= 0
