"""How the command line says no: one line ``vmirom: FILE: field: rule`` on standard error, exit code 2."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from vmirom.bundle.refused import Refused
from vmirom.files import write_whole

__all__ = ["BAD_INPUT", "Fault", "about", "read_file", "shown", "write_file"]

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


def _why(error: OSError) -> str:
    return error.strerror or os.strerror(error.errno or 0)
