"""The 8259 pair of a PC: fifteen interrupt lines, edge or level triggered, priorities, all of the
operation words. Intel 8259A data sheet; the edge/level registers are those of the PIIX.

A rising edge is remembered until it is acknowledged; a level counts only while it lasts. An acknowledge
with nothing pending gives the spurious interrupt 7 of the chip that was asked.
"""

from __future__ import annotations

from vmirom.machine.devices.bus import Bus
from vmirom.overlays.native import Pic, PicIcw1, PicIcw4, PicOcw2, PicOcw3

__all__ = ["PicPair"]

_SPURIOUS = 7
_INIT = int(PicIcw1.INIT)
_OCW3 = int(PicOcw3.OCW3)
_ROTATE, _SPECIFIC, _EOI = int(PicOcw2.ROTATE), int(PicOcw2.SPECIFIC), int(PicOcw2.EOI)
_LEVEL_MASK = int(PicOcw2.LEVEL_MASK)
_CASCADE_IRQ = int(Pic.CASCADE_IRQ)
_SLAVE_COMMAND = int(Pic.SLAVE_COMMAND)


class _Chip:
    """One 8259A. ``slaves`` has a bit for each line that a slave hangs on."""

    def __init__(self, slaves: int, level_allowed: int) -> None:
        self.slaves = slaves
        self.level_allowed = level_allowed
        self.level = 0
        self.lines = 0
        self._reset()
        self.mask = 0
        self.vector = 0
        self.expected = 0

    def _reset(self) -> None:
        self.requests = 0
        self.serving = 0
        self.mask = 0
        self.lowest = 7
        self.expected = 0
        self.four = False
        self.single = False
        self.auto_eoi = False
        self.rotate_on_auto_eoi = False
        self.special_nested = False
        self.special_mask = False
        self.read_serving = False
        self.polling = False

    def set_line(self, line: int, level: bool) -> None:
        bit = 1 << line
        if self.level & bit:
            self.requests = self.requests | bit if level else self.requests & ~bit
        elif level and not self.lines & bit:
            self.requests |= bit
        self.lines = self.lines | bit if level else self.lines & ~bit

    def _rank(self, bits: int) -> int:
        """Priority of the best of ``bits``: 0 is highest, 8 means none."""
        if not bits:
            return 8
        for rank in range(8):
            if bits >> (rank + self.lowest + 1 & 7) & 1:
                return rank
        return 8

    def next(self) -> int | None:
        """The line to serve now, or None."""
        waiting = self.requests & ~self.mask
        if not waiting:
            return None
        best = self._rank(waiting)
        serving = self.serving
        if self.special_mask:
            serving &= ~self.mask
        if self.special_nested:
            serving &= ~self.slaves
        if self._rank(serving) <= best:
            return None
        return best + self.lowest + 1 & 7

    def acknowledge(self, line: int) -> None:
        bit = 1 << line
        if not self.level & bit:
            self.requests &= ~bit
        if not self.auto_eoi:
            self.serving |= bit
        elif self.rotate_on_auto_eoi:
            self.lowest = line

    def read_command(self) -> int:
        if self.polling:
            self.polling = False
            line = self.next()
            if line is None:
                return 0
            self.acknowledge(line)
            return 0x80 | line
        return self.serving if self.read_serving else self.requests

    def read_data(self) -> int:
        return self.mask

    def write_command(self, value: int) -> None:
        if value & _INIT:
            self._initialise(value)
        elif value & _OCW3:
            self._operation_3(value)
        else:
            self._operation_2(value)

    def _initialise(self, value: int) -> None:
        self._reset()
        self.single = bool(value & PicIcw1.SINGLE)
        self.four = bool(value & PicIcw1.ICW4)
        self.expected = 2

    def _operation_3(self, value: int) -> None:
        if value & PicOcw3.POLL:
            self.polling = True
        if value & PicOcw3.RR:
            self.read_serving = bool(value & PicOcw3.RIS)
        if value & PicOcw3.ESMM:
            self.special_mask = bool(value & PicOcw3.SMM)

    def _operation_2(self, value: int) -> None:
        rotate, specific = bool(value & _ROTATE), bool(value & _SPECIFIC)
        line = value & _LEVEL_MASK
        if not value & _EOI:
            if specific:
                if rotate:
                    self.lowest = line
            else:
                self.rotate_on_auto_eoi = rotate
            return
        if not specific:
            rank = self._rank(self.serving)
            if rank == 8:
                return
            line = rank + self.lowest + 1 & 7
        self.serving &= ~(1 << line)
        if rotate:
            self.lowest = line

    def write_data(self, value: int) -> None:
        if self.expected == 0:
            self.mask = value
        elif self.expected == 2:
            self.vector = value & 0xF8
            self.expected = (4 if self.four else 0) if self.single else 3
        elif self.expected == 3:
            self.expected = 4 if self.four else 0
        else:
            self.auto_eoi = bool(value & PicIcw4.AUTO_EOI)
            self.special_nested = bool(value & PicIcw4.SPECIAL_NESTED)
            self.expected = 0


class PicPair:
    """Master and slave, wired as in a PC. Starts uninitialised with every line masked off by nobody, as
    after reset: a guest programs it before it enables interrupts."""

    def __init__(self) -> None:
        self._master = _Chip(1 << Pic.CASCADE_IRQ, 0xF8)
        self._slave = _Chip(0, 0xDE)
        self._master.mask = self._slave.mask = 0xFF

    def attach(self, bus: Bus) -> None:
        """Claim the ports. Raises PortConflict."""
        bus.claim("8259 master", Pic.MASTER_COMMAND, 2, self._read, self._write)
        bus.claim("8259 slave", Pic.SLAVE_COMMAND, 2, self._read, self._write)
        bus.claim("8259 level", Pic.MASTER_ELCR, 2, self._read_level, self._write_level)

    def set_line(self, irq: int, level: bool) -> None:
        """Drive one of the lines 0 to 15."""
        if irq < 8:
            self._master.set_line(irq, level)
        else:
            self._slave.set_line(irq - 8, level)
        self._cascade()

    def _cascade(self) -> None:
        """The slave's output drives the master's line 2, which behaves as a level."""
        wanted = self._slave.next() is not None
        self._master.set_line(_CASCADE_IRQ, wanted)
        if not wanted:
            self._master.requests &= ~(1 << _CASCADE_IRQ)

    @property
    def pending(self) -> bool:
        """Whether INTR is raised."""
        return self._master.next() is not None

    def acknowledge(self) -> int:
        """The vector, as the processor's acknowledge cycle gets it."""
        line = self._master.next()
        if line is None:
            return self._master.vector + _SPURIOUS
        self._master.acknowledge(line)
        if line != Pic.CASCADE_IRQ:
            return self._master.vector + line
        inner = self._slave.next()
        if inner is None:
            return self._slave.vector + _SPURIOUS
        self._slave.acknowledge(inner)
        self._cascade()
        return self._slave.vector + inner

    def _chip(self, port: int) -> _Chip:
        return self._master if port < _SLAVE_COMMAND else self._slave

    def _read(self, port: int) -> int:
        chip = self._chip(port)
        value = chip.read_data() if port & 1 else chip.read_command()
        self._cascade()
        return value

    def _write(self, port: int, value: int) -> None:
        chip = self._chip(port)
        if port & 1:
            chip.write_data(value)
        else:
            chip.write_command(value)
        self._cascade()

    def _level_chip(self, port: int) -> _Chip:
        return self._master if port == Pic.MASTER_ELCR else self._slave

    def _read_level(self, port: int) -> int:
        return self._level_chip(port).level

    def _write_level(self, port: int, value: int) -> None:
        chip = self._level_chip(port)
        chip.level = value & chip.level_allowed
