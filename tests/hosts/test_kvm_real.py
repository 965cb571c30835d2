"""The shipped guest, and small kernels, on a KVM that nobody here wrote: this machine's or an appliance's."""

from __future__ import annotations

import time
from functools import cache

import pytest

from tests.hypervisors.pc_kernels import Code
from vmirom.bundle.compose import compose
from vmirom.guest.shipped import guest_blob
from vmirom.hosts import embedded, kvm
from vmirom.hosts.outcomes import BootResult, Outcome, judge
from vmirom.hosts.request import BootRequest
from vmirom.hypervisors.hypervisor import NoTrace
from vmirom.hypervisors.native import make
from vmirom.machine.unicorn import UnicornEngine
from vmirom.rom.image import load_rom

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("real")]
ALONE = ("native", "kvm")
HALTS = Code().raw("faf4").finish()
SPINS = Code().raw("ebfe").finish()
RESETS = Code().tables().out(0x64, 0xFE).raw("ebfe").finish()
STORES = Code().mov(0, 7).store(0xC0010).raw("f4").finish()
FAULTS = Code().raw("0f0b").finish()
PRINTS = Code().text("all is well\n").exit(0x10).finish()
MISSING = Code().load(0, 0xD0000).raw("83f8ff0f94c0").raw("043066bafd03ba01050000ee").finish()
KERNELS = {
    "halts": HALTS,
    "spins": SPINS,
    "resets": RESETS,
    "stores": STORES,
    "faults": FAULTS,
    "prints": PRINTS,
    "missing": MISSING,
}
SAME = ("halts", "spins", "resets", "prints", "missing")


@cache
def _requests() -> tuple[BootRequest, ...]:
    guest = guest_blob("reference").read_bytes()
    bundles = [(b, compose(guest, load_rom(b).data, b, (3, 1))) for b in ALONE]
    references = [BootRequest(b, bundle, budget=60, host="kvm") for b, bundle in bundles]
    kernels = [BootRequest("native", kernel, budget=2, host="kvm") for kernel in KERNELS.values()]
    return (*references, *kernels)


@cache
def _results() -> dict[str, BootResult]:
    """Everything, with one start of the appliance."""
    found = kvm.probe()
    if not found.usable:
        pytest.skip(f"no real KVM: {found.found}; {found.missing}")
    results = dict(zip((*ALONE, *KERNELS), kvm.boot_together(_requests()), strict=True))
    for _ in range(
        2
    ):  # a busy machine emulates the processor by fits and starts, which a timer's check may see
        late = [request for request in _requests() if _late(request, results)]
        if not late:
            break
        results |= {r.backend: r for r in kvm.boot_together(late)}
    return results


def _late(request: BootRequest, results: dict[str, BootResult]) -> bool:
    result = results[request.backend]
    return request.budget == 60 and result.outcome is Outcome.FAILURE


@pytest.mark.boot
@pytest.mark.parametrize("backend", ALONE)
def test_the_reference_guest_prints_what_it_prints_on_the_embedded_ones(backend: str) -> None:
    result = _results()[backend]
    assert result.outcome is Outcome.SUCCESS, (result.reason, result.transcript[-5:], result.registers)
    request = next(r for r in _requests() if r.backend == backend)
    assert result.transcript == embedded.boot(request).transcript
    assert result.road


@pytest.mark.parametrize("name", SAME)
def test_kernels_end_as_they_end_on_the_embedded_machine(name: str) -> None:
    result = _results()[name]
    machine = make(UnicornEngine, 16, lambda text: None, NoTrace())
    machine.load(KERNELS[name])
    ending = machine.run(time.monotonic_ns() + 2 * 10**9)
    machine.close()
    assert (result.outcome, result.reason) == judge(ending, 2)
    assert (result.ending, result.status) == (ending.kind.value, ending.status)


def test_what_a_kernel_prints_arrives() -> None:
    assert _results()["prints"].transcript == ("all is well",)


def test_a_store_to_the_rom_is_a_crash_with_registers() -> None:
    result = _results()["stores"]
    assert result.outcome is Outcome.CRASH
    assert result.reason.startswith("store to ROM at gpa 0xc0010 (eip 0x1000")
    assert "eax 00000007" in result.registers


def test_a_triple_fault_is_a_crash() -> None:
    result = _results()["faults"]
    assert result.outcome is Outcome.CRASH
    assert result.reason.startswith("triple fault")


def test_a_kernel_that_never_ends_leaves_its_registers() -> None:
    assert "eip 0010000c" in _results()["spins"].registers
