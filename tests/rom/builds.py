"""ROMs built once for all tests of a run, by backend and toolchain."""

from __future__ import annotations

from functools import cache

import pytest

from vmirom.rom.build import BuiltRom, build_rom
from vmirom.rom.errors import ToolchainMissing
from vmirom.rom.toolchain import find_toolchain

__all__ = ["TOOLCHAINS", "built"]

TOOLCHAINS = ("zig", "gnu")


@cache
def _build(backend: str, toolchain: str, abi: str) -> BuiltRom:
    return build_rom(backend, abi, toolchain=find_toolchain(toolchain))


def built(backend: str, toolchain: str, abi: str = "3.1") -> BuiltRom:
    """The ROM with its symbols; the test is skipped where the toolchain is missing."""
    try:
        return _build(backend, toolchain, abi)
    except ToolchainMissing as missing:
        pytest.skip(str(missing))
