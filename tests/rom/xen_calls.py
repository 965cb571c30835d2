"""Xen as it answers everything that is about no page table, for the Xen ROM's C on the host."""

from __future__ import annotations

import struct
from typing import Final

from tests.rom.hostc import Library
from tests.rom.xen_machine import LINEAR, WINDOW, Machine, P, Refused
from vmirom.overlays import xen
from vmirom.overlays.xen import (
    Consoleio,
    Errno,
    Evtchnop,
    Hypercall,
    Mmuext,
    Physdevop,
    Schedop,
    TrapFlag,
    Vcpuop,
    Virq,
    Xenver,
)

__all__ = [
    "BASE",
    "DTR",
    "ENTRIES",
    "HANDLERS",
    "IF",
    "INTERRUPT",
    "KHZ",
    "LDT",
    "MASK",
    "MEMORY",
    "POOL",
    "ROM",
    "TABLE",
    "TRAP",
    "CallMachine",
]

MEMORY: Final = 1024  # pages
POOL: Final = 32
TABLE: Final = 600 << 12
DTR: Final = 601 << 12
LDT: Final = 602 << 12
HANDLERS: Final = 0xC0280000
BASE: Final = 0x30
"""Vector of IRQ 0."""
ROM: Final = WINDOW + (16 << 12)
ENTRIES: Final = {14: ROM + 16, 7: ROM + 32}
"""Vectors that come to the ROM first, and where."""
IF: Final = 0x200
MASK: Final = int(TrapFlag.MASK_EVENTS)
INTERRUPT, TRAP = 0x8E00, 0x8F00
KHZ: Final = 1_000_000


class CallMachine(Machine):
    """Xen as it answers everything that is about no page table. ``old``: it knows three hypercalls in their
    first form only."""

    def __init__(self, lib: Library, old: bool = False) -> None:
        self._clear(old)
        super().__init__(lib, MEMORY, POOL)
        self.update(self.pool_mfn[0], 24, self.pool_mfn[2] << 12 | P)  # the GDT's place in the window
        self.shared = memoryview(self.ffi.buffer(lib.host_at(WINDOW, 4096), 4096)).cast("B")
        lib.set_khz(KHZ)

    def _clear(self, old: bool = False) -> None:
        """Nothing has been asked yet."""
        self.old = old
        self.traps: dict[int, tuple[int, int, int]] = {}
        self.ports: dict[int, int] = {}
        self.unmasked: set[int] = set()
        self.shutdowns: list[int] = []
        self.iopl = self.ts = 0
        self.stack: tuple[int, int] | None = None
        self.printed, self.typed = bytearray(), bytearray()
        self.descriptors: dict[int, int] = {}
        self.ldt = (0, 0)
        self.due: int | None = None
        self.virt_start = 0xF5800000
        self.handled: list[int] = []
        self.mask_within: list[bool] = []

    # Xen

    def _words(self, gva: int, count: int) -> tuple[int, ...]:
        return struct.unpack(f"<{count}I", self._bytes(gva, 4 * count))

    def _answer(self, number: Hypercall, a: int, b: int, c: int, d: int) -> int:
        known = {
            Hypercall.EVENT_CHANNEL_OP: Hypercall.EVENT_CHANNEL_OP_COMPAT,
            Hypercall.PHYSDEV_OP: Hypercall.PHYSDEV_OP_COMPAT,
            Hypercall.SCHED_OP: Hypercall.SCHED_OP_COMPAT,
        }
        if number in known and self.old:
            raise Refused(Errno.ENOSYS, "not in this Xen")
        match number:
            case Hypercall.SET_TRAP_TABLE:
                return self._set_traps(a)
            case Hypercall.FPU_TASKSWITCH:
                self.ts = a
            case Hypercall.STACK_SWITCH:
                self.stack = (a, b)
            case Hypercall.UPDATE_DESCRIPTOR:
                self.descriptors[a | b << 32] = c | d << 32
                mfn = (a | b << 32) >> 12
                self.write(mfn, (a & 0xFFF) >> 3, c | d << 32)
            case Hypercall.SET_CALLBACKS:
                pass
            case Hypercall.EVENT_CHANNEL_OP:
                return self._event(a, b)
            case Hypercall.EVENT_CHANNEL_OP_COMPAT:
                return self._event(self._words(a, 1)[0], a + 4)
            case Hypercall.PHYSDEV_OP:
                return self._physdev(a, b)
            case Hypercall.PHYSDEV_OP_COMPAT:
                return self._physdev(self._words(a, 1)[0], a + 4)
            case Hypercall.SCHED_OP:
                self._schedule(a, self._words(b, 1)[0] if a == Schedop.SHUTDOWN else 0)
            case Hypercall.SCHED_OP_COMPAT:
                self._schedule(a, b)
            case Hypercall.SET_TIMER_OP:
                at = a | b << 32
                self.due = at if at else None
            case Hypercall.VCPU_OP:
                return 0 if a == Vcpuop.REGISTER_RUNSTATE_MEMORY_AREA else -int(Errno.ENOSYS)
            case Hypercall.CONSOLE_IO:
                return self._console(a, b, c)
            case Hypercall.XEN_VERSION if a == Xenver.PLATFORM_PARAMETERS:
                self.ffi.memmove(self.lib.host_at(b, 4), struct.pack("<I", self.virt_start), 4)
            case Hypercall.XEN_VERSION:
                return 4 << 16 | 17
            case Hypercall.MMUEXT_OP if self._words(a, 1)[0] == Mmuext.SET_LDT:
                _, base, entries = self._words(a, 3)
                self.ldt = (base, entries)
            case _:
                return super()._answer(number, a, b, c, d)
        return 0

    def hypercall(self, number: int, a: int, b: int, c: int, d: int, e: int) -> int:
        result = super().hypercall(number, a, b, c, d, e)
        if not self.shutdowns:
            self.look()
        return result

    def _set_traps(self, at: int) -> int:
        if at == 0:
            self.traps.clear()
            return 0
        for n in range(257):
            vector, flags, selector, address = struct.unpack("<BBHI", self._bytes(at + 8 * n, 8))
            if address == 0:
                return 0
            assert n < 256 and selector & 3 == 1
            self.traps[vector] = (flags, selector, address)
        return 0

    def _event(self, command: int, at: int) -> int:
        if command == Evtchnop.BIND_VIRQ:
            virq, vcpu = self._words(at, 2)
            assert vcpu == 0
            self.ports[virq] = 3 + virq
            self.ffi.memmove(self.lib.host_at(at + 8, 4), struct.pack("<I", 3 + virq), 4)
        elif command == Evtchnop.UNMASK:
            self.unmasked.add(self._words(at, 1)[0])
        else:
            raise AssertionError(f"event channel command {command}")
        return 0

    def _physdev(self, command: int, at: int) -> int:
        assert command == Physdevop.SET_IOPL
        (self.iopl,) = self._words(at, 1)
        return 0

    def _schedule(self, command: int, reason: int) -> None:
        if command == Schedop.SHUTDOWN:
            self.shutdowns.append(reason)
            self.lib.end_machine()
            return
        assert command == Schedop.BLOCK
        self.masked = False
        if not self.pending:
            assert self.due is not None, "sleeps for ever"
            self.lib.set_counter(max(self.now, self.due), 0)

    def _console(self, command: int, length: int, at: int) -> int:
        if command == Consoleio.WRITE:
            self.printed += self._bytes(at, length)
            return 0
        taken, self.typed = self.typed[:length], self.typed[length:]
        self.ffi.memmove(self.lib.host_at(at, length), bytes(taken), len(taken))
        return len(taken)

    # the shared page

    @property
    def now(self) -> int:
        return int(self.lib.cpu_tsc())

    def _byte(self, field: str) -> int:
        return int(xen.ffi.offsetof("struct xen_vcpu_info", field))

    @property
    def pending(self) -> bool:
        return bool(self.shared[self._byte("evtchn_upcall_pending")])

    @property
    def masked(self) -> bool:
        return bool(self.shared[self._byte("evtchn_upcall_mask")])

    @masked.setter
    def masked(self, value: bool) -> None:
        self.shared[self._byte("evtchn_upcall_mask")] = int(value)

    def raise_event(self, port: int) -> None:
        at = int(xen.ffi.offsetof("struct xen_shared_info", "evtchn_pending")) + port // 32 * 4
        (word,) = struct.unpack_from("<I", self.shared, at)
        struct.pack_into("<I", self.shared, at, word | 1 << port % 32)
        self.shared[self._byte("evtchn_upcall_pending")] = 1

    def tell_time(self, tsc: int = 0, ns: int = 0, version: int = 2) -> None:
        """vcpu_info's clock at 1 ns a cycle."""
        at = int(xen.ffi.offsetof("struct xen_vcpu_info", "time"))
        struct.pack_into("<IIQQIb", self.shared, at, version, 0, tsc, ns, 1 << 31, 1)

    def look(self) -> None:
        """Before Xen goes back to the guest: the timer, then upcalls while one is due and not masked."""
        if self.due is not None and self.now >= self.due:
            self.due = None
            self.raise_event(self.ports[Virq.TIMER])
        while self.pending and not self.masked:
            self.masked = True
            handler = self.lib.upcall(IF)
            if handler:
                assert HANDLERS <= handler < HANDLERS + 256
                self.handled.append(handler - HANDLERS)
                self.mask_within.append(self.masked)
                self.lib.port_out(0x20, 1, 0x20)
            self.masked = False

    # the guest

    def put(self, gpa: int, data: bytes) -> None:
        self.ffi.memmove(self.lib.host_at(LINEAR + gpa, len(data)), data, len(data))

    def get(self, gpa: int, length: int) -> bytes:
        return self._bytes(LINEAR + gpa, length)

    def load(self, name: str, base: int, limit: int) -> None:
        self.put(DTR, struct.pack("<HI", limit, base))
        getattr(self.lib, f"vmi_Set{name}")(LINEAR + DTR)

    def settle(self, kind: int = INTERRUPT) -> None:
        """Events bound, a gate for every vector, IRQ 0 open at BASE; events masked."""
        self.masked = True
        self.tell_time()
        self.lib.events_start()
        for vector in range(256):
            at = HANDLERS + vector
            self.put(TABLE + 8 * vector, struct.pack("<II", 0x610000 | at & 0xFFFF, at & 0xFFFF0000 | kind))
        self.load("IDT", LINEAR + TABLE, 8 * 256 - 1)
        for port, value in ((0x20, 0x11), (0x21, BASE), (0x21, 4), (0x21, 1), (0x21, 0xFE)):
            self.lib.port_out(port, 1, value)

    def enable(self) -> None:
        """EnableInterrupts, as entry.S has it."""
        self.masked = False
        if self.pending:
            self.look()

    def run_to(self, target: int) -> None:
        """The guest computes until then; Xen's timer comes when it is due."""
        while self.due is not None and self.due <= target:
            self.lib.set_counter(max(self.now, self.due), 0)
            self.look()
        self.lib.set_counter(max(self.now, target), 0)
        self.look()
