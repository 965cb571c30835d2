"""Physical memory as the processor sees it: what is mapped, what is read-only, what is an open bus.

Memory is the host's own, mapped without copying. Host stores never reach translated code by themselves: the
gate to guest memory tells of them, and the code there is dropped.
"""

from __future__ import annotations

import ctypes
import itertools
from typing import Final

from vmirom.machine.addresses import PAGE_SIZE
from vmirom.machine.memory import Memory
from vmirom.machine.unicorn.state import State

__all__ = ["PhysicalMemory"]

_PROT_RX: Final = 5
_PROT_ALL: Final = 7


class PhysicalMemory(State):
    """The part of the engine that maps guest memory into the processor."""

    memory: Memory
    _closed: bool
    _tb_flush: int
    _tlb_flush: int

    def _map_memory(self) -> None:
        """Give the processor all of memory. To be called once."""
        memory, machine = self.memory, self.machine
        self._pin = ctypes.c_char.from_buffer(memory.raw)
        self._ram = ctypes.addressof(self._pin)
        machine.check(
            machine.c.uc_mem_map_ptr(machine.handle, 0, memory.size, _PROT_ALL, self._ram), "memory"
        )
        self._extents: list[tuple[int, int]] = [(0, memory.size)]
        self._blocks: list[tuple[int, int, int]] = []
        self._map_blocks()
        memory.on_write = self._on_memory_write

    def _unmap_memory(self) -> None:
        """Let go of it, when the processor has gone."""
        self.memory.on_write = None
        del self._pin

    def _map_blocks(self) -> None:
        """Where each mapped extent lies in QEMU's own RAM addresses, by which code is invalidated."""
        address = self.machine.library.ram_address
        self._blocks = []
        if address is not None and self.machine.library.invalidate is not None:
            for start, end in self._extents:
                self._blocks.append((start, end, address(self.machine.handle, self._ram + start) - start))

    def _on_memory_write(self, gpa: int, length: int) -> None:
        """Host stores never reach translated code by themselves."""
        if self._closed or not length:
            return
        invalidate = self.machine.library.invalidate
        if invalidate is None or not self._blocks:
            self.machine.control(self._tb_flush)
            return
        for start, end, shift in self._blocks:
            first, last = max(gpa, start), min(gpa + length, end)
            if first < last:
                invalidate(self.machine.handle, first + shift, last + shift)

    def _carve(self, gpa: int, length: int) -> None:
        """Make [gpa, gpa+length) an extent of its own."""
        if gpa % PAGE_SIZE or length % PAGE_SIZE or length <= 0:
            raise ValueError(f"[{gpa:#x}, +{length:#x}) is not whole pages")
        self.memory.check(gpa, length)
        cut: list[tuple[int, int]] = []
        for start, end in self._extents:
            marks = sorted({start, end} | {m for m in (gpa, gpa + length) if start < m < end})
            cut.extend(itertools.pairwise(marks))
        self._extents = cut

    def _remap(self) -> None:
        self._map_blocks()
        self.machine.control(self._tb_flush)
        self.flush_tlb()

    def protect(self, gpa: int, length: int) -> None:
        """See :class:`vmirom.machine.engine.Engine`."""
        self._set_protection(gpa, length, _PROT_RX)

    def unprotect(self, gpa: int, length: int) -> None:
        """See :class:`vmirom.machine.engine.Engine`."""
        self._set_protection(gpa, length, _PROT_ALL)

    def _set_protection(self, gpa: int, length: int, protection: int) -> None:
        self._carve(gpa, length)
        c = self.machine.c
        self.machine.check(c.uc_mem_protect(self.machine.handle, gpa, length, protection), "protection")
        self._remap()

    def unmap(self, gpa: int, length: int) -> None:
        """See :class:`vmirom.machine.engine.Engine`."""
        self._carve(gpa, length)
        c = self.machine.c
        for start, end in self._extents:
            if gpa <= start and end <= gpa + length:
                self.machine.check(c.uc_mem_unmap(self.machine.handle, start, end - start), "unmapping")
        self._extents = [e for e in self._extents if not (gpa <= e[0] and e[1] <= gpa + length)]
        self._remap()

    def open_bus(self, gpa: int, length: int) -> None:
        """Let the guest read all ones from unmapped [gpa, gpa+length) and forget its writes, instead of
        reporting Stray; whole pages that are not memory (any more)."""
        self.machine.open_bus(gpa, length)
        self._remap()

    def flush_tlb(self) -> None:
        """See :class:`vmirom.machine.engine.Engine`."""
        self.machine.control(self._tlb_flush)
