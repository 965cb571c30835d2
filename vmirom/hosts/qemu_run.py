"""Runs QEMU: console to a file, bounded time, and never one left behind.

The one place that starts QEMU. It knows nothing of bundles: callers bring the arguments for the machine
and what it boots, and judge what comes back.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vmirom.hosts.cache import note, noted

__all__ = ["CONSOLE_MAX", "OLDEST", "PACKAGE", "QemuEnd", "QemuMissing", "find_qemu", "run_qemu", "version"]

PACKAGE: Final = "apt install qemu-system-x86"
OLDEST: Final = (5, 0)
"""The least version: the first whose option ROMs, PVH loading and microvm are those that were tried."""
CONSOLE_MAX: Final = 64 << 20
"""Bytes of console after which a machine is stopped: it only fills the disk."""

_PERIOD: Final = 0.02
_ASK_WAIT: Final = 2.0
_ASK_LINES: Final = 64
_SOCKET_MAX: Final = 100
"""Bytes that the name of a socket may have."""
_VERSION_WAIT: Final = 10.0
_TAIL: Final = 8
_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final[Any] = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class QemuMissing(Exception):
    """No usable QEMU; ``found`` is what was seen, ``missing`` what to do about it."""

    def __init__(self, found: str, missing: str) -> None:
        super().__init__(f"{found}; {missing}")
        self.found = found
        self.missing = missing


@dataclass(frozen=True, slots=True)
class QemuEnd:
    """How a run ended: ``code`` as subprocess gives it (negative: a signal), or None if it was stopped
    (``stopped`` says why: ``time``, or a sentence). ``console`` is everything the guest wrote, ``said`` what
    QEMU itself did; ``registers`` are those of the processor whose time was up."""

    code: int | None
    stopped: str
    console: bytes
    said: str
    seconds: float
    registers: str = ""

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
    program: Path, arguments: Sequence[str | Path], *, budget: float, until: Sequence[bytes] = ()
) -> QemuEnd:
    """Run ``program`` with ``arguments``; its first serial port is the console. It has no display, no
    monitor for people, and ends instead of rebooting. Stopped after ``budget`` seconds, or once one of
    ``until`` stands near the console's end: a machine that has said its last word. Raises OSError if it
    can't be started."""
    with tempfile.TemporaryDirectory(prefix="vmirom-qemu-") as folder:
        console, said = Path(folder, "console"), Path(folder, "said")
        console.touch()
        monitor = Path(folder, "qmp")
        command = [
            str(program),
            *map(str, arguments),
            *("-serial", f"file:{console}", "-display", "none", "-monitor", "none", "-no-reboot"),
            *_qmp(monitor),
        ]
        start = time.monotonic()
        with said.open("wb") as out:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent if _LIBC is not None else None,
            )
        try:
            stopped = _wait(process, start + budget, console, until)
            registers = _registers(monitor) if stopped == "time" else ""
        finally:
            _end(process)
        seconds = time.monotonic() - start
        return QemuEnd(
            code=None if stopped else process.returncode,
            stopped=stopped,
            console=console.read_bytes(),
            said=said.read_bytes()[-4096:].decode("utf-8", "replace").strip(),
            seconds=seconds,
            registers=registers,
        )


def _qmp(monitor: Path) -> list[str]:
    """A monitor for programs at a socket; none where the name of the folder is too long for one."""
    if len(os.fsencode(monitor)) > _SOCKET_MAX or not hasattr(socket, "AF_UNIX"):
        return []
    return ["-qmp", f"unix:{str(monitor).replace(',', ',,')},server=on,wait=off"]


def _registers(monitor: Path) -> str:
    """What QEMU says of its first processor; empty where it does not say it in time."""
    asked = (
        {"execute": "qmp_capabilities"},
        {"execute": "human-monitor-command", "arguments": {"command-line": "info registers"}},
    )
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(_ASK_WAIT)
            line.connect(str(monitor))
            stream = line.makefile("rwb")
            stream.readline()  # its greeting
            answer: Any = None
            for command in asked:
                stream.write(json.dumps(command).encode() + b"\n")
                stream.flush()
                answers = (json.loads(stream.readline()) for _ in range(_ASK_LINES))  # events stand between
                answer = next((one["return"] for one in answers if "return" in one), None)
    except (OSError, ValueError, TypeError):
        return ""
    text = answer.replace("\r", "") if isinstance(answer, str) else ""
    return text.partition("\nFCW")[0].strip()


def _wait(process: subprocess.Popen[bytes], deadline: float, console: Path, until: Sequence[bytes]) -> str:
    """Why it has to be stopped; empty if it ended by itself."""
    while True:
        try:
            process.wait(_PERIOD)
            return ""
        except subprocess.TimeoutExpired:
            pass
        if time.monotonic() > deadline:
            return "time"
        if console.stat().st_size > CONSOLE_MAX:
            return f"more than {CONSOLE_MAX >> 20} MiB of console"
        if until and any(words in _end_of(console) for words in until):
            return "last word"


def _end_of(console: Path) -> bytes:
    with console.open("rb") as file:
        file.seek(max(0, console.stat().st_size - 4096))
        return file.read()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End QEMU and whatever it started; the group is its own."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _die_with_parent() -> None:
    """Runs in the child: a QEMU whose starter is killed must not stay."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
