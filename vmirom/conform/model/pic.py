"""A pair of 8259s as a PC's kernel uses them: initialised, masked, read, ended; edges only.

Rotation, polling, special masks and half-made initialisations are left to the suite that compares the ROM's
pair with the device of the machine.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Chip", "Pair"]

_CASCADE = 2


@dataclass
class Chip:
    """One 8259. ``requests`` and ``service`` are its IRR and ISR."""

    base: int = 0
    mask: int = 0xFF
    requests: int = 0
    service: int = 0
    show_service: bool = False
    words: list[int] = field(default_factory=list)

    def command(self, value: int) -> None:
        """A write to the lower port: ICW1, or a command."""
        if value & 0x10:
            self.words = [value]
            self.mask = self.requests = self.service = 0
            self.show_service = False
        elif value & 0x08:
            if value & 0x02:
                self.show_service = bool(value & 0x01)
        elif value & 0xE0 == 0x20:
            self.service &= self.service - 1 if self.service else 0
        elif value & 0xE0 == 0x60:
            self.service &= ~(1 << (value & 7))

    def data(self, value: int) -> None:
        """A write to the upper port: the rest of an initialisation, or the mask."""
        if not self.words:
            self.mask = value
            return
        self.words.append(value)
        if len(self.words) == 2:
            self.base = value & 0xF8
        if len(self.words) == 3 + (self.words[0] & 1):
            self.words = []

    def open_line(self) -> int:
        """The line that would be served now, or -1: the lowest open one above what is in service."""
        for line in range(8):
            if self.service >> line & 1:
                return -1
            if self.requests & ~self.mask & 0xFF & 1 << line:
                return line
        return -1

    @property
    def shown(self) -> int:
        """What a read of the lower port gives."""
        return self.service if self.show_service else self.requests


@dataclass
class Pair:
    """Master at 20h, slave at A0h, cascaded on line 2."""

    master: Chip = field(default_factory=Chip)
    slave: Chip = field(default_factory=Chip)

    def out(self, port: int, value: int) -> None:
        """A byte written to one of the four ports."""
        chip = self.slave if port & 0x80 else self.master
        if port & 1:
            chip.data(value)
        else:
            chip.command(value)

    def read(self, port: int) -> int:
        """A byte read from one of the four ports."""
        chip = self.slave if port & 0x80 else self.master
        return chip.mask if port & 1 else chip.shown

    def edge(self, line: int) -> None:
        """A rising edge on a line of the master."""
        self.master.requests |= 1 << line

    def acknowledge(self) -> int | None:
        """Serve the open line; its vector, or None if there is none."""
        line = self.master.open_line()
        if line < 0 or line == _CASCADE:
            return None
        self.master.requests &= ~(1 << line)
        self.master.service |= 1 << line
        return self.master.base + line
