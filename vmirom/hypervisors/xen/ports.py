"""The machine's I/O ports, as a domain with I/O privilege finds them.

There is QEMU's isa-debug-exit at 0x501, the PIIX4's power control and the keyboard controller's reset
line; Xen keeps its own devices (interrupt controllers, PIT, first serial port, PM timer, PCI
configuration) to itself. Everything else reads as ones.
"""

from __future__ import annotations

from typing import Final

from vmirom.hypervisors.hypervisor import Ending, EndKind
from vmirom.hypervisors.xen.answers import Ended
from vmirom.overlays import native, vmi

__all__ = ["read_port", "write_port"]

_XENS: Final = tuple(
    range(first, last + 1)
    for first, last in (
        (0x20, 0x21),
        (0x40, 0x43),
        (0x61, 0x61),
        (0xA0, 0xA1),
        (0x3F8, 0x3FF),
        (0x608, 0x60B),
        (0xCFC, 0xCFF),
    )
)


_SPEAKER: Final = 0x61
_SPEAKER_IDLE: Final = 0x30
"""Off; the two bits that tick on a real machine."""


def _xens(port: int, size: int) -> bool:
    return any(port < ports.stop and ports.start < port + size for ports in _XENS)


def read_port(port: int, size: int) -> int:
    """What IN finds: no device answers a read here, but for the speaker's port, which Xen lets dom0 read."""
    if port == _SPEAKER and size == 1:
        return _SPEAKER_IDLE
    return (1 << 8 * size) - 1


def write_port(port: int, size: int, value: int) -> None:
    """What OUT does. Raises Ended."""
    if _xens(port, size):
        return
    if port == vmi.Port.EXIT:
        status = value & 0xFF
        raise Ended(Ending(EndKind.SHUTDOWN, f"exit port, status {status:#x}", status))
    if port == native.Acpi.PM1A_CONTROL and size == 2 and value & native.Acpi.SLEEP_ENABLE:
        raise Ended(Ending(EndKind.SHUTDOWN, "power off through the power management port"))
    if port == native.Reset.KEYBOARD_PORT and value & 0xFF == native.Reset.KEYBOARD_PULSE:
        raise Ended(Ending(EndKind.REBOOT, "reset through the keyboard controller"))
