"""Boots a bundle on this process's own /dev/kvm, in the state that Multiboot promises.

The same on a real machine and in the appliance, and the same files serve both: this module imports little,
because inside it is an emulated processor that does the importing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

from vmirom.hypervisors.hypervisor import Ending, EndKind, LoadError
from vmirom.hypervisors.kvm.era import Era, era
from vmirom.hypervisors.native import multiboot
from vmirom.hypervisors.native.image import read_image
from vmirom.machine.devices import Request, RequestKind
from vmirom.machine.kvm import Device, KvmError, KvmPc, OutOfTime, Setting, Stop, Stopped
from vmirom.machine.memory import Memory
from vmirom.overlays.kvm import CpuidLeaf, Signature
from vmirom.overlays.native import Multiboot

__all__ = ["BACKENDS", "Job", "Ran", "boot"]

BACKENDS: Final = ("native", "kvm")
_MIB: Final = 1 << 20
_CS, _DS = 0x08, 0x10
_HYPERVISOR_BIT: Final = 1 << 31
_HYPERVISORS: Final = range(0x40000000, 0x40010000)
_ENDS: Final = (RequestKind.EXIT, RequestKind.OFF, RequestKind.RESET)
_CONSOLE_MAX: Final = 2 << 20

_Entry = tuple[int, int, int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Job:
    """One boot: ``budget`` in seconds, ``host_era`` what a kvm bundle is offered."""

    backend: str
    memory_mib: int
    command_line: str
    budget: float
    host_era: str = "2026"


@dataclass(frozen=True, slots=True)
class Ran:
    """How it ended: an ending, or in ``error`` why there is none. ``registers`` where the end was bad."""

    ending: Ending | None
    error: str = ""
    console: bytes = b""
    registers: str = ""
    seconds: float = 0.0


def boot(job: Job, bundle: bytes, inside: bool) -> Ran:
    """Boot; ``inside`` the appliance TR is kept as QEMU wants it. Raises KeyboardInterrupt only."""
    start = time.monotonic_ns()
    console = bytearray()

    def write(text: bytes) -> None:
        if len(console) < _CONSOLE_MAX:
            console.extend(text)

    registers = ""
    try:
        ending, registers = _boot(job, bundle, write, start, inside)
        error = ""
    except (KvmError, LoadError) as refused:
        ending, error = None, str(refused)
    return Ran(ending, error, bytes(console), registers, (time.monotonic_ns() - start) / 1e9)


def _boot(job: Job, bundle: bytes, write: Any, start: int, inside: bool) -> tuple[Ending, str]:
    multiboot.check_header(bundle)
    image = read_image(bundle)
    memory = Memory(job.memory_mib * _MIB)
    multiboot.place_image(memory, image)
    info = multiboot.place(memory, image, job.command_line, ())
    device = Device()
    try:
        setting = Setting(cpuid_for(job), job.backend == "kvm", inside)
        rom = (multiboot.ROM_START, multiboot.ROM_END)
        pc = KvmPc(device, memory, multiboot.HOLE, rom, write, lambda asked: asked.kind in _ENDS, setting)
        try:
            pc.enter(image.entry, int(Multiboot.BOOTLOADER_MAGIC), info, _CS, _DS)
            ending = _ending(pc, pc.run(start + int(job.budget * 1e9)))
            bad = ending.kind in (EndKind.CRASH, EndKind.BUDGET)
            return ending, pc.describe() if bad else ""
        finally:
            pc.close()
    finally:
        device.close()


def cpuid_for(job: Job) -> Any:
    """What of KVM's CPUID the guest sees: a bare machine for native, the era's features for kvm."""
    offered = era(job.host_era) if job.backend == "kvm" else None
    return lambda entry: _seen(entry, offered)


def _seen(entry: _Entry, offered: Era | None) -> _Entry | None:
    leaf, subleaf, flags, eax, ebx, ecx, edx = entry
    if leaf == 1:
        ecx = ecx | _HYPERVISOR_BIT if offered else ecx & ~_HYPERVISOR_BIT
    elif leaf in _HYPERVISORS:
        if offered is None or leaf not in (CpuidLeaf.SIGNATURE, CpuidLeaf.FEATURES):
            return None
        if leaf == CpuidLeaf.SIGNATURE:
            signature = (int(Signature.EBX), int(Signature.ECX), int(Signature.EDX))
            return leaf, subleaf, flags, offered.highest_leaf, *signature
        return leaf, subleaf, flags, eax & offered.mask, 0, 0, 0
    return leaf, subleaf, flags, eax, ebx, ecx, edx


def _ending(pc: KvmPc, stop: Stop) -> Ending:
    """The embedded machine's words for the same ends."""
    if isinstance(stop, Stopped):
        return _asked(stop.request)
    if isinstance(stop, OutOfTime):
        return Ending(EndKind.BUDGET, f"out of time at eip {pc.eip():#x}")
    if stop.halted:
        return Ending(EndKind.BUDGET, f"halted for ever: interrupts are off at eip {pc.eip():#x}")
    where = "" if pc.reset() else f" (eip {pc.eip():#x})"
    return Ending(EndKind.CRASH, f"{stop.reason}{where}")


def _asked(request: Request) -> Ending:
    if request.kind is RequestKind.EXIT:
        return Ending(EndKind.SHUTDOWN, f"exit port, status {request.value:#x}", request.value)
    if request.kind is RequestKind.OFF:
        return Ending(EndKind.SHUTDOWN, f"powered off through {request.how}")
    return Ending(EndKind.REBOOT, f"reset through {request.how}")
