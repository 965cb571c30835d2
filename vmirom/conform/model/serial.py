"""A 16550 that nobody types at: registers that keep what they are given, and a transmitter that is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from vmirom.conform.model.steps import ANYTHING, Expected

__all__ = ["PORTS", "Serial"]

PORTS: Final = range(0x3F8, 0x400)
_DATA, _IER, _LCR, _MCR, _LSR, _SCRATCH = 0, 1, 3, 4, 5, 7
_DLAB: Final = 0x80
_EMPTY: Final = 0x60


@dataclass
class Serial:
    """Registers by offset, as far as they were written."""

    line: int | None = None
    divisor: dict[int, int] = field(default_factory=dict)
    kept: dict[int, int] = field(default_factory=dict)

    def out(self, offset: int, value: int) -> None:
        """A byte written."""
        if offset == _LCR:
            self.line = value
        elif offset in (_DATA, _IER) and self.line is not None and self.line & _DLAB:
            self.divisor[offset] = value
        elif offset == _MCR:
            self.kept[offset] = value & 0x1F
        elif offset == _SCRATCH:
            self.kept[offset] = value

    def read(self, offset: int) -> Expected:
        """A byte read."""
        if offset == _LCR and self.line is not None:
            return Expected(self.line, mask=0xFF)
        if offset == _LSR:
            return Expected(_EMPTY, mask=_EMPTY)
        if offset in (_DATA, _IER):
            latch = self.line is not None and self.line & _DLAB
            return Expected(self.divisor[offset], mask=0xFF) if latch and offset in self.divisor else ANYTHING
        return Expected(self.kept[offset], mask=0xFF) if offset in self.kept else ANYTHING
