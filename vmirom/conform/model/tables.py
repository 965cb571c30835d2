"""Descriptor tables and their registers: what was set is told back, what was written counts."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

from vmirom.conform.model.arena import FRAMES, GDT_LIMIT, GDTS, IDT_LIMIT, IDTS
from vmirom.conform.model.steps import ANYTHING, Expected

__all__ = ["SWAPPED", "Gate", "Tables"]

_GP: Final = 13
_NOT_PRESENT: Final = 11
SWAPPED: Final = (0, 5, 6, 16, 18, 19)
"""Vectors without an error code whose gates may be given to each other."""
_TRAP_GATES: Final = (3, 4, 0x80)


def operand(base: int, limit: int) -> bytes:
    """What SetGDT and SetIDT are pointed to."""
    return struct.pack("<HI", limit, base)


@dataclass(frozen=True, slots=True)
class Gate:
    """Which of the player's handlers a vector enters, and whether interrupts stay as they are."""

    vector: int
    trap: bool = False


@dataclass
class Tables:
    """The six-byte operands last set, the selectors, and what was written into the tables since they were as
    the player made them: descriptors by (table, entry), gates by (table, vector)."""

    gdt: bytes = operand(GDTS[0], GDT_LIMIT)
    idt: bytes = operand(IDTS[0], IDT_LIMIT)
    tr: int | None = None
    ldt: int | None = None
    descriptors: dict[tuple[int, int], int] = field(default_factory=dict)
    gates: dict[tuple[int, int], Gate] = field(default_factory=dict)

    @staticmethod
    def told(value: bytes) -> Expected:
        """GetGDT and GetIDT; the peek is where they store."""
        return Expected(peek=int.from_bytes(value, "little"), peek_mask=(1 << 48) - 1)

    @staticmethod
    def selector(value: int | None) -> Expected:
        """GetTR and GetLDT: 16 bits count."""
        return ANYTHING if value is None else Expected(value, mask=0xFFFF)

    def write(self, table: int, entry: int, low: int, high: int) -> Expected:
        """Any of the three Write*Entry calls; the peek is at the entry."""
        value = (high & 0xFFFFFFFF) << 32 | low & 0xFFFFFFFF
        if table in GDTS:
            self.descriptors[table, entry] = value
        return Expected(peek=value)

    def write_gate(self, table: int, vector: int, gate: Gate) -> None:
        """The player knows which handler a gate leads to."""
        self.gates[table, vector] = gate

    def gate(self, vector: int) -> Gate:
        """What a vector enters now."""
        table = struct.unpack_from("<I", self.idt, 2)[0]
        return self.gates.get((table, vector), Gate(vector, vector in _TRAP_GATES))

    def load(self, selector: int, words: list[int | None]) -> Expected:
        """A data segment register loaded at ring 3's privilege, its limit asked and its first word read;
        ``words`` are those of the frames. Intel SDM volume 3, 5.6 and 6.15."""
        limit, table = struct.unpack("<HI", self.gdt)
        entry = selector >> 3
        if 8 * entry + 7 > limit:
            return Expected(trap=_GP, error=selector & ~3)
        value = self.descriptors.get((table, entry), 0)
        kind = value >> 40 & 0xF
        code = bool(kind & 8)
        if not value >> 44 & 1 or (code and not kind & 2) or (value >> 45 & 3 != 3 and kind & 12 != 12):
            return Expected(trap=_GP, error=selector & ~3)
        if not value >> 47 & 1:
            return Expected(trap=_NOT_PRESENT, error=selector & ~3)
        size = value & 0xFFFF | value >> 32 & 0xF0000
        if value >> 55 & 1:
            size = size << 12 | 0xFFF
        base = value >> 16 & 0xFFFFFF | value >> 32 & 0xFF000000
        word = words[FRAMES.index(base)] if base in FRAMES else None
        return Expected(size, registers=() if word is None else (("edx", word),))
