"""Real QEMU: bundles through -kernel, and ROMs as option ROMs under a guest that is like a stock kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmirom.bundle.compose import compose
from vmirom.hosts import qemu, registry
from vmirom.hosts.embedded import boot as boot_embedded
from vmirom.hosts.optionrom import OptionRomBoot, boot_option_rom
from vmirom.hosts.outcomes import Outcome
from vmirom.hosts.request import BootRequest
from vmirom.rom.image import load_rom
from vmirom.schema.tree import source_tree

pytestmark = [pytest.mark.boot, pytest.mark.slow]
ROMSRC = source_tree("romsrc")


@pytest.fixture(autouse=True, scope="module")
def needs_qemu() -> None:
    found = qemu.probe()
    if not found.usable:
        pytest.skip(f"{found.found}; {found.missing}")


def bundle(backend: str) -> bytes:
    guest = (ROMSRC / "blobs" / "reference.elf").read_bytes()
    return compose(guest, load_rom(backend, "3.1").data, backend, (3, 1))


@pytest.mark.parametrize("machine", ["pc", "q35"])
@pytest.mark.parametrize("protocol", ["multiboot", "pvh"])
@pytest.mark.parametrize("backend", qemu.BACKENDS)
def test_reference_guest_says_what_it_says_on_the_embedded_pc(
    backend: str, protocol: str, machine: str
) -> None:
    options = {"protocol": protocol, "machine": machine}
    request = BootRequest(backend, bundle(backend), command_line="quiet", options=options, host="qemu")
    result = registry.boot(request)
    assert result.outcome is Outcome.SUCCESS, (result.reason, result.transcript[-5:])
    embedded = boot_embedded(BootRequest(backend, bundle(backend), command_line="quiet"))
    assert result.transcript == embedded.transcript


@pytest.mark.parametrize("changes", [{"smp": "4"}, {"smp": "2", "machine": "q35"}, {"cpu": "qemu32"}])
def test_reference_guest_passes_on_other_machines(changes: dict[str, str]) -> None:
    result = registry.boot(BootRequest("kvm", bundle("kvm"), options=changes, host="qemu"))
    assert result.outcome is Outcome.SUCCESS, (result.reason, result.transcript[-5:])


@pytest.mark.parametrize("cpu", ["486", "pentium"])
def test_a_processor_that_is_too_old_is_told_so(cpu: str) -> None:
    result = registry.boot(BootRequest("native", bundle("native"), options={"cpu": cpu}, host="qemu"))
    assert (result.outcome, result.transcript) == (
        Outcome.ERROR,
        ("vmirom: the processor is older than an i686",),
    )


def test_self_test_passes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VMIROM_CACHE", str(tmp_path))
    assert qemu.self_test() == ""
    assert qemu.probe().self_test == "passed"


@pytest.mark.parametrize("paging", ["2", "pae"])
@pytest.mark.parametrize("abi", ["3.0", "3.1"])
@pytest.mark.parametrize("backend", qemu.BACKENDS)
def test_option_rom_serves_a_guest_that_scans(probe: bytes, backend: str, abi: str, paging: str) -> None:
    rom = load_rom(backend, abi).data
    result = boot_option_rom(OptionRomBoot(rom, probe, backend, f"mode={paging}"))
    assert result.outcome is Outcome.SUCCESS, (result.reason, result.transcript)
    assert result.transcript[-1] == "result: 68 passed, 0 failed"
    assert result.transcript[0] == (
        "probe of an option ROM, PAE" if paging == "pae" else "probe of an option ROM, two-level paging"
    )


def test_option_rom_behind_a_video_bios_on_another_chip_set(probe: bytes) -> None:
    rom = load_rom("kvm", "3.1").data
    boot = OptionRomBoot(rom, probe, "kvm", "mode=pae", machine="q35", processors=2, video=True)
    result = boot_option_rom(boot)
    assert result.outcome is Outcome.SUCCESS, (result.reason, result.transcript)
    at = next(note for note in result.notes if note.startswith("ROM at "))
    assert at > "ROM at 000c0000", "it moved away for the video BIOS"


def test_rom_with_a_wrong_checksum_is_not_copied_in(probe: bytes) -> None:
    rom = bytearray(load_rom("native", "3.1").data)
    rom[-1] ^= 1
    result = boot_option_rom(OptionRomBoot(bytes(rom), probe, "native"))
    assert result.outcome is not Outcome.SUCCESS
    assert "1 FAIL a ROM is found and accepted as Linux does" in result.transcript


@pytest.mark.parametrize(
    ("way", "restarts", "outcome", "reason"),
    [
        ("shutdown", False, Outcome.SUCCESS, "power off"),
        ("reset", False, Outcome.FAILURE, "the kernel restarted the machine"),
        ("reset", True, Outcome.SUCCESS, "reboot"),
    ],
)
def test_a_kernel_that_restarts_has_failed_unless_it_was_to(
    way: str, restarts: bool, outcome: Outcome, reason: str
) -> None:
    """A bundle is a kernel, too; it brings its own ROM, and leaves the one beside it alone."""
    rom, guest = load_rom("native", "3.1").data, (ROMSRC / "blobs" / "conform-ends.elf").read_bytes()
    kernel = compose(guest, rom, "native", (3, 1))
    result = boot_option_rom(OptionRomBoot(rom, kernel, "native", f"way={way}", restarts=restarts))
    assert (result.outcome, result.reason) == (outcome, reason)
