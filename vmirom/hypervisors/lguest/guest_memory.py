"""The host's way into guest memory: every access by guest-physical address is checked, and a bad one kills.

The guest may name any address, RAM and device pages below the page limit are good. An access that ends
exactly at the limit is refused: the host asks for the page behind it.
"""

from __future__ import annotations

from typing import Final

from vmirom.hypervisors.lguest.death import Killed, c_hex
from vmirom.machine.addresses import PAGE_SHIFT
from vmirom.machine.memory import Memory

__all__ = ["GuestMemory"]

_LONGEST_STRING: Final = 1 << 20
"""Of one NOTIFY; the real launcher prints to the end of memory."""


class GuestMemory:
    """Guest memory below ``page_limit`` frames, which is less than what the engine has.

    ``ram`` is the size in bytes of RAM alone; device pages lie between it and the limit.
    """

    def __init__(self, memory: Memory, ram: int, page_limit: int) -> None:
        self._memory = memory
        self.ram = ram
        self.page_limit = page_limit
        self.limit = page_limit << PAGE_SHIFT
        self._last_end = self.limit - 1

    def inside(self, gpa: int, length: int) -> bool:
        """Whether the host accepts an access of ``length`` bytes at ``gpa``."""
        return gpa >= 0 and gpa + length <= self._last_end

    def read(self, gpa: int, length: int) -> bytes:
        """Bytes at ``gpa``. Raises Killed with ``bad read address``."""
        if not self.inside(gpa, length):
            raise Killed(f"bad read address {c_hex(gpa)} len {length}")
        return self._memory.read(gpa, length)

    def write(self, gpa: int, data: bytes) -> None:
        """Store ``data``; code there is forgotten. Raises Killed with ``bad write address``."""
        if not self.inside(gpa, len(data)):
            raise Killed(f"bad write address {c_hex(gpa)} len {len(data)}")
        self._memory.write(gpa, data)

    def entry(self, gpa: int, size: int) -> int:
        """A page-table entry of ``size`` bytes (4 or 8). Raises Killed."""
        if gpa < 0 or gpa + size > self._last_end:
            raise Killed(f"bad read address {c_hex(gpa)} len {size}")
        return self._memory.u32(gpa) if size == 4 else self._memory.u64(gpa)

    def put_entry(self, gpa: int, size: int, value: int) -> None:
        """Store a page-table entry of ``size`` bytes. Raises Killed."""
        if not self.inside(gpa, size):
            raise Killed(f"bad write address {c_hex(gpa)} len {size}")
        if size == 4:
            self._memory.put32(gpa, value)
        else:
            self._memory.put64(gpa, value)

    def c_string(self, gpa: int) -> bytes:
        """The NUL-terminated string at ``gpa`` below the limit, cut off there or after a MiB."""
        stop = min(self.limit, gpa + _LONGEST_STRING)
        end = self._memory.raw.find(b"\0", gpa, stop)
        return self._memory.read(gpa, (stop if end < 0 else end) - gpa)
