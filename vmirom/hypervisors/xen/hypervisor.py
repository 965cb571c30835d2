"""The run loop: what stops the guest, and who answers.

Events reach the guest on Xen's way back to it and never otherwise: after a hypercall, a trap, or the
interrupt of a timer of Xen's own. Clearing the mask in memory delivers nothing by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Final

from vmirom.hypervisors.hypervisor import Console, Ending, EndKind, Trace
from vmirom.hypervisors.xen.answers import DomainCrash, Ended
from vmirom.hypervisors.xen.builder import Setup, build
from vmirom.hypervisors.xen.domain import Domain
from vmirom.hypervisors.xen.layout import WINDOW_VA
from vmirom.hypervisors.xen.pages import Owner
from vmirom.hypervisors.xen.registers import CR0_TS
from vmirom.hypervisors.xen.release import release as known_release
from vmirom.hypervisors.xen.traps import DB, GP, NM, PF, TS, UD
from vmirom.machine.clock import EXIT_NS
from vmirom.machine.engine import Engine, Exit, Halted, Preempted, SegmentName, Stray, Trap, Window
from vmirom.machine.memory import BadAddress, Memory
from vmirom.machine.phase import in_phase
from vmirom.overlays.native import Eflags
from vmirom.overlays.xen import Transport

if TYPE_CHECKING:
    from vmirom.hypervisors.xen.stores import StoreEmulator

__all__ = ["XenHypervisor", "make"]

_DIRECT: Final = (3, 4)
"""int3 and into have gates of DPL 3 in Xen's own table."""
_HYPERCALL: Final = int(Transport.VECTOR)
_SYSTEM_CALL: Final = 0x80
"""Has one, too, and a way of its own: the DPL of the guest's gate is not looked at."""


def make(
    engine_factory: Callable[[Memory], Engine],
    memory_mib: int,
    console: Console,
    trace: Trace,
    *,
    seed: int = 0,
    module: bytes = b"",
    release: str = "4.17",
    phase: int = 0,
) -> XenHypervisor:
    """An embedded Xen for a domain of ``memory_mib``. ``seed`` orders the frames, ``module`` is handed to
    the guest as its initial module, ``release`` is a key of RELEASES, ``phase`` says where it is looked what
    is due. Raises LoadError for an unknown release."""
    engines = in_phase(engine_factory, phase)
    return XenHypervisor(Setup(engines, memory_mib, console, trace, seed, module, known_release(release)))


class XenHypervisor:
    """One machine with Xen and its initial domain."""

    name = "xen"

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._domain: Domain | None = None
        self._expected: tuple[int, int] | None = None

    @cached_property
    def _stores(self) -> StoreEmulator:
        """Made for the first store that Xen is to carry out: most guests have none, and it needs capstone."""
        from vmirom.hypervisors.xen.stores import StoreEmulator

        return StoreEmulator(self.domain)

    @property
    def domain(self) -> Domain:
        """The domain that was loaded. Raises RuntimeError before :meth:`load`."""
        if self._domain is None:
            raise RuntimeError("nothing is loaded")
        return self._domain

    def load(self, bundle: bytes, command_line: str = "") -> None:
        """Build the domain from ``bundle``. Raises LoadError."""
        self._domain = build(bundle, command_line, self._setup)

    def feed(self, data: bytes) -> None:
        """Type ``data`` on the console."""
        self.domain.console.feed(data)

    def run(self, deadline_ns: int) -> Ending:
        """Run until the machine ends or ``deadline_ns``, a time of the engine's clock, has passed."""
        self.domain.deadline_ns = deadline_ns
        try:
            while True:
                self._step(deadline_ns)
        except Ended as ended:
            return ended.ending
        except (DomainCrash, BadAddress) as crash:
            self.domain.trace.event("kill", str(crash))
            return Ending(EndKind.CRASH, f"domain crash: {crash}")
        finally:
            self.domain.scheduling.held()

    def _step(self, deadline_ns: int) -> None:
        """Deliver what is due, run the guest to its next exit, answer it."""
        domain = self.domain
        scheduling = domain.scheduling
        due = self._due(scheduling.next_due())
        clock = domain.engine.clock
        now = clock.now_ns()
        if now >= deadline_ns:
            raise Ended(Ending(EndKind.BUDGET, self._budget_reason()))
        if due is not None and now >= due:
            scheduling.fire()
            self._expected = None
            return
        until = due if due and due < deadline_ns else deadline_ns
        if scheduling.blocked:
            scheduling.check_wake()
            if scheduling.blocked:
                clock.sleep(until)
                return
        scheduling.resume()
        domain.traps.check_nmi()
        vcpu = domain.shared.vcpu
        if vcpu.evtchn_upcall_pending and not vcpu.evtchn_upcall_mask:
            domain.traps.upcall()
        stop = domain.engine.run(until)
        clock.spend(EXIT_NS)
        self._answer(stop)

    def _due(self, due: int | None) -> int | None:
        """When the next timer fires, as a time of the engine's clock: the same while no other is next."""
        if due is None:
            return None
        if self._expected is None or self._expected[0] != due:
            self._expected = due, self.domain.clock.monotonic(due)
        return self._expected[1]

    def _budget_reason(self) -> str:
        if self.domain.scheduling.blocked:
            return "blocked until the time was up"
        return f"still running at {self.domain.engine.eip:#010x} when the time was up"

    def _answer(self, stop: Exit) -> None:
        if isinstance(stop, Trap):
            if stop.soft:
                self._interrupt(stop.vector)
            else:
                self._exception(stop.vector, stop.error)
            return
        match stop:
            case Stray():
                self._stray(stop)
            case Halted():
                raise DomainCrash("halted in ring 0, where no guest runs")
            case Preempted() | Window():
                pass

    def _interrupt(self, vector: int) -> None:
        """``int n``: hypercalls from ring 1, and what the trap table permits. The rest is #GP at the
        instruction, with the vector in the error code."""
        domain = self.domain
        engine = domain.engine
        ring = engine.cpl
        if vector == _HYPERCALL and ring == 1:
            domain.hypercalls.run()
            return
        gate = domain.traps.gates[vector]
        if vector in _DIRECT or (vector == _SYSTEM_CALL and gate is not None):
            domain.traps.inject(vector, soft=True)
            return
        if vector != _HYPERCALL and gate is not None and gate.dpl >= ring:
            domain.traps.inject(vector, soft=True)
            return
        engine.eip = engine.eip - 2 & 0xFFFFFFFF
        domain.traps.inject_protection(vector * 8 + 2)

    def _exception(self, vector: int, error: int | None) -> None:
        domain = self.domain
        if vector == PF:
            self._page_fault(domain.engine.cr2, error or 0)
        elif vector == TS and not error and domain.engine.eflags & Eflags.NT:
            domain.traps.inject_protection()  # IRET with NT, which long mode refuses
        elif vector == GP and not error:
            if not domain.privileged.emulate():
                domain.traps.inject_protection()
        elif vector == GP and domain.privileged.far_transfer(error or 0):
            pass
        elif vector == UD:
            domain.privileged.undefined()
        elif vector == DB:
            domain.registers.single_step()
            domain.traps.inject(DB)
        elif vector == NM:
            domain.engine.cr0 &= ~CR0_TS
            domain.traps.inject(NM)
        else:
            domain.traps.inject(vector, error)

    def _page_fault(self, address: int, error: int) -> None:
        domain = self.domain
        if address >= WINDOW_VA and not error & 4:
            answer = domain.segments.fault(address, error)
            if answer is None:
                return
            address, error = answer
        elif error & 7 == 3 and self._stores.table_store(address):
            return
        domain.traps.inject_fault(address, error)

    def _stray(self, stray: Stray) -> None:
        """An access to I/O memory that no device answers: reads are ones, writes are lost."""
        if stray.fetch or not self._stores.io_access():
            what = "fetch" if stray.fetch else "store" if stray.write else "load"
            raise DomainCrash(f"{what} at machine address {stray.gpa:#x}, where nothing is")

    def pfn_of(self, frame: int) -> int | None:
        """See :class:`vmirom.hypervisors.hypervisor.Hypervisor`: as the machine-to-physical table has it."""
        domain = self.domain
        if not frame < domain.tables.count or domain.tables.owner[frame] != Owner.DOMAIN:
            return None
        return domain.m2p(frame)

    def describe(self) -> str:
        """Registers and what Xen holds, for reports of crashes."""
        if self._domain is None:
            return "xen: nothing loaded"
        engine, domain = self._domain.engine, self._domain
        cs, ss = engine.segment(SegmentName.CS).selector, engine.segment(SegmentName.SS).selector
        vcpu = domain.shared.vcpu
        return "\n".join(
            (
                f"cs:eip {cs:04x}:{engine.eip:08x} ss:esp {ss:04x}:{engine.esp:08x} efl {engine.eflags:08x}",
                f"eax {engine.eax:08x} ebx {engine.ebx:08x} ecx {engine.ecx:08x} edx {engine.edx:08x}",
                f"esi {engine.esi:08x} edi {engine.edi:08x} ebp {engine.ebp:08x} cr2 {vcpu.arch_cr2:08x}",
                f"base frame {domain.mmu.base:#x} upcall pending {vcpu.evtchn_upcall_pending}"
                f" mask {vcpu.evtchn_upcall_mask} kernel stack {domain.traps.kernel_ss:04x}:"
                f"{domain.traps.kernel_esp:08x}",
            )
        )
