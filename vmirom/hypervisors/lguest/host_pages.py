"""Pages of the host: engine memory above the guest's limit, where shadow tables and the GDT live.

The guest can't name them: every frame number is checked against its limit before it enters a shadow.
"""

from __future__ import annotations

from vmirom.hypervisors.lguest.death import Killed
from vmirom.machine.addresses import PAGE_SIZE
from vmirom.machine.memory import Memory

__all__ = ["HostPages"]


class HostPages:
    """A free list over [start, end) of ``memory``, both page aligned."""

    def __init__(self, memory: Memory, start: int, end: int) -> None:
        self._memory = memory
        self._next = start
        self._end = end
        self._free: list[int] = []

    def take(self) -> int:
        """Address of a zeroed page. Raises Killed where the host has no memory left."""
        if self._free:
            page = self._free.pop()
            self._memory.raw[page : page + PAGE_SIZE] = bytes(PAGE_SIZE)
            return page
        if self._next >= self._end:
            raise Killed("out of memory allocating pte page")
        page = self._next
        self._next += PAGE_SIZE
        return page

    def give(self, page: int) -> None:
        """Take ``page`` back."""
        self._free.append(page)
