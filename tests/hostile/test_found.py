"""What hostile guests were once able to do: each fault found, as the guest that showed it."""

from __future__ import annotations

import pytest

from tests.hostile.snippets import HOSTS, bundle_of, hypercall
from vmirom.hosts.embedded import boot
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.request import BootRequest
from vmirom.overlays.native import Cmos

pytestmark = [pytest.mark.boot, pytest.mark.toolchain]
PCS = ["native", "kvm-2026", "kvm-2008"]


def run(host: str, place: bytes, words: bytes = b"", budget: float = 1.0) -> BootResult:
    backend, era = HOSTS[host]
    options = {"host_era": era} if era else {}
    return boot(BootRequest(backend, bundle_of(backend, [place], words), budget=budget, options=options))


@pytest.mark.parametrize(
    "host", ["native", *(pytest.param(host, marks=pytest.mark.slow) for host in PCS[1:])]
)
def test_a_clock_set_to_the_end_of_time_goes_on_at_its_beginning(host: str) -> None:
    """The last second of 9999, and then the next one: a calendar of two-digit centuries ends there."""
    last = ((Cmos.CENTURY, 0x99), (Cmos.YEAR, 0x99), (Cmos.MONTH, 0x12), (Cmos.DAY, 0x31))
    last += ((Cmos.HOURS, 0x23), (Cmos.MINUTES, 0x59), (Cmos.SECONDS, 0x59))
    settings = bytes(b for pair in ((Cmos.STATUS_B, 0x82), *last, (Cmos.STATUS_B, 0x02)) for b in pair)
    place = (
        b"\xb9\x09\0\0\0"  # mov $9, %ecx
        b"\xac\xe6\x70\xac\xe6\x71\xe2\xf8"  # 1: lodsb; outb $0x70; lodsb; outb $0x71; loop 1b
        b"\x30\xc0\xe6\x70\xe4\x71\xeb\xf8"  # 2: seconds: xorb %al, %al; outb $0x70; inb $0x71; jmp 2b
    )
    result = run(host, place, settings, budget=1.5)
    assert (result.outcome, result.ending) == (Outcome.FAILURE, "budget"), result.reason


def test_names_and_reasons_that_a_guest_makes_up_are_bounded() -> None:
    """Six thousand unknown numbers of hypercalls: what is kept of them does not grow."""
    call = b"\x47\x89\xf8" + hypercall("xen")  # 1: inc %edi; mov %edi, %eax; the hypercall
    again = bytes((-(len(call) + 8) & 0xFF,))
    place = b"\xbf\x00\x01\x00\x00" + call + b"\x81\xff\x70\x18\x00\x00\x75" + again
    result = run("xen", place + b"\x0f\x0b", budget=60)  # until %edi is 1870h; ud2
    assert result.ending == "shutdown", result.reason
    assert result.hypercall_total >= 6000
    assert result.hypercalls is not None and len(result.hypercalls) < 2000
    assert result.refused is not None and len(result.refused) < 2000


@pytest.mark.parametrize("host", PCS)
def test_a_processor_that_can_never_wake_is_no_success(host: str) -> None:
    result = run(host, b"\xfa\xf4\xeb\xfd")  # cli; 1: hlt; jmp 1b
    assert result.outcome is Outcome.FAILURE
    assert "halted for ever" in result.reason


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("code", ["f00fbaf90f", "90f00fabc8"])
def test_a_locked_bit_test_of_a_register_is_an_undefined_instruction(host: str, code: str) -> None:
    """unicorn 2.1.4 would abort the process, this one, where it translates it."""
    result = run(host, bytes.fromhex(code), budget=30.0)
    assert result.outcome is Outcome.SUCCESS, result.reason
