"""The console that the launcher always hands out: its descriptor, its two queues, and its output.

The descriptor page lies behind RAM, the rings behind it. A NOTIFY of a ring prints what waits in the output
ring, gives the buffers back and raises the ring's interrupt, unless the guest wants none. Nothing comes in.
The launcher ends with a line over a ring that makes no sense.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from vmirom.hypervisors.hypervisor import Console
from vmirom.hypervisors.lguest.death import BadNotify
from vmirom.machine.addresses import PAGE_SIZE
from vmirom.machine.memory import Memory
from vmirom.overlays import lguest as abi

__all__ = ["DEVICE_PAGES", "ConsoleDevice"]

_QUEUES: Final = 2
_OUTPUT: Final = 1
_HEAD: Final = int(abi.ffi.sizeof("struct lguest_device_desc"))
_STATUS: Final = int(abi.ffi.offsetof("struct lguest_device_desc", "status"))
_ENTRIES: Final = int(abi.Vring.ENTRIES)
_RING: Final = int(abi.Vring.PAGES) * PAGE_SIZE
_AVAILABLE: Final = int(abi.Vring.ALIGN)
_USED: Final = 2 * int(abi.Vring.ALIGN)
_NO_INTERRUPT: Final = 1
_MOST: Final = 1 << 20
"""Bytes printed for one NOTIFY; the real launcher prints all that a chain names, however often."""
DEVICE_PAGES: Final = 1 + _QUEUES * int(abi.Vring.PAGES)
"""That the launcher has handed out when the guest starts."""


class ConsoleDevice:
    """``ram`` is the gpa of the descriptor page, ``interrupt`` raises a virtual interrupt by number."""

    def __init__(self, memory: Memory, ram: int, console: Console, interrupt: Callable[[int], None]) -> None:
        self._memory = memory
        self._ram = ram
        self._console = console
        self._interrupt = interrupt
        self._last = 0
        self._room = 0
        self._put(ram, bytes((abi.DeviceType.CONSOLE, _QUEUES, 0, 0, 0)))
        for number in range(_QUEUES):
            words = _ENTRIES | (number + 1) << 16, self._ring(number) // PAGE_SIZE
            self._put(ram + _HEAD + 8 * number, b"".join(word.to_bytes(4, "little") for word in words))

    def notify(self, gpa: int) -> bool:
        """Whether ``gpa`` is the device's: its descriptor, where a status of 0 resets it, or a ring. Raises
        BadNotify where the launcher ends over it."""
        if gpa == self._ram:
            if not self._memory.read(self._ram + _STATUS, 1)[0]:
                self._put(self._ring(0), bytes(_QUEUES * _RING))
                self._last = 0
            return True
        if gpa not in (self._ring(number) for number in range(_QUEUES)):
            return False
        self._print()
        return True

    def _print(self) -> None:
        ring = self._ring(_OUTPUT)
        waiting = self._half(ring + _AVAILABLE + 2)
        if waiting == self._last:
            return
        if (waiting - self._last) & 0xFFFF > _ENTRIES:
            raise BadNotify(f"Guest moved used index from {self._last} to {waiting}")
        self._room = _MOST
        while waiting != self._last:
            head = self._half(ring + _AVAILABLE + 4 + 2 * (self._last % _ENTRIES))
            if head >= _ENTRIES:
                raise BadNotify(f"Guest says index {head} is available")
            self._print_chain(ring, head)
            used = self._half(ring + _USED + 2)
            self._put(ring + _USED + 4 + 8 * (used % _ENTRIES), head.to_bytes(8, "little"))
            self._put(ring + _USED + 2, ((used + 1) & 0xFFFF).to_bytes(2, "little"))
            self._last = (self._last + 1) & 0xFFFF
        if not self._half(ring + _AVAILABLE) & _NO_INTERRUPT:
            self._interrupt(_OUTPUT + 1)

    def _print_chain(self, ring: int, entry: int) -> None:
        for _ in range(_ENTRIES):
            at = ring + 16 * entry
            gpa = int.from_bytes(self._memory.read(at, 8), "little")
            length = int.from_bytes(self._memory.read(at + 8, 4), "little")
            flags = self._half(at + 12)
            if gpa + length > self._ring(_QUEUES):
                raise BadNotify(f"Invalid address {gpa:#x}")
            length = 0 if flags & abi.VringDescFlag.WRITE else min(length, self._room)
            self._room -= length
            if length:
                self._console(self._memory.read(gpa, length))
            if not flags & abi.VringDescFlag.NEXT:
                return
            entry = self._half(at + 14)
            if entry >= _ENTRIES:
                raise BadNotify(f"Desc next is {entry}")

    def _ring(self, number: int) -> int:
        return self._ram + PAGE_SIZE + number * _RING

    def _half(self, gpa: int) -> int:
        return int.from_bytes(self._memory.read(gpa, 2), "little")

    def _put(self, gpa: int, data: bytes) -> None:
        self._memory.write(gpa, data)
