"""Descriptor tables and their registers: what was set is told back, what was written stands in the table."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from vmirom.conform.model.steps import ANYTHING, Expected

__all__ = ["Tables"]


def entry_bytes(low: int, high: int) -> bytes:
    """A descriptor or gate as it stands in memory."""
    return struct.pack("<II", low & 0xFFFFFFFF, high & 0xFFFFFFFF)


@dataclass
class Tables:
    """The six-byte operands last set (None before), and the selectors."""

    gdt: bytes | None = None
    idt: bytes | None = None
    tr: int | None = None
    ldt: int | None = None

    def get_gdt(self, destination: int) -> Expected:
        """GetGDT."""
        return ANYTHING if self.gdt is None else Expected(stores={destination: self.gdt})

    def get_idt(self, destination: int) -> Expected:
        """GetIDT."""
        return ANYTHING if self.idt is None else Expected(stores={destination: self.idt})

    @staticmethod
    def write(table: int, entry: int, low: int, high: int) -> Expected:
        """Any of the three Write*Entry calls."""
        return Expected(stores={table + 8 * entry: entry_bytes(low, high)})

    @staticmethod
    def selector(value: int | None) -> Expected:
        """GetTR and GetLDT: 16 bits count."""
        return ANYTHING if value is None else Expected(value, mask=0xFFFF)
