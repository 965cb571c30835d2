"""ROMs built once for all tests of a run, by backend and toolchain."""

from __future__ import annotations

import pickle
from functools import cache
from pathlib import Path

import pytest

from tests.once import made_once
from vmirom.rom.build import BuiltRom, backend_names, build_versions
from vmirom.rom.errors import ToolchainMissing
from vmirom.rom.image import load_rom
from vmirom.rom.toolchain import find_toolchain

__all__ = ["REBUILT", "TOOLCHAINS", "built", "image"]

TOOLCHAINS = ("zig", "gnu")
REBUILT = [
    pytest.param(name, marks=() if name in ("lguest", "xen") else pytest.mark.slow)
    for name in backend_names()
]
"""All backends; the first stage builds those of which it needs the symbols."""


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


def image(backend: str, toolchain: str) -> bytes:
    """The ROM's bytes. What zig makes is what is shipped (``test_build`` holds it so): nothing is built."""
    return load_rom(backend).data if toolchain == "zig" else built(backend, toolchain).data
