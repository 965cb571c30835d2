"""A ROM as an option ROM on a real KVM: QEMU's PC with one processor or several, its instructions carried
out by this machine's KVM, or by the appliance's, inside which the same QEMU is started.

QEMU locks no memory for a BIOS on KVM, and a triple fault can't be told from a reset.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

from vmirom.hosts import qemu
from vmirom.hosts.kvm import NAME, launch, roads
from vmirom.hosts.kvm.appliance import Appliance
from vmirom.hosts.optionrom import OptionRomBoot
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.qemu_run import Gone, QemuEnd, QemuMissing, find_qemu, run_qemu, system_says
from vmirom.hosts.qemu_scene import Bystander
from vmirom.hosts.request import BootRequest

__all__ = ["boot_on_kvm"]

_CONSOLE: Final = "console"
_OWN_MIB: Final = 128
"""What the QEMU inside the appliance takes beside its guest's memory."""


class _Broken(Exception):
    """The appliance came to no end of its own; the text says why."""


def boot_on_kvm(boot: OptionRomBoot) -> BootResult:
    """Boot; a skip where there is no KVM or no QEMU, an outcome in every other case."""
    request = BootRequest(boot.backend, b"", boot.memory_mib, boot.command_line, boot.budget, host=NAME)
    try:
        taken = roads.plan()
        program = find_qemu(*qemu.PROGRAMS)
        with tempfile.TemporaryDirectory(prefix="vmirom-kvm-") as folder:
            if taken.appliance is None or taken.qemu is None:
                end = run_qemu(program, boot.arguments(Path(folder), accel="kvm"), budget=boot.budget)
            else:
                end = _inside(taken.qemu, taken.appliance, program, boot, Path(folder))
    except (roads.NoRoad, QemuMissing) as none:
        return BootResult(boot.backend, Outcome.SKIP, str(none), host=NAME)
    except OSError as error:
        return BootResult(boot.backend, Outcome.ERROR, system_says(error), host=NAME)
    except _Broken as broken:
        return BootResult(boot.backend, Outcome.ERROR, str(broken), host=NAME, road=taken.road)
    if end.gone is Gone.RESET:
        end = replace(end, gone=Gone.UNTOLD)
    return replace(qemu.result_of(request, end, Bystander(b"")), host=NAME, road=taken.road)


def _inside(outer: Path, appliance: Appliance, program: Path, boot: OptionRomBoot, folder: Path) -> QemuEnd:
    """Run QEMU in the appliance; its exit status is the machine's. Raises _Broken, OSError."""
    seen = Path(launch.CONTROL)
    command = [
        str(program),
        *boot.arguments(folder, seen, accel="kvm"),
        *("-serial", f"file:{seen / _CONSOLE}", "-display", "none", "-monitor", "none", "-no-reboot"),
    ]
    limit = roads.ALLOWANCE + boot.budget
    launched = launch.launch(outer, appliance, command, folder, limit, boot.memory_mib + _OWN_MIB)
    if launched.status == launch.BROKEN:
        raise _Broken(launched.why)
    timed_out = launched.status == launch.TIMED_OUT
    console = folder / _CONSOLE
    return QemuEnd(
        code=None if timed_out else launched.status,
        stopped="time" if timed_out else "",
        console=console.read_bytes() if console.is_file() else b"",
        said=launched.said,
        seconds=launched.seconds,
    )
