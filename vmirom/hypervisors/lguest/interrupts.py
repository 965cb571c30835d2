"""The guest's IDT, its 32 virtual interrupts, and the frames the host builds for both.

Gates only keep what the host needs: offset, present, DPL, type; CS is always the kernel's. A reflected trap
or interrupt is pushed by the host with the stack address translated once, so the stack below must be
physically continuous; the frame shows the real EFLAGS with IF replaced by the guest's own flag.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from vmirom.hypervisors.hypervisor import Trace
from vmirom.hypervisors.lguest.data import IF, LguestData
from vmirom.hypervisors.lguest.death import Killed
from vmirom.hypervisors.lguest.guest_memory import GuestMemory
from vmirom.hypervisors.lguest.page_tables import ShadowTables
from vmirom.hypervisors.lguest.segments import SegmentTable, unreturned
from vmirom.machine.clock import Clock
from vmirom.machine.engine import Engine, SegmentName
from vmirom.overlays import lguest as abi

__all__ = ["ERROR_CODE_VECTORS", "Gate", "Interrupts"]

ERROR_CODE_VECTORS: Final = frozenset({8, 10, 11, 12, 13, 14, 17})
_IGNORED: Final = frozenset({2, 8, 15, abi.Constants.HYPERCALL_VECTOR})
_PRESENT: Final = 1 << 15
_INTERRUPT_GATE: Final = 0xE
_TRAP_GATE: Final = 0xF
_MASK: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Gate:
    """A present gate: ``trap`` tells type 0xF (direct if the vector may be) from 0xE."""

    offset: int
    dpl: int
    trap: bool


class Interrupts:
    """Gates, pending interrupts and delivery. ``halted`` = the guest sleeps in HALT."""

    def __init__(
        self,
        engine: Engine,
        guest: GuestMemory,
        shadows: ShadowTables,
        segments: SegmentTable,
        clock: Clock,
        trace: Trace,
    ) -> None:
        self._engine = engine
        self._guest = guest
        self._shadows = shadows
        self._segments = segments
        self._clock = clock
        self._trace = trace
        self._gates: dict[int, Gate] = {}
        self.pending = 0
        """A bit for each interrupt that waits, blocked or not."""
        self.data: LguestData | None = None
        self.halted = False

    # -- gates ----------------------------------------------------------------------------------------

    def load_gate(self, vector: int, low: int, high: int) -> None:
        """LOAD_IDT_ENTRY. Raises Killed."""
        if vector in _IGNORED:
            return
        kind = high >> 8 & 0xF
        present = bool(high & _PRESENT)
        if vector > 255:
            raise Killed(f"Setting idt entry {vector}")
        if not present:
            self._gates.pop(vector, None)
            return
        if kind not in (_INTERRUPT_GATE, _TRAP_GATE):
            raise Killed(f"bad IDT type {kind}")
        self._gates[vector] = Gate(high & 0xFFFF0000 | low & 0xFFFF, high >> 13 & 3, kind == _TRAP_GATE)

    def gate(self, vector: int) -> Gate | None:
        """The present gate of ``vector``."""
        return self._gates.get(vector)

    # -- virtual interrupts ---------------------------------------------------------------------------

    def raise_interrupt(self, number: int) -> None:
        """Make interrupt ``number`` pending; raising it twice is once."""
        if not 0 <= number < abi.Constants.INTERRUPTS:
            raise ValueError(f"interrupt {number} is not below {int(abi.Constants.INTERRUPTS)}")
        self.pending |= 1 << number

    def next(self) -> int | None:
        """The lowest pending interrupt that isn't blocked; None before INIT."""
        if self.data is None or not self.pending:
            return None
        open_ones = self.pending & ~int(self.data.fields.blocked_interrupts)
        return (open_ones & -open_ones).bit_length() - 1 if open_ones else None

    def try_deliver(self, number: int) -> None:
        """Deliver interrupt ``number`` if the guest can take it now. Raises Killed."""
        data = self.data
        assert data is not None
        if data.noirq_start <= self._engine.eip < data.noirq_end:
            return
        if self.halted:
            data.fields.irq_enabled = IF
            self.halted = False
        elif not data.interrupts_wanted():
            data.fields.irq_pending = IF
            return
        gate = self._gates.get(abi.Constants.FIRST_INTERRUPT_VECTOR + number)
        if gate is not None:
            self.pending &= ~(1 << number)
            self._trace.event("interrupt", f"{number} to {gate.offset:#x}")
            self.reflect(gate, None)
        data.write_time(self._clock.wall_ns())
        # The host means to clear irq_pending here when nothing else waits, but asks for the number of the
        # next waiting interrupt, which is never 0: once set, the word stays set (lguest.md 14, defect 2).

    # -- frames ---------------------------------------------------------------------------------------

    def deliver_trap(self, vector: int, error: int | None) -> bool:
        """Reflect a trap through its gate; False without a present gate. Raises Killed."""
        gate = self._gates.get(vector)
        if gate is None:
            return False
        self.reflect(gate, (error or 0) if vector in ERROR_CODE_VECTORS else None)
        return True

    def reflect(self, gate: Gate, error: int | None) -> None:
        """Push a frame as the host does, and continue at the gate. Raises Killed."""
        engine = self._engine
        old_ss = engine.selector(SegmentName.SS)
        outer = (old_ss & 3) != abi.Constants.GUEST_PRIVILEGE
        ss, esp = (self._shadows.stack.ss, self._shadows.stack.esp) if outer else (old_ss, engine.esp)
        wanted = 0 if self.data is None else int(self.data.fields.irq_enabled)
        eflags = engine.eflags | IF if wanted & IF else engine.eflags & ~IF
        frame = [old_ss, engine.esp] if outer else []
        frame += [eflags, engine.selector(SegmentName.CS), engine.eip]
        frame += [] if error is None else [error]
        size = 4 * len(frame)
        gpa = self._shadows.guest_physical(esp)
        esp = (esp - size) & _MASK
        if size <= gpa and self._guest.inside(gpa - size, size):
            self._guest.write(gpa - size, struct.pack(f"<{len(frame)}I", *reversed(frame)))
        else:  # word by word, to the one that kills
            for word in frame:
                gpa -= 4
                self._guest.write(gpa & _MASK, word.to_bytes(4, "little"))
        if not gate.trap and self.data is not None:
            self.data.fields.irq_enabled = 0
        self.continue_at(ss, esp, gate.offset)

    def continue_at(self, ss: int, esp: int, eip: int) -> None:
        """Go on in the guest's kernel at ``eip`` with ``ss``:``esp``. Raises Killed if either is unusable."""
        cs = self._segments.segment(abi.Constants.KERNEL_CS)
        stack = self._segments.segment(ss)
        if not cs.attributes or not stack.attributes:
            raise Killed(unreturned(eip))
        self._engine.enter(cs, stack, esp, eip)
