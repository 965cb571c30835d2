"""Runs a command in the appliance: this machine's files are there at the same paths, read-only in effect.

It knows nothing of bundles. What is said of the command's end: its own status if it came to one; 124 if the
time was up first; 125 if the appliance itself broke down, which says nothing about the command.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vmirom.hosts.kvm.appliance import Appliance
from vmirom.hosts.kvm.clockrate import tsc_khz
from vmirom.hosts.qemu_run import QemuEnd, run_qemu

__all__ = ["BROKEN", "CONTROL", "INSIDE", "PROGRAM", "TIMED_OUT", "Launched", "arguments", "launch"]

PROGRAM: Final = "qemu-system-x86_64"
CONTROL: Final = "/vmirom-control"
"""Where the control folder is seen inside, readable and writable."""
INSIDE: Final = "VMIROM_INSIDE"
"""Environment variable that is set inside."""
TIMED_OUT: Final = 124
BROKEN: Final = 125
_BUSY_TASK: Final = "invalid tss type"
_CARRIED: Final = ("PATH", "HOME", "LANG", "LC_ALL", "VIRTUAL_ENV")
_MEMORY_MIB: Final = 512


@dataclass(frozen=True, slots=True)
class Launched:
    """``status`` is the command's own, TIMED_OUT or BROKEN; ``why`` says of the last two what happened, in
    one line; ``output`` is what command and appliance printed."""

    status: int
    why: str
    output: bytes
    seconds: float

    @property
    def said(self) -> str:
        """The last line that is not the kernel's own (those begin with a time in brackets); may be empty."""
        lines = self.output.decode("utf-8", "replace").split("\n")
        return next((s.strip() for s in reversed(lines) if s.strip() and not s.startswith("[")), "")


def launch(
    qemu: Path,
    appliance: Appliance,
    command: Sequence[str],
    control: Path,
    limit: float,
    memory_mib: int = 0,
    environment: Mapping[str, str] | None = None,
) -> Launched:
    """Run ``command`` inside for at most ``limit`` seconds; ``control`` is the folder for what goes in and
    out, ``memory_mib`` what the command needs beyond the usual. Raises OSError."""
    (control / "command").write_text(_script(command, environment or {}))
    end = run_qemu(qemu, arguments(appliance, control, memory_mib), budget=limit)
    status, why = _judged(end, control, limit)
    return Launched(status, why, end.console, end.seconds)


def arguments(appliance: Appliance, control: Path, memory_mib: int = 0) -> list[str]:
    """QEMU's arguments, but for console and display."""
    parameters = ["console=ttyS0", "panic=-1", "quiet", "loglevel=1", "no_timer_check"]
    if khz := tsc_khz():
        parameters += [f"tsc_early_khz={khz}", "tsc=reliable"]
    return [
        *("-M", "microvm", "-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", str(_MEMORY_MIB + memory_mib)),
        *("-nodefaults", "-no-user-config"),
        *("-kernel", str(appliance.vmlinux), "-initrd", str(appliance.initrd)),
        *("-append", " ".join(parameters)),
        *("-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap"),
        *("-device", "virtio-9p-device,fsdev=root,mount_tag=root"),
        *("-fsdev", f"local,id=control,path={str(control).replace(',', ',,')},security_model=none"),
        *("-device", "virtio-9p-device,fsdev=control,mount_tag=control"),
    ]


def _script(command: Sequence[str], environment: Mapping[str, str]) -> str:
    carried = {name: os.environ[name] for name in os.environ if name in _CARRIED or name.startswith("PYTHON")}
    known = {**carried, **environment, INSIDE: "1"}
    lines = [f"cd {shlex.quote(str(Path.cwd()))}"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in sorted(known.items())]
    return "\n".join((*lines, shlex.join(command), ""))


def _judged(end: QemuEnd, control: Path, limit: float) -> tuple[int, str]:
    try:
        return int((control / "rc").read_text()), ""
    except (OSError, ValueError):
        pass
    if end.stopped == "time":
        return TIMED_OUT, f"the appliance did not end within {limit:g} s"
    said = [line for line in (*end.said.splitlines(), *end.tail) if line.strip()]
    if _BUSY_TASK in end.said:
        return BROKEN, "QEMU died of a busy task segment: qemu: fatal: invalid tss type"
    what = end.stopped or (f"QEMU ended with status {end.code}" if end.code else "the appliance broke off")
    return BROKEN, f"{what}: {said[-1].strip()}" if said else what
