"""Guests that tests build, once a run: by a toolchain that is there, or the reason why not."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from tests.once import made_once
from vmirom.guest.build import build_guest, guest_toolchain
from vmirom.rom.errors import ToolchainMissing
from vmirom.schema.tree import source_tree

HELLO = source_tree("romsrc").parent / "examples" / "hello" / "hello.c"
HOSTILE = source_tree("romsrc") / "guest" / "hostile"


def need(name: str) -> str:
    """``name`` if that toolchain is installed; skips with what is missing and how to get it."""
    try:
        guest_toolchain(name)
    except ToolchainMissing as missing:
        pytest.skip(str(missing))
    return name


@cache
def hostile_guest(name: str) -> bytes:
    """The shipped hostile guest of that name, warnings being errors; skips without zig. Raises BuildError."""
    (source,) = (file for file in hostile_sources() if file.stem == name)
    tools = need("zig")

    def make(folder: Path) -> None:
        built = build_guest([source], tools, kit=source.suffix == ".c", strict=True)
        (folder / "guest.elf").write_bytes(built.data)

    return (made_once(f"hostile-{name}", make) / "guest.elf").read_bytes()


@cache
def hello_guest(toolchain: str) -> bytes:
    """The example that says hello; skips without the toolchain. Raises BuildError."""
    tools = need(toolchain)

    def make(folder: Path) -> None:
        (folder / "guest.elf").write_bytes(build_guest([HELLO], tools).data)

    return (made_once(f"hello-{toolchain}", make) / "guest.elf").read_bytes()


def hostile_sources() -> list[Path]:
    """All hostile guests, by name."""
    return sorted(file for file in HOSTILE.iterdir() if file.suffix in (".c", ".S"))
