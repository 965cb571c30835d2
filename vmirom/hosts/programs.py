"""Runs the programs that a setup needs (apt, dpkg, make), and says in one line what they complain of."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from vmirom.hosts.cache import SetupFailed, advised

__all__ = ["PATIENCE", "piped", "run"]

PATIENCE: Final = (
    *("-o", "Acquire::Retries=3"),
    *("-o", "Acquire::http::Timeout=30"),
    *("-o", "Acquire::https::Timeout=30"),
)
"""For apt: a server that says nothing is waited for, but not for minutes."""
_TELLING: Final = ("No space left", "Could not resolve", "Unable to", "Failed to fetch", "rror")


def run(command: Sequence[str | Path], folder: Path | None, wait: float) -> str:
    """Run a program to its end, its output as text. Raises SetupFailed; it and its children never outlive."""
    process = _started(command, folder, subprocess.STDOUT)
    try:
        said, _ = process.communicate(timeout=wait)
    except subprocess.TimeoutExpired:
        raise SetupFailed(f"{Path(command[0]).name} took more than {wait:g} s") from None
    finally:
        _end(process)
    text = said.decode("utf-8", "replace")
    if process.returncode:
        raise SetupFailed(advised(f"{_called(command)} fails: {_complaint(text)}"))
    return text


@contextmanager
def piped(command: Sequence[str | Path], errors: Path) -> Iterator[IO[bytes]]:
    """What a program writes, as a stream; what it says goes to the file ``errors``. Raises SetupFailed."""
    with errors.open("wb") as out:
        process = _started(command, None, out)
    try:
        assert process.stdout is not None
        with process.stdout as stream:
            yield stream
        process.wait()
    finally:
        _end(process)
    if process.returncode:
        complaint = _complaint(errors.read_text(errors="replace"))
        raise SetupFailed(advised(f"{_called(command)} fails: {complaint}"))


def _started(
    command: Sequence[str | Path], folder: Path | None, errors: int | IO[bytes]
) -> subprocess.Popen[bytes]:
    if shutil.which(command[0]) is None:
        raise SetupFailed(
            f"{command[0]} is missing: what is needed is made of Debian's packages, by its tools"
        )
    return subprocess.Popen(
        [str(part) for part in command],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        env={**os.environ, "LC_ALL": "C"},
        start_new_session=True,
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _called(command: Sequence[str | Path]) -> str:
    """The program, and what it was asked to do."""
    words = [str(part) for part in command[1:] if not str(part).startswith("-") and "=" not in str(part)]
    return (
        " ".join([Path(command[0]).name, *words[:1]])
        if words and words[0].isalpha()
        else Path(command[0]).name
    )


def _complaint(said: str) -> str:
    """The line of a program's output that tells most."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    for word in _TELLING:
        for line in lines:
            if word in line:
                return line
    return lines[-1] if lines else "no reason given"
