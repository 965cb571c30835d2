"""A PC with one processor: its memory map, its devices, and the loop that drives them.

What a guest may rely on: traps and interrupts arrive through its IDT as on hardware; an interrupt is
delivered before the next instruction at which one can be; HLT sleeps until the next interrupt; memory
ends where the Multiboot map says, and beyond it is an undriven bus. A store to the ROM area kills the
guest unless the host bridge was told to allow it, because a ROM that writes to itself is wrong on real
machines too.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from vmirom.hypervisors.hypervisor import Console, Ending, EndKind, LoadError, Trace
from vmirom.hypervisors.native import multiboot
from vmirom.hypervisors.native.image import read_image
from vmirom.hypervisors.native.registers import has_msr
from vmirom.machine.clock import EXIT_NS, PORT_NS, date
from vmirom.machine.delivery import Delivery, TripleFault
from vmirom.machine.devices import Devices, Request, RequestKind
from vmirom.machine.devices.bridge import HALF
from vmirom.machine.engine import (
    Engine,
    EngineError,
    Exit,
    Halted,
    Segment,
    SegmentName,
    Stray,
    Trap,
)
from vmirom.machine.memory import BadAddress, Memory
from vmirom.machine.paging import PageFault, read_virtual
from vmirom.overlays.native import Cr0, Multiboot
from vmirom.overlays.vmi import Layout

__all__ = ["Machine"]

_MIB: Final = 1 << 20
_IF: Final = 0x200
_UD: Final = 6
_GP: Final = 13
_RDMSR: Final = b"\x0f\x32"
_WRMSR: Final = b"\x0f\x30"
_SET_CR0: Final = b"\x0f\x22"
_SET_CR0_OPERAND: Final = 0xC0  # mov %eax,%cr0; the registers in their order
_LTR: Final = b"\x0f\x00"
_LTR_OPERAND: Final = 0xD8  # ltr %eax; the registers in their order
_REGISTERS: Final = ("eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi")
_FOUR_GIB: Final = 1 << 32
_CODE: Final = Segment(0x08, 0, 0xFFFFFFFF, 0x00C09B00)
_DATA: Final = Segment(0x10, 0, 0xFFFFFFFF, 0x00C09300)


class _RomStoreError(Exception):
    """A trap's frame would have to be stored in ROM."""

    def __init__(self, gpa: int) -> None:
        self.gpa = gpa


class Machine:
    """The embedded ``native`` hypervisor: it has no hypercalls."""

    name = "native"

    def __init__(
        self,
        engine_factory: Callable[[Memory], Engine],
        memory_mib: int,
        console: Console,
        trace: Trace,
        modules: Sequence[multiboot.Module] = (),
    ) -> None:
        if not 2 <= memory_mib <= 3072:
            raise LoadError(f"memory: {memory_mib} MiB is not between 2 and 3072")
        self.memory = Memory(memory_mib * _MIB)
        self.engine = engine_factory(self.memory)
        self.clock = clock = self.engine.clock
        self.trace = trace
        self.devices = Devices(
            self.memory.size, console, self._ask, clock.now_ns, lambda: date(clock.wall_ns()), self._unlock
        )
        self.delivery = Delivery(self.engine, self._guard_rom)
        self.modules = tuple(modules)
        self._ending: Ending | None = None
        self._wake = threading.Event()
        self._input: deque[bytes] = deque()
        self._awaited: int | None = None
        self._line = False
        self._locks: deque[tuple[int, bool]] = deque()
        self._writable = [False, False]
        self.engine.set_ports(self)
        self.engine.trap_opcode(_RDMSR, self._on_rdmsr)
        self.engine.trap_opcode(_WRMSR, self._on_wrmsr)
        if not self.clock.exact:
            self.engine.set_tsc(self._read_tsc)
        for operand in range(8):
            self.engine.trap_opcode(_LTR + bytes((_LTR_OPERAND + operand,)), self._on_ltr)
            self.engine.trap_opcode(_SET_CR0 + bytes((_SET_CR0_OPERAND + operand,)), self._on_set_cr0)

    # loading

    def load(self, bundle: bytes, command_line: str = "") -> None:
        """Place an ELF bundle and set the state that Multiboot promises. Raises LoadError."""
        multiboot.check_header(bundle)
        image = read_image(bundle)
        multiboot.place_image(self.memory, image)
        info = multiboot.place(self.memory, image, command_line, self.modules)
        self._close_holes()
        engine = self.engine
        for name in SegmentName:
            engine.set_segment(name, _CODE if name == SegmentName.CS else _DATA)
        engine.eflags = 2
        engine.eax = int(Multiboot.BOOTLOADER_MAGIC)
        engine.ebx = info
        engine.eip = image.entry
        for segment in image.segments:
            if segment.executable:
                for base in {segment.paddr, segment.vaddr, segment.paddr + Layout.LINEAR_BASE & 0xFFFFFFFF}:
                    engine.code(base, segment.data)

    def _close_holes(self) -> None:
        engine = self.engine
        for start, end in multiboot.HOLE:
            engine.unmap(start, end - start)
            engine.open_bus(start, end - start)
        engine.protect(multiboot.ROM_START, multiboot.ROM_END - multiboot.ROM_START)
        engine.open_bus(self.memory.size, _FOUR_GIB - self.memory.size)

    def _unlock(self, half: int, writable: bool) -> None:
        """The guest writes to the host bridge: done behind that instruction."""
        self._locks.append((half, writable))
        self.engine.kick()

    def _change_locks(self) -> None:
        """What was put into the option ROMs' area is code once it is locked."""
        while self._locks:
            half, writable = self._locks.popleft()
            gpa = multiboot.ROM_START + half * HALF
            self._writable[half] = writable
            if writable:
                self.engine.unprotect(gpa, HALF)
                continue
            self.engine.protect(gpa, HALF)
            if not any(self._writable):
                content = self.memory.read(multiboot.ROM_START, multiboot.ROM_END - multiboot.ROM_START)
                self.engine.code(multiboot.ROM_START, content)
                self.engine.code(multiboot.ROM_START + Layout.LINEAR_BASE, content)

    # what happens from outside

    def receive(self, data: bytes) -> None:
        """Bytes for the guest's serial port; callable from another thread."""
        self._input.append(data)
        self._wake.set()
        self.engine.kick()

    def _advance(self) -> None:
        """Bring the devices up to date: the timer, and what has been sent to the serial port."""
        self.devices.advance()
        while self._input:
            self.devices.uart.receive(self._input.popleft())

    def _ask(self, request: Request) -> None:
        if request.kind is RequestKind.EXIT:
            self._end(Ending(EndKind.SHUTDOWN, f"exit port, status {request.value:#x}", request.value))
        elif request.kind is RequestKind.OFF:
            self._end(Ending(EndKind.SHUTDOWN, f"powered off through {request.how}"))
        elif request.kind is RequestKind.RESET:
            self._end(Ending(EndKind.REBOOT, f"reset through {request.how}"))
        else:
            self.trace.event("device", f"{request.how}: {request.kind.value}")

    def _end(self, ending: Ending) -> None:
        """The first ending counts; the guest stops behind the instruction that asked for it."""
        if self._ending is None:
            self._ending = ending
        self.engine.kick()

    def kill(self, reason: str) -> None:
        """End the run: the guest did what it may not."""
        self.trace.event("kill", reason)
        self._end(Ending(EndKind.CRASH, reason))

    # ports

    def port_in(self, port: int, size: int) -> int:
        """See :class:`vmirom.machine.engine.Ports`. What was due by now shows in what is read."""
        self.clock.spend(PORT_NS)
        self.devices.advance()
        value = self.devices.bus.port_in(port, size)
        self._notice()
        return value

    def port_out(self, port: int, size: int, value: int) -> None:
        """See :class:`vmirom.machine.engine.Ports`."""
        devices = self.devices
        self.clock.spend(PORT_NS)
        devices.advance()
        devices.bus.port_out(port, size, value)
        self._notice()

    def _notice(self) -> None:
        """An access that raises the interrupt line or sets the timer ends the run, which was started with
        neither in view."""
        event, awaited = self.devices.next_event(), self._awaited
        sooner = event != awaited and event is not None and (awaited is None or event < awaited)
        if sooner or (not self._line and self.interrupt_pending()):
            self.engine.kick()

    # running

    def run(self, deadline_ns: int) -> Ending:
        """Run to the end, or to the deadline, a time of :attr:`clock`."""
        while self._ending is None:
            try:
                self._step(deadline_ns)
            except EngineError as problem:
                self.kill(f"engine: {problem} (eip {self.engine.eip:#x})")
            except _RomStoreError as store:
                self.kill(f"trap frame in ROM at gpa {store.gpa:#x} (eip {self.engine.eip:#x})")
        return self._ending

    def _step(self, deadline_ns: int) -> None:
        """Deliver what is pending, run once, answer the exit."""
        self._change_locks()
        self._advance()
        if self.clock.now_ns() >= deadline_ns:
            self._ending = Ending(EndKind.BUDGET, f"out of time at eip {self.engine.eip:#x}")
            return
        pending = self.interrupt_pending()
        if pending and self.engine.interruptible:
            self._interrupt()
            pending = self.interrupt_pending()
        event = self.devices.next_event()
        self._awaited, self._line = event, pending
        limit = deadline_ns if event is None else min(deadline_ns, event)
        self.entering()
        try:
            exit_ = self.engine.run(limit, window=pending)
        finally:
            self.left()
        self.clock.spend(EXIT_NS)
        self._answer(exit_, deadline_ns)

    def entering(self) -> None:
        """For hypervisors built on this one: the guest is about to run."""

    def left(self) -> None:
        """For hypervisors built on this one: the guest has run."""

    def _answer(self, exit_: Exit, deadline_ns: int) -> None:
        if isinstance(exit_, Trap):
            if not self.on_trap(exit_):
                self.deliver(exit_)
        elif isinstance(exit_, Halted):
            self.halt(deadline_ns)
        elif isinstance(exit_, Stray):
            self._stray(exit_)

    def on_trap(self, trap: Trap) -> bool:
        """For hypervisors built on this one: True if the trap was theirs, such as a hypercall."""
        return False

    # instructions that the processor does not do alone

    def _read_tsc(self) -> int:
        """A guest that reads the time finds what was due by then to have happened: time comes first, since
        the host may take a while between the two."""
        now = self.engine.tsc()
        if self._awaited is not None and self.clock.now_ns() >= self._awaited:
            self._advance()
            self._notice()
        return now

    def _operand(self, opcode: bytes) -> int | None:
        """Value of the register behind ``opcode`` at EIP; None where the processor is to look itself:
        above CPL 0, or where that byte can't be read."""
        engine = self.engine
        if engine.cpl:
            return None
        at = engine.eip + engine.segment(SegmentName.CS).base + len(opcode) & 0xFFFFFFFF
        mode = engine.mode
        try:
            operand = read_virtual(self.memory, engine.cr3, mode, at, 1)
        except BadAddress:
            return None
        return None if isinstance(operand, PageFault) else int(getattr(engine, _REGISTERS[operand[0] & 7]))

    def _on_ltr(self) -> bool:
        """LTR of a null selector is #GP(0); unicorn would take it, and abort at the next inner call gate."""
        selector = self._operand(_LTR)
        if selector is None or selector & 0xFFFC:
            return False
        self.deliver(Trap(_GP, 0))
        return True

    def _on_set_cr0(self) -> bool:
        """Paging without protection, and NW without CD, are #GP(0); unicorn would take both."""
        value = self._operand(_SET_CR0)
        if value is None:
            return False
        unprotected = value & Cr0.PG and not value & Cr0.PE
        if not unprotected and not (value & Cr0.NW and not value & Cr0.CD):
            return False
        self.deliver(Trap(_GP, 0))
        return True

    def _on_rdmsr(self) -> bool:
        """True if the instruction has been dealt with; CPL above 0 is left to the processor."""
        engine = self.engine
        if engine.cpl:
            return False
        index = engine.ecx
        value = self.read_msr(index)
        if value is None:
            if has_msr(index):
                return False
            self.trace.event("trap", f"rdmsr of unknown {index:#x} at eip {engine.eip:#x}")
            self.deliver(Trap(_GP, 0))
            return True
        engine.eax, engine.edx = value & 0xFFFFFFFF, value >> 32
        engine.eip += len(_RDMSR)
        return True

    def _on_wrmsr(self) -> bool:
        engine = self.engine
        if engine.cpl:
            return False
        index = engine.ecx
        accepted = self.write_msr(index, engine.edx << 32 | engine.eax)
        if accepted is None and has_msr(index):
            return False
        if not accepted:
            self.trace.event("trap", f"wrmsr of {index:#x} refused at eip {engine.eip:#x}")
            self.deliver(Trap(_GP, 0))
        else:
            engine.eip += len(_WRMSR)
        return True

    def read_msr(self, index: int) -> int | None:
        """For hypervisors built on this one: a register of theirs, or None."""
        return None

    def write_msr(self, index: int, value: int) -> bool | None:
        """For hypervisors built on this one: True if taken, False for #GP, None if it is none of theirs."""
        return None

    def deliver(self, trap: Trap) -> None:
        """Give a trap to the guest; a triple fault ends it."""
        self.trace.event("trap", f"vector {trap.vector} at eip {self.engine.eip:#x}")
        self._check(self.delivery.trap(trap))

    def interrupt_pending(self) -> bool:
        """Whether an interrupt waits for the processor."""
        return self.devices.pic.pending

    def next_vector(self) -> int:
        """Acknowledge the interrupt that waits."""
        return self.devices.acknowledge()

    def _interrupt(self) -> None:
        vector = self.next_vector()
        self.trace.event("interrupt", f"vector {vector:#x}")
        self._check(self.delivery.interrupt(vector))

    def _check(self, outcome: TripleFault | None) -> None:
        if outcome is not None:
            vectors = ", ".join(str(vector) for vector in outcome.vectors)
            self.kill(f"triple fault at eip {outcome.eip:#x}, vectors {vectors}, cr2 {self.engine.cr2:#x}")

    def halt(self, deadline_ns: int) -> None:
        """Sleep until the interrupt line is raised, never past the deadline."""
        if not self.engine.eflags & _IF:
            where = f"at eip {self.engine.eip:#x}"
            self._end(Ending(EndKind.BUDGET, f"halted for ever: interrupts are off {where}"))
            return
        while self._ending is None:
            self._advance()
            if self.interrupt_pending() or self.woken() or self.clock.now_ns() >= deadline_ns:
                return
            event = self.devices.next_event()
            self.clock.sleep(deadline_ns if event is None else min(deadline_ns, event), self._wake)

    def woken(self) -> bool:
        """For hypervisors built on this one: True once if a halted processor is to go on."""
        return False

    def _stray(self, stray: Stray) -> None:
        eip = self.engine.eip
        if stray.read_only:
            self.kill(f"store to ROM at gpa {stray.gpa:#x} (eip {eip:#x})")
        elif stray.fetch:
            # An undriven bus reads all ones, and ff ff is no instruction.
            self.trace.event("trap", f"fetch from nothing at gpa {stray.gpa:#x}")
            self.deliver(Trap(_UD))
        else:
            verb = "store to" if stray.write else "load from"
            self.kill(f"{verb} gpa {stray.gpa:#x}, above 4 GiB (eip {eip:#x})")

    def _guard_rom(self, gpa: int, length: int) -> None:
        within = gpa < multiboot.ROM_END and gpa + length > multiboot.ROM_START
        if within and not self._writable[int(gpa >= multiboot.ROM_START + HALF)]:
            raise _RomStoreError(gpa)

    # reports

    def pfn_of(self, frame: int) -> int | None:
        """See :class:`vmirom.hypervisors.hypervisor.Hypervisor`: the machine's frames are the guest's."""
        return frame if frame << 12 < self.memory.size else None

    def describe(self) -> str:
        """Registers as a few lines."""
        e = self.engine
        general = ("eax", "ebx", "ecx", "edx", "esi", "edi", "ebp", "esp")
        lines = [" ".join(f"{name} {getattr(e, name):08x}" for name in general)]
        lines.append(f"eip {e.eip:08x} eflags {e.eflags:08x} cpl {e.cpl}")
        lines.append(f"cr0 {e.cr0:08x} cr2 {e.cr2:08x} cr3 {e.cr3:08x} cr4 {e.cr4:08x}")
        names = SegmentName
        lines.append(" ".join(f"{n.name.lower()} {e.segment(n).selector:04x}" for n in names))
        lines.append(f"gdt {e.gdtr[0]:08x}+{e.gdtr[1]:04x} idt {e.idtr[0]:08x}+{e.idtr[1]:04x}")
        return "\n".join(lines)

    def close(self) -> None:
        """Give the engine back."""
        self.engine.close()
