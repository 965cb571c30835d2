"""The shipped hostile guests on every backend: which outcome each is, what its line says, when it comes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

import pytest

from tests.guest.installed import hostile_guest, hostile_sources
from vmirom.bundle.compose import compose
from vmirom.hosts.embedded import boot
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.request import BootRequest
from vmirom.rom.image import load_rom

pytestmark = [pytest.mark.boot, pytest.mark.toolchain]

BUDGETS: Final = (0.2, 0.8, 3.2, 12.8)
"""Seconds for one that never ends; on a busy machine a longer one may be needed until it has printed."""
ENOUGH: Final = 60.0
"""Seconds for one that ends by itself."""
AGAIN: Final = "and again, " * 6 + "and again"
"""What a flood prints, over and over."""
LATE: Final = 30.0
"""Seconds beyond the budget after which a run counts as one that does not end: machines are busy at times."""
HOSTS: Final = {
    "native": ("native", ""),
    "kvm-2026": ("kvm", "2026"),
    "kvm-2008": ("kvm", "2008"),
    "xen": ("xen", ""),
    "lguest": ("lguest", ""),
}


@dataclass(frozen=True)
class Expected:
    """``reasons`` by backend (``pc`` for native and KVM), as patterns of the whole line; ``last`` is the last
    call the guest made, or any where it is None."""

    outcome: Outcome
    reasons: dict[str, str]
    last: str | None = ""


def everywhere(pattern: str) -> dict[str, str]:
    return dict.fromkeys(("pc", "xen", "lguest"), pattern)


RAN_OUT: Final = everywhere(r"did not end within [\d.]+ s: .+")
EXPECTED: Final = {
    # takes every blow and ends by itself
    "calls": Expected(Outcome.SUCCESS, everywhere("the guest reports success"), "OUTB"),
    "flood": Expected(Outcome.FAILURE, RAN_OUT, None),
    "spin": Expected(Outcome.FAILURE, RAN_OUT),
    "storm": Expected(Outcome.FAILURE, RAN_OUT, None),
    "nowhere": Expected(
        Outcome.CRASH,
        {
            "pc": r"triple fault at eip 0x12345678, vectors 14, .*cr2 0x12345678",
            "xen": r"domain crash: the kernel stack at 0x00000000 can't take a trap frame",
            "lguest": r"lguest: unhandled trap 14 at 0x12345678 \(0x12345678\)",
        },
    ),
    # Xen and lguest run a kernel outside ring 0, where the mov to CR3 already is what kills it
    "rom": Expected(
        Outcome.CRASH,
        {
            "pc": r"store to ROM at gpa 0xc0000 \(eip 0xc01000[0-9a-f]{2}\)",
            "xen": r"domain crash: Unhandled: vec 1[34] at 0xc01000[0-9a-f]{2} error .*",
            "lguest": r"lguest: unhandled trap 13 at 0xc01000[0-9a-f]{2} \(.*\)",
        },
    ),
    "tables": Expected(
        Outcome.CRASH,
        {
            "pc": r"triple fault at eip 0xc01000[0-9a-f]{2}, vectors 14, .*",
            "xen": r"domain crash: Unhandled: vec 1[34] at 0xc01000[0-9a-f]{2} error .*",
            "lguest": r"lguest: the host's kernel stops at a bug of its own \(no middle entry .*",
        },
    ),
    "triple": Expected(
        Outcome.CRASH,
        {
            "pc": r"triple fault at eip 0xc0100000, vectors 6, .*",
            "xen": r"domain crash: Unhandled: vec 6 at 0xc0100000 error .*",
            "lguest": r"lguest: unhandled trap 6 at 0xc0100000 \(0x0\)",
        },
    ),
}


@cache
def _result(name: str, host: str) -> BootResult:
    backend, era = HOSTS[host]
    bundle = compose(hostile_guest(name), load_rom(backend).data, backend, (3, 1))
    options = {"host_era": era} if era else {}
    for budget in BUDGETS if EXPECTED[name].outcome is Outcome.FAILURE else (ENOUGH,):
        result = boot(BootRequest(backend, bundle, budget=budget, options=options))
        if name != "flood" or AGAIN in result.transcript:
            break
    return result


def test_each_shipped_hostile_guest_is_expected_to_do_something() -> None:
    assert {source.stem for source in hostile_sources()} == set(EXPECTED)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("name", EXPECTED)
def test_its_outcome_and_its_line(name: str, host: str) -> None:
    expected, result = EXPECTED[name], _result(name, host)
    family = HOSTS[host][0] if HOSTS[host][0] in expected.reasons else "pc"
    assert result.outcome is expected.outcome, result.reason
    assert re.fullmatch(expected.reasons[family], result.reason), result.reason
    if expected.last is not None:
        assert result.last_call == expected.last


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("name", [name for name, e in EXPECTED.items() if e.outcome is Outcome.FAILURE])
def test_one_that_never_ends_is_ended_in_time(name: str, host: str) -> None:
    result = _result(name, host)
    assert result.ending == "budget"
    budgets = [budget for budget in BUDGETS if f" {budget} s: " in result.reason]
    assert len(budgets) == 1 and budgets[0] <= result.seconds < budgets[0] + LATE


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("name", [name for name, e in EXPECTED.items() if e.outcome is not Outcome.SUCCESS])
def test_registers_are_told_where_a_guest_was_stopped(name: str, host: str) -> None:
    registers = _result(name, host).registers
    for register in ("eip", "esp", "eax", "cr2"):
        assert re.search(rf"\b{register}[ =]([0-9a-f]{{4}}:)?[0-9a-f]{{8}}\b", registers), registers
    assert "Traceback" not in registers
    assert "a fault of vmirom" not in registers


@pytest.mark.parametrize("host", HOSTS)
def test_what_a_flood_printed_is_kept_and_bounded(host: str) -> None:
    transcript = _result("flood", host).transcript
    assert transcript[0] == AGAIN
    assert len(set(transcript)) <= 3  # whole lines, perhaps half a one, perhaps that it was cut off
