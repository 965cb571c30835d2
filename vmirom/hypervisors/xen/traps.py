"""Exceptions, upcalls and returns: the frames that Xen builds on a guest's stack, and takes from it.

Facts: xen-host.md section 6, "Traps, IF, IOPL". A frame is [error] eip, cs | saved upcall mask << 16,
eflags with IF = not masked, and from ring 3 esp and ss. A gate with the interrupt flag masks event
upcalls at entry; without it the mask stays. An upcall always masks. The fault address is only in
vcpu_info. A trap that has no handler, or a stack that can't take the frame, kills the domain.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vmirom.hypervisors.xen.answers import DomainCrash, GuestFault, Refused
from vmirom.hypervisors.xen.descriptors import NULL_SEGMENT
from vmirom.machine.addresses import PAGE_SIZE
from vmirom.machine.engine import Segment, SegmentName
from vmirom.overlays.native import Eflags, PageFault, Vector
from vmirom.overlays.xen import AssistType, Errno, Selector, TrapFlag, ffi

if TYPE_CHECKING:
    from vmirom.hypervisors.xen.domain import Domain

__all__ = ["DB", "EFLAGS_IF", "GP", "NM", "NMI", "PF", "TS", "UD", "Callback", "Gate", "Traps"]

EFLAGS_IF: Final = int(Eflags.IF)
_EFLAGS_IOPL: Final = int(Eflags.IOPL)
_EFLAGS_VM: Final = int(Eflags.VM)
_ARCHITECTURAL_IOPL: Final = AssistType.ARCHITECTURAL_IOPL
_EFLAGS_FIXED: Final = int(Eflags.FIXED)
_EFLAGS_RF: Final = int(Eflags.RF)
_EFLAGS_AT_ENTRY: Final = 0xFFFFFFFF & ~int(Eflags.TF | Eflags.NT | Eflags.RF | Eflags.VM)
_ARITHMETIC: Final = Eflags.CF | Eflags.PF | Eflags.AF | Eflags.ZF | Eflags.SF | Eflags.OF
_EFLAGS_SETTABLE: Final = int(_ARITHMETIC | Eflags.TF | Eflags.DF | Eflags.NT | Eflags.AC | Eflags.ID)
"""The flags that iret restores: CF PF AF ZF SF TF DF OF NT AC ID. RF is gone after one instruction."""
UD: Final = int(Vector.UD)
DB: Final = int(Vector.DB)
NM: Final = int(Vector.NM)
NMI: Final = int(Vector.NMI)
GP: Final = int(Vector.GP)
PF: Final = int(Vector.PF)
TS: Final = int(Vector.TS)
_TABLE_LIMIT: Final = 4096
_SYSCALL_LENGTH: Final = 2
_TRAP_INFO: Final = struct.Struct("<BBHI")
_DPL: Final = int(TrapFlag.DPL)
_MASK_EVENTS: Final = int(TrapFlag.MASK_EVENTS)
_FRAME: Final = struct.Struct("<4I")


@dataclass(frozen=True, slots=True)
class Gate:
    """One entry of the trap table. ``dpl`` is the ring that may raise it by ``int n``."""

    cs: int
    eip: int
    dpl: int
    masks: bool


@dataclass(frozen=True, slots=True)
class Callback:
    """Where an event or a failed return enters the guest."""

    cs: int
    eip: int
    masks: bool = True


def kernel_code(selector: int) -> int:
    """A guest's code selector with RPL 0 raised to 1."""
    return selector if selector & 3 else selector | 1


class Traps:
    """The trap table, the callbacks and the kernel stack of the virtual CPU."""

    def __init__(self, domain: Domain) -> None:
        assert _TRAP_INFO.size == ffi.sizeof("struct xen_trap_info")
        self.domain = domain
        self.gates: list[Gate | None] = [None] * 256
        self.event: Callback | None = None
        self.failsafe: Callback | None = None
        self.nmi_pending = False
        self.nmi_blocked = False
        self.syscall: Callback | None = None
        self.kernel_ss = 0
        self.kernel_esp = 0

    # Hypercalls

    def set_table(self, at: int) -> int:
        """set_trap_table: entries up to one of address 0; a NULL pointer clears the table."""
        if at == 0:
            self.gates = [None] * 256
            return 0
        left = _TABLE_LIMIT
        while left:
            count = min(left, max(1, (PAGE_SIZE - at % PAGE_SIZE) // _TRAP_INFO.size))
            piece = self.domain.space.read(at, count * _TRAP_INFO.size)
            for vector, flags, cs, eip in _TRAP_INFO.iter_unpack(piece):
                if eip == 0:
                    return 0
                self.gates[vector] = Gate(kernel_code(cs), eip, flags & _DPL, bool(flags & _MASK_EVENTS))
            at += count * _TRAP_INFO.size
            left -= count
        raise Refused(Errno.EFAULT, f"trap table without an end after {_TABLE_LIMIT} entries")

    def set_stack(self, ss: int, esp: int) -> int:
        """stack_switch: the ring-1 stack that traps from ring 3 get."""
        self.kernel_ss = ss if ss & 3 else ss | 1
        self.kernel_esp = esp
        return 0

    # Entering the guest's kernel

    def inject(self, vector: int, error: int | None = None, *, soft: bool = False) -> None:
        """Enter the guest's handler for ``vector`` with the state the engine has now. The frame of a fault
        has RF set, as a processor's has; that of an instruction that asks for a trap (``soft``), or of #DB,
        has not. Raises DomainCrash."""
        gate = self._need_gate(vector, error or 0)
        self.domain.trace.event("trap", f"{vector} -> {gate.eip:#010x}")
        self._enter(gate.cs, gate.eip, error, gate.masks, 0 if soft or vector == DB else _EFLAGS_RF)

    def _need_gate(self, vector: int, error: int) -> Gate:
        gate = self.gates[vector]
        if gate is None:
            eip = self.domain.engine.eip
            raise DomainCrash(f"Unhandled: vec {vector} at {eip:#010x} error {error:#x} cr2 {self.cr2:#010x}")
        return gate

    def inject_fault(self, address: int, error: int) -> None:
        """A page fault: the address goes to vcpu_info."""
        self.domain.shared.vcpu.arch_cr2 = address
        self.inject(PF, error)

    def inject_protection(self, error: int = 0) -> None:
        """A general protection fault."""
        self.inject(GP, error)

    @property
    def cr2(self) -> int:
        """The fault address the guest would read."""
        return int(self.domain.shared.vcpu.arch_cr2)

    def upcall(self) -> None:
        """Enter the event callback, masked. Raises DomainCrash when there is none."""
        if self.event is None:
            raise DomainCrash("an event is pending and unmasked, but no event callback was registered")
        self.domain.trace.event("interrupt", f"upcall -> {self.event.eip:#010x}")
        self._enter(self.event.cs, self.event.eip, None, True)

    def set_nmi(self, address: int) -> None:
        """The handler of NMIs is the trap table's entry 2, however it is set; address 0 takes it away."""
        self.gates[NMI] = Gate(int(Selector.KERNEL_CS), address, 0, True) if address else None

    def check_nmi(self) -> None:
        """Deliver an NMI that waits; there is no other before iret. Without a handler it is lost. Raises
        DomainCrash."""
        if self.nmi_pending and not self.nmi_blocked:
            self.nmi_pending = False
            if self.gates[NMI] is not None:
                self.nmi_blocked = True
                self.inject(NMI, soft=True)

    def call(self, callback: Callback) -> None:
        """Enter a callback with the state the engine has now. Raises DomainCrash."""
        self._enter(callback.cs, callback.eip, None, callback.masks)

    def _enter(self, cs: int, eip: int, error: int | None, masks: bool, more: int = 0) -> None:
        """``more`` are flags that only the frame has."""
        engine = self.domain.engine
        old_cs = engine.selector(SegmentName.CS)
        old_ss = engine.segment(SegmentName.SS)
        self._push_frame(cs, eip, error, masks, engine.eip, old_cs, engine.esp, old_ss, more)

    def _push_frame(
        self,
        cs: int,
        eip: int,
        error: int | None,
        masks: bool,
        old_eip: int,
        old_cs: int,
        old_esp: int,
        old_ss: Segment,
        more: int = 0,
    ) -> None:
        """Build the frame for an interrupted state and continue in the handler."""
        domain, engine = self.domain, self.domain.engine
        if not cs & ~3:
            raise DomainCrash(f"the handler at {eip:#010x} has a null code selector")
        info = domain.shared.vcpu
        masked = int(info.evtchn_upcall_mask)
        now = engine.eflags
        flags = (now | more) & ~(EFLAGS_IF | _EFLAGS_IOPL) | (0 if masked else EFLAGS_IF)
        if _ARCHITECTURAL_IOPL in domain.registers.assists:
            flags |= domain.privileged.iopl << 12
        words = [] if error is None else [error & 0xFFFFFFFF]
        words += [old_eip, old_cs & 0xFFFF | masked << 16, flags]
        ss, esp = old_ss, old_esp
        if old_cs & 3 != 1:
            words += [old_esp, old_ss.selector]
            ss, esp = domain.segments.need_stack(self.kernel_ss, 1), self.kernel_esp
        top = esp - 4 * len(words) & 0xFFFFFFFF
        try:
            domain.space.write(ss.base + top & 0xFFFFFFFF, struct.pack(f"<{len(words)}I", *words))
        except GuestFault as fault:
            raise DomainCrash(f"the kernel stack at {fault.gva:#010x} can't take a trap frame") from None
        if masks:
            info.evtchn_upcall_mask = masked | 1
        engine.eflags = now & _EFLAGS_AT_ENTRY | EFLAGS_IF
        code = domain.segments.code(cs)
        if code is None:
            self._bad_return(cs, eip, top, ss.selector, cs)
        elif cs & 3 != 1:
            self._bad_return(cs, eip, top, ss.selector, ss.selector)
        else:
            engine.enter(code, ss, top, eip)

    def reload(self) -> None:
        """The descriptors have changed: CS and SS are read again, as every return of Xen's does; one that is
        right no more gives the fault of a failed return."""
        engine, segments = self.domain.engine, self.domain.segments
        cs, ss = engine.selector(SegmentName.CS), engine.selector(SegmentName.SS)
        code, stack = segments.code(cs), segments.stack(ss, cs & 3)
        if code is None or stack is None:
            self._bad_return(cs, engine.eip, engine.esp, ss, cs if code is None else ss)
        else:
            engine.enter(code, stack, engine.esp, engine.eip)

    def inject_syscall(self) -> None:
        """SYSCALL in ring 1, which Xen takes for the user's: it goes to the callback, or is #GP, with the
        user's flat segments in its frame and the kernel's stack. Raises DomainCrash."""
        engine = self.domain.engine
        stack = Segment(int(Selector.USER_DS), 0, 0xFFFFFFFF, 0)
        if self.syscall is not None:
            handler, error, eip = self.syscall, None, engine.eip + _SYSCALL_LENGTH & 0xFFFFFFFF
        else:
            gate = self._need_gate(GP, 0)
            handler, error, eip = Callback(gate.cs, gate.eip, gate.masks), 0, engine.eip
        self._push_frame(
            handler.cs, handler.eip, error, handler.masks, eip, int(Selector.USER_CS), engine.esp, stack
        )

    # Leaving it

    def iret(self) -> None:
        """HYPERVISOR_iret: eax, eip, cs, eflags and from ring 3 esp, ss stand on the stack.

        The upcall mask becomes not IF. A selector that can't be returned to gives #GP with the state
        returned to, as observed. Raises DomainCrash for a stack that can't be read and for ring 0.
        """
        domain, engine = self.domain, self.domain.engine
        ss = engine.segment(SegmentName.SS)
        at = ss.base + engine.esp & 0xFFFFFFFF
        try:
            eax, eip, cs, flags = _FRAME.unpack(domain.space.read(at, _FRAME.size))
            cs &= 0xFFFF
            esp, new_ss = engine.esp + _FRAME.size & 0xFFFFFFFF, ss.selector
            if cs & 3 > 1:
                esp = domain.space.u32(at + 16)
                new_ss = domain.space.u32(at + 20) & 0xFFFF
        except GuestFault as fault:
            raise DomainCrash(f"iret: the frame at {fault.gva:#010x} can't be read") from None
        self.nmi_blocked = False
        if cs & 3 == 0:
            raise DomainCrash(f"iret to code selector {cs:#x} of ring 0")
        engine.eax = eax
        engine.eflags = flags & _EFLAGS_SETTABLE | EFLAGS_IF | _EFLAGS_FIXED
        domain.shared.vcpu.evtchn_upcall_mask = 0 if flags & EFLAGS_IF else 1
        if flags & _EFLAGS_VM:
            self._fail(GP, 0, eip, cs, esp, new_ss)
            return
        code = domain.segments.code(cs)
        stack = domain.segments.stack(new_ss, cs & 3) if cs & 3 > 1 else ss
        if code is None or stack is None:
            self._bad_return(cs, eip, esp, new_ss, cs if code is None else new_ss)
            return
        engine.enter(code, stack, esp, eip)
        if cs & 3 > 1:
            self._drop_privileged_data(cs & 3)

    def _bad_return(self, cs: int, eip: int, esp: int, ss: int, selector: int) -> None:
        """#GP(selector) as if raised by the state that was returned to. Of a null selector the error code is
        0, for which Xen looks at the instruction there: where that can't be read, it is a page fault."""
        vector, error = GP, selector & 0xFFFC
        user = cs & 3 > 1
        if not error and not self.domain.space.code(eip, 1, user):
            vector, error = PF, int(PageFault.USER) if user else 0
            self.domain.shared.vcpu.arch_cr2 = eip
        self._fail(vector, error, eip, cs, esp, ss)

    def _fail(self, vector: int, error: int, eip: int, cs: int, esp: int, ss: int) -> None:
        """A fault with the state that could not be returned to. Raises DomainCrash."""
        gate = self._need_gate(vector, error)
        if gate.cs == cs:
            raise DomainCrash(f"Unhandled: vec {vector} at {eip:#010x}, return to its own handler's {cs:#x}")
        user = cs & 3 > 1
        old_ss = Segment(ss, 0, 0xFFFFFFFF, 0) if user else self.domain.engine.segment(SegmentName.SS)
        self._push_frame(gate.cs, gate.eip, error, gate.masks, eip, cs, esp, old_ss)

    def _drop_privileged_data(self, ring: int) -> None:
        """A return to an outer ring makes data segments of an inner one null, as the processor does."""
        engine = self.domain.engine
        for name in (SegmentName.ES, SegmentName.DS, SegmentName.FS, SegmentName.GS):
            segment = engine.segment(name)
            conforming = segment.attributes & 0xC00 == 0xC00
            if segment.selector & ~3 and segment.attributes >> 13 & 3 < ring and not conforming:
                engine.set_segment(name, NULL_SEGMENT)
