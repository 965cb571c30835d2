"""The host bridge of the i440FX, as far as a PC without expansion cards shows it: configuration mechanism 1,
function 0:0.0, and the register that locks C0000h-C7FFFh (PAM1).

The area is memory from the start and locked, as a BIOS leaves it. Its two halves are unlocked and locked
one by one. What is left out: an area whose reads lead to the bus stays readable memory here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from vmirom.machine.devices.bus import Bus
from vmirom.overlays.native import HostBridge as Bridge
from vmirom.overlays.native import Port

__all__ = ["HALF", "HostBridge"]

HALF: Final = 0x4000
"""Bytes that one half of PAM1 rules."""

_WRITE: Final = 2
_ABSENT: Final = 0xFF

Unlock = Callable[[int, bool], None]


class HostBridge:
    """``unlock(half, writable)`` is told when half 0 or 1 of the area becomes writable or read-only."""

    def __init__(self, unlock: Unlock) -> None:
        self._unlock = unlock
        self._address = 0
        self._registers = bytearray(256)
        self._registers[0:4] = int(Bridge.I440FX).to_bytes(4, "little")
        self._registers[Bridge.I440FX_PAM1] = int(Bridge.PAM_READ)

    def attach(self, bus: Bus) -> None:
        """Claim the ports. Raises PortConflict."""
        bus.claim_wide("PCI address", Port.PCI_ADDRESS, 1, self._read_address, self._write_address)
        bus.claim("PCI data", Port.PCI_DATA, 4, self._read, self._write)

    def _read_address(self, port: int, size: int) -> int:
        return self._address if size == 4 else (1 << 8 * size) - 1

    def _write_address(self, port: int, size: int, value: int) -> None:
        if size == 4:
            self._address = value

    def _register(self, port: int) -> int | None:
        """The register that a data port leads to; None where there is no such function."""
        function = self._address & ~0xFF
        return (self._address & 0xFC) + (port & 3) if function == Bridge.CONFIG_ENABLE else None

    def _read(self, port: int) -> int:
        register = self._register(port)
        return _ABSENT if register is None else self._registers[register]

    def _write(self, port: int, value: int) -> None:
        if self._register(port) != Bridge.I440FX_PAM1:
            return
        before, self._registers[Bridge.I440FX_PAM1] = self._registers[Bridge.I440FX_PAM1], value & 0x33
        for half in range(2):
            writable = bool(value >> 4 * half & _WRITE)
            if writable != bool(before >> 4 * half & _WRITE):
                self._unlock(half, writable)
