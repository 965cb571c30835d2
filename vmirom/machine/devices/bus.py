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
class _Claim:
    name: str
    read: WideRead
    write: WideWrite
    wide: bool


class Bus:
    """Implements :class:`vmirom.machine.engine.Ports`."""

    def __init__(self) -> None:
        self._claims: dict[int, _Claim] = {}

    def claim(self, name: str, first: int, count: int, read: ByteRead, write: ByteWrite) -> None:
        """Give [first, first+count) to a device of byte registers: ``read(port)``, ``write(port, value)``.

        Raises PortConflict.
        """
        self._take(
            first, count, _Claim(name, lambda port, _: read(port), lambda port, _, v: write(port, v), False)
        )

    def claim_wide(self, name: str, first: int, count: int, read: WideRead, write: WideWrite) -> None:
        """Give [first, first+count) to a device that gets ``read(port, size)``, ``write(port, size, value)``.

        Raises PortConflict.
        """
        self._take(first, count, _Claim(name, read, write, True))

    def _take(self, first: int, count: int, claim: _Claim) -> None:
        for port in range(first, first + count):
            if port in self._claims:
                raise PortConflict(f"port {port:#x}: {claim.name} and {self._claims[port].name} both want it")
        self._claims.update(dict.fromkeys(range(first, first + count), claim))

    def port_in(self, port: int, size: int) -> int:
        """See :class:`vmirom.machine.engine.Ports`."""
        claim = self._claims.get(port)
        if size == 1 or (claim is not None and claim.wide):
            return claim.read(port, size) & (1 << 8 * size) - 1 if claim is not None else (1 << 8 * size) - 1
        return sum(self.port_in(port + i, 1) << 8 * i for i in range(size))

    def port_out(self, port: int, size: int, value: int) -> None:
        """See :class:`vmirom.machine.engine.Ports`."""
        claim = self._claims.get(port)
        if size == 1 or (claim is not None and claim.wide):
            if claim is not None:
                claim.write(port, size, value)
            return
        for i in range(size):
            self.port_out(port + i, 1, value >> 8 * i & 0xFF)
