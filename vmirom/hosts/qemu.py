"""QEMU as a bare PC: the native and kvm bundles through ``-kernel``, on a machine that nobody here wrote.

The guest's console is the first serial port, its exit code isa-debug-exit's. A kvm bundle finds no KVM under
TCG and behaves as on a bare machine, which is what it promises.
"""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path
from typing import Final

from vmirom.bundle.elf import EHDR_SIZE, PF_R, PF_X, PHDR_SIZE, PT_LOAD, ProgramHeader, pack_header
from vmirom.bundle.inspect import read_bundle
from vmirom.bundle.refused import Refused
from vmirom.hosts.cache import note, noted
from vmirom.hosts.doctor import Host
from vmirom.hosts.outcomes import BootResult, Outcome, judge
from vmirom.hosts.qemu_run import (
    OLDEST,
    Gone,
    QemuEnd,
    QemuMissing,
    find_qemu,
    run_qemu,
    system_says,
    version,
)
from vmirom.hosts.qemu_scene import Bystander
from vmirom.hosts.request import BootRequest, HostOption, Progress
from vmirom.hosts.transcript import Transcript
from vmirom.hypervisors.hypervisor import Ending, EndKind
from vmirom.overlays import native
from vmirom.overlays.vmi import ExitStatus, Layout, Port

__all__ = ["BACKENDS", "NAME", "PROGRAMS", "boot", "machine_arguments", "probe", "result_of", "self_test"]

NAME: Final = "qemu"
BACKENDS: Final = ("native", "kvm")

PROGRAMS: Final = ("qemu-system-i386", "qemu-system-x86_64")
_MACHINE: Final = "pc"
_CPU: Final = "max"
_ACCEL: Final = "tcg"
OPTIONS: Final = (
    HostOption(
        "machine",
        r"(pc|q35|isapc)(-[\w.-]+)?",
        "pc, q35, isapc or a version of theirs; others have no BIOS that wires the 8259 to the processor",
    ),
    HostOption("smp", r"[1-9][0-9]?", "processors, 1 to 99"),
    HostOption("cpu", r"[\w.+-]+(,[\w.+=-]+)*", "a processor as QEMU's -cpu names it (default max)"),
    HostOption("protocol", "multiboot|pvh", "multiboot or pvh"),
)
_SELF_TEST: Final = "qemu.self-test"
_SELF_TEST_BUDGET: Final = 20.0
_NEEDS: Final = f"QEMU {OLDEST[0]}.{OLDEST[1]} or newer for PCs (qemu-system-x86); it emulates, no KVM needed"
_MULTIBOOT: Final = struct.pack("<I", int(native.Multiboot.HEADER_MAGIC))


_ENDS: Final = {
    Gone.TRIPLE_FAULT: Ending(EndKind.CRASH, "triple fault"),
    Gone.RESET: Ending(EndKind.REBOOT, "reset"),
    Gone.POWER_OFF: Ending(EndKind.SHUTDOWN, "powered off"),
}


def probe() -> Host:
    """Looks for QEMU in PATH; asks a program that was not seen before for its version."""
    try:
        program = find_qemu(*PROGRAMS)
    except QemuMissing as gone:
        return Host(NAME, False, BACKENDS, gone.found, gone.missing, _NEEDS)
    known = ".".join(map(str, version(program) or ()))
    tested, _, answer = noted(_SELF_TEST).partition("\n")
    said = (f"failed: {answer}" if answer else "passed") if tested == _token(program) else ""
    return Host(NAME, True, BACKENDS, f"{program}, version {known}", "", _NEEDS, said)


def _token(program: Path) -> str:
    return f"{program} {'.'.join(map(str, version(program) or ()))}"


def machine_arguments(
    memory_mib: int, machine: str = _MACHINE, processors: int = 1, cpu: str = _CPU, accel: str = _ACCEL
) -> list[str]:
    """A PC with as little in it as a guest can do with: no display adapter, no disk, no network.

    ``max`` is the processor that has all that TCG can do: the default 32-bit one has no no-execute bit, which
    the entry contract promises to guests.
    """
    port = f"iobase={int(native.Exit.PORT):#x},iosize={int(native.Exit.SIZE):#x}"
    return [
        *("-M", machine, "-accel", accel, "-cpu", cpu, "-m", str(memory_mib)),
        *("-smp", f"{processors},sockets={processors}"),
        *("-nodefaults", "-vga", "none", "-rtc", "base=utc", "-device", f"isa-debug-exit,{port}"),
    ]


def boot(request: BootRequest, progress: Progress | None = None) -> BootResult:
    """Boot through ``-kernel``, with what is said in OPTIONS. Raises nothing: what is missing is a skip, what
    fails an outcome."""
    options = request.options
    try:
        program = find_qemu(*PROGRAMS)
        read_bundle(request.bundle)
    except QemuMissing as gone:
        return BootResult(request.backend, Outcome.SKIP, str(gone), host=NAME)
    except Refused as refused:
        return BootResult(request.backend, Outcome.ERROR, str(refused), host=NAME)
    if progress is not None:
        progress("run", None)
    try:
        with tempfile.TemporaryDirectory(prefix="vmirom-") as folder:
            kernel = Path(folder, "bundle.elf")
            kernel.write_bytes(_for_protocol(request.bundle, options.get("protocol", "multiboot")))
            machine = machine_arguments(
                request.memory_mib,
                options.get("machine", _MACHINE),
                int(options.get("smp", 1)),
                options.get("cpu", _CPU),
            )
            arguments = [*machine, "-kernel", str(kernel)]
            if request.command_line:
                arguments += ["-append", request.command_line]
            seen = Bystander(request.bundle)
            end = run_qemu(program, arguments, budget=request.budget, look=seen.look)
    except OSError as error:
        return BootResult(request.backend, Outcome.ERROR, system_says(error), host=NAME)
    return result_of(request, end, seen)


def _for_protocol(bundle: bytes, protocol: str) -> bytes:
    """QEMU takes Multiboot where a file has its header, else PVH: without the header's magic it takes PVH."""
    return bundle.replace(_MULTIBOOT, bytes(len(_MULTIBOOT)), 1) if protocol == "pvh" else bundle


def result_of(request: BootRequest, end: QemuEnd, seen: Bystander) -> BootResult:
    """What came of a machine whose guest speaks through the first serial port and isa-debug-exit."""
    console = Transcript()
    console.write(end.console)
    transcript, notes = console.lines()
    ending = ending_of(end)
    outcome, reason = judge(ending, request.budget)
    if ending.kind is EndKind.CRASH and end.code not in (None, 0):
        outcome = Outcome.ERROR
    return BootResult(
        backend=request.backend,
        outcome=outcome,
        reason=reason,
        transcript=transcript,
        notes=notes,
        seconds=end.seconds,
        ending=ending.kind.value,
        status=ending.status,
        last_call=seen.last_call,
        registers=end.registers,
        host=NAME,
        scenes=seen.scenes,
    )


def ending_of(end: QemuEnd) -> Ending:
    """How the machine ended. A QEMU that could not be asked ends with 0 after a reset, wanted or not, and
    after a power-off: a guest that ended so said nothing about itself."""
    if end.stopped == "time":
        return Ending(EndKind.BUDGET, _last_words(end))
    if end.stopped:
        return Ending(EndKind.CRASH, f"stopped: {end.stopped}")
    if (status := end.debug_exit) is not None:
        return Ending(EndKind.SHUTDOWN, "isa-debug-exit", status)
    if end.gone in _ENDS:
        return _ENDS[end.gone]
    if end.code == 0:
        return Ending(
            EndKind.CRASH, "reset or power-off without a word from the guest (a triple fault resets)"
        )
    said = end.said.splitlines()[-1] if end.said else "it said nothing"
    code = end.code or 0
    how = f"ended with {code}" if code > 0 else f"was killed by signal {-code}"
    return Ending(EndKind.CRASH, f"QEMU {how}: {said}")


def _last_words(end: QemuEnd) -> str:
    return f"last on its console: {end.tail[-1]}" if end.tail else "its console is empty"


def self_test() -> str:
    """Boots a few instructions that print and exit; empty, or why that failed. Remembered for ``probe``."""
    try:
        program = find_qemu(*PROGRAMS)
    except QemuMissing as gone:
        return str(gone)
    try:
        with tempfile.TemporaryDirectory(prefix="vmirom-") as folder:
            kernel = Path(folder, "self-test.elf")
            kernel.write_bytes(_smallest_kernel())
            end = run_qemu(program, [*machine_arguments(8), "-kernel", kernel], budget=_SELF_TEST_BUDGET)
    except OSError as error:
        return system_says(error)
    ending = ending_of(end)
    outcome, fault = judge(ending, _SELF_TEST_BUDGET)
    if outcome is Outcome.SUCCESS:
        fault = "" if end.console == b"ok\n" else "what was printed did not arrive"
    note(_SELF_TEST, f"{_token(program)}\n{fault}")
    return fault


def _smallest_kernel() -> bytes:
    """A Multiboot kernel at 1 MiB that prints ``ok`` and ends with success."""
    flags = 0
    magic = int(native.Multiboot.HEADER_MAGIC)
    header = struct.pack("<3I", magic, flags, -(magic + flags) & 0xFFFFFFFF)
    code = b"".join(
        b"\x66\xba" + struct.pack("<H", port) + bytes((0xB0, value, 0xEE))  # mov dx; mov al; out
        for port, value in [*((Port.UART, byte) for byte in b"ok\n"), (Port.EXIT, ExitStatus.SUCCESS)]
    )
    at = Layout.GUEST_GPA
    before = EHDR_SIZE + PHDR_SIZE
    body = header + code + b"\xf4"
    whole = ProgramHeader(PT_LOAD, 0, at, at, before + len(body), before + len(body), PF_R | PF_X, 4096)
    return pack_header(at + before + len(header), 1) + whole.pack() + body
