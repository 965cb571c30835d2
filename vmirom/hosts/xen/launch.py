"""One run of the real Xen under QEMU's TCG: the machine, the modules, and what the end means.

Facts: xen-host.md sections 2, 7 and 9. The exit port's value v makes QEMU end with 2v+1; QEMU ending with 0
proves nothing (a crash does, too, after a countdown), so Xen's own last words are looked at.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from vmirom.hosts.outcomes import Outcome, judge
from vmirom.hosts.qemu_run import QemuEnd, run_qemu
from vmirom.hosts.xen.console import HALTED, REBOOTING, guest_bytes, why_dead
from vmirom.hypervisors.hypervisor import Ending, EndKind
from vmirom.overlays.vmi import Port

__all__ = ["launch", "verdict"]

_LEAST: Final = 16
_OWN_MIB: Final = 96
"""What Xen needs beside the guest."""
_REBOOTS: Final = (b"rebooting machine", b"soft reset, rebooting")
_SPECIAL: Final = frozenset(" ,")


def launch(qemu: Path, xen: Path, kernel: bytes, line: str, memory_mib: int, budget: float) -> QemuEnd:
    """Run ``kernel`` as the initial domain with ``memory_mib``. Raises OSError, and ValueError (one line)
    for a folder whose name QEMU would split."""
    with tempfile.TemporaryDirectory(prefix="vmirom-xen-") as folder:
        if _SPECIAL & set(folder):
            raise ValueError(f"{folder}: temporary folder with a space or a comma, where QEMU splits names")
        module = Path(folder, "kernel")
        module.write_bytes(kernel)
        guest = max(memory_mib, _LEAST)
        options = f"console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all dom0_mem={guest}M,max:{guest}M"
        arguments = [
            *("-accel", "tcg", "-cpu", "qemu64", "-M", "pc", "-m", str(guest + _OWN_MIB)),
            *("-vga", "none", "-nodefaults", "-net", "none"),
            *("-device", f"isa-debug-exit,iobase={int(Port.EXIT):#x},iosize=2"),
            *("-kernel", str(xen), "-append", options),
            *("-initrd", f"{module} {line}".strip().replace(",", ",,")),
        ]
        return run_qemu(qemu, arguments, budget=budget, until=(HALTED, REBOOTING))


def verdict(end: QemuEnd, budget: float) -> tuple[Outcome, str, str, int | None]:
    """(outcome, reason, kind of ending, status) of a run."""
    if (status := end.debug_exit) is not None:
        outcome, reason = judge(Ending(EndKind.SHUTDOWN, "", status), budget)
        return outcome, reason, EndKind.SHUTDOWN.value, status
    if death := why_dead(end.console):
        return Outcome.CRASH, death, EndKind.CRASH.value, None
    if HALTED in end.console:
        return Outcome.SUCCESS, "power off", EndKind.SHUTDOWN.value, None
    if end.stopped == "time":
        tail = " | ".join(end.tail)
        return Outcome.FAILURE, f"did not end within {budget:g} s: {tail}", EndKind.BUDGET.value, None
    if end.stopped:
        return Outcome.FAILURE, end.stopped, EndKind.BUDGET.value, None
    if any(words in end.console for words in _REBOOTS):
        return Outcome.SUCCESS, "reboot", EndKind.REBOOT.value, None
    if end.code == 0 and guest_bytes(end.console):
        return Outcome.SUCCESS, "reset or power off through a port", EndKind.REBOOT.value, None
    said = end.said.splitlines()[-1] if end.said else " | ".join(end.tail)
    return Outcome.ERROR, f"QEMU ended with {end.code}: {said or 'no word'}", "", None
