"""What the self-test says of devices that can do everything, and of each that can't do one thing."""

import errno
import struct

import pytest

from tests.machine.kvm_fake import FakeKernel, Run, ends, fails, port
from vmirom.machine.kvm import DEVICE, device_sentence, examine, self_test
from vmirom.machine.kvm.interface import Capability, ExitReason, Io

PORT, GATE_PORT = 0x10, 0x11
ENOSYS = -1000 & 0xFFFFFFFF


def in_handler(kernel: FakeKernel) -> None:
    struct.pack_into("<H", kernel.sregs, 12, 0x08)  # cs
    kernel.leave_for_port(GATE_PORT)


def answered(kernel: FakeKernel) -> None:
    struct.pack_into("<Q", kernel.regs, 0, ENOSYS)  # rax
    kernel.leave_for_port(PORT)


WELL: tuple[Run, ...] = (port(PORT), in_handler, port(PORT), answered, port(PORT), ends(ExitReason.SHUTDOWN))


def kernel_where(**changes: Run) -> FakeKernel:
    """All is well but for the steps that are named."""
    names = ("plain", "gate", "port", "hypercall", "speed", "limit")
    return FakeKernel(iter([changes.get(name, run) for name, run in zip(names, WELL, strict=True)]))


def test_a_device_that_does_everything_has_no_refusal_and_leaves_nothing_open() -> None:
    kernel = kernel_where()
    found = examine(kernel=kernel)
    assert found.refusal == ""
    assert found.vendor == "AuthenticAMD"
    assert found.limits_enforced
    assert found.sync_registers and found.immediate_exit and not found.hypercall_quirk
    assert kernel.opened == 0


def test_self_test_is_none_where_all_is_well() -> None:
    assert self_test(kernel=kernel_where()) is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"plain": ends(ExitReason.SHUTDOWN)}, "can't run 32-bit code with paging (ended with SHUTDOWN)"),
        ({"plain": fails(errno.EINTR)}, "can't run 32-bit code with paging (did not leave in time)"),
        ({"plain": port(0x12)}, "can't run 32-bit code with paging (wrote to port 0x12 instead of 0x10)"),
        (
            {"gate": ends(ExitReason.INTERNAL_ERROR)},
            "can't deliver int n from ring 3 (ended with INTERNAL_ERROR)",
        ),
        ({"gate": port(GATE_PORT)}, "can't deliver int n from ring 3 (the handler did not run in ring 0)"),
        (
            {"port": ends(ExitReason.SHUTDOWN)},
            "ignores the port bitmap of the task segment (ended with SHUTDOWN)",
        ),
        (
            {"hypercall": fails(errno.EINTR)},
            "does not serve vmmcall as KVM does (did not leave in time)",
        ),
        ({"hypercall": port(PORT)}, "does not serve vmmcall as KVM does (hypercall 999 answers 0x3e7)"),
        ({"gate": ends(77)}, "can't deliver int n from ring 3 (ended with exit 77)"),
    ],
)
def test_each_step_that_fails_is_one_sentence(changes: dict[str, Run], sentence: str) -> None:
    assert self_test(kernel=kernel_where(**changes)) == f"{DEVICE} {sentence}"


def test_paging_that_does_not_stay_set_is_refused_before_anything_runs() -> None:
    kernel = kernel_where()
    kernel.keeps_paging = False
    assert self_test(kernel=kernel) == f"{DEVICE} refuses 32-bit paging (CR0.PG did not stay set)"
    assert all(request != Io.RUN for request, _ in kernel.asked)


def test_paging_that_can_not_be_set() -> None:
    kernel = kernel_where()
    kernel.refuses = {Io.SET_SREGS}
    sentence = self_test(kernel=kernel)
    assert sentence == f"{DEVICE} refuses 32-bit paging (KVM refuses SET_SREGS: Invalid argument)"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"open_error": errno.ENOENT}, "is absent: no virtualisation here"),
        ({"open_error": errno.EACCES}, "can't be opened: Permission denied (be in the group kvm)"),
        ({"version": 11}, "speaks API 11, not 12"),
        ({"refuses": {Io.GET_API_VERSION}}, "does not answer as KVM does: Invalid argument"),
    ],
)
def test_devices_that_are_none(change: dict[str, object], sentence: str) -> None:
    kernel = FakeKernel()
    for name, value in change.items():
        setattr(kernel, name, value)
    assert (self_test(kernel=kernel) or "").startswith(f"{DEVICE} {sentence}")
    assert device_sentence(kernel=kernel).startswith(f"{DEVICE} {sentence}")
    assert kernel.opened == 0


def test_requests_that_are_refused_are_sentences_too() -> None:
    for request, name in (
        (Io.CREATE_VM, "KVM makes no virtual machine"),
        (Io.CREATE_VCPU, "KVM refuses CREATE"),
    ):
        kernel = kernel_where()
        kernel.refuses = {request}
        assert (self_test(kernel=kernel) or "").startswith(f"{DEVICE}: {name}")
        assert kernel.opened == 0


def test_a_processor_of_intel_is_asked_by_vmcall() -> None:
    kernel = kernel_where(hypercall=ends(ExitReason.SHUTDOWN))
    kernel.vendor = b"GenuineIntel"
    assert "does not serve vmcall" in (self_test(kernel=kernel) or "")


def test_what_a_processor_does_not_enforce_is_a_property_and_no_refusal() -> None:
    found = examine(kernel=kernel_where(limit=port(PORT)))
    assert found.refusal == "" and not found.limits_enforced


def test_the_loaded_task_register_is_busy_but_for_the_appliance() -> None:
    for inside, kind in ((False, 11), (True, 9)):
        kernel = kernel_where()
        examine(kernel=kernel, inside=inside)
        kinds = {
            data[158] for request, data in kernel.asked if request == Io.SET_SREGS and isinstance(data, bytes)
        }
        assert kind in kinds and (20 - kind) not in kinds


def test_registers_come_by_system_calls_where_they_are_not_shared() -> None:
    kernel = kernel_where()
    kernel.capabilities = {Capability.READONLY_MEM: 1}
    found = examine(kernel=kernel)
    assert found.refusal == "" and not found.sync_registers and not found.immediate_exit


def test_what_this_machines_own_device_says_is_one_sentence_or_nothing() -> None:
    sentence = self_test()
    assert sentence is None or (sentence.startswith(DEVICE) and "\n" not in sentence)
