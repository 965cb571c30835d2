"""Runs QEMU: console to a file, bounded time, and never one left behind.

The one place that starts QEMU. It knows nothing of bundles: callers bring the arguments for the machine
and what it boots, and judge what comes back.
"""

from __future__ import annotations

import contextlib
import ctypes
import enum
import errno
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vmirom.hosts.cache import note, noted
from vmirom.hosts.qemu_monitor import Monitor
from vmirom.hosts.terminal import terminal_arguments, terminal_kept

__all__ = [
    "CONSOLE_MAX",
    "OLDEST",
    "PACKAGE",
    "Gone",
    "QemuEnd",
    "QemuMissing",
    "find_qemu",
    "run_qemu",
    "system_says",
    "version",
]

PACKAGE: Final = "apt install qemu-system-x86"
OLDEST: Final = (5, 0)
"""The least version: the first whose option ROMs, PVH loading and microvm are those that were tried."""
CONSOLE_MAX: Final = 64 << 20
"""Bytes of console after which a machine is stopped: it only fills the disk."""

_PERIOD: Final = 0.02
_QUIT_WAIT: Final = 5.0
_TRIPLE_FAULT: Final = b"Triple fault"
_VERSION_WAIT: Final = 10.0
_TAIL: Final = 8
_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final[Any] = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class Gone(enum.Enum):
    """How a machine went that was not stopped from outside. UNTOLD: its guest ended QEMU itself, or QEMU
    could not be asked."""

    UNTOLD = "untold"
    RESET = "reset"
    POWER_OFF = "power-off"
    TRIPLE_FAULT = "triple fault"


_GONE: Final = {"guest-reset": Gone.RESET, "guest-shutdown": Gone.POWER_OFF}


class QemuMissing(Exception):
    """No usable QEMU; ``found`` is what was seen, ``missing`` what to do about it."""

    def __init__(self, found: str, missing: str) -> None:
        super().__init__(f"{found}; {missing}")
        self.found = found
        self.missing = missing

    def and_then(self, command: str) -> str:
        """What to do in all where ``command`` comes behind; one line for a shell where it can be one."""
        return (
            f"{self.missing} && {command}" if self.missing == PACKAGE else f"{self.missing}, then {command}"
        )


@dataclass(frozen=True, slots=True)
class QemuEnd:
    """How a run ended: ``code`` as subprocess gives it (negative: a signal), or None if it was stopped
    (``stopped`` says why: ``time``, or a sentence). ``console`` is everything the guest wrote, ``said`` what
    QEMU itself did; ``gone`` how the machine went, ``registers`` its processors' where that was a triple
    fault, or time was up. On KVM a triple fault can't be told from a reset."""

    code: int | None
    stopped: str
    console: bytes
    said: str
    seconds: float
    registers: str = ""
    gone: Gone = Gone.UNTOLD

    @property
    def debug_exit(self) -> int | None:
        """What the guest wrote to isa-debug-exit (QEMU ends with 2v+1), or None if it did not: 1 is also how
        QEMU ends if it can't start."""
        return self.code >> 1 if self.code is not None and self.code > 1 and self.code & 1 else None

    @property
    def tail(self) -> tuple[str, ...]:
        """The console's last lines, printable."""
        lines = self.console[-4096:].decode("ascii", "backslashreplace").splitlines()[-_TAIL:]
        return tuple("".join(c if c.isprintable() else "?" for c in line) for line in lines)


def system_says(error: OSError) -> str:
    """One line on what the system refused while a machine was made ready; a file of which it does not say the
    name lies in the folder for temporary ones."""
    why = f"{error.filename or tempfile.gettempdir()}: {error.strerror or error}"
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return f"{why}; make room, or name another folder in TMPDIR" if full else why


def find_qemu(*names: str) -> Path:
    """The first of ``names`` in PATH that is new enough; $VMIROM_QEMU goes before. Raises QemuMissing."""
    own = os.environ.get("VMIROM_QEMU")
    for name in (own,) if own else names:
        if (path := shutil.which(name)) is None:
            continue
        answer = version(Path(path))
        if answer is None:
            raise QemuMissing(f"{path} does not tell its version", PACKAGE)
        if answer[:2] < OLDEST:
            raise QemuMissing(
                f"{path} is too old: {_dotted(answer)}", f"{PACKAGE} ({_dotted(OLDEST)} or newer)"
            )
        return Path(path)
    if own:
        raise QemuMissing(f"VMIROM_QEMU names no program: {own}", "name one, or unset it")
    raise QemuMissing(f"no {' or '.join(names)} in PATH", PACKAGE)


def _dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))


def version(program: Path) -> tuple[int, ...] | None:
    """(major, minor, micro) of a QEMU, or None if it does not say. Asked once a file."""
    try:
        seen = program.stat()
    except OSError:
        return None
    token = f"{program} {seen.st_size} {seen.st_mtime_ns}"
    name = f"{program.name}.{zlib.crc32(str(program).encode()):08x}.version"
    known, _, answer = noted(name).partition("\n")
    if known != token:
        answer = _ask_version(program)
        if answer:
            note(name, f"{token}\n{answer}")
    match = re.search(r"version (\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?", answer)
    return tuple(int(part or 0) for part in match.groups()) if match else None


def _ask_version(program: Path) -> str:
    try:
        done = subprocess.run(
            [program, "--version"],
            capture_output=True,
            timeout=_VERSION_WAIT,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("ascii", "replace").partition("\n")[0]


def run_qemu(
    program: Path,
    arguments: Sequence[str | Path],
    *,
    budget: float,
    until: Sequence[bytes] = (),
    look: Callable[[Monitor], None] | None = None,
    terminal: bool = False,
) -> QemuEnd:
    """Run ``program`` with ``arguments``; its first serial port is the console. It has no display, no
    monitor for people, and ends instead of rebooting. Stopped after ``budget`` seconds, or once one of
    ``until`` stands near the console's end: a machine that has said its last word. ``look`` may look at a
    machine that was lost in a triple fault, or whose time is up. ``terminal``: the console is this process's
    terminal, too. Raises OSError if it can't be started."""
    with tempfile.TemporaryDirectory(prefix="vmirom-qemu-") as name, terminal_kept(terminal):
        folder = Path(name)
        files = _Files(folder / "console", folder / "said", folder / "log")
        files.console.touch()
        monitor = Monitor(folder)
        command = [
            str(program),
            *_data_folders(program),
            *map(str, arguments),
            *(terminal_arguments(files.console) if terminal else ("-serial", f"file:{files.console}")),
            *("-display", "none", "-monitor", "none", "-no-reboot"),
            *("-d", "cpu_reset", "-D", str(files.log)),
            *monitor.arguments(),
        ]
        start = time.monotonic()
        with files.said.open("wb") as out:
            process = subprocess.Popen(
                command,
                stdin=None if terminal else subprocess.DEVNULL,
                stdout=None if terminal else out,
                stderr=out,
                start_new_session=True,
                preexec_fn=_die_with_parent if _LIBC is not None else None,
            )
        try:
            stopped, gone, registers = _watched(process, start + budget, files, until, monitor, look)
        finally:
            _end(process)
            monitor.close()
        return QemuEnd(
            code=None if stopped else process.returncode,
            stopped=stopped,
            console=files.console.read_bytes(),
            said=files.said.read_bytes()[-4096:].decode("utf-8", "replace").strip(),
            seconds=time.monotonic() - start,
            registers=registers,
            gone=gone,
        )


def _data_folders(program: Path) -> list[str]:
    """For a QEMU that stands unpacked in some folder, the data beside it; an installed one knows its own."""
    share = program.resolve().parent.parent / "share"
    if share == Path("/usr/share"):
        return []
    found = [share / name for name in ("qemu", "seabios") if (share / name).is_dir()]
    return [part for folder in found for part in ("-L", str(folder))]


@dataclass(frozen=True, slots=True)
class _Files:
    console: Path
    said: Path
    log: Path
    """QEMU's own words on resets of processors, a triple fault among them."""


def _watched(
    process: subprocess.Popen[bytes],
    deadline: float,
    files: _Files,
    until: Sequence[bytes],
    monitor: Monitor,
    look: Callable[[Monitor], None] | None,
) -> tuple[str, Gone, str]:
    """Why it had to be stopped, if it had; how the machine went; registers, where something can be seen."""
    stopped = _wait(process, deadline, files, until, monitor)
    gone = Gone.UNTOLD
    if not stopped:
        lost = _TRIPLE_FAULT in _end_of(files.log)
        gone = Gone.TRIPLE_FAULT if lost else _GONE.get(monitor.stopped(), Gone.UNTOLD)
    registers = ""
    if stopped == "time" or gone is Gone.TRIPLE_FAULT:
        monitor.stop()
        registers = monitor.registers()
        if look is not None and registers:
            look(monitor)
    if not stopped:
        monitor.quit()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_QUIT_WAIT)
    return stopped, gone, registers


def _wait(
    process: subprocess.Popen[bytes], deadline: float, files: _Files, until: Sequence[bytes], monitor: Monitor
) -> str:
    """Why it has to be stopped; empty if it ended, or its machine stopped, by itself."""
    while True:
        try:
            process.wait(_PERIOD)
            return ""
        except subprocess.TimeoutExpired:
            pass
        if monitor.stopped():
            return ""
        if time.monotonic() > deadline:
            return "time"
        if files.console.stat().st_size > CONSOLE_MAX:
            return f"more than {CONSOLE_MAX >> 20} MiB of console"
        if files.log.exists() and files.log.stat().st_size > CONSOLE_MAX:
            return f"more than {CONSOLE_MAX >> 20} MiB of resets"
        if until and any(words in _end_of(files.console) for words in until):
            return "last word"


def _end_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 4096))
            return file.read()
    except FileNotFoundError:
        return b""


def _end(process: subprocess.Popen[bytes]) -> None:
    """End QEMU and whatever it started; the group is its own."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _die_with_parent() -> None:
    """Runs in the child: a QEMU whose starter is killed must not stay."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
