"""The devices of a PC on one bus, with one clock and one interrupt line to the processor."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable

from vmirom.machine.devices.bridge import HostBridge
from vmirom.machine.devices.bus import Bus
from vmirom.machine.devices.cmos import Cmos
from vmirom.machine.devices.pic import PicPair
from vmirom.machine.devices.pit import Pit
from vmirom.machine.devices.power import KeyboardController, Power, Request
from vmirom.machine.devices.uart import Uart
from vmirom.overlays.native import Pit as PitPort
from vmirom.overlays.native import Uart as UartRegister

__all__ = ["Devices"]


def _utc() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class Devices:
    """Interrupt controllers, timer, serial console, clock, keyboard controller and ways out.

    ``clock()`` is monotonic ns, ``wall()`` the time in UTC, ``ask`` gets what the guest wants of the
    machine, ``unlock(half, writable)`` is told what of the option ROMs' area can be written. ``bus`` is the
    Ports to give to the engine.
    """

    def __init__(
        self,
        memory: int,
        console: Callable[[bytes], None],
        ask: Callable[[Request], None],
        clock: Callable[[], int] = time.monotonic_ns,
        wall: Callable[[], datetime.datetime] = _utc,
        unlock: Callable[[int, bool], None] = lambda half, writable: None,
    ) -> None:
        self.bus = Bus()
        self.pic = PicPair()
        self.pit = Pit(clock, lambda level: self.pic.set_line(PitPort.IRQ, level))
        self.uart = Uart(console, lambda level: self.pic.set_line(UartRegister.IRQ, level))
        self.cmos = Cmos(wall, memory)
        self.keyboard = KeyboardController(ask)
        self.power = Power(ask, clock)
        self.bridge = HostBridge(unlock)
        for device in (self.pic, self.pit, self.uart, self.cmos, self.keyboard, self.power, self.bridge):
            device.attach(self.bus)
        self.advance = self.pit.advance
        """Bring the timer up to date."""
        self.next_event = self.pit.next_event
        """The clock value at which :attr:`advance` will have something to do, or None."""

    @property
    def pending(self) -> bool:
        """Whether the processor's interrupt line is raised."""
        return self.pic.pending

    def acknowledge(self) -> int:
        """The vector to deliver."""
        return self.pic.acknowledge()
