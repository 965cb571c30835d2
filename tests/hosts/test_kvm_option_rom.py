"""A ROM as an option ROM on a real KVM, with several processors; and what is made of each end there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hosts.kvm_rig import install, qemu
from vmirom.hosts import kvm
from vmirom.hosts.kvm.option_rom import boot_on_kvm
from vmirom.hosts.optionrom import OptionRomBoot, shipped_probe
from vmirom.hosts.outcomes import Outcome
from vmirom.rom.image import load_rom

BOOT = OptionRomBoot(b"a rom", b"a kernel", "kvm", "mode=2 cpus=2", processors=2, budget=0.3)
ENDS = [
    ("33", Outcome.SUCCESS, "the guest reports success"),
    ("35", Outcome.FAILURE, "the guest reports failure"),
    ("0", Outcome.CRASH, "reset or power-off without a word from the guest (a triple fault resets)"),
    ("1", Outcome.ERROR, "QEMU ended with 1: qemu: no such machine"),
]


def answering(rc: str) -> str:
    """An appliance in which QEMU ends with ``rc``."""
    return f"""
command = open(os.path.join(control, "command")).read()
open(os.path.join(control, "console"), "w").write("1 ok here\\n~ " + command.splitlines()[-1] + "\\n")
console.write("qemu: no such machine\\n[    2.0] reboot: Restarting system\\n")
open(os.path.join(control, "rc"), "w").write("{rc}")
"""


@pytest.mark.parametrize(("rc", "outcome", "reason"), ENDS)
def test_the_status_of_the_qemu_inside_is_the_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rc: str, outcome: Outcome, reason: str
) -> None:
    qemu(tmp_path, monkeypatch, answering(rc))
    install(monkeypatch)
    result = boot_on_kvm(BOOT)
    assert (result.outcome, result.reason, result.label) == (outcome, reason, "kvm@kvm")
    assert result.transcript == ("1 ok here",) and "used KVM of Linux 6.1.0" in result.road
    (command,) = result.notes
    assert (
        "-accel kvm" in command and "-smp 2" in command and "-option-rom /vmirom-control/vmi.rom" in command
    )


def test_an_appliance_that_breaks_off_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    qemu(tmp_path, monkeypatch, "console.write('no memory\\n')")
    install(monkeypatch)
    result = boot_on_kvm(BOOT)
    assert (result.outcome, result.reason) == (Outcome.ERROR, "the appliance broke off: no memory")


def test_without_a_road_it_is_a_skip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    qemu(tmp_path, monkeypatch, "")
    install(monkeypatch)
    monkeypatch.setenv("VMIROM_QEMU", "/no/such")
    result = boot_on_kvm(BOOT)
    assert result.outcome is Outcome.SKIP and "VMIROM_QEMU names no program" in result.reason


@pytest.mark.slow
@pytest.mark.xdist_group("real")
@pytest.mark.parametrize(
    ("backend", "paging", "processors", "machine"), [("kvm", "pae", 2, "pc"), ("native", "2", 4, "q35")]
)
def test_processors_come_up_on_a_real_kvm(backend: str, paging: str, processors: int, machine: str) -> None:
    """PAE is where KVM looks at what an emulated processor left in the top table."""
    found = kvm.probe()
    if not found.usable:
        pytest.skip(f"no real KVM: {found.found}; {found.missing}")
    rom, line = load_rom(backend).data, f"mode={paging} cpus={processors}"
    boot = OptionRomBoot(rom, shipped_probe(), backend, line, 64, 240.0, machine, processors)
    for _ in range(3):  # a busy machine emulates processors by fits and starts, as timers' checks may see
        result = boot_on_kvm(boot)
        if result.outcome is Outcome.SUCCESS:
            break
    assert result.outcome is Outcome.SUCCESS, (result.reason, result.transcript[-5:])
    assert result.transcript[-1] == "result: 90 passed, 0 failed"
