"""An older Xen: what it does not know yet is ENOSYS, what it always knew works in its first form."""

import struct
from collections.abc import Iterator

import pytest

from tests.hypervisors.xen_kernels import ZERO, Bench
from vmirom.hypervisors.hypervisor import LoadError
from vmirom.overlays.xen import Errno, Evtchnop, Hypercall, Mmuext, Physdevop, Schedop, Vcpuop, Virq, Xenver


@pytest.fixture
def old() -> Iterator[Bench]:
    bench = Bench(release="3.0")
    yield bench
    bench.close()


def test_unknown_release_is_named() -> None:
    with pytest.raises(LoadError, match=r"release: '2\.0' is not one of 4\.17, 3\.0"):
        Bench(release="2.0")


@pytest.mark.parametrize(
    "number", [Hypercall.SCHED_OP, Hypercall.CALLBACK_OP, Hypercall.EVENT_CHANNEL_OP, Hypercall.PHYSDEV_OP]
)
def test_hypercalls_that_came_later(old: Bench, number: Hypercall) -> None:
    assert old.call(number, 1, ZERO) == -Errno.ENOSYS


@pytest.mark.parametrize(
    ("number", "command", "known"),
    [
        (Hypercall.XEN_VERSION, Xenver.PAGESIZE, 4096),
        (Hypercall.VCPU_OP, Vcpuop.STOP_PERIODIC_TIMER, 0),
    ],
)
def test_commands_that_came_later(old: Bench, number: Hypercall, command: int, known: int) -> None:
    assert old.call(number, command) == -Errno.ENOSYS
    new = Bench()
    assert new.call(number, command) == known
    new.close()


def test_extended_operations_that_came_later(old: Bench) -> None:
    operation = old.argument(struct.pack("<3I", Mmuext.CLEAR_PAGE, old.frame(old.spare(0)), 0))
    assert old.call(Hypercall.MMUEXT_OP, operation, 1) == -Errno.ENOSYS
    operation = old.argument(struct.pack("<3I", Mmuext.TLB_FLUSH_LOCAL, 0, 0))
    assert old.call(Hypercall.MMUEXT_OP, operation, 1) == 0


def test_first_forms(old: Bench) -> None:
    bind = old.argument(struct.pack("<4I", Evtchnop.BIND_VIRQ, Virq.TIMER, 0, 0))
    assert old.call(Hypercall.EVENT_CHANNEL_OP_COMPAT, bind) == 0
    port = old.domain.space.u32(bind + 12)
    assert port > 0
    unmask = old.argument(struct.pack("<2I", Evtchnop.UNMASK, port))
    assert old.call(Hypercall.EVENT_CHANNEL_OP_COMPAT, unmask) == 0
    reset = old.argument(struct.pack("<2I", Evtchnop.RESET, 0x7FF0))
    assert old.call(Hypercall.EVENT_CHANNEL_OP_COMPAT, reset) == -Errno.ENOSYS
    iopl = old.argument(struct.pack("<2I", Physdevop.SET_IOPL, 3))
    assert old.call(Hypercall.PHYSDEV_OP_COMPAT, iopl) == 0
    assert old.domain.privileged.iopl == 3
    assert old.call(Hypercall.SCHED_OP_COMPAT, Schedop.YIELD) == 0


def test_what_it_says_of_itself(old: Bench) -> None:
    assert old.call(Hypercall.XEN_VERSION, Xenver.VERSION) == 0x30000
    at = old.argument(bytes(8))
    assert old.call(Hypercall.XEN_VERSION, Xenver.GET_FEATURES, at) == 0
    assert old.domain.space.u32(at + 4) == 0x10  # pae_pgdir_above_4gb
    assert old.call(Hypercall.XEN_VERSION, Xenver.EXTRAVERSION, at) == 0
    assert old.domain.space.read(at, 12) == b".2-embedded\0"
