"""struct lguest_data: the page that guest and host share from LGUEST_INIT on, and the ring inside it.

The host reaches it by its gpa, never through page tables. noirq range and kernel_address are read once, at
INIT; the rest is live.
"""

from __future__ import annotations

from typing import Any, Final

from vmirom.hypervisors.lguest.guest_memory import GuestMemory
from vmirom.machine.addresses import Gpa
from vmirom.machine.memory import Memory
from vmirom.overlays import lguest as abi

__all__ = ["DATA_SIZE", "IF", "RING_FREE", "LguestData"]

DATA_SIZE: Final = int(abi.ffi.sizeof("struct lguest_data"))
IF: Final = int(abi.Constants.IRQ_ENABLED)
"""The interrupt flag where EFLAGS has it; what irq_enabled and irq_pending hold when on."""
RING_FREE: Final = int(abi.Constants.RING_FREE)
"""hcall_status of an entry that is free or done."""


class LguestData:
    """The structure at ``gpa``. INIT has checked that it lies inside guest memory."""

    def __init__(self, memory: Memory, gpa: int) -> None:
        self.gpa = gpa
        self.fields: Any = memory.view(Gpa(gpa), abi.ffi, "struct lguest_data")
        self.noirq_start = int(self.fields.noirq_start)
        self.noirq_end = int(self.fields.noirq_end)
        self.kernel_address = int(self.fields.kernel_address)
        self._cursor = 0

    @staticmethod
    def accepts(guest: GuestMemory, gpa: int) -> bool:
        """Whether the host takes ``gpa`` for INIT."""
        return guest.inside(gpa, DATA_SIZE)

    def interrupts_wanted(self) -> bool:
        """The delivery test: the whole word counts, not bit 9 (lguest.md 8.3)."""
        return bool(self.fields.irq_enabled)

    def write_time(self, wall_ns: int) -> None:
        """The host's wall clock."""
        seconds, nanoseconds = divmod(wall_ns, 1_000_000_000)
        self.fields.time_sec = (seconds + (1 << 31)) % (1 << 32) - (1 << 31)
        self.fields.time_nsec = nanoseconds

    def statuses(self) -> bytes:
        """All ring statuses, as one drain sees them."""
        return bytes(abi.ffi.buffer(self.fields.hcall_status))

    def cursor(self) -> int:
        """The host's place in the ring; it is never reset."""
        return self._cursor

    def take(self) -> tuple[int, tuple[int, int, int, int, int]]:
        """The entry at the cursor and its words EAX, EBX, ECX, EDX, ESI; moves the cursor on."""
        number = self._cursor
        self._cursor = (number + 1) % len(self.fields.hcall_status)
        entry = self.fields.hcalls[number]
        return number, (int(entry.arg0), int(entry.arg1), int(entry.arg2), int(entry.arg3), int(entry.arg4))

    def done(self, number: int) -> None:
        """Tell the guest that entry ``number`` is free again."""
        self.fields.hcall_status[number] = RING_FREE
