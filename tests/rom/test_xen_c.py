"""The Xen ROM's traps, descriptors, events, time and ends on the host, over the Xen of xen_machine."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rom.hostc import Library
from tests.rom.xen_machine import LINEAR, WINDOW, Machine, P, Refused, compile_host
from vmirom.overlays import xen
from vmirom.overlays.vmi import LazyMode
from vmirom.overlays.xen import (
    Consoleio,
    Errno,
    Evtchnop,
    Hypercall,
    Mmuext,
    Physdevop,
    Schedop,
    Selector,
    Shutdown,
    TrapFlag,
    Vcpuop,
    Virq,
    Xenver,
)

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
        super().__init__(lib, MEMORY, POOL)
        self.update(self.pool_mfn[0], 24, self.pool_mfn[2] << 12 | P)  # the GDT's place in the window
        self.shared = memoryview(self.ffi.buffer(lib.host_at(WINDOW, 4096), 4096)).cast("B")
        lib.set_khz(KHZ)

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


@pytest.fixture(scope="module")
def lib() -> Library:
    return compile_host()


@pytest.fixture(scope="module")
def machines(lib: Library) -> Iterator[Any]:
    """Makes machines; the one before is closed."""
    made: list[CallMachine] = []

    def make(old: bool = False) -> CallMachine:
        while made:
            made.pop().close()
        made.append(CallMachine(lib, old))
        return made[0]

    yield make
    while made:
        made.pop().close()


# -- traps ----------------------------------------------------------------------------------------------

kinds = st.sampled_from([0x8E00, 0x8F00, 0xEE00, 0xEF00, 0x0E00, 0x8500, 0x8C00, 0])
words = st.integers(0, 0xFFFFFFFF)
gates = st.tuples(
    st.one_of(st.integers(0, 255), st.sampled_from([7, 14, 255])),
    words,
    st.one_of(words, st.tuples(st.integers(0, 0xFFFF), kinds).map(lambda parts: parts[0] << 16 | parts[1])),
)


def expected_trap(vector: int, low: int, high: int) -> tuple[int, int, int] | None:
    """Xen's entry for a guest's gate: flags, selector, address."""
    usable = bool(high & 0x8000) and high >> 8 & 0x1F in (0x0E, 0x0F)
    if vector == 14 or (vector == 7 and usable):
        return (high >> 13 & 3 if usable else 0) | MASK, int(Selector.KERNEL_CS), ENTRIES[vector]
    address = high & 0xFFFF0000 | low & 0xFFFF
    if not usable or address == 0:
        return None
    return high >> 13 & 3 | (MASK if high >> 8 & 0x1F == 0x0E else 0), low >> 16 & ~3 | 1, address


@settings(max_examples=40)
@given(
    first=st.lists(gates, max_size=12),
    limit=st.sampled_from([0, 7, 8 * 14 + 7, 8 * 33 - 1, 8 * 256 - 1, 0xFFFF]),
    later=st.lists(gates, max_size=10),
)
def test_xens_traps_are_the_guests_gates(
    machines: Any, first: list[tuple[int, int, int]], limit: int, later: list[tuple[int, int, int]]
) -> None:
    """All 256 after SetIDT, each after WriteIDTEntry; one that was taken away is gone."""
    xen_machine = machines()
    lib = xen_machine.lib
    table = [(0, 0)] * 256
    for vector, low, high in first:
        table[vector] = (low, high)
        xen_machine.put(TABLE + 8 * vector, struct.pack("<II", low, high))
    xen_machine.load("IDT", LINEAR + TABLE, limit)
    for vector, low, high in later:
        table[vector] = (low, high)
        lib.vmi_WriteIDTEntry(LINEAR + TABLE, vector, low, high)
        assert xen_machine.get(TABLE + 8 * vector, 8) == struct.pack("<II", low, high)
    shown = [(low, high) if 8 * vector + 7 <= limit else (0, 0) for vector, (low, high) in enumerate(table)]
    wanted = {vector: expected_trap(vector, *gate) for vector, gate in enumerate(shown)}
    selectors = {v: (flags, selector, at) for v, (flags, selector, at) in xen_machine.traps.items()}
    assert selectors == {vector: entry for vector, entry in wanted.items() if entry is not None}
    lib.vmi_GetIDT(LINEAR + DTR)
    assert xen_machine.get(DTR, 6) == struct.pack("<HI", limit, LINEAR + TABLE)


@given(cr0=words, at_fault=st.booleans())
def test_task_switched_is_as_the_guest_set_it_after_a_fault_too(
    machines: Any, cr0: int, at_fault: bool
) -> None:
    """Xen clears TS when it delivers the fault; a processor does not."""
    xen_machine = machines()
    xen_machine.settle()
    xen_machine.lib.vmi_SetCR0(cr0)
    assert xen_machine.ts == bool(cr0 & 8)
    if at_fault and cr0 & 8:
        xen_machine.ts = 0
        assert xen_machine.lib.fpu_fault(2) == HANDLERS + 7
        assert xen_machine.ts == 1
    xen_machine.lib.vmi_CLTS()
    assert xen_machine.ts == 0
    assert xen_machine.lib.vmi_GetCR0() == (cr0 | 0x80010001) & ~8


# -- descriptors ----------------------------------------------------------------------------------------


def machine_descriptor(low: int, high: int) -> int:
    """Code and data with DPL 1 for 0 and the accessed bit; nothing for what Xen keeps to itself."""
    if not high & 0x1000 or high & 0x200000:
        return 0
    high |= 0x100
    if not high & 0x6000:
        high |= 0x2000
    return high << 32 | low


entries = st.tuples(st.integers(0, 40), words, words)


@settings(max_examples=60)
@given(
    first=st.lists(entries, max_size=20),
    limit=st.sampled_from([0, 7, 8 * 20 + 7, 8 * 32 - 1, 0xFFF, 0xFFFF]),
    later=st.lists(entries, max_size=30),
    lazy=st.sampled_from(list(LazyMode)),
)
def test_xens_descriptors_are_the_guests(
    machines: Any,
    first: list[tuple[int, int, int]],
    limit: int,
    later: list[tuple[int, int, int]],
    lazy: LazyMode,
) -> None:
    """In both tables, as soon as no lazy mode holds them back."""
    xen_machine = machines()
    lib = xen_machine.lib
    table = [(0, 0)] * 512
    for entry, low, high in first:
        table[entry] = (low, high)
        xen_machine.put(TABLE + 8 * entry, struct.pack("<II", low, high))
    xen_machine.load("GDT", LINEAR + TABLE, limit)
    assert lib.segment_reloads() == 1
    lib.vmi_SetLazyMode(lazy)
    for entry, low, high in later:
        table[entry] = (low, high)
        lib.vmi_WriteGDTEntry(LINEAR + TABLE, entry, low, high)
        assert xen_machine.get(TABLE + 8 * entry, 8) == struct.pack("<II", low, high)
    lib.vmi_SetLazyMode(LazyMode.NONE)
    for entry, (low, high) in enumerate(table):
        wanted = machine_descriptor(low, high) if 8 * entry + 7 <= limit else 0
        assert xen_machine.read(xen_machine.pool_mfn[2], entry) == wanted, entry
    lib.vmi_GetGDT(LINEAR + DTR)
    assert xen_machine.get(DTR, 6) == struct.pack("<HI", limit, LINEAR + TABLE)


@settings(max_examples=60)
@given(
    selector=st.sampled_from([0, 4, 0x60, 0x88, 0x8B, 0xFFF8]),
    count=st.sampled_from([0, 1, 3, 512, 600]),
    kind=st.sampled_from([0x82, 0x89, 0x02, 0x9B]),
    first=st.lists(entries, max_size=10),
    later=st.lists(entries, max_size=10),
)
def test_a_local_table_is_the_guests(
    machines: Any,
    selector: int,
    count: int,
    kind: int,
    first: list[tuple[int, int, int]],
    later: list[tuple[int, int, int]],
) -> None:
    xen_machine = machines()
    lib = xen_machine.lib
    table = [(0, 0)] * 600
    for entry, low, high in first:
        table[entry] = (low, high)
        xen_machine.put(LDT + 8 * entry, struct.pack("<II", low, high))
    limit, base = max(8 * count - 1, 0), LINEAR + LDT
    descriptor = (limit | (base & 0xFFFF) << 16, base & 0xFF000000 | kind << 8 | base >> 16 & 0xFF)
    xen_machine.put(TABLE + 0x88, struct.pack("<II", *descriptor))
    xen_machine.load("GDT", LINEAR + TABLE, 8 * 32 - 1)
    lib.vmi_SetLDT(selector)
    assert lib.vmi_GetLDT() == selector
    there = selector & ~7 == 0x88 and kind == 0x82
    size = (limit + 1) // 8 if there else 0
    for entry, low, high in later:
        lib.vmi_WriteLDTEntry(base, entry, low, high)
        table[entry] = (low, high)
    base_now, entries_now = xen_machine.ldt
    assert entries_now == size
    for entry in range(size):
        machine = struct.unpack("<Q", xen_machine._bytes(base_now + 8 * entry, 8))[0]
        assert machine == machine_descriptor(*table[entry]), entry


# -- the flag, and what comes through it ----------------------------------------------------------------

STEP: Final = 1_000_000
SLACK: Final = 1000
actions = st.one_of(
    st.tuples(st.just("alarm"), st.integers(-2, 6)),
    st.tuples(st.just("run"), st.integers(0, 8)),
    st.tuples(st.just("enable")),
    st.tuples(st.just("disable")),
    st.tuples(st.just("halt")),
    st.tuples(st.just("call")),
    st.tuples(st.just("type")),
)


@settings(max_examples=80)
@given(
    history=st.lists(actions, min_size=20, max_size=50),
    kind=st.sampled_from([INTERRUPT, TRAP]),
    old=st.booleans(),
)
def test_every_alarm_is_one_interrupt_as_soon_as_the_flag_allows(
    machines: Any, history: list[tuple[Any, ...]], kind: int, old: bool
) -> None:
    """None lost, none twice, none early, on a Xen of whatever age."""
    xen_machine = machines(old)
    lib = xen_machine.lib
    xen_machine.settle(kind)
    assert xen_machine.unmasked == set(xen_machine.ports.values()) and len(xen_machine.ports) == 2
    expiry: int | None = None
    requested = False
    handled = 0
    for action in history:
        now = xen_machine.now
        match action:
            case ("alarm", steps):
                if expiry is not None and now >= expiry:
                    requested = True
                expiry = max(0, now + steps * STEP)
                lib.vmi_SetAlarm(0, expiry & 0xFFFFFFFF, expiry >> 32, 0, 0)
            case ("run", steps):
                xen_machine.run_to(now + steps * STEP + SLACK)
            case ("enable",):
                xen_machine.enable()
            case ("disable",):
                xen_machine.masked = True
            case ("call",):
                lib.port_in(0x20, 1)
            case ("type",):
                xen_machine.typed += b"x"
                xen_machine.raise_event(xen_machine.ports[Virq.CONSOLE])
                xen_machine.look()
            case ("halt",):
                if expiry is None and not requested:
                    continue
                before = len(xen_machine.handled)
                assert lib.ended_halting() == 0
                assert len(xen_machine.handled) == before + 1
                assert not xen_machine.masked
        if expiry is not None and 0 <= expiry - xen_machine.now < SLACK:
            xen_machine.run_to(expiry + SLACK)
        if expiry is not None and xen_machine.now >= expiry:
            expiry, requested = None, True
        if requested and not xen_machine.masked:
            requested = False
            handled += 1
        assert len(xen_machine.handled) == handled, action
    assert set(xen_machine.handled) <= {BASE}
    assert set(xen_machine.mask_within) <= {kind == INTERRUPT}


def test_an_interrupt_without_a_handler_ends_the_domain_with_a_word(machines: Any) -> None:
    xen_machine = machines()
    xen_machine.settle()
    xen_machine.lib.vmi_WriteIDTEntry(LINEAR + TABLE, BASE, 0, 0)
    xen_machine.lib.vmi_SetAlarm(0, 0, 0, 0, 0)
    assert xen_machine.lib.ended_by_upcall(IF)
    assert bytes(xen_machine.printed) == b"vmi: interrupt without a handler\n"
    assert xen_machine.shutdowns == [Shutdown.CRASH]


# -- time -----------------------------------------------------------------------------------------------


@given(
    wall=st.tuples(st.integers(0, 0xFFFFFFFF), st.integers(0, 999_999_999)),
    stamp=st.integers(0, 1 << 60),
    ns=st.integers(0, 1 << 60),
    elapsed=st.integers(0, 1 << 40),
)
def test_the_wallclock_is_xens(
    machines: Any, wall: tuple[int, int], stamp: int, ns: int, elapsed: int
) -> None:
    xen_machine = machines()
    xen_machine.tell_time(stamp, ns)
    at = int(xen.ffi.offsetof("struct xen_shared_info", "wc_version"))
    struct.pack_into("<III", xen_machine.shared, at, 2, *wall)
    xen_machine.lib.set_counter(stamp + elapsed, 0)
    total = wall[0] * 10**9 + wall[1] + ns + elapsed
    assert xen_machine.lib.platform_wallclock() == total & (1 << 64) - 1


# -- console and ends -----------------------------------------------------------------------------------


@given(text=st.binary(max_size=300), typed=st.binary(max_size=20))
def test_the_console_is_xens(machines: Any, text: bytes, typed: bytes) -> None:
    """Nothing is asked for before Xen has told of input."""
    xen_machine = machines()
    xen_machine.settle()
    lib = xen_machine.lib
    lib.platform_console(lib.ffi.from_buffer("uint8_t[]", bytearray(text)), len(text))
    assert bytes(xen_machine.printed) == text
    assert lib.platform_console_read() == -1
    xen_machine.typed += typed
    asked = len(xen_machine.hypercalls)
    assert lib.platform_console_read() == -1 and len(xen_machine.hypercalls) == asked
    xen_machine.raise_event(xen_machine.ports[Virq.CONSOLE])
    xen_machine.masked = False
    xen_machine.look()
    read = []
    while lib.port_in(0x3FD, 1) & 1:
        read.append(lib.port_in(0x3F8, 1))
    assert bytes(read) == typed


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize(
    ("how", "reason"),
    [("rebooting", Shutdown.REBOOT), ("by_shutdown", Shutdown.POWEROFF), ("by_exit", Shutdown.POWEROFF)],
)
def test_each_end_has_its_reason(machines: Any, old: bool, how: str, reason: Shutdown) -> None:
    xen_machine = machines(old)
    xen_machine.settle()
    xen_machine.lib.port_out(0x3F8, 1, ord("x"))
    arguments = () if how == "by_shutdown" else (17,)
    assert getattr(xen_machine.lib, f"ended_{how}")(*arguments)
    assert xen_machine.shutdowns == [reason]
    assert bytes(xen_machine.printed) == b"x", "what was said before is heard"
    if how == "by_exit":
        assert (xen_machine.lib.exit_status(), xen_machine.iopl) == (17, 1)


@given(mask=words, old=st.booleans())
def test_io_privilege_is_asked_for_in_the_form_that_xen_knows(machines: Any, mask: int, old: bool) -> None:
    xen_machine = machines(old)
    xen_machine.lib.vmi_SetIOPLMask(mask)
    assert xen_machine.iopl == mask >> 12 & 3


# -- what can't be booted -------------------------------------------------------------------------------


@given(
    virt_start=st.one_of(st.sampled_from([0xF5800000, 0xF57FFFFF, 0xFC000000, 0]), words),
    pages=st.integers(0, 128),
    stack_pages=st.integers(1, 900),
)
def test_a_domain_that_cannot_hold_the_rom_ends_with_a_word(
    machines: Any, virt_start: int, pages: int, stack_pages: int
) -> None:
    """Xen's range in the window's place, or less memory than the pool takes: told, then a crash."""
    xen_machine = machines()
    xen_machine.virt_start = virt_start
    info = xen.ffi.new("struct xen_start_info *")
    info.nr_pages, info.mfn_list, info.pt_base = pages, LINEAR + TABLE, LINEAR
    xen_machine.put(DTR & ~0xFFF, bytes(xen.ffi.buffer(info)))
    assert xen_machine.lib.ended_starting(LINEAR + (DTR & ~0xFFF), LINEAR + (stack_pages << 12))
    range_taken = virt_start < WINDOW + (1 << 22)
    said = "this Xen's range begins below 0xF5800000" if range_taken else "not enough memory"
    assert bytes(xen_machine.printed).decode() == f"vmi: {said}\n"
    assert xen_machine.shutdowns == [Shutdown.CRASH]


@given(khz=st.integers(1_000_000, 6_000_000))
def test_the_rate_is_xens(machines: Any, khz: int) -> None:
    xen_machine = machines()
    scaled = min((1_000_000 << 32) // khz, 0xFFFFFFFF)
    at = int(xen.ffi.offsetof("struct xen_vcpu_info", "time"))
    struct.pack_into("<IIQQIb", xen_machine.shared, at, 2, 0, 0, 0, scaled, 0)
    xen_machine.lib.time_start()
    assert abs(xen_machine.lib.khz() - khz) <= 1
