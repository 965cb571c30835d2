"""ROMs as option ROMs on real QEMU, with several processors and with memory that no linear map holds.

The probe guest brings the processors up as a stock kernel does, and each looks for itself.
"""

from __future__ import annotations

import pytest

from vmirom.hosts import qemu
from vmirom.hosts.optionrom import OptionRomBoot, boot_option_rom
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.rom.image import load_rom

pytestmark = [pytest.mark.boot, pytest.mark.slow]
BUDGET = 110.0


@pytest.fixture(autouse=True, scope="module")
def needs_qemu() -> None:
    found = qemu.probe()
    if not found.usable:
        pytest.skip(f"{found.found}; {found.missing}")


def boot(probe: bytes, backend: str, paging: str, processors: int, **how: object) -> BootResult:
    rom = load_rom(backend, "3.0").data
    line = f"mode={paging} cpus={processors}"
    return boot_option_rom(
        OptionRomBoot(rom, probe, backend, line, processors=processors, budget=BUDGET, **how)  # type: ignore[arg-type]
    )


@pytest.fixture(scope="module")
def four(probe: bytes) -> BootResult:
    """The probe on four processors."""
    result = boot(probe, "native", "pae", 4)
    assert result.outcome is Outcome.SUCCESS, (result.reason, result.transcript)
    return result


@pytest.fixture(scope="module")
def lines(four: BootResult) -> tuple[str, ...]:
    """What it says of its checks, without their numbers."""
    return tuple(line.partition(" ")[2] for line in four.transcript)


@pytest.mark.parametrize(
    ("backend", "paging", "processors", "machine"),
    [("native", "2", 2, "pc"), ("kvm", "pae", 2, "q35"), ("kvm", "2", 4, "pc")],
)
def test_processors_come_up_and_work_together(
    probe: bytes, backend: str, paging: str, processors: int, machine: str
) -> None:
    result = boot(probe, backend, paging, processors, machine=machine)
    assert result.outcome is Outcome.SUCCESS, (result.reason, result.transcript)
    assert result.transcript[-1] == "result: 90 passed, 0 failed"


@pytest.mark.parametrize(("backend", "paging"), [("native", "2"), ("native", "pae"), ("kvm", "pae")])
def test_page_tables_lie_in_high_memory(probe: bytes, backend: str, paging: str) -> None:
    """As kernels with HIGHPTE have them, told of through slots 1 and 2 of SetLinearMapping."""
    result = boot(probe, backend, paging, 1, memory_mib=1200)
    assert result.outcome is Outcome.SUCCESS, (result.reason, result.transcript)
    assert result.transcript[-1] == "result: 70 passed, 0 failed"


def test_a_processor_without_a_possible_state_does_not_start(lines: tuple[str, ...]) -> None:
    assert "ok a processor that was given no state does not start" in lines
    assert "ok nor one whose state has no paging" in lines
    assert "ok nor one whose code segment is data" in lines
    assert "ok every processor starts, at the place its APState names" in lines


def test_each_starts_with_the_registers_it_was_given(lines: tuple[str, ...]) -> None:
    for what in ("general registers and flags", "control registers", "segments and tables"):
        assert f"ok {what} are those of the APState" in lines
    assert "ok GetIDT tells the table of the APState" in lines


def test_what_the_state_does_not_hold_is_as_after_power_on(lines: tuple[str, ...]) -> None:
    assert "ok what APState does not hold is as after power-on" in lines


def test_the_real_counter_is_one(lines: tuple[str, ...]) -> None:
    assert "ok the real counter is one and the same on both processors" in lines


def test_alarms_stay_with_the_processor_that_set_them(lines: tuple[str, ...]) -> None:
    assert "ok none of them came to the first processor" in lines
    assert "ok and that came to no other" in lines


def test_interrupts_come_by_every_way_that_a_stock_kernel_has(lines: tuple[str, ...]) -> None:
    assert "ok an alarm wired to interrupt 0 comes by the 8259 and the virtual wire" in lines
    assert "ok an alarm wired to interrupt 0 comes through the IO-APIC" in lines
    assert "ok with LVTT at the same vector an alarm comes by the APIC's timer" in lines


def test_the_rom_is_what_it_was(four: BootResult, lines: tuple[str, ...]) -> None:
    """Its memory is locked, and it has not tried to write there."""
    assert "the ROM is read-only" in four.notes
    assert "ok no byte of the ROM has changed" in lines
