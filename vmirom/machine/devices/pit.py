"""The 8254: three counters at 1.193182 MHz, modes 0 to 5, binary and BCD, latch and read-back; and port
0x61, where counter 2's gate and output are. Intel 8254 data sheet.

Nothing ticks: a counter knows when it was loaded and works out its value and its output from the clock.
Counter 0 drives IRQ 0; :meth:`Pit.advance` raises it for the edges since the last look, and edges that
nobody had time to serve fall together, as on the real interrupt controller.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from vmirom.machine.devices.bus import Bus
from vmirom.overlays.native import Pit as Port
from vmirom.overlays.native import PitCommand, PitStatus, Speaker

__all__ = ["Pit"]

_SECOND: Final = 1_000_000_000
_ACCESS_LATCH, _ACCESS_LOW, _ACCESS_HIGH, _ACCESS_BOTH = 0, 1, 2, 3
_COMMAND, _CHANNEL0 = int(Port.COMMAND), int(Port.CHANNEL0)
_READ_BACK, _BCD = int(PitCommand.READ_BACK), int(PitCommand.BCD)
_REFRESH, _OUT = int(Speaker.REFRESH), int(Speaker.OUT)
_REFRESH_NS: Final = 15_085


class _Counter:
    """One counter. Times are in ns of the clock that is passed in."""

    def __init__(self) -> None:
        self.mode = 3
        self.access = _ACCESS_BOTH
        self.bcd = False
        self.gate = True
        self.count = 0x10000
        self.started: int | None = None
        """When the counter began on ``count``; None while it waits for a count or a trigger."""
        self.held: int | None = None
        """Ticks already counted, while the gate holds the counter."""
        self.following: int | None = None
        self.null = True
        self.low: int | None = None
        self.high_next = False
        self.latched: int | None = None
        self.status: int | None = None
        self.seen = 0

    def control(self, value: int) -> None:
        """A control word other than a latch command."""
        self.access = value >> 4 & 3
        mode = value >> 1 & 7
        self.mode = mode & 3 if mode > 5 else mode
        self.bcd = bool(value & _BCD)
        self.started = self.held = self.following = self.low = self.latched = self.status = None
        self.high_next = False
        self.null = True
        self.seen = 0

    def ticks(self, now: int) -> int:
        """Counted since ``started``."""
        if self.held is not None:
            return self.held
        return 0 if self.started is None else (now - self.started) * Port.HZ // _SECOND

    def settle(self, now: int) -> None:
        """Take over a count that was written during a period of modes 2 and 3."""
        if self.following is not None and self.started is not None and self.ticks(now) >= self.count:
            self.started += -(-self.count * _SECOND // Port.HZ)
            self.count, self.following = self.following, None
            self.seen = 0
            self.null = False

    def load(self, raw: int, now: int) -> None:
        """A whole count has been written."""
        modulus = 10_000 if self.bcd else 0x10000
        value = _from_bcd(raw) if self.bcd else raw
        value = value or modulus
        if self.mode in (2, 3) and self.started is not None:
            self.settle(now)
            self.following = value
            self.null = True
            return
        self.count = value
        self.seen = 0
        self.null = False
        self.held = None
        if self.mode in (1, 5):
            self.null = True
            self.started = None
            return
        self.started = now
        if not self.gate:
            self.held = 0

    def set_gate(self, gate: bool, now: int) -> None:
        """The gate input; always high on counters 0 and 1."""
        rising, falling = gate and not self.gate, self.gate and not gate
        self.gate = gate
        if self.mode in (0, 4):
            if falling and self.started is not None:
                self.held = self.ticks(now)
            elif rising and self.held is not None:
                self.started, self.held = now - self.held * _SECOND // Port.HZ, None
        elif self.mode in (2, 3):
            if falling and self.started is not None:
                self.held = 0
            elif rising and self.held is not None:
                self.started, self.held = now, None
        elif rising:
            self.started, self.null, self.seen = now, False, 0

    def output(self, now: int) -> bool:
        """The OUT pin."""
        self.settle(now)
        ticks = self.ticks(now)
        if self.mode == 0:
            return self.started is not None and ticks >= self.count
        if self.mode == 1:
            return self.started is None or ticks >= self.count
        if self.started is None or (self.held is not None and self.mode in (2, 3)):
            return True
        if self.mode == 2:
            return ticks % self.count != self.count - 1
        if self.mode == 3:
            return ticks % self.count < (self.count + 1) // 2
        return ticks != self.count

    def value(self, now: int) -> int:
        """What the counting element holds, as the guest reads it."""
        self.settle(now)
        ticks = self.ticks(now)
        modulus = 10_000 if self.bcd else 0x10000
        if self.started is None:
            left = self.count
        elif self.mode == 2:
            left = self.count - ticks % self.count
        elif self.mode == 3:
            left = self.count - 2 * ticks % self.count
        else:
            left = self.count - ticks
        left %= modulus
        return _to_bcd(left) if self.bcd else left

    def edges(self, now: int) -> int:
        """Rising edges of OUT since the count was loaded."""
        self.settle(now)
        if self.started is None or (self.held is not None and self.mode in (2, 3)):
            return 0
        ticks = self.ticks(now)
        if self.mode in (2, 3):
            return ticks // self.count
        return int(ticks >= self.count + (1 if self.mode >= 4 else 0))

    def next_edge(self, now: int) -> int | None:
        """When OUT rises next, or None if it never will by itself."""
        self.settle(now)
        if self.started is None or self.held is not None:
            return None
        if self.mode in (2, 3):
            ticks = (self.ticks(now) // self.count + 1) * self.count
        else:
            ticks = self.count + (1 if self.mode >= 4 else 0)
            if self.ticks(now) >= ticks:
                return None
        return self.started + -(-ticks * _SECOND // Port.HZ)

    # the data port

    def write(self, value: int, now: int) -> None:
        if self.access == _ACCESS_LOW:
            self.load(value, now)
        elif self.access == _ACCESS_HIGH:
            self.load(value << 8, now)
        elif self.low is None:
            self.low = value
            if self.mode == 0:  # the first byte of two stops the count
                self.started = None
        else:
            self.load(value << 8 | self.low, now)
            self.low = None

    def read(self, now: int) -> int:
        if self.status is not None:
            status, self.status = self.status, None
            return status
        value = self.latched if self.latched is not None else self.value(now)
        if self.access == _ACCESS_LOW:
            self.latched = None
            return value & 0xFF
        if self.access == _ACCESS_HIGH:
            self.latched = None
            return value >> 8
        if self.high_next:
            self.latched = None
        self.high_next = not self.high_next
        return value & 0xFF if self.high_next else value >> 8

    def latch(self, now: int) -> None:
        if self.latched is None:
            self.latched = self.value(now)

    def latch_status(self, now: int) -> None:
        if self.status is None:
            out = PitStatus.OUT if self.output(now) else 0
            null = PitStatus.NULL_COUNT if self.null else 0
            self.status = out | null | self.access << 4 | self.mode << 1 | int(self.bcd)


def _from_bcd(value: int) -> int:
    return sum((value >> 4 * i & 15) * 10**i for i in range(4))


def _to_bcd(value: int) -> int:
    return sum(value // 10**i % 10 << 4 * i for i in range(4))


class Pit:
    """The chip. ``clock()`` is monotonic ns; ``raise_irq(level)`` drives IRQ 0."""

    def __init__(self, clock: Callable[[], int], raise_irq: Callable[[bool], None]) -> None:
        self._clock = clock
        self._raise_irq = raise_irq
        self._counters = (_Counter(), _Counter(), _Counter())
        self._speaker = 0
        self._counters[2].gate = False
        self._due: int | None = None
        self._due_known = False

    def attach(self, bus: Bus) -> None:
        """Claim the ports. Raises PortConflict."""
        bus.claim("8254", Port.CHANNEL0, 4, self._read, self._write)
        bus.claim("speaker", Port.SPEAKER, 1, self._read_speaker, self._write_speaker)

    def next_event(self) -> int | None:
        """When :meth:`advance` will have something to do; a time that has passed, if an edge has that it has
        not seen. Worked out once for each edge and each access, since every port access of a guest asks."""
        if not self._due_known:
            counter, now = self._counters[0], self._clock()
            self._due = now if counter.edges(now) > counter.seen else counter.next_edge(now)
            self._due_known = True
        return self._due

    def advance(self) -> None:
        """Raise IRQ 0 if counter 0 has had a rising edge since the last look."""
        due = self._due if self._due_known else self.next_event()
        if due is None or (now := self._clock()) < due:
            return
        self._due_known = False
        counter = self._counters[0]
        edges = counter.edges(now)
        if edges > counter.seen:
            counter.seen = edges
            self._raise_irq(False)
            self._raise_irq(True)

    def _read(self, port: int) -> int:
        self._due_known = False
        if port == _COMMAND:
            return 0xFF
        return self._counters[port - _CHANNEL0].read(self._clock())

    def _write(self, port: int, value: int) -> None:
        now = self._clock()
        self.advance()
        self._due_known = False
        if port != _COMMAND:
            self._counters[port - _CHANNEL0].write(value, now)
        elif value & _READ_BACK == _READ_BACK:
            self._read_back(value, now)
        elif value >> 4 & 3 == _ACCESS_LATCH:
            self._counters[value >> 6].latch(now)
        else:
            self._counters[value >> 6].control(value)
            if value >> 6 == 0 and self._counters[0].mode == 0:
                self._raise_irq(False)

    def _read_back(self, value: int, now: int) -> None:
        for index, counter in enumerate(self._counters):
            if value >> index + 1 & 1:
                if not value & PitCommand.READ_BACK_NO_COUNT:
                    counter.latch(now)
                if not value & PitCommand.READ_BACK_NO_STATUS:
                    counter.latch_status(now)

    def _read_speaker(self, _port: int) -> int:
        now = self._clock()
        refresh = _REFRESH if now // _REFRESH_NS & 1 else 0
        out = _OUT if self._counters[2].output(now) else 0
        return self._speaker | refresh | out

    def _write_speaker(self, _port: int, value: int) -> None:
        self._speaker = value & (Speaker.GATE | Speaker.DATA)
        self._counters[2].set_gate(bool(value & Speaker.GATE), self._clock())
