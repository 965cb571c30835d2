"""The shipped guest on the shipped ROMs, everywhere: every check passes and every line is the same."""

from __future__ import annotations

import re
from functools import cache

import pytest

from tests.guest.installed import hello_guest, need
from vmirom.bundle.compose import compose
from vmirom.guest.build import build_guest
from vmirom.guest.shipped import guest_blob, guest_sources
from vmirom.hosts.backends import backend_names
from vmirom.hosts.embedded import boot
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.request import BootRequest
from vmirom.rom.image import load_rom

BACKENDS = backend_names()
pytestmark = pytest.mark.boot


@cache
def _bundle(guest: bytes, backend: str) -> bytes:
    return compose(guest, load_rom(backend).data, backend, (3, 1))


def _boot(guest: bytes, backend: str, line: str = "", budget: float = 30.0, memory: int = 16) -> BootResult:
    return boot(BootRequest(backend, _bundle(guest, backend), memory, line, budget))


@cache
def _whole(backend: str) -> BootResult:
    return _boot(guest_blob("reference").read_bytes(), backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_check_passes(backend: str) -> None:
    result = _whole(backend)
    failed = [line for line in result.transcript if "FAIL" in line]
    assert not failed, "\n".join([*failed, *result.notes])
    assert result.outcome is Outcome.SUCCESS, result.reason
    checks = [line for line in result.transcript if re.match(r"\d\d+ ok [a-z]+: ", line)]
    assert len(checks) >= 60
    assert result.transcript[-1] == f"result: {len(checks)} passed, 0 failed"


@pytest.mark.parametrize("backend", BACKENDS)
def test_checks_are_numbered_without_a_gap(backend: str) -> None:
    numbers = [int(m[1]) for line in _whole(backend).transcript if (m := re.match(r"(\d\d+) ", line))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_all_transcripts_are_the_same() -> None:
    transcripts = {_whole(backend).transcript for backend in BACKENDS}
    assert len(transcripts) == 1


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("line", "outcome", "reason"),
    [
        ("only=clock,halt", Outcome.SUCCESS, "the guest reports success"),
        ("only=clock end=shutdown", Outcome.SUCCESS, "power off"),
        ("end=reboot only=clock", Outcome.SUCCESS, "reboot"),
        ("only=nothing", Outcome.FAILURE, "the guest reports failure"),
    ],
)
def test_the_command_line_chooses_subjects_and_the_end(
    backend: str, line: str, outcome: Outcome, reason: str
) -> None:
    result = _boot(guest_blob("reference").read_bytes(), backend, line)
    assert (result.outcome, result.reason) == (outcome, reason)
    subjects = {m[1] for text in result.transcript if (m := re.match(r"\d+ ok ([a-z]+): ", text))}
    assert subjects == set(re.findall(r"only=(\S+)", line)[0].split(",")) - {"nothing"}


@pytest.mark.parametrize(
    "backend", [*("xen", "lguest"), *(pytest.param(pc, marks=pytest.mark.slow) for pc in ("native", "kvm"))]
)
def test_more_memory_makes_no_difference(backend: str) -> None:
    result = _boot(guest_blob("reference").read_bytes(), backend, memory=64)
    assert result.transcript == _whole(backend).transcript


@pytest.mark.slow
@pytest.mark.toolchain
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_other_toolchain_makes_a_guest_that_passes_as_well(backend: str) -> None:
    guest = _gnu_reference(need("gnu"))
    assert _boot(guest, backend).transcript == _whole(backend).transcript


@cache
def _gnu_reference(toolchain: str) -> bytes:
    return build_guest(guest_sources("reference"), toolchain).data


@pytest.mark.toolchain
@pytest.mark.parametrize("toolchain", ["zig", "gnu"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_hello(backend: str, toolchain: str) -> None:
    result = _boot(hello_guest(toolchain), backend)
    assert result.outcome is Outcome.SUCCESS
    assert result.transcript == ("hello, world",)
    assert result.notes == (f"from {backend}",)
