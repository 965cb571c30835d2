"""A domain: everything Xen knows about the guest it runs, put together.

Each subject keeps its own state in its own module; this one holds them, the frames, and what several need.
"""

from __future__ import annotations

from dataclasses import dataclass

from vmirom.hypervisors.hypervisor import Console as Output
from vmirom.hypervisors.hypervisor import Ending, EndKind, Trace
from vmirom.hypervisors.xen.answers import Ended, GuestFault
from vmirom.hypervisors.xen.clock import Clock
from vmirom.hypervisors.xen.console import Console
from vmirom.hypervisors.xen.events import Events
from vmirom.hypervisors.xen.hypercalls import Hypercalls
from vmirom.hypervisors.xen.layout import Hole
from vmirom.hypervisors.xen.machine import Machine
from vmirom.hypervisors.xen.mmu import Mmu
from vmirom.hypervisors.xen.pages import Owner
from vmirom.hypervisors.xen.physdev import Devices
from vmirom.hypervisors.xen.privileged import Privileged
from vmirom.hypervisors.xen.registers import Registers
from vmirom.hypervisors.xen.release import Release
from vmirom.hypervisors.xen.scheduling import Scheduling
from vmirom.hypervisors.xen.segments import Segments
from vmirom.hypervisors.xen.shared import SharedInfo
from vmirom.hypervisors.xen.space import Space
from vmirom.hypervisors.xen.tables import Tables
from vmirom.hypervisors.xen.traps import Traps
from vmirom.machine.engine import Engine
from vmirom.machine.memory import Memory

__all__ = ["Domain", "Given"]


@dataclass(frozen=True, slots=True)
class Given:
    """What a domain is made from."""

    memory: Memory
    engine: Engine
    machine: Machine
    hole: Hole
    output: Output
    trace: Trace
    release: Release


class Domain:
    """One initial domain with one virtual CPU."""

    def __init__(self, given: Given) -> None:
        machine = given.machine
        self.memory = given.memory
        self.engine = given.engine
        self.hole = given.hole
        self.trace = given.trace
        self.release = given.release
        self.tables = Tables(given.memory, machine.frames, given.engine.flush_tlb, given.hole)
        self.tables.freed = self._freed
        self.m2p_frames = machine.m2p_frames
        self._m2p = machine.m2p_frames[0] << 12
        machine.mark(self.tables)
        self.free = machine.free_frames()
        self.grant_frame = machine.grants
        self.grant_version = 1
        self.held = len(machine.p2m)
        self.maximum = len(machine.p2m)
        self.space = Space(given.memory, given.engine, machine.pdpt << 12, given.hole)
        self.shared = SharedInfo(given.memory, machine.shared_info << 12)
        self.clock = Clock(given.engine, self.shared)
        self.segments: Segments = Segments(
            self, machine.window, machine.reserved_gdt, machine.empty, machine.tss
        )
        self.traps: Traps = Traps(self)
        self.registers: Registers = Registers(self)
        self.mmu: Mmu = Mmu(self)
        self.events: Events = Events(self)
        self.scheduling: Scheduling = Scheduling(self)
        self.console: Console = Console(self, given.output)
        self.privileged: Privileged = Privileged(self)
        self.hypercalls: Hypercalls = Hypercalls(self)
        self.devices = Devices()
        self.memory_map: bytes | None = None
        self.deadline_ns: int | None = None

    def check_time(self) -> None:
        """For hypercalls that may take long: raise Ended when the run's time is up."""
        if self.deadline_ns is not None and self.engine.clock.now_ns() >= self.deadline_ns:
            raise Ended(Ending(EndKind.BUDGET, "inside a long hypercall when the time was up"))

    # Frames

    def set_m2p(self, frame: int, pfn: int) -> None:
        """Write the machine-to-physical entry of ``frame``."""
        self.memory.put32(self._m2p + frame * 4, pfn)

    def m2p(self, frame: int) -> int:
        """Read it."""
        return self.memory.u32(self._m2p + frame * 4)

    def allocate(self, count: int) -> list[int] | None:
        """``count`` contiguous frames, aligned to ``count``, for the domain; None where there are none."""
        if self.held + count > self.maximum:
            return None
        frames = self.take_fresh(count)
        for frame in frames or ():
            self._own(frame)
        return frames

    def take_fresh(self, count: int) -> list[int] | None:
        """``count`` contiguous free frames, aligned to ``count``, which are nobody's for the moment."""
        free = set(self.free) if count > 1 else None
        for first in self.free:
            if first % count == 0 and (free is None or all(first + i in free for i in range(count))):
                frames = list(range(first, first + count))
                break
        else:
            return None
        for frame in frames:
            self.free.remove(frame)
        return frames

    def put_back(self, frames: list[int]) -> None:
        """Frames of :meth:`take_fresh` that nobody took."""
        self.free.extend(frames)

    def receive(self, frames: list[int], pfn: int) -> None:
        """Frames of :meth:`take_fresh` become the domain's, for its pages from ``pfn`` on."""
        for i, frame in enumerate(frames):
            self._own(frame)
            self.set_m2p(frame, pfn + i & 0xFFFFFFFF)

    def _own(self, frame: int) -> None:
        self.tables.give(frame, Owner.DOMAIN)
        self.memory.write(frame << 12, bytes(4096))
        self.held += 1

    def give_up(self, frame: int) -> None:
        """The domain returns a frame it owns; it counts as held until nothing refers to it any more."""
        self.set_m2p(frame, 0xFFFFFFFF)
        self.tables.take_back(frame)

    def _freed(self, frame: int) -> None:
        self.held -= 1
        self.free.append(frame)

    def write_quietly(self, gva: int, data: bytes) -> None:
        """Store where the guest asked to be told something; nothing happens if that place has gone."""
        try:
            self.space.write(gva, data)
        except GuestFault as fault:
            self.trace.event("device", f"shared area: {fault}")
