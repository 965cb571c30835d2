"""System time, as the guest computes it from the time-stamp counter, and the wall clock.

System time is nanoseconds since the domain began. vcpu_time_info gives the guest a point (TSC, system time)
and the factor to go on from it; the version is odd while the structure changes. It is refreshed rarely, when
the virtual CPU is scheduled after a block and about once a second: a guest must extrapolate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from vmirom.hypervisors.xen.shared import SharedInfo
from vmirom.machine.engine import Engine
from vmirom.overlays.xen import ffi

__all__ = ["SECOND", "Clock", "time_scale"]

SECOND: Final = 1_000_000_000
_REFRESH: Final = SECOND
_SET: Final = SECOND // 10
"""A wall clock that is that far from where it was was set."""


def time_scale(hz: int) -> tuple[int, int]:
    """(tsc_to_system_mul, tsc_shift) for a counter of ``hz``: ns = ((ticks << shift) * mul) >> 32."""
    shift = 0
    while hz > 2 * SECOND:
        hz >>= 1
        shift -= 1
    while hz <= SECOND:
        hz <<= 1
        shift += 1
    return (SECOND << 32) // hz & 0xFFFFFFFF, shift


class Clock:
    """The domain's time; starts at zero when it is made."""

    def __init__(self, engine: Engine, shared: SharedInfo) -> None:
        self._engine = engine
        self._host = engine.clock
        self._shared = shared
        self.mul, self.shift = time_scale(engine.tsc_hz())
        self._origin = engine.tsc()
        self._stamp = 0
        self._wall = 0
        self.copy: Callable[[bytes], None] | None = None
        """Told the time info whenever it changes."""

    def now(self) -> int:
        """System time in ns."""
        return self._scale(self._engine.tsc() - self._origin)

    def _scale(self, ticks: int) -> int:
        shifted = ticks << self.shift if self.shift >= 0 else ticks >> -self.shift
        return shifted * self.mul >> 32

    def monotonic(self, system_time: int) -> int:
        """The time of the engine's clock at which system time reaches ``system_time``."""
        return self._host.now_ns() + system_time - self.now()

    def begin(self) -> None:
        """Fill in wall clock and time info for a domain that is about to start."""
        self._wall = self._host.wall_ns() - self.now()
        self._publish_wall()
        self.refresh()

    def _publish_wall(self) -> None:
        page: Any = self._shared.page
        page.wc_version = page.wc_version + 1 & 0xFFFFFFFF
        seconds, nanoseconds = divmod(self._wall, SECOND)
        page.wc_sec = seconds & 0xFFFFFFFF
        page.wc_nsec = nanoseconds
        page.wc_version = page.wc_version + 1 & 0xFFFFFFFF

    def _follow(self) -> None:
        """Where the host's wall clock was set (dom0 says so by XENPF_settime), the guest's is as well."""
        wall = self._host.wall_ns() - self.now()
        if abs(wall - self._wall) >= _SET:
            self._wall = wall
            self._publish_wall()

    def refresh(self) -> None:
        """Give the guest a new point to extrapolate from."""
        self._follow()
        tsc = self._engine.tsc()
        info: Any = self._shared.vcpu.time
        info.version = (info.version | 1) & 0xFFFFFFFF
        info.tsc_timestamp = tsc
        self._stamp = self._scale(tsc - self._origin)
        info.system_time = self._stamp
        info.tsc_to_system_mul = self.mul
        info.tsc_shift = self.shift
        info.version = (info.version + 1) & 0xFFFFFFFF
        if self.copy is not None:
            self.copy(bytes(ffi.buffer(ffi.addressof(info))))

    @property
    def stale_at(self) -> int:
        """System time at which the point given to the guest is old."""
        return self._stamp + _REFRESH

    def refresh_if_old(self, now: int) -> None:
        """Refresh about once a second."""
        if now - self._stamp >= _REFRESH:
            self.refresh()
