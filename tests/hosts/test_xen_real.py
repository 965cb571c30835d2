"""The shipped guest and the probe on the real Xen, as on the embedded one; and how its ends are told."""

from __future__ import annotations

import time
from functools import cache

import pytest

from tests.hypervisors.xen_kernels import ARGUMENTS, Bench, Code, elf
from vmirom.bundle.compose import compose
from vmirom.guest.shipped import guest_blob
from vmirom.hosts import embedded, registry
from vmirom.hosts.outcomes import BootResult, Outcome, judge
from vmirom.hosts.request import BootRequest
from vmirom.hosts.xen.launch import verdict
from vmirom.hosts.xen.roads import run_kernel
from vmirom.hypervisors.hypervisor import EndKind
from vmirom.overlays.xen import Hypercall, Schedop
from vmirom.rom.image import load_rom

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("real")]
BUDGET = 60.0


@pytest.fixture(autouse=True, scope="module")
def needs_xen() -> None:
    host = registry.host_module("xen").probe()
    if not host.usable:
        pytest.skip(f"no real Xen here: {host.found}; {host.missing}")


@cache
def _request() -> BootRequest:
    guest = guest_blob("reference").read_bytes()
    bundle = compose(guest, load_rom("xen").data, "xen", (3, 1))
    return BootRequest("xen", bundle, command_line="quiet", budget=BUDGET, host="xen")


@cache
def _real() -> BootResult:
    return registry.boot(_request())


def test_the_reference_guest_prints_what_it_prints_on_the_embedded_one() -> None:
    real = _real()
    if real.outcome is Outcome.SKIP:
        pytest.skip(real.reason)
    assert real.outcome is Outcome.SUCCESS, (real.reason, real.transcript[-5:])
    assert real.transcript == embedded.boot(_request()).transcript


def ended(code: Code) -> tuple[Outcome, str]:
    end = run_kernel(elf(code.image({ARGUMENTS + 64: b"\0"})), "", 16, BUDGET)
    outcome, reason, _, _ = verdict(end, BUDGET)
    return outcome, reason


def test_a_guest_that_xen_kills_is_a_crash() -> None:
    outcome, reason = ended(Code().raw("0f0b"))
    assert (outcome, "domain crash" in reason) == (Outcome.CRASH, True), reason


def test_a_power_off_is_a_success() -> None:
    assert ended(Code().off()) == (Outcome.SUCCESS, "power off")


def shut_down(reason: int) -> Code:
    return Code().store(ARGUMENTS, reason).hypercall(Hypercall.SCHED_OP, Schedop.SHUTDOWN, ARGUMENTS)


@pytest.mark.parametrize(
    "code",
    [
        Code().hypercall(60).off(),
        Code().raw("0f05"),
        Code().raw("bc00100000 50"),
        Code().raw("6a02 6808e00000 68000010c0 6a00 b817000000 cd82"),
        shut_down(2),
        shut_down(3),
        shut_down(5),
        shut_down(99),
    ],
    ids=[
        "unknown hypercall",
        "syscall",
        "no stack",
        "return to ring 0",
        "suspend",
        "crash",
        "soft reset",
        "99",
    ],
)
def test_ends_are_those_of_the_embedded_one(code: Code) -> None:
    bench = Bench(code.image({ARGUMENTS + 64: b"\0"}))
    ending = bench.hypervisor.run(time.monotonic_ns() + 20 * 10**9)
    bench.close()
    outcome, reason = ended(code)
    assert outcome is judge(ending, BUDGET)[0], reason
    assert ending.kind is not EndKind.REBOOT or reason == "reboot"
