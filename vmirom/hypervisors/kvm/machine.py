"""The embedded KVM: the native PC plus what KVM adds to it.

A hypercall is the one of VMCALL and VMMCALL that the processor's maker has, from CPL 0. Above CPL 0 that
one is -EPERM. The foreign one is undefined to the processor; KVM catches it, writes the right one over it
in the guest's memory and goes on, but above CPL 0 it is #GP(0) - and if the guest's page tables say
read-only, the guest gets the page fault.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from vmirom.hypervisors.hypervisor import Console, Trace
from vmirom.hypervisors.kvm.calls import Calls, MmuOpFailed
from vmirom.hypervisors.kvm.clock import StealTime, SystemTime
from vmirom.hypervisors.kvm.era import era
from vmirom.hypervisors.kvm.registers import Registers
from vmirom.hypervisors.native import multiboot
from vmirom.hypervisors.native.machine import Machine
from vmirom.machine.engine import Engine, SegmentName, Trap
from vmirom.machine.memory import BadAddress, Memory
from vmirom.machine.paging import Access, Mode, PageFault, pieces, read_virtual
from vmirom.overlays.kvm import CpuidLeaf, Errno, Feature, Msr, Opcode, Signature

__all__ = ["KvmMachine"]

_UD, _GP, _PF = 6, 13, 14
_LENGTH: Final = 3
_VMCALL: Final = int(Opcode.VMCALL).to_bytes(_LENGTH, "little")
_VMMCALL: Final = int(Opcode.VMMCALL).to_bytes(_LENGTH, "little")
_INTEL: Final = int.from_bytes(b"Genu", "little")
_HYPERVISOR_BIT: Final = 1 << 31
_U32: Final = 0xFFFFFFFF


class KvmMachine(Machine):
    """``host_era`` is 2008 or 2026."""

    name = "kvm"

    def __init__(
        self,
        engine_factory: Callable[[Memory], Engine],
        memory_mib: int,
        console: Console,
        trace: Trace,
        modules: Sequence[multiboot.Module] = (),
        host_era: str = "2026",
    ) -> None:
        self.era = era(host_era)
        super().__init__(engine_factory, memory_mib, console, trace, modules)
        engine = self.engine
        self.system_time = SystemTime(engine, self.era.has(Feature.CLOCKSOURCE_STABLE))
        self.steal = StealTime(self.memory, engine.clock)
        self.registers = Registers()
        self.calls = Calls(engine, self.era, self._queue, self._kicked)
        self._queued: deque[int] = deque()
        self._woken = False
        intel = engine.own_cpuid(0, 0)[1] == _INTEL
        self._native, self._foreign = (_VMCALL, _VMMCALL) if intel else (_VMMCALL, _VMCALL)
        engine.set_cpuid(self._cpuid)

    def _cpuid(self, leaf: int, subleaf: int) -> tuple[int, int, int, int] | None:
        if leaf == CpuidLeaf.SIGNATURE:
            return self.era.highest_leaf, int(Signature.EBX), int(Signature.ECX), int(Signature.EDX)
        if leaf == CpuidLeaf.FEATURES:
            return self.era.mask, 0, 0, 0
        if leaf == 1:
            eax, ebx, ecx, edx = self.engine.own_cpuid(leaf, subleaf)
            return eax, ebx, ecx | _HYPERVISOR_BIT, edx
        return None

    # interrupts sent by hypercall

    def _queue(self, vector: int) -> None:
        if vector not in self._queued:
            self._queued.append(vector)

    def _kicked(self) -> None:
        self._woken = True

    def interrupt_pending(self) -> bool:
        """Whether an interrupt waits for the processor."""
        return bool(self._queued) or super().interrupt_pending()

    def next_vector(self) -> int:
        """Acknowledge the interrupt that waits; the highest vector sent comes first, as from an APIC."""
        if not self._queued:
            return super().next_vector()
        vector = max(self._queued)
        self._queued.remove(vector)
        return vector

    def woken(self) -> bool:
        """KICK_CPU ends the next halt, or the one that lasts."""
        woken, self._woken = self._woken, False
        return woken

    # time

    def entering(self) -> None:
        """The guest is about to run."""
        self.system_time.refresh()
        self.steal.entering()

    def left(self) -> None:
        """The guest has run."""
        self.steal.left()

    def halt(self, deadline_ns: int) -> None:
        """A halted processor is not waiting for the host."""
        super().halt(deadline_ns)
        self.steal.left()

    # MSRs

    def read_msr(self, index: int) -> int | None:
        """The paravirtual registers that this host serves."""
        if index in self._served(Feature.CLOCKSOURCE, Feature.CLOCKSOURCE2):
            told = self.system_time
            return told.system if index in (Msr.SYSTEM_TIME, Msr.SYSTEM_TIME_NEW) else told.wall
        if index == Msr.STEAL_TIME and self.era.has(Feature.STEAL_TIME):
            return self.steal.value
        found = self.registers.read(index)
        return None if found is False else found

    def write_msr(self, index: int, value: int) -> bool | None:
        """The paravirtual registers that this host serves."""
        if index in self._served(Feature.CLOCKSOURCE, Feature.CLOCKSOURCE2):
            system = index in (Msr.SYSTEM_TIME, Msr.SYSTEM_TIME_NEW)
            taken = self.system_time.enable(value) if system else self.system_time.write_wall(value)
            if not taken:
                self.trace.event("timer", f"{Msr(index).name}: {value:#x} is not memory, ignored")
            return True
        if index == Msr.STEAL_TIME and self.era.has(Feature.STEAL_TIME):
            return self.steal.enable(value)
        return self.registers.write(index, value)

    def _served(self, *features: Feature) -> set[int]:
        numbers: dict[Feature, tuple[Msr, Msr]] = {
            Feature.CLOCKSOURCE: (Msr.WALL_CLOCK, Msr.SYSTEM_TIME),
            Feature.CLOCKSOURCE2: (Msr.WALL_CLOCK_NEW, Msr.SYSTEM_TIME_NEW),
        }
        return {int(msr) for feature in features if self.era.has(feature) for msr in numbers[feature]}

    # hypercalls

    def on_trap(self, trap: Trap) -> bool:
        """True if the trap was a hypercall instruction."""
        if trap.vector != _UD:
            return False
        engine = self.engine
        opcode = self._opcode()
        if opcode == self._native:
            self._hypercall()
        elif opcode != self._foreign:
            return False
        elif engine.cpl:
            self.deliver(Trap(_GP, 0))
        else:
            self._rewrite()
        return True

    def _at(self) -> tuple[Mode, int]:
        engine = self.engine
        mode = engine.mode
        return mode, engine.segment(SegmentName.CS).base + engine.eip & _U32

    def _opcode(self) -> bytes:
        mode, gva = self._at()
        try:
            data = read_virtual(self.memory, self.engine.cr3, mode, gva, _LENGTH, self.engine.cpl == 3)
        except BadAddress:
            return b""
        return b"" if isinstance(data, PageFault) else data

    def _rewrite(self) -> None:
        """Write the processor's own instruction over the foreign one; the guest then runs it."""
        mode, gva = self._at()
        parts = pieces(self.memory, self.engine.cr3, mode, gva, _LENGTH, Access.WRITE, False)
        if isinstance(parts, PageFault):
            self.engine.cr2 = parts.gva
            self.deliver(Trap(_PF, parts.error))
            return
        at = 0
        for found, part in parts:
            if multiboot.ROM_START <= found.gpa < multiboot.ROM_END:
                self.kill(f"hypercall instruction of another processor in ROM at gpa {found.gpa:#x}")
                return
            self.memory.write(found.gpa, self._native[at : at + part])
            at += part
        self.trace.event("device", f"hypercall instruction at {gva:#x} rewritten for this processor")

    def _hypercall(self) -> None:
        engine = self.engine
        number, arguments = engine.eax, (engine.ebx, engine.ecx, engine.edx, engine.esi)
        if engine.cpl:
            name, result, why = f"hypercall {number}", -int(Errno.EPERM), f"from CPL {engine.cpl}"
        else:
            try:
                name, result, why = self.calls.call(number, arguments)
            except MmuOpFailed as failed:
                self.kill(str(failed))
                return
        self.trace.hypercall(name, arguments, result, why)
        engine.eax = result & _U32
        engine.eip += _LENGTH
