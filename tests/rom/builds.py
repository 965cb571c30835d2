"""ROMs built once for all tests of a run, by backend and toolchain."""

from __future__ import annotations

import pickle
from functools import cache
from pathlib import Path

import pytest

from tests.once import made_once
from vmirom.rom.build import BuiltRom, build_versions
from vmirom.rom.errors import ToolchainMissing
from vmirom.rom.toolchain import find_toolchain

__all__ = ["TOOLCHAINS", "built"]

TOOLCHAINS = ("zig", "gnu")


@cache
def _build(backend: str, toolchain: str) -> dict[str, BuiltRom]:
    """By version of the ABI: all of them cost hardly more than one."""
    tools = find_toolchain(toolchain)

    def make(folder: Path) -> None:
        (folder / "roms").write_bytes(pickle.dumps(build_versions(backend, toolchain=tools)))

    made = made_once(f"{backend}-{toolchain}", make) / "roms"
    roms: tuple[BuiltRom, ...] = pickle.loads(made.read_bytes())
    return {rom.abi: rom for rom in roms}


def built(backend: str, toolchain: str, abi: str = "3.1") -> BuiltRom:
    """The ROM with its symbols; the test is skipped where the toolchain is missing."""
    try:
        return _build(backend, toolchain)[abi]
    except ToolchainMissing as missing:
        pytest.skip(str(missing))
