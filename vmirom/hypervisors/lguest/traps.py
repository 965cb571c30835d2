"""What the host does about each trap the processor reports while the guest runs.

Three roads (lguest.md section 7): straight from hardware into the guest through a trap gate, unseen by the
host; to the host and, if it has no use for it, reflected; or kill. What may go direct is a property of the
vector and of the gate's type.
"""

from __future__ import annotations

from typing import Final

from vmirom.hypervisors.hypervisor import Trace
from vmirom.hypervisors.lguest.death import HostBug, Killed, c_hex
from vmirom.hypervisors.lguest.guest_memory import GuestMemory
from vmirom.hypervisors.lguest.interrupts import ERROR_CODE_VECTORS, Gate, Interrupts
from vmirom.hypervisors.lguest.page_tables import ERROR_FETCH, ERROR_USER, ERROR_WRITE, ShadowTables
from vmirom.hypervisors.lguest.paging_format import NO_EXECUTE
from vmirom.hypervisors.lguest.release import Release
from vmirom.machine.engine import Engine, SegmentName, Trap
from vmirom.overlays import lguest as abi

__all__ = ["Traps"]

_HYPERCALL: Final = abi.Constants.HYPERCALL_VECTOR
_SYSTEM_CALL: Final = abi.Constants.SYSCALL_VECTOR
_NEVER_DIRECT: Final = frozenset({2, 6, 7, 8, 13, 14, 15, _HYPERCALL})
_DEVICE_NOT_AVAILABLE: Final = 7
_UNDEFINED: Final = 6
_PROTECTION: Final = 13
_PAGE_FAULT: Final = 14
_CLEARED_BY_HARDWARE: Final = 0x00034100
"""TF, NT, RF and VM: off after any entry through a gate."""

_VMCALL: Final = bytes.fromhex("0f01c1")
_REFUSED: Final = (b"\x0f\x33", b"\x0f\x34")
_INT_HYPERCALL: Final = bytes((0xCD, _HYPERCALL, 0x90))
_ONE_BYTE_SOFT: Final = {3: 0xCC, 4: 0xCE}


class Traps:
    """Decides about every :class:`Trap`; a hypercall is left to the run loop."""

    def __init__(
        self,
        engine: Engine,
        guest: GuestMemory,
        shadows: ShadowTables,
        interrupts: Interrupts,
        release: Release,
        trace: Trace,
    ) -> None:
        self._engine = engine
        self._guest = guest
        self._shadows = shadows
        self._interrupts = interrupts
        self._release = release
        self._trace = trace
        self.task_switched = False
        self.stuck_at: int | None = None

    def handle(self, trap: Trap) -> bool:
        """Deal with ``trap``; True = it is a hypercall, registers as the guest has them. Raises Killed."""
        if not trap.soft:
            if trap.vector == _PAGE_FAULT:
                self._page_fault(trap.error or 0)
                return False
        elif (refused := self._refuse_soft(trap.vector)) is not None:
            trap = refused
        elif trap.vector == _HYPERCALL:
            return True
        gate = self._interrupts.gate(trap.vector)
        if gate is not None and gate.trap and self._may_go_direct(trap.vector):
            self._direct(trap, gate)
        else:
            self._to_host(trap)
        return False

    # -- int n ----------------------------------------------------------------------------------------

    def _refuse_soft(self, vector: int) -> Trap | None:
        """The #GP that ``int vector`` raises because the hardware gate's DPL is too low, or None.

        The hypercall's gate has DPL 1; where a vector may go direct the hardware gate has the DPL of the
        guest's, all others have 0. EIP goes back to the instruction.
        """
        gate = self._interrupts.gate(vector) if self._may_go_direct(vector) else None
        dpl = abi.Constants.GUEST_PRIVILEGE if vector == _HYPERCALL else 0 if gate is None else gate.dpl
        if self._engine.cpl <= dpl:
            return None
        self._step_back(vector)
        return Trap(_PROTECTION, 8 * vector + 2)

    def _step_back(self, vector: int) -> None:
        """Put EIP back to the ``int`` instruction it is behind of."""
        before = (self._engine.eip - 1) & 0xFFFFFFFF
        short = vector in _ONE_BYTE_SOFT and self._byte(before) == _ONE_BYTE_SOFT[vector]
        self._engine.eip = before if short else (before - 1) & 0xFFFFFFFF

    def _byte(self, gva: int) -> int:
        return self._guest.read(self._shadows.guest_physical(gva), 1)[0]

    def _may_go_direct(self, vector: int) -> bool:
        return vector not in _NEVER_DIRECT if vector < 32 else vector == _SYSTEM_CALL

    # -- direct ---------------------------------------------------------------------------------------

    def _direct(self, trap: Trap, gate: Gate) -> None:
        """What hardware does with a trap gate into ring 1: push through the page tables, IF unchanged."""
        engine = self._engine
        old_ss = engine.selector(SegmentName.SS)
        outer = engine.cpl != abi.Constants.GUEST_PRIVILEGE
        stack = self._shadows.stack
        ss, esp = (stack.ss, stack.esp) if outer else (old_ss, engine.esp)
        eflags = engine.eflags
        frame = [old_ss, engine.esp] if outer else []
        frame += [eflags, engine.selector(SegmentName.CS), engine.eip]
        frame += [trap.error or 0] if trap.vector in ERROR_CODE_VECTORS and not trap.soft else []
        places = []
        for number in range(len(frame)):
            gva = (esp - 4 * number - 4) & 0xFFFFFFFF
            place = self._shadows.push_address(gva)
            if place is None:
                self._fault_while_pushing(trap, gva)
                return
            places.append(place)
        for place, word in zip(places, frame, strict=True):
            engine.memory.put32(place, word)
        eip = gate.offset
        self._interrupts.continue_at(ss, (esp - 4 * len(frame)) & 0xFFFFFFFF, eip)
        engine.eflags = eflags & ~_CLEARED_BY_HARDWARE

    def _fault_while_pushing(self, trap: Trap, gva: int) -> None:
        """The push itself faults, at the instruction that trapped."""
        if trap.soft:
            self._step_back(trap.vector)
        self._engine.cr2 = gva
        present = 1 if self._shadows.shadowed(gva) & 1 else 0
        self._page_fault(ERROR_WRITE | present)

    # -- host -----------------------------------------------------------------------------------------

    def _page_fault(self, error: int) -> None:
        """One that the shadow can be filled for, or else the guest's."""
        address = self._engine.cr2
        if self._shadows.fill(address, error & (ERROR_WRITE | ERROR_USER)):
            if error & ERROR_FETCH:
                self._note_no_execute(address)
            return
        if self._interrupts.data is not None:
            self._interrupts.data.fields.cr2 = address
        self._reflect(_PAGE_FAULT, error, address)

    def _to_host(self, trap: Trap) -> None:
        vector = trap.vector
        if vector == _UNDEFINED and self._is_protected():
            trap = Trap(_PROTECTION, 0)
            vector = trap.vector
        if vector >= 32:
            return  # the machine's own interrupts; also swallows a system call through an interrupt gate
        error = trap.error or 0
        if vector == _PAGE_FAULT:
            self._page_fault(error)
            return
        if vector == _DEVICE_NOT_AVAILABLE and not self.task_switched:
            self._engine.cr0 &= ~8
            return
        if vector == _PROTECTION:
            if (not error and self._emulate()) or self._rewrite_vmcall():
                return
        elif vector == _UNDEFINED and self._rewrite_vmcall():
            return
        self._reflect(vector, error, error)

    def _reflect(self, vector: int, error: int, detail: int) -> None:
        """Give the guest its trap; without a gate it dies of it, and ``detail`` is told."""
        self._trace.event("trap", f"{vector} at {self._engine.eip:#x} error {error:#x}")
        if not self._interrupts.deliver_trap(vector, error):
            raise Killed(f"unhandled trap {vector} at {c_hex(self._engine.eip)} ({c_hex(detail)})")

    def _is_protected(self) -> bool:
        """Whether the instruction is one that a processor has and refuses where the engine's has none: RDPMC
        without CR4.PCE, SYSENTER while its CS register is 0."""
        try:
            return self._guest.read(self._shadows.guest_physical(self._engine.eip), 2) in _REFUSED
        except (Killed, HostBug):  # ours to ask, not the host's
            return False

    def _note_no_execute(self, address: int) -> None:
        """A fetch that the guest's entry forbids is filled all the same, and faults again, for ever."""
        if self._shadows.shadowed(address) & NO_EXECUTE and address != self.stuck_at:
            self.stuck_at = address
            self._trace.event("trap", f"{address:#x} is no-execute: filled, not reflected, and fetched again")

    def _emulate(self) -> bool:
        """Skip a port instruction of the guest's kernel, and cli where the release does; True = done."""
        engine = self._engine
        at = self._shadows.guest_physical(engine.eip)
        if engine.cpl != abi.Constants.GUEST_PRIVILEGE:
            return False
        opcode = self._guest.read(at, 1)[0]
        if opcode == 0xFA and self._release.skips_cli:
            engine.eip += 1
            return True
        length, shift = 0, 0
        if opcode == 0x66:
            length, shift = 1, 16
            opcode = self._guest.read(at + 1, 1)[0]
        form = opcode & 0xFE
        if form not in (0xE4, 0xE6, 0xEC, 0xEE):
            return False
        length += 2 if form in (0xE4, 0xE6) else 1
        if form in (0xE4, 0xEC):
            # The byte forms set 16 bits, and the prefix moves them up: as the real host has it.
            engine.eax = 0xFFFFFFFF if opcode & 1 else engine.eax | 0xFFFF << shift
        engine.eip = (engine.eip + length) & 0xFFFFFFFF
        return True

    def _rewrite_vmcall(self) -> bool:
        """Turn a vmcall of the guest's kernel into ``int $0x1f; nop`` and run it again; True = done."""
        engine = self._engine
        if engine.cpl != abi.Constants.GUEST_PRIVILEGE:
            return False
        at = self._shadows.guest_physical(engine.eip)
        if self._guest.read(at, 3) != _VMCALL:
            return False
        self._guest.write(at, _INT_HYPERCALL)
        self._shadows.clear()
        self._trace.event("trap", f"vmcall at {engine.eip:#x} rewritten")
        return True
