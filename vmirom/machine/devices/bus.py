"""The port bus: which device answers which port.

Ranges are claimed once and may not overlap. A device of byte registers sees a wider access as bytes at
consecutive ports, low byte first, as the ISA bus splits it; a *wide* claim gets the access whole. Where
nothing answers, reads give all ones and writes are lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Bus", "PortConflict"]

ByteRead = Callable[[int], int]
ByteWrite = Callable[[int, int], None]
WideRead = Callable[[int, int], int]
WideWrite = Callable[[int, int, int], None]


class PortConflict(Exception):
    """Two devices want the same port; the text names both."""


@dataclass(frozen=True, slots=True)
class _Bytes:
    name: str
    read: ByteRead
    write: ByteWrite


@dataclass(frozen=True, slots=True)
class _Wide:
    name: str
    read: WideRead
    write: WideWrite


class Bus:
    """Implements :class:`vmirom.machine.engine.Ports`."""

    def __init__(self) -> None:
        self._claims: dict[int, _Bytes | _Wide] = {}

    def claim(self, name: str, first: int, count: int, read: ByteRead, write: ByteWrite) -> None:
        """Give [first, first+count) to a device of byte registers: ``read(port)``, ``write(port, value)``.

        Raises PortConflict.
        """
        self._take(first, count, _Bytes(name, read, write))

    def claim_wide(self, name: str, first: int, count: int, read: WideRead, write: WideWrite) -> None:
        """Give [first, first+count) to a device that gets ``read(port, size)``, ``write(port, size, value)``.

        Raises PortConflict.
        """
        self._take(first, count, _Wide(name, read, write))

    def _take(self, first: int, count: int, claim: _Bytes | _Wide) -> None:
        for port in range(first, first + count):
            if port in self._claims:
                raise PortConflict(f"port {port:#x}: {claim.name} and {self._claims[port].name} both want it")
        self._claims.update(dict.fromkeys(range(first, first + count), claim))

    def port_in(self, port: int, size: int) -> int:
        """See :class:`vmirom.machine.engine.Ports`."""
        claim = self._claims.get(port)
        if isinstance(claim, _Wide):
            return claim.read(port, size) & (1 << 8 * size) - 1
        if size == 1:
            return claim.read(port) & 0xFF if claim is not None else 0xFF
        return sum(self.port_in(port + i, 1) << 8 * i for i in range(size))

    def port_out(self, port: int, size: int, value: int) -> None:
        """See :class:`vmirom.machine.engine.Ports`."""
        claim = self._claims.get(port)
        if isinstance(claim, _Wide):
            claim.write(port, size, value)
        elif size > 1:
            for i in range(size):
                self.port_out(port + i, 1, value >> 8 * i & 0xFF)
        elif claim is not None:
            claim.write(port, value)
