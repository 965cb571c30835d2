"""How the command line says no: one line ``vmirom: FILE: field: rule`` on standard error, exit code 2."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from vmirom.bundle.refused import Refused
from vmirom.files import write_whole

__all__ = [
    "BAD_INPUT",
    "Fault",
    "about",
    "can_be_written",
    "keep_apart",
    "read_file",
    "shown",
    "write_file",
]

BAD_INPUT = 2


class Fault(click.ClickException):
    """A refusal that is one line."""

    exit_code = BAD_INPUT

    def __init__(self, *parts: str) -> None:
        super().__init__(": ".join(" ".join(part.split()) for part in parts))


def shown(path: Path | str) -> str:
    """A file's name as text that any output takes: bytes that are no UTF-8 as ``\\xNN``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


@contextmanager
def about(name: str) -> Iterator[None]:
    """Whatever is refused inside is refused about the file ``name``."""
    try:
        yield
    except Refused as refused:
        raise Fault(name, refused.field, refused.rule) from None


def read_file(path: Path, limit: int = 64 << 20) -> bytes:
    """The file's bytes; a fault where it can't be read or has more than ``limit`` bytes."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise Fault(shown(path), _why(error)) from None
    if len(data) > limit:
        raise Fault(shown(path), "size", f"more than {limit >> 20} MiB")
    return data


def write_file(path: Path, data: bytes, *, executable: bool = False) -> None:
    """Write whole or not at all; a fault where that can't be."""
    try:
        write_whole(path, data, executable=executable)
    except OSError as error:
        raise Fault(shown(path), "can't be written", _why(error)) from None


def can_be_written(path: Path) -> None:
    """A fault before the work rather than behind it, for a folder that is not there or not writable."""
    if path.is_dir():
        raise Fault(shown(path), "can't be written", "Is a directory")
    folder = path.resolve().parent
    if not folder.is_dir():
        raise Fault(shown(path), "can't be written", "No such file or directory")
    if not os.access(folder, os.W_OK):
        raise Fault(shown(path), "can't be written", "Permission denied")


def keep_apart(read: Iterable[Path | None], written: Iterable[Path | None]) -> None:
    """A fault where a file that is to be written is read as well, or is to be written twice."""
    inputs = [path for path in read if path is not None]
    outputs = [path for path in written if path is not None]
    for path, other in itertools.product(outputs, inputs):
        if _is_one_file(path, other):
            raise Fault(shown(path), "can't be written", "it is read as well, and would be lost")
    for path, other in itertools.combinations(outputs, 2):
        if _is_one_file(path, other):
            raise Fault(shown(path), "can't be written", "it is named for two outputs")


def _is_one_file(path: Path, other: Path) -> bool:
    if path.exists() and other.exists():
        return path.is_file() and path.samefile(other)
    return path.resolve() == other.resolve()


def _why(error: OSError) -> str:
    return error.strerror or os.strerror(error.errno or 0)
