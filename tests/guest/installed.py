"""Toolchains for tests that build guests: there, or the reason why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmirom.guest.build import guest_toolchain
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


def hostile_sources() -> list[Path]:
    """All hostile guests, by name."""
    return sorted(file for file in HOSTILE.iterdir() if file.suffix in (".c", ".S"))
