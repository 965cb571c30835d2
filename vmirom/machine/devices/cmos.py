"""The real-time clock and its CMOS memory: the host's time in UTC, BCD or binary, 12 or 24 hours, with the
update-in-progress bit; memory sizes; the shutdown byte and the other bytes as plain memory. Motorola
MC146818A data sheet. The clock's interrupts (alarm, periodic, update ended) are left out: status C stays 0.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable

from vmirom.machine.devices.bus import Bus
from vmirom.overlays.native import Cmos as Reg
from vmirom.overlays.native import CmosStatusA, CmosStatusB, CmosStatusD

__all__ = ["Cmos"]

_TIME = (Reg.SECONDS, Reg.MINUTES, Reg.HOURS, Reg.WEEKDAY, Reg.DAY, Reg.MONTH, Reg.YEAR, Reg.CENTURY)
_UPDATE_US = 244
_RATE = 0x26  # 32.768 kHz, 1024 Hz
_PM = 0x80


class Cmos:
    """``wall()`` is the host's time in UTC; ``memory`` is the machine's size in bytes."""

    def __init__(self, wall: Callable[[], datetime.datetime], memory: int) -> None:
        self._wall = wall
        self._offset = datetime.timedelta()
        self._index = 0
        self._bytes = bytearray(128)
        self._bytes[Reg.STATUS_A] = _RATE
        self._bytes[Reg.STATUS_B] = CmosStatusB.HOURS_24
        self._bytes[Reg.STATUS_D] = CmosStatusD.VALID
        extended = min(max(memory // 1024 - 1024, 0), 0xFFFF)
        high = min(max(memory - (16 << 20), 0) >> 16, 0xFFFF)
        sizes = ((Reg.BASE_MEMORY, 640), (Reg.EXTENDED_MEMORY, extended))
        for at, value in (*sizes, (Reg.EXTENDED_MEMORY_FOUND, extended), (Reg.HIGH_MEMORY, high)):
            self._bytes[at : at + 2] = value.to_bytes(2, "little")

    def attach(self, bus: Bus) -> None:
        """Claim the ports. Raises PortConflict."""
        bus.claim("CMOS", Reg.INDEX, 2, self._read, self._write)

    def _now(self) -> datetime.datetime:
        """The clock's time; behind the last second of 9999 comes the first of year 1."""
        wall = self._wall()
        try:
            return wall + self._offset
        except OverflowError:
            self._offset = datetime.datetime.min.replace(tzinfo=datetime.UTC) - wall
            return wall + self._offset

    @property
    def _setting(self) -> bool:
        return bool(self._bytes[Reg.STATUS_B] & CmosStatusB.SET)

    def _encode(self, value: int) -> int:
        return value if self._bytes[Reg.STATUS_B] & CmosStatusB.BINARY else value // 10 << 4 | value % 10

    def _decode(self, value: int) -> int:
        return value if self._bytes[Reg.STATUS_B] & CmosStatusB.BINARY else (value >> 4) * 10 + (value & 15)

    def _fields(self, now: datetime.datetime) -> dict[int, int]:
        hour = self._encode(now.hour)
        if not self._bytes[Reg.STATUS_B] & CmosStatusB.HOURS_24:
            hour = self._encode((now.hour + 11) % 12 + 1) | (_PM if now.hour >= 12 else 0)
        return {
            Reg.SECONDS: self._encode(now.second),
            Reg.MINUTES: self._encode(now.minute),
            Reg.HOURS: hour,
            Reg.WEEKDAY: self._encode(now.isoweekday() % 7 + 1),
            Reg.DAY: self._encode(now.day),
            Reg.MONTH: self._encode(now.month),
            Reg.YEAR: self._encode(now.year % 100),
            Reg.CENTURY: self._encode(now.year // 100),
        }

    def _read(self, port: int) -> int:
        if port == Reg.INDEX:
            return 0xFF
        if self._index in _TIME and not self._setting:
            return self._fields(self._now())[self._index]
        if self._index == Reg.STATUS_A:
            updating = not self._setting and self._now().microsecond >= 1_000_000 - _UPDATE_US
            return self._bytes[Reg.STATUS_A] | (CmosStatusA.UPDATING if updating else 0)
        return self._bytes[self._index]

    def _write(self, port: int, value: int) -> None:
        if port == Reg.INDEX:
            self._index = value & 0x7F
        elif self._index == Reg.STATUS_A:
            self._bytes[Reg.STATUS_A] = value & 0x7F
        elif self._index == Reg.STATUS_B:
            self._write_status_b(value)
        elif self._index in _TIME and not self._setting:
            held = self._fields(self._now())
            held[self._index] = value
            self._adopt(held)
        elif self._index not in (Reg.STATUS_C, Reg.STATUS_D):
            self._bytes[self._index] = value

    def _write_status_b(self, value: int) -> None:
        was_setting = self._setting
        if not was_setting and value & CmosStatusB.SET:
            for at, held in self._fields(self._now()).items():
                self._bytes[at] = held
        self._bytes[Reg.STATUS_B] = value
        if was_setting and not value & CmosStatusB.SET:
            self._adopt({at: self._bytes[at] for at in _TIME})

    def _adopt(self, fields: dict[int, int]) -> None:
        """Let the clock go on from ``fields``; a date that does not exist is ignored."""
        hour = self._decode(fields[Reg.HOURS] & ~_PM)
        if not self._bytes[Reg.STATUS_B] & CmosStatusB.HOURS_24:
            hour = hour % 12 + (12 if fields[Reg.HOURS] & _PM else 0)
        try:
            wanted = datetime.datetime(
                self._decode(fields[Reg.CENTURY]) * 100 + self._decode(fields[Reg.YEAR]),
                self._decode(fields[Reg.MONTH]),
                self._decode(fields[Reg.DAY]),
                hour,
                self._decode(fields[Reg.MINUTES]),
                self._decode(fields[Reg.SECONDS]),
                tzinfo=datetime.UTC,
            )
        except ValueError:
            return
        self._offset = wanted - self._wall()
