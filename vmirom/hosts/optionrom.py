"""A ROM as a true option ROM on QEMU: the BIOS copies it in, calls its 16-bit entry and locks it, and a
kernel that boots natively finds it by scanning.

The kernel is any that QEMU takes with ``-kernel``: a stock bzImage with VMI support, or the shipped probe
guest (``romsrc/guest/probe-option``).
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from vmirom.hosts import qemu
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.qemu_run import QemuMissing, find_qemu, run_qemu, system_says
from vmirom.hosts.qemu_scene import Bystander
from vmirom.hosts.request import BootRequest
from vmirom.hypervisors.hypervisor import EndKind

__all__ = ["OptionRomBoot", "boot_option_rom", "shipped_probe"]


_ROM: Final = "vmi.rom"
_KERNEL: Final = "kernel"
_INITRD: Final = "initrd"


@dataclass(frozen=True, slots=True)
class OptionRomBoot:
    """One boot: ``rom`` beside whatever else the machine brings, ``kernel`` natively, with ``initrd`` where
    that is not empty. ``video`` puts a display adapter in, whose own ROM takes the first place. ``terminal``:
    the console is this process's terminal, too. ``restarts``: a kernel that restarts the machine ends well;
    otherwise that is a failure, because a kernel that panics may do so."""

    rom: bytes
    kernel: bytes
    backend: str
    command_line: str = ""
    memory_mib: int = 64
    budget: float = 30.0
    machine: str = "pc"
    processors: int = 1
    video: bool = False
    initrd: bytes = b""
    terminal: bool = False
    restarts: bool = False

    def arguments(self, folder: Path, seen: Path | None = None, accel: str = "tcg") -> list[str]:
        """QEMU's, with all files in ``folder``, which QEMU sees as ``seen``. Raises OSError."""
        (folder / _ROM).write_bytes(self.rom)
        (folder / _KERNEL).write_bytes(self.kernel)
        rom, kernel = (seen or folder) / _ROM, (seen or folder) / _KERNEL
        arguments = qemu.machine_arguments(self.memory_mib, self.machine, self.processors, accel=accel)
        if self.video:
            arguments += ["-device", "VGA"]
        arguments += ["-option-rom", str(rom).replace(",", ",,"), "-kernel", str(kernel)]
        if self.initrd:
            (folder / _INITRD).write_bytes(self.initrd)
            arguments += ["-initrd", str((seen or folder) / _INITRD)]
        return arguments + (["-append", self.command_line] if self.command_line else [])


def shipped_probe() -> bytes:
    """The probe guest: a kernel that finds and uses a ROM as Linux 2.6.35 does. Its command line: ``mode=2``
    or ``mode=pae``, ``cpus=N``. Raises AbiError, OSError."""
    from vmirom.rom.lock import blobs_folder

    return (blobs_folder() / "probe-option.elf").read_bytes()


def boot_option_rom(boot: OptionRomBoot) -> BootResult:
    """Boot; a skip where there is no QEMU, an outcome in every other case."""
    request = BootRequest(boot.backend, b"", boot.memory_mib, boot.command_line, boot.budget, host=qemu.NAME)
    try:
        program = find_qemu(*qemu.PROGRAMS)
        with tempfile.TemporaryDirectory(prefix="vmirom-") as folder:
            seen = Bystander(b"")
            arguments = boot.arguments(Path(folder))
            end = run_qemu(program, arguments, budget=boot.budget, look=seen.look, terminal=boot.terminal)
    except QemuMissing as gone:
        return BootResult(boot.backend, Outcome.SKIP, str(gone), host=qemu.NAME)
    except OSError as error:
        return BootResult(boot.backend, Outcome.ERROR, system_says(error), host=qemu.NAME)
    result = qemu.result_of(request, end, seen)
    if result.ending == EndKind.REBOOT.value and not boot.restarts:
        return replace(result, outcome=Outcome.FAILURE, reason="the kernel restarted the machine")
    return result
