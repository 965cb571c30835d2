"""What this project promises of its guest, on every hypervisor that vmirom knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmirom.testing.plugin import BootFixture, GuestFixture

SOURCES = "../guest/steps.c"


@pytest.fixture
def steps(vmirom_guest: GuestFixture) -> Path:
    return vmirom_guest(SOURCES)


def test_the_shortest(vmirom_boot: BootFixture, steps: Path) -> None:
    assert vmirom_boot(steps, on="xen").ok


@pytest.mark.vmirom_clause("VMI-DT-13")
@pytest.mark.vmirom_backend
def test_breakpoints_reach_the_guests_own_handler(vmirom_boot: BootFixture, steps: Path) -> None:
    boot = vmirom_boot(steps)
    assert boot.ok
    assert boot.transcript[0] == "breakpoints: 3"
    assert boot.calls["SetIDT"] == 1


def test_every_backend_prints_the_same(vmirom_boot: BootFixture, steps: Path) -> None:
    boots = vmirom_boot.all(steps, append="loud")
    assert boots.ok
    assert {boot.transcript for boot in boots} == {("breakpoints: 3", "command line: loud")}


@pytest.mark.vmirom_backend("native", "kvm")
def test_memory_is_what_was_asked_for(vmirom_boot: BootFixture, steps: Path) -> None:
    boot = vmirom_boot(steps, memory=32)
    assert boot.ok
    (pages,) = boot.notes
    assert 8192 - 256 <= int(pages.removeprefix("pages: ")) <= 8192
