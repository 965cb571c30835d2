"""What an engine is: something that executes i386 instructions until something happens.

An engine knows CPU, memory and exits. It never delivers a trap to the guest and never interprets a
hypercall: it reports, and whoever owns it (a hypervisor) decides. One engine serves one virtual CPU.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from vmirom.machine.clock import Clock
from vmirom.machine.memory import Memory
from vmirom.machine.paging import Mode

__all__ = [
    "Engine",
    "EngineError",
    "Exit",
    "Halted",
    "Ports",
    "Preempted",
    "Segment",
    "SegmentName",
    "Stray",
    "Trap",
    "Window",
]


class EngineError(Exception):
    """The engine itself can't be used or gave up; the text is one line for the user."""


class SegmentName(enum.IntEnum):
    """Segment registers in the order of their hardware encoding."""

    ES = 0
    CS = 1
    SS = 2
    DS = 3
    FS = 4
    GS = 5


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment register with its hidden part. ``attributes`` is a descriptor's second dword masked
    with 0x00F0FF00 (type, S, DPL, P, AVL, L, D/B, G)."""

    selector: int
    base: int
    limit: int
    attributes: int


@dataclass(frozen=True, slots=True)
class Trap:
    """An exception (EIP at the instruction) or a software interrupt (``soft``: EIP after it).

    ``error`` is the error code for vectors that have one, else None. For vector 14 the address is in
    ``engine.cr2``. vmcall, vmmcall and undefined opcodes arrive as vector 6, ``soft`` False. An I/O
    instruction that CPL and IOPL (and the TSS bitmap) forbid arrives as vector 13, error 0.
    """

    vector: int
    error: int | None = None
    soft: bool = False


@dataclass(frozen=True, slots=True)
class Halted:
    """HLT was executed at CPL 0; EIP is after it."""


@dataclass(frozen=True, slots=True)
class Preempted:
    """The deadline passed, or :meth:`Engine.kick` was called; the guest can simply be run again."""


@dataclass(frozen=True, slots=True)
class Window:
    """EFLAGS.IF is set and no STI or MOV SS shadow is on: an interrupt can be taken now."""


@dataclass(frozen=True, slots=True)
class Stray:
    """Guest-physical address that is neither memory nor device, or a store to read-only memory.

    ``write`` tells the direction, ``fetch`` an instruction fetch. EIP is at the instruction.
    """

    gpa: int
    write: bool
    fetch: bool = False
    read_only: bool = False


Exit = Trap | Halted | Preempted | Window | Stray


class Ports(Protocol):
    """Devices behind I/O ports, called synchronously while the guest executes IN or OUT."""

    def port_in(self, port: int, size: int) -> int:
        """Value of ``size`` bytes (1, 2, 4) at ``port``; all ones where nothing answers."""

    def port_out(self, port: int, size: int, value: int) -> None:
        """Write ``size`` bytes."""


class Engine(Protocol):
    """One virtual CPU and its physical memory. Registers are read and written between runs (and from
    callbacks, where EIP is at the instruction)."""

    memory: Memory
    clock: Clock

    eax: int
    ecx: int
    edx: int
    ebx: int
    esp: int
    ebp: int
    esi: int
    edi: int
    eip: int
    eflags: int
    cr0: int
    cr2: int
    cr3: int  # writing flushes all translations
    cr4: int
    efer: int
    gdtr: tuple[int, int]  # (base, limit)
    idtr: tuple[int, int]

    @property
    def cpl(self) -> int:
        """Current privilege level."""

    @property
    def interruptible(self) -> bool:
        """IF set and no interrupt shadow."""

    @property
    def mode(self) -> Mode:
        """How linear addresses are translated now."""

    def general(self) -> list[int]:
        """The general registers, in the order of their hardware encoding: EAX ECX EDX EBX ESP EBP ESI EDI."""

    def segment(self, name: SegmentName) -> Segment:
        """A segment register with its hidden part."""

    def selector(self, name: SegmentName) -> int:
        """What :meth:`segment` has as its selector."""

    def set_segment(self, name: SegmentName, segment: Segment) -> None:
        """Write selector and hidden part as they are, without checks; SS sets CPL from its DPL."""

    def task_register(self) -> Segment:
        """TR with its hidden part."""

    def set_task_register(self, segment: Segment) -> None:
        """Write TR; it may become *available* where a busy one would harm the engine."""

    def local_table(self) -> Segment:
        """LDTR with its hidden part."""

    def set_local_table(self, segment: Segment) -> None:
        """Write LDTR as it is."""

    def read_msr(self, index: int) -> int:
        """A model-specific register of the processor itself; 0 for one that it does not have."""

    def write_msr(self, index: int, value: int) -> None:
        """Write a model-specific register of the processor itself; an unknown one is ignored."""

    def enter(self, cs: Segment, ss: Segment, esp: int, eip: int) -> None:
        """Continue at cs:eip with ss:esp at the CPL of cs (any ring to any ring)."""

    def run(self, deadline_ns: int | None = None, window: bool = False) -> Exit:
        """Execute until something happens.

        ``deadline_ns`` is a time of :attr:`clock` from which on :class:`Preempted` is returned (by the
        host's, a few milliseconds late at most). With ``window`` the engine also stops as soon as the
        guest becomes :attr:`interruptible`. A pending KeyboardInterrupt is raised from here.
        """

    def kick(self) -> None:
        """Make a running :meth:`run` return Preempted soon; callable from another thread."""

    def flush_tlb(self) -> None:
        """Forget all translations, global ones too."""

    def protect(self, gpa: int, length: int) -> None:
        """Make whole pages of physical memory read-only: a guest store becomes :class:`Stray`."""

    def unprotect(self, gpa: int, length: int) -> None:
        """Undo :meth:`protect`."""

    def unmap(self, gpa: int, length: int) -> None:
        """Take whole pages out of physical memory: any guest access becomes :class:`Stray`."""

    def open_bus(self, gpa: int, length: int) -> None:
        """Let the guest read all ones from whole pages that are not memory, and forget what it writes
        there, instead of reporting :class:`Stray`."""

    def watch(self, gva: int, length: int, seen: Callable[[int], None]) -> None:
        """Call ``seen(address)`` whenever a basic block that starts in [gva, gva+length) is entered.
        Set up before the guest runs."""

    def trap_opcode(self, opcode: bytes, seen: Callable[[], bool]) -> None:
        """Before each instruction that begins with ``opcode`` (e.g. wrmsr ``0f 30``) and lies in code
        known at load (see :meth:`code`), call ``seen``; True means that it was dealt with and is to be
        skipped (``seen`` has moved EIP itself)."""

    def code(self, gva: int, data: bytes) -> None:
        """Tell that ``data`` at virtual address ``gva`` is code, for :meth:`trap_opcode`."""

    def set_mender(self, mends: Callable[[int, int], bool]) -> None:
        """``mends(address, error)`` is asked about a page fault where it is met, in the middle of a run, if
        the engine can; True means that the tables have been mended and the instruction is to be done again.
        Any other fault, and an exception from there, comes out of :meth:`run`."""

    def set_cpuid(self, answer: Callable[[int, int], tuple[int, int, int, int] | None]) -> None:
        """``answer(leaf, subleaf)`` gives (eax, ebx, ecx, edx), or None for the engine's own."""

    def look_every(self, blocks: int, first: int) -> None:
        """From now on :meth:`run` returns Preempted behind every ``blocks`` basic blocks of the guest, the
        first time behind ``first`` of them, and its deadline only counts there: what is due is looked at
        where the guest's own instructions say, and no clock. A kick still ends a run at once. Set up before
        the guest runs."""

    def set_tsc(self, answer: Callable[[], int]) -> None:
        """``answer()`` is what RDTSC gives; where CR4.TSD forbids it nobody asks. :meth:`kick` from there
        ends the run at the end of the block. Without, it is :meth:`tsc`."""

    def own_cpuid(self, leaf: int, subleaf: int) -> tuple[int, int, int, int]:
        """What CPUID gives where nobody answers for the engine."""

    def set_ports(self, ports: Ports | None) -> None:
        """Devices behind the ports; None refuses every port instruction outside CPL 0 and answers all
        ones inside it."""

    def tsc(self) -> int:
        """The value RDTSC would give now."""

    def tsc_hz(self) -> int:
        """Rate of the time-stamp counter, measured once."""

    def close(self) -> None:
        """Give everything back."""
