"""kvmclock and steal time: what the host writes into the guest's memory.

The clock counts ns since the machine was made and is derived from the TSC alone, by the very
multiplication that the guest uses, so that it never steps back when it is published anew. Every
structure is written under its version: odd while it changes, even when it is whole.

Stolen time is the time that the virtual CPU could have run and the host did something else: from the
end of a run to the beginning of the next, halts left out. It is published before the guest goes on, so
that the guest sees the clock and the stolen time jump together, and their difference never steps back.
"""

from __future__ import annotations

from typing import Any, Final

from vmirom.machine.clock import Clock
from vmirom.machine.engine import Engine
from vmirom.machine.memory import BadAddress, Memory
from vmirom.overlays.kvm import ClockFlag, MsrFlag, ffi

__all__ = ["StealTime", "SystemTime", "scale"]

_SECOND: Final = 1_000_000_000
_REPUBLISH_NS: Final = _SECOND
_U32: Final = 0xFFFFFFFF
_STEAL_ALIGN: Final = 64
_ENABLED: Final = int(MsrFlag.ENABLED)


def scale(hz: int) -> tuple[int, int]:
    """(mul, shift) such that ns = (ticks shifted left by shift, or right by -shift) * mul >> 32."""
    shift = 0
    rate = hz
    while rate > 2 * _SECOND or rate > _U32:
        rate >>= 1
        shift -= 1
    target = _SECOND
    while rate <= target:
        rate <<= 1
        shift += 1
    return (target << 32) // rate, shift


class SystemTime:
    """The system time and wall clock of one machine; ``stable`` sets TSC_STABLE."""

    def __init__(self, engine: Engine, stable: bool) -> None:
        self._engine = engine
        self._clock = engine.clock
        self._memory: Memory = engine.memory
        self._flags = int(ClockFlag.TSC_STABLE) if stable else 0
        self._mul, self._shift = scale(engine.tsc_hz())
        self._start = engine.tsc()
        self._published_ns = 0
        self.system = 0
        """The system-time MSR as it was written."""
        self.wall = 0
        """The wall-clock MSR as it was written."""

    def at(self, tsc: int) -> int:
        """The system time, ns, at a TSC value."""
        ticks = tsc - self._start
        ticks = ticks << self._shift if self._shift >= 0 else ticks >> -self._shift
        return ticks * self._mul >> 32

    def enable(self, value: int) -> bool:
        """WRMSR of the system time; the answer tells whether the address is memory."""
        self.system = value
        return self._publish() if value & _ENABLED else True

    def refresh(self) -> None:
        """Publish again once a second, as KVM does now and then."""
        if self.system & _ENABLED and self._clock.now_ns() - self._published_ns >= _REPUBLISH_NS:
            self._publish()

    def _publish(self) -> bool:
        self._published_ns = self._clock.now_ns()
        gpa = self.system & ~_ENABLED
        try:
            info: Any = self._memory.view(gpa, ffi, "struct pvclock_vcpu_time_info")
        except BadAddress:
            return False
        tsc = self._engine.tsc()
        info.version = (info.version | 1) & _U32
        info.tsc_timestamp = tsc
        info.system_time = self.at(tsc)
        info.tsc_to_system_mul = self._mul
        info.tsc_shift = self._shift
        info.flags = self._flags | info.flags & ClockFlag.GUEST_STOPPED
        info.pad0 = bytes(4)
        info.pad = bytes(2)
        info.version = info.version + 1 & _U32
        return True

    def write_wall(self, value: int) -> bool:
        """WRMSR of the wall clock: the time at boot is stored once, at once."""
        self.wall = value
        try:
            wall: Any = self._memory.view(value, ffi, "struct pvclock_wall_clock")
        except BadAddress:
            return False
        boot = self._clock.wall_ns() - self.at(self._engine.tsc())
        wall.version = wall.version + 1 + (wall.version & 1) & _U32  # what was odd is taken for rubbish
        wall.sec, wall.nsec = boot // _SECOND & _U32, boot % _SECOND
        wall.version = wall.version + 1 & _U32
        return True


class StealTime:
    """Stolen time of the one virtual CPU."""

    RESERVED: Final = _STEAL_ALIGN - 2
    """Bits of the MSR that must be 0."""

    def __init__(self, memory: Memory, clock: Clock) -> None:
        self._memory = memory
        self._clock = clock
        self.value = 0
        """The MSR as it was written."""
        self.stolen_ns = 0
        self._published = -1
        self._left = 0

    def enable(self, value: int) -> bool:
        """WRMSR; False if a reserved bit is set. The record is whole before the guest goes on."""
        if value & self.RESERVED:
            return False
        self.value = value
        self._published = -1
        self.entering()
        return True

    def entering(self) -> None:
        """The virtual CPU is about to run."""
        if not self.value & _ENABLED:
            return
        if self._left:
            self.stolen_ns += self._clock.now_ns() - self._left
        if self.stolen_ns != self._published:
            self._publish()

    def left(self) -> None:
        """The virtual CPU has run, or has been woken from a halt."""
        self._left = self._clock.now_ns()

    def _publish(self) -> None:
        self._published = self.stolen_ns
        try:
            gpa = self.value & ~(_STEAL_ALIGN - 1)
            record: Any = self._memory.view(gpa, ffi, "struct kvm_steal_time")
        except BadAddress:
            return
        record.version = (record.version | 1) & _U32
        record.steal = self.stolen_ns
        record.preempted = 0
        record.version = record.version + 1 & _U32
