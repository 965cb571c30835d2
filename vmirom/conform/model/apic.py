"""The local APIC behind APICRead and APICWrite, as far as alarms and self-IPIs need it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from vmirom.conform.model.steps import ANYTHING, Expected
from vmirom.overlays.native import Apic as Register
from vmirom.overlays.native import ApicLvt, ApicSpurious

__all__ = ["Apic"]

_MASKED: Final = int(ApicLvt.MASKED)
_ENABLED: Final = int(ApicSpurious.ENABLED)


@dataclass
class Apic:
    """Registers by offset; ``requests`` are vectors that wait. The handler that is assumed ends each
    interrupt before it returns, so none stays in service."""

    registers: dict[int, int] = field(
        default_factory=lambda: {Register.TPR: 0, Register.SPURIOUS: 0x1FF, Register.LVTT: _MASKED | 0x45}
    )
    requests: set[int] = field(default_factory=set)

    def write(self, offset: int, value: int) -> None:
        """APICWrite."""
        if offset == Register.TPR:
            self.registers[offset] = value & 0xFF
        elif offset == Register.SPURIOUS:
            self.registers[offset] = value & 0x3FF
            if not value & _ENABLED:
                self.registers[Register.LVTT] |= _MASKED
        elif offset == Register.LVTT:
            off = not self.registers[Register.SPURIOUS] & _ENABLED
            self.registers[offset] = (value | (_MASKED if off else 0)) & 0x000307FF
        elif (
            offset == Register.ICR_LOW and value >> 18 & 3 == 1 and value >> 8 & 7 == 0 and value & 0xFF >= 16
        ):
            self.requests.add(value & 0xFF)

    def read(self, offset: int) -> Expected:
        """APICRead."""
        return Expected(self.registers[offset]) if offset in self.registers else ANYTHING

    def tick(self) -> None:
        """An alarm that is wired to LVTT has fired."""
        lvtt = self.registers[Register.LVTT]
        if not lvtt & _MASKED and lvtt & 0xFF >= 16:
            self.requests.add(lvtt & 0xFF)

    def acknowledge(self) -> int | None:
        """The highest vector above the task's priority, taken; None if there is none."""
        highest = max(self.requests, default=-1)
        if highest < 0 or highest >> 4 <= self.registers[Register.TPR] >> 4:
            return None
        self.requests.discard(highest)
        return highest
