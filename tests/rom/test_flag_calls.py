"""The interrupt-flag calls of the deprivileged ROMs: short, memory only, no register but what they may."""

from __future__ import annotations

import capstone
import pytest

from tests.rom.builds import built
from vmirom.rom.build import BuiltRom

pytestmark = pytest.mark.toolchain

MOST = 4
"""Instructions besides the return, on the road that get_reloc answers at the usual alias."""
FLAG_CALLS = ("EnableInterrupts", "DisableInterrupts", "GetInterruptMask", "SetInterruptMask")


def roads(rom: BuiltRom, name: str) -> list[list[capstone.CsInsn]]:
    """Every way from the call's entry to a return within the routine; a conditional jump ends one way
    (to what delivers) unless it leads to another return nearby."""
    start = rom.symbols[f"fast_{name}"]
    decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_32)
    decoder.detail = True
    code = {each.address: each for each in decoder.disasm(rom.data[start : start + 96], start)}
    found: list[list[capstone.CsInsn]] = []
    waiting: list[tuple[int, list[capstone.CsInsn]]] = [(start, [])]
    while waiting:
        at, before = waiting.pop()
        each = code[at]
        if each.mnemonic == "ret":
            found.append(before)
        elif len(before) <= MOST:
            way = [*before, each]
            if each.group(capstone.CS_GRP_JUMP):
                target = int(each.op_str, 16)
                if target in code:
                    waiting.append((target, way))
            if each.mnemonic != "jmp":
                waiting.append((at + each.size, way))
    return found


@pytest.mark.parametrize("toolchain", ["zig", "gnu"])
@pytest.mark.parametrize("backend", ["xen", "lguest"])
@pytest.mark.parametrize("name", FLAG_CALLS)
def test_flag_calls_are_at_most_four_instructions_in_memory(backend: str, name: str, toolchain: str) -> None:
    rom = built(backend, toolchain)
    ways = roads(rom, name)
    assert ways and all(len(way) <= MOST for way in ways)
    for way in ways:
        for each in way:
            assert not each.group(capstone.CS_GRP_INT) and not each.group(capstone.CS_GRP_CALL)
            if "[" in each.op_str:
                assert "ss:[0x" in each.op_str, "an absolute address, through SS only"
