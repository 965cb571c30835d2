"""What the host says of itself, its setup, its self-test, and a boot from request to result.

Under a QEMU with the defect that ``emulator`` tells of, checks of the reference guest that rest on it fail
for QEMU's fault: where nothing else fails, the boot is a skip that says so.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vmirom.bundle.inspect import read_bundle
from vmirom.bundle.refused import Refused
from vmirom.hosts.cache import SetupFailed, install, installed, note, noted
from vmirom.hosts.doctor import Host
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.qemu_run import QemuEnd, QemuMissing, system_says
from vmirom.hosts.remains import scene_of_text
from vmirom.hosts.transcript import Transcript
from vmirom.hosts.xen.console import guest_bytes, registers_of
from vmirom.hosts.xen.emulator import dotted, emulator, provide, sound
from vmirom.hosts.xen.launch import launch, verdict
from vmirom.hosts.xen.make import IMAGE, KEY, make
from vmirom.hosts.xen.source import download, holds_source, missing_tools

if TYPE_CHECKING:
    from vmirom.hosts.request import BootRequest, Progress

__all__ = ["boot", "probe", "run_kernel", "self_test", "setup"]

_NAME: Final = "xen"
_BACKENDS: Final = ("xen",)
_COMMAND: Final = "vmirom hosts setup xen"
_NEEDS: Final = "qemu-system-x86_64, and Xen 4.17 with 32-bit guests, built once from Debian's source"
_PROBE: Final = "probe-xen.elf"
_NOTE: Final = "xen.self-test"
_TEST_BUDGET: Final = 120.0
_AFFECTED: Final = ("an interrupt vector whose gate is the kernel's",)
"""What the reference guest calls the checks that the defect touches."""


def _image() -> Path | None:
    folder = installed(_NAME, KEY)
    return folder / IMAGE if folder is not None and (folder / IMAGE).is_file() else None


def probe() -> Host:
    """Whether both halves are here."""
    try:
        qemu = emulator()
    except QemuMissing as missing:
        return Host(_NAME, False, _BACKENDS, missing.found, missing.and_then(_COMMAND), _NEEDS)
    number = dotted(qemu)
    image = _image()
    if image is None:
        todo = " && ".join(filter(None, (missing_tools(), _COMMAND)))
        return Host(_NAME, False, _BACKENDS, f"{qemu} {number}, no Xen with 32-bit guests", todo, _NEEDS)
    return Host(_NAME, True, _BACKENDS, f"{qemu} {number}, {image}", "", _NEEDS, noted(_NOTE))


def run_kernel(
    kernel: bytes, line: str, memory_mib: int, budget: float, image: Path | None = None
) -> QemuEnd:
    """Run any kernel for Xen on it. Raises QemuMissing, SetupFailed (not set up), OSError, ValueError."""
    qemu = emulator()
    xen = image or _image()
    if xen is None:
        raise SetupFailed(f"Xen is not built: {_COMMAND}")
    return launch(qemu, xen, kernel, line, memory_mib, budget)


def boot(request: BootRequest, progress: Progress | None = None) -> BootResult:
    """Boot one bundle."""
    try:
        read_bundle(request.bundle)
        if progress is not None:
            progress("run", None)
        end = run_kernel(request.bundle, request.command_line, request.memory_mib, request.budget)
    except QemuMissing as missing:
        return BootResult(request.backend, Outcome.SKIP, str(missing), host=_NAME)
    except OSError as error:
        return BootResult(request.backend, Outcome.ERROR, system_says(error), host=_NAME)
    except (Refused, SetupFailed, ValueError) as error:
        return BootResult(request.backend, Outcome.ERROR, str(error), host=_NAME)
    outcome, reason, ending, status = verdict(end, request.budget)
    console = Transcript()
    console.write(guest_bytes(end.console))
    transcript, notes = console.lines()
    registers = registers_of(end.console) or end.registers
    if outcome is Outcome.FAILURE and _only_qemu_fails(transcript):
        outcome = Outcome.SKIP
        reason = f"{_defect()}: {', '.join(line for line in transcript if _failed(line))}"
    return BootResult(
        backend=request.backend,
        outcome=outcome,
        reason=reason,
        transcript=transcript,
        notes=notes,
        seconds=end.seconds,
        ending=ending,
        status=status,
        registers=registers,
        host=_NAME,
        road="Xen under QEMU's TCG",
        scenes=scene_of_text(registers, request.bundle),
    )


def _failed(line: str) -> bool:
    return line.split(" ")[1:2] == ["FAIL"]


def _only_qemu_fails(transcript: tuple[str, ...]) -> bool:
    """Whether this QEMU has the defect, and every check that failed is one that it touches."""
    failed = [line for line in transcript if _failed(line)]
    if not failed or sound(emulator()):
        return False
    return all(any(a in line for a in _AFFECTED) for line in failed)


def _defect() -> str:
    return (
        f"QEMU {dotted(emulator())} gives int n a wrong error code, 10.0 and newer do not"
        f" ({_COMMAND} tries to bring one, VMIROM_QEMU names one)"
    )


def setup(say: Callable[[str], None]) -> None:
    """Source, build, self-test; what is done already is not done again. Raises SetupFailed."""
    try:
        provide(say)
    except QemuMissing as missing:
        raise SetupFailed(f"{missing.found}; {missing.missing}, then this again") from None
    if (image := _image()) is not None:
        say(f"xen: {image} is there")
        return
    say("source: Xen 4.17 from Debian (5 MB)")
    source = install("xen-source", KEY, download, lambda folder: None, holds_source, say)
    say("build: with 32-bit guests; one to four minutes")

    def test(folder: Path) -> None:
        say("self-test")
        if why := _test(folder / IMAGE):
            raise SetupFailed(f"the Xen that was built does not work: {why}")

    place = install(
        _NAME, KEY, lambda folder: make(source, folder), test, lambda folder: _image() is not None, say
    )
    note(_NOTE, "passed")
    say(f"xen: {place / IMAGE}")


def self_test() -> str:
    """Boot the probe; empty, or why it failed, which :func:`probe` shows from then on."""
    why = _test(None)
    note(_NOTE, f"failed: {why}" if why else "passed")
    return why


def _test(image: Path | None) -> str:
    """The probe of Xen must ask all its questions and end well."""
    from vmirom.rom.lock import blobs_folder

    try:
        kernel = (blobs_folder() / _PROBE).read_bytes()
        end = run_kernel(kernel, "", 64, _TEST_BUDGET, image)
    except (QemuMissing, SetupFailed, OSError, ValueError) as error:
        return str(error)
    outcome, reason, _, _ = verdict(end, _TEST_BUDGET)
    return "" if outcome is Outcome.SUCCESS else reason
