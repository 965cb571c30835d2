"""Control and debug registers."""

from __future__ import annotations

from dataclasses import dataclass, field

from vmirom.conform.model.steps import ANYTHING, Expected
from vmirom.overlays.native import Cr0, Cr4

__all__ = ["Control"]

_CR0_KEPT = int(Cr0.PE | Cr0.PG | Cr0.WP)
_CR4_KEPT = int(Cr4.PGE | Cr4.PSE | Cr4.PAE)
_TS = int(Cr0.TS)
DR_LIMIT = 0xF4000000
"""Addresses from here on may be the hypervisor's, and refused."""


@dataclass
class Control:
    """What is known of the registers; bits that were never told are in no mask."""

    cr2: int | None = None
    cr3: int | None = None
    ts: int | None = None
    cr4_on: int = 0
    debug: dict[int, int | None] = field(default_factory=dict)
    debug_kept: bool | None = None
    """Whether debug registers tell what they were given, or always 0: None before one has told."""

    def set_cr0(self, value: int) -> None:
        """TS is as given; PE, PG and WP are on and stay."""
        self.ts = value & _TS

    def get_cr0(self) -> Expected:
        """GetCR0: every guest is entered with PE, PG and WP on."""
        if self.ts is None:
            return Expected(_CR0_KEPT, mask=_CR0_KEPT)
        return Expected(_CR0_KEPT | self.ts, mask=_CR0_KEPT | _TS)

    def get_cr4(self) -> Expected:
        """GetCR4: what was seen on stays on."""
        return Expected(self.cr4_on, mask=self.cr4_on)

    def seen_cr4(self, value: int) -> None:
        """What GetCR4 did return."""
        self.cr4_on |= value & _CR4_KEPT

    def set_dr(self, number: int, value: int) -> None:
        """SetDR of an address register; what a hypervisor may refuse leaves it unknown."""
        if 0 <= number < 4:
            self.debug[number] = value if value < DR_LIMIT else None

    def get_dr(self, number: int) -> Expected:
        """GetDR: as given, or always 0."""
        value = self.debug.get(number)
        if value is None or not 0 <= number < 4:
            return Expected(0) if self.debug_kept is False and 0 <= number < 4 else ANYTHING
        if self.debug_kept is None:
            return Expected(among=(value, 0))
        return Expected(value if self.debug_kept else 0)

    def seen_dr(self, number: int, answer: int) -> None:
        """What GetDR did return."""
        if self.debug.get(number):
            self.debug_kept = answer != 0
