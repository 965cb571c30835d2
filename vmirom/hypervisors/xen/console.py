"""console_io: lines out to the console and what was typed in.

Bytes go out as the guest wrote them; the serial port of a real Xen would make CR LF of LF on its wire.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmirom.hypervisors.hypervisor import Console as Output
from vmirom.hypervisors.xen.answers import Refused
from vmirom.overlays.xen import Consoleio, Errno, Virq

if TYPE_CHECKING:
    from vmirom.hypervisors.xen.domain import Domain

__all__ = ["Console"]

_CHUNK = 4096


class Console:
    """The machine's serial console as the initial domain sees it."""

    def __init__(self, domain: Domain, output: Output) -> None:
        self.domain = domain
        self.output = output
        self._typed = bytearray()

    def feed(self, data: bytes) -> None:
        """Somebody typed ``data``: VIRQ_CONSOLE tells the guest."""
        self._typed += data
        self.domain.events.raise_virq(Virq.CONSOLE)

    def operation(self, command: int, count: int, at: int) -> int:
        """console_io. Raises Refused and GuestFault."""
        if command == Consoleio.WRITE:
            while count:
                self.domain.check_time()
                part = min(count, _CHUNK)
                self.output(self.domain.space.read(at, part))
                at += part
                count -= part
            return 0
        if command == Consoleio.READ:
            if count >> 31:
                raise Refused(Errno.E2BIG, f"console read of {count:#x} bytes")
            data = bytes(self._typed[:count])
            self.domain.space.write(at, data)
            del self._typed[: len(data)]
            return len(data)
        raise Refused(Errno.ENOSYS, f"console_io {command}")
