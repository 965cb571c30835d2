"""The embedded lguest: one machine, its parts, and the run loop.

The loop is the real host's: serve the hypercall the guest left with, let expired time raise interrupt 0,
deliver at most one interrupt, sleep if the guest halted, else run it until it traps. A real machine's own
tick takes the processor from a guest a few hundred times a second; that matters to a guest only while
something is pending that it couldn't take, so only then does this host tick.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Final

from vmirom.hypervisors.hypervisor import Console, Ending, EndKind, LoadError, NoTrace, Trace
from vmirom.hypervisors.lguest.death import BadNotify, HostBug, Killed, ShutDown
from vmirom.hypervisors.lguest.device import DEVICE_PAGES, ConsoleDevice
from vmirom.hypervisors.lguest.guest_memory import GuestMemory
from vmirom.hypervisors.lguest.host_pages import HostPages
from vmirom.hypervisors.lguest.hypercalls import Hypercalls
from vmirom.hypervisors.lguest.interrupts import Interrupts
from vmirom.hypervisors.lguest.loader import build_page_tables, place
from vmirom.hypervisors.lguest.page_tables import ERROR_FETCH, ERROR_USER, ERROR_WRITE, ShadowTables
from vmirom.hypervisors.lguest.paging_format import NO_EXECUTE, PAE, TWO_LEVEL
from vmirom.hypervisors.lguest.release import RELEASES
from vmirom.hypervisors.lguest.segments import SegmentTable
from vmirom.hypervisors.lguest.switcher import Switcher
from vmirom.hypervisors.lguest.traps import Traps
from vmirom.machine.addresses import PAGE_SIZE
from vmirom.machine.clock import EXIT_NS, Clock
from vmirom.machine.engine import Engine, EngineError, Halted, Segment, SegmentName, Stray, Trap
from vmirom.machine.memory import Memory
from vmirom.overlays import lguest as abi

__all__ = ["EngineFactory", "Lguest"]

EngineFactory = Callable[[Memory], Engine]
_HOST_PAGES: Final = 4 * (2048 + 5) + 8
"""Enough for four shadows of a whole address space; pages that aren't touched cost nothing."""
_HOST_TICK_NS: Final = 4_000_000
_CR0: Final = 0x80050033
"""As Linux leaves it: PG AM WP NE ET MP PE."""
_CR4_SSE: Final = 0x600
_CR4_PAE: Final = 0x20
_EFER_NXE: Final = 0x800
_NULL: Final = Segment(0, 0, 0, 0)
_EXIT: Final = re.compile(rb"vmi exit (\d{1,10})\Z")
_REFUSAL: Final = b"vmirom: "
"""What a ROM's last words begin with where it could not start a guest."""


class Lguest:
    """One lguest guest with ``memory_mib`` of RAM.

    ``pae`` says which page-table format the host is built for; ``release`` is a key of RELEASES; ``seed``
    settles the random choice of a shadow to reuse; ``initrd`` is placed as the launcher does; without
    ``stable_tsc`` the host tells no rate of the TSC. Raises LoadError for a bad option.
    """

    name = "lguest"

    def __init__(
        self,
        engine_factory: EngineFactory,
        memory_mib: int,
        console: Console,
        trace: Trace | None = None,
        *,
        pae: bool = True,
        release: str = "2.6.35",
        seed: int = 0,
        initrd: bytes = b"",
        stable_tsc: bool = True,
        clock: Clock | None = None,
    ) -> None:
        if release not in RELEASES:
            raise LoadError(f"release: {release!r} is not one of {', '.join(RELEASES)}")
        if not 2 <= memory_mib <= 2048:
            raise LoadError(f"memory: {memory_mib} MiB is not between 2 and 2048")
        self._ram = memory_mib << 20
        self._initrd = initrd
        self._trace: Trace = NoTrace() if trace is None else trace
        self._paging = PAE if pae else TWO_LEVEL
        host = self._ram + abi.Constants.DEVICE_PAGES_MAX * PAGE_SIZE
        self.engine: Engine = engine_factory(Memory(host + _HOST_PAGES * PAGE_SIZE))
        self._clock = self.engine.clock if clock is None else clock
        memory = self.engine.memory
        limit = self._ram // PAGE_SIZE + DEVICE_PAGES
        guest = GuestMemory(memory, self._ram, limit)
        pages = HostPages(memory, host, memory.size)
        self._set_control()
        switcher = Switcher(self.engine, pages, self._paging)
        self.shadows = ShadowTables(
            self.engine, guest, pages, self._paging, switcher.table, random.Random(seed)
        )
        self.segments = SegmentTable(self.engine, switcher.gdt)
        self.interrupts = Interrupts(
            self.engine, guest, self.shadows, self.segments, self._clock, self._trace
        )
        self.traps = Traps(self.engine, guest, self.shadows, self.interrupts, RELEASES[release], self._trace)
        self.hypercalls = Hypercalls(
            self.engine,
            guest,
            self._paging,
            self.shadows,
            self.segments,
            self.interrupts,
            self.traps,
            self._clock,
            console,
            ConsoleDevice(memory, self._ram, console, self.interrupts.raise_interrupt),
            self._trace,
            stable_tsc,
        )
        self._hypercall = False
        self.engine.set_mender(self._fills)

    def load(self, bundle: bytes, command_line: str = "") -> None:
        """Place ``bundle`` (an ELF kernel or a bzImage) by the boot protocol. Raises LoadError."""
        image = place(self.engine.memory, self._ram, bundle, command_line, self._initrd)
        self.shadows.start(build_page_tables(self.engine.memory, self._paging))
        self.shadows.activate()
        self._set_registers(image.entry)

    def run(self, deadline_ns: int) -> Ending:
        """Run to the end or the deadline. Never raises for anything the guest did."""
        try:
            while self._clock.now_ns() < deadline_ns:
                if (ending := self._step(deadline_ns)) is not None:
                    return ending
        except Killed as death:
            return self._dead(f"lguest: {str(death).strip()}")
        except BadNotify as refused:
            return self._dead(f"lguest: {refused}")
        except HostBug as bug:
            return self._dead(
                f"lguest: the host's kernel stops at a bug of its own ({bug}), the launcher with it"
            )
        except ShutDown as wish:
            return self._shut_down(wish)
        except EngineError as error:
            return self._dead(f"engine: {error}")
        at = self.engine.eip
        if at == self.traps.stuck_at:
            return Ending(
                EndKind.BUDGET,
                f"the guest fetches from no-execute {at:#x}, for ever: this host never reflects it",
            )
        return Ending(EndKind.BUDGET, f"the guest was still running at {at:#x}")

    def raise_interrupt(self, number: int) -> None:
        """LHREQ_IRQ: make virtual interrupt ``number`` pending. Raises ValueError at the limit."""
        self.interrupts.raise_interrupt(number)
        self.engine.kick()

    def pfn_of(self, frame: int) -> int | None:
        """See :class:`vmirom.hypervisors.hypervisor.Hypervisor`: behind the guest's memory lies the
        host's."""
        return frame if frame * PAGE_SIZE < self._ram else None

    def describe(self) -> str:
        """Registers and shadow state as a few lines."""
        e = self.engine
        selectors = " ".join(f"{name.name}={e.segment(name).selector:02x}" for name in SegmentName)
        return (
            f"eip={e.eip:08x} eflags={e.eflags:08x} cpl={e.cpl} {selectors}\n"
            f"eax={e.eax:08x} ebx={e.ebx:08x} ecx={e.ecx:08x} edx={e.edx:08x}\n"
            f"esi={e.esi:08x} edi={e.edi:08x} ebp={e.ebp:08x} esp={e.esp:08x} cr2={e.cr2:08x}\n"
            f"top table {self.shadows.current_top:#x}, kernel stack "
            f"{self.shadows.stack.ss:#x}:{self.shadows.stack.esp:#x}"
        )

    # -- one turn of the loop -------------------------------------------------------------------------

    def _step(self, deadline_ns: int) -> Ending | None:
        if self._hypercall:
            self._hypercall = False
            self.hypercalls.serve()
        if self.hypercalls.timer.expired():
            self._trace.event("timer", "expired")
            self.interrupts.raise_interrupt(abi.Constants.CLOCK_INTERRUPT)
        interrupts = self.interrupts
        if interrupts.pending and (number := interrupts.next()) is not None:
            interrupts.try_deliver(number)
        if interrupts.halted:
            return self._sleep(deadline_ns)
        if self.segments.changed:
            self.segments.check()
        self.shadows.activate()
        exit_ = self.engine.run(self._next_event(deadline_ns))
        self._clock.spend(EXIT_NS)
        if isinstance(exit_, Trap):
            self._hypercall = self.traps.handle(exit_)
            return None
        match exit_:
            case Halted():
                raise Killed(f"unhandled trap 13 at {self.engine.eip:#x} (0)")
            case Stray(gpa=gpa):
                raise Killed(f"access to physical {gpa:#x}, which a shadow never names")
        return None

    def _fills(self, address: int, error: int) -> bool:
        """A page fault while the guest runs: whether all there was to do was to fill a shadow. Everything
        else that an exit to the host may bring takes the long way."""
        if self.interrupts.pending or self.hypercalls.timer.due():
            return False
        if not self.shadows.fill(address, error & (ERROR_WRITE | ERROR_USER)):
            return False
        if error & ERROR_FETCH and self.shadows.shadowed(address) & NO_EXECUTE:
            return False
        self.shadows.activate()
        return True

    def _next_event(self, deadline_ns: int) -> int:
        timer = self.hypercalls.timer.deadline()
        stop = deadline_ns if timer is None or timer > deadline_ns else timer
        if self.interrupts.pending:
            stop = min(stop, self._clock.now_ns() + _HOST_TICK_NS)
        return stop

    def _sleep(self, deadline_ns: int) -> Ending | None:
        timer = self.hypercalls.timer.deadline()
        if timer is None and self.interrupts.next() is None:
            return Ending(
                EndKind.BUDGET, "the guest halted for ever: no timer is set and nothing can wake it"
            )
        self._clock.sleep(deadline_ns if timer is None else min(deadline_ns, timer))
        return None

    # -- first and last things ------------------------------------------------------------------------

    def _set_control(self) -> None:
        engine = self.engine
        if self._paging.pae:
            engine.efer = _EFER_NXE
        engine.cr4 = _CR4_SSE | (_CR4_PAE if self._paging.pae else 0)

    def _set_registers(self, entry: int) -> None:
        engine = self.engine
        engine.cr0 = _CR0
        for name in (SegmentName.DS, SegmentName.ES):
            engine.set_segment(name, self.segments.segment(abi.Constants.KERNEL_DS))
        for name in (SegmentName.FS, SegmentName.GS):
            engine.set_segment(name, _NULL)
        engine.eax = engine.ebx = engine.ecx = engine.edx = 0
        engine.esi = engine.edi = engine.ebp = 0
        engine.eflags = abi.Boot.EFLAGS
        self.interrupts.continue_at(abi.Constants.KERNEL_DS, 0, entry)
        engine.set_ports(None)

    def _dead(self, reason: str) -> Ending:
        self._trace.event("kill", reason)
        return Ending(EndKind.CRASH, reason)

    def _shut_down(self, wish: ShutDown) -> Ending:
        text = " ".join(wish.message.decode("utf-8", "replace").split())
        if wish.restart:
            return Ending(EndKind.REBOOT, f"lguest: restart ({text})")
        if wish.message.startswith(_REFUSAL):
            return self._dead(f"lguest: CRASH: {text}")
        found = _EXIT.match(wish.message)
        return Ending(EndKind.SHUTDOWN, f"lguest: CRASH: {text}".strip(), int(found[1]) if found else None)
