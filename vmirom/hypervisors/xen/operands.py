"""General registers by their hardware number and width, for instructions that Xen carries out itself."""

from __future__ import annotations

from typing import Final

from vmirom.machine.engine import Engine

__all__ = ["REGISTERS", "read_register", "write_register"]

REGISTERS: Final = ("eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi")


def read_register(engine: Engine, number: int, size: int = 4) -> int:
    """Register ``number`` of ``size`` bytes; 4 to 7 are AH CH DH BH where ``size`` is 1."""
    if size == 1:
        value: int = getattr(engine, REGISTERS[number & 3])
        return value >> (8 if number & 4 else 0) & 0xFF
    value = getattr(engine, REGISTERS[number])
    return value & 0xFFFF if size == 2 else value


def write_register(engine: Engine, number: int, value: int, size: int = 4) -> None:
    """Write a register; a part of it leaves the rest alone."""
    name = REGISTERS[number & 3 if size == 1 else number]
    old: int = getattr(engine, name)
    if size == 1:
        shift = 8 if number & 4 else 0
        value = old & ~(0xFF << shift) | (value & 0xFF) << shift
    elif size == 2:
        value = old & ~0xFFFF | value & 0xFFFF
    setattr(engine, name, value & 0xFFFFFFFF)
